"""Random mirroring."""

import numpy as np

from skvision._contract.public import public
from skvision.augmentation._augmentation import (
    Augmentation,
    as_rows,
    check_number,
)


@public("skvision.augmentation")
class RandomFlip(Augmentation):
    """Random mirroring of images.

    Parameters
    ----------
    horizontal : float, default=0.5
        Probability of mirroring an image left to right.

    vertical : float, default=0.0
        Probability of mirroring an image top to bottom.

    See Also
    --------
    Compose : Sequence of augmentations.

    Notes
    -----
    Two random numbers are drawn for each image, ``rng.random((n, 2))``. An image is
    mirrored left to right if the first is below ``horizontal``, and top to bottom if
    the second is below ``vertical``.

    References
    ----------
    A. Krizhevsky, I. Sutskever and G. E. Hinton, "ImageNet classification with deep
    convolutional neural networks", NIPS 2012, section 4.1.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision.augmentation import RandomFlip
    >>> images = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    >>> print(RandomFlip(horizontal=1.0)(images)[0])
    [[2 1 0]
     [5 4 3]]
    >>> batch = np.repeat(images, 1000, axis=0)
    >>> flipped = RandomFlip()(batch, np.random.default_rng(0))
    >>> print((flipped != batch).any(axis=(1, 2)).mean())
    0.487
    """

    def __init__(self, horizontal: float = 0.5, vertical: float = 0.0) -> None:
        self.horizontal = horizontal
        self.vertical = vertical

    def _change(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        from skvision._kernels.augmentation import flip

        horizontal = check_number("horizontal", self.horizontal, 1)
        vertical = check_number("vertical", self.vertical, 1)
        flags = rng.random((len(images), 2)) < (horizontal, vertical)
        out = np.empty(images.shape, np.uint8)
        sides = np.ascontiguousarray(flags.T)
        flip(as_rows(images), images.shape[3], *sides, as_rows(out))
        return out
