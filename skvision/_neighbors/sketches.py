r"""Sketches of images: few numbers each, from which bounds of distances are cheap.

An exact search computes only those distances that a bound does not rule out. Images
are smooth, so that a sketch of a tenth of their size or less rules out nearly all. A
sketch maps an image x to codes s(x) such that, with an error e(x) that is known,

.. math:: d(x, y) \ge \|s(x) - s(y)\| - e(x) - e(y)

in the norm of L1 for `PooledBytes` and of L2 for `PrincipalAxes`. Both hold for every
image, like those that the sketch was made from or not: an image that it suits badly
has a large error, and its distances are computed.
"""

import math
from typing import Any

import numpy as np
from sklearn.utils.extmath import randomized_range_finder

from skvision._neighbors.packed_bits import PackedBits
from skvision._training.parallel import for_each_block

N_SAMPLED = 1024  # rows that a sketch is made from, at most
BYTES_SAMPLED = 32 * 2**20  # of them as float32
BYTES_OF_AXES = 16 * 2**20
BYTES_PER_TASK = 4 * 2**20
N_AXES = 128
N_POOLS = 256  # at least
ROWS_PER_TASK = 128
FEATURES_PER_PRODUCT = 256
QUERIES_PER_PRODUCT = 4
ROUNDING = 2.0**-24  # of float32, relative
ROUNDING_OF_FLOAT64 = 1e-15  # more than that of a few operations
TINY = 1e-35  # more than what underflow of float32 can take away
TINY_DISTANCE = 1e-150  # of which the square loses digits in float64
MOST_DOUBLINGS = 400


def make_sketch(
    rows: np.ndarray, metric: Any, image_shape: Any, coarse: bool, n_axes: Any = None
) -> Any:
    """Return a sketch for a metric, of few numbers a row if ``coarse``, or of all.

    ``n_axes`` is how many numbers a row those metrics take that have axes; None means
    `N_AXES`.

    There is None for CHEBYSHEV, whose distances are as fast as bounds would be.
    """
    from skvision._kernels.distances import CHEBYSHEV, HAMMING, L1

    if metric == CHEBYSHEV:
        return None
    if metric == HAMMING:
        return PackedBits(rows.shape[1])
    if metric == L1:
        return PooledBytes(rows, image_shape, coarse)
    return PrincipalAxes(rows, metric, coarse, n_axes or N_AXES)


def _sample(rows: np.ndarray) -> np.ndarray:
    """Return some rows, evenly spread."""
    n = max(1, min(N_SAMPLED, BYTES_SAMPLED // (4 * rows.shape[1])))
    return np.ascontiguousarray(rows[:: -(-len(rows) // n)])


class PooledBytes:
    """Sums over neighboring pixels, rounded to a byte each: a sketch for L1.

    The distance of two sums is at most the sum of distances, by the triangle
    inequality; the errors are what rounding changes. Floats are rounded to bytes in
    this way too, pooled or not.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)
        Rows of the kind that will come; they settle the range of the bytes.
    image_shape : (int, int, int) or None
        Height, width and channels; None where that is not known.
    coarse : bool
        Whether pixels are pooled.
    """

    power = 1

    def __init__(self, rows: Any, image_shape: Any, coarse: bool) -> None:
        n_features = rows.shape[1]
        self.groups, self.n_codes, size = np.arange(n_features), n_features, 1
        if coarse:
            self.groups, self.n_codes, size = _pools(
                image_shape or _likely_shape(n_features)
            )
        self.low, step = 0.0, 1.0
        if rows.dtype != np.uint8:
            some = _sample(rows)
            self.low = float(some.min())
            width = (float(some.max()) - self.low) / 255
            step = width if 1e-300 < width < np.inf else 1.0
        self.unit = step * size
        self.rounding = ROUNDING_OF_FLOAT64 * size
        self.scale = 1 / self.unit
        self.groups = self.groups.astype(np.uint32)
        self.width = self.code_bytes = -(-self.n_codes // 64) * 64  # whole vectors

    def codes(
        self,
        rows: np.ndarray,
        inverse_norms: np.ndarray,
        n_jobs: int | None,
        *,
        of_queries: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the codes of rows, uint8, and their errors."""
        from skvision._kernels.sketches import pool_to_bytes

        codes = np.zeros((len(rows), self.code_bytes), np.uint8)
        errors = np.empty(len(rows))

        def compute(block: slice) -> None:
            pool_to_bytes(
                rows[block],
                self.groups,
                np.empty(self.n_codes),
                self.low,
                self.unit,
                self.rounding,
                codes[block],
                errors[block],
            )

        for_each_block(compute, len(rows), ROWS_PER_TASK, n_jobs)
        errors[~np.isfinite(errors)] = np.inf  # sums that overflow
        return codes, errors

    def bounds(self, query_codes: np.ndarray, row_codes: np.ndarray) -> Any:
        """Return the distances of codes."""
        from skvision._kernels.sketches import byte_l1_block

        out = np.empty((len(query_codes), len(row_codes)), np.float32)
        byte_l1_block(query_codes, row_codes, out)
        return out

    def gap(self, query_codes: np.ndarray, row_codes: np.ndarray) -> Any:
        """Return what separates `bounds` from distances of codes, for each query."""
        return np.zeros(len(query_codes))


def _likely_shape(n_features: int) -> tuple[int, int, int]:
    """Return the shape that flat rows may well have; it decides speed alone."""
    for n_channels in (3, 1):
        side = math.isqrt(n_features // n_channels)
        if n_channels * side * side == n_features:
            return side, side, n_channels
    return 1, n_features, 1


def _pools(image_shape: Any) -> tuple[np.ndarray, int, int]:
    """Return the pool of each feature, how many there are, and the size of the largest.

    Pools are rectangles of one channel, doubled in turn while they leave `N_POOLS`.
    """
    height, width, n_channels = image_shape
    tall = wide = 1
    while tall < height or wide < width:
        if (wide <= tall or tall >= height) and wide < width:
            next_tall, next_wide = tall, 2 * wide
        else:
            next_tall, next_wide = 2 * tall, wide
        if -(-height // next_tall) * -(-width // next_wide) * n_channels < N_POOLS:
            break
        tall, wide = next_tall, next_wide
    y, x, c = np.indices(image_shape)
    across = -(-width // wide)
    groups = ((y // tall) * across + x // wide) * n_channels + c
    return groups.ravel(), int(groups.max()) + 1, tall * wide


class PrincipalAxes:
    r"""Coordinates along principal axes: a sketch for L2 and what it can stand for.

    With orthonormal axes :math:`V`, the last coordinate is the length of what they
    leave:

    .. math:: s(x) = (V^T x, \|x - V V^T x\|), \qquad \|s(x) - s(y)\| \le \|x - y\|

    by Pythagoras on :math:`V` and the triangle inequality beside it. The errors are
    bounds of rounding to float32 (N. J. Higham, "Accuracy and Stability of Numerical
    Algorithms", 2002, chapter 3).

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)
        Rows of the kind that will come; their principal axes are taken.
    metric : int
        One of the kernels' metrics other than L1.
    coarse : bool
        Whether there are axes; else s(x) is x.
    n_axes : int
        How many, at most.
    """

    power = 2

    def __init__(
        self, rows: Any, metric: int, coarse: bool, n_axes: int = N_AXES
    ) -> None:
        from skvision._kernels.distances import COSINE, inverse_norms

        self.metric = metric
        self.axes: Any = None
        some = _sample(rows)
        norms = np.empty(len(some))
        inverse_norms(some, norms)
        largest = 1.0 if metric == COSINE else _largest(some)
        if metric > COSINE:
            largest = math.sqrt(largest)
        self.center, self.scale = np.zeros(rows.shape[1]), _scale_to_one(largest)
        for _ in range(2):  # the second time around the first mean, more precisely
            embedded, _ = self._embed(some, norms)
            mean = embedded.mean(axis=0, dtype=np.float64)
            self.center = self.center + mean / self.scale
            embedded -= mean.astype(np.float32)
            self.scale *= _scale_to_one(_largest(embedded))
        embedded, _ = self._embed(some, norms)
        if coarse:
            most = BYTES_OF_AXES // (4 * rows.shape[1])
            axes = randomized_range_finder(
                embedded.T,
                size=max(1, min(n_axes, most, len(some))),
                n_iter=3,
                random_state=0,
            )
            axes = np.linalg.qr(axes.astype(np.float64))[0]
            self.axes = np.ascontiguousarray(axes, np.float32)
        self.length_of_center = float(np.linalg.norm(self.center)) * self.scale
        self.width = self.axes.shape[1] + 1 if coarse else rows.shape[1]
        self.code_bytes = 4 * (self.width + 1)

    def _embed(
        self, rows: np.ndarray, inverse_norms: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        from skvision._kernels.sketches import embed

        out = np.empty(rows.shape, np.float32)
        squared_norms = np.empty(len(rows))
        embed(
            self.metric,
            rows,
            inverse_norms,
            self.center,
            self.scale,
            out,
            squared_norms,
        )
        return out, squared_norms

    def codes(
        self,
        rows: np.ndarray,
        inverse_norms: np.ndarray,
        n_jobs: int | None,
        *,
        of_queries: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return codes and errors of rows.

        The codes are the coordinates and one number more, float32, such that the
        product of the codes of a query and of another row is what `bounds` returns.
        """
        codes = np.empty((len(rows), self.width + 1), np.float32)
        errors = np.empty(len(rows))

        def compute(block: slice) -> None:
            x, squared_norms = self._embed(rows[block], inverse_norms[block])
            x, errors[block] = self._project(x, squared_norms)
            codes[block, :-1] = -2 * x if of_queries else x
            codes[block, -1] = 1 if of_queries else _squares(x)

        n_at_once = BYTES_PER_TASK // (4 * rows.shape[1])
        n_at_once = max(1, min(ROWS_PER_TASK, n_at_once))
        for_each_block(compute, len(rows), n_at_once, n_jobs)
        return codes, errors

    def _project(
        self, x: Any, squared_norms: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the coordinates of embedded rows, and their errors as distances."""
        lost = ~(squared_norms < 1e30)  # too large for float32, or not a number
        x[lost], squared_norms[lost] = 0, 0
        norms = np.sqrt(squared_norms)
        error = 2 * ROUNDING * norms + TINY * x.shape[1]
        error += ROUNDING_OF_FLOAT64 * (norms + self.length_of_center)
        if self.axes is not None:
            n_axes = self.axes.shape[1]
            along = np.zeros((len(x), n_axes))
            for start in range(0, x.shape[1], FEATURES_PER_PRODUCT):
                part = slice(start, start + FEATURES_PER_PRODUCT)
                along += x[:, part] @ self.axes[part]
            left = squared_norms - np.einsum("ij,ij->i", along, along)
            left = np.sqrt(np.maximum(left, 0))
            share = (FEATURES_PER_PRODUCT + 8) * math.sqrt(n_axes) * ROUNDING
            off = 2.1 * share * squared_norms  # of the square of what is left
            with np.errstate(divide="ignore", invalid="ignore"):
                error += share * norms + np.fmin(np.sqrt(off), off / left)
            x = np.column_stack([along, left]).astype(np.float32)
        error[lost] = np.inf
        return x, error / self.scale + TINY_DISTANCE

    def bounds(self, query_codes: np.ndarray, row_codes: np.ndarray) -> Any:
        """Return squared distances of coordinates, less the square of the query's."""
        if len(query_codes) < QUERIES_PER_PRODUCT:  # BLAS would copy all rows for them
            return np.stack([row_codes @ one for one in query_codes])
        return query_codes @ row_codes.T

    def gap(self, query_codes: np.ndarray, row_codes: np.ndarray) -> Any:
        """Return what separates `bounds` from squared distances, for each query."""
        squares = _squares(query_codes[:, :-1]) / 4
        longest = math.sqrt(float(row_codes[:, -1].max()) * (1 + 4 * ROUNDING))
        n_terms = query_codes.shape[1] + 4
        rounding = ROUNDING * (np.sqrt(squares) + longest) ** 2 + TINY
        return 1.01 * n_terms * rounding - squares


def _largest(numbers: np.ndarray) -> float:
    return max(float(numbers.max()), -float(numbers.min()))


def _scale_to_one(number: float) -> float:
    """Return a power of two that brings a number below one, if not far below."""
    return 2.0 ** -max(math.frexp(number)[1], -MOST_DOUBLINGS)


def _squares(codes: np.ndarray) -> Any:
    return np.einsum("ij,ij->i", codes, codes, dtype=np.float64)
