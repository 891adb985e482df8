"""Exact minimization of linear models, with a suitable method for each problem."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from skvision._training.duality_gap import relative_gap
from skvision._training.interior import minimize_interior
from skvision._training.lbfgs import Minimum, Vector
from skvision._training.losses import (
    Array,
    Curvature,
    Labels,
    Loss,
    Violations,
)
from skvision._training.moments import column_variances
from skvision._training.multipliers import center_biases, minimize_hinge
from skvision._training.newton import minimize_newton
from skvision._training.objective import linear_scores, split_linear
from skvision._training.precondition import hessian_inverse
from skvision._training.problem import Problem
from skvision._training.row_space import MAX_ROWS, RowSpace
from skvision._training.smoothed_l1 import minimize_smoothed
from skvision._training.sources import Centered

FEW_PARAMS, FEW_ROWS = 300, 10_000  # maximum for computing the full Hessian
AT_ONCE, SOON, LATER = 0, 15, 100  # iterations before the interior-point method
FEW_WEIGHTS = 20_000  # maximum for which the interior-point method is fast
LIMIT = 1e-9  # L2 penalty of a hinge without one, as a fraction of the mean variance
ROUGH = 0.9  # fraction of the tolerance to reach in float32


def minimize_linear(
    rows: Centered,
    labels: Labels,
    sample_weight: Array,
    start: Vector,
    *,
    loss: Loss,
    curvature: Curvature,
    violations: Violations | None = None,
    squared: bool = True,
    margin: float = 1.0,
    joint: bool,
    alpha: float,
    l1_ratio: float,
    max_iter: int,
    tol: float,
    on_iteration: Callable[[Vector], bool] = lambda params: False,
) -> Minimum:
    r"""Minimize mean loss plus :math:`\alpha (r \|W\|_1 + \frac{1 - r}{2} \|W\|^2)`.

    A smooth loss is minimized by Newton's method, and the hinge loss by a sequence of
    smooth losses. Matrix products use float32 unless the rows are float64. The result
    is then verified in float64, and the minimization continues in float64 if it is not
    accurate enough.

    Parameters
    ----------
    rows : Centered
        The rows.
    labels : ndarray of shape (n,), int
        True classes.
    sample_weight : ndarray of shape (n,)
        Weights of the rows, which sum to one.
    start : ndarray of shape (n_params,), float64
        The initial parameters: W, then b if the rows have a center.
    loss, curvature : callable
        The loss and its second derivatives. For the hinge loss, those of the squared
        hinge.
    violations : callable, default=None
        The margin violations if ``loss`` is a hinge or squared hinge loss.
    squared : bool
        Whether ``loss`` is the squared hinge loss.
    margin : float
        The margin of ``violations``.
    joint : bool
        Whether the loss depends only on differences of scores. Otherwise it is a sum
        over the scores.
    alpha, l1_ratio : float
        The penalty.
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
    fit_intercept = rows.center is not None
    n_outputs = len(start) // (rows.n_features + int(fit_intercept))
    stopped = False

    space: RowSpace | None = None

    def stop(params: Vector) -> bool:
        nonlocal stopped
        stopped = stopped or on_iteration(
            params if space is None else space.to_features(params)
        )
        return stopped

    problem = Problem(
        rows,
        labels,
        sample_weight,
        loss,
        curvature,
        l1=alpha * l1_ratio,
        l2=alpha * (1 - l1_ratio),
        n_outputs=n_outputs,
        joint=joint,
    )

    def minimize(problem: Problem, start: Vector, max_iter: int, tol: float) -> Minimum:
        if violations is None:
            return _minimize_smooth(problem, start, max_iter, tol, stop)
        return _minimize_hinge(
            problem, start, violations, squared, margin, max_iter, tol, stop
        )

    few = len(start) <= FEW_PARAMS and len(rows) <= FEW_ROWS
    at_once = violations is not None and not squared and len(rows) <= FEW_ROWS
    at_once = problem.l1 > 0 or (at_once and problem.n_weights <= FEW_WEIGHTS)
    exact = replace(problem, rows=replace(rows, exact=True))
    if len(rows) < min(rows.n_features, MAX_ROWS) and not problem.l1 and not few:
        space = RowSpace.of(rows)
    if space is not None and not space.rows.n_features:  # all rows are equal
        space = None
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
        if violations is not None and not squared and fit_intercept:
            z = violations(linear_scores(exact.rows, params), labels).z
            params[problem.n_weights :] += center_biases(
                z, labels, sample_weight, joint=joint
            )
        W, b = split_linear(params, rows.n_features, fit_intercept)
        if joint:  # a common change of all classes does not change the loss
            b -= b.mean() if len(b) else 0
            W -= 0 if problem.l1 else W.mean(axis=0)
    return minimum._replace(params=params, stopped_by_caller=stopped)


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
    violations: Violations,
    squared: bool,
    margin: float,
    max_iter: int,
    tol: float,
    on_iteration: Callable[[Vector], bool],
) -> Minimum:
    """Use Newton's method and, if it converges slowly, the interior-point method."""
    if not squared and problem.l1 == problem.l2 == 0:
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
        min(max_iter, (SOON if squared else AT_ONCE) if small else LATER)
        if interior
        else max_iter
    )
    if squared:
        minimum = _minimize_smooth(problem, start, first, tol, stop)
    else:
        minimum = minimize_hinge(
            problem,
            start,
            violations=violations,
            margin=margin,
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
        violations=violations,
        squared=squared,
        margin=margin,
        max_iter=max_iter - minimum.n_iter,
        tol=tol,
        on_iteration=stop,
    )
    n_iter = minimum.n_iter + other.n_iter
    curve = minimum.loss_curve + (other.loss_curve[1:] or other.loss_curve)
    if other.params is minimum.params:
        curve = minimum.loss_curve
    return other._replace(n_iter=n_iter, loss_curve=curve)
