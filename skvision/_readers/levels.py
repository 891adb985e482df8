"""Levels of more than 8 bits, and how they become the levels 0 to 255.

A file with levels of 16 bits often uses a part of them: microscopes and X-ray detectors
write 12 bits, and few formats say so. This module takes the smallest of the usual
numbers of bits in which all levels of an image fit. Unlike the maximum of an image,
that number is the same for most images of a device, so that their brightness can be
compared, and it does not depend on other files.
"""

import math
import re
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from skvision._readers.decoder_messages import note
from skvision._readers.image_files import BadFile
from skvision._readers.strips import strips

Levels = tuple[float, float]  # of black and of white

_USUAL_BITS = 8, 10, 12, 14, *range(16, 33)  # of a sample
_FULL_BITS = 16  # of what is brought to 8 bits without a word
_N_LEVELS = 2**16
_BITS_PER_SAMPLE = 258  # a tag of TIFF
_HALVED = re.compile(r"(R|G|B|A|LA|RGB|RGBA|RGBa|RGBX);16[BLN]")  # by Pillow's decoders


class Coding(NamedTuple):
    """What a file says of its levels, which is lost when it is decoded.

    Attributes
    ----------
    bits : int or None
        The number of bits of its levels; None if nothing says how many are used.
    is_halved : bool
        Whether Pillow keeps only the high byte of each 16-bit color.
    """

    bits: int | None = None
    is_halved: bool = False


def find_coding(image: Image.Image) -> Coding:
    """Return what a file says of its levels, before it is decoded."""
    tiles = getattr(image, "tile", [])
    if not tiles:
        return Coding()
    decoder, arguments = tiles[0][0], tiles[0][3]
    raw_mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    if decoder.startswith("ppm"):  # Pillow scales levels by the white of the file
        return Coding(_FULL_BITS)
    tags: Any = getattr(image, "tag_v2", {})
    bits = tags.get(_BITS_PER_SAMPLE, (_FULL_BITS,))[0]
    is_halved = image.mode in ("RGB", "RGBA") and _HALVED.fullmatch(str(raw_mode))
    return Coding(bits if 8 < bits < _FULL_BITS else None, bool(is_halved))


def find_levels(
    image: Image.Image, coding: Coding, value_range: Levels | None
) -> Levels | None:
    """Return the levels of black and white, or None if an image has 8 bits.

    Raises
    ------
    BadFile
        If nothing tells which levels are black and white.
    """
    if not (image.mode.startswith(("I", "F")) or coding.is_halved):
        return None
    levels = value_range or _guess_levels(image, coding)
    low_byte, high_byte = np.floor_divide(levels, 256)
    if coding.is_halved and low_byte == high_byte:
        raise BadFile(
            f"of its 16-bit colors only the high byte can be read, and that is the "
            f"same for black and white at {levels}: convert it to 8-bit RGB"
        )
    return levels


def _guess_levels(image: Image.Image, coding: Coding) -> Levels:
    """Return the levels of black and white, from what a file says and uses."""
    if image.mode == "F":
        raise BadFile(_unknown("its levels are floats", "white"))
    if coding.bits is not None:
        return 0, 2**coding.bits - 1
    low, high = _extrema(image)
    if low < 0:
        raise BadFile(_unknown(f"its levels go from {low} to {high}", "black"))
    bits = next(bits for bits in _USUAL_BITS if high < 2**bits)
    if bits != _FULL_BITS and high > 0:
        note([_stretched(bits, coding)])
    return 0, 2**bits - 1


def to_8_bits(image: Image.Image, levels: Levels) -> Image.Image:
    """Return an image with black at level 0 and white at level 255.

    Gray images become "L", or "LA" if one of their levels is transparent. 16-bit colors
    of which the high byte is left become "RGB" or "RGBA".
    """
    if image.mode in ("RGB", "RGBA"):
        table = _scale(np.arange(256), np.floor_divide(levels, 256)).tolist()
        return image.point(table * 3 + list(range(256)) * (image.mode == "RGBA"))
    values = np.asarray(image)
    if image.mode == "F" and np.isnan(values).any():
        raise BadFile("some of its levels are NaN")
    gray = Image.fromarray(_scale(values, levels))
    if "transparency" not in image.info:
        return gray
    visible = (values != image.info["transparency"]).astype(np.uint8) * 255
    return Image.merge("LA", (gray, Image.fromarray(visible)))


def _scale(values: Any, levels: Any) -> Any:
    if values.itemsize == 2 and values.size > _N_LEVELS:  # faster by a table
        return _scale(np.arange(_N_LEVELS), levels)[values]
    low, high = levels
    scaled = (values.astype(np.float64) - low) * (255 / (high - low))
    return np.rint(scaled.clip(0, 255)).astype(np.uint8)


def _extrema(image: Image.Image) -> tuple[int, int]:
    """Return the lowest and the highest level, without those of alpha."""
    if image.mode in ("RGB", "RGBA"):
        bands: Any = image.getextrema()
        return 0, 256 * max(high for _, high in bands[:3]) + 255
    low, high = math.inf, -math.inf
    for strip in strips(image):
        values = np.asarray(strip)
        low, high = min(low, int(values.min())), max(high, int(values.max()))
    return int(low), int(high)


def _unknown(what: str, color: str) -> str:
    return (
        f"{what}, and nothing tells which is {color}: pass value_range=(low, high), "
        f"the levels of black and white"
    )


def _stretched(bits: int, coding: Coding) -> str:
    white = 2**bits - 1
    kept = f", but only their {bits - 8} highest were kept" if coding.is_halved else ""
    return (
        f"Levels were taken for {bits} bits, with white at {white}, because none is "
        f"higher{kept}. If white is another level, pass value_range=(low, high)."
    )
