"""Random changes of brightness, contrast and saturation."""

import numpy as np

from skvision._contract.public import public
from skvision.augmentation._augmentation import (
    Augmentation,
    as_rows,
    check_number,
)


@public("skvision.augmentation")
class ColorJitter(Augmentation):
    r"""Random changes of brightness, contrast and saturation.

    .. math:: x \to f x + (1 - f) y

    where :math:`y` is 0 for brightness, the mean luma of the image for contrast, and
    the luma of the pixel for saturation. The changes are made in this order. Each
    factor :math:`f` is drawn uniformly from :math:`[\max(0, 1 - s), 1 + s]` for a
    strength :math:`s`, as in torchvision.

    Parameters
    ----------
    brightness : float, default=0.2
        Strength of the change of brightness, between 0 and 100. 0 does not change it.

    contrast : float, default=0.2
        Strength of the change of contrast, between 0 and 100.

    saturation : float, default=0.2
        Strength of the change of saturation, between 0 and 100. Gray images are not
        changed.

    See Also
    --------
    Compose : Sequence of augmentations.

    Notes
    -----
    Three random numbers are drawn for each image, ``rng.random((n, 3))``: one for each
    factor in the order above.

    After each of the three changes, values are clipped to [0, 255] and rounded to
    integers. (In torchvision, the order of the changes is random, and fractions are
    truncated.) Luma is that of ITU-R BT.601, :math:`0.299 R + 0.587 G + 0.114 B`,
    rounded to an integer for saturation. The luma of a gray image is its pixel. Factors
    are rounded to multiples of :math:`2^{-14}`.

    References
    ----------
    A. G. Howard, "Some improvements on deep convolutional neural network based image
    classification", ICLR 2014.

    ITU-R, Recommendation BT.601-7, "Studio encoding parameters of digital television",
    2011 (luma).

    Examples
    --------
    >>> import numpy as np
    >>> from skvision.augmentation import ColorJitter
    >>> images = np.full((5, 1, 1, 3), (200, 100, 50), np.uint8)
    >>> jitter = ColorJitter(brightness=0.5, contrast=0.0, saturation=0.0)
    >>> print(jitter(images, rng=0)[:, 0, 0])
    [[227 114  57]
     [103  52  26]
     [221 111  55]
     [255 144  72]
     [255 136  68]]
    """

    def __init__(
        self, brightness: float = 0.2, contrast: float = 0.2, saturation: float = 0.2
    ) -> None:
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation

    def _change(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        from skvision._kernels.augmentation import FACTOR_BITS, jitter

        if images.shape[3] not in (1, 3):
            hint = " Is it channel-first? Use images.transpose(0, 2, 3, 1)."
            raise ValueError(
                f"ColorJitter requires images with one channel (gray) or three (RGB) "
                f"as the last axis; got shape {images.shape}."
                f"{hint if images.shape[1] in (1, 3) else ''}"
            )
        names = ("brightness", "contrast", "saturation")
        strengths = np.array(
            [check_number(name, getattr(self, name), 100) for name in names]
        )
        low, high = np.maximum(1 - strengths, 0), 1 + strengths
        factors = low + rng.random((len(images), 3)) * (high - low)
        out = images.copy()
        factors = np.rint(factors * (1 << FACTOR_BITS)).astype(np.int32)
        jitter(as_rows(out), images.shape[3], factors)
        return out
