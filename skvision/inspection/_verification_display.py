"""Display of verification by similarities of pairs of images."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skvision._contract.models import Verifier, answers
from skvision._contract.public import public
from skvision.inspection._drawing import (
    BLUE,
    GRAY,
    GREEN,
    ORANGE,
    divided_axes,
    legend_above,
)
from skvision.metrics import (
    equal_error_rate,
    tar_at_far,
    verification_curve,
    verification_pairs,
)
from skvision.metrics._pairs import as_labels, similarities, unit_embeddings
from skvision.metrics._verification import check_pairs

MAX_PAIRS = 10_000_000
MIN_FAR = 1e-3
N_BINS = 10, 50  # minimum and maximum
N_POINTS = 1000  # of the curve, at regular intervals of its logarithmic axis


@public("skvision.inspection")
class VerificationDisplay:
    """Similarities of pairs of images, and rates of verification for all thresholds.

    The left panel shows histograms of the similarities of pairs of the same class and
    of different classes. The right panel shows the true accept rate, which is the
    fraction of pairs of the same class that are accepted, against the false accept
    rate, which is that of pairs of different classes, for all thresholds; thresholds
    with a false accept rate of zero are drawn at the left edge. It marks the equal
    error rate, the true accept rate at one false accept rate with its 95% confidence
    interval (for independent pairs), and the given threshold.

    Parameters
    ----------
    y_same : array-like of shape (n_pairs,), bool
        Whether the images of each pair are of the same class.
    similarity : array-like of shape (n_pairs,)
        Similarity of the images of each pair.
    threshold : float, default=None
        Similarity from which on pairs are accepted.
    far : float, default=None
        False accept rate at which the true accept rate is marked. None means 0.001 or,
        if there are too few pairs of different classes, the smallest power of ten that
        they can distinguish from 0.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (2,)
        Axes of the histograms and the curve, set by `plot`.
    figure_ : Figure
        Figure of the plot, set by `plot`.

    See Also
    --------
    skvision.metrics.verification_curve : Compute the rates.
    skvision.VerificationThreshold : Learn a threshold.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import ArcFaceEmbedder
    >>> from skvision.inspection import VerificationDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> seen = y < 7
    >>> model = ArcFaceEmbedder(max_iter=5, random_state=0).fit(X[seen], y[seen])
    >>> unseen = X[~seen][:100], y[~seen][:100]
    >>> display = VerificationDisplay.from_estimator(model, *unseen)
    >>> len(display.similarity)
    4950
    """

    def __init__(
        self,
        y_same: ArrayLike,
        similarity: ArrayLike,
        *,
        threshold: float | None = None,
        far: float | None = None,
    ) -> None:
        self.y_same, self.similarity = check_pairs(y_same, similarity)
        self.threshold = threshold
        self.far = far

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, far: Any = None, ax: Any = None
    ) -> Self:
        """Compute the similarities of all pairs of images and plot them.

        Parameters
        ----------
        estimator : transformer or VerificationThreshold
            Fitted estimator that computes the embeddings, whose cosines are the
            similarities. For a `VerificationThreshold`, its threshold and ``far`` are
            also marked.
        X : array-like of shape (n, ...)
            Images or other input of the estimator. Use classes that it was not trained
            on, because it distinguishes its training classes much better than others.
        y : array-like of shape (n,)
            Class labels. If there are more than 10 million pairs, 10 million random
            pairs are used, half of each kind.
        far : float, default=None
            False accept rate at which the true accept rate is marked. None means that
            of the `VerificationThreshold`, or the default of the class.
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.

        Returns
        -------
        display : VerificationDisplay
            The display with the computed values.

        Raises
        ------
        TypeError
            If the estimator does not compute embeddings.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If ``X`` and ``y`` have different lengths, or if there are no pairs of the
            same class or none of different classes.
        """
        y = as_labels(y, "y")
        check_consistent_length(X, y)
        threshold, embedder = None, estimator
        if answers(estimator, Verifier):
            check_is_fitted(estimator, "threshold_")
            threshold, embedder = estimator.threshold_, estimator.estimator_
            if far is None and estimator.criterion == "far":
                far = estimator.far
        elif not hasattr(estimator, "transform"):
            raise TypeError(
                f"{type(estimator).__name__} has no transform, which computes the "
                f"embeddings. Pass an embedder, a pipeline that ends with one, or a "
                f"VerificationThreshold."
            )
        else:
            check_is_fitted(estimator)
        embeddings = X if embedder is None else embedder.transform(X)
        n_all = len(y) * (len(y) - 1) // 2
        n_pairs = MAX_PAIRS if n_all > MAX_PAIRS else None
        pairs, same = verification_pairs(y, n_pairs=n_pairs, random_state=0)
        similarity = similarities(unit_embeddings(embeddings, "The embeddings"), pairs)
        return cls(same, similarity, threshold=threshold, far=far).plot(ax)

    @classmethod
    def from_predictions(
        cls,
        y_same: Any,
        similarity: Any,
        *,
        threshold: float | None = None,
        far: float | None = None,
        ax: Any = None,
    ) -> Self:
        """Plot given similarities.

        Parameters
        ----------
        y_same : array-like of shape (n_pairs,), bool
            Whether the images of each pair are of the same class.
        similarity : array-like of shape (n_pairs,)
            Similarity of the images of each pair.
        threshold : float, default=None
            Similarity from which on pairs are accepted.
        far : float, default=None
            False accept rate, as in the class.
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.

        Returns
        -------
        display : VerificationDisplay
            The display with the computed values.

        Raises
        ------
        ValueError
            As in `skvision.metrics.verification_curve`, or if ``far`` is out of its
            range.
        """
        return cls(y_same, similarity, threshold=threshold, far=far).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Plot the display.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.

        Returns
        -------
        display : VerificationDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If ``far`` is out of its range.

        Warns
        -----
        UserWarning
            If there are too few pairs of different classes to distinguish ``far`` from
            0.
        """
        n_different = int(np.sum(~self.y_same))
        far = self.far
        if far is None:
            far = max(MIN_FAR, 10.0 ** -np.floor(np.log10(n_different)))
        tar = tar_at_far(self.y_same, self.similarity, far=far)
        self.axes_ = divided_axes(ax, type(self).__name__, 2, 2, (4.5, 3.8))
        self.figure_ = self.axes_[0].figure
        self._draw_histograms(self.axes_[0])
        self._draw_curve(self.axes_[1], far, tar, 0.5 / n_different)
        return self

    def _draw_histograms(self, axes: Any) -> None:
        n_bins = int(np.clip(2 * len(self.similarity) ** (1 / 3), *N_BINS))
        bins = np.histogram_bin_edges(self.similarity, n_bins)
        for kind, color, name in (
            (~self.y_same, GRAY, "different classes"),
            (self.y_same, BLUE, "the same class"),
        ):
            axes.hist(
                self.similarity[kind],
                bins,
                density=True,
                histtype="stepfilled",
                facecolor=f"{color}59",  # transparent
                edgecolor=color,
                linewidth=1.5,
                label=f"pairs of {name}: {kind.sum():,}",
            )
        if self.threshold is not None:
            axes.axvline(
                self.threshold,
                color=ORANGE,
                linestyle="--",
                label=f"threshold: {self.threshold:.3g}",
            )
        axes.set(xlabel="similarity", ylabel="density of pairs")
        legend_above(axes)

    def _draw_curve(self, axes: Any, far: float, tar: Any, left: float) -> None:
        """Plot rates from the false accept rate ``left`` on, which stands for zero."""
        fars, tars, thresholds = verification_curve(self.y_same, self.similarity)
        wanted = np.append(0, np.geomspace(2 * left, 1, N_POINTS))
        at = np.unique(np.searchsorted(fars, wanted, side="right") - 1)
        x = np.maximum(fars[at], left)
        axes.plot(x, tars[at], color=BLUE, drawstyle="steps-post")
        error = equal_error_rate(self.y_same, self.similarity)
        axes.plot(
            max(error, left),
            1 - error,
            "s",
            color=GREEN,
            label=f"equal error rate {error:.2%}",
        )
        axes.errorbar(
            max(far, left),
            tar.rate,
            yerr=[[tar.rate - tar.low], [tar.high - tar.rate]],
            fmt="o",
            color="black",
            capsize=4,
            label=f"{tar.rate:.0%} at {far:.2g}, 95%: {tar.low:.0%} to {tar.high:.0%}",
        )
        if self.threshold is not None:
            i = np.searchsorted(-thresholds, -self.threshold, side="right") - 1
            axes.plot(
                max(fars[i], left),
                tars[i],
                "D",
                color=ORANGE,
                label=f"threshold: {tars[i]:.0%} at {fars[i]:.2g}",
            )
        axes.set(
            xscale="log",
            xlim=(left, 1),
            ylim=(0, 1.02),
            xlabel="false accept rate (logarithmic)",
            ylabel="true accept rate",
        )
        axes.grid(alpha=0.3)
        legend_above(axes)
