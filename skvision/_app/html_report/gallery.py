"""Which images a report shows, and what it says of all of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skvision._app.holdout import first_copies
from skvision._app.html_report.images import LARGEST_SIDE, as_jpeg
from skvision._app.train_and_score import Evidence, read_pictures
from skvision._contract.user_error import UserError
from skvision._readers.image_files import (
    BadFile,
    identify,
    open_binary,
    read_orientation,
)

_MOST_SAMPLES = 60
_MOST_PER_CLASS = 4


def choose_samples(evidence: Evidence, classes: Sequence[str]) -> list[list[int]]:
    """Return some images of each class, of those for training where there are."""
    known = evidence.in_training if evidence.in_training.any() else evidence.in_test
    n_each = min(_MOST_PER_CLASS, max(1, _MOST_SAMPLES // len(classes)))
    samples = []
    for name in classes:
        members = np.flatnonzero(known & (evidence.pictures.labels == name))
        spread = np.linspace(0, len(members) - 1, min(n_each, len(members)))
        samples.append(members[spread.astype(int)].tolist())
    return samples


def read_small(
    pipeline: Pipeline, evidence: Evidence, which: Sequence[int]
) -> dict[int, str]:
    """Return images, cut as the model sees them, as data URIs."""
    height, width = pipeline[0].size
    ratio = LARGEST_SIDE / max(height, width)
    size = max(1, round(height * ratio)), max(1, round(width * ratio))
    reader = clone(pipeline[0]).set_params(size=size)
    small = read_pictures(reader, [evidence.pictures.sources[i] for i in which])
    return {i: as_jpeg(picture) for i, picture in zip(which, small, strict=True)}


def mean_pictures(evidence: Evidence, classes: Sequence[str]) -> list[str]:
    """Return the mean of the images of each class; nothing where there are none."""
    known = evidence.in_training if evidence.in_training.any() else evidence.in_test
    means = []
    for name in classes:
        members = evidence.images[known & (evidence.pictures.labels == name)]
        if not len(members):
            means.append("")
            continue
        mean = Image.fromarray(members.mean(axis=0).round().astype(np.uint8))
        mean.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        means.append(as_jpeg(np.asarray(mean)))
    return means


def measure_extents(evidence: Evidence) -> dict[str, tuple[int, int]]:
    """Return width and height of the smallest and largest original, and the medians."""
    sources, names = evidence.pictures.sources, evidence.pictures.names
    extents = [
        _extent(source, name) for source, name in zip(sources, names, strict=True)
    ]
    widths, heights = zip(*extents, strict=True)
    extents.sort(key=lambda extent: extent[0] * extent[1])
    return {
        "smallest": extents[0],
        "median": (round(np.median(widths)), round(np.median(heights))),
        "largest": extents[-1],
    }


def _extent(source: Any, name: str) -> tuple[int, int]:
    if isinstance(source, np.ndarray):
        return source.shape[1], source.shape[0]
    try:
        with open_binary(source) as file:
            image = identify(file)
            lies = read_orientation(image) >= 5
    except BadFile as problem:
        raise UserError(f"{name} cannot be read any more: {problem}") from problem
    return (image.height, image.width) if lies else (image.width, image.height)


def count_copies(images: NDArray[np.uint8]) -> int:
    """Return how many images are the same as one before them."""
    return len(images) - len(np.unique(first_copies(images)))
