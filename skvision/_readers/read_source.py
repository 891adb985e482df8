"""Reading of one file as images of one size, or of several."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import IO, Any, NamedTuple

import numpy as np
from PIL import Image, ImageFile

from skvision._readers.image_files import (
    UPRIGHT,
    blame_the_file,
    check_extent,
    decode,
    identify,
    open_binary,
    read_orientation,
)
from skvision._readers.plain_image import place, resize_plain, stored

_LOCKS = [Lock() for _ in range(64)]  # two threads must not read an image of Pillow


@dataclass(frozen=True)
class Target:
    """Size and mode of an image to read; see the parameters of `ImageReader`."""

    size: tuple[int, int]
    mode: str
    resize: str
    resample: str
    max_pixels: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return (*self.size, 3) if self.mode == "RGB" else self.size


class Decoded(NamedTuple):
    """Images that were read from one file.

    Attributes
    ----------
    images : list of PIL.Image.Image
        An image for each target, smaller than its size where it is to be padded.
    extent : (int, int)
        Width and height of the original when it is upright.
    """

    images: list[Image.Image]
    extent: tuple[int, int]


def read_source(
    source: Any, targets: Sequence[Target], most_pixels: float
) -> Decoded | None:
    """Read one file or image, and bring it to the size and mode of each target.

    A file is opened once. Its image is decoded once, but for JPEGs, which are decoded
    for each target at the reduced size that suits it.

    Returns
    -------
    decoded : Decoded or None
        None if the file must be read again without a limit while no other one is: if it
        has more pixels than ``most_pixels``, or if libtiff has written messages while
        it was decoded.

    Raises
    ------
    BadFile
        If the file cannot be read.
    """
    if isinstance(source, np.ndarray):
        if source.shape[0] * source.shape[1] > most_pixels:
            return None
        gray = source.shape[2:] == (1,)
        image = Image.fromarray(source[:, :, 0] if gray else source)
        return _scale_all(image, targets, image.size, 1)
    if isinstance(source, Image.Image):
        check_extent(source, targets[0].max_pixels)
        if source.width * source.height > most_pixels:
            return None
        with _LOCKS[id(source) // 16 % len(_LOCKS)]:
            if not decode(source, most_pixels == math.inf):  # if it is not yet
                return None
            image = source.copy()  # large ones are closed when they are scaled
            orientation = read_orientation(source)
        return _scale_all(image, targets, image.size, orientation)
    with open_binary(source) as file:
        return _read_file(file, targets, most_pixels)


def _read_file(
    file: IO[bytes], targets: Sequence[Target], most_pixels: float
) -> Decoded | None:
    image = _identify(file, targets[0])
    original = image.size
    if image.format not in ("JPEG", "MPO"):
        orientation = _decode_within(image, original, most_pixels)
        if orientation is None:
            return None
        return _scale_all(image, targets, original, orientation)
    images: list[Image.Image] = []
    for target in targets:
        if images:  # the target before has decoded the image at another size
            image = _identify(file, target)
        extent = _draft(image, target)
        # A progressive JPEG is decoded whole even where it is to become smaller.
        decoded = original if image.info.get("progressive") else image.size
        orientation = _decode_within(image, decoded, most_pixels)
        if orientation is None:
            return None
        close = target is targets[-1]
        extent = extent or image.size
        images.append(_scale(image, target, extent, orientation, close=close))
        upright = _upright(original, orientation)
    return Decoded(images, upright)


def _identify(file: IO[bytes], target: Target) -> ImageFile.ImageFile:
    with blame_the_file():
        file.seek(0)
        image = identify(file)
    check_extent(image, target.max_pixels)
    return image


def _decode_within(
    image: ImageFile.ImageFile, extent: tuple[int, int], most_pixels: float
) -> int | None:
    """Decode an image of no more pixels than a limit, and return its orientation."""
    is_alone = most_pixels == math.inf
    if math.prod(extent) > most_pixels or not decode(image, is_alone):
        return None
    return read_orientation(image)


def _draft(image: ImageFile.ImageFile, target: Target) -> tuple[float, float] | None:
    """Decode a JPEG at a smaller size if possible, and return its exact size."""
    if target.resample == "nearest":
        return None
    goal = stored(target.size, read_orientation(image))
    box, scaled = place(image.size, goal, target.resize)
    surplus = min((box[2] - box[0]) / scaled[0], (box[3] - box[1]) / scaled[1])
    reduction = max(n for n in (1, 2, 4, 8) if n <= max(1, surplus))
    smaller = image.width // reduction, image.height // reduction
    drafted = image.draft(target.mode, smaller)
    return drafted and drafted[1][2:]


def _scale_all(
    image: Image.Image,
    targets: Sequence[Target],
    original: tuple[int, int],
    orientation: int,
) -> Decoded:
    images = [
        _scale(image, target, image.size, orientation, close=target is targets[-1])
        for target in targets
    ]
    return Decoded(images, _upright(original, orientation))


def _scale(
    image: Image.Image,
    target: Target,
    extent: tuple[float, float],
    orientation: int,
    *,
    close: bool,
) -> Image.Image:
    """Resize, rotate and convert the image."""
    box, scaled = place(extent, stored(target.size, orientation), target.resize)
    resample = Image.Resampling[target.resample.upper()]
    image = resize_plain(image, scaled, resample, box, close=close)
    if orientation in UPRIGHT:
        image = image.transpose(UPRIGHT[orientation])
    return image if image.mode == target.mode else image.convert(target.mode)


def _upright(extent: tuple[int, int], orientation: int) -> tuple[int, int]:
    width, height = extent
    return (height, width) if orientation >= 5 else (width, height)
