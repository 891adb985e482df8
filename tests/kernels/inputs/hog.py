"""Inputs of histograms of oriented gradients."""

import math

import numpy as np
from kernels.cases import DTYPES, Case, read_only, some_bytes

from skvision._kernels.hog import Orientations, Steps


def _cotangents(bins, n_bins, half_turns, dtype):
    """Return cotangents of lower ends of bins, filled up to fours with NaN."""
    filled = np.full(-(-len(bins) // 4) * 4, np.nan, dtype)
    for i, k in enumerate(bins):
        angle = math.pi * half_turns * k / n_bins
        quarter, rest = divmod(4 * half_turns * k, n_bins)
        exact = (np.inf, 1, 0, -1)[quarter % 4]
        filled[i] = exact if rest == 0 else 1 / math.tan(angle)
    return filled


def _orientations(n_bins, signed, dtype):
    half_turns = 2 if signed else 1
    n_upper = -(-n_bins // half_turns)
    upper, lower = (
        _cotangents(range(*ends), n_bins, half_turns, dtype)
        for ends in ((1, n_upper), (n_upper, n_bins))
    )
    return Orientations(n_bins, signed, n_upper, upper, lower)


def _case(images, n_bins=9, signed=False, square_root=False, interpolate=False, norm=3,
          cell_shape=(4, 3), block_shape=(2, 2), n_rows=3):  # fmt: skip
    n, height, width, n_channels = images.shape
    of_bytes = images.dtype == np.uint8
    exact = of_bytes and not square_root
    dtype = np.float32 if exact else np.float64
    n_cells = height // cell_shape[0], width // cell_shape[1]
    n_blocks = [c - b + 1 for c, b in zip(n_cells, block_shape, strict=True)]
    shape = n, *n_blocks, block_shape[0], block_shape[1] * n_bins
    of_features = np.float64 if images.dtype == np.float64 else np.float32
    planes = np.zeros(
        (n_channels, (min(n_rows, height) + 2) * width),
        dtype if of_bytes else images.dtype,
    )
    arguments = (
        read_only(images),
        _orientations(n_bins, signed, dtype),
        Steps(square_root, exact, interpolate, norm),
        cell_shape,
        n_cells,
        planes,
        np.full(shape, np.nan, of_features),
    )
    tolerance = {"rtol": 1e-5, "atol": 1e-6}
    if images.dtype == np.float64:
        tolerance = {"rtol": 1e-9, "atol": 1e-12}
    return Case(arguments, scratch=("planes",), **tolerance)


def hog(rng):
    for dtype in DTYPES:
        for n_channels in (1, 3):
            images = some_bytes(rng, (2, 14, 12, n_channels)).astype(dtype)
            if dtype != np.uint8:
                images += rng.random(images.shape).astype(dtype)
            for interpolate in (False, True):
                for norm in range(4):
                    yield _case(images, interpolate=interpolate, norm=norm)
                for n_bins, signed in [(1, False), (8, False), (8, True), (18, True)]:
                    options = {"signed": signed, "interpolate": interpolate}
                    yield _case(images, n_bins, **options)
                yield _case(images, square_root=True, interpolate=interpolate)
                yield _case(
                    images,
                    interpolate=interpolate,
                    cell_shape=(7, 5),
                    block_shape=(1, 2),
                    n_rows=20,
                )
    for shape in [(0, 8, 9, 1), (1, 1, 9, 1), (1, 8, 1, 1)]:  # no image, row, column
        images, cell = np.full(shape, 7, np.uint8), (min(shape[1], 4), min(shape[2], 4))
        for interpolate in (False, True):
            options = {"interpolate": interpolate, "cell_shape": cell}
            yield _case(images, block_shape=(1, 1), **options)
