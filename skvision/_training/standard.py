"""Mean and standard deviation of columns: how they are learned, and rows divided by.

This is the only place where the package learns a standard deviation. A column is
constant where its smallest and its largest value are equal, never by a tolerance:
the variance that rounding gives to a constant column is as large as that of a column
which varies in its last digits, and tells nothing.

All is computed in float64, each column in a unit of its own, a power of two about as
large as its values. Multiplication by such a unit rounds nothing, and keeps squares of
values up to 1e308, or down to 1e-323, within what a float can hold.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skvision._training.rows import Rows

Array = NDArray[np.floating]
Vector = NDArray[np.float64]

MAX_EXPONENT = 1000  # of a unit; its inverse is finite, too
SMALLEST = 5e-324  # number above 0


class Spread(NamedTuple):
    """Where the values of each column lie.

    Attributes
    ----------
    low, high : ndarray of shape (d,), float64
        The smallest and the largest value.
    mean, deviation : ndarray of shape (d,), float64
        Mean and standard deviation. For a column of one value they are that value and
        0, exactly.
    """

    low: Vector
    high: Vector
    mean: Vector
    deviation: Vector


@dataclass(frozen=True)
class Standard:
    """What is subtracted from each column, and what it is divided by.

    Attributes
    ----------
    mean, deviation : ndarray of shape (d,), float64
        The deviation is not 0.
    """

    mean: Vector
    deviation: Vector


def learn_spread(
    X: NDArray[Any], sample_weight: Array, n_channels: int | None = None
) -> Spread:
    """Return where the values of columns, or of channels, lie.

    Parameters
    ----------
    X : ndarray of shape (n, d), uint8, float32 or float64
        Rows, read a block at a time.
    sample_weight : ndarray of shape (n,)
        What each row counts; not negative, adding up to one. Rows of share zero are
        not read: neither their values nor their number matters.
    n_channels : int or None, default=None
        Columns so many apart are of one channel, and share their statistics. None for
        columns that are each their own.

    Returns
    -------
    spread : Spread
        One value for each column.

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
    # About the smallest value the moments of a constant column are exactly 0.
    sums, _ = _moments(X, sample_weight, unit, low * unit)
    mean = np.clip(low * unit + by_channel(sums, np.mean), low * unit, high * unit)
    sums, squares = _moments(X, sample_weight, unit, mean)
    rest = by_channel(sums, np.mean)  # what rounding left out of the mean
    variance = np.maximum(by_channel(squares, np.mean) - rest * rest, 0)
    deviation = np.where(low == high, 0, np.sqrt(variance) / unit)
    return Spread(low, high, mean / unit, deviation)


def learn_standard(
    X: NDArray[Any], sample_weight: Array, n_channels: int | None
) -> Standard:
    """Return mean and standard deviation of columns, or of channels.

    Parameters
    ----------
    X, sample_weight, n_channels
        As in `learn_spread`.

    Returns
    -------
    standard : Standard
        The deviation is 1 for a column of one value.

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
    """Write rows less the mean, divided by the deviation, to ``out`` and return it.

    ``out`` is C-contiguous, float32 or float64. Where a result is larger than it can
    hold, it is infinite; no step on the way overflows.
    """
    from skvision._kernels.standardize import standardize_in_units, standardize_rows

    if isinstance(rows, slice) or not X.flags.c_contiguous:
        X = np.ascontiguousarray(X[rows])
        rows = np.arange(len(X))
    mean, deviation = standard.mean, np.maximum(standard.deviation, SMALLEST)
    if out.dtype == np.float32:  # float64 has room for all that it can hold
        standardize_rows(X, rows, mean, 1 / np.maximum(deviation, 1e-300), out)
        return out
    unit = unit_of(np.maximum(np.abs(mean), deviation))
    standardize_in_units(X, rows, unit, mean * unit, deviation * unit, out)
    return out


def unit_of(largest: Vector) -> Vector:
    """Return the power of two that brings values near one."""
    _, exponent = np.frexp(largest)
    unit: Vector = np.ldexp(1.0, -np.clip(exponent, -MAX_EXPONENT, MAX_EXPONENT))
    return unit


def _extremes(X: NDArray[Any], sample_weight: Array) -> tuple[Vector, Vector]:
    """Return the smallest and the largest value of each column, of rows that count."""
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
