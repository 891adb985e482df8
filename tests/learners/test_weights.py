"""Weights of rows and of classes, in all learners that take them."""

from dataclasses import replace

import numpy as np
import pytest
from learner_table import LEARNERS, LOSSES, each, learned

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def assert_same(learner, a, b, X):
    """Assert that two fits are the same but for rounding."""
    close = {"rtol": learner.same, "atol": learner.same / 10}
    np.testing.assert_allclose(learned(a), learned(b), **close)
    np.testing.assert_allclose(a.decision_function(X), b.decision_function(X), **close)
    if learner.epochs:
        np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, rtol=1e-10)
        assert a.n_iter_ == b.n_iter_


LOSSES_AT_ONCE = [
    replace(
        learner,
        name=f"{learner.name}_lbfgs",
        model=learner.make(solver="lbfgs", tol=0.0, max_iter=8),
    )
    for learner in LOSSES
    if learner.weighted
]


@pytest.mark.parametrize("n_classes", [2, 3])
@each("weighted", of=LEARNERS + LOSSES + LOSSES_AT_ONCE)
def test_weights_are_repetitions_in_one_batch(learner, n_classes, rows, rng):
    X, y = rows[0], rows[1] % n_classes
    weights = rng.integers(0, 4, 60)
    a = learner.in_one_batch().fit(X, y, sample_weight=weights)
    b = learner.in_one_batch().fit(X.repeat(weights, axis=0), y.repeat(weights))
    assert_same(learner, a, b, X)


@each("weighted")
def test_rows_of_no_weight_are_not_there(learner, rows):
    X, y = rows[0].copy(), rows[1]
    weights = (np.arange(60) % 5 > 0).astype(float)
    X[weights == 0] = 1e6  # would spoil what inputs are centered and standardized by
    a = learner.make().fit(X, y, weights)
    b = learner.make().fit(X[weights > 0], y[weights > 0])
    assert_same(learner, a, b, X[weights > 0])
    assert getattr(a, "n_mistakes_", None) == getattr(b, "n_mistakes_", None)


@each("weighted", "any_scale")
def test_only_the_ratios_of_weights_count(learner, rows, rng):
    weights = rng.random(60)
    a, b = (learner.make().fit(*rows, w) for w in (weights, 1000 * weights))
    assert_same(learner, a, b, rows[0])


@each(but=lambda learner: learner.any_scale)
def test_weights_multiply_steps(learner, rows, rng):
    weights = rng.integers(1, 9, 60) / 4
    a, b = (learner.make().fit(*rows, w) for w in (weights, 1024 * weights))
    np.testing.assert_allclose(1024 * learned(a), learned(b), rtol=1e-12)
    assert a.n_mistakes_ == b.n_mistakes_


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 3.0, 2: 0.5}])
@each("weighted")
def test_weights_of_classes_multiply_those_of_rows(learner, class_weight, rng):
    X, y = rng.normal(size=(64, 4)), np.repeat([0, 1, 2], [32, 20, 12])
    weights = rng.integers(1, 4, 64) / 2
    of_classes = np.array([1.0, 3.0, 0.5])
    if class_weight == "balanced":
        totals = np.bincount(y, weights)
        of_classes = totals.mean() / totals
    weighted = learner.make(class_weight=class_weight)
    a = weighted.fit(X, y, sample_weight=weights)
    b = learner.make().fit(X, y, sample_weight=weights * of_classes[y])
    assert_same(learner, a, b, X)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 3.0, 2: 0.5}])
@each(but=lambda learner: learner.weighted)
def test_weights_of_classes_are_repetitions(learner, class_weight, rng):
    """Where rows have no weights of their own."""
    X = rng.normal(size=(64, 4))
    y = np.repeat([0, 1, 2], [32, 16, 16])
    times = [1, 2, 2] if class_weight == "balanced" else [2, 6, 1]
    repeated = np.arange(64).repeat(np.array(times)[y])
    a = learner.in_one_batch(class_weight=class_weight).fit(X, y)
    b = learner.in_one_batch().fit(X[repeated], y[repeated])
    assert_same(learner, a, b, X)
