"""Load: files become arrays. Each file is opened once, and each image hashed once."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skvision._app.progress import show_progress
from skvision._app.thumbnails import encode_thumbnail, thumbnail_target
from skvision._contract.user_error import UserError
from skvision._readers.image_reader import ImageReader, target_of
from skvision._readers.read_all import read_all
from skvision._readers.unreadable_files import UnreadableFiles
from skvision._recipes.copies import digest

_FILES_AT_A_TIME = 256  # between two steps of the progress bar
_MOST_NAMED = 3


@dataclass(frozen=True)
class Images:
    """Images in memory, and what later steps need to know of their files.

    Attributes
    ----------
    pixels : ndarray of shape (n, height, width, 3) or (n, height, width)
        The images as the model sees them, uint8.
    digests : list of bytes
        The digest of each image.
    extents : ndarray of shape (n, 2)
        Width and height of each original when it is upright.
    thumbnails : list of bytes
        A small copy of each image as the bytes of a JPEG file; empty if no report will
        show them.
    seconds : float
        How long the reading took.
    """

    pixels: NDArray[np.uint8]
    digests: list[bytes]
    extents: NDArray[np.intp]
    thumbnails: list[bytes]
    seconds: float


def read_images(
    sources: Sequence[Any], reader: ImageReader, *, with_thumbnails: bool = False
) -> Images:
    """Read images, with a progress bar on a terminal.

    Parameters
    ----------
    sources : sequence
        Files, or images.
    reader : ImageReader
        It has the size and the mode of the images.
    with_thumbnails : bool, default=False
        Whether a report will show some of the images. Which ones is known when the
        model has made its mistakes; so a thumbnail is made of each of them, while its
        file is open.

    Returns
    -------
    images : Images
        In the order of ``sources``.

    Raises
    ------
    UserError
        If some files cannot be read; the message names them.
    """
    started = time.perf_counter()
    target = target_of(reader)
    targets = [target, thumbnail_target(target)] if with_thumbnails else [target]
    pixels, extents = [], []
    digests: list[bytes] = []
    thumbnails: list[bytes] = []
    bad: list[tuple[str, str]] = []
    with show_progress() as progress:
        progress.stage("Reading", len(sources))
        for start in range(0, len(sources), _FILES_AT_A_TIME):
            block = sources[start : start + _FILES_AT_A_TIME]
            try:
                reading = read_all(block, targets, n_jobs=reader.n_jobs)
            except UnreadableFiles as error:
                bad += error.files
            else:
                pixels.append(reading.images[0])
                extents.append(reading.extents)
                digests += map(digest, reading.images[0])
                for small in reading.images[1:]:
                    thumbnails += map(encode_thumbnail, small, reading.extents)
            progress.advance(len(block))
    if bad:
        raise UserError(_name_bad_files(bad, len(sources)))
    return Images(
        np.concatenate(pixels),
        digests,
        np.concatenate(extents),
        thumbnails,
        time.perf_counter() - started,
    )


def _name_bad_files(bad: list[tuple[str, str]], n: int) -> str:
    named = "; ".join(f"{file!r}: {reason}" for file, reason in bad[:_MOST_NAMED])
    more = f"; and {len(bad) - _MOST_NAMED} more" if len(bad) > _MOST_NAMED else ""
    return f"{len(bad)} of {n} files cannot be read: {named}{more}"
