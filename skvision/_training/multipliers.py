r"""The method of multipliers for the hinge loss, by a sequence of smooth problems.

Each violation :math:`z` of a margin has a multiplier :math:`\lambda` between 0 and 1,
which is the slope of its hinge. The hinge :math:`\max(0, z)` is replaced by

.. math:: \max_{0 \le \beta \le 1} \beta z - \tfrac{\mu}{2} (\beta - \lambda)^2,
    \qquad \beta = \operatorname{clip}(\lambda + z / \mu, 0, 1),

which is smooth and equals the hinge if :math:`\beta = \lambda`. The method alternates
between minimizing the smooth problem and setting :math:`\lambda` to :math:`\beta`. It
converges to the optimum of the hinge loss for any width :math:`\mu`, faster for smaller
widths. The multipliers are a dual solution, so the duality gap bounds the distance from
the optimum.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skvision._training.duality_gap import dual_bound, relative
from skvision._training.lbfgs import Minimum, Vector
from skvision._training.losses import (
    Array,
    Curvature,
    Labels,
    Linear,
    Loss,
    Violations,
)
from skvision._training.newton import minimize_newton
from skvision._training.problem import Point, Problem
from skvision._training.smoothed_l1 import minimize_smoothed

FIRST_WIDTH, NARROWING = 0.3, 0.5  # fraction of the margin; factor per problem
PRECISION = 0.3  # of a smooth problem, as a fraction of the error of its multipliers
MUCH = 1e300
MAX_PROBLEMS = 50
PATIENCE = 12  # problems that do not decrease the gap


@dataclass(frozen=True)
class Multiplied:
    """Labels and multipliers of rows, which are sliced together."""

    labels: Labels
    multipliers: Array

    def __getitem__(self, rows: slice) -> tuple[Labels, Array]:
        return self.labels[rows], self.multipliers[rows]


def smoothed_hinge(violations: Violations, width: float) -> Loss:
    r"""Return the smoothed hinge loss, whose targets are (labels, multipliers).

    Parameters
    ----------
    violations : callable
        Violations of a margin, from `weston_watkins` or `one_vs_rest`.
    width : float
        The width :math:`\mu`, above 0.

    Returns
    -------
    loss : callable
        ``(scores, targets, sample_weight) -> (mean loss, d_scores)``. If the
        multipliers are zero, each violation costs at most as much as its hinge, and
        less by at most half the width.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision._training.losses import weston_watkins
    >>> loss = smoothed_hinge(weston_watkins(1.0), 0.1)
    >>> scores, labels = np.array([[3.2, 5.1, -1.7]]), np.array([0])
    >>> print(f"{loss(scores, (labels, np.zeros((1, 3))))[0]:.2f}")
    2.85
    """

    def loss(
        scores: Array, targets: Any, sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        labels, multipliers = targets
        weight = 1 / len(scores) if sample_weight is None else sample_weight[:, None]
        z, _, backward = violations(scores, labels)
        slopes = _slopes(z, multipliers, width)
        linear = slopes * np.where(slopes > 0, z, 0)
        value = np.sum(weight * (linear - width / 2 * (slopes - multipliers) ** 2))
        return float(value), backward(weight * slopes)

    return loss


def smoothed_hinge_curvature(violations: Violations, width: float) -> Curvature:
    """Return the second derivatives of `smoothed_hinge`, which are 0 at its kinks."""

    def curvature(scores: Array, targets: Any, sample_weight: Array) -> Linear:
        labels, multipliers = targets
        z, forward, backward = violations(scores, labels)
        slopes = _slopes(z, multipliers, width)
        second_derivatives = (
            sample_weight[:, None] / width * ((slopes > 0) & (slopes < 1))
        )
        return lambda change: backward(second_derivatives * forward(change))

    return curvature


def _slopes(z: Array, multipliers: Array, width: float) -> Array:
    return np.clip(multipliers + z / width, 0, 1)


def minimize_hinge(
    problem: Problem,
    start: Vector,
    *,
    violations: Violations,
    margin: float,
    max_iter: int,
    tol: float,
    on_iteration: Callable[[Vector], bool] = lambda params: False,
) -> Minimum:
    r"""Minimize the mean hinge loss plus a penalty.

    Parameters
    ----------
    problem : Problem
        The problem, whose targets are labels.
    start : ndarray of shape (n_params,), float64
        The initial parameters.
    violations : callable
        Function of the violations of the margin.
    margin : float
        The margin of the violations, which determines the initial width.
    max_iter : int
        Maximum number of iterations of Newton's method over all smooth problems.
    tol : float
        Tolerance for the duality gap, as a fraction of the objective.
    on_iteration : callable, default=None
        Called with the parameters after each iteration; returns whether to stop.

    Returns
    -------
    minimum : Minimum
        The result when the gap is small enough, the maximum number of iterations is
        reached, or rounding prevents the gap from decreasing. ``loss_curve`` holds the
        objective at the start and after each smooth problem, and ``error`` is the last
        gap.

    References
    ----------
    D. P. Bertsekas, "Constrained optimization and Lagrange multiplier methods", 1982.
    """
    labels, sample_weight = problem.targets, problem.sample_weight
    stopped = False

    def stop(params: Vector) -> bool:
        nonlocal stopped
        stopped = stopped or on_iteration(params)
        return stopped

    def well_solved(smooth: Problem, here: Point) -> float:
        """Return a value that is at most 1 if the problem is solved well enough."""
        value, gap, slack = _gaps(smooth, here, violations, width)
        if gap <= tol * value:
            return 0.0
        rest = max(gap - slack, 0.0)
        return min(rest / (PRECISION * slack), MUCH) if slack > 0 else MUCH

    multipliers: Array = np.zeros((len(labels), problem.n_outputs))
    width, params, n_iter = FIRST_WIDTH * margin, start, 0
    first = problem.scores_of(start)
    positive = np.maximum(violations(first, labels).z, 0).sum(axis=1)
    curve = [float(sample_weight @ positive) + problem.penalty(start)]
    best = Minimum(start, 0, curve, np.zeros_like(start), np.inf)
    errors: list[float] = []
    while len(errors) < MAX_PROBLEMS and (n_iter < max_iter or not errors):
        smooth = replace(
            problem,
            loss=smoothed_hinge(violations, width),
            curvature=smoothed_hinge_curvature(violations, width),
            targets=Multiplied(labels, multipliers),
        )
        minimize = minimize_smoothed if problem.l1 else minimize_newton
        minimum = minimize(
            smooth,
            params,
            max_iter=max_iter - n_iter,
            tol=1.0,
            gap=well_solved,
            on_iteration=stop,
        )
        params, n_iter = minimum.params, n_iter + minimum.n_iter
        here = smooth.at(params)
        value, gap, _ = _gaps(smooth, here, violations, width)
        curve.append(value)
        errors.append(relative(gap, value))
        if stopped or errors[-1] < best.error:
            best = Minimum(params, n_iter, [*curve], minimum.residual, errors[-1])
        if errors[-1] <= tol or min(errors) < min(errors[-PATIENCE:]) or stopped:
            break
        z = violations(here.scores, labels).z
        multipliers = _slopes(z, multipliers, width)
        width *= NARROWING
    return best._replace(n_iter=n_iter)


def _gaps(
    smooth: Problem, here: Point, violations: Violations, width: float
) -> tuple[float, float, float]:
    """Return the objective of the hinge, its gap, and the part due to multipliers."""
    n, (labels, multipliers) = smooth.n_weights, smooth.targets[:]
    z = violations(here.scores, labels).z
    slopes = _slopes(z, multipliers, width)
    positive = np.maximum(z, 0).sum(axis=1)
    linear = (slopes * np.where(slopes > 0, z, 0)).sum(axis=1)
    value = float(smooth.sample_weight @ positive) + smooth.penalty(here.params)
    of_weights = float(here.slope[:n] @ here.params[:n])
    fitted = float(smooth.sample_weight @ linear) - of_weights
    bound = dual_bound(fitted, here.slope[:n], smooth.l1, smooth.l2)
    return value, value - bound, float(smooth.sample_weight @ (positive - linear))


def center_biases(
    z: Array, labels: Labels, sample_weight: Array, *, joint: bool
) -> Vector:
    r"""Return changes that move each bias to the center of its optimal interval.

    The hinge loss is a piecewise linear function of each bias. If it is minimal on an
    interval of biases, a minimizer may return any of them.

    Parameters
    ----------
    z : ndarray of shape (n, n_outputs)
        Violations.
    labels : ndarray of shape (n,), int
        True classes.
    sample_weight : ndarray of shape (n,)
        Weights of the rows, which sum to one.
    joint : bool
        Whether ``z`` is from `weston_watkins`, where the bias of the true class affects
        all violations of a row, instead of `one_vs_rest`.

    Returns
    -------
    shift : ndarray of shape (n_outputs,)
        The changes of the biases, computed one after the other.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.array([[-1.0], [0.0]])  # violations of the two classes
    >>> center_biases(z, np.array([0, 1]), np.array([0.5, 0.5]), joint=False)
    array([0.5])
    """
    z = z.copy()
    shift = np.zeros(z.shape[1])
    for j in range(len(shift)):
        own = labels == (1 if z.shape[1] == 1 else j)
        falling = z[own] if joint else z[own, j : j + 1]
        kinks = np.concatenate([falling.ravel(), -z[~own, j]])
        counts = np.repeat(sample_weight[own], falling.shape[1]), sample_weight[~own]
        weights = np.concatenate(counts) * np.isfinite(kinks)
        order = np.argsort(kinks)
        first_slope = -float(counts[0] @ np.isfinite(falling.ravel()))
        slope = first_slope + np.cumsum(weights[order])
        tiny = 1e-12 * weights.sum()
        first, last = np.searchsorted(slope, [-tiny, tiny], side="right")
        if first_slope >= -tiny or last == len(slope):
            continue  # all rows are of one class, and the interval is unbounded
        shift[j] = (kinks[order[first]] + kinks[order[last]]) / 2
        z[~own, j] += shift[j]
        if joint:
            z[own] -= shift[j]
        else:
            z[own, j] -= shift[j]
    return shift
