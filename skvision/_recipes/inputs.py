"""The input of `ImageClassifier`: files, images of any sizes, batches, or rows."""

import math
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skvision._contract.images import (
    check_value_range,
    learn_value_range,
    validate_images,
)

_ONE_FILE = (str, os.PathLike, bytes, bytearray, memoryview)
_LARGE = 1 << 16  # pixels: images that are not stacked, since they may be many
_SMALLEST = 8  # pixels: smaller images are rows of numbers
_SIDES = {32: 48, 64: 96}  # up to which size of the originals
_LARGEST = 128
_MANY = 20_000  # images, which are read smaller to fit into memory
_MOST_CUT = 1 / 3


def is_batch(X: Any) -> bool:
    """Return whether X is a batch of images or rows of numbers.

    Otherwise it holds files, or images that are told apart because their sizes differ.
    A list of images of one size is a batch, unless they are large.
    """
    if isinstance(X, memoryview) and X.ndim > 1:
        return True
    if isinstance(X, (*_ONE_FILE, Image.Image)) or hasattr(X, "read"):
        return False
    elements = _elements(X)
    first = next((x for x in elements if x is not None), None)
    if isinstance(first, _ONE_FILE) or hasattr(first, "read"):
        return False
    sizes = {_size_of(x) for x in elements}
    return sizes == {None} or (len(sizes) == 1 and math.prod(sizes.pop()) <= _LARGE)


def _elements(X: Any) -> Any:
    """Return a list, or a column of objects as one; anything else is one element."""
    if getattr(X, "shape", ())[1:] == (1,):
        X = np.asarray(X)[:, 0]
    if isinstance(X, list | tuple):
        return X
    if getattr(getattr(X, "dtype", None), "kind", "") in "OUST":
        values = np.asarray(X)
        return values if values.ndim == 1 else [None]
    return [None]


def _size_of(image: Any) -> Any:
    """Return height and width of an image of Pillow or an array; None for the rest."""
    if isinstance(image, Image.Image):
        return image.size[::-1]
    if isinstance(image, np.ndarray) and image.ndim > 1 and image.dtype == np.uint8:
        return image.shape[:2]
    return None


def read_batch(
    estimator: Any, X: Any, value_range: Any, *, reset: bool
) -> tuple[NDArray[Any], Any]:
    """Return a batch as bytes, or as rows of numbers if the images are tiny.

    Parameters
    ----------
    estimator : ImageClassifier
        In ``fit``, its attributes ``n_features_in_`` and ``image_shape_`` are set.
    X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
        The batch.
    value_range : (float, float) or None
        The levels of black and white; in ``fit``, None learns them.
    reset : bool
        True in ``fit``.

    Returns
    -------
    images : ndarray of shape (n, H, W, C), uint8, or (n, n_features)
        The batch.
    value_range : (float, float) or None
        The levels of black and white; None for rows of numbers.
    """
    images = validate_images(estimator, X, reset=reset)
    if min(images.shape[1:3]) < _SMALLEST:
        return images.reshape(len(images), -1), None
    if reset:
        value_range = learn_value_range(value_range, images)
    else:
        value_range = check_value_range(value_range)
    return _to_bytes(images, value_range), value_range


def _to_bytes(
    images: NDArray[Any], value_range: tuple[float, float]
) -> NDArray[np.uint8]:
    low, high = value_range
    if images.dtype == np.uint8 and (low, high) == (0, 255):
        return images
    levels = (images.astype(np.float64) - low) / (high - low)
    return np.rint(255 * np.clip(levels, 0, 1)).astype(np.uint8)


def choose_side(extents: NDArray[np.intp], n_images: int) -> int:
    """Return the side that images are brought to, for the sizes of some originals."""
    if not len(extents):
        return _LARGEST
    typical = float(np.median(extents.min(axis=1)))
    sides = [side for side, most in _SIDES.items() if typical <= most]
    side = min(sides, default=_LARGEST)
    return min(side, 64) if n_images > _MANY else side


def choose_resize(extents: NDArray[np.intp]) -> str:
    """Return "crop", or "stretch" if crop would cut off a third of most images."""
    is_cut = 1 - extents.min(axis=1) / extents.max(axis=1) > _MOST_CUT
    return "stretch" if len(extents) and is_cut.mean() > 0.5 else "crop"
