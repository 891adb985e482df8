"""Random shifts and zooms."""

from typing import Any

import numpy as np

from skvision._contract.public import public
from skvision.augmentation._augmentation import (
    Augmentation,
    as_rows,
    check_integer,
    check_range,
)

MAX_PADDING = 2**31 - 1


def _shift(
    images: np.ndarray, positions: np.ndarray, padding: int, fill: int, out: np.ndarray
) -> None:
    """Fill ``out`` with windows that are shifted by whole pixels."""
    from skvision._kernels.augmentation import crop

    shifts = np.floor(positions * (2 * padding + 1)) - padding
    starts = np.ascontiguousarray(shifts.T, np.int64)
    rows = as_rows(images)
    work = np.empty(rows.shape[2], np.uint64)
    crop(rows, images.shape[3], *starts, fill, work, as_rows(out))


def _interpolation_weights(
    position: np.ndarray, side: np.ndarray, size: int, padding: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions and weights for linear interpolation along one axis.

    ``side`` (n,) is the side length of the windows, at least one pixel. ``position``
    (n,) is their relative position, from 0 to 1. The result is the pixel before each
    sampled position (n, size) and the weight of the next pixel, in units of the kernel.
    """
    from skvision._kernels.augmentation import WEIGHT_BITS

    last = size + padding - side
    low, high = np.minimum(-padding, last), np.maximum(-padding, last)
    start = low + position * (high - low)
    within = (np.arange(size) + 0.5) * (side / size)[:, np.newaxis] - 0.5
    within = np.clip(within, 0, side[:, np.newaxis] - 1)
    sampled = start[:, np.newaxis] + within
    pixel = np.floor(sampled)
    weights = np.rint((sampled - pixel) * (1 << WEIGHT_BITS))
    return pixel.astype(np.int64), weights.astype(np.int32)


def _zoom(
    images: np.ndarray,
    scales: np.ndarray,
    positions: np.ndarray,
    padding: int,
    fill: int,
    out: np.ndarray,
) -> None:
    """Fill ``out`` with resized windows."""
    from skvision._kernels import read_only
    from skvision._kernels.augmentation import zoom

    _, height, width, n_channels = images.shape
    down, right = (np.maximum(scales * size, 1) for size in (height, width))
    outside = np.full(width * n_channels, max(fill, 0), np.uint8)
    blended = np.empty((width + 1) * n_channels, np.int32)
    zoom(
        as_rows(images),
        n_channels,
        _interpolation_weights(positions[:, 0], down, height, padding),
        _interpolation_weights(positions[:, 1], right, width, padding),
        fill,
        (read_only(outside), blended, np.empty((2, width), np.uint64)),
        as_rows(out),
    )


@public("skvision.augmentation")
class RandomCrop(Augmentation):
    """Random shifts and zooms, by cropping a window at a random position.

    With the default ``scale``, an image is padded, and a window of the size of the
    image is cropped at a random position. This shifts the image by up to ``padding``
    pixels in each direction. With another ``scale``, the window is smaller or larger,
    and is resized to the size of the image.

    Parameters
    ----------
    padding : int, default=4
        Number of pixels by which a window may extend over each edge of the image. With
        0, and a ``scale`` of at most 1, windows lie within the image.

    scale : (float, float), default=(1.0, 1.0)
        Range of the side of a window, as a fraction of the side of the image. Both
        values are greater than 0 and at most 2.

    fill : "reflect" or int, default="reflect"
        Values of pixels beyond the edges. "reflect" reflects the image at its outer
        pixels without repeating them, as ``numpy.pad(mode="reflect")`` does. An int
        between 0 and 255 is the value of all channels; torchvision's ``RandomCrop``
        uses 0 by default.

    See Also
    --------
    Compose : Sequence of augmentations.

    Notes
    -----
    Three random numbers are drawn for each image, ``rng.random((n, 3))``: one for the
    side, which is uniform in ``scale``, and two for the position from the top and from
    the left. With ``scale=(1, 1)``, all shifts by whole pixels from ``-padding`` to
    ``padding`` have the same probability, and the first number is not used. Otherwise,
    windows may lie between pixels. They are resized by bilinear interpolation between
    the centers of the outer pixels of the window, with rounding to the nearest integer.
    Windows have the aspect ratio of the image, but are at least one pixel high and
    wide.

    Reflection is repeated, so that images may be smaller than ``padding``. An image
    that is one pixel wide is extended by this pixel.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition",
    CVPR 2016, section 4.2 (padding by 4 pixels and a random crop).

    C. Szegedy and others, "Going deeper with convolutions", CVPR 2015, section 6 (crops
    of a random size).

    Examples
    --------
    >>> import numpy as np
    >>> from skvision.augmentation import RandomCrop
    >>> images = np.arange(12, dtype=np.uint8).reshape(1, 3, 4)
    >>> print(RandomCrop(padding=1, fill=0)(images, rng=7)[0])
    [[ 5  6  7  0]
     [ 9 10 11  0]
     [ 0  0  0  0]]
    >>> print(RandomCrop(padding=1)(images, rng=7)[0])
    [[ 5  6  7  6]
     [ 9 10 11 10]
     [ 5  6  7  6]]
    """

    def __init__(
        self, padding: int = 4, scale: Any = (1.0, 1.0), fill: str | int = "reflect"
    ) -> None:
        self.padding = padding
        self.scale = scale
        self.fill = fill

    def _change(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        from skvision._kernels.augmentation import REFLECT

        padding = check_integer("padding", self.padding, MAX_PADDING)
        low, high = check_range("scale", self.scale, 2)
        fill = REFLECT
        if not (isinstance(self.fill, str) and self.fill == "reflect"):
            fill = check_integer("fill", self.fill, 255, " or 'reflect'")
        numbers = rng.random((len(images), 3))
        scales, positions = low + numbers[:, 0] * (high - low), numbers[:, 1:]
        out = np.empty(images.shape, np.uint8)
        if low == high == 1:
            _shift(images, positions, padding, fill, out)
        else:
            _zoom(images, scales, positions, padding, fill, out)
        return out
