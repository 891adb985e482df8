"""What displays share: matplotlib, loaded when something is drawn, and its axes."""

import math
import textwrap
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_scalar

from skvision._contract.images import validate_images

BLUE, ORANGE, GREEN, GRAY = "#08519c", "#d55e00", "#00795a", "#57606a"
LETTERS = 16  # in an inch of axes, which the layout will yet make wider
LOW = 0.8  # height of axes, in inches, from which there is room for two lines
MARKS = {True: ("✓", GREEN), False: ("✗", ORANGE)}  # of what is right, and wrong


class Pictures(BaseEstimator):
    """What `validate_images` learns of images that are to be drawn."""

    def __init__(self, image_shape: Any = None) -> None:
        self.image_shape = image_shape


def as_pictures(X: Any, image_shape: Any = None) -> Any:
    """Return images (n, H, W, C), checked as transformers check them.

    Flat rows have ``image_shape``; where it is None, it is guessed with a warning.
    """
    return validate_images(Pictures(image_shape), X, reset=True)


def as_shades(*sets: Any) -> list[Any]:
    """Return sets of images with values from 0, black, to 1, on one scale for all.

    Bytes of colors, and floats of colors from 0 to 1, are what they are; of all
    others the least value is black, and the largest white.
    """
    low = min(float(pictures.min()) for pictures in sets)
    high = max(float(pictures.max()) for pictures in sets)
    if all(pictures.ndim == 4 and pictures.shape[3] == 3 for pictures in sets):
        if all(pictures.dtype == np.uint8 for pictures in sets):
            low, high = 0.0, 255.0
        elif 0 <= low and high <= 1:
            low, high = 0.0, 1.0
    width = high - low or 1.0
    return [((pictures - low) / width).astype(np.float32) for pictures in sets]


def load_pyplot(name: str) -> Any:
    """Return ``matplotlib.pyplot``, for the display ``name``.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f'{name} draws with matplotlib: pip install "skvision[plot]"'
        ) from error
    return plt


def single_axes(ax: Any, name: str) -> Any:
    """Return ``ax``, or the axes of a new figure where it is None."""
    return load_pyplot(name).subplots(layout="constrained")[1] if ax is None else ax


def divided_axes(
    ax: Any, name: str, n_axes: int, n_cols: int, size: tuple[float, float]
) -> Any:
    """Return an array of ``n_axes`` axes in rows of ``n_cols``.

    They take the place of ``ax``, or make up a figure of their own where it is None,
    with ``size``, the width and height in inches, for each.
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
                f"{name} divides ax, which must have a place in a grid: make it by "
                f"plt.subplots() or figure.add_subplot(), or leave ax out."
            )
        ax.set_axis_off()
        figure = ax.figure
        grid = place.subgridspec(n_rows, n_cols)
    places = [divmod(i, n_cols) for i in range(n_axes)]
    return np.array([figure.add_subplot(grid[place]) for place in places], object)


def width_of(ax: Any) -> float:
    """Return the width of axes in inches, as far as it is known before the layout."""
    return float(ax.get_window_extent().width / ax.figure.dpi)


def in_lines(ax: Any, text: Any, after: str = "") -> str:
    """Return text in lines as wide as the axes, two or one, and what stands after."""
    width = max(8, int(LETTERS * width_of(ax)) - len(after))
    n_lines = 2 if ax.get_window_extent().height / ax.figure.dpi > LOW else 1
    text = str(text)
    if len(text) > n_lines * width:
        text = f"{text[: n_lines * width - 1]}…"
    return textwrap.fill(text, width) + after


def show_picture(ax: Any, picture: Any, **style: Any) -> None:
    """Draw an image (H, W) or (H, W, C), gray where nothing else is said."""
    if picture.ndim == 2 or picture.shape[2] == 1:
        style = {"cmap": "gray"} | style
        picture = picture.reshape(picture.shape[:2])
    ax.imshow(picture, **style)
    ax.set(xticks=[], yticks=[])


def show_weights(ax: Any, weights: Any, largest: float, **style: Any) -> Any:
    """Draw weights (H, W) or (H, W, C), which lie between -largest and largest.

    Gray ones are blue where they are positive and red where they are negative; those of
    colors are shifted by mid-gray, so that gray is what does not matter.
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
    """Write a legend above the axes, where it covers nothing."""
    ax.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        ncols=n_cols,
        fontsize="small",
        frameon=False,
    )
