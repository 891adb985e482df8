"""The objective of linear models and L-BFGS."""

import numpy as np
import pytest
from scipy.optimize import check_grad, rosen, rosen_der

from skvision._training.losses import softmax_cross_entropy
from skvision._training.minimize import minimize_lbfgs
from skvision._training.objective import linear_objective, split_linear
from skvision._training.penalties import l2


@pytest.fixture
def problem(rng):
    return rng.normal(size=(30, 5)) + 3, rng.integers(0, 3, 30), rng.random(30)


@pytest.mark.parametrize("centered", [True, False])
def test_gradient_against_differences(problem, centered, rng):
    X, labels, weights = problem
    objective = linear_objective(
        X,
        labels,
        weights,
        loss=softmax_cross_entropy,
        penalty=l2(0.1),
        center=X.mean(axis=0) if centered else None,
    )
    start = rng.normal(size=3 * (5 + centered))
    error = check_grad(lambda p: objective(p)[0], lambda p: objective(p)[1], start)
    assert error < 1e-6 * np.linalg.norm(objective(start)[1])


def test_centre_is_a_choice_of_coordinates(problem, rng):
    X, labels, weights = problem
    here, there = (
        linear_objective(
            X, labels, weights, loss=softmax_cross_entropy, penalty=l2(0.1), center=c
        )
        for c in (np.zeros(5), np.full(5, 3.0))
    )
    params = rng.normal(size=18)
    moved = params.copy()
    W, b = split_linear(moved, 5, fit_intercept=True)
    b += W @ np.full(5, 3.0)
    assert there(moved)[0] == pytest.approx(here(params)[0], rel=1e-13)


def test_penalty_leaves_biases_alone(problem):
    X, labels, _ = problem
    objective = linear_objective(
        X,
        labels,
        None,
        loss=softmax_cross_entropy,
        penalty=l2(10.0),
        center=np.zeros(5),
    )
    biases = np.zeros(18)
    biases[15:] = 1  # the same for all classes: no loss, and no penalty
    assert objective(biases)[0] == pytest.approx(np.log(3))


def test_float32_is_not_copied_to_float64(problem):
    X, labels, _ = problem
    X = X.astype(np.float32)
    center = np.zeros(5)
    value, gradient = linear_objective(
        X, labels, None, loss=softmax_cross_entropy, penalty=l2(0.1), center=center
    )(np.ones(18))
    expected = linear_objective(
        X.astype(float), labels, None, loss=softmax_cross_entropy, penalty=l2(0.1),
        center=center,
    )(np.ones(18))  # fmt: skip
    assert value == pytest.approx(expected[0], rel=1e-6)
    assert gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, expected[1], atol=1e-6)


def test_lbfgs_finds_the_minimum():
    minimum = minimize_lbfgs(
        lambda x: (float(rosen(x)), rosen_der(x)), np.zeros(6), max_iter=500, tol=1e-9
    )
    np.testing.assert_allclose(minimum.params, 1, atol=1e-8)
    assert minimum.largest_slope <= 1e-9
    assert len(minimum.loss_curve) == minimum.n_iter + 1
    assert minimum.loss_curve[0] == rosen(np.zeros(6))
    assert (np.diff(minimum.loss_curve) <= 0).all()


def test_lbfgs_stops_after_max_iter():
    minimum = minimize_lbfgs(
        lambda x: (float(rosen(x)), rosen_der(x)), np.zeros(6), max_iter=3, tol=1e-9
    )
    assert minimum.n_iter == 3
    assert minimum.largest_slope > 1e-9
