"""Rows: what is read_rows, in which blocks, at what cost, and their moments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skvision._training.rows import BLOCK_BYTES, Rows, column_variances, weighted_mean

DTYPES = [np.uint8, np.float32, np.float64]


@pytest.fixture(params=DTYPES)
def X(request, rng):
    return rng.uniform(0, 255, (37, 5)).astype(request.param)


@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("index", [slice(3, 20), slice(None), np.array([4, 0, 4, 36])])
def test_rows_are_cast_and_centered(X, centered, index, rng):
    center = rng.normal(size=5) if centered else None
    rows = Rows(X, center)
    read_rows = rows.read(index)
    expected = X[index].astype(float) - (center if centered else 0)
    assert (len(rows), rows.n_features) == X.shape
    assert read_rows.dtype == rows.dtype
    assert read_rows.dtype == (np.float64 if X.dtype == np.float64 else np.float32)
    tol = 1e-14 if X.dtype == np.float64 else 1e-6
    np.testing.assert_allclose(read_rows, expected, rtol=tol, atol=256 * tol)


def test_bytes_below_the_center_become_negative():
    rows = Rows(np.array([[3]], np.uint8), np.array([5.5]))
    assert rows.read(slice(None))[0, 0] == -2.5


def test_rows_may_be_read_only_and_strided(X, rng):
    strided = np.repeat(X, 2, axis=0)[::2]
    strided.flags.writeable = False
    center = rng.normal(size=5)
    for part in (slice(0, 9), np.array([1, 5])):
        np.testing.assert_array_equal(
            Rows(strided, center).read(part), Rows(X, center).read(part)
        )


@given(st.integers(0, 500), st.integers(1, 300), st.integers(1, 10**5))
def test_blocks_cover_each_row_once(n, d, n_bytes):
    rows = Rows(np.empty((n, d), np.uint8), None)
    blocks = list(rows.blocks(n_bytes))
    covered = [i for block in blocks for i in range(block.start, block.stop)]
    assert covered == list(range(n))
    for block in blocks:
        size = block.stop - block.start
        assert size <= 16 or size * d * 4 <= n_bytes


def test_bytes_are_never_copied_whole(rng, peak_of):
    X = rng.integers(0, 256, (60_000, 256), np.uint8)
    rows, sample_weight = Rows(X, rng.normal(size=256)), np.full(60_000, 1 / 60_000)
    for function in (weighted_mean, column_variances):
        assert (
            peak_of(lambda f=function: f(rows, sample_weight))
            < 4 * BLOCK_BYTES
            < X.nbytes
        )


def test_memory_mapped_rows_stay_in_their_file(tmp_path, rng, peak_of):
    path = tmp_path / "rows.npy"
    X = rng.normal(size=(20_000, 64)).astype(np.float32)
    np.save(path, X)
    sample_weight = np.full(20_000, 1 / 20_000)
    rows = Rows(np.load(path, mmap_mode="r"), None)
    assert type(rows.X) is np.memmap
    assert np.shares_memory(rows.read(slice(5, 90)), rows.X)
    assert peak_of(lambda: weighted_mean(rows, sample_weight)) < X.nbytes / 2
    np.testing.assert_allclose(
        weighted_mean(rows, sample_weight), X.mean(axis=0), atol=1e-6
    )
    center = X[:50].mean(axis=0)
    centered = Rows(rows.X, center)
    assert type(centered.X) is np.memmap
    np.testing.assert_array_equal(centered.read(slice(5, 90)), X[5:90] - center)


@pytest.mark.parametrize("centered", [True, False])
def test_moments(X, centered, rng):
    sample_weight = rng.random(37)
    sample_weight /= sample_weight.sum()
    center = rng.normal(size=5) if centered else None
    rows, x = Rows(X, center), X.astype(float) - (center if centered else 0)
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
    sample_weight = np.full(37, 1 / 37)
    center = weighted_mean(Rows(X, None), sample_weight)
    variances = column_variances(Rows(X, center), sample_weight)
    np.testing.assert_allclose(variances, X.var(axis=0, dtype=float), rtol=1e-5)


def test_large_offsets_keep_their_digits(rng):
    X = (1e4 + rng.normal(size=(5000, 8))).astype(np.float32)
    sample_weight = np.full(5000, 1 / 5000)
    center = weighted_mean(Rows(X, None), sample_weight)
    exact = X.astype(float)
    np.testing.assert_allclose(center, exact.mean(axis=0), rtol=1e-6)
    variances = column_variances(Rows(X, center), sample_weight)
    np.testing.assert_allclose(variances, exact.var(axis=0), rtol=1e-3)
    c = center.astype(np.float32).astype(float)
    np.testing.assert_array_equal(Rows(X, center).read(slice(None)), exact - c)
    of_c = ((exact - c) ** 2).mean(axis=0)
    np.testing.assert_allclose(variances, of_c, rtol=1e-6)
