"""Gradient checks and what else to hold against a model before it is trained."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skvision import SoftmaxRegression
from skvision._training.losses import softmax_cross_entropy
from skvision.inspection import (
    chance_loss,
    first_loss_check,
    gradient_check,
    gradient_check_estimator,
    numerical_gradient,
    overfit_check,
)


def sum_then_product(v):
    x, y, z = v
    return (x + y) * z, np.array([z, z, x + y])


def sigmoid_neuron(v):
    """The sigmoid of w0 x0 + w1 x1 + w2 as a function of (w0, w1, w2, x0, x1)."""
    w, x = v[:3], v[3:]
    value = 1 / (1 + np.exp(-(w[:2] @ x + w[2])))
    slope = value * (1 - value)
    return value, slope * np.concatenate([x, [1], w[:2]])


def squared_length(W):
    x = np.array([0.2, 0.4])
    y = W @ x
    return y @ y, 2 * np.outer(y, x)


def hinge(scores):
    """Multiclass hinge of margin 1, the first class being the true one."""
    margins = 1 + scores[1:] - scores[0]
    active = (margins > 0).astype(scores.dtype)
    gradient = np.concatenate([[-active.sum()], active])
    return np.maximum(0, margins).sum(), gradient


def relu_sum(x):
    return np.maximum(x, 0).sum(), (x > 0).astype(x.dtype)


def cross_entropy_of(rng, n=50, d=12, k=4, dtype=np.float64):
    X = rng.random((n, d)).astype(dtype)
    labels = rng.integers(k, size=n)

    def function(W):
        value, d_scores = softmax_cross_entropy(X @ W.T, labels)
        return value, d_scores.T @ X

    return function, rng.normal(size=(k, d)).astype(dtype)


def hinge_of(rng, n=100, d=12, k=4):
    X, labels, rows = rng.normal(size=(n, d)), rng.integers(k, size=n), np.arange(n)

    def function(W):
        scores = X @ W.T
        margins = 1 + scores - scores[rows, labels][:, None]
        margins[rows, labels] = 0
        d_scores = (margins > 0) / n
        d_scores[rows, labels] -= d_scores.sum(axis=1)
        return np.maximum(margins, 0).sum() / n, d_scores.T @ X

    return function, rng.normal(size=(k, d))


def spoil(function, index, factor=1.0, term=0.0):
    """Return the function with a mistake in one element of its gradient."""

    def spoiled(x):
        value, gradient = function(x)
        gradient = np.array(gradient)
        gradient[index] = gradient[index] * factor + term
        return value, gradient

    return spoiled


# numerical_gradient


@pytest.mark.parametrize(
    ("function", "x", "expected", "tol"),
    [
        (sum_then_product, [-2.0, 5.0, -4.0], [-4, -4, 3], 1e-8),
        (
            sigmoid_neuron,
            [2.0, -3.0, -3.0, -1.0, -2.0],
            [-0.1966, -0.3932, 0.1966, 0.3932, -0.5898],
            1e-4,
        ),
        (
            squared_length,
            [[0.1, 0.5], [-0.3, 0.8]],
            [[0.088, 0.176], [0.104, 0.208]],
            0,
        ),
    ],
)
def test_worked_examples_of_backpropagation(function, x, expected, tol):
    gradient = numerical_gradient(lambda x: function(x)[0], x)
    np.testing.assert_allclose(gradient, expected, atol=tol + 1e-9)
    check = gradient_check(function, x)
    np.testing.assert_allclose(check.analytic, np.ravel(expected), atol=tol + 1e-12)
    assert check.passed
    assert not check.is_kink.any()
    assert check.worst_error < 1e-7


def test_values_of_the_worked_examples():
    assert gradient_check(sum_then_product, [-2.0, 5.0, -4.0]).value == -12
    neuron = gradient_check(sigmoid_neuron, [2.0, -3.0, -3.0, -1.0, -2.0])
    assert neuron.value == pytest.approx(0.7311, abs=5e-5)
    W = np.array([[0.1, 0.5], [-0.3, 0.8]])
    assert gradient_check(squared_length, W).value == pytest.approx(0.116)

    def by_x(x):
        return (W @ x) @ (W @ x), 2 * W.T @ W @ x

    check = gradient_check(by_x, [0.2, 0.4])
    np.testing.assert_allclose(check.numerical, [-0.112, 0.636], atol=1e-9)


def test_numerical_gradient_is_more_exact_than_forward_differences(rng):
    function, W = cross_entropy_of(rng)
    exact = function(W)[1]
    ours = numerical_gradient(lambda W: function(W)[0], W)
    forward = approx_fprime(
        W.ravel(), lambda w: function(w.reshape(W.shape))[0]
    ).reshape(W.shape)
    assert np.abs(ours - exact).max() < 1e-9 < np.abs(forward - exact).max()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3, 1e6])
def test_steps_suit_the_size_of_x(dtype, size):
    x = np.array([size, -size], dtype=dtype)
    gradient = numerical_gradient(lambda x: float(np.sum(x.astype(float) ** 2)), x)
    assert gradient.dtype == dtype
    np.testing.assert_allclose(
        gradient, 2 * x, rtol=1e-4 if dtype == np.float32 else 1e-9, atol=1e-10
    )


def test_differences_are_divided_by_the_step_that_rounding_leaves():
    """x + 1e-10 is off by up to 1e-8 of the step, x + 1e-13 by a tenth of it."""
    x = np.array([1.7])
    for step in (1e-10, 1e-13):
        gradient = numerical_gradient(lambda x: x[0], x, step=step)
        np.testing.assert_allclose(gradient, 1, rtol=1e-15)


def test_numerical_gradient_at_some_coordinates(rng):
    function, W = cross_entropy_of(rng)
    some = numerical_gradient(lambda W: function(W)[0], W, coordinates=[3, 40, 17])
    exact = function(W)[1].ravel()[[3, 40, 17]]
    np.testing.assert_allclose(some, exact, atol=1e-10)


@pytest.mark.parametrize("x", [np.array(3.0), np.zeros(0), np.ones((2, 1, 3, 2))])
def test_numerical_gradient_has_the_shape_of_x(x):
    gradient = numerical_gradient(lambda x: np.sum(x**2), x)
    assert gradient.shape == x.shape
    np.testing.assert_allclose(gradient, 2 * x, rtol=1e-9)


def test_x_is_not_modified_and_may_be_modified_by_the_function(rng):
    x = rng.random((4, 6))[:, ::2]
    x.flags.writeable = False
    before = x.copy()

    def careless(x):
        value, gradient = np.sum(x**2), 2 * x
        x += 1
        return value, gradient

    np.testing.assert_allclose(
        numerical_gradient(lambda x: careless(x)[0], x), 2 * x, rtol=1e-8
    )
    assert gradient_check(careless, x).passed
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(
    ("x", "arguments", "error", "message"),
    [
        ([1, 2], {}, TypeError, r"int.*astype\(float\)"),
        (["a"], {}, TypeError, "<U1"),
        ([1.0, np.nan], {}, ValueError, "NaN"),
        ([1.0], {"step": 0}, ValueError, "step"),
        ([1.0], {"step": "small"}, TypeError, "step"),
        ([1.0], {"step": 1e-20}, ValueError, r"step=1e-20 does not move x\[0\]"),
        ([1.0], {"coordinates": [1]}, ValueError, "flat indices from 0 to 0"),
        ([1.0], {"coordinates": [0.0]}, ValueError, "flat indices"),
    ],
)
def test_numerical_gradient_refuses(x, arguments, error, message):
    with pytest.raises(error, match=message):
        numerical_gradient(np.sum, x, **arguments)


def test_functions_that_return_no_number_are_refused():
    with pytest.raises(TypeError, match=r"lambda x: function\(x\)\[0\]"):
        numerical_gradient(relu_sum, [1.0])
    with pytest.raises(TypeError, match=r"shape \(2,\).*sum or average"):
        numerical_gradient(lambda x: x, [1.0, 2.0])
    with pytest.raises(ValueError, match="function is nan"):
        numerical_gradient(lambda x: np.nan, [1.0])


# gradient_check


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_passes(rng, dtype):
    function, W = cross_entropy_of(rng, dtype=dtype)
    check = gradient_check(function, W)
    assert check
    assert len(check.errors) == W.size
    assert check.tol == {"float32": 1e-3, "float64": 1e-6}[W.dtype.name]
    assert not check.is_kink.any()


@pytest.mark.parametrize("make", [cross_entropy_of, hinge_of])
@pytest.mark.parametrize("factor", [1 + 1e-4, 1 - 1e-4, 0.5, -1])
def test_a_wrong_coordinate_is_found_and_named(rng, make, factor):
    function, W = make(rng)
    check = gradient_check(spoil(function, (2, 7), factor), W)
    assert not check
    assert check.worst == "x[2, 7]"
    assert check.worst_index == (2, 7)
    assert np.sum(check.errors > check.tol) == 1
    assert "x[2, 7]: analytic" in str(check)
    assert "FAILED: 47 of 48" in str(check)
    assert "passed=False, worst='x[2, 7]'" in repr(check)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_wrong_gradients_are_found_whatever_the_scale_of_the_loss(rng, scale):
    function, W = cross_entropy_of(rng)

    def scaled(W):
        value, gradient = function(W)
        return scale * value, scale * gradient

    assert gradient_check(scaled, W)
    wrong = gradient_check(spoil(scaled, (1, 1), 1 + 1e-4), W)
    assert (wrong.passed, wrong.worst) == (False, "x[1, 1]")


def test_wrong_in_float32(rng):
    function, W = cross_entropy_of(rng, dtype=np.float32)
    assert gradient_check(spoil(function, (1, 2), 1.1), W).worst == "x[1, 2]"
    assert not gradient_check(spoil(function, (1, 2), 1.1), W)


def test_a_common_factor_is_told(rng):
    function, W = cross_entropy_of(rng)

    def forgets_the_mean(W):
        value, gradient = function(W)
        return value, 50 * gradient

    text = str(gradient_check(forgets_the_mean, W))
    assert "all of these are 50 times what they should be" in text
    assert "and 43 more" in text


def test_nan_in_a_gradient_is_a_fault():
    check = gradient_check(spoil(relu_sum, 1, np.nan), [1.0, 2.0, 3.0])
    assert (check.passed, check.worst, check.worst_error) == (False, "x[1]", np.inf)


@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_at_a_minimum_rounding_and_truncation_do_not_count(rng, scale):
    """All derivatives are about zero there, and third derivatives are not."""
    X, y = scale * rng.random((60, 5)), np.arange(60) % 3
    model = SoftmaxRegression(alpha=1e-2, tol=1e-9).fit(X, y)

    def function(W):
        value, d_scores = softmax_cross_entropy(X @ W.T + model.intercept_, y)
        return value + 5e-3 * np.sum(W**2), d_scores.T @ X + 1e-2 * W

    check = gradient_check(function, model.coef_)
    assert np.abs(check.analytic).max() < 1e-4
    assert check
    assert not check.is_kink.any()
    assert not gradient_check(spoil(function, (0, 0), term=1e-4), model.coef_)


def test_zero_gradients():
    """Where a pixel is always 0, where a hinge is inactive, and where both are true."""
    X = np.zeros((5, 3))
    X[:, 0] = np.linspace(0.1, 1, 5)

    def function(W):
        value, d_scores = softmax_cross_entropy(X @ W.T, np.arange(5) % 2)
        return value, d_scores.T @ X

    check = gradient_check(function, np.full((2, 3), 0.3))
    np.testing.assert_array_equal(check.analytic.reshape(2, 3)[:, 1:], 0)
    assert check
    away = gradient_check(hinge, [10.0, -2.0, 3.0])
    assert away.errors.tolist() == [0, 0, 0]
    wrong = gradient_check(spoil(hinge, 1, term=1e-6), [10.0, -2.0, 3.0])
    assert (wrong.passed, wrong.worst) == (False, "x[1]")


@pytest.mark.parametrize("lead", [5.0, 10.0, 20.0, 30.0, 50.0])
def test_losses_whose_rounding_is_that_of_larger_numbers(rng, lead):
    """log(1 + p) - 0: losses of p with the rounding of a number about 1."""
    scores, labels = rng.normal(size=(20, 5)), np.zeros(20, int)
    scores[:, 0] += lead

    def function(scores):
        return softmax_cross_entropy(scores, labels)

    assert gradient_check(function, scores)
    wrong = gradient_check(spoil(function, (3, 1), term=1e-6), scores)
    assert (wrong.passed, wrong.worst) == (False, "x[3, 1]")


def test_a_loss_that_rounds_to_zero():
    """Its gradient is 3.7e-48, its differences are 0."""
    scores = np.array([[10.0, -100.0, -100.0]])
    check = gradient_check(lambda s: softmax_cross_entropy(s, np.array([0])), scores)
    assert check.value == pytest.approx(0, abs=1e-15)
    assert check


# kinks


def test_the_hinge_at_its_kink():
    scores = np.array([10.0, 9.0, 9.0])
    assert hinge(scores)[0] == 0
    assert hinge(scores + [0, 0.1, 0])[0] == pytest.approx(0.1)
    check = gradient_check(hinge, scores)
    assert check.is_kink.all()
    np.testing.assert_allclose(check.left, [-2, 0, 0], atol=1e-6)
    np.testing.assert_allclose(check.right, [0, 1, 1], atol=1e-6)
    np.testing.assert_allclose(check.numerical, [-1, 0.5, 0.5], atol=1e-6)
    assert check.errors.tolist() == [0, 0, 0]
    assert check
    assert "3 at a kink, where the analytic derivative is a valid subgradient" in str(
        check
    )


@pytest.mark.parametrize("term", [-0.1, 1.1])
def test_no_subgradient_is_a_fault_at_a_kink_too(term):
    check = gradient_check(spoil(hinge, 1, term=term), [10.0, 9.0, 9.0])
    assert (check.passed, check.worst) == (False, "x[1]")
    assert "0 to the left, 1 right" in str(check)
    assert gradient_check(spoil(hinge, 1, term=1.0), [10.0, 9.0, 9.0])


def test_the_hinge_away_from_its_kink():
    scores = np.array([3.2, 5.1, -1.7])
    check = gradient_check(hinge, scores)
    assert check.value == pytest.approx(2.9)
    assert not check.is_kink.any()
    assert check
    assert not gradient_check(spoil(hinge, 1, 1.0001), scores)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_relu_and_absolute_value_at_zero(dtype):
    x = np.array([-1.0, 0, 1, 0], dtype=dtype)
    relu = gradient_check(relu_sum, x)
    assert relu.is_kink.tolist() == [False, True, False, True]
    assert relu
    l1 = gradient_check(lambda x: (np.abs(x).sum(), np.sign(x)), x)
    assert l1.is_kink.tolist() == [False, True, False, True]
    assert l1
    assert not gradient_check(lambda x: (np.abs(x).sum(), 0 * x), x)


def test_elastic_net_at_zero_with_curvature(rng):
    function, W = cross_entropy_of(rng)
    W[::2] = 0

    def penalized(W):
        value, gradient = function(W)
        value += 0.01 * np.abs(W).sum() + np.sum(W**2)
        return value, gradient + 0.01 * np.sign(W) + 2 * W

    check = gradient_check(penalized, W)
    np.testing.assert_array_equal(check.is_kink, W.ravel() == 0)
    assert check
    assert gradient_check(spoil(penalized, (1, 1), 1.001), W).worst == "x[1, 1]"
    assert not gradient_check(spoil(penalized, (1, 1), 1.001), W)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("share", [1e-4, 0.01, 0.04, 0.1, 0.3, 1 / 3, 0.45, 0.6, 0.95])
def test_a_kink_nearer_than_the_step_is_no_fault(share, sign):
    at = 0.7
    kink = at + sign * share * np.finfo(float).eps ** (1 / 3)

    def function(x):
        return np.sum(x**2 + 3 * np.maximum(x - kink, 0)), 2 * x + 3 * (x > kink)

    assert gradient_check(function, np.array([at]))
    outside = gradient_check(spoil(function, 0, term=4.0), np.array([at]))
    assert not outside
    assert not gradient_check(spoil(function, 0, term=-4.0), np.array([at]))


@pytest.mark.parametrize("frequency", [1.0, 1e2, 1e4])
def test_curvature_is_no_kink(frequency):
    """However sharp: the gradient is wrong by what the curvature is over the step."""

    def wave(x):
        return np.sum(np.cos(frequency * x)), -frequency * np.sin(frequency * x)

    x = np.array([0.0, 1.0, 2.0])
    assert gradient_check(wave, x)
    curvature_over_step = frequency**2 * 6e-6 / 4
    wrong = gradient_check(spoil(wave, 1, term=curvature_over_step), x)
    assert (wrong.passed, wrong.worst) == (False, "x[1]")
    assert not wrong.is_kink.any()


@pytest.mark.parametrize("frequency", [20.0, 20 * np.pi])
def test_a_large_step_excuses_nothing(frequency):
    def wave(x):
        return np.sum(np.cos(frequency * x)), -frequency * np.sin(frequency * x)

    for wrong_by in (0.05, 0.5, 5.0):
        check = gradient_check(
            spoil(wave, 1, term=wrong_by), np.array([0.0, 0.0, 1.0]), step=0.1
        )
        assert check.errors[1] > check.tol
        assert not check.is_kink.any()


def test_a_jump_is_a_fault():
    def step_function(x):
        return float(np.sum(x > 0)), 0 * x

    assert not gradient_check(step_function, np.array([0.0]))


# parameters and results of gradient_check


def test_coordinates_are_drawn():
    def function(x):
        return np.sum(x**2), 2 * x

    x = np.linspace(-1, 1, 3 * 1000).reshape(3, 1000)
    check = gradient_check(function, x, random_state=0)
    assert len(set(check.indices)) == len(check.names) == len(check.errors) == 100
    expected = [2 * x[index] for index in check.indices]
    np.testing.assert_array_equal(check.analytic, expected)
    again = gradient_check(function, x, random_state=0)
    assert again.indices == check.indices
    assert gradient_check(function, x, random_state=1).indices != check.indices
    assert len(gradient_check(function, x, n_coordinates=7).errors) == 7
    assert len(gradient_check(function, x[:, :50], n_coordinates=None).errors) == 150


def test_calls_are_few(rng):
    function, W = cross_entropy_of(rng)
    calls = []

    def counted(W):
        calls.append(W)
        return function(W)

    gradient_check(counted, W, n_coordinates=20, random_state=0)
    assert len(calls) == 2 + 4 * 20


def test_a_scalar_x():
    check = gradient_check(lambda x: (np.sin(x), np.cos(x)), 0.5)
    assert check.passed
    assert check.worst == "x"
    assert check.worst_index == ()


def test_tol_decides():
    function = spoil(squared_length, (0, 0), 1 + 1e-4)
    W = np.array([[0.1, 0.5], [-0.3, 0.8]])
    assert not gradient_check(function, W)
    assert gradient_check(function, W, tol=1e-3)


@pytest.mark.parametrize(
    ("function", "x", "arguments", "error", "message"),
    [
        (np.sum, [1.0], {}, TypeError, r"must return \(value, gradient\)"),
        (relu_sum, [1], {}, TypeError, "int"),
        (relu_sum, [], {}, ValueError, "empty"),
        (relu_sum, [1.0], {"tol": 0}, ValueError, "tol"),
        (relu_sum, [1.0], {"n_coordinates": 0}, ValueError, "n_coordinates"),
        (relu_sum, [1.0], {"n_coordinates": 2.5}, TypeError, "n_coordinates"),
        (lambda x: (x.sum(), 1.0), [1.0], {}, ValueError, r"shape \(\) and x \(1,\)"),
        (lambda x: (np.inf, x), [1.0], {}, ValueError, "function is inf"),
    ],
)
def test_gradient_check_refuses(function, x, arguments, error, message):
    with pytest.raises(error, match=message):
        gradient_check(function, x, **arguments)


def test_random_functions_are_refused(rng):
    def with_dropout(x):
        kept = rng.random(x.shape) < 0.5
        return np.sum(x**2 * kept), 2 * x * kept

    with pytest.raises(ValueError, match=r"always return the same.*dropout"):
        gradient_check(with_dropout, np.linspace(1, 2, 20))


shapes = st.sampled_from([(1,), (5,), (2, 3), (2, 2, 2)])
sizes = st.floats(-3, 3).map(lambda power: 10.0**power)


@given(shape=shapes, seed=st.integers(0, 2**32 - 1), size=sizes, scale=sizes)
def test_random_quadratics_pass_and_spoiled_ones_fail(shape, seed, size, scale):
    rng = np.random.default_rng(seed)
    x = size * rng.normal(size=shape)
    A = rng.normal(size=(x.size, x.size))
    A += A.T
    b = size * rng.normal(size=x.size)

    def quadratic(x):
        v = x.ravel()
        gradient = scale * (A @ v + b)
        return scale * (v @ A @ v / 2 + b @ v), gradient.reshape(x.shape)

    check = gradient_check(quadratic, x)
    assert check.passed, check
    assert not check.is_kink.any()
    index = tuple(int(rng.integers(n)) for n in shape)
    term = 0.01 * scale * size * (1 + np.abs(A).sum())
    spoiled = gradient_check(spoil(quadratic, index, term=term), x)
    assert not spoiled.passed, spoiled
    assert spoiled.worst_index == index


# gradient_check_estimator


class TinySoftmax(ClassifierMixin, BaseEstimator):
    """The least that has `loss_and_gradient`, with or without a mistake."""

    def __init__(self, mistake=False):
        self.mistake = mistake

    def fit(self, X, y):
        rng = np.random.default_rng(0)
        self.classes_ = np.unique(y)
        shape = (len(self.classes_), X.shape[1])
        self.coef_ = rng.normal(size=shape).astype(np.float32)
        self.intercept_ = rng.normal(size=shape[0]).astype(np.float32)
        return self

    def loss_and_gradient(self, X, y, sample_weight=None):
        X = np.asarray(X)
        X = X.astype(np.float32) if X.dtype == np.uint8 else X
        scores = X @ self.coef_.T + self.intercept_
        labels = np.searchsorted(self.classes_, y)
        value, d_scores = softmax_cross_entropy(scores, labels, sample_weight)
        d_coef = d_scores.T @ X
        if self.mistake:
            d_coef[1, 2] *= 1.001
        return value, {"coef_": d_coef, "intercept_": d_scores.sum(axis=0)}


@pytest.fixture
def bytes_and_classes(rng):
    return rng.integers(0, 4, size=(30, 40), dtype=np.uint8), np.arange(30) % 3


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
def test_an_estimator_passes(bytes_and_classes, container):
    X, y = bytes_and_classes
    model = TinySoftmax().fit(X, y)
    before = model.coef_.copy()
    weights = np.arange(30) / 10
    for sample_weight in (None, weights):
        check = gradient_check_estimator(
            model, container(X), y, sample_weight=sample_weight, random_state=0
        )
        assert check
        assert len(check.errors) == 100 + 3
        assert check.names[-3:] == ("intercept_[0]", "intercept_[1]", "intercept_[2]")
        assert check.indices[-1] == (2,)
    np.testing.assert_array_equal(model.coef_, before)
    assert model.coef_.dtype == np.float32


def test_a_wrong_estimator_is_found_and_the_place_named(bytes_and_classes):
    X, y = bytes_and_classes
    model = TinySoftmax(mistake=True).fit(X, y)
    check = gradient_check_estimator(model, X, y, n_coordinates=None)
    assert (check.passed, check.worst) == (False, "coef_[1, 2]")
    assert check.worst_index == (1, 2)
    assert np.sum(check.errors > check.tol) == 1
    assert "coef_[1, 2]: analytic" in str(check)


def test_jitter_leaves_the_point(bytes_and_classes):
    X, y = bytes_and_classes
    model = TinySoftmax().fit(X, y)
    at, near = (
        gradient_check_estimator(model, X, y, jitter=jitter, random_state=0)
        for jitter in (0.0, 0.1)
    )
    assert at.value == pytest.approx(model.loss_and_gradient(X, y)[0], rel=1e-5)
    assert near
    assert near.value != at.value


def test_estimators_that_cannot_be_checked(bytes_and_classes):
    X, y = bytes_and_classes
    with pytest.raises(TypeError, match=r"KMeans does not have.*loss_and_gradient"):
        gradient_check_estimator(KMeans(), X, y)
    with pytest.raises(NotFittedError):
        gradient_check_estimator(TinySoftmax(), X, y)

    class Transposed(TinySoftmax):
        def loss_and_gradient(self, X, y, sample_weight=None):
            value, gradients = super().loss_and_gradient(X, y, sample_weight)
            return value, {"coef_": gradients["coef_"].T}

    with pytest.raises(ValueError, match=r"by coef_ has the shape \(40, 3\)"):
        gradient_check_estimator(Transposed().fit(X, y), X, y)
    with pytest.raises(ValueError, match="jitter"):
        gradient_check_estimator(TinySoftmax().fit(X, y), X, y, jitter=-1)


# first_loss_check


@pytest.mark.parametrize(
    ("n_classes", "loss", "expected"),
    [
        (10, "log_loss", 2.302585),
        (2, "log_loss", 0.693147),
        (10, "hinge", 9),
        (3, "hinge", 2),
        (2, "squared_hinge", 1),
        (10, "perceptron", 0),
    ],
)
def test_chance_loss(n_classes, loss, expected):
    assert chance_loss(n_classes, loss) == pytest.approx(expected, abs=1e-6)


def test_chance_loss_refuses():
    with pytest.raises(ValueError, match=r"must be one of.*'log_loss'.*'mse'"):
        chance_loss(10, "mse")
    with pytest.raises(ValueError, match="n_classes must be at least 2; got 1"):
        chance_loss(1)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_softmax_regression_starts_from_chance(rng, n_classes):
    X, y = rng.random((40, 8)), np.arange(40) % n_classes
    model = SoftmaxRegression()
    check = first_loss_check(model, X, y, tol=1e-12)
    assert check
    assert check.first_loss == pytest.approx(np.log(n_classes))
    assert not hasattr(model, "coef_")
    text = f"chance predicts log({n_classes}) = {np.log(n_classes):.3f}: as expected"
    assert text in str(check)


def test_first_loss_of_a_network_on_pixels_and_on_raw_bytes(rng):
    X, y = rng.random((100, 50)), np.arange(100) % 10
    network = MLPClassifier(random_state=0)
    assert first_loss_check(network, X, y)
    raw = first_loss_check(network, 255 * X, y)
    assert raw.first_loss > 10
    assert not raw
    assert "too high" in str(raw)
    assert "PixelNormalizer" in str(raw)


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier whose loss is given."""

    def __init__(self, first_loss=0.0, loss="hinge"):
        self.first_loss = first_loss
        self.loss = loss

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.loss_curve_ = [self.first_loss, 0.0]
        return self


@pytest.mark.parametrize(
    ("loss", "first_loss", "passed"),
    [
        ("hinge", 2.0, True),
        ("hinge", 2.25, False),
        ("hinge", 2.15, True),
        ("squared_hinge", 2.0, True),
        ("perceptron", 0.0, True),
        ("perceptron", 0.2, False),
        ("log_loss", 0.9, False),
        ("log_loss", np.nan, False),
    ],
)
def test_first_loss_of_each_loss(loss, first_loss, passed):
    X, y = np.zeros((6, 1)), np.arange(6) % 3
    check = first_loss_check(Recorder(first_loss, loss), X, y)
    assert check.passed is passed
    assert ("as expected" in str(check)) is passed
    given = first_loss_check(Recorder(first_loss, "mine"), X, y, loss=loss)
    assert given.passed is passed
    assert given.chance == check.chance


def test_first_loss_check_refuses(rng):
    X, y = rng.random((20, 3)), np.arange(20) % 2
    with pytest.raises(TypeError, match="KMeans is no classifier"):
        first_loss_check(KMeans(), X, y)
    with pytest.raises(TypeError, match="LogisticRegression records no loss_curve_"):
        first_loss_check(LogisticRegression(), X, y)
    with pytest.raises(ValueError, match=r"loss of Recorder is 'mine'.*pass loss="):
        first_loss_check(Recorder(loss="mine"), X, y)
    with pytest.raises(ValueError, match="tol"):
        first_loss_check(SoftmaxRegression(), X, y, tol=-1)


# overfit_check


@pytest.mark.parametrize(
    "estimator",
    [
        SoftmaxRegression(alpha=1e-4),
        DecisionTreeClassifier(random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression(C=100)),
        MLPClassifier(learning_rate_init=0.01, max_iter=1000, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_twenty_pictures_are_learned_by_heart(rng, estimator):
    X, y = rng.random((200, 30)), rng.choice(["cat", "dog", "frog"], 200)
    check = overfit_check(estimator, X, y, random_state=0)
    assert check
    assert check.accuracy == 1
    assert (check.n_samples, check.n_classes) == (20, 3)
    assert "accuracy 1.00 on the 20 images of 3 classes" in str(check)
    assert not hasattr(estimator, "classes_")


def test_a_model_that_learns_nothing_is_told(rng):
    X, y = rng.random((200, 30)), np.arange(200) % 4
    check = overfit_check(DummyClassifier(), X, y, random_state=0)
    assert not check
    assert check.accuracy == 0.25
    assert "learns so few by heart" in str(check)


def test_a_fit_that_ends_too_early_is_told_without_a_warning(rng):
    X, y = rng.random((200, 30)), np.arange(200) % 4
    early = MLPClassifier(max_iter=2, random_state=0)
    check = overfit_check(early, X, y, random_state=0)
    assert not check.converged
    assert "Raise max_iter" in str(check)


def test_other_warnings_come_through(rng):
    class Loud(DummyClassifier):
        def fit(self, X, y, sample_weight=None):
            import warnings

            warnings.warn("careful", RuntimeWarning, stacklevel=2)
            return super().fit(X, y)

    with pytest.warns(RuntimeWarning, match="careful"):
        overfit_check(Loud(), rng.random((30, 2)), np.arange(30) % 3)


class Witness(DummyClassifier):
    """Keeps the classes that it was fitted to."""

    seen = None

    def fit(self, X, y, sample_weight=None):
        Witness.seen = (X, y)
        return super().fit(X, y)


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, list])
def test_classes_are_drawn_evenly(rng, container):
    """The rare class of 3 whole, the others 8 or 9 each; images keep their class."""
    y = np.repeat([0, 1, 2], [3, 500, 100])
    X = np.column_stack([y, rng.random(603)])
    overfit_check(Witness(), container(X), y, random_state=0)
    X_seen, y_seen = Witness.seen
    assert sorted(np.bincount(y_seen)) == [3, 8, 9]
    np.testing.assert_array_equal(np.asarray(X_seen)[:, 0], y_seen)
    assert len(np.unique(np.asarray(X_seen)[:, 1])) == 20
    overfit_check(Witness(), X, y, n_samples=10_000)
    assert len(Witness.seen[1]) == 603


def test_pictures_and_seeds(rng):
    X, y = rng.integers(0, 256, (60, 6, 5, 3), dtype=np.uint8), np.arange(60) % 3
    overfit_check(Witness(), X, y, random_state=3)
    first = Witness.seen[0]
    assert first.shape == (20, 6, 5, 3)
    overfit_check(Witness(), X, y, random_state=3)
    np.testing.assert_array_equal(first, Witness.seen[0])
    assert overfit_check(SoftmaxRegression(), X / 255, y, random_state=3)


def test_overfit_check_refuses(rng):
    X, y = rng.random((30, 2)), np.arange(30)
    with pytest.raises(ValueError, match="n_samples=20 is too few for the 30 classes"):
        overfit_check(DummyClassifier(), X, y)
    with pytest.raises(TypeError, match="KMeans is no classifier"):
        overfit_check(KMeans(), X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        overfit_check(DummyClassifier(), X, y[:-1])
    with pytest.raises(TypeError, match="n_samples"):
        overfit_check(DummyClassifier(), X, y % 3, n_samples=20.0)
