"""Visual words as little images."""

import math
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from skvision._contract.public import public
from skvision._features.visual_words.bag_of_visual_words import BagOfVisualWords
from skvision.inspection._drawing import divided_axes, show_picture
from skvision.inspection._targets import best_of


@public("skvision.inspection")
class CodebookDisplay:
    """Visual words as little images, laid out side by side.

    Each is shifted by mid-gray, which is the mean of a patch, and scaled to its own
    largest value: words have no brightness, and most no contrast. Gray words are drawn
    in black and white, those of colors in colors.

    Parameters
    ----------
    words : array-like of shape (n_words, height, width, channels)
        Words as patches, about 0, of one channel or three.
    usage : array-like of shape (n_words,), default=None
        How much each is used; words are then drawn by it, the most used first.

    Attributes
    ----------
    ax_ : Axes
        What was drawn in by `plot`.
    figure_ : Figure
        The figure that it is in.

    See Also
    --------
    skvision.BagOfVisualWords : Learns words, and describes images by them.

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
            Fitted; a pipeline is one that begins with a `BagOfVisualWords`. Where words
            come in pairs, each with its mirror image, one of each is drawn.
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features), default=None
            Images. The words that they use most are drawn first: usage is the share
            of a word, with its mirror image and all signs, in the features of all these
            images. None leaves words in their order.
        n_words : int, default=256
            How many are drawn at most.
        n_cols : int, default=16
            Words in a row.
        ax : Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : CodebookDisplay
            What was drawn; it holds all words, in their order.

        Raises
        ------
        TypeError
            If the estimator is neither.
        NotFittedError
            If it is not fitted.
        ValueError
            If ``X`` is no images such as it was fitted to, or ``n_words`` or
            ``n_cols`` is less than 1.
        """
        # not at the top: it loads much that `import skvision` does without
        from sklearn.pipeline import Pipeline

        estimator = best_of(estimator)
        bag = estimator[0] if isinstance(estimator, Pipeline) else estimator
        if not isinstance(bag, BagOfVisualWords):
            raise TypeError(
                f"a BagOfVisualWords is needed, or a pipeline that begins with one; "
                f"got {type(bag).__name__}."
            )
        check_is_fitted(bag, "codebook_")
        words, usage = bag.inverse_codebook(), None
        if bag.mirror:
            words = words[: len(words) // 2]  # the others are their mirror images
        if X is not None:
            features = np.asarray(bag.transform(X))  # a table after set_output
            totals = features.sum(axis=0, dtype=np.float64)
            usage = totals.reshape(-1, len(words)).sum(axis=0)  # words run fastest
            usage /= usage.sum() or 1.0
        return cls(words, usage).plot(ax, n_words=n_words, n_cols=n_cols)

    def plot(self, ax: Any = None, *, n_words: int = 256, n_cols: Any = 16) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw in; None makes a figure.
        n_words : int, default=256
            How many are drawn at most.
        n_cols : int, default=16
            Words in a row.

        Returns
        -------
        display : CodebookDisplay
            The same.

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
        show_picture(ax, mosaic, vmin=0, vmax=1)
        ax.spines[:].set_visible(False)
        title = f"{n_all} words" if n == n_all else f"{n} of {n_all} words"
        if self.usage is not None:
            title += ", most used first"
            if n < n_all and self.usage.sum():
                share = self.usage[order].sum() / self.usage.sum()
                title += f": {share:.0%} of all use"
        ax.set_title(title, fontsize="medium")
        return self


def _mosaic(words: np.ndarray, n_cols: int) -> np.ndarray:
    """Lay words out in rows, on white, a pixel of a word apart."""
    n, height, width, n_channels = words.shape
    n_rows = math.ceil(n / n_cols)
    largest = np.abs(words).max(axis=(1, 2, 3), keepdims=True)
    tiles = np.ones((n_rows * n_cols, height + 1, width + 1, n_channels), np.float32)
    tiles[:n, :-1, :-1] = 0.5 + words / (2 * np.where(largest > 0, largest, 1))
    rows = tiles.reshape(n_rows, n_cols, height + 1, width + 1, n_channels)
    mosaic = rows.swapaxes(1, 2).reshape(-1, n_cols * (width + 1), n_channels)
    return mosaic[:-1, :-1]
