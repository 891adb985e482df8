"""Standardization of rows by means and standard deviations of columns.

All computations are in float64, and each column is scaled by a power of two so that its
values are about one. This scaling is exact, and it prevents the squares of values up to
1e308 or down to 1e-323 from overflowing or underflowing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Vector = NDArray[np.float64]

MAX_EXPONENT = 1000  # of a scale, so that its inverse is finite too
SMALLEST = 5e-324  # the smallest positive number


@dataclass(frozen=True)
class Standard:
    """The mean and standard deviation by which columns are standardized.

    Attributes
    ----------
    mean, deviation : ndarray of shape (d,), float64
        The mean and standard deviation. The latter is not 0.
    """

    mean: Vector
    deviation: Vector


def standardize(
    X: NDArray[Any], index: NDArray[np.integer], standard: Standard, out: Array
) -> Array:
    """Standardize the rows ``index`` of an array, write them to ``out`` and return it.

    ``X`` and ``out`` must be C-contiguous, and ``out`` float32 or float64. Results that
    are too large for its dtype are infinite, but intermediate results do not overflow.
    """
    from skvision._kernels import read_only
    from skvision._kernels.standardize import standardize_in_units, standardize_rows

    X, mean = read_only(X), standard.mean
    deviation = np.maximum(standard.deviation, SMALLEST)
    if out.dtype == np.float32:  # intermediate results in float64 do not overflow
        standardize_rows(X, index, mean, 1 / np.maximum(deviation, 1e-300), out)
        return out
    unit = unit_of(np.maximum(np.abs(mean), deviation))
    standardize_in_units(X, index, unit, mean * unit, deviation * unit, out)
    return out


def unit_of(largest: Vector) -> Vector:
    """Return the power of two that scales values to about one."""
    _, exponent = np.frexp(largest)
    unit: Vector = np.ldexp(1.0, -np.clip(exponent, -MAX_EXPONENT, MAX_EXPONENT))
    return unit
