"""Optimal biases for given weights."""

from dataclasses import replace

import numpy as np

from skvision._training.losses import Array
from skvision._training.problem import Point, Problem, Vector
from skvision._training.search import exact_step
from skvision._training.sources import ArraySource, Centered

MAX_ITER = 30
PATIENCE = 4  # iterations without halving the slope
ROUNDING = (
    1e-13  # of a sum of slopes, as a fraction of the sum of their absolute values
)


def best_biases(problem: Problem, scores: Array) -> Vector:
    r"""Return the change of the biases that minimizes the mean loss.

    It is computed by Newton's method from the given scores, without a pass over the
    rows. Where the curvature of the loss is zero, it uses steps of gradient descent.

    Parameters
    ----------
    problem : Problem
        The problem.
    scores : ndarray of shape (n, k)
        Scores with the current biases.

    Returns
    -------
    shift : ndarray of shape (k,)
        The change of the biases.
    """
    k = problem.n_outputs
    no_features = Centered(ArraySource(np.empty((len(scores), 0))), np.empty(0))
    alone = replace(problem, rows=no_features, l1=0.0, l2=0.0)
    shift, least, stale = np.zeros(k), np.inf, 0
    targets, sample_weight = problem.targets[:], problem.sample_weight
    for _ in range(MAX_ITER):
        now = scores + shift
        d_scores = problem.loss(now, targets, sample_weight)[1]
        slope = d_scores.sum(axis=0)
        if (np.abs(slope) <= ROUNDING * np.abs(d_scores).sum(axis=0)).all():
            break
        size = float(np.abs(slope).max())
        stale = 0 if size < least / 2 else stale + 1
        least = min(least, size)
        if stale == PATIENCE:
            break
        product = problem.curvature(now, targets, sample_weight)
        hessian = np.array(
            [product(np.broadcast_to(unit, now.shape)).sum(0) for unit in np.eye(k)]
        )
        if not np.isfinite(hessian).all():
            break
        step = -np.linalg.pinv(hessian, rcond=1e-13, hermitian=True) @ slope
        step -= slope + hessian @ step  # gradient descent where the curvature is zero
        if not slope @ step < 0:
            break
        here = Point(shift, now, 0.0, slope, 0.0)
        lengths = exact_step(alone, here, step, np.broadcast_to(step, now.shape))
        if not lengths.any():
            break
        shift = shift + lengths * step
    return shift
