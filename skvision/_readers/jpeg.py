"""Decoding of JPEGs at a reduced scale, which takes little time and memory."""

from typing import IO

from PIL import ImageFile

_START_OF_SCAN = 0xDA
_WITHOUT_LENGTH = frozenset((0x01, *range(0xD0, 0xD9)))  # markers


def draft(
    image: ImageFile.ImageFile, mode: str, surplus: float
) -> tuple[float, float] | None:
    """Let a JPEG be decoded at 1/2, 1/4 or 1/8 of its size, and return its exact size.

    Parameters
    ----------
    image : PIL.ImageFile.ImageFile
        The JPEG, which is not decoded yet.
    mode : {"RGB", "L"}
        The mode that is needed.
    surplus : float
        How many times larger the image is than it needs to be.
    """
    reduction = max(n for n in (1, 2, 4, 8) if n <= max(1, surplus))
    smaller = image.width // reduction, image.height // reduction
    drafted = image.draft(mode, smaller)
    return drafted and drafted[1][2:]


def is_decoded_whole(file: IO[bytes], image: ImageFile.ImageFile) -> bool:
    """Return whether a decoder keeps a whole JPEG in memory, however it is reduced.

    It does if the image comes in several scans, because each scan refines or completes
    all of it. They are progressive JPEGs, and those with a scan for each color.

    Parameters
    ----------
    file : binary file
        The JPEG.
    image : PIL.ImageFile.ImageFile
        The same, before `draft`.
    """
    if image.info.get("progressive"):
        return True
    file.seek(2)
    while (head := file.read(2))[:1] == b"\xff" and len(head) == 2:
        if head[1] == 0xFF:  # a fill byte
            file.seek(-1, 1)
        elif head[1] not in _WITHOUT_LENGTH:
            length = int.from_bytes(file.read(2))
            if head[1] == _START_OF_SCAN:
                return file.read(1) != bytes([len(image.getbands())])
            file.seek(max(0, length - 2), 1)
    return True
