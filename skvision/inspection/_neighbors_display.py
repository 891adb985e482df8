"""The training images that vote on an image."""

import textwrap
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length, check_scalar
from sklearn.utils.validation import check_is_fitted

from skvision._contract.labels import refuse_missing
from skvision._contract.public import public
from skvision._contract.sklearn_compat import safe_indexing
from skvision._neighbors.knn_image_classifier import KNNImageClassifier
from skvision.inspection._drawing import (
    GRAY,
    MARKS,
    as_pictures,
    as_shades,
    divided_axes,
    in_lines,
    show_picture,
)
from skvision.metrics._pairs import as_labels

MOST_NEIGHBORS = 10
WIDE = 18  # letters left of an image
NAMES = {1: "nearest", 2: "2nd", 3: "3rd"}


@public("skvision.inspection")
class NeighborsDisplay:
    """Images in rows, each followed by its nearest training images.

    Below a neighbor are its class and its distance. Where the true classes are known,
    a tick and a green frame stand for neighbors of the right class, a cross and an
    orange frame for all others.

    Parameters
    ----------
    images : array-like of shape (n, H, W) or (n, H, W, C)
        Images that neighbors were looked for.
    neighbors : array-like of shape (n, n_neighbors, H, W) or (n, n_neighbors, H, W, C)
        The training images that are nearest to each, the nearest first.
    neighbor_classes : array-like of shape (n, n_neighbors)
        Their classes.
    distances : array-like of shape (n, n_neighbors)
        Their distances.
    y_pred : array-like of shape (n,), default=None
        Predicted classes.
    y_true : array-like of shape (n,), default=None
        True classes.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n, 1 + n_neighbors)
        A row for each image, after `plot`: itself, then its neighbors.
    figure_ : Figure
        The figure that they are in.

    See Also
    --------
    skvision.KNNImageClassifier : Classifies by the votes of these neighbors.

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
        """Find the nearest training images, and draw them.

        Parameters
        ----------
        estimator : KNNImageClassifier or Pipeline
            Fitted; a pipeline is one that ends in a `KNNImageClassifier`.
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images, or whatever the estimator takes.
        y : array-like of shape (n,), default=None
            Their true classes; None draws no marks.
        X_train : array-like of shape (n_train, H, W[, C]) or (n_train, n_features)
            The images that the estimator was fitted to, in that order. Needed where
            the classifier was given features of them, as it is in most pipelines; None
            takes the images, both those of ``X`` and those of training, as they came
            to the classifier.
        n_neighbors : int, default=None
            How many to draw; None is as many as vote, and 10 at most.
        n_pictures : int, default=8
            How many images of ``X`` are drawn at most, the first.
        image_shape : (int, int) or (int, int, int), default=None
            Height, width and channels of images that come as flat rows; else they are
            guessed, with an `ImageShapeWarning`.
        ax : Axes, default=None
            Axes to divide; None makes a figure.

        Returns
        -------
        display : NeighborsDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If the estimator is neither.
        NotFittedError
            If it is not fitted.
        ValueError
            If ``X`` and ``y`` differ in length, ``n_pictures`` is less than 1,
            ``X_train`` is needed, or is not what the estimator was fitted to.
        """
        # not at the top: it loads much that `import skvision` does without
        from sklearn.pipeline import Pipeline

        piped = isinstance(estimator, Pipeline)
        model = estimator[-1] if piped else estimator
        if not isinstance(model, KNNImageClassifier):
            raise TypeError(
                f"neighbors are of a KNNImageClassifier, or of a pipeline that ends "
                f"in one; got {type(model).__name__}."
            )
        check_is_fitted(model)
        check_consistent_length(X, y)
        check_scalar(n_pictures, "n_pictures", Integral, min_val=1)
        X, y = X[:n_pictures], None if y is None else as_labels(y, "y")[:n_pictures]
        rows = estimator[:-1].transform(X) if piped and len(estimator) > 1 else X
        if n_neighbors is None:
            n_neighbors = min(model.n_neighbors, MOST_NEIGHBORS, model.n_samples_fit_)
        distances, indices = model.kneighbors(rows, n_neighbors)
        if X_train is None:
            X, X_train = rows, _pictures_of(model, piped, image_shape)
            image_shape = model.image_shape_ or image_shape
        elif len(X_train) != model.n_samples_fit_:
            raise ValueError(
                f"X_train has {len(X_train)} images, but {type(model).__name__} was "
                f"fitted to {model.n_samples_fit_}: pass those, in the same order."
            )
        shown, places = np.unique(indices, return_inverse=True)
        neighbors = as_pictures(safe_indexing(X_train, shown), image_shape)
        return cls(
            as_pictures(X, image_shape),
            neighbors[places.reshape(indices.shape)],
            model.classes_[model._labels[indices]],
            distances,
            y_pred=model.predict(rows),
            y_true=y,
        ).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to divide; None makes a figure.

        Returns
        -------
        display : NeighborsDisplay
            The same.

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
        if ax is None:  # what stands left of the images needs its width
            self.figure_.set_figwidth(self.figure_.get_figwidth() + size[0])
        neighbors = self.neighbors.reshape(-1, *self.neighbors.shape[2:])
        pictures, neighbors = as_shades(self.pictures, neighbors)
        for i, row in enumerate(self.axes_):
            self._draw_picture(row[0], pictures[i], i)
            for j, place in enumerate(row[1:]):
                self._draw_neighbor(place, neighbors[i * n_neighbors + j], i, j)
        self.axes_[0, 0].set_title("picture", fontsize="small")
        self.axes_[0, 0].set_xlabel(
            "class\ndistance", color=GRAY, fontsize="small", labelpad=3
        )
        for j, place in enumerate(self.axes_[0, 1:], start=1):
            place.set_title(NAMES.get(j, f"{j}th"), fontsize="small")
        return self

    def _draw_picture(self, axes: Any, picture: np.ndarray, i: int) -> None:
        show_picture(axes, picture, vmin=0, vmax=1)
        lines, color = [], GRAY
        if self.y_true is not None:
            lines.append(textwrap.fill(f"true: {self.y_true[i]}", WIDE))
        if self.y_pred is not None:
            said = f"predicted: {self.y_pred[i]}"
            if self.y_true is not None:
                mark, color = MARKS[bool(self.y_pred[i] == self.y_true[i])]
                said += f" {mark}"
            lines.append(textwrap.fill(said, WIDE))
        axes.set_ylabel(
            "\n".join(lines),
            color=color,
            fontsize="small",
            rotation="horizontal",
            horizontalalignment="right",
            verticalalignment="center",
        )

    def _draw_neighbor(self, axes: Any, picture: np.ndarray, i: int, j: int) -> None:
        show_picture(axes, picture, vmin=0, vmax=1)
        mark, color = "", "black"
        if self.y_true is not None:
            mark, color = MARKS[bool(self.neighbor_classes[i, j] == self.y_true[i])]
            mark = f" {mark}"
            axes.spines[:].set(color=color, linewidth=2.5)
        name = in_lines(axes, self.neighbor_classes[i, j], mark)
        axes.set_xlabel(
            f"{name}\n{_three_digits(self.distances[i, j])}",
            color=color,
            fontsize="small",
            labelpad=3,
        )


def _three_digits(distance: float) -> str:
    """Return a distance as text, three digits of it or all before the point."""
    return f"{distance:,.0f}" if distance >= 99.95 else f"{distance:#.3g}"


def _pictures_of(model: Any, piped: bool, image_shape: Any) -> Any:
    """Return the rows that a classifier keeps, if they are images."""
    shape = model.image_shape_
    if shape is None and piped and image_shape is None:
        raise ValueError(
            f"{type(model).__name__} was fitted to features, of which there are no "
            f"images: pass X_train=, the images that the pipeline was fitted to, "
            f"in the same order."
        )
    return model._rows
