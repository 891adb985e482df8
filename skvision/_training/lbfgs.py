"""The L-BFGS method for smooth functions."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Objective = Callable[[Vector], tuple[float, Vector]]

MEMORY = 10  # steps that approximate the inverse Hessian
PATIENCE = 10  # iterations without a decrease of the value
MAX_TRIALS = 25  # in one line search
SUFFICIENT_DECREASE, CURVATURE = 1e-4, 0.9  # the Wolfe conditions
FLAT_DECREASE = 0.8  # 1 - 2 delta at delta = 0.1, of Hager and Zhang


class Minimum(NamedTuple):
    """The result of a minimizer.

    Attributes
    ----------
    params : ndarray of shape (n_params,)
        The last parameters.
    n_iter : int
        Number of iterations.
    loss_curve : list of float
        The objective at the start and after each iteration.
    residual : ndarray of shape (n_params,)
        The gradient at ``params``, or the subgradient of smallest norm.
    error : float
        The quantity compared with the tolerance: the largest absolute element of the
        residual, or a duality gap.
    stopped_by_caller : bool
        Whether ``on_iteration`` requested to stop.
    """

    params: Vector
    n_iter: int
    loss_curve: list[float]
    residual: Vector
    error: float
    stopped_by_caller: bool = False


class Point(NamedTuple):
    """Parameters with the objective and its gradient."""

    params: Vector
    value: float
    gradient: Vector


class _Pair(NamedTuple):
    step: Vector
    change: Vector  # of the gradient
    product: float  # of step and change


def minimize_lbfgs(
    objective: Objective,
    start: Vector,
    *,
    max_iter: int,
    tol: float,
    rounding: float = float(np.finfo(np.float64).eps),
    on_iteration: Callable[[Vector], bool] = lambda params: False,
) -> Minimum:
    r"""Minimize a smooth function by L-BFGS.

    It stops when no element of the gradient exceeds ``tol``, after ``max_iter``
    iterations, when ``on_iteration`` returns True, or when rounding prevents the
    objective from decreasing.

    Parameters
    ----------
    objective : callable
        ``params -> (value, gradient)``.
    start : ndarray of shape (n_params,), float64
        The initial parameters.
    max_iter : int
        Maximum number of iterations.
    tol : float
        Tolerance for the largest absolute element of the gradient.
    rounding : float, default=eps of float64
        Relative accuracy of the objective. If its change is smaller, a step is judged
        by the slope alone.
    on_iteration : callable, default=None
        Called with the parameters after each iteration; returns whether to stop.

    Returns
    -------
    minimum : Minimum
        The result; ``residual`` is the gradient.

    References
    ----------
    D. C. Liu and J. Nocedal, "On the limited memory BFGS method for large scale
    optimization", Mathematical Programming 45, 1989.
    W. W. Hager and H. Zhang, "A new conjugate gradient method with guaranteed descent
    and an efficient line search", SIAM Journal on Optimization 16, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> def bowl(x):
    ...     return float(x @ x), 2 * x
    >>> minimum = minimize_lbfgs(bowl, np.ones(3), max_iter=10, tol=1e-8)
    >>> minimum.n_iter, round(minimum.loss_curve[-1], 12)
    (2, 0.0)
    """
    here = Point(start, *objective(start))
    loss_curve = [here.value]
    pairs: deque[_Pair] = deque(maxlen=MEMORY)
    first_scale = 1 / max(float(np.abs(here.gradient).sum()), 1e-300)
    while largest(here.gradient) > tol and len(loss_curve) <= max_iter:
        direction = -_inverse_hessian_times(here.gradient, pairs, first_scale)
        there = line_search(objective, here, direction, rounding)
        if there is None:  # no decrease along it, up to rounding
            break
        step, change = there.params - here.params, there.gradient - here.gradient
        if (product := float(step @ change)) > 0:
            pairs.append(_Pair(step, change, product))
        here = there
        loss_curve.append(here.value)
        stalled = loss_curve[-1 - PATIENCE :][0] - here.value <= rounding * abs(
            here.value
        )
        if (len(loss_curve) > PATIENCE and stalled) or on_iteration(here.params):
            break
    n_iter, error = len(loss_curve) - 1, largest(here.gradient)
    return Minimum(here.params, n_iter, loss_curve, here.gradient, error)


def largest(gradient: Vector) -> float:
    """Return the largest absolute element of a vector."""
    return float(np.abs(gradient).max(initial=0))


def _inverse_hessian_times(
    gradient: Vector, pairs: deque[_Pair], first_scale: float
) -> Vector:
    """Multiply by the approximate inverse Hessian of the pairs (two-loop recursion)."""
    if not pairs:
        return gradient * first_scale
    result = gradient.copy()
    factors = []
    for pair in reversed(pairs):
        factor = float(pair.step @ result) / pair.product
        result -= factor * pair.change
        factors.append(factor)
    last = pairs[-1]
    result *= last.product / float(last.change @ last.change)
    for pair, factor in zip(pairs, reversed(factors), strict=True):
        result += (factor - float(pair.change @ result) / pair.product) * pair.step
    return result


def line_search(
    objective: Objective,
    here: Point,
    direction: Vector,
    rounding: float,
    max_trials: int = MAX_TRIALS,
) -> Point | None:
    """Return a point along ``direction`` that meets the weak Wolfe conditions.

    It is found by bisection, which requires only convexity or a lower bound. If values
    agree up to rounding, the slopes decide (approximate Wolfe conditions).
    """
    slope = float(here.gradient @ direction)
    if not slope < 0:
        return None
    noise = rounding * abs(here.value)
    shortest, longest, length = 0.0, np.inf, 1.0
    for _ in range(max_trials):
        params = here.params + length * direction
        there = Point(params, *objective(params))
        new_slope = float(there.gradient @ direction)
        decrease = here.value - there.value
        enough = decrease >= -SUFFICIENT_DECREASE * length * slope or (
            decrease >= -noise and new_slope <= -FLAT_DECREASE * slope
        )
        if not enough:
            longest = length
        elif new_slope < CURVATURE * slope:
            shortest = length
        else:
            return there
        length = (shortest + longest) / 2 if longest < np.inf else 2 * length
    return None
