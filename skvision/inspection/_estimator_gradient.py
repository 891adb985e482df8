"""The gradient of a fitted estimator's objective against central differences."""

from collections.abc import Sequence
from copy import deepcopy
from numbers import Real
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted

from skvision._contract.images import as_array
from skvision._contract.public import public
from skvision.inspection._gradient_check import compare, draw, label
from skvision.inspection._gradient_check_result import GradientCheck
from skvision.inspection._numerical_gradient import multi_index

Array = NDArray[np.floating]


@public("skvision.inspection")
def gradient_check_estimator(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    n_coordinates: int | None = 100,
    step: float | None = None,
    tol: float | None = None,
    jitter: float = 0.0,
    random_state: int | RandomState | None = None,
) -> GradientCheck:
    """Hold the gradient of an estimator's objective against central differences.

    As `gradient_check`, by the weights of a fitted estimator that has the method
    ``loss_and_gradient(X, y, sample_weight=None) -> (value, gradients)``, in which
    ``gradients`` maps names of fitted arrays, as ``"coef_"`` and ``"intercept_"``, to
    the gradient by each. It is done in float64, on a copy of the estimator.

    Parameters
    ----------
    estimator : estimator
        Fitted, with that method.
    X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
        Images or features, cast to float64. A few hundred suffice.
    y : array-like of shape (n,)
        Classes.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows, not negative.
    n_coordinates : int, default=100
        How many elements to draw of each array; all where there are fewer, or for None.
    step : float, default=None
        The step, in units of the weights; see `gradient_check`.
    tol : float, default=None
        The largest relative error that passes. None is 1e-6.
    jitter : float, default=0.0
        Standard deviation of normal numbers that are first added to the copy's weights,
        in their units. At the end of a fit all derivatives are about zero, and at
        weights of zero a hinge is at its kinks: a jitter shows more there.
    random_state : int, RandomState or None, default=None
        Draws elements and jitter; an int for the same ones each time.

    Returns
    -------
    check : GradientCheck
        True where all agree, as from `gradient_check`; ``names`` and ``worst`` are like
        ``"coef_[3, 17]"``.

    Raises
    ------
    TypeError
        If the estimator does not have ``loss_and_gradient``.
    NotFittedError
        If it is not fitted.
    ValueError
        If a gradient has another shape than its array, or as `gradient_check`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator
    >>> from skvision.inspection import gradient_check_estimator
    >>> class LeastSquares(BaseEstimator):
    ...     def fit(self, X, y):
    ...         self.coef_ = np.zeros(X.shape[1])
    ...         return self
    ...
    ...     def loss_and_gradient(self, X, y, sample_weight=None):
    ...         residuals = X @ self.coef_ - y
    ...         gradient = residuals @ X / len(X)
    ...         gradient[1] *= 2
    ...         return residuals @ residuals / (2 * len(X)), {"coef_": gradient}
    >>> X, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 2.0])
    >>> print(gradient_check_estimator(LeastSquares().fit(X, y), X, y))
    gradient check FAILED: 1 of 2 coordinates agree to a relative 1e-06
      coef_[1]: analytic -10, numerical -5, error 0.5
    """
    if not callable(getattr(estimator, "loss_and_gradient", None)):
        raise TypeError(
            f"{type(estimator).__name__} does not have the method "
            f"loss_and_gradient(X, y, sample_weight=None); pass an estimator that has "
            f"(of a pipeline its last step), or your own loss to gradient_check."
        )
    check_is_fitted(estimator)
    check_scalar(jitter, "jitter", Real, min_val=0)
    model, random = deepcopy(estimator), check_random_state(random_state)
    X = as_array(X)
    X = X.astype(np.float64) if hasattr(X, "astype") else X

    gradients = model.loss_and_gradient(X, y, sample_weight=sample_weight)[1]
    arrays = {name: np.array(getattr(model, name), float) for name in gradients}
    for name, gradient in gradients.items():
        if np.shape(gradient) != arrays[name].shape:
            raise ValueError(
                f"The gradient by {name} has the shape {np.shape(gradient)} and {name} "
                f"{arrays[name].shape}; a gradient has the shape of its variable."
            )
    weights = _flat(list(arrays.values()))
    weights += jitter * random.standard_normal(weights.shape)

    def function(x: Array) -> tuple[float, Array]:
        start = 0
        for name, array in arrays.items():
            part = x[start : start + array.size]
            setattr(model, name, part.reshape(array.shape))
            start += array.size
        value, gradients = model.loss_and_gradient(X, y, sample_weight=sample_weight)
        return value, _flat([np.asarray(gradients[name]) for name in arrays])

    drawn, indices, names, start = [], [], [], 0
    for name, array in arrays.items():
        chosen = draw(array.size, n_coordinates, random)
        drawn.append(start + chosen)
        indices += [multi_index(i, array.shape) for i in chosen]
        names += [label(name, multi_index(i, array.shape)) for i in chosen]
        start += array.size
    return compare(
        function, weights, np.concatenate(drawn), indices, names, step=step, tol=tol
    )


def _flat(arrays: Sequence[NDArray[Any]]) -> Array:
    """Return the elements of arrays in one vector."""
    return np.concatenate([array.reshape(-1) for array in arrays]).astype(np.float64)
