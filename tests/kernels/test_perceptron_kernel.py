"""What is true of the perceptron's steps beyond their definition."""

import numpy as np
import pytest

from skvision._kernels import perceptron as kernel
from skvision._kernels import read_only


def test_nan_and_infinity_are_not_hidden():
    X, labels = read_only(np.full((2, 2), 1e300)), np.array([1, 2])
    params, row, sums = np.zeros((3, 3)), np.ones(3), np.zeros((3, 3))
    scores, since = np.empty(3), np.zeros(3, int)
    with np.errstate(over="ignore", invalid="ignore"):
        epoch = kernel.EpochWeights(params, sums, since, row, scores)
        _, loss = kernel.make_steps(
            X, np.arange(2), labels, np.ones(2), 1.0, epoch, 0, False
        )
    assert not np.isfinite(loss)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_an_epoch_in_parts_is_the_epoch(n_classes, rng):
    # fractions whose sums are exact, since the losses of parts are added
    X = rng.integers(-(2**12), 2**12, (30, 7)) / 2**11
    weights, labels = rng.integers(1, 9, 30) / 8, rng.integers(0, n_classes, 30)
    order = rng.permutation(30)
    results = []
    for parts in ([order], np.split(order, [1, 12, 12])):
        params = np.zeros((n_classes if n_classes > 2 else 1, 8))
        sums, since = np.zeros_like(params), np.zeros(len(params), int)
        epoch = kernel.EpochWeights(
            params, sums, since, np.ones(8), np.empty(n_classes)
        )
        n_steps, n_mistakes, loss = 0, 0, 0.0
        for part in parts:
            n_wrong, more = kernel.make_steps(
                read_only(X[part]),
                np.arange(len(part)),
                labels[part],
                weights[part],
                1.0,
                epoch,
                n_steps,
                False,
            )
            n_steps += len(part)
            n_mistakes, loss = n_mistakes + n_wrong, loss + more
        kernel.add_missing_steps(epoch, n_steps)
        results.append((params, sums, n_mistakes, loss))
    for whole, in_parts in zip(*results, strict=True):
        np.testing.assert_array_equal(whole, in_parts)
