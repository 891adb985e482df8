"""Proximal gradient steps, for the L1 penalty."""

from collections.abc import Callable

import numpy as np

from skvision._training.lbfgs import Minimum, Objective, Vector, largest
from skvision._training.penalties import soft_threshold

MEMORY = 10  # values of which a new one may not exceed the largest
DECREASE = 0.005
MAX_TRIALS = 60


def minimize_proximal(
    objective: Objective,
    start: Vector,
    *,
    l1: float,
    n_penalised: int,
    scale: Vector,
    max_iter: int,
    tol: float,
    rounding: float = float(np.finfo(np.float64).eps),
    on_iteration: Callable[[Vector], bool] = lambda params: False,
) -> Minimum:
    r"""Minimise a smooth function plus :math:`\lambda \|w\|_1` by spectral steps.

    Each step is to

    .. math:: \operatorname{prox}(x - \nabla f(x) / (L m)), \qquad
        L = \frac{s^\top y}{s^\top (m s)}

    where :math:`L` is the curvature along the step before, :math:`s`, in which the
    gradient changed by :math:`y`; it is doubled until the largest of the last ten
    values is undercut. Weights that the prox sets to zero are exactly zero.

    Parameters
    ----------
    objective : callable
        The smooth part, ``params -> (value, gradient)``.
    start : ndarray of shape (n_params,), float64
        Where to start.
    l1 : float
        Strength of the L1 norm.
    n_penalised : int
        The first so many parameters are penalised.
    scale : ndarray of shape (n_params,)
        Curvature of each parameter up to a common factor, :math:`m`, above 0.
    max_iter, rounding, on_iteration
        As in `minimize_lbfgs`.
    tol : float
        Tolerance for the least subgradient.

    Returns
    -------
    minimum : Minimum
        Where it stopped; ``residual`` is the least subgradient.

    References
    ----------
    S. J. Wright, R. D. Nowak and M. A. T. Figueiredo, "Sparse reconstruction by
    separable approximation", IEEE Transactions on Signal Processing 57, 2009.

    Examples
    --------
    >>> import numpy as np
    >>> target = np.array([3.0, 0.5])
    >>> def bowl(x):
    ...     return float((x - target) @ (x - target)) / 2, x - target
    >>> print(minimize_proximal(
    ...     bowl, np.zeros(2), l1=1.0, n_penalised=2, scale=np.ones(2), max_iter=9,
    ...     tol=1e-9).params)
    [2. 0.]
    """
    strength = np.zeros(len(start))
    strength[:n_penalised] = l1

    def total(value: float, params: Vector) -> float:
        return value + float(strength @ np.abs(params))

    params = start
    value, gradient = objective(params)
    loss_curve = [total(value, params)]
    residual = _least_subgradient(gradient, params, strength)
    # the first step: as long as one towards a slope of zero at unit curvature
    curvature = 1.0
    stood = 0
    while largest(residual) > tol and len(loss_curve) <= max_iter:
        highest = max(loss_curve[-MEMORY:])
        for _ in range(MAX_TRIALS):
            metric = curvature * scale
            new: Vector = np.asarray(
                soft_threshold(params - gradient / metric, strength / metric),
                np.float64,
            )
            step = new - params
            new_value, new_gradient = objective(new)
            decrease = DECREASE * curvature * float(step @ (scale * step))
            noise = rounding * abs(highest)
            if total(new_value, new) <= highest - decrease + noise:
                break
            curvature *= 2
        else:
            break
        change = new_gradient - gradient
        length = float(step @ (scale * step))
        if length > 0:
            curvature = float(np.clip(step @ change / length, 1e-10, 1e10))
        params, value, gradient = new, new_value, new_gradient
        loss_curve.append(total(value, params))
        residual = _least_subgradient(gradient, params, strength)
        best = min(loss_curve[:-1])
        stood = stood + 1 if best - loss_curve[-1] <= rounding * abs(best) else 0
        if stood > 5 * MEMORY or on_iteration(params):
            break
    n_iter, error = len(loss_curve) - 1, largest(residual)
    return Minimum(params, n_iter, loss_curve, residual, error)


def _least_subgradient(gradient: Vector, params: Vector, strength: Vector) -> Vector:
    """Return the subgradient of smallest size: zero where zero is among them."""
    at_zero = soft_threshold(gradient, strength)
    return np.where(params == 0, at_zero, gradient + strength * np.sign(params))
