"""Windows at random places."""

from typing import Any

import numpy as np

from skvision._contract.public import public
from skvision.augmentation._augmentation import (
    Augmentation,
    check_range,
    check_whole,
    rows_of,
)

MOST_PADDING = 2**31 - 1


def _shift(
    images: np.ndarray, places: np.ndarray, padding: int, fill: int, out: np.ndarray
) -> None:
    """Fill ``out`` with windows that are whole pixels off."""
    from skvision._kernels.augmentation import crop

    shifts = np.floor(places * (2 * padding + 1)) - padding
    starts = np.ascontiguousarray(shifts.T, np.int64)
    rows = rows_of(images)
    work = np.empty(rows.shape[2], np.uint64)
    crop(rows, images.shape[3], *starts, fill, work, rows_of(out))


def _sample(
    place: np.ndarray, side: np.ndarray, size: int, padding: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return where to look for the pixels along one axis of windows.

    ``side`` (n,) is how far the windows reach, a pixel at least, and ``place`` (n,)
    where they are of where they may be, from 0 to 1. Returned are the pixel before each
    (n, size) and the share of the one behind it, in units of the kernel's.
    """
    from skvision._kernels.augmentation import WEIGHT_BITS

    last = size + padding - side
    low, high = np.minimum(-padding, last), np.maximum(-padding, last)
    start = low + place * (high - low)
    within = (np.arange(size) + 0.5) * (side / size)[:, np.newaxis] - 0.5
    within = np.clip(within, 0, side[:, np.newaxis] - 1)
    at = start[:, np.newaxis] + within
    before = np.floor(at)
    weights = np.rint((at - before) * (1 << WEIGHT_BITS))
    return before.astype(np.int64), weights.astype(np.int32)


def _zoom(
    images: np.ndarray,
    scales: np.ndarray,
    places: np.ndarray,
    padding: int,
    fill: int,
    out: np.ndarray,
) -> None:
    """Fill ``out`` with windows resized."""
    from skvision._kernels.augmentation import zoom

    _, height, width, n_channels = images.shape
    down, right = (np.maximum(scales * size, 1) for size in (height, width))
    outside = np.full(width * n_channels, max(fill, 0), np.uint8)
    outside.flags.writeable = False  # as those of the images are
    blended = np.empty((width + 1) * n_channels, np.int32)
    zoom(
        rows_of(images),
        n_channels,
        *_sample(places[:, 0], down, height, padding),
        *_sample(places[:, 1], right, width, padding),
        fill,
        (outside, blended, np.empty((2, width), np.uint64)),
        rows_of(out),
    )


@public("skvision.augmentation")
class RandomCrop(Augmentation):
    """Shift images or zoom into them: crop a window at a random place.

    With the default ``scale`` an image is padded and a window of its own size is taken
    from a random place, so that it moves by up to ``padding`` pixels each way. With
    another one the window is smaller (or larger) and is resized to the image's size.

    Parameters
    ----------
    padding : int, default=4
        How many pixels a window may reach over each edge of the image. 0 with a
        ``scale`` up to 1 keeps windows within the image.

    scale : (float, float), default=(1.0, 1.0)
        The least and the largest side of a window, as a share of that of the image;
        above 0 and up to 2.

    fill : "reflect" or int, default="reflect"
        What is beyond the edges: the image reflected at its outer pixels, which are
        not repeated, as in ``numpy.pad(mode="reflect")``; or a value from 0 to 255 in
        all channels. ``fill=0`` is the default of torchvision's ``RandomCrop``.

    See Also
    --------
    Compose : Several augmentations, one after another.

    Notes
    -----
    Three numbers are drawn for each image, ``rng.random((n, 3))``: the side, drawn
    uniformly from ``scale``, and the place, from top and from left. With ``scale=(1,
    1)`` each shift by whole pixels from ``-padding`` to ``padding`` is as probable, and
    the first number is left unused. Else windows lie anywhere, between pixels too, and
    are sampled as crop and resize do: bilinear, to the nearest byte, and not beyond
    the centers of the outer pixels of the window. Windows keep the aspect ratio of the
    image, but are a pixel high and wide at least.

    Reflection goes to and fro: an image may be smaller than ``padding``. One that is a
    pixel wide is all that pixel.

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

        padding = check_whole("padding", self.padding, MOST_PADDING)
        low, high = check_range("scale", self.scale, 2)
        fill = REFLECT
        if not (isinstance(self.fill, str) and self.fill == "reflect"):
            fill = check_whole("fill", self.fill, 255, " or 'reflect'")
        draws = rng.random((len(images), 3))
        scales, places = low + draws[:, 0] * (high - low), draws[:, 1:]
        out = np.empty(images.shape, np.uint8)
        if low == high == 1:
            _shift(images, places, padding, fill, out)
        else:
            _zoom(images, scales, places, padding, fill, out)
        return out
