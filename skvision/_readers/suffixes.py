"""Suffixes of the files that `ImageReader` reads, in one place.

The reader itself looks at the first bytes of a file and never at its name. Suffixes
tell which files of a folder are images.
"""

import os
from importlib.util import find_spec

from PIL import Image

_HEIF = frozenset(".heic .heics .heif .heifs .hif".split())

# All that the reader could read, in lower case, whether or not a plugin is installed.
IMAGE_SUFFIXES = _HEIF | frozenset(
    ".jpg .jpeg .jpe .jfif .mpo .png .apng .gif .bmp .tif .tiff .webp .avif .avifs "
    ".pbm .pgm .ppm .pnm .pfm .jp2 .j2k .jpc .jpf .jpx .j2c".split()
)


def is_image_name(path: str | os.PathLike[str]) -> bool:
    """Return whether a file of this name is an image that can be read here."""
    suffix = os.path.splitext(path)[1].lower()
    return suffix in IMAGE_SUFFIXES and missing_plugin(suffix) is None


def missing_plugin(suffix: str) -> str | None:
    """Return the extra to install before files of a suffix can be read, if any.

    Parameters
    ----------
    suffix : str
        One of `IMAGE_SUFFIXES`, in any case.

    Returns
    -------
    extra : str or None
        Such as "heif", the extra of scikit-vision; None if these files can be read.
    """
    if suffix.lower() not in _HEIF or "HEIF" in Image.OPEN:
        return None
    return None if find_spec("pillow_heif") else "heif"
