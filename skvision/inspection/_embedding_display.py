"""Embeddings of images in two dimensions."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skvision._contract.public import public
from skvision._networks.arcface_embedder import ArcFaceEmbedder
from skvision.inspection._drawing import single_axes
from skvision.inspection._targets import best_of
from skvision.metrics._pairs import as_labels, unit_rows

# Okabe and Ito's, without black and yellow, which are hard to see on white
COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#57606a"]
MARKERS = ["o", "s", "^", "v", "D"]  # of 7 and 5, pairs repeat after 35
RING = 0.12  # how far points are pushed out of the circle at most
NAMES_AT = 1.25  # on the circle


@public("skvision.inspection")
class EmbeddingDisplay:
    """Embeddings of images in two dimensions, with the directions of classes.

    Each class has a color and a shape, and its name stands at its direction or, where
    there is none, at the mean of its points.

    Parameters
    ----------
    points : array-like of shape (n, 2)
        A point for each image. Where all have length one, they are drawn on a circle
        and pushed outwards at random, by 12% at most, so that they hide each other
        less.
    y : array-like of shape (n,)
        Their classes.
    directions : array-like of shape (n_directions, 2), default=None
        Directions of classes, drawn as lines from the origin.
    direction_classes : array-like of shape (n_directions,), default=None
        Of which classes they are; None is all classes of ``y``, sorted.
    origin : array-like of shape (2,), default=(0, 0)
        Where the origin of the embeddings is.
    explained_variance_ratio : array-like of shape (2,), default=None
        Shares of the variance that are seen along both axes, for their labels.

    Attributes
    ----------
    ax_ : Axes
        What was drawn in by `plot`.
    figure_ : Figure
        The figure that it is in.

    See Also
    --------
    skvision.metrics.angle_statistics : How far apart classes lie, in all dimensions.
    VerificationDisplay : Whether that tells images of two classes apart.

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
        """Embed images, and draw.

        Parameters
        ----------
        estimator : transformer
            Fitted: an `ArcFaceEmbedder`, a pipeline that ends in one, or another
            transformer. The directions of an `ArcFaceEmbedder` are drawn for the
            classes that are in ``y``.
        X : array-like of shape (n, ...)
            Images, or whatever the estimator takes.
        y : array-like of shape (n,)
            Their classes; the embedder need not know them.
        ax : Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : EmbeddingDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If the estimator has no ``transform``.
        NotFittedError
            If it is not fitted.
        ValueError
            If ``X`` and ``y`` differ in length, or there are not two components.
        """
        # not at the top: it loads much that `import skvision` does without
        from sklearn.pipeline import Pipeline

        estimator = best_of(estimator)
        if not hasattr(estimator, "transform"):
            raise TypeError(
                f"embeddings come from transform, which {type(estimator).__name__} has "
                f"not: pass an embedder, or a pipeline that ends in one."
            )
        check_is_fitted(estimator)
        y = as_labels(y, "y")
        check_consistent_length(X, y)
        model = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        directions = classes = None
        if isinstance(model, ArcFaceEmbedder):
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
        """Draw embeddings.

        Parameters
        ----------
        embeddings : array-like of shape (n, n_components)
            Embeddings. Two components are drawn as they are. Of more, the embeddings
            are made of length one, and drawn along the two directions in which they
            vary most (principal components); what is close together in the drawing need
            not be close.
        y : array-like of shape (n,)
            Their classes.
        directions : array-like of shape (n_directions, n_components), default=None
            Directions of classes, drawn with the embeddings.
        direction_classes : array-like of shape (n_directions,), default=None
            Of which classes they are; None is all classes of ``y``, sorted.
        ax : Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : EmbeddingDisplay
            What was drawn.

        Raises
        ------
        ValueError
            If embeddings and ``y`` differ in length, there are not two components, or
            not as many directions as classes.
        """
        embeddings, y = np.asarray(embeddings), as_labels(y, "y")
        check_consistent_length(embeddings, y)
        units = unit_rows(embeddings, "embeddings")
        n_components = units.shape[1]
        if n_components < 2:
            raise ValueError(
                f"embeddings have {n_components} component, and a drawing needs two at "
                f"least: draw a histogram of it instead."
            )
        classes = np.unique(y) if direction_classes is None else direction_classes
        if directions is not None:
            directions = unit_rows(directions, "directions")
            _check_directions(directions, classes, n_components)
        parameters = {"directions": directions, "direction_classes": classes}
        if n_components == 2:
            if directions is not None:  # as long as the embeddings are
                lengths = np.linalg.norm(embeddings, axis=1)
                parameters["directions"] = directions * np.median(lengths)
            return cls(embeddings, y, **parameters).plot(ax)
        if len(units) < 2:
            raise ValueError(
                f"{n_components} components are drawn along the directions in which "
                f"images vary most, which takes two images or more; got "
                f"{len(units)}."
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
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : EmbeddingDisplay
            The same.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        self.ax_ = ax = single_axes(ax, type(self).__name__)
        self.figure_ = ax.figure
        lengths = np.linalg.norm(self.points, axis=1)
        on_circle = np.allclose(lengths, 1, atol=1e-3)
        points = _pushed_out(self.points) if on_circle else self.points
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
                horizontalalignment=_side(at) if on_circle else "center",
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
                f"principal {label}, {share:.0%} of the variance"
                for label, share in zip(
                    labels, self.explained_variance_ratio, strict=True
                )
            ]
        ax.set(xlabel=labels[0], ylabel=labels[1])


def _check_directions(
    directions: np.ndarray, classes: np.ndarray, n_components: int
) -> None:
    if directions.shape != (len(classes), n_components):
        raise ValueError(
            f"directions must be of shape {(len(classes), n_components)}, a row for "
            f"each class; got {directions.shape}. Pass direction_classes= where they "
            f"are of other classes than those of y."
        )


def _pushed_out(points: np.ndarray) -> np.ndarray:
    """Return points at random distances outside of the circle that they lie on."""
    rng = np.random.default_rng(0)
    return points * (1 + RING * rng.random((len(points), 1)))


def _side(at: np.ndarray) -> str:
    """Return how a name at a place on the circle is aligned, so as to stay outside."""
    x, y = at
    return "center" if abs(x) < abs(y) / 2 else "left" if x > 0 else "right"
