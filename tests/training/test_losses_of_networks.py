"""Losses of networks: torch, central differences, by hand."""

import numpy as np
import pytest
import torch
from losses_and_torch import N_ROWS, true_class

from skvision._training.losses import (
    sigmoid_cross_entropy,
    sigmoid_squared_error,
    smoothed,
    softmax_cross_entropy,
    squared_error,
)

SMOOTHINGS = [0.0, 0.1, 0.9]


def signed(scores, labels):
    return 2.0 * true_class(scores, labels) - 1


OF_NETWORKS = {
    "smoothed softmax": (
        smoothed(softmax_cross_entropy, 0.3),
        lambda s, y: torch.nn.functional.cross_entropy(
            s, y, label_smoothing=0.3, reduction="none"
        ),
        4,
    ),
    "smoothed sigmoid": (
        smoothed(sigmoid_cross_entropy, 0.3),
        lambda s, y: torch.nn.functional.binary_cross_entropy_with_logits(
            s[:, 0], 0.7 * y.double() + 0.15, reduction="none"
        ),
        1,
    ),
    "squared_error": (
        squared_error,
        lambda s, y: (s - signed(s, y)).square().sum(1) / 2,
        4,
    ),
    "squared_error of 1": (
        squared_error,
        lambda s, y: (s - signed(s, y)).square().sum(1) / 2,
        1,
    ),
    "sigmoid_squared_error": (
        sigmoid_squared_error,
        lambda s, y: (s.sigmoid() - 1.0 * true_class(s, y)).square().sum(1) / 2,
        4,
    ),
    "sigmoid_squared_error of 1": (
        sigmoid_squared_error,
        lambda s, y: (s.sigmoid() - 1.0 * true_class(s, y)).square().sum(1) / 2,
        1,
    ),
}


@pytest.fixture(params=OF_NETWORKS)
def of_network(request, rng):
    """Return a loss, its formula in torch, scores and labels."""
    loss, formula, n_outputs = OF_NETWORKS[request.param]
    scores = 2 * rng.normal(size=(N_ROWS, n_outputs))
    return loss, formula, scores, rng.integers(0, max(n_outputs, 2), N_ROWS)


class TestLossesOfNetworks:
    def test_value_and_gradient_equal_torch(self, of_network, sample_weight):
        loss, formula, scores, labels = of_network
        before = scores.copy()
        value, d_scores = loss(scores, labels, sample_weight)
        np.testing.assert_array_equal(scores, before)
        variable = torch.tensor(scores, requires_grad=True)
        of_rows = formula(variable, torch.from_numpy(labels))
        counts = np.full(N_ROWS, 1 / N_ROWS) if sample_weight is None else sample_weight
        expected = torch.from_numpy(counts) @ of_rows
        expected.backward()
        assert type(value) is float
        assert value == pytest.approx(expected.item(), rel=1e-10)
        assert d_scores.shape == scores.shape
        np.testing.assert_allclose(d_scores, variable.grad, rtol=1e-10, atol=1e-10)

    def test_gradient_equals_differences(self, of_network, sample_weight, differences):
        loss, _, scores, labels = of_network

        def value(flat):
            return loss(flat.reshape(scores.shape), labels, sample_weight)[0]

        _, d_scores = loss(scores, labels, sample_weight)
        expected = differences(value, scores.ravel(), 1e-5)
        scale = np.abs(d_scores).max()
        np.testing.assert_allclose(d_scores.ravel(), expected, atol=1e-6 * scale)

    def test_sum_over_blocks_is_the_whole(self, of_network, rng):
        loss, _, scores, labels = of_network
        sample_weight = rng.random(N_ROWS)
        value, d_scores = loss(scores, labels, sample_weight)
        blocks = [slice(0, 1), slice(1, 6), slice(6, N_ROWS)]
        parts = [loss(scores[b], labels[b], sample_weight[b]) for b in blocks]
        assert sum(part[0] for part in parts) == pytest.approx(value, rel=1e-13)
        np.testing.assert_allclose(
            np.concatenate([part[1] for part in parts]), d_scores, rtol=1e-13
        )

    def test_weight_of_two_is_the_row_twice(self, of_network):
        loss, _, scores, labels = of_network
        counts = np.arange(N_ROWS) % 3
        twice = np.repeat(np.arange(N_ROWS), counts)
        weighted, _ = loss(scores, labels, counts / counts.sum())
        repeated, _ = loss(scores[twice], labels[twice], None)
        assert weighted == pytest.approx(repeated, rel=1e-13)

    def test_extreme_scores_are_neither_inf_nor_nan(self, of_network, rng):
        loss, _, scores, labels = of_network
        signs = rng.choice([-1.0, 0.0, 1.0], scores.shape)
        for dtype in (np.float64, np.float32):
            value, d_scores = loss((1e4 * signs).astype(dtype), labels, None)
            assert np.isfinite(value)
            assert np.isfinite(d_scores).all()


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_smoothed_softmax_equals_torch(smoothing, n_classes, rng):
    scores = 3 * rng.normal(size=(N_ROWS, n_classes))
    labels, sample_weight = rng.integers(0, n_classes, N_ROWS), rng.random(N_ROWS)
    variable = torch.tensor(scores, requires_grad=True)
    losses = torch.nn.functional.cross_entropy(
        variable, torch.from_numpy(labels), label_smoothing=smoothing, reduction="none"
    )
    expected = torch.from_numpy(sample_weight) @ losses
    expected.backward()
    value, d_scores = smoothed(softmax_cross_entropy, smoothing)(
        scores, labels, sample_weight
    )
    assert value == pytest.approx(expected.item(), rel=1e-10)
    np.testing.assert_allclose(d_scores, variable.grad, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_smoothed_sigmoid_is_the_smoothed_softmax_of_zero_and_the_score(smoothing, rng):
    scores = 3 * rng.normal(size=(N_ROWS, 1))
    both = np.hstack([0 * scores, scores])
    labels = rng.integers(0, 2, N_ROWS)
    for sample_weight in (None, rng.random(N_ROWS)):
        ours = smoothed(sigmoid_cross_entropy, smoothing)(scores, labels, sample_weight)
        expected = smoothed(softmax_cross_entropy, smoothing)(
            both, labels, sample_weight
        )
        assert ours[0] == pytest.approx(expected[0], rel=1e-12)
        np.testing.assert_allclose(ours[1][:, 0], expected[1][:, 1], atol=1e-13)


def test_smoothing_of_zero_is_none(rng):
    labels = np.arange(N_ROWS) % 2
    for loss, k in ((softmax_cross_entropy, 3), (sigmoid_cross_entropy, 1)):
        scores = rng.normal(size=(N_ROWS, k))
        value, d_scores = smoothed(loss, 0.0)(scores, labels)
        expected = loss(scores, labels)
        assert value == expected[0]
        np.testing.assert_array_equal(d_scores, expected[1])


def test_smoothed_labels_are_met_by_their_own_probabilities():
    target = np.array([[0.8, 0.1, 0.1]])  # 0.7 and 0.3 / 3 each
    loss, label = smoothed(softmax_cross_entropy, 0.3), np.array([0])
    value, d_scores = loss(np.log(target), label)
    assert value == pytest.approx(-np.sum(target * np.log(target)))
    np.testing.assert_allclose(d_scores, 0, atol=1e-15)
    value, d_scores = smoothed(sigmoid_cross_entropy, 0.2)(
        np.log([[9.0]]), np.array([1])
    )
    assert value == pytest.approx(-0.9 * np.log(0.9) - 0.1 * np.log(0.1))
    np.testing.assert_allclose(d_scores, 0, atol=1e-15)


def test_squared_errors_by_hand():
    scores, labels = np.array([[1.5, -1, -3], [0, 0, 2]]), np.array([0, 1])
    value, d_scores = squared_error(scores, labels, np.array([1.0, 2]))
    assert value == (0.25 + 4) / 2 + 2 * (1 + 1 + 9) / 2
    np.testing.assert_array_equal(d_scores, [[0.5, 0, -2], [2, -2, 6]])
    value, d_scores = squared_error(np.array([[0.5], [0.5]]), np.array([0, 1]))
    assert value == (1.5**2 + 0.5**2) / 4
    np.testing.assert_array_equal(d_scores, [[0.75], [-0.25]])
    value, d_scores = sigmoid_squared_error(np.zeros((1, 3)), np.array([2]))
    assert value == 3 * 0.25 / 2
    np.testing.assert_array_equal(d_scores, [[0.125, 0.125, -0.125]])


@pytest.mark.parametrize("loss", [squared_error, sigmoid_squared_error])
def test_one_column_is_half_of_two_opposite_ones(loss, rng):
    scores, labels = rng.normal(size=(N_ROWS, 1)), np.arange(N_ROWS) % 2
    value, d_scores = loss(scores, labels)
    expected = loss(np.hstack([-scores, scores]), labels)
    assert value == pytest.approx(expected[0] / 2, rel=1e-13)
    np.testing.assert_allclose(d_scores[:, 0], expected[1][:, 1], rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "n_outputs"),
    [
        (softmax_cross_entropy, 4),
        (sigmoid_cross_entropy, 1),
        (smoothed(softmax_cross_entropy, 0.1), 4),
        (smoothed(sigmoid_cross_entropy, 0.1), 1),
        (squared_error, 4),
        (squared_error, 1),
        (sigmoid_squared_error, 4),
        (sigmoid_squared_error, 1),
    ],
)
def test_float32_stays_float32(loss, n_outputs, rng):
    scores, sample_weight = rng.normal(size=(N_ROWS, n_outputs)), rng.random(N_ROWS)
    labels = rng.integers(0, max(n_outputs, 2), N_ROWS)
    for counts in (sample_weight, None):
        of_32 = None if counts is None else counts.astype(np.float32)
        value, d_scores = loss(scores.astype(np.float32), labels, of_32)
        expected = loss(scores, labels, counts)
        assert type(value) is float
        assert value == pytest.approx(expected[0], rel=1e-5)
        np.testing.assert_allclose(d_scores, expected[1], rtol=1e-4, atol=1e-6)
        assert d_scores.dtype == np.float32
