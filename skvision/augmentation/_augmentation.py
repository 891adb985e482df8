"""Base class of augmentations, and validation of images, generators and parameters."""

from numbers import Integral, Real
from typing import Any, cast

import numpy as np
from numpy.random import Generator

from skvision._contract.images import as_array
from skvision._contract.sklearn_compat import Estimator


def check_images(name: str, images: Any) -> tuple[Any, ...]:
    """Return images as a read-only uint8 array (n, H, W, C), and their shape."""
    from skvision._kernels import read_only

    images = np.asarray(as_array(images))
    if images.ndim not in (3, 4):
        rows = "flat rows of shape" if images.ndim == 2 else "an array of shape"
        raise ValueError(
            f"{name} requires images of shape (n, H, W) or (n, H, W, C); got {rows} "
            f"{images.shape}. Pass images of such a shape, or pass image_shape=(H, W) "
            f"or (H, W, C) to the estimator that uses the augmentation."
        )
    if images.dtype != np.uint8:
        raise TypeError(
            f"{name} requires uint8 images with values from 0 to 255; got "
            f"{images.dtype}. Augment images before PixelNormalizer and other steps "
            f"that change the dtype, or pass images.astype('uint8') if the values are "
            f"integers from 0 to 255."
        )
    if 0 in images.shape[1:]:
        raise ValueError(
            f"{name} requires images of at least one pixel; got shape {images.shape}."
        )
    shape = images.shape
    if images.ndim == 3:
        images = images[..., np.newaxis]
    return read_only(np.ascontiguousarray(images)), shape


def check_rng(name: str, rng: Any) -> np.random.Generator:
    """Return a random number generator."""
    if isinstance(rng, Generator):
        return rng
    if rng is None or isinstance(rng, Integral):
        return np.random.default_rng(cast(int | None, rng))
    raise TypeError(
        f"rng of {name} must be a numpy.random.Generator, an int or None; got "
        f"{type(rng).__name__}. Pass numpy.random.default_rng(seed)."
    )


def check_number(name: str, value: Any, most: int) -> float:
    """Return a number up to ``most``, ten times faster than scikit-learn's checks."""
    if not (isinstance(value, Real) and 0 <= cast(float, value) <= most):
        raise ValueError(
            f"{name} must be a number between 0 and {most}; got {value!r}."
        )
    return float(value)


def check_integer(name: str, value: Any, most: int, alternative: str = "") -> int:
    """Return an integer between 0 and ``most``."""
    if not (isinstance(value, Integral) and 0 <= int(value) <= most):
        raise ValueError(
            f"{name} must be an integer between 0 and {most}{alternative}; "
            f"got {value!r}."
        )
    return int(value)


def check_range(name: str, pair: Any, most: int) -> tuple[float, float]:
    """Return the two ends of a range of positive numbers."""
    is_valid = isinstance(pair, tuple | list) and len(pair) == 2
    is_valid = is_valid and all(isinstance(value, Real) for value in pair)
    if not (is_valid and 0 < pair[0] <= pair[1] <= most):
        raise ValueError(
            f"{name} must be two numbers, (low, high) with 0 < low <= high <= {most}; "
            f"got {pair!r}."
        )
    return float(pair[0]), float(pair[1])


def as_rows(images: np.ndarray) -> np.ndarray:
    """Reshape images to (n, height, width * n_channels), as kernels take them."""
    n, height, width, n_channels = images.shape
    return images.reshape(n, height, width * n_channels)


class Augmentation(Estimator):
    """Base class of augmentations, which validates images and calls ``_change``."""

    def __call__(self, images: Any, rng: Any = None) -> Any:
        """Change each image at random.

        Parameters
        ----------
        images : array-like of shape (n, H, W) or (n, H, W, C), uint8
            Images, which are not modified. The batch may be empty.
        rng : numpy.random.Generator, int or None, default=None
            Random number generator. Every image takes the same number of random
            numbers, in the order of the images. An int is the seed of a new generator,
            so that it changes every batch in the same manner. None gives different
            changes in each call.

        Returns
        -------
        images : ndarray of the shape of ``images``, uint8
            Changed images, in a new array.

        Raises
        ------
        ValueError
            If a parameter is out of its range, or if ``images`` do not have one of the
            shapes above, for example if they are flat rows.
        TypeError
            If ``images`` are not uint8, or if ``rng`` has another type, such as
            RandomState.
        """
        name = type(self).__name__
        images, shape = check_images(name, images)
        return self._change(images, check_rng(name, rng)).reshape(shape)
