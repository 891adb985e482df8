"""Newton's method: quadratics, softmax regression, a Hessian without an inverse."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skvision._training.losses import (
    sigmoid_cross_entropy,
    sigmoid_curvature,
    softmax_cross_entropy,
    softmax_curvature,
)
from skvision._training.newton import minimize_newton
from skvision._training.objective import linear_hessian, linear_objective
from skvision._training.penalties import l2
from skvision._training.rows import Rows


def softmax_regression(X, labels, shares, alpha):
    """Return an objective and its Hessian."""
    rows, penalty = Rows(X, np.zeros(X.shape[1])), l2(alpha)
    objective = linear_objective(
        rows, labels, shares, loss=softmax_cross_entropy, penalty=penalty
    )
    return objective, linear_hessian(
        rows, labels, shares, curvature=softmax_curvature, l2=alpha
    )


@pytest.fixture
def problem(rng):
    labels = rng.integers(0, 3, 80)
    return rng.normal(size=(80, 5)) + labels[:, None], labels, np.full(80, 1 / 80)


def test_a_quadratic_takes_one_step(rng):
    Q, _ = np.linalg.qr(rng.normal(size=(20, 20)))
    H = (Q * np.geomspace(1e-6, 1, 20)) @ Q.T

    def bowl(x):
        gradient = H @ (x - 1)
        return float((x - 1) @ gradient / 2), gradient

    minimum = minimize_newton(
        bowl, np.zeros(20), hessian=lambda x: H.copy(), max_iter=1, tol=0
    )
    assert minimum.n_iter == 1
    np.testing.assert_allclose(minimum.params, 1, atol=1e-5)


def test_goes_on_to_rounding(problem):
    objective, hessian = softmax_regression(*problem, alpha=0.01)
    minimum = minimize_newton(
        objective, np.zeros(18), hessian=hessian, max_iter=50, tol=1e-4
    )
    assert minimum.error < 1e-14
    assert minimum.n_iter < 12
    assert len(minimum.loss_curve) == minimum.n_iter + 1
    assert minimum.error == np.abs(minimum.residual).max()
    np.testing.assert_array_equal(minimum.residual, objective(minimum.params)[1])


def test_order_of_rows_changes_the_minimum_by_rounding_only(problem, rng):
    X, labels, shares = problem
    order = rng.permutation(80)
    minima = [
        minimize_newton(
            objective, np.zeros(18), hessian=hessian, max_iter=50, tol=1e-4
        ).params
        for objective, hessian in (
            softmax_regression(X, labels, shares, 0.01),
            softmax_regression(X[order], labels[order], shares, 0.01),
        )
    ]
    np.testing.assert_allclose(*minima, atol=1e-12)


def test_equals_scikit_learn(problem):
    X, labels, shares = problem
    labels = labels % 2
    rows = Rows(X, np.zeros(5))
    minimum = minimize_newton(
        linear_objective(
            rows, labels, shares, loss=sigmoid_cross_entropy, penalty=l2(0.02)
        ),
        np.zeros(6),
        hessian=linear_hessian(
            rows, labels, shares, curvature=sigmoid_curvature, l2=0.02
        ),
        max_iter=50,
        tol=1e-8,
    )
    theirs = LogisticRegression(
        C=1 / (0.02 * 80), solver="newton-cholesky", tol=1e-12, max_iter=1000
    ).fit(X, labels)
    np.testing.assert_allclose(minimum.params[:5], theirs.coef_[0], atol=1e-9)
    assert minimum.params[5] == pytest.approx(theirs.intercept_[0], abs=1e-9)


def test_a_hessian_without_an_inverse(rng):
    """Of equal columns, and of a column of zeros."""
    x = rng.normal(size=(60, 1))
    X, labels = np.hstack([x, x, 0 * x]), (x[:, 0] + rng.normal(size=60) > 0) * 1
    objective, hessian = softmax_regression(X, labels, np.full(60, 1 / 60), alpha=0)
    minimum = minimize_newton(
        objective, np.zeros(8), hessian=hessian, max_iter=100, tol=1e-10
    )
    assert minimum.error <= 1e-10


@pytest.mark.parametrize("scale", [1e-150, 1e-20, 1e20, 1e100])
def test_any_scale(scale):
    minimum = minimize_newton(
        lambda x: (float(scale * (x - 1) @ (x - 1)), 2 * scale * (x - 1)),
        np.zeros(3),
        hessian=lambda x: 2 * scale * np.eye(3),
        max_iter=9,
        tol=0,
    )
    np.testing.assert_allclose(minimum.params, 1, rtol=1e-12)


def test_steps_too_long_are_shortened():
    """Of sqrt(1 + x^2), from afar, whole steps diverge."""

    def valley(x):
        root = np.sqrt(1 + x @ x)
        return float(root), x / root

    minimum = minimize_newton(
        valley,
        np.array([3.0]),
        hessian=lambda x: np.atleast_2d((1 + x @ x) ** -1.5),
        max_iter=50,
        tol=1e-12,
    )
    assert minimum.error <= 1e-12
    assert (np.diff(minimum.loss_curve) <= 0).all()


def test_a_step_is_shortened_as_often_as_it_takes():
    """Of a slope that is the same from afar, where next to nothing bends."""
    width = 1e-4

    def trough(x):
        near = np.abs(x) < width
        value = np.where(near, x**2 / (2 * width), np.abs(x) - width / 2)
        return float(value.sum()), np.clip(x / width, -1, 1)

    minimum = minimize_newton(
        trough,
        np.array([3.0]),
        hessian=lambda x: np.diag(1e-7 + (np.abs(x) < width) / width),
        max_iter=100,
        tol=1e-10,
    )
    assert minimum.error <= 1e-10


def test_stops_after_max_iter_and_when_told(problem):
    objective, hessian = softmax_regression(*problem, alpha=0.01)
    for max_iter in (0, 1, 2):
        minimum = minimize_newton(
            objective, np.zeros(18), hessian=hessian, max_iter=max_iter, tol=1e-9
        )
        assert minimum.n_iter == max_iter
    told = []
    minimum = minimize_newton(
        objective,
        np.zeros(18),
        hessian=hessian,
        max_iter=50,
        tol=1e-9,
        on_iteration=lambda params: told.append(params) or len(told) == 2,
    )
    assert minimum.n_iter == 2
    np.testing.assert_array_equal(minimum.params, told[-1])
