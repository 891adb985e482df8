"""Check that a classifier can overfit a few images."""

import warnings
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import (
    check_consistent_length,
    check_random_state,
    check_scalar,
    column_or_1d,
)

from skvision._contract.labels import refuse_missing
from skvision._contract.public import public


@dataclass(frozen=True)
class OverfitCheck:
    """Result of `overfit_check`, which is true if all images were learned.

    Attributes
    ----------
    n_right, n_samples : int
        Number of images that are classified correctly, and number of images.
    n_classes : int
        Number of classes among the images.
    converged : bool
        Whether ``fit`` ended without a ``ConvergenceWarning``.
    """

    n_right: int
    n_samples: int
    n_classes: int
    converged: bool

    @property
    def accuracy(self) -> float:
        """Fraction of the images that are classified correctly, from 0 to 1."""
        return self.n_right / self.n_samples

    @property
    def passed(self) -> bool:
        """Whether all images were learned."""
        return self.n_right == self.n_samples

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        text = (
            f"accuracy {self.accuracy:.2f} on the {self.n_samples} images of "
            f"{self.n_classes} classes that it was fitted to: "
        )
        if self.passed:
            return text + "overfitted, as expected"
        if not self.converged:
            return text + (
                "fit ended too early. Increase max_iter or the learning rate, or scale "
                "the features to about unit variance."
            )
        return text + (
            "a sufficiently flexible model can overfit so few images. Do the labels "
            "belong to these images, do the features differ between classes, and is "
            "the penalty too strong or the model too small?"
        )


@public("skvision.inspection")
def overfit_check(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    *,
    n_samples: int = 20,
    random_state: int | RandomState | None = None,
) -> OverfitCheck:
    """Check that a classifier can overfit a few images.

    Use it before training on all images. If a classifier cannot overfit a few, there is
    an error in the classifier, the images or the labels, or its penalty is too strong.
    The check fits a clone of the classifier to a few images, with equal numbers of each
    class if possible, and predicts their classes.

    Parameters
    ----------
    estimator : classifier
        Classifier or pipeline with scikit-learn's interface. A classifier by a vote of
        several neighbors need not pass.
    X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
        Images or features, as input of the estimator.
    y : array-like of shape (n,)
        Class labels.
    n_samples : int, default=20
        Number of random images. All images are used if there are fewer.
    random_state : int, RandomState or None, default=None
        Determines the images. Pass an int for reproducible output across multiple
        calls.

    Returns
    -------
    check : OverfitCheck
        Result, which is true if all images were learned. Printing it shows possible
        reasons if they were not. Its attributes are ``accuracy``, ``n_right``,
        ``n_samples``, ``n_classes``, ``converged`` and ``passed``.

    Raises
    ------
    TypeError
        If the estimator is not a classifier, or if ``n_samples`` is not an integer.
    ValueError
        If ``n_samples`` is less than the number of classes, or if ``X`` and ``y`` have
        different lengths.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import SoftmaxRegression
    >>> from skvision.inspection import overfit_check
    >>> digits = load_digits()
    >>> images = digits.images / 16
    >>> print(overfit_check(SoftmaxRegression(), images, digits.target, random_state=0))
    accuracy 1.00 on the 20 images of 10 classes that it was fitted to: overfitted, as
    expected
    >>> blank = 0 * images
    >>> check = overfit_check(SoftmaxRegression(), blank, digits.target, random_state=0)
    >>> check.passed, check.accuracy
    (False, 0.1)
    """
    if not is_classifier(estimator):
        raise TypeError(
            f"estimator must be a classifier; got {type(estimator).__name__}."
        )
    refuse_missing(y, "y")
    classes = column_or_1d(y)
    check_consistent_length(X, classes)
    rows = _sample_evenly(classes, n_samples, check_random_state(random_state))
    X, y = _take(X, rows), classes[rows]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = clone(estimator).fit(X, y)
        n_right = int(np.sum(np.asarray(model.predict(X)) == y))
    for warning in caught:
        if not issubclass(warning.category, ConvergenceWarning):
            warnings.warn(warning.message, stacklevel=2)
    return OverfitCheck(
        n_right=n_right,
        n_samples=len(rows),
        n_classes=len(np.unique(y)),
        converged=not any(
            issubclass(warning.category, ConvergenceWarning) for warning in caught
        ),
    )


def _sample_evenly(
    y: NDArray[Any], n_samples: int, random: RandomState
) -> NDArray[np.intp]:
    """Return random indices, with equal numbers of each class if possible."""
    classes, labels = np.unique(y, return_inverse=True)
    check_scalar(n_samples, "n_samples", Integral)
    if n_samples < len(classes):
        raise ValueError(
            f"n_samples must be at least {len(classes)}, the number of classes of y; "
            f"got {n_samples}."
        )
    shuffled = random.permutation(len(y))
    place = np.empty(len(y), dtype=np.intp)  # rank of each sample in its class
    for label in range(len(classes)):
        own = shuffled[labels[shuffled] == label]
        place[own] = np.arange(len(own))
    return shuffled[np.argsort(place[shuffled], kind="stable")][:n_samples]


def _take(X: Any, rows: NDArray[np.intp]) -> Any:
    """Return some samples of an array, a table or a list."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return [X[i] for i in rows] if isinstance(X, list | tuple) else X[rows]
