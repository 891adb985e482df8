"""Means, variances and extremes of the columns of a source, over weighted rows.

All standard deviations in the package are computed here. A column is constant if its
minimum and maximum are equal, not if its variance is below a tolerance: due to
rounding, the variance of a constant column can be as large as that of a column that
varies in its last digits.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skvision._training.sources import BLOCK_BYTES, Centered, Index, Source
from skvision._training.standard import Standard, unit_of

Array = NDArray[np.floating]
Vector = NDArray[np.float64]

MAX_SUMMANDS = 128  # in a sum in float32


def weighted_mean(rows: Centered, sample_weight: Array) -> Vector:
    """Return the weighted mean of rows, for weights that sum to one.

    It is computed from the differences to the first row, so that the mean of a constant
    column is exact. Rows of weight zero are not taken.
    """
    first = rows.take(np.flatnonzero(sample_weight)[:1])[0].astype(np.float64)
    center = first if rows.center is None else first + rows.center
    from_first = Centered(rows.source, center)
    total = np.zeros(rows.n_features)
    for counted in _counted(_short_blocks(rows), sample_weight):
        x = from_first.take(counted)
        total += sample_weight[counted].astype(x.dtype, copy=False) @ x
    total += first
    return total


def column_variances(rows: Centered, sample_weight: Array) -> Vector:
    """Return the weighted mean square of each column."""
    total = np.zeros(rows.n_features)
    for block in _short_blocks(rows):
        x = rows.take(block)
        total += sample_weight[block].astype(x.dtype, copy=False) @ (x * x)
    return total


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


def learn_spread(
    source: Source, sample_weight: Array, n_channels: int | None = None
) -> Spread:
    """Compute the `Spread` of columns or of channels.

    Parameters
    ----------
    source : Source
        The rows.
    sample_weight : ndarray of shape (n,)
        Non-negative weights of the rows, which sum to one. Rows of weight zero are not
        taken.
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
    >>> from skvision._training.sources import ArraySource
    >>> source = ArraySource(np.array([[0, 9], [4, 9]], np.uint8))
    >>> spread = learn_spread(source, np.full(2, 0.5))
    >>> print(spread.mean, spread.deviation)
    [2. 9.] [2. 0.]
    """

    def by_channel(values: Vector, join: Any) -> Vector:
        if n_channels is None:
            return values
        joined = join(values.reshape(-1, n_channels), axis=0)
        return np.tile(joined, len(values) // n_channels)

    low, high = _extremes(source, sample_weight)
    low, high = by_channel(low, np.min), by_channel(high, np.max)
    unit = unit_of(np.maximum(np.abs(low), np.abs(high)))
    # Moments about the minimum are exactly 0 for constant columns.
    sums, _ = _moments(source, sample_weight, unit, low * unit)
    mean = np.clip(low * unit + by_channel(sums, np.mean), low * unit, high * unit)
    sums, squares = _moments(source, sample_weight, unit, mean)
    rest = by_channel(sums, np.mean)  # rounding error of the mean
    variance = np.maximum(by_channel(squares, np.mean) - rest * rest, 0)
    deviation = np.where(low == high, 0, np.sqrt(variance) / unit)
    return Spread(low, high, mean / unit, deviation)


def learn_standard(
    source: Source, sample_weight: Array, n_channels: int | None
) -> Standard:
    """Compute the mean and standard deviation of columns or of channels.

    Parameters
    ----------
    source, sample_weight, n_channels
        As in `learn_spread`.

    Returns
    -------
    standard : Standard
        The mean and standard deviation. The latter is 1 for constant columns.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision._training.sources import ArraySource
    >>> source = ArraySource(np.array([[0, 9], [4, 9]], np.uint8))
    >>> standard = learn_standard(source, np.full(2, 0.5), None)
    >>> print(standard.mean, standard.deviation)
    [2. 9.] [2. 1.]
    """
    spread = learn_spread(source, sample_weight, n_channels)
    deviation = np.where(spread.deviation > 0, spread.deviation, 1.0)
    return Standard(spread.mean, deviation)


def _short_blocks(rows: Source) -> Iterator[slice]:
    """Yield blocks that are small enough for accurate sums in float32."""
    row_bytes = rows.n_features * rows.dtype.itemsize
    return rows.blocks(min(BLOCK_BYTES, MAX_SUMMANDS * row_bytes))


def _counted(blocks: Iterator[slice], sample_weight: Array) -> Iterator[Index]:
    """Yield the rows of positive weight of each block that has any."""
    for block in blocks:
        counted = np.flatnonzero(sample_weight[block]) + block.start
        if len(counted) == block.stop - block.start:
            yield block
        elif len(counted):
            yield counted


def _extremes(source: Source, sample_weight: Array) -> tuple[Vector, Vector]:
    """Return the minimum and maximum of each column, over rows of positive weight."""
    parts = map(source.take, _counted(source.blocks(), sample_weight))
    first = next(parts)
    low, high = first.min(axis=0), first.max(axis=0)
    for x in parts:
        np.minimum(low, x.min(axis=0), out=low)
        np.maximum(high, x.max(axis=0), out=high)
    return low.astype(np.float64), high.astype(np.float64)


def _moments(
    source: Source, sample_weight: Array, unit: Vector, center: Vector
) -> tuple[Vector, Vector]:
    """Return the weighted means of ``x * unit - center`` and of its squares."""
    from skvision._kernels import read_only
    from skvision._kernels.standardize import add_moments

    sums, squares = np.zeros(source.n_features), np.zeros(source.n_features)
    sample_weight = np.ascontiguousarray(sample_weight, np.float64)
    for counted in _counted(source.blocks(), sample_weight):
        rows, index = source.locate(counted)
        rows, shares = read_only(rows), read_only(sample_weight[counted])
        add_moments(rows, index, shares, unit, center, sums, squares)
    return sums, squares
