"""Sources of rows, which all training reads.

A source returns some of its rows when they are asked for, so that arrays of bytes,
memory-mapped files and other sources are never copied completely. Views of a source
convert, center, standardize or augment these rows, and are sources themselves.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skvision._training.standard import Standard, standardize

Array = NDArray[np.floating]
Index = slice | NDArray[np.integer]

BLOCK_BYTES = 3 * 2**19  # a block that stays in cache while two products use it
NETWORK_BYTES = 6 * 2**20  # the products of a network are faster in larger blocks


class Source(Protocol):
    """Rows of numbers, some of which are read at a time.

    A subclass defines ``shape``, ``dtype`` and ``take``.
    """

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and of features."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the rows: uint8, float32 or float64."""

    @abstractmethod
    def take(self, index: Index) -> NDArray[Any]:
        """Return some rows. The result may share memory with the source."""

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def n_features(self) -> int:
        return self.shape[1]

    def blocks(self, n_bytes: int = BLOCK_BYTES) -> Iterator[slice]:
        """Yield slices that divide the rows into blocks of about ``n_bytes``."""
        size = max(16, n_bytes // (self.n_features * self.dtype.itemsize))
        for start in range(0, len(self), size):
            yield slice(start, min(start + size, len(self)))

    def locate(self, index: Index) -> tuple[NDArray[Any], NDArray[np.integer]]:
        """Return a C-contiguous array that contains some rows, and their positions.

        Kernels that take both read rows of an array in memory without a copy.
        """
        rows = np.ascontiguousarray(self.take(index))
        return rows, np.arange(len(rows))


@dataclass(frozen=True)
class ArraySource(Source):
    """The rows of an array, which may be memory-mapped.

    Attributes
    ----------
    array : ndarray of shape (n, d), uint8, float32 or float64
        The rows.
    """

    array: NDArray[Any]

    @property
    def shape(self) -> tuple[int, int]:
        n, d = self.array.shape
        return n, d

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    def take(self, index: Index) -> NDArray[Any]:
        return self.array[index]

    def locate(self, index: Index) -> tuple[NDArray[Any], NDArray[np.integer]]:
        if isinstance(index, slice) or not self.array.flags.c_contiguous:
            return super().locate(index)
        return self.array, index


@dataclass(frozen=True)
class Centered(Source):
    """Rows that are converted to floats and centered, for linear models.

    Since the bias can absorb :math:`W c`, the center :math:`c` is only a choice of
    coordinates. With the mean row as the center, minimizers avoid the largest
    eigenvalue, and float32 loses fewer digits.

    Attributes
    ----------
    source : Source
        The original rows. Bytes are converted to float32.
    center : ndarray of shape (d,), default=None
        The vector subtracted from each row. None means zero, and that there are no
        biases.
    exact : bool, default=False
        Whether rows are always float64.
    """

    source: Source
    center: Array | None = None
    exact: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        return self.source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64) if self.exact else _as_float(self.source.dtype)

    def take(self, index: Index) -> Array:
        rows = self.source.take(index)
        if self.center is None:
            return rows.astype(self.dtype, copy=False)
        with np.errstate(over="ignore", invalid="ignore"):
            center = self.center.astype(self.dtype, copy=False)
            centered: Array = np.subtract(
                rows, center, dtype=self.dtype, casting="same_kind"
            )
            return centered


@dataclass(frozen=True)
class Standardized(Source):
    """Rows that are converted to floats and standardized, for networks.

    Attributes
    ----------
    source : Source
        The original rows. Bytes are converted to float32.
    standard : Standard, default=None
        Means and standard deviations. None means no standardization.
    """

    source: Source
    standard: Standard | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return _as_float(self.source.dtype)

    def take(self, index: Index) -> Array:
        if self.standard is None:
            return self.source.take(index).astype(self.dtype, copy=False)
        rows, positions = self.source.locate(index)
        out = np.empty((len(positions), self.n_features), self.dtype)
        return standardize(rows, positions, self.standard, out)

    def blocks(self, n_bytes: int = NETWORK_BYTES) -> Iterator[slice]:
        return super().blocks(n_bytes)


@dataclass(frozen=True)
class Augmented(Source):
    """Rows that are changed at random each time they are taken, for training.

    Attributes
    ----------
    source : Source
        The original rows.
    augment : callable
        A function ``(rows, rng) -> rows`` that preserves the shape and the dtype. It
        may change its argument.
    rng : Generator
        The random number generator.
    """

    source: Source
    augment: Callable[[NDArray[Any], Generator], NDArray[Any]]
    rng: Generator

    @property
    def shape(self) -> tuple[int, int]:
        return self.source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.source.dtype

    def take(self, index: Index) -> NDArray[Any]:
        rows = self.source.take(index)
        if isinstance(index, slice):  # which may be a view of the original rows
            rows = rows.copy()
        return self.augment(np.ascontiguousarray(rows), self.rng)


def _as_float(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype in which rows of ``dtype`` are computed with."""
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)
