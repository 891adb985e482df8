"""Rectangles erased."""

from typing import Any

import numpy as np

from skvision._contract.public import public
from skvision.augmentation._augmentation import (
    Augmentation,
    check_number,
    check_range,
    check_whole,
    rows_of,
)

MOST_ELONGATED = 3.3  # of the sides of an erased rectangle; 1 / 3.3 is about 0.3


def _boxes(
    share: np.ndarray, aspect: np.ndarray, place: list[np.ndarray], sides: np.ndarray
) -> np.ndarray:
    """Return rectangles (n, 4): their first row and column, and those behind the last.

    ``aspect`` is from -1, most upright, to 1, lying; ``place`` is from 0 to 1 for each
    axis.
    """
    area = share * sides.prod()
    ratio = 1 + (MOST_ELONGATED - 1) * np.abs(aspect)
    longer, shorter = np.sqrt(area * ratio), np.sqrt(area / ratio)
    upright = aspect < 0
    lengths = np.where(upright, longer, shorter), np.where(upright, shorter, longer)
    lengths = np.clip(np.rint(np.stack(lengths, axis=1)), 1, sides)
    starts = np.floor(np.stack(place, axis=1) * (sides - lengths + 1))
    return np.concatenate([starts, starts + lengths], axis=1).astype(np.int64)


@public("skvision.augmentation")
class RandomErasing(Augmentation):
    """Erase a rectangle of images, so that a model does not rely on one part.

    Parameters
    ----------
    probability : float, default=0.5
        Probability, from 0 to 1, that an image loses a rectangle.

    area : (float, float), default=(0.02, 0.2)
        The least and the largest area of the rectangle, as a share of that of the
        image; above 0 and up to 1.

    fill : int or None, default=None
        What the rectangle is filled with: a value from 0 to 255 in all channels, or
        with None the mean color of the image, rounded, which stands out least.

    See Also
    --------
    Compose : Several augmentations, one after another.

    Notes
    -----
    Five numbers are drawn for each image, ``rng.random((n, 5))``: whether there is a
    rectangle, its area, its aspect, and its place from top and from left. The longer
    side is 1 to 3.3 times the shorter one, uniformly, and is as likely the height as
    the width. Sides are rounded to whole pixels, from one to those of the image: a
    rectangle that would be longer than the image is smaller than ``area`` says.

    The paper draws again until a rectangle fits and fills it with noise, a number for
    each byte. Here images of any size take the same random numbers.

    References
    ----------
    Z. Zhong, L. Zheng, G. Kang, S. Li and Y. Yang, "Random erasing data augmentation",
    AAAI 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision.augmentation import RandomErasing
    >>> images = np.full((1, 4, 6), 9, np.uint8)
    >>> print(RandomErasing(probability=1.0, area=(0.2, 0.4), fill=0)(images, rng=3)[0])
    [[9 9 9 9 9 9]
     [0 0 0 0 9 9]
     [0 0 0 0 9 9]
     [9 9 9 9 9 9]]
    """

    def __init__(
        self, probability: float = 0.5, area: Any = (0.02, 0.2), fill: int | None = None
    ) -> None:
        self.probability = probability
        self.area = area
        self.fill = fill

    def _change(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        from skvision._kernels.augmentation import MEAN, erase

        probability = check_number("probability", self.probability, 1)
        low, high = check_range("area", self.area, 1)
        fill = MEAN
        if self.fill is not None:
            fill = check_whole("fill", self.fill, 255, " or None")
        chosen, share, aspect, *place = rng.random((len(images), 5)).T
        sides = np.array(images.shape[1:3])
        boxes = _boxes(low + share * (high - low), 2 * aspect - 1, place, sides)
        boxes[chosen >= probability] = 0
        out = images.copy()
        erase(rows_of(out), images.shape[3], boxes, fill)
        return out
