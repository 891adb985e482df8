"""Display of explanations of single predictions."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skvision._contract.public import public
from skvision.inspection._drawing import (
    as_images,
    as_shades,
    divided_axes,
    show_image,
    show_weights,
)
from skvision.inspection._occlusion import occlusion, response_name
from skvision.inspection._saliency import saliency
from skvision.inspection._targets import class_indices


@public("skvision.inspection")
class SaliencyDisplay:
    """Images, each beside a map of the evidence for a class.

    Blue is evidence for the class: with `saliency`, its score increases if the pixel
    becomes brighter, and with `occlusion`, it decreases if the region is covered. Red
    is evidence against the class. For color images, the saliency of the channel with
    the largest magnitude is shown.

    Parameters
    ----------
    images : array-like of shape (n, H, W) or (n, H, W, C)
        Images.
    maps : array-like of shape (n, H, W) or (n, H, W, C)
        Results of `saliency` or `occlusion` for the images.
    names : array-like of shape (n,)
        Classes that are explained.
    label : str, default=""
        Label of the color bar, with the unit of the maps.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n, 2)
        Axes of the images and maps, set by `plot`.
    figure_ : Figure
        Figure of the plot, set by `plot`.

    See Also
    --------
    saliency, occlusion : Compute the maps.
    TemplateDisplay : Weights of linear classes and units as images.

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
        """Compute the maps and plot them.

        Parameters
        ----------
        estimator : estimator
            Fitted estimator that `saliency` or `occlusion` supports.
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            A small number of images.
        method : {"saliency", "occlusion"}, default="saliency"
            Method that computes the maps.
        target : label or array-like of shape (n,), default=None
            Class that is explained. None means the predicted class.
        image_shape : (int, int) or (int, int, int), default=None
            Height, width and channels of images that are passed as flat rows. If None,
            they are guessed with an `ImageShapeWarning`.
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.
        n_cols : int, default=4
            Number of images per row.
        **parameters : dict
            Additional parameters of `occlusion`.

        Returns
        -------
        display : SaliencyDisplay
            The display with the computed values.

        Raises
        ------
        TypeError
            If the method does not support the estimator.
        ValueError
            If ``method`` is unknown, or if a parameter of the method is invalid.
        """
        if method not in ("saliency", "occlusion"):
            raise ValueError(
                f'method must be "saliency" or "occlusion"; got {method!r}.'
            )
        images = as_images(X, image_shape)
        if method == "saliency":
            maps = saliency(estimator, X, target=target, **parameters)
            gray = images.shape[3] == 1
            maps = maps.reshape(images.shape[: 3 if gray else 4])
            label = "change of the\nscore per unit\nof the pixel"
        else:
            maps = occlusion(
                estimator, X, target=target, image_shape=images.shape[1:], **parameters
            )
            requested = parameters.get("response_method", "auto")
            is_probability = response_name(estimator, requested) == "predict_proba"
            quantity = "probability" if is_probability else "score"
            label = f"decrease of the\n{quantity}\nwhere covered"
        names = estimator.classes_[class_indices(estimator, X, target)]
        return cls(images, maps, names, label=label).plot(ax, n_cols=n_cols)

    def plot(self, ax: Any = None, *, n_cols: int = 4) -> Self:
        """Plot the display.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.
        n_cols : int, default=4
            Number of images per row.

        Returns
        -------
        display : SaliencyDisplay
            The display itself.

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
            show_image(left, shades[i], vmin=0, vmax=1)
            image = show_weights(right, maps[i], largest)
            right.set_title(f"for {self.names[i]}", fontsize="small")
        bar = self.figure_.colorbar(image, ax=axes.tolist(), shrink=0.8, pad=0.02)
        bar.set_label(self.label, fontsize="small")
        bar.ax.tick_params(labelsize="small")
        return self


def _one_channel(values: np.ndarray) -> np.ndarray:
    """Return a map (H, W) of the channel with the largest magnitude at each pixel."""
    if values.ndim == 2:
        return values
    channel = np.abs(values).argmax(axis=2)[:, :, None]
    return np.take_along_axis(values, channel, axis=2)[:, :, 0]
