"""Display of the loss around trained weights, and of the path of the optimizer."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted

from skvision._contract.models import DifferentiableClassifier, answers
from skvision._contract.public import public
from skvision.inspection._drawing import BLUE, ORANGE, single_axes
from skvision.inspection._targets import input_of_last_step, last_step
from skvision.inspection._weight_directions import (
    path_steps,
    principal_directions,
    random_direction,
    weight_vector,
    with_weights,
)

N_LEVELS = 16  # of contours


@public("skvision.inspection")
class LossLandscapeDisplay:
    """The loss on a line or a plane through the trained weights.

    With the weights :math:`w` after training, the loss is plotted at :math:`w + a u` or
    :math:`w + a u + b v`, for directions :math:`u` and :math:`v`.

    Parameters
    ----------
    losses : array-like of shape (n_points,) or (n_points, n_points)
        Losses. For two directions, rows correspond to points along the second.
    coordinates : list of array-like of shape (n_points,)
        Values of a and, for two directions, of b.
    path : array-like of shape (n_steps, n_directions), default=None
        Path of the optimizer, projected on the directions.
    path_losses : array-like of shape (n_steps,), default=None
        Losses at the points of the path, which need not lie on the line or plane.
    explained_variance_ratio : array-like of shape (n_directions,), default=None
        Fraction of the variance of the path along each direction, from 0 to 1.

    Attributes
    ----------
    ax_ : Axes
        Axes of the plot, set by `plot`.
    figure_ : Figure
        Figure of the plot, set by `plot`.

    See Also
    --------
    gradient_check_estimator : Check the gradient of the loss.

    Notes
    -----
    The loss is the objective with its penalty, as computed by ``loss_and_gradient``,
    without dropout and augmentation. Batch norm uses the running statistics after
    training for all weights, including those of the path.

    Random directions are normalized as proposed by Li et al.: the part of a direction
    that belongs to a filter, which is the weights of one unit or class, is scaled to
    the norm of this filter, so that the scales of layers do not matter. Biases, gains
    and shifts are not changed.

    With a path, the directions are its first principal components around its end, of
    unit length. A random walk also has most of its variance along the first two
    components, so that a smooth curve is no evidence of a simple path.

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
        """Compute the loss around the weights of a fitted classifier and plot it.

        Parameters
        ----------
        estimator : estimator
            Fitted `SoftmaxRegression`, `MulticlassSVM`, `Perceptron`, `MLPBackprop` or
            `ArcFaceEmbedder`, a pipeline that ends with one, or a search over one.
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images for which the loss is computed, usually a few hundred training
            images.
        y : array-like of shape (n,)
            Class labels.
        path : list of estimators, default=None
            Copies of the estimator during training, in order, such as by
            ``copy.deepcopy`` after each ``partial_fit``. None plots the loss along
            random directions without a path.
        n_directions : {1, 2}, default=2
            Number of directions: 1 plots a curve, and 2 plots contours.
        n_points : int, default=21
            Number of points along each direction, at least 2.
        span : float, default=1.0
            Range to both sides along random directions, in units of the norms of
            filters. It is not used with a path, where the range is that of the path
            with a margin.
        random_state : int, RandomState instance or None, default=None
            Determines the random directions.
        ax : Axes, default=None
            Axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : LossLandscapeDisplay
            The display with the computed values.

        Raises
        ------
        TypeError
            If the estimator is not one of these.
        ValueError
            If a parameter is out of its range, if ``X`` does not have the shape seen
            during ``fit``, or if ``path`` is too short or contains other models.
        """
        check_scalar(n_directions, "n_directions", Integral, min_val=1, max_val=2)
        check_scalar(n_points, "n_points", Integral, min_val=2)
        check_scalar(span, "span", Real, min_val=0, include_boundaries="neither")
        model, X = _differentiable_step(estimator), input_of_last_step(estimator, X)
        names = list(model.loss_and_gradient(X, y)[1])
        here = weight_vector(model, names)

        def loss(weights: np.ndarray) -> Any:
            return with_weights(model, names, weights).loss_and_gradient(X, y)[0]

        directions: Any
        if path is None:
            rng = check_random_state(random_state)
            directions = [
                random_direction(model, names, rng) for _ in range(n_directions)
            ]
            coordinates = [np.linspace(-span, span, n_points)] * n_directions
            more = {}
        else:
            steps = path_steps(path, names, here, n_directions)
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
        """Plot the display.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : LossLandscapeDisplay
            The display itself.

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
            return f"random direction {i + 1}, in units of filter norms"
        label = f"principal direction {i + 1} of the path"
        if self.explained_variance_ratio is None:
            return label
        percentage = 100 * self.explained_variance_ratio[i]
        return f"{label} ({percentage:.0f} % of its variance)"

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
        label = "path of the optimizer, at its loss"
        self.ax_.plot(path, self.path_losses, **style, label=label)
        self._draw_ends(path, self.path_losses)

    def _draw_contours(self) -> None:
        from matplotlib.colors import LogNorm

        low, high = self.losses.min(), self.losses.max()
        high = high if high > low else low + 1.0  # constant loss
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


def _differentiable_step(estimator: Any) -> Any:
    """Return the fitted classifier at the end of a pipeline."""
    model = last_step(estimator)
    if not answers(model, DifferentiableClassifier):
        raise TypeError(
            f"estimator must be a linear classifier or a network of skvision, or a "
            f"pipeline that ends with one; got {type(model).__name__}."
        )
    check_is_fitted(model)
    return model


def _around(values: np.ndarray, n_points: int) -> np.ndarray:
    """Return points that cover the range of values with a margin of a fifth."""
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    margin = 0.2 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, n_points)
