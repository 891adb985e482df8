r"""Newton's method for smooth losses with a smoothed L1 penalty.

The absolute value of each weight is replaced by the logarithmic barrier of
:math:`-u \le w \le u`, minimized with respect to :math:`u`. Its derivative is

.. math:: \lambda v, \quad v = \frac{\lambda w}{\mu + \sqrt{\mu^2 + \lambda^2 w^2}},

which is between :math:`-\lambda` and :math:`\lambda` and tends to that of
:math:`\lambda |w|` as :math:`\mu` goes to 0. Newton's method on this function alone is
slow where :math:`\mu` is small. As in a primal-dual interior-point method, :math:`v` is
therefore a variable of its own, and Newton's method is applied to the equation
:math:`v (\mu + \sqrt{\mu^2 + \lambda^2 w^2}) = \lambda w`.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from skvision._training.class_inverses import penalized_inverse
from skvision._training.duality_gap import relative_gap
from skvision._training.lbfgs import Minimum, Vector
from skvision._training.losses import Array
from skvision._training.moments import column_variances
from skvision._training.newton import conjugate_gradients, moved, with_best_biases
from skvision._training.parallel import one_thread_for_blas
from skvision._training.problem import Point, Problem
from skvision._training.search import exact_step

FORCING = 1e-2  # fraction of the residual that conjugate gradients leave
NARROWING = 0.1  # factor of mu after a step that came close to its minimum
LONG = 0.5  # minimum length of such a step
TO_BOUND = 0.99  # fraction of the distance to |v| = 1
PATIENCE = 8  # iterations that do not decrease the gap, once it is small
NEAR = 0.1  # what counts as a small gap


def minimize_smoothed(
    problem: Problem,
    start: Vector,
    *,
    max_iter: int,
    tol: float,
    gap: Callable[[Problem, Point], float] = relative_gap,
    on_iteration: Callable[[Vector], bool] = lambda params: False,
) -> Minimum:
    r"""Minimize a smooth mean loss plus a penalty that has an L1 part.

    Parameters
    ----------
    problem : Problem
        The problem; its ``l1`` is above 0.
    start : ndarray of shape (n_params,), float64
        The initial parameters.
    max_iter : int
        The maximum number of iterations.
    tol : float
        Tolerance for ``gap``.
    gap : callable, default=relative_gap
        ``(problem, point) -> relative gap`` for optimal biases.
    on_iteration : callable, default=None
        Called with the parameters after each iteration; returns whether to stop.

    Returns
    -------
    minimum : Minimum
        The first point within the tolerance at which weights that the penalty keeps at
        zero are exactly zero. If rounding or ``max_iter`` ends the iterations before,
        the point with the smallest gap.

    References
    ----------
    K. Koh, S.-J. Kim and S. Boyd, "An interior-point method for large-scale
    l1-regularized logistic regression", Journal of Machine Learning Research 8, 2007.
    T. F. Chan, G. H. Golub and P. Mulet, "A nonlinear primal-dual method for total
    variation-based image restoration", SIAM Journal on Scientific Computing 20, 1999.
    """
    scores = problem.scores_of(start)
    curve = [problem.value_of(start, scores)]
    here = problem.at(with_best_biases(problem, start, scores))
    sizes = np.sqrt(column_variances(problem.rows, problem.sample_weight))
    mu = here.value / problem.n_weights
    v = _v(problem, here.params[: problem.n_weights], mu)
    best, least, best_curve = here, np.inf, curve
    while True:
        found, error = here, gap(problem, here)
        done = False
        if error <= tol:
            sparse = sparse_point(problem, here.params, sizes, v)
            error_of_sparse = gap(problem, sparse)
            done = error_of_sparse <= tol
            if done:
                found, error = sparse, error_of_sparse
        stopped = len(curve) > 1 and on_iteration(found.params)
        if error < least or done or stopped:
            best, least, best_curve = found, error, [*curve[:-1], found.value]
        stuck = least < NEAR and len(curve) - len(best_curve) >= PATIENCE
        if done or len(curve) > max_iter or stuck or stopped:
            break
        step = _newton_step(problem, here, v, mu)
        slopes = partial(_v, problem, mu=mu)
        lengths = exact_step(problem, here, step.params, step.scores, slopes)
        v = v + _longest(v, step.v) * step.v
        params, scores = moved(problem, here, step.params, step.scores, lengths)
        here = problem.at(with_best_biases(problem, params, scores))
        curve.append(here.value)
        if lengths.min() >= LONG and step.decrease <= problem.n_weights * mu:
            mu *= NARROWING
    residual = problem.residual(best)
    return Minimum(best.params, len(curve) - 1, best_curve, residual, float(least))


class _Step(NamedTuple):
    """Newton's step: changes of parameters, scores and v, and twice the decrease."""

    params: Vector
    scores: Array
    v: Vector
    decrease: float


def _newton_step(problem: Problem, here: Point, v: Vector, mu: float) -> _Step:
    n, W = problem.n_weights, here.params[: problem.n_weights]
    v_at_w = _v(problem, W, mu)
    ratio = problem.l1 / mu * W
    root = np.sqrt(1 + ratio**2)
    second_derivatives = problem.l1**2 / mu * (1 - v * ratio / root) / (1 + root)
    right = -here.slope
    right[:n] -= problem.l2 * W + problem.l1 * v_at_w
    right[n:] = 0  # the biases are at their optimum, except for rounding
    precondition = penalized_inverse(problem, here, second_derivatives)

    def product(change: Vector) -> tuple[Vector, Array]:
        result, along = problem.hessian_product(here, change)
        result[:n] += second_derivatives * change[:n]
        return result, along

    with one_thread_for_blas:
        step, along, _ = conjugate_gradients(product, right, precondition, FORCING)
    change = v_at_w - v + second_derivatives / problem.l1 * step[:n]
    return _Step(step, along, change, float(right @ step))


def _v(problem: Problem, W: Vector, mu: float) -> Vector:
    """Return the derivative of the smoothed absolute value."""
    ratio = problem.l1 / mu * W
    v: Vector = ratio / (1 + np.sqrt(1 + ratio**2))
    return v


def _longest(v: Vector, change: Vector) -> float:
    """Return the longest step length, at most 1, that keeps v within its bounds."""
    room = np.where(change > 0, 1 - v, 1 + v)
    fastest = float((np.abs(change) / room).max(initial=0))
    return min(1.0, TO_BOUND / fastest) if fastest > 0 else 1.0


def sparse_point(problem: Problem, params: Vector, sizes: Array, v: Array) -> Point:
    """Return a point with exact zeros for weights that are zero due to the penalty.

    A weight is zero if and only if v is not at its bound. A Newton step of the other
    weights compensates for those that were not exactly zero. Weights are compared by
    their contribution to the scores, which is their product with the standard deviation
    of the feature, ``sizes``.
    """
    n, params = problem.n_weights, params.copy()
    contributions = np.abs(problem.split(params)[0] * sizes).ravel()
    zero = contributions < (1 - np.abs(v)) * contributions.mean()
    params[:n][zero] = 0
    scores = problem.scores_of(params)
    here = problem.at(with_best_biases(problem, params, scores))
    free = np.append(~zero, np.ones(len(params) - n))
    right = -problem.residual(here) * free
    right[n:] = 0
    precondition = penalized_inverse(problem, here, np.where(zero, np.inf, 0.0))

    def product(change: Vector) -> tuple[Vector, Array]:
        result, along = problem.hessian_product(here, change)
        return free * result, along

    with one_thread_for_blas:
        step, along, _ = conjugate_gradients(product, right, precondition, FORCING)
    params = with_best_biases(problem, here.params + step, here.scores + along)
    return problem.at(params)
