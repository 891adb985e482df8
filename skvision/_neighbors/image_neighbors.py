"""Base class of the estimators that search for nearest neighbors."""

from numbers import Integral
from typing import Any, cast

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.utils.validation import check_is_fitted

from skvision._contract.images import validate_rows
from skvision._contract.models import UNKNOWN, Bounds
from skvision._contract.sklearn_compat import (
    Estimator,
    Interval,
    StrOptions,
    check_parameters,
)
from skvision._neighbors.distance_metrics import (
    HISTOGRAM_METRICS,
    KERNEL_NAMES,
    METRICS_WITHOUT_GRAPH,
    check_metric,
    from_reduced,
    kernel_metric,
    nearest_by_callable,
)
from skvision._neighbors.hnsw import HNSWIndex
from skvision._neighbors.search import nearest_rows, sketch_rows

DTYPES_OF_ROWS = (np.uint8, np.float32, np.float64)


class ImageNeighbors(Estimator):
    """Base class that stores training images and searches for nearest neighbors.

    Subclasses have the parameters in ``_parameter_constraints`` and call `_store` in
    ``fit``.
    """

    _parameter_constraints = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions(set(KERNEL_NAMES)), callable],
        "algorithm": [StrOptions({"auto", "brute", "hnsw"})],
        "ef_search": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __sklearn_tags__(self) -> Any:
        """Return tags: metrics of histograms require nonnegative values."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = self.metric in HISTOGRAM_METRICS
        return tags

    def kneighbors(
        self, X: Any = None, n_neighbors: Any = None, return_distance: bool = True
    ) -> Any:
        """Find the nearest training images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features), default=None
            Images or features of the shape seen during ``fit``. None means the training
            images, each of which is not its own neighbor.
        n_neighbors : int, default=None
            Number of neighbors. None means the ``n_neighbors`` of the estimator.
        return_distance : bool, default=True
            Whether to return the distances.

        Returns
        -------
        distances : ndarray of shape (n, n_neighbors)
            Distances in ascending order, float64. They are only returned with
            ``return_distance=True``.
        indices : ndarray of shape (n, n_neighbors)
            Indices of the training images, int64. Neighbors at equal distances are
            sorted by index.

        Raises
        ------
        ValueError
            If ``X`` does not have the shape seen during ``fit``, if ``n_neighbors``
            exceeds the number of training images, if the metric is undefined for a
            sample, or if distances overflow.
        """
        check_is_fitted(self)
        n_neighbors = self._check_n_neighbors(n_neighbors, among_others=X is None)
        X = self._validate_queries(X)
        distances, indices = self._nearest(
            X, slice(0, self._count_queries(X)), n_neighbors
        )
        return (distances, indices) if return_distance else indices

    def kneighbors_graph(
        self, X: Any = None, n_neighbors: int | None = None, mode: str = "connectivity"
    ) -> Any:
        """Compute the graph of images and their nearest training images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features), default=None
            As in `kneighbors`.
        n_neighbors : int, default=None
            As in `kneighbors`.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether the entries of the graph are ones or distances.

        Returns
        -------
        graph : csr_matrix of shape (n, n_samples_fit_)
            Sparse graph, float64, whose row i has an entry for each neighbor of image
            i, sorted by distance.

        Raises
        ------
        ValueError
            As in `kneighbors`, or if ``mode`` is invalid.
        """
        check_mode(mode)
        distances, indices = self.kneighbors(X, n_neighbors)
        entries = distances if mode == "distance" else np.ones(distances.shape)
        starts = np.arange(0, indices.size + 1, indices.shape[1])
        shape = len(indices), self.n_samples_fit_
        return csr_matrix((entries.ravel(), indices.ravel(), starts), shape=shape)

    @property
    def training_images_(self) -> np.ndarray:
        """The training images, or rows if they were fitted as rows, without a copy."""
        check_is_fitted(self)
        if self.image_shape_ is None:
            return self._rows
        height, width, channels = self.image_shape_
        shape = (height, width, channels)[: 2 if channels == 1 else 3]
        return self._rows.reshape(-1, *shape)

    def check_fitted(self, inputs: Bounds = UNKNOWN) -> Bounds:
        """Check the parameters and the fitted attributes, such as those from a file.

        Parameters
        ----------
        inputs : Bounds
            Bounds of the images or features.

        Returns
        -------
        bounds : Bounds
            Upper bounds of the number of operations for an image.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If a parameter is out of its range, or if parameters and fitted attributes
            contradict each other.
        """
        check_is_fitted(self)
        check_parameters(self)
        rows, metric = self._rows, self.effective_metric_
        if not isinstance(metric, str) or metric not in KERNEL_NAMES:
            raise ValueError("its metric is not one of those with a name")
        if not isinstance(rows, np.ndarray) or rows.dtype not in DTYPES_OF_ROWS:
            raise ValueError("its training images are not bytes or floats")
        shape = self.n_samples_fit_, self.n_features_in_
        if rows.shape != shape or not rows.flags.c_contiguous or not len(rows):
            raise ValueError(f"its training images do not have the shape {shape}")
        if rows.dtype.kind == "f" and not np.isfinite(rows).all():
            raise ValueError("its training images have numbers that are not finite")
        check_metric(rows, metric)
        if self._index is not None or self._sketched not in (None, False):
            raise ValueError("it has an index that does not come from its images")
        return Bounds(rows.size, np.empty(0))

    def plain_state(self) -> dict[str, Any]:
        """Return the attributes without those that are computed from the others.

        Returns
        -------
        state : dict
            The attributes, without sketches of the training images, which the next fit
            computes again. Until then, searches for few images take longer.

        Raises
        ------
        ValueError
            If the images are searched by a graph.
        """
        state = dict(vars(self))
        if state.get("_index") is not None:
            raise ValueError(
                "algorithm='hnsw' searches in a graph of faiss, which is no plain "
                "data: set algorithm='brute' and fit again"
            )
        return state | ({"_sketched": None} if "_sketched" in state else {})

    def _store(
        self,
        rows: np.ndarray,
        metric: Any,
        index: HNSWIndex | None,
        sketched: Any = None,
    ) -> Any:
        """Store training rows, their metric, and their graph or None.

        ``sketched`` is the sketch of the rows of earlier calls, if there is one.
        """
        self.effective_metric_, self.n_samples_fit_ = metric, len(rows)
        self._rows, self._index, self._sketched = rows, index, None
        if index is None and not callable(metric):
            how = kernel_metric(metric), self.image_shape_, self.n_jobs
            self._sketched = sketch_rows(rows, *how, before=sketched)
        return self

    def _make_index(self, rows: np.ndarray) -> HNSWIndex | None:
        """Return a graph of rows with ``algorithm="hnsw"``, else None."""
        check_metric(rows, self.metric)
        if self.algorithm != "hnsw":
            return None
        if callable(self.metric) or self.metric in METRICS_WITHOUT_GRAPH:
            what = "a callable" if callable(self.metric) else repr(self.metric)
            raise ValueError(
                f"algorithm='hnsw' supports the metrics 'l1', 'l2', 'cosine', 'chi2' "
                f"and 'hellinger', not {what}. Set algorithm='brute'."
            )
        return HNSWIndex(rows, kernel_metric(self.metric), self.image_shape_)

    def _validate_queries(self, X: Any) -> np.ndarray | None:
        """Return validated images as rows, or None for the training images."""
        check_is_fitted(self)
        if X is None:
            return None
        X = validate_rows(self, X, reset=False)
        check_metric(X, self.effective_metric_)
        return np.ascontiguousarray(X)

    def _count_queries(self, X: Any) -> int:
        return self.n_samples_fit_ if X is None else len(X)

    def _check_n_neighbors(self, n_neighbors: Any, among_others: bool) -> int:
        """Return the validated number of neighbors to search for."""
        if n_neighbors is None:
            n_neighbors = self.n_neighbors
        if isinstance(n_neighbors, bool) or not isinstance(n_neighbors, Integral):
            raise TypeError(f"n_neighbors must be an integer; got {n_neighbors!r}.")
        n_available = self.n_samples_fit_ - int(among_others)
        if not 1 <= cast(int, n_neighbors) <= n_available:
            raise ValueError(
                f"n_neighbors must be between 1 and {n_available}, the number of "
                f"{'other ' if among_others else ''}training images; got "
                f"{n_neighbors}."
            )
        return int(n_neighbors)

    def _nearest(
        self, X: Any, part: slice, n_neighbors: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return distances and indices of the neighbors of the rows ``part`` of ``X``.

        If ``X`` is None, they are training rows, which are not their own neighbors.
        """
        if X is not None:
            return self._nearest_of_all(X[part], n_neighbors)
        distances, indices = self._nearest_of_all(self._rows[part], n_neighbors + 1)
        itself = indices == np.arange(*part.indices(self.n_samples_fit_))[:, None]
        # A row with many copies may not be among the nearest itself.
        itself[~itself.any(axis=1), -1] = True
        shape = len(indices), n_neighbors
        return distances[~itself].reshape(shape), indices[~itself].reshape(shape)

    def _nearest_of_all(
        self, X: Any, n_neighbors: int
    ) -> tuple[np.ndarray, np.ndarray]:
        metric = self.effective_metric_
        if callable(metric):
            return nearest_by_callable(X, self._rows, n_neighbors, metric)
        if self._index is not None:
            distances, indices = self._index.nearest_rows(
                X, self._rows, n_neighbors, self.ef_search, self.n_jobs
            )
        else:
            distances, indices = nearest_rows(
                X,
                self._rows,
                n_neighbors,
                kernel_metric(metric),
                self.image_shape_,
                self.n_jobs,
                self._sketched,
            )
        check_finite(distances)
        return from_reduced(distances, metric, X.shape[1]), indices


def check_mode(mode: str) -> None:
    """Raise an error if the mode of a graph is invalid."""
    if mode not in ("connectivity", "distance"):
        raise ValueError(f"mode must be 'connectivity' or 'distance'; got {mode!r}.")


def check_finite(distances: np.ndarray) -> None:
    """Raise an error if distances overflow."""
    if np.isinf(distances).any():
        raise ValueError(
            "Distances overflow float64. Scale the features, for example with "
            "PixelNormalizer()."
        )
