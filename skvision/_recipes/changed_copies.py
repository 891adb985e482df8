"""Changed copies of images, for small data."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skvision.augmentation import Compose, RandomCrop, RandomFlip

_MOST = 2000  # copies in all, so that they cost little
_MOST_EACH = 3
_SHIFT = 1 / 20  # of the side


def count_copies(n_images: int) -> int:
    """Return how many copies of each image a model may learn from."""
    return min(_MOST_EACH, _MOST // n_images)


def make_copies(
    images: NDArray[np.uint8], n_copies: int, kind: str, seed: int
) -> list[NDArray[Any]]:
    """Return "shifted" copies of images, or "mirrored" ones: half of them, shifted."""
    shift = RandomCrop(padding=max(1, round(_SHIFT * images.shape[1])))
    change = Compose([RandomFlip(), shift]) if kind == "mirrored" else shift
    rng = np.random.default_rng(seed)
    return [change(images, rng) for _ in range(n_copies)]
