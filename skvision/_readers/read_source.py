"""Reading of one file as images of one size, or of several."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import IO, Any, NamedTuple

import numpy as np
from PIL import Image, ImageFile

from skvision._readers.decoder_messages import note
from skvision._readers.image_files import (
    UPRIGHT,
    BadFile,
    blame_the_file,
    check_extent,
    check_sides,
    decode,
    identify,
    open_binary,
    read_orientation,
)
from skvision._readers.jpeg import draft, is_decoded_whole
from skvision._readers.levels import Coding, Levels, find_coding
from skvision._readers.plain_image import (
    Conversion,
    find_conversion,
    place,
    resize_plain,
    stored,
)
from skvision._readers.png_chunks import drop_chunks
from skvision._readers.transparency import Color

_LOCKS = [Lock() for _ in range(64)]  # two threads must not read an image of Pillow


@dataclass(frozen=True)
class Target:
    """Size and mode of an image to read; see the parameters of `ImageReader`."""

    size: tuple[int, int]
    mode: str
    resize: str
    resample: str
    max_pixels: int
    value_range: Levels | None
    background: Color | str | None

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
        return _scale_all(image, targets, Coding(), 1)
    if isinstance(source, Image.Image):
        return _read_image(source, targets, most_pixels)
    with open_binary(source) as file:
        try:
            return _read_file(file, targets, most_pixels)
        except BadFile as problem:
            repaired = drop_chunks(file)
            if repaired is None:
                raise
            repaired_file, names = repaired
            decoded = _read_file(repaired_file, targets, most_pixels)
            note([f"The PNG was read without {', '.join(names)}: {problem.reason}"])
            return decoded


def _read_image(
    image: Image.Image, targets: Sequence[Target], most_pixels: float
) -> Decoded | None:
    """Bring an image of Pillow, which may not be decoded yet, to each target."""
    check_sides(image.size)
    check_extent(image.size, targets[0].max_pixels)
    if image.width * image.height > most_pixels:
        return None
    with _LOCKS[id(image) // 16 % len(_LOCKS)]:
        coding = find_coding(image)
        if not decode(image, most_pixels == math.inf):
            return None
        copy = image.copy()  # large ones are closed when they are scaled
        orientation = read_orientation(image)
    return _scale_all(copy, targets, coding, orientation)


def _read_file(
    file: IO[bytes], targets: Sequence[Target], most_pixels: float
) -> Decoded | None:
    image = _identify(file)
    if image.format in ("JPEG", "MPO"):
        return _read_jpeg(file, image, targets, most_pixels)
    check_extent(image.size, targets[0].max_pixels)
    coding = find_coding(image)
    orientation = _decode_within(image, image.size, most_pixels)
    if orientation is None:
        return None
    return _scale_all(image, targets, coding, orientation)


def _read_jpeg(
    file: IO[bytes],
    image: ImageFile.ImageFile,
    targets: Sequence[Target],
    most_pixels: float,
) -> Decoded | None:
    original = image.size
    images: list[Image.Image] = []
    for target in targets:
        if images:  # the target before has decoded the image at another size
            image = _identify(file)
        is_large = math.prod(original) > min(target.max_pixels, most_pixels)
        is_whole = is_large and is_decoded_whole(file, image)
        extent = _draft(image, target)
        decoded = original if is_whole else image.size
        check_extent(decoded, target.max_pixels, round(original[0] / decoded[0]))
        orientation = _decode_within(image, decoded, most_pixels)
        if orientation is None:
            return None
        close = target is targets[-1]
        extent = extent or image.size
        conversion = Conversion()
        images.append(
            _scale(image, target, extent, orientation, conversion, close=close)
        )
        upright = _upright(original, orientation)
    return Decoded(images, upright)


def _identify(file: IO[bytes]) -> ImageFile.ImageFile:
    with blame_the_file():
        file.seek(0)
        image = identify(file)
    check_sides(image.size)
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
    return draft(image, target.mode, surplus)


def _scale_all(
    image: Image.Image,
    targets: Sequence[Target],
    coding: Coding,
    orientation: int,
) -> Decoded:
    extent, first = image.size, targets[0]
    conversion = find_conversion(image, coding, first.value_range, first.background)
    images = [
        _scale(
            image,
            target,
            extent,
            orientation,
            conversion,
            close=target is targets[-1],
        )
        for target in targets
    ]
    return Decoded(images, _upright(extent, orientation))


def _scale(
    image: Image.Image,
    target: Target,
    extent: tuple[float, float],
    orientation: int,
    conversion: Conversion,
    *,
    close: bool,
) -> Image.Image:
    """Resize, rotate and convert the image."""
    box, scaled = place(extent, stored(target.size, orientation), target.resize)
    resample = Image.Resampling[target.resample.upper()]
    image = resize_plain(image, scaled, resample, box, conversion, close=close)
    if orientation in UPRIGHT:
        image = image.transpose(UPRIGHT[orientation])
    return image if image.mode == target.mode else image.convert(target.mode)


def _upright(extent: tuple[int, int], orientation: int) -> tuple[int, int]:
    width, height = extent
    return (height, width) if orientation >= 5 else (width, height)
