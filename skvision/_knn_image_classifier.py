"""Nearest neighbours on pictures."""

from numbers import Integral

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from skvision._distance_metrics import (
    KERNEL_NAMES,
    OF_HISTOGRAMS,
    check_suits,
    from_reduced,
    kernel_metric,
    nearest_by_callable,
)
from skvision._hnsw import HNSWIndex
from skvision._images import validate_rows
from skvision._neighbors import nearest_rows, sketch_rows
from skvision._sklearn_compat import (
    Estimator,
    Interval,
    StrOptions,
    check_parameters,
    whole_fit,
)
from skvision._votes import vote, weights_of_classes

NUMBERS_AT_ONCE = 2**21  # of neighbours or of votes, in predictions


def _without_self(distances, indices):
    """Leave row i out of its own neighbours, or the last where it is not among them."""
    n, n_found = indices.shape
    itself = indices == np.arange(n)[:, None]
    itself[~itself.any(axis=1), -1] = True
    shape = n, n_found - 1
    return distances[~itself].reshape(shape), indices[~itself].reshape(shape)


class KNNImageClassifier(ClassifierMixin, Estimator):
    r"""Classify pictures by the votes of their nearest training pictures.

    Images are compared as they are: bytes stay bytes, no training image is copied, and
    the neighbors are exact. Among many images, most distances need not be computed. A
    sketch of each image, which is a few hundred sums of neighboring pixels or 64
    coordinates along principal axes, gives lower bounds that exclude all but a few
    percent of them. On noise the bounds exclude no candidates, and the search is
    several times slower.

    Parameters
    ----------
    n_neighbors : int, default=5
        How many neighbours vote.

    metric : str or callable, default="l2"
        The distance of two rows of pixels or features :math:`a` and :math:`b`:

        - ``"l1"`` or ``"manhattan"``: :math:`\sum |a_i - b_i|`
        - ``"l2"`` or ``"euclidean"``: :math:`\sqrt{\sum (a_i - b_i)^2}`
        - ``"cosine"``: :math:`1 - a \cdot b / (\|a\| \|b\|)`; rows of zeros are errors
        - ``"chi2"``: :math:`\sum (a_i - b_i)^2 / (a_i + b_i)`, for histograms: values
          not negative; where both are zero the term is zero
        - ``"hellinger"``: :math:`\sqrt{\frac{1}{2} \sum (\sqrt{a_i} -
          \sqrt{b_i})^2}`, for histograms, which add up to 1 where the distance is to
          lie between 0 and 1
        - a function of two float64 arrays of shape (n_features,) that returns a
          number. It is called for every pair of a picture and a training picture,
          which is slow: some microseconds each.

        It is settled, as is ``algorithm``, by ``fit`` or the first ``partial_fit``.

    weights : {"uniform", "distance"} or callable, default="uniform"
        The weight of a vote: the same for all neighbours; one over the distance, where
        neighbours at distance zero, if any, decide alone; or what a function makes of
        distances of shape (n, n_neighbors).

    tie_break : {"nearest", "lowest"}, default="nearest"
        Which class wins where several have the most votes: that of the nearest of the
        neighbours that voted for one of them, or the first in ``classes_``, as in
        scikit-learn's ``KNeighborsClassifier``. Of neighbours at the same distance the
        one that came first in the training set counts as nearer.

    algorithm : {"auto", "brute", "hnsw"}, default="auto"
        ``"brute"`` is exact, and what ``"auto"`` stands for. ``"hnsw"`` is
        approximate: it may miss neighbours, those that it finds have exact distances.
        It needs faiss (``pip install "skvision[ann]"``) and time to build its graph,
        in ``fit``, and is much faster at predicting. It is not for callables.

    ef_search : int, default=100
        With ``algorithm="hnsw"``, how many candidates are kept in the search: more
        find more of the true neighbours and take longer.

    class_weight : dict or "balanced", default=None
        Factors of the votes for each class, above 0. ``"balanced"`` makes them
        inversely proportional to the number of training pictures of the class.

    n_jobs : int, default=None
        Number of threads for searches. None means 1, unless in a
        ``joblib.parallel_config`` context; -1 means all processors.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.

    n_samples_fit_ : int
        Number of training pictures.

    image_shape_ : (int, int, int) or None
        Height, width and channels of the pictures seen in ``fit``; None where they came
        as flat rows.

    n_features_in_ : int
        Number of features seen in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in ``fit``, where it was given a table.

    Notes
    -----
    Distances of bytes under L1 and L2 are exact integers before the square root.
    Distances of floats are sums of differences in float64, not expansions into
    products, which lose digits where rows are close or far from the origin; cosines
    come from products, but from differences where directions nearly agree. The bounds
    that rule out rows allow for all rounding. Under L2, differences below 1e-154 or
    above 1e154 have no squares in float64: the former count as zero, the latter are an
    error.

    From 8,192 training images of 512 features on, ``fit`` computes the sketches and
    keeps them, unless they exclude too little. They take a tenth of the memory of byte
    images (384 bytes an image under L1 and 264 under the other metrics) and about 20
    microseconds an image to compute. One query alone then reads the sketches in place
    of all images.

    Beside the training pictures, and pictures to predict that are uint8, float32 or
    float64 arrays in C order, none of which are copied, a search with up to 100
    neighbours takes up to 256 MB, whatever the number of pictures. There is no
    ``sample_weight``: a picture that stands in the training set twice takes the place
    of another neighbour, which no weight can do.

    ``predict`` returns the class of the largest probability. Probabilities are shares
    of the votes; with ``tie_break="nearest"`` the winner of a tie gets a billionth of
    all votes on top. To find ties, ask for probabilities with ``tie_break="lowest"``:
    there tied classes have the same.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import KNNImageClassifier
    >>> digits = load_digits()
    >>> images = digits.images.astype("uint8")
    >>> model = KNNImageClassifier(n_neighbors=3)
    >>> model = model.fit(images[:1000], digits.target[:1000])
    >>> print(f"{model.score(images[1000:], digits.target[1000:]):.3f}")
    0.961
    """

    _parameter_constraints = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions(set(KERNEL_NAMES)), callable],
        "weights": [StrOptions({"uniform", "distance"}), callable],
        "tie_break": [StrOptions({"nearest", "lowest"})],
        "algorithm": [StrOptions({"auto", "brute", "hnsw"})],
        "ef_search": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_neighbors=5,
        *,
        metric="l2",
        weights="uniform",
        tie_break="nearest",
        algorithm="auto",
        ef_search=100,
        class_weight=None,
        n_jobs=None,
    ):
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.weights = weights
        self.tie_break = tie_break
        self.algorithm = algorithm
        self.ef_search = ef_search
        self.class_weight = class_weight
        self.n_jobs = n_jobs

    def __sklearn_tags__(self):
        """Say that histograms must not be negative."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = self.metric in OF_HISTOGRAMS
        return tags

    @whole_fit
    def fit(self, X, y):
        """Keep the training pictures.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features. uint8, float32 and float64 arrays in C order are kept
            without a copy: do not change them afterwards.
        y : array-like of shape (n,)
            Classes.

        Returns
        -------
        self : KNNImageClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter is out of its range, ``X`` is not finite numbers in one of
            the three layouts, or the metric is not defined on some row.
        ImportError
            If ``algorithm="hnsw"`` and faiss is not installed.
        """
        X, y = validate_rows(self, X, y, reset=True)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        X = np.ascontiguousarray(X)
        return self._keep(X, classes, labels, self.metric, self._make_index(X))

    @whole_fit
    def partial_fit(self, X, y, classes=None):
        """Add training pictures to those that are there.

        Each call copies the pictures that are there already: add them by the thousand,
        not one by one.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features.
        y : array-like of shape (n,)
            Classes.
        classes : array-like of shape (n_classes,), default=None
            All classes there are, now or later. Must be given in the first call, unless
            there was a ``fit``; given again, it announces more.

        Returns
        -------
        self : KNNImageClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            As `fit`, or if a class in ``y`` was not announced, or ``classes`` lacks one
            that was.
        """
        check_parameters(self)
        first = not hasattr(self, "classes_")
        if first and classes is None:
            raise ValueError(
                "classes must be given in the first call of partial_fit: all the "
                "classes that there are or will be."
            )
        X, y = validate_rows(self, X, y, reset=first)
        check_classification_targets(y)
        classes = self.classes_ if classes is None else np.unique(classes)
        announced = [] if first else self.classes_
        for known, name in ((y, "y"), (announced, "earlier calls")):
            missing = np.setdiff1d(known, classes)
            if len(missing):
                raise ValueError(
                    f"The classes {missing.tolist()} of {name} are not among "
                    f"classes={classes.tolist()}: pass classes= with all of them."
                )
        X, labels = np.ascontiguousarray(X), np.searchsorted(classes, y)
        if first:
            return self._keep(X, classes, labels, self.metric, self._make_index(X))
        check_suits(X, self._metric)
        index = self._index.with_more(X) if self._index is not None else None
        before = np.searchsorted(classes, self.classes_)[self._labels]
        labels = np.concatenate([before, labels])
        rows = np.concatenate([self._rows, X])
        return self._keep(rows, classes, labels, self._metric, index, self._sketched)

    def _make_index(self, rows):
        """Return a graph of rows where it is asked for."""
        check_suits(rows, self.metric)
        if self.algorithm != "hnsw":
            return None
        if callable(self.metric):
            raise ValueError(
                "algorithm='hnsw' takes metrics by their names, not a callable: use "
                "algorithm='brute'."
            )
        return HNSWIndex(rows, kernel_metric(self.metric), self.image_shape_)

    def _keep(self, rows, classes, labels, metric, index, sketched=None):
        weights_of_classes(self.class_weight, classes, labels)
        self._metric = metric
        self.classes_, self.n_samples_fit_ = classes, len(rows)
        self._rows, self._labels, self._index = rows, labels, index
        self._sketched = None
        if index is None and not callable(metric):
            how = kernel_metric(metric), self.image_shape_, self.n_jobs
            self._sketched = sketch_rows(rows, *how, before=sketched)
        return self

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        """Find the nearest training pictures.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features), default=None
            Pictures or features like those of ``fit``. None means the training
            pictures, each of which is then not its own neighbour.
        n_neighbors : int, default=None
            How many; None means the ``n_neighbors`` of the classifier.
        return_distance : bool, default=True
            Whether to return the distances too.

        Returns
        -------
        distances : ndarray of shape (n, n_neighbors)
            float64, ascending; only with ``return_distance``.
        indices : ndarray of shape (n, n_neighbors)
            Indices of the training pictures, int64; of equally distant ones the lowest
            come first.

        Raises
        ------
        ValueError
            If ``X`` is not like the pictures seen in ``fit``, there are fewer training
            pictures than neighbours asked for, the metric is not defined on some row,
            or distances overflow.
        """
        check_is_fitted(self)
        n_neighbors = self._check_n_neighbors(n_neighbors, among_others=X is None)
        if X is None:
            found = self._nearest(self._rows, n_neighbors + 1)
            distances, indices = _without_self(*found)
        else:
            distances, indices = self._nearest(self._check(X), n_neighbors)
        return (distances, indices) if return_distance else indices

    def kneighbors_graph(self, X=None, n_neighbors=None, mode="connectivity"):
        """Compute the graph of pictures and their nearest training pictures.

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
            float64; row i has an entry for each neighbour of picture i.

        Raises
        ------
        ValueError
            As `kneighbors`, or for another mode.
        """
        if mode not in ("connectivity", "distance"):
            raise ValueError(
                f"mode must be 'connectivity' or 'distance'; got {mode!r}."
            )
        distances, indices = self.kneighbors(X, n_neighbors)
        entries = distances if mode == "distance" else np.ones(distances.shape)
        starts = np.arange(0, indices.size + 1, indices.shape[1])
        shape = len(indices), self.n_samples_fit_
        return csr_matrix((entries.ravel(), indices.ravel(), starts), shape=shape)

    def predict(self, X):
        """Predict the class of each picture.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features like those of ``fit``.

        Returns
        -------
        y : ndarray of shape (n,)
            Elements of ``classes_``.

        Raises
        ------
        ValueError
            As `kneighbors`.
        """
        X = self._check(X)
        best = np.empty(len(X), np.intp)
        for rows, shares in self._shares(X):
            best[rows] = shares.argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X):
        """Compute the share of each class in the votes.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features like those of ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            Between 0 and 1, each row adding up to 1, in the order of ``classes_``.

        Raises
        ------
        ValueError
            As `kneighbors`.
        """
        X = self._check(X)
        probabilities = np.empty((len(X), len(self.classes_)))
        for rows, shares in self._shares(X):
            probabilities[rows] = shares
        return probabilities

    def _shares(self, X):
        """Yield some rows and their shares of votes, until all rows are done."""
        check_parameters(self)
        n_neighbors = self._check_n_neighbors(None)
        factors = weights_of_classes(self.class_weight, self.classes_, self._labels)
        n_searched = max(1, NUMBERS_AT_ONCE // n_neighbors)
        n_voting = max(1, NUMBERS_AT_ONCE // max(n_neighbors, len(factors)))
        for start in range(0, len(X), n_searched):
            distances, indices = self._nearest(
                X[start : start + n_searched], n_neighbors
            )
            for first in range(0, len(indices), n_voting):
                part = slice(first, first + n_voting)
                yield (
                    slice(start + first, start + min(part.stop, len(indices))),
                    vote(
                        self._labels[indices[part]],
                        distances[part],
                        self.weights,
                        factors,
                        self.tie_break,
                    ),
                )

    def _check(self, X):
        check_is_fitted(self)
        X = validate_rows(self, X, reset=False)
        check_suits(X, self._metric)
        return X

    def _check_n_neighbors(self, n_neighbors, among_others=False):
        """Return how many neighbours to look for."""
        if n_neighbors is None:
            n_neighbors = self.n_neighbors
        if not isinstance(n_neighbors, Integral) or isinstance(n_neighbors, bool):
            raise TypeError(f"n_neighbors must be an integer; got {n_neighbors!r}.")
        n_there = self.n_samples_fit_ - int(among_others)
        if not 1 <= n_neighbors <= n_there:
            raise ValueError(
                f"n_neighbors={n_neighbors} neighbours were asked for, but there are "
                f"{n_there} {'other ' if among_others else ''}training pictures: "
                f"n_neighbors must be from 1 to {n_there}."
            )
        return int(n_neighbors)

    def _nearest(self, X, n_neighbors):
        """Return distances and indices of neighbours of rows that were checked."""
        X = np.ascontiguousarray(X)
        if callable(self._metric):
            return nearest_by_callable(X, self._rows, n_neighbors, self._metric)
        if self._index is not None:
            distances, indices = self._index.nearest_rows(
                X, self._rows, n_neighbors, self.ef_search, self.n_jobs
            )
        else:
            distances, indices = nearest_rows(
                X,
                self._rows,
                n_neighbors,
                kernel_metric(self._metric),
                self.image_shape_,
                self.n_jobs,
                self._sketched,
            )
        if np.isinf(distances).any():
            raise ValueError(
                "Distances are too large for float64: scale the features, with "
                "PixelNormalizer() for instance."
            )
        return from_reduced(distances, self._metric), indices
