"""The perceptron rule row by row against NumPy; also run without compilation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skvision._kernels import perceptron as kernel


def plain_epoch(X, order, labels, weights, rate, W, b, biases):
    """Return mistakes, loss, and the sums of W and of b after each step."""
    n_mistakes, loss, sum_W, sum_b = 0, 0.0, np.zeros_like(W), np.zeros_like(b)
    for i in order:
        x, y = X[i].astype(W.dtype), labels[i]
        scores = W @ x + b
        scores = np.append(0, scores) if len(W) == 1 else scores
        winner = scores.argmax()
        loss += weights[i] * (scores[winner] - scores[y])
        n_mistakes += winner != y
        for c, step in ((y, rate * weights[i]), (winner, -rate * weights[i])):
            row = c - 1 if len(W) == 1 else c
            if row >= 0:
                W[row] += step * x
                b[row] += step * biases
        sum_W, sum_b = sum_W + W, sum_b + b
    return n_mistakes, loss, sum_W, sum_b


def run(X, order, labels, weights, rate, n_classes, dtype, biases=1, average=True):
    n_rows = n_classes if n_classes > 2 else 1
    params = np.zeros((n_rows, X.shape[1] + 1), dtype)
    row = np.full(X.shape[1] + 1, np.nan, dtype)
    row[-1] = biases
    sums = np.zeros(params.shape if average else (0, 0), dtype)
    scores, since = np.empty(n_classes, dtype), np.full(n_rows, 99)
    n_mistakes, loss = kernel.epoch(
        X, order, labels, weights, rate, params, row, scores, sums, since
    )
    return n_mistakes, loss, params, sums


@settings(deadline=None)  # the first example compiles
@given(
    n=st.integers(0, 30),
    d=st.integers(1, 70),
    n_classes=st.integers(2, 5),
    biases=st.integers(0, 1),
    of_rows=st.sampled_from(["u1", "f4", "f8"]),
    of_weights=st.sampled_from(["f4", "f8"]),
    seed=st.integers(0, 99),
)
def test_whole_numbers(n, d, n_classes, biases, of_rows, of_weights, seed):
    """Of which sums are exact in any order."""
    rng = np.random.default_rng(seed)
    largest = 255 if of_weights == "f8" else 3  # float32 is exact up to 2^24
    X = rng.choice([0, 1, 2, largest], (n, d)).astype(of_rows)
    labels, weights = rng.integers(0, n_classes, n), rng.integers(1, 4, n).astype(float)
    order = rng.permutation(n)[: n - n // 4]
    got = run(X, order, labels, weights, 2.0, n_classes, of_weights, biases)
    W = np.zeros((n_classes if n_classes > 2 else 1, d))
    b = np.zeros(len(W))
    expected = plain_epoch(X, order, labels, weights, 2.0, W, b, biases)
    assert got[:2] == expected[:2]
    np.testing.assert_array_equal(got[2], np.column_stack([W, b]))
    np.testing.assert_array_equal(got[3], np.column_stack(expected[2:]))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("layout", ["C", "F", "strided", "read-only"])
def test_layouts(layout, n_classes, rng):
    X, labels, order = (
        rng.normal(size=(40, 12)),
        np.arange(40) % n_classes,
        np.arange(40),
    )
    given = {
        "C": X,
        "F": np.asfortranarray(X),
        "strided": np.repeat(X, 2, axis=1)[:, ::2],
        "read-only": X.copy(),
    }[layout]
    given.flags.writeable = layout != "read-only"
    got = run(given, order, labels, np.ones(40), 0.5, n_classes, np.float64)
    W = np.zeros((n_classes if n_classes > 2 else 1, 12))
    b = np.zeros(len(W))
    expected = plain_epoch(X, order, labels, np.ones(40), 0.5, W, b, 1)
    assert got[0] == expected[0]
    assert got[1] == pytest.approx(expected[1])
    np.testing.assert_allclose(got[2], np.column_stack([W, b]), atol=1e-12)
    np.testing.assert_allclose(got[3], np.column_stack(expected[2:]), atol=1e-10)


def test_without_sums_the_weights_are_the_same(rng):
    X, labels, order = rng.normal(size=(40, 5)), np.arange(40) % 3, np.arange(40)
    rest = X, order, labels, np.ones(40), 1.0, 3, np.float64
    n_mistakes, loss, params, sums = run(*rest, average=False)
    assert sums.size == 0
    with_sums = run(*rest)
    assert (n_mistakes, loss) == with_sums[:2]
    np.testing.assert_array_equal(params, with_sums[2])


def test_the_first_of_equal_scores_wins():
    X, order = np.zeros((3, 2)), np.arange(3)
    for n_classes in (2, 3):
        labels = np.array([0, 0, 0])
        got = run(X, order, labels, np.ones(3), 1.0, n_classes, np.float64, biases=0)
        assert got[0] == 0


def test_nan_and_infinity_are_not_hidden():
    X, order, labels = np.full((2, 2), 1e300), np.arange(2), np.array([1, 2])
    with np.errstate(over="ignore", invalid="ignore"):
        _, loss, _, _ = run(X, order, labels, np.ones(2), 1.0, 3, np.float64)
    assert not np.isfinite(loss)
