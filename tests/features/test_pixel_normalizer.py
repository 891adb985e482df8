"""PixelNormalizer against NumPy and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from skvision import ImageShapeWarning, PixelNormalizer


@pytest.fixture
def images(rng):
    images = rng.integers(0, 256, (50, 6, 7, 3), dtype=np.uint8)
    images[:, 0, 0] = [0, 128, 255]  # constant pixels
    return images


def flat(X):
    return X.reshape(len(X), -1)


def test_default_is_standard_scaler_in_float32(images):
    normalized = PixelNormalizer().fit_transform(images)
    expected = StandardScaler().fit_transform(flat(images).astype(float))
    assert normalized.shape == images.shape
    assert normalized.dtype == np.float32
    np.testing.assert_allclose(flat(normalized), expected, atol=1e-5)
    assert not normalized[:, 0, 0].any()


def test_float64_stays(images):
    normalized = PixelNormalizer().fit_transform(flat(images).astype(float))
    expected = StandardScaler().fit_transform(flat(images).astype(float))
    np.testing.assert_allclose(normalized, expected, atol=1e-13)


def test_channels(images):
    normalizer = PixelNormalizer(center="channel").fit(images)
    colors = images.reshape(-1, 3).astype(float)
    expected = (images - colors.mean(axis=0)) / colors.std(axis=0)
    np.testing.assert_allclose(normalizer.transform(images), expected, atol=1e-5)
    np.testing.assert_allclose(normalizer.center_[:3], colors.mean(axis=0))
    with pytest.warns(ImageShapeWarning, match="1 x 126"):
        PixelNormalizer(center="channel").fit(flat(images))
    told = PixelNormalizer(center="channel", image_shape=(6, 7, 3)).fit(flat(images))
    np.testing.assert_array_equal(told.center_, normalizer.center_)


@pytest.mark.parametrize("center", ["pixel", "channel", None])
def test_range(images, center):
    normalized = PixelNormalizer(center=center, scale="range").fit_transform(images)
    assert np.abs(normalized).max() == pytest.approx(1, abs=1e-6)
    if center is None:
        expected = MaxAbsScaler().fit_transform(flat(images))
        np.testing.assert_allclose(flat(normalized), expected, atol=1e-6)
    if center == "pixel":
        assert np.abs(normalized.mean(axis=0)).max() < 1e-6
        largest = np.abs(flat(normalized)).max(axis=0)
        np.testing.assert_allclose(largest[3:], 1, atol=1e-6)


def test_nothing_but_float32(images):
    same = PixelNormalizer(center=None, scale=None).fit_transform(images)
    np.testing.assert_array_equal(same, images)
    assert same.dtype == np.float32


def test_variance_floor(rng):
    X = rng.normal(size=(200, 5)) * [1, 1, 1, 1, 1e-6]
    normalized = PixelNormalizer(variance_floor=0.01).fit_transform(X)
    variance = X.var(axis=0)
    expected = (X - X.mean(axis=0)) / np.sqrt(variance + 0.01 * variance.mean())
    np.testing.assert_allclose(normalized, expected, rtol=1e-10)
    assert np.abs(normalized[:, 4]).max() < 1e-3


def test_zca_whitening(rng):
    X = rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6)) + 3
    normalizer = PixelNormalizer(scale=None, whitening_epsilon=0.01).fit(X)
    eigenvalues, vectors = np.linalg.eigh(np.cov(X.T, bias=True))
    root = vectors @ np.diag(1 / np.sqrt(eigenvalues + 0.01)) @ vectors.T
    np.testing.assert_allclose(normalizer.whitening_, root, rtol=1e-8)
    white = normalizer.transform(X)
    np.testing.assert_allclose(
        white, (X - X.mean(axis=0)) @ root, rtol=1e-8, atol=1e-10
    )
    tiny = PixelNormalizer(whitening_epsilon=1e-12).fit_transform(X)
    np.testing.assert_allclose(np.cov(tiny.T, bias=True), np.eye(6), atol=1e-6)


@pytest.mark.parametrize("epsilon", [None, 0.1])
@pytest.mark.parametrize("scale", ["std", "range", None])
@pytest.mark.parametrize("center", ["pixel", "channel"])
def test_inverse(images, center, scale, epsilon):
    normalizer = PixelNormalizer(center, scale, whitening_epsilon=epsilon)
    back = normalizer.inverse_transform(normalizer.fit_transform(images))
    np.testing.assert_allclose(back, images, atol=0.05)
    assert back.shape == images.shape


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.floats(-1e8, 1e8))
def test_statistics_survive_large_offsets(seed, n, offset):
    X = np.random.default_rng(seed).normal(size=(n, 3)) + offset
    normalizer = PixelNormalizer().fit(X)
    mean = X.mean(axis=0)
    np.testing.assert_allclose(normalizer.center_, mean, rtol=1e-12, atol=1e-15)
    expected = X.std(axis=0)
    expected[expected == 0] = 1
    np.testing.assert_allclose(normalizer.scale_, expected, rtol=1e-6)


def test_many_blocks_of_rows(monkeypatch, images):
    monkeypatch.setattr("skvision._features.pixel_normalizer.BLOCK_BYTES", 300)
    blocks = PixelNormalizer(whitening_epsilon=0.1).fit(images)
    monkeypatch.undo()
    whole = PixelNormalizer(whitening_epsilon=0.1).fit(images)
    np.testing.assert_allclose(blocks.scale_, whole.scale_, rtol=1e-12)
    np.testing.assert_allclose(blocks.whitening_, whole.whitening_, atol=1e-10)


@pytest.mark.parametrize("scale", ["std", "range"])
def test_constant_columns_whose_mean_is_rounded(scale, rng):
    X = rng.random((1000, 4))
    X[:, 0] = 0.1
    normalizer = PixelNormalizer(scale=scale).fit(X)
    assert normalizer.scale_[0] == 1
    assert abs(normalizer.transform(X + 1 / 255)[0, 0]) < 0.01


def test_scales_too_small_for_float32(rng):
    X = rng.random((20, 3)) * 1e-50
    normalized = PixelNormalizer().fit(X).transform(X.astype(np.float32))
    assert np.isfinite(normalized).all()


def test_names_of_tables_stay_with_channels(rng):
    table = pd.DataFrame(rng.random((5, 4)), columns=list("abcd"))
    normalizer = PixelNormalizer(center="channel", image_shape=(2, 2)).fit(table)
    assert list(normalizer.get_feature_names_out()) == list("abcd")


def test_a_range_that_overflows():
    with pytest.raises(ValueError, match=r"-1\.6e\+308 to 1\.6e\+308, a range that"):
        PixelNormalizer(scale="range").fit([[-1.6e308], [1.6e308], [1.6e308]])
