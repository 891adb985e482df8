"""Gradient checks: right and wrong gradients, kinks, jumps and rounding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from losses_with_gradients import cross_entropy_of, relu_sum, squared_length

from skvision import SoftmaxRegression
from skvision._training.losses import softmax_cross_entropy
from skvision.inspection import gradient_check


def hinge(scores):
    """Multiclass hinge of margin 1, the first class being the true one."""
    margins = 1 + scores[1:] - scores[0]
    active = (margins > 0).astype(scores.dtype)
    gradient = np.concatenate([[-active.sum()], active])
    return np.maximum(0, margins).sum(), gradient


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
    assert "all of these are too large by a factor of 50" in text
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
        (
            lambda x: (x.sum(), 1.0),
            [1.0],
            {},
            ValueError,
            r"shape of x, \(1,\); got \(\)",
        ),
        (
            lambda x: (np.inf, x),
            [1.0],
            {},
            ValueError,
            "function must be finite .*; got inf",
        ),
    ],
)
def test_gradient_check_refuses(function, x, arguments, error, message):
    with pytest.raises(error, match=message):
        gradient_check(function, x, **arguments)


def test_random_functions_are_refused(rng):
    def with_dropout(x):
        kept = rng.random(x.shape) < 0.5
        return np.sum(x**2 * kept), 2 * x * kept

    with pytest.raises(ValueError, match=r"must be deterministic.*dropout"):
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
