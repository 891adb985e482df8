"""Small patches of images, with their brightness and contrast taken away."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.random import sample_without_replacement

SMALLEST_RANGE = 1e-300

Shape = tuple[int, int, int]
Places = NDArray[np.intp]


def scale_picture(
    image: NDArray[Any], value_range: tuple[float, float]
) -> NDArray[np.float32]:
    """Return an image (H, W, C) with values from 0 to 255, cut off beyond its range.

    Parameters
    ----------
    image : ndarray of shape (H, W, C), uint8, float32 or float64
        The image, C-contiguous.
    value_range : (float, float)
        What becomes 0 and 255.
    """
    from skvision._kernels.encoding import scale_pixels

    low, high = value_range
    if high - low < SMALLEST_RANGE:  # whose inverse would be infinite
        image, low, high = image * 2.0**100, low * 2.0**100, high * 2.0**100
    scaled = np.empty(image.shape, np.float32)
    scale_pixels(image.reshape(-1), low, 255 / (high - low), scaled.reshape(-1))
    return scaled


def cut_patches(
    scaled: NDArray[np.float32],
    tops: Places,
    lefts: Places,
    shape: Shape,
    contrast_epsilon: float,
) -> NDArray[np.float32]:
    r"""Return patches less their mean, divided by the root of variance plus epsilon.

    Parameters
    ----------
    scaled : ndarray of shape (H, W, C), float32
        An image.
    tops, lefts : ndarray of shape (n,), int
        Where the patches are.
    shape : (int, int, int)
        Of a patch.
    contrast_epsilon : float
        On the scale of the image, squared.

    Returns
    -------
    patches : ndarray of shape (n, n_pixels), float32
        Those without contrast are zeros.
    """
    from skvision._kernels.encoding import normalize_patches

    n_channels = scaled.shape[2]
    patches = np.empty((len(tops), math.prod(shape)), np.float32)
    normalize_patches(
        scaled.reshape(len(scaled), -1),
        tops,
        lefts * n_channels,
        shape[1] * n_channels,
        np.float32(contrast_epsilon),
        patches,
    )
    return patches


def draw_patches(
    images: NDArray[Any],
    n_patches: int,
    shape: Shape,
    value_range: tuple[float, float],
    contrast_epsilon: float,
    random_state: np.random.RandomState,
) -> NDArray[np.float32]:
    """Return patches from random places of images, or all where they are no more.

    Parameters
    ----------
    images : ndarray of shape (n, H, W, C), uint8, float32 or float64
        Images.
    n_patches : int
        How many; no place is drawn twice.
    shape, value_range, contrast_epsilon
        As in `scale_picture` and `cut_patches`.
    random_state : RandomState
        Draws them.
    """
    n_rows, n_columns = np.subtract(images.shape[1:3], shape[:2]) + 1
    n_places = int(len(images) * n_rows * n_columns)
    chosen = np.arange(n_places)
    if n_patches < n_places:
        chosen = sample_without_replacement(
            n_places, n_patches, random_state=random_state
        )
        chosen.sort()
    picture, place = np.divmod(chosen, n_rows * n_columns)
    tops, lefts = np.divmod(place, n_columns)
    patches = np.empty((len(chosen), math.prod(shape)), np.float32)
    seen, starts = np.unique(picture, return_index=True)
    for i, start, stop in zip(seen, starts, [*starts[1:], len(chosen)], strict=True):
        scaled = scale_picture(np.ascontiguousarray(images[i]), value_range)
        rows = slice(start, stop)
        patches[rows] = cut_patches(
            scaled, tops[rows], lefts[rows], shape, contrast_epsilon
        )
    return patches


def patch_places(
    image_shape: Shape, patch_shape: Shape, stride: int
) -> tuple[Places, Places, tuple[int, int]]:
    """Return the tops and lefts of patches at every stride, and how many down, across.

    What a stride leaves over is left out evenly on both sides.
    """
    ranges = []
    for size, patch in zip(image_shape[:2], patch_shape[:2], strict=True):
        n = (size - patch) // stride + 1
        ranges.append((size - patch) % stride // 2 + stride * np.arange(n))
    tops, lefts = (grid.ravel() for grid in np.meshgrid(*ranges, indexing="ij"))
    return tops, lefts, (len(ranges[0]), len(ranges[1]))
