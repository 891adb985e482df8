"""Losses: the worked examples of textbooks."""

import numpy as np
import pytest
from sklearn.metrics import top_k_accuracy_score

from skvision._training.linear import minimize_linear
from skvision._training.losses import (
    hinge,
    one_vs_rest,
    softmax_cross_entropy,
    softmax_curvature,
    squared_hinge,
    weston_watkins,
)
from skvision._training.problem import Problem
from skvision._training.sources import ArraySource, Centered

CAT_CAR_FROG = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])

FIRST_RIGHT = np.array([[10.0, -2, 3], [10, 9, 9], [10, -100, -100]])


def each(loss, scores, labels):
    """Return the loss of each row."""
    return [loss(scores[i : i + 1], labels[i : i + 1])[0] for i in range(len(scores))]


@pytest.mark.parametrize(
    ("loss", "expected", "mean", "decimals"),
    [
        (hinge(weston_watkins(1.0)), [2.9, 0, 12.9], 5.2667, 12),
        (squared_hinge(weston_watkins(1.0)), [8.41, 0, 83.25], 30.5533, 12),
        (softmax_cross_entropy, [2.0404, 0.0791, 6.1565], 2.7587, 4),
    ],
)
def test_cat_car_and_frog(loss, expected, mean, decimals):
    losses = each(loss, CAT_CAR_FROG, np.arange(3))
    np.testing.assert_allclose(losses, expected, atol=0.5 * 10.0**-decimals)
    assert loss(CAT_CAR_FROG, np.arange(3))[0] == pytest.approx(mean, abs=5e-5)


# airplane, automobile, bird, cat, deer, dog, frog, horse, ship and truck, of a photo of
# a cat, one of an automobile and one of a frog
TEN_CLASSES = np.array(
    [
        [-3.45, -8.87, 0.09, 2.9, 4.48, 8.02, 3.78, 1.06, -0.36, -0.72],
        [-0.51, 6.04, 5.31, -4.22, -4.19, 3.58, 4.49, -4.37, -2.09, -2.93],
        [3.42, 4.64, 2.65, 5.1, 2.64, 5.55, -4.34, -1.5, -4.79, 6.14],
    ]
)

OF_TEN = np.array([3, 1, 6])


@pytest.mark.parametrize(
    ("loss", "expected", "mean", "decimals"),
    [
        (hinge(weston_watkins(1.0)), [10.58, 0.27, 71.91], 27.5867, 12),
        (squared_hinge(weston_watkins(1.0)), [47.6452, 0.0729, 678.2827], None, 4),
        (softmax_cross_entropy, [5.1698, 0.5775, 11.2945], 5.6806, 4),
    ],
)
def test_three_photos_of_ten_classes(loss, expected, mean, decimals):
    losses = each(loss, TEN_CLASSES, OF_TEN)
    np.testing.assert_allclose(losses, expected, atol=0.51 * 10.0**-decimals)
    whole = loss(TEN_CLASSES, OF_TEN)[0]
    assert whole == pytest.approx(np.mean(losses), rel=1e-12)
    if mean is not None:
        assert whole == pytest.approx(mean, abs=5e-5)


def test_ranks_of_the_true_of_ten_classes():
    true = TEN_CLASSES[np.arange(3), OF_TEN, None]
    assert (1 + (true < TEN_CLASSES).sum(axis=1)).tolist() == [4, 1, 9]
    for k, accuracy in ((1, 1 / 3), (5, 2 / 3)):
        got = top_k_accuracy_score(OF_TEN, TEN_CLASSES, k=k, labels=range(10))
        assert got == pytest.approx(accuracy)


def test_squared_hinge_squares_before_it_sums():
    frog = CAT_CAR_FROG[2:], np.array([2])
    assert squared_hinge(weston_watkins(1.0))(*frog)[0] == pytest.approx(83.25)
    squared = hinge(weston_watkins(1.0))(*frog)[0] ** 2
    assert squared == pytest.approx(166.41)


def test_hinge_of_a_right_row_stays_zero_at_twice_its_scores():
    loss = hinge(weston_watkins(1.0))
    for scale in (1, 2):
        value, d_scores = loss(scale * CAT_CAR_FROG[1:2], np.array([1]))
        assert value == 0
        assert not d_scores.any()


def test_hinge_sums_over_the_true_class_add_the_margin():
    for margin in (1.0, 0.5):
        violations = margin + CAT_CAR_FROG - CAT_CAR_FROG.diagonal()[:, None]
        with_true = np.maximum(violations, 0).sum(axis=1)
        if margin == 1:
            np.testing.assert_allclose(with_true, [3.9, 1, 13.9])
        ours = each(hinge(weston_watkins(margin)), CAT_CAR_FROG, np.arange(3))
        np.testing.assert_allclose(with_true - ours, margin)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_scores_all_equal(n_classes):
    scores, labels = np.full((4, n_classes), 0.3), np.arange(4) % n_classes
    loss, _ = softmax_cross_entropy(scores, labels)
    assert loss == pytest.approx(np.log(n_classes))
    assert hinge(weston_watkins(1.0))(scores, labels)[0] == n_classes - 1
    if n_classes == 10:
        assert loss == pytest.approx(2.3026, abs=5e-5)


def test_small_random_scores_cost_two_of_three_classes(rng):
    scores, labels = 1e-4 * rng.normal(size=(500, 3)), rng.integers(0, 3, 500)
    value, _ = hinge(weston_watkins(1.0))(scores, labels)
    assert value == pytest.approx(2, abs=1e-3)


@pytest.mark.parametrize("violations", [weston_watkins, one_vs_rest])
def test_margin_and_scores_scale_the_hinge(violations, rng):
    scores, labels = rng.normal(size=(20, 3)), rng.integers(0, 3, 20)
    value, d_scores = hinge(violations(1.0))(scores, labels)
    for factor in (0.5, 4.0):
        scaled = hinge(violations(factor))(factor * scores, labels)
        assert scaled[0] == pytest.approx(factor * value, rel=1e-13)
        np.testing.assert_array_equal(scaled[1], d_scores)


def probabilities(scores):
    scores = np.atleast_2d(scores)
    labels = np.zeros(len(scores), int)
    d_scores = softmax_cross_entropy(scores, labels, np.ones(len(scores)))[1]
    return d_scores[0] + np.eye(scores.shape[1])[0]


def test_probabilities():
    np.testing.assert_allclose(
        probabilities(CAT_CAR_FROG[0]), [0.1300, 0.8690, 0.0010], atol=5e-5
    )
    np.testing.assert_allclose(np.exp([2.3, -1.2]), [9.97, 0.30], atol=5e-3)
    np.testing.assert_allclose(probabilities([2.3, -1.2]), [0.97, 0.03], atol=5e-3)
    np.testing.assert_allclose(
        probabilities([1.0, -2, 0]), [0.7054, 0.0351, 0.2595], atol=5e-5
    )
    np.testing.assert_allclose(
        probabilities([0.5, -1, 0]), [0.5465, 0.1220, 0.3315], atol=5e-5
    )


def test_loss_of_the_second_of_two_classes():
    loss, _ = softmax_cross_entropy(np.array([[2.3, -1.2]]), np.array([1]))
    assert loss == pytest.approx(3.5298, abs=5e-5)


def test_scores_far_apart():
    labels = np.zeros(3, int)
    assert each(hinge(weston_watkins(1.0)), FIRST_RIGHT, labels) == [0, 0, 0]
    losses = each(softmax_cross_entropy, FIRST_RIGHT, labels)
    np.testing.assert_allclose(losses[:2], [9.18e-4, 0.5514], rtol=1e-3)
    assert losses[2] == pytest.approx(3.4e-48, abs=1e-15)


def test_kink_of_the_hinge():
    loss, label = hinge(weston_watkins(1.0)), np.array([0])
    value, d_scores = loss(FIRST_RIGHT[1:2], label)
    assert value == 0
    assert not d_scores.any()
    assert loss(np.array([[10, 9.1, 9]]), label)[0] == pytest.approx(0.1, rel=1e-12)


def test_only_the_cross_entropy_asks_for_more_than_the_margin():
    scores, label = np.array([[20.0, -2, 3]]), np.array([0])
    assert hinge(weston_watkins(1.0))(scores, label)[0] == 0
    loss, _ = softmax_cross_entropy(scores, label)
    assert loss == pytest.approx(4.17e-8, rel=2e-3)


def test_penalty_that_dwarfs_the_loss_leaves_the_priors(rng):
    X, labels = rng.normal(size=(20, 4)), np.repeat(np.arange(3), [10, 6, 4])
    problem = Problem(
        Centered(ArraySource(X), X.mean(axis=0)),
        labels,
        np.full(20, 0.05),
        loss=softmax_cross_entropy,
        curvature=softmax_curvature,
        l1=0.0,
        l2=1e9,
        n_outputs=3,
        joint=True,
    )
    minimum = minimize_linear(problem, np.zeros(15), max_iter=100, tol=1e-10)
    np.testing.assert_allclose(minimum.params[:12], 0, atol=1e-8)
    np.testing.assert_allclose(
        probabilities(minimum.params[12:]), [0.5, 0.3, 0.2], atol=1e-7
    )
