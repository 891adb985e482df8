"""Display of the weights of linear classes and of the units of a first layer."""

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from skvision._contract.models import DifferentiableClassifier, answers
from skvision._contract.public import public
from skvision.inspection._drawing import divided_axes, show_weights, wrap_text
from skvision.inspection._targets import last_step


@public("skvision.inspection")
class TemplateDisplay:
    """Weights as images, which are the templates of classes or units.

    The score of a linear class is the sum over all pixels of the image times the
    weight. Templates of one channel are blue where bright pixels are evidence for the
    class, and red where they are evidence against it. Templates of three channels show
    the colors that are evidence for the class, and are gray where the weights are zero.

    Parameters
    ----------
    templates : array-like of shape (n, H, W) or (n, H, W, C)
        Weights.
    names : array-like of shape (n,)
        Titles of the templates.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n,)
        Axes of the templates, set by `plot`.
    figure_ : Figure
        Figure of the plot, set by `plot`.

    See Also
    --------
    saliency : Gradients for a given image, also of networks.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import SoftmaxRegression
    >>> from skvision.inspection import TemplateDisplay
    >>> digits = load_digits()
    >>> model = SoftmaxRegression(alpha=0.1).fit(digits.images / 16, digits.target)
    >>> display = TemplateDisplay.from_estimator(model)
    >>> len(display.axes_), display.templates.shape
    (10, (10, 8, 8))
    """

    def __init__(self, templates: ArrayLike, names: ArrayLike) -> None:
        self.templates = np.asarray(templates)
        self.names = np.asarray(names)

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Any = None, n_units: int = 40, n_cols: int = 10
    ) -> Self:
        """Plot the templates of a fitted classifier.

        Parameters
        ----------
        estimator : estimator
            `SoftmaxRegression`, `MulticlassSVM`, `Perceptron`, `MLPBackprop` or
            `ArcFaceEmbedder` that was fitted to images, a pipeline that ends with one,
            or a search over one. In a pipeline, the weights belong to the images that
            the last step receives. For a network, the units of the first layer are
            drawn, with the weights of standardized pixels if the network standardizes
            them.
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.
        n_units : int, default=40
            Maximum number of units of a network to draw. Those with the largest
            Euclidean norms of weights are drawn, sorted by norm.
        n_cols : int, default=10
            Number of templates per row.

        Returns
        -------
        display : TemplateDisplay
            The display with the computed values.

        Raises
        ------
        TypeError
            If the estimator is not one of these.
        ValueError
            If it was fitted to flat rows of unknown height and width, or if ``n_units``
            or ``n_cols`` is less than 1.
        """
        model = last_step(estimator)
        if not answers(model, DifferentiableClassifier):
            raise TypeError(
                f"estimator must be a linear classifier or a network of skvision; got "
                f"{type(model).__name__}. Use occlusion for other classifiers."
            )
        check_is_fitted(model)
        check_scalar(n_units, "n_units", Integral, min_val=1)
        if model.image_shape_ is None:
            raise ValueError(
                f"{type(model).__name__} was fitted to flat rows, so that the height "
                f"and width of its weights are unknown. Fit it to images "
                f"(n, H, W[, C]), or set its parameter image_shape if it has one. "
                f"After a HOG, use HOGDisplay.from_classifier."
            )
        rows = model.first_layer_weights_
        if hasattr(model, "coef_"):  # the units of a linear classifier are classes
            names = model.classes_[-len(rows) :]
        else:
            order = np.argsort(-np.linalg.norm(rows, axis=1), kind="stable")
            order = order[:n_units]
            rows, names = rows[order], [f"unit {i}" for i in order]
        height, width, channels = model.image_shape_
        shape = (height, width, channels)[: 2 if channels == 1 else 3]
        return cls(rows.reshape(-1, *shape), names).plot(ax, n_cols=n_cols)

    def plot(self, ax: Any = None, *, n_cols: int = 10) -> Self:
        """Plot the display.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.
        n_cols : int, default=10
            Number of templates per row.

        Returns
        -------
        display : TemplateDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        n = len(self.templates)
        self.axes_ = divided_axes(ax, type(self).__name__, n, n_cols, (1.1, 1.3))
        self.figure_ = self.axes_[0].figure
        largest = np.abs(self.templates).max()
        for axes, weights, name in zip(
            self.axes_, self.templates, self.names, strict=True
        ):
            show_weights(axes, weights, largest)
            axes.set_title(wrap_text(axes, name), fontsize="small")
        return self
