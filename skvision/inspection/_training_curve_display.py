"""Display of the training history: loss, validation score and learning rate."""

from itertools import cycle
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skvision._contract.public import public
from skvision.inspection._drawing import BLUE, GRAY, GREEN, ORANGE, divided_axes
from skvision.inspection._targets import last_step

COLORS = [BLUE, ORANGE, GREEN, "#8e4585", "#8a6d00", GRAY]
STYLES = ["-", "--", ":", "-."]
DOTTED = {"color": "black", "linewidth": 1, "linestyle": (0, (1, 3))}
UNITS = ["epoch", "iteration", "smoothed problem"]
PANELS = {
    "loss": "loss",
    "validation_score": "validation accuracy",
    "learning_rate": "learning rate",
    "update_ratio": "step / weights",
}
HEALTHY_RATIO = 1e-3
LETTERS_OF_LEGEND = 12  # per inch
WIDE = 10  # ratio of the largest to the smallest loss for a logarithmic axis


@public("skvision.inspection")
class TrainingCurveDisplay:
    """Training curves, with a panel for each recorded quantity.

    There are panels for the loss with its penalty, for the accuracy on the validation
    set with a dot at the best epoch, for the learning rate if it changes, and for the
    ratio of the norms of the last update of each epoch and of the weights, for each
    layer, with a rule of thumb for this ratio.

    Parameters
    ----------
    histories : dict of str to dict
        Histories of models by name. A history is a dict of arrays of equal length: one
        of ``"epoch"``, ``"iteration"`` and ``"smoothed problem"`` (a step of the solver
        of `MulticlassSVM` for the hinge loss), and at least one of ``"loss"``,
        ``"validation_score"`` and ``"learning_rate"``, of shape (n_epochs,), and
        ``"update_ratio"``, of shape (n_epochs, n_layers). Missing values are NaN.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n_panels,)
        Axes of the panels in the order above, set by `plot`.
    figure_ : Figure
        Figure of the plot, set by `plot`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import MLPBackprop
    >>> from skvision.inspection import TrainingCurveDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MLPBackprop((20,), early_stopping=True, max_iter=5, random_state=0)
    >>> display = TrainingCurveDisplay.from_estimator(model.fit(X, y))
    >>> [axes.get_ylabel() for axes in display.axes_]
    ['loss', 'validation accuracy', 'step / weights (logarithmic)']
    """

    def __init__(self, histories: dict[str, Any]) -> None:
        for name, history in histories.items():
            if not any(unit in history for unit in UNITS):
                raise ValueError(
                    f"The history of {name!r} must contain one of {UNITS}; got "
                    f"{list(history)}."
                )
        self.histories = histories

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> Self:
        """Plot the training curves of one or several models.

        Parameters
        ----------
        estimator : estimator or dict of str to estimator
            Fitted network, linear classifier, other estimator with ``loss_curve_``, or
            pipeline that ends with one, or a dict of several by name.
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.

        Returns
        -------
        display : TrainingCurveDisplay
            The display with the computed values.

        Raises
        ------
        TypeError
            If an estimator has no training history.
        NotFittedError
            If an estimator is not fitted.
        """
        models = estimator
        if not isinstance(estimator, dict):
            models = {type(estimator).__name__: estimator}
        histories = {
            str(name): _recorded_history(model) for name, model in models.items()
        }
        return cls(histories).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Plot the display.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.

        Returns
        -------
        display : TrainingCurveDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the histories contain nothing to plot.
        """
        curves = {panel: self._curves(panel) for panel in PANELS}
        if not any(np.ptp(y) > 0 for *_, y in curves["learning_rate"]):
            curves["learning_rate"] = []  # it is constant
        panels = [panel for panel in PANELS if curves[panel]]
        if not panels:
            raise ValueError(
                f"The histories must contain at least one of {', '.join(PANELS)}."
            )
        axes = divided_axes(ax, type(self).__name__, len(panels), 2, (4.2, 3))
        self.axes_, self.figure_ = axes, axes[0].figure
        units = dict.fromkeys(_unit(history) for history in self.histories.values())
        for place, panel in zip(axes, panels, strict=True):
            self._draw(place, panel, curves[panel])
            place.set_xlabel(" or ".join(units))
            place.xaxis.get_major_locator().set_params(integer=True)
            place.grid(alpha=0.3)
        if len(self.histories) > 1 and ax is None:
            lines, names = axes[0].get_legend_handles_labels()
            longest = 8 + max(map(len, names))  # with the line before it
            n_cols = int(self.figure_.get_figwidth() * LETTERS_OF_LEGEND / longest)
            style = {"loc": "outside lower center", "ncols": min(max(n_cols, 1), 4)}
            self.figure_.legend(lines, names, **style)
        elif len(self.histories) > 1:
            axes[0].legend(fontsize="small", frameon=False)
        return self

    def _curves(self, panel: str) -> list[Any]:
        """Return the name, layer, x and y of each line of a panel."""
        return [
            (name, layer, np.asarray(history[_unit(history)])[known], y[known])
            for name, history in self.histories.items()
            for layer, y in enumerate(_columns(history.get(panel, [])))
            if (known := np.isfinite(y)).any()
        ]

    def _draw(
        self,
        axes: Any,
        panel: str,
        curves: list[tuple[str, int, np.ndarray, np.ndarray]],
    ) -> None:
        colors = dict(zip(self.histories, cycle(COLORS), strict=False))
        for name, layer, x, y in curves:
            color, style = colors[name], STYLES[layer % len(STYLES)]
            if len(self.histories) == 1:
                color, style = COLORS[layer % len(COLORS)], "-"
            axes.plot(x, y, color=color, linestyle=style, label=name)
            if panel == "validation_score":
                axes.plot(x[y.argmax()], y.max(), "o", color=color)
        label = PANELS[panel]
        least = min(y.min() for *_, y in curves)
        is_wide = 0 < WIDE * least < max(y.max() for *_, y in curves)
        if panel == "update_ratio" or (panel == "loss" and is_wide):
            axes.set_yscale("log")
            label += " (logarithmic)"
        axes.set_ylabel(label)
        if panel == "validation_score" and len(curves) == 1:
            (name, _, x, y) = curves[0]
            unit = _unit(self.histories[name])
            axes.set_title(
                f"best: {y.max():.3f} in {unit} {x[y.argmax()]}", fontsize="medium"
            )
        if panel == "update_ratio":
            self._explain_ratios(axes, sorted({layer for _, layer, *_ in curves}))

    def _explain_ratios(self, axes: Any, layers: list[int]) -> None:
        """Plot the rule of thumb, and add a legend of the layers."""
        for layer in layers:  # lines without points
            style = {"color": GRAY, "linestyle": STYLES[layer % len(STYLES)]}
            if len(self.histories) == 1:
                style = {"color": COLORS[layer % len(COLORS)]}
            axes.plot([], [], label=f"layer {layer + 1}", **style)
        axes.axhline(HEALTHY_RATIO, label="rule of thumb", **DOTTED)
        lines, labels = axes.get_legend_handles_labels()
        n = len(layers) + 1
        axes.legend(lines[-n:], labels[-n:], fontsize="small", frameon=False)


def _unit(history: dict[str, np.ndarray]) -> str:
    """Return the unit of the steps of a history."""
    return next(unit for unit in UNITS if unit in history)


def _columns(values: Any) -> Any:
    """Return a list of a single curve, or a curve for each layer."""
    values = np.asarray(values, float)
    return [values] if values.ndim == 1 else values.T


def _recorded_history(estimator: Any) -> dict[str, np.ndarray]:
    """Return the history of a fitted estimator, in the form of ``history_``."""
    model = last_step(estimator)
    check_is_fitted(model)
    unit = "iteration" if getattr(model, "solver", None) == "lbfgs" else "epoch"
    if hasattr(model, "history_"):
        return {unit if k == "epoch" else k: y for k, y in model.history_.items()}
    if not hasattr(model, "loss_curve_"):
        raise TypeError(
            f"{type(model).__name__} has no training history. Pass a network "
            f"(MLPBackprop, ArcFaceEmbedder), a linear classifier (SoftmaxRegression, "
            f"MulticlassSVM, Perceptron), or another estimator with loss_curve_."
        )
    loss = np.array(model.loss_curve_)
    first = model.n_iter_ + 1 - len(loss)  # 0 if it includes the initial loss
    scores = getattr(model, "validation_scores_", None) or []
    none = np.full(len(loss) - len(scores), np.nan)
    return {
        unit: first + np.arange(len(loss)),
        "loss": loss,
        "validation_score": np.append(none, scores),
    }
