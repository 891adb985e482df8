"""Rows of a data set as a network takes them: standardised floats, as they are drawn.

A batch is taken from the rows, augmented if need be, cast and standardised, so that
bytes and memory-mapped files are never copied whole.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skvision._training.rows import Rows, column_variances, weighted_mean

Array = NDArray[np.floating]
Images = NDArray[np.uint8]

BLOCK_BYTES = 6 * 2**20  # of floats at prediction


@dataclass(frozen=True)
class Standard:
    """What to take from each column and to divide it by.

    Attributes
    ----------
    mean, deviation : ndarray of shape (d,), float64
        The deviation is 1 where a column does not vary.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]


def learn_standard(X: NDArray[Any], shares: Array, n_channels: int | None) -> Standard:
    """Return mean and standard deviation of columns, or of channels.

    Parameters
    ----------
    X : ndarray of shape (n, d), uint8, float32 or float64
        Rows.
    shares : ndarray of shape (n,)
        What each row counts; adding up to one.
    n_channels : int or None
        Columns so many apart are of one channel, and share their statistics. None for
        columns that are each their own.

    Returns
    -------
    standard : Standard
        Mean and deviation of each column.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0, 9], [4, 9]], np.uint8)
    >>> standard = learn_standard(X, np.full(2, 0.5), None)
    >>> print(standard.mean, standard.deviation)
    [2. 9.] [2. 1.]
    """
    rows = Rows(X, None)
    mean = weighted_mean(rows, shares)
    variance = column_variances(Rows(X, mean), shares)
    if n_channels is not None:
        by_channel = mean.reshape(-1, n_channels)
        of_channel = by_channel.mean(axis=0)
        spread = ((by_channel - of_channel) ** 2).mean(axis=0)
        spread += variance.reshape(-1, n_channels).mean(axis=0)
        mean = np.tile(of_channel, len(by_channel))
        variance = np.tile(spread, len(by_channel))
    deviation = np.sqrt(variance)
    rounding = 10 * np.finfo(rows.dtype).eps * np.abs(mean)
    deviation[deviation <= rounding] = 1
    return Standard(mean, deviation)


@dataclass(frozen=True)
class Inputs:
    """Rows, and what is done to those that are drawn.

    Attributes
    ----------
    X : ndarray of shape (n, d), uint8, float32 or float64
        The rows as they came. Bytes are computed with as float32.
    standard : Standard or None
        What they are standardised by; None for not at all.
    augment : callable or None
        ``(rows, rng) -> rows``: changes bytes at random, before they are standardised.
    """

    X: NDArray[Any]
    standard: Standard | None
    augment: Callable[[NDArray[Any], Generator], NDArray[Any]] | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64 if self.X.dtype == np.float64 else np.float32)

    def draw(
        self, index: slice | NDArray[np.integer], rng: Generator | None = None
    ) -> Array:
        """Return some rows; with ``rng``, as training takes them."""
        from skvision._kernels.standardize import standardize_rows

        X, rows = self.X, index
        if self.augment is not None and rng is not None:
            X, rows = self.augment(np.ascontiguousarray(X[rows]), rng), slice(None)
        if self.standard is None:
            return X[rows].astype(self.dtype, copy=False)
        if isinstance(rows, slice) or not X.flags.c_contiguous:
            X = np.ascontiguousarray(X[rows])
            rows = np.arange(len(X))
        out = np.empty((len(rows), X.shape[1]), self.dtype)
        mean = self.standard.mean.astype(self.dtype)
        scale = (1 / self.standard.deviation).astype(self.dtype)
        standardize_rows(X, rows, mean, scale, out)
        return out

    def blocks(self) -> Iterator[slice]:
        """Yield the slices that cut the rows into blocks."""
        size = max(16, BLOCK_BYTES // (self.X.shape[1] * self.dtype.itemsize))
        for start in range(0, len(self.X), size):
            yield slice(start, min(start + size, len(self.X)))
