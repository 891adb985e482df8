"""Standard rows against NumPy, to the last bit; also run without compilation."""

import numpy as np
import pytest

from skvision._kernels.standardize import standardize_rows

ROWS = [np.uint8, np.float32, np.float64]
pytestmark = [
    pytest.mark.parametrize("of_rows", ROWS),
    pytest.mark.parametrize("dtype", [np.float32, np.float64]),
]


def check(X, index, dtype, rng):
    """Hold the kernel against the formula."""
    d = X.shape[1]
    mean = rng.uniform(0, 255, d).astype(dtype)
    scale = rng.uniform(0.01, 3, d).astype(dtype)
    for array in (mean, scale):
        array.flags.writeable = False
    out = np.full((len(index), d), np.nan, dtype)
    standardize_rows(X, index, mean, scale, out)
    np.testing.assert_array_equal(out, (X[index].astype(dtype) - mean) * scale)


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
    X, mean, scale = np.ones((2, 3), of_rows), np.ones(3, dtype), np.ones(3, dtype)
    mean[0], scale[1], mean[2] = np.nan, np.nan, -np.inf
    out = np.zeros((2, 3), dtype)
    standardize_rows(X, np.arange(2), mean, scale, out)
    np.testing.assert_array_equal(out, [[np.nan, np.nan, np.inf]] * 2)
