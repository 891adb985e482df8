"""The L1 penalty: scikit-learn's lasso, logistic regression, zeros and bounds."""

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, LogisticRegression

from skvision._training.losses import (
    one_vs_rest,
    softmax_cross_entropy,
    softmax_curvature,
    squared_hinge,
    squared_hinge_curvature,
    weston_watkins,
)
from skvision._training.problem import Problem
from skvision._training.smoothed_l1 import minimize_smoothed
from skvision._training.sources import ArraySource, Centered


def least_squares(scores, targets, sample_weight):
    error = scores[:, 0] - targets
    return float(sample_weight @ error**2 / 2), (sample_weight * error)[:, None]


def curvature_of_least_squares(scores, targets, sample_weight):
    return lambda change: sample_weight[:, None] * change


def problem_of(X, targets, alpha, l1_ratio, loss, curvature, n_outputs, joint):
    return Problem(
        Centered(ArraySource(X), X.mean(axis=0)),
        targets,
        np.full(len(X), 1 / len(X)),
        loss,
        curvature,
        l1=alpha * l1_ratio,
        l2=alpha * (1 - l1_ratio),
        n_outputs=n_outputs,
        joint=joint,
    )


def minimum_of(problem, start=None, **options):
    n_params = problem.n_outputs * (problem.rows.n_features + 1)
    start = np.zeros(n_params) if start is None else start
    return minimize_smoothed(
        problem, start, **{"max_iter": 100, "tol": 1e-12} | options
    )


@pytest.fixture
def points(rng):
    labels = rng.integers(0, 3, 80)
    return rng.normal(size=(80, 5)) + labels[:, None], labels


@pytest.mark.parametrize("alpha", [0.003, 0.03, 0.3, 100.0])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_lasso_and_elastic_net_are_those_of_scikit_learn(alpha, l1_ratio, spread, rng):
    X = rng.normal(size=(60, 25)) * np.geomspace(1 / spread, 1, 25)
    X += 0.5 * X[:, ::-1]
    truth = rng.normal(size=25) * (np.arange(25) % 4 == 0)
    y = X @ truth + 0.1 * rng.normal(size=60) + 2
    problem = problem_of(
        X, y, alpha, l1_ratio, least_squares, curvature_of_least_squares, 1, False
    )
    minimum = minimum_of(problem)
    theirs = ElasticNet(alpha, l1_ratio=l1_ratio, tol=1e-14, max_iter=10**6).fit(X, y)
    np.testing.assert_allclose(minimum.params[:25], theirs.coef_, atol=1e-6)
    np.testing.assert_array_equal(minimum.params[:25] == 0, theirs.coef_ == 0)


@pytest.mark.parametrize("alpha", [1e-3, 0.05])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_softmax_is_that_of_scikit_learn(points, alpha, l1_ratio):
    X, labels = points
    problem = problem_of(
        X, labels, alpha, l1_ratio, softmax_cross_entropy, softmax_curvature, 3, True
    )
    minimum = minimum_of(problem)
    theirs = LogisticRegression(
        C=1 / (alpha * len(X)),
        l1_ratio=l1_ratio,
        solver="saga",
        tol=1e-12,
        max_iter=10**5,
    ).fit(X, labels)
    W = minimum.params[:15].reshape(3, 5)
    np.testing.assert_allclose(W, theirs.coef_, atol=1e-5)
    np.testing.assert_array_equal(W == 0, theirs.coef_ == 0)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("kind", [weston_watkins, one_vs_rest])
def test_squared_hinge_of_noisy_rows(points, kind, l1_ratio):
    X, labels = points
    loss, curvature = squared_hinge(kind(1.0)), squared_hinge_curvature(kind(1.0))
    joint = kind is weston_watkins
    problem = problem_of(X, labels, 0.01, l1_ratio, loss, curvature, 3, joint)
    minimum = minimum_of(problem, tol=1e-10)
    assert minimum.error <= 1e-10
    assert np.abs(minimum.residual).max() < 1e-6


def test_any_start_leads_to_the_same_minimum(points, rng):
    X, labels = points
    problem = problem_of(
        X, labels, 0.01, 1.0, softmax_cross_entropy, softmax_curvature, 3, True
    )
    expected = minimum_of(problem)
    found = minimum_of(problem, 10 * rng.normal(size=18))
    again = minimum_of(problem, expected.params)
    for other in (found, again):
        np.testing.assert_allclose(other.params[:15], expected.params[:15], atol=1e-7)
    assert again.loss_curve[0] == pytest.approx(expected.loss_curve[-1], rel=1e-12)


def test_large_problems_are_solved_as_small_ones(points, monkeypatch):
    """Class by class with conjugate gradients, and with few weights at a time."""
    from skvision._training import class_inverses

    X, labels = points
    problem = problem_of(
        X, labels, 0.003, 1.0, softmax_cross_entropy, softmax_curvature, 3, True
    )
    expected = minimum_of(problem)
    monkeypatch.setattr(class_inverses, "MAX_DENSE", 0)
    for most in (5, 2):
        monkeypatch.setattr(class_inverses, "MAX_OWN", most)
        minimum = minimum_of(problem)
        np.testing.assert_allclose(minimum.params, expected.params, atol=1e-6)
        np.testing.assert_array_equal(minimum.params == 0, expected.params == 0)


def test_on_iteration_is_called_and_may_stop(points):
    X, labels = points
    problem = problem_of(
        X, labels, 0.01, 1.0, softmax_cross_entropy, softmax_curvature, 3, True
    )
    iterates = []
    minimum = minimum_of(
        problem,
        on_iteration=lambda params: iterates.append(params) or len(iterates) == 2,
    )
    assert minimum.n_iter == 2
    np.testing.assert_array_equal(minimum.params, iterates[-1])
