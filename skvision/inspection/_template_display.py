"""What linear classes and the units of a first layer look for."""

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from skvision._contract.public import public
from skvision._linear.linear_classifier import LinearClassifier
from skvision._networks.network_classifier import NetworkClassifier
from skvision.inspection._drawing import divided_axes, in_lines, show_weights
from skvision.inspection._targets import best_of


@public("skvision.inspection")
class TemplateDisplay:
    """Weights as images: templates that classes or units compare an image with.

    The score of a linear class is the sum over all pixels of image times weight. A
    gray template is blue where bright pixels speak for the class and red where they
    speak against it; one of colors shows what the class would like to see, and is gray
    where it does not care.

    Parameters
    ----------
    templates : array-like of shape (n, H, W) or (n, H, W, C)
        Weights.
    names : array-like of shape (n,)
        What stands above each.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n,)
        One for each template, after `plot`.
    figure_ : Figure
        The figure that they are in.

    See Also
    --------
    saliency : The same for one image and any differentiable model.

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
        """Draw the templates of a fitted classifier.

        Parameters
        ----------
        estimator : estimator
            `SoftmaxRegression`, `MulticlassSVM`, `Perceptron`, `MLPBackprop` or
            `ArcFaceEmbedder`, fitted to images, or a pipeline that ends in one, or a
            search for one: its weights are those of images as this step gets them. Of
            a network the units of the first layer are drawn, whose weights are those of
            standardized pixels where it standardizes.
        ax : Axes, default=None
            Axes to divide; None makes a figure.
        n_units : int, default=40
            How many units of a network are drawn at most, those of the largest weights
            (in Euclidean norm), largest first.
        n_cols : int, default=10
            Templates in a row.

        Returns
        -------
        display : TemplateDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If the estimator has no templates.
        ValueError
            If it was fitted to flat rows of no known height and width, or ``n_units``
            or ``n_cols`` is less than 1.
        """
        # not at the top: it loads much that `import skvision` does without
        from sklearn.pipeline import Pipeline

        estimator = best_of(estimator)
        model = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        if not isinstance(model, LinearClassifier | NetworkClassifier):
            raise TypeError(
                f"templates are of a linear classifier or a network of skvision; got "
                f"{type(model).__name__}: see occlusion for any other."
            )
        check_is_fitted(model)
        check_scalar(n_units, "n_units", Integral, min_val=1)
        if model.image_shape_ is None:
            raise ValueError(
                f"{type(model).__name__} was fitted to flat rows, so that its weights "
                f"have no height and width: fit it to images (n, H, W[, C]), or pass "
                f"image_shape= where it has that parameter; behind a HOG, draw "
                f"HOGDisplay.from_classifier."
            )
        if isinstance(model, LinearClassifier):
            rows, names = model.coef_, model.classes_[-len(model.coef_) :]
        else:
            weights = model.coefs_[0].T
            order = np.argsort(-np.linalg.norm(weights, axis=1), kind="stable")
            order = order[:n_units]
            rows, names = weights[order], [f"unit {i}" for i in order]
        height, width, channels = model.image_shape_
        shape = (height, width, channels)[: 2 if channels == 1 else 3]
        return cls(rows.reshape(-1, *shape), names).plot(ax, n_cols=n_cols)

    def plot(self, ax: Any = None, *, n_cols: int = 10) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to divide; None makes a figure.
        n_cols : int, default=10
            Templates in a row.

        Returns
        -------
        display : TemplateDisplay
            The same.

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
            axes.set_title(in_lines(axes, name), fontsize="small")
        return self
