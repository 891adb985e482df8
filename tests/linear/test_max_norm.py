"""Max norm of linear classifiers: a projection after each step."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from skvision import MLPBackprop, MulticlassSVM, SoftmaxRegression

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"  # few epochs are enough here
)
each = pytest.mark.parametrize(
    "model", [SoftmaxRegression(), MulticlassSVM()], ids=lambda m: type(m).__name__
)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:300] / 16, y[:300]


def lengths(model):
    return np.linalg.norm(model.coef_, axis=1)


@pytest.mark.parametrize("n_classes", [2, 10])
def test_an_independent_loop(n_classes, digits):
    X, y = digits
    y = y % n_classes
    model = SoftmaxRegression(
        0.01,
        solver="sgd",
        momentum=0.0,
        shuffle=False,
        max_norm=0.3,
        learning_rate_init=0.5,
        batch_size=100,
        max_iter=4,
    ).fit(X, y)
    center, n_rows = X.mean(axis=0), n_classes if n_classes > 2 else 1
    W, b = np.zeros((n_rows, 64)), np.zeros(n_rows)
    shortened = 0
    for start in [0, 100, 200] * 4:
        x, labels = X[start : start + 100] - center, y[start : start + 100]
        scores = x @ W.T + b
        if n_rows == 1:
            d_scores = (1 / (1 + np.exp(-scores)) - labels[:, None]) / 100
        else:
            shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            d_scores = (shares - np.eye(10)[labels]) / 100
        W = W - 0.5 * (d_scores.T @ x + 0.01 * W)
        b = b - 0.5 * d_scores.sum(axis=0)
        for j, w in enumerate(W):
            if np.linalg.norm(w) > 0.3:
                shortened += 1
                W[j] = 0.3 * w / np.linalg.norm(w)
    assert 0 < shortened < 12 * n_rows
    np.testing.assert_allclose(model.coef_, W, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.intercept_, b - W @ center, rtol=1e-9, atol=1e-12)


@each
@pytest.mark.parametrize("solver", ["sgd", "adagrad", "rmsprop", "adam", "adamw"])
@pytest.mark.parametrize("average", [False, True, 500])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_no_class_is_longer(model, solver, average, dtype, digits):
    X, y = digits
    X = (X * 16).astype(np.uint8) if dtype == np.uint8 else X.astype(dtype)
    options = {"solver": solver, "average": average, "max_norm": 0.02}
    options |= {"max_iter": 3, "random_state": 0, "learning_rate_init": 0.02}
    model = clone(model).set_params(**options).fit(X, y)
    limit = 0.02 * (1 + 8 * np.finfo(model.coef_.dtype).eps)
    assert lengths(model).max() <= limit
    assert average or lengths(model).max() > 0.019
    for _ in range(2):
        model.partial_fit(X, y)
        assert lengths(model).max() <= limit


@each
def test_a_limit_that_is_not_reached_changes_nothing(model, digits):
    options = {"solver": "sgd", "max_iter": 3, "random_state": 0}
    free = clone(model).set_params(**options).fit(*digits)
    held = clone(free).set_params(max_norm=100.0).fit(*digits)
    np.testing.assert_array_equal(free.coef_, held.coef_)


@each
def test_exact_solvers_refuse_it(model, digits):
    model = clone(model).set_params(max_norm=1.0)
    with pytest.raises(ValueError, match=r'max_norm=1 .*solver="auto".*such as "adam"'):
        model.fit(*digits)
    assert not hasattr(model, "coef_")
    model.partial_fit(*digits, classes=np.arange(10))  # which makes steps


def test_as_a_network_without_hidden_layers(digits):
    """The same steps, but for the mean and deviation of the inputs."""
    X, y = digits
    X = (X - X.mean(axis=0)) / 4
    shared = {"solver": "sgd", "alpha": 0.01, "max_norm": 0.3, "batch_size": 100}
    shared |= {"shuffle": False, "max_iter": 5, "learning_rate_init": 0.3}
    linear = SoftmaxRegression(**shared)
    with pytest.warns(ConvergenceWarning):
        linear.fit(X, y)
    network = MLPBackprop((), standardize=False, weight_init="zeros", **shared)
    network.fit(X, y)
    np.testing.assert_allclose(network.coefs_[0].T, linear.coef_, atol=1e-12)
    assert lengths(linear).max() == pytest.approx(0.3, rel=1e-12)
