"""The perceptron rule, row by row.

Weights and biases are one array of shape (k, d + 1), the biases last: rows are drawn
with a 1 behind their features, or a 0 where there are no biases.
"""

import numpy as np

from skvision._kernels import jit_without_allocation as jit

# Sums in any order, and products added without being rounded first: scores differ by
# what rounding is anyway, and infinity and NaN are kept.
ANY_ORDER = {"reassoc", "contract"}


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
    """Compute the scores and return the class of the largest, the first of equals."""
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
    """Return the first other class with the score of a class, or that class."""
    for c in range(scores.size):
        if c != label and scores[c] == scores[label]:
            return c
    return label


@jit
def epoch(
    X, order, labels, weights, rate, params, row, scores, sums, since, strict=False
):
    """Go through rows once; where a class wins wrongly, it goes down and the true up.

    Parameters
    ----------
    X : ndarray of shape (n, d), uint8, float32 or float64
    order : ndarray of shape (m,), int
        The rows to go through.
    labels : ndarray of shape (n,), int
    weights : ndarray of shape (n,), float64
        What each row multiplies its update by.
    rate : float
        What all updates are multiplied by.
    params : ndarray of shape (k, d + 1), float32 or float64
        Changed in place. One row is the score of the second of two classes, that of the
        first being 0.
    row : ndarray of shape (d + 1,), like params
        Room for a row; its last element is 1, or 0 for no biases.
    scores : ndarray of shape (n_classes,), like params
        Room for scores, of two classes where ``params`` has one row.
    sums : ndarray of shape (k, d + 1) or (0, 0), like params
        Gets the sum of the weights after each step added; empty for none.
    since : ndarray of shape (k,), int
        Room for the step from which on the sum of a row lacks.
    strict : bool, default=False
        Whether the true class has to win alone: a tie counts as a mistake.

    Returns
    -------
    n_mistakes : int
    loss : float
        Weighted sum of how far wrong classes were ahead of the true one.
    """
    n_mistakes, loss = 0, 0.0
    first = scores.size - params.shape[0]
    since[:] = 0
    for t in range(order.size):
        i = order[t]
        for j in range(X.shape[1]):
            row[j] = X[i, j]
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
    if sums.size:
        for c in range(params.shape[0]):
            _add(sums[c], order.size - since[c], params[c])
    return n_mistakes, loss
