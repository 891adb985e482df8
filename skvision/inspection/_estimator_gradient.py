"""Check of the gradient of a fitted estimator by central differences."""

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
from skvision.inspection._gradient_check import (
    check_coordinates,
    choose_coordinates,
    coordinate_name,
)
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
    """Compare the gradient of an estimator's objective with central differences.

    This is `gradient_check` for the weights of a fitted estimator that has the method
    ``loss_and_gradient(X, y, sample_weight=None) -> (value, gradients)``. ``gradients``
    is a dict from the names of fitted arrays, such as ``"coef_"`` and ``"intercept_"``,
    to the gradients with respect to them. The check uses float64 and a copy of the
    estimator.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator with the method ``loss_and_gradient``.
    X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
        Images or features, which are converted to float64. A few hundred are
        sufficient.
    y : array-like of shape (n,)
        Class labels.
    sample_weight : array-like of shape (n,), default=None
        Nonnegative sample weights.
    n_coordinates : int, default=100
        Number of random elements of each array to check. All elements are checked if
        there are fewer, or if None.
    step : float, default=None
        Step in units of the weights, as in `gradient_check`.
    tol : float, default=None
        Largest relative error that passes. None means 1e-6.
    jitter : float, default=0.0
        Standard deviation of normal noise that is added to the weights of the copy, in
        units of the weights. It makes the check more informative at the end of a fit,
        where all derivatives are about zero, and at weights of zero, where hinges have
        kinks.
    random_state : int, RandomState or None, default=None
        Determines the elements and the jitter. Pass an int for reproducible output
        across multiple calls.

    Returns
    -------
    check : GradientCheck
        Result as from `gradient_check`, which is true if all derivatives agree.
        ``names`` and ``worst`` have the form ``"coef_[3, 17]"``.

    Raises
    ------
    TypeError
        If the estimator does not have ``loss_and_gradient``.
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If the shapes of a gradient and its array differ, or as in `gradient_check`.

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
            f"{type(estimator).__name__} has no method "
            f"loss_and_gradient(X, y, sample_weight=None). Pass an estimator with this "
            f"method, such as the last step of a pipeline, or use gradient_check."
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
                f"The gradient of {name} must have its shape, {arrays[name].shape}; "
                f"got {np.shape(gradient)}."
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

    chosen, indices, names, start = [], [], [], 0
    for name, array in arrays.items():
        picked = choose_coordinates(array.size, n_coordinates, random)
        chosen.append(start + picked)
        indices += [multi_index(i, array.shape) for i in picked]
        names += [coordinate_name(name, multi_index(i, array.shape)) for i in picked]
        start += array.size
    return check_coordinates(
        function, weights, np.concatenate(chosen), indices, names, step=step, tol=tol
    )


def _flat(arrays: Sequence[NDArray[Any]]) -> Array:
    """Concatenate the elements of arrays to a vector."""
    return np.concatenate([array.reshape(-1) for array in arrays]).astype(np.float64)
