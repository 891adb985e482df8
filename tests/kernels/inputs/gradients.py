"""Inputs of gradients."""

import numpy as np
from kernels.cases import DTYPES, FLOATS, Case, close, read_only, some_bytes


def read_strip(rng):
    height, width = 6, 5
    for dtype in DTYPES:
        for n_channels in (1, 3):
            image = 255 * rng.random(height * width * n_channels)
            image = read_only(image.astype(dtype))
            planes_dtype = np.float32 if dtype == np.uint8 else dtype
            for top, bottom in [(0, 6), (0, 1), (2, 4), (5, 6)]:
                for square_root in (False, True):
                    n = (bottom - top + 2) * width
                    planes = np.full((n_channels, n + 3), 9, planes_dtype)
                    arguments = image, width, top, bottom, square_root
                    yield Case((*arguments, planes), **close(planes_dtype, 1))
    one_row = read_only(some_bytes(rng, 3 * 4))
    yield Case((one_row, 4, 0, 1, False, np.zeros((3, 12), np.float32)))


def strongest_gradient(rng):
    height, width = 3, 6
    for planes_dtype, dtype, exact in [
        (np.float32, np.float32, True),
        (np.float64, np.float64, False),
        (np.float32, np.float64, False),
    ]:
        for n_channels in (1, 3):
            shape = n_channels, (height + 2) * width
            planes = some_bytes(rng, shape).astype(planes_dtype)
            if not exact:
                planes += rng.random(shape).astype(planes_dtype)
            inside = np.tile([0, 1, 1, 1, 1, 0], height).astype(planes_dtype)
            outputs = np.zeros((3, height * width), dtype)
            arguments = planes, width, inside, exact, *outputs
            yield Case(arguments, **close(np.float32, 2))


def arctangent(rng):
    for dtype in FLOATS:
        for x in np.linspace(0, 1, 201).astype(dtype):
            yield Case((x,), rtol=4 * np.finfo(dtype).eps)
