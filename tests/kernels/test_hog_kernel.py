"""The steps of the HOG kernel, each against NumPy; also run without compilation."""

import numpy as np
import pytest

from skvision._kernels import hog as kernel

DTYPES = [np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
def test_arctangent(dtype):
    x = np.linspace(0, 1, 1001).astype(dtype)
    got = np.array([kernel._arctangent(value) for value in x])
    np.testing.assert_allclose(
        got, np.arctan(x.astype(float)), rtol=4 * np.finfo(dtype).eps
    )


def test_length_is_rounded_correctly_but_for_one_in_a_hundred(rng):
    dx, dy = rng.normal(size=(2, 2000))
    got = np.array([kernel._length(x, y) for x, y in zip(dx, dy, strict=True)])
    exact = np.sqrt(dx.astype(np.longdouble) ** 2 + dy.astype(np.longdouble) ** 2)
    np.testing.assert_allclose(got, exact.astype(float), rtol=2.3e-16)
    assert (got == exact.astype(float)).mean() > 0.99
    with np.errstate(invalid="ignore"):
        assert kernel._length(0.0 * dx[0], 0.0 * dx[0]) == 0


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, *DTYPES])
def test_strip_of_rows(n_channels, dtype, rng):
    height, width = 6, 5
    image = (255 * rng.random((height, width, n_channels))).astype(dtype)
    padded = np.pad(image, ((1, 1), (0, 0), (0, 0)), mode="reflect")
    for top, bottom in [(0, 6), (0, 1), (2, 4), (5, 6)]:
        planes = np.zeros((n_channels, (bottom - top + 2) * width))
        kernel._read_strip(image.reshape(-1), width, top, bottom, False, planes)
        expected = padded[top : bottom + 2].reshape(-1, n_channels).T
        np.testing.assert_array_equal(planes, expected)


@pytest.mark.parametrize("exact", [True, False])
def test_strongest_gradient_of_bytes_at_their_limits(exact, rng):
    height, width = 3, 6
    image = rng.choice(np.uint8([0, 1, 254, 255]), (height, width, 3))
    planes = np.pad(image, ((1, 1), (0, 0), (0, 0)), mode="reflect")
    planes = planes.reshape(-1, 3).T.astype(np.float32)
    inside = np.tile(np.float32([0, 1, 1, 1, 1, 0]), height)
    gx, gy, magnitude = np.zeros((3, height * width), np.float32)
    with np.errstate(invalid="ignore"):
        kernel._strongest_gradient(planes, width, inside, exact, gx, gy, magnitude)
    whole = np.pad(image.astype(int), ((1, 1), (1, 1), (0, 0)), mode="reflect")
    dx = whole[1:-1, 2:] - whole[1:-1, :-2]
    dy = whole[2:, 1:-1] - whole[:-2, 1:-1]
    longest = np.hypot(dx, dy).max(axis=2).ravel()
    np.testing.assert_allclose(magnitude, longest, rtol=1e-6)
    np.testing.assert_allclose(np.hypot(gx, gy), longest, rtol=1e-6)


def test_count_ignores_what_fills_up_the_fours():
    ratio = np.array([-np.inf, -1.0, 0.0, 3.0, np.inf])
    boundaries = np.array([2.0, 0.0, -1.0, -1.5, -5.0, np.nan, np.nan, np.nan])
    counts = np.zeros(5, np.uint32)
    kernel._count(ratio, boundaries, counts)
    np.testing.assert_array_equal(counts, (ratio[:, None] <= boundaries).sum(axis=1))


@pytest.mark.parametrize("norm", range(4))
@pytest.mark.parametrize("dtype", DTYPES)
def test_block_normalisation(norm, dtype, rng):
    histograms = rng.random((2, 18)).astype(dtype)
    block = np.empty((2, 18), dtype)
    kernel._normalize_block(histograms, norm, dtype(1e-3), block)
    v = histograms.astype(float)
    by_sum, by_length = v / (v.sum() + 1e-3), v / np.sqrt((v**2).sum() + 1e-6)
    cut = np.minimum(by_length, 0.2)
    again = cut / np.sqrt((cut**2).sum() + 1e-10)
    expected = (by_sum, np.sqrt(by_sum), by_length, again)[norm]
    np.testing.assert_allclose(block, expected, rtol=1e-5)


def test_black_blocks_stay_black():
    block = np.ones((2, 18), np.float32)
    for norm in range(4):
        kernel._normalize_block(np.zeros_like(block), norm, np.float32(1e-5), block)
        assert not block.any()


@pytest.mark.parametrize("interpolate", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, *DTYPES])
def test_whole_kernel_on_no_picture_and_on_one_row(interpolate, dtype):
    for n, height in [(0, 8), (1, 1)]:
        images = np.full((n, height, 9, 1), 7, dtype)
        features = np.ones((n, 1, 1, 1, 9))
        with np.errstate(divide="ignore", invalid="ignore"):
            kernel.hog(
                images,
                np.full(8, np.nan),
                np.empty(0),
                9,
                9,
                False,
                False,
                False,
                interpolate,
                (height, 8),
                (1, 1),
                3,
                np.zeros((1, (height + 2) * 9)),
                features,
            )
        assert not features.any()
