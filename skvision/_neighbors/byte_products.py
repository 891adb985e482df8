"""Bounds of distances from products of bytes, if the processor has an instruction."""

import copy
import math
from typing import Any, Self

import numpy as np

from skvision._training.parallel import for_each_block

MIN_BYTES_FOR_PRODUCTS = 64  # of a row; for shorter rows, products of floats are faster
ROWS_PER_TASK = 128
ROUNDING = 2.0**-24  # of float32, relative


def supports_byte_products(rows: np.ndarray, metric: Any) -> bool:
    """Return whether the processor multiplies bytes and the metric allows products."""
    from skvision._kernels.byte_products import INSTRUCTION
    from skvision._kernels.distances import COSINE, L2

    return (
        metric in (L2, COSINE)
        and rows.dtype == np.uint8
        and rows.shape[1] >= MIN_BYTES_FOR_PRODUCTS
        and INSTRUCTION is not None
    )


class ByteProducts:
    r"""Distances of uint8 rows under L2 or cosine, rounded to float32, as bounds.

    They are computed from exact products, with 128 subtracted from the bytes of a
    query:

    .. math:: \|x - y\|^2 = \|x\|^2 + \|y\|^2 - 2 (x - 128) \cdot y - 256 \sum y_i

    They exclude all rows except those that become neighbors.

    Parameters
    ----------
    metric : int
        L2 or COSINE.
    """

    power, scale = 2, 1.0

    def __init__(self, rows: np.ndarray, metric: int) -> None:
        self.metric = metric
        self.code_bytes = rows.shape[1]  # of a query; rows need few additional bytes

    def codes(
        self,
        rows: np.ndarray,
        inverse_norms: np.ndarray,
        n_jobs: int | None,
        *,
        of_queries: bool = False,
    ) -> tuple[Any, ...]:
        """Return the codes of rows for `bounds`, and their errors, which are zero."""
        make = _ByteQueries if of_queries else _ByteRows
        return make(rows, inverse_norms, self.metric, n_jobs), np.zeros(len(rows))

    def bounds(self, queries: "_ByteQueries", rows: "_ByteRows") -> np.ndarray:
        """Return squared distances less the squared norm of the query."""
        from skvision._kernels import read_only
        from skvision._kernels.byte_products import byte_bounds

        out = np.empty((len(queries.bytes), len(rows.bytes)), np.float32)
        byte_bounds(
            queries.bytes,
            queries.factors,
            read_only(rows.bytes),
            read_only(rows.tails),
            rows.squares,
            rows.shifts,
            rows.factors,
            out,
        )
        return out

    def gap(self, queries: "_ByteQueries", rows: "_ByteRows") -> np.ndarray:
        """Return the difference of `bounds` from squared distances, for each query."""
        squares = queries.squares
        largest = (np.sqrt(squares) + math.sqrt(float(rows.squares.max()))) ** 2
        return 1.01 * ROUNDING * largest - squares


def _sums_and_squares(
    rows: np.ndarray, n_jobs: int | None
) -> tuple[np.ndarray, np.ndarray]:
    from skvision._kernels import read_only
    from skvision._kernels.byte_products import sums_and_squares

    sums, squares = np.zeros((2, len(rows)), np.int64)
    zeros = np.zeros((1, rows.shape[1]), np.uint8)

    def compute(block: slice) -> None:
        sums_and_squares(read_only(rows[block]), zeros, sums[block], squares[block])

    for_each_block(compute, len(rows), ROWS_PER_TASK, n_jobs)
    return sums, squares


class _ByteRows:
    """Rows of bytes, and the terms that turn their products into distances."""

    def __init__(
        self,
        rows: np.ndarray,
        inverse_norms: np.ndarray,
        metric: Any,
        n_jobs: int | None,
    ) -> None:
        from skvision._kernels.byte_products import STEP
        from skvision._kernels.distances import COSINE

        self.bytes = rows
        n_behind = rows.shape[1] % STEP
        self.tails = np.zeros((len(rows), STEP), np.uint8)
        self.tails[:, :n_behind] = rows[:, rows.shape[1] - n_behind :]
        sums, squares = _sums_and_squares(rows, n_jobs)
        self.shifts, self.factors = 128 * sums, inverse_norms
        self.squares = np.ones(len(rows)) if metric == COSINE else squares * 1.0


class _ByteQueries:
    """Bytes of queries, less 128, and their terms. A slice has the same class."""

    def __init__(
        self,
        rows: np.ndarray,
        inverse_norms: np.ndarray,
        metric: Any,
        n_jobs: int | None,
    ) -> None:
        from skvision._kernels.byte_products import STEP
        from skvision._kernels.distances import COSINE

        shape = len(rows), -(-rows.shape[1] // STEP) * STEP
        self.bytes = _aligned_zeros(shape, STEP)
        np.bitwise_xor(rows, 128, out=self.bytes.view(np.uint8)[:, : rows.shape[1]])
        self.factors = 2 * inverse_norms
        if metric == COSINE:
            self.squares = np.ones(len(rows))
        else:
            self.squares = _sums_and_squares(rows, n_jobs)[1] * 1.0

    def __getitem__(self, block: slice) -> Self:
        part = copy.copy(self)
        for name, array in vars(self).items():
            setattr(part, name, array[block])
        return part


def _aligned_zeros(shape: tuple[int, int], n_bytes: int) -> np.ndarray:
    """Return int8 zeros whose address is a multiple of ``n_bytes``."""
    size = math.prod(shape)
    buffer = np.zeros(size + n_bytes, np.int8)
    start = -buffer.ctypes.data % n_bytes
    return buffer[start : start + size].reshape(shape)
