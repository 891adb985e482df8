"""Display of the robustness of a classifier to changes of images."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skvision._contract.images import as_array, laid_out_like, learn_value_range
from skvision._contract.public import public
from skvision.inspection._changes import (
    CHANGES,
    change_images,
    check_levels,
    default_levels,
)
from skvision.inspection._drawing import BLUE, GRAY, as_images, divided_axes
from skvision.metrics._pairs import as_labels

COLUMNS = ["change", "level", "score", "standard_error"]


@public("skvision.inspection")
class RobustnessDisplay:
    """Scores on changed test images against the level of the change.

    Classifiers often fail on images that were taken under different conditions than the
    training images and are, for example, darker, rotated or blurred. There is a panel
    for each kind of change, with a curve that shows the levels that the classifier
    tolerates.

    Parameters
    ----------
    results : DataFrame
        Table with the columns ``change``, ``level``, ``score`` and ``standard_error``,
        which may be NaN.
    unchanged : float
        Score on the unchanged images.
    chance : float, default=None
        Score of a classifier that guesses, if known.
    score_name : str, default="accuracy"
        Name of the score.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n_changes,)
        Axes of each change, set by `plot`.
    figure_ : Figure
        Figure of the plot, set by `plot`.

    See Also
    --------
    MistakesDisplay : Mistakes on unchanged images.
    skvision.augmentation : Random changes in training, which make models more robust.

    Notes
    -----
    ==========  ==================================================  =============
    change      definition                                          level
    ==========  ==================================================  =============
    brightness  A constant is added to all pixels.                  gray levels
                                                                    of 255
    contrast    Differences from the mean of the image are          factor
                multiplied.
    shift       The image is shifted up, down, left or right.       whole pixels
    rotation    The image is rotated counter-clockwise around its   degrees
                center.
    scale       The image is scaled around its center.              factor
    occlusion   A rectangle at a random position is filled by the   fraction of
                mean color of the image.                            each side
    blur        The image is convolved with a Gaussian.             standard
                                                                    deviation in
                                                                    pixels
    noise       Normal noise is added to each pixel and channel.    standard
                                                                    deviation in
                                                                    gray levels
                                                                    of 255
    ==========  ==================================================  =============

    Pixels beyond the border repeat the pixels at the border. Images are rotated and
    scaled by linear interpolation. The result is clipped to black and white, and
    rounded for uint8 images. All levels of a change use the same random numbers. The
    neutral level uses the images without any change.

    References
    ----------
    D. Hendrycks and T. Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", ICLR 2019.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import SoftmaxRegression
    >>> from skvision.inspection import RobustnessDisplay
    >>> digits = load_digits()
    >>> X, y = digits.images / 16, digits.target
    >>> model = SoftmaxRegression().fit(X[:1000], y[:1000])
    >>> display = RobustnessDisplay.from_estimator(
    ...     model, X[1000:], y[1000:], changes={"shift": [0, 1, 2]}, random_state=0
    ... )
    >>> print(display.results.round(2).to_string(index=False))
    change  level  score  standard_error
     shift    0.0   0.93            0.01
     shift    1.0   0.49            0.02
     shift    2.0   0.10            0.01
    """

    def __init__(
        self,
        results: pd.DataFrame,
        *,
        unchanged: float,
        chance: float | None = None,
        score_name: str = "accuracy",
    ) -> None:
        self.results = results
        self.unchanged = unchanged
        self.chance = chance
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        changes: Any = None,
        scoring: Any = None,
        value_range: Any = None,
        image_shape: Any = None,
        random_state: Any = None,
        ax: Any = None,
        n_cols: int = 4,
    ) -> Self:
        r"""Score a classifier on changed images and plot the scores.

        Parameters
        ----------
        estimator : estimator
            Fitted classifier of images, or a pipeline that ends with a classifier.
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Test images with one or three channels. Read files by `ImageReader` first.
        y : array-like of shape (n,)
            Class labels.
        changes : list of str or dict, default=None
            Names of changes (see the notes), or a dict from names to lists of levels.
            None means all eight changes, with levels for the size of the images.
        scoring : str or callable, default=None
            Scorer, as in scikit-learn. None means the accuracy.
        value_range : (float, float), default=None
            Values of black and white. None means (0, 255) for uint8 images, and the
            smallest and largest value of ``X`` for others.
        image_shape : (int, int) or (int, int, int), default=None
            Height, width and channels of images that are passed as flat rows. If None,
            they are guessed with an `ImageShapeWarning`.
        random_state : int, RandomState instance or None, default=None
            Determines directions, positions and noise.
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.
        n_cols : int, default=4
            Number of panels per row.

        Returns
        -------
        display : RobustnessDisplay
            The display with the computed values. The standard error is that of an
            accuracy, :math:`\sqrt{a (1 - a) / n}`, and NaN for other scores. The score
            of chance is the frequency of the largest class in ``y``, which is the
            accuracy of always predicting it, and None for other scores.

        Raises
        ------
        TypeError
            If the estimator is not a classifier.
        ValueError
            If a change is unknown, if a level is out of its range, or if ``X`` does not
            have the shape seen during ``fit``.
        """
        if not is_classifier(estimator):
            raise TypeError(
                f"estimator must be a classifier; got {type(estimator).__name__}."
            )
        check_is_fitted(estimator)
        X, y = as_array(X), as_labels(y, "y")
        images = as_images(X, image_shape)
        if len(images) != len(y):
            raise ValueError(
                f"X and y must have the same length; got {len(images)} images and "
                f"{len(y)} labels."
            )
        known = np.asarray(estimator.classes_).tolist()
        if set(known).isdisjoint(y.tolist()) and len(y):
            raise ValueError(
                f"y contains none of the classes of the classifier, which begin with "
                f"{known[:3]}; y begins with {y[:3].tolist()}."
            )
        requested = _levels(changes, images.shape[1:3])
        value_range = learn_value_range(value_range, images)
        seed = check_random_state(random_state).randint(2**31 - 1)
        scoring = "accuracy" if scoring is None else scoring
        score = _scorer(estimator, scoring, y)
        unchanged, error = score(laid_out_like(X, images))
        records = []
        for name, levels in requested.items():
            for level in levels:
                changed = change_images(images, name, level, value_range, seed)
                values = (
                    (unchanged, error)
                    if changed is images
                    else score(laid_out_like(X, changed))
                )
                records.append((name, level, *values))
        most = np.unique(y, return_counts=True)[1].max()
        return cls(
            pd.DataFrame(records, columns=COLUMNS),
            unchanged=unchanged,
            chance=most / len(y) if scoring == "accuracy" else None,
            score_name=str(getattr(scoring, "__name__", scoring)).replace("_", " "),
        ).plot(ax, n_cols=n_cols)

    def plot(self, ax: Any = None, *, n_cols: int = 4) -> Self:
        """Plot the display.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to divide into a grid. If None, a new figure is created.
        n_cols : int, default=4
            Number of panels per row.

        Returns
        -------
        display : RobustnessDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        names = self.results["change"].unique()
        self.axes_ = divided_axes(
            ax, type(self).__name__, len(names), n_cols, (2.7, 2.5)
        )
        self.figure_ = self.axes_[0].figure
        shown = self.results["score"] + self.results["standard_error"].fillna(0)
        bottom = min(0, self.unchanged, self.results["score"].min())
        top = 1.02 * max(self.unchanged, shown.max())
        top = max(top, 1.0 if bottom == 0 else 0)
        for i, (axes, name) in enumerate(zip(self.axes_, names, strict=True)):
            self._draw_change(axes, name)
            axes.set_ylim(bottom, top)
            if i % n_cols:
                axes.tick_params(labelleft=False)
            else:
                axes.set_ylabel(self.score_name)
        if ax is None and len(names) > 1:
            legend = self.axes_[0].get_legend_handles_labels()
            ncols = min(4, n_cols, len(names))
            self.figure_.legend(*legend, loc="outside lower center", ncols=ncols)
        else:
            self.axes_[0].legend(fontsize="x-small")
        return self

    def _draw_change(self, axes: Any, name: str) -> None:
        """Plot one panel."""
        part = self.results[self.results["change"] == name].sort_values("level")
        level, score, error = (part[column].to_numpy() for column in COLUMNS[1:])
        if np.isfinite(error).any():
            axes.fill_between(
                level,
                score - error,
                score + error,
                color=BLUE,
                alpha=0.25,
                linewidth=0,
                label="± one standard error",
            )
        axes.plot(
            level, score, color=BLUE, marker="o", markersize=4, label="changed images"
        )
        axes.axhline(self.unchanged, color=GRAY, linestyle="--", label="unchanged")
        if self.chance is not None:
            axes.axhline(self.chance, color=GRAY, linestyle=":", label="chance")
        axes.set_title(name, fontsize="medium")
        unit = CHANGES[name][2] if name in CHANGES else "level"
        axes.set_xlabel(unit, fontsize="small")
        axes.locator_params(axis="x", nbins=5, integer=name == "shift")
        axes.grid(alpha=0.3)


def _levels(changes: Any, shape: tuple[int, int]) -> dict[str, Any]:
    """Return the levels of each requested change by name."""
    requested = list(CHANGES) if changes is None else changes
    is_word = isinstance(requested, str)
    unknown = [] if is_word else [name for name in requested if name not in CHANGES]
    if is_word or unknown or not len(requested):
        raise ValueError(
            f"changes must be a list of names among {', '.join(CHANGES)}, or a dict "
            f"from names to lists of levels; got {changes!r}"
            + (f", where {unknown[0]!r} is unknown." if unknown else ".")
        )
    return {
        name: check_levels(name, requested[name])
        if isinstance(requested, Mapping)
        else default_levels(name, shape)
        for name in requested
    }


def _scorer(estimator: Any, scoring: str, y: Any) -> Callable[..., Any]:
    """Return a function from images to their score and its standard error."""
    from sklearn.metrics import check_scoring

    scorer = check_scoring(estimator, scoring)

    def score(images: Any) -> tuple[float, float]:
        value = float(scorer(estimator, images, y))
        variance = value * (1 - value) / len(y) if scoring == "accuracy" else np.nan
        return value, float(np.sqrt(variance))

    return score
