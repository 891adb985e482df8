"""Exact search for the nearest rows, with bounded memory."""

import copy
from typing import Any, Self

import numpy as np

from skvision._neighbors.byte_products import ByteProducts, supports_byte_products
from skvision._neighbors.sketches import make_sketch
from skvision._training.parallel import for_each_block, one_thread_for_blas

BYTES_PER_BATCH = 32 * 2**20  # of codes of queries, and of those of rows
MAX_BYTES_KEPT = (
    64 * 2**20
)  # of codes of rows that are kept for the next batch of queries
QUERIES_PER_TASK = 126  # a multiple of the queries in a tile of byte products
ROWS_PER_STEP = 2048
FEW_QUERIES_PER_TASK = 8
ROWS_PER_BOUND = 16_384  # for few queries
AXES_KEPT = 64

FEW_QUERIES = 64  # for which computing sketches does not pay off
MIN_QUERIES_FOR_PRODUCTS = 6
FEW_FEATURES = 16

# Coarse sketches are tried from these sizes on. The first queries show whether they
# exclude enough candidates.
MANY_QUERIES = 1024
MANY_ROWS = 8192
MANY_FEATURES = 512
TRIAL_QUERIES = 126
MAX_FRACTION_COMPUTED = 1 / 8  # of the distances, for a sketch to be kept
TRIAL_ROWS = 32
TRIAL_NEIGHBORS = 6  # including the row itself
FIRST_CANDIDATES = 64  # of each of few queries


def nearest_rows(
    queries: Any,
    rows: Any,
    n_neighbors: int,
    metric: int,
    image_shape: Any = None,
    n_jobs: int | None = None,
    sketched: Any = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest rows of each query.

    Parameters
    ----------
    queries : ndarray of shape (n_queries, n_features)
        C-contiguous array of uint8, float32 or float64.
    rows : ndarray of shape (n_rows, n_features)
        C-contiguous array of any of these dtypes.
    n_neighbors : int
        Number of neighbors, at most ``n_rows``.
    metric : int
        One of the kernels' metrics.
    image_shape : (int, int, int) or None
        Height, width and channels of the images, if known. It only affects speed.
    n_jobs : int or None
        Number of threads.
    sketched : SketchedRows, False or None
        Result of `sketch_rows` for the rows, or None if it was not called. It only
        affects speed.

    Returns
    -------
    distances : ndarray of shape (n_queries, n_neighbors)
        Reduced distances in ascending order, float64.
    indices : ndarray of shape (n_queries, n_neighbors)
        Indices of rows, int64, ascending among equal distances. -1 where distances
        overflow.
    """
    from skvision._kernels.nearest import sort_heaps

    distances = np.full((len(queries), n_neighbors), np.inf)
    indices = np.full((len(queries), n_neighbors), -1, np.int64)
    with one_thread_for_blas:
        if sketched and len(queries) < FEW_QUERIES:
            sketched.search(queries, rows, distances, indices, n_jobs)
        elif _is_faster_without_sketch(queries, rows, metric):
            _Search(rows, metric, None, n_jobs)(queries, distances, indices)
        else:
            _search_by_sketches(
                queries, rows, distances, indices, metric, image_shape, n_jobs, sketched
            )
    sort_heaps(distances, indices)
    return distances, indices


def _is_faster_without_sketch(
    queries: np.ndarray, rows: np.ndarray, metric: Any
) -> bool:
    """Return whether computing all distances is faster than computing sketches."""
    from skvision._kernels.distances import HAMMING

    if rows.shape[1] < FEW_FEATURES and metric != HAMMING:
        return True
    if queries.dtype == np.uint8 and supports_byte_products(rows, metric):
        return len(queries) < MIN_QUERIES_FOR_PRODUCTS
    return len(queries) < FEW_QUERIES


def _search_by_sketches(
    queries: np.ndarray,
    rows: np.ndarray,
    distances: np.ndarray,
    indices: np.ndarray,
    metric: Any,
    image_shape: Any,
    n_jobs: int | None,
    sketched: Any,
) -> None:
    """Fill heaps with the nearest rows, by sketches that are chosen for the data."""
    if sketched is None:
        coarse = len(queries) >= MANY_QUERIES and _allows_coarse_sketch(rows, metric)
    else:
        coarse = bool(sketched)
    if sketched:
        search = _Search(rows, metric, sketched.sketch, n_jobs, sketched)
    elif coarse:
        sketch = make_sketch(rows, metric, image_shape, coarse=True)
        search = _Search(rows, metric, sketch, n_jobs)
    else:
        sketch = _fine_sketch(queries, rows, metric, image_shape)
        search = _Search(rows, metric, sketch, n_jobs)
    stop = 0
    while stop < len(queries):
        is_trial = coarse and stop == 0
        start, stop = stop, stop + (TRIAL_QUERIES if is_trial else search.batch_size)
        part = slice(start, min(stop, len(queries)))
        n_computed = search(queries[part], distances[part], indices[part])
        n_pairs = (part.stop - start) * len(rows)
        if is_trial and n_computed > MAX_FRACTION_COMPUTED * n_pairs:
            sketch = _fine_sketch(queries, rows, metric, image_shape)
            search = _Search(rows, metric, sketch, n_jobs)


def _fine_sketch(
    queries: np.ndarray, rows: np.ndarray, metric: Any, image_shape: Any
) -> Any:
    """Return a sketch whose bounds use all values of a row."""
    if queries.dtype == np.uint8 and supports_byte_products(rows, metric):
        return ByteProducts(rows, metric)
    return make_sketch(rows, metric, image_shape, coarse=False)


def _allows_coarse_sketch(rows: np.ndarray, metric: Any) -> bool:
    from skvision._kernels.distances import CHEBYSHEV, HAMMING

    large = len(rows) >= MANY_ROWS and rows.shape[1] >= MANY_FEATURES
    return large and metric not in (CHEBYSHEV, HAMMING)


def sketch_rows(
    rows: np.ndarray,
    metric: Any,
    image_shape: Any,
    n_jobs: int | None,
    before: Any = None,
) -> Any:
    """Return a coarse sketch of rows that is kept for later searches, or False.

    It is False for few rows, and for rows such as noise if the sketch excludes too few
    candidates. ``before`` is the sketch of the first rows, if there is one; the new
    rows are appended to it.
    """
    if before:
        return before.with_more(rows[len(before.codes) :], n_jobs)
    if not _allows_coarse_sketch(rows, metric):
        return False
    with one_thread_for_blas:
        sketched = SketchedRows(rows, metric, image_shape, n_jobs)
        some = np.ascontiguousarray(rows[:: len(rows) // TRIAL_ROWS])
        heaps = np.full((len(some), TRIAL_NEIGHBORS), np.inf)
        indices = np.full(heaps.shape, -1, np.int64)
        n_computed = sketched.search(some, rows, heaps, indices, n_jobs)
    if n_computed > MAX_FRACTION_COMPUTED * len(some) * len(rows):
        return False
    return sketched


class SketchedRows:
    """Codes of all rows by one coarse sketch.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Rows to find, at least `MANY_ROWS` with at least `MANY_FEATURES` features.
    metric : int
        One of the kernels' metrics.
    image_shape : (int, int, int) or None
        Height, width and channels of the images, if known.
    n_jobs : int or None
        Number of threads.
    """

    def __init__(
        self, rows: Any, metric: int, image_shape: Any, n_jobs: int | None
    ) -> None:
        self.metric = metric
        self.sketch = make_sketch(
            rows, metric, image_shape, coarse=True, n_axes=AXES_KEPT
        )
        norms = inverse_norms(rows, metric)
        self._store(norms, *self.sketch.codes(rows, norms, n_jobs))

    def _store(self, norms: np.ndarray, codes: np.ndarray, errors: np.ndarray) -> None:
        self.norms, self.codes, self.errors = norms, codes, errors
        self.largest_error = errors.max()
        longest = codes[:, -1].argmax()  # `PrincipalAxes.gap` only needs this code
        self.longest = codes[longest : longest + 1].copy()

    def with_more(self, rows: np.ndarray, n_jobs: int | None) -> Self:
        """Return the codes of these rows followed by more rows, as a new object."""
        norms = inverse_norms(rows, self.metric)
        more = norms, *self.sketch.codes(rows, norms, n_jobs)
        before = self.norms, self.codes, self.errors
        other = copy.copy(self)
        other._store(*map(np.concatenate, zip(before, more, strict=True)))
        return other

    def search(
        self,
        queries: np.ndarray,
        rows: np.ndarray,
        distances: np.ndarray,
        indices: np.ndarray,
        n_jobs: int | None,
    ) -> int:
        """Fill the heaps of few queries, and return the number of computed distances.

        The rows with the smallest bounds come first. Their distances limit those of the
        others.
        """
        batch_size = max(1, BYTES_PER_BATCH // (4 * len(rows)))
        n_computed = 0
        for start in range(0, len(queries), batch_size):
            part = slice(start, start + batch_size)
            heaps = distances[part], indices[part]
            n_computed += self._search(queries[part], rows, *heaps, n_jobs)
        return n_computed

    def _search(
        self,
        queries: np.ndarray,
        rows: np.ndarray,
        distances: np.ndarray,
        indices: np.ndarray,
        n_jobs: int | None,
    ) -> int:
        norms = inverse_norms(queries, self.metric)
        codes, errors = self.sketch.codes(queries, norms, n_jobs, of_queries=True)
        slack = errors + self.largest_error
        gap = self.sketch.gap(codes, self.longest)
        bounds = np.empty((len(queries), len(rows)), np.float32)
        counts = []

        def bound(block: slice) -> None:
            bounds[:, block] = self.sketch.bounds(codes, self.codes[block])

        def find(block: slice) -> None:
            pairs = queries[block], rows, norms[block], bounds[block]
            heaps = distances[block], indices[block]
            counts.append(self._find(*pairs, slack[block], gap[block], *heaps))

        for_each_block(bound, len(rows), ROWS_PER_BOUND, n_jobs)
        for_each_block(find, len(queries), FEW_QUERIES_PER_TASK, n_jobs)
        return sum(counts)

    def _find(
        self,
        queries: np.ndarray,
        rows: np.ndarray,
        norms: np.ndarray,
        bounds: Any,
        slack: np.ndarray,
        gap: np.ndarray,
        distances: np.ndarray,
        indices: np.ndarray,
    ) -> Any:
        from skvision._kernels.distances import distances_to
        from skvision._kernels.nearest import (
            Bounds,
            keep_candidates,
            refine,
            smallest_bounds,
        )

        n_first = min(max(FIRST_CANDIDATES, distances.shape[1]), len(rows))
        numbers = np.full((len(queries), n_first), np.inf)
        first = np.full(numbers.shape, -1, np.int64)
        smallest_bounds(bounds, numbers, first)
        pairs = read_only_pairs(self.metric, queries, rows, 0, norms, self.norms)
        metric, A, B, _, norms_a, norms_b = pairs
        distances_to(metric, A, B, first, norms_a, norms_b, numbers)
        keep_candidates(first, numbers, bounds, distances, indices)
        bounds = Bounds(bounds, self.sketch.power, self.sketch.scale, slack, gap)
        return first.size + refine(pairs, bounds, distances, indices)


class _Search:
    """Search that fills heaps with the nearest rows.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Rows to find.
    metric : int
        One of the kernels' metrics.
    sketch : object or None
        Sketch that excludes distances. Without it, all distances are computed.
    n_jobs : int or None
        Number of threads.
    sketched : SketchedRows or None
        Codes of the rows, if they are computed already.

    Attributes
    ----------
    batch_size : int
        Maximum number of queries in one call.
    """

    def __init__(
        self,
        rows: Any,
        metric: int,
        sketch: Any,
        n_jobs: int | None,
        sketched: Any = None,
    ) -> None:
        self.rows, self.metric, self.sketch, self.n_jobs = rows, metric, sketch, n_jobs
        self.sketched = sketched
        self.norms = inverse_norms(rows, metric)
        code_bytes = 4 * rows.shape[1] if sketch is None else sketch.code_bytes
        self.batch_size = max(1, BYTES_PER_BATCH // code_bytes)
        self.step = min(ROWS_PER_STEP, self.batch_size)
        self.keeps = code_bytes * len(rows) <= MAX_BYTES_KEPT
        self.kept: dict[int, Any] = {}

    def __call__(
        self, queries: np.ndarray, distances: np.ndarray, indices: np.ndarray
    ) -> int:
        """Fill the heaps of queries, and return the number of computed distances."""
        norms = inverse_norms(queries, self.metric)
        codes = None
        if self.sketch is not None:
            codes = self.sketch.codes(queries, norms, self.n_jobs, of_queries=True)
        counts = []

        def update(block: slice) -> None:
            arrays = queries[block], norms[block], distances[block], indices[block]
            codes_of_block = codes and (codes[0][block], codes[1][block])
            counts.append(self._update(first, *arrays, codes_of_block, row_codes))

        for first in range(0, len(self.rows), self.step):
            row_codes = self._codes_from(first)
            for_each_block(update, len(queries), QUERIES_PER_TASK, self.n_jobs)
        return sum(counts)

    def _codes_from(self, first: int) -> Any:
        """Return codes and errors of the rows of a step, and keep them if they fit."""
        if self.sketch is None:
            return None
        part = slice(first, first + self.step)
        if self.sketched is not None:
            return self.sketched.codes[part], self.sketched.errors[part]
        codes = self.kept.get(first)
        if codes is None:
            codes = self.sketch.codes(self.rows[part], self.norms[part], self.n_jobs)
            if self.keeps:
                self.kept[first] = codes
        return codes

    def _update(
        self,
        first: int,
        queries: np.ndarray,
        norms: np.ndarray,
        distances: np.ndarray,
        indices: np.ndarray,
        codes: Any,
        row_codes: Any,
    ) -> Any:
        """Update the heaps of a block of queries with the rows of a step."""
        from skvision._kernels.nearest import Bounds, refine, scan

        part = slice(first, first + self.step)
        rows, row_norms = self.rows[part], self.norms[part]
        pairs = read_only_pairs(self.metric, queries, rows, first, norms, row_norms)
        if self.sketch is None:
            scan(pairs, distances, indices)
            return len(queries) * len(rows)
        bounds = Bounds(
            self.sketch.bounds(codes[0], row_codes[0]),
            self.sketch.power,
            self.sketch.scale,
            codes[1] + row_codes[1].max(),
            self.sketch.gap(codes[0], row_codes[0]),
        )
        return refine(pairs, bounds, distances, indices)


def read_only_pairs(
    metric: int,
    queries: np.ndarray,
    rows: np.ndarray,
    first: int,
    norms: np.ndarray,
    row_norms: np.ndarray,
) -> Any:
    """Return the `Pairs` of queries and rows, the first of which is ``first``."""
    from skvision._kernels import read_only
    from skvision._kernels.nearest import Pairs

    both = read_only(queries), read_only(rows)
    return Pairs(metric, *both, first, read_only(norms), read_only(row_norms))


def inverse_norms(rows: np.ndarray, metric: Any) -> np.ndarray:
    """Return the inverse norms of rows for COSINE, and ones for other metrics."""
    from skvision._kernels import read_only
    from skvision._kernels.distances import COSINE
    from skvision._kernels.distances import inverse_norms as compute

    norms = np.ones(len(rows))
    if metric == COSINE:
        compute(read_only(rows), norms)
    return norms
