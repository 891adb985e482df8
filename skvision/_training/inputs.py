"""Rows of a data set as a network takes them: standardized floats, as they are drawn.

A batch is taken from the rows, augmented if need be, cast and standardized, so that
bytes and memory-mapped files are never copied whole.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skvision._training.standard import Standard, standardize

Array = NDArray[np.floating]

BLOCK_BYTES = 6 * 2**20  # of floats at prediction


@dataclass(frozen=True)
class Inputs:
    """Rows, and what is done to those that are drawn.

    Attributes
    ----------
    X : ndarray of shape (n, d), uint8, float32 or float64
        The rows as they came. Bytes are computed with as float32.
    standard : Standard or None
        What they are standardized by; None for not at all.
    augment : callable or None
        ``(rows, rng) -> rows``: changes bytes at random, before they are standardized.
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
        """Return some rows; with ``rng``, as training takes them."""
        X, rows = self.X, index
        if self.augment is not None and rng is not None:
            X, rows = self.augment(np.ascontiguousarray(X[rows]), rng), slice(None)
        if self.standard is None:
            return X[rows].astype(self.dtype, copy=False)
        n = len(X[rows]) if isinstance(rows, slice) else len(rows)
        out = np.empty((n, X.shape[1]), self.dtype)
        return standardize(X, rows, self.standard, out)

    def blocks(self) -> Iterator[slice]:
        """Yield the slices that cut the rows into blocks."""
        size = max(16, BLOCK_BYTES // (self.X.shape[1] * self.dtype.itemsize))
        for start in range(0, len(self.X), size):
            yield slice(start, min(start + size, len(self.X)))
