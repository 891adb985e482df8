"""Moments of columns: those of NumPy, over rows of positive weight alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skvision._training.moments import (
    MAX_SUMMANDS,
    column_variances,
    learn_standard,
    weighted_mean,
)
from skvision._training.sources import (
    BLOCK_BYTES,
    ArraySource,
    Centered,
    Standardized,
)

DTYPES = [np.uint8, np.float32, np.float64]
N, D = 40, 6
TOL = {"f": 1e-5, "d": 1e-13, "B": 1e-5}


@pytest.fixture(params=DTYPES)
def X(request, rng):
    return rng.uniform(0, 255, (N, D)).astype(request.param)


@pytest.fixture
def sample_weight(rng):
    sample_weight = rng.random(N)
    return sample_weight / sample_weight.sum()


# Of centered rows


def test_bytes_are_never_copied_whole(rng, peak_of):
    X = rng.integers(0, 256, (60_000, 256), np.uint8)
    rows, sample_weight = (
        Centered(ArraySource(X), rng.normal(size=256)),
        np.full(60_000, 1 / 60_000),
    )
    for function in (weighted_mean, column_variances):
        assert (
            peak_of(lambda f=function: f(rows, sample_weight))
            < 4 * BLOCK_BYTES
            < X.nbytes
        )


@pytest.mark.parametrize("centered", [True, False])
def test_moments(X, centered, rng):
    sample_weight = rng.random(N)
    sample_weight /= sample_weight.sum()
    center = rng.normal(size=D) if centered else None
    rows, x = (
        Centered(ArraySource(X), center),
        X.astype(float) - (center if centered else 0),
    )
    rtol = 1e-13 if X.dtype == np.float64 else 1e-6
    mean, variances = (
        weighted_mean(rows, sample_weight),
        column_variances(rows, sample_weight),
    )
    assert mean.dtype == variances.dtype == np.float64
    np.testing.assert_allclose(
        mean, np.average(x, axis=0, weights=sample_weight), rtol=rtol
    )
    np.testing.assert_allclose(
        variances, np.average(x**2, axis=0, weights=sample_weight), rtol=rtol
    )


def test_variances_about_the_mean_are_those_of_numpy(X):
    sample_weight = np.full(N, 1 / N)
    center = weighted_mean(Centered(ArraySource(X)), sample_weight)
    variances = column_variances(Centered(ArraySource(X), center), sample_weight)
    np.testing.assert_allclose(variances, X.var(axis=0, dtype=float), rtol=1e-5)


def test_large_offsets_keep_their_digits(rng):
    X = (1e4 + rng.normal(size=(5000, 8))).astype(np.float32)
    sample_weight = np.full(5000, 1 / 5000)
    center = weighted_mean(Centered(ArraySource(X)), sample_weight)
    exact = X.astype(float)
    np.testing.assert_allclose(center, exact.mean(axis=0), rtol=1e-6)
    variances = column_variances(Centered(ArraySource(X), center), sample_weight)
    np.testing.assert_allclose(variances, exact.var(axis=0), rtol=1e-3)
    c = center.astype(np.float32).astype(float)
    np.testing.assert_array_equal(
        Centered(ArraySource(X), center).take(slice(None)), exact - c
    )
    of_c = ((exact - c) ** 2).mean(axis=0)
    np.testing.assert_allclose(variances, of_c, rtol=1e-6)


# learn_standard


def moments(X, sample_weight, n_channels=None):
    """Return mean and deviation of columns, by NumPy alone."""
    values = X.astype(float).reshape(len(X), -1, n_channels or X.shape[1])
    weights = np.broadcast_to(sample_weight[:, None, None], values.shape)
    mean = np.average(values, axis=(0, 1), weights=weights)
    variance = np.average((values - mean) ** 2, axis=(0, 1), weights=weights)
    times = X.shape[1] // len(mean)
    return np.tile(mean, times), np.tile(np.sqrt(variance), times)


def assert_standard(standard, mean, deviation, rtol):
    for ours, expected in ((standard.mean, mean), (standard.deviation, deviation)):
        assert ours.dtype == np.float64
        np.testing.assert_allclose(ours, expected, rtol=rtol)


@pytest.mark.parametrize("n_channels", [None, 1, 2, 3, 6])
def test_mean_and_deviation_are_those_of_numpy(X, sample_weight, n_channels):
    expected = moments(X, sample_weight, n_channels)
    standard = learn_standard(ArraySource(X), sample_weight, n_channels)
    assert_standard(standard, *expected, TOL[X.dtype.char])


@settings(deadline=None, max_examples=25)
@given(
    n=st.integers(1, 40),
    n_pixels=st.integers(1, 9),
    n_channels=st.integers(1, 4),
    dtype=st.sampled_from(DTYPES),
    seed=st.integers(0, 99),
)
def test_any_shape(n, n_pixels, n_channels, dtype, seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 256, (n, n_pixels * n_channels)).astype(dtype)
    sample_weight = np.full(n, 1 / n)
    for of_channels in (None, n_channels):
        mean, deviation = moments(X, sample_weight, of_channels)
        deviation[deviation < 1e-9] = 1
        standard = learn_standard(ArraySource(X), sample_weight, of_channels)
        np.testing.assert_allclose(standard.mean, mean, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(standard.deviation, deviation, rtol=1e-5)


def test_rows_of_weight_zero_are_left_out(X, sample_weight):
    sample_weight[::3] = 0
    sample_weight /= sample_weight.sum()
    counted = sample_weight > 0
    for n_channels in (None, 2):
        ours = learn_standard(ArraySource(X), sample_weight, n_channels)
        alone = learn_standard(
            ArraySource(X[counted]), sample_weight[counted], n_channels
        )
        rtol = TOL[X.dtype.char]
        assert_standard(ours, alone.mean, alone.deviation, rtol)


def test_a_weight_of_two_is_the_row_twice(X):
    counts = np.arange(N) % 3
    twice = learn_standard(
        ArraySource(np.repeat(X, counts, axis=0)),
        np.full(counts.sum(), 1 / counts.sum()),
        3,
    )
    ours = learn_standard(ArraySource(X), counts / counts.sum(), 3)
    assert_standard(ours, twice.mean, twice.deviation, TOL[X.dtype.char])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [0, 1, 77, 254.7, 255])
def test_columns_that_do_not_vary_have_a_deviation_of_one(
    dtype, value, sample_weight, rng
):
    X = rng.uniform(0, 255, (N, D)).astype(dtype)
    X[:, [1, 4]] = np.array(value).astype(dtype)
    standard = learn_standard(ArraySource(X), sample_weight, None)
    assert standard.deviation[[1, 4]].tolist() == [1, 1]
    assert (standard.deviation[[0, 2, 3, 5]] > 10).all()
    standard = learn_standard(
        ArraySource(X), sample_weight, 3
    )  # 1 and 4 are one channel
    assert standard.deviation[[1, 4]].tolist() == [1, 1]
    read_rows = Standardized(ArraySource(X), standard).take(slice(None))
    np.testing.assert_allclose(read_rows[:, [1, 4]], 0, atol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [1, 200, 251])
@pytest.mark.parametrize(("n", "d"), [(1000, 2), (5000, 8), (10_000, 64)])
def test_many_rows_that_do_not_vary(n, d, value, dtype):
    X = np.full((n, d), value, dtype)
    standard = learn_standard(ArraySource(X), np.full(n, 1 / n), None)
    assert (standard.deviation == 1).all()
    np.testing.assert_allclose(standard.mean, value, rtol=1e-6)


def test_a_column_that_varies_little_is_scaled_nevertheless():
    X = np.full((10_000, 2), 200, np.uint8)
    X[7, 1] = 201
    standard = learn_standard(ArraySource(X), np.full(len(X), 1e-4), None)
    assert standard.deviation[0] == 1
    assert standard.deviation[1] == pytest.approx(0.01, rel=1e-3)


def test_channels_that_differ_from_pixel_to_pixel_only_vary():
    X = np.tile(np.array([0.0, 5, 2, 5]), (3, 1))  # the first channel: 0 and 2
    standard = learn_standard(ArraySource(X), np.full(3, 1 / 3), 2)
    np.testing.assert_allclose(standard.mean, [1, 5, 1, 5])
    np.testing.assert_allclose(standard.deviation, 1)


@pytest.mark.parametrize(
    ("dtype", "offset", "rtol"), [(np.float32, 1e4, 1e-3), (np.float64, 1e8, 1e-6)]
)
@pytest.mark.parametrize("n_channels", [None, 3])
def test_large_offsets_of_standards_keep_digits(dtype, offset, rtol, n_channels, rng):
    X = (offset + rng.normal(size=(4000, D))).astype(dtype)
    sample_weight = np.full(4000, 1 / 4000)
    mean, deviation = moments(X, sample_weight, n_channels)
    standard = learn_standard(ArraySource(X), sample_weight, n_channels)
    np.testing.assert_allclose(standard.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(standard.deviation, deviation, rtol=rtol)


def test_bytes_of_a_standard_are_never_copied_whole(rng, peak_of):
    X = rng.integers(0, 256, (20_000, 1024), np.uint8)
    source, sample_weight = ArraySource(X), np.full(len(X), 1 / len(X))
    assert peak_of(lambda: learn_standard(source, sample_weight, 4)) < X.nbytes / 3


@pytest.mark.parametrize("some", [0, 1, 60])
def test_blocks_of_which_no_row_counts(some, rng):
    X = rng.normal(size=(3 * MAX_SUMMANDS, 4)).astype(np.float32)
    sample_weight = np.zeros(len(X))
    sample_weight[:some], sample_weight[-40:] = 1, 2
    got = weighted_mean(
        Centered(ArraySource(X), None), sample_weight / sample_weight.sum()
    )
    expected = np.average(X.astype(float), axis=0, weights=sample_weight)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
