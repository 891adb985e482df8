"""Exact search for all rows within a radius, with bounded memory besides the result."""

from typing import Any

import numpy as np

from skvision._neighbors.search import (
    BYTES_PER_BATCH,
    FEW_FEATURES,
    FEW_QUERIES,
    MANY_FEATURES,
    MANY_QUERIES,
    MANY_ROWS,
    MAX_BYTES_KEPT,
    MAX_FRACTION_COMPUTED,
    QUERIES_PER_TASK,
    ROWS_PER_STEP,
    inverse_norms,
    read_only_pairs,
)
from skvision._neighbors.sketches import make_sketch
from skvision._training.parallel import for_each_block, one_thread_for_blas


def rows_within(
    queries: Any,
    rows: Any,
    limit: float,
    metric: int,
    image_shape: Any = None,
    n_jobs: int | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find all rows whose distance from a query is at most a limit.

    Parameters
    ----------
    queries : ndarray of shape (n_queries, n_features)
        C-contiguous array of uint8, float32 or float64.
    rows : ndarray of shape (n_rows, n_features)
        C-contiguous array of any of these dtypes.
    limit : float
        Largest reduced distance, inclusive.
    metric : int
        One of the kernels' metrics.
    image_shape : (int, int, int) or None
        Height, width and channels of the images, if known. It only affects speed.
    n_jobs : int or None
        Number of threads.

    Returns
    -------
    query_indices : ndarray of shape (n_found,)
        Indices of queries, int64, ascending.
    indices : ndarray of shape (n_found,)
        Indices of rows, int64, ascending for each query.
    distances : ndarray of shape (n_found,)
        Reduced distances, float64.
    """
    from skvision._kernels.distances import HAMMING

    few_features = rows.shape[1] < FEW_FEATURES and metric != HAMMING
    sketch = None
    with one_thread_for_blas:
        if len(queries) >= FEW_QUERIES and not few_features:
            sketch = _sketch_for(queries, rows, limit, metric, image_shape, n_jobs)
        search = _Search(rows, limit, metric, sketch, n_jobs)
        parts = [
            (start + query_indices, indices, distances)
            for start in range(0, len(queries), search.batch_size)
            for query_indices, indices, distances in search(
                queries[start : start + search.batch_size]
            )
        ]
    places, indices, distances = map(np.concatenate, zip(*parts, strict=True))
    return places, indices, distances


def _sketch_for(
    queries: np.ndarray,
    rows: np.ndarray,
    limit: float,
    metric: Any,
    image_shape: Any,
    n_jobs: int | None,
) -> Any:
    """Return a coarse sketch if there are many images and it excludes most pairs.

    Queries and rows at regular intervals show whether it does.
    """
    many = (
        len(queries) >= MANY_QUERIES
        and len(rows) >= MANY_ROWS
        and rows.shape[1] >= MANY_FEATURES
    )
    sketch = make_sketch(rows, metric, image_shape, coarse=many)
    if sketch is None or not many:
        return sketch
    some_rows = np.ascontiguousarray(rows[:: -(-len(rows) // ROWS_PER_STEP)])
    some = np.ascontiguousarray(queries[:: -(-len(queries) // QUERIES_PER_TASK)])
    trial = _Search(some_rows, limit, metric, sketch, n_jobs)
    trial(some)
    if trial.n_computed > MAX_FRACTION_COMPUTED * len(some) * len(some_rows):
        return make_sketch(rows, metric, image_shape, coarse=False)
    return sketch


class _Search:
    """Search for the rows within a limit.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Rows to find.
    limit : float
        Largest reduced distance.
    metric : int
        One of the kernels' metrics.
    sketch : object or None
        Sketch that excludes distances. Without it, all distances are computed.
    n_jobs : int or None
        Number of threads.

    Attributes
    ----------
    batch_size : int
        Maximum number of queries in one call.
    n_computed : int
        Number of computed distances.
    """

    def __init__(
        self, rows: Any, limit: float, metric: int, sketch: Any, n_jobs: int | None
    ) -> None:
        self.rows, self.limit, self.metric = rows, limit, metric
        self.sketch, self.n_jobs = sketch, n_jobs
        self.norms = inverse_norms(rows, metric)
        code_bytes = 4 * rows.shape[1] if sketch is None else sketch.code_bytes
        self.batch_size = max(1, BYTES_PER_BATCH // code_bytes)
        self.step = min(ROWS_PER_STEP, self.batch_size)
        self.keeps = code_bytes * len(rows) <= MAX_BYTES_KEPT
        self.kept: dict[int, Any] = {}
        self.n_computed = 0

    def __call__(
        self, queries: np.ndarray
    ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return indices of queries, indices of rows, and distances, by blocks."""
        norms = inverse_norms(queries, self.metric)
        codes: Any = None
        errors: Any = None
        if self.sketch is not None:
            codes, errors = self.sketch.codes(
                queries, norms, self.n_jobs, of_queries=True
            )
        found: dict[int, list[Any]] = {
            start: [] for start in range(0, len(queries), QUERIES_PER_TASK)
        }
        counts: list[int] = []

        def search(block: slice) -> None:
            sketched = codes is not None and (codes[block], errors[block])
            pairs, distances, n_computed = self._within(
                part, queries[block], norms[block], sketched, row_codes
            )
            pairs[:, 0] += block.start
            found[block.start].append((pairs, distances))
            counts.append(n_computed)

        for first in range(0, len(self.rows), self.step):
            part = slice(first, first + self.step)
            row_codes = self._codes_of(part)
            for_each_block(search, len(queries), QUERIES_PER_TASK, self.n_jobs)
        self.n_computed += sum(counts)
        return [_sort_by_query(parts) for parts in found.values()]

    def _codes_of(self, part: slice) -> Any:
        """Return codes and errors of some rows, and keep them if they fit."""
        if self.sketch is None:
            return None
        codes = self.kept.get(part.start)
        if codes is None:
            codes = self.sketch.codes(self.rows[part], self.norms[part], self.n_jobs)
            if self.keeps:
                self.kept[part.start] = codes
        return codes

    def _within(
        self,
        part: slice,
        queries: np.ndarray,
        norms: np.ndarray,
        codes: Any,
        row_codes: Any,
    ) -> tuple[np.ndarray, np.ndarray, int]:
        """Return pairs within the limit, distances, and how many were computed."""
        from skvision._kernels.nearest import Bounds, refine_within, scan_within

        rows = self.rows[part]
        n_pairs = len(queries) * len(rows)
        found, distances = np.empty((n_pairs, 2), np.int64), np.empty(n_pairs)
        pairs = read_only_pairs(
            self.metric, queries, rows, part.start, norms, self.norms[part]
        )
        if self.sketch is None:
            n_found = scan_within(pairs, self.limit, found, distances)
            n_computed = n_pairs
        else:
            bounds = Bounds(
                self.sketch.bounds(codes[0], row_codes[0]),
                self.sketch.power,
                self.sketch.scale,
                codes[1] + row_codes[1].max(),
                self.sketch.gap(codes[0], row_codes[0]),
            )
            n_found, n_computed = refine_within(
                pairs, bounds, self.limit, found, distances
            )
        return found[:n_found].copy(), distances[:n_found].copy(), n_computed


def _sort_by_query(
    parts: list[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return indices of queries and rows and distances, sorted by query and by row."""
    pairs, distances = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return pairs[order, 0], pairs[order, 1], distances[order]
