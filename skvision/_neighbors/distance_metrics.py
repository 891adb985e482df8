"""Metrics by name, and metrics that are Python functions."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from skvision._neighbors.search import inverse_norms

SMALLEST = 1e-150  # value whose square keeps its precision
HISTOGRAM_METRICS = ("chi2", "hellinger")
KERNEL_NAMES = {
    "l1": "L1",
    "manhattan": "L1",
    "l2": "L2",
    "euclidean": "L2",
    "chebyshev": "CHEBYSHEV",
    "cosine": "COSINE",
    "chi2": "CHI2",
    "hellinger": "HELLINGER",
    "hamming": "HAMMING",
}
METRICS_WITHOUT_GRAPH = ("chebyshev", "hamming")  # in algorithm="hnsw"
ROUNDING_MARGIN = 1 + 1e-9


def kernel_metric(metric: Any) -> Any:
    """Return the number of a metric in the kernels."""
    from skvision._kernels import distances

    return getattr(distances, KERNEL_NAMES[metric])


def check_metric(X: Any, metric: Any) -> None:
    """Raise an error if a metric is undefined for a sample."""
    if metric in HISTOGRAM_METRICS and X.dtype != np.uint8 and X.min() < 0:
        row = int(X.min(axis=1).argmin())
        raise ValueError(
            f"metric={metric!r} requires nonnegative values, but sample {row} has the "
            f"value {X[row].min():g}. Set metric to 'l1' or 'l2', or do not center the "
            f"features."
        )
    if metric in ("l2", "euclidean") and X.dtype == np.float64:
        largest = max(X.max(), -X.min())
        if 0 < largest < SMALLEST:
            raise ValueError(
                f"The largest value of X is {largest:.3g}, whose square underflows in "
                f"float64. Scale X, for example with PixelNormalizer()."
            )
    if metric == "hamming" and X.dtype != np.uint8:
        raise ValueError(
            f"metric='hamming' requires bits packed in uint8, but X has dtype "
            f"{X.dtype}. Pack zeros and ones by np.packbits(X.astype(bool), axis=1)."
        )
    if metric == "cosine":
        norms = inverse_norms(X, kernel_metric(metric))
        if not np.isfinite(norms).all():
            row = int(np.flatnonzero(~np.isfinite(norms))[0])
            raise ValueError(
                f"metric='cosine' is undefined for sample {row}, which is zero or too "
                f"close to zero. Remove such samples, or set metric to 'l1' or 'l2'."
            )


def nearest_by_callable(
    queries: Any, rows: np.ndarray, n_neighbors: int, metric: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest rows under a metric that is a Python function."""
    distances = np.empty((len(queries), n_neighbors))
    indices = np.empty((len(queries), n_neighbors), np.int64)
    for i, all_distances in enumerate(_by_callable(queries, rows, metric)):
        indices[i] = np.argsort(all_distances, kind="stable")[:n_neighbors]
        distances[i] = all_distances[indices[i]]
    return distances, indices


def within_by_callable(
    queries: Any, rows: np.ndarray, radius: float, metric: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the rows within a radius under a metric that is a Python function."""
    found = [
        (np.full(len(near), i), near, all_distances[near])
        for i, all_distances in enumerate(_by_callable(queries, rows, metric))
        for near in [np.flatnonzero(all_distances <= radius)]
    ]
    places, indices, distances = map(np.concatenate, zip(*found, strict=True))
    return places, indices, distances


def _by_callable(queries: np.ndarray, rows: np.ndarray, metric: Any) -> Iterator[Any]:
    """Yield the distances of each query to all rows."""
    for i, query in enumerate(queries):
        query = query.astype(np.float64)
        distances = np.fromiter(
            (metric(query, row.astype(np.float64)) for row in rows),
            dtype=np.float64,
            count=len(rows),
        )
        if np.isnan(distances).any():
            j = int(np.isnan(distances).argmax())
            raise ValueError(
                f"metric returned NaN for sample {i} of X and training sample {j}; it "
                f"must return a number."
            )
        yield distances


def from_reduced(distances: np.ndarray, metric: Any, n_features: int) -> np.ndarray:
    """Convert the reduced distances of the kernels to distances, in place."""
    if metric in ("cosine", "hellinger"):
        distances /= 2
    if metric in ("l2", "euclidean", "hellinger"):
        np.sqrt(distances, out=distances)
    if metric == "hamming":
        distances /= 8 * n_features
    return distances


def reduced_limit(radius: float, metric: Any, n_features: int) -> float:
    """Return an upper bound of the reduced distances within a radius.

    It exceeds the reduced radius by more than the rounding errors.
    """
    limit = radius
    if metric in ("l2", "euclidean", "hellinger"):
        limit = radius * radius
    if metric in ("cosine", "hellinger"):
        limit = 2 * limit
    if metric == "hamming":
        limit = radius * 8 * n_features
    return limit * ROUNDING_MARGIN + np.finfo(np.float64).tiny
