"""Proximal steps: the lasso and the elastic net of scikit-learn, and exact zeros."""

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, Lasso

from skvision._training.losses import softmax_cross_entropy
from skvision._training.objective import linear_objective
from skvision._training.penalties import l2
from skvision._training.proximal import minimize_proximal
from skvision._training.rows import Rows, column_variances

N, D = 60, 25


@pytest.fixture(params=[1.0, 30.0], ids=["alike", "unlike"])
def problem(request, rng):
    """Return rows of columns that are scaled alike or not, and what to predict."""
    X = rng.normal(size=(N, D)) * np.geomspace(1 / request.param, 1, D)
    X += 0.5 * X[:, ::-1]
    truth = rng.normal(size=D) * (np.arange(D) % 4 == 0)
    return X, X @ truth + 0.1 * rng.normal(size=N) + 2


def least_squares(X, y, l2_strength):
    """Return the mean of half the squares, plus L2, of weights and a bias."""

    def objective(params):
        w, b = params[:D], params[D]
        rest = X @ w + b - y
        gradient = np.append(X.T @ rest / N + l2_strength * w, rest.mean())
        return float(rest @ rest / (2 * N) + l2_strength / 2 * w @ w), gradient

    return objective


def minimum_of(X, y, alpha, l1_ratio, *, start=None, **options):
    return minimize_proximal(
        least_squares(X, y, alpha * (1 - l1_ratio)),
        np.zeros(D + 1) if start is None else start,
        l1=alpha * l1_ratio,
        n_penalised=D,
        scale=np.append(X.var(axis=0), 1),
        **{"max_iter": 100_000, "tol": 1e-10} | options,
    )


@pytest.mark.parametrize("alpha", [0.003, 0.03, 0.3])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_equals_scikit_learn(problem, alpha, l1_ratio):
    X, y = problem
    minimum = minimum_of(X, y, alpha, l1_ratio)
    if l1_ratio == 1:
        theirs = Lasso(alpha, tol=1e-14, max_iter=10**6)
    else:
        theirs = ElasticNet(alpha, l1_ratio=l1_ratio, tol=1e-14, max_iter=10**6)
    theirs.fit(X, y)
    assert minimum.error <= 1e-10
    np.testing.assert_allclose(minimum.params[:D], theirs.coef_, atol=1e-7)
    assert minimum.params[D] == pytest.approx(theirs.intercept_, abs=1e-7)
    zeros = minimum.params[:D] == 0
    np.testing.assert_array_equal(zeros, theirs.coef_ == 0)
    assert zeros.any() or alpha < 0.03


def test_residual_is_the_least_subgradient(problem):
    X, y = problem
    minimum = minimum_of(X, y, 0.05, 1.0, tol=1e-6)
    w, slope = minimum.params, least_squares(X, y, 0)(minimum.params)[1]
    assert minimum.error == np.abs(minimum.residual).max() <= 1e-6
    np.testing.assert_allclose(minimum.residual[D], slope[D], atol=1e-15)
    for j in range(D):
        if w[j] == 0:
            least = max(abs(slope[j]) - 0.05, 0)
        else:
            least = abs(slope[j] + 0.05 * np.sign(w[j]))
        assert abs(minimum.residual[j]) == pytest.approx(least, abs=1e-15)


def test_loss_curve_has_the_penalty(problem):
    X, y = problem
    minimum = minimum_of(X, y, 0.05, 0.5)
    value = least_squares(X, y, 0.025)(minimum.params)[0]
    value += 0.025 * np.abs(minimum.params[:D]).sum()
    assert minimum.loss_curve[-1] == pytest.approx(value, rel=1e-14)
    assert minimum.loss_curve[0] == pytest.approx(y @ y / (2 * N), rel=1e-14)
    assert len(minimum.loss_curve) == minimum.n_iter + 1


def test_a_strong_penalty_leaves_nothing_but_the_bias(problem):
    X, y = problem
    minimum = minimum_of(X, y, 100.0, 1.0)
    assert not minimum.params[:D].any()
    assert minimum.params[D] == pytest.approx(y.mean(), rel=1e-9)


def test_start_does_not_matter_and_is_left_alone(problem, rng):
    X, y = problem
    start = rng.normal(size=D + 1)
    before = start.copy()
    warm = minimum_of(X, y, 0.05, 0.5, start=start)
    np.testing.assert_array_equal(start, before)
    cold = minimum_of(X, y, 0.05, 0.5)
    np.testing.assert_allclose(warm.params, cold.params, atol=1e-8)
    again = minimum_of(X, y, 0.05, 0.5, start=cold.params)
    assert again.n_iter == 0


def test_stops_after_max_iter_and_when_told(problem):
    X, y = problem
    for max_iter in (0, 1, 5):
        assert minimum_of(X, y, 0.05, 0.5, max_iter=max_iter).n_iter == max_iter
    told = []
    minimum = minimum_of(
        X, y, 0.05, 0.5, on_iteration=lambda p: told.append(p) or len(told) == 3
    )
    assert minimum.n_iter == 3
    np.testing.assert_array_equal(minimum.params, told[-1])


def test_scale_of_the_columns_shortens_the_way(problem):
    X, y = problem
    options = {"l1": 0.01, "n_penalised": D, "max_iter": 100_000, "tol": 1e-8}
    objective = least_squares(X, y, 0.0)
    plain, scaled = (
        minimize_proximal(objective, np.zeros(D + 1), scale=scale, **options)
        for scale in (np.ones(D + 1), np.append(X.var(axis=0), 1))
    )
    np.testing.assert_allclose(plain.params, scaled.params, atol=1e-4)
    assert scaled.n_iter < 1.5 * plain.n_iter


def test_ends_where_rounding_lets_the_value_fall_no_more(rng):
    X = rng.normal(size=(200, 20)).astype(np.float32)
    labels, shares = rng.integers(0, 3, 200), np.full(200, 1 / 200)
    rows = Rows(X, X.mean(axis=0))
    scale = np.ones(63)
    scale[:60] = np.tile(column_variances(rows, shares), 3)
    minimum = minimize_proximal(
        linear_objective(
            rows, labels, shares, loss=softmax_cross_entropy, penalty=l2(0.0)
        ),
        np.zeros(63),
        l1=0.01,
        n_penalised=60,
        scale=scale,
        max_iter=100_000,
        tol=0,
        rounding=float(np.finfo(np.float32).eps),
    )
    assert minimum.n_iter < 1000
    assert minimum.error < 1e-5
