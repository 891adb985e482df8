"""Small patches of images, normalized for brightness and contrast."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.random import sample_without_replacement

SMALLEST_RANGE = 1e-300

Shape = tuple[int, int, int]
Positions = NDArray[np.intp]


def scale_image(
    image: NDArray[Any], value_range: tuple[float, float]
) -> NDArray[np.float32]:
    """Scale an image (H, W, C) to values from 0 to 255, and clip values outside.

    Parameters
    ----------
    image : ndarray of shape (H, W, C), uint8, float32 or float64
        Image in C-contiguous memory.
    value_range : (float, float)
        Values that are mapped to 0 and 255.
    """
    from skvision._kernels import read_only
    from skvision._kernels.encoding import scale_pixels

    low, high = value_range
    if high - low < SMALLEST_RANGE:  # whose inverse would be infinite
        image, low, high = image * 2.0**100, low * 2.0**100, high * 2.0**100
    scaled = np.empty(image.shape, np.float32)
    pixels, factor = read_only(image.reshape(-1)), 255 / (high - low)
    scale_pixels(pixels, low, factor, scaled.reshape(-1))
    return scaled


def cut_patches(
    scaled: NDArray[np.float32],
    tops: Positions,
    lefts: Positions,
    shape: Shape,
    contrast_epsilon: float,
) -> NDArray[np.float32]:
    r"""Return patches less their means, divided by the roots of variance plus epsilon.

    Parameters
    ----------
    scaled : ndarray of shape (H, W, C), float32
        Image with values from 0 to 255.
    tops, lefts : ndarray of shape (n,), int
        Positions of the patches.
    shape : (int, int, int)
        Height, width and channels of a patch.
    contrast_epsilon : float
        Constant that is added to the variances.

    Returns
    -------
    patches : ndarray of shape (n, n_pixels), float32
        Normalized patches; patches without contrast are zero.
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


def sample_patches(
    images: NDArray[Any],
    n_patches: int,
    shape: Shape,
    value_range: tuple[float, float],
    contrast_epsilon: float,
    random_state: np.random.RandomState,
) -> NDArray[np.float32]:
    """Return patches from random positions of images, or all if there are not more.

    Parameters
    ----------
    images : ndarray of shape (n, H, W, C), uint8, float32 or float64
        Images.
    n_patches : int
        Number of patches, which are chosen without replacement.
    shape, value_range, contrast_epsilon
        As in `scale_image` and `cut_patches`.
    random_state : RandomState
        Random number generator that chooses the positions.
    """
    n_rows, n_columns = np.subtract(images.shape[1:3], shape[:2]) + 1
    n_places = int(len(images) * n_rows * n_columns)
    chosen = np.arange(n_places)
    if n_patches < n_places:
        chosen = sample_without_replacement(
            n_places, n_patches, random_state=random_state
        )
        chosen.sort()
    image_index, place = np.divmod(chosen, n_rows * n_columns)
    tops, lefts = np.divmod(place, n_columns)
    patches = np.empty((len(chosen), math.prod(shape)), np.float32)
    sampled, starts = np.unique(image_index, return_index=True)
    for i, start, stop in zip(sampled, starts, [*starts[1:], len(chosen)], strict=True):
        scaled = scale_image(np.ascontiguousarray(images[i]), value_range)
        rows = slice(start, stop)
        patches[rows] = cut_patches(
            scaled, tops[rows], lefts[rows], shape, contrast_epsilon
        )
    return patches


def patch_positions(
    image_shape: Shape, patch_shape: Shape, stride: int
) -> tuple[Positions, Positions, tuple[int, int]]:
    """Return the tops and lefts of patches at every stride, and the numbers of both.

    Pixels that are not covered are divided evenly between both sides.
    """
    ranges = []
    for size, patch in zip(image_shape[:2], patch_shape[:2], strict=True):
        n = (size - patch) // stride + 1
        ranges.append((size - patch) % stride // 2 + stride * np.arange(n))
    tops, lefts = (grid.ravel() for grid in np.meshgrid(*ranges, indexing="ij"))
    return tops, lefts, (len(ranges[0]), len(ranges[1]))
