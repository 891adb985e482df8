"""Newton's method for linear classifiers, by preconditioned conjugate gradients."""

from collections.abc import Callable
from functools import partial

import numpy as np

from skvision._training.biases import best_biases
from skvision._training.lbfgs import Minimum, Vector, largest
from skvision._training.losses import Array
from skvision._training.parallel import one_thread_for_blas
from skvision._training.precondition import Precondition, curvature_inverse, work
from skvision._training.problem import Point, Problem, relative, relative_gap
from skvision._training.search import exact_step

MAX_STEPS = 250  # of conjugate gradients, in one iteration
ENOUGH = 0.5  # of the root of the tolerance, as a part of the gap: of the residual
LOOSEST = 0.25  # to what part of the residual the first Newton step is computed
PATIENCE = 5  # iterations in which rounding may keep the value from falling
WORTHWHILE = 0.1  # a step beyond the tolerance that leaves no more of the residual
TINY = float(np.finfo(np.float64).tiny) ** 0.5  # squares of less are zero
MUCH = 1e6  # times scores that separate classes, of which no loss is left


def minimize_newton(
    problem: Problem,
    start: Vector,
    *,
    max_iter: int,
    tol: float,
    gap: Callable[[Problem, Point], float],
    inverse: Callable[[Problem, Point], Precondition] | None = None,
    to_rounding: bool = False,
    on_iteration: Callable[[Vector], bool] = lambda params: False,
) -> Minimum:
    r"""Minimize mean loss plus penalty.

    Each iteration solves for Newton's step by conjugate gradients, each step of which
    passes through the rows once; minimizes the objective along it, which takes only the
    scores; and then minimizes it with respect to the biases, which takes only the
    scores as well.

    Parameters
    ----------
    problem : Problem
        The problem, without an L1 penalty.
    start : ndarray of shape (n_params,), float64
        Where to start.
    max_iter : int
        The most iterations.
    tol : float
        Tolerance for ``gap``; without a penalty, for the decrease that Newton's model
        predicts as a part of the objective.
    gap : callable
        ``(problem, point) -> relative gap`` at biases that are optimal.
    inverse : callable, default=None
        ``(problem, point) -> preconditioner``, asked for at each iteration. None is
        `curvature_inverse`, computed again when conjugate gradients have taken as long
        as it takes.
    to_rounding : bool, default=False
        Whether to go on after ``tol`` while each iteration leaves no more than a tenth
        of the residual, which makes the result independent of the order of sums.
    on_iteration : callable, default=None
        Told the parameters after each iteration; returns whether to stop.

    Returns
    -------
    minimum : Minimum
        The point of the smallest gap.

    References
    ----------
    S. S. Keerthi and D. DeCoste, "A modified finite Newton method for fast solution of
    large scale linear SVMs", Journal of Machine Learning Research 6, 2005.
    """
    unbounded = gap is relative_gap and problem.l2 == 0
    scores = problem.scores_of(start)
    curve = [problem.value_of(start, scores)]
    here = problem.at(with_best_biases(problem, start, scores))
    best, least, n_best = here, np.inf, 1
    before, still, steps, stopped = np.inf, 0, 0, False
    precondition: Precondition | None = None
    predicted = np.inf
    while True:
        residual = problem.residual(here)
        error = gap(problem, here)
        if unbounded:
            error = min(error, predicted)
            if not residual[: problem.n_weights].any():  # of rows that are all the same
                error = 0.0
            if here.value <= tol * curve[0] and _separates(problem, here.scores):
                error = min(error, tol)
        if error <= least:
            best, least, n_best = here, error, len(curve)
        size = largest(residual)
        done = error <= tol and not (to_rounding and size <= WORTHWHILE * before)
        if (
            done
            or len(curve) > max_iter
            or stopped
            or still >= PATIENCE
            or size <= TINY
        ):
            break
        before = size
        if precondition is None or inverse or steps > work(problem):
            make = inverse or curvature_inverse
            precondition, steps = make(problem, here), 0
        enough = 0.0 if to_rounding or unbounded else ENOUGH * (tol / error) ** 0.5
        step, along, n_steps = _newton_step(
            problem, here, residual, precondition, enough
        )
        steps += n_steps
        predicted = relative(-float(residual @ step) / 2, here.value)
        lengths = exact_step(problem, here, step, along)
        if not lengths.any():
            break  # nothing along it is lower, to rounding
        here = problem.at(
            with_best_biases(problem, *moved(problem, here, step, along, lengths))
        )
        fell = curve[-1] - here.value > problem.rounding * abs(here.value)
        still = 0 if fell else still + 1
        curve.append(here.value)
        stopped = on_iteration(here.params)
    if stopped:
        best, least, n_best = here, error, len(curve)
    curve[n_best - 1] = best.value  # at its best biases
    residual = problem.residual(best)
    return Minimum(best.params, len(curve) - 1, curve[:n_best], residual, float(least))


def _separates(problem: Problem, scores: Array) -> bool:
    """Tell whether scores give each row to its class, so that the loss has no limit.

    Larger scores of the same ratios then have a smaller loss. Losses of differences
    alone are asked for the class that wins, sums for the sign of each score.
    """
    slopes = problem.loss(MUCH * scores, problem.targets[:], problem.sample_weight)[1]
    return not slopes.any()


def with_best_biases(problem: Problem, params: Vector, scores: Array) -> Vector:
    """Return the parameters with the biases that are best for their weights."""
    if not problem.has_bias:
        return params
    params = params.copy()
    params[problem.n_weights :] += best_biases(problem, scores)
    return params


def _newton_step(
    problem: Problem,
    here: Point,
    residual: Vector,
    precondition: Precondition,
    enough: float,
) -> tuple[Vector, Array, int]:
    """Return a step, the change of the scores that it makes, and what it took.

    The fraction of the residual that is left decreases with the objective's distance
    from its minimum, but not below ``enough``, which suffices to end there.
    """
    right = -residual
    right[problem.n_weights :] = 0  # the biases are at their best, but for rounding
    size = float(right @ precondition(right))
    forcing = min(LOOSEST, max(enough, relative(size, here.value) ** 0.25))
    with one_thread_for_blas:  # entered once, for all passes through the rows
        return conjugate_gradients(
            partial(problem.hessian_product, here), right, precondition, forcing
        )


def conjugate_gradients(
    product: Callable[[Vector], tuple[Vector, Array]],
    right: Vector,
    precondition: Precondition,
    forcing: float,
    max_steps: int = MAX_STEPS,
) -> tuple[Vector, Array, int]:
    """Solve a positive semidefinite system, to a part ``forcing`` of the residual.

    ``product`` returns two linear functions of its argument; the solution comes with
    the second one of it.
    """
    solution, rest = np.zeros_like(right), right.copy()
    along: Array = np.zeros(1)
    direction = precondition(rest)
    size = first = float(rest @ direction)
    for n_steps in range(1, max_steps + 1):
        times, of_direction = product(direction)
        bend = float(direction @ times)
        if not bend > TINY:
            if n_steps > 1:
                break
            known = float(size > TINY)  # a direction that does not bend, or rounding
            return known * direction, known * of_direction, 1
        length = size / bend
        solution += length * direction
        along = along + length * of_direction
        rest = rest - length * times  # what it was may be the direction
        preconditioned = precondition(rest)
        new_size = float(rest @ preconditioned)
        if not new_size > forcing**2 * first:
            break
        direction = preconditioned + new_size / size * direction
        size = new_size
    return solution, along, n_steps


def moved(
    problem: Problem, here: Point, step: Vector, along: Array, lengths: Array
) -> tuple[Vector, Array]:
    """Return the parameters after a step, and their scores."""
    params = here.params.copy()
    for part, change in zip(problem.split(params), problem.split(step), strict=True):
        if part.size:
            part += lengths.reshape(-1, *[1] * (part.ndim - 1)) * change
    return params, here.scores + lengths * along
