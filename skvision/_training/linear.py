"""Exact minimization of linear models, with a suitable method for each problem."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from skvision._training.duality_gap import relative_gap
from skvision._training.interior import minimize_interior
from skvision._training.lbfgs import Minimum, Vector
from skvision._training.losses import Hinge
from skvision._training.moments import column_variances
from skvision._training.multipliers import center_biases, minimize_hinge
from skvision._training.newton import minimize_newton
from skvision._training.objective import linear_scores
from skvision._training.precondition import hessian_inverse
from skvision._training.problem import Problem
from skvision._training.row_space import MAX_ROWS, RowSpace
from skvision._training.smoothed_l1 import minimize_smoothed

FEW_PARAMS, FEW_ROWS = 300, 10_000  # maximum for computing the full Hessian
AT_ONCE, SOON, LATER = 0, 15, 100  # iterations before the interior-point method
FEW_WEIGHTS = 20_000  # maximum for which the interior-point method is fast
LIMIT = 1e-9  # L2 penalty of a hinge without one, as a fraction of the mean variance
ROUGH = 0.9  # fraction of the tolerance to reach in float32


def minimize_linear(
    problem: Problem,
    start: Vector,
    *,
    hinge: Hinge | None = None,
    max_iter: int,
    tol: float,
    on_iteration: Callable[[Vector], bool] = lambda params: False,
) -> Minimum:
    """Minimize a mean loss plus a penalty.

    A smooth loss is minimized by Newton's method, and the hinge loss by a sequence of
    smooth losses. Matrix products use float32 unless the rows are float64. The result
    is then verified in float64, and the minimization continues in float64 if it is not
    accurate enough.

    Parameters
    ----------
    problem : Problem
        The problem, whose targets are labels. For the hinge loss, ``curvature`` is that
        of the squared hinge.
    start : ndarray of shape (n_params,), float64
        The initial parameters: W, then b if the rows have a center.
    hinge : Hinge or None
        What the loss is made of if it is a hinge or squared hinge loss.
    max_iter : int
        Maximum number of iterations.
    tol : float
        Tolerance for the duality gap as a fraction of the objective. Without a penalty,
        tolerance for the predicted decrease by the next step.
    on_iteration : callable
        Called with the parameters after each iteration; returns whether to stop.

    Returns
    -------
    minimum : Minimum
        The result; ``error`` is compared with ``tol``.
    """
    rows, stopped = problem.rows, False
    few = len(start) <= FEW_PARAMS and len(rows) <= FEW_ROWS
    space = None if few else _row_space(problem)

    def stop(params: Vector) -> bool:
        nonlocal stopped
        stopped = stopped or on_iteration(
            params if space is None else space.to_features(params)
        )
        return stopped

    def minimize(problem: Problem, start: Vector, max_iter: int, tol: float) -> Minimum:
        if hinge is None:
            return _minimize_smooth(problem, start, max_iter, tol, stop)
        return _minimize_hinge(problem, start, hinge, max_iter, tol, stop)

    at_once = hinge is not None and not hinge.squared and len(rows) <= FEW_ROWS
    at_once = problem.l1 > 0 or (at_once and problem.n_weights <= FEW_WEIGHTS)
    exact = replace(problem, rows=replace(rows, exact=True))
    if space is not None:
        inside = replace(exact, rows=space.rows)
        minimum = minimize(inside, space.from_features(start), max_iter, tol)
        minimum = minimum._replace(params=space.to_features(minimum.params))
    elif few or rows.dtype == np.float64 or at_once:
        minimum = minimize(exact, start, max_iter, tol)
    else:
        rough = minimize(problem, start, max_iter, ROUGH * tol)
        minimum = rough
        if not stopped:
            fine = minimize(exact, rough.params, max_iter - rough.n_iter, tol)
            minimum = fine._replace(
                n_iter=rough.n_iter + fine.n_iter,
                loss_curve=rough.loss_curve + fine.loss_curve[1:],
            )
    params = minimum.params.copy()
    if not stopped:
        _choose_among_equal(exact, params, hinge)
    return minimum._replace(params=params, stopped_by_caller=stopped)


def _row_space(problem: Problem) -> RowSpace | None:
    """Return the space of the rows if it is much smaller than that of the features."""
    rows = problem.rows
    if len(rows) >= min(rows.n_features, MAX_ROWS) or problem.l1:
        return None
    space = RowSpace.of(rows)
    return space if space.rows.n_features else None  # None if all rows are equal


def _choose_among_equal(problem: Problem, params: Vector, hinge: Hinge | None) -> None:
    """Choose, in place, among parameters with the same objective."""
    labels, weights = problem.targets, problem.sample_weight
    if hinge is not None and not hinge.squared and problem.has_bias:
        z = hinge.violations(linear_scores(problem.rows, params), labels).z
        params[problem.n_weights :] += center_biases(
            z, labels, weights, joint=problem.joint
        )
    W, b = problem.split(params)
    if problem.joint:  # a common change of all classes does not change the loss
        b -= b.mean() if len(b) else 0
        W -= 0 if problem.l1 else W.mean(axis=0)


def _minimize_smooth(
    problem: Problem,
    start: Vector,
    max_iter: int,
    tol: float,
    on_iteration: Callable[[Vector], bool],
) -> Minimum:
    if problem.l1:
        return minimize_smoothed(
            problem, start, max_iter=max_iter, tol=tol, on_iteration=on_iteration
        )
    few = len(start) <= FEW_PARAMS and len(problem.rows) <= FEW_ROWS
    return minimize_newton(
        problem,
        start,
        max_iter=max_iter,
        tol=tol,
        gap=relative_gap,
        inverse=hessian_inverse if few else None,
        to_rounding=few,
        on_iteration=on_iteration,
    )


def _minimize_hinge(
    problem: Problem,
    start: Vector,
    hinge: Hinge,
    max_iter: int,
    tol: float,
    on_iteration: Callable[[Vector], bool],
) -> Minimum:
    """Use Newton's method and, if it converges slowly, the interior-point method."""
    if not hinge.squared and problem.l1 == problem.l2 == 0:
        variance = float(column_variances(problem.rows, problem.sample_weight).mean())
        problem = replace(problem, l2=LIMIT * (variance or 1.0))
    stopped = False

    def stop(params: Vector) -> bool:
        nonlocal stopped
        stopped = on_iteration(params)
        return stopped

    interior = problem.l1 > 0 or problem.l2 > 0
    small = problem.n_weights <= FEW_WEIGHTS and problem.rows.dtype == np.float64
    small = small or problem.l1 > 0
    first = (
        min(max_iter, (SOON if hinge.squared else AT_ONCE) if small else LATER)
        if interior
        else max_iter
    )
    if hinge.squared:
        minimum = _minimize_smooth(problem, start, first, tol, stop)
    else:
        minimum = minimize_hinge(
            problem,
            start,
            violations=hinge.violations,
            margin=hinge.margin,
            max_iter=first,
            tol=tol,
            on_iteration=stop,
        )
    enough = minimum.error <= tol or stopped or minimum.n_iter >= max_iter
    if enough or not interior or problem.rows.dtype != np.float64:
        return minimum
    other = minimize_interior(
        problem,
        minimum,
        violations=hinge.violations,
        squared=hinge.squared,
        margin=hinge.margin,
        max_iter=max_iter - minimum.n_iter,
        tol=tol,
        on_iteration=stop,
    )
    n_iter = minimum.n_iter + other.n_iter
    curve = minimum.loss_curve + (other.loss_curve[1:] or other.loss_curve)
    if other.params is minimum.params:
        curve = minimum.loss_curve
    return other._replace(n_iter=n_iter, loss_curve=curve)
