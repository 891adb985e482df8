"""Gradients of strips of images: the longest of all channels at each pixel.

All loops are over flat buffers that stay in cache, and run at the width of the vector
unit.
"""

import numpy as np

from skvision._kernels import jit


@jit
def _read(image, start, stop, square_root, planes, at):
    """Copy pixels ``start`` to ``stop`` of a flat image into planes, from ``at`` on."""
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
def read_strip(image, width, top, bottom, square_root, planes):
    """Copy rows ``top`` to ``bottom`` of an image, and one more row on either side.

    ``image`` is flat; ``planes`` (C, (bottom - top + 2) * width or more) gets one
    channel a row, or its square roots if ``square_root`` is true. The image is
    reflected at its first and its last row, so that the vertical gradient is zero
    there.
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

    Equally long gradients of two channels then have equal lengths, as they have by the
    `hypot` of a good mathematical library. The square root is corrected as in C. F.
    Borges, "An Improved Algorithm for hypot(a, b)", 2019.
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
def strongest_gradient(planes, width, inside, exact, gx, gy, magnitude):
    """Find, at each pixel, the longest gradient among the channels, and its length.

    The gradient is the difference of the pixels to the right and to the left, and of
    those below and above. ``planes`` (C, n + 2 * width) has one more row of pixels than
    the outputs (n,) on either side. ``inside`` (n,) is 0 in the first and the last
    column, where the horizontal gradient is zero, and 1 in the others. ``exact`` tells
    that squares of differences are whole numbers, which are not rounded.
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
def arctangent(x):
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
