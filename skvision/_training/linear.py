"""The minimum of a linear model, exactly: which minimiser for which problem."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from skvision._parallel import one_thread_for_blas
from skvision._training.lbfgs import (
    Minimum,
    Objective,
    Vector,
    largest,
    minimize_lbfgs,
)
from skvision._training.losses import Array, Curvature, Labels, Loss, Violations
from skvision._training.multipliers import center_biases, minimize_hinge
from skvision._training.newton import minimize_newton
from skvision._training.objective import linear_hessian, linear_objective, split_linear
from skvision._training.penalties import elastic_net, l2
from skvision._training.precondition import curvature as curvature_of_rows
from skvision._training.proximal import minimize_proximal
from skvision._training.rows import Rows, column_variances

NEWTON_PARAMS, NEWTON_ROWS = (
    300,
    10_000,
)  # up to so many: a Hessian costs next to nothing

# The Hessian is about h G + alpha I, where h, the mean second derivative of a loss, is
# a tenth or more: the preconditioner has the shift of alpha / h, and needs no factor
# above 1 / h, at which no step is longer than alpha allows.
SHIFT = 10


def minimize_linear(
    rows: Rows,
    labels: Labels,
    shares: Array,
    start: Vector,
    *,
    loss: Loss,
    curvature: Curvature | None = None,
    hinge_of: Violations | None = None,
    margin: float = 1.0,
    alpha: float,
    l1_ratio: float,
    max_iter: int,
    tol: float,
    on_iteration: Callable[[Vector], bool] = lambda params: False,
) -> Minimum:
    r"""Minimise mean loss plus :math:`\alpha (r \|W\|_1 + \frac{1 - r}{2} \|W\|^2)`.

    A smooth loss is minimised by L-BFGS, preconditioned by the curvature of the rows,
    or, where there are few parameters, by Newton's method; an L1 part of the penalty
    asks for proximal steps instead; the hinge loss is made of smooth ones. Either way
    it depends on the objective alone, to rounding: a row of twice the share is that row
    twice.

    Parameters
    ----------
    rows : Rows
        The rows.
    labels : ndarray of shape (n,), int
        True classes.
    shares : ndarray of shape (n,)
        What each row counts; adding up to one.
    start : ndarray of shape (n_params,), float64
        W, then b where the rows have a centre.
    loss : callable
        The loss.
    curvature : callable or None
        Its second derivatives, where it is smooth.
    hinge_of : callable or None
        Where ``loss`` is the hinge, the violations that it is taken of.
    margin : float
        Of ``hinge_of``.
    alpha, l1_ratio : float
        The penalty.
    max_iter : int
        The most iterations.
    tol : float
        Tolerance for the largest element of the gradient, or of the least subgradient,
        with respect to W and b of rows less their centre; for the hinge for the duality
        gap as a part of the objective.
    on_iteration : callable
        Told the parameters after each iteration; returns whether to stop.

    Returns
    -------
    minimum : Minimum
        Where it stopped.
    """
    fit_intercept = rows.center is not None
    n_outputs = len(start) // (rows.n_features + int(fit_intercept))
    n_weights = n_outputs * rows.n_features
    stopped = False

    def told(params: Vector) -> bool:
        nonlocal stopped
        stopped = stopped or on_iteration(params)
        return stopped

    minimize_smooth = _smooth_minimizer(rows, shares, n_outputs, alpha, l1_ratio, told)
    if hinge_of is None:
        with one_thread_for_blas:
            return minimize_smooth(loss, curvature, labels, start, max_iter, tol)
    whole_penalty = elastic_net(alpha, l1_ratio)
    objective = linear_objective(
        rows, labels, shares, loss=loss, penalty=elastic_net(0, 0)
    )
    with one_thread_for_blas:  # vectors are too short for more
        minimum = minimize_hinge(
            minimize_smooth,
            partial(linear_scores, rows),
            lambda params: whole_penalty(params[:n_weights], np.zeros(n_weights)),
            start,
            violations=hinge_of,
            labels=labels,
            shares=shares,
            margin=margin,
            first_slope=largest(objective(np.zeros_like(start))[1]),
            l2=alpha * (1 - l1_ratio),
            n_penalised=n_weights,
            max_iter=max_iter,
            tol=tol,
            stopped=lambda: stopped,
        )
    if fit_intercept and not stopped:
        z = hinge_of(linear_scores(rows, minimum.params), labels)[0]
        joint = n_outputs > 1 and bool(np.isneginf(z[0]).any())
        params = minimum.params.copy()
        params[n_weights:] += center_biases(z, labels, shares, joint=joint)
        return minimum._replace(params=params)
    return minimum


class _Smooth(NamedTuple):
    """What the smooth problems of one fit have in common."""

    rows: Rows
    shares: Array
    n_outputs: int
    l2: float
    told: Callable[[Vector], bool]

    def objective(self, loss: Loss, targets: Any) -> Objective:
        penalty = l2(self.l2)
        return linear_objective(
            self.rows, targets, self.shares, loss=loss, penalty=penalty
        )

    @property
    def rounding(self) -> float:
        return float(np.finfo(self.rows.dtype).eps)


def _smooth_minimizer(
    rows: Rows,
    shares: Array,
    n_outputs: int,
    alpha: float,
    l1_ratio: float,
    told: Callable[[Vector], bool],
) -> Callable[..., Minimum]:
    """Return ``(loss, curvature, targets, start, max_iter, tol) -> Minimum``."""
    strength = alpha * (1 - l1_ratio)
    problem = _Smooth(rows, shares, n_outputs, strength, told)
    fit_intercept = rows.center is not None
    n_params = n_outputs * (rows.n_features + int(fit_intercept))
    if alpha * l1_ratio > 0:
        scale = np.ones(n_params)
        variances = column_variances(rows, shares)
        variances = np.maximum(variances, 1e-6 * variances.mean() or 1.0)
        split_linear(scale, rows.n_features, fit_intercept)[0][:] = variances
        return partial(_by_proximal_steps, problem, alpha * l1_ratio, scale)
    if n_params <= NEWTON_PARAMS and len(rows) <= NEWTON_ROWS:
        exact = Rows(rows.X.astype(np.float64, copy=False), rows.center)
        return partial(_by_newton, problem._replace(rows=exact))
    precondition = curvature_of_rows(
        rows, shares, alpha=SHIFT * strength, n_outputs=n_outputs
    )
    return partial(_by_lbfgs, problem, precondition)


def _by_proximal_steps(
    problem: _Smooth,
    l1: float,
    scale: Vector,
    loss: Loss,
    curvature: Curvature,
    targets: Any,
    start: Vector,
    max_iter: int,
    tol: float,
) -> Minimum:
    return minimize_proximal(
        problem.objective(loss, targets),
        start,
        l1=l1,
        n_penalised=problem.n_outputs * problem.rows.n_features,
        scale=scale,
        max_iter=max_iter,
        tol=tol,
        rounding=problem.rounding,
        on_iteration=problem.told,
    )


def _by_newton(
    problem: _Smooth,
    loss: Loss,
    curvature: Curvature,
    targets: Any,
    start: Vector,
    max_iter: int,
    tol: float,
) -> Minimum:
    hessian = linear_hessian(
        problem.rows, targets, problem.shares, curvature=curvature, l2=problem.l2
    )
    return minimize_newton(
        problem.objective(loss, targets),
        start,
        hessian=hessian,
        max_iter=max_iter,
        tol=tol,
        on_iteration=problem.told,
    )


def _by_lbfgs(
    problem: _Smooth,
    precondition: Callable[[Vector], Vector],
    loss: Loss,
    curvature: Curvature,
    targets: Any,
    start: Vector,
    max_iter: int,
    tol: float,
) -> Minimum:
    return minimize_lbfgs(
        problem.objective(loss, targets),
        start,
        precondition=precondition,
        max_scale=SHIFT if problem.l2 > 0 else np.inf,
        max_iter=max_iter,
        tol=tol,
        rounding=problem.rounding,
        on_iteration=problem.told,
    )


def linear_scores(rows: Rows, params: Vector) -> Array:
    """Return the scores of all rows, (n, k), float64."""
    W, b = split_linear(params, rows.n_features, rows.center is not None)
    W_x = W.astype(rows.dtype, copy=False)
    scores = np.empty((len(rows), len(W)))
    for block in rows.blocks():
        scores[block] = rows.draw(block) @ W_x.T
    return scores + b if len(b) else scores
