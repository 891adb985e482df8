"""The definition of every public kernel in plain NumPy.

A function here has the name, the arguments and the outputs of its kernel. It is as
short as the formula, for readers and for tests: it is slow, and it ignores the scratch
space that it gets. Heaps are sorted here, since their order is not specified.
"""

import numpy as np

from skvision._kernels.augmentation import (
    BLUE,
    FACTOR_BITS,
    GREEN,
    LUMA_BITS,
    MEAN,
    RED,
    REFLECT,
    WEIGHT_BITS,
)
from skvision._kernels.color import GRAY, HSV, LAB
from skvision._kernels.distances import (
    CHEBYSHEV,
    CHI2,
    COSINE,
    HAMMING,
    HELLINGER,
    L1,
    L2,
)
from skvision._kernels.encoding import HARD, THRESHOLD, TRIANGLE

# Augmentation.


def _pixels(images, n_channels):
    """Return a view of shape (n, H, W, C) of images of shape (n, H, W * C)."""
    return images.reshape(*images.shape[:2], images.shape[2] // n_channels, n_channels)


def _take(image, rows, columns, fill):
    """Return pixels of an image at rows and columns that may be outside.

    They are ``fill`` outside, or reflected at the centers of the outer pixels.
    """
    indices, inside = [], []
    for positions, size in zip((rows, columns), image.shape[:2], strict=True):
        period = max(2 * (size - 1), 1)
        phase = abs(positions) % period
        indices.append(np.minimum(phase, period - phase) if size > 1 else 0 * phase)
        inside.append((positions >= 0) & (positions < size))
    pixels = image[np.ix_(*indices)].astype(int)
    if fill == REFLECT:
        return pixels
    return np.where(np.logical_and.outer(*inside)[..., np.newaxis], pixels, fill)


def flip(images, n_channels, horizontal, vertical, out):
    """Mirror each image where its flags are true."""
    images, out = _pixels(images, n_channels), _pixels(out, n_channels)
    out[:] = images
    out[horizontal] = out[horizontal, :, ::-1]
    out[vertical] = out[vertical, ::-1]


def crop(images, n_channels, tops, lefts, fill, at, out):
    """Do ``out[i, y, x] = images[i, y + tops[i], x + lefts[i]]``."""
    images, out = _pixels(images, n_channels), _pixels(out, n_channels)
    y, x = map(np.arange, images.shape[1:3])
    for image, top, left, window in zip(images, tops, lefts, out, strict=True):
        window[:] = _take(image, y + top, x + left, fill)


def zoom(images, n_channels, down, across, fill, work, out):
    """Interpolate linearly between two rows and two columns, rounded to bytes."""
    (rows, row_weights), (columns, weights) = down, across
    images, out = _pixels(images, n_channels), _pixels(out, n_channels)
    one = 1 << WEIGHT_BITS
    for i, image in enumerate(images):
        y, x = rows[i], columns[i]
        lower = row_weights[i][:, np.newaxis, np.newaxis]
        right = weights[i][:, np.newaxis]
        left_column = (one - lower) * _take(image, y, x, fill)
        left_column += lower * _take(image, y + 1, x, fill)
        right_column = (one - lower) * _take(image, y, x + 1, fill)
        right_column += lower * _take(image, y + 1, x + 1, fill)
        total = (one - right) * left_column + right * right_column
        out[i] = np.floor(total / one**2 + 0.5)


def jitter(images, n_channels, factors):
    """Blend with black, with the mean luma and with the luma, in this order.

    ``image = factor * image + (1 - factor) * other``, rounded to bytes.
    """
    one, weights = 1 << FACTOR_BITS, np.array([RED, GREEN, BLUE], int)
    for image, (brightness, contrast, saturation) in zip(
        _pixels(images, n_channels), factors.astype(int), strict=True
    ):
        image[:] = _blend(image, 0, brightness)
        luma = image @ weights / (1 << LUMA_BITS) if n_channels == 3 else image
        image[:] = _blend(image, np.floor(luma.mean() * one + 0.5) / one, contrast)
        if n_channels == 3:
            luma = (image @ np.array([299, 587, 114]) + 500) // 1000
            image[:] = _blend(image, luma[..., np.newaxis], saturation)


def _blend(pixels, other, factor):
    one = 1 << FACTOR_BITS
    rest = np.floor((one - factor) * other)
    return np.clip(np.floor((factor * pixels + rest) / one + 0.5), 0, 255)


def erase(images, n_channels, boxes, fill):
    """Fill a rectangle of each image with a value or with its mean, rounded."""
    for image, (top, left, bottom, right) in zip(
        _pixels(images, n_channels), boxes, strict=True
    ):
        mean = np.floor(image.mean(axis=(0, 1)) + 0.5)
        image[top:bottom, left:right] = mean if fill == MEAN else fill


# Rows of bytes.


def l1(A, i, B, j, first, last):
    """Return ``sum |a - b|``."""
    a, b = A[i, first:last].astype(int), B[j, first:last].astype(int)
    return np.abs(a - b).sum()


l1_of_whole_vectors = l1


def squared_l2(A, i, B, j, first, last):
    """Return ``sum (a - b)^2``."""
    a, b = A[i, first:last].astype(int), B[j, first:last].astype(int)
    return np.square(a - b).sum()


def dot(A, i, B, j, first, last):
    """Return ``sum a b``."""
    return (A[i, first:last].astype(int) * B[j, first:last]).sum()


def largest_difference(A, i, B, j, limit):
    """Return ``max |a - b|``; if it is above ``limit``, any such number will do."""
    return np.abs(A[i].astype(int) - B[j]).max()


def count_differing_bits(A, i, B, j):
    """Return ``sum bits(a xor b)``."""
    return np.bitwise_count(A[i] ^ B[j]).sum(dtype=int)


def count_differing_bits_of_words(A, B, out):
    """Do ``out[i, j] = sum_k bits(A[i, k] xor B[k, j])``."""
    out[:] = np.bitwise_count(A[:, :, np.newaxis] ^ B).sum(axis=1)


def byte_bounds(A, factors_a, B, tails, offsets, shifts, factors_b, out):
    """Compute ``offsets[j] - factors_a[i] factors_b[j] (A[i] . B[j] + shifts[j])``."""
    products = A[:, : B.shape[1]].astype(int) @ B.T.astype(int) + shifts
    out[:] = offsets - factors_a[:, np.newaxis] * factors_b * products


def sums_and_squares(rows, zeros, sums, squares):
    """Do ``sums += sum_j x_j`` and ``squares += sum_j x_j^2``."""
    sums += rows.sum(axis=1, dtype=int)
    squares += np.square(rows.astype(int)).sum(axis=1)


# Distances.

_DISTANCES = {
    L1: lambda a, b: np.abs(a - b).sum(),
    L2: lambda a, b: np.square(a - b).sum(),
    CHI2: lambda a, b: (np.square(a - b) / np.where(a + b > 0, a + b, 1)).sum(),
    HELLINGER: lambda a, b: np.square(np.sqrt(a) - np.sqrt(b)).sum(),
    CHEBYSHEV: lambda a, b: np.abs(a - b).max(),
}


def distance(metric, A, i, B, j, inverse_norms_a, inverse_norms_b):
    """Return the reduced distance of two rows, defined in `distances.distance`."""
    if metric == HAMMING:
        return float(count_differing_bits(A, i, B, j))
    a, b = A[i].astype(float), B[j].astype(float)
    if metric == COSINE:
        return np.square(a * inverse_norms_a[i] - b * inverse_norms_b[j]).sum()
    return _DISTANCES[metric](a, b)


def distance_up_to(limit, metric, A, i, B, j, inverse_norms_a, inverse_norms_b):
    """Do `distance`; if it is above ``limit``, any such number will do."""
    return distance(metric, A, i, B, j, inverse_norms_a, inverse_norms_b)


def distances_to(metric, A, B, candidates, inverse_norms_a, inverse_norms_b, distances):
    """Do ``distances[i, c] = distance(A[i], B[candidates[i, c]])``."""
    norms = inverse_norms_a, inverse_norms_b
    for (i, c), j in np.ndenumerate(candidates):
        distances[i, c] = distance(metric, A, i, B, j, *norms)


def inverse_norms(rows, out):
    """Compute ``1 / ||x||``."""
    largest = np.abs(rows).max(axis=1).astype(float)  # squares would overflow
    out[:] = 1 / largest / np.linalg.norm(rows / largest[:, np.newaxis], axis=1)


# Nearest rows.


def _keep_nearest(new_distances, new_indices, distances, indices):
    """Keep as many of the old and the new as there were, by distance, then by index."""
    every_distance = np.hstack([distances, new_distances])
    every_index = np.hstack([indices, new_indices])
    order = np.lexsort((every_index, every_distance))[:, : distances.shape[1]]
    distances[:] = np.take_along_axis(every_distance, order, axis=1)
    indices[:] = np.take_along_axis(every_index, order, axis=1)


def _all_distances(pairs):
    metric, A, B, _, norms_a, norms_b = pairs
    distances = np.empty((len(A), len(B)))
    candidates = np.broadcast_to(np.arange(len(B)), distances.shape)
    distances_to(metric, A, B, candidates, norms_a, norms_b, distances)
    return distances


def sort_heaps(distances, indices):
    """Sort each row by distance, then by index."""
    none = np.empty((len(distances), 0))
    _keep_nearest(none, none.astype(int), distances, indices)


def scan(pairs, distances, indices):
    """Keep the nearest of the rows that were kept and of all rows of pairs."""
    new = _all_distances(pairs)
    new_indices = np.broadcast_to(pairs.first + np.arange(len(pairs.B)), new.shape)
    _keep_nearest(new, new_indices, distances, indices)


def scan_within(pairs, limit, found, distances):
    """Return the number of pairs within a limit, after putting them first."""
    exact = _all_distances(pairs)
    i, j = np.nonzero(exact <= limit)
    found[: len(i)] = np.column_stack([i, pairs.first + j])
    distances[: len(i)] = exact[i, j]
    return len(i)


def largest_bound(farthest, power, scale, slack, gap):
    """Return ``((farthest^(1 / power) + slack) scale)^power + gap``."""
    return ((farthest ** (1 / power) + slack) * scale) ** power + gap


def refine(pairs, bounds, distances, indices):
    """Do `scan`; how many distances are computed depends on their order."""
    scan(pairs, distances, indices)


def refine_within(pairs, bounds, limit, found, distances):
    """Do `scan_within`; also return the number of bounds that the limit allows."""
    values, power, scale, slack, gap = bounds
    largest = largest_bound(limit, power, scale, slack, gap)[:, np.newaxis]
    return scan_within(pairs, limit, found, distances), np.sum(values <= largest)


def smallest_bounds(bounds, smallest, indices):
    """Keep the smallest of the bounds that were kept and of all ``bounds``."""
    columns = np.broadcast_to(np.arange(bounds.shape[1]), bounds.shape)
    _keep_nearest(bounds, columns, smallest, indices)


def keep_candidates(candidates, their_distances, bounds, distances, indices):
    """Keep the nearest candidates, and set their bounds to NaN; -1 is none."""
    i, c = np.nonzero(candidates >= 0)
    bounds[i, candidates[i, c]] = np.nan
    their_distances = np.where(candidates < 0, np.inf, their_distances)
    _keep_nearest(their_distances, candidates, distances, indices)


# Sketches.


def byte_l1_block(A, B, out):
    """Do ``out[i, j] = sum |A[i] - B[j]|``."""
    out[:] = np.abs(A[:, np.newaxis].astype(int) - B).sum(axis=2)


def embed(metric, rows, inverse_norms, center, scale, out, squared_norms):
    """Compute ``(x - center) scale`` of rows, unit vectors (COSINE) or square roots."""
    points = rows.astype(float)
    if metric == COSINE:
        points = points * inverse_norms[:, np.newaxis]
    elif metric in (CHI2, HELLINGER):
        points = np.sqrt(points)
    points = (points - center) * scale
    out[:] = points
    squared_norms[:] = np.square(points).sum(axis=1)


def pool_to_bytes(rows, groups, sums, low, unit, rounding, codes, errors):
    """Round ``sum (x - low) / unit`` over each group to a byte."""
    values, n_groups = rows.astype(float) - low, sums.size
    pooled = values @ (groups[:, np.newaxis] == np.arange(n_groups))
    codes[:, :n_groups] = np.clip(np.rint(pooled / unit), 0, 255)
    errors[:] = np.abs(pooled - codes[:, :n_groups] * unit).sum(axis=1)
    errors += rounding * np.abs(values).sum(axis=1)


# Colors.


def split(pixels, n, planes):
    """Do ``planes[c, i] = pixels[i, c]``."""
    n_channels = len(planes)
    planes[:, :n] = pixels[: n * n_channels].reshape(n, n_channels).T


def prepare(values, low, high, space):
    """Clip; for HSV subtract ``low``, for LAB undo the gamma of sRGB."""
    np.clip(values, low, high, out=values)
    if space in (HSV, LAB):
        values -= low
    if space == LAB:
        x = values / (high - low)
        values[:] = np.where(x > 0.04045, ((x + 0.055) / 1.055) ** 2.4, x / 12.92)


def look_up(values, table):
    """Do ``values[i] = table[values[i]]``."""
    values[:] = table[values.astype(int)]


def cube_root(x):
    """Return ``x^(1 / 3)``."""
    return np.cbrt(x)


def convert(planes, low, high, white, space, numerators, denominators):
    """Compute the channels of a color space as fractions."""
    values = planes if space != HSV else planes.astype(float)
    denominators[:] = white
    if space == HSV:
        numerators[:], denominators[:2] = _hsv(*values)
    elif space == LAB:
        numerators[:] = _lab(values)
    elif space == GRAY and len(planes) == 3:
        luma = np.array([0.2125, 0.7154, 0.0721]) @ values
        numerators[0] = np.clip(luma, low, high)
    else:
        numerators[: len(planes)] = values


def _hsv(red, green, blue):
    largest = np.maximum(np.maximum(red, green), blue)
    chroma = largest - np.minimum(np.minimum(red, green), blue)
    hue = np.select(
        [largest == red, largest == green],
        [green - blue + 6 * chroma * (green < blue), blue - red + 2 * chroma],
        red - green + 4 * chroma,
    )
    six_chromas = np.where(chroma > 0, 6 * chroma, 1)
    return (hue, chroma, largest), (six_chromas, np.where(largest > 0, largest, 1))


def _lab(planes):
    xyz = np.array(
        [
            [0.412453, 0.357580, 0.180423],
            [0.212671, 0.715160, 0.072169],
            [0.019334, 0.119193, 0.950227],
        ]
    )
    t = xyz @ planes / np.array([[0.95047], [1], [1.08883]])
    x, y, z = np.where(t > (6 / 29) ** 3, np.cbrt(t), t * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.clip(116 * y - 16, 0, 100), 500 * (x - y), 200 * (y - z)


# Histograms.


def color_histograms(images, colors, channels, layout, norm, buffers, features):
    """Count pixels like `numpy.histogram` in the cells of a grid, and normalize."""
    _, height, width, _ = images.shape
    joint = layout.joint and buffers.sums.size == 0
    n_y = features.shape[1]
    n_x = (len(layout.ends) - 1) // (1 if joint else len(channels.planes))
    for image, out in zip(images, features, strict=True):
        bins, weights = _bins_and_weights(image, colors, channels)
        for y in range(n_y):
            histograms = []
            for x in range(n_x):
                cell = (
                    slice(y * height // n_y, (y + 1) * height // n_y),
                    slice(x * width // n_x, (x + 1) * width // n_x),
                )
                of_cell = [one[cell].ravel() for one in bins]
                weights_of_cell = [one[cell].ravel() for one in weights]
                sizes = channels.n_bins.astype(int)
                if joint:
                    of_cell = [np.ravel_multi_index(of_cell, sizes)]
                    sizes = [sizes.prod()]
                for c, n in enumerate(sizes):
                    counts = np.bincount(of_cell[c], weights_of_cell[c], n)
                    histograms.append(_normalize_histogram(counts, norm))
            out[y] = np.concatenate(histograms)


def _bins_and_weights(image, colors, channels):
    """Return the bins and the weights of pixels in each channel, of shape (H, W)."""
    space, value_range, white, exact, _ = colors
    planes = image.reshape(-1, image.shape[2]).T.astype(float)
    numerators, denominators = fractions = np.ones((2, 3, planes.shape[1]))
    if not exact:
        prepare(planes, *value_range, space)
    convert(planes, *value_range, white, space, *fractions)
    bins, weights = [], []
    for c, plane in enumerate(channels.planes):
        n, (low, high) = int(channels.n_bins[c]), channels.limits[c]
        values = numerators[plane] * (high if exact else 1) / denominators[plane]
        edges = np.linspace(low, high, n + 1)
        at = np.minimum(np.searchsorted(edges, values, side="right") - 1, n - 1)
        saturation = numerators[1] / denominators[1]
        weight = saturation if channels.weighted[c] else np.ones(at.size)
        bins.append(at.reshape(image.shape[:2]))
        weights.append(weight.reshape(image.shape[:2]))
    return bins, weights


def _normalize_histogram(counts, norm):
    """Divide by the norm: L1, L2, L1 followed by the square root, or none."""
    length = (counts.sum(), np.linalg.norm(counts), counts.sum(), 1)[norm]
    counts = counts / (length or 1)
    return np.sqrt(counts) if norm == 2 else counts


# Oriented gradients.


def read_strip(image, width, top, bottom, square_root, planes):
    """Copy rows ``top - 1`` to ``bottom + 1`` of the image, reflected at its ends."""
    pixels = image.reshape(-1, width, len(planes)).astype(planes.dtype)
    padded = np.pad(pixels, ((1, 1), (0, 0), (0, 0)), mode="reflect")
    strip = padded[top : bottom + 2].reshape(-1, len(planes)).T
    planes[:, : strip.shape[1]] = np.sqrt(strip) if square_root else strip


def strongest_gradient(planes, width, inside, exact, gx, gy, magnitude):
    """Find the longest of ``(I(x + 1) - I(x - 1), I(y + 1) - I(y - 1))``."""
    n = gx.size
    right, left = planes[:, width + 1 :][:, :n], planes[:, width - 1 :][:, :n]
    below, above = planes[:, 2 * width :][:, :n], planes[:, :n]
    dx, dy = ((right - left) * inside).astype(float), (below - above).astype(float)
    longest = (dx**2 + dy**2).argmax(axis=0), np.arange(n)
    gx[:], gy[:], magnitude[:] = dx[longest], dy[longest], np.hypot(dx, dy)[longest]


def arctangent(x):
    """Return ``arctan x``."""
    return np.arctan(x)


def hog(images, orientations, steps, cell_shape, n_cells, planes, features):
    """Sum gradients by orientation in cells, and normalize blocks of cells."""
    n_bins, n_channels = orientations.n_bins, len(planes)
    turn = 2 * np.pi if orientations.signed else np.pi
    height, width = images.shape[1:3]
    inside = np.ones((height, width))
    inside[:, [0, -1]] = 0
    for image, blocks in zip(images, features, strict=True):
        strip = np.empty((n_channels, (height + 2) * width), planes.dtype)
        gx, gy, magnitude = np.empty((3, height * width))
        read_strip(image.ravel(), width, 0, height, steps.square_root, strip)
        strongest_gradient(strip, width, inside.ravel(), True, gx, gy, magnitude)
        position = np.arctan2(gy, gx) % turn / turn * n_bins - steps.interpolate / 2
        lower = np.floor(np.round(position, 9)).astype(int)
        share = (position - lower) * steps.interpolate
        bins = np.arange(n_bins)[:, np.newaxis]
        votes = (1 - share) * (lower % n_bins == bins)
        votes += share * ((lower + 1) % n_bins == bins)
        votes = (magnitude * votes).reshape(n_bins, height, width)
        down, across = (
            _shares_of_cells(size, cell, n, steps.interpolate)
            for size, cell, n in zip((height, width), cell_shape, n_cells, strict=True)
        )
        cells = np.einsum("oyx,yi,xj->ijo", votes, down, across)
        for y, x in np.ndindex(blocks.shape[:2]):
            n_down, n_across = blocks.shape[2], blocks.shape[3] // n_bins
            block = cells[y : y + n_down, x : x + n_across].reshape(n_down, -1)
            epsilon = 1e-5 * cell_shape[0] * cell_shape[1]
            blocks[y, x] = _normalize_block(block, steps.norm, epsilon)


def _shares_of_cells(size, cell, n, interpolate):
    """Return the share of each pixel of an axis in each cell."""
    cells_off = (np.arange(size)[:, np.newaxis] + 0.5) / cell - 0.5 - np.arange(n)
    return np.maximum(1 - abs(cells_off), 0) if interpolate else abs(cells_off) < 0.5


def _normalize_block(block, norm, epsilon):
    """Divide by L1, L1 followed by the square root, L2, or L2 clipped at 0.2."""
    if norm < 2:
        block = block / (block.sum() + epsilon)
        return np.sqrt(block) if norm == 1 else block
    block = block / np.sqrt(np.square(block).sum() + epsilon**2)
    if norm == 2:
        return block
    block = np.minimum(block, 0.2)
    return block / np.sqrt(np.square(block).sum() + 1e-10)


# Patches and words.


def scale_pixels(image, low, factor, scaled):
    """Compute ``clip((x - low) factor, 0, 255)``."""
    scaled[:] = np.clip((image.astype(float) - low) * factor, 0, 255)


def normalize_patches(scaled, tops, lefts, width, epsilon, patches):
    """Compute ``(x - mean) / sqrt(variance + epsilon)``, or 0 without variance."""
    height = patches.shape[1] // width
    for patch, top, left in zip(patches, tops, lefts, strict=True):
        x = scaled[top : top + height, left : left + width].astype(float).ravel()
        varies = x.min() < x.max()
        patch[:] = (x - x.mean()) / np.sqrt(x.var() + epsilon) if varies else 0


def unfold(products, responses):
    """Put sums and differences of responses to halves side by side."""
    symmetric, antisymmetric = products
    responses[:] = np.hstack([symmetric + antisymmetric, symmetric - antisymmetric])


def triangle(responses, patches, words, squares):
    """Compute ``max(mean_k d_k - d_k, 0)`` for the distances ``d_k`` to the words."""
    distances = np.linalg.norm(patches[:, np.newaxis].astype(float) - words, axis=2)
    mean = distances.mean(axis=1, keepdims=True)
    responses[:] = np.maximum(mean - distances, 0)


def one_hot(responses, squares):
    """1 for the word of the smallest ``|w|^2 / 2 - x . w``, 0 for the others."""
    nearest = (squares / 2 - responses).argmin(axis=1)
    responses[:] = nearest[:, np.newaxis] == np.arange(responses.shape[1])


def pool_codes(codes, first, cells, threshold, sums, pooled):
    """Add each code to all cells that contain its patch."""
    for place, code in enumerate(codes, start=first):
        y, x = divmod(place, cells.n_columns)
        signs = np.array([code])
        if threshold >= 0:
            signs = np.maximum(np.array([code, -code]) - threshold, 0)
        rows = (cells.rows[:, 0] <= y) & (y < cells.rows[:, 1])
        columns = (cells.columns[:, 0] <= x) & (x < cells.columns[:, 1])
        pooled[np.ix_(rows, columns)] += signs


def encode_and_pool(products, responses, patches, first, coding, cells, sums, pooled):
    """Make codes of responses and add them to their cells."""
    words, squares, mirrored, encoding, threshold = coding
    if mirrored:
        unfold(products, responses)
    if encoding == TRIANGLE:
        triangle(responses, patches, words, squares)
    elif encoding == HARD:
        one_hot(responses, squares)
    threshold = threshold if encoding == THRESHOLD else -1
    pool_codes(responses, first, cells, threshold, sums, pooled)


# Learning.


def make_steps(X, index, labels, weights, rate, epoch, n_steps, strict):
    """Update the true class and the winner after each mistake.

    ``w_true += rate weight x`` and ``w_winner -= rate weight x``.
    """
    params, sums, since, row, scores = epoch
    n_mistakes, loss, first = 0, 0.0, scores.size - len(params)
    if sums.size:
        add_missing_steps(epoch, n_steps)
    since[:] = n_steps + len(index)
    for x, label, weight in zip(X[index], labels, weights, strict=True):
        x = np.append(x, row[-1]).astype(params.dtype)
        all_scores = np.append(np.zeros(first), params @ x)
        winner = all_scores.argmax()
        ties = np.flatnonzero(all_scores == all_scores[label])
        if strict and winner == label and len(ties) > 1:
            winner = ties[ties != label][0]
        loss += weight * (all_scores[winner] - all_scores[label])
        n_mistakes += winner != label
        for c, sign in ((label, 1), (winner, -1)):
            if c >= first and winner != label:
                params[c - first] += sign * rate * weight * x
        if sums.size:
            sums += params
    return n_mistakes, loss


def add_missing_steps(epoch, n_steps):
    """Do ``sums += (n_steps - since) params``."""
    params, sums, since, _, _ = epoch
    sums += (n_steps - since)[:, np.newaxis] * params


def add_moments(X, index, shares, unit, center, sums, squares):
    """Add shares of ``d = X[index] unit - center`` and of its squares."""
    d = X[index] * unit - center
    sums += shares @ d
    squares += shares @ d**2


def standardize_rows(X, index, mean, inverse, out):
    """Do ``out = (X[index] - mean) inverse``."""
    out[:] = (X[index].astype(float) - mean) * inverse


def standardize_in_units(X, index, unit, center, deviation, out):
    """Do ``out = (X[index] unit - center) / deviation``."""
    out[:] = (X[index].astype(float) * unit - center) / deviation


def drop(x, drawn, threshold, scale, out):
    """Do ``out = x scale`` where ``drawn >= threshold``, and 0 elsewhere."""
    out[:] = np.where(drawn >= threshold, x * x.dtype.type(scale), 0)


def sgd(params, grads, rate):
    """Do ``p -= rate g``."""
    params -= rate * grads


def sgd_with_momentum(params, grads, velocity, rate, momentum, nesterov):
    """Do ``v = momentum v + g``, ``p -= rate (g + momentum v if nesterov else v)``."""
    velocity[:] = momentum * velocity + grads
    params -= rate * (grads + momentum * velocity if nesterov else velocity)


def adagrad(params, grads, sum_of_squares, rate, epsilon):
    """Do ``s += g^2``, ``p -= rate g / (sqrt(s) + epsilon)``."""
    sum_of_squares += grads**2
    params -= rate * grads / (np.sqrt(sum_of_squares) + epsilon)


def rmsprop(params, grads, mean_square, rate, decay, epsilon):
    """Do ``s = decay s + (1 - decay) g^2``, ``p -= rate g / (sqrt(s) + epsilon)``."""
    mean_square[:] = decay * mean_square + (1 - decay) * grads**2
    params -= rate * grads / (np.sqrt(mean_square) + epsilon)


def adam(params, grads, mean, mean_square, t, rate, constants):
    """Do ``m = beta_1 m + (1 - beta_1) g``, ``s = beta_2 s + (1 - beta_2) g^2``.

    ``p -= rate m / (1 - beta_1^t) / (sqrt(s / (1 - beta_2^t)) + epsilon)``, where
    weights have ``g = g + l2 p`` and ``p = (1 - rate weight_decay) p`` before.
    """
    beta_1, beta_2, epsilon, weight_decay, l2, n_weights = constants
    weights = params[:n_weights]
    g = grads.copy()
    g[:n_weights] += l2 * weights
    mean[:] = beta_1 * mean + (1 - beta_1) * g
    mean_square[:] = beta_2 * mean_square + (1 - beta_2) * g**2
    weights *= 1 - rate * weight_decay
    root = np.sqrt(mean_square / (1 - beta_2**t))
    params -= rate * mean / (1 - beta_1**t) / (root + epsilon)


def add_to_average(average, params, t):
    """Do ``a += (p - a) / t``."""
    average += (params - average) / t


# Directions.


def unit_rows(x, units, inverse_norms):
    """Compute ``x / ||x||``, or 0 where ``1 / ||x||`` is not finite in the dtype."""
    norms = np.linalg.norm(x.astype(float), axis=1)
    inverse = np.zeros(len(x))
    long = norms > 1 / float(np.finfo(x.dtype).max)
    inverse[long] = 1 / norms[long]
    inverse_norms[:] = inverse
    units[:] = x * inverse[:, np.newaxis]


def turning_part(gradients, units, inverse_norms, scale):
    """Do ``g = scale (g - (g . u) u) / ||x||``."""
    along = (gradients * units).sum(axis=1, keepdims=True)
    gradients[:] = scale * (gradients - along * units) * inverse_norms[:, np.newaxis]


def angles_to_own(units, centers, labels, cosines, sines):
    """Do ``cos = u . c`` and ``sin = ||c - cos u||``."""
    own = centers[labels]
    cosines[:] = np.clip((units * own).sum(axis=1), -1, 1)
    rest = own - cosines[:, np.newaxis] * units
    sines[:] = np.minimum(np.linalg.norm(rest, axis=1), 1)


def turn_to_centers(units, centers, labels, cosines, factors, out):
    """Do ``out_i += factor (c - cos u)``."""
    rest = centers[labels] - cosines[:, np.newaxis] * units
    out += factors[:, np.newaxis] * rest


def turn_to_units(units, centers, labels, cosines, factors, out):
    """Do ``out_label += factor (u - cos c)``."""
    rest = units - cosines[:, np.newaxis] * centers[labels]
    np.add.at(out, labels, factors[:, np.newaxis] * rest)
