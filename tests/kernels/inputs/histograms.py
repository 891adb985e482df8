"""Inputs of histograms of colors."""

import math

import numpy as np
from kernels.cases import DTYPES, Case, read_only, some_bytes

from skvision._kernels.color import GRAY, HSV, LAB, RGB, prepare
from skvision._kernels.histograms import Buffers, Channels, Colors, Layout

BYTES = (0.0, 255.0)
LIMITS = {
    RGB: [BYTES] * 3,
    HSV: [(0.0, 1.0)] * 3,
    LAB: [(0.0, 100.0), (-87.0, 99.0), (-108.0, 95.0)],
    GRAY: [BYTES],
}


def _colors(space, dtype, exact):
    table = np.arange(256.0 if dtype == np.uint8 and not exact else 0.0)
    prepare(table, *BYTES, space)
    white = 255.0 if exact or space == HSV else 1.0
    return Colors(space, BYTES, white, exact, table)


def _channels(space, planes, n_bins, positions, weighted):
    limits = np.array([LIMITS[space][plane] for plane in planes])
    raised = []
    for n, (_, high) in zip(n_bins, limits, strict=True):
        k = np.arange(n)
        raised.append((k * (high / n) > k * high / n).any())
    n_bins = np.array(n_bins, positions)
    return Channels(
        np.array(planes), n_bins, limits, np.array(raised), np.array(weighted)
    )


def _layout(n_bins, joint, summed, n_rows, width, n_x):
    """Lay out the bins of joint counts, or of counts that are summed to channels."""
    sizes = [math.prod(n_bins)] if joint else n_bins
    starts = np.cumsum([0, *sizes * n_x])
    widths = np.diff(np.arange(n_x + 1) * width // n_x)
    firsts = starts[:-1].reshape(n_x, -1).repeat(widths, axis=0).T
    firsts = np.tile(np.broadcast_to(firsts, (len(n_bins), width)), n_rows)
    strides = [math.prod(n_bins[c + 1 :]) if joint else 1 for c in range(len(n_bins))]
    ends = np.cumsum([0, *n_bins * n_x]) if summed else starts
    layout = Layout(
        joint, np.ascontiguousarray(firsts, np.uint32), np.uint32(strides), ends
    )
    return layout, starts[-1]


def _case(
    images,
    space,
    n_bins,
    *,
    planes=(0, 1, 2),
    exact=True,
    positions=np.float32,
    weighted=False,
    joint=False,
    summed=False,
    grid=(1, 1),
    n_rows=2,
    norm=3,
):
    """Return a case whose strips have ``n_rows`` rows."""
    n, _, width, n_planes = images.shape
    planes = planes[: len(n_bins)]
    channels = _channels(
        space, planes, n_bins, positions, [weighted and p == 0 for p in planes]
    )
    layout, n_counts = _layout(n_bins, joint, summed, n_rows, width, grid[1])
    of_counts = np.float64 if weighted else np.uint32
    buffers = Buffers(
        np.zeros((n_planes, n_rows * width), np.uint8 if exact else np.float64),
        np.ones((2, 3, n_rows * width), np.int16 if exact else np.float64),
        np.zeros((len(n_bins), n_rows * width), np.uint32),
        np.zeros(n_counts, of_counts),
        np.zeros(layout.ends[-1] if summed else 0, of_counts),
    )
    dtype = np.float64 if images.dtype == np.float64 else np.float32
    features = np.full((n, grid[0], layout.ends[-1]), np.nan, dtype)
    colors = _colors(space, images.dtype, exact)
    arguments = read_only(images), colors, channels, layout, norm, buffers, features
    rtol = 1e-6 if dtype == np.float32 else 1e-12
    return Case(arguments, rtol=rtol, scratch=("buffers",))


def color_histograms(rng):
    images = some_bytes(rng, (2, 7, 5, 3))
    whole = {"positions": np.float64, "exact": False}
    for norm in range(4):
        yield _case(images, HSV, [7, 4, 3], norm=norm, grid=(3, 2))
    black = np.zeros((1, 3, 3, 3), np.uint8)
    for norm in range(4):  # colorless pixels have no weight
        yield _case(black, HSV, [4], weighted=True, norm=norm)
    for options in (
        {"joint": True},
        {"joint": True, "grid": (2, 5)},
        {"joint": True, "summed": True, "grid": (2, 3)},
        {"positions": np.float64},
        {"planes": (2, 0, 1), "n_rows": 1},
        {"weighted": True, "grid": (2, 2)},
        whole,
    ):
        for space in (RGB, HSV):
            yield _case(images, space, [3, 10, 2], **options)
    yield _case(images, LAB, [5, 6, 7], **whole, grid=(2, 2))
    yield _case(images, HSV, [49, 2], n_rows=3)
    yield _case(images[:0], RGB, [2, 2, 2])
    for dtype in DTYPES:
        pixels = rng.uniform(-9, 300, (2, 1, 6, 3)).clip(0).astype(dtype)
        if dtype == np.uint8:
            pixels = some_bytes(rng, pixels.shape)
        for space in (RGB, HSV, LAB):
            yield _case(pixels, space, [4, 5, 6], **whole, n_rows=1)
        yield _case(pixels[..., :1].copy(), GRAY, [9], **whole, n_rows=1)
    gray = some_bytes(rng, (2, 4, 4, 1))
    for n in (1, 3, 10, 49):
        yield _case(gray, GRAY, [n], grid=(2, 2))
