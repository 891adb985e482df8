"""Recipes are compared by predictions for images that models did not learn from."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from skvision import PixelNormalizer, SoftmaxRegression
from skvision._recipes.validate import (
    Rows,
    is_clearly_less,
    is_positive,
    nearby,
    validate_softmax,
    validate_with_network,
)


@pytest.fixture
def rows(rng):
    labels = np.arange(90) % 3
    features = rng.normal(size=(90, 200)).astype(np.float32)
    features[:, :3] += 2 * np.eye(3)[labels]
    return Rows(features, features[np.newaxis][:0], labels, rng.uniform(1, 2, 90))


DRAWS = [
    (
        np.flatnonzero(np.arange(90) // 9 % 2 == i),
        np.flatnonzero(np.arange(90) // 9 % 2 != i),
    )
    for i in (0, 1)
]


def predict_plainly(rows, draw, alpha):
    """Return the probabilities without a rotation and without a warm start."""
    learning, validation = draw
    weights = rows.weights[learning]
    normalizer = PixelNormalizer(variance_floor=0.01)
    x = normalizer.fit_transform(rows.features[learning], sample_weight=weights)
    model = SoftmaxRegression(alpha=alpha, tol=1e-6)
    model.fit(x, rows.labels[learning], sample_weight=weights)
    return model.predict_proba(normalizer.transform(rows.features[validation]))


def test_probabilities_are_those_of_plain_fits(rows, monkeypatch):
    monkeypatch.setattr("skvision._recipes.validate._TOL", 1e-6)
    outcome = validate_softmax(rows, DRAWS)
    for draw, probabilities in zip(DRAWS, outcome.probabilities, strict=True):
        plain = predict_plainly(rows, draw, outcome.alpha)
        np.testing.assert_allclose(probabilities, plain, atol=2e-3)


def test_the_loss_is_the_weighted_cross_entropy(rows):
    outcome = validate_softmax(rows, DRAWS)
    validation = np.concatenate([draw[1] for draw in DRAWS])
    probabilities = np.concatenate(outcome.probabilities)
    expected = log_loss(
        rows.labels[validation],
        probabilities / probabilities.sum(axis=1, keepdims=True),
        sample_weight=rows.weights[validation],
    )
    assert outcome.loss == pytest.approx(expected)
    assert outcome.path[outcome.alpha] == outcome.loss == min(outcome.path.values())


def test_the_best_penalty_lies_between_others(rows):
    path = validate_softmax(rows, DRAWS, [0.001]).path
    alphas = sorted(path)
    assert min(path, key=path.get) not in (alphas[0], alphas[-1])
    assert list(validate_softmax(rows, DRAWS, [0.001], widen=False).path) == [0.001]
    assert nearby(1.0) == pytest.approx((10**0.5, 1, 10**-0.5))


def test_the_range_of_penalties_has_ends(rng):
    labels = np.arange(40) % 2
    noise = rng.normal(size=(40, 60)).astype(np.float32)
    draws = [(np.arange(20), np.arange(20, 40))]
    rows = Rows(noise, noise[np.newaxis][:0], labels, np.ones(40))
    assert max(validate_softmax(rows, draws).path) == pytest.approx(10)
    clear = noise + 20 * labels[:, None].astype(np.float32)
    rows = Rows(clear, clear[np.newaxis][:0], labels, np.ones(40))
    assert min(validate_softmax(rows, draws).path) < 0.05


def test_what_is_certainly_worse_is_given_up(rows, rng):
    best = validate_softmax(rows, DRAWS)
    noise = rng.normal(size=rows.features.shape).astype(np.float32)
    worse = Rows(noise, noise[np.newaxis][:0], rows.labels, rows.weights)
    assert validate_softmax(worse, DRAWS, [0.1], best) is None
    assert validate_softmax(rows, DRAWS, [best.alpha], best) is not None


def test_copies_are_learned_from_and_not_validated(rows):
    copies = rows.features + np.float32(0.1)
    both = Rows(rows.features, copies[np.newaxis], rows.labels, rows.weights)
    x, labels, weights = both.learning_rows(np.array([4, 7]))
    np.testing.assert_array_equal(
        x, np.concatenate([rows.features[[4, 7]], copies[[4, 7]]])
    )
    np.testing.assert_array_equal(labels, rows.labels[[4, 7, 4, 7]])
    assert weights.sum() == pytest.approx(rows.weights[[4, 7]].sum())
    outcome = validate_softmax(both, DRAWS)
    assert [len(p) for p in outcome.probabilities] == [45, 45]


def test_a_network_is_averaged_in(rows):
    softmax = validate_softmax(rows, DRAWS)
    average = validate_with_network(rows, DRAWS, softmax, seed=0)
    for own, both in zip(softmax.probabilities, average.probabilities, strict=True):
        network = 2 * both - own
        np.testing.assert_allclose(network.sum(axis=1), 1, atol=1e-5)
        assert network.min() > -1e-6


def test_differences_have_errors(rng):
    assert is_positive(rng.normal(1, 1, 100))
    assert not is_positive(rng.normal(0, 1, 100)) and not is_positive(np.array([3.0]))


def test_a_smaller_loss_must_be_clearly_less(rows):
    outcome = validate_softmax(rows, DRAWS)
    assert not is_clearly_less(outcome, outcome)
    assert is_clearly_less(outcome, validate_softmax(rows, DRAWS, [10.0], widen=False))
