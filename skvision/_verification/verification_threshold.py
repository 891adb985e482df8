"""A similarity threshold that decides whether two images are of one person."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.utils import check_consistent_length, get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted, validate_data

from skvision._contract.check_fitted import check_fitted
from skvision._contract.labels import refuse_missing
from skvision._contract.models import UNKNOWN, Bounds
from skvision._contract.public import public
from skvision._contract.sklearn_compat import (
    Estimator,
    Interval,
    StrOptions,
    check_method_params,
    check_parameters,
    safe_indexing,
    whole_fit,
)
from skvision.metrics._pairs import (
    as_column,
    similarities,
    unit_embeddings,
    verification_pairs,
)
from skvision.metrics._resolution import warn_unresolved
from skvision.metrics._verification import (
    TrueAcceptRate,
    check_both_kinds,
    true_accept_rate,
    verification_curve,
)

MOST_PAIRS = 10_000_000


@public("skvision")
class VerificationThreshold(Estimator):
    """A similarity threshold that decides whether two images are of one person.

    The similarity of two images is the cosine of the angle between their embeddings.
    The threshold is learned by cross-validation over people: some people are held out,
    the embedder is fitted to the others, and the similarities of pairs of held-out
    images are collected over all folds. This is necessary because an embedder separates
    the people that it was trained on much better than new people. Finally, the embedder
    is fitted to all people.

    Parameters
    ----------
    estimator : transformer, default=None
        The embedder, such as an `ArcFaceEmbedder` or a pipeline that ends with one. If
        None, ``X`` holds embeddings.

    criterion : {"far", "accuracy"}, default="far"
        How to choose the threshold. ``"far"`` chooses the lowest threshold whose false
        accept rate is at most ``far``. ``"accuracy"`` chooses the threshold with the
        highest balanced accuracy over pairs of one person and pairs of two people.

    far : float, default=0.001
        Maximum false accept rate for ``criterion="far"``, between 0 and 1. It is the
        fraction of accepted pairs among the pairs of two people.

    cv : int, cross-validation generator or "prefit", default=5
        How people are held out. An int is the number of folds, which is reduced if
        there are not two people for each fold. A splitter that keeps groups together,
        such as ``GroupKFold``, is passed the people as groups unless other groups are
        passed to ``fit``. ``"prefit"`` uses an estimator that is already fitted, and
        the data passed to ``fit`` must be of people that it was not trained on.

    n_jobs : int, default=None
        Number of folds that are fitted in parallel.

    Attributes
    ----------
    estimator_ : transformer or None
        The fitted embedder.

    threshold_ : float
        The lowest similarity at which two images are accepted as the same person.

    far_ : float
        False accept rate on the pairs from which the threshold was learned.

    tar_ : TrueAcceptRate
        True accept rate on these pairs, with the confidence interval of
        `skvision.metrics.tar_at_far` at ``far_``.

    n_same_, n_different_ : int
        Number of these pairs that are of one person and of two people.

    n_features_in_ : int
        Number of features seen in ``fit``, if the embedder defines it.

    See Also
    --------
    ArcFaceEmbedder : Embeddings of images.
    skvision.metrics.tar_at_far : True accept rate at a false accept rate.

    Notes
    -----
    With many images, 10 million random pairs are used, half of them of one person.

    Examples
    --------
    Learn from eight digits to verify whether images of two other digits show the same
    digit:

    >>> from sklearn.datasets import load_digits
    >>> from skvision import ArcFaceEmbedder, VerificationThreshold
    >>> digits = load_digits()
    >>> zeros = digits.images[digits.target == 0]
    >>> sixes = digits.images[digits.target == 6]
    >>> seen = (digits.target != 0) & (digits.target != 6)
    >>> embedder = ArcFaceEmbedder(max_iter=10, random_state=0)
    >>> lock = VerificationThreshold(embedder, far=0.05, cv=4)
    >>> lock = lock.fit(digits.images[seen], digits.target[seen])
    >>> print(f"{lock.far_:.3f} {lock.tar_.rate:.2f}")
    0.050 0.44
    >>> for a, b in (zeros, zeros[80:]), (sixes, sixes[80:]), (zeros, sixes):
    ...     print(f"{lock.verify(a[:80], b[:80]).mean():.2f}")
    0.94
    0.76
    0.01
    """

    _parameter_constraints = {
        "criterion": [StrOptions({"far", "accuracy"})],
        "far": [Interval(Real, 0, 1, closed="both")],
        "cv": [
            Interval(Integral, 2, None, closed="left"),
            StrOptions({"prefit"}),
            "cv_object",
        ],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        criterion: str = "far",
        far: float = 1e-3,
        cv: Any = 5,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.criterion = criterion
        self.far = far
        self.cv = cv
        self.n_jobs = n_jobs

    @whole_fit
    def fit(self, X: Any, y: Any, **params: Any) -> Self:
        """Learn the threshold and fit the embedder.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Images or other input of the embedder. Without an embedder, embeddings.
        y : array-like of shape (n,)
            The person in each image. If an embedder is fitted, there must be at least
            four people, otherwise at least two.
        **params : dict
            Parameters for the ``fit`` of the embedder, such as ``sample_weight``, and
            ``groups``, such as families, for the splitter. With metadata routing
            enabled, parameters are passed to the objects that request them. All pairs
            have the same weight in learning the threshold.

        Returns
        -------
        self : VerificationThreshold
            The fitted estimator.

        Raises
        ------
        TypeError
            If the estimator has no ``transform``, or if a parameter in ``params`` is
            not used.
        ValueError
            If there are too few people, no person has two images, labels are missing,
            or a fold of ``cv`` has a person in both training and test set.

        Warns
        -----
        UserWarning
            If there are too few pairs of two people to distinguish ``far`` from 0.
        """
        for name in ("estimator_", "n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
        if y is None:
            raise ValueError(
                "VerificationThreshold requires y to be passed, but the target y is "
                "None: pass the person in each image."
            )
        refuse_missing(y, "y")
        for_fit, for_split = self._routed(params)
        if self.estimator is None:
            X, y = validate_data(self, X, y, ensure_min_samples=2)
            sets = [(X, y)]
        else:
            y = as_column(y, "y")
            check_consistent_length(X, y)
            _check_transformer(self.estimator)
            sets = self._embed(X, y, for_fit, for_split)
        most = MOST_PAIRS // len(sets)
        same, similarity = map(
            np.concatenate, zip(*(_pairs(*of, most) for of in sets), strict=True)
        )
        check_both_kinds(same, "y")
        self._learn_threshold(same, similarity)
        if self.estimator is None:
            self.estimator_: Any = None
        elif self.cv != "prefit":
            for_fit = check_method_params(X, for_fit)
            self.estimator_ = clone(self.estimator).fit(X, y, **for_fit)
        if hasattr(self.estimator_, "n_features_in_"):
            self.n_features_in_ = self.estimator_.n_features_in_
        return self

    def _routed(self, params: Any) -> tuple[Any, ...]:
        """Return the metadata for the fit of the embedder and for the splitter."""
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", **params)
            for_fit, for_split = routed.estimator.fit, routed.splitter.split
        else:
            params = {name: of for name, of in params.items() if of is not None}
            for_fit = {name: of for name, of in params.items() if name != "groups"}
            for_split = {"groups": params["groups"]} if "groups" in params else {}
        fits = self.estimator is not None and not isinstance(self.cv, str)  # prefit
        splits = fits and hasattr(self.cv, "split")
        unused = ([] if fits else list(for_fit)) + ([] if splits else list(for_split))
        if unused:
            raise TypeError(
                f"fit got {', '.join(unused)}, which is not used: metadata is passed "
                f"to the fit of the estimator, and groups to a splitter passed as cv."
            )
        return for_fit, for_split

    def _embed(self, X: Any, y: Any, for_fit: Any, for_split: Any) -> Any:
        """Return the embeddings and labels of held-out people, for each fold."""
        if isinstance(self.cv, str):  # "prefit"
            check_is_fitted(self.estimator)
            self.estimator_ = self.estimator
            return [(self.estimator.transform(X), y)]
        embed = delayed(_embed_held_out)
        return Parallel(self.n_jobs)(
            embed(self.estimator, X, y, train, test, for_fit)
            for train, test in self._folds(X, y, for_split)
        )

    def _folds(
        self, X: Any, y: Any, for_split: Any
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the training rows and the rows of held-out people of each fold."""
        from sklearn.model_selection import KFold

        people = np.unique(y)
        if len(people) < 4:
            raise ValueError(
                f"y has {len(people)} people, but at least four are needed: two for "
                f'training and two to hold out. Or set cv="prefit", and pass a '
                f"fitted estimator and images of people that it was not trained on."
            )
        cv: Any = 5 if self.cv is None else self.cv
        if isinstance(cv, Integral):
            parts = KFold(min(int(cv), len(people) // 2)).split(people)
            held_out = [np.isin(y, people[test]) for _, test in parts]
            return [(np.flatnonzero(~of), np.flatnonzero(of)) for of in held_out]
        if hasattr(cv, "split"):
            cv = cv.split(X, y, **({"groups": y} | for_split))
        folds = list(cv)
        for train, test in folds:
            both = np.intersect1d(y[train], y[test]).tolist()
            if both:
                raise ValueError(
                    f"cv has {len(both)} people in both training and test set, such as "
                    f"{both[0]!r}: use a splitter that keeps groups together, such as "
                    f"GroupKFold."
                )
        folds = [fold for fold in folds if len(np.arange(len(y))[fold[1]]) > 1]
        if not folds:
            raise ValueError("cv holds out no pair of images: use another splitter.")
        return folds

    def _learn_threshold(self, same: np.ndarray, similarity: np.ndarray) -> None:
        fars, tars, thresholds = verification_curve(same, similarity)
        self.n_same_ = int(same.sum())
        self.n_different_ = len(same) - self.n_same_
        if self.criterion == "far":
            warn_unresolved(
                "false accept rate",
                self.far,
                self.n_different_,
                "pairs of two people",
            )
            best = int(np.searchsorted(fars, self.far, side="right")) - 1
        else:
            best = int(np.argmax(tars - fars))
        self.threshold_ = _below(thresholds, best)
        self.far_ = float(fars[best])
        self.tar_ = true_accept_rate(same, similarity, self.far_, 0.95)

    def similarity(self, X1: Any, X2: Any) -> np.ndarray:
        """Compute the similarity of pairs of images.

        Parameters
        ----------
        X1, X2 : array-like of shape (n_pairs, ...)
            Images of the same shape as in ``fit``. Row i of ``X1`` is paired with row i
            of ``X2``.

        Returns
        -------
        similarity : ndarray of shape (n_pairs,), float64
            The cosine of the angle between the embeddings of each pair, from -1 to 1.

        Raises
        ------
        ValueError
            If ``X1`` and ``X2`` have different numbers of images.
        """
        check_is_fitted(self, "threshold_")
        units = []
        for X in (X1, X2):
            if self.estimator_ is None:
                embeddings = validate_data(self, X, reset=False)
            else:
                embeddings = self.estimator_.transform(X)
            units.append(unit_embeddings(embeddings, "The embeddings"))
        if len(units[0]) != len(units[1]):
            raise ValueError(
                f"X1 and X2 must have the same number of images, as they are compared "
                f"in pairs; got {len(units[0])} and {len(units[1])}."
            )
        cosines: np.ndarray = np.clip(np.einsum("ij,ij->i", *units), -1, 1)
        return cosines

    def verify(self, X1: Any, X2: Any) -> np.ndarray:
        """Predict whether pairs of images are of one person.

        Parameters
        ----------
        X1, X2 : array-like of shape (n_pairs, ...)
            Images of the same shape as in ``fit``. Row i of ``X1`` is paired with row i
            of ``X2``.

        Returns
        -------
        same : ndarray of shape (n_pairs,), bool
            Whether the similarity of each pair is at least ``threshold_``.

        Raises
        ------
        ValueError
            If ``X1`` and ``X2`` have different numbers of images.
        """
        return self.similarity(X1, X2) >= self.threshold_

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
        check_is_fitted(self, "threshold_")
        check_parameters(self)
        if not np.isfinite([self.threshold_, self.far_]).all():
            raise ValueError("its threshold is not a finite number")
        if not isinstance(self.tar_, TrueAcceptRate):
            raise ValueError("its tar_ is not a TrueAcceptRate")
        if self.estimator_ is None:
            return Bounds(0, np.empty(0))
        _check_transformer(self.estimator_)
        bounds = check_fitted(self.estimator_, inputs)
        return Bounds(bounds.n_operations, np.empty(0))

    def get_metadata_routing(self) -> Any:
        """Return the metadata routing of the embedder and the splitter.

        Returns
        -------
        router : MetadataRouter
            The router, an object of scikit-learn.
        """
        return (
            MetadataRouter(owner=self)
            .add(
                estimator=self.estimator,
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
            .add(
                splitter=self.cv,
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        if self.estimator is not None:
            tags.input_tags = get_tags(self.estimator).input_tags
        return tags


def _check_transformer(estimator: Any) -> None:
    if not hasattr(estimator, "transform"):
        raise TypeError(
            f"estimator must compute embeddings, but {type(estimator).__name__} has no "
            f"transform: pass an embedder, or a pipeline that ends with one."
        )


def _below(thresholds: np.ndarray, i: int) -> float:
    """Return a threshold that accepts the same pairs as the i-th.

    It is halfway to the similarity of the next pair, so that the result is robust to
    rounding.
    """
    if i == 0:  # accepts no pairs
        return float(thresholds[1]) + 1e-9
    if i == len(thresholds) - 1:  # accepts all pairs
        return -1.0
    middle = thresholds[i : i + 2].mean()
    return float(middle if middle > thresholds[i + 1] else thresholds[i])


def _embed_held_out(
    estimator: Any, X: Any, y: Any, train: np.ndarray, test: np.ndarray, for_fit: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Fit to the training people; return the embeddings and labels of the others."""
    for_fit = check_method_params(X, for_fit, indices=train)
    fitted = clone(estimator).fit(safe_indexing(X, train), y[train], **for_fit)
    return fitted.transform(safe_indexing(X, test)), y[test]


def _pairs(embeddings: Any, y: Any, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return whether pairs are of one person, and their similarities."""
    n_all = len(y) * (len(y) - 1) // 2
    n_pairs = most if n_all > most else None
    pairs, same = verification_pairs(y, n_pairs=n_pairs, random_state=0)
    return same, similarities(unit_embeddings(embeddings, "The embeddings"), pairs)
