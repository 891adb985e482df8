"""Whether a model can learn a few images by heart."""

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
    """How many of a few images were learned; true where all were.

    Attributes
    ----------
    n_right, n_samples : int
        How many images are classified rightly, of how many learned from.
    n_classes : int
        Number of classes among these.
    converged : bool
        Whether the fit ended without a ``ConvergenceWarning``.
    """

    n_right: int
    n_samples: int
    n_classes: int
    converged: bool

    @property
    def accuracy(self) -> float:
        """Share of images classified rightly, from 0 to 1."""
        return self.n_right / self.n_samples

    @property
    def passed(self) -> bool:
        """Whether all were learned."""
        return self.n_right == self.n_samples

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        text = (
            f"accuracy {self.accuracy:.2f} on the {self.n_samples} images of "
            f"{self.n_classes} classes that it learned from: "
        )
        if self.passed:
            return text + "learned by heart, as expected"
        if not self.converged:
            return text + (
                "the fit ended too early. Raise max_iter or the learning rate, or give "
                "the features about unit variance."
            )
        return text + (
            "a model of enough freedom learns so few by heart. Do the classes belong "
            "to these images, do the features differ where the classes do, and is "
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
    """Check that a classifier can learn a few images by heart.

    Before it is trained on all: one that cannot has something wrong with it, or with
    the images, or its penalty. A copy of it is fitted to a few images, of each
    class as many where that is possible, and asked for their classes.

    Parameters
    ----------
    estimator : classifier
        Any of scikit-learn's interface, pipelines among them. One that votes among
        several neighbors need not pass.
    X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
        Images or features, whatever the estimator takes.
    y : array-like of shape (n,)
        Classes.
    n_samples : int, default=20
        How many images to draw; all where there are fewer.
    random_state : int, RandomState or None, default=None
        Draws the images; an int for the same ones each time.

    Returns
    -------
    check : OverfitCheck
        True where all were learned. Print it to read what may be wrong; it has
        ``accuracy``, ``n_right``, ``n_samples``, ``n_classes``, ``converged`` and
        ``passed``.

    Raises
    ------
    TypeError
        If the estimator is no classifier, or ``n_samples`` no whole number.
    ValueError
        If ``n_samples`` is less than the number of classes, or ``X`` and ``y`` differ
        in length.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import SoftmaxRegression
    >>> from skvision.inspection import overfit_check
    >>> digits = load_digits()
    >>> images = digits.images / 16
    >>> print(overfit_check(SoftmaxRegression(), images, digits.target, random_state=0))
    accuracy 1.00 on the 20 images of 10 classes that it learned from: learned by
    heart, as expected
    >>> blank = 0 * images
    >>> check = overfit_check(SoftmaxRegression(), blank, digits.target, random_state=0)
    >>> check.passed, check.accuracy
    (False, 0.1)
    """
    if not is_classifier(estimator):
        raise TypeError(f"{type(estimator).__name__} is no classifier; one is needed.")
    refuse_missing(y, "y")
    classes = column_or_1d(y)
    check_consistent_length(X, classes)
    rows = _draw_evenly(classes, n_samples, check_random_state(random_state))
    X, y = _rows_of(X, rows), classes[rows]
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


def _draw_evenly(
    y: NDArray[Any], n_samples: int, random: RandomState
) -> NDArray[np.intp]:
    """Return rows at random, of each class as many where it has so many."""
    classes, labels = np.unique(y, return_inverse=True)
    check_scalar(n_samples, "n_samples", Integral)
    if n_samples < len(classes):
        raise ValueError(
            f"n_samples={n_samples} is too few for the {len(classes)} classes of y: "
            f"draw one of each at least."
        )
    shuffled = random.permutation(len(y))
    place = np.empty(len(y), dtype=np.intp)  # of each row among those of its class
    for label in range(len(classes)):
        own = shuffled[labels[shuffled] == label]
        place[own] = np.arange(len(own))
    return shuffled[np.argsort(place[shuffled], kind="stable")][:n_samples]


def _rows_of(X: Any, rows: NDArray[np.intp]) -> Any:
    """Return some rows of an array, a table or a list."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return [X[i] for i in rows] if isinstance(X, list | tuple) else X[rows]
