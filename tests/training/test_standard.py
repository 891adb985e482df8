"""Spread of columns: exact about constants, and right at the ends of the floats."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skvision._training.moments import learn_spread, learn_standard
from skvision._training.sources import ArraySource
from skvision._training.standard import Standard, standardize, unit_of

DTYPES = [np.uint8, np.float32, np.float64]
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def even(n):
    return np.full(n, 1 / n)


def standardized(X, standard):
    dtype = np.float64 if X.dtype == np.float64 else np.float32
    return standardize(X, np.arange(len(X)), standard, np.empty(X.shape, dtype))


@pytest.mark.parametrize("n_channels", [None, 1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_spread_is_that_of_numpy(dtype, n_channels, rng):
    X = rng.uniform(0, 255, (300, 6)).astype(dtype)
    sample_weight = rng.random(300) / 150
    sample_weight[::7] = 0
    sample_weight /= sample_weight.sum()
    spread = learn_spread(ArraySource(X), sample_weight, n_channels)
    seen = (
        X[sample_weight > 0]
        .astype(float)
        .reshape(-1, 6 // (n_channels or 6), n_channels or 6)
    )
    weights = np.broadcast_to(sample_weight[sample_weight > 0, None, None], seen.shape)
    mean = np.average(seen, axis=(0, 1), weights=weights)
    variance = np.average((seen - mean) ** 2, axis=(0, 1), weights=weights)
    expected = seen.min((0, 1)), seen.max((0, 1)), mean, np.sqrt(variance)
    times = 6 // (n_channels or 6)
    for ours, theirs in zip(spread, expected, strict=True):
        np.testing.assert_allclose(ours, np.tile(theirs, times), rtol=1e-13)


@settings(max_examples=200)
@given(
    value=FLOATS,
    n=st.integers(1, 3000),
    dtype=st.sampled_from(DTYPES),
    n_channels=st.sampled_from([None, 1]),
    seed=st.integers(0, 99),
)
def test_a_constant_column_is_its_value_exactly(value, n, dtype, n_channels, seed):
    """Whatever the value, the number of rows, the dtype and the weights."""
    value = np.clip(value, np.finfo(np.float32).min, np.finfo(np.float32).max)
    value = np.abs(value) % 256 if dtype == np.uint8 else value
    rng = np.random.default_rng(seed)
    X = np.full((n, 3), np.array(value).astype(dtype))
    sample_weight = rng.random(n) * (rng.random(n) < 0.8)
    sample_weight[0] += 1
    X[sample_weight == 0] = rng.integers(0, 255, 3)  # what does not count
    spread = learn_spread(
        ArraySource(X), sample_weight / sample_weight.sum(), n_channels
    )
    assert spread.mean.tolist() == [float(X[0, 0])] * 3
    assert not spread.deviation.any()
    assert not standardized(
        X[:1],
        learn_standard(ArraySource(X), sample_weight / sample_weight.sum(), n_channels),
    ).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_column_that_varies_in_its_last_digit_varies(dtype):
    X = np.full((1000, 1), 0.55, dtype)
    X[::2] = np.nextafter(X[0], dtype(1))
    assert learn_spread(ArraySource(X), even(1000)).deviation > 0
    both = standardized(X, learn_standard(ArraySource(X), even(1000), None))
    assert np.ptp(both) == pytest.approx(2, rel=0.1)


def test_moving_a_constant_column_at_test_moves_little():
    X = np.full((1797, 1), 0.55, np.float32)
    standard = learn_standard(ArraySource(X), even(1797), None)
    moved = standardized(X + np.float32(1e-4), standard)
    np.testing.assert_allclose(moved, 1e-4, rtol=1e-2)


SCALES = {
    np.float32: [1e-38, 1e-30, 1e-20, 1e20, 1e30, 3e38],
    np.float64: [1e-310, 1e-155, 1e-38, 1e38, 1e155, 1e300, 1.7e308],
}


@pytest.mark.parametrize(
    ("dtype", "scale"), [(dtype, s) for dtype in SCALES for s in SCALES[dtype]]
)
def test_the_unit_of_measure_is_no_matter(dtype, scale, rng):
    X = rng.uniform(-1, 1, (200, 5))
    X[:, 4] = 0.3
    scaled = (X * scale).astype(dtype)
    spread = learn_spread(ArraySource(scaled), even(200))
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(spread.mean / scale, X.mean(0), rtol=rtol, atol=rtol)
    expected = X.std(axis=0)
    expected[4] = 0
    np.testing.assert_allclose(spread.deviation / scale, expected, rtol=rtol)
    read_rows = standardized(
        scaled, learn_standard(ArraySource(scaled), even(200), None)
    )
    expected = (X - X.mean(0))[:, :4] / X.std(0)[:4]
    np.testing.assert_allclose(
        read_rows[:, :4], expected, rtol=10 * rtol, atol=10 * rtol
    )
    assert not read_rows[:, 4].any()


@settings(max_examples=200)
@given(st.lists(FLOATS, min_size=1, max_size=9))
def test_any_finite_floats(values):
    X = np.array(values)[:, None]
    low, high, mean, deviation = learn_spread(ArraySource(X), even(len(X)))
    assert low == X.min()
    assert high == X.max()
    assert np.isfinite([mean, deviation]).all()
    assert low <= mean <= high
    assert np.isfinite(
        standardized(X, learn_standard(ArraySource(X), even(len(X)), None))
    ).all()


def test_results_that_float32_cannot_hold_are_infinite():
    standard = Standard(np.zeros(2), np.array([1e-30, 1.0]))
    out = standardized(np.full((1, 2), 1e20, np.float32), standard)
    np.testing.assert_array_equal(out, np.array([[np.inf, 1e20]], np.float32))


@given(st.floats(0, 1.7e308))
def test_units_are_powers_of_two(largest):
    unit = float(unit_of(np.float64(largest)))
    assert np.frexp(unit)[0] == 0.5
    assert largest * unit < 2.0**25
    assert 1 / unit < np.inf


def test_bytes_are_never_copied_whole(rng, peak_of):
    X = rng.integers(0, 256, (20_000, 1024), np.uint8)
    learn_spread(ArraySource(X[:10]), even(10))  # compiles
    assert peak_of(lambda: learn_spread(ArraySource(X), even(len(X)))) < X.nbytes / 5
