"""Reading of many files on threads, and the messages of their decoders."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skvision._contract.warn import warn
from skvision._readers.decoder_messages import (
    Messages,
    collector,
    heard_in_this_thread,
)
from skvision._readers.image_files import BadFile
from skvision._readers.plain_image import paste
from skvision._readers.read_source import Target, read_source
from skvision._readers.sources import describe_source
from skvision._training.parallel import count_threads, for_each_block

_BLOCK_SIZE = 8
_MAX_LISTED = 50
_MOST_NAMED = 3  # files in a warning, and messages on a file


@dataclass(frozen=True)
class Reading:
    """Images that were read from files.

    Attributes
    ----------
    images : list of ndarray of shape (n, height, width, 3) or (n, height, width)
        The images in uint8, an array for each target.
    extents : ndarray of shape (n, 2)
        Width and height of each original when it is upright; 0 where a file cannot be
        read.
    reasons : dict of {int: str}
        Why files cannot be read, by their position, in order. Their images are black.
    messages : dict of {int: Messages}
        What decoders reported on the other files, by their position.
    """

    images: list[NDArray[np.uint8]]
    extents: NDArray[np.intp]
    reasons: dict[int, str]
    messages: dict[int, Messages]


def read_all(
    sources: Sequence[Any],
    targets: Sequence[Target],
    *,
    n_jobs: int | None,
) -> Reading:
    """Read files and bring their images to the size and mode of each target.

    A file is opened once for all targets. One that must be read alone is opened a
    second time after all others: it has too many pixels to be read beside them, or
    libtiff wrote a message about one of those that were read at the same time.

    Parameters
    ----------
    sources : sequence of n files, images of Pillow or uint8 arrays
        What to read, as `ImageReader.transform` takes it.
    targets : sequence of Target
        What each image becomes. They differ in size only.
    n_jobs : int or None
        Number of threads, as joblib counts it.
    """
    shapes = [(len(sources), *target.shape) for target in targets]
    images = [np.zeros(shape, dtype=np.uint8) for shape in shapes]
    extents = np.zeros((len(sources), 2), dtype=np.intp)
    reasons: dict[int, str] = {}
    messages: dict[int, Messages] = {}
    rest: list[int] = []
    limit = _limit_pixels(targets[0].max_pixels, count_threads(n_jobs))

    def read(i: int, most_pixels: float) -> None:
        with heard_in_this_thread() as messages[i]:
            try:
                decoded = read_source(sources[i], targets, most_pixels)
            except BadFile as problem:
                reasons[i] = problem.reason
                return
        if decoded is None:
            rest.append(i)
            return
        extents[i] = decoded.extent
        for image, array in zip(decoded.images, images, strict=True):
            paste(image, array[i])

    def read_block(rows: slice) -> None:
        for i in range(rows.start, rows.stop):
            read(i, limit)

    Image.init()  # loads the formats
    with collector:
        for_each_block(read_block, len(sources), _BLOCK_SIZE, n_jobs)
        for i in rest:
            read(i, math.inf)
    good = {i: messages[i] for i in messages.keys() - reasons.keys()}
    return Reading(images, extents, dict(sorted(reasons.items())), good)


def _limit_pixels(max_pixels: int, n_threads: int) -> float:
    """Return the number of pixels above which an image is read alone."""
    # Memory that a thread has freed is often not free for another one.
    return math.inf if n_threads == 1 else max_pixels // n_threads


def warn_of_messages(messages: dict[int, Messages], sources: Sequence[Any]) -> None:
    """Issue each message of the decoders once, with the names of the files."""
    files: dict[tuple[type[Warning], str], list[int]] = {}
    for i in sorted(messages):
        for message in list(dict.fromkeys(messages[i]))[:_MOST_NAMED]:
            files.setdefault(message, []).append(i)
    for (category, text), positions in list(files.items())[:_MAX_LISTED]:
        named = ", ".join(describe_source(sources[i]) for i in positions[:_MOST_NAMED])
        more = len(positions) - _MOST_NAMED
        named += f" and {more} more" if more > 0 else ""
        warn(f"{text.strip()} (in {named})", category)
    if len(files) > _MAX_LISTED:
        warn(f"Decoders gave {len(files) - _MAX_LISTED} more messages.", UserWarning)
