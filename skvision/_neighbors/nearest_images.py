"""Search for nearest neighbors without classes."""

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from skvision._contract.images import validate_rows
from skvision._contract.public import public
from skvision._contract.sklearn_compat import Interval, whole_fit
from skvision._neighbors.distance_metrics import (
    from_reduced,
    kernel_metric,
    reduced_limit,
    within_by_callable,
)
from skvision._neighbors.image_neighbors import ImageNeighbors, check_finite, check_mode
from skvision._neighbors.radius import rows_within


@public("skvision")
class NearestImages(ImageNeighbors):
    r"""Search for the nearest training images, or for all within a radius.

    This is the search of `KNNImageClassifier` without classes, with the methods of
    scikit-learn's ``NearestNeighbors``. The neighbors are exact, uint8 images are
    compared without conversion, and no training image is copied. Use it to find
    near-duplicates, to retrieve similar images, and instead of ``NearestNeighbors`` in
    the samplers of imbalanced-learn and in estimators that take a graph of neighbors.

    Parameters
    ----------
    n_neighbors : int, default=5
        Default number of neighbors of `kneighbors`.

    radius : float, default=1.0
        Default radius of `radius_neighbors`, in units of the metric. For uint8 images
        under ``"l2"``, two images at distance 1 differ by one in a single pixel.

    metric : str or callable, default="l2"
        Distance between samples, as in `KNNImageClassifier`: ``"l1"`` or
        ``"manhattan"``, ``"l2"`` or ``"euclidean"``, ``"chebyshev"``, ``"cosine"``,
        ``"chi2"``, ``"hellinger"``, ``"hamming"`` of packed bits, or a function of two
        float64 arrays of shape (n_features,) that returns a number.

    algorithm : {"auto", "brute", "hnsw"}, default="auto"
        Algorithm of the search. ``"brute"`` is exact, and ``"auto"`` currently selects
        it. ``"hnsw"`` makes `kneighbors` and `kneighbors_graph` approximate, as in
        `KNNImageClassifier`; `radius_neighbors` and `radius_neighbors_graph` are always
        exact.

    ef_search : int, default=100
        Number of candidates that the search keeps with ``algorithm="hnsw"``. A larger
        number finds more of the true neighbors and takes longer.

    n_jobs : int, default=None
        Number of threads for searches. None means 1 unless in a
        :obj:`joblib.parallel_config` context, and -1 means all cores.

    Attributes
    ----------
    effective_metric_ : str or callable
        Metric that was set in ``fit``.

    n_samples_fit_ : int
        Number of training images.

    training_images_ : ndarray of shape (n_samples_fit_, H, W, C), or (n_samples_fit_, \
            H, W) or (n_samples_fit_, n_features_in_)
        The training images, without a copy. Gray images have no channels, and flat rows
        stay rows.

    image_shape_ : (int, int, int) or None
        Height, width and channels of the images seen during ``fit``. None if they were
        flat rows.

    n_features_in_ : int
        Number of features seen during ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during ``fit``. Defined only when ``X`` has feature names
        that are all strings.

    See Also
    --------
    KNNImageClassifier : Classifier by a vote of these neighbors.

    Notes
    -----
    A search within a radius takes up to 256 MB of memory and, for each neighbor, 16
    bytes for the result, up to 50 bytes while the result is built and up to 81 bytes
    while it is sorted. Find a suitable radius from the distances of `kneighbors` first.

    Examples
    --------
    Find all pairs of digits that are near-duplicates of each other:

    >>> from sklearn.datasets import load_digits
    >>> from skvision import NearestImages
    >>> images = load_digits().images.astype("uint8")
    >>> search = NearestImages(radius=8).fit(images)
    >>> pairs = search.radius_neighbors_graph(mode="distance").tocoo()
    >>> for i, j, distance in zip(pairs.row, pairs.col, pairs.data):
    ...     if i < j:
    ...         print(f"images {i} and {j}: {distance:.2f}")
    images 777 and 1237: 7.94
    images 1247 and 1250: 7.55
    images 1585 and 1648: 5.29
    """

    _parameter_constraints = ImageNeighbors._parameter_constraints | {
        "radius": [Interval(Real, 0, None, closed="both")],
    }

    def __init__(
        self,
        n_neighbors: int = 5,
        radius: float = 1.0,
        *,
        metric: str | Callable[..., Any] = "l2",
        algorithm: str = "auto",
        ef_search: int = 100,
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.metric = metric
        self.algorithm = algorithm
        self.ef_search = ef_search
        self.n_jobs = n_jobs

    @whole_fit
    def fit(self, X: Any, y: Any = None) -> Any:
        """Store the training images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features. Arrays in C order with dtype uint8, float32 or float64
            are stored without a copy, so do not change them afterwards.
        y : None
            Ignored.

        Returns
        -------
        self : NearestImages
            The fitted search.

        Raises
        ------
        ValueError
            If a parameter is out of its range, if ``X`` does not contain finite numbers
            in one of the three layouts, or if the metric is undefined for a sample.
        ImportError
            If ``algorithm="hnsw"`` and faiss is not installed.
        """
        X = np.ascontiguousarray(validate_rows(self, X, reset=True))
        return self._store(X, self.metric, self._make_index(X))

    def radius_neighbors(
        self,
        X: Any = None,
        radius: float | None = None,
        return_distance: bool = True,
        sort_results: bool = False,
    ) -> Any:
        """Find all training images within a radius.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features), default=None
            Images or features of the shape seen during ``fit``. None means the training
            images, each of which is not its own neighbor.
        radius : float, default=None
            Largest distance of a neighbor, inclusive, at least 0. Infinity finds all
            images. None means the ``radius`` of the estimator.
        return_distance : bool, default=True
            Whether to return the distances.
        sort_results : bool, default=False
            If True, neighbors are sorted by distance, and by index among equal
            distances; this requires ``return_distance=True``. If False, they are sorted
            by index.

        Returns
        -------
        distances : ndarray of shape (n,)
            Array of float64 arrays of shape (n_found,), which may be empty. It is only
            returned with ``return_distance=True``.
        indices : ndarray of shape (n,)
            Array of int64 arrays of the same shapes: indices of training images.

        Raises
        ------
        ValueError
            If the radius is negative or NaN, if ``X`` does not have the shape seen
            during ``fit``, if the metric is undefined for a sample, if distances
            overflow, or if ``sort_results`` is set without ``return_distance``.
        TypeError
            If the radius is not a number.
        """
        if sort_results and not return_distance:
            raise ValueError("sort_results=True requires return_distance=True.")
        starts, indices, distances = self._within(X, radius, sort_results)
        indices = _split(indices, starts)
        return (_split(distances, starts), indices) if return_distance else indices

    def radius_neighbors_graph(
        self,
        X: Any = None,
        radius: float | None = None,
        mode: str = "connectivity",
        sort_results: bool = False,
    ) -> Any:
        """Compute the graph of images and their training images within a radius.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features), default=None
            As in `radius_neighbors`.
        radius : float, default=None
            As in `radius_neighbors`.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether the entries of the graph are ones or distances.
        sort_results : bool, default=False
            If True, the entries of each row are sorted by distance, as scikit-learn
            requires for precomputed graphs. If False, they are sorted by index.

        Returns
        -------
        graph : csr_matrix of shape (n, n_samples_fit_)
            Sparse graph, float64, whose row i has an entry for each neighbor of image
            i. Distances of zero are explicit entries.

        Raises
        ------
        ValueError
            As in `radius_neighbors`, or if ``mode`` is invalid.
        """
        check_mode(mode)
        starts, indices, distances = self._within(X, radius, sort_results)
        entries = distances if mode == "distance" else np.ones(len(indices))
        shape = len(starts) - 1, self.n_samples_fit_
        return csr_matrix((entries, indices, starts), shape=shape)

    def _within(
        self, X: Any, radius: Any, sort_results: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the starts of the neighbors of queries, and indices and distances."""
        X = self._validate_queries(X)
        radius = _check_radius(self.radius if radius is None else radius)
        queries = self._rows if X is None else X
        metric, n_features = self.effective_metric_, queries.shape[1]
        if callable(metric):
            found = within_by_callable(queries, self._rows, radius, metric)
        else:
            found = rows_within(
                queries,
                self._rows,
                reduced_limit(radius, metric, n_features),
                kernel_metric(metric),
                self.image_shape_,
                self.n_jobs,
            )
            check_finite(found[2])
        query_indices, indices, distances = found
        if sort_results:
            order = np.lexsort((indices, distances, query_indices))
            query_indices, indices, distances = (array[order] for array in found)
        distances = from_reduced(distances, metric, n_features)
        kept = distances <= radius
        if X is None:
            kept &= query_indices != indices
        query_indices, indices, distances = (
            query_indices[kept],
            indices[kept],
            distances[kept],
        )
        counts = np.bincount(query_indices, minlength=len(queries))
        return np.concatenate([[0], np.cumsum(counts)]), indices, distances


def _check_radius(radius: Any) -> float:
    if isinstance(radius, bool) or not isinstance(radius, Real):
        raise TypeError(f"radius must be a number; got {radius!r}.")
    if math.isnan(radius) or radius < 0:
        raise ValueError(f"radius must be at least 0; got {radius!r}.")
    return float(radius)


def _split(numbers: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Split an array at ``starts``, and return an array of arrays."""
    parts = np.empty(len(starts) - 1, dtype=object)
    for i in range(len(parts)):
        parts[i] = numbers[starts[i] : starts[i + 1]]
    return parts
