"""Looks inside: is a gradient right, does a model learn, and what does HOG see."""

from skvision.inspection._draw_hog import draw_hog
from skvision.inspection._estimator_gradient import gradient_check_estimator
from skvision.inspection._first_loss_check import chance_loss, first_loss_check
from skvision.inspection._gradient_check import gradient_check
from skvision.inspection._numerical_gradient import numerical_gradient
from skvision.inspection._overfit_check import overfit_check

__all__ = [
    "chance_loss",
    "draw_hog",
    "first_loss_check",
    "gradient_check",
    "gradient_check_estimator",
    "numerical_gradient",
    "overfit_check",
]
