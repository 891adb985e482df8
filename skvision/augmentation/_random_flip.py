"""Mirror images."""

import numpy as np

from skvision._contract.public import public
from skvision.augmentation._augmentation import (
    Augmentation,
    check_number,
    rows_of,
)


@public("skvision.augmentation")
class RandomFlip(Augmentation):
    """Mirror images.

    Parameters
    ----------
    horizontal : float, default=0.5
        Probability, from 0 to 1, of exchanging left and right.

    vertical : float, default=0.0
        Probability, from 0 to 1, of exchanging top and bottom.

    See Also
    --------
    Compose : Several augmentations, one after another.

    Notes
    -----
    Two numbers are drawn for each image, ``rng.random((n, 2))``: an image is
    mirrored where the first is below ``horizontal``, the second below ``vertical``.

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
        flip(rows_of(images), images.shape[3], *sides, rows_of(out))
        return out
