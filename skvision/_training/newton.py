"""Newton's method for linear classifiers, with preconditioned conjugate gradients."""

from collections.abc import Callable
from functools import partial

import numpy as np

from skvision._training.biases import best_biases
from skvision._training.duality_gap import relative, relative_gap
from skvision._training.lbfgs import Minimum, Vector, largest
from skvision._training.losses import Array
from skvision._training.parallel import one_thread_for_blas
from skvision._training.precondition import Precondition, curvature_inverse, work
from skvision._training.problem import Point, Problem
from skvision._training.search import exact_step

MAX_STEPS = 250  # of conjugate gradients in one iteration
ENOUGH = 0.5  # relative residual of a last step, per root of tol / gap
LOOSEST = 0.25  # relative residual to which the first Newton step is computed
PATIENCE = 5  # iterations without a decrease, due to rounding
WORTHWHILE = 0.1  # reduction of the residual that justifies an iteration beyond tol
TINY = float(np.finfo(np.float64).tiny) ** 0.5  # smaller numbers have a square of zero
MUCH = 1e6  # factor that makes the loss of separating scores vanish


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

    Each iteration computes Newton's step by conjugate gradients, with one pass over the
    rows per step. It then minimizes the objective along this step, and finally with
    respect to the biases. Both require only the scores.

    Parameters
    ----------
    problem : Problem
        The problem, without an L1 penalty.
    start : ndarray of shape (n_params,), float64
        The initial parameters.
    max_iter : int
        Maximum number of iterations.
    tol : float
        Tolerance for ``gap``. Without a penalty, tolerance for the decrease that
        Newton's method predicts, as a fraction of the objective.
    gap : callable
        ``(problem, point) -> relative gap`` for optimal biases.
    inverse : callable, default=None
        ``(problem, point) -> preconditioner``, called in each iteration. None uses
        `curvature_inverse`, which is computed again when conjugate gradients have taken
        as long as its computation.
    to_rounding : bool, default=False
        Whether to continue beyond ``tol`` while each iteration reduces the residual at
        least tenfold. The result then does not depend on the order of summation.
    on_iteration : callable, default=None
        Called with the parameters after each iteration; returns whether to stop.

    Returns
    -------
    minimum : Minimum
        The point with the smallest gap.

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
            if not residual[: problem.n_weights].any():  # all rows are equal
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
            break  # no decrease along it, up to rounding
        here = problem.at(
            with_best_biases(problem, *moved(problem, here, step, along, lengths))
        )
        fell = curve[-1] - here.value > problem.rounding * abs(here.value)
        still = 0 if fell else still + 1
        curve.append(here.value)
        stopped = on_iteration(here.params)
    if stopped:
        best, least, n_best = here, error, len(curve)
    curve[n_best - 1] = best.value  # with its optimal biases
    residual = problem.residual(best)
    return Minimum(best.params, len(curve) - 1, curve[:n_best], residual, float(least))


def _separates(problem: Problem, scores: Array) -> bool:
    """Return whether scores classify all rows correctly, so that the infimum is 0.

    Multiplying the scores then decreases the loss. For joint losses, the class with the
    largest score must be correct; for sums over scores, the sign of each score.
    """
    slopes = problem.loss(MUCH * scores, problem.targets[:], problem.sample_weight)[1]
    return not slopes.any()


def with_best_biases(problem: Problem, params: Vector, scores: Array) -> Vector:
    """Return the parameters with optimal biases for their weights."""
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
    """Return a step, its change of the scores, and the number of passes.

    The relative residual of the step decreases with the distance of the objective from
    its minimum, but not below ``enough``, which suffices for the last step.
    """
    right = -residual
    right[problem.n_weights :] = 0  # the biases are optimal up to rounding
    size = float(right @ precondition(right))
    forcing = min(LOOSEST, max(enough, relative(size, here.value) ** 0.25))
    with one_thread_for_blas:  # entered once for all passes over the rows
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
    """Solve a positive semidefinite system to a relative residual of ``forcing``.

    ``product`` returns two linear functions of its argument. The second one is also
    returned for the solution.
    """
    solution, rest = np.zeros_like(right), right.copy()
    along: Array = np.zeros(1)
    direction = precondition(rest)
    size = first = float(rest @ direction)
    for n_steps in range(1, max_steps + 1):
        times, of_direction = product(direction)
        curvature = float(direction @ times)
        if not curvature > TINY:
            if n_steps > 1:
                break
            known = float(size > TINY)  # a direction without curvature, or rounding
            return known * direction, known * of_direction, 1
        length = size / curvature
        solution += length * direction
        along = along + length * of_direction
        rest = rest - length * times  # not in place, as direction may be the same array
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
    """Return the parameters after a step and their scores."""
    params = here.params.copy()
    for part, change in zip(problem.split(params), problem.split(step), strict=True):
        if part.size:
            part += lengths.reshape(-1, *[1] * (part.ndim - 1)) * change
    return params, here.scores + lengths * along
