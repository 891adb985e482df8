"""Losses: scores against labels.

A loss is ``(scores, labels, weights) -> (mean loss, d_scores)``: the mean over the
rows, weighted where ``weights`` is not None, and its gradient with respect to scores.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.floating]


def softmax_cross_entropy(
    scores: Array, labels: NDArray[np.integer], weights: Array | None = None
) -> tuple[float, Array]:
    r"""Return the mean cross-entropy of the softmax of scores.

    .. math:: \frac{\sum_i w_i \, (\log \sum_j e^{s_{ij}} - s_{i y_i})}{\sum_i w_i}

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes)
        Any finite numbers.
    labels : ndarray of shape (n,), int
        True classes, from 0 to n_classes - 1.
    weights : ndarray of shape (n,), default=None
        Not negative, not all zero. None is one each.

    Returns
    -------
    loss : float
        Not negative; log(n_classes) where all scores are equal.
    d_scores : ndarray of shape (n, n_classes)
        Its gradient.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.array([[3.2, 5.1, -1.7]])
    >>> loss, d_scores = softmax_cross_entropy(scores, np.array([0]))
    >>> print(f"{loss:.4f}", d_scores.round(4))
    2.0404 [[-0.87   0.869  0.001]]
    """
    rows = np.arange(len(scores))
    shifted = scores - scores.max(axis=1, keepdims=True)
    d_scores = np.exp(shifted)
    totals = d_scores.sum(axis=1)
    share = _shares(weights, len(scores))
    loss = float(np.sum(share * (np.log(totals) - shifted[rows, labels])))
    d_scores *= (share / totals)[:, None]
    d_scores[rows, labels] -= share
    return loss, d_scores


def sigmoid_cross_entropy(
    scores: Array, labels: NDArray[np.integer], weights: Array | None = None
) -> tuple[float, Array]:
    r"""Return the mean cross-entropy of the sigmoid of scores: two classes, one score.

    .. math:: \frac{\sum_i w_i \, (\log(1 + e^{s_i}) - y_i s_i)}{\sum_i w_i}

    which is `softmax_cross_entropy` of the scores (0, s).

    Parameters
    ----------
    scores : ndarray of shape (n, 1)
        Any finite numbers.
    labels : ndarray of shape (n,), int
        True classes, 0 or 1.
    weights : ndarray of shape (n,), default=None
        Not negative, not all zero. None is one each.

    Returns
    -------
    loss : float
        Not negative; log 2 where all scores are zero.
    d_scores : ndarray of shape (n, 1)
        Its gradient.

    Examples
    --------
    >>> import numpy as np
    >>> loss, d_scores = sigmoid_cross_entropy(np.array([[3.5]]), np.array([0]))
    >>> print(f"{loss:.4f}", d_scores.round(4))
    3.5298 [[0.9707]]
    """
    s = scores[:, 0]
    share = _shares(weights, len(scores))
    loss = float(np.sum(share * (np.logaddexp(0, s) - labels * s)))
    return loss, (share * (expit(s) - labels))[:, None]


def _shares(weights: Array | None, n: int) -> Array | float:
    """Return what each row counts in a mean."""
    return 1 / n if weights is None else weights / weights.sum()
