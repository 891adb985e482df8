"""Conversion of decoded images of any mode to resized images of 8-bit gray or RGB.

Converting a whole image takes several times its memory. This module converts images
strip by strip, and reduces each strip immediately if the image becomes much smaller, so
that it needs little memory besides the decoded image.
"""

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skvision._readers.image_files import BadFile

Box = tuple[float, float, float, float]

STRIP_PIXELS = 1 << 18  # that are converted at a time
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
    close : bool, default=True
        Whether a large image is closed, which frees its memory, as soon as it is no
        longer needed.

    Returns
    -------
    resized : PIL.Image.Image
        Resized image, gray if the mode of the image is gray. The pixels are those of
        ``plain(image).resize(size, resample, box, reducing_gap=3.0)``.

    Raises
    ------
    BadFile
        If the mode does not define black and white, or if levels are out of range.
    """
    _check_levels(image)
    if _is_plain(image) or image.width * image.height <= STRIP_PIXELS:
        whole = plain(image)
        return whole.resize(size, resample, box, reducing_gap=_REDUCING_GAP)
    factors, around = _find_reduction(image.size, size, resample, box)
    reduced = _reduce(image, factors, around)
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
    image: Image.Image, factors: tuple[int, int], box: tuple[int, int, int, int]
) -> Image.Image:
    """Return ``plain(image).reduce(factors, box)``, computed strip by strip."""
    left, top, right, bottom = box
    across, down = factors
    size = -(-(right - left) // across), -(-(bottom - top) // down)
    n_rows = max(1, STRIP_PIXELS // ((right - left) * down)) * down
    reduced = None
    for start in range(top, bottom, n_rows):
        strip = image.crop((left, start, right, min(start + n_rows, bottom)))
        strip = plain(strip).reduce(factors)
        if reduced is None:
            reduced = Image.new(strip.mode, size)
        reduced.paste(strip, (0, (start - top) // down))
    assert reduced is not None
    return reduced


def plain(image: Image.Image) -> Image.Image:
    """Return an image of any mode in 8-bit "L" or "RGB".

    Each pixel only depends on the pixel at the same position.
    """
    if image.mode == "La":
        raise BadFile("its mode is 'La': convert it to 8-bit RGB")
    gray = image.mode in ("1", "L", "LA")
    if image.mode.startswith("I"):
        image = _from_16_bits(image)
    if image.has_transparency_data:
        colored = image.convert("RGBA")
        image = Image.new("RGB", image.size, "white")
        image.paste(colored, mask=colored)
        if gray:
            image = image.getchannel("R")
    if image.mode in ("L", "RGB"):
        return image
    if image.mode not in ("1", "P", "RGBX", "CMYK", "YCbCr"):
        raise BadFile(f"its mode is {image.mode!r}: convert it to 8-bit RGB")
    return image.convert("L" if image.mode == "1" else "RGB")


def _is_plain(image: Image.Image) -> bool:
    return image.mode in ("L", "RGB") and not image.has_transparency_data


def _check_levels(image: Image.Image) -> None:
    """Raise an error if levels have more than 16 bits."""
    if image.mode != "I":
        return
    low, high = cast("tuple[int, int]", image.getextrema())
    if low < 0 or high > 65535:
        raise BadFile(
            f"its levels go from {low} to {high}, and nothing tells which is white: "
            f"scale them to 0-65535 or 0-255"
        )


def _from_16_bits(image: Image.Image) -> Image.Image:
    levels = np.asarray(image)
    gray = ((levels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if "transparency" in image.info:
        gray[levels == image.info["transparency"]] = 255
    return Image.fromarray(gray)
