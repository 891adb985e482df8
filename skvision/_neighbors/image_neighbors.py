"""What a classifier and a search by nearest neighbors share."""

from numbers import Integral
from typing import Any, cast

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.utils.validation import check_is_fitted

from skvision._contract.images import validate_rows
from skvision._contract.sklearn_compat import Estimator, Interval, StrOptions
from skvision._neighbors.distance_metrics import (
    KERNEL_NAMES,
    OF_HISTOGRAMS,
    WITHOUT_GRAPH,
    check_suits,
    from_reduced,
    kernel_metric,
    nearest_by_callable,
)
from skvision._neighbors.hnsw import HNSWIndex
from skvision._neighbors.search import nearest_rows, sketch_rows


class ImageNeighbors(Estimator):
    """Keeps training images, and finds those that are nearest to others.

    Subclasses have the parameters that stand in ``_parameter_constraints``, and call
    `_keep` in ``fit``.
    """

    _parameter_constraints = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions(set(KERNEL_NAMES)), callable],
        "algorithm": [StrOptions({"auto", "brute", "hnsw"})],
        "ef_search": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __sklearn_tags__(self) -> Any:
        """Say that histograms must not be negative."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = self.metric in OF_HISTOGRAMS
        return tags

    def kneighbors(
        self, X: Any = None, n_neighbors: Any = None, return_distance: bool = True
    ) -> Any:
        """Find the nearest training images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features), default=None
            Images or features like those of ``fit``. None means the training images,
            each of which is then not its own neighbor.
        n_neighbors : int, default=None
            How many; None means the ``n_neighbors`` of the estimator.
        return_distance : bool, default=True
            Whether to return the distances too.

        Returns
        -------
        distances : ndarray of shape (n, n_neighbors)
            float64, ascending; only with ``return_distance``.
        indices : ndarray of shape (n, n_neighbors)
            Indices of the training images, int64; of equally distant ones the lowest
            come first.

        Raises
        ------
        ValueError
            If ``X`` is not like the images seen in ``fit``, there are fewer training
            images than neighbors asked for, the metric is not defined on some row, or
            distances overflow.
        """
        check_is_fitted(self)
        n_neighbors = self._check_n_neighbors(n_neighbors, among_others=X is None)
        X = self._check(X)
        distances, indices = self._nearest(X, slice(0, self._count(X)), n_neighbors)
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
            Whether the graph holds ones or distances.

        Returns
        -------
        graph : csr_matrix of shape (n, n_samples_fit_)
            float64; row i has an entry for each neighbor of image i, the nearest first.

        Raises
        ------
        ValueError
            As `kneighbors`, or for another mode.
        """
        check_mode(mode)
        distances, indices = self.kneighbors(X, n_neighbors)
        entries = distances if mode == "distance" else np.ones(distances.shape)
        starts = np.arange(0, indices.size + 1, indices.shape[1])
        shape = len(indices), self.n_samples_fit_
        return csr_matrix((entries.ravel(), indices.ravel(), starts), shape=shape)

    def _keep(
        self,
        rows: np.ndarray,
        metric: Any,
        index: HNSWIndex | None,
        sketched: Any = None,
    ) -> Any:
        """Keep training rows, a metric that suits them, and a graph of them or None.

        ``sketched`` is the sketch of the first of the rows, if they have one.
        """
        self.effective_metric_, self.n_samples_fit_ = metric, len(rows)
        self._rows, self._index, self._sketched = rows, index, None
        if index is None and not callable(metric):
            how = kernel_metric(metric), self.image_shape_, self.n_jobs
            self._sketched = sketch_rows(rows, *how, before=sketched)
        return self

    def _make_index(self, rows: np.ndarray) -> HNSWIndex | None:
        """Return a graph of rows where it is asked for."""
        check_suits(rows, self.metric)
        if self.algorithm != "hnsw":
            return None
        if callable(self.metric) or self.metric in WITHOUT_GRAPH:
            what = "a callable" if callable(self.metric) else repr(self.metric)
            raise ValueError(
                f"algorithm='hnsw' takes metric='l1', 'l2', 'cosine', 'chi2' or "
                f"'hellinger', not {what}: use algorithm='brute'."
            )
        return HNSWIndex(rows, kernel_metric(self.metric), self.image_shape_)

    def _check(self, X: Any) -> np.ndarray | None:
        """Return images as rows that suit the metric; None stays None."""
        check_is_fitted(self)
        if X is None:
            return None
        X = validate_rows(self, X, reset=False)
        check_suits(X, self.effective_metric_)
        return np.ascontiguousarray(X)

    def _count(self, X: Any) -> int:
        return self.n_samples_fit_ if X is None else len(X)

    def _check_n_neighbors(self, n_neighbors: Any, among_others: bool) -> int:
        """Return how many neighbors to look for."""
        if n_neighbors is None:
            n_neighbors = self.n_neighbors
        if isinstance(n_neighbors, bool) or not isinstance(n_neighbors, Integral):
            raise TypeError(f"n_neighbors must be an integer; got {n_neighbors!r}.")
        n_there = self.n_samples_fit_ - int(among_others)
        if not 1 <= cast(int, n_neighbors) <= n_there:
            raise ValueError(
                f"n_neighbors={n_neighbors} neighbors were asked for, but there are "
                f"{n_there} {'other ' if among_others else ''}training images: "
                f"n_neighbors must be from 1 to {n_there}."
            )
        return int(n_neighbors)

    def _nearest(
        self, X: Any, part: slice, n_neighbors: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return distances and indices of the neighbors of some rows of ``X``.

        Where ``X`` is None they are training rows, and not their own neighbors.
        """
        if X is not None:
            return self._nearest_of_all(X[part], n_neighbors)
        distances, indices = self._nearest_of_all(self._rows[part], n_neighbors + 1)
        itself = indices == np.arange(*part.indices(self.n_samples_fit_))[:, None]
        # Where many rows are the same, it may not be among the nearest.
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
    """Raise for what a graph cannot hold."""
    if mode not in ("connectivity", "distance"):
        raise ValueError(f"mode must be 'connectivity' or 'distance'; got {mode!r}.")


def check_finite(distances: np.ndarray) -> None:
    """Raise where distances overflow."""
    if np.isinf(distances).any():
        raise ValueError(
            "Distances are too large for float64: scale the features, with "
            "PixelNormalizer() for instance."
        )
