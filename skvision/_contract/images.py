"""Validation of images. This is the only file that handles their layout.

Images are passed as ``(n, H, W)`` (gray), as ``(n, H, W, C)`` (channels last) or as
flat rows ``(n, n_features)``, which are these arrays in C order. `validate_rows`
returns flat rows for predictors, and `validate_images` returns ``(n, H, W, C)`` for
transformers. Both use scikit-learn's `validate_data` and check that the images have the
same shape as in ``fit``.
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

WIDEST = 1e300  # maximum width of a value range that can be computed with
LARGEST = float(np.finfo(np.float64).max)

# Other dtypes are converted to the first of these.
IMAGE_DTYPES = (np.float64, np.float32, np.uint8)


@public("skvision")
class ImageShapeWarning(UserWarning):
    """Warning that the shape of images was guessed or seems to be channel-first.

    To avoid guessing the height and width of flat rows, set ``image_shape=(H, W)`` or
    ``(H, W, C)``, or pass the images as an array of shape ``(n, H, W[, C])``. Channels
    must come last: pass ``X.transpose(0, 2, 3, 1)`` if ``X`` has the shape ``(n, C, H,
    W)``.
    """


def validate_rows(
    estimator: Any,
    X: Any,
    y: Any = "no_validation",
    *,
    reset: bool,
    dtype: Sequence[type] = IMAGE_DTYPES,
) -> Any:
    """Validate images and return them as flat rows.

    Parameters
    ----------
    estimator : estimator
        In ``fit``, its attributes ``n_features_in_``, ``feature_names_in_`` and
        ``image_shape_`` are set. If it has a parameter ``image_shape`` that is not
        None, flat rows are interpreted as images of this shape.
    X : array-like of shape (n, n_features), (n, H, W) or (n, H, W, C)
        Images.
    y : array-like of shape (n,), default="no_validation"
        Labels to validate together with ``X``.
    reset : bool
        True in ``fit``. False if the images must have the same shape as in ``fit``.
    dtype : sequence of dtypes
        Dtypes that are kept. Other dtypes are converted to the first of these.

    Returns
    -------
    rows : ndarray of shape (n, n_features)
        The images, each flattened in C order of (H, W, C). A view if possible.
    y : ndarray of shape (n,)
        The labels. Returned only if ``y`` was given.

    Raises
    ------
    ValueError
        If the images are not finite numbers in one of the three layouts, or have
        another shape than in ``fit``.

    Warns
    -----
    ImageShapeWarning
        If the images passed to ``fit`` seem to be channel-first.
    """
    rows, shape = _flatten(X)
    if reset and getattr(estimator, "image_shape", None) is not None:
        shape = _shape_asked_for(estimator, shape, np.shape(rows))
    elif reset and shape is not None and _looks_channel_first(shape):
        warn(
            f"{type(estimator).__name__} got images of {shape[0]} x {shape[1]} pixels "
            f"with {shape[2]} channels, X of shape {(len(rows), *shape)}. Is it "
            f"channel-first? Channels must come last: use X.transpose(0, 2, 3, 1).",
            ImageShapeWarning,
        )
    return _validate(estimator, rows, shape, y, reset=reset, dtype=dtype)


def validate_images(estimator: Any, X: Any, *, reset: bool) -> NDArray[Any]:
    """Validate images for a transformer that needs their height and width.

    Flat rows are reshaped to ``estimator.image_shape``. If it is None, the shape is
    guessed, with an `ImageShapeWarning`: if the number of features is a perfect square,
    the images are gray; if it is three times a perfect square, they are RGB; otherwise
    they are gray and one pixel high.

    Parameters
    ----------
    estimator : estimator
        An estimator with the parameter ``image_shape``. In ``fit``, its attributes
        ``n_features_in_``, ``feature_names_in_`` and ``image_shape_`` are set.
    X : array-like of shape (n, n_features), (n, H, W) or (n, H, W, C)
        Images with one or three channels.
    reset : bool
        True in ``fit``. False if the images must have the same shape as in ``fit``.

    Returns
    -------
    images : ndarray of shape (n, H, W, C)
        The images as uint8, float32 or float64. C-contiguous if ``X`` is.

    Raises
    ------
    ValueError
        As in `validate_rows`, or if the number of channels is not one or three, or if
        the images do not have the shape ``image_shape``.
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
    """Return images in the same layout as ``X``.

    Parameters
    ----------
    X : table or ndarray of shape (m, n_features), (m, H, W) or (m, H, W, C)
        The images or rows whose layout to use.
    images : ndarray of shape (n, H, W, C)
        The images to convert, of the same size.

    Returns
    -------
    images : DataFrame or ndarray
        The images. If ``X`` is a table, they are a table with the same columns, so that
        feature names match those seen in ``fit``.
    """
    if hasattr(X, "columns"):
        return pd.DataFrame(images.reshape(len(images), -1), columns=X.columns)
    return images.reshape(-1, *X.shape[1:])


def learn_value_range(
    value_range: tuple[float, float] | None, images: NDArray[Any]
) -> tuple[float, float]:
    """Return the values that represent black and white.

    Parameters
    ----------
    value_range : (float, float) or None
        The value range set by the user. None is (0, 255) for bytes, and the minimum and
        maximum of the images for floats. If all values are equal, the range extends
        from them by half their distance from zero, and at least by 0.5.
    images : ndarray, uint8, float32 or float64
        Training images.

    Raises
    ------
    ValueError
        If ``value_range`` is not a pair of finite numbers in ascending order, or if the
        range is too wide for floating-point arithmetic.
    """
    if value_range is not None:
        return check_value_range(value_range)
    if images.dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(images.min()), float(images.max())
    if low == high:
        half = max(0.5, abs(low) / 2)
        low, high = low - half, high + half
    _refuse_wide(low, high)
    return low, high


def check_value_range(value_range: Any) -> tuple[float, float]:
    """Return a given value range as floats.

    Raises
    ------
    ValueError
        As in `learn_value_range`.
    """
    is_pair = isinstance(value_range, Sequence | np.ndarray) and (
        [isinstance(value, Real) for value in value_range] == [True, True]
    )
    if not is_pair or not -LARGEST <= value_range[0] < value_range[1] <= LARGEST:
        raise ValueError(
            f"value_range must be None or two finite numbers (low, high) with "
            f"low < high; got {value_range!r}."
        )
    low, high = map(float, value_range)
    _refuse_wide(low, high)
    return low, high


def _refuse_wide(low: float, high: float) -> None:
    if not high - low <= WIDEST:
        raise ValueError(
            f"The values range from {low:.6g} to {high:.6g}, which is too wide for "
            f"float64: scale X down, or clip it with value_range=(low, high)."
        )


def check_pair(name: str, pair: Any) -> None:
    """Raise an error if a parameter is not a pair of positive integers.

    Raises
    ------
    ValueError
        If ``pair`` is anything else.
    """
    whole = all(isinstance(size, Integral) and int(size) > 0 for size in pair)
    if len(pair) != 2 or not whole:
        raise ValueError(
            f"{name} must be two positive integers (rows, columns); got {pair!r}."
        )


def _flatten(X: Any) -> tuple[Any, ImageShape | None]:
    """Return flat rows and the shape of an image, which is None if X is flat rows."""
    X = as_array(X)
    ndim = getattr(X, "ndim", 2)
    if ndim < 3:
        return X, None
    if ndim > 4:
        raise ValueError(
            f"X has {ndim} dimensions, {tuple(X.shape)}; images must have the shape "
            f"(n, H, W) or (n, H, W, C), and flat rows (n, n_features)."
        )
    shape = _normalize_shape(X.shape[1:])
    return X.reshape(len(X), math.prod(shape)), shape


def as_array(X: Any, name: str = "X") -> Any:
    """Return images or rows as an array, or a table of numbers as a DataFrame.

    Parameters
    ----------
    X : array-like, tensor, list, Series or table
        Images or flat rows. Lazy arrays and tables are computed.
    name : str, default="X"
        Name of the argument in error messages.

    Returns
    -------
    X : ndarray or DataFrame
        The images or rows. If ``X`` is already an array, it is not copied.
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
            f"An image must have the shape (H, W) or (H, W, C), with positive "
            f"integers; got {shape}."
        )
    height, width, channels = (*sizes, 1)[:3]
    return int(height), int(width), int(channels)


def _check_channels(shape: ImageShape, given: tuple[int, ...]) -> None:
    if shape[2] in (1, 3):
        return
    hint = " Is it channel-first? Use X.transpose(0, 2, 3, 1)."
    raise ValueError(
        f"X has images with {shape[2]} channels, shape {given}. One channel (gray) or "
        f"three (RGB) are needed, channels last.{hint if shape[0] in (1, 3) else ''}"
    )


def _looks_channel_first(shape: ImageShape) -> bool:
    """Return whether a shape is probably (3, H, W), not that of a feature map.

    Predictors accept any number of channels. A shape with one or three rows is probably
    channel-first if the other two axes could be the sides of an image, which means that
    they have five pixels or more and a ratio of at most four.
    """
    sides = sorted(shape[1:])
    return shape[0] in (1, 3) and 5 <= sides[0] and sides[1] <= 4 * sides[0]


def _settle_shape(
    estimator: Any, shape: ImageShape | None, rows_shape: tuple[int, ...]
) -> ImageShape | None:
    """Return the image shape, from the images, from ``image_shape`` or by a guess."""
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
    """Return ``image_shape`` after checking that it agrees with the images."""
    n_features = rows_shape[-1] if len(rows_shape) == 2 else 0
    wanted = _normalize_shape(estimator.image_shape)
    if shape is not None and shape != wanted:
        raise ValueError(
            f"X has images of shape {shape}, but image_shape={estimator.image_shape}: "
            f"set image_shape=None, or pass images of that shape."
        )
    if n_features > 0 and n_features != math.prod(wanted):
        raise ValueError(
            f"X has {n_features} features, but image_shape={estimator.image_shape} "
            f"requires {math.prod(wanted)}: correct image_shape, or pass images of "
            f"shape (n, H, W[, C]) without it."
        )
    return wanted


def _remedy(shape: ImageShape, fitted: ImageShape, n: int) -> str:
    """Return how to convert images to the shape that an estimator was fitted to."""
    height, width, channels = fitted
    if shape == (height, width, 1) and n == channels == 3:
        return "pass a single image as X.transpose(1, 2, 0)[None], with channels last"
    if shape[:2] == (height, width):
        return f"convert them to {'gray' if channels == 1 else 'RGB'}"
    last = (*shape[1:], shape[0])
    if last == fitted:
        return "put the channels last with X.transpose(0, 2, 3, 1)"
    if fitted == (shape[2], *shape[:2]):
        return "put the channels last in fit too, with X.transpose(0, 2, 3, 1)"
    if shape == (width, channels, 1):
        return "pass a single image as X[None]"
    if shape[0] in (1, 3) and shape[2] not in (1, 3):
        then = _remedy(last, fitted, n)
        return f"put the channels last with X.transpose(0, 2, 3, 1), and {then}"
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
    """Validate flat rows with scikit-learn, and store or check the image shape."""
    if not reset:
        fitted = estimator.image_shape_
        if shape is not None and fitted is not None and shape != fitted:
            remedy = _remedy(shape, fitted, len(rows))
            raise ValueError(
                f"X has images of shape {shape}, but {type(estimator).__name__} was "
                f"fitted to images of shape {fitted} (height, width, channels): "
                f"{remedy}, or fit it to images of this shape."
            )
        if shape is None and fitted is not None:
            _refuse_single_image(estimator, np.shape(rows), fitted)
    with np.errstate(invalid="ignore"):  # large values of both signs have a sum of NaN
        checked = validate_data(estimator, rows, y, reset=reset, dtype=list(dtype))
    if reset:
        estimator.image_shape_ = shape
    return checked


def _refuse_single_image(
    estimator: Any, rows_shape: tuple[int, ...], fitted: ImageShape
) -> None:
    """Raise an error if flat rows have the shape of a single gray image."""
    if rows_shape == fitted[:2] and rows_shape[1] != math.prod(fitted):
        raise ValueError(
            f"X has {rows_shape[1]} features, but {type(estimator).__name__} is "
            f"expecting {math.prod(fitted)} features as input. Its shape {rows_shape} "
            f"is that of a single image: pass a single image as X[None]."
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
        f"{type(estimator).__name__} got flat rows of {n_features} features and "
        f"interprets them as {kind} of {shape[0]} x {shape[1]} pixels: set "
        f"image_shape=(H, W) or (H, W, C).",
        ImageShapeWarning,
    )
    return shape
