"""Check of the initial loss against the loss of chance."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_scalar

from skvision._contract.public import public

FORMULAS: dict[str, tuple[str, Callable[[float], float]]] = {
    "log_loss": ("log({})", math.log),
    "cross_entropy": ("log({})", math.log),
    "hinge": ("{} - 1", lambda n_classes: n_classes - 1.0),
    "squared_hinge": ("{} - 1", lambda n_classes: n_classes - 1.0),
    "perceptron": ("0 for {} classes", lambda n_classes: 0.0),
}


@dataclass(frozen=True)
class FirstLossCheck:
    """Result of `first_loss_check`, which is true if the loss is as expected.

    Attributes
    ----------
    first_loss : float
        Loss at the start of the fit.
    chance : float
        Loss of equal scores for all classes.
    loss : str
        Name of the loss.
    n_classes : int
        Number of classes.
    tol : float
        Largest relative difference from ``chance`` that passes, or absolute difference
        if ``chance`` is 0.
    """

    first_loss: float
    chance: float
    loss: str
    n_classes: int
    tol: float

    @property
    def passed(self) -> bool:
        """Whether the first loss is as expected."""
        size = self.chance if self.chance > 0 else 1.0
        return abs(self.first_loss - self.chance) <= self.tol * size

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        formula = FORMULAS[self.loss][0].format(self.n_classes)
        text = (
            f"first loss {self.first_loss:.3f}, chance predicts {formula} = "
            f"{self.chance:.3f}: "
        )
        if self.passed:
            return text + "as expected"
        if not math.isfinite(self.first_loss):
            return text + "not finite. Do the images contain NaN or very large values?"
        if self.first_loss < self.chance:
            return text + (
                "too low. Is the loss averaged over samples, are all classes scored, "
                "and is it computed before the first step?"
            )
        return text + (
            "too high. The initial scores are too large: scale the images, for example "
            "with PixelNormalizer, or initialize smaller weights. Or the loss is "
            "summed over samples and not averaged, or its penalty is large."
        )


@public("skvision.inspection")
def chance_loss(n_classes: int, loss: str = "log_loss") -> float:
    r"""Compute the loss of a classifier that gives all classes the same score.

    It is the expected loss of a model before training: the logarithm of the number of
    classes for the cross-entropy, the number of wrong classes for hinges of margin 1
    that are summed over the wrong classes, and zero for the perceptron loss.

    Parameters
    ----------
    n_classes : int
        Number of classes, at least 2.
    loss : {"log_loss", "cross_entropy", "hinge", "squared_hinge", "perceptron"}, \
            default="log_loss"
        The mean over images of the cross-entropy of the softmax ("log_loss" and
        "cross_entropy"), of :math:`\sum_{j \ne y} \max(0, 1 + s_j - s_y)` ("hinge"), of
        the same with each term squared ("squared_hinge"), or of :math:`\max_j s_j -
        s_y` ("perceptron").

    Returns
    -------
    chance : float
        The loss, which is at least 0.

    Raises
    ------
    ValueError
        If the loss is not one of these, or if there are fewer than two classes.

    References
    ----------
    J. Weston and C. Watkins, "Support vector machines for multi-class pattern
    recognition", ESANN, 1999.

    Examples
    --------
    >>> from skvision.inspection import chance_loss
    >>> print(f"{chance_loss(10):.4f}")
    2.3026
    >>> chance_loss(10, "hinge")
    9.0
    """
    if loss not in FORMULAS:
        raise ValueError(f"loss must be one of {sorted(FORMULAS)}; got {loss!r}.")
    if not n_classes >= 2:
        raise ValueError(f"n_classes must be at least 2; got {n_classes}.")
    return float(FORMULAS[loss][1](n_classes))


@public("skvision.inspection")
def first_loss_check(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: str | None = None,
    tol: float = 0.1,
) -> FirstLossCheck:
    r"""Check that training starts from the loss of chance.

    Otherwise the loss, the scale of the images or the initial weights may be wrong. The
    check only takes one iteration: it fits a clone of the estimator, with
    ``max_iter=1`` if the estimator has this parameter.

    Parameters
    ----------
    estimator : classifier
        Classifier that records ``loss_curve_`` in ``fit``, whose first element is the
        initial objective. For scikit-learn's ``MLPClassifier`` it is the mean over the
        first epoch, so pass at most as many images as its batch size.
    X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
        Images or features, as input of the estimator.
    y : array-like of shape (n,)
        Class labels.
    loss : {"log_loss", "cross_entropy", "hinge", "squared_hinge", "perceptron"}, \
            default=None
        Loss of the estimator, as in `chance_loss`. None means its parameter ``loss``
        or, if it has no such parameter but predicts probabilities, "log_loss".
    tol : float, default=0.1
        Largest relative difference from the loss of chance that passes, or absolute
        difference if the loss of chance is 0.

    Returns
    -------
    check : FirstLossCheck
        Result, which is true if the loss is as expected. Printing it shows possible
        reasons if it is not. Its attributes are ``first_loss``, ``chance``, ``loss``,
        ``n_classes``, ``tol`` and ``passed``.

    Raises
    ------
    TypeError
        If the estimator is not a classifier or records no ``loss_curve_``, or if
        ``tol`` is not a number.
    ValueError
        If the loss is unknown, or if ``tol`` is negative.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import SoftmaxRegression
    >>> from skvision.inspection import first_loss_check
    >>> digits = load_digits()
    >>> model = SoftmaxRegression()
    >>> print(first_loss_check(model, digits.images / 16, digits.target))
    first loss 2.303, chance predicts log(10) = 2.303: as expected
    """
    name = type(estimator).__name__
    if not is_classifier(estimator):
        raise TypeError(f"estimator must be a classifier; got {name}.")
    check_scalar(tol, "tol", Real, min_val=0)
    if loss is None:
        of_probabilities = "log_loss" if hasattr(estimator, "predict_proba") else None
        loss = getattr(estimator, "loss", of_probabilities)
    if loss not in FORMULAS:
        raise ValueError(
            f"The loss of {name} is {loss!r}; it must be one of {sorted(FORMULAS)}. "
            f"Pass the matching one as loss."
        )
    model = clone(estimator)
    if "max_iter" in model.get_params():
        model.set_params(max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    curve = getattr(model, "loss_curve_", None)
    if curve is None or not len(curve):
        raise TypeError(
            f"{name} records no loss_curve_ in fit. Pass an estimator that does, such "
            f"as the last step of a pipeline, or compare your loss with chance_loss."
        )
    n_classes = len(model.classes_)
    return FirstLossCheck(
        first_loss=float(curve[0]),
        chance=chance_loss(n_classes, loss),
        loss=loss,
        n_classes=n_classes,
        tol=float(tol),
    )
