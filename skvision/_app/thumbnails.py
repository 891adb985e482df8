"""Small copies of images, which a report shows."""

import io
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skvision._readers.plain_image import place
from skvision._readers.read_source import Target

LARGEST_SIDE = 160  # pixels of an image in a page
_JPEG_QUALITY = 75


def thumbnail_target(target: Target) -> Target:
    """Return what a thumbnail is read as: the whole image, centered."""
    return replace(target, size=(LARGEST_SIDE, LARGEST_SIDE), resize="pad")


def encode_thumbnail(square: NDArray[np.uint8], extent: NDArray[np.intp]) -> bytes:
    """Return a thumbnail as a JPEG file, without what is around it in the square.

    Parameters
    ----------
    square : ndarray of shape (LARGEST_SIDE, LARGEST_SIDE[, 3]), uint8
        What was read as `thumbnail_target` says.
    extent : ndarray of shape (2,)
        Width and height of the original.
    """
    whole = (LARGEST_SIDE, LARGEST_SIDE)
    width, height = place((int(extent[0]), int(extent[1])), whole, "pad")[1]
    top, left = (LARGEST_SIDE - height) // 2, (LARGEST_SIDE - width) // 2
    return encode_jpeg(
        np.ascontiguousarray(square[top : top + height, left : left + width])
    )


def encode_jpeg(image: NDArray[np.uint8]) -> bytes:
    """Return the bytes of a JPEG file of a gray or an RGB image."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()
