"""The augmentation kernels, each against NumPy; also run uncompiled."""

import numpy as np
import pytest

from skvision._kernels import augmentation as kernel

SHAPES = [(3, 4, 5, 3), (2, 1, 6, 3), (2, 5, 1, 1), (1, 1, 1, 3), (3, 3, 4, 1)]
SHAPES += [(2, 3, 3, 2), (0, 3, 4, 3)]
FILLS = [kernel.REFLECT, 0, 255, 7]


def draw(shape, rng):
    """Return read-only pictures, of the least and the largest bytes too."""
    images = rng.choice(np.uint8([0, 1, 77, 128, 254, 255]), shape)
    images.flags.writeable = False
    return images


def rows(images):
    n, height, width, n_channels = images.shape
    return images.reshape(n, height, width * n_channels)


@pytest.mark.parametrize("shape", SHAPES)
def test_flip(shape, rng):
    images = draw(shape, rng)
    horizontal, vertical = rng.random((2, len(images))) < 0.5
    out = np.full(shape, 9, np.uint8)
    kernel.flip(rows(images), shape[3], horizontal, vertical, rows(out))
    expected = images.copy()
    expected[horizontal] = expected[horizontal, :, ::-1]
    expected[vertical] = expected[vertical, ::-1]
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_locate_as_pad_does(size):
    line = np.arange(size)
    padded = np.pad(line, 20, mode="reflect")
    got = [kernel._locate(i, size, kernel.REFLECT) for i in range(-20, size + 20)]
    np.testing.assert_array_equal(got, padded)
    filled = np.pad(line, 20, constant_values=size)
    got = [kernel._locate(i, size, 5) for i in range(-20, size + 20)]
    np.testing.assert_array_equal(got, filled)


def pad(image, padding, fill):
    around = ((padding, padding), (padding, padding), (0, 0))
    if fill == kernel.REFLECT:
        return np.pad(image, around, mode="reflect")
    return np.pad(image, around, constant_values=fill)


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_crop(shape, fill, rng):
    _, height, width, n_channels = shape
    images = draw(shape, rng)
    for padding in (0, 1, 9):  # more than a picture, too
        tops, lefts = rng.integers(-padding, padding + 1, (2, len(images)))
        out = np.full(shape, 9, np.uint8)
        work = np.zeros(width * n_channels, np.uint64)
        kernel.crop(rows(images), n_channels, tops, lefts, fill, work, rows(out))
        for image, top, left, got in zip(images, tops, lefts, out, strict=True):
            padded = pad(image, padding, fill)[padding + top :, padding + left :]
            np.testing.assert_array_equal(got, padded[:height, :width])


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_zoom(shape, fill, rng):
    n, height, width, n_channels = shape
    images, padding = draw(shape, rng), 9
    y, x = rng.integers(-8, 8, (n, height)), rng.integers(-8, 8, (n, width))
    one = 1 << kernel.WEIGHT_BITS
    down = rng.integers(0, one + 1, (n, height), dtype=np.int32)
    right = rng.integers(0, one + 1, (n, width), dtype=np.int32)
    outside = np.full(width * n_channels, max(fill, 0), np.uint8)
    outside.flags.writeable = False
    blended = np.zeros((width + 1) * n_channels, np.int32)
    work = outside, blended, np.zeros((2, width), np.uint64)
    out = np.full(shape, 9, np.uint8)
    kernel.zoom(rows(images), n_channels, y, down, x, right, fill, work, rows(out))
    for i in range(n):
        padded = pad(images[i], padding, fill).astype(float)
        at, below = padded[padding + y[i]], padded[padding + y[i] + 1]
        share = down[i][:, None, None] / one
        blend = at * (1 - share) + below * share
        share = right[i][:, None] / one
        blend = (
            blend[:, padding + x[i]] * (1 - share)
            + blend[:, padding + x[i] + 1] * share
        )
        np.testing.assert_array_equal(out[i], np.floor(blend + 0.5))


def luma(images):
    if images.shape[-1] == 1:
        return images.astype(float)
    return (images @ np.array([0.299, 0.587, 0.114]))[..., None]


def blend(images, other, factor):
    return np.clip(np.floor(factor * images + (1 - factor) * other + 0.5), 0, 255)


def test_luma_is_rounded_exactly():
    levels = np.append(np.arange(0, 256, 23), 255)
    red, green, blue = (
        a.ravel() for a in np.meshgrid(levels, levels, levels, indexing="ij")
    )
    values = np.stack([red, green, blue], axis=1).astype(np.uint8)
    kernel._saturate(values.reshape(-1), np.int32(0))
    expected = (299 * red + 587 * green + 114 * blue + 500) // 1000
    np.testing.assert_array_equal(values, expected[:, None].repeat(3, axis=1))


@pytest.mark.parametrize("factor", [0.0, 0.2, 0.8, 1.0, 1.3, 2.0, 101.0])
@pytest.mark.parametrize("shape", [(2, 16, 17, 3), (2, 16, 17, 1), (2, 1, 1, 3)])
def test_each_step_of_jitter(shape, factor, rng):
    images = rng.integers(0, 256, shape, dtype=np.uint8)
    images[:, :8, :8] = rng.choice(np.uint8([0, 255]), images[:, :8, :8].shape)
    grey = shape[3] == 1
    slack = 0.03  # of a byte: factors and the mean luma are rounded to 2 ** -14
    others = {
        0: 0,
        1: luma(images).mean(axis=(1, 2, 3), keepdims=True),
        2: np.floor(luma(images) + 0.5),
    }
    for step, other in others.items():
        factors = np.full((len(images), 3), 1 << kernel.FACTOR_BITS, np.int32)
        factors[:, step] = np.rint(factor * (1 << kernel.FACTOR_BITS))
        got = images.copy()
        kernel.jitter(rows(got), shape[3], factors)
        if step == 2 and grey:
            np.testing.assert_array_equal(got, images)
            continue
        exact = np.clip(factor * images + (1 - factor) * other, 0, 255)
        assert np.abs(got - exact).max() <= 0.5 + slack
        if factor == 1:
            np.testing.assert_array_equal(got, images)


def test_jitter_takes_steps_in_order(rng):
    images = rng.integers(0, 256, (2, 9, 7, 3), dtype=np.uint8)
    whole = rng.integers(0, 2 << kernel.FACTOR_BITS, (2, 3), dtype=np.int32)
    factors = whole / (1 << kernel.FACTOR_BITS)
    got = images.copy()
    kernel.jitter(rows(got), 3, whole)
    for image, (brightness, contrast, saturation), out in zip(
        images, factors, got, strict=True
    ):
        expected = blend(image, 0, brightness)
        expected = blend(expected, luma(expected).mean(), contrast)
        expected = blend(expected, np.floor(luma(expected) + 0.5), saturation)
        np.testing.assert_array_equal(out, expected)
    nothing = np.zeros((0, 9, 21), np.uint8)
    kernel.jitter(nothing, 3, whole[:0])


@pytest.mark.parametrize("value", [0, 255])
def test_jitter_of_black_and_white(value):
    one = 1 << kernel.FACTOR_BITS
    for f in (0, one // 2, one, 2 * one, 101 * one):
        for n_channels in (1, 3):
            images = np.full((1, 4, 5 * n_channels), value, np.uint8)
            kernel.jitter(images, n_channels, np.int32([[one, f, f]]))
            assert (images == value).all()
            kernel.jitter(images, n_channels, np.int32([[f, one, one]]))
            assert (images == min(255, round(value * f / one))).all()


@pytest.mark.parametrize("fill", [kernel.MEAN, 0, 255])
@pytest.mark.parametrize("shape", SHAPES)
def test_erase(shape, fill, rng):
    n, height, width, n_channels = shape
    images = draw(shape, rng)
    first = rng.integers(0, (height, width), (n, 2))
    last = rng.integers(first, (height, width), (n, 2)) + 1
    boxes = np.concatenate([first, last], axis=1)
    boxes[:1] = 0  # no rectangle
    got, expected = images.copy(), images.copy()
    kernel.erase(rows(got), n_channels, boxes, fill)
    for i, (top, left, bottom, right) in enumerate(boxes):
        mean = np.floor(images[i].mean(axis=(0, 1)) + 0.5)
        value = mean if fill == kernel.MEAN else fill
        expected[i, top:bottom, left:right] = value
    np.testing.assert_array_equal(got, expected)
