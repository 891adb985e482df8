"""L-BFGS: where it ends, how fast, and what it bears."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize, rosen, rosen_der

from skvision._training.lbfgs import Point, largest, line_search, minimize_lbfgs


def rosenbrock(x):
    return float(rosen(x)), rosen_der(x)


class Quadratic:
    """Half of x H x, less b x, plus a constant; its minimum is at x = 1."""

    def __init__(self, rng, n=30, condition=1e8, least=0.0):
        Q, _ = np.linalg.qr(rng.normal(size=(n, n)))
        self.H = (Q * np.geomspace(1 / condition, 1, n)) @ Q.T
        self.least, self.n_calls = least, 0

    def __call__(self, x):
        self.n_calls += 1
        gradient = self.H @ (x - 1)
        return float((x - 1) @ gradient / 2 + self.least), gradient

    def inverse(self, gradient):
        return np.linalg.solve(self.H, gradient)


def test_finds_the_minimum_of_rosenbrock():
    minimum = minimize_lbfgs(rosenbrock, np.zeros(6), max_iter=500, tol=1e-9)
    np.testing.assert_allclose(minimum.params, 1, atol=1e-8)
    assert len(minimum.loss_curve) == minimum.n_iter + 1
    assert minimum.loss_curve[0] == rosen(np.zeros(6))
    assert minimum.loss_curve[-1] == rosen(minimum.params)
    assert (np.diff(minimum.loss_curve) <= 0).all()


def test_error_is_the_largest_element_of_the_gradient():
    for tol in (1e-2, 1e-6):
        minimum = minimize_lbfgs(rosenbrock, np.zeros(6), max_iter=500, tol=tol)
        np.testing.assert_array_equal(minimum.residual, rosen_der(minimum.params))
        assert minimum.error == np.abs(minimum.residual).max() <= tol
        shorter = minimize_lbfgs(
            rosenbrock, np.zeros(6), max_iter=minimum.n_iter - 1, tol=tol
        )
        assert shorter.error > tol  # it stops at the first that is good enough


def test_takes_about_as_many_calls_as_scipy():
    calls = []

    def counted(x):
        calls.append(x)
        return rosenbrock(x)

    start = np.linspace(-1, 1, 20)
    minimum = minimize_lbfgs(counted, start, max_iter=1000, tol=1e-8)
    theirs = minimize(
        rosenbrock,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"gtol": 1e-8, "ftol": 0},
    )
    assert minimum.error <= 1e-8
    assert len(calls) < 2 * theirs.nfev


def test_stops_after_max_iter():
    for max_iter in (0, 1, 3):
        minimum = minimize_lbfgs(rosenbrock, np.zeros(6), max_iter=max_iter, tol=1e-9)
        assert minimum.n_iter == max_iter
        assert minimum.error > 1e-9


def test_start_is_left_alone_and_may_be_the_minimum():
    start = np.ones(6)
    minimum = minimize_lbfgs(rosenbrock, start, max_iter=9, tol=1e-9)
    assert (minimum.n_iter, minimum.error) == (0, 0)
    start = np.zeros(6)
    minimize_lbfgs(rosenbrock, start, max_iter=9, tol=1e-9)
    assert not start.any()


def test_on_iteration_is_called_and_may_stop():
    iterates = []

    def on_iteration(params):
        iterates.append(params.copy())
        return len(iterates) == 4

    minimum = minimize_lbfgs(
        rosenbrock, np.zeros(6), max_iter=100, tol=1e-9, on_iteration=on_iteration
    )
    assert minimum.n_iter == len(iterates) == 4
    np.testing.assert_array_equal(minimum.params, iterates[-1])
    assert [rosen(params) for params in iterates] == minimum.loss_curve[1:]


@given(st.integers(1, 12), st.floats(0, 4), st.integers(0, 2**32 - 1), st.floats(-3, 3))
def test_any_convex_quadratic(n, decades, seed, scale):
    bowl = Quadratic(np.random.default_rng(seed), n, 10.0**decades, least=1e-3)
    bowl.H *= 10.0**scale
    bowl.least *= 10.0**scale
    tol = 1e-6 * 10.0**scale
    minimum = minimize_lbfgs(bowl, np.zeros(n), max_iter=5000, tol=tol)
    assert minimum.error <= tol
    assert largest(bowl(minimum.params)[1]) <= tol


def test_noise_in_the_value_is_borne(rng):
    """The value no longer decreases, but the slope still does."""
    bowl = Quadratic(rng, condition=100, least=1.0)
    eps = float(np.finfo(np.float32).eps)

    def rounded(x):
        value, gradient = bowl(x)
        return float(np.float32(value)), gradient

    minimum = minimize_lbfgs(
        rounded, np.zeros(30), max_iter=500, tol=1e-9, rounding=eps
    )
    assert bowl(minimum.params)[0] - 1 < eps / 10


@pytest.mark.parametrize("least", [1.0, -1.0, 0.0])
def test_ends_where_rounding_lets_the_value_fall_no_more(least, rng):
    bowl = Quadratic(rng, condition=100, least=least)

    def noisy(x):
        value, gradient = bowl(x)
        noise = 1e-9 * np.sin(1e9 * x)
        return float(np.float32(value)), gradient + noise

    minimum = minimize_lbfgs(noisy, np.zeros(30), max_iter=1000, tol=0, rounding=1.2e-7)
    assert minimum.n_iter < 500
    assert minimum.error < 1e-3


def test_largest_of_nothing_is_zero():
    assert largest(np.zeros(0)) == 0
    assert largest(np.array([1.0, -3.0])) == 3


def test_no_search_along_a_direction_of_ascent():
    start = np.array([-1.2, 1.0])
    here = Point(start, *rosenbrock(start))
    assert line_search(rosenbrock, here, here.gradient, 1e-15) is None
    found = line_search(rosenbrock, here, -here.gradient, 1e-15)
    assert found.value < here.value
