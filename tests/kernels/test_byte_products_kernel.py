"""Products of bytes against integers of NumPy; also run without compilation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skvision._kernels.byte_products import STEP, byte_bounds, sums_and_squares


def bounds(queries, rows):
    """Return squared distances less the square of the query."""
    n, n_features = rows.shape
    whole = n_features // STEP * STEP
    signed = np.zeros((len(queries), -(-n_features // STEP) * STEP), np.int8)
    signed[:, :n_features] = queries.astype(int) - 128
    tails = np.zeros((n, STEP), np.uint8)
    tails[:, : n_features - whole] = rows[:, whole:]
    sums, squares = np.zeros((2, n), np.int64)
    sums_and_squares(rows, np.zeros((1, n_features), np.uint8), sums, squares)
    out = np.empty((len(queries), n), np.float32)
    factors = np.full(len(queries), 2.0), np.ones(n)
    byte_bounds(
        signed, factors[0], rows, tails, squares * 1.0, 128 * sums, factors[1], out
    )
    return out


def expected_bounds(queries, rows):
    a, b = queries.astype(np.int64), rows.astype(np.int64)
    return ((b**2).sum(1) - 2 * (a @ b.T)).astype(np.float32)


def bytes_of(rng, shape):
    """Return bytes, a third of which are 0 or 255."""
    numbers = rng.integers(-64, 320, shape)
    return np.clip(numbers, 0, 255).astype(np.uint8)


@settings(deadline=None, max_examples=60)
@given(
    n_queries=st.integers(1, 14),
    n_rows=st.integers(1, 11),
    n_features=st.one_of(st.integers(1, 200), st.sampled_from([64, 128, 192])),
    seed=st.integers(0, 2**31),
)
def test_bounds_are_exact_integers(n_queries, n_rows, n_features, seed):
    rng = np.random.default_rng(seed)
    queries = bytes_of(rng, (n_queries, n_features))
    rows = bytes_of(rng, (n_rows, n_features))
    found = bounds(queries, rows)
    np.testing.assert_array_equal(found, expected_bounds(queries, rows))


def test_rows_that_are_read_only(rng):
    queries, rows = bytes_of(rng, (7, 70)), bytes_of(rng, (5, 70))
    rows.flags.writeable = False
    found = bounds(queries, rows)
    np.testing.assert_array_equal(found, expected_bounds(queries, rows))


def test_more_rows_than_stay_in_the_cache(rng):
    queries, rows = bytes_of(rng, (7, 70)), bytes_of(rng, (300, 70))
    found = bounds(queries, rows)
    np.testing.assert_array_equal(found, expected_bounds(queries, rows))


@pytest.mark.parametrize("n_features", [65_536, 65_537, 70_000, 131_073])
def test_sums_that_no_int32_holds(n_features):
    queries = np.zeros((7, n_features), np.uint8)
    queries[3:] = 255
    rows = np.full((1, n_features), 255, np.uint8)
    rows[:, 5] = 254
    found = bounds(queries, rows)
    np.testing.assert_array_equal(found, expected_bounds(queries, rows))


@pytest.mark.parametrize("n_features", [1, 100, 33_000, 70_000])
def test_sums_and_squares(n_features, rng):
    rows = bytes_of(rng, (3, n_features))
    rows[0] = 255
    sums, squares = np.zeros((2, 3), np.int64)
    sums_and_squares(rows, np.zeros((1, n_features), np.uint8), sums, squares)
    np.testing.assert_array_equal(sums, rows.sum(1, dtype=np.int64))
    np.testing.assert_array_equal(squares, (rows.astype(np.int64) ** 2).sum(1))
