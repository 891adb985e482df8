"""What in an image speaks for a class."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skvision._contract.public import public
from skvision.inspection._drawing import (
    as_pictures,
    as_shades,
    divided_axes,
    show_picture,
    show_weights,
)
from skvision.inspection._occlusion import occlusion, response_name
from skvision.inspection._saliency import saliency
from skvision.inspection._targets import class_indices


@public("skvision.inspection")
class SaliencyDisplay:
    """Images, and beside each a map of what speaks for its class.

    Blue speaks for the class: with `saliency` it would gain if the pixel were brighter,
    with `occlusion` it loses where the image is covered. Red speaks against it. Of
    images in color, a saliency is drawn as the channel in which it is largest.

    Parameters
    ----------
    images : array-like of shape (n, H, W) or (n, H, W, C)
        Images.
    maps : array-like of shape (n, H, W) or (n, H, W, C)
        What `saliency` or `occlusion` computed from them.
    names : array-like of shape (n,)
        The classes that are meant.
    label : str, default=""
        What the maps are, with their unit, to stand beside the scale of colors.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n, 2)
        Image and map, after `plot`.
    figure_ : Figure
        The figure that they are in.

    See Also
    --------
    saliency, occlusion : Compute the maps.
    TemplateDisplay : What a linear class looks for in any image.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import SoftmaxRegression
    >>> from skvision.inspection import SaliencyDisplay
    >>> digits = load_digits()
    >>> model = SoftmaxRegression(alpha=0.1).fit(digits.images / 16, digits.target)
    >>> display = SaliencyDisplay.from_estimator(model, digits.images[:4] / 16)
    >>> display.axes_.shape, display.maps.shape
    ((4, 2), (4, 8, 8))
    """

    def __init__(
        self,
        images: ArrayLike,
        maps: ArrayLike,
        names: ArrayLike,
        *,
        label: str = "",
    ) -> None:
        self.images = np.asarray(images)
        self.maps = np.asarray(maps)
        self.names = np.asarray(names)
        self.label = label

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        method: str = "saliency",
        target: Any = None,
        image_shape: Any = None,
        ax: Any = None,
        n_cols: int = 4,
        **parameters: Any,
    ) -> Self:
        """Compute the maps, and draw them.

        Parameters
        ----------
        estimator : estimator
            Fitted, as `saliency` or `occlusion` takes it.
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images: a few.
        method : {"saliency", "occlusion"}, default="saliency"
            What to compute.
        target : label or array-like of shape (n,), default=None
            The class that is meant. None is the one that is predicted.
        image_shape : (int, int) or (int, int, int), default=None
            Height, width and channels of images that come as flat rows; where it is
            None they are guessed with an `ImageShapeWarning`.
        ax : Axes, default=None
            Axes to divide; None makes a figure.
        n_cols : int, default=4
            Images in a row.
        **parameters : dict
            More parameters of `occlusion`.

        Returns
        -------
        display : SaliencyDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If the method does not know the gradient of the estimator.
        ValueError
            If ``method`` is neither, or a parameter is not as the method needs it.
        """
        if method not in ("saliency", "occlusion"):
            raise ValueError(
                f'method must be "saliency" or "occlusion"; got {method!r}.'
            )
        images = as_pictures(X, image_shape)
        if method == "saliency":
            maps = saliency(estimator, X, target=target, **parameters)
            gray = images.shape[3] == 1
            maps = maps.reshape(images.shape[: 3 if gray else 4])
            label = "change of the\nscore per unit\nof the pixel"
        else:
            maps = occlusion(
                estimator, X, target=target, image_shape=images.shape[1:], **parameters
            )
            asked = parameters.get("response_method", "auto")
            probable = response_name(estimator, asked) == "predict_proba"
            what = "probability" if probable else "score"
            label = f"fall of the\n{what}\nwhere covered"
        names = estimator.classes_[class_indices(estimator, X, target)]
        return cls(images, maps, names, label=label).plot(ax, n_cols=n_cols)

    def plot(self, ax: Any = None, *, n_cols: int = 4) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to divide; None makes a figure.
        n_cols : int, default=4
            Images in a row.

        Returns
        -------
        display : SaliencyDisplay
            The same.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        n = len(self.images)
        name = type(self).__name__
        axes = divided_axes(ax, name, 2 * n, 2 * n_cols, (1.2, 1.45))
        self.axes_ = axes.reshape(n, 2)
        self.figure_ = axes[0].figure
        (shades,) = as_shades(self.images)
        maps = [_one_channel(values) for values in self.maps]
        largest = np.abs(maps).max()
        for i, (left, right) in enumerate(self.axes_):
            show_picture(left, shades[i], vmin=0, vmax=1)
            image = show_weights(right, maps[i], largest)
            right.set_title(f"for {self.names[i]}", fontsize="small")
        bar = self.figure_.colorbar(image, ax=axes.tolist(), shrink=0.8, pad=0.02)
        bar.set_label(self.label, fontsize="small")
        bar.ax.tick_params(labelsize="small")
        return self


def _one_channel(values: np.ndarray) -> np.ndarray:
    """Return a map (H, W): of channels, what is largest, with its sign."""
    if values.ndim == 2:
        return values
    channel = np.abs(values).argmax(axis=2)[:, :, None]
    return np.take_along_axis(values, channel, axis=2)[:, :, 0]
