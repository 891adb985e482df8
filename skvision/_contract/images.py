"""The image contract: the only file that knows how images are laid out.

Images come as ``(n, H, W)`` (gray), ``(n, H, W, C)`` (channels last) or as flat rows
``(n, n_features)``, which are those arrays in C order. `validate_rows` gives learners
flat rows, `validate_images` gives transformers ``(n, H, W, C)``; both check with
scikit-learn's own `validate_data` and hold the images against those seen in ``fit``.
"""

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from skvision._contract.containers import computed, read_array, read_table
from skvision._contract.public import public
from skvision._contract.warn import warn

ImageShape = tuple[int, int, int]

WIDEST = 1e300  # of a range of values, for arithmetic on it
LARGEST = float(np.finfo(np.float64).max)

# The first is what anything that is not in the list becomes.
IMAGE_DTYPES = (np.float64, np.float32, np.uint8)


@public("skvision")
class ImageShapeWarning(UserWarning):
    """The shape of the images was guessed, or looks as if the channels came first.

    The height and width of flat rows are guessed: pass ``image_shape=(H, W)`` or ``(H,
    W, C)`` to say what they are, or pass images as ``(n, H, W[, C])`` arrays. Channels
    come last: pass ``X.transpose(0, 2, 3, 1)`` of an array ``(n, C, H, W)``.
    """


def validate_rows(
    estimator: Any,
    X: Any,
    y: Any = "no_validation",
    *,
    reset: bool,
    dtype: Sequence[type] = IMAGE_DTYPES,
) -> Any:
    """Check images and return them as flat rows.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_``, ``feature_names_in_`` and ``image_shape_`` in a fit.
        Where it has a parameter ``image_shape`` that is not None, flat rows are
        images of this shape.
    X : array-like of shape (n, n_features), (n, H, W) or (n, H, W, C)
        Images.
    y : array-like of shape (n,), default="no_validation"
        Classes, checked along with ``X`` where given.
    reset : bool
        True in ``fit``; False where the images must be like those of ``fit``.
    dtype : sequence of dtypes
        What is kept as it is; anything else becomes the first of these.

    Returns
    -------
    rows : ndarray of shape (n, n_features)
        The images, each in C order of (H, W, C); a view where that is possible.
    y : ndarray of shape (n,)
        Only where ``y`` was given.

    Raises
    ------
    ValueError
        If the images are not finite numbers of one of the three layouts, or not of
        the shape that was seen in ``fit``.

    Warns
    -----
    ImageShapeWarning
        If the images of a fit look as if their channels came first.
    """
    rows, shape = _flatten(X)
    if reset and getattr(estimator, "image_shape", None) is not None:
        shape = _shape_asked_for(estimator, shape, np.shape(rows))
    elif reset and shape is not None and _looks_channel_first(shape):
        warn(
            f"{type(estimator).__name__} got images of {shape[0]} x {shape[1]} pixels "
            f"and {shape[2]} channels, X of shape {(len(rows), *shape)}. Is it "
            f"channel-first? Images have their channels last: use X.transpose(0, 2, 3, "
            f"1).",
            ImageShapeWarning,
        )
    return _validate(estimator, rows, shape, y, reset=reset, dtype=dtype)


def validate_images(estimator: Any, X: Any, *, reset: bool) -> NDArray[Any]:
    """Check images for a transformer that needs them in two dimensions.

    Flat rows are laid out by ``estimator.image_shape`` or, where it is None, by a guess
    that is announced by `ImageShapeWarning`: a perfect square is gray, three times a
    perfect square is RGB, anything else a gray strip one pixel high.

    Parameters
    ----------
    estimator : estimator
        Has the parameter ``image_shape``; gets ``n_features_in_``,
        ``feature_names_in_`` and ``image_shape_`` in a fit.
    X : array-like of shape (n, n_features), (n, H, W) or (n, H, W, C)
        Images of one channel or three.
    reset : bool
        True in ``fit``; False where the images must be like those of ``fit``.

    Returns
    -------
    images : ndarray of shape (n, H, W, C)
        uint8, float32 or float64, C-contiguous where ``X`` is.

    Raises
    ------
    ValueError
        As `validate_rows`, or for a number of channels other than one and three, or
        where the images do not have ``image_shape``.
    """
    rows, shape = _flatten(X)
    if reset:
        if shape is not None:
            _check_channels(shape, (len(rows), *shape))
        shape = _settle_shape(estimator, shape, np.shape(rows))
    rows = _validate(estimator, rows, shape, reset=reset)
    images: NDArray[Any] = rows.reshape(len(rows), *estimator.image_shape_)
    return images


def laid_out_like(X: Any, images: NDArray[Any]) -> Any:
    """Return images in the layout in which others came.

    Parameters
    ----------
    X : table or ndarray of shape (m, n_features), (m, H, W) or (m, H, W, C)
        The others.
    images : ndarray of shape (n, H, W, C)
        Images of the same size.

    Returns
    -------
    images : DataFrame or ndarray
        Flat rows of a table are a table of the same columns, so that estimators find
        the names that they were fitted with.
    """
    if hasattr(X, "columns"):
        return pd.DataFrame(images.reshape(len(images), -1), columns=X.columns)
    return images.reshape(-1, *X.shape[1:])


def learn_value_range(
    value_range: tuple[float, float] | None, images: NDArray[Any]
) -> tuple[float, float]:
    """Return the values of black and white.

    Parameters
    ----------
    value_range : (float, float) or None
        What the user says. None is (0, 255) for bytes, and the least and the largest
        value for floats; around one value only, what lies half as far from it as zero,
        or 0.5.
    images : ndarray, uint8, float32 or float64
        Training images.

    Raises
    ------
    ValueError
        If ``value_range`` is not two finite numbers, the lower first, or either it or
        what was learned is too wide to compute with.
    """
    if value_range is not None:
        is_pair = isinstance(value_range, Sequence | np.ndarray) and (
            [isinstance(value, Real) for value in value_range] == [True, True]
        )
        if not is_pair or not -LARGEST <= value_range[0] < value_range[1] <= LARGEST:
            raise ValueError(
                f"value_range must be None or two finite numbers, (low, high) with low "
                f"below high; got {value_range!r}."
            )
        low, high = map(float, value_range)
    elif images.dtype == np.uint8:
        return 0.0, 255.0
    else:
        low, high = float(images.min()), float(images.max())
    if low == high:
        half = max(0.5, abs(low) / 2)
        low, high = low - half, high + half
    if not high - low <= WIDEST:
        raise ValueError(
            f"The values go from {low:.6g} to {high:.6g}, too far apart to compute "
            f"with: scale X down, or clip it by value_range=(low, high)."
        )
    return low, high


def check_pair(name: str, pair: Any) -> None:
    """Raise where a parameter is not two whole numbers from 1.

    Raises
    ------
    ValueError
        That names it, and what came.
    """
    whole = all(isinstance(size, Integral) and int(size) > 0 for size in pair)
    if len(pair) != 2 or not whole:
        raise ValueError(
            f"{name} must be two whole numbers from 1, (rows, columns); got {pair!r}."
        )


def _flatten(X: Any) -> tuple[Any, ImageShape | None]:
    """Return flat rows and the shape of an image, None where X came as flat rows."""
    X = as_array(X)
    ndim = getattr(X, "ndim", 2)
    if ndim < 3:
        return X, None
    if ndim > 4:
        raise ValueError(
            f"X has {ndim} dimensions, {tuple(X.shape)}; images have the shape "
            f"(n, H, W) or (n, H, W, C), flat rows (n, n_features)."
        )
    shape = _normalize_shape(X.shape[1:])
    return X.reshape(len(X), math.prod(shape)), shape


def as_array(X: Any, name: str = "X") -> Any:
    """Return the array of whatever holds images or rows, or a table of numbers.

    Parameters
    ----------
    X : array-like, tensor, list, Series or table
        Images or flat rows. What is lazy is computed.
    name : str, default="X"
        What errors call it.

    Returns
    -------
    X : ndarray or DataFrame
        No copy where ``X`` is an array already.
    """
    X = computed(X)
    if hasattr(X, "columns"):
        X = read_table(X, name)
    return X if hasattr(X, "columns") else read_array(X, name)


def _normalize_shape(shape: Any) -> ImageShape:
    """Return (H, W, C) for (H, W) or (H, W, C)."""
    sizes = tuple(shape) if isinstance(shape, Sequence | np.ndarray) else ()
    whole = all(isinstance(size, int | np.integer) and size > 0 for size in sizes)
    if len(sizes) not in (2, 3) or not whole:
        raise ValueError(
            f"An image has the shape (H, W) or (H, W, C), each from 1, not {shape}."
        )
    height, width, channels = (*sizes, 1)[:3]
    return int(height), int(width), int(channels)


def _check_channels(shape: ImageShape, given: tuple[int, ...]) -> None:
    if shape[2] in (1, 3):
        return
    hint = " Is it channel-first? Use X.transpose(0, 2, 3, 1)."
    raise ValueError(
        f"X has images of {shape[2]} channels, shape {given}; one channel (gray) or "
        f"three (RGB) are needed, channels last.{hint if shape[0] in (1, 3) else ''}"
    )


def _looks_channel_first(shape: ImageShape) -> bool:
    """Tell shapes such as (3, H, W) from those of other arrays, such as feature maps.

    Learners take any number of channels. Of arrays with one row or three, those are
    suspect whose other two axes could be the sides of an image: of five pixels or more,
    neither over four times as long as the other.
    """
    sides = sorted(shape[1:])
    return shape[0] in (1, 3) and 5 <= sides[0] and sides[1] <= 4 * sides[0]


def _settle_shape(
    estimator: Any, shape: ImageShape | None, rows_shape: tuple[int, ...]
) -> ImageShape | None:
    """Return what the images show, what ``image_shape`` says, or else a guess."""
    if estimator.image_shape is None:
        n_features = rows_shape[-1] if len(rows_shape) == 2 else 0
        guess_needed = shape is None and n_features > 0
        return _guess_shape(estimator, n_features) if guess_needed else shape
    wanted = _shape_asked_for(estimator, shape, rows_shape)
    _check_channels(wanted, wanted)
    return wanted


def _shape_asked_for(
    estimator: Any, shape: ImageShape | None, rows_shape: tuple[int, ...]
) -> ImageShape:
    """Return what ``image_shape`` says, which must be as the images are."""
    n_features = rows_shape[-1] if len(rows_shape) == 2 else 0
    wanted = _normalize_shape(estimator.image_shape)
    if shape is not None and shape != wanted:
        raise ValueError(
            f"X has images of shape {shape}, but image_shape={estimator.image_shape} "
            f"was given: leave image_shape out, or pass images of that shape."
        )
    if n_features > 0 and n_features != math.prod(wanted):
        raise ValueError(
            f"X has {n_features} features, but image_shape={estimator.image_shape} "
            f"needs {math.prod(wanted)}: correct image_shape, or pass images as "
            f"(n, H, W[, C]) arrays without it."
        )
    return wanted


def _remedy(shape: ImageShape, fitted: ImageShape, n: int) -> str:
    """Return what makes of n images such as an estimator was fitted on."""
    height, width, channels = fitted
    if shape == (height, width, 1) and n == channels == 3:
        return "pass one image as X[None], channels last, X.transpose(1, 2, 0)[None]"
    if shape[:2] == (height, width):
        return f"convert them to {'gray' if channels == 1 else 'RGB'}"
    last = (*shape[1:], shape[0])
    if last == fitted:
        return "put channels last, X.transpose(0, 2, 3, 1)"
    if fitted == (shape[2], *shape[:2]):
        return "put channels last where you fit, X.transpose(0, 2, 3, 1)"
    if shape == (width, channels, 1):
        return "pass one image as X[None]"
    if shape[0] in (1, 3) and shape[2] not in (1, 3):
        then = _remedy(last, fitted, n)
        return f"put channels last, X.transpose(0, 2, 3, 1), and {then}"
    return "resize them"


def _validate(
    estimator: Any,
    rows: Any,
    shape: ImageShape | None,
    y: Any = "no_validation",
    *,
    reset: bool,
    dtype: Sequence[type] = IMAGE_DTYPES,
) -> Any:
    """Let scikit-learn check flat rows, and keep or compare the shape of an image."""
    if not reset:
        fitted = estimator.image_shape_
        if shape is not None and fitted is not None and shape != fitted:
            remedy = _remedy(shape, fitted, len(rows))
            raise ValueError(
                f"X has images of shape {shape}, but {type(estimator).__name__} was "
                f"fitted on images of shape {fitted} (height, width, channels): "
                f"{remedy}, or fit on images of this shape."
            )
        if shape is None and fitted is not None:
            _refuse_single_image(estimator, np.shape(rows), fitted)
    with np.errstate(invalid="ignore"):  # its sum of large values of either sign
        checked = validate_data(estimator, rows, y, reset=reset, dtype=list(dtype))
    if reset:
        estimator.image_shape_ = shape
    return checked


def _refuse_single_image(
    estimator: Any, rows_shape: tuple[int, ...], fitted: ImageShape
) -> None:
    """Raise where flat rows are in truth the rows of one gray image."""
    if rows_shape == fitted[:2] and rows_shape[1] != math.prod(fitted):
        raise ValueError(
            f"X has {rows_shape[1]} features, but {type(estimator).__name__} is "
            f"expecting {math.prod(fitted)} features as input. Its shape {rows_shape} "
            f"is that of one image: pass one image as X[None]."
        )


def _guess_shape(estimator: Any, n_features: int) -> ImageShape:
    side, color_side = math.isqrt(n_features), math.isqrt(n_features // 3)
    if side * side == n_features:
        shape, kind = (side, side, 1), "gray images"
    elif 3 * color_side * color_side == n_features:
        shape, kind = (color_side, color_side, 3), "RGB images"
    else:
        shape, kind = (1, n_features, 1), "gray strips"
    warn(
        f"{type(estimator).__name__} got flat rows of {n_features} features and took "
        f"them for {kind} of {shape[0]} x {shape[1]} pixels: pass image_shape=(H, W) "
        f"or (H, W, C) to say what they are.",
        ImageShapeWarning,
    )
    return shape
