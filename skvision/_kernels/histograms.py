"""Histograms of colours: the bin of each pixel, and counts by cell of a grid.

A strip of rows is taken through steps that each are one loop over flat buffers in
cache. All but the counts run at the width of the vector unit.
"""

import numpy as np

from skvision._kernels import jit_without_allocation as jit
from skvision._kernels.color import convert, look_up, prepare, split


@jit
def _add_bins_of_fractions(numerators, denominators, n_bins, stride, at, bins):
    """Add the bins of fractions of whole numbers, from 0 to 1, to ``at``.

    A fraction that is not on an edge is at least 1 / (denominator * n_bins) from it, so
    that no quotient is rounded to an edge, and those on an edge are exact.
    """
    dtype = type(n_bins)
    for i in range(bins.size):
        position = dtype(numerators[i]) * n_bins / dtype(denominators[i])
        k = np.int32(min(position, n_bins - dtype(1)))
        bins[i] = at[i] + np.uint32(k) * stride


@jit
def _add_bins_below_edges(numerators, denominators, n_bins, high, stride, at, bins):
    """Do as `_add_bins_of_fractions` where edges of NumPy's are rounded up.

    What is on such an edge but for rounding belongs to the bin below.
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
    """Add the bins of values from ``low`` to ``high`` to ``at``.

    The edges are computed as `numpy.linspace` does: whatever the quotient is rounded
    to, each value ends up between the two that NumPy puts it between.
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
def _find_bins(
    fractions, exact, channels, n_bins, limits, raised, joint, home, strides, bins
):
    """Fill ``bins`` (C, n), of which the last has the joint bins where ``joint``."""
    for c in range(channels.size):
        top, bottom = fractions[0, channels[c]], fractions[1, channels[c]]
        low, high = limits[c]
        at = bins[c - 1] if joint and c > 0 else home[c]
        n, stride, to = n_bins[c], strides[c], bins[c]
        if not exact:
            _add_bins_of_values(top, bottom, np.float64(n), low, high, stride, at, to)
        elif raised[c]:
            _add_bins_below_edges(top, bottom, n, high, stride, at, to)
        else:
            _add_bins_of_fractions(top, bottom, n, stride, at, to)


@jit
def _count(bins, n, counts):
    """Count the first ``n`` of a channel's bins."""
    one = counts.dtype.type(1)
    for i in range(n):
        counts[bins[i]] += one


@jit
def _count_three(bins, n, counts):
    """Count three channels at a time: one does not wait for another's last count."""
    one = counts.dtype.type(1)
    first, second, third = bins[0], bins[1], bins[2]
    for i in range(n):
        counts[first[i]] += one
        counts[second[i]] += one
        counts[third[i]] += one


@jit
def _weigh(bins, n, numerators, denominators, counts):
    """Count the first ``n`` of a channel's bins, each by its fraction."""
    for i in range(n):
        weight = np.float64(numerators[i]) / np.float64(denominators[i])
        counts[bins[i]] += counts.dtype.type(weight)


@jit
def _sum_out(joint, n_bins, strides, counts):
    """Fill ``counts`` with the histogram of each channel, sums of a joint histogram."""
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
    """Divide a histogram by its sum or length; ``norm`` counts L1, L2, sqrt and none.

    An empty histogram stays empty.
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


@jit
def color_histograms(
    images,
    value_range,
    table,
    space,
    white,
    exact,
    channels,
    n_bins,
    limits,
    raised,
    weighted,
    joint,
    home,
    strides,
    ends,
    norm,
    planes,
    fractions,
    bins,
    counts,
    sums,
    features,
):
    """Fill ``features`` (n, cells down, bins of a row of cells).

    ``images`` is (n, H, W, C) with C 1 or 3. Of the planes of ``space`` those in
    ``channels`` are counted, each in ``n_bins`` bins between its ``limits``, apart or,
    if ``joint``, all together. Where ``weighted`` is true of one, its pixels count by
    their saturation.

    ``home`` (channels, pixels of a strip) has the first bin of each pixel in its row of
    cells, ``strides`` the distances of the bins of a channel; ``ends`` are those of
    the histograms in a row of cells, which are normalised by ``norm``.

    ``exact`` says that the channels are fractions of bytes: their arithmetic is then
    that of the dtype of ``n_bins``, which must hold numerators times ``n_bins``, and
    ``raised`` says which channels have edges that are rounded up. Otherwise all is
    float64, and ``table`` has the prepared values of all bytes where images are bytes,
    none where not.

    The rest is for use here: ``planes`` (C, pixels of a strip), ``fractions`` (2, 3,
    pixels of a strip), ``bins`` (channels, pixels of a strip), ``counts`` (bins of a
    row of cells), whose dtype must hold fractions if there are weights, and ``sums``,
    where joint counts shall be summed to those of each channel.
    """
    n_images, height, width, n_planes = images.shape
    low, high = value_range
    n_rows, n_y = planes.shape[1] // width, features.shape[1]
    three = bins.shape[0] == 3 and not (joint or weighted.any())
    for i in range(n_images):
        pixels = images[i].reshape(-1)
        for y in range(n_y):
            counts[:] = 0
            last = (y + 1) * height // n_y
            for top in range(y * height // n_y, last, n_rows):
                n = (min(top + n_rows, last) - top) * width
                split(pixels[top * width * n_planes :], n, planes)
                if not exact:
                    for c in range(n_planes):
                        if table.size > 0:
                            look_up(planes[c, :n], table)
                        else:
                            prepare(planes[c, :n], low, high, space)
                convert(planes, low, high, white, space, fractions[0], fractions[1])
                _find_bins(
                    fractions,
                    exact,
                    channels,
                    n_bins,
                    limits,
                    raised,
                    joint,
                    home,
                    strides,
                    bins,
                )
                if three:
                    _count_three(bins, n, counts)
                    continue
                for c in range(bins.shape[0] - 1 if joint else 0, bins.shape[0]):
                    if weighted[c]:
                        _weigh(bins[c], n, fractions[0, 1], fractions[1, 1], counts)
                    else:
                        _count(bins[c], n, counts)
            histograms = counts
            if sums.size > 0:
                histograms = sums
                n_x = sums.size // int(n_bins.sum())
                for x in range(n_x):
                    _sum_out(
                        counts.reshape(n_x, -1)[x],
                        n_bins,
                        strides,
                        sums.reshape(n_x, -1)[x],
                    )
            for j in range(ends.size - 1):
                one = slice(ends[j], ends[j + 1])
                _normalize(histograms[one], norm, features[i, y, one])
