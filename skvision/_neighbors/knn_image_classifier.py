"""The classifier by nearest neighbors."""

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from skvision._contract.images import validate_rows
from skvision._contract.labels import ClassifierMixin, refuse_missing
from skvision._contract.public import public
from skvision._contract.sklearn_compat import StrOptions, check_parameters, whole_fit
from skvision._neighbors.distance_metrics import check_suits
from skvision._neighbors.image_neighbors import ImageNeighbors
from skvision._neighbors.votes import balanced_without, vote, weights_of_classes

NUMBERS_AT_ONCE = 2**21  # of neighbors or of votes, in predictions


@public("skvision")
class KNNImageClassifier(ClassifierMixin, ImageNeighbors):
    r"""Classify images by the votes of their nearest training images.

    Images are compared as they are: bytes stay bytes, no training image is copied, and
    the neighbors are exact. Among many images, most distances need not be computed. A
    sketch of each image, which is a few hundred sums of neighboring pixels or 64
    coordinates along principal axes, gives lower bounds that exclude all but a few
    percent of them. On noise the bounds exclude no candidates, and the search is
    several times slower.

    Parameters
    ----------
    n_neighbors : int, default=5
        How many neighbors vote.

    metric : str or callable, default="l2"
        The distance of two rows of pixels or features :math:`a` and :math:`b`:

        - ``"l1"`` or ``"manhattan"``: :math:`\sum |a_i - b_i|`
        - ``"l2"`` or ``"euclidean"``: :math:`\sqrt{\sum (a_i - b_i)^2}`
        - ``"chebyshev"``: :math:`\max |a_i - b_i|`
        - ``"cosine"``: :math:`1 - a \cdot b / (\|a\| \|b\|)`; rows of zeros are errors
        - ``"chi2"``: :math:`\sum (a_i - b_i)^2 / (a_i + b_i)`, for histograms: values
          not negative; where both are zero the term is zero
        - ``"hellinger"``: :math:`\sqrt{\frac{1}{2} \sum (\sqrt{a_i} -
          \sqrt{b_i})^2}`, for histograms, which add up to 1 where the distance is to
          lie between 0 and 1
        - ``"hamming"``: the share of bits that differ, from 0 to 1, in rows of uint8
          that hold eight bits a byte, as ``numpy.packbits`` packs them. It is
          scikit-learn's distance of the rows of bits.
        - a function of two float64 arrays of shape (n_features,) that returns a
          number. It is called for every pair of an image and a training image, which
          is slow: some microseconds each.

        It is settled, as is ``algorithm``, by ``fit`` or the first ``partial_fit``.

    weights : {"uniform", "distance"} or callable, default="uniform"
        The weight of a vote: the same for all neighbors; one over the distance, where
        neighbors at distance zero, if any, decide alone; or what a function makes of
        distances of shape (n, n_neighbors).

    tie_break : {"nearest", "lowest"}, default="nearest"
        Which class wins where several have the most votes: that of the nearest of the
        neighbors that voted for one of them, or the first in ``classes_``, as in
        scikit-learn's ``KNeighborsClassifier``. Of neighbors at the same distance the
        one that came first in the training set counts as nearer.

    algorithm : {"auto", "brute", "hnsw"}, default="auto"
        ``"brute"`` is exact, and what ``"auto"`` stands for. ``"hnsw"`` is
        approximate: it may miss neighbors, those that it finds have exact distances.
        It needs faiss (``pip install "skvision[ann]"``) and time to build its graph,
        in ``fit``, and is much faster at predicting. It is not for callables,
        ``"chebyshev"`` and ``"hamming"``.

    ef_search : int, default=100
        With ``algorithm="hnsw"``, how many candidates are kept in the search: more
        find more of the true neighbors and take longer.

    class_weight : dict or "balanced", default=None
        Factors of the votes for each class, above 0. ``"balanced"`` makes them
        inversely proportional to the number of training images of the class.

    n_jobs : int, default=None
        Number of threads for searches. None means 1, unless in a
        ``joblib.parallel_config`` context; -1 means all processors.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.

    effective_metric_ : str or callable
        The metric that is settled.

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
    NearestImages : The same neighbors without classes, and all within a radius.

    Notes
    -----
    Distances of bytes under L1, L2 and Chebyshev, and numbers of bits, are exact
    integers before a square root or a division.
    Distances of floats are sums of differences in float64, not expansions into
    products, which lose digits where rows are close or far from the origin; cosines
    come from products, but from differences where directions nearly agree. The bounds
    that rule out rows allow for all rounding. Under L2, differences below 1e-154 or
    above 1e154 have no squares in float64: the former count as zero, the latter are an
    error.

    From 8,192 training images of 512 features on, ``fit`` computes the sketches and
    keeps them, unless they exclude too little, under all metrics but "chebyshev" and
    "hamming". They take 400 bytes an image of CIFAR-10 under L1 and 280 under the
    others, an eighth and a tenth of its bytes, and 464 and 280 of 28 x 28 bytes, over a
    half and a third; they take about 20 microseconds an image to compute. One query
    alone then reads the sketches in place of all images.

    Beside the training images, and images to predict that are uint8, float32 or
    float64 arrays in C order, none of which are copied, a search with up to 100
    neighbors takes up to 256 MB, whatever the number of images. There is no
    ``sample_weight``: an image that stands in the training set twice takes the place
    of another neighbor, which no weight can do.

    ``predict`` returns the class of the largest probability. Probabilities are shares
    of the votes; with ``tie_break="nearest"`` the winner of a tie gets a billionth of
    all votes on top. To find ties, ask for probabilities with ``tie_break="lowest"``:
    there tied classes have the same.

    ``predict(None)``, ``predict_proba(None)`` and ``score(None, y)`` are leave-one-out
    on the training images: each is classified by the others, and balanced class weights
    are those of the others.

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

    Leave-one-out needs no images beside those of ``fit``:

    >>> print(f"{model.score(None, digits.target[:1000]):.3f}")
    0.989
    """

    _parameter_constraints = ImageNeighbors._parameter_constraints | {
        "weights": [StrOptions({"uniform", "distance"}), callable],
        "tie_break": [StrOptions({"nearest", "lowest"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        metric: str | Callable[..., Any] = "l2",
        weights: str | Callable[..., Any] = "uniform",
        tie_break: str = "nearest",
        algorithm: str = "auto",
        ef_search: int = 100,
        class_weight: dict[str, Any] | str | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.weights = weights
        self.tie_break = tie_break
        self.algorithm = algorithm
        self.ef_search = ef_search
        self.class_weight = class_weight
        self.n_jobs = n_jobs

    @whole_fit
    def fit(self, X: Any, y: Any) -> Self:
        """Keep the training images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features. uint8, float32 and float64 arrays in C order are kept
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
        refuse_missing(y, "y")
        X, y = validate_rows(self, X, y, reset=True)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        X = np.ascontiguousarray(X)
        return self._keep_with_labels(
            X, self.metric, self._make_index(X), classes, labels
        )

    @whole_fit
    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Add training images to those that are there.

        Each call copies the images that are there already: add them by the thousand,
        not one by one.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features.
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
        refuse_missing(y, "y")
        refuse_missing(classes, "classes")
        X, y = validate_rows(self, X, y, reset=first)
        check_classification_targets(y)
        classes = self.classes_ if classes is None else np.unique(classes)
        announced: Any = [] if first else self.classes_
        for known, name in ((y, "y"), (announced, "earlier calls")):
            missing = np.setdiff1d(known, classes)
            if len(missing):
                raise ValueError(
                    f"The classes {missing.tolist()} of {name} are not among "
                    f"classes={classes.tolist()}: pass classes= with all of them."
                )
        X, labels = np.ascontiguousarray(X), np.searchsorted(classes, y)
        if first:
            return self._keep_with_labels(
                X, self.metric, self._make_index(X), classes, labels
            )
        check_suits(X, self.effective_metric_)
        index = self._index.with_more(X) if self._index is not None else None
        before = np.searchsorted(classes, self.classes_)[self._labels]
        labels = np.concatenate([before, labels])
        rows = np.concatenate([self._rows, X])
        return self._keep_with_labels(
            rows, self.effective_metric_, index, classes, labels, self._sketched
        )

    def _keep_with_labels(
        self,
        rows: np.ndarray,
        metric: Any,
        index: Any,
        classes: np.ndarray,
        labels: np.ndarray,
        sketched: Any = None,
    ) -> Self:
        weights_of_classes(self.class_weight, classes, labels)
        self.classes_, self._labels = classes, labels
        self._keep(rows, metric, index, sketched)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each image.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features), or None
            Images or features like those of ``fit``. None means the training images,
            each of which is then not its own neighbor: leave-one-out.

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
        best = np.empty(self._count(X), np.intp)
        for rows, shares in self._shares(X):
            best[rows] = shares.argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Compute the share of each class in the votes.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features), or None
            As in `predict`.

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
        probabilities = np.empty((self._count(X), len(self.classes_)))
        for rows, shares in self._shares(X):
            probabilities[rows] = shares
        return probabilities

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the accuracy of `predict`.

        ``score(None, y)`` with the ``y`` of ``fit`` is the accuracy of leave-one-out
        cross-validation, at the price of one search.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features), or None
            As in `predict`.
        y : array-like of shape (n,)
            True classes.
        sample_weight : array-like of shape (n,), default=None
            How much each image counts; None means the same for all.

        Returns
        -------
        accuracy : float
            From 0 to 1.

        Raises
        ------
        ValueError
            As `kneighbors`, or if ``y`` does not have as many rows as ``X``.
        """
        return super().score(X, y, sample_weight)

    def _shares(self, X: Any) -> Iterator[Any]:
        """Yield some rows and their shares of votes, until all rows are done."""
        check_parameters(self)
        n, n_classes = self._count(X), len(self.classes_)
        n_neighbors = self._check_n_neighbors(None, among_others=X is None)
        class_weights = weights_of_classes(
            self.class_weight, self.classes_, self._labels
        )
        n_searched = max(1, NUMBERS_AT_ONCE // n_neighbors)
        n_voting = max(1, NUMBERS_AT_ONCE // max(n_neighbors, n_classes))
        for start in range(0, n, n_searched):
            stop = min(start + n_searched, n)
            distances, indices = self._nearest(X, slice(start, stop), n_neighbors)
            for first in range(start, stop, n_voting):
                rows = slice(first, min(first + n_voting, stop))
                part = slice(first - start, rows.stop - start)
                if X is None and self.class_weight == "balanced":
                    class_weights = balanced_without(self._labels, n_classes, rows)
                yield (
                    rows,
                    vote(
                        self._labels[indices[part]],
                        distances[part],
                        self.weights,
                        class_weights,
                        self.tie_break,
                    ),
                )
