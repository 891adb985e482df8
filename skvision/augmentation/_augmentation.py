"""What augmentations share: checks of images, generators and parameters."""

from numbers import Integral, Real
from typing import Any, cast

import numpy as np
from numpy.random import Generator

from skvision._contract.images import as_array
from skvision._contract.sklearn_compat import Estimator


def check_images(name: str, images: Any) -> tuple[Any, ...]:
    """Return images as a read-only array of bytes (n, H, W, C), and their shape."""
    images = np.asarray(as_array(images))
    if images.ndim not in (3, 4):
        rows = "flat rows of shape" if images.ndim == 2 else "an array of shape"
        raise ValueError(
            f"{name} needs images, (n, H, W) or (n, H, W, C); got {rows} "
            f"{images.shape}. Pass images in two dimensions, or image_shape=(H, W) "
            f"or (H, W, C) to the estimator that augments."
        )
    if images.dtype != np.uint8:
        raise TypeError(
            f"{name} needs images of bytes, uint8 from 0 to 255; got "
            f"{images.dtype}. Augment before PixelNormalizer or whatever else makes "
            f"numbers of another kind, or pass images.astype('uint8') if the values "
            f"are those of bytes."
        )
    if 0 in images.shape[1:]:
        raise ValueError(
            f"{name} needs images of one pixel or more; got shape {images.shape}."
        )
    shape = images.shape
    if images.ndim == 3:
        images = images[..., np.newaxis]
    # a kernel is compiled anew for arrays that may be written to
    images = np.ascontiguousarray(images).view()
    images.flags.writeable = False
    return images, shape


def check_rng(name: str, rng: Any) -> np.random.Generator:
    """Return a generator of random numbers."""
    if isinstance(rng, Generator):
        return rng
    if rng is None or isinstance(rng, Integral):
        return np.random.default_rng(cast(int | None, rng))
    raise TypeError(
        f"{name} needs a numpy.random.Generator, a seed or None as rng; got "
        f"{type(rng).__name__}. Pass numpy.random.default_rng(seed)."
    )


def check_number(name: str, value: Any, most: int) -> float:
    """Return a number from 0. scikit-learn's checks take ten times as long."""
    if not (isinstance(value, Real) and 0 <= cast(float, value) <= most):
        raise ValueError(f"{name} must be a number from 0 to {most}; got {value!r}.")
    return float(value)


def check_whole(name: str, value: Any, most: int, instead: str = "") -> int:
    """Return a whole number from 0."""
    if not (isinstance(value, Integral) and 0 <= int(value) <= most):
        raise ValueError(
            f"{name} must be a whole number from 0 to {most}{instead}; got {value!r}."
        )
    return int(value)


def check_range(name: str, pair: Any, most: int) -> tuple[float, float]:
    """Return the two ends of a range above 0."""
    real = isinstance(pair, tuple | list) and len(pair) == 2
    real = real and all(isinstance(value, Real) for value in pair)
    if not (real and 0 < pair[0] <= pair[1] <= most):
        raise ValueError(
            f"{name} must be two numbers, (low, high) with 0 < low <= high <= {most}; "
            f"got {pair!r}."
        )
    return float(pair[0]), float(pair[1])


def rows_of(images: np.ndarray) -> np.ndarray:
    """Lay out images as kernels take them: the pixels of a row one after another."""
    n, height, width, n_channels = images.shape
    return images.reshape(n, height, width * n_channels)


class Augmentation(Estimator):
    """A random change of images: checks, and then does what ``_change`` does."""

    def __call__(self, images: Any, rng: Any = None) -> Any:
        """Change images at random, each by its own draws.

        Parameters
        ----------
        images : array-like of shape (n, H, W) or (n, H, W, C), uint8
            Images; none at all are allowed. They stay as they are.
        rng : numpy.random.Generator, int or None, default=None
            Draws all random numbers, as many for each image, one image after
            another. A seed makes a new generator, so that the same seed changes every
            batch alike; None is different at each call.

        Returns
        -------
        images : ndarray of the shape of ``images``, uint8
            A new array.

        Raises
        ------
        ValueError
            If a parameter is out of its range, or ``images`` are no images, as flat
            rows are.
        TypeError
            If ``images`` are not uint8, or ``rng`` is none of the above, as a
            RandomState is not.
        """
        name = type(self).__name__
        images, shape = check_images(name, images)
        return self._change(images, check_rng(name, rng)).reshape(shape)
