"""Histograms of oriented gradients: votes of pixels into cells, blocks of cells.

A strip of a few rows is taken through steps, each of which is one loop over flat
buffers in cache: planes, longest gradient, orientation, votes. All but the votes have
neither branches nor tables and run at the width of the vector unit.
"""

from typing import NamedTuple

import numpy as np

from skvision._kernels import jit
from skvision._kernels.gradients import arctangent, read_strip, strongest_gradient


class Orientations(NamedTuple):
    """The bins of orientations.

    Attributes
    ----------
    n_bins : int
    signed : bool
        Whether the bins divide the whole circle, or else half of it.
    n_upper : int
        The number of bins that begin below pi.
    upper, lower : ndarray, float32 or float64
        The cotangents of the boundaries between bins in (0, pi), and from pi on, each
        filled up to a multiple of four with NaN.
    """

    n_bins: int
    signed: bool
    n_upper: int
    upper: np.ndarray
    lower: np.ndarray


class Steps(NamedTuple):
    """What is done with pixels, votes and blocks.

    Attributes
    ----------
    square_root : bool
        Whether gradients are those of the square roots of pixels.
    exact : bool
        Whether squares of differences of pixels are not rounded.
    interpolate : bool
        Whether votes are shared between neighboring bins and cells.
    norm : int
        The index of the block norm among L1, L1-sqrt, L2 and L2-Hys.
    """

    square_root: bool
    exact: bool
    interpolate: bool
    norm: int


@jit
def _count_boundaries(ratio, boundaries, counts):
    """Add to ``counts`` the number of boundaries that are not below each ratio.

    There are four boundaries, or a multiple of four; NaN is not counted.
    """
    for k in range(0, boundaries.size, 4):
        a, b, c, d = (
            boundaries[k],
            boundaries[k + 1],
            boundaries[k + 2],
            boundaries[k + 3],
        )
        for i in range(ratio.size):
            r = ratio[i]
            two = np.uint32(r <= a) + np.uint32(r <= b)
            counts[i] += two + np.uint32(r <= c) + np.uint32(r <= d)


@jit
def _find_bins(gx, gy, orientations, ratio, counts, cell_starts, votes):
    """Find the bin of each orientation by comparisons with the boundaries of bins.

    With r = gx / gy, the angle is at or past a boundary t in (0, pi) if r <= cot t. The
    ratio r is the same for opposite gradients, whose unsigned orientation is the same.
    For bytes, comparisons are exact in single precision up to 126 orientations.

    ``votes`` gets the place of the bin in its row of cells, where the bins of a cell
    begin at ``cell_starts``. ``ratio`` and ``counts`` are scratch space.
    """
    _, _, n_upper, upper, lower = orientations
    zero, infinity = gx.dtype.type(0), gx.dtype.type(np.inf)
    for i in range(gx.size):
        quotient = gx[i] / gy[i]
        ratio[i] = infinity if gy[i] == zero else quotient
        votes[i] = cell_starts[i]
    _count_boundaries(ratio, upper, votes)
    if lower.size == 0:
        return
    counts[:] = 0
    _count_boundaries(ratio, lower, counts)
    for i in range(gx.size):
        leftward = (gy[i] == zero) & (gx[i] < zero)
        turned = cell_starts[i] + counts[i] + np.uint32(n_upper - 1)
        votes[i] = turned if (gy[i] < zero) | leftward else votes[i]


@jit
def _interpolate_bins(gx, gy, n_bins, signed, share, lower_bin):
    """Find the bin whose center is below each orientation, and the share of the next.

    A lower bin of -1 is the last bin.
    """
    dtype = gx.dtype.type
    bins_per_radian = dtype(n_bins / ((2 if signed else 1) * np.pi))
    for i in range(gx.size):
        wide, high = abs(gx[i]), abs(gy[i])
        longer, shorter = max(wide, high), min(wide, high)
        quotient = shorter / longer
        angle = arctangent(dtype(0) if longer == dtype(0) else quotient)
        angle = dtype(np.pi / 2) - angle if high > wide else angle
        leftward, downward = gx[i] < dtype(0), gy[i] < dtype(0)
        angle = dtype(np.pi) - angle if leftward else angle
        turn = dtype(2 * np.pi) if signed else dtype(np.pi)
        angle = turn - angle if downward else angle
        position = angle * bins_per_radian - dtype(0.5)
        below = np.floor(position)
        share[i] = position - below
        lower_bin[i] = np.int32(below)


@jit
def _vote(votes, magnitude, histograms):
    """Add the length of each gradient of a row of pixels to its bin."""
    for i in range(votes.size):
        histograms[votes[i]] += magnitude[i]


@jit
def _vote_interpolated(
    lower_bin, share, cell_starts, right_share, magnitude, n_bins, row
):
    """Share each vote of a row of pixels between two bins of each of two cells."""
    one = magnitude.dtype.type(1)
    for i in range(magnitude.size):
        below = lower_bin[i] if lower_bin[i] >= 0 else n_bins - 1
        above = lower_bin[i] + 1 if lower_bin[i] + 1 < n_bins else 0
        right = magnitude[i] * right_share[i]
        left = magnitude[i] - right
        cell = cell_starts[i]
        row[cell + np.uint32(below)] += left * (one - share[i])
        row[cell + np.uint32(above)] += left * share[i]
        cell += np.uint32(n_bins)
        row[cell + np.uint32(below)] += right * (one - share[i])
        row[cell + np.uint32(above)] += right * share[i]


@jit
def _add_row_interpolated(row, y, cell_height, cells):
    """Share the votes of row ``y`` between the cells above and below; clear the row."""
    position = (y + 0.5) / cell_height - 0.5
    upper = int(np.floor(position))
    share = position - upper
    above, below = cells[upper + 1], cells[upper + 2]
    for j in range(row.size):
        above[j] += row[j] - row[j] * share
        below[j] += row[j] * share
        row[j] = 0


@jit
def _find_cells(width, cell_width, n_x, n_bins, interpolate, cell_starts, right_share):
    """Find where the bins of each pixel's cell begin, in a row of cells.

    With interpolation, the cell is the one to the left of the pixel, and
    ``right_share`` the share of the next. Cell 0, and cells after ``n_x``, take the
    votes that fall outside the cells of the image.
    """
    for i in range(cell_starts.size):
        x = i % width
        position = (x + 0.5) / cell_width
        if interpolate:
            position -= 0.5
        cell = int(np.floor(position))
        right_share[i] = position - cell
        cell_starts[i] = (min(cell, n_x) + 1) * n_bins


@jit(fastmath={"reassoc", "nsz"})  # sums, in any order, of values of one sign
def _normalize_block(histograms, norm, epsilon, block):
    """Normalize the histograms of a block, (cells down, cells across * bins).

    ``norm`` is the index of the norm among L1, L1-sqrt, L2 and L2-Hys. ``epsilon`` is
    added to the sum, or its square to the sum of squares.
    """
    one, clip = block.dtype.type(1), block.dtype.type(0.2)
    absolute = norm < 2
    total = block.dtype.type(0)
    for row in range(block.shape[0]):
        for j in range(block.shape[1]):
            value = block.dtype.type(histograms[row, j])
            block[row, j] = value
            total += value if absolute else value * value
    scale = one / (total + epsilon if absolute else np.sqrt(total + epsilon * epsilon))
    values = block.reshape(-1)
    if norm < 3:
        for j in range(values.size):
            values[j] = np.sqrt(values[j] * scale) if norm == 1 else values[j] * scale
        return
    total = block.dtype.type(1e-5) * block.dtype.type(1e-5)
    for j in range(values.size):
        value = values[j] * scale
        value = value if value < clip else clip
        values[j] = value
        total += value * value
    scale = one / np.sqrt(total)
    for j in range(values.size):
        values[j] *= scale


@jit
def _normalize_blocks(cells, n_bins, epsilon, norm, features):
    """Normalize all blocks, (blocks down, across, cells down, cells across * bins)."""
    n_rows, n_columns, height, length = features.shape
    for y in range(n_rows):
        for x in range(n_columns):
            start = (x + 1) * n_bins
            histograms = cells[y + 1 : y + 1 + height, start : start + length]
            _normalize_block(histograms, norm, epsilon, features[y, x])


@jit
def hog(images, orientations, steps, cell_shape, n_cells, planes, features):
    """Compute histograms of oriented gradients.

    Parameters
    ----------
    images : ndarray of shape (n, H, W, C), uint8, float32 or float64
        Images of one or three channels, C-contiguous.
    orientations : Orientations
        The bins. Their dtype is that of all arithmetic except differences of pixels.
    steps : Steps
        The choices of the user.
    cell_shape, n_cells : (int, int)
        The height and width of a cell in pixels, and of an image in cells.
    planes : ndarray of shape (C, pixels of a strip and of two more rows)
        Scratch space, whose dtype is that of differences of pixels.
    features : ndarray, (n, blocks down, across, cells down, cells across * bins)
        The output.
    """
    n_images, height, width, _ = images.shape
    square_root, exact, interpolate, norm = steps
    cell_height, cell_width = cell_shape
    n_y, n_x = n_cells
    n_bins, signed = orientations.n_bins, orientations.signed
    dtype = orientations.upper.dtype
    n_pixels = planes.shape[1] - 2 * width
    n_rows = n_pixels // width
    gx, gy = np.zeros(n_pixels, dtype), np.zeros(n_pixels, dtype)
    magnitude, share = np.zeros(n_pixels, dtype), np.zeros(n_pixels, dtype)
    counts, votes = np.zeros(n_pixels, np.uint32), np.zeros(n_pixels, np.uint32)
    cell_starts = np.zeros(n_pixels, np.uint32)
    right_share = np.zeros(n_pixels, dtype)
    lower_bin = np.zeros(n_pixels, np.int32)
    _find_cells(width, cell_width, n_x, n_bins, interpolate, cell_starts, right_share)
    inside = np.ones(n_pixels, planes.dtype)
    inside[::width] = 0
    inside[width - 1 :: width] = 0
    # in float64: in single precision, large cells would lose their faint pixels
    cells = np.zeros((n_y + 2, (n_x + 3) * n_bins))
    row = np.zeros(cells.shape[1])
    epsilon = dtype.type(1e-5 * cell_height * cell_width)
    last = n_y * cell_height
    if interpolate:
        last = min(height, last + cell_height // 2)
    for i in range(n_images):
        cells[:] = 0
        image = images[i].reshape(-1)
        for top in range(0, last, n_rows):
            bottom = min(top + n_rows, last)
            read_strip(image, width, top, bottom, square_root, planes)
            strongest_gradient(planes, width, inside, exact, gx, gy, magnitude)
            if interpolate:
                _interpolate_bins(gx, gy, n_bins, signed, share, lower_bin)
            else:
                _find_bins(gx, gy, orientations, share, counts, cell_starts, votes)
            for y in range(top, bottom):
                here = slice((y - top) * width, (y - top + 1) * width)
                if interpolate:
                    _vote_interpolated(
                        lower_bin[here],
                        share[here],
                        cell_starts[here],
                        right_share[here],
                        magnitude[here],
                        n_bins,
                        row,
                    )
                    _add_row_interpolated(row, y, cell_height, cells)
                else:
                    _vote(votes[here], magnitude[here], cells[y // cell_height + 1])
        _normalize_blocks(cells, n_bins, epsilon, norm, features[i])
