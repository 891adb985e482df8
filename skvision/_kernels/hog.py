"""Histograms of oriented gradients: votes of pixels into cells, blocks of cells.

A strip of a few rows is taken through steps that each are one loop over flat buffers in
cache: planes, strongest gradient, orientation, votes. All but the votes have neither
branch nor table and run at the width of the vector unit.
"""

import numpy as np

from skvision._kernels import jit


@jit
def _read(image, start, stop, square_root, planes, at):
    """Put pixels ``start`` to ``stop`` of a flat picture into planes, one a channel."""
    n_channels, n_pixels = planes.shape[0], stop - start
    dtype = planes.dtype.type
    pixels = image[start * n_channels : stop * n_channels]
    first = planes[0, at : at + n_pixels]
    if n_channels == 3:
        second = planes[1, at : at + n_pixels]
        third = planes[2, at : at + n_pixels]
        for i in range(n_pixels):
            first[i] = dtype(pixels[3 * i])
            second[i] = dtype(pixels[3 * i + 1])
            third[i] = dtype(pixels[3 * i + 2])
    else:
        for i in range(n_pixels):
            first[i] = dtype(pixels[i])
    if square_root:
        for c in range(n_channels):
            plane = planes[c, at : at + n_pixels]
            for i in range(n_pixels):
                plane[i] = np.sqrt(plane[i])


@jit
def _read_strip(image, width, top, bottom, square_root, planes):
    """Read rows ``top`` to ``bottom`` of a picture, with one row more on either side.

    Above the first row stands the second, below the last the last but one: there the
    vertical gradient is zero.
    """
    height = image.size // planes.shape[0] // width
    above = top - 1 if top > 0 else min(1, height - 1)
    below = bottom if bottom < height else max(height - 2, 0)
    end = (bottom - top + 1) * width
    _read(image, above * width, (above + 1) * width, square_root, planes, 0)
    _read(image, top * width, bottom * width, square_root, planes, width)
    _read(image, below * width, (below + 1) * width, square_root, planes, end)


@jit
def _length(dx, dy):
    """Return the length of a gradient, almost always rounded correctly.

    Two channels whose gradients are equally long but for rounding are a tie then, here
    and wherever the length comes from a good mathematical library. It is a square root
    with a correction (C. F. Borges, "An Improved Algorithm for hypot(a, b)", 2019).
    """
    dtype = type(dx)
    two = dtype(2)
    wide, high = abs(dx), abs(dy)
    longer, shorter = max(wide, high), min(wide, high)
    root = np.sqrt(longer * longer + shorter * shorter)
    over = root - shorter
    steep = longer * (two * over - longer) + (over - two * (longer - shorter)) * over
    rest = root - longer
    flat = two * rest * (longer - two * shorter)
    flat += (dtype(4) * rest - shorter) * shorter + rest * rest
    excess = (steep if root <= two * shorter else flat) / (two * root)
    return root if root == dtype(0) else root - excess


@jit
def _strongest_gradient(planes, width, inside, exact, gx, gy, magnitude):
    """Keep, at each pixel, the gradient of the channel where it is longest.

    ``inside`` is 0 in the first and the last column, where the horizontal gradient is
    zero, and 1 between them. ``exact`` says that squares are not rounded.
    """
    n_pixels = gx.size
    rounded, wide = planes.dtype.type, gx.dtype.type
    magnitude[:] = wide(-1)
    for c in range(planes.shape[0]):
        left = planes[c, width - 1 : width - 1 + n_pixels]
        right = planes[c, width + 1 : width + 1 + n_pixels]
        above = planes[c, :n_pixels]
        below = planes[c, 2 * width : 2 * width + n_pixels]
        if exact:
            for i in range(n_pixels):
                dx = wide((right[i] - left[i]) * inside[i])
                dy = wide(below[i] - above[i])
                square = dx * dx + dy * dy
                longer = square > magnitude[i]
                gx[i] = dx if longer else gx[i]
                gy[i] = dy if longer else gy[i]
                magnitude[i] = square if longer else magnitude[i]
        else:
            for i in range(n_pixels):
                dx = wide((right[i] - left[i]) * inside[i])
                dy = wide(below[i] - above[i])
                length = wide(rounded(_length(dx, dy)))
                longer = length > magnitude[i]
                gx[i] = dx if longer else gx[i]
                gy[i] = dy if longer else gy[i]
                magnitude[i] = length if longer else magnitude[i]
    if exact:
        for i in range(n_pixels):
            magnitude[i] = np.sqrt(magnitude[i])


@jit
def _count(ratio, boundaries, counts):
    """Add to ``counts`` how many of the boundaries, four at a time, are not below."""
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
def _find_bins(gx, gy, upper, lower, n_upper, ratio, counts, home, votes):
    """Point each vote to the bin of its orientation, by comparisons.

    For bytes they are exact in single precision up to 126 orientations.

    With r = gx / gy, the angle is at or past the boundary t in (0, pi) if r <= cot t; r
    is the same for opposite gradients, whose unsigned orientation is the same.
    ``lower`` has the boundaries from pi on, none where gradients are unsigned.
    """
    zero, infinity = gx.dtype.type(0), gx.dtype.type(np.inf)
    for i in range(gx.size):
        quotient = gx[i] / gy[i]
        ratio[i] = infinity if gy[i] == zero else quotient
        votes[i] = home[i]
    _count(ratio, upper, votes)
    if lower.size == 0:
        return
    counts[:] = 0
    _count(ratio, lower, counts)
    for i in range(gx.size):
        leftward = (gy[i] == zero) & (gx[i] < zero)
        turned = home[i] + counts[i] + np.uint32(n_upper - 1)
        votes[i] = turned if (gy[i] < zero) | leftward else votes[i]


@jit
def _arctangent(x):
    """Return the arctangent of ``x`` in [0, 1], by the rational function of Cephes."""
    dtype = type(x)
    far = x > dtype(0.66)
    x = (x - dtype(1)) / (x + dtype(1)) if far else x
    z = x * x
    p = dtype(-8.750608600031904122785e-1)
    p = p * z + dtype(-1.615753718733365076637e1)
    p = p * z + dtype(-7.500855792314704667340e1)
    p = p * z + dtype(-1.228866684490136173410e2)
    p = p * z + dtype(-6.485021904942025371773e1)
    q = z + dtype(2.485846490142306297962e1)
    q = q * z + dtype(1.650270098316988542046e2)
    q = q * z + dtype(4.328810604912902668951e2)
    q = q * z + dtype(4.853903996359136964868e2)
    q = q * z + dtype(1.945506571482613964425e2)
    angle = x + x * z * p / q
    return angle + dtype(np.pi / 4) if far else angle


@jit
def _find_shares(gx, gy, n_orientations, signed, share, lower_bin):
    """Find the bin whose centre is below each orientation, and the next one's share."""
    dtype = gx.dtype.type
    bins_per_radian = dtype(n_orientations / ((2 if signed else 1) * np.pi))
    for i in range(gx.size):
        wide, high = abs(gx[i]), abs(gy[i])
        longer, shorter = max(wide, high), min(wide, high)
        quotient = shorter / longer
        angle = _arctangent(dtype(0) if longer == dtype(0) else quotient)
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
    """Add each pixel of a row to the one bin that it votes for."""
    for i in range(votes.size):
        histograms[votes[i]] += magnitude[i]


@jit
def _vote_shared(lower_bin, share, home, right_share, magnitude, n_orientations, row):
    """Share each pixel of a row between two bins of the two cells beside it."""
    one = magnitude.dtype.type(1)
    for i in range(magnitude.size):
        below = lower_bin[i] if lower_bin[i] >= 0 else n_orientations - 1
        above = lower_bin[i] + 1 if lower_bin[i] + 1 < n_orientations else 0
        right = magnitude[i] * right_share[i]
        left = magnitude[i] - right
        cell = home[i]
        row[cell + np.uint32(below)] += left * (one - share[i])
        row[cell + np.uint32(above)] += left * share[i]
        cell += np.uint32(n_orientations)
        row[cell + np.uint32(below)] += right * (one - share[i])
        row[cell + np.uint32(above)] += right * share[i]


@jit
def _spread(row, y, cell_height, cells):
    """Share the histograms of row ``y`` between the cells above and below it."""
    position = (y + 0.5) / cell_height - 0.5
    upper = int(np.floor(position))
    share = position - upper
    above, below = cells[upper + 1], cells[upper + 2]
    for j in range(row.size):
        above[j] += row[j] - row[j] * share
        below[j] += row[j] * share
        row[j] = 0


@jit
def _homes(width, cell_width, n_x, n_orientations, interpolate, home, right_share):
    """Find, for each pixel of a strip, the first bin of its cell (or that to its left).

    Cell 0 and those after ``n_x`` take the votes that fall outside the picture's cells.
    """
    for i in range(home.size):
        x = i % width
        position = (x + 0.5) / cell_width
        if interpolate:
            position -= 0.5
        cell = int(np.floor(position))
        right_share[i] = position - cell
        home[i] = (min(cell, n_x) + 1) * n_orientations


@jit(fastmath={"reassoc", "nsz"})  # sums, in any order, of values of one sign
def _normalize_block(histograms, norm, epsilon, block):
    """Fill ``block`` (cells down, cells across * bins) with normalised ``histograms``.

    ``norm`` counts L1, L1-sqrt, L2 and L2-Hys from 0.
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
def _normalize_blocks(cells, n_orientations, epsilon, norm, features):
    """Fill ``features`` (blocks down, across, cells down, cells across * bins)."""
    n_rows, n_columns, height, length = features.shape
    for y in range(n_rows):
        for x in range(n_columns):
            start = (x + 1) * n_orientations
            histograms = cells[y + 1 : y + 1 + height, start : start + length]
            _normalize_block(histograms, norm, epsilon, features[y, x])


@jit
def hog(
    images,
    upper,
    lower,
    n_orientations,
    n_upper,
    signed,
    square_root,
    exact,
    interpolate,
    cell_shape,
    n_cells,
    norm,
    planes,
    features,
):
    """Fill ``features`` (n, blocks down, across, cells down, cells across * bins).

    ``images`` is (n, H, W, C) with C 1 or 3. ``upper`` and ``lower`` are the cotangents
    of the boundaries between the ``n_orientations`` bins, ``n_upper`` of which lie
    below pi: see `_find_bins`. Their dtype is that of all arithmetic but for the
    differences of pixels, which take the dtype of ``planes`` (C, pixels of a strip and
    of two more rows); ``exact`` says that their squares are not rounded in it.
    """
    n_images, height, width, _ = images.shape
    cell_height, cell_width = cell_shape
    n_y, n_x = n_cells
    dtype = upper.dtype
    n_pixels = planes.shape[1] - 2 * width
    n_rows = n_pixels // width
    gx, gy = np.zeros(n_pixels, dtype), np.zeros(n_pixels, dtype)
    magnitude, share = np.zeros(n_pixels, dtype), np.zeros(n_pixels, dtype)
    counts, votes = np.zeros(n_pixels, np.uint32), np.zeros(n_pixels, np.uint32)
    home, right_share = np.zeros(n_pixels, np.uint32), np.zeros(n_pixels, dtype)
    lower_bin = np.zeros(n_pixels, np.int32)
    _homes(width, cell_width, n_x, n_orientations, interpolate, home, right_share)
    inside = np.ones(n_pixels, planes.dtype)
    inside[::width] = 0
    inside[width - 1 :: width] = 0
    # in float64: a single precision sum over a large cell would lose its faint pixels
    cells = np.zeros((n_y + 2, (n_x + 3) * n_orientations))
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
            _read_strip(image, width, top, bottom, square_root, planes)
            _strongest_gradient(planes, width, inside, exact, gx, gy, magnitude)
            if interpolate:
                _find_shares(gx, gy, n_orientations, signed, share, lower_bin)
            else:
                _find_bins(gx, gy, upper, lower, n_upper, share, counts, home, votes)
            for y in range(top, bottom):
                here = slice((y - top) * width, (y - top + 1) * width)
                weights = magnitude[here]
                if interpolate:
                    _vote_shared(
                        lower_bin[here],
                        share[here],
                        home[here],
                        right_share[here],
                        weights,
                        n_orientations,
                        row,
                    )
                    _spread(row, y, cell_height, cells)
                else:
                    _vote(votes[here], weights, cells[y // cell_height + 1])
        _normalize_blocks(cells, n_orientations, epsilon, norm, features[i])
