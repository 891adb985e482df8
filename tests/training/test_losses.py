"""Losses: torch, central differences, each other."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from losses_and_torch import N_ROWS, true_class

from skvision._training.losses import (
    hinge,
    one_vs_rest,
    perceptron,
    sigmoid_cross_entropy,
    sigmoid_curvature,
    softmax_cross_entropy,
    softmax_curvature,
    squared_hinge,
    squared_hinge_curvature,
    weston_watkins,
)
from skvision._training.multipliers import (
    Multiplied,
    smoothed_hinge,
    smoothed_hinge_curvature,
)


class Case(NamedTuple):
    """A loss, its curvature, the formula of a row's loss in torch, columns."""

    loss: Callable
    curvature: Callable | None
    formula: Callable
    n_outputs: int
    multiplied: bool = False


def of_the_true(scores, labels):
    return scores.gather(1, labels[:, None])


def pairwise(margin):
    """Return the violations of weston_watkins, those of the true class far below 0."""

    def violations(scores, labels):
        z = margin + scores - of_the_true(scores, labels)
        return z.masked_fill(true_class(scores, labels), -1e3)

    return violations


def single(margin):
    def violations(scores, labels):
        return torch.where(true_class(scores, labels), margin - scores, margin + scores)

    return violations


def softmax_formula(scores, labels, _):
    return scores.logsumexp(1) - of_the_true(scores, labels)[:, 0]


def sigmoid_formula(scores, labels, _):
    s = torch.where(labels == 1, -scores[:, 0], scores[:, 0])
    return torch.logaddexp(torch.zeros_like(s), s)


def perceptron_formula(scores, labels, _):
    if scores.shape[1] == 1:
        scores = torch.cat([torch.zeros_like(scores), scores], 1)
    return scores.max(1).values - of_the_true(scores, labels)[:, 0]


def hinge_formula(violations, power):
    return lambda scores, labels, _: (
        violations(scores, labels).clamp(min=0).pow(power).sum(1)
    )


def smoothed_formula(violations, width):
    """Return the maximum over slopes, solved in each of its three parts."""

    def formula(scores, labels, multipliers):
        z = violations(scores, labels)
        where = multipliers + z / width
        none = -width / 2 * multipliers**2
        whole = z - width / 2 * (1 - multipliers) ** 2
        part = multipliers * z + z**2 / (2 * width)
        best = torch.where(where < 0, none, torch.where(where > 1, whole, part))
        return best.sum(1)

    return formula


CASES = {
    "softmax": Case(softmax_cross_entropy, softmax_curvature, softmax_formula, 4),
    "softmax of 2": Case(softmax_cross_entropy, softmax_curvature, softmax_formula, 2),
    "sigmoid": Case(sigmoid_cross_entropy, sigmoid_curvature, sigmoid_formula, 1),
    "perceptron": Case(perceptron, None, perceptron_formula, 4),
    "perceptron of 1": Case(perceptron, None, perceptron_formula, 1),
}
for margin in (0.0, 2.5):
    for name, ours, theirs, n_outputs in (
        ("weston_watkins", weston_watkins, pairwise, 4),
        ("weston_watkins of 2", weston_watkins, pairwise, 2),
        ("one_vs_rest", one_vs_rest, single, 4),
        ("one_vs_rest of 1", one_vs_rest, single, 1),
    ):
        z, formula = ours(margin), theirs(margin)
        CASES[f"hinge {name} {margin}"] = Case(
            hinge(z), None, hinge_formula(formula, 1), n_outputs
        )
        CASES[f"squared_hinge {name} {margin}"] = Case(
            squared_hinge(z),
            squared_hinge_curvature(z),
            hinge_formula(formula, 2),
            n_outputs,
        )
        CASES[f"smoothed_hinge {name} {margin}"] = Case(
            smoothed_hinge(z, 0.4),
            smoothed_hinge_curvature(z, 0.4),
            smoothed_formula(formula, 0.4),
            n_outputs,
            multiplied=True,
        )

CURVED = [name for name, one in CASES.items() if one.curvature]


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


@pytest.fixture
def scores(case, rng):
    return rng.normal(size=(N_ROWS, case.n_outputs))


@pytest.fixture
def labels(case, rng):
    return rng.integers(0, max(case.n_outputs, 2), N_ROWS)


@pytest.fixture
def multipliers(case, labels, rng):
    """Return numbers from 0 to 1, of which some are 0 and some are 1."""
    multipliers = rng.uniform(-0.3, 1.3, (N_ROWS, case.n_outputs)).clip(0, 1)
    if case.n_outputs > 1:
        multipliers[np.arange(N_ROWS), labels] = 0
    return multipliers


@pytest.fixture
def targets(case, labels, multipliers):
    return Multiplied(labels, multipliers) if case.multiplied else labels


def test_value_and_gradient_equal_torch(
    case, scores, labels, targets, multipliers, sample_weight
):
    value, d_scores = case.loss(scores, targets[:], sample_weight)
    variable = torch.tensor(scores, requires_grad=True)
    of_rows = case.formula(
        variable, torch.from_numpy(labels), torch.from_numpy(multipliers)
    )
    counts = np.full(N_ROWS, 1 / N_ROWS) if sample_weight is None else sample_weight
    expected = torch.from_numpy(counts) @ of_rows
    expected.backward()
    assert type(value) is float
    assert value == pytest.approx(expected.item(), rel=1e-10, abs=1e-10)
    assert d_scores.shape == scores.shape
    np.testing.assert_allclose(d_scores, variable.grad, rtol=1e-10, atol=1e-10)


def test_gradient_equals_differences(case, scores, targets, sample_weight, differences):
    def value(flat):
        return case.loss(flat.reshape(scores.shape), targets[:], sample_weight)[0]

    _, d_scores = case.loss(scores, targets[:], sample_weight)
    expected = differences(value, scores.ravel(), 1e-6)
    scale = np.abs(d_scores).max()
    np.testing.assert_allclose(d_scores.ravel(), expected, atol=1e-6 * scale)


def as_matrices(product, scores):
    """Return the second derivatives of each row, (n, k, k)."""
    units = np.eye(scores.shape[1])
    columns = [product(np.broadcast_to(unit, scores.shape)) for unit in units]
    return np.stack(columns, axis=2)


@pytest.mark.parametrize("case", [CASES[name] for name in CURVED], ids=CURVED)
def test_curvature_equals_differences_of_the_gradient(case, scores, targets, rng):
    sample_weight, step = rng.random(N_ROWS), 1e-6
    curvature = as_matrices(case.curvature(scores, targets[:], sample_weight), scores)
    for column, unit in enumerate(np.eye(case.n_outputs)):
        above, below = (
            case.loss(scores + h * unit, targets[:], sample_weight)[1]
            for h in (step, -step)
        )
        expected = (above - below) / (2 * step)
        np.testing.assert_allclose(curvature[:, :, column], expected, atol=1e-7)
    assert np.linalg.eigvalsh(curvature).min() > -1e-12


def test_sum_over_blocks_is_the_whole(case, scores, targets, rng):
    sample_weight = rng.random(N_ROWS)
    value, d_scores = case.loss(scores, targets[:], sample_weight)
    blocks = [slice(0, 1), slice(1, 6), slice(6, N_ROWS)]
    parts = [case.loss(scores[b], targets[b], sample_weight[b]) for b in blocks]
    assert sum(part[0] for part in parts) == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(
        np.concatenate([part[1] for part in parts]), d_scores, rtol=1e-13
    )


def test_no_sample_weight_means_equal_weights(case, scores, targets):
    value, d_scores = case.loss(scores, targets[:], None)
    expected = case.loss(scores, targets[:], np.full(N_ROWS, 1 / N_ROWS))
    assert value == pytest.approx(expected[0], rel=1e-13)
    np.testing.assert_allclose(d_scores, expected[1], rtol=1e-13)


def test_weight_of_two_is_the_row_twice(case, scores, targets):
    twice = [0, 1, 1, 3, 4, 4, 4]
    counts = np.array([1.0, 2, 0, 1, 3])
    weighted, _ = case.loss(scores[:5], targets[:5], counts / 7)
    repeated, _ = case.loss(scores[twice], targets[twice], None)
    assert weighted == pytest.approx(repeated, rel=1e-13)


def test_arguments_stay_as_they_are(case, scores, targets):
    before = scores.copy()
    case.loss(scores, targets[:], None)
    np.testing.assert_array_equal(scores, before)


def test_extreme_scores_are_neither_inf_nor_nan(case, labels, targets, rng):
    signs = rng.choice([-1.0, 0.0, 1.0], (N_ROWS, case.n_outputs))
    for dtype in (np.float64, np.float32):
        scores = (1e4 * signs).astype(dtype)
        value, d_scores = case.loss(scores, targets[:], None)
        assert np.isfinite(value)
        assert np.isfinite(d_scores).all()
        if case.curvature is not None:
            sample_weight = np.full(N_ROWS, 1 / N_ROWS)
            product = case.curvature(scores, targets[:], sample_weight)
            assert np.isfinite(as_matrices(product, scores)).all()


@given(arrays(float, (6, 3), elements=st.floats(-1e4, 1e4)), st.floats(-1e3, 1e3))
def test_a_constant_on_all_scores_changes_no_loss_of_differences(scores, shift):
    labels = np.arange(6) % 3
    for loss in (softmax_cross_entropy, hinge(weston_watkins(1.0)), perceptron):
        moved, _ = loss(scores + shift, labels)
        assert moved == pytest.approx(loss(scores, labels)[0], rel=1e-9, abs=1e-9)


@given(arrays(float, (6, 1), elements=st.floats(-1e4, 1e4)))
def test_sigmoid_is_the_softmax_of_zero_and_the_score(scores):
    labels, sample_weight = np.arange(6) % 2, np.arange(6.0)
    loss, d_scores = sigmoid_cross_entropy(scores, labels, sample_weight)
    both = np.hstack([0 * scores, scores])
    expected = softmax_cross_entropy(both, labels, sample_weight)
    assert loss == pytest.approx(expected[0], rel=1e-13, abs=1e-13)
    np.testing.assert_allclose(d_scores[:, 0], expected[1][:, 1], atol=1e-13)
    curvature = sigmoid_curvature(scores, labels, sample_weight)(np.ones((6, 1)))[:, 0]
    one_hot = np.tile([0.0, 1.0], (6, 1))
    of_both = softmax_curvature(both, labels, sample_weight)(one_hot)[:, 1]
    np.testing.assert_allclose(curvature, of_both, atol=1e-13)


def test_hinge_of_two_scores_is_one_vs_rest_of_their_difference(rng):
    scores, labels = rng.normal(size=(9, 2)), np.arange(9) % 2
    one = (scores[:, 1] - scores[:, 0])[:, None]
    for loss in (hinge, squared_hinge):
        expected, _ = loss(weston_watkins(0.7))(scores, labels)
        assert loss(one_vs_rest(0.7))(one, labels)[0] == pytest.approx(expected)


@pytest.mark.parametrize("violations", [weston_watkins(1.0), one_vs_rest(1.0)])
class TestSmoothedHinge:
    def test_is_the_largest_over_all_slopes(self, violations, rng):
        scores, labels = rng.normal(size=(8, 3)), rng.integers(0, 3, 8)
        z = violations(scores, labels).z
        z = np.maximum(z, -1e3)
        multipliers = rng.random((8, 3)) * (z > -1e3)
        slopes = np.linspace(0, 1, 10_001)[:, None, None]
        costs = slopes * z - 0.3 / 2 * (slopes - multipliers) ** 2
        loss = smoothed_hinge(violations, 0.3)
        value, _ = loss(scores, (labels, multipliers))
        assert value == pytest.approx(costs.max(axis=0).sum() / 8, abs=1e-7)

    def test_lies_below_the_hinge_by_half_the_width_at_most(self, violations, rng):
        scores, labels = rng.normal(size=(50, 3)), rng.integers(0, 3, 50)
        none = np.zeros((50, 3))
        exact = hinge(violations)(scores, labels)[0]
        for width in (0.01, 0.1, 1.0):
            smooth = smoothed_hinge(violations, width)(scores, (labels, none))[0]
            assert exact - 3 * width / 2 <= smooth < exact

    def test_meets_the_hinge_at_its_slopes(self, violations, rng):
        scores, labels = rng.normal(size=(50, 3)), rng.integers(0, 3, 50)
        slopes = (violations(scores, labels)[0] > 0).astype(float)
        ours = smoothed_hinge(violations, 0.5)(scores, (labels, slopes))
        exact = hinge(violations)(scores, labels)
        assert ours[0] == pytest.approx(exact[0], rel=1e-13)
        np.testing.assert_allclose(ours[1], exact[1], rtol=1e-13)
