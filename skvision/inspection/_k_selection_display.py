"""How many neighbors should vote, as a curve."""

from functools import cached_property
from typing import Any, Self

import numpy as np
from pandas import DataFrame

from skvision._contract.public import public
from skvision._neighbors.knn_image_classifier import KNNImageClassifier
from skvision.inspection._drawing import (
    BLUE,
    GRAY,
    GREEN,
    ORANGE,
    legend_above,
    single_axes,
    width_of,
)
from skvision.model_selection import k_selection_curve

NUMBERS = (1, 3, 5, 7, 9, 15, 21, 31, 51, 75, 100)
MOST_TICKS = 12


@public("skvision.inspection")
class KSelectionDisplay:
    r"""Accuracy in cross-validation against the number of neighbors.

    A point is one fold; the line goes through the means, with bars of one standard
    error up and down. Two numbers are marked. One has the best mean. The other is the
    largest whose mean is within one standard error of that: more neighbors make a
    smoother classifier, and this is the smoothest that is not shown to be worse (the
    rule of one standard error).

    Parameters
    ----------
    curve : DataFrame
        A row for each number and fold, in columns ``k``, ``fold`` and ``accuracy``,
        such as `skvision.model_selection.k_selection_curve` returns.

    Attributes
    ----------
    summary : DataFrame
        By ``k``, rising, the ``mean`` of folds and its standard ``error``: their
        standard deviation, with one degree less, over the root of their number; NaN for
        one fold.
    best : int
        The number of the best mean; of equals the least.
    smoothest : int
        The largest whose mean is within one standard error of it.
    ax_ : Axes
        What was drawn in by `plot`.
    figure_ : Figure
        The figure that it is in.

    References
    ----------
    L. Breiman, J. Friedman, R. Olshen and C. Stone, "Classification and Regression
    Trees", 1984: the rule of one standard error.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import KNNImageClassifier
    >>> from skvision.inspection import KSelectionDisplay
    >>> digits = load_digits()
    >>> display = KSelectionDisplay.from_estimator(
    ...     KNNImageClassifier(), digits.images, digits.target, n_neighbors=[1, 3, 9]
    ... )
    >>> display.best, display.smoothest
    (3, 3)
    """

    def __init__(self, curve: DataFrame) -> None:
        missing = {"k", "fold", "accuracy"}.difference(curve.columns)
        if missing:
            raise ValueError(
                f"curve lacks the columns {sorted(missing)}: a row is needed for each "
                f"number of neighbors and fold, with k, fold and accuracy."
            )
        self.curve = curve

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        n_neighbors: Any = NUMBERS,
        cv: Any = 5,
        groups: Any = None,
        ax: Any = None,
    ) -> Self:
        """Cross-validate a classifier with several numbers of neighbors, and draw.

        Parameters
        ----------
        estimator : KNNImageClassifier
            Says the metric, the weights of votes and of classes, and who wins a tie;
            need not be fitted. All distances are computed, whatever its ``algorithm``.
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features.
        y : array-like of shape (n,)
            Classes.
        n_neighbors : array-like of int
            Numbers of neighbors.
        cv : int, cross-validation generator or iterable, default=5
            As in `skvision.model_selection.k_selection_curve`.
        groups : array-like of shape (n,), default=None
            Groups of images, for generators that keep groups together.
        ax : Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : KSelectionDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If the estimator is no `KNNImageClassifier`.
        ValueError
            If a number of neighbors is out of its range.
        """
        if not isinstance(estimator, KNNImageClassifier):
            raise TypeError(
                f"numbers of neighbors are those of a KNNImageClassifier; got "
                f"{type(estimator).__name__}. For a pipeline, transform X by the steps "
                f"before, or pass a curve of your own to KSelectionDisplay(curve)."
            )
        names = ("metric", "weights", "tie_break", "class_weight", "n_jobs")
        curve = k_selection_curve(
            X,
            y,
            n_neighbors,
            cv=cv,
            groups=groups,
            **{name: getattr(estimator, name) for name in names},
        )
        return cls(curve).plot(ax)

    @cached_property
    def summary(self) -> Any:
        """Mean and standard error of folds, by k."""
        by_k = self.curve.groupby("k")["accuracy"]
        return DataFrame({"mean": by_k.mean(), "error": by_k.sem()})

    @property
    def best(self) -> int:
        """The number of the best mean; of equals the least."""
        return int(self.summary["mean"].idxmax())

    @property
    def smoothest(self) -> int:
        """The largest number whose mean is within one standard error of the best."""
        return int(self.summary.index[self.summary["mean"] >= self._least].max())

    @property
    def _least(self) -> Any:
        """Return the mean that is one standard error below the best."""
        best = self.summary.loc[self.best]
        return best["mean"] - np.nan_to_num(best["error"])

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : KSelectionDisplay
            The same.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        self.ax_ = ax = single_axes(ax, type(self).__name__)
        self.figure_ = ax.figure
        numbers, means = self.summary.index.to_numpy(), self.summary["mean"]
        ax.scatter(
            self.curve["k"],
            self.curve["accuracy"],
            s=14,
            color=GRAY,
            alpha=0.6,
            label="one fold",
        )
        ax.errorbar(
            numbers,
            means,
            yerr=self.summary["error"],
            color=BLUE,
            capsize=4,
            label=f"mean of {self.curve['fold'].nunique()} folds ± standard error",
        )
        ax.axhline(self._least, color=ORANGE, linewidth=1, linestyle="--")
        for k, marker, color, name in (
            (self.best, "o", ORANGE, "best mean"),
            (self.smoothest, "s", GREEN, "largest within one standard error"),
        ):
            ax.plot(
                k,
                means[k],
                marker,
                markersize=12,
                markeredgewidth=2,
                color=color,
                fillstyle="none",
                linestyle="none",
                label=f"{name}: k = {k}",
            )
        self._label(ax, numbers)
        return self

    def _label(self, ax: Any, numbers: np.ndarray) -> None:
        label = "number of neighbors k"
        if numbers.max() > 10 * numbers.min():
            ax.set_xscale("log")
            label += " (logarithmic)"
        if len(numbers) <= MOST_TICKS:
            ax.set_xticks(numbers, numbers)
            ax.minorticks_off()
        else:
            ax.xaxis.set_major_formatter("{x:g}")
        ax.set(xlabel=label, ylabel="accuracy")
        ax.grid(alpha=0.3)
        legend_above(ax, n_cols=2 if width_of(ax) > 4 else 1)
