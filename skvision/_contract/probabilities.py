"""Class probabilities from scores. Scores of shape (n,) belong to the second class."""

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax


def probabilities_of(scores: np.ndarray) -> np.ndarray:
    """Return the softmax of (n, n_classes) scores, or of (0, score) for (n,) scores."""
    if scores.ndim == 2:
        probabilities: np.ndarray = softmax(scores, axis=1)
        return probabilities
    return np.column_stack([expit(-scores), expit(scores)])


def log_probabilities_of(scores: np.ndarray) -> np.ndarray:
    """Return the logarithms of `probabilities_of`, without rounding to log(0)."""
    if scores.ndim == 2:
        logarithms: np.ndarray = log_softmax(scores, axis=1)
        return logarithms
    return np.column_stack([log_expit(-scores), log_expit(scores)])
