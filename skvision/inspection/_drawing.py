"""Functions of the displays: axes, images and text, with matplotlib imported late."""

import math
import textwrap
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_scalar

from skvision._contract.images import validate_images

BLUE, ORANGE, GREEN, GRAY = "#08519c", "#d55e00", "#00795a", "#57606a"
LETTERS = 16  # per inch of axes, which the layout makes wider later
LOW = 0.8  # height of axes in inches above which two lines of text fit
MARKS = {True: ("✓", GREEN), False: ("✗", ORANGE)}  # whether correct


class FittedShape(BaseEstimator):
    """Estimator that stores what `validate_images` learns about images to draw."""

    def __init__(self, image_shape: Any = None) -> None:
        self.image_shape = image_shape


def as_images(X: Any, image_shape: Any = None) -> Any:
    """Return images (n, H, W, C), validated as by transformers.

    ``image_shape`` is the shape of flat rows; if None, it is guessed with a warning.
    """
    return validate_images(FittedShape(image_shape), X, reset=True)


def as_shades(*sets: Any) -> list[Any]:
    """Return sets of images, scaled together to values from 0 (black) to 1 (white).

    The range is (0, 255) for uint8 color images, and (0, 1) for float color images with
    values between 0 and 1. For others, it goes from the smallest to the largest value.
    """
    low = min(float(images.min()) for images in sets)
    high = max(float(images.max()) for images in sets)
    if all(images.ndim == 4 and images.shape[3] == 3 for images in sets):
        if all(images.dtype == np.uint8 for images in sets):
            low, high = 0.0, 255.0
        elif 0 <= low and high <= 1:
            low, high = 0.0, 1.0
    width = high - low or 1.0
    return [((images - low) / width).astype(np.float32) for images in sets]


def load_pyplot(name: str) -> Any:
    """Return ``matplotlib.pyplot`` for the display ``name``.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{name} requires matplotlib, which is not installed. Run "
            'python -m pip install ".[plot]" in a clone of skvision.'
        ) from error
    return plt


def single_axes(ax: Any, name: str) -> Any:
    """Return ``ax``, or the axes of a new figure if it is None."""
    return load_pyplot(name).subplots(layout="constrained")[1] if ax is None else ax


def divided_axes(
    ax: Any, name: str, n_axes: int, n_cols: int, size: tuple[float, float]
) -> Any:
    """Return an array of ``n_axes`` axes in rows of ``n_cols``.

    They replace ``ax`` or, if it is None, form a new figure with the width and height
    ``size``, in inches, for each of them.
    """
    plt = load_pyplot(name)
    check_scalar(n_cols, "n_cols", Integral, min_val=1)
    n_cols = min(n_cols, n_axes)
    n_rows = math.ceil(n_axes / n_cols)
    if ax is None:
        figure = plt.figure(
            figsize=(size[0] * n_cols, size[1] * n_rows), layout="constrained"
        )
        grid = figure.add_gridspec(n_rows, n_cols)
    else:
        place = ax.get_subplotspec()
        if place is None:
            raise ValueError(
                f"{name} divides ax, which must belong to a grid. Create it by "
                f"plt.subplots() or figure.add_subplot(), or omit ax."
            )
        ax.set_axis_off()
        figure = ax.figure
        grid = place.subgridspec(n_rows, n_cols)
    places = [divmod(i, n_cols) for i in range(n_axes)]
    return np.array([figure.add_subplot(grid[place]) for place in places], object)


def width_in_inches(ax: Any) -> float:
    """Return the width of axes in inches, before the layout adjusts it."""
    return float(ax.get_window_extent().width / ax.figure.dpi)


def wrap_text(ax: Any, text: Any, after: str = "") -> str:
    """Wrap text to one or two lines of the width of the axes, and append ``after``."""
    width = max(8, int(LETTERS * width_in_inches(ax)) - len(after))
    n_lines = 2 if ax.get_window_extent().height / ax.figure.dpi > LOW else 1
    text = str(text)
    if len(text) > n_lines * width:
        text = f"{text[: n_lines * width - 1]}…"
    return textwrap.fill(text, width) + after


def show_image(ax: Any, image: Any, **style: Any) -> None:
    """Draw an image (H, W) or (H, W, C), by default in gray if it has one channel."""
    if image.ndim == 2 or image.shape[2] == 1:
        style = {"cmap": "gray"} | style
        image = image.reshape(image.shape[:2])
    ax.imshow(image, **style)
    ax.set(xticks=[], yticks=[])


def show_weights(ax: Any, weights: Any, largest: float, **style: Any) -> Any:
    """Draw weights (H, W) or (H, W, C) between -largest and largest.

    Weights of one channel are blue if they are positive and red if they are negative.
    For weights of three channels, zero is mid-gray.
    """
    largest = largest or 1.0
    if weights.ndim == 3 and weights.shape[2] == 3:
        image = ax.imshow(0.5 + weights / (2 * largest), **style)
    else:
        weights = weights.mean(axis=2) if weights.ndim == 3 else weights
        style = {"cmap": "RdBu", "vmin": -largest, "vmax": largest} | style
        image = ax.imshow(weights, **style)
    ax.set(xticks=[], yticks=[])
    return image


def legend_above(ax: Any, n_cols: int = 1) -> None:
    """Add a legend above the axes, where it does not hide the plot."""
    ax.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        ncols=n_cols,
        fontsize="small",
        frameon=False,
    )
