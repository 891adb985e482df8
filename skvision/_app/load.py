"""Load: files become arrays. Each file is opened once, and each image hashed once."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skvision._app.dataset import Dataset
from skvision._app.loading import Loading, in_options
from skvision._app.progress import show_progress
from skvision._app.standard_error import print_error
from skvision._app.thumbnails import encode_thumbnail, thumbnail_target
from skvision._contract.user_error import UserError, user_errors, visible
from skvision._model_files.replace_file import replace_file
from skvision._readers.decoder_messages import Messages
from skvision._readers.image_reader import ImageReader, target_of
from skvision._readers.read_all import read_all, warn_of_messages
from skvision._recipes.copies import digest
from skvision._recipes.inputs import choose_resize

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


def load_dataset(
    dataset: Dataset,
    reader: ImageReader,
    loading: Loading,
    *,
    with_thumbnails: bool = False,
) -> tuple[Dataset, Images]:
    """Read the images of a dataset, with a progress bar on a terminal.

    Parameters
    ----------
    dataset : Dataset
        Files or images, and their classes.
    reader : ImageReader
        It has the size and the mode of the images.
    loading : Loading
        How many pixels a file may have, and what to do about bad ones.
    with_thumbnails : bool, default=False
        Whether a report will show some of the images. Which ones is known when the
        model has made its mistakes; so a thumbnail is made of each of them, while its
        file is open.

    Returns
    -------
    dataset : Dataset
        Without the files that cannot be read.
    images : Images
        In the same order.

    Raises
    ------
    UserError
        If some files cannot be read and may not be left out, or if all those of a class
        cannot be read. The message names them.
    """
    read = _read(
        dataset.sources, reader, loading.max_pixels, with_thumbnails=with_thumbnails
    )
    bad = [(dataset.names[i], reason) for i, reason in read.reasons.items()]
    if loading.bad_list is not None:
        _list_bad_files(loading.bad_list, bad)
    if reader.resize == "crop":
        _warn_of_cropping(np.concatenate(read.extents))
    if not bad:
        return dataset, read.images(dataset.sources)
    what = _name_bad_files(bad, len(dataset.sources))
    if not loading.skip_bad:
        raise UserError(f"{what}. Repair or remove them, or pass --skip-bad")
    is_good = np.array([i not in read.reasons for i in range(len(dataset.sources))])
    _check_classes(dataset, is_good, what)
    print_error(f"warning: left out: {what}")
    return dataset.keep(is_good), read.images(dataset.sources)


def _warn_of_cropping(extents: NDArray[np.intp]) -> None:
    """Warn if cropping cuts away more than a third of most images."""
    if choose_resize(extents) != "crop":
        print_error(
            "warning: --resize crop cuts away more than a third of most images, and "
            "stretch and pad keep all of them"
        )


@dataclass(frozen=True)
class _Read:
    """What was read of some files, block by block, and why others could not be."""

    pixels: list[NDArray[np.uint8]]
    extents: list[NDArray[np.intp]]
    thumbnails: list[bytes]
    reasons: dict[int, str]
    messages: dict[int, Messages]
    started: float

    def images(self, sources: Sequence[Any]) -> Images:
        """Return the images that could be read, and warn of what decoders reported."""
        warn_of_messages(self.messages, sources)
        pixels = np.concatenate(self.pixels)
        digests = list(map(digest, pixels))
        seconds = time.perf_counter() - self.started
        return Images(
            pixels, digests, np.concatenate(self.extents), self.thumbnails, seconds
        )


def _read(
    sources: Sequence[Any],
    reader: ImageReader,
    max_pixels: int,
    *,
    with_thumbnails: bool = False,
) -> _Read:
    target = replace(target_of(reader), max_pixels=max_pixels)
    targets = [target, thumbnail_target(target)] if with_thumbnails else [target]
    read = _Read([], [], [], {}, {}, time.perf_counter())
    with show_progress() as progress:
        progress.stage("Reading", len(sources))
        for start in range(0, len(sources), _FILES_AT_A_TIME):
            block = sources[start : start + _FILES_AT_A_TIME]
            reading = read_all(block, targets, n_jobs=reader.n_jobs)
            good = [i for i in range(len(block)) if i not in reading.reasons]
            read.pixels.append(reading.images[0][good])
            read.extents.append(reading.extents[good])
            for small in reading.images[1:]:
                encoded = map(encode_thumbnail, small[good], reading.extents[good])
                read.thumbnails.extend(encoded)
            for i, reason in reading.reasons.items():
                read.reasons[start + i] = in_options(reason)
            for i, said in reading.messages.items():
                read.messages[start + i] = [(kind, in_options(x)) for kind, x in said]
            progress.advance(len(block))
    return read


def _name_bad_files(bad: list[tuple[str, str]], n: int) -> str:
    named = "; ".join(f"{file!r}: {reason}" for file, reason in bad[:_MOST_NAMED])
    more = f"; and {len(bad) - _MOST_NAMED} more" if len(bad) > _MOST_NAMED else ""
    return f"{len(bad)} of {n} files cannot be read: {named}{more}"


def _list_bad_files(file: str, bad: list[tuple[str, str]]) -> None:
    """Write a line for each file that cannot be read: its name, a tab, the reason."""
    lines = [f"{visible(name)}\t{visible(reason)}\n" for name, reason in bad]
    with user_errors():
        replace_file(file, "".join(lines).encode())


def _check_classes(dataset: Dataset, is_good: NDArray[np.bool_], what: str) -> None:
    """Refuse a class that has lost all its training images, or all its test images."""
    n_training = dataset.n_training
    n = len(is_good) if n_training is None else n_training
    for part in (slice(0, n), slice(n, None)):
        labels, good = dataset.labels[part], is_good[part]
        lost = sorted(set(labels) - set(labels[good]))
        if lost:
            raise UserError(f"the class {str(lost[0])!r} has no image left: {what}")
