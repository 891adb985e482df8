"""Penalties: worked examples, torch, what a proximal map and a projection are."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skvision._training.penalties import elastic_net, l2, max_norm, soft_threshold

ONE, QUARTERS = np.array([1.0, 0, 0, 0]), np.full(4, 0.25)


def value_of(penalty, weights):
    return penalty(weights, np.zeros_like(weights))


def test_one_weight_or_four():
    assert value_of(l2(1.0), ONE) == 0.5
    assert value_of(l2(1.0), QUARTERS) == 0.125
    assert value_of(elastic_net(1.0, 1.0), ONE) == 1
    assert value_of(elastic_net(1.0, 1.0), QUARTERS) == 1
    assert ONE @ np.ones(4) == QUARTERS @ np.ones(4) == 1


def test_elastic_net_of_the_textbooks(rng):
    weights = rng.normal(size=7)
    for strength, beta in [(1.0, 1.0), (0.3, 0.2), (2.0, 0.0)]:
        theirs = strength * (beta * weights @ weights + np.abs(weights).sum())
        ours = elastic_net(strength * (1 + 2 * beta), 1 / (1 + 2 * beta))
        assert value_of(ours, weights) == pytest.approx(theirs, rel=1e-13)


@pytest.mark.parametrize("l1_ratio", [0, 0.15, 1])
@pytest.mark.parametrize("alpha", [0, 0.1, 3.0])
def test_value_and_gradient_equal_torch(alpha, l1_ratio, rng):
    weights = rng.normal(size=9)
    variable = torch.tensor(weights, requires_grad=True)
    expected = alpha * (
        l1_ratio * variable.abs().sum() + (1 - l1_ratio) / 2 * (variable**2).sum()
    )
    expected.backward()
    grads = before = rng.normal(size=9)
    before = before.copy()
    value = elastic_net(alpha, l1_ratio)(weights, grads)
    assert value == pytest.approx(expected.item(), rel=1e-13)
    np.testing.assert_allclose(grads - before, variable.grad, atol=1e-13)


def test_elastic_net_without_l1_is_l2(rng):
    weights, grads, of_l2 = rng.normal(size=5), np.zeros(5), np.zeros(5)
    value = elastic_net(0.7, 0)(weights, grads)
    assert value == l2(0.7)(weights, of_l2)
    np.testing.assert_array_equal(grads, of_l2)


def test_subgradient_at_zero_is_the_smooth_part():
    grads = np.zeros(3)
    elastic_net(1.0, 0.5)(np.array([0.0, 2.0, -2.0]), grads)
    np.testing.assert_array_equal(grads, [0, 1.5, -1.5])


def test_float32_stays_float32(rng):
    weights, grads = rng.normal(size=(2, 5)).astype(np.float32)
    assert type(elastic_net(0.1, 0.5)(weights, grads)) is float
    assert grads.dtype == np.float32


@given(st.floats(-5, 5), st.floats(0, 3))
def test_soft_threshold_is_the_proximal_map(w, threshold):
    def cost(u):
        return (u - w) ** 2 / 2 + threshold * np.abs(u)

    u = soft_threshold(np.array([w]), threshold)
    grid = np.linspace(-6, 6, 12_001)
    assert cost(u)[0] <= cost(grid).min() + 1e-12
    assert np.abs(u[0] - grid[cost(grid).argmin()]) <= 1e-3


def test_soft_threshold_gives_exact_zeros_and_takes_one_threshold_each():
    weights = np.array([1.0, -1.0, 0.3, 2.0])
    result = soft_threshold(weights, np.array([1.0, 2.0, 0.1, 0.0]))
    np.testing.assert_allclose(result, [0, 0, 0.2, 2], rtol=1e-15)
    assert (result == 0).sum() == 2


@given(
    arrays(float, (5, 3), elements=st.floats(-100, 100).filter(lambda x: x * x != 0)),
    st.floats(0.01, 50),
)
def test_max_norm_is_the_projection_on_the_ball(weights, limit):
    before, lengths = weights.copy(), np.linalg.norm(weights, axis=1)
    max_norm(weights, limit)
    short = lengths <= limit
    np.testing.assert_array_equal(weights[short], before[short])
    after = np.linalg.norm(weights, axis=1)
    np.testing.assert_allclose(after[~short], limit, rtol=1e-12)
    # the nearest point is as far away as the row is too long
    moved = np.linalg.norm(weights - before, axis=1)
    np.testing.assert_allclose(
        moved, np.maximum(lengths - limit, 0), rtol=1e-9, atol=1e-12
    )


def test_max_norm_leaves_a_row_of_zeros_alone():
    weights = np.array([[0.0, 0.0], [3.0, 4.0]])
    max_norm(weights, 1.0)
    np.testing.assert_allclose(weights, [[0, 0], [0.6, 0.8]])
