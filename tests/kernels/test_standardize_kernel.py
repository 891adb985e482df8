"""Standard rows and moments against NumPy; also run without compilation."""

import numpy as np
import pytest

from skvision._kernels.standardize import (
    add_moments,
    standardize_in_units,
    standardize_rows,
)

ROWS = [np.uint8, np.float32, np.float64]
pytestmark = [
    pytest.mark.parametrize("of_rows", ROWS),
    pytest.mark.parametrize("dtype", [np.float32, np.float64]),
]


def check(X, index, dtype, rng):
    """Hold the kernel against the formula."""
    d = X.shape[1]
    unit, mean = 2.0 ** rng.integers(-9, 9, d), rng.uniform(0, 255, d)
    deviation = rng.uniform(0.01, 3, d)
    inverse = 1 / deviation
    for array in (unit, mean, deviation, inverse):
        array.flags.writeable = False
    out = np.full((len(index), d), np.nan, dtype)
    if dtype == np.float32:
        standardize_rows(X, index, mean, inverse, out)
        expected = ((X[index] - mean) * inverse).astype(dtype)
    else:
        standardize_in_units(X, index, unit, mean, deviation, out)
        expected = (X[index] * unit - mean) / deviation
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("shape", [(7, 5), (1, 5), (7, 1), (1, 1), (0, 5), (5, 0)])
def test_formula(shape, of_rows, dtype, rng):
    X = rng.uniform(0, 255, shape).astype(of_rows)
    check(X, rng.permutation(len(X)), dtype, rng)


@pytest.mark.parametrize("index", [[], [3], [6, 0, 6, 6], [-1, 2]], ids=str)
def test_rows_are_those_of_the_index(index, of_rows, dtype, rng):
    X = rng.uniform(0, 255, (7, 5)).astype(of_rows)
    check(X, np.array(index, int), dtype, rng)


def test_all_bytes_and_their_ends(of_rows, dtype, rng):
    check(np.arange(256).reshape(4, 64).astype(of_rows), np.arange(4), dtype, rng)
    for end in (0, 255):
        check(np.full((3, 2), end, of_rows), np.arange(3), dtype, rng)


def test_read_only(of_rows, dtype, rng):
    X, index = rng.uniform(0, 255, (9, 6)).astype(of_rows), rng.permutation(9)
    for array in (X, index):
        array.flags.writeable = False
    check(X, index, dtype, rng)


def test_nan_and_infinity_are_not_hidden(of_rows, dtype):
    X, center, deviation = np.ones((2, 3), of_rows), np.ones(3), np.ones(3)
    center[0], deviation[1], center[2] = np.nan, np.nan, -np.inf
    out = np.zeros((2, 3), dtype)
    index = np.arange(2)
    if dtype == np.float32:
        standardize_rows(X, index, center, 1 / deviation, out)
    else:
        standardize_in_units(X, index, np.ones(3), center, deviation, out)
    np.testing.assert_array_equal(out, [[np.nan, np.nan, np.inf]] * 2)


def test_moments_are_added(of_rows, dtype, rng):
    X, shares = rng.uniform(0, 255, (9, 4)).astype(of_rows), rng.random(9)
    shares[[2, 5]] = 0
    unit, center = 2.0 ** np.arange(-2, 2), rng.uniform(0, 255, 4)
    sums, squares = rng.random((2, 4))
    d = X * unit - center
    expected = sums + shares @ d, squares + shares @ d**2
    X = X.copy() if of_rows == np.uint8 else np.where(shares[:, None] > 0, X, np.nan)
    add_moments(X.astype(of_rows), shares, unit, center, sums, squares)
    np.testing.assert_allclose((sums, squares), expected, rtol=1e-13)
