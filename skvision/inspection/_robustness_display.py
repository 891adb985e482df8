"""What a classifier is worth when images are not as those it learned from."""

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
    changed,
    check_levels,
    default_levels,
)
from skvision.inspection._drawing import BLUE, GRAY, as_pictures, divided_axes
from skvision.metrics._pairs import as_labels

COLUMNS = ["change", "level", "score", "standard_error"]


@public("skvision.inspection")
class RobustnessDisplay:
    """The score on test images that are changed more and more, a panel a change.

    Classifiers fail less often on other images than on images taken otherwise:
    darker, turned, blurred. A curve says how far such a change may go.

    Parameters
    ----------
    results : DataFrame
        The numbers, in columns ``change``, ``level``, ``score`` and
        ``standard_error``, which may be NaN.
    unchanged : float
        The score on the images as they are.
    chance : float, default=None
        The score of guessing, if there is one.
    score_name : str, default="accuracy"
        What the score is.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n_changes,)
        One for each change, after `plot`.
    figure_ : Figure
        The figure that they are in.

    See Also
    --------
    MistakesDisplay : What is wrong with the images as they are.
    skvision.augmentation : Changes in training, which make models robust.

    Notes
    -----
    ==========  ====================================================  =============
    change      what is done                                          level
    ==========  ====================================================  =============
    brightness  added to all pixels                                   gray levels
                                                                      of 255
    contrast    differences from the mean of the image multiplied   factor
    shift       moved up, down, left or right, at random              whole pixels
    rotation    turned around the middle, counter-clockwise           degrees
    scale       enlarged around the middle, made smaller below 1      factor
    occlusion   a rectangle at a random place covered by the mean     share of each
                color of the image                                 side
    blur        convolved with a Gaussian                             standard
                                                                      deviation in
                                                                      pixels
    noise       normal noise added to each pixel and channel          standard
                                                                      deviation in
                                                                      gray levels
                                                                      of 255
    ==========  ====================================================  =============

    What comes in from beyond the border repeats the pixels at the border. Images are
    turned and scaled with linear interpolation, clipped to black and white, and bytes
    rounded. What is random is the same for all levels of a change. The level that
    changes nothing gives the very images.

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
        r"""Score a classifier on changed images, and draw.

        Parameters
        ----------
        estimator : estimator
            Any fitted classifier, or a pipeline that ends in one, that takes images.
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Test images of one channel or three; of files, what `ImageReader` makes of
            them.
        y : array-like of shape (n,)
            Their classes.
        changes : list of str or dict, default=None
            Names of changes, see the notes, or a dict of the levels of each. None is
            all eight, at levels that suit the size of the images.
        scoring : str or callable, default=None
            As scikit-learn has it. None is the accuracy.
        value_range : (float, float), default=None
            The values of black and white. None is (0, 255) for bytes, and the least and
            the largest value of ``X`` for floats.
        image_shape : (int, int) or (int, int, int), default=None
            Height, width and channels of images that come as flat rows; where it is
            None they are guessed with an `ImageShapeWarning`.
        random_state : int, RandomState instance or None, default=None
            Draws directions, places and noise.
        ax : Axes, default=None
            Axes to divide; None makes a figure.
        n_cols : int, default=4
            Panels in a row.

        Returns
        -------
        display : RobustnessDisplay
            What was drawn. The standard error is that of an accuracy, :math:`\sqrt{a
            (1 - a) / n}`, and NaN for another score; chance is the share of the largest
            class in ``y``, the accuracy of always naming it, and None for another
            score.

        Raises
        ------
        TypeError
            If the estimator is no classifier.
        ValueError
            If a change is unknown, a level out of its range, or ``X`` is not like the
            images seen in ``fit``.
        """
        if not is_classifier(estimator):
            raise TypeError(
                f"robustness is that of a classifier; got {type(estimator).__name__}."
            )
        check_is_fitted(estimator)
        X, y = as_array(X), as_labels(y, "y")
        images = as_pictures(X, image_shape)
        if len(images) != len(y):
            raise ValueError(
                f"X has {len(images)} images and y {len(y)} classes: there must be a "
                f"class for each."
            )
        known = np.asarray(estimator.classes_).tolist()
        if set(known).isdisjoint(y.tolist()) and len(y):
            raise ValueError(
                f"y has no class that the classifier knows: its classes begin with "
                f"{known[:3]}, and y with {y[:3].tolist()}."
            )
        asked = _levels(changes, images.shape[1:3])
        value_range = learn_value_range(value_range, images)
        seed = check_random_state(random_state).randint(2**31 - 1)
        scoring = "accuracy" if scoring is None else scoring
        score = _scorer(estimator, scoring, y)
        unchanged, error = score(laid_out_like(X, images))
        records = []
        for name, levels in asked.items():
            for level in levels:
                pictures = changed(images, name, level, value_range, seed)
                values = (
                    (unchanged, error)
                    if pictures is images
                    else score(laid_out_like(X, pictures))
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
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to divide; None makes a figure.
        n_cols : int, default=4
            Panels in a row.

        Returns
        -------
        display : RobustnessDisplay
            The same.

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
        """Draw one panel."""
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
    """Return the levels of each change that is asked for, by its name."""
    asked = list(CHANGES) if changes is None else changes
    is_word = isinstance(asked, str)
    unknown = [] if is_word else [name for name in asked if name not in CHANGES]
    if is_word or unknown or not len(asked):
        raise ValueError(
            f"changes must be a list of names among {', '.join(CHANGES)}, or a dict of "
            f"the levels of each; got {changes!r}"
            + (f", and {unknown[0]!r} is none." if unknown else ".")
        )
    return {
        name: check_levels(name, asked[name])
        if isinstance(asked, Mapping)
        else default_levels(name, shape)
        for name in asked
    }


def _scorer(estimator: Any, scoring: str, y: Any) -> Callable[..., Any]:
    """Return ``images -> (score, standard error)``."""
    from sklearn.metrics import check_scoring

    scorer = check_scoring(estimator, scoring)

    def score(pictures: Any) -> tuple[float, float]:
        value = float(scorer(estimator, pictures, y))
        variance = value * (1 - value) / len(y) if scoring == "accuracy" else np.nan
        return value, float(np.sqrt(variance))

    return score
