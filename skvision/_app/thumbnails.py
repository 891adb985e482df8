"""Small copies of images, which a report shows."""

import io
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skvision._readers.read_source import Target

LARGEST_SIDE = 112  # pixels of an image in a page
_JPEG_QUALITY = 75


def thumbnail_target(target: Target) -> Target:
    """Return the size of a thumbnail, which shows the part that the model sees."""
    height, width = target.size
    ratio = LARGEST_SIDE / max(height, width)
    size = max(1, round(height * ratio)), max(1, round(width * ratio))
    return replace(target, size=size)


def encode_jpeg(image: NDArray[np.uint8]) -> bytes:
    """Return the bytes of a JPEG file of a gray or an RGB image."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()
