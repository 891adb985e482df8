"""Display of the selection of the number of neighbors."""

from functools import cached_property
from typing import Any, Self

import numpy as np
from pandas import DataFrame

from skvision._contract.public import public
from skvision.inspection._drawing import (
    BLUE,
    GRAY,
    GREEN,
    ORANGE,
    legend_above,
    single_axes,
    width_in_inches,
)
from skvision.model_selection import k_selection_curve

NUMBERS = (1, 3, 5, 7, 9, 15, 21, 31, 51, 75, 100)
MAX_TICKS = 12


@public("skvision.inspection")
class KSelectionDisplay:
    r"""Accuracy in cross-validation against the number of neighbors.

    Each point is the accuracy on one fold. The line connects the means, with error bars
    of one standard error. Two numbers of neighbors are marked: the one with the best
    mean, and the largest one whose mean is within one standard error of the best (the
    one-standard- error rule). More neighbors give a smoother classifier, and the latter
    is the smoothest one that is not significantly worse.

    Parameters
    ----------
    curve : DataFrame
        Table with a row for each number of neighbors and fold, and the columns ``k``,
        ``fold`` and ``accuracy``, as returned by
        `skvision.model_selection.k_selection_curve`.

    Attributes
    ----------
    summary : DataFrame
        Table indexed by ``k`` in increasing order, with the ``mean`` over folds and its
        standard ``error``, which is NaN for a single fold.
    best : int
        Number of neighbors with the best mean, the smallest if there are several.
    smoothest : int
        Largest number of neighbors whose mean is within one standard error of the best.
    ax_ : Axes
        Axes of the plot, set by `plot`.
    figure_ : Figure
        Figure of the plot, set by `plot`.

    References
    ----------
    L. Breiman, J. Friedman, R. Olshen and C. Stone, "Classification and Regression
    Trees", 1984 (one-standard-error rule).

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
                f"curve must have the columns k, fold and accuracy, with a row for "
                f"each number of neighbors and fold; {sorted(missing)} are missing."
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
        """Cross-validate a classifier with several numbers of neighbors and plot it.

        Parameters
        ----------
        estimator : KNNImageClassifier
            Classifier whose ``metric``, ``weights``, ``class_weight``, ``tie_break``
            and ``n_jobs`` are used. It need not be fitted. The search is exact for any
            ``algorithm``.
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features.
        y : array-like of shape (n,)
            Class labels.
        n_neighbors : array-like of int
            Numbers of neighbors.
        cv : int, cross-validation generator or iterable, default=5
            As in `skvision.model_selection.k_selection_curve`.
        groups : array-like of shape (n,), default=None
            Groups of images, for splitters that use groups.
        ax : Axes, default=None
            Axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : KSelectionDisplay
            The display with the computed values.

        Raises
        ------
        TypeError
            If the estimator is not a `KNNImageClassifier`.
        ValueError
            If a number of neighbors is out of its range.
        """
        names = ("metric", "weights", "tie_break", "class_weight", "n_jobs")
        if not all(hasattr(estimator, name) for name in names):
            raise TypeError(
                f"estimator must be a KNNImageClassifier; got "
                f"{type(estimator).__name__}. For a pipeline, transform X by the other "
                f"steps first, or pass your own curve to KSelectionDisplay(curve)."
            )
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
        """Mean and standard error over folds, by k."""
        by_k = self.curve.groupby("k")["accuracy"]
        return DataFrame({"mean": by_k.mean(), "error": by_k.sem()})

    @property
    def best(self) -> int:
        """The number of neighbors with the best mean, the smallest if several."""
        return int(self.summary["mean"].idxmax())

    @property
    def smoothest(self) -> int:
        """The largest number of neighbors within one standard error of the best."""
        return int(self.summary.index[self.summary["mean"] >= self._lower_bound].max())

    @property
    def _lower_bound(self) -> Any:
        """Return the best mean less its standard error."""
        best = self.summary.loc[self.best]
        return best["mean"] - np.nan_to_num(best["error"])

    def plot(self, ax: Any = None) -> Self:
        """Plot the display.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : KSelectionDisplay
            The display itself.

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
        ax.axhline(self._lower_bound, color=ORANGE, linewidth=1, linestyle="--")
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
        if len(numbers) <= MAX_TICKS:
            ax.set_xticks(numbers, numbers)
            ax.minorticks_off()
        else:
            ax.xaxis.set_major_formatter("{x:g}")
        ax.set(xlabel=label, ylabel="accuracy")
        ax.grid(alpha=0.3)
        legend_above(ax, n_cols=2 if width_in_inches(ax) > 4 else 1)
