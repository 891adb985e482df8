"""The steps of the colour histogram kernels, against NumPy; also run uncompiled."""

import numpy as np
import pytest

from skvision._kernels import color
from skvision._kernels import histograms as kernel


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_split_leaves_what_is_behind_the_strip(n_channels, dtype, rng):
    pixels = rng.integers(0, 256, (7, n_channels), dtype=np.uint8)
    planes = np.full((n_channels, 9), 5, dtype)
    color.split(pixels.reshape(-1), 7, planes)
    np.testing.assert_array_equal(planes[:, :7], pixels.T)
    assert (planes[:, 7:] == 5).all()


def test_prepare_clips_shifts_and_undoes_gamma():
    x = np.array([-9.0, 2.0, 3.0, 4.0, 9.0])
    for space in (color.RGB, color.GRAY):
        values = x.copy()
        color.prepare(values, 2.0, 4.0, space)
        np.testing.assert_array_equal(values, [2, 2, 3, 4, 4])
    values = x.copy()
    color.prepare(values, 2.0, 4.0, color.HSV)
    np.testing.assert_array_equal(values, [0, 0, 1, 2, 2])
    values = x.copy()
    color.prepare(values, 2.0, 4.0, color.LAB)
    np.testing.assert_allclose(values, [0, 0, (0.555 / 1.055) ** 2.4, 1, 1])


def test_look_up():
    values = np.array([0.0, 255.0, 7.0])
    color.look_up(values, np.arange(256.0) ** 2)
    np.testing.assert_array_equal(values, [0, 255**2, 49])


def test_hsv_of_bytes_is_that_of_floats(rng):
    levels = np.uint8([0, 1, 2, 127, 128, 254, 255])
    planes = np.array(list(np.ndindex(7, 7, 7))).T
    planes = np.ascontiguousarray(levels[planes])
    whole = np.zeros((2, 3, planes.shape[1]), np.int16)
    color.convert(planes, 0.0, 255.0, 255.0, color.HSV, whole[0], whole[1])
    real = np.zeros(whole.shape)
    color.convert(planes.astype(float), 0.0, 255.0, 255.0, color.HSV, real[0], real[1])
    np.testing.assert_array_equal(whole, real)
    hue, saturation, value = real[0] / real[1]
    assert ((hue >= 0) & (hue < 1)).all()
    largest, least = planes.max(axis=0) / 255, planes.min(axis=0) / 255
    np.testing.assert_allclose(value, largest)
    np.testing.assert_allclose(saturation * largest, largest - least)


def test_cube_root():
    x = np.geomspace(0.008, 1.1, 3000)
    got = np.array([color.cube_root(value) for value in x])
    np.testing.assert_allclose(got, np.cbrt(x), rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_bins", [1, 3, 10, 16, 49])
def test_bins_of_fractions(n_bins, dtype):
    top, bottom = (a.ravel() for a in np.meshgrid(np.arange(61), np.arange(1, 61)))
    inside = top <= bottom
    top, bottom = (a[inside].astype(np.int16) for a in (top, bottom))
    at = np.arange(top.size, dtype=np.uint32)
    bins = np.zeros(top.size, np.uint32)
    edges = np.linspace(0, 1, n_bins + 1)
    expected = np.searchsorted(edges, top / bottom, side="right") - 1
    expected = at + 5 * np.minimum(expected, n_bins - 1)
    stride = np.uint32(5)
    kernel._add_bins_below_edges(top, bottom, dtype(n_bins), 1.0, stride, at, bins)
    np.testing.assert_array_equal(bins, expected)
    kernel._add_bins_of_values(
        top, bottom, np.float64(n_bins), 0.0, 1.0, stride, at, bins
    )
    np.testing.assert_array_equal(bins, expected)
    if (edges[:-1] <= np.arange(n_bins) / n_bins).all():
        kernel._add_bins_of_fractions(top, bottom, dtype(n_bins), stride, at, bins)
        np.testing.assert_array_equal(bins, expected)


def test_bins_of_values_on_edges_and_beside_them():
    for low, high, n_bins in [(-3.7, 11.3, 7), (0.1, 0.3, 100), (1.0, 1.0 + 1e-12, 9)]:
        edges = np.linspace(low, high, n_bins + 1)
        x = np.concatenate(
            [edges, np.nextafter(edges, -np.inf)[1:], np.nextafter(edges, np.inf)[:-1]]
        )
        bins, zeros = np.zeros((2, x.size), np.uint32)
        kernel._add_bins_of_values(
            x, np.ones(x.size), float(n_bins), low, high, np.uint32(1), zeros, bins
        )
        expected = np.searchsorted(edges, x, side="right") - 1
        np.testing.assert_array_equal(bins, np.minimum(expected, n_bins - 1))


def test_sums_of_a_joint_histogram(rng):
    sizes = (3, 1, 4)
    joint = rng.integers(0, 100, sizes).astype(np.uint32)
    counts = np.full(8, 7, np.uint32)
    strides = np.uint32([4, 4, 1])
    kernel._sum_out(joint.reshape(-1), np.float32(sizes), strides, counts)
    expected = [joint.sum(axis=axes) for axes in ((1, 2), (0, 2), (0, 1))]
    np.testing.assert_array_equal(counts, np.concatenate(expected))


@pytest.mark.parametrize("norm", range(4))
def test_normalisation(norm, rng):
    counts = rng.integers(0, 9, 12).astype(np.uint32)
    features = np.zeros(12)
    kernel._normalize(counts, norm, features)
    l1 = counts / counts.sum()
    expected = (l1, counts / np.linalg.norm(counts), np.sqrt(l1), counts)[norm]
    np.testing.assert_allclose(features, expected)
    kernel._normalize(np.zeros_like(counts), norm, features)
    assert not features.any()


def run(images, dtype, sums):
    """Count bytes in two bins of red, green and blue each, by row of cells."""
    joint = sums.size > 0
    features = np.ones((len(images), 1, 6), np.float32)
    strides = np.uint32([4, 2, 1] if joint else [1, 1, 1])
    width = images.shape[2]
    home = np.uint32([0, 0, 0] if joint else [0, 2, 4])[:, None].repeat(width, axis=1)
    kernel.color_histograms(
        images,
        (0.0, 255.0),
        np.empty(0),
        color.RGB,
        255.0,
        True,
        np.arange(3),
        np.full(3, 2, dtype),
        np.tile([0.0, 255.0], (3, 1)),
        np.zeros(3, bool),
        np.zeros(3, bool),
        joint,
        home,
        strides,
        np.array([0, 2, 4, 6]),
        3,
        np.zeros((3, width), np.uint8),
        np.ones((2, 3, width), np.int16),
        np.zeros((3, width), np.uint32),
        np.zeros(8 if joint else 6, np.uint32),
        sums,
        features,
    )
    return features[:, 0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_sums", [0, 6])
def test_whole_kernel_on_no_picture_and_on_read_only_ones(n_sums, dtype, rng):
    images = rng.choice(np.uint8([0, 127, 128, 255]), (2, 3, 5, 3))
    images.flags.writeable = False
    sums = np.zeros(n_sums, np.uint32)
    high = (images > 127).sum(axis=(1, 2))
    expected = np.stack([15 - high, high], axis=2).reshape(2, 6)
    np.testing.assert_array_equal(run(images, dtype, sums), expected)
    assert run(images[:0], dtype, sums).shape == (0, 6)
