"""Kernels of directions against one line of NumPy each."""

import numpy as np
import pytest

from skvision._kernels import directions


def rows(n, d, dtype, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(dtype)


def units(n, d, dtype, seed=0):
    x = rows(n, d, np.float64, seed)
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(dtype)


SIZES = [(0, 3), (1, 1), (1, 7), (5, 3), (9, 130)]


def tolerance(dtype):
    return {"rtol": 100 * np.finfo(dtype).eps, "atol": 100 * np.finfo(dtype).eps}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "d"), SIZES)
def test_unit_rows(n, d, dtype):
    x = rows(n, d, dtype)
    out, inverse = np.empty_like(x), np.empty(n, dtype)
    directions.unit_rows(x, out, inverse)
    norms = np.linalg.norm(x, axis=1)
    np.testing.assert_allclose(inverse, 1 / norms, **tolerance(dtype))
    np.testing.assert_allclose(out, x / norms[:, None], **tolerance(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_without_a_direction(dtype):
    x = np.zeros((3, 2), dtype)
    x[1] = np.finfo(dtype).smallest_subnormal
    x[2, 0] = 2
    out, inverse = np.full_like(x, np.nan), np.full(3, np.nan, dtype)
    directions.unit_rows(x, out, inverse)
    np.testing.assert_array_equal(out, [[0, 0], [0, 0], [1, 0]])
    np.testing.assert_array_equal(inverse, [0, 0, 0.5])


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_rows_whose_squares_are_beyond_float32(size):
    x = (size * rows(5, 3, np.float64)).astype(np.float32)
    out, inverse = np.empty_like(x), np.empty(5, np.float32)
    directions.unit_rows(x, out, inverse)
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "d"), SIZES)
def test_turning_part(n, d, dtype):
    g, u, inverse = rows(n, d, dtype), units(n, d, dtype, 1), np.full(n, 2, dtype)
    expected = 3 * 2 * (g - np.sum(g * u, axis=1, keepdims=True) * u)
    directions.turning_part(g, u, inverse, 3.0)
    np.testing.assert_allclose(g, expected, **tolerance(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "d"), SIZES)
def test_angles_and_turns(n, d, dtype):
    u, centers = units(n, d, dtype), units(4, d, dtype, 1)
    labels = np.arange(n) % 4
    cosines, sines = np.empty((2, n), dtype)
    directions.angles_to_own(u, centers, labels, cosines, sines)
    own = centers[labels]
    expected = np.sum(u * own, axis=1)
    np.testing.assert_allclose(cosines, expected, **tolerance(dtype))
    rest = own - cosines[:, None] * u
    expected = np.linalg.norm(rest, axis=1)
    np.testing.assert_allclose(sines, expected, **tolerance(dtype))
    factors = np.arange(1, n + 1).astype(dtype)
    out = np.ones_like(u)
    directions.turn_to_centers(u, centers, labels, cosines, factors, out)
    expected = 1 + factors[:, None] * rest
    np.testing.assert_allclose(out, expected, **tolerance(dtype))
    out = np.ones_like(centers)
    directions.turn_to_units(u, centers, labels, cosines, factors, out)
    expected = np.ones_like(centers)
    np.add.at(expected, labels, factors[:, None] * (u - cosines[:, None] * own))
    np.testing.assert_allclose(out, expected, **tolerance(dtype))


def test_the_sine_of_a_tiny_angle():
    u = np.array([[1, 0]], np.float32)
    centers = np.array([[1, 1e-6]], np.float32)
    cosines, sines = np.empty((2, 1), np.float32)
    directions.angles_to_own(u, centers, np.zeros(1, int), cosines, sines)
    assert sines[0] == pytest.approx(1e-6, rel=1e-6)
    assert cosines[0] == 1
