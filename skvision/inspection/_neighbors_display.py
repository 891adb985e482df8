"""Display of images and their nearest training images."""

import textwrap
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length, check_scalar
from sklearn.utils.validation import check_is_fitted

from skvision._contract.labels import refuse_missing
from skvision._contract.models import TrainingImages, answers
from skvision._contract.public import public
from skvision._contract.sklearn_compat import safe_indexing
from skvision.inspection._drawing import (
    GRAY,
    MARKS,
    as_images,
    as_shades,
    divided_axes,
    show_image,
    wrap_text,
)
from skvision.inspection._targets import (
    best_estimator_of,
    input_of_last_step,
    last_step,
)
from skvision.metrics._pairs import as_labels

MAX_NEIGHBORS = 10
WIDE = 18  # letters per line beside an image
NAMES = {1: "nearest", 2: "2nd", 3: "3rd"}


@public("skvision.inspection")
class NeighborsDisplay:
    """Images and their nearest training images, one row per image.

    The class and the distance of a neighbor are shown below it. If the true classes are
    known, neighbors of the true class have a tick and a green frame, and the others a
    cross and an orange frame.

    Parameters
    ----------
    pictures : array-like of shape (n, H, W) or (n, H, W, C)
        Images whose neighbors are shown.
    neighbors : array-like of shape (n, n_neighbors, H, W) or (n, n_neighbors, H, W, C)
        Nearest training images of each image, sorted by distance.
    neighbor_classes : array-like of shape (n, n_neighbors)
        Class labels of the neighbors.
    distances : array-like of shape (n, n_neighbors)
        Distances of the neighbors.
    y_pred : array-like of shape (n,), default=None
        Predicted class labels.
    y_true : array-like of shape (n,), default=None
        True class labels.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n, 1 + n_neighbors)
        Axes of each image and its neighbors, one row per image, set by `plot`.
    figure_ : Figure
        Figure of the plot, set by `plot`.

    See Also
    --------
    skvision.KNNImageClassifier : Classifier by a vote of these neighbors.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import KNNImageClassifier
    >>> from skvision.inspection import NeighborsDisplay
    >>> digits = load_digits()
    >>> X, y = digits.images, digits.target
    >>> model = KNNImageClassifier(n_neighbors=3).fit(X[:1000], y[:1000])
    >>> display = NeighborsDisplay.from_estimator(model, X[1000:1004], y[1000:1004])
    >>> display.axes_.shape
    (4, 4)
    >>> display.neighbor_classes[0]
    array([1, 1, 1])
    """

    def __init__(
        self,
        pictures: ArrayLike,
        neighbors: ArrayLike,
        neighbor_classes: ArrayLike,
        distances: ArrayLike,
        *,
        y_pred: ArrayLike | None = None,
        y_true: ArrayLike | None = None,
    ) -> None:
        refuse_missing(neighbor_classes, "neighbor_classes")
        refuse_missing(y_pred, "y_pred")
        refuse_missing(y_true, "y_true")
        self.pictures = np.asarray(pictures)
        self.neighbors = np.asarray(neighbors)
        self.neighbor_classes = np.asarray(neighbor_classes)
        self.distances = np.asarray(distances)
        self.y_pred = None if y_pred is None else np.asarray(y_pred)
        self.y_true = None if y_true is None else np.asarray(y_true)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        X_train: Any = None,
        n_neighbors: Any = None,
        n_pictures: int = 8,
        image_shape: Any = None,
        ax: Any = None,
    ) -> Self:
        """Find the nearest training images and plot them.

        Parameters
        ----------
        estimator : KNNImageClassifier or Pipeline
            Fitted classifier, a pipeline that ends with one, or a search over one.
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or other input of the estimator.
        y : array-like of shape (n,), default=None
            True class labels. If None, no marks are drawn.
        X_train : array-like of shape (n_train, H, W[, C]) or (n_train, n_features)
            Images that the estimator was fitted to, in the same order. They are
            required if the classifier was fitted to features, as in most pipelines.
            None draws ``X`` and the training images as input of the classifier.
        n_neighbors : int, default=None
            Number of neighbors to draw. None means the number that vote, but at most
            10.
        n_pictures : int, default=8
            Maximum number of images of ``X`` to draw; the first ones are drawn.
        image_shape : (int, int) or (int, int, int), default=None
            Height, width and channels of images that are passed as flat rows. If None,
            they are guessed with an `ImageShapeWarning`.
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.

        Returns
        -------
        display : NeighborsDisplay
            The display with the computed values.

        Raises
        ------
        TypeError
            If the estimator is not one of these.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If ``X`` and ``y`` have different lengths, if ``n_pictures`` is less than 1,
            or if ``X_train`` is missing or does not match the training set of the
            estimator.
        """
        model = last_step(estimator)
        if not answers(model, TrainingImages):
            raise TypeError(
                f"estimator must be a KNNImageClassifier, or a pipeline that ends with "
                f"one; got {type(model).__name__}."
            )
        check_is_fitted(model)
        check_consistent_length(X, y)
        check_scalar(n_pictures, "n_pictures", Integral, min_val=1)
        X, y = X[:n_pictures], None if y is None else as_labels(y, "y")[:n_pictures]
        rows = input_of_last_step(estimator, X)
        if n_neighbors is None:
            n_neighbors = min(model.n_neighbors, MAX_NEIGHBORS, model.n_samples_fit_)
        distances, indices = model.kneighbors(rows, n_neighbors)
        if X_train is None:
            piped = model is not best_estimator_of(estimator)
            X, X_train = rows, _training_images(model, piped, image_shape)
            image_shape = model.image_shape_ or image_shape
        elif len(X_train) != model.n_samples_fit_:
            raise ValueError(
                f"X_train has {len(X_train)} images, but {type(model).__name__} was "
                f"fitted to {model.n_samples_fit_}. Pass its training images in the "
                f"same order."
            )
        shown, inverse = np.unique(indices, return_inverse=True)
        neighbors = as_images(safe_indexing(X_train, shown), image_shape)
        return cls(
            as_images(X, image_shape),
            neighbors[inverse.reshape(indices.shape)],
            model.training_labels_[indices],
            distances,
            y_pred=model.predict(rows),
            y_true=y,
        ).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Plot the display.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.

        Returns
        -------
        display : NeighborsDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        n, n_neighbors = self.distances.shape
        size = 1.15, 1.4
        axes = divided_axes(
            ax, type(self).__name__, n * (1 + n_neighbors), 1 + n_neighbors, size
        )
        self.axes_ = axes.reshape(n, 1 + n_neighbors)
        self.figure_ = axes[0].figure
        if ax is None:  # the text beside the images needs space
            self.figure_.set_figwidth(self.figure_.get_figwidth() + size[0])
        neighbors = self.neighbors.reshape(-1, *self.neighbors.shape[2:])
        pictures, neighbors = as_shades(self.pictures, neighbors)
        for i, row in enumerate(self.axes_):
            self._draw_image(row[0], pictures[i], i)
            for j, axis in enumerate(row[1:]):
                self._draw_neighbor(axis, neighbors[i * n_neighbors + j], i, j)
        self.axes_[0, 0].set_title("image", fontsize="small")
        self.axes_[0, 0].set_xlabel(
            "class\ndistance", color=GRAY, fontsize="small", labelpad=3
        )
        for j, axis in enumerate(self.axes_[0, 1:], start=1):
            axis.set_title(NAMES.get(j, f"{j}th"), fontsize="small")
        return self

    def _draw_image(self, axes: Any, image: np.ndarray, i: int) -> None:
        show_image(axes, image, vmin=0, vmax=1)
        lines, color = [], GRAY
        if self.y_true is not None:
            lines.append(textwrap.fill(f"true: {self.y_true[i]}", WIDE))
        if self.y_pred is not None:
            text = f"predicted: {self.y_pred[i]}"
            if self.y_true is not None:
                mark, color = MARKS[bool(self.y_pred[i] == self.y_true[i])]
                text += f" {mark}"
            lines.append(textwrap.fill(text, WIDE))
        axes.set_ylabel(
            "\n".join(lines),
            color=color,
            fontsize="small",
            rotation="horizontal",
            horizontalalignment="right",
            verticalalignment="center",
        )

    def _draw_neighbor(self, axes: Any, image: np.ndarray, i: int, j: int) -> None:
        show_image(axes, image, vmin=0, vmax=1)
        mark, color = "", "black"
        if self.y_true is not None:
            mark, color = MARKS[bool(self.neighbor_classes[i, j] == self.y_true[i])]
            mark = f" {mark}"
            axes.spines[:].set(color=color, linewidth=2.5)
        name = wrap_text(axes, self.neighbor_classes[i, j], mark)
        axes.set_xlabel(
            f"{name}\n{_three_digits(self.distances[i, j])}",
            color=color,
            fontsize="small",
            labelpad=3,
        )


def _three_digits(distance: float) -> str:
    """Return a distance as text with three digits, or all digits before the point."""
    return f"{distance:,.0f}" if distance >= 99.95 else f"{distance:#.3g}"


def _training_images(model: Any, piped: bool, image_shape: Any) -> Any:
    """Return the training images of a classifier, which may be rows."""
    if model.image_shape_ is None and piped and image_shape is None:
        raise ValueError(
            f"{type(model).__name__} was fitted to features and has no images. Pass "
            f"the training images of the pipeline as X_train, in the same order."
        )
    return model.training_images_
