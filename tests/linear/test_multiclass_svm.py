"""MulticlassSVM against scikit-learn, independent solvers and its own formula."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from skvision import MulticlassSVM, SoftmaxRegression


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def violations(W, b, X, labels, multi_class, margin=1.0):
    """Return what exceeds the margins, row by class, zero where nothing does."""
    scores = X @ W.T + b
    rows = np.arange(len(X))
    if multi_class == "ovr" or scores.shape[1] == 1:
        sign = np.full(scores.shape, -1.0)
        sign[rows, labels if scores.shape[1] > 1 else 0] = 1
        if scores.shape[1] == 1:
            sign = np.where(labels == 1, 1.0, -1.0)[:, None]
        return np.maximum(0, margin - sign * scores)
    z = np.maximum(0, margin + scores - scores[rows, labels][:, None])
    z[rows, labels] = 0
    return z


def objective(model, X, labels):
    """Write out what is minimized, at the weights of a fitted model."""
    z = violations(
        model.coef_, model.intercept_, X, labels, model.multi_class, model.margin
    )
    power = 1 if model.loss == "hinge" else 2
    l1, l2 = np.abs(model.coef_).sum(), np.sum(model.coef_**2) / 2
    penalty = model.l1_ratio * l1 + (1 - model.l1_ratio) * l2
    return (z**power).sum() / len(X) + model.alpha * penalty


@pytest.mark.parametrize("multi_class", ["weston_watkins", "ovr"])
@pytest.mark.parametrize("margin", [1.0, 2.5])
def test_squared_hinge_on_digits_is_the_optimum(digits, multi_class, margin):
    X, y = digits
    alpha, k, d = 0.1, 10, X.shape[1]

    def written_out(params):
        W, b = params[: k * d].reshape(k, d), params[k * d :]
        z = violations(W, b, X, y, multi_class, margin)
        d_scores = 2 * z / len(X)
        if multi_class == "ovr":
            d_scores[np.arange(len(X)), y] *= -1
        else:
            d_scores[np.arange(len(X)), y] = -d_scores.sum(axis=1)
        gradient = np.append((d_scores.T @ X + alpha * W).ravel(), d_scores.sum(0))
        return (z**2).sum() / len(X) + alpha / 2 * np.sum(W**2), gradient

    best = minimize(
        written_out,
        np.zeros(k * (d + 1)),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 20_000, "maxfun": 50_000, "ftol": 1e-15, "gtol": 1e-9},
    )
    model = MulticlassSVM(multi_class=multi_class, margin=margin, alpha=alpha)
    model.set_params(tol=1e-11)
    model.fit(X, y)
    assert objective(model, X, y) == pytest.approx(best.fun, rel=1e-6)
    assert model.loss_curve_[-1] == pytest.approx(objective(model, X, y), rel=1e-9)
    assert model.optimality_ <= 1e-11
    np.testing.assert_allclose(
        model.coef_, best.x[: k * d].reshape(k, d), atol=1e-4 * margin
    )


def test_hinge_of_two_classes_is_that_of_svc(digits):
    """SVC has the same free bias and is solved in its dual, by another method."""
    X, y = digits[0][digits[1] < 2], digits[1][digits[1] < 2]
    X = X + np.random.default_rng(0).normal(scale=3, size=X.shape)  # so that they mix
    alpha = 0.05
    model = MulticlassSVM("hinge", alpha=alpha, tol=1e-7).fit(X, y)
    theirs = SVC(kernel="linear", C=1 / (alpha * len(X)), tol=1e-8).fit(X, y)
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-4)
    np.testing.assert_allclose(model.intercept_, theirs.intercept_, atol=1e-3)
    assert model.optimality_ <= 1e-7


def test_squared_hinge_one_vs_rest_is_that_of_linear_svc(digits):
    X, y = digits
    alpha = 0.1
    model = MulticlassSVM(
        multi_class="ovr", alpha=alpha, tol=1e-12, fit_intercept=False
    )
    theirs = LinearSVC(C=1 / (2 * alpha * len(X)) * 2, tol=1e-8, fit_intercept=False)
    np.testing.assert_allclose(model.fit(X, y).coef_, theirs.fit(X, y).coef_, atol=1e-5)


@pytest.mark.parametrize("multi_class", ["weston_watkins", "ovr"])
def test_hinge_of_iris_by_a_quadratic_program(multi_class):
    """Slack variables and constraints, as the textbooks write it."""
    X, y = load_iris(return_X_y=True)
    X, y = StandardScaler().fit_transform(X)[::5], y[::5]
    alpha, n, k, d = 0.1, len(X), 3, X.shape[1]
    model = MulticlassSVM("hinge", multi_class=multi_class, alpha=alpha, tol=1e-7)
    model.fit(X, y)
    pairs = [
        (i, j) for i in range(n) for j in range(k) if multi_class == "ovr" or j != y[i]
    ]
    A = np.zeros((len(pairs), k * d + k))
    for row, (i, j) in zip(A, pairs, strict=True):  # A w >= 1 - slack
        if multi_class == "ovr":
            sign = 1 if j == y[i] else -1
            row[j * d : (j + 1) * d], row[k * d + j] = sign * X[i], sign
        else:
            row[y[i] * d : (y[i] + 1) * d], row[k * d + y[i]] = X[i], 1
            row[j * d : (j + 1) * d], row[k * d + j] = -X[i], -1
    n_w = k * d + k

    def value(v):
        w, slack = v[:n_w], v[n_w:]
        gradient = np.append(alpha * w, np.full(len(slack), 1 / n))
        gradient[k * d : n_w] = 0
        return slack.sum() / n + alpha / 2 * w[: k * d] @ w[: k * d], gradient

    constraint = np.hstack([A, np.eye(len(pairs))])
    best = minimize(
        value,
        np.append(np.zeros(n_w), np.ones(len(pairs))),
        jac=True,
        method="SLSQP",
        bounds=[(None, None)] * n_w + [(0, None)] * len(pairs),
        constraints={
            "type": "ineq",
            "fun": lambda v: constraint @ v - 1,
            "jac": lambda v: constraint,
        },
        options={"maxiter": 1000, "ftol": 1e-12},
    )
    assert objective(model, X, y) == pytest.approx(best.fun, rel=1e-6)


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_two_classes_are_two_rows_at_twice_alpha(loss, rng):
    """A third class without an image of weight makes it the problem with rows."""
    X, y = rng.normal(size=(60, 3)), np.arange(60) % 2
    one_row = MulticlassSVM(loss, alpha=0.1, tol=1e-9).fit(X, y)
    X3, y3 = np.vstack([X, np.zeros((1, 3))]), np.append(y, 2)
    weights = np.append(np.ones(60), 0)
    # the third class wants to be below both, which its free bias does at no cost
    rows = MulticlassSVM(loss, alpha=0.2, tol=1e-9).fit(X3, y3, sample_weight=weights)
    difference = rows.coef_[1] - rows.coef_[0]
    np.testing.assert_allclose(difference, one_row.coef_[0], atol=1e-3)
    assert one_row.coef_.shape == (1, 3)
    assert one_row.decision_function(X).shape == (60,)


def test_margin_and_alpha_are_one_trade_off(rng):
    X, y = rng.normal(size=(60, 4)), np.arange(60) % 3
    one = MulticlassSVM("hinge", alpha=0.1, tol=1e-9).fit(X, y)
    four = MulticlassSVM("hinge", alpha=0.1 / 4, margin=4.0, tol=1e-9).fit(X, y)
    np.testing.assert_allclose(four.coef_, 4 * one.coef_, rtol=1e-4, atol=1e-5)


def test_bias_in_the_middle_of_its_interval():
    """Points that penalized weights keep within the margin leave the bias open."""
    X, y = np.array([[-1.0], [1.0]]), [0, 1]
    model = MulticlassSVM("hinge", alpha=1.0, tol=1e-9).fit(X, y)
    # alpha w = 1: both points violate the margin or lie on it for b from 0 to 0
    assert model.coef_[0, 0] == pytest.approx(1.0, abs=1e-4)
    assert model.intercept_[0] == pytest.approx(0.0, abs=1e-9)
    model = MulticlassSVM("hinge", alpha=4.0, tol=1e-9).fit(X, y)
    # w = 1/4: the loss is the same for each b from -3/4 to 3/4
    assert model.coef_[0, 0] == pytest.approx(0.25, abs=1e-4)
    assert model.intercept_[0] == pytest.approx(0.0, abs=1e-9)
    moved = MulticlassSVM("hinge", alpha=4.0, tol=1e-9).fit(X + 10, y)
    assert moved.intercept_[0] == pytest.approx(-2.5, abs=1e-3)


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_first_loss_is_that_of_equal_scores(loss, digits):
    X, y = digits
    model = MulticlassSVM(loss, alpha=0.1).fit(X[:300], y[:300])
    assert model.loss_curve_[0] == pytest.approx(9.0)


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_l1_makes_zeros_and_is_optimal(loss, digits):
    X, y = digits[0][:400], digits[1][:400]
    model = MulticlassSVM(
        loss, alpha=0.02, l1_ratio=0.8, multi_class="ovr", tol=1e-4, max_iter=5000
    ).fit(X, y)
    assert 0.3 < np.mean(model.coef_ == 0) < 0.95
    here = objective(model, X, y)
    rng = np.random.default_rng(0)
    coef, intercept = model.coef_, model.intercept_
    for scale in (1e-3, 1e-2, 1e-1):
        for _ in range(20):
            model.coef_ = coef + scale * rng.normal(size=coef.shape) * (coef != 0)
            model.intercept_ = intercept + scale * rng.normal(size=intercept.shape)
            assert objective(model, X, y) > here * (1 - 2e-4)


@pytest.fixture(scope="module", params=[MulticlassSVM, SoftmaxRegression])
def exact(request, digits):
    return request.param(alpha=0.01, tol=1e-6).fit(*digits)


@pytest.mark.parametrize("solver", ["sgd", "adagrad", "rmsprop", "adam"])
def test_batches_come_near_the_optimum(exact, solver, digits):
    X, y = digits
    model = type(exact)(
        alpha=0.01,
        solver=solver,
        learning_rate="cosine",
        learning_rate_init={"adagrad": 0.1, "sgd": 0.003}.get(solver, 0.01),
        max_iter=60,
        n_iter_no_change=60,
        batch_size=64,
        random_state=0,
    )
    with pytest.warns(ConvergenceWarning, match=r"keeps the result of 60 of max_iter"):
        model.fit(X, y)
    value = model.loss_and_gradient(X, y)[0]
    best = exact.loss_and_gradient(X, y)[0]
    assert best == pytest.approx(exact.loss_curve_[-1], rel=1e-9)
    assert best <= value < 1.25 * best
    assert len(model.loss_curve_) == model.n_iter_ + 1 == 61


def test_average_of_weights_is_steadier(digits):
    X, y = digits
    last = MulticlassSVM(
        solver="sgd",
        learning_rate_init=0.05,
        max_iter=20,
        n_iter_no_change=20,
        random_state=0,
    )
    mean = clone(last).set_params(average=5000)
    for model in (last, mean):
        with pytest.warns(ConvergenceWarning):
            model.fit(X, y)
    assert mean.loss_and_gradient(X, y)[0] < last.loss_and_gradient(X, y)[0]


def test_templates(rng):
    images = rng.integers(0, 256, (30, 6, 5, 3), dtype=np.uint8)
    y = np.arange(30) % 3
    color = MulticlassSVM(alpha=10.0).fit(images, y)
    assert color.templates_.shape == (3, 6, 5, 3)
    np.testing.assert_array_equal(color.templates_.reshape(3, -1), color.coef_)
    assert MulticlassSVM(alpha=10.0).fit(images[..., 0], y).templates_.shape == (
        3,
        6,
        5,
    )
    flat = MulticlassSVM(alpha=10.0).fit(images.reshape(30, -1), y)
    with pytest.raises(AttributeError, match="was fitted to flat rows"):
        _ = flat.templates_


def test_weight_decay_of_adamw_is_a_penalty(digits):
    X, y = digits
    sizes = []
    for alpha in (0, 0.1, 10):
        model = MulticlassSVM(solver="adamw", alpha=alpha, random_state=0, tol=1e-2)
        sizes.append(np.linalg.norm(model.fit(X, y).coef_))
    assert sizes[0] > sizes[1] > sizes[2] > 0


def test_a_rising_loss_warns(digits):
    model = MulticlassSVM(
        solver="sgd", learning_rate_init=0.1, batch_size=64, max_iter=3
    )
    with pytest.warns(ConvergenceWarning, match="loss rose from 9 to .* Decrease"):
        model.fit(*digits)


def test_diverging_batches_are_an_error(digits):
    X, y = digits
    model = MulticlassSVM(solver="sgd", learning_rate_init=1e4)
    with pytest.raises(ValueError, match="the penalty alone makes the weights diverge"):
        model.fit(X, y)
    assert not hasattr(model, "coef_")
