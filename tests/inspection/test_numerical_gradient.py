"""Numerical gradients against worked examples and SciPy."""

import numpy as np
import pytest
from losses_with_gradients import cross_entropy_of, relu_sum, squared_length
from scipy.optimize import approx_fprime

from skvision.inspection import gradient_check, numerical_gradient


def sum_then_product(v):
    x, y, z = v
    return (x + y) * z, np.array([z, z, x + y])


def sigmoid_neuron(v):
    """The sigmoid of w0 x0 + w1 x1 + w2 as a function of (w0, w1, w2, x0, x1)."""
    w, x = v[:3], v[3:]
    value = 1 / (1 + np.exp(-(w[:2] @ x + w[2])))
    slope = value * (1 - value)
    return value, slope * np.concatenate([x, [1], w[:2]])


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
        ([1.0], {"step": 1e-20}, ValueError, r"step=1e-20 does not change x\[0\]"),
        ([1.0], {"coordinates": [1]}, ValueError, "flat indices between 0 and 0"),
        ([1.0], {"coordinates": [0.0]}, ValueError, "flat indices"),
    ],
)
def test_numerical_gradient_refuses(x, arguments, error, message):
    with pytest.raises(error, match=message):
        numerical_gradient(np.sum, x, **arguments)


def test_functions_that_return_no_number_are_refused():
    with pytest.raises(TypeError, match=r"lambda x: function\(x\)\[0\]"):
        numerical_gradient(relu_sum, [1.0])
    with pytest.raises(TypeError, match=r"shape \(2,\).*sum or mean"):
        numerical_gradient(lambda x: x, [1.0, 2.0])
    with pytest.raises(ValueError, match=r"function must be finite .*; got nan"):
        numerical_gradient(lambda x: np.nan, [1.0])
