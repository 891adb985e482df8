"""The nearest rows by exact distance, with bounded memory."""

import numpy as np

from skvision._parallel import for_each_block, one_thread_for_blas
from skvision._sketches import make_sketch

BYTES_AT_ONCE = 32 * 2**20  # of codes of queries, and of those of rows
BYTES_KEPT = 64 * 2**20  # of codes of rows, from one block of queries to the next
QUERIES_PER_TASK = 128
ROWS_PER_STEP = 2048

FEW_QUERIES = 64  # not worth sketches
FEW_FEATURES = 16

# Coarse sketches need many of everything, and pictures: the first queries show whether
# they rule out enough.
MANY_QUERIES = 1024
MANY_ROWS = 8192
MANY_FEATURES = 512
TRIAL_QUERIES = 512
SHARE_WORTHWHILE = 1 / 8  # of distances that are computed nevertheless


def nearest_rows(queries, rows, n_neighbors, metric, image_shape=None, n_jobs=None):
    """Find the nearest rows of each query.

    Parameters
    ----------
    queries : ndarray of shape (n_queries, n_features)
        C-contiguous uint8, float32 or float64.
    rows : ndarray of shape (n_rows, n_features)
        The same; the dtype may be another.
    n_neighbors : int
        How many, up to ``n_rows``.
    metric : int
        One of the kernels' metrics.
    image_shape : (int, int, int) or None
        Height, width and channels of the pictures, where known: it decides speed alone.
    n_jobs : int or None
        Threads.

    Returns
    -------
    distances : ndarray of shape (n_queries, n_neighbors)
        Reduced distances in ascending order, float64.
    indices : ndarray of shape (n_queries, n_neighbors)
        Of rows, int64; of equally distant ones the lowest, in ascending order. -1
        where distances overflow.
    """
    from skvision._kernels.distances import HAMMING, sort_heaps

    few_features = rows.shape[1] < FEW_FEATURES and metric != HAMMING
    distances = np.full((len(queries), n_neighbors), np.inf)
    indices = np.full((len(queries), n_neighbors), -1, np.int64)
    if len(queries) < FEW_QUERIES or few_features:
        _Search(rows, metric, None, n_jobs)(queries, distances, indices)
    else:
        with one_thread_for_blas:
            _search_by_sketches(
                queries, rows, distances, indices, metric, image_shape, n_jobs
            )
    sort_heaps(distances, indices)
    return distances, indices


def _search_by_sketches(queries, rows, distances, indices, metric, image_shape, n_jobs):
    """Fill heaps with the nearest rows, with sketches that suit the data."""
    coarse = (
        len(queries) >= MANY_QUERIES
        and len(rows) >= MANY_ROWS
        and rows.shape[1] >= MANY_FEATURES
    )
    sketch = make_sketch(rows, metric, image_shape, coarse)
    search = _Search(rows, metric, sketch, n_jobs)
    stop = 0
    while stop < len(queries):
        on_trial = coarse and stop == 0
        start, stop = stop, stop + (TRIAL_QUERIES if on_trial else search.n_at_once)
        part = slice(start, min(stop, len(queries)))
        n_computed = search(queries[part], distances[part], indices[part])
        n_pairs = (part.stop - start) * len(rows)
        if on_trial and n_computed > SHARE_WORTHWHILE * n_pairs:
            sketch = make_sketch(rows, metric, image_shape, coarse=False)
            search = _Search(rows, metric, sketch, n_jobs)


class _Search:
    """Fills heaps with the nearest of some rows.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Rows to find.
    metric : int
        One of the kernels' metrics.
    sketch : object or None
        Rules out distances; without it all are computed.
    n_jobs : int or None
        Threads.

    Attributes
    ----------
    n_at_once : int
        The most queries to search for in one call.
    """

    def __init__(self, rows, metric, sketch, n_jobs):
        self.rows, self.metric, self.sketch, self.n_jobs = rows, metric, sketch, n_jobs
        self.norms = inverse_norms(rows, metric)
        code_bytes = 4 * rows.shape[1] if sketch is None else sketch.code_bytes
        self.n_at_once = max(1, BYTES_AT_ONCE // code_bytes)
        self.step = min(ROWS_PER_STEP, self.n_at_once)
        self.keeps = code_bytes * len(rows) <= BYTES_KEPT
        self.kept = {}

    def __call__(self, queries, distances, indices):
        """Fill the heaps of some queries; return how many distances were computed."""
        norms = inverse_norms(queries, self.metric)
        codes = None
        if self.sketch is not None:
            codes = self.sketch.codes(queries, norms, self.n_jobs, of_queries=True)
        counts = []

        def update(block):
            arrays = queries[block], norms[block], distances[block], indices[block]
            codes_of_block = codes and (codes[0][block], codes[1][block])
            counts.append(self._update(first, *arrays, codes_of_block, row_codes))

        for first in range(0, len(self.rows), self.step):
            row_codes = self._codes_from(first)
            for_each_block(update, len(queries), QUERIES_PER_TASK, self.n_jobs)
        return sum(counts)

    def _codes_from(self, first):
        """Return codes and errors of the rows of a step; keep them if there is room."""
        if self.sketch is None:
            return None
        codes = self.kept.get(first)
        if codes is None:
            part = slice(first, first + self.step)
            codes = self.sketch.codes(self.rows[part], self.norms[part], self.n_jobs)
            if self.keeps:
                self.kept[first] = codes
        return codes

    def _update(self, first, queries, norms, distances, indices, codes, row_codes):
        """Hold a block of queries against the rows of a step."""
        from skvision._kernels.distances import refine, scan

        part = slice(first, first + self.step)
        pairs = self.metric, queries, self.rows[part], first, norms, self.norms[part]
        if self.sketch is None:
            scan(*pairs, distances, indices)
            return len(queries) * len(self.rows[part])
        return refine(
            *pairs,
            self.sketch.bounds(codes[0], row_codes[0]),
            self.sketch.power,
            self.sketch.scale,
            codes[1] + row_codes[1].max(),
            self.sketch.gap(codes[0], row_codes[0]),
            distances,
            indices,
        )


def inverse_norms(rows, metric):
    """Return one over the length of each row, for the one metric that needs it."""
    from skvision._kernels.distances import COSINE
    from skvision._kernels.distances import inverse_norms as compute

    norms = np.ones(len(rows))
    if metric == COSINE:
        compute(rows, norms)
    return norms
