"""Inputs of the kernels of augmentation."""

import numpy as np
from kernels.cases import Case, read_only

from skvision._kernels.augmentation import FACTOR_BITS, MEAN, REFLECT, WEIGHT_BITS

SHAPES = [(3, 4, 5, 3), (2, 1, 6, 3), (2, 5, 1, 1), (1, 1, 1, 3), (3, 3, 4, 1)]
SHAPES += [(2, 3, 3, 2), (0, 3, 4, 3)]
FILLS = [REFLECT, 0, 255, 7]


def _draw(rng, shape):
    n, height, width, n_channels = shape
    levels = np.uint8([0, 1, 77, 128, 254, 255])
    return rng.choice(levels, (n, height, width * n_channels))


def _images(rng):
    """Draw images of all shapes."""
    for shape in SHAPES:
        yield shape, read_only(_draw(rng, shape))


def flip(rng):
    for shape, images in _images(rng):
        horizontal, vertical = rng.random((2, shape[0])) < 0.5
        out = np.full(images.shape, 9, np.uint8)
        yield Case((images, shape[3], horizontal, vertical, out))


def crop(rng):
    for shape, images in _images(rng):
        for fill in FILLS:
            for padding in (0, 1, 9):  # also more than an image
                tops, lefts = rng.integers(-padding, padding + 1, (2, shape[0]))
                at, out = np.zeros(images.shape[2], np.uint64), np.zeros_like(images)
                arguments = images, shape[3], tops, lefts, fill, at, out
                yield Case(arguments, scratch=("at",))


def zoom(rng):
    one = 1 << WEIGHT_BITS
    for shape, images in _images(rng):
        n, _, width, n_channels = shape
        for fill in FILLS:
            rows, columns = (rng.integers(-8, 8, (n, size)) for size in shape[1:3])
            weights = [
                rng.integers(0, one + 1, (n, size), dtype=np.int32)
                for size in shape[1:3]
            ]
            outside = read_only(np.full(images.shape[2], max(fill, 0), np.uint8))
            blended = np.zeros((width + 1) * n_channels, np.int32)
            work = outside, blended, np.zeros((2, width), np.uint64)
            sampled = (rows, weights[0]), (columns, weights[1])
            out = np.zeros_like(images)
            arguments = images, n_channels, *sampled, fill, work, out
            yield Case(arguments, scratch=("work",))


def jitter(rng):
    one = 1 << FACTOR_BITS
    for shape in [(2, 9, 7, 3), (2, 9, 7, 1), (2, 1, 1, 3), (0, 3, 4, 3)]:
        n, height, width, n_channels = shape
        for step in range(3):
            for factor in (0.0, 0.2, 0.8, 1.0, 1.3, 2.0, 101.0):
                factors = np.full((n, 3), one, np.int32)
                factors[:, step] = round(factor * one)
                yield Case((_draw(rng, shape), n_channels, factors))
        factors = rng.integers(0, 2 * one, (n, 3), dtype=np.int32)
        images = rng.integers(0, 256, (n, height, width * n_channels), dtype=np.uint8)
        yield Case((images, n_channels, factors))
        for value in (0, 255):  # black and white
            yield Case((np.full_like(images, value), n_channels, factors))


def erase(rng):
    for shape in SHAPES:
        n, *size, n_channels = shape
        for fill in (MEAN, 0, 255):
            first = rng.integers(0, size[:2], (n, 2))
            last = rng.integers(first, size[:2], (n, 2)) + 1
            boxes = np.concatenate([first, last], axis=1)
            boxes[:1] = 0  # no rectangle
            yield Case((_draw(rng, shape), n_channels, boxes, fill))
