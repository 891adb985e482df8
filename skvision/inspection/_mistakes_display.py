"""Display of the most confident mistakes of a classifier."""

import os
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_classifier
from sklearn.utils import check_scalar

from skvision._contract.labels import refuse_missing
from skvision._contract.public import public
from skvision._contract.sklearn_compat import safe_indexing
from skvision.inspection._drawing import (
    GREEN,
    ORANGE,
    as_images,
    as_shades,
    divided_axes,
    show_image,
    wrap_text,
)
from skvision.metrics._pairs import as_column, as_labels


@public("skvision.inspection")
class MistakesDisplay:
    """Misclassified images, with the most confident mistakes first.

    The predicted class and its confidence are shown above each image, and the true
    class below. Such mistakes help to find wrong labels, overlapping classes and
    misleading images.

    Parameters
    ----------
    images : array-like of shape (n, H, W) or (n, H, W, C)
        Misclassified images.
    y_true, y_pred : array-like of shape (n,)
        True and predicted class labels of the images.
    confidence : array-like of shape (n,), default=None
        Confidence of each prediction.
    n_wrong : int, default=None
        Total number of mistakes. None means n.
    n_predictions : int, default=None
        Total number of predictions, which is not shown if None.
    confidence_name : str, default="confidence"
        Name of the confidence, such as ``"probability"``.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n,)
        Axes of the images, set by `plot`. If there are no mistakes, there is a single
        one with a message.
    figure_ : Figure
        Figure of the plot, set by `plot`.

    See Also
    --------
    SaliencyDisplay : Explanations of single predictions.
    sklearn.metrics.ConfusionMatrixDisplay : Counts of confusions between classes.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import SoftmaxRegression
    >>> from skvision.inspection import MistakesDisplay
    >>> digits = load_digits()
    >>> X, y = digits.images / 16, digits.target
    >>> model = SoftmaxRegression().fit(X[:1000], y[:1000])
    >>> display = MistakesDisplay.from_estimator(model, X[1000:], y[1000:])
    >>> display.n_wrong, display.n_predictions
    (54, 797)
    >>> print(display.y_true[:5], display.y_pred[:5], display.confidence[:5].round(2))
    [3 8 1 9 1] [8 5 9 5 9] [0.89 0.88 0.87 0.84 0.79]
    """

    def __init__(
        self,
        images: ArrayLike,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        confidence: ArrayLike | None = None,
        *,
        n_wrong: int | None = None,
        n_predictions: int | None = None,
        confidence_name: str = "confidence",
    ) -> None:
        refuse_missing(y_true, "y_true")
        refuse_missing(y_pred, "y_pred")
        self.images = np.asarray(images)
        self.y_true = np.asarray(y_true)
        self.y_pred = np.asarray(y_pred)
        self.confidence = None if confidence is None else np.asarray(confidence)
        self.n_wrong = len(self.images) if n_wrong is None else n_wrong
        self.n_predictions = n_predictions
        self.confidence_name = confidence_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        images: Any = None,
        n_pictures: int = 20,
        image_shape: Any = None,
        ax: Any = None,
        n_cols: int = 5,
    ) -> Self:
        """Predict the classes of images and plot the most confident mistakes.

        The confidence is the probability of the predicted class. For a classifier
        without probabilities it is the margin, which is the difference of the two
        largest scores or, for two classes, the magnitude of the score.

        Parameters
        ----------
        estimator : estimator
            Fitted classifier, or a pipeline that ends with one.
        X : array-like
            Input of the estimator, usually images.
        y : array-like of shape (n_predictions,)
            True class labels.
        images : array-like of shape (n_predictions, H, W[, C]), default=None
            Images to draw if ``X`` contains paths or features. None draws ``X``.
        n_pictures : int, default=20
            Maximum number of mistakes to draw.
        image_shape : (int, int) or (int, int, int), default=None
            Height, width and channels of images that are passed as flat rows. If None,
            they are guessed with an `ImageShapeWarning`.
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.
        n_cols : int, default=5
            Number of images per row.

        Returns
        -------
        display : MistakesDisplay
            The display with the computed values.

        Raises
        ------
        TypeError
            If the estimator is not a classifier.
        ValueError
            If ``X``, ``y`` and ``images`` have different lengths, if there are no
            images to draw, or if ``n_pictures`` or ``n_cols`` is less than 1.
        """
        if not is_classifier(estimator):
            raise TypeError(
                f"estimator must be a classifier; got {type(estimator).__name__}."
            )
        y_pred = np.asarray(estimator.predict(X))
        confidence, name = _confidence(estimator, X, y_pred)
        images = X if images is None else images
        display = cls._of_mistakes(
            images, y, y_pred, confidence, name, n_pictures, image_shape
        )
        return display.plot(ax, n_cols=n_cols)

    @classmethod
    def from_predictions(
        cls,
        images: Any,
        y_true: Any,
        y_pred: Any,
        *,
        confidence: Any = None,
        n_pictures: int = 20,
        image_shape: Any = None,
        ax: Any = None,
        n_cols: int = 5,
    ) -> Self:
        """Plot the most confident mistakes of given predictions.

        Parameters
        ----------
        images : array-like of shape (n_predictions, H, W[, C])
            All images.
        y_true : array-like of shape (n_predictions,)
            True class labels.
        y_pred : array-like of shape (n_predictions,)
            Predicted class labels.
        confidence : array-like of shape (n_predictions,), default=None
            Confidence of each prediction, such as its probability. None keeps the order
            of the images.
        n_pictures : int, default=20
            Maximum number of mistakes to draw.
        image_shape : (int, int) or (int, int, int), default=None
            Height, width and channels of images that are passed as flat rows. If None,
            they are guessed with an `ImageShapeWarning`.
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.
        n_cols : int, default=5
            Number of images per row.

        Returns
        -------
        display : MistakesDisplay
            The display with the computed values.

        Raises
        ------
        ValueError
            If the arrays have different lengths, if ``images`` does not contain images,
            or if ``n_pictures`` or ``n_cols`` is less than 1.
        """
        display = cls._of_mistakes(
            images, y_true, y_pred, confidence, "confidence", n_pictures, image_shape
        )
        return display.plot(ax, n_cols=n_cols)

    @classmethod
    def _of_mistakes(
        cls,
        images: np.ndarray,
        y_true: Any,
        y_pred: Any,
        confidence: Any,
        name: str,
        n_pictures: int,
        image_shape: Any,
    ) -> Self:
        """Return the display of the most confident mistakes."""
        check_scalar(n_pictures, "n_pictures", Integral, min_val=1)
        y_true, y_pred = as_labels(y_true, "y_true"), as_labels(y_pred, "y_pred")
        lengths = {"images": len(images), "y_true": len(y_true), "y_pred": len(y_pred)}
        if confidence is not None:
            confidence = as_column(confidence, "confidence")
            lengths["confidence"] = len(confidence)
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"The numbers of samples must be equal; got "
                f"{', '.join(f'{n} in {name}' for name, n in lengths.items())}."
            )
        first = None if hasattr(images, "columns") else next(iter(images), None)
        if isinstance(first, str | bytes | os.PathLike):
            raise ValueError(
                "X does not contain images. Pass the images to draw as images=, for "
                "example as read by ImageReader."
            )
        wrong = np.flatnonzero(y_true != y_pred)
        if confidence is not None:
            wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
        shown = wrong[:n_pictures]
        pictures = safe_indexing(images, shown)
        return cls(
            as_images(pictures, image_shape) if len(shown) else pictures,
            y_true[shown],
            y_pred[shown],
            None if confidence is None else confidence[shown],
            n_wrong=len(wrong),
            n_predictions=len(y_true),
            confidence_name=name,
        )

    def plot(self, ax: Any = None, *, n_cols: int = 5) -> Self:
        """Plot the display.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure with a title is created.
        n_cols : int, default=5
            Number of images per row.

        Returns
        -------
        display : MistakesDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        n, name = len(self.images), type(self).__name__
        if n == 0:
            (axes,) = self.axes_ = divided_axes(ax, name, 1, 1, (5, 1.5))
            self.figure_ = axes.figure
            axes.set_axis_off()
            axes.text(0.5, 0.5, self._headline(), ha="center", va="center")
            return self
        self.axes_ = divided_axes(ax, name, n, n_cols, (2.05, 2.35))
        self.figure_ = self.axes_[0].figure
        if ax is None:  # the headline needs its width
            self.figure_.set_figwidth(max(5, self.figure_.get_figwidth()))
        (shades,) = as_shades(self.images)
        for i, axes in enumerate(self.axes_):
            show_image(axes, shades[i], vmin=0, vmax=1)
            suffix = "" if self.confidence is None else f"  {self.confidence[i]:.2f}"
            title = wrap_text(axes, self.y_pred[i], suffix)
            axes.set_title(title, fontsize="medium", color=ORANGE)
            axes.set_xlabel(wrap_text(axes, f"true: {self.y_true[i]}"), color=GREEN)
        if ax is None:
            self.figure_.suptitle(self._headline(), fontsize="medium")
        return self

    def _headline(self) -> str:
        """Return the title, in one or two lines."""
        of = "" if self.n_predictions is None else f" of {self.n_predictions}"
        if not len(self.images):
            return f"None{of} wrong; there are no mistakes to show."
        wrong = f"{self.n_wrong}{of} wrong"
        if self.confidence is None:
            return f"{wrong}; predicted class above, true one below"
        return (
            f"{wrong}, the most confident first\n"
            f"predicted class and {self.confidence_name} above, true class below"
        )


def _confidence(estimator: Any, X: Any, y_pred: np.ndarray) -> tuple[Any, str]:
    """Return the confidence of predictions, (n,), and its name."""
    if hasattr(estimator, "predict_proba"):
        # not the largest one, because a threshold may have chosen another class
        is_predicted = y_pred[:, None] == estimator.classes_
        return np.asarray(estimator.predict_proba(X))[is_predicted], "probability"
    if not hasattr(estimator, "decision_function"):
        return None, "confidence"
    scores = np.asarray(estimator.decision_function(X))
    if scores.ndim == 1:
        return np.abs(scores), "margin"
    first, second = np.sort(scores, axis=1)[:, :-3:-1].T
    return first - second, "margin"
