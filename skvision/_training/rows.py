"""Rows of a data set as they are computed with: floats, less a center.

A bias that is free to take up :math:`W c` makes the center :math:`c` a mere choice of
coordinates; the mean row spares minimizers the largest eigenvalue and saves float32 its
digits. Rows are cast and centerd as they are drawn: bytes and memory-mapped files are
never copied whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

BLOCK_BYTES = 3 * 2**19  # a block that stays in cache while two products use it
MAX_SUMMANDS = 128


@dataclass(frozen=True)
class Rows:
    """Rows that are cast and centerd when drawn.

    Attributes
    ----------
    X : ndarray of shape (n, d), uint8, float32 or float64
        The rows as they came. Bytes are computed with as float32.
    center : ndarray of shape (d,) or None
        Taken from each row. None is zero, and means that there are no biases.
    exact : bool
        Whether rows are drawn as float64, whatever they came as.
    """

    X: NDArray[Any]
    center: Array | None
    exact: bool = False

    def __len__(self) -> int:
        return len(self.X)

    @property
    def n_features(self) -> int:
        return int(self.X.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        double = self.exact or self.X.dtype == np.float64
        return np.dtype(np.float64 if double else np.float32)

    def read(self, index: slice | NDArray[np.integer]) -> Array:
        """Return some rows, cast and centerd."""
        rows = self.X[index]
        if self.center is None:
            return rows.astype(self.dtype, copy=False)
        with np.errstate(over="ignore", invalid="ignore"):
            center = self.center.astype(self.dtype, copy=False)
            centered: Array = np.subtract(
                rows, center, dtype=self.dtype, casting="same_kind"
            )
            return centered

    def blocks(self, n_bytes: int = BLOCK_BYTES) -> Iterator[slice]:
        """Yield the slices that cut the rows into blocks of about so many bytes."""
        size = max(16, n_bytes // (self.n_features * self.dtype.itemsize))
        for start in range(0, len(self), size):
            yield slice(start, min(start + size, len(self)))


def weighted_mean(rows: Rows, sample_weight: Array) -> NDArray[np.float64]:
    """Return the mean of rows that count by their sample_weight, which add up to one.

    It is the mean distance from a first row, so that the mean of a column of one value
    is exactly that value. Rows of share zero are not read.
    """
    first = rows.read(np.flatnonzero(sample_weight)[:1])[0].astype(np.float64)
    from_first = Rows(rows.X, first if rows.center is None else first + rows.center)
    total = np.zeros(rows.n_features)
    for block in _short_blocks(rows):
        counted = np.flatnonzero(sample_weight[block]) + block.start
        whole = len(counted) == block.stop - block.start
        x = from_first.read(block if whole else counted)
        total += sample_weight[counted].astype(x.dtype, copy=False) @ x
    total += first
    return total


def column_variances(rows: Rows, sample_weight: Array) -> NDArray[np.float64]:
    """Return the mean square of each column, rows counting by their sample_weight."""
    total = np.zeros(rows.n_features)
    for block in _short_blocks(rows):
        x = rows.read(block)
        total += sample_weight[block].astype(x.dtype, copy=False) @ (x * x)
    return total


def _short_blocks(rows: Rows) -> Iterator[slice]:
    """Yield blocks of no more rows than float32 can add up exactly enough."""
    row_bytes = rows.n_features * rows.dtype.itemsize
    return rows.blocks(min(BLOCK_BYTES, MAX_SUMMANDS * row_bytes))
