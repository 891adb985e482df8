"""Exact line search, along which the scores are linear."""

from collections.abc import Callable

import numpy as np

from skvision._training.losses import Array
from skvision._training.problem import Point, Problem, Vector

MAX_TRIALS = 60
NARROW = 1e-9  # relative width below which a bracket is only rounding
FALLING, RISING = 0.1, 0.01  # fractions of the initial slope that may be left
ROUNDING = 1e-17  # of a slope, as a fraction of the change of a score
EDGE = 0.1  # fraction of a bracket that trials avoid at both ends


def exact_step(
    problem: Problem,
    here: Point,
    step: Vector,
    along: Array,
    l1_slopes: Callable[[Vector], Vector] | None = None,
) -> Array:
    r"""Return the step length that minimizes the objective along a step.

    If the loss is a sum over the scores, each score has its own length. The derivative
    along the step increases with the length, and its zero is found by the method of
    false position.

    Parameters
    ----------
    problem : Problem
        The problem.
    here : Point
        The starting point.
    step : ndarray of shape (n_params,)
        The step.
    along : ndarray of shape (n, k)
        The change of the scores due to the step.
    l1_slopes : callable, default=None
        A function from weights to the derivatives of their smoothed absolute values.
        None omits the L1 penalty.

    Returns
    -------
    lengths : ndarray of shape (1,) or (k,)
        The step lengths, not negative.
    """
    W, _ = problem.split(here.params)
    V, _ = problem.split(step)
    quadratic = problem.l2 * np.array([(W * V).sum(axis=1), (V * V).sum(axis=1)])
    if problem.joint:
        quadratic = quadratic.sum(axis=1, keepdims=True)

    def slopes(lengths: Array) -> Array:
        d_scores = problem.loss(
            here.scores + lengths * along, problem.targets[:], problem.sample_weight
        )[1]
        of_loss = np.einsum("nk,nk->k", d_scores, along)
        if problem.joint:
            of_loss = of_loss.sum(keepdims=True)
        if l1_slopes is not None:
            of_weights = l1_slopes(W + lengths[:, None] * V) * V
            of_loss = of_loss + problem.l1 * of_weights.sum(
                axis=None if problem.joint else 1
            )
        result: Array = of_loss + quadratic[0] + lengths * quadratic[1]
        return result

    first = slopes(np.zeros(quadratic.shape[1]))
    sizes = np.abs(quadratic[0]) + np.abs(along).max() * problem.sample_weight.sum()
    return _zeros_of_rising(slopes, first, ROUNDING * sizes)


def _zeros_of_rising(
    slopes: Callable[[Array], Array], first: Array, noise: Array
) -> Array:
    """Return approximate zeros of increasing functions that are negative at zero."""
    n = len(first)
    low, high = np.zeros(n), np.full(n, np.inf)
    at_low, at_high = first.copy(), np.full(n, np.inf)
    found = ~(first < -noise)
    lengths = np.where(found, 0.0, 1.0)
    for _ in range(MAX_TRIALS):
        now = slopes(lengths)
        good = (now >= FALLING * first) & (now <= -RISING * first)
        found |= good
        if found.all():
            return lengths
        falls = ~found & (now < 0)
        rises = ~found & ~falls
        low, at_low = np.where(falls, lengths, low), np.where(falls, now, at_low)
        high, at_high = np.where(rises, lengths, high), np.where(rises, now, at_high)
        bounded = np.isfinite(high)
        width = np.where(bounded, high - low, 0)
        found |= bounded & (width <= NARROW * high)
        with np.errstate(invalid="ignore"):
            between = low + width * np.where(bounded, at_low / (at_low - at_high), 0)
        between = np.clip(between, low + EDGE * width, high - EDGE * width)
        lengths = np.where(found, lengths, np.where(bounded, between, 2 * lengths))
    return np.where(found, lengths, low)
