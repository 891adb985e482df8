"""What HOG keeps of images, and what a linear classifier looks for in it."""

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import OneToOneFeatureMixin, is_classifier
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from skvision._contract.public import public
from skvision._features.hog import HOG
from skvision._features.pixel_normalizer import PixelNormalizer
from skvision.inspection._draw_hog import draw_hog, mean_over_blocks
from skvision.inspection._drawing import (
    as_pictures,
    as_shades,
    divided_axes,
    in_lines,
    show_picture,
    show_weights,
)
from skvision.inspection._targets import best_of

NO_STEPS = (None, "passthrough")


@public("skvision.inspection")
class HOGDisplay:
    """Histograms of oriented gradients as lines along the edges of images.

    Either the features of images, beside these, or what the classes of a linear
    classifier look for: lines are blue where an edge speaks for the class, and red
    where it speaks against it.

    Parameters
    ----------
    drawings : array-like of shape (n, height, width)
        Drawings such as those of `draw_hog`, from 0 to 1; those of weights from -1 to
        1.
    images : array-like of shape (n, H, W) or (n, H, W, C), default=None
        An image to stand before each.
    names : array-like of shape (n,), default=None
        What stands above each.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n, 2) or (n,)
        After `plot`: those of each image and of its drawing, or of drawings alone.
    figure_ : Figure
        The figure that they are in.

    See Also
    --------
    draw_hog : Draws features, as arrays.

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
        """Draw images, and what HOG keeps of them.

        Parameters
        ----------
        estimator : HOG
            Fitted to images of this shape.
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images.
        n_pictures : int, default=8
            How many are drawn at most, the first.
        n_cols : int, default=2
            Images in a row, each with its drawing.
        ax : Axes, default=None
            Axes to divide; None makes a figure.

        Returns
        -------
        display : HOGDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If ``estimator`` is no `HOG`.
        NotFittedError
            If it is not fitted.
        ValueError
            If the images are not of the shape seen in its ``fit``, or ``n_pictures``
            or ``n_cols`` is less than 1.
        """
        if not isinstance(estimator, HOG):
            raise TypeError(
                f"a fitted HOG is needed; got {type(estimator).__name__}. Of a "
                f"pipeline, pass the step that is one; what its classes look for is "
                f"drawn by HOGDisplay.from_classifier."
            )
        check_is_fitted(estimator, "image_shape_")
        check_scalar(n_pictures, "n_pictures", Integral, min_val=1)
        X = X[:n_pictures]
        drawings = draw_hog(estimator, estimator.transform(X))
        pictures = as_pictures(X, estimator.image_shape_)
        return cls(drawings, pictures=pictures).plot(ax, n_cols=n_cols)

    @classmethod
    def from_classifier(cls, pipeline: Any, *, n_cols: int = 5, ax: Any = None) -> Self:
        """Draw the edges that the classes of a linear classifier look for.

        The color of a line is as deep as the mean weight of its feature over all
        blocks that hold the cell, of positive weights or of negative ones, divided by
        the largest such mean of the class. Where a step of the pipeline brings features
        to unit variance, weights are those of features of unit variance.

        Parameters
        ----------
        pipeline : Pipeline
            Fitted; of a `HOG`, steps that keep each feature in its place, such as
            ``StandardScaler`` or `PixelNormalizer`, if any, and a linear classifier,
            which has ``coef_``, a row for each class or one for two.
        n_cols : int, default=5
            Classes in a row.
        ax : Axes, default=None
            Axes to divide; None makes a figure.

        Returns
        -------
        display : HOGDisplay
            What was drawn; of two classes the second.

        Raises
        ------
        TypeError
            If it is no such pipeline.
        NotFittedError
            If it is not fitted.
        """
        # not at the top: it loads much that `import skvision` does without
        from sklearn.svm import SVC, NuSVC

        hog, model = _ends_of(pipeline)
        check_is_fitted(model)
        if not (is_classifier(model) and hasattr(model, "coef_")):
            raise TypeError(
                f"what edges speak for is known of linear classifiers, which have "
                f"coef_; got {type(model).__name__}."
            )
        names = model.classes_ if len(model.classes_) > 2 else model.classes_[1:]
        if isinstance(model, SVC | NuSVC) and len(names) > 1:
            raise TypeError(
                f"the weights of {type(model).__name__} are of pairs of classes, not "
                f"of classes: take LinearSVC or MulticlassSVM."
            )
        drawings = _signed_drawings(hog, model.coef_)
        return cls(drawings, names=names).plot(ax, n_cols=n_cols)

    def plot(self, ax: Any = None, *, n_cols: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to divide; None makes a figure.
        n_cols : int, default=None
            Drawings in a row, with their images; None is 2 with images and 5
            without.

        Returns
        -------
        display : HOGDisplay
            The same.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        n, height, width = self.drawings.shape
        name, side = type(self).__name__, 1.5 if self.pictures is None else 2.2
        size = side, side * height / width + 0.25 * (self.names is not None)
        if self.pictures is None:
            places = axes = divided_axes(ax, name, n, n_cols or 5, size)
        else:
            n_cols = 2 * min(n, n_cols or 2)
            axes = divided_axes(ax, name, 2 * n, n_cols, size).reshape(n, 2)
            places = axes[:, 1]
            for place, picture in zip(
                axes[:, 0], as_shades(self.pictures)[0], strict=True
            ):
                show_picture(place, picture, vmin=0, vmax=1)
        self.axes_, self.figure_ = axes, axes.flat[0].figure
        for place, drawing in zip(places, self.drawings, strict=True):
            if self.drawings.min() < 0:
                show_weights(place, drawing, 1.0)
            else:
                show_picture(place, drawing, vmin=0, vmax=1)
        if self.names is not None:
            for place, name in zip(axes.reshape(n, -1)[:, 0], self.names, strict=True):
                place.set_title(in_lines(place, name), fontsize="medium")
        return self


def _ends_of(pipeline: Any) -> tuple[HOG, Any]:
    """Return the HOG and the classifier of a pipeline, which must keep features."""
    from sklearn.pipeline import Pipeline

    pipeline = best_of(pipeline)
    steps = []
    if isinstance(pipeline, Pipeline):
        steps = [step for _, step in pipeline.steps if step not in NO_STEPS]
    if len(steps) < 2 or not isinstance(steps[0], HOG):
        raise TypeError(
            f"a pipeline is needed that begins with a HOG and ends in a linear "
            f"classifier; got {type(pipeline).__name__}"
            + (f" of {', '.join(type(step).__name__ for step in steps)}." * bool(steps))
        )
    for step in steps[1:-1]:
        if not isinstance(step, OneToOneFeatureMixin | PixelNormalizer):
            raise TypeError(
                f"{type(step).__name__} stands between the HOG and the classifier and "
                f"does not keep each feature in its place, so that weights are of no "
                f"edges: leave it out."
            )
    return steps[0], steps[-1]


def _signed_drawings(hog: HOG, weights: Any) -> Any:
    """Draw rows of weights, from -1 to 1, whichever sign is the stronger at a pixel."""
    weights = np.asarray(weights, np.float32)
    signs = [np.maximum(weights, 0), np.maximum(-weights, 0)]
    means = [mean_over_blocks(hog, rows) for rows in signs]
    peaks = np.stack([rows.max(axis=(1, 2, 3)) for rows in means])
    largest = peaks.max(axis=0)
    shares = np.divide(peaks, largest, out=np.zeros_like(peaks), where=largest > 0)
    # draw_hog divides each by its own largest line: undo that
    for_it, against = (
        draw_hog(hog, rows) * share[:, None, None]
        for rows, share in zip(signs, shares, strict=True)
    )
    return np.where(for_it >= against, for_it, -against)
