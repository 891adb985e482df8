"""Probabilities of classes from their scores; one column is that of the second."""

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax


def probabilities_of(scores: np.ndarray) -> np.ndarray:
    """Return the softmax of scores, (n, n_classes); of (n,) that of (0, score)."""
    if scores.ndim == 2:
        probabilities: np.ndarray = softmax(scores, axis=1)
        return probabilities
    return np.column_stack([expit(-scores), expit(scores)])


def log_probabilities_of(scores: np.ndarray) -> np.ndarray:
    """Return the logarithms of `probabilities_of`, exact where these round to 0."""
    if scores.ndim == 2:
        logarithms: np.ndarray = log_softmax(scores, axis=1)
        return logarithms
    return np.column_stack([log_expit(-scores), log_expit(scores)])
