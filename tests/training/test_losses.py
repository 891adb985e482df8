"""Losses: worked examples, torch, central differences, each other."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import top_k_accuracy_score

from skvision._training.linear import minimize_linear
from skvision._training.losses import (
    hinge,
    one_vs_rest,
    perceptron,
    sigmoid_cross_entropy,
    sigmoid_curvature,
    sigmoid_squared_error,
    smoothed,
    softmax_cross_entropy,
    softmax_curvature,
    squared_error,
    squared_hinge,
    squared_hinge_curvature,
    weston_watkins,
)
from skvision._training.multipliers import (
    Multiplied,
    smoothed_hinge,
    smoothed_hinge_curvature,
)
from skvision._training.rows import Rows

CAT_CAR_FROG = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
FIRST_RIGHT = np.array([[10.0, -2, 3], [10, 9, 9], [10, -100, -100]])
N_ROWS = 11


class Case(NamedTuple):
    """A loss, its curvature, the formula of a row's loss in torch, columns."""

    loss: Callable
    curvature: Callable | None
    formula: Callable
    n_outputs: int
    multiplied: bool = False


def true_class(scores, labels):
    if scores.shape[1] == 1:
        return labels[:, None] == 1
    return torch.nn.functional.one_hot(labels, scores.shape[1]) == 1


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


@pytest.fixture(params=["equal", "some zero"])
def shares(request, rng):
    some_zero = rng.random(N_ROWS) * (np.arange(N_ROWS) % 3)
    return None if request.param == "equal" else some_zero


def each(loss, scores, labels):
    """Return the loss of each row."""
    return [loss(scores[i : i + 1], labels[i : i + 1])[0] for i in range(len(scores))]


def test_value_and_gradient_equal_torch(
    case, scores, labels, targets, multipliers, shares
):
    value, d_scores = case.loss(scores, targets[:], shares)
    variable = torch.tensor(scores, requires_grad=True)
    of_rows = case.formula(
        variable, torch.from_numpy(labels), torch.from_numpy(multipliers)
    )
    counts = np.full(N_ROWS, 1 / N_ROWS) if shares is None else shares
    expected = torch.from_numpy(counts) @ of_rows
    expected.backward()
    assert type(value) is float
    assert value == pytest.approx(expected.item(), rel=1e-10, abs=1e-10)
    assert d_scores.shape == scores.shape
    np.testing.assert_allclose(d_scores, variable.grad, rtol=1e-10, atol=1e-10)


def test_gradient_equals_differences(case, scores, targets, shares, differences):
    def value(flat):
        return case.loss(flat.reshape(scores.shape), targets[:], shares)[0]

    _, d_scores = case.loss(scores, targets[:], shares)
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
    shares, step = rng.random(N_ROWS), 1e-6
    curvature = as_matrices(case.curvature(scores, targets[:], shares), scores)
    for column, unit in enumerate(np.eye(case.n_outputs)):
        above, below = (
            case.loss(scores + h * unit, targets[:], shares)[1] for h in (step, -step)
        )
        expected = (above - below) / (2 * step)
        np.testing.assert_allclose(curvature[:, :, column], expected, atol=1e-7)
    assert np.linalg.eigvalsh(curvature).min() > -1e-12


def test_sum_over_blocks_is_the_whole(case, scores, targets, rng):
    shares = rng.random(N_ROWS)
    value, d_scores = case.loss(scores, targets[:], shares)
    blocks = [slice(0, 1), slice(1, 6), slice(6, N_ROWS)]
    parts = [case.loss(scores[b], targets[b], shares[b]) for b in blocks]
    assert sum(part[0] for part in parts) == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(
        np.concatenate([part[1] for part in parts]), d_scores, rtol=1e-13
    )


def test_no_shares_are_equal_shares(case, scores, targets):
    value, d_scores = case.loss(scores, targets[:], None)
    expected = case.loss(scores, targets[:], np.full(N_ROWS, 1 / N_ROWS))
    assert value == pytest.approx(expected[0], rel=1e-13)
    np.testing.assert_allclose(d_scores, expected[1], rtol=1e-13)


def test_share_of_two_is_the_row_twice(case, scores, targets):
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
            shares = np.full(N_ROWS, 1 / N_ROWS)
            product = case.curvature(scores, targets[:], shares)
            assert np.isfinite(as_matrices(product, scores)).all()


@given(arrays(float, (6, 3), elements=st.floats(-1e4, 1e4)), st.floats(-1e3, 1e3))
def test_a_constant_on_all_scores_changes_no_loss_of_differences(scores, shift):
    labels = np.arange(6) % 3
    for loss in (softmax_cross_entropy, hinge(weston_watkins(1.0)), perceptron):
        moved, _ = loss(scores + shift, labels)
        assert moved == pytest.approx(loss(scores, labels)[0], rel=1e-9, abs=1e-9)


@given(arrays(float, (6, 1), elements=st.floats(-1e4, 1e4)))
def test_sigmoid_is_the_softmax_of_zero_and_the_score(scores):
    labels, shares = np.arange(6) % 2, np.arange(6.0)
    loss, d_scores = sigmoid_cross_entropy(scores, labels, shares)
    both = np.hstack([0 * scores, scores])
    expected = softmax_cross_entropy(both, labels, shares)
    assert loss == pytest.approx(expected[0], rel=1e-13, abs=1e-13)
    np.testing.assert_allclose(d_scores[:, 0], expected[1][:, 1], atol=1e-13)
    curvature = sigmoid_curvature(scores, labels, shares)(np.ones((6, 1)))[:, 0]
    one_hot = np.tile([0.0, 1.0], (6, 1))
    of_both = softmax_curvature(both, labels, shares)(one_hot)[:, 1]
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


# the worked examples


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
    minimum = minimize_linear(
        Rows(X, X.mean(axis=0)),
        labels,
        np.full(20, 0.05),
        np.zeros(15),
        loss=softmax_cross_entropy,
        curvature=softmax_curvature,
        joint=True,
        alpha=1e9,
        l1_ratio=0,
        max_iter=100,
        tol=1e-10,
    )
    np.testing.assert_allclose(minimum.params[:12], 0, atol=1e-8)
    np.testing.assert_allclose(
        probabilities(minimum.params[12:]), [0.5, 0.3, 0.2], atol=1e-7
    )


# losses of networks

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
    def test_value_and_gradient_equal_torch(self, of_network, shares):
        loss, formula, scores, labels = of_network
        before = scores.copy()
        value, d_scores = loss(scores, labels, shares)
        np.testing.assert_array_equal(scores, before)
        variable = torch.tensor(scores, requires_grad=True)
        of_rows = formula(variable, torch.from_numpy(labels))
        counts = np.full(N_ROWS, 1 / N_ROWS) if shares is None else shares
        expected = torch.from_numpy(counts) @ of_rows
        expected.backward()
        assert type(value) is float
        assert value == pytest.approx(expected.item(), rel=1e-10)
        assert d_scores.shape == scores.shape
        np.testing.assert_allclose(d_scores, variable.grad, rtol=1e-10, atol=1e-10)

    def test_gradient_equals_differences(self, of_network, shares, differences):
        loss, _, scores, labels = of_network

        def value(flat):
            return loss(flat.reshape(scores.shape), labels, shares)[0]

        _, d_scores = loss(scores, labels, shares)
        expected = differences(value, scores.ravel(), 1e-5)
        scale = np.abs(d_scores).max()
        np.testing.assert_allclose(d_scores.ravel(), expected, atol=1e-6 * scale)

    def test_sum_over_blocks_is_the_whole(self, of_network, rng):
        loss, _, scores, labels = of_network
        shares = rng.random(N_ROWS)
        value, d_scores = loss(scores, labels, shares)
        blocks = [slice(0, 1), slice(1, 6), slice(6, N_ROWS)]
        parts = [loss(scores[b], labels[b], shares[b]) for b in blocks]
        assert sum(part[0] for part in parts) == pytest.approx(value, rel=1e-13)
        np.testing.assert_allclose(
            np.concatenate([part[1] for part in parts]), d_scores, rtol=1e-13
        )

    def test_share_of_two_is_the_row_twice(self, of_network):
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
    labels, shares = rng.integers(0, n_classes, N_ROWS), rng.random(N_ROWS)
    variable = torch.tensor(scores, requires_grad=True)
    losses = torch.nn.functional.cross_entropy(
        variable, torch.from_numpy(labels), label_smoothing=smoothing, reduction="none"
    )
    expected = torch.from_numpy(shares) @ losses
    expected.backward()
    value, d_scores = smoothed(softmax_cross_entropy, smoothing)(scores, labels, shares)
    assert value == pytest.approx(expected.item(), rel=1e-10)
    np.testing.assert_allclose(d_scores, variable.grad, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_smoothed_sigmoid_is_the_smoothed_softmax_of_zero_and_the_score(smoothing, rng):
    scores = 3 * rng.normal(size=(N_ROWS, 1))
    both = np.hstack([0 * scores, scores])
    labels = rng.integers(0, 2, N_ROWS)
    for shares in (None, rng.random(N_ROWS)):
        ours = smoothed(sigmoid_cross_entropy, smoothing)(scores, labels, shares)
        expected = smoothed(softmax_cross_entropy, smoothing)(both, labels, shares)
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
    scores, shares = rng.normal(size=(N_ROWS, n_outputs)), rng.random(N_ROWS)
    labels = rng.integers(0, max(n_outputs, 2), N_ROWS)
    for counts in (shares, None):
        of_32 = None if counts is None else counts.astype(np.float32)
        value, d_scores = loss(scores.astype(np.float32), labels, of_32)
        expected = loss(scores, labels, counts)
        assert type(value) is float
        assert value == pytest.approx(expected[0], rel=1e-5)
        np.testing.assert_allclose(d_scores, expected[1], rtol=1e-4, atol=1e-6)
        assert d_scores.dtype == np.float32
