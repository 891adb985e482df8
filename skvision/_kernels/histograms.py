"""Histograms of colors: the bin of each pixel, and counts in the cells of a grid.

A strip of rows is taken through steps, each of which is one loop over flat buffers in
cache. All steps but the counts run at the width of the vector unit.
"""

from typing import NamedTuple

import numpy as np

from skvision._kernels import jit_without_allocation as jit
from skvision._kernels.color import convert, look_up, prepare, split


class Colors(NamedTuple):
    """How pixels become the channels of a color space.

    Attributes
    ----------
    space : int
        One of the color spaces of `skvision._kernels.color`.
    value_range : (float, float)
        The values of black and white.
    white : float
        The denominator of channels that are pixels themselves.
    exact : bool
        Whether channels are fractions of bytes. Positions in bins are then computed in
        the dtype of ``Channels.n_bins``, and otherwise in float64.
    table : ndarray of shape (256,) or (0,), float64
        The prepared value of each byte, for images of bytes that are not exact.
    """

    space: int
    value_range: tuple[float, float]
    white: float
    exact: bool
    table: np.ndarray


class Channels(NamedTuple):
    """The channels that are counted.

    Attributes
    ----------
    planes : ndarray of shape (n_channels,), int
        The index of each channel in its color space.
    n_bins : ndarray of shape (n_channels,), float32 or float64
        The dtype must hold numerators times numbers of bins.
    limits : ndarray of shape (n_channels, 2), float64
        The lower end of the first bin and the upper end of the last.
    raised : ndarray of shape (n_channels,), bool
        Whether an edge of bins is rounded up.
    weighted : ndarray of shape (n_channels,), bool
        Whether pixels are weighted by their saturation.
    """

    planes: np.ndarray
    n_bins: np.ndarray
    limits: np.ndarray
    raised: np.ndarray
    weighted: np.ndarray


class Layout(NamedTuple):
    """Where bins are in the counts of a row of cells.

    Attributes
    ----------
    joint : bool
        Whether combinations of the bins of all channels are counted.
    first_bins : ndarray of shape (n_channels, pixels of a strip), uint32
        Where the bins of the pixel's cell begin.
    strides : ndarray of shape (n_channels,), uint32
        The distance between neighboring bins.
    ends : ndarray, int
        Where each histogram of a row of cells begins, and where the last one ends.
    """

    joint: bool
    first_bins: np.ndarray
    strides: np.ndarray
    ends: np.ndarray


class Buffers(NamedTuple):
    """Scratch space for a strip of rows and for a row of cells.

    Attributes
    ----------
    planes : ndarray of shape (C, pixels of a strip)
    fractions : ndarray of shape (2, 3, pixels of a strip)
        Numerators and denominators.
    bins : ndarray of shape (n_channels, pixels of a strip), uint32
    counts : ndarray of shape (bins of a row of cells,)
        The dtype must hold fractions if channels are weighted.
    sums : ndarray of shape (ends[-1],) or (0,), like counts
        The histograms of channels, where these are sums of joint counts.
    """

    planes: np.ndarray
    fractions: np.ndarray
    bins: np.ndarray
    counts: np.ndarray
    sums: np.ndarray


@jit
def _add_bins_of_fractions(numerators, denominators, n_bins, stride, at, bins):
    """Compute ``at + stride * bin`` for fractions of whole numbers, from 0 to 1.

    A fraction that is not on an edge differs from it by at least 1 / (denominator *
    n_bins). No quotient is therefore rounded to an edge, and those on an edge are
    exact.
    """
    dtype = type(n_bins)
    for i in range(bins.size):
        position = dtype(numerators[i]) * n_bins / dtype(denominators[i])
        k = np.int32(min(position, n_bins - dtype(1)))
        bins[i] = at[i] + np.uint32(k) * stride


@jit
def _add_bins_below_edges(numerators, denominators, n_bins, high, stride, at, bins):
    """Do the same as `_add_bins_of_fractions` where NumPy rounds edges up.

    A fraction that is equal to such an edge before rounding is in the bin below it.
    """
    dtype = type(n_bins)
    step = high / np.float64(n_bins)
    for i in range(bins.size):
        position = dtype(numerators[i]) * n_bins / dtype(denominators[i])
        k = np.floor(min(position, n_bins - dtype(1)))
        value = np.float64(numerators[i]) * high / np.float64(denominators[i])
        k = k - dtype(1) if value < np.float64(k) * step else k
        bins[i] = at[i] + np.uint32(np.int32(k)) * stride


@jit
def _add_bins_of_values(numerators, denominators, n_bins, low, high, stride, at, bins):
    """Compute ``at + stride * bin`` for values from ``low`` to ``high``.

    The edges are computed as by `numpy.linspace`, and the bin is corrected where the
    quotient was rounded across an edge, so that each value is in the bin that NumPy
    puts it into.
    """
    step, span, last = (high - low) / n_bins, high - low, n_bins - 1.0
    for i in range(bins.size):
        value = np.float64(numerators[i]) / np.float64(denominators[i])
        k = np.floor((value - low) / span * n_bins)
        k = k - 1.0 if value < k * step + low else k
        above = k + 1.0
        k = min(above if value >= above * step + low else k, last)
        bins[i] = at[i] + np.uint32(np.int32(k)) * stride


@jit
def _find_bins(fractions, exact, channels, layout, bins):
    """Find the bin of each pixel; joint bins are those of the last channel."""
    planes, n_bins, limits, raised, _ = channels
    joint, first_bins, strides, _ = layout
    for c in range(planes.size):
        top, bottom = fractions[0, planes[c]], fractions[1, planes[c]]
        low, high = limits[c]
        at = bins[c - 1] if joint and c > 0 else first_bins[c]
        n, stride, to = n_bins[c], strides[c], bins[c]
        if not exact:
            _add_bins_of_values(top, bottom, np.float64(n), low, high, stride, at, to)
        elif raised[c]:
            _add_bins_below_edges(top, bottom, n, high, stride, at, to)
        else:
            _add_bins_of_fractions(top, bottom, n, stride, at, to)


@jit
def _count(bins, n, counts):
    """Count the bins of the first ``n`` pixels in one channel."""
    one = counts.dtype.type(1)
    for i in range(n):
        counts[bins[i]] += one


@jit
def _count_three(bins, n, counts):
    """Count three channels in one loop, so that their additions overlap in time."""
    one = counts.dtype.type(1)
    first, second, third = bins[0], bins[1], bins[2]
    for i in range(n):
        counts[first[i]] += one
        counts[second[i]] += one
        counts[third[i]] += one


@jit
def _weigh(bins, n, numerators, denominators, counts):
    """Count the bins of the first ``n`` pixels, each weighted by its fraction."""
    for i in range(n):
        weight = np.float64(numerators[i]) / np.float64(denominators[i])
        counts[bins[i]] += counts.dtype.type(weight)


@jit
def _sum_out(joint, n_bins, strides, counts):
    """Sum a joint histogram to the histograms of its channels, one after the other."""
    start = 0
    for c in range(n_bins.size):
        n, stride = int(n_bins[c]), int(strides[c])
        histogram = counts[start : start + n]
        histogram[:] = 0
        for first in range(0, joint.size, n * stride):
            for k in range(n):
                at = first + k * stride
                for j in range(stride):
                    histogram[k] += joint[at + j]
        start += n


@jit
def _normalize(counts, norm, features):
    """Divide a histogram by its norm, unless that is zero.

    ``norm`` is the index of the norm among L1, L2, sqrt (the square root after L1) and
    none.
    """
    total = 0.0
    for j in range(counts.size):
        value = np.float64(counts[j])
        total += value * value if norm == 1 else value
    total = np.sqrt(total) if norm == 1 else total
    scale = 1.0 if norm == 3 or total == 0 else total
    for j in range(counts.size):
        value = np.float64(counts[j]) / scale
        features[j] = np.sqrt(value) if norm == 2 else value


@jit(forceinline=True)
def _count_strip(pixels, n, colors, channels, layout, buffers):
    """Add the first ``n`` of flat pixels to the counts of their cells."""
    planes, fractions, bins, counts, _ = buffers
    space, (low, high), white, exact, table = colors
    weighted = channels.weighted
    split(pixels, n, planes)
    if not exact:
        for c in range(planes.shape[0]):
            if table.size > 0:
                look_up(planes[c, :n], table)
            else:
                prepare(planes[c, :n], low, high, space)
    convert(planes, low, high, white, space, fractions[0], fractions[1])
    _find_bins(fractions, exact, channels, layout, bins)
    if bins.shape[0] == 3 and not (layout.joint or weighted.any()):
        _count_three(bins, n, counts)
        return
    for c in range(bins.shape[0] - 1 if layout.joint else 0, bins.shape[0]):
        if weighted[c]:
            _weigh(bins[c], n, fractions[0, 1], fractions[1, 1], counts)
        else:
            _count(bins[c], n, counts)


@jit
def color_histograms(images, colors, channels, layout, norm, buffers, features):
    """Count the colors of images in the cells of a grid.

    Parameters
    ----------
    images : ndarray of shape (n, H, W, C), uint8, float32 or float64
        Images of one or three channels, C-contiguous.
    colors : Colors
        How pixels become channels of a color space.
    channels : Channels
        The channels that are counted.
    layout : Layout
        Where the bins of cells and channels are.
    norm : int
        The index of the norm of a histogram among L1, L2, sqrt and none.
    buffers : Buffers
        Scratch space.
    features : ndarray of shape (n, cells down, bins of a row of cells)
        The output.
    """
    n_images, height, width, n_planes = images.shape
    counts, sums, ends = buffers.counts, buffers.sums, layout.ends
    n_rows, n_y = buffers.planes.shape[1] // width, features.shape[1]
    for i in range(n_images):
        pixels = images[i].reshape(-1)
        for y in range(n_y):
            counts[:] = 0
            last = (y + 1) * height // n_y
            for top in range(y * height // n_y, last, n_rows):
                n = (min(top + n_rows, last) - top) * width
                strip = pixels[top * width * n_planes :]
                _count_strip(strip, n, colors, channels, layout, buffers)
            histograms = counts
            if sums.size > 0:
                histograms = sums
                n_x = sums.size // int(channels.n_bins.sum())
                for x in range(n_x):
                    _sum_out(
                        counts.reshape(n_x, -1)[x],
                        channels.n_bins,
                        layout.strides,
                        sums.reshape(n_x, -1)[x],
                    )
            for j in range(ends.size - 1):
                one = slice(ends[j], ends[j + 1])
                _normalize(histograms[one], norm, features[i, y, one])
