"""Augmentation: pictures changed at random in training, so that a model sees more.

Each augmentation is a callable ``(images, rng) -> images`` on a batch of bytes, and has
scikit-learn's parameters: it can be cloned, pickled and searched over. Nothing is
learned from data, and nothing is changed at prediction.
"""

from numbers import Integral, Real

import numpy as np
from numpy.random import Generator
from sklearn.base import BaseEstimator

from skvision._images import as_array

__all__ = ["ColorJitter", "Compose", "RandomCrop", "RandomErasing", "RandomFlip"]

MOST_PADDING = 2**31 - 1
MOST_ELONGATED = 3.3  # of the sides of an erased rectangle; 1 / 3.3 is about 0.3


def _check_images(name, images):
    """Return pictures as a read-only array of bytes (n, H, W, C), and their shape."""
    images = np.asarray(as_array(images))
    if images.ndim not in (3, 4):
        rows = "flat rows of shape" if images.ndim == 2 else "an array of shape"
        raise ValueError(
            f"{name} needs pictures, (n, H, W) or (n, H, W, C); got {rows} "
            f"{images.shape}. Pass pictures in two dimensions, or image_shape=(H, W) "
            f"or (H, W, C) to the estimator that augments."
        )
    if images.dtype != np.uint8:
        raise TypeError(
            f"{name} needs pictures of bytes, uint8 from 0 to 255; got "
            f"{images.dtype}. Augment before PixelNormalizer or whatever else makes "
            f"numbers of another kind, or pass images.astype('uint8') if the values "
            f"are those of bytes."
        )
    if 0 in images.shape[1:]:
        raise ValueError(
            f"{name} needs pictures of one pixel or more; got shape {images.shape}."
        )
    shape = images.shape
    if images.ndim == 3:
        images = images[..., np.newaxis]
    # a kernel is compiled anew for arrays that may be written to
    images = np.ascontiguousarray(images).view()
    images.flags.writeable = False
    return images, shape


def _check_rng(name, rng):
    """Return a generator of random numbers."""
    if isinstance(rng, Generator):
        return rng
    if rng is None or isinstance(rng, Integral):
        return np.random.default_rng(rng)
    raise TypeError(
        f"{name} needs a numpy.random.Generator, a seed or None as rng; got "
        f"{type(rng).__name__}. Pass numpy.random.default_rng(seed)."
    )


def _check_number(name, value, most):
    """Return a number from 0. scikit-learn's checks take ten times as long."""
    if not (isinstance(value, Real) and 0 <= value <= most):
        raise ValueError(f"{name} must be a number from 0 to {most}; got {value!r}.")
    return float(value)


def _check_whole(name, value, most, instead=""):
    """Return a whole number from 0."""
    if not (isinstance(value, Integral) and 0 <= int(value) <= most):
        raise ValueError(
            f"{name} must be a whole number from 0 to {most}{instead}; got {value!r}."
        )
    return int(value)


def _check_range(name, pair, most):
    """Return the two ends of a range above 0."""
    real = isinstance(pair, tuple | list) and len(pair) == 2
    real = real and all(isinstance(value, Real) for value in pair)
    if not (real and 0 < pair[0] <= pair[1] <= most):
        raise ValueError(
            f"{name} must be two numbers, (low, high) with 0 < low <= high <= {most}; "
            f"got {pair!r}."
        )
    return float(pair[0]), float(pair[1])


def _rows(images):
    """Lay out pictures as kernels take them: the pixels of a row one after another."""
    n, height, width, n_channels = images.shape
    return images.reshape(n, height, width * n_channels)


class _Augmentation(BaseEstimator):
    """A random change of pictures: checks, and then does what ``_change`` does."""

    def __call__(self, images, rng=None):
        """Change pictures at random, each by its own draws.

        Parameters
        ----------
        images : array-like of shape (n, H, W) or (n, H, W, C), uint8
            Pictures; none at all are allowed. They stay as they are.
        rng : numpy.random.Generator, int or None, default=None
            Draws all random numbers, as many for each picture, one picture after
            another. A seed makes a new generator, so that the same seed changes every
            batch alike; None is different at each call.

        Returns
        -------
        images : ndarray of the shape of ``images``, uint8
            A new array.

        Raises
        ------
        ValueError
            If a parameter is out of its range, or ``images`` are no pictures, as flat
            rows are.
        TypeError
            If ``images`` are not uint8, or ``rng`` is none of the above, as a
            RandomState is not.
        """
        name = type(self).__name__
        images, shape = _check_images(name, images)
        return self._change(images, _check_rng(name, rng)).reshape(shape)


class RandomFlip(_Augmentation):
    """Mirror pictures.

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
    Two numbers are drawn for each picture, ``rng.random((n, 2))``: a picture is
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

    def __init__(self, horizontal=0.5, vertical=0.0):
        self.horizontal = horizontal
        self.vertical = vertical

    def _change(self, images, rng):
        from skvision._kernels.augmentation import flip

        horizontal = _check_number("horizontal", self.horizontal, 1)
        vertical = _check_number("vertical", self.vertical, 1)
        flags = rng.random((len(images), 2)) < (horizontal, vertical)
        out = np.empty(images.shape, np.uint8)
        sides = np.ascontiguousarray(flags.T)
        flip(_rows(images), images.shape[3], *sides, _rows(out))
        return out


def _shift(images, places, padding, fill, out):
    """Fill ``out`` with windows that are whole pixels off."""
    from skvision._kernels.augmentation import crop

    shifts = np.floor(places * (2 * padding + 1)) - padding
    starts = np.ascontiguousarray(shifts.T, np.int64)
    rows = _rows(images)
    work = np.empty(rows.shape[2], np.uint64)
    crop(rows, images.shape[3], *starts, fill, work, _rows(out))


def _sample(place, side, size, padding):
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


def _zoom(images, scales, places, padding, fill, out):
    """Fill ``out`` with windows resized."""
    from skvision._kernels.augmentation import zoom

    _, height, width, n_channels = images.shape
    down, right = (np.maximum(scales * size, 1) for size in (height, width))
    outside = np.full(width * n_channels, max(fill, 0), np.uint8)
    outside.flags.writeable = False  # as those of the pictures are
    blended = np.empty((width + 1) * n_channels, np.int32)
    zoom(
        _rows(images),
        n_channels,
        *_sample(places[:, 0], down, height, padding),
        *_sample(places[:, 1], right, width, padding),
        fill,
        (outside, blended, np.empty((2, width), np.uint64)),
        _rows(out),
    )


class RandomCrop(_Augmentation):
    """Shift pictures or zoom into them: crop a window at a random place.

    With the default ``scale`` a picture is padded and a window of its own size is taken
    from a random place, so that it moves by up to ``padding`` pixels each way. With
    another one the window is smaller (or larger) and is resized to the picture's size.

    Parameters
    ----------
    padding : int, default=4
        How many pixels a window may reach over each edge of the picture. 0 with a
        ``scale`` up to 1 keeps windows within the picture.

    scale : (float, float), default=(1.0, 1.0)
        The least and the largest side of a window, as a share of that of the picture;
        above 0 and up to 2.

    fill : "reflect" or int, default="reflect"
        What is beyond the edges: the picture reflected at its outer pixels, which are
        not repeated, as in ``numpy.pad(mode="reflect")``; or a value from 0 to 255 in
        all channels. ``fill=0`` is the default of torchvision's ``RandomCrop``.

    See Also
    --------
    Compose : Several augmentations, one after another.

    Notes
    -----
    Three numbers are drawn for each picture, ``rng.random((n, 3))``: the side, drawn
    uniformly from ``scale``, and the place, from top and from left. With ``scale=(1,
    1)`` each shift by whole pixels from ``-padding`` to ``padding`` is as probable, and
    the first number is left unused. Else windows lie anywhere, between pixels too, and
    are sampled as crop and resize do: bilinear, to the nearest byte, and not beyond
    the centres of the outer pixels of the window. Windows keep the aspect ratio of the
    picture, but are a pixel high and wide at least.

    Reflection goes to and fro: a picture may be smaller than ``padding``. One that is a
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

    def __init__(self, padding=4, scale=(1.0, 1.0), fill="reflect"):
        self.padding = padding
        self.scale = scale
        self.fill = fill

    def _change(self, images, rng):
        from skvision._kernels.augmentation import REFLECT

        padding = _check_whole("padding", self.padding, MOST_PADDING)
        low, high = _check_range("scale", self.scale, 2)
        fill = REFLECT
        if not (isinstance(self.fill, str) and self.fill == "reflect"):
            fill = _check_whole("fill", self.fill, 255, " or 'reflect'")
        draws = rng.random((len(images), 3))
        scales, places = low + draws[:, 0] * (high - low), draws[:, 1:]
        out = np.empty(images.shape, np.uint8)
        if low == high == 1:
            _shift(images, places, padding, fill, out)
        else:
            _zoom(images, scales, places, padding, fill, out)
        return out


class ColorJitter(_Augmentation):
    r"""Change brightness, contrast and saturation of pictures.

    .. math:: x \to f x + (1 - f) y

    with :math:`y = 0` for brightness, the mean luma of the picture for contrast and the
    luma of the pixel for saturation, in this order. Each factor :math:`f` is uniform in
    :math:`[\max(0, 1 - s), 1 + s]` for a strength :math:`s`, as in torchvision.

    Parameters
    ----------
    brightness : float, default=0.2
        Strength, from 0 to 100; 0 leaves brightness as it is.

    contrast : float, default=0.2
        Strength, from 0 to 100.

    saturation : float, default=0.2
        Strength, from 0 to 100. Grey pictures have no colours to change.

    See Also
    --------
    Compose : Several augmentations, one after another.

    Notes
    -----
    Three numbers are drawn for each picture, ``rng.random((n, 3))``, one for each
    factor in the order above.

    After each of the three steps values are clipped to 0 to 255 and rounded to bytes
    (torchvision draws the order of the steps, too, and cuts fractions off). Luma is
    that of ITU-R BT.601, :math:`0.299 R + 0.587 G + 0.114 B`, for saturation rounded to
    a byte; of grey pictures it is the pixel. Factors are rounded to multiples of
    :math:`2^{-14}`.

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

    def __init__(self, brightness=0.2, contrast=0.2, saturation=0.2):
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation

    def _change(self, images, rng):
        from skvision._kernels.augmentation import FACTOR_BITS, jitter

        if images.shape[3] not in (1, 3):
            hint = " Is it channel-first? Use images.transpose(0, 2, 3, 1)."
            raise ValueError(
                f"ColorJitter needs pictures of one channel (grey) or three (RGB), "
                f"channels last; got shape {images.shape}."
                f"{hint if images.shape[1] in (1, 3) else ''}"
            )
        names = ("brightness", "contrast", "saturation")
        strengths = [_check_number(name, getattr(self, name), 100) for name in names]
        strengths = np.array(strengths)
        low, high = np.maximum(1 - strengths, 0), 1 + strengths
        factors = low + rng.random((len(images), 3)) * (high - low)
        out = images.copy()
        factors = np.rint(factors * (1 << FACTOR_BITS)).astype(np.int32)
        jitter(_rows(out), images.shape[3], factors)
        return out


def _boxes(share, aspect, place, sides):
    """Return rectangles (n, 4): their first row and column, and those behind the last.

    ``aspect`` is from -1, most upright, to 1, lying; ``place`` is from 0 to 1 for each
    axis.
    """
    area = share * sides.prod()
    ratio = 1 + (MOST_ELONGATED - 1) * np.abs(aspect)
    longer, shorter = np.sqrt(area * ratio), np.sqrt(area / ratio)
    upright = aspect < 0
    lengths = np.where(upright, longer, shorter), np.where(upright, shorter, longer)
    lengths = np.clip(np.rint(np.stack(lengths, axis=1)), 1, sides)
    starts = np.floor(np.stack(place, axis=1) * (sides - lengths + 1))
    return np.concatenate([starts, starts + lengths], axis=1).astype(np.int64)


class RandomErasing(_Augmentation):
    """Erase a rectangle of pictures, so that a model does not rely on one part.

    Parameters
    ----------
    probability : float, default=0.5
        Probability, from 0 to 1, that a picture loses a rectangle.

    area : (float, float), default=(0.02, 0.2)
        The least and the largest area of the rectangle, as a share of that of the
        picture; above 0 and up to 1.

    fill : int or None, default=None
        What the rectangle is filled with: a value from 0 to 255 in all channels, or
        with None the mean colour of the picture, rounded, which stands out least.

    See Also
    --------
    Compose : Several augmentations, one after another.

    Notes
    -----
    Five numbers are drawn for each picture, ``rng.random((n, 5))``: whether there is a
    rectangle, its area, its aspect, and its place from top and from left. The longer
    side is 1 to 3.3 times the shorter one, uniformly, and is as likely the height as
    the width. Sides are rounded to whole pixels, from one to those of the picture: a
    rectangle that would be longer than the picture is smaller than ``area`` says.

    The paper draws again until a rectangle fits and fills it with noise, a number for
    each byte. Here pictures of any size take the same random numbers.

    References
    ----------
    Z. Zhong, L. Zheng, G. Kang, S. Li and Y. Yang, "Random erasing data augmentation",
    AAAI 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision.augmentation import RandomErasing
    >>> images = np.full((1, 4, 6), 9, np.uint8)
    >>> print(RandomErasing(probability=1.0, area=(0.2, 0.4), fill=0)(images, rng=3)[0])
    [[9 9 9 9 9 9]
     [0 0 0 0 9 9]
     [0 0 0 0 9 9]
     [9 9 9 9 9 9]]
    """

    def __init__(self, probability=0.5, area=(0.02, 0.2), fill=None):
        self.probability = probability
        self.area = area
        self.fill = fill

    def _change(self, images, rng):
        from skvision._kernels.augmentation import MEAN, erase

        probability = _check_number("probability", self.probability, 1)
        low, high = _check_range("area", self.area, 1)
        fill = MEAN
        if self.fill is not None:
            fill = _check_whole("fill", self.fill, 255, " or None")
        chosen, share, aspect, *place = rng.random((len(images), 5)).T
        sides = np.array(images.shape[1:3])
        boxes = _boxes(low + share * (high - low), 2 * aspect - 1, place, sides)
        boxes[chosen >= probability] = 0
        out = images.copy()
        erase(_rows(out), images.shape[3], boxes, fill)
        return out


class Compose(_Augmentation):
    """Several augmentations, one after another.

    Parameters
    ----------
    steps : list of augmentations
        Those of this module, or any other callables ``(images, rng) -> images`` that
        take bytes (n, H, W, C) and return others of the same shape.

    See Also
    --------
    sklearn.pipeline.make_pipeline : Names its steps in the same way.

    Notes
    -----
    Steps are named by their classes in lower case, and several of a class are numbered,
    ``randomcrop-1`` and ``randomcrop-2``. By these names parameters are reached, such
    as ``randomcrop__padding``, and steps are replaced: in a search over a model whose
    parameter ``augmentation`` is a composition, it is
    ``augmentation__randomcrop__padding``. Replacing ``steps`` comes first, then single
    steps, then their parameters.

    All steps draw from the same generator, in turn, and get pictures as (n, H, W, C),
    those of ``(n, H, W)`` with one channel.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision.augmentation import Compose, RandomCrop, RandomFlip
    >>> augmentation = Compose([RandomFlip(), RandomCrop()])
    >>> images = np.zeros((200, 32, 32, 3), np.uint8)
    >>> print(augmentation(images, np.random.default_rng(0)).shape)
    (200, 32, 32, 3)
    >>> print(augmentation.set_params(randomcrop__padding=2))
    Compose(steps=[RandomFlip(), RandomCrop(padding=2)])
    """

    def __init__(self, steps):
        self.steps = steps

    def get_params(self, deep=True):
        """Return the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return the steps by their names, and their parameters, too.

        Returns
        -------
        params : dict
            Values by name.
        """
        params = super().get_params(deep=False)
        if deep:
            for name, step in self._named_steps().items():
                params[name] = step
                if hasattr(step, "get_params") and not isinstance(step, type):
                    nested = step.get_params(deep=True)
                    params.update({f"{name}__{key}": nested[key] for key in nested})
        return params

    def set_params(self, **params):
        """Set the steps, single steps, and their parameters.

        Parameters
        ----------
        **params : dict
            Values by name, as `get_params` returns them.

        Returns
        -------
        self : Compose
            The composition itself.

        Raises
        ------
        ValueError
            If there is no parameter of a name.
        """
        if "steps" in params:
            self.steps = params.pop("steps")
        names = list(self._named_steps())
        if not params.keys().isdisjoint(names):
            given = zip(names, self.steps, strict=True)
            self.steps = [params.pop(name, step) for name, step in given]
        return super().set_params(**params)

    def _named_steps(self):
        """Return the steps by name; none where ``steps`` is no list."""
        steps = self.steps if isinstance(self.steps, list | tuple) else []
        kinds = [type(step).__name__.lower() for step in steps]
        names = [
            f"{kind}-{kinds[: i + 1].count(kind)}" if kinds.count(kind) > 1 else kind
            for i, kind in enumerate(kinds)
        ]
        return dict(zip(names, steps, strict=True))

    def _change(self, images, rng):
        if not isinstance(self.steps, list | tuple):
            raise ValueError(
                f"steps must be a list of augmentations; got {self.steps!r}."
            )
        out = images
        for name, step in self._named_steps().items():
            if isinstance(step, type) or not callable(step):
                raise TypeError(
                    f"steps must be augmentations, such as RandomFlip(), or functions "
                    f"(images, rng) -> images; got {step!r}."
                )
            out = np.asarray(step(out, rng))
            if out.shape != images.shape or out.dtype != np.uint8:
                raise ValueError(
                    f"The step {name} must return uint8 pictures of the shape that it "
                    f"was given, {images.shape}; it returned {out.dtype} of shape "
                    f"{out.shape}."
                )
        return images.copy() if np.may_share_memory(out, images) else out
