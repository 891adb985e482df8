"""The perceptron rule, row by row.

Weights and biases are one array of shape (k, d + 1), with the biases in the last
column. Each row of data gets a 1 after its features, or a 0 if there are no biases.
"""

from typing import NamedTuple

import numpy as np

from skvision._kernels import jit_without_allocation as jit

# Sums may be taken in any order, and products may be added without being rounded. This
# changes scores by rounding errors only, and keeps infinity and NaN.
ANY_ORDER = {"reassoc", "contract"}


class EpochWeights(NamedTuple):
    """The weights that the steps of an epoch change, and its scratch space.

    Attributes
    ----------
    params : ndarray of shape (k, d + 1), float32 or float64
        Weights and biases. A single row gives the score of the second of two classes;
        the score of the first is 0.
    sums : ndarray of shape (k, d + 1) or (0, 0), like params
        The sum of ``params`` after each step is added to it, unless it is empty. The
        last steps are missing, until they are added by `add_missing_steps`.
    since : ndarray of shape (k,), int
        The first step that is missing in the sum of each row, zero before an epoch.
    row : ndarray of shape (d + 1,), like params
        Scratch space for a row. Its last element must be 1, or 0 for no biases.
    scores : ndarray of shape (n_classes,), like params
        Scratch space for scores, of two classes if ``params`` has one row.
    """

    params: np.ndarray
    sums: np.ndarray
    since: np.ndarray
    row: np.ndarray
    scores: np.ndarray


@jit(fastmath=ANY_ORDER)
def _score(weights, row):
    total = row.dtype.type(0)
    for j in range(row.size):
        total += weights[j] * row[j]
    return total


@jit(fastmath=ANY_ORDER)
def _move(weights, step, row):
    for j in range(row.size):
        weights[j] += step * row[j]


@jit(fastmath=ANY_ORDER)
def _add(total, times, weights):
    times = total.dtype.type(times)
    for j in range(total.size):
        total[j] += times * weights[j]


@jit
def _winner(params, row, scores):
    """Compute the scores and return the class of the largest, the first if equal."""
    scores[0] = 0  # the score of the first of two classes
    first = scores.size - params.shape[0]
    winner = 0
    for c in range(first, scores.size):
        scores[c] = _score(params[c - first], row)
        if scores[c] > scores[winner]:
            winner = c
    return winner


@jit
def _first_equal(scores, label):
    """Return the first other class with the score of ``label``, or ``label``."""
    for c in range(scores.size):
        if c != label and scores[c] == scores[label]:
            return c
    return label


@jit
def make_steps(X, index, labels, weights, rate, epoch, n_steps, strict):
    """Make a step for each row: after a mistake, update the true class and the winner.

    If the class with the largest score is not the true one, the weights of the true
    class change by ``rate * weights[i] * row``, and those of the winner by the
    negative of that. An epoch is one or more calls with the same `EpochWeights`.

    Parameters
    ----------
    X : ndarray of shape (n, d), uint8, float32 or float64
    index : ndarray of shape (m,), int
        The rows of the steps, in this order.
    labels : ndarray of shape (m,), int
        The true class of each step.
    weights : ndarray of shape (m,), float64
        The factor of the update of each step.
    rate : float
        The learning rate, a factor of all updates.
    epoch : EpochWeights
        The weights, changed in place.
    n_steps : int
        The number of steps that the epoch has already made.
    strict : bool
        Whether a tie of the true class and another counts as a mistake.

    Returns
    -------
    n_mistakes : int
    loss : float
        Weighted sum of the largest score minus the score of the true class.
    """
    params, sums, since, row, scores = epoch
    n_mistakes, loss = 0, 0.0
    first = scores.size - params.shape[0]
    for i in range(index.size):
        t, position = n_steps + i, index[i]
        for j in range(X.shape[1]):
            row[j] = X[position, j]
        winner, label = _winner(params, row, scores), labels[i]
        if strict and winner == label:
            winner = _first_equal(scores, label)
        loss += weights[i] * np.float64(scores[winner] - scores[label])
        if winner == label:
            continue
        n_mistakes += 1
        for c, sign in ((label, 1.0), (winner, -1.0)):
            if c >= first:
                if sums.size:
                    _add(sums[c - first], t - since[c - first], params[c - first])
                    since[c - first] = t
                _move(
                    params[c - first], params.dtype.type(sign * rate * weights[i]), row
                )
    return n_mistakes, loss


@jit
def add_missing_steps(epoch, n_steps):
    """Add the steps of an epoch that are missing in the sums of `make_steps`."""
    params, sums, since, _, _ = epoch
    for c in range(params.shape[0]):
        _add(sums[c], n_steps - since[c], params[c])
