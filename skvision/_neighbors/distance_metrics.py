"""The metrics by their names, and a user's own."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from skvision._neighbors.search import inverse_norms

SMALLEST = 1e-150  # of which squares keep their digits
OF_HISTOGRAMS = ("chi2", "hellinger")
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
WITHOUT_GRAPH = ("chebyshev", "hamming")  # in algorithm="hnsw"
BEYOND_ROUNDING = 1 + 1e-9


def kernel_metric(metric: Any) -> Any:
    """Return the kernels' number for a metric."""
    from skvision._kernels import distances

    return getattr(distances, KERNEL_NAMES[metric])


def check_suits(X: Any, metric: Any) -> None:
    """Raise where a metric is not defined on some row."""
    if metric in OF_HISTOGRAMS and X.dtype != np.uint8 and X.min() < 0:
        row = int(X.min(axis=1).argmin())
        raise ValueError(
            f"metric={metric!r} compares histograms, which are not negative, but row "
            f"{row} has the value {X[row].min():g}: use 'l1' or 'l2', or leave out "
            f"what centers the features."
        )
    if metric in ("l2", "euclidean") and X.dtype == np.float64:
        largest = max(X.max(), -X.min())
        if 0 < largest < SMALLEST:
            raise ValueError(
                f"X has values up to {largest:.3g} only, whose squares are not told "
                f"from 0 in float64: scale them, with PixelNormalizer() for instance."
            )
    if metric == "hamming" and X.dtype != np.uint8:
        raise ValueError(
            f"metric='hamming' compares bits packed in bytes, but X is {X.dtype}: pack "
            f"zeros and ones by np.packbits(X.astype(bool), axis=1), or pass bytes as "
            f"uint8."
        )
    if metric == "cosine":
        norms = inverse_norms(X, kernel_metric(metric))
        if not np.isfinite(norms).all():
            row = int(np.flatnonzero(~np.isfinite(norms))[0])
            raise ValueError(
                f"metric='cosine' compares directions, but row {row} is zero, or too "
                f"near to it, and has none: leave such rows out, or use 'l1' or 'l2'."
            )


def nearest_by_callable(
    queries: Any, rows: np.ndarray, n_neighbors: int, metric: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest rows by a Python function of two rows of float64."""
    distances = np.empty((len(queries), n_neighbors))
    indices = np.empty((len(queries), n_neighbors), np.int64)
    for i, all_distances in enumerate(_by_callable(queries, rows, metric)):
        indices[i] = np.argsort(all_distances, kind="stable")[:n_neighbors]
        distances[i] = all_distances[indices[i]]
    return distances, indices


def within_by_callable(
    queries: Any, rows: np.ndarray, radius: float, metric: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find rows within a radius, as `skvision._neighbors.radius.rows_within` does."""
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
                f"metric returned NaN for row {i} of X and row {j} of the training "
                f"images; it must return a number."
            )
        yield distances


def from_reduced(distances: np.ndarray, metric: Any, n_features: int) -> np.ndarray:
    """Turn the kernels' reduced distances into those of a metric, in place."""
    if metric in ("cosine", "hellinger"):
        distances /= 2
    if metric in ("l2", "euclidean", "hellinger"):
        np.sqrt(distances, out=distances)
    if metric == "hamming":
        distances /= 8 * n_features
    return distances


def reduced_limit(radius: float, metric: Any, n_features: int) -> float:
    """Return a reduced distance that no row within a radius exceeds.

    It is larger than the radius by more than rounding.
    """
    limit = radius
    if metric in ("l2", "euclidean", "hellinger"):
        limit = radius * radius
    if metric in ("cosine", "hellinger"):
        limit = 2 * limit
    if metric == "hamming":
        limit = radius * 8 * n_features
    return limit * BEYOND_ROUNDING + np.finfo(np.float64).tiny
