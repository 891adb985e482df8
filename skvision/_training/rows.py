"""Rows of a dataset, read as centered floats.

Since the bias can absorb :math:`W c`, the center :math:`c` is only a choice of
coordinates. With the mean row as the center, minimizers avoid the largest eigenvalue,
and float32 loses fewer digits. Rows are converted and centered when they are read, so
that arrays of bytes and memory-mapped files are never copied completely.
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
    """Rows that are converted to floats and centered when they are read.

    Attributes
    ----------
    X : ndarray of shape (n, d), uint8, float32 or float64
        The original rows. Bytes are converted to float32.
    center : ndarray of shape (d,) or None
        The vector subtracted from each row. None means zero, and that there are no
        biases.
    exact : bool
        Whether rows are always read as float64.
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
        """Return some rows, converted and centered."""
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
        """Yield slices that divide the rows into blocks of about ``n_bytes``."""
        size = max(16, n_bytes // (self.n_features * self.dtype.itemsize))
        for start in range(0, len(self), size):
            yield slice(start, min(start + size, len(self)))


def weighted_mean(rows: Rows, sample_weight: Array) -> NDArray[np.float64]:
    """Return the weighted mean of rows, for weights that sum to one.

    It is computed from the differences to the first row, so that the mean of a constant
    column is exact. Rows of weight zero are not read.
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
    """Return the weighted mean square of each column."""
    total = np.zeros(rows.n_features)
    for block in _short_blocks(rows):
        x = rows.read(block)
        total += sample_weight[block].astype(x.dtype, copy=False) @ (x * x)
    return total


def _short_blocks(rows: Rows) -> Iterator[slice]:
    """Yield blocks that are small enough for accurate sums in float32."""
    row_bytes = rows.n_features * rows.dtype.itemsize
    return rows.blocks(min(BLOCK_BYTES, MAX_SUMMANDS * row_bytes))
