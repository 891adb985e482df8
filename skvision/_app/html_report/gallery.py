"""Which images a report shows, and what it says about all of them."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skvision._app.evidence import Evidence
from skvision._app.html_report.images import jpeg_uri
from skvision._app.thumbnails import LARGEST_SIDE, encode_jpeg

_MOST_SAMPLES = 60
_MOST_PER_CLASS = 4


def choose_samples(evidence: Evidence, classes: Sequence[str]) -> list[list[int]]:
    """Return some images of each class, training images if there are any."""
    known = _training_or_test(evidence)
    n_each = min(_MOST_PER_CLASS, max(1, _MOST_SAMPLES // len(classes)))
    samples = []
    for name in classes:
        members = np.flatnonzero(known & (evidence.dataset.labels == name))
        spread = np.linspace(0, len(members) - 1, min(n_each, len(members)))
        samples.append(members[spread.astype(int)].tolist())
    return samples


def show_thumbnails(evidence: Evidence, which: Sequence[int]) -> dict[int, str]:
    """Return whole images, small, as data URIs."""
    return {i: jpeg_uri(evidence.images.thumbnails[i]) for i in which}


def mean_images(evidence: Evidence, classes: Sequence[str]) -> list[str]:
    """Return the mean image of each class as a data URI, "" if it has no images."""
    known = _training_or_test(evidence)
    means = []
    for name in classes:
        members = evidence.images.pixels[known & (evidence.dataset.labels == name)]
        if not len(members):
            means.append("")
            continue
        mean = Image.fromarray(members.mean(axis=0).round().astype(np.uint8))
        mean.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        means.append(jpeg_uri(encode_jpeg(np.asarray(mean))))
    return means


def measure_extents(evidence: Evidence) -> dict[str, tuple[int, int]]:
    """Return width and height of the smallest and largest original, and the medians."""
    extents = sorted(
        map(tuple, evidence.images.extents.tolist()),
        key=lambda extent: math.prod(extent),
    )
    width, height = np.median(extents, axis=0)
    return {
        "smallest": extents[0],
        "median": (round(width), round(height)),
        "largest": extents[-1],
    }


def count_copies(digests: Sequence[bytes]) -> int:
    """Return how many images are the same as one before them."""
    return len(digests) - len(set(digests))


def _training_or_test(evidence: Evidence) -> NDArray[np.bool_]:
    split = evidence.split
    return split.in_training if split.in_training.any() else split.in_test
