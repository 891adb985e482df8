"""Display of visual words."""

import math
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from skvision._contract.models import VisualWords, answers
from skvision._contract.public import public
from skvision.inspection._drawing import divided_axes, show_image
from skvision.inspection._targets import best_estimator_of


@public("skvision.inspection")
class CodebookDisplay:
    """Visual words as small images, arranged in a grid.

    The mean of a patch is shown as mid-gray, and each word is scaled by its largest
    magnitude, because words have no brightness and no natural contrast. Words with one
    channel are shown in gray, and words with three channels in color.

    Parameters
    ----------
    words : array-like of shape (n_words, height, width, channels)
        Words as patches around 0, with one or three channels.
    usage : array-like of shape (n_words,), default=None
        Usage of each word. If given, the most used words are drawn first.

    Attributes
    ----------
    ax_ : Axes
        Axes of the plot, set by `plot`.
    figure_ : Figure
        Figure of the plot, set by `plot`.

    See Also
    --------
    skvision.BagOfVisualWords : Transformer that learns the words.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import BagOfVisualWords
    >>> from skvision.inspection import CodebookDisplay
    >>> images = load_digits().images[:200]
    >>> words = BagOfVisualWords(patch_size=4, n_words=32, random_state=0).fit(images)
    >>> display = CodebookDisplay.from_estimator(words, images)
    >>> display.words.shape
    (16, 4, 4, 1)
    >>> print(display.usage.sum().round(3))
    1.0
    """

    def __init__(self, words: ArrayLike, usage: ArrayLike | None = None) -> None:
        self.words = np.asarray(words)
        self.usage = None if usage is None else np.asarray(usage)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        n_words: int = 256,
        n_cols: int = 16,
        ax: Any = None,
    ) -> Self:
        """Draw the words of a fitted bag of visual words.

        Parameters
        ----------
        estimator : BagOfVisualWords or Pipeline
            Fitted estimator. A pipeline must begin with a `BagOfVisualWords`. Of each
            pair of mirror images, one word is drawn.
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features), default=None
            Images that determine the order: the words that they use most are drawn
            first. The usage of a word is its fraction of the sum of all features,
            including its mirror image and all signs. None keeps the order of the words.
        n_words : int, default=256
            Maximum number of words to draw.
        n_cols : int, default=16
            Number of words per row.
        ax : Axes, default=None
            Axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : CodebookDisplay
            The display with all words in their original order.

        Raises
        ------
        TypeError
            If the estimator is not one of these.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If ``X`` does not have the shape seen during ``fit``, or if ``n_words`` or
            ``n_cols`` is less than 1.
        """
        # imported here because it loads many modules
        from sklearn.pipeline import Pipeline

        estimator = best_estimator_of(estimator)
        bag = estimator[0] if isinstance(estimator, Pipeline) else estimator
        if not answers(bag, VisualWords):
            raise TypeError(
                f"CodebookDisplay requires a BagOfVisualWords, or a pipeline that "
                f"begins with one; got {type(bag).__name__}."
            )
        check_is_fitted(bag, "codebook_")
        words, usage = bag.inverse_codebook(), None
        if bag.mirror:
            words = words[: len(words) // 2]  # the others are their mirror images
        if X is not None:
            features = np.asarray(bag.transform(X))  # a table after set_output
            totals = features.sum(axis=0, dtype=np.float64)
            usage = totals.reshape(-1, len(words)).sum(axis=0)  # words come last
            usage /= usage.sum() or 1.0
        return cls(words, usage).plot(ax, n_words=n_words, n_cols=n_cols)

    def plot(self, ax: Any = None, *, n_words: int = 256, n_cols: Any = 16) -> Self:
        """Plot the display.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to plot on. If None, a new figure is created.
        n_words : int, default=256
            Maximum number of words to draw.
        n_cols : int, default=16
            Number of words per row.

        Returns
        -------
        display : CodebookDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        check_scalar(n_words, "n_words", Integral, min_val=1)
        check_scalar(n_cols, "n_cols", Integral, min_val=1)
        order = np.arange(len(self.words))
        if self.usage is not None:
            order = np.argsort(-self.usage, kind="stable")
        order = order[:n_words]
        n, n_all = len(order), len(self.words)
        n_cols = min(n_cols, n)
        mosaic = _mosaic(self.words[order], n_cols)
        if ax is None:
            size = 6.4, 6.4 * len(mosaic) / mosaic.shape[1] + 0.3
            (ax,) = divided_axes(None, type(self).__name__, 1, 1, size)
        self.ax_, self.figure_ = ax, ax.figure
        show_image(ax, mosaic, vmin=0, vmax=1)
        ax.spines[:].set_visible(False)
        title = f"{n_all} words" if n == n_all else f"{n} of {n_all} words"
        if self.usage is not None:
            title += ", most used first"
            if n < n_all and self.usage.sum():
                fraction = self.usage[order].sum() / self.usage.sum()
                title += f": {fraction:.0%} of total usage"
        ax.set_title(title, fontsize="medium")
        return self


def _mosaic(words: np.ndarray, n_cols: int) -> np.ndarray:
    """Arrange words in a grid on white, with a gap of one pixel."""
    n, height, width, n_channels = words.shape
    n_rows = math.ceil(n / n_cols)
    largest = np.abs(words).max(axis=(1, 2, 3), keepdims=True)
    tiles = np.ones((n_rows * n_cols, height + 1, width + 1, n_channels), np.float32)
    tiles[:n, :-1, :-1] = 0.5 + words / (2 * np.where(largest > 0, largest, 1))
    rows = tiles.reshape(n_rows, n_cols, height + 1, width + 1, n_channels)
    mosaic = rows.swapaxes(1, 2).reshape(-1, n_cols * (width + 1), n_channels)
    return mosaic[:-1, :-1]
