"""Display of embeddings in two dimensions."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skvision._contract.models import ClassCenters, answers
from skvision._contract.public import public
from skvision.inspection._drawing import single_axes
from skvision.inspection._targets import best_estimator_of, last_step
from skvision.metrics._pairs import as_labels, unit_embeddings

# colors of Okabe and Ito, without black and yellow, which is hard to see on white
COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#57606a"]
MARKERS = ["o", "s", "^", "v", "D"]  # 7 colors and 5 markers give 35 pairs
RING = 0.12  # maximum shift of points outwards from the circle
NAMES_AT = 1.25  # distance of names from the origin, for points on the circle


@public("skvision.inspection")
class EmbeddingDisplay:
    """Embeddings of images in two dimensions, with the directions of classes.

    Each class has a color and a marker. Its name is shown at its direction or, if there
    is none, at the mean of its points.

    Parameters
    ----------
    points : array-like of shape (n, 2)
        A point for each image. Points of unit length are drawn on a circle and shifted
        outwards at random by up to 12%, to reduce overlap.
    y : array-like of shape (n,)
        Class labels.
    directions : array-like of shape (n_directions, 2), default=None
        Directions of classes, drawn as lines from the origin.
    direction_classes : array-like of shape (n_directions,), default=None
        Classes of the directions. None means the sorted classes of ``y``.
    origin : array-like of shape (2,), default=(0, 0)
        Position of the origin of the embeddings.
    explained_variance_ratio : array-like of shape (2,), default=None
        Fractions of the variance along both axes, which are shown in their labels.

    Attributes
    ----------
    ax_ : Axes
        Axes of the plot, set by `plot`.
    figure_ : Figure
        Figure of the plot, set by `plot`.

    See Also
    --------
    skvision.metrics.angle_statistics : Angles within and between classes.
    VerificationDisplay : Rates of verification by these embeddings.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import ArcFaceEmbedder
    >>> from skvision.inspection import EmbeddingDisplay
    >>> digits = load_digits()
    >>> model = ArcFaceEmbedder(max_iter=5, random_state=0)
    >>> model = model.fit(digits.images[:1000], digits.target[:1000])
    >>> display = EmbeddingDisplay.from_estimator(
    ...     model, digits.images[1000:], digits.target[1000:]
    ... )
    >>> print(display.ax_.get_xlabel())
    principal component 1, 16% of the variance
    """

    def __init__(
        self,
        points: ArrayLike,
        y: ArrayLike,
        *,
        directions: ArrayLike | None = None,
        direction_classes: ArrayLike | None = None,
        origin: ArrayLike = (0.0, 0.0),
        explained_variance_ratio: ArrayLike | None = None,
    ) -> None:
        self.points = np.asarray(points)
        self.y = as_labels(y, "y")
        check_consistent_length(self.points, self.y)
        self.directions = None if directions is None else np.asarray(directions)
        if direction_classes is None:
            direction_classes = np.unique(self.y)
        self.direction_classes = np.asarray(direction_classes)
        if self.directions is not None:
            _check_directions(self.directions, self.direction_classes, 2)
        self.origin = np.asarray(origin)
        self.explained_variance_ratio: Any = explained_variance_ratio

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, ax: Any = None) -> Self:
        """Compute the embeddings of images and plot them.

        Parameters
        ----------
        estimator : transformer
            Fitted `ArcFaceEmbedder`, pipeline that ends with one, or other transformer.
            The directions of an `ArcFaceEmbedder` are drawn for the classes in ``y``.
        X : array-like of shape (n, ...)
            Images or other input of the estimator.
        y : array-like of shape (n,)
            Class labels, which may differ from the classes of the embedder.
        ax : Axes, default=None
            Axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : EmbeddingDisplay
            The display with the computed values.

        Raises
        ------
        TypeError
            If the estimator has no ``transform``.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If ``X`` and ``y`` have different lengths, or if there are fewer than two
            components.
        """
        estimator = best_estimator_of(estimator)
        if not hasattr(estimator, "transform"):
            raise TypeError(
                f"{type(estimator).__name__} has no transform, which computes the "
                f"embeddings. Pass an embedder, or a pipeline that ends with one."
            )
        check_is_fitted(estimator)
        y = as_labels(y, "y")
        check_consistent_length(X, y)
        model = last_step(estimator)
        directions = classes = None
        if answers(model, ClassCenters):
            shown = np.isin(model.classes_, y)
            classes = model.classes_[shown]
            directions = model.class_centers_[shown]
        return cls.from_predictions(
            estimator.transform(X),
            y,
            directions=directions,
            direction_classes=classes,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        embeddings: Any,
        y: Any,
        *,
        directions: Any = None,
        direction_classes: Any = None,
        ax: Any = None,
    ) -> Self:
        """Plot embeddings.

        Parameters
        ----------
        embeddings : array-like of shape (n, n_components)
            Embeddings. Two components are drawn without change. With more components,
            the embeddings are normalized to unit length and projected on their first
            two principal components; embeddings that are close in the plot need not be
            close.
        y : array-like of shape (n,)
            Class labels.
        directions : array-like of shape (n_directions, n_components), default=None
            Directions of classes, drawn with the embeddings.
        direction_classes : array-like of shape (n_directions,), default=None
            Classes of the directions. None means the sorted classes of ``y``.
        ax : Axes, default=None
            Axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : EmbeddingDisplay
            The display with the computed values.

        Raises
        ------
        ValueError
            If embeddings and ``y`` have different lengths, if there are fewer than two
            components, or if the number of directions differs from that of classes.
        """
        embeddings, y = np.asarray(embeddings), as_labels(y, "y")
        check_consistent_length(embeddings, y)
        units = unit_embeddings(embeddings, "embeddings")
        n_components = units.shape[1]
        if n_components < 2:
            raise ValueError(
                f"embeddings must have at least two components; got {n_components}. "
                f"Plot a histogram instead."
            )
        classes = np.unique(y) if direction_classes is None else direction_classes
        if directions is not None:
            directions = unit_embeddings(directions, "directions")
            _check_directions(directions, classes, n_components)
        parameters = {"directions": directions, "direction_classes": classes}
        if n_components == 2:
            if directions is not None:  # scaled to the length of embeddings
                lengths = np.linalg.norm(embeddings, axis=1)
                parameters["directions"] = directions * np.median(lengths)
            return cls(embeddings, y, **parameters).plot(ax)
        if len(units) < 2:
            raise ValueError(
                f"Principal components of {n_components} components require at least "
                f"two images; got {len(units)}."
            )
        mean = units.mean(axis=0)
        _, lengths, axes = np.linalg.svd(units - mean, full_matrices=False)
        total = np.sum(lengths**2) or 1.0
        if directions is not None:
            parameters["directions"] = (directions - mean) @ axes[:2].T
        return cls(
            (units - mean) @ axes[:2].T,
            y,
            **parameters,
            origin=-mean @ axes[:2].T,
            explained_variance_ratio=lengths[:2] ** 2 / total,
        ).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Plot the display.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : EmbeddingDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        self.ax_ = ax = single_axes(ax, type(self).__name__)
        self.figure_ = ax.figure
        lengths = np.linalg.norm(self.points, axis=1)
        on_circle = np.allclose(lengths, 1, atol=1e-3)
        points = _push_outwards(self.points) if on_circle else self.points
        size = float(np.clip(80 / np.sqrt(len(points)), 3.5, 5))
        classes = np.union1d(self.y, self.direction_classes)
        for i, name in enumerate(classes):
            color, marker = COLORS[i % len(COLORS)], MARKERS[i % len(MARKERS)]
            own = points[self.y == name]
            ax.plot(*own.T, marker, color=color, markersize=size, markeredgewidth=0)
            at = own.mean(axis=0) if len(own) else self.origin
            if self.directions is not None and name in self.direction_classes:
                at = self.directions[np.flatnonzero(self.direction_classes == name)[0]]
                ax.plot(*np.stack([self.origin, at]).T, color=color, linewidth=1)
            if on_circle:
                at = NAMES_AT * at / (np.linalg.norm(at) or 1)
            ax.text(
                *at,
                str(name),
                fontsize="x-small" if len(classes) > 20 else "small",
                horizontalalignment=_alignment(at) if on_circle else "center",
                verticalalignment="center",
                bbox={
                    "boxstyle": "round,pad=0.2",
                    "facecolor": "white",
                    "edgecolor": color,
                    "alpha": 0.9,
                },
            )
        if on_circle:
            ax.set_aspect("equal")
            ax.axis("off")
        else:
            ax.set_aspect("equal", adjustable="datalim")
            self._label(ax)
        return self

    def _label(self, ax: Any) -> None:
        labels = ["component 1", "component 2"]
        if self.explained_variance_ratio is not None:
            labels = [
                f"principal {label}, {fraction:.0%} of the variance"
                for label, fraction in zip(
                    labels, self.explained_variance_ratio, strict=True
                )
            ]
        ax.set(xlabel=labels[0], ylabel=labels[1])


def _check_directions(
    directions: np.ndarray, classes: np.ndarray, n_components: int
) -> None:
    if directions.shape != (len(classes), n_components):
        raise ValueError(
            f"directions must have the shape {(len(classes), n_components)}, with a "
            f"row for each class; got {directions.shape}. If their classes differ from "
            f"those of y, pass direction_classes."
        )


def _push_outwards(points: np.ndarray) -> np.ndarray:
    """Shift points outwards from their circle by random distances."""
    rng = np.random.default_rng(0)
    return points * (1 + RING * rng.random((len(points), 1)))


def _alignment(at: np.ndarray) -> str:
    """Return the alignment that keeps a name at this position outside of the circle."""
    x, y = at
    return "center" if abs(x) < abs(y) / 2 else "left" if x > 0 else "right"
