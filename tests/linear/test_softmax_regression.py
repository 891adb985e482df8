"""SoftmaxRegression against LogisticRegression and against its own formula."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from skvision import SoftmaxRegression
from skvision.datasets import load_cifar10


def objective(model, X, y, alpha, weights=None):
    """Write out what is minimized, from a fitted model of either library."""
    log_proba = model.predict_log_proba(X)
    picked = log_proba[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    return np.average(-picked, weights=weights) + alpha / 2 * np.sum(
        model.coef_.astype(float) ** 2
    )


def logistic(alpha, n, **parameters):
    return LogisticRegression(
        C=1 / (alpha * n), tol=1e-10, max_iter=10_000, **parameters
    )


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.mark.parametrize("alpha", [1e-3, 1e-1])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_same_optimum_as_logistic_regression_on_digits(digits, alpha, fit_intercept):
    X, y = digits
    ours = SoftmaxRegression(alpha, tol=1e-6, fit_intercept=fit_intercept).fit(X, y)
    precise = {"solver": "newton-cholesky"}  # L-BFGS may stop short of six digits
    theirs = logistic(alpha, len(X), fit_intercept=fit_intercept, **precise).fit(X, y)
    best = objective(theirs, X, y, alpha)
    assert abs(objective(ours, X, y, alpha) / best - 1) < 1e-6
    tight = SoftmaxRegression(alpha, tol=1e-13, fit_intercept=fit_intercept).fit(X, y)
    np.testing.assert_allclose(tight.coef_, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(
        tight.predict_proba(X), theirs.predict_proba(X), atol=1e-6
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.realdata
@pytest.mark.slow
def test_same_optimum_as_logistic_regression_on_cifar(data_root, dtype):
    data = load_cifar10(data_root)
    X = data.images[:2000, ::2, ::2].reshape(2000, -1) / 255.0
    X, y, alpha = StandardScaler().fit_transform(X), data.labels[:2000], 0.1
    ours = SoftmaxRegression(alpha).fit(X.astype(dtype), y)
    theirs = logistic(alpha, len(X)).fit(X, y)
    assert abs(objective(ours, X, y, alpha) / objective(theirs, X, y, alpha) - 1) < 1e-6


def test_optimum_of_the_written_out_objective():
    X, y = load_iris(return_X_y=True)
    alpha = 0.03

    def written_out(params):
        W, b = params[:12].reshape(3, 4), params[12:]
        scores = X @ W.T + b
        shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
        p = shifted / shifted.sum(axis=1, keepdims=True)
        return -np.mean(np.log(p[np.arange(len(y)), y])) + alpha / 2 * np.sum(W**2)

    best = minimize(written_out, np.zeros(15), method="BFGS", options={"gtol": 1e-7})
    model = SoftmaxRegression(alpha, tol=1e-8).fit(X, y)
    assert model.loss_curve_[-1] == pytest.approx(written_out(best.x), rel=1e-6)
    assert model.loss_curve_[-1] == pytest.approx(
        objective(model, X, y, alpha), rel=1e-12
    )
    assert model.loss_curve_[0] == pytest.approx(np.log(3))
    assert len(model.loss_curve_) == model.n_iter_ + 1


def test_two_classes_are_one_row_of_weights():
    X, y = load_iris(return_X_y=True)
    X, y = X[y > 0], np.array(["no", "yes"])[y[y > 0] - 1]
    alpha = 0.01
    model = SoftmaxRegression(alpha, tol=1e-9).fit(X, y)
    theirs = logistic(alpha, len(X)).fit(X, y)
    np.testing.assert_allclose(model.coef_, theirs.coef_, rtol=1e-4)
    np.testing.assert_allclose(model.intercept_, theirs.intercept_, rtol=1e-4)
    assert model.coef_.shape == (1, 4)
    assert model.decision_function(X).shape == (100,)
    np.testing.assert_array_equal(model.predict(X), theirs.predict(X))


def test_two_classes_are_two_rows_at_twice_alpha(rng):
    """A third class without an image of weight makes it the problem with rows."""
    X, y = rng.normal(size=(60, 3)), np.arange(60) % 2
    one_row = SoftmaxRegression(0.1, tol=1e-10).fit(X, y)
    X3, y3 = np.vstack([X, np.zeros((1, 3))]), np.append(y, 2)
    weights = np.append(np.ones(60), 0)
    rows = SoftmaxRegression(0.2, tol=1e-10).fit(X3, y3, sample_weight=weights)
    np.testing.assert_allclose(
        rows.coef_[1] - rows.coef_[0], one_row.coef_[0], rtol=1e-4
    )
    np.testing.assert_allclose(rows.coef_[2], 0, atol=1e-5)


def test_a_dwarfed_loss_leaves_the_class_priors(rng):
    X, y = rng.normal(size=(100, 4)), np.repeat(["a", "b", "c"], [50, 30, 20])
    model = SoftmaxRegression(1e9, tol=1e-9).fit(X, y)
    np.testing.assert_allclose(
        model.predict_proba(X[:2]), [[0.5, 0.3, 0.2]] * 2, rtol=1e-5
    )


def test_alpha_zero_on_classes_that_overlap(rng):
    X, y = rng.normal(size=(200, 2)), rng.integers(0, 3, 200)
    ours = SoftmaxRegression(0, tol=1e-8).fit(X, y)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5
    )


def test_bytes_with_a_large_mean(rng):
    images = rng.integers(100, 140, (80, 8, 8, 3), dtype=np.uint8)
    y = np.arange(80) % 2
    images[y == 1, :4] += 10
    on_bytes = SoftmaxRegression(1.0).fit(images, y)
    on_floats = SoftmaxRegression(1.0).fit(images.astype(float), y)
    assert on_bytes.coef_.dtype == np.float32
    assert on_floats.coef_.dtype == np.float64
    np.testing.assert_allclose(
        on_bytes.predict_proba(images), on_floats.predict_proba(images), atol=1e-4
    )
    assert on_bytes.image_shape_ == (8, 8, 3)


@pytest.mark.parametrize(("scale", "dtype"), [(1e30, "f4"), (1e200, "f8")])
def test_numbers_too_large_to_compute_with(digits, scale, dtype):
    X, y = np.tile(digits[0][:1100], (1, 17)), digits[1][:1100]
    with pytest.raises(ValueError, match="too large for computations in float"):
        SoftmaxRegression().fit((X * scale).astype(dtype), y)


@pytest.mark.parametrize("scale", [1e-3, 1e12])
def test_scale_of_features_is_no_matter(digits, scale):
    """At the same trade-off between loss and penalty."""
    X, y = digits
    model = SoftmaxRegression(0.01, tol=1e-5).fit(X, y)
    tol = 1e-5 * min(scale, 1)
    scaled = SoftmaxRegression(0.01 * scale**2, tol=tol).fit(X * scale, y)
    np.testing.assert_allclose(scaled.coef_ * scale, model.coef_, atol=1e-3)
