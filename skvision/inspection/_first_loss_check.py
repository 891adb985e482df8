"""Whether the loss of a model that has learned nothing is that of chance."""

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
    """How the first loss compares with chance; true where it is as expected.

    Attributes
    ----------
    first_loss : float
        Loss at the start of the fit.
    chance : float
        Loss where all scores are equal.
    loss : str
        Name of the loss.
    n_classes : int
        Number of classes.
    tol : float
        The difference that passes, in shares of ``chance``, or absolute where that
        is 0.
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
            return text + "no number. Are there NaN, or huge numbers, in the images?"
        if self.first_loss < self.chance:
            return text + (
                "too low. Is the loss of the rows averaged, are all classes scored, "
                "and is it taken before the first step?"
            )
        return text + (
            "too high. The model starts with firm and wrong opinions: scale the "
            "images, as PixelNormalizer does, or start from smaller weights; or the "
            "loss of the rows is added up and not averaged, or its penalty is large."
        )


@public("skvision.inspection")
def chance_loss(n_classes: int, loss: str = "log_loss") -> float:
    r"""Compute the loss of a classifier that gives all classes the same score.

    A model that has learned nothing yet has it: the logarithm of the number of classes
    for cross-entropy; for hinges of margin 1, summed over the wrong classes, their
    number; zero for the perceptron's loss.

    Parameters
    ----------
    n_classes : int
        Number of classes, at least 2.
    loss : {"log_loss", "cross_entropy", "hinge", "squared_hinge", "perceptron"}, \
            default="log_loss"
        The mean over images of the cross-entropy of the softmax, of :math:`\sum_{j
        \ne y} \max(0, 1 + s_j - s_y)`, of the same with each term squared, or of
        :math:`\max_j s_j - s_y`.

    Returns
    -------
    chance : float
        The loss, from 0.

    Raises
    ------
    ValueError
        If the loss is not one of these, or there are less than two classes.

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

    If it does not, the loss, the scale of the images or the first weights are wrong;
    it takes one iteration to find out. A copy of the estimator is fitted, with
    ``max_iter=1`` where it has that parameter.

    Parameters
    ----------
    estimator : classifier
        Records ``loss_curve_`` in its fit, whose first element is the objective at the
        start. That of scikit-learn's ``MLPClassifier`` is the mean over the first
        epoch: give it no more images than its batch has.
    X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
        Images or features, whatever the estimator takes.
    y : array-like of shape (n,)
        Classes.
    loss : {"log_loss", "cross_entropy", "hinge", "squared_hinge", "perceptron"}, \
            default=None
        The loss of the estimator, as in `chance_loss`. None is its parameter ``loss``,
        or "log_loss" where it has none but predicts probabilities.
    tol : float, default=0.1
        The difference that passes, in shares of the loss of chance, or absolute where
        that is 0.

    Returns
    -------
    check : FirstLossCheck
        True where it is as expected. Print it to read what may be wrong; it has
        ``first_loss``, ``chance``, ``loss``, ``n_classes``, ``tol`` and ``passed``.

    Raises
    ------
    TypeError
        If the estimator is no classifier, records no ``loss_curve_``, or ``tol``
        is no number.
    ValueError
        If its loss is not known, or ``tol`` is below 0.

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
        raise TypeError(f"{name} is no classifier; only these have a loss of chance.")
    check_scalar(tol, "tol", Real, min_val=0)
    if loss is None:
        of_probabilities = "log_loss" if hasattr(estimator, "predict_proba") else None
        loss = getattr(estimator, "loss", of_probabilities)
    if loss not in FORMULAS:
        raise ValueError(
            f"The loss of {name} is {loss!r}; one of {sorted(FORMULAS)} is needed: "
            f"pass loss= to say which it is."
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
            f"{name} records no loss_curve_ in its fit: pass an estimator that does "
            f"(of a pipeline its last step), or compare with chance_loss."
        )
    n_classes = len(model.classes_)
    return FirstLossCheck(
        first_loss=float(curve[0]),
        chance=chance_loss(n_classes, loss),
        loss=loss,
        n_classes=n_classes,
        tol=float(tol),
    )
