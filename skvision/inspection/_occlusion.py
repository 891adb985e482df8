"""What a classifier loses with a part of the image."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from skvision._contract.images import as_array, check_pair, laid_out_like
from skvision._contract.public import public
from skvision.inspection._drawing import as_pictures
from skvision.inspection._targets import class_indices

VALUES_PER_BLOCK = 1 << 22  # of covered images at a time


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
    r"""Compute how much a class loses when a patch of the image is covered.

    .. math:: m(p) = \frac{1}{|P_p|} \sum_{P \in P_p} \left(f_j(x) - f_j(x_{-P})\right)

    with the probability or score :math:`f_j` of a class, the image :math:`x_{-P}`
    with the patch :math:`P` covered, and all patches :math:`P_p` of a grid that cover
    the pixel :math:`p`. Positive values speak for the class.

    Parameters
    ----------
    estimator : estimator
        Any fitted classifier, or a pipeline that ends in one, that takes images.
    X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
        Images of one channel or three; of files, what `ImageReader` makes of them.
    patch_size : int or (int, int), default=None
        Rows and columns of a patch, in pixels. None is a quarter of height and width.
        Where the image is smaller, the patch shrinks to it.
    stride : int or (int, int), default=None
        From one patch to the next, in pixels, not more than ``patch_size``. None is
        half of that. The last patches end at the border.
    fill : float or array-like of shape (C,), default=None
        What covers, in units of the pixels. None is the mean color of each image.
    target : label or array-like of shape (n,), default=None
        The class that is meant, one for all images or one for each. None is the class
        that is predicted.
    response_method : {"auto", "predict_proba", "decision_function"}, default="auto"
        What is watched. "auto" is the probability where the classifier has one, else
        the score.
    image_shape : (int, int) or (int, int, int), default=None
        Height, width and channels of images that come as flat rows; where it is None
        they are guessed with an `ImageShapeWarning`.

    Returns
    -------
    maps : ndarray of shape (n, H, W)
        float64 for float64 images, else float32: of probabilities, from -1 to 1.

    Raises
    ------
    TypeError
        If the estimator is no classifier.
    ValueError
        If a parameter is out of its range, ``X`` is not like the images seen in
        ``fit``, or ``target`` has a class that was not.

    See Also
    --------
    saliency : The gradient, for linear models and networks: exact and faster.
    SaliencyDisplay : Draws either beside the images.

    Notes
    -----
    The classifier predicts each image once for each patch: at 32 x 32 pixels, 49
    times by default. Covered images have the dtype of ``X``; what covers bytes is
    rounded.

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
    pictures = as_pictures(X, image_shape)
    index = class_indices(estimator, X, target)
    respond = _responder(estimator, response_name(estimator, response_method))
    n, height, width, _ = pictures.shape
    patches = list(_patches((height, width), patch_size, stride))
    fills = _fills(pictures, fill)
    whole = respond(laid_out_like(X, pictures))[np.arange(n), index]

    totals, counts = np.zeros((n, height, width)), np.zeros((height, width))
    for patch in patches:
        counts[patch] += 1
    pairs = [(i, patch) for i in range(n) for patch in patches]
    size = max(1, VALUES_PER_BLOCK // pictures[0].size)
    for start in range(0, len(pairs), size):
        block = pairs[start : start + size]
        owners = np.array([i for i, _ in block])
        covered = pictures[owners]
        for picture, (i, patch) in zip(covered, block, strict=True):
            picture[patch] = fills[i]
        left = respond(laid_out_like(X, covered))
        left = left[np.arange(len(block)), index[owners]]
        for (i, patch), fall in zip(block, whole[owners] - left, strict=True):
            totals[i][patch] += fall
    dtype = np.float64 if pictures.dtype == np.float64 else np.float32
    return (totals / counts).astype(dtype)


def response_name(estimator: Any, method: str) -> str:
    """Return the name of the method that is watched."""
    names = ("predict_proba", "decision_function")
    if method not in ("auto", *names):
        raise ValueError(
            f'response_method must be "auto", "predict_proba" or "decision_function"; '
            f"got {method!r}."
        )
    asked = names if method == "auto" else (method,)
    had = [name for name in asked if hasattr(estimator, name)]
    if not had:
        raise ValueError(
            f"{type(estimator).__name__} has no {' or '.join(asked)}: set "
            f"response_method to what it has, or calibrate it, with "
            f"CalibratedClassifierCV for instance."
        )
    return had[0]


def _responder(estimator: Any, name: str) -> Callable[..., Any]:
    """Return ``images -> (n, n_classes)`` probabilities or scores."""

    def respond(pictures: Any) -> np.ndarray:
        response = np.asarray(getattr(estimator, name)(pictures))
        if response.ndim == 1:  # the score of the second of two classes
            response = np.column_stack([-response, response])
        return response

    return respond


def _patches(shape: tuple[int, int], patch_size: Any, stride: Any) -> Iterator[Any]:
    """Yield the slices, of rows and columns, of each patch of a grid."""
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
            f"stride={stride!r} is more than a patch of {size[0]} x {size[1]} pixels, "
            f"and would leave pixels that no patch covers: lower it."
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


def _fills(pictures: np.ndarray, fill: Any) -> Any:
    """Return what covers each image, (n, C), in the dtype of the images."""
    of_bytes = pictures.dtype == np.uint8
    if fill is None:
        fills = pictures.mean(axis=(1, 2), dtype=np.float64)
        return np.rint(fills) if of_bytes else fills
    n_channels = pictures.shape[3]
    color = np.asarray(fill, dtype=np.float64)
    if color.shape not in ((), (1,), (n_channels,)) or not np.isfinite(color).all():
        raise ValueError(
            f"fill must be one number, or one for each of the {n_channels} channels; "
            f"got {fill!r}."
        )
    if of_bytes and not ((color >= 0) & (color <= 255)).all():
        raise ValueError(f"fill must be from 0 to 255 for bytes; got {fill!r}.")
    color = np.rint(color) if of_bytes else color
    return np.broadcast_to(color, (len(pictures), n_channels))
