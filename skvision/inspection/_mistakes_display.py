"""The errors that a classifier was surest of."""

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
    as_pictures,
    as_shades,
    divided_axes,
    in_lines,
    show_picture,
)
from skvision.metrics._pairs import as_column, as_labels


@public("skvision.inspection")
class MistakesDisplay:
    """Images whose class was predicted wrong, the most confident first.

    Above each is what was predicted, and how confidently; below it what is true. Such
    mistakes show wrong labels, classes that overlap, and what a classifier falls for.

    Parameters
    ----------
    images : array-like of shape (n, H, W) or (n, H, W, C)
        The images to draw.
    y_true, y_pred : array-like of shape (n,)
        Their true and predicted classes.
    confidence : array-like of shape (n,), default=None
        How confident each prediction was.
    n_wrong : int, default=None
        How many mistakes there were; None is n.
    n_predictions : int, default=None
        Among how many predictions; None does not say.
    confidence_name : str, default="confidence"
        What the confidence is: ``"probability"``, say.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n,)
        One for each image, after `plot`; a single one that says so where there is no
        mistake.
    figure_ : Figure
        The figure that they are in.

    See Also
    --------
    SaliencyDisplay : What in an image speaks for a class.
    sklearn.metrics.ConfusionMatrixDisplay : How often which class is taken for which.

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
        """Predict, and draw the most confident mistakes.

        The confidence is the probability of the predicted class. A classifier without
        probabilities has the margin: how far the largest score is above the second, or,
        with two classes, the score from zero.

        Parameters
        ----------
        estimator : estimator
            Any fitted classifier, or a pipeline that ends in one.
        X : array-like
            What it predicts from: images as a rule.
        y : array-like of shape (n_predictions,)
            True classes.
        images : array-like of shape (n_predictions, H, W[, C]), default=None
            Images to draw, where ``X`` is paths or features. None draws ``X``.
        n_pictures : int, default=20
            How many mistakes to draw at most.
        image_shape : (int, int) or (int, int, int), default=None
            Height, width and channels of images that come as flat rows; where it is
            None they are guessed with an `ImageShapeWarning`.
        ax : Axes, default=None
            Axes to divide; None makes a figure.
        n_cols : int, default=5
            Images in a row.

        Returns
        -------
        display : MistakesDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If the estimator is no classifier.
        ValueError
            If ``X``, ``y`` and ``images`` are not of one length, or are no images, or
            ``n_pictures`` or ``n_cols`` is less than 1.
        """
        if not is_classifier(estimator):
            raise TypeError(
                f"mistakes are of a classifier; got {type(estimator).__name__}."
            )
        y_pred = np.asarray(estimator.predict(X))
        confidence, name = _confidence(estimator, X, y_pred)
        return cls._draw(
            X if images is None else images,
            y,
            y_pred,
            confidence,
            name,
            n_pictures=n_pictures,
            image_shape=image_shape,
            ax=ax,
            n_cols=n_cols,
        )

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
        """Draw the most confident mistakes of predictions.

        Parameters
        ----------
        images : array-like of shape (n_predictions, H, W[, C])
            All images.
        y_true : array-like of shape (n_predictions,)
            True classes.
        y_pred : array-like of shape (n_predictions,)
            Predicted classes.
        confidence : array-like of shape (n_predictions,), default=None
            How confident each prediction is: its probability, or any other number. None
            draws mistakes in the order in which they come.
        n_pictures : int, default=20
            How many mistakes to draw at most.
        image_shape : (int, int) or (int, int, int), default=None
            Height, width and channels of images that come as flat rows; where it is
            None they are guessed with an `ImageShapeWarning`.
        ax : Axes, default=None
            Axes to divide; None makes a figure.
        n_cols : int, default=5
            Images in a row.

        Returns
        -------
        display : MistakesDisplay
            What was drawn.

        Raises
        ------
        ValueError
            If the arrays are not of one length, ``images`` are no images, or
            ``n_pictures`` or ``n_cols`` is less than 1.
        """
        return cls._draw(
            images,
            y_true,
            y_pred,
            confidence,
            "confidence",
            n_pictures=n_pictures,
            image_shape=image_shape,
            ax=ax,
            n_cols=n_cols,
        )

    @classmethod
    def _draw(
        cls,
        images: np.ndarray,
        y_true: Any,
        y_pred: Any,
        confidence: Any,
        name: str,
        *,
        n_pictures: int,
        image_shape: Any,
        ax: Any,
        n_cols: int,
    ) -> Self:
        """Choose the mistakes, and draw them."""
        check_scalar(n_pictures, "n_pictures", Integral, min_val=1)
        y_true, y_pred = as_labels(y_true, "y_true"), as_labels(y_pred, "y_pred")
        lengths = {"images": len(images), "y_true": len(y_true), "y_pred": len(y_pred)}
        if confidence is not None:
            confidence = as_column(confidence, "confidence")
            lengths["confidence"] = len(confidence)
        if len(set(lengths.values())) > 1:
            raise ValueError(f"There must be one for each image; got {lengths}.")
        first = None if hasattr(images, "columns") else next(iter(images), None)
        if isinstance(first, str | bytes | os.PathLike):
            raise ValueError(
                "X holds no images but paths or the like: pass those to draw as "
                "images=, read by ImageReader for instance."
            )
        wrong = np.flatnonzero(y_true != y_pred)
        if confidence is not None:
            wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
        shown = wrong[:n_pictures]
        pictures = safe_indexing(images, shown)
        return cls(
            as_pictures(pictures, image_shape) if len(shown) else pictures,
            y_true[shown],
            y_pred[shown],
            None if confidence is None else confidence[shown],
            n_wrong=len(wrong),
            n_predictions=len(y_true),
            confidence_name=name,
        ).plot(ax, n_cols=n_cols)

    def plot(self, ax: Any = None, *, n_cols: int = 5) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to divide; None makes a figure, with a title.
        n_cols : int, default=5
            Images in a row.

        Returns
        -------
        display : MistakesDisplay
            The same.

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
            show_picture(axes, shades[i], vmin=0, vmax=1)
            sure = "" if self.confidence is None else f"  {self.confidence[i]:.2f}"
            said = in_lines(axes, self.y_pred[i], sure)
            axes.set_title(said, fontsize="medium", color=ORANGE)
            axes.set_xlabel(in_lines(axes, f"true: {self.y_true[i]}"), color=GREEN)
        if ax is None:
            self.figure_.suptitle(self._headline(), fontsize="medium")
        return self

    def _headline(self) -> str:
        """Return what there is to see, in a line or two."""
        of = "" if self.n_predictions is None else f" of {self.n_predictions}"
        if not len(self.images):
            return f"None{of} wrong: there is no mistake to show."
        wrong = f"{self.n_wrong}{of} wrong"
        if self.confidence is None:
            return f"{wrong}; predicted class above, true one below"
        return (
            f"{wrong}, the most confident first\n"
            f"predicted class and {self.confidence_name} above, true class below"
        )


def _confidence(estimator: Any, X: Any, y_pred: np.ndarray) -> tuple[Any, str]:
    """Return how confident predictions are, (n,), and what that is called."""
    if hasattr(estimator, "predict_proba"):
        # not the largest: a threshold may have chosen another class
        is_predicted = y_pred[:, None] == estimator.classes_
        return np.asarray(estimator.predict_proba(X))[is_predicted], "probability"
    if not hasattr(estimator, "decision_function"):
        return None, "confidence"
    scores = np.asarray(estimator.decision_function(X))
    if scores.ndim == 1:
        return np.abs(scores), "margin"
    first, second = np.sort(scores, axis=1)[:, :-3:-1].T
    return first - second, "margin"
