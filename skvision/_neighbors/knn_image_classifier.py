"""Classification by nearest neighbors."""

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from skvision._contract.fitted_arrays import check_classes
from skvision._contract.images import validate_rows
from skvision._contract.labels import ClassifierMixin, refuse_missing
from skvision._contract.models import UNKNOWN, Bounds
from skvision._contract.public import public
from skvision._contract.sklearn_compat import StrOptions, check_parameters, whole_fit
from skvision._neighbors.distance_metrics import check_metric
from skvision._neighbors.image_neighbors import ImageNeighbors
from skvision._neighbors.votes import (
    compute_class_weights,
    leave_one_out_class_weights,
    vote,
)

NUMBERS_PER_BATCH = 2**21  # of neighbors or votes


@public("skvision")
class KNNImageClassifier(ClassifierMixin, ImageNeighbors):
    r"""Classifier by a vote of the nearest training images.

    It needs no training and is a good baseline for few images or many classes. After a
    transformer such as `HOG`, it compares features instead of pixels.

    The neighbors are exact. uint8 images are compared without conversion, and no
    training image is copied. With many images, most distances need not be computed: a
    sketch of each image, which has a few hundred sums of neighboring pixels or 64
    coordinates along principal axes, gives lower bounds that exclude all but a few
    percent of the candidates. On noise the bounds exclude no candidates, and the search
    is several times slower.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbors that vote.

    metric : str or callable, default="l2"
        Distance between two samples :math:`a` and :math:`b`, rows of pixels or
        features:

        - ``"l1"`` or ``"manhattan"``: :math:`\sum |a_i - b_i|`
        - ``"l2"`` or ``"euclidean"``: :math:`\sqrt{\sum (a_i - b_i)^2}`
        - ``"chebyshev"``: :math:`\max |a_i - b_i|`
        - ``"cosine"``: :math:`1 - a \cdot b / (\|a\| \|b\|)`; samples of zeros raise an
          error
        - ``"chi2"``: :math:`\sum (a_i - b_i)^2 / (a_i + b_i)`, for histograms with
          nonnegative values; the term is zero if both values are zero
        - ``"hellinger"``: :math:`\sqrt{\frac{1}{2} \sum (\sqrt{a_i} -
          \sqrt{b_i})^2}`, for histograms with nonnegative values; it lies between 0
          and 1 if they sum to 1
        - ``"hamming"``: the fraction of bits that differ, for uint8 samples with eight
          bits in each byte, as packed by ``numpy.packbits``. It equals scikit-learn's
          ``"hamming"`` distance between the unpacked bits.
        - a function of two float64 arrays of shape (n_features,) that returns a number.
          It is called for each pair of an image and a training image, which takes
          several microseconds per pair.

          ``metric`` and ``algorithm`` are fixed by ``fit`` or the first
          ``partial_fit``.

    weights : {"uniform", "distance"} or callable, default="uniform"
        Weight of each vote. ``"uniform"`` gives all neighbors the same weight.
        ``"distance"`` gives them the inverse of their distance; if there are neighbors
        at distance zero, only these vote. A callable takes an array of distances of
        shape (n, n_neighbors) and returns an array of weights of the same shape.

    tie_break : {"nearest", "lowest"}, default="nearest"
        Class that wins if several have the most votes. ``"nearest"`` takes the class of
        the nearest neighbor among those that voted for one of these classes.
        ``"lowest"`` takes the first in ``classes_``, as scikit-learn's
        ``KNeighborsClassifier`` does. Of neighbors at the same distance, the first in
        the training set counts as nearer.

    algorithm : {"auto", "brute", "hnsw"}, default="auto"
        Algorithm of the search. ``"brute"`` is exact, and ``"auto"`` currently selects
        it. ``"hnsw"`` is approximate: it may miss neighbors, but the distances of those
        that it finds are exact. It requires faiss (``python -m pip install ".[ann]"``
        in a clone), builds a graph in ``fit``, and predicts much faster. It does not
        support callables, ``"chebyshev"`` and ``"hamming"``.

    ef_search : int, default=100
        Number of candidates that the search keeps with ``algorithm="hnsw"``. A larger
        number finds more of the true neighbors and takes longer.

    class_weight : dict or "balanced", default=None
        Weights of the classes, greater than 0, by which votes are multiplied.
        ``"balanced"`` uses weights inversely proportional to the numbers of training
        images of the classes. None gives all classes the weight one.

    n_jobs : int, default=None
        Number of threads for searches. None means 1 unless in a
        :obj:`joblib.parallel_config` context, and -1 means all cores.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels in sorted order.

    effective_metric_ : str or callable
        Metric of the fitted classifier.

    n_samples_fit_ : int
        Number of training images.

    training_images_ : ndarray of shape (n_samples_fit_, H, W, C), or (n_samples_fit_, \
            H, W) or (n_samples_fit_, n_features_in_)
        The training images, without a copy. Gray images have no channels, and flat rows
        stay rows.

    training_labels_ : ndarray of shape (n_samples_fit_,)
        Class labels of the training images.

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
    NearestImages : Search for the same neighbors without classes.

    Notes
    -----
    Distances between uint8 images under L1, L2 and Chebyshev, and numbers of differing
    bits, are exact integers before a square root or a division. Distances between
    floats are sums of differences in float64. They are not expanded into products,
    which lose digits if samples are close to each other or far from the origin. Cosine
    distances are computed from products, or from differences if the directions nearly
    agree. The bounds that exclude candidates include all rounding errors. Under L2, the
    squares of differences below 1e-154 or above 1e154 are outside the range of float64:
    the former are treated as zero, and the latter raise an error.

    With at least 8,192 training images and 512 features, ``fit`` computes and stores
    the sketches under all metrics except "chebyshev" and "hamming", unless they exclude
    too few candidates. A search for a single image then reads the sketches instead of
    all images. A sketch of a CIFAR-10 image takes 400 bytes under L1 and 280 bytes
    under the other metrics, which is an eighth and a tenth of the image. A sketch of a
    28 x 28 gray image takes 464 and 280 bytes, which is more than a half and a third of
    the image. Each takes about 20 microseconds to compute.

    Images in C order with dtype uint8, float32 or float64 are not copied. A search with
    up to 100 neighbors takes up to 256 MB of additional memory for any number of
    images. There is no ``sample_weight``: an image that occurs twice in the training
    set takes the place of another neighbor, which a weight cannot reproduce.

    ``predict`` returns the class with the largest probability. Probabilities are
    fractions of the votes. With ``tie_break="nearest"``, the winner of a tie receives
    an additional billionth of all votes. With ``tie_break="lowest"``, tied classes have
    equal probabilities, so that ties can be found.

    ``predict(None)``, ``predict_proba(None)`` and ``score(None, y)`` compute
    leave-one-out predictions: each training image is classified by the others, with
    balanced class weights of the others.

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

    Leave-one-out cross-validation only uses the images passed to ``fit``:

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
        """Store the training images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features. Arrays in C order with dtype uint8, float32 or float64
            are stored without a copy, so do not change them afterwards.
        y : array-like of shape (n,)
            Class labels.

        Returns
        -------
        self : KNNImageClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter is out of its range, if ``X`` does not contain finite numbers
            in one of the three layouts, or if the metric is undefined for a sample.
        ImportError
            If ``algorithm="hnsw"`` and faiss is not installed.
        """
        refuse_missing(y, "y")
        X, y = validate_rows(self, X, y, reset=True)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        X = np.ascontiguousarray(X)
        return self._store_with_labels(
            X, self.metric, self._make_index(X), classes, labels
        )

    @whole_fit
    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Add training images to those that are stored.

        Each call copies the images that are stored already, so add many images in one
        call.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features.
        y : array-like of shape (n,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All classes that occur in this or a later call. It is required in the first
            call unless ``fit`` was called before. In later calls, it may add classes.

        Returns
        -------
        self : KNNImageClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            As in `fit`, or if a class in ``y`` or in an earlier ``classes`` is missing
            from ``classes``.
        """
        check_parameters(self)
        first = not hasattr(self, "classes_")
        if first and classes is None:
            raise ValueError(
                "classes must be passed in the first call to partial_fit, with all "
                "classes that occur in this or a later call."
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
                    f"The classes {missing.tolist()} of {name} are not in "
                    f"classes={classes.tolist()}. Pass all of them in classes."
                )
        X, labels = np.ascontiguousarray(X), np.searchsorted(classes, y)
        if first:
            return self._store_with_labels(
                X, self.metric, self._make_index(X), classes, labels
            )
        check_metric(X, self.effective_metric_)
        index = self._index.with_more(X) if self._index is not None else None
        before = np.searchsorted(classes, self.classes_)[self._labels]
        labels = np.concatenate([before, labels])
        rows = np.concatenate([self._rows, X])
        return self._store_with_labels(
            rows, self.effective_metric_, index, classes, labels, self._sketched
        )

    def _store_with_labels(
        self,
        rows: np.ndarray,
        metric: Any,
        index: Any,
        classes: np.ndarray,
        labels: np.ndarray,
        sketched: Any = None,
    ) -> Self:
        compute_class_weights(self.class_weight, classes, labels)
        self.classes_, self._labels = classes, labels
        self._store(rows, metric, index, sketched)
        return self

    def check_fitted(self, inputs: Bounds = UNKNOWN) -> Bounds:
        """Check the parameters and the fitted attributes, such as those from a file.

        Parameters
        ----------
        inputs : Bounds
            Bounds of the images or features.

        Returns
        -------
        bounds : Bounds
            Upper bounds of the number of operations for an image, and of the
            probabilities.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If a parameter is out of its range, or if parameters and fitted attributes
            contradict each other.
        """
        bounds = super().check_fitted(inputs)
        n_classes, labels = check_classes(self.classes_), self._labels
        if not isinstance(labels, np.ndarray) or labels.dtype.kind != "i":
            raise ValueError("its labels are not integers")
        if labels.shape != (self.n_samples_fit_,):
            raise ValueError("it has another number of labels than training images")
        if labels.min() < 0 or labels.max() >= n_classes:
            raise ValueError("its labels are not those of its classes")
        if callable(self.weights):
            raise ValueError("its weights of votes are computed by an object")
        compute_class_weights(self.class_weight, self.classes_, labels)
        return bounds._replace(largest=np.ones(n_classes))

    @property
    def training_labels_(self) -> np.ndarray:
        """The class labels of the training images."""
        check_is_fitted(self)
        labels: np.ndarray = self.classes_[self._labels]
        return labels

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each image.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features), or None
            Images or features of the shape seen during ``fit``. None means the training
            images, each of which is classified by the others (leave-one-out).

        Returns
        -------
        y : ndarray of shape (n,)
            Predicted class labels.

        Raises
        ------
        ValueError
            As in `kneighbors`.
        """
        X = self._validate_queries(X)
        best = np.empty(self._count_queries(X), np.intp)
        for rows, batch in self._batch_probabilities(X):
            best[rows] = batch.argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Compute the probability of each class, which is its fraction of the votes.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features), or None
            As in `predict`.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            Probabilities of the classes in the order of ``classes_``. Each row sums to
            1.

        Raises
        ------
        ValueError
            As in `kneighbors`.
        """
        X = self._validate_queries(X)
        probabilities = np.empty((self._count_queries(X), len(self.classes_)))
        for rows, batch in self._batch_probabilities(X):
            probabilities[rows] = batch
        return probabilities

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the accuracy of `predict`.

        ``score(None, y)``, with the ``y`` passed to ``fit``, is the accuracy of
        leave-one-out cross-validation, which takes a single search.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features), or None
            As in `predict`.
        y : array-like of shape (n,)
            True class labels.
        sample_weight : array-like of shape (n,), default=None
            Sample weights. None means equal weights.

        Returns
        -------
        accuracy : float
            Accuracy between 0 and 1.

        Raises
        ------
        ValueError
            As in `kneighbors`, or if ``X`` and ``y`` have different lengths.
        """
        return super().score(X, y, sample_weight)

    def _batch_probabilities(self, X: Any) -> Iterator[Any]:
        """Yield slices of the samples and their probabilities, batch by batch."""
        check_parameters(self)
        n, n_classes = self._count_queries(X), len(self.classes_)
        n_neighbors = self._check_n_neighbors(None, among_others=X is None)
        class_weights = compute_class_weights(
            self.class_weight, self.classes_, self._labels
        )
        n_searched = max(1, NUMBERS_PER_BATCH // n_neighbors)
        n_voting = max(1, NUMBERS_PER_BATCH // max(n_neighbors, n_classes))
        for start in range(0, n, n_searched):
            stop = min(start + n_searched, n)
            distances, indices = self._nearest(X, slice(start, stop), n_neighbors)
            for first in range(start, stop, n_voting):
                rows = slice(first, min(first + n_voting, stop))
                part = slice(first - start, rows.stop - start)
                if X is None and self.class_weight == "balanced":
                    class_weights = leave_one_out_class_weights(
                        self._labels, n_classes, rows
                    )
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
