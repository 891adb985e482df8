"""Images inside a web page: small, few enough, and as data URIs."""

import io
from base64 import b64encode
from collections.abc import Iterable, Sequence
from itertools import chain, islice, zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skvision._app.thumbnails import LARGEST_SIDE

_ALPHA_LEVELS = 32


def jpeg_uri(data: bytes) -> str:
    """Return the data URI of a JPEG file."""
    return _data_uri(data, "jpeg")


def as_ink(strength: NDArray[np.floating[Any]], color: tuple[int, int, int]) -> str:
    """Return the data URI of a drawing in one color, opaque where it is 1.

    Faint lines are a little darker than in proportion, so that they are visible.
    """
    levels = np.round(np.clip(strength, 0, 1) * (_ALPHA_LEVELS - 1)).astype(np.uint8)
    image = Image.fromarray(levels)
    image.putpalette(color * _ALPHA_LEVELS)  # "L" becomes "P"
    alphas = bytes((255 * np.linspace(0, 1, _ALPHA_LEVELS) ** 0.7).astype(np.uint8))
    return _png_uri(image, transparency=alphas)


def as_strip(patches: NDArray[np.floating[Any]]) -> str:
    """Return the data URI of patches (n, height, width, channels) side by side.

    Each patch is scaled to its own largest value; zero is gray. There is a transparent
    pixel between two patches.
    """
    n, height, width, n_channels = patches.shape
    largest = np.abs(patches).max(axis=(1, 2, 3), keepdims=True)
    tiles = np.zeros((n, height, width + 1, 4), np.uint8)
    shades = 0.5 + patches / (2 * np.where(largest > 0, largest, 1))
    shades = np.repeat(shades, 3, axis=3) if n_channels == 1 else shades
    tiles[:, :, :-1, :3] = np.round(255 * shades)
    tiles[:, :, :-1, 3] = 255
    strip = tiles.swapaxes(0, 1).reshape(height, -1, 4)[:, :-1]
    return _png_uri(Image.fromarray(np.ascontiguousarray(strip)))


def shrink(drawing: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a drawing whose longer side is no longer than that of an image."""
    most = 2 * LARGEST_SIDE  # lines are finer than the content of a photo
    height, width = drawing.shape
    ratio = most / max(height, width)
    if ratio >= 1:
        return drawing
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    return np.asarray(Image.fromarray(drawing).resize(size, Image.Resampling.BOX))


def choose_images(groups: Sequence[Iterable[int]], most: int) -> dict[int, None]:
    """Choose one image of each group in turn until there are ``most``.

    The result is a dict without values: a set in order.

    Examples
    --------
    >>> from skvision._app.html_report.images import choose_images
    >>> list(choose_images([[3, 4, 5], [7], [4, 8]], most=4))
    [3, 7, 4, 8]
    """
    in_turn = chain.from_iterable(zip_longest(*groups))
    distinct = dict.fromkeys(image for image in in_turn if image is not None)
    return dict.fromkeys(islice(distinct, most))


def _png_uri(image: Image.Image, **options: Any) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True, **options)
    return _data_uri(buffer.getvalue(), "png")


def _data_uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{b64encode(data).decode()}"
