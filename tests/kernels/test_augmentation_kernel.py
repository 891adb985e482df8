"""What is true of the augmentation kernels beyond their definitions."""

import numpy as np
import pytest

from skvision._kernels import augmentation as kernel


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pixels_outside_are_those_of_pad(size):
    line = np.arange(size)
    padded = np.pad(line, 20, mode="reflect")
    positions = range(-20, size + 20)
    got = [kernel._source_index(i, size, kernel.REFLECT) for i in positions]
    np.testing.assert_array_equal(got, padded)
    filled = np.pad(line, 20, constant_values=size)
    got = [kernel._source_index(i, size, 5) for i in positions]
    np.testing.assert_array_equal(got, filled)


def luma(images):
    if images.shape[-1] == 1:
        return images.astype(float)
    return (images @ np.array([0.299, 0.587, 0.114]))[..., None]


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
def test_each_step_of_jitter_is_that_of_real_numbers(shape, factor, rng):
    images = rng.integers(0, 256, shape, dtype=np.uint8)
    images[:, :8, :8] = rng.choice(np.uint8([0, 255]), images[:, :8, :8].shape)
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
        kernel.jitter(got.reshape(*shape[:2], -1), shape[3], factors)
        if factor == 1 or (step == 2 and shape[3] == 1):
            np.testing.assert_array_equal(got, images)
            continue
        exact = np.clip(factor * images + (1 - factor) * other, 0, 255)
        assert np.abs(got - exact).max() <= 0.5 + slack
