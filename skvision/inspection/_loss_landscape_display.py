"""The loss around what was learned, and the way there."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted

from skvision._contract.public import public
from skvision._linear.linear_classifier import LinearClassifier
from skvision._networks.network_classifier import NetworkClassifier
from skvision.inspection._drawing import BLUE, ORANGE, single_axes
from skvision.inspection._weight_directions import (
    principal_directions,
    random_direction,
    steps_of,
    weights_of,
    with_weights,
)

N_LEVELS = 16  # of contours


@public("skvision.inspection")
class LossLandscapeDisplay:
    """The loss on a line or a plane through the trained weights.

    With the weights :math:`w` after training, loss is drawn at :math:`w + a u` or
    :math:`w + a u + b v`, for directions :math:`u` and :math:`v`.

    Parameters
    ----------
    losses : array-like of shape (n_points,) or (n_points, n_points)
        The loss; of two directions, rows are points along the second.
    coordinates : list of array-like of shape (n_points,)
        The a and, of two directions, the b.
    path : array-like of shape (n_steps, n_directions), default=None
        Where the optimizer was, projected on the directions.
    path_losses : array-like of shape (n_steps,), default=None
        The loss where it was indeed, which may be beside the line or plane.
    explained_variance_ratio : array-like of shape (n_directions,), default=None
        How much of the path lies along each direction, from 0 to 1.

    Attributes
    ----------
    ax_ : Axes
        What it is drawn on, after `plot`.
    figure_ : Figure
        The figure that it is in.

    See Also
    --------
    gradient_check_estimator : Tells whether the gradient is that of the loss.

    Notes
    -----
    The loss is the whole objective, with penalty, as ``loss_and_gradient`` has it:
    nothing is dropped or augmented, and batch norm keeps the running statistics that it
    has after training, also at weights of the path that had others.

    Random directions are normalized as Li and others propose: the part of a direction
    that belongs to a filter, here all weights into one unit or of one class, gets the
    length of that filter, so that scales of layers do not matter. Biases, gains and
    shifts stay as they are.

    Where a path is given, the directions are its first principal components around its
    end, of length one. A random walk, too, has most of its variance along the first
    two, so that a smooth curve is no proof of a plan.

    References
    ----------
    H. Li, Z. Xu, G. Taylor, C. Studer and T. Goldstein, "Visualizing the loss landscape
    of neural nets", NeurIPS 2018.

    Examples
    --------
    >>> import copy
    >>> from sklearn.datasets import load_digits
    >>> from skvision import MLPBackprop
    >>> from skvision.inspection import LossLandscapeDisplay
    >>> digits = load_digits()
    >>> X, y = digits.images[:500], digits.target[:500]
    >>> model, path = MLPBackprop((20,), random_state=0), []
    >>> for epoch in range(10):
    ...     model.partial_fit(X, y, classes=range(10))
    ...     path.append(copy.deepcopy(model))
    MLPBackprop...
    >>> display = LossLandscapeDisplay.from_estimator(
    ...     model, X, y, path=path, n_points=9
    ... )
    >>> display.losses.shape, display.path.shape
    ((9, 9), (10, 2))
    """

    def __init__(
        self,
        losses: ArrayLike,
        coordinates: list[Any],
        *,
        path: ArrayLike | None = None,
        path_losses: ArrayLike | None = None,
        explained_variance_ratio: ArrayLike | None = None,
    ) -> None:
        self.losses = np.asarray(losses)
        self.coordinates = [np.asarray(values) for values in coordinates]
        self.path = None if path is None else np.asarray(path)
        self.path_losses = None if path_losses is None else np.asarray(path_losses)
        self.explained_variance_ratio = (
            None
            if explained_variance_ratio is None
            else np.asarray(explained_variance_ratio)
        )

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        path: Any = None,
        n_directions: Any = 2,
        n_points: int = 21,
        span: float = 1.0,
        random_state: Any = None,
        ax: Any = None,
    ) -> Self:
        """Compute the loss around the weights of a fitted classifier, and draw it.

        Parameters
        ----------
        estimator : estimator
            A fitted `SoftmaxRegression`, `MulticlassSVM`, `Perceptron`, `MLPBackprop`
            or `ArcFaceEmbedder`, or a pipeline that ends in one.
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images that the loss is taken on: some hundreds of training, as a rule.
        y : array-like of shape (n,)
            Their classes.
        path : list of estimators, default=None
            Copies of the estimator as it was in training, the first first: by
            ``copy.deepcopy`` after each ``partial_fit``. None has no path, and draws
            along random directions.
        n_directions : {1, 2}, default=2
            A curve or contours.
        n_points : int, default=21
            Points along each direction, 2 or more.
        span : float, default=1.0
            How far to go to both sides along random directions, in lengths of filters.
            Along a path it is as far as the path goes, and a little further.
        random_state : int, RandomState instance or None, default=None
            Draws random directions.
        ax : Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : LossLandscapeDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If the estimator is none of these.
        ValueError
            If a parameter is out of its range, ``X`` is not like the images seen in
            ``fit``, or ``path`` is shorter than the directions need or of other models.
        """
        check_scalar(n_directions, "n_directions", Integral, min_val=1, max_val=2)
        check_scalar(n_points, "n_points", Integral, min_val=2)
        check_scalar(span, "span", Real, min_val=0, include_boundaries="neither")
        model, X = _model_and_its_input(estimator, X)
        here = weights_of(model)

        def loss(weights: np.ndarray) -> Any:
            return with_weights(model, weights).loss_and_gradient(X, y)[0]

        directions: Any
        if path is None:
            rng = check_random_state(random_state)
            directions = [random_direction(model, rng) for _ in range(n_directions)]
            coordinates = [np.linspace(-span, span, n_points)] * n_directions
            more = {}
        else:
            steps = steps_of(path, here, n_directions)
            directions, ratio = principal_directions(steps, n_directions)
            places = steps @ np.transpose(directions)
            coordinates = [_around(values, n_points) for values in places.T]
            more = {
                "path": places,
                "path_losses": [loss(here + step) for step in steps],
                "explained_variance_ratio": ratio,
            }
        axis, *other = coordinates
        second = directions[-1]
        losses = [
            [loss(here + a * directions[0] + b * second) for a in axis]
            for b in (other[0] if other else [0.0])
        ]
        return cls(losses if other else losses[0], coordinates, **more).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : LossLandscapeDisplay
            The same.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        self.ax_ = single_axes(ax, type(self).__name__)
        self.figure_ = self.ax_.figure
        self.ax_.set_xlabel(self._label(0))
        if len(self.coordinates) == 1:
            self._draw_curve()
        else:
            self._draw_contours()
            self.ax_.set_ylabel(self._label(1))
        self.ax_.legend(fontsize="small")
        return self

    def _label(self, i: int) -> str:
        if self.path is None:
            return f"random direction {i + 1}, in lengths of filters"
        label = f"principal direction {i + 1} of the path"
        if self.explained_variance_ratio is None:
            return label
        share = 100 * self.explained_variance_ratio[i]
        return f"{label} ({share:.0f} % of its variance)"

    def _draw_curve(self) -> None:
        (axis,) = self.coordinates
        self.ax_.plot(axis, self.losses, color=BLUE, label="loss on the line")
        self.ax_.set_ylabel("loss with penalty")
        self.ax_.grid(alpha=0.3)
        if self.path is None:
            self.ax_.axvline(0, color=ORANGE, linestyle="--", label="trained")
            return
        path = self.path[:, 0]
        style = {"color": ORANGE, "marker": "o", "markersize": 4}
        label = "path, at its own loss"
        self.ax_.plot(path, self.path_losses, **style, label=label)
        self._draw_ends(path, self.path_losses)

    def _draw_contours(self) -> None:
        from matplotlib.colors import LogNorm

        low, high = self.losses.min(), self.losses.max()
        high = high if high > low else low + 1.0  # a plane without any slope
        if low > 0:
            levels, norm = np.geomspace(low, high, N_LEVELS), LogNorm(low, high)
        else:
            levels, norm = np.linspace(low, high, N_LEVELS), None
        filled = self.ax_.contourf(
            *self.coordinates, self.losses, levels, norm=norm, cmap="viridis_r"
        )
        bar = self.figure_.colorbar(filled, ax=self.ax_, format="%.3g")
        bar.set_label("loss with penalty")
        bar.set_ticks(levels[::3])
        bar.minorticks_off()
        if self.path is None:
            self.ax_.plot(0, 0, "*", markersize=14, **_EDGED, label="trained")
            return
        x, y = self.path.T
        self.ax_.plot(x, y, color="white", linewidth=3)
        style = {"color": ORANGE, "marker": "o", "markersize": 4}
        self.ax_.plot(x, y, **style, label="path of the optimizer")
        self._draw_ends(x, y)

    def _draw_ends(self, x: np.ndarray, y: Any) -> None:
        """Mark the first and the last point of the path."""
        self.ax_.plot(x[0], y[0], "s", markersize=8, **_EDGED, label="first")
        self.ax_.plot(x[-1], y[-1], "*", markersize=14, **_EDGED, label="last")


_EDGED = {"color": ORANGE, "markeredgecolor": "white", "linestyle": "none"}


def _model_and_its_input(estimator: Any, X: Any) -> tuple[Any, np.ndarray]:
    """Return the classifier at the end of a pipeline, and what reaches it."""
    # not at the top: it loads much that `import skvision` does without
    from sklearn.pipeline import Pipeline

    piped = isinstance(estimator, Pipeline)
    model = estimator[-1] if piped else estimator
    if not isinstance(model, LinearClassifier | NetworkClassifier):
        raise TypeError(
            f"a loss landscape is of a linear classifier or a network of skvision, or "
            f"of a pipeline that ends in one; got {type(model).__name__}."
        )
    check_is_fitted(model)
    return model, estimator[:-1].transform(X) if piped and len(estimator) > 1 else X


def _around(values: np.ndarray, n_points: int) -> np.ndarray:
    """Return points that reach over all values, and a fifth further."""
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    margin = 0.2 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, n_points)
