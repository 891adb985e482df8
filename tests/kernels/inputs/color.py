"""Inputs of the kernels of colors."""

import numpy as np
from kernels.cases import Case, read_only, some_bytes

from skvision._kernels.color import GRAY, HSV, LAB, RGB


def split(rng):
    for dtypes in [("u1", "u1"), ("u1", "f8"), ("f4", "f8"), ("f8", "f8")]:
        for n_channels in (1, 3):
            for n in (0, 1, 7):
                pixels = some_bytes(rng, 7 * n_channels).astype(dtypes[0])
                planes = np.full((n_channels, 9), 5, dtypes[1])
                yield Case((read_only(pixels), n, planes))


def prepare(rng):
    for space in (RGB, HSV, LAB, GRAY):
        for low, high in [(2.0, 4.0), (0.0, 255.0)]:
            dark = low + (high - low) * rng.uniform(0, 0.05, 20)
            values = np.concatenate([[low, high], dark, rng.uniform(-9, 300, 40)])
            yield Case((values, low, high, space), rtol=1e-13)
        yield Case((np.empty(0), 0.0, 255.0, space))


def look_up(rng):
    yield Case((np.array([0.0, 255.0, 7.0]), np.arange(256.0) ** 2))
    yield Case((np.empty(0), np.arange(256.0)))


def cube_root(rng):
    for x in np.geomspace(0.008, 1.1, 300):
        yield Case((x,), rtol=1e-15)


def _colors(rng):
    """Return planes of bytes: some, and all combinations of levels."""
    levels = np.uint8([0, 1, 2, 127, 128, 254, 255])
    return levels[np.array([*np.ndindex(7, 7, 7)]).T].copy()


def convert(rng):
    planes = _colors(rng)
    n = planes.shape[1]
    for space in (RGB, HSV):  # exact, in whole numbers
        fractions = np.zeros((2, 3, n), np.int16)
        yield Case((planes, 0.0, 255.0, 255.0, space, *fractions))
    one = planes[:1].copy()
    yield Case((one, 0.0, 255.0, 255.0, GRAY, *np.zeros((2, 3, n), np.int16)))
    for space in (RGB, HSV, LAB, GRAY):
        scale = 1 / 255 if space == LAB else 1.0
        fractions = np.zeros((2, 3, n))
        arguments = planes * scale, 0.0, 255.0, 1.0, space, *fractions
        yield Case(arguments, rtol=1e-12, atol=1e-11)
    one = rng.uniform(0, 255, (1, 9))
    yield Case((one, 0.0, 255.0, 1.0, GRAY, *np.zeros((2, 3, 9))))
