"""Losses and penalties: worked examples, central differences, each other."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from skvision._training.losses import sigmoid_cross_entropy, softmax_cross_entropy
from skvision._training.penalties import l2

CAT_CAR_FROG = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
FIRST_RIGHT = np.array([[10.0, -2, 3], [10, 9, 9], [10, -100, -100]])


def each(loss, scores, labels):
    """Return the loss of each row."""
    return [loss(scores[i : i + 1], labels[i : i + 1])[0] for i in range(len(scores))]


def test_cross_entropy_of_cat_car_and_frog():
    labels = np.arange(3)
    losses = each(softmax_cross_entropy, CAT_CAR_FROG, labels)
    np.testing.assert_allclose(losses, [2.0404, 0.0791, 6.1565], atol=5e-5)
    mean, d_scores = softmax_cross_entropy(CAT_CAR_FROG, labels)
    assert mean == pytest.approx(2.7587, abs=5e-5)
    probabilities = 3 * d_scores + np.eye(3)
    np.testing.assert_allclose(probabilities[0], [0.1300, 0.8690, 0.0010], atol=5e-5)


def test_probabilities_of_two_scores():
    loss, d_scores = softmax_cross_entropy(np.array([[2.3, -1.2]]), np.array([1]))
    assert loss == pytest.approx(3.5298, abs=5e-5)
    np.testing.assert_allclose(d_scores + [[0, 1]], [[0.97, 0.03]], atol=5e-3)


def test_probabilities_of_half_the_scores():
    def probabilities(scores):
        return softmax_cross_entropy(scores[None], np.array([0]))[1][0] + [1, 0, 0]

    scores = np.array([1.0, -2, 0])
    np.testing.assert_allclose(
        probabilities(scores), [0.7054, 0.0351, 0.2595], atol=5e-5
    )
    half = probabilities(scores / 2)
    np.testing.assert_allclose(half, [0.5465, 0.1220, 0.3315], atol=5e-5)


def test_scores_far_apart():
    labels = np.zeros(3, int)
    losses = each(softmax_cross_entropy, FIRST_RIGHT, labels)
    np.testing.assert_allclose(losses[:2], [9.18e-4, 0.5514], rtol=1e-3)
    assert losses[2] == pytest.approx(0, abs=1e-15)
    doubled = FIRST_RIGHT[:1] * [2, 1, 1]
    assert each(softmax_cross_entropy, doubled, labels)[0] == pytest.approx(
        4.17e-8, rel=1e-2
    )
    for scale in (1e4, -1e4):
        loss, d_scores = softmax_cross_entropy(scale * CAT_CAR_FROG, np.arange(3))
        assert np.isfinite(loss)
        assert np.isfinite(d_scores).all()
        loss, d_scores = sigmoid_cross_entropy(np.array([[scale]]), np.array([1]))
        assert loss == max(-scale, 0)
        assert np.isfinite(d_scores).all()


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_chance(n_classes):
    loss, _ = softmax_cross_entropy(np.zeros((4, n_classes)), np.arange(4) % n_classes)
    assert loss == pytest.approx(np.log(n_classes))


def test_sigmoid_is_the_softmax_of_zero_and_the_score(rng):
    scores, labels, weights = rng.normal(size=(9, 1)), np.arange(9) % 2, rng.random(9)
    loss, d_scores = sigmoid_cross_entropy(scores, labels, weights)
    both = softmax_cross_entropy(np.hstack([0 * scores, scores]), labels, weights)
    assert loss == pytest.approx(both[0], rel=1e-14)
    np.testing.assert_allclose(d_scores[:, 0], both[1][:, 1], rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "n_outputs"), [(softmax_cross_entropy, 4), (sigmoid_cross_entropy, 1)]
)
def test_gradients_against_differences(loss, n_outputs, rng):
    labels, weights = rng.integers(0, max(n_outputs, 2), 7), rng.random(7)
    for w in (None, weights):

        def value(flat, w=w):
            return loss(flat.reshape(7, n_outputs), labels, w)[0]

        def gradient(flat, w=w):
            return loss(flat.reshape(7, n_outputs), labels, w)[1].ravel()

        start = rng.normal(size=7 * n_outputs)
        scale = np.linalg.norm(gradient(start))
        assert check_grad(value, gradient, start) < 1e-6 * scale


@pytest.mark.parametrize("loss", [softmax_cross_entropy, sigmoid_cross_entropy])
def test_weight_two_is_the_row_twice(loss, rng):
    n_outputs = 1 if loss is sigmoid_cross_entropy else 3
    scores, labels = rng.normal(size=(5, n_outputs)), rng.integers(0, 2, 5)
    weighted, _ = loss(scores, labels, np.array([1.0, 2, 0, 1, 3]))
    rows = [0, 1, 1, 3, 4, 4, 4]
    assert weighted == pytest.approx(loss(scores[rows], labels[rows])[0], rel=1e-14)


def test_l2_penalty():
    grads = np.ones(4)
    assert l2(1.0)(np.array([1.0, 0, 0, 0]), grads) == 0.5
    np.testing.assert_array_equal(grads, [2, 1, 1, 1])
    assert l2(1.0)(np.full(4, 0.25), grads) == 0.125
    assert l2(0.0)(np.full(4, 0.25), grads) == 0
