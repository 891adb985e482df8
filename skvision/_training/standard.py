"""Means and standard deviations of columns, and standardization of rows.

All standard deviations in the package are computed here. A column is constant if its
minimum and maximum are equal, not if its variance is below a tolerance: due to
rounding, the variance of a constant column can be as large as that of a column that
varies in its last digits.

All computations are in float64, and each column is scaled by a power of two so that its
values are about one. This scaling is exact, and it prevents the squares of values up to
1e308 or down to 1e-323 from overflowing or underflowing.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skvision._training.rows import Rows

Array = NDArray[np.floating]
Vector = NDArray[np.float64]

MAX_EXPONENT = 1000  # of a scale, so that its inverse is finite too
SMALLEST = 5e-324  # the smallest positive number


class Spread(NamedTuple):
    """Minimum, maximum, mean and standard deviation of each column.

    Attributes
    ----------
    low, high : ndarray of shape (d,), float64
        The minimum and maximum.
    mean, deviation : ndarray of shape (d,), float64
        The mean and standard deviation. For a constant column they are exactly its
        value and 0.
    """

    low: Vector
    high: Vector
    mean: Vector
    deviation: Vector


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


def learn_spread(
    X: NDArray[Any], sample_weight: Array, n_channels: int | None = None
) -> Spread:
    """Compute the `Spread` of columns or of channels.

    Parameters
    ----------
    X : ndarray of shape (n, d), uint8, float32 or float64
        Rows, which are read in blocks.
    sample_weight : ndarray of shape (n,)
        Non-negative weights of the rows, which sum to one. Rows of weight zero are
        ignored.
    n_channels : int or None, default=None
        Number of channels. All columns of a channel have the same statistics. None
        computes separate statistics for each column.

    Returns
    -------
    spread : Spread
        The statistics, with one value for each column.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0, 9], [4, 9]], np.uint8)
    >>> spread = learn_spread(X, np.full(2, 0.5))
    >>> print(spread.mean, spread.deviation)
    [2. 9.] [2. 0.]
    """

    def by_channel(values: Vector, join: Any) -> Vector:
        if n_channels is None:
            return values
        joined = join(values.reshape(-1, n_channels), axis=0)
        return np.tile(joined, len(values) // n_channels)

    low, high = _extremes(X, sample_weight)
    low, high = by_channel(low, np.min), by_channel(high, np.max)
    unit = unit_of(np.maximum(np.abs(low), np.abs(high)))
    # Moments about the minimum are exactly 0 for constant columns.
    sums, _ = _moments(X, sample_weight, unit, low * unit)
    mean = np.clip(low * unit + by_channel(sums, np.mean), low * unit, high * unit)
    sums, squares = _moments(X, sample_weight, unit, mean)
    rest = by_channel(sums, np.mean)  # rounding error of the mean
    variance = np.maximum(by_channel(squares, np.mean) - rest * rest, 0)
    deviation = np.where(low == high, 0, np.sqrt(variance) / unit)
    return Spread(low, high, mean / unit, deviation)


def learn_standard(
    X: NDArray[Any], sample_weight: Array, n_channels: int | None
) -> Standard:
    """Compute the mean and standard deviation of columns or of channels.

    Parameters
    ----------
    X, sample_weight, n_channels
        As in `learn_spread`.

    Returns
    -------
    standard : Standard
        The mean and standard deviation. The latter is 1 for constant columns.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0, 9], [4, 9]], np.uint8)
    >>> standard = learn_standard(X, np.full(2, 0.5), None)
    >>> print(standard.mean, standard.deviation)
    [2. 9.] [2. 1.]
    """
    spread = learn_spread(X, sample_weight, n_channels)
    deviation = np.where(spread.deviation > 0, spread.deviation, 1.0)
    return Standard(spread.mean, deviation)


def standardize(
    X: NDArray[Any],
    rows: slice | NDArray[np.integer],
    standard: Standard,
    out: Array,
) -> Array:
    """Standardize rows, write them to ``out`` and return it.

    ``out`` must be C-contiguous, float32 or float64. Results that are too large for its
    dtype are infinite, but intermediate results do not overflow.
    """
    from skvision._kernels.standardize import standardize_in_units, standardize_rows

    if isinstance(rows, slice) or not X.flags.c_contiguous:
        X = np.ascontiguousarray(X[rows])
        rows = np.arange(len(X))
    mean, deviation = standard.mean, np.maximum(standard.deviation, SMALLEST)
    if out.dtype == np.float32:  # intermediate results in float64 do not overflow
        standardize_rows(X, rows, mean, 1 / np.maximum(deviation, 1e-300), out)
        return out
    unit = unit_of(np.maximum(np.abs(mean), deviation))
    standardize_in_units(X, rows, unit, mean * unit, deviation * unit, out)
    return out


def unit_of(largest: Vector) -> Vector:
    """Return the power of two that scales values to about one."""
    _, exponent = np.frexp(largest)
    unit: Vector = np.ldexp(1.0, -np.clip(exponent, -MAX_EXPONENT, MAX_EXPONENT))
    return unit


def _extremes(X: NDArray[Any], sample_weight: Array) -> tuple[Vector, Vector]:
    """Return the minimum and maximum of each column, over rows of positive weight."""
    first = X[np.flatnonzero(sample_weight)[0]]
    low, high = first.copy(), first.copy()
    for block in Rows(X, None).blocks():
        counted = sample_weight[block] > 0
        part = X[block] if counted.all() else X[block][counted]
        if len(part):
            np.minimum(low, part.min(axis=0), out=low)
            np.maximum(high, part.max(axis=0), out=high)
    return low.astype(np.float64), high.astype(np.float64)


def _moments(
    X: NDArray[Any], sample_weight: Array, unit: Vector, center: Vector
) -> tuple[Vector, Vector]:
    """Return the weighted means of ``X * unit - center`` and of its squares."""
    from skvision._kernels.standardize import add_moments

    sums, squares = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    sample_weight = np.ascontiguousarray(sample_weight, np.float64)
    for block in Rows(X, None).blocks():
        rows = np.ascontiguousarray(X[block])
        add_moments(rows, sample_weight[block], unit, center, sums, squares)
    return sums, squares
