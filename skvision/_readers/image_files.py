"""Decoding of files of the common formats, into images of any mode.

All errors of Pillow and the system that are due to the file become a `BadFile`, and
no other errors do.
"""

import io
import math
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import IO, Any

from PIL import Image, ImageFile

from skvision._readers.decoder_messages import note, standard_error
from skvision._readers.heif import has_plugin, is_heif
from skvision._readers.suffixes import IMAGE_SUFFIXES

# Those that Pillow or its plugin for HEIF decodes and knows by their first bytes; not
# EPS, for which it would start Ghostscript.
# fmt: off
FORMATS = (
    "JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "HEIF", "AVIF",
)
# fmt: on

# fmt: off
_DECODER_ERRORS = (  # whatever Pillow may raise on a damaged file
    OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, AttributeError,
    AssertionError, ArithmeticError, RuntimeError, struct.error, zlib.error,
    Image.DecompressionBombError, Warning,  # that is, where warnings are errors
)
# fmt: on

_ORIENTATION = 0x0112  # an EXIF tag
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_IS_FOLDER = "it is a folder: skvision.datasets.load_image_folder lists its images"

_LONGEST_PATH = 4096  # bytes
_LONGEST_SIDE = 2**20  # Pillow's boxes have single precision

# An open file has one position, and several threads may have been given the same file.
_open_file_lock = Lock()


class BadFile(Exception):
    """Error that gives the ``reason`` why a file cannot be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_missing(source: Any) -> bool:
    """Return whether a source is None, NaN or NA, which stand for no file."""
    if isinstance(source, float):
        return math.isnan(source)
    return source is None or type(source).__name__ == "NAType"  # of pandas


@contextmanager
def blame_the_file() -> Iterator[None]:
    """Convert the errors of Pillow and the system to `BadFile`."""
    try:
        yield
    except _DECODER_ERRORS as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise BadFile(reason) from error


def open_binary(source: Any) -> IO[bytes]:
    """Open a path, or copy an open file from its start and leave it open."""
    if is_missing(source):
        raise BadFile("there is no file")
    with blame_the_file():
        if isinstance(source, str | os.PathLike):
            try:
                return open(source, "rb")
            except OSError:
                if os.path.isdir(source):
                    raise BadFile(_IS_FOLDER) from None
                raise
        if hasattr(source, "read"):
            with _open_file_lock:
                source.seek(0)
                source = source.read()
        if len(source) <= _LONGEST_PATH and _is_path(bytes(source)):
            raise BadFile("it is the name of a file in bytes: pass os.fsdecode(name)")
        return io.BytesIO(source)


def _is_path(data: bytes) -> bool:
    suffix = os.path.splitext(data.decode("latin-1"))[1]
    return b"\0" not in data and suffix.lower() in IMAGE_SUFFIXES


def identify(file: IO[bytes]) -> ImageFile.ImageFile:
    """Open an image as Image.open does, without its fixed limit on pixels."""
    prefix = file.read(64)
    if not prefix:
        raise BadFile("it is empty")
    if is_heif(prefix) and not has_plugin():
        raise BadFile(
            "it is HEIF: install pillow-heif, the extra 'heif' of scikit-vision"
        )
    for name in FORMATS:
        factory, accept = Image.OPEN.get(name, (None, None))
        accepted = accept(prefix) if accept else False
        if isinstance(accepted, str):  # known, but not to this build of Pillow
            raise BadFile(accepted)
        if factory and accepted and is_heif(prefix) == (name == "HEIF"):
            file.seek(0)
            return factory(file, "")
    raise BadFile(f"it is none of {', '.join(FORMATS)}")


def check_sides(size: tuple[int, int]) -> None:
    """Raise an error if an image has no pixels, or too many in a row."""
    if 0 in size:
        raise BadFile("it has no pixels")
    if max(size) > _LONGEST_SIDE:
        raise BadFile(
            f"of its {size[0]} x {size[1]} pixels, one side is longer than "
            f"{_LONGEST_SIDE}"
        )


def check_extent(size: tuple[int, int], max_pixels: int, reduction: int = 1) -> None:
    """Raise an error if decoding an image to a size would take too much memory."""
    if math.prod(size) > max_pixels:
        reduced = f", decoded at 1/{reduction}," if reduction > 1 else ""
        raise BadFile(
            f"its {size[0]} x {size[1]} pixels{reduced} are more than "
            f"max_pixels={max_pixels}"
        )


def read_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 is upright."""
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except _DECODER_ERRORS:  # what is damaged is only a note on the image
        return 1
    return int(orientation) if orientation in UPRIGHT else 1


def decode(image: Image.Image, is_alone: bool) -> bool:
    """Decode an image.

    Return False if libtiff has written messages that may be about an image in another
    thread. ``is_alone`` means that no other thread decodes.
    """
    tiles = getattr(image, "tile", [])
    if not (tiles and tiles[0][0] == "libtiff"):
        with blame_the_file():
            image.load()
        return True
    try:
        with standard_error.diverted(is_alone) as said, blame_the_file():
            image.load()
    except BadFile as problem:
        if said and is_alone:
            raise BadFile(said[0].removesuffix(".")) from problem
        if not said:
            raise
    if is_alone:
        note(said)
    return is_alone or not said
