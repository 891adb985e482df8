"""Newton's method: softmax, squared hinge, a Hessian without an inverse."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skvision._training.duality_gap import relative_gap
from skvision._training.losses import (
    one_vs_rest,
    sigmoid_cross_entropy,
    sigmoid_curvature,
    softmax_cross_entropy,
    softmax_curvature,
    squared_hinge,
    squared_hinge_curvature,
    weston_watkins,
)
from skvision._training.newton import conjugate_gradients, minimize_newton
from skvision._training.precondition import hessian, hessian_inverse
from skvision._training.problem import Problem
from skvision._training.sources import ArraySource, Centered


def softmax_problem(X, labels, l2):
    return Problem(
        Centered(ArraySource(X), X.mean(axis=0)),
        labels,
        np.full(len(X), 1 / len(X)),
        softmax_cross_entropy,
        softmax_curvature,
        l1=0.0,
        l2=l2,
        n_outputs=3,
        joint=True,
    )


def minimum_of(problem, start=None, **options):
    n_params = problem.n_outputs * (problem.rows.n_features + problem.has_bias)
    return minimize_newton(
        problem,
        np.zeros(n_params) if start is None else start,
        **{"max_iter": 200, "tol": 1e-12, "gap": relative_gap} | options,
    )


@pytest.fixture
def points(rng):
    labels = rng.integers(0, 3, 80)
    return rng.normal(size=(80, 5)) + labels[:, None], labels


def test_conjugate_gradients_solve_and_return_the_second_function(rng):
    A, B = rng.normal(size=(9, 9)), rng.normal(size=(4, 9))
    A = A @ A.T + np.eye(9)
    right = rng.normal(size=9)
    solution, along, n_steps = conjugate_gradients(
        lambda v: (A @ v, B @ v), right, lambda v: v, 1e-12
    )
    np.testing.assert_allclose(A @ solution, right, atol=1e-9)
    np.testing.assert_allclose(along, B @ solution, atol=1e-9)
    assert n_steps <= 2 * 9


@pytest.mark.parametrize("n_values", [1, 2, 3])
def test_conjugate_gradients_take_a_step_for_each_eigenvalue(n_values, rng):
    Q = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    A = Q * np.geomspace(1, 4, n_values)[np.arange(12) % n_values] @ Q.T
    right = rng.normal(size=12)
    solution, _, n_steps = conjugate_gradients(
        lambda v: (A @ v, np.zeros(1)), right, lambda v: v, 1e-10
    )
    np.testing.assert_allclose(A @ solution, right, atol=1e-9)
    assert n_steps == n_values


@pytest.mark.parametrize("inverse", [None, hessian_inverse])
def test_the_gap_bounds_the_distance_and_goes_to_the_tolerance(points, inverse):
    problem = softmax_problem(*points, l2=0.01)
    best = minimum_of(problem, tol=1e-14, inverse=inverse)
    for max_iter in (1, 2, 3, 4):
        minimum = minimum_of(problem, max_iter=max_iter, inverse=inverse)
        assert minimum.n_iter == max_iter
        least = best.loss_curve[-1]
        value = problem.at(minimum.params).value
        assert -1e-15 <= value - least <= minimum.error * value + 1e-15
    assert best.error <= 1e-14
    assert np.abs(best.residual).max() < 1e-7


def test_continues_to_rounding(points, rng):
    X, labels = points
    order = rng.permutation(80)
    here, there = (
        minimum_of(
            softmax_problem(X[rows], labels[rows], l2=0.01),
            tol=1e-3,
            inverse=hessian_inverse,
            to_rounding=True,
        )
        for rows in (np.arange(80), order)
    )
    assert np.abs(here.residual).max() < 1e-14
    np.testing.assert_allclose(here.params[:15], there.params[:15], atol=1e-12)


def test_equals_scikit_learn(points):
    X, labels = points
    problem = replace(
        softmax_problem(X, labels % 2, l2=0.02),
        loss=sigmoid_cross_entropy,
        curvature=sigmoid_curvature,
        n_outputs=1,
        joint=False,
    )
    minimum = minimum_of(problem, inverse=hessian_inverse, to_rounding=True)
    theirs = LogisticRegression(
        C=1 / (0.02 * 80), solver="newton-cholesky", tol=1e-12, max_iter=1000
    ).fit(X, labels % 2)
    np.testing.assert_allclose(minimum.params[:5], theirs.coef_[0], atol=1e-9)
    bias = minimum.params[5] - minimum.params[:5] @ X.mean(axis=0)
    assert bias == pytest.approx(theirs.intercept_[0], abs=1e-9)


@pytest.mark.parametrize("kind", [weston_watkins, one_vs_rest])
def test_squared_hinge_of_noisy_rows(points, kind):
    X, labels = points
    problem = replace(
        softmax_problem(X, labels, l2=0.01),
        loss=squared_hinge(kind(1.0)),
        curvature=squared_hinge_curvature(kind(1.0)),
        joint=kind is weston_watkins,
    )
    minimum = minimum_of(problem, tol=1e-10)
    assert minimum.error <= 1e-10
    assert np.abs(minimum.residual).max() < 1e-4


def test_a_hessian_without_an_inverse(rng):
    """Of equal columns, a column of zeros, and scores that count by differences."""
    x = rng.normal(size=(60, 1))
    X, labels = np.hstack([x, x, 0 * x]), rng.integers(0, 3, 60)
    problem = softmax_problem(X, labels, l2=0.0)
    minimum = minimum_of(problem, inverse=hessian_inverse, to_rounding=True)
    assert np.abs(minimum.residual).max() < 1e-12
    assert np.linalg.matrix_rank(hessian(problem, problem.at(minimum.params))) < 10


def test_separable_rows_without_a_penalty_end_at_a_small_loss(points):
    X, labels = points
    problem = softmax_problem(X + 20 * np.eye(3, 5)[labels], labels, l2=0.0)
    minimum = minimum_of(problem, tol=1e-4)
    assert minimum.error <= 1e-4
    assert minimum.loss_curve[-1] <= 1e-4 * np.log(3)


def test_on_iteration_is_called_and_may_stop(points):
    iterates = []
    minimum = minimum_of(
        softmax_problem(*points, l2=0.01),
        on_iteration=lambda params: iterates.append(params) or len(iterates) == 2,
    )
    assert minimum.n_iter == 2
    np.testing.assert_array_equal(minimum.params, iterates[-1])


@pytest.mark.parametrize("max_steps", [1, 3])
def test_conjugate_gradients_end_after_their_last_step(max_steps, rng):
    """With the smallest energy among all combinations of powers of the matrix."""
    root, right = rng.normal(size=(8, 8)), rng.normal(size=8)
    matrix = root @ root.T
    solution, along, n_steps = conjugate_gradients(
        lambda v: (matrix @ v, root.T @ v), right, lambda v: v, 1e-9, max_steps
    )
    powers = np.stack([np.linalg.matrix_power(matrix, k) @ right for k in range(3)])
    basis = np.linalg.qr(powers[:max_steps].T)[0]
    expected = basis @ np.linalg.solve(basis.T @ matrix @ basis, basis.T @ right)
    assert n_steps == max_steps
    np.testing.assert_allclose(solution, expected, rtol=1e-6)
    np.testing.assert_allclose(along, root.T @ solution, rtol=1e-9)
