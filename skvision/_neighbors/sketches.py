r"""Sketches of images: short codes that give lower bounds of distances.

An exact search only computes the distances that no bound excludes. Natural images are
smooth, so that sketches of a tenth of their size or less exclude nearly all. A sketch
maps an image x to codes s(x) such that, with a known error e(x),

.. math:: d(x, y) \ge \|s(x) - s(y)\| - e(x) - e(y)

in the L1 norm for `PooledBytes` and the L2 norm for `PrincipalAxes`. Both bounds hold
for every image. An image that differs from those the sketch was made from has a large
error, and its distances are computed.
"""

import math
from typing import Any

import numpy as np
from sklearn.utils.extmath import randomized_range_finder

from skvision._neighbors.packed_bits import PackedBits
from skvision._training.parallel import for_each_block

N_SAMPLED = 1024  # maximum number of rows that a sketch is made from
BYTES_SAMPLED = 32 * 2**20  # of these rows as float32
BYTES_OF_AXES = 16 * 2**20
BYTES_PER_TASK = 4 * 2**20
N_AXES = 128
N_POOLS = 256  # minimum number
ROWS_PER_TASK = 128
FEATURES_PER_PRODUCT = 256
QUERIES_PER_PRODUCT = 4
ROUNDING = 2.0**-24  # of float32, relative
ROUNDING_OF_FLOAT64 = 1e-15  # more than that of several operations
TINY = 1e-35  # more than an error by underflow of float32
TINY_DISTANCE = 1e-150  # whose square loses precision in float64
MOST_DOUBLINGS = 400


def make_sketch(
    rows: np.ndarray, metric: Any, image_shape: Any, coarse: bool, n_axes: Any = None
) -> Any:
    """Return a sketch for a metric, with few codes for each row if ``coarse``.

    ``n_axes`` is the number of axes for metrics with axes; None means `N_AXES`. The
    result is None for CHEBYSHEV, whose distances take no longer than bounds.
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
    """Return rows at regular intervals."""
    n = max(1, min(N_SAMPLED, BYTES_SAMPLED // (4 * rows.shape[1])))
    return np.ascontiguousarray(rows[:: -(-len(rows) // n)])


class PooledBytes:
    """Sketch for L1: sums of neighboring pixels, rounded to bytes.

    By the triangle inequality, the distance between sums is at most the sum of the
    distances. The errors are those of rounding. Floats are also rounded to bytes if
    ``coarse`` is False.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)
        Typical rows, which determine the range of the bytes.
    image_shape : (int, int, int) or None
        Height, width and channels, or None if unknown.
    coarse : bool
        Whether pixels are summed.
    """

    power = 1

    def __init__(self, rows: Any, image_shape: Any, coarse: bool) -> None:
        n_features = rows.shape[1]
        self.groups, self.n_codes, size = np.arange(n_features), n_features, 1
        if coarse:
            self.groups, self.n_codes, size = _divide_into_pools(
                image_shape or _guess_shape(n_features)
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
        from skvision._kernels import read_only
        from skvision._kernels.sketches import pool_to_bytes

        codes = np.zeros((len(rows), self.code_bytes), np.uint8)
        errors = np.empty(len(rows))

        def compute(block: slice) -> None:
            pool_to_bytes(
                read_only(rows[block]),
                read_only(self.groups),
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
        from skvision._kernels import read_only
        from skvision._kernels.sketches import byte_l1_block

        out = np.empty((len(query_codes), len(row_codes)), np.float32)
        byte_l1_block(query_codes, read_only(row_codes), out)
        return out

    def gap(self, query_codes: np.ndarray, row_codes: np.ndarray) -> Any:
        """Return the difference of `bounds` from distances of codes, for each query."""
        return np.zeros(len(query_codes))


def _guess_shape(n_features: int) -> tuple[int, int, int]:
    """Return a likely shape of flat rows; it only affects speed."""
    for n_channels in (3, 1):
        side = math.isqrt(n_features // n_channels)
        if n_channels * side * side == n_features:
            return side, side, n_channels
    return 1, n_features, 1


def _divide_into_pools(image_shape: Any) -> tuple[np.ndarray, int, int]:
    """Return the pool of each feature, the number of pools, and their largest size.

    Pools are rectangles of one channel. Their sides are doubled in turn while there are
    at least `N_POOLS`.
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
    r"""Sketch for L2, and for metrics that are L2 after an embedding: principal axes.

    With orthonormal axes :math:`V`, the codes are the coordinates along them and the
    norm of the remainder:

    .. math:: s(x) = (V^T x, \|x - V V^T x\|), \qquad \|s(x) - s(y)\| \le \|x - y\|

    by Pythagoras' theorem and the triangle inequality. The errors are bounds of
    rounding to float32 (N. J. Higham, "Accuracy and Stability of Numerical Algorithms",
    2002, chapter 3).

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)
        Typical rows, which determine the principal axes.
    metric : int
        One of the kernels' metrics other than L1.
    coarse : bool
        Whether rows are projected on axes. If False, s(x) is x.
    n_axes : int
        Maximum number of axes.
    """

    power = 2

    def __init__(
        self, rows: Any, metric: int, coarse: bool, n_axes: int = N_AXES
    ) -> None:
        from skvision._kernels import read_only
        from skvision._kernels.distances import COSINE, inverse_norms

        self.metric = metric
        self.axes: Any = None
        some = _sample(rows)
        norms = np.empty(len(some))
        inverse_norms(read_only(some), norms)
        largest = 1.0 if metric == COSINE else _largest(some)
        if metric > COSINE:
            largest = math.sqrt(largest)
        self.center, self.scale = np.zeros(rows.shape[1]), _scale_to_one(largest)
        for _ in range(2):  # the second pass refines the mean of the first
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
        from skvision._kernels import read_only
        from skvision._kernels.sketches import embed

        out = np.empty(rows.shape, np.float32)
        squared_norms = np.empty(len(rows))
        embed(
            self.metric,
            read_only(rows),
            read_only(inverse_norms),
            read_only(self.center),
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

        The codes are the coordinates and one more value, float32, such that the product
        of the codes of a query and of a row is the result of `bounds`.
        """
        codes = np.empty((len(rows), self.width + 1), np.float32)
        errors = np.empty(len(rows))

        def compute(block: slice) -> None:
            x, squared_norms = self._embed(rows[block], inverse_norms[block])
            x, errors[block] = self._project(x, squared_norms)
            codes[block, :-1] = -2 * x if of_queries else x
            codes[block, -1] = 1 if of_queries else _squares(x)

        batch_size = BYTES_PER_TASK // (4 * rows.shape[1])
        batch_size = max(1, min(ROWS_PER_TASK, batch_size))
        for_each_block(compute, len(rows), batch_size, n_jobs)
        return codes, errors

    def _project(
        self, x: Any, squared_norms: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the coordinates of embedded rows and the errors of distances."""
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
            relative = (FEATURES_PER_PRODUCT + 8) * math.sqrt(n_axes) * ROUNDING
            off = 2.1 * relative * squared_norms  # error of the squared remainder
            with np.errstate(divide="ignore", invalid="ignore"):
                error += relative * norms + np.fmin(np.sqrt(off), off / left)
            x = np.column_stack([along, left]).astype(np.float32)
        error[lost] = np.inf
        return x, error / self.scale + TINY_DISTANCE

    def bounds(self, query_codes: np.ndarray, row_codes: np.ndarray) -> Any:
        """Return squared distances of codes, less the squared norm of the query."""
        if len(query_codes) < QUERIES_PER_PRODUCT:  # for which BLAS would copy all rows
            return np.stack([row_codes @ one for one in query_codes])
        return query_codes @ row_codes.T

    def gap(self, query_codes: np.ndarray, row_codes: np.ndarray) -> Any:
        """Return the difference of `bounds` from squared distances, for each query."""
        squares = _squares(query_codes[:, :-1]) / 4
        longest = math.sqrt(float(row_codes[:, -1].max()) * (1 + 4 * ROUNDING))
        n_terms = query_codes.shape[1] + 4
        rounding = ROUNDING * (np.sqrt(squares) + longest) ** 2 + TINY
        return 1.01 * n_terms * rounding - squares


def _largest(numbers: np.ndarray) -> float:
    return max(float(numbers.max()), -float(numbers.min()))


def _scale_to_one(number: float) -> float:
    """Return a power of two that scales a number below one."""
    return 2.0 ** -max(math.frexp(number)[1], -MOST_DOUBLINGS)


def _squares(codes: np.ndarray) -> Any:
    return np.einsum("ij,ij->i", codes, codes, dtype=np.float64)
