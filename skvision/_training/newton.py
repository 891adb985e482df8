"""Newton's method, for problems small enough to write their Hessian down."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from skvision._training.lbfgs import (
    Minimum,
    Objective,
    Point,
    Vector,
    largest,
    line_search,
)

ROUNDING = float(np.finfo(np.float64).eps)
MAX_TRIALS = 80  # of a line search: next to no curvature makes for very long steps
WORTHWHILE = 0.1  # a step after ``tol`` that leaves no more of the gradient than this


def minimize_newton(
    objective: Objective,
    start: Vector,
    *,
    hessian: Callable[[Vector], NDArray[np.float64]],
    max_iter: int,
    tol: float,
    on_iteration: Callable[[Vector], bool] = lambda params: False,
) -> Minimum:
    r"""Minimise a convex function by Newton's method with a line search.

    Where the gradient has come down to ``tol`` it goes on as long as each step leaves a
    tenth of it or less, which takes two or three more and leaves nothing to chance: the
    result is the minimum to rounding, whatever order sums were taken in.

    Parameters
    ----------
    objective : callable
        ``params -> (value, gradient)``.
    start : ndarray of shape (n_params,), float64
        Where to start.
    hessian : callable
        ``params -> (n_params, n_params)`` second derivatives; positive semidefinite.
    max_iter, tol, on_iteration
        As in `minimize_lbfgs`.

    Returns
    -------
    minimum : Minimum
        Where it stopped; ``residual`` is the gradient.

    Examples
    --------
    >>> import numpy as np
    >>> def bowl(x):
    ...     return float(x @ x), 2 * x
    >>> minimize_newton(
    ...     bowl, np.ones(3), hessian=lambda x: 2 * np.eye(3), max_iter=9, tol=1e-8
    ... ).n_iter
    2
    """
    here = Point(start, *objective(start))
    loss_curve = [here.value]
    before, least = np.inf, ROUNDING * largest(here.gradient)
    while len(loss_curve) <= max_iter:
        error = largest(here.gradient)
        if error <= least or (error <= tol and error > WORTHWHILE * before):
            break
        before = error
        direction = -_solve(hessian(here.params), here.gradient)
        there = line_search(objective, here, direction, ROUNDING, MAX_TRIALS)
        if there is None:  # nothing along it is lower, to rounding
            break
        here = there
        loss_curve.append(here.value)
        if on_iteration(here.params):
            break
    n_iter, error = len(loss_curve) - 1, largest(here.gradient)
    return Minimum(here.params, n_iter, loss_curve, here.gradient, error)


def _solve(matrix: NDArray[np.float64], right: Vector) -> Vector:
    """Solve a positive semidefinite system, with as little shift as it takes."""
    shift = 1e-14 * float(np.trace(matrix)) / len(matrix) or 1.0
    diagonal = np.diagonal(matrix).copy()
    while True:
        np.fill_diagonal(matrix, diagonal + shift)
        try:
            factor = cho_factor(matrix, check_finite=False)
        except LinAlgError:
            if not np.isfinite(shift):
                return right
            shift *= 100
            continue
        solution: Vector = cho_solve(factor, right, check_finite=False)
        return solution
