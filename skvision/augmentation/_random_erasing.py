"""Random erasing of rectangles."""

from typing import Any

import numpy as np

from skvision._contract.public import public
from skvision.augmentation._augmentation import (
    Augmentation,
    as_rows,
    check_integer,
    check_number,
    check_range,
)

MAX_ASPECT_RATIO = 3.3  # of the longer to the shorter side of a rectangle


def _rectangles(
    fraction: np.ndarray,
    aspect: np.ndarray,
    position: list[np.ndarray],
    sides: np.ndarray,
) -> np.ndarray:
    """Return rectangles (n, 4): their start and stop rows and columns.

    ``aspect`` goes from -1 for the tallest to 1 for the widest rectangles; ``position``
    goes from 0 to 1 for each axis.
    """
    area = fraction * sides.prod()
    ratio = 1 + (MAX_ASPECT_RATIO - 1) * np.abs(aspect)
    longer, shorter = np.sqrt(area * ratio), np.sqrt(area / ratio)
    is_tall = aspect < 0
    sizes = np.where(is_tall, longer, shorter), np.where(is_tall, shorter, longer)
    sizes = np.clip(np.rint(np.stack(sizes, axis=1)), 1, sides)
    starts = np.floor(np.stack(position, axis=1) * (sides - sizes + 1))
    return np.concatenate([starts, starts + sizes], axis=1).astype(np.int64)


@public("skvision.augmentation")
class RandomErasing(Augmentation):
    """Random erasing of a rectangle, so that a model does not rely on a single region.

    Parameters
    ----------
    probability : float, default=0.5
        Probability that a rectangle of an image is erased.

    area : (float, float), default=(0.02, 0.2)
        Range of the area of the rectangle, as a fraction of the area of the image. Both
        values are greater than 0 and at most 1.

    fill : int or None, default=None
        Value of the erased pixels in all channels, between 0 and 255. None means the
        rounded mean color of the image.

    See Also
    --------
    Compose : Sequence of augmentations.

    Notes
    -----
    Five random numbers are drawn for each image, ``rng.random((n, 5))``: they determine
    whether a rectangle is erased, its area, its aspect ratio, and its position from the
    top and from the left. The ratio of the longer to the shorter side is uniform
    between 1 and 3.3, and the longer side is the height or the width with equal
    probability. Sides are rounded to whole pixels and limited to the sides of the
    image, so that a very long rectangle has a smaller area than ``area``.

    The reference below samples rectangles until one fits, and fills it with noise. This
    implementation uses the same random numbers for images of any size.

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
            fill = check_integer("fill", self.fill, 255, " or None")
        chosen, fraction, aspect, *position = rng.random((len(images), 5)).T
        sides = np.array(images.shape[1:3])
        boxes = _rectangles(
            low + fraction * (high - low), 2 * aspect - 1, position, sides
        )
        boxes[chosen >= probability] = 0
        out = images.copy()
        erase(as_rows(out), images.shape[3], boxes, fill)
        return out
