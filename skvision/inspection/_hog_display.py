"""Display of histograms of oriented gradients, and of weights of their classifiers."""

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import OneToOneFeatureMixin, is_classifier
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from skvision._contract.models import EdgeHistograms, answers
from skvision._contract.public import public
from skvision.inspection._draw_hog import draw_hog, mean_over_blocks
from skvision.inspection._drawing import (
    as_images,
    as_shades,
    divided_axes,
    show_image,
    show_weights,
    wrap_text,
)
from skvision.inspection._targets import best_estimator_of

NO_STEPS = (None, "passthrough")


@public("skvision.inspection")
class HOGDisplay:
    """Histograms of oriented gradients as lines along the edges of images.

    The display shows either the features of images, beside these images, or the weights
    of a linear classifier for each class. Lines of weights are blue if an edge is
    evidence for the class, and red if it is evidence against it.

    Parameters
    ----------
    drawings : array-like of shape (n, height, width)
        Drawings such as those of `draw_hog`, from 0 to 1, or drawings of weights, from
        -1 to 1.
    pictures : array-like of shape (n, H, W) or (n, H, W, C), default=None
        Image that is shown before each drawing.
    names : array-like of shape (n,), default=None
        Title of each drawing.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n, 2) or (n,)
        Axes of the images and their drawings, or of drawings only, set by `plot`.
    figure_ : Figure
        Figure of the plot, set by `plot`.

    See Also
    --------
    draw_hog : Compute the drawings as arrays.

    Examples
    --------
    >>> from sklearn.datasets import load_sample_images
    >>> from skvision import HOG
    >>> from skvision.inspection import HOGDisplay
    >>> photos = [photo[:320, :320] for photo in load_sample_images().images]
    >>> hog = HOG(pixels_per_cell=(16, 16)).fit(photos)
    >>> display = HOGDisplay.from_estimator(hog, photos)
    >>> display.axes_.shape, display.drawings.shape
    ((2, 2), (2, 320, 320))
    """

    def __init__(
        self,
        drawings: ArrayLike,
        *,
        pictures: ArrayLike | None = None,
        names: ArrayLike | None = None,
    ) -> None:
        self.drawings = np.asarray(drawings)
        self.pictures = None if pictures is None else np.asarray(pictures)
        self.names = None if names is None else np.asarray(names)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        n_pictures: int = 8,
        n_cols: int = 2,
        ax: Any = None,
    ) -> Self:
        """Plot images and drawings of their features.

        Parameters
        ----------
        estimator : HOG
            Transformer that was fitted to images of this shape.
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images.
        n_pictures : int, default=8
            Maximum number of images to draw; the first ones are drawn.
        n_cols : int, default=2
            Number of images per row, each with its drawing.
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.

        Returns
        -------
        display : HOGDisplay
            The display with the computed values.

        Raises
        ------
        TypeError
            If ``estimator`` is not a `HOG`.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If the images do not have the shape seen during ``fit``, or if
            ``n_pictures`` or ``n_cols`` is less than 1.
        """
        if not answers(estimator, EdgeHistograms):
            raise TypeError(
                f"estimator must be a fitted HOG; got {type(estimator).__name__}. If "
                f"it is a step of a pipeline, pass this step. Plot the weights of a "
                f"classifier by HOGDisplay.from_classifier."
            )
        check_is_fitted(estimator, "image_shape_")
        check_scalar(n_pictures, "n_pictures", Integral, min_val=1)
        X = X[:n_pictures]
        drawings = draw_hog(estimator, estimator.transform(X))
        pictures = as_images(X, estimator.image_shape_)
        return cls(drawings, pictures=pictures).plot(ax, n_cols=n_cols)

    @classmethod
    def from_classifier(cls, pipeline: Any, *, n_cols: int = 5, ax: Any = None) -> Self:
        """Plot the weights of the classes of a linear classifier.

        The intensity of a line is the mean weight of its feature over all blocks that
        contain the cell, for positive and for negative weights, divided by the largest
        such mean of the class. If a step of the pipeline scales the features to unit
        variance, the weights are those of the scaled features.

        Parameters
        ----------
        pipeline : Pipeline
            Fitted pipeline of a `HOG`, optional steps with one-to-one features such as
            ``StandardScaler`` or `PixelNormalizer`, and a linear classifier with
            ``coef_``, which has a row for each class, or a single row for two classes.
        n_cols : int, default=5
            Number of classes per row.
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.

        Returns
        -------
        display : HOGDisplay
            The display. Of two classes, the second is drawn.

        Raises
        ------
        TypeError
            If ``pipeline`` is not such a pipeline.
        NotFittedError
            If the estimator is not fitted.
        """
        # imported here because it loads many modules
        from sklearn.svm import SVC, NuSVC

        hog, model = _split_pipeline(pipeline)
        check_is_fitted(model)
        if not (is_classifier(model) and hasattr(model, "coef_")):
            raise TypeError(
                f"The last step must be a linear classifier, which has coef_; got "
                f"{type(model).__name__}."
            )
        names = model.classes_ if len(model.classes_) > 2 else model.classes_[1:]
        if isinstance(model, SVC | NuSVC) and len(names) > 1:
            raise TypeError(
                f"The weights of {type(model).__name__} belong to pairs of classes and "
                f"not to classes. Use LinearSVC or MulticlassSVM."
            )
        drawings = _signed_drawings(hog, model.coef_)
        return cls(drawings, names=names).plot(ax, n_cols=n_cols)

    def plot(self, ax: Any = None, *, n_cols: Any = None) -> Self:
        """Plot the display.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.
        n_cols : int, default=None
            Number of drawings per row, with their images. None means 2 with images and
            5 without.

        Returns
        -------
        display : HOGDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        n, height, width = self.drawings.shape
        name, side = type(self).__name__, 1.5 if self.pictures is None else 2.2
        size = side, side * height / width + 0.25 * (self.names is not None)
        if self.pictures is None:
            drawing_axes = axes = divided_axes(ax, name, n, n_cols or 5, size)
        else:
            n_cols = 2 * min(n, n_cols or 2)
            axes = divided_axes(ax, name, 2 * n, n_cols, size).reshape(n, 2)
            drawing_axes = axes[:, 1]
            for axis, image in zip(
                axes[:, 0], as_shades(self.pictures)[0], strict=True
            ):
                show_image(axis, image, vmin=0, vmax=1)
        self.axes_, self.figure_ = axes, axes.flat[0].figure
        for axis, drawing in zip(drawing_axes, self.drawings, strict=True):
            if self.drawings.min() < 0:
                show_weights(axis, drawing, 1.0)
            else:
                show_image(axis, drawing, vmin=0, vmax=1)
        if self.names is not None:
            for axis, name in zip(axes.reshape(n, -1)[:, 0], self.names, strict=True):
                axis.set_title(wrap_text(axis, name), fontsize="medium")
        return self


def _split_pipeline(pipeline: Any) -> tuple[Any, Any]:
    """Return the HOG and the classifier of a pipeline, and validate its other steps."""
    from sklearn.pipeline import Pipeline

    pipeline = best_estimator_of(pipeline)
    steps = []
    if isinstance(pipeline, Pipeline):
        steps = [step for _, step in pipeline.steps if step not in NO_STEPS]
    if len(steps) < 2 or not answers(steps[0], EdgeHistograms):
        raise TypeError(
            f"pipeline must begin with a HOG and end with a linear classifier; got "
            f"{type(pipeline).__name__}"
            + (f" of {', '.join(type(step).__name__ for step in steps)}." * bool(steps))
        )
    for step in steps[1:-1]:
        if not isinstance(step, OneToOneFeatureMixin):
            raise TypeError(
                f"{type(step).__name__}, between the HOG and the classifier, has no "
                f"one-to-one features, so that the weights do not belong to edges. "
                f"Remove this step."
            )
    return steps[0], steps[-1]


def _signed_drawings(hog: EdgeHistograms, weights: Any) -> Any:
    """Draw rows of weights, from -1 to 1, with the stronger sign at each pixel."""
    weights = np.asarray(weights, np.float32)
    signs = [np.maximum(weights, 0), np.maximum(-weights, 0)]
    means = [mean_over_blocks(hog, rows) for rows in signs]
    peaks = np.stack([rows.max(axis=(1, 2, 3)) for rows in means])
    largest = peaks.max(axis=0)
    scales = np.divide(peaks, largest, out=np.zeros_like(peaks), where=largest > 0)
    # draw_hog divides each drawing by its own largest line, which is undone here
    positive, negative = (
        draw_hog(hog, rows) * scale[:, None, None]
        for rows, scale in zip(signs, scales, strict=True)
    )
    return np.where(positive >= negative, positive, -negative)
