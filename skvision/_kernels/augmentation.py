"""Random changes of images: flips, crops, zooms, colors and erased rectangles.

Images are bytes of shape (n, H, W * C). The caller draws the random numbers, and all
arithmetic is that of whole numbers, so that results are the same on every machine.
"""

import numpy as np

from skvision._kernels import jit_without_allocation as jit

WEIGHT_BITS = 11  # of a weight between two pixels: those of four fit into 31 bits
FACTOR_BITS = 14  # of a factor of colors: up to 101, times a byte, fits into 31 bits
REFLECT = -1  # instead of a value to fill with
MEAN = -1

_ONE_WEIGHT = np.int32(1 << WEIGHT_BITS)
_HALF_PIXEL = np.int32(1 << (2 * WEIGHT_BITS - 1))
_PIXEL_BITS = np.int32(2 * WEIGHT_BITS)
_ONE = np.int32(1 << FACTOR_BITS)
_HALF = np.int32(1 << (FACTOR_BITS - 1))
_BITS = np.int32(FACTOR_BITS)
_BLACK, _WHITE = np.int32(0), np.int32(255)

# 0.299, 0.587 and 0.114 of 2 ** 22, as many bits as bytes leave of 31
LUMA_BITS = np.int32(22)
RED, GREEN, BLUE = np.int32(1254097), np.int32(2462056), np.int32(478151)
_HALF_LUMA = np.int32(0.5003 * (1 << 22))  # exact: luma has three decimals


@jit
def _copy(values, out):
    for j in range(values.size):
        out[j] = values[j]


@jit
def _mirror(row, n_channels, out):
    """Copy a row of pixels in reverse order.

    Unsigned indices cannot be negative, which saves the check for that.
    """
    if n_channels == 3:
        for x in range(row.size // 3):
            at = np.uint64(row.size - 3 - 3 * x)
            out[3 * x] = row[at]
            out[3 * x + 1] = row[at + np.uint64(1)]
            out[3 * x + 2] = row[at + np.uint64(2)]
        return
    for c in range(n_channels):
        last = row.size - n_channels + c
        for x in range(row.size // n_channels):
            out[n_channels * x + c] = row[np.uint64(last - n_channels * x)]


@jit
def flip(images, n_channels, horizontal, vertical, out):
    """Copy images to ``out``, mirrored where the flags (n,) are true."""
    n_images, height, _ = images.shape
    for i in range(n_images):
        if not (horizontal[i] or vertical[i]):
            _copy(images[i].reshape(-1), out[i].reshape(-1))
            continue
        for y in range(height):
            row = images[i, height - 1 - y if vertical[i] else y]
            if horizontal[i]:
                _mirror(row, n_channels, out[i, y])
            else:
                _copy(row, out[i, y])


@jit
def _source_index(position, size, fill):
    """Return the index of the pixel at a position of an axis that may be outside.

    The axis is reflected at the centers of its outer pixels if ``fill`` is `REFLECT`.
    Otherwise ``size`` is returned for positions outside.
    """
    if 0 <= position < size:
        return position
    if fill != REFLECT:
        return size
    position, period = abs(position), 2 * (size - 1)
    if position > period:  # rare, and a division is slow
        position %= max(period, 1)
    return min(position, period - position)


@jit
def _copy_shifted(values, start, stop, shift, out):
    for j in range(start, stop):
        out[np.uint64(j)] = values[np.uint64(j + shift)]


@jit
def _fill_columns(image, at, columns, rows, top, fill, out):
    """Fill some columns, of one channel each, in the rows that are inside the image."""
    for j in range(columns[0], columns[1]):
        column, source = np.uint64(j), at[j]
        inside = source < image.shape[1]
        for y in range(rows[0], rows[1]):
            value = image[np.uint64(y + top), source] if inside else np.uint8(fill)
            out[np.uint64(y), column] = value


@jit
def _fill_rows(image, at, rows, top, fill, out):
    """Fill some rows that are outside the image."""
    for y in range(rows[0], rows[1]):
        source = _source_index(y + top, image.shape[0], fill)
        for j in range(at.size):
            inside = source < image.shape[0] and at[j] < image.shape[1]
            out[y, j] = image[source, at[j]] if inside else np.uint8(fill)


@jit
def crop(images, n_channels, tops, lefts, fill, at, out):
    """Cut a window of the size of the image from each image.

    Windows start at row ``tops`` and column ``lefts`` (n,) of their images, which may
    be negative. Pixels outside an image have the value ``fill``, or are its reflection
    if ``fill`` is `REFLECT`. ``at`` (W * C,), uint64, is scratch space.
    """
    n_images, height, n = images.shape
    width = n // n_channels
    for i in range(n_images):
        image, to, top, left = images[i], out[i], tops[i], lefts[i]
        for x in range(width):
            start = _source_index(x + left, width, fill) * n_channels
            for c in range(n_channels):
                at[x * n_channels + c] = start + c
        # the part of the window that is inside the image
        above = min(max(-top, 0), height)
        below = max(min(height - top, height), above)
        first = min(max(-left, 0), width) * n_channels
        last = max(min(width - left, width) * n_channels, first)
        if above < below and first < last:  # in one copy, parts of the sides included
            start, stop = above * n + first, (below - 1) * n + last
            shift = top * n + left * n_channels
            _copy_shifted(image.reshape(-1), start, stop, shift, to.reshape(-1))
        _fill_columns(image, at, (0, first), (above, below), top, fill, to)
        _fill_columns(image, at, (last, n), (above, below), top, fill, to)
        _fill_rows(image, at, (0, above), top, fill, to)
        _fill_rows(image, at, (below, height), top, fill, to)


@jit
def _blend_rows(first, second, weight, blended):
    """Compute the weighted sum of two rows."""
    for j in range(first.size):
        near = np.int32(np.int32(first[j]) * np.int32(_ONE_WEIGHT - weight))
        far = np.int32(np.int32(second[j]) * weight)
        blended[j] = np.int32(near + far)


@jit
def _interpolate_columns(blended, near, far, weights, n_channels, out):
    """Interpolate between the columns of a blended row.

    ``near`` and ``far`` (W,) are the indices of the first channel of two columns.
    """
    for c in range(n_channels):
        channel = blended[c:]
        for x in range(weights.size):
            rest = np.int32(_ONE_WEIGHT - weights[x])
            first = np.int32(channel[near[x]] * rest)
            second = np.int32(channel[far[x]] * weights[x])
            total = np.int32(np.int32(first + second) + _HALF_PIXEL)
            out[n_channels * x + c] = np.uint8(total >> _PIXEL_BITS)


@jit
def zoom(images, n_channels, down, across, fill, work, out):
    """Resize windows of images by bilinear interpolation.

    ``down`` is a pair of arrays, rows and weights. Row y of output i is a weighted mean
    of row ``rows[i, y]`` of image i and the next row, whose weight is ``weights[i, y]``
    / 2 ** `WEIGHT_BITS`. ``across`` is the same for columns. Pixels outside an image
    have the value ``fill``, or are its reflection if ``fill`` is `REFLECT`.

    ``work`` is a read-only row of bytes (W * C,) of the value ``fill``, and scratch
    space: a row (W * C + C,) of int32 and two columns (2, W) of uint64.
    """
    n_images, height, n = images.shape
    width = n // n_channels
    (rows, row_weights), (columns, weights) = down, across
    outside, blended, (near, far) = work
    blended[n:] = np.int32(np.int32(outside[0]) * _ONE_WEIGHT)
    for i in range(n_images):
        for x in range(width):
            column = columns[i, x]
            near[x] = _source_index(column, width, fill) * n_channels
            far[x] = _source_index(column + 1, width, fill) * n_channels
        for y in range(height):
            first = _source_index(rows[i, y], height, fill)
            second = _source_index(rows[i, y] + 1, height, fill)
            above = images[i, first] if first < height else outside
            below = images[i, second] if second < height else outside
            _blend_rows(above, below, row_weights[i, y], blended)
            _interpolate_columns(blended, near, far, weights[i], n_channels, out[i, y])


@jit
def _blend_pixel(start, value, factor):
    """Round ``start`` plus a byte times ``factor`` to a byte; half is in ``start``."""
    product = np.int32(np.int32(value) * factor)
    rounded = np.int32(np.int32(start + product) >> _BITS)
    return np.uint8(min(max(rounded, _BLACK), _WHITE))


@jit
def _scale_and_shift(values, factor, offset):
    """Multiply bytes by ``factor`` and add ``offset``, both in units of 1 / `_ONE`."""
    start = np.int32(offset + _HALF)
    for j in range(values.size):
        values[j] = _blend_pixel(start, values[j], factor)


@jit
def _luma(red, green, blue):
    """Return the luma of bytes, times 2 ** `LUMA_BITS`."""
    reddish = np.int32(np.int32(red) * RED)
    greenish = np.int32(np.int32(green) * GREEN)
    bluish = np.int32(np.int32(blue) * BLUE)
    return np.int32(np.int32(reddish + greenish) + bluish)


@jit
def _mean_luma(values, n_channels):
    """Return the mean luma of an image, in units of 1 / `_ONE`."""
    n_pixels = values.size // n_channels
    total = np.int64(0)
    if n_channels == 3:
        for j in range(n_pixels):
            red, green, blue = values[3 * j], values[3 * j + 1], values[3 * j + 2]
            total += np.int64(_luma(red, green, blue))
    else:
        for j in range(n_pixels):
            total += np.int64(values[j])
        total <<= np.int64(LUMA_BITS)
    unit = n_pixels << (np.int64(LUMA_BITS) - np.int64(_BITS))
    return (total + unit // 2) // unit


@jit
def _saturate(values, factor):
    """Blend the pixels of an image with their luma, rounded to bytes."""
    rest = np.int32(_ONE - factor)
    for j in range(values.size // 3):
        red, green, blue = values[3 * j], values[3 * j + 1], values[3 * j + 2]
        luma = np.int32(_luma(red, green, blue) + _HALF_LUMA)
        start = np.int32(np.int32(np.int32(luma >> LUMA_BITS) * rest) + _HALF)
        values[3 * j] = _blend_pixel(start, red, factor)
        values[3 * j + 1] = _blend_pixel(start, green, factor)
        values[3 * j + 2] = _blend_pixel(start, blue, factor)


@jit
def jitter(images, n_channels, factors):
    """Change the brightness, the contrast and the saturation of images in place.

    Each of the three steps, in this order, blends the image with black, with its mean
    luma and with its luma, ``factor * image + (1 - factor) * other``, and rounds to
    bytes. Images have one or three channels; those of one have no saturation.
    ``factors`` (n, 3), int32, are from 0 to 101, in units of 2 ** -`FACTOR_BITS`.
    """
    for i in range(images.shape[0]):
        values = images[i].reshape(-1)
        brightness, contrast, saturation = factors[i]
        if brightness != _ONE:
            _scale_and_shift(values, brightness, _BLACK)
        if contrast != _ONE:
            mean = _mean_luma(values, n_channels)
            offset = (mean * np.int64(_ONE - contrast)) >> np.int64(FACTOR_BITS)
            _scale_and_shift(values, contrast, np.int32(offset))
        if saturation != _ONE and n_channels == 3:
            _saturate(values, saturation)


@jit
def _mean(values, c, n_channels):
    """Return the mean of a channel of an image, rounded."""
    n_pixels = values.size // n_channels
    channel = values[c:]
    total = np.int64(0)
    for j in range(n_pixels):
        total += np.int64(channel[n_channels * j])
    return (total + n_pixels // 2) // n_pixels


@jit
def erase(images, n_channels, boxes, fill):
    """Fill a rectangle of each image in place.

    ``boxes`` (n, 4) are the first row and column of each rectangle, and the row and
    column after its last. The rectangle gets the value ``fill``, or the mean of each
    channel of the image, rounded, if ``fill`` is `MEAN`.
    """
    for i in range(images.shape[0]):
        top, left, bottom, right = boxes[i]
        if top >= bottom:
            continue
        whole = images[i].reshape(-1)
        for c in range(n_channels):
            value = _mean(whole, c, n_channels) if fill == MEAN else fill
            for y in range(top, bottom):
                channel = images[i, y, c:]
                for x in range(left, right):
                    channel[n_channels * x] = np.uint8(value)
