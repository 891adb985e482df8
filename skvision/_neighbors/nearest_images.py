"""Nearest neighbors without classes."""

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
    r"""Find the nearest training images, or all within a radius.

    This is the search of `KNNImageClassifier` without classes, with the methods of
    scikit-learn's ``NearestNeighbors``: bytes stay bytes, no training image is copied,
    and the neighbors are exact. Use it to find near-duplicates, to retrieve similar
    images, and in place of ``NearestNeighbors`` in the samplers of imbalanced-learn and
    in everything that takes a graph of neighbors.

    Parameters
    ----------
    n_neighbors : int, default=5
        How many neighbors `kneighbors` finds if it is not told.

    radius : float, default=1.0
        The radius of `radius_neighbors` if it is not told, in units of the metric: for
        bytes under ``"l2"``, 1 is a single pixel that differs by one.

    metric : str or callable, default="l2"
        The distance, as in `KNNImageClassifier`: ``"l1"`` or ``"manhattan"``, ``"l2"``
        or ``"euclidean"``, ``"chebyshev"``, ``"cosine"``, ``"chi2"``,
        ``"hellinger"``, ``"hamming"`` of packed bits, or a function of two float64
        arrays of shape (n_features,) that returns a number.

    algorithm : {"auto", "brute", "hnsw"}, default="auto"
        ``"brute"`` is exact, and what ``"auto"`` stands for. ``"hnsw"`` is
        approximate, as in `KNNImageClassifier`, in `kneighbors` and its graph;
        `radius_neighbors` and its graph are always exact.

    ef_search : int, default=100
        With ``algorithm="hnsw"``, how many candidates are kept in the search: more
        find more of the true neighbors and take longer.

    n_jobs : int, default=None
        Number of threads for searches. None means 1, unless in a
        ``joblib.parallel_config`` context; -1 means all processors.

    Attributes
    ----------
    effective_metric_ : str or callable
        The metric that ``fit`` was given.

    n_samples_fit_ : int
        Number of training images.

    image_shape_ : (int, int, int) or None
        Height, width and channels of the images seen in ``fit``; None where they came
        as flat rows.

    n_features_in_ : int
        Number of features seen in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in ``fit``, where it was given a table.

    See Also
    --------
    KNNImageClassifier : Classifies by the votes of these neighbors.

    Notes
    -----
    A search with a radius takes memory for what it finds: 16 bytes a neighbor, up to 50
    while it is put together and up to 81 while it is sorted, and up to 256 MB beside.
    Find the size of a radius by the distances of `kneighbors` before you use it.

    Examples
    --------
    All pairs of digits that are near-duplicates of each other:

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
        """Keep the training images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features. uint8, float32 and float64 arrays in C order are kept
            without a copy: do not change them afterwards.
        y : None
            Ignored.

        Returns
        -------
        self : NearestImages
            The fitted search.

        Raises
        ------
        ValueError
            If a parameter is out of its range, ``X`` is not finite numbers in one of
            the three layouts, or the metric is not defined on some row.
        ImportError
            If ``algorithm="hnsw"`` and faiss is not installed.
        """
        X = np.ascontiguousarray(validate_rows(self, X, reset=True))
        return self._keep(X, self.metric, self._make_index(X))

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
            Images or features like those of ``fit``. None means the training images,
            each of which is then not its own neighbor.
        radius : float, default=None
            The largest distance of a neighbor, from 0, which is itself within the
            radius; infinity finds all images. None means the ``radius`` of the
            estimator.
        return_distance : bool, default=True
            Whether to return the distances too.
        sort_results : bool, default=False
            Whether the nearest come first, and of equally distant ones the lowest
            index; else neighbors are in the order of their indices. It needs
            ``return_distance``.

        Returns
        -------
        distances : ndarray of shape (n,)
            An array of objects: float64 arrays of shape (n_found,), which may be
            empty; only with ``return_distance``.
        indices : ndarray of shape (n,)
            An array of objects: int64 arrays of the same shapes, indices of training
            images.

        Raises
        ------
        ValueError
            If the radius is negative or not a number, ``X`` is not like the images
            seen in ``fit``, the metric is not defined on some row, distances overflow,
            or ``sort_results`` is asked for without distances.
        TypeError
            If the radius is no number at all.
        """
        if sort_results and not return_distance:
            raise ValueError("sort_results=True needs return_distance=True.")
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
        """Compute the graph of images and all training images within a radius.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features), default=None
            As in `radius_neighbors`.
        radius : float, default=None
            As in `radius_neighbors`.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether the graph holds ones or distances.
        sort_results : bool, default=False
            Whether the entries of a row are in the order of distances, as scikit-learn
            wants graphs that it is given; else they are in the order of indices.

        Returns
        -------
        graph : csr_matrix of shape (n, n_samples_fit_)
            float64; row i has an entry for each neighbor of image i. The distance of
            copies is an entry too, a zero.

        Raises
        ------
        ValueError
            As `radius_neighbors`, or for another mode.
        """
        check_mode(mode)
        starts, indices, distances = self._within(X, radius, sort_results)
        entries = distances if mode == "distance" else np.ones(len(indices))
        shape = len(starts) - 1, self.n_samples_fit_
        return csr_matrix((entries, indices, starts), shape=shape)

    def _within(
        self, X: Any, radius: Any, in_order: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return where each query's neighbors start, their indices and distances."""
        X = self._check(X)
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
        places, indices, distances = found
        if in_order:
            order = np.lexsort((indices, distances, places))
            places, indices, distances = (array[order] for array in found)
        distances = from_reduced(distances, metric, n_features)
        kept = distances <= radius
        if X is None:
            kept &= places != indices
        places, indices, distances = places[kept], indices[kept], distances[kept]
        counts = np.bincount(places, minlength=len(queries))
        return np.concatenate([[0], np.cumsum(counts)]), indices, distances


def _check_radius(radius: Any) -> float:
    if isinstance(radius, bool) or not isinstance(radius, Real):
        raise TypeError(f"radius must be a number; got {radius!r}.")
    if math.isnan(radius) or radius < 0:
        raise ValueError(f"radius must be a number from 0; got {radius!r}.")
    return float(radius)


def _split(numbers: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return an array of arrays."""
    parts = np.empty(len(starts) - 1, dtype=object)
    for i in range(len(parts)):
        parts[i] = numbers[starts[i] : starts[i + 1]]
    return parts
