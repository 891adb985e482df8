"""Conversion of decoded images of any mode to resized images of 8-bit gray or RGB.

Converting a whole image takes several times its memory. This module converts images
strip by strip, and reduces each strip immediately if the image becomes much smaller, so
that it needs little memory besides the decoded image.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skvision._readers import strips
from skvision._readers.image_files import BadFile
from skvision._readers.levels import Coding, Levels, find_levels, to_8_bits
from skvision._readers.transparency import (
    WHITE,
    Color,
    choose_background,
    place_on,
    sample,
)

Box = tuple[float, float, float, float]

_MODES = frozenset(  # of which Pillow knows black and white, or find_levels does
    "1 L LA P PA RGB RGBA RGBa RGBX CMYK YCbCr I I;16 I;16L I;16B I;16N F".split()
)
_REDUCING_GAP = (
    3.0  # as Pillow has it: what is averaged is left so many times too large
)
_SUPPORT = {  # of Pillow's filters, in pixels of the smaller image
    Image.Resampling.BOX: 0.5,
    Image.Resampling.BILINEAR: 1.0,
    Image.Resampling.HAMMING: 1.0,
    Image.Resampling.BICUBIC: 2.0,
    Image.Resampling.LANCZOS: 3.0,
}


class Conversion(NamedTuple):
    """How an image becomes 8-bit gray or RGB, the same for all its pixels.

    Attributes
    ----------
    levels : (float, float) or None
        Black and white, if an image has more than 8 bits.
    background : (int, int, int) or None
        What shows through the image; None if its transparency is ignored.
    """

    levels: Levels | None = None
    background: Color | None = WHITE


def find_conversion(
    image: Image.Image,
    coding: Coding,
    value_range: Levels | None,
    background: Color | str | None,
) -> Conversion:
    """Return how a decoded image is converted; see the parameters of `ImageReader`.

    Raises
    ------
    BadFile
        If the mode does not define black and white, or nothing tells which levels they
        are.
    """
    if image.mode not in _MODES:
        raise BadFile(f"its mode is {image.mode!r}: convert it to 8-bit RGB")
    levels = find_levels(image, coding, value_range)
    if isinstance(background, str):  # "auto"
        background = WHITE
        if image.has_transparency_data:
            background = choose_background(_to_8_bits(sample(image), levels))
    return Conversion(levels, background)


def stored(size: Sequence[int], orientation: int) -> tuple[int, int]:
    """Return the (width, height) of an image before it is rotated to ``size``."""
    height, width = size
    return (height, width) if orientation >= 5 else (width, height)


def place(
    extent: tuple[float, float], target: tuple[int, int], resize: str
) -> tuple[tuple[float, float, float, float], tuple[int, int]]:
    """Return the box to scale and its scaled size, as (width, height)."""
    (width, height), (to_width, to_height) = extent, target
    is_wider = width * to_height >= height * to_width
    if resize == "crop":
        cut_width = height * to_width / to_height if is_wider else width
        cut_height = height if is_wider else width * to_height / to_width
        left, top = (width - cut_width) / 2, (height - cut_height) / 2
        return (left, top, width - left, height - top), target
    if resize == "pad" and is_wider:
        target = to_width, max(1, round(to_width * height / width))
    elif resize == "pad":
        target = max(1, round(to_height * width / height)), to_height
    return (0, 0, width, height), target


def paste(image: Image.Image, frame: NDArray[np.uint8]) -> None:
    """Write an image into the center of a frame."""
    height, width = frame.shape[:2]
    top, left = (height - image.height) // 2, (width - image.width) // 2
    frame[top : top + image.height, left : left + image.width] = np.asarray(image)


def resize_plain(
    image: Image.Image,
    size: tuple[int, int],
    resample: Image.Resampling,
    box: Box,
    conversion: Conversion,
    *,
    close: bool = True,
) -> Image.Image:
    """Convert an image to "L" or "RGB" and resize it.

    Parameters
    ----------
    image : PIL.Image.Image
        Image of any mode.
    size : (int, int)
        Width and height of the result.
    resample : PIL.Image.Resampling
        Filter.
    box : (float, float, float, float)
        Left, top, right and bottom of the region that is resized.
    conversion : Conversion
        How the image becomes 8-bit gray or RGB.
    close : bool, default=True
        Whether a large image is closed, which frees its memory, as soon as it is no
        longer needed.

    Returns
    -------
    resized : PIL.Image.Image
        Resized image, gray if the image and its background are gray. The pixels are
        ``plain(image, conversion).resize(size, resample, box, reducing_gap=3.0)``.
    """
    is_small = image.width * image.height <= strips.STRIP_PIXELS
    if is_small or _is_plain(image, conversion):
        whole = plain(image, conversion)
        return whole.resize(size, resample, box, reducing_gap=_REDUCING_GAP)
    factors, around = _find_reduction(image.size, size, resample, box)
    reduced = _reduce(image, factors, around, conversion)
    if close:
        image.close()
    left, top, right, bottom = box
    box = (
        (left - around[0]) / factors[0],
        (top - around[1]) / factors[1],
        (right - around[0]) / factors[0],
        (bottom - around[1]) / factors[1],
    )
    return reduced.resize(size, resample, box)


def _find_reduction(
    extent: tuple[int, int],
    size: tuple[int, int],
    resample: Image.Resampling,
    box: Box,
) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
    """Return the numbers of columns and rows to average, and the box of these pixels.

    Both are those that Pillow uses for ``reducing_gap``.
    """
    whole = (0, 0, *extent)
    if resample == Image.Resampling.NEAREST:
        return (1, 1), whole
    scale_x, scale_y = (box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1]
    factors = int(scale_x / _REDUCING_GAP) or 1, int(scale_y / _REDUCING_GAP) or 1
    if factors == (1, 1):
        return factors, whole
    reach = _SUPPORT[resample] - 0.5
    return factors, (
        max(0, int(box[0] - reach * scale_x)),
        max(0, int(box[1] - reach * scale_y)),
        min(extent[0], math.ceil(box[2] + reach * scale_x)),
        min(extent[1], math.ceil(box[3] + reach * scale_y)),
    )


def _reduce(
    image: Image.Image,
    factors: tuple[int, int],
    box: tuple[int, int, int, int],
    conversion: Conversion,
) -> Image.Image:
    """Return ``plain(image, conversion).reduce(factors, box)``, strip by strip."""
    left, top, right, bottom = box
    across, down = factors
    size = -(-(right - left) // across), -(-(bottom - top) // down)
    n_rows = max(1, strips.STRIP_PIXELS // ((right - left) * down)) * down
    reduced = None
    for start in range(top, bottom, n_rows):
        strip = image.crop((left, start, right, min(start + n_rows, bottom)))
        strip = plain(strip, conversion).reduce(factors)
        if reduced is None:
            reduced = Image.new(strip.mode, size)
        reduced.paste(strip, (0, (start - top) // down))
    assert reduced is not None
    return reduced


def plain(image: Image.Image, conversion: Conversion) -> Image.Image:
    """Return an image of any mode in 8-bit "L" or "RGB".

    Each pixel only depends on the pixel at the same position.
    """
    image, background = _to_8_bits(image, conversion.levels), conversion.background
    if image.has_transparency_data:
        gray = image.mode in ("1", "L", "LA") and len({*(background or WHITE)}) == 1
        image = place_on(background, image)
        return image.getchannel("R") if gray else image
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _to_8_bits(image: Image.Image, levels: Levels | None) -> Image.Image:
    return image if levels is None else to_8_bits(image, levels)


def _is_plain(image: Image.Image, conversion: Conversion) -> bool:
    is_plain = image.mode in ("L", "RGB") and conversion.levels is None
    return is_plain and not image.has_transparency_data
