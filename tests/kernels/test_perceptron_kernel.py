"""What is true of the perceptron's epoch beyond its definition."""

import numpy as np

from skvision._kernels import perceptron as kernel


def test_nan_and_infinity_are_not_hidden():
    X, order, labels = np.full((2, 2), 1e300), np.arange(2), np.array([1, 2])
    params, row, sums = np.zeros((3, 3)), np.ones(3), np.zeros((3, 3))
    scores, since = np.empty(3), np.zeros(3, int)
    with np.errstate(over="ignore", invalid="ignore"):
        _, loss = kernel.epoch(
            X, order, labels, np.ones(2), 1.0, params, row, scores, sums, since
        )
    assert not np.isfinite(loss)
