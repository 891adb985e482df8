"""What is true of the steps of color histograms beyond their definitions."""

import numpy as np
import pytest

from skvision._kernels import color
from skvision._kernels import histograms as kernel


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
