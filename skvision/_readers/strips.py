"""Strips of an image, so that what converts it takes little memory."""

from collections.abc import Iterator

from PIL import Image

STRIP_PIXELS = 1 << 18  # that are converted at a time


def strips(image: Image.Image) -> Iterator[Image.Image]:
    """Yield an image from top to bottom, some rows at a time."""
    n_rows = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, n_rows):
        bottom = min(top + n_rows, image.height)
        yield image.crop((0, top, image.width, bottom))
