"""Rows of a dataset as the inputs of a network: standardized floats, read in blocks.

Only the rows of a batch are read, augmented, converted and standardized, so that arrays
of bytes and memory-mapped files are never copied completely.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skvision._training.standard import Standard, standardize

Array = NDArray[np.floating]

BLOCK_BYTES = 6 * 2**20  # size of a block of floats at prediction


@dataclass(frozen=True)
class Inputs:
    """Rows, with their standardization and augmentation.

    Attributes
    ----------
    X : ndarray of shape (n, d), uint8, float32 or float64
        The original rows. Bytes are converted to float32.
    standard : Standard or None
        Means and standard deviations; None for no standardization.
    augment : callable or None
        A function ``(rows, rng) -> rows`` that changes bytes at random before they are
        standardized.
    """

    X: NDArray[Any]
    standard: Standard | None
    augment: Callable[[NDArray[Any], Generator], NDArray[Any]] | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64 if self.X.dtype == np.float64 else np.float32)

    def read(
        self, index: slice | NDArray[np.integer], rng: Generator | None = None
    ) -> Array:
        """Return some rows; with ``rng``, they are augmented for training."""
        X, rows = self.X, index
        if self.augment is not None and rng is not None:
            X, rows = self.augment(np.ascontiguousarray(X[rows]), rng), slice(None)
        if self.standard is None:
            return X[rows].astype(self.dtype, copy=False)
        n = len(X[rows]) if isinstance(rows, slice) else len(rows)
        out = np.empty((n, X.shape[1]), self.dtype)
        return standardize(X, rows, self.standard, out)

    def blocks(self) -> Iterator[slice]:
        """Yield slices that divide the rows into blocks."""
        size = max(16, BLOCK_BYTES // (self.X.shape[1] * self.dtype.itemsize))
        for start in range(0, len(self.X), size):
            yield slice(start, min(start + size, len(self.X)))
