"""Random changes of pictures: flips, crops, zooms, colours and erased rectangles.

Pictures are bytes, in rows (n, H, W * C). What is random has been drawn before, and all
arithmetic is of whole numbers: results are the same on every machine.
"""

import numpy as np

from skvision._kernels import jit_without_allocation as jit

WEIGHT_BITS = 11  # of a weight between two pixels: those of four fit into 31 bits
FACTOR_BITS = 14  # of a factor of colours: up to 101, times a byte, fits into 31 bits
REFLECT = -1  # in place of a value to fill with
MEAN = -1

_ONE_WEIGHT = np.int32(1 << WEIGHT_BITS)
_HALF_PIXEL = np.int32(1 << (2 * WEIGHT_BITS - 1))
_PIXEL_BITS = np.int32(2 * WEIGHT_BITS)
_ONE = np.int32(1 << FACTOR_BITS)
_HALF = np.int32(1 << (FACTOR_BITS - 1))
_BITS = np.int32(FACTOR_BITS)
_BLACK, _WHITE = np.int32(0), np.int32(255)

# 0.299, 0.587 and 0.114 of 2 ** 22, as many bits as bytes leave of 31
_LUMA_BITS = np.int32(22)
_RED, _GREEN, _BLUE = np.int32(1254097), np.int32(2462056), np.int32(478151)
_HALF_LUMA = np.int32(0.5003 * (1 << 22))  # exact: luma has three decimals


@jit
def _copy(values, out):
    for j in range(values.size):
        out[j] = values[j]


@jit
def _mirror(row, n_channels, out):
    """Copy a row of pixels, the last one first.

    An unsigned index cannot count from the end, which saves a check, and more.
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
    """Fill ``out`` with pictures, mirrored where the flags (n,) say so."""
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
def _locate(position, size, fill):
    """Find the pixel to show at ``position`` of an axis, or ``size`` for ``fill``.

    To reflect is to mirror at the centres of the outer pixels, again and again.
    """
    if 0 <= position < size:
        return position
    if fill != REFLECT:
        return size
    position, period = abs(position), 2 * (size - 1)
    if position > period:  # seldom, and a division takes long
        position %= max(period, 1)
    return min(position, period - position)


@jit
def _copy_shifted(values, start, stop, shift, out):
    for j in range(start, stop):
        out[np.uint64(j)] = values[np.uint64(j + shift)]


@jit
def _fill_columns(image, at, columns, rows, top, fill, out):
    """Fill some columns, a channel each, of those rows that the picture has."""
    for j in range(columns[0], columns[1]):
        column, source = np.uint64(j), at[j]
        inside = source < image.shape[1]
        for y in range(rows[0], rows[1]):
            value = image[np.uint64(y + top), source] if inside else np.uint8(fill)
            out[np.uint64(y), column] = value


@jit
def _fill_rows(image, at, rows, top, fill, out):
    """Fill some rows that the picture does not have."""
    for y in range(rows[0], rows[1]):
        source = _locate(y + top, image.shape[0], fill)
        for j in range(at.size):
            inside = source < image.shape[0] and at[j] < image.shape[1]
            out[y, j] = image[source, at[j]] if inside else np.uint8(fill)


@jit
def crop(images, n_channels, tops, lefts, fill, at, out):
    """Fill ``out`` with windows of the size of a picture.

    Those start at row ``tops`` and column ``lefts`` (n,) of their pictures, which may
    be negative. What is outside of a picture gets the value ``fill``, or its
    reflection where that is `REFLECT`. ``at`` (W * C,), uint64, is for use here.
    """
    n_images, height, n = images.shape
    width = n // n_channels
    for i in range(n_images):
        image, to, top, left = images[i], out[i], tops[i], lefts[i]
        for x in range(width):
            start = _locate(x + left, width, fill) * n_channels
            for c in range(n_channels):
                at[x * n_channels + c] = start + c
        # what of the window is within the picture
        above = min(max(-top, 0), height)
        below = max(min(height - top, height), above)
        first = min(max(-left, 0), width) * n_channels
        last = max(min(width - left, width) * n_channels, first)
        if above < below and first < last:  # with some of the sides, in one go
            start, stop = above * n + first, (below - 1) * n + last
            shift = top * n + left * n_channels
            _copy_shifted(image.reshape(-1), start, stop, shift, to.reshape(-1))
        _fill_columns(image, at, (0, first), (above, below), top, fill, to)
        _fill_columns(image, at, (last, n), (above, below), top, fill, to)
        _fill_rows(image, at, (0, above), top, fill, to)
        _fill_rows(image, at, (below, height), top, fill, to)


@jit
def _blend(first, second, weight, blended):
    """Fill ``blended`` with the weighted sum of two rows."""
    for j in range(first.size):
        near = np.int32(np.int32(first[j]) * np.int32(_ONE_WEIGHT - weight))
        far = np.int32(np.int32(second[j]) * weight)
        blended[j] = np.int32(near + far)


@jit
def _pick(blended, near, far, weights, n_channels, out):
    """Fill ``out`` with what is between values of a blended row.

    ``near`` and ``far`` (W,) are where the first channel of two columns is.
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
def zoom(images, n_channels, rows, row_weights, columns, weights, fill, work, out):
    """Fill ``out`` with pixels between pixels (bilinear).

    Row y of picture i is between ``rows[i, y]`` and the next, which counts
    ``row_weights[i, y]`` of 2 ** `WEIGHT_BITS`; so do columns and their ``weights``.
    What is outside of a picture has the value ``fill``, or its reflection where that is
    `REFLECT`. ``work`` are arrays to work with: a row of bytes (W * C,) of that value,
    another of int32 (W * C + C,), and columns (2, W), uint64.
    """
    n_images, height, n = images.shape
    width = n // n_channels
    outside, blended, (near, far) = work
    blended[n:] = np.int32(np.int32(outside[0]) * _ONE_WEIGHT)
    for i in range(n_images):
        for x in range(width):
            column = columns[i, x]
            near[x] = _locate(column, width, fill) * n_channels
            far[x] = _locate(column + 1, width, fill) * n_channels
        for y in range(height):
            first = _locate(rows[i, y], height, fill)
            second = _locate(rows[i, y] + 1, height, fill)
            above = images[i, first] if first < height else outside
            below = images[i, second] if second < height else outside
            _blend(above, below, row_weights[i, y], blended)
            _pick(blended, near, far, weights[i], n_channels, out[i, y])


@jit
def _blend_with(start, value, factor):
    """Add a byte times ``factor``, and round to a byte; ``start`` includes a half."""
    product = np.int32(np.int32(value) * factor)
    rounded = np.int32(np.int32(start + product) >> _BITS)
    return np.uint8(min(max(rounded, _BLACK), _WHITE))


@jit
def _stretch(values, factor, offset):
    """Multiply bytes by ``factor`` and add ``offset``, both multiples of 1 / `_ONE`."""
    start = np.int32(offset + _HALF)
    for j in range(values.size):
        values[j] = _blend_with(start, values[j], factor)


@jit
def _luma(red, green, blue):
    """Return the luma of bytes, times 2 ** `_LUMA_BITS`."""
    reddish = np.int32(np.int32(red) * _RED)
    greenish = np.int32(np.int32(green) * _GREEN)
    bluish = np.int32(np.int32(blue) * _BLUE)
    return np.int32(np.int32(reddish + greenish) + bluish)


@jit
def _mean_luma(values, n_channels):
    """Return the mean luma of a picture, a multiple of 1 / `_ONE`."""
    n_pixels = values.size // n_channels
    total = np.int64(0)
    if n_channels == 3:
        for j in range(n_pixels):
            red, green, blue = values[3 * j], values[3 * j + 1], values[3 * j + 2]
            total += np.int64(_luma(red, green, blue))
    else:
        for j in range(n_pixels):
            total += np.int64(values[j])
        total <<= np.int64(_LUMA_BITS)
    unit = n_pixels << (np.int64(_LUMA_BITS) - np.int64(_BITS))
    return (total + unit // 2) // unit


@jit
def _saturate(values, factor):
    """Blend the pixels of a picture with their luma as bytes."""
    rest = np.int32(_ONE - factor)
    for j in range(values.size // 3):
        red, green, blue = values[3 * j], values[3 * j + 1], values[3 * j + 2]
        luma = np.int32(_luma(red, green, blue) + _HALF_LUMA)
        start = np.int32(np.int32(np.int32(luma >> _LUMA_BITS) * rest) + _HALF)
        values[3 * j] = _blend_with(start, red, factor)
        values[3 * j + 1] = _blend_with(start, green, factor)
        values[3 * j + 2] = _blend_with(start, blue, factor)


@jit
def jitter(images, n_channels, factors):
    """Change brightness, contrast and saturation of pictures in place, in this order.

    There are one or three channels; without colours nothing is saturated. ``factors``
    (n, 3), int32, are multiples of 2 ** -`FACTOR_BITS`, from 0 to 101.
    """
    for i in range(images.shape[0]):
        values = images[i].reshape(-1)
        brightness, contrast, saturation = factors[i]
        if brightness != _ONE:
            _stretch(values, brightness, _BLACK)
        if contrast != _ONE:
            mean = _mean_luma(values, n_channels)
            offset = (mean * np.int64(_ONE - contrast)) >> np.int64(FACTOR_BITS)
            _stretch(values, contrast, np.int32(offset))
        if saturation != _ONE and n_channels == 3:
            _saturate(values, saturation)


@jit
def _mean(values, c, n_channels):
    """Return the mean of a channel of a picture, rounded."""
    n_pixels = values.size // n_channels
    channel = values[c:]
    total = np.int64(0)
    for j in range(n_pixels):
        total += np.int64(channel[n_channels * j])
    return (total + n_pixels // 2) // n_pixels


@jit
def erase(images, n_channels, boxes, fill):
    """Fill a rectangle of each picture, in place.

    ``boxes`` (n, 4) are their first rows and columns and those behind their last.
    Their value is ``fill``, or the mean of each channel where that is `MEAN`.
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
