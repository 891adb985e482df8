"""Explanation of predictions by occlusion."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from skvision._contract.images import as_array, check_pair, laid_out_like
from skvision._contract.public import public
from skvision.inspection._drawing import as_images
from skvision.inspection._targets import class_indices

VALUES_PER_BLOCK = 1 << 22  # of covered images that are predicted together


@public("skvision.inspection")
def occlusion(
    estimator: Any,
    X: Any,
    *,
    patch_size: Any = None,
    stride: Any = None,
    fill: Any = None,
    target: Any = None,
    response_method: str = "auto",
    image_shape: Any = None,
) -> np.ndarray:
    r"""Compute the decrease of a score when patches of the image are covered.

    .. math:: m(p) = \frac{1}{|P_p|} \sum_{P \in P_p} \left(f_j(x) - f_j(x_{-P})\right)

    where :math:`f_j` is the probability or score of a class, :math:`x_{-P}` is the
    image with the patch :math:`P` covered, and :math:`P_p` are all patches of a grid
    that cover the pixel :math:`p`. Positive values are evidence for the class.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier of images, or a pipeline that ends with a classifier.
    X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
        Images with one or three channels. Read files by `ImageReader` first.
    patch_size : int or (int, int), default=None
        Height and width of a patch in pixels, which is at most as large as the image.
        None means a quarter of the height and width of the image.
    stride : int or (int, int), default=None
        Distance between neighboring patches in pixels, at most ``patch_size``. None
        means half of ``patch_size``. The last patches end at the border.
    fill : float or array-like of shape (C,), default=None
        Value of covered pixels, in units of the pixels. None means the mean color of
        each image.
    target : label or array-like of shape (n,), default=None
        Class that is explained, one for all images or one for each image. None means
        the predicted class.
    response_method : {"auto", "predict_proba", "decision_function"}, default="auto"
        Method that computes :math:`f_j`. "auto" uses the probability if the classifier
        has one, and the score otherwise.
    image_shape : (int, int) or (int, int, int), default=None
        Height, width and channels of images that are passed as flat rows. If None, they
        are guessed with an `ImageShapeWarning`.

    Returns
    -------
    maps : ndarray of shape (n, H, W)
        Decreases, which are between -1 and 1 for probabilities; float64 for float64
        images and float32 otherwise.

    Raises
    ------
    TypeError
        If the estimator is not a classifier.
    ValueError
        If a parameter is out of its range, if ``X`` does not have the shape seen during
        ``fit``, or if ``target`` contains an unknown class.

    See Also
    --------
    saliency : Gradient for linear models and networks, which is exact and faster.
    SaliencyDisplay : Display of the maps beside the images.

    Notes
    -----
    The classifier predicts each image once for each patch, which is 49 times by default
    for images of 32 x 32 pixels. Covered images have the dtype of ``X``, with ``fill``
    rounded for uint8.

    References
    ----------
    M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks",
    ECCV 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision import SoftmaxRegression
    >>> from skvision.inspection import occlusion
    >>> images = np.zeros((2, 4, 4))
    >>> images[0, :2], images[1, 2:] = 1, 1
    >>> model = SoftmaxRegression(alpha=0.01).fit(images, ["top", "bottom"])
    >>> maps = occlusion(model, images, patch_size=2, fill=0)
    >>> print(maps[0].round(2))
    [[0.08 0.08 0.08 0.08]
     [0.05 0.05 0.05 0.05]
     [0.01 0.01 0.01 0.01]
     [0.   0.   0.   0.  ]]
    """
    X = as_array(X)
    images = as_images(X, image_shape)
    index = class_indices(estimator, X, target)
    respond = _responder(estimator, response_name(estimator, response_method))
    n, height, width, _ = images.shape
    patches = list(_patches((height, width), patch_size, stride))
    fills = _fills(images, fill)
    whole = respond(laid_out_like(X, images))[np.arange(n), index]

    totals, counts = np.zeros((n, height, width)), np.zeros((height, width))
    for patch in patches:
        counts[patch] += 1
    pairs = [(i, patch) for i in range(n) for patch in patches]
    size = max(1, VALUES_PER_BLOCK // images[0].size)
    for start in range(0, len(pairs), size):
        block = pairs[start : start + size]
        owners = np.array([i for i, _ in block])
        covered = images[owners]
        for image, (i, patch) in zip(covered, block, strict=True):
            image[patch] = fills[i]
        left = respond(laid_out_like(X, covered))
        left = left[np.arange(len(block)), index[owners]]
        for (i, patch), fall in zip(block, whole[owners] - left, strict=True):
            totals[i][patch] += fall
    dtype = np.float64 if images.dtype == np.float64 else np.float32
    return (totals / counts).astype(dtype)


def response_name(estimator: Any, method: str) -> str:
    """Return the name of the response method of the estimator."""
    names = ("predict_proba", "decision_function")
    if method not in ("auto", *names):
        raise ValueError(
            f'response_method must be "auto", "predict_proba" or "decision_function"; '
            f"got {method!r}."
        )
    requested = names if method == "auto" else (method,)
    available = [name for name in requested if hasattr(estimator, name)]
    if not available:
        raise ValueError(
            f"{type(estimator).__name__} has no {' or '.join(requested)}. Set "
            f"response_method to a method that it has, or calibrate it, for example by "
            f"CalibratedClassifierCV."
        )
    return available[0]


def _responder(estimator: Any, name: str) -> Callable[..., Any]:
    """Return a function from images to probabilities or scores (n, n_classes)."""

    def respond(images: Any) -> np.ndarray:
        response = np.asarray(getattr(estimator, name)(images))
        if response.ndim == 1:  # the score of the second of two classes
            response = np.column_stack([-response, response])
        return response

    return respond


def _patches(shape: tuple[int, int], patch_size: Any, stride: Any) -> Iterator[Any]:
    """Yield the slices of rows and columns of each patch of a grid."""
    size = (
        [max(1, round(side / 4)) for side in shape]
        if patch_size is None
        else _pair("patch_size", patch_size)
    )
    size = [min(pair) for pair in zip(size, shape, strict=True)]
    steps = (
        [max(1, side // 2) for side in size]
        if stride is None
        else _pair("stride", stride)
    )
    if any(step > side for step, side in zip(steps, size, strict=True)):
        raise ValueError(
            f"stride must be at most the patch size, {size[0]} x {size[1]} pixels, so "
            f"that patches cover all pixels; got {stride!r}."
        )
    starts = [
        sorted({*range(0, whole - part, step), whole - part})
        for whole, part, step in zip(shape, size, steps, strict=True)
    ]
    for y in starts[0]:
        for x in starts[1]:
            yield slice(y, y + size[0]), slice(x, x + size[1])


def _pair(name: str, sizes: Any) -> list[int]:
    pair = list(sizes) if np.iterable(sizes) else [sizes, sizes]
    check_pair(name, pair)
    return pair


def _fills(images: np.ndarray, fill: Any) -> Any:
    """Return the color that covers each image, (n, C), rounded for uint8 images."""
    is_uint8 = images.dtype == np.uint8
    if fill is None:
        fills = images.mean(axis=(1, 2), dtype=np.float64)
        return np.rint(fills) if is_uint8 else fills
    n_channels = images.shape[3]
    color = np.asarray(fill, dtype=np.float64)
    if color.shape not in ((), (1,), (n_channels,)) or not np.isfinite(color).all():
        raise ValueError(
            f"fill must be a number, or a number for each of the {n_channels} "
            f"channels; got {fill!r}."
        )
    if is_uint8 and not ((color >= 0) & (color <= 255)).all():
        raise ValueError(
            f"fill must be between 0 and 255 for uint8 images; got {fill!r}."
        )
    color = np.rint(color) if is_uint8 else color
    return np.broadcast_to(color, (len(images), n_channels))
