r"""The hinge loss, exactly, by smooth problems: the method of multipliers.

Each violation :math:`z` of a margin has a multiplier :math:`\lambda` from 0 to 1, the
slope of its hinge. In place of :math:`\max(0, z)` stands

.. math:: \max_{0 \le \beta \le 1} \beta z - \tfrac{\mu}{2} (\beta - \lambda)^2,
    \qquad \beta = \operatorname{clip}(\lambda + z / \mu, 0, 1),

which is smooth and meets the hinge where :math:`\beta = \lambda`. Minimise, let
:math:`\lambda` become :math:`\beta`, and repeat: that converges to the optimum of the
hinge loss for any width :math:`\mu`, the faster the smaller it is. The multipliers are
a dual solution, so that a duality gap says how far away the optimum is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skvision._training.lbfgs import Minimum, Vector
from skvision._training.losses import (
    Array,
    Curvature,
    Labels,
    Loss,
    Violations,
    spread,
)

FIRST_WIDTH, NARROWING = 0.3, 0.5  # of the margin; from one problem to the next
FIRST_PRECISION, REFINING = 0.01, 0.5  # of the first gradient
MAX_PROBLEMS = 50
PATIENCE = 12  # problems that do not make the gap smaller


@dataclass(frozen=True)
class Multiplied:
    """Labels and multipliers of rows, cut into blocks together."""

    labels: Labels
    multipliers: Array

    def __getitem__(self, rows: slice) -> tuple[Labels, Array]:
        return self.labels[rows], self.multipliers[rows]


def smoothed_hinge(violations: Violations, width: float) -> Loss:
    r"""Return the smooth loss above, of which the targets are (labels, multipliers).

    Parameters
    ----------
    violations : callable
        `weston_watkins` or `one_vs_rest` of a margin.
    width : float
        :math:`\mu`, above 0.

    Returns
    -------
    loss : callable
        ``(scores, targets, shares) -> (mean loss, d_scores)``; with multipliers of
        zero, not above the hinge loss, and below it by at most half the width for each
        violation.

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
        scores: Array, targets: Any, shares: Array | None = None
    ) -> tuple[float, Array]:
        labels, multipliers = targets
        share = 1 / len(scores) if shares is None else shares[:, None]
        z, backward = violations(scores, labels)
        slopes = _slopes(z, multipliers, width)
        linear = slopes * np.where(slopes > 0, z, 0)
        value = np.sum(share * (linear - width / 2 * (slopes - multipliers) ** 2))
        return float(value), backward(share * slopes)

    return loss


def smoothed_hinge_curvature(violations: Violations, width: float) -> Curvature:
    """Return the second derivatives of `smoothed_hinge`, of 0 at its kinks."""

    def curvature(scores: Array, targets: Any, shares: Array) -> Array:
        labels, multipliers = targets
        z, backward = violations(scores, labels)
        slopes = _slopes(z, multipliers, width)
        bends = (slopes > 0) & (slopes < 1)
        return spread(shares[:, None] / width * bends, backward)

    return curvature


def _slopes(z: Array, multipliers: Array, width: float) -> Array:
    return np.clip(multipliers + z / width, 0, 1)


def minimize_hinge(
    minimize: Callable[..., Minimum],
    scores_at: Callable[[Vector], Array],
    penalty_at: Callable[[Vector], float],
    start: Vector,
    *,
    violations: Violations,
    labels: Labels,
    shares: Array,
    margin: float,
    first_slope: float,
    l2: float,
    n_penalised: int,
    max_iter: int,
    tol: float,
    stopped: Callable[[], bool] = lambda: False,
) -> Minimum:
    r"""Minimise the mean hinge loss plus a penalty.

    Parameters
    ----------
    minimize : callable
        ``(loss, curvature, targets, start, max_iter=, tol=) -> Minimum`` of a smooth
        loss plus the penalty.
    scores_at, penalty_at : callable
        ``params -> scores`` of all rows, and ``params -> value`` of the penalty.
    start : ndarray of shape (n_params,), float64
        Where to start.
    violations, labels, shares
        Make up the loss.
    margin : float
        Of the violations: it sets the first width.
    first_slope : float
        Largest element of the gradient at the start, or its order: it sets to what
        precision the first smooth problem is solved.
    l2 : float
        Strength of the L2 part of the penalty, on which the gap rests: with 0, it is an
        estimate.
    n_penalised : int
        The first so many parameters are penalised.
    max_iter : int
        The most iterations of ``minimize``, all problems together.
    tol : float
        Tolerance for the duality gap, as a part of the objective.
    stopped : callable
        Asked after each smooth problem whether to stop.

    Returns
    -------
    minimum : Minimum
        Where it stopped: where the gap is small enough, the iterations are used up, or
        rounding lets the gap shrink no more. ``loss_curve`` has the objective at the
        start and after each smooth problem, ``error`` is the last gap.

    References
    ----------
    D. P. Bertsekas, "Constrained optimization and Lagrange multiplier methods", 1982.
    """
    z = violations(scores_at(start), labels)[0]
    loss_curve = [float(shares @ np.maximum(z, 0).sum(axis=1)) + penalty_at(start)]
    params, n_iter = start, 0
    best = Minimum(start, 0, loss_curve, np.zeros_like(start), np.inf)
    multipliers = np.zeros_like(z)
    width, precision = FIRST_WIDTH * margin, FIRST_PRECISION * first_slope
    gaps: list[float] = []
    while len(gaps) < MAX_PROBLEMS and n_iter < max_iter:
        minimum = minimize(
            smoothed_hinge(violations, width),
            smoothed_hinge_curvature(violations, width),
            Multiplied(labels, multipliers),
            params,
            max_iter=max_iter - n_iter,
            tol=precision,
        )
        params = minimum.params
        n_iter += max(minimum.n_iter, 1)
        z = violations(scores_at(params), labels)[0]
        hinges, slopes = np.maximum(z, 0), _slopes(z, multipliers, width)
        loss_curve.append(float(shares @ hinges.sum(axis=1)) + penalty_at(params))
        linear = slopes * np.where(slopes > 0, z, 0)
        slack = float(shares @ (hinges - linear).sum(axis=1))
        rest = _penalty_gap(minimum.residual, params, n_penalised, l2)
        gaps.append((slack + rest) / max(loss_curve[-1], np.finfo(float).tiny))
        if gaps[-1] < best.error or not np.isfinite(best.error):
            best = Minimum(params, n_iter, [*loss_curve], minimum.residual, gaps[-1])
        if gaps[-1] <= tol or min(gaps) < min(gaps[-PATIENCE:]) or stopped():
            break
        precision *= REFINING
        if slack > rest:
            width *= NARROWING
        multipliers = slopes
    return best._replace(n_iter=n_iter)


def _penalty_gap(
    residual: Vector, params: Vector, n_penalised: int, l2: float
) -> float:
    """Return what a gradient other than zero adds to the duality gap.

    For the weights that is exact. The biases, which have no penalty, would need a bound
    that nobody knows: their own size stands for it, as it does for the weights without
    an L2 penalty.
    """
    of_weights, of_biases = residual[:n_penalised], residual[n_penalised:]
    if l2 > 0:
        gap = float(of_weights @ of_weights) / (2 * l2)
    else:
        gap = float(np.abs(of_weights) @ np.abs(params[:n_penalised]))
    return gap + float(np.abs(of_biases) @ np.abs(params[n_penalised:]))


def center_biases(z: Array, labels: Labels, shares: Array, *, joint: bool) -> Vector:
    r"""Return what to add to each bias so that it lies amid those that are as good.

    The hinge loss as a function of one bias is piecewise linear. Where it is least at
    an interval of biases, which one a minimiser ends at is chance.

    Parameters
    ----------
    z : ndarray of shape (n, n_outputs)
        Violations.
    labels : ndarray of shape (n,), int
        True classes.
    shares : ndarray of shape (n,)
        What each row counts; adding up to one.
    joint : bool
        Whether ``z`` is of `weston_watkins`, where a bias of the true class counts for
        all violations of a row, or of `one_vs_rest`.

    Returns
    -------
    shift : ndarray of shape (n_outputs,)
        For one bias after the other.

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
        counts = np.repeat(shares[own], falling.shape[1]), shares[~own]
        weights = np.concatenate(counts) * np.isfinite(kinks)
        order = np.argsort(kinks)
        first_slope = -float(counts[0] @ np.isfinite(falling.ravel()))
        slope = first_slope + np.cumsum(weights[order])
        tiny = 1e-12 * weights.sum()
        first, last = np.searchsorted(slope, [-tiny, tiny], side="right")
        if first_slope >= -tiny or last == len(slope):
            continue  # all rows are of one class: the interval has no end
        shift[j] = (kinks[order[first]] + kinks[order[last]]) / 2
        z[~own, j] += shift[j]
        if joint:
            z[own] -= shift[j]
        else:
            z[own, j] -= shift[j]
    return shift
