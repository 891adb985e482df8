"""Approximate neighbors: a graph of sketches, and exact distances of its candidates.

The graph is that of faiss (Y. A. Malkov, D. A. Yashunin, "Efficient and robust
approximate nearest neighbor search using hierarchical navigable small world graphs",
2020).
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from skvision._neighbors.search import MANY_FEATURES, inverse_norms
from skvision._neighbors.search import nearest_rows as exact_nearest_rows
from skvision._neighbors.sketches import make_sketch
from skvision._training.parallel import (
    count_threads,
    for_each_block,
    one_thread_for_blas,
)

N_LINKS = 16  # of each row in the graph
ROWS_PER_BATCH = 4096
CANDIDATES_PER_BATCH = 2**20
QUERIES_PER_TASK = 64


class HNSWIndex:
    """Graph of the sketches of rows.

    It is built by one thread, so that the result is reproducible.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Rows to find.
    metric : int
        One of the kernels' metrics.
    image_shape : (int, int, int) or None
        Height, width and channels of the images, if known.

    Raises
    ------
    ImportError
        If faiss is not installed.
    """

    def __init__(self, rows: Any, metric: int, image_shape: Any) -> None:
        faiss = _import_faiss()
        self.metric = metric
        coarse = rows.shape[1] >= MANY_FEATURES
        self.sketch = make_sketch(rows, metric, image_shape, coarse)
        kind = faiss.METRIC_L1 if self.sketch.power == 1 else faiss.METRIC_L2
        self.graph = faiss.IndexHNSWFlat(self.sketch.width, N_LINKS, kind)
        self._add(rows)

    def with_more(self, rows: np.ndarray) -> Self:
        """Return an index with more rows; this one is not changed."""
        faiss = _import_faiss()
        other = copy.copy(self)
        other.graph = faiss.clone_index(self.graph)
        other._add(rows)
        return other

    def _add(self, rows: np.ndarray) -> None:
        with one_thread_for_blas, _threads_for_faiss(1):
            for start in range(0, len(rows), ROWS_PER_BATCH):
                self.graph.add(self._points(rows[start : start + ROWS_PER_BATCH], 1))

    def nearest_rows(
        self,
        queries: np.ndarray,
        rows: np.ndarray,
        n_neighbors: int,
        ef_search: int,
        n_jobs: int | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find rows near each query, as `skvision._neighbors.search.nearest_rows` does.

        The neighbors are chosen from at least ``ef_search`` candidates by their exact
        distances. If the graph returns fewer than ``n_neighbors`` candidates, which
        happens with many copies of a row, the search is exact.
        """
        faiss = _import_faiss()
        n_candidates = min(max(ef_search, n_neighbors), len(rows))
        options = faiss.SearchParametersHNSW(efSearch=n_candidates)
        distances = np.empty((len(queries), n_neighbors))
        indices = np.empty((len(queries), n_neighbors), np.int64)
        row_norms = inverse_norms(rows, self.metric)
        batch_size = max(1, min(ROWS_PER_BATCH, CANDIDATES_PER_BATCH // n_candidates))
        for start in range(0, len(queries), batch_size):
            part = slice(start, start + batch_size)
            with one_thread_for_blas:
                points = self._points(queries[part], n_jobs)
            with _threads_for_faiss(count_threads(n_jobs)):
                _, found = self.graph.search(points, n_candidates, params=options)
            distances[part], indices[part] = self._nearest_of(
                found, queries[part], rows, row_norms, n_neighbors, n_jobs
            )
        short = (indices < 0).any(axis=1)
        if short.any():
            distances[short], indices[short] = exact_nearest_rows(
                queries[short], rows, n_neighbors, self.metric, n_jobs=n_jobs
            )
        return distances, indices

    def _nearest_of(
        self,
        found: Any,
        queries: np.ndarray,
        rows: np.ndarray,
        row_norms: np.ndarray,
        n_neighbors: int,
        n_jobs: int | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the nearest of the candidates by exact distances."""
        from skvision._kernels import read_only
        from skvision._kernels.distances import distances_to

        found = np.sort(found, axis=1)  # -1 stands for a missing candidate
        valid = np.maximum(found, 0)
        distances = np.empty(found.shape)
        norms = inverse_norms(queries, self.metric)

        def compute(block: slice) -> None:
            distances_to(
                self.metric,
                read_only(queries[block]),
                read_only(rows),
                valid[block],
                read_only(norms[block]),
                read_only(row_norms),
                distances[block],
            )

        for_each_block(compute, len(queries), QUERIES_PER_TASK, n_jobs)
        distances[found < 0] = np.inf
        order = np.argsort(distances, axis=1, kind="stable")[:, :n_neighbors]
        return (
            np.take_along_axis(distances, order, axis=1),
            np.take_along_axis(found, order, axis=1),
        )

    def _points(self, rows: np.ndarray, n_jobs: int | None) -> np.ndarray:
        norms = inverse_norms(rows, self.metric)
        codes, _ = self.sketch.codes(rows, norms, n_jobs)
        return np.ascontiguousarray(codes[:, : self.sketch.width], np.float32)

    def __getstate__(self) -> dict[str, Any]:
        graph = _import_faiss().serialize_index(self.graph)
        return vars(self) | {"graph": graph}

    def __setstate__(self, state: dict[str, Any]) -> None:
        graph = _import_faiss().deserialize_index(state["graph"])
        vars(self).update(state | {"graph": graph})


@contextmanager
def _threads_for_faiss(n_threads: int) -> Iterator[Any]:
    """Set the number of threads for searches from the calling thread only."""
    faiss = _import_faiss()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(n_threads)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _import_faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise ImportError(
            "algorithm='hnsw' requires faiss, which is not installed. Run "
            "python -m pip install '.[ann]' in a clone of skvision, or set "
            "algorithm='brute', which is exact."
        ) from error
    return faiss
