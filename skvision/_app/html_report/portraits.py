"""The weights of a linear model as images, for each class."""

import colorsys
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skvision._app.html_report.images import as_ink, as_strip, shrink
from skvision._contract.models import (
    ColorBins,
    EdgeHistograms,
    VisualWords,
    answers,
)
from skvision.inspection import draw_hog

FOR, AGAINST = (47, 123, 214), (214, 104, 32)  # visible on white and on black
_N_WORDS = 8
_MOST_BINS = 24
_HUES = (
    "red orange yellow lime green mint cyan azure blue violet magenta rose red"
).split()


class Bin(NamedTuple):
    """A bin of a color histogram.

    Attributes
    ----------
    name : str
        The range of colors in words.
    channel : str
        The channel of the histogram, or "" if it has a bin for each combination.
    color : str
        A color of the bin in CSS.
    weight : float
        What the bin adds to the score, from -1 to 1.
    """

    name: str
    channel: str
    color: str
    weight: float


@dataclass
class Portrait:
    """Evidence for a class and against it; empty for features that are not used."""

    edges: tuple[str, str] | tuple[()] = ()
    words: tuple[str, str] | tuple[()] = ()
    bins: list[Bin] = field(default_factory=list)


def linear_model(pipeline: Pipeline) -> Any:
    """Return the softmax regression of a pipeline, which may be one of an ensemble."""
    members = getattr(pipeline[-1], "named_estimators_", {})
    return members.get("softmax", pipeline[-1])


def signed_weights(pipeline: Pipeline) -> NDArray[np.floating[Any]]:
    """Return what a standard deviation of each feature adds to the score of each class.

    A model of two classes has one row of weights, for the second class.
    """
    weights = linear_model(pipeline).coef_
    return np.concatenate([-weights, weights]) / 2 if len(weights) == 1 else weights


def split_features(pipeline: Pipeline) -> list[tuple[Any, slice]]:
    """Return each step of the union and its columns."""
    steps = [
        step[-1] if isinstance(step, Pipeline) else step  # after images are halved
        for _, step in pipeline[1].transformer_list
    ]
    ends = np.cumsum([0, *(step.n_features_out_ for step in steps)]).tolist()
    return [
        (step, slice(start, stop))
        for step, start, stop in zip(steps, ends[:-1], ends[1:], strict=True)
    ]


def draw_portraits(pipeline: Pipeline) -> list[Portrait]:
    """Return a portrait for each class.

    `PixelNormalizer` divides features by their scale. The weights of edges are divided
    by the same scale, so that a drawing can be compared with the edges of an image. The
    weights of colors and words are not, because rare colors would get large weights.
    """
    weights = signed_weights(pipeline)
    scale = np.maximum(pipeline[2].scale_, np.finfo(np.float32).tiny)
    portraits = [Portrait() for _ in weights]
    for step, columns in split_features(pipeline):
        for portrait, row in zip(portraits, weights[:, columns], strict=True):
            if answers(step, EdgeHistograms):
                portrait.edges = _draw_edges(step, row / scale[columns])
            elif answers(step, ColorBins):
                portrait.bins = _weigh_bins(step, row)
            elif answers(step, VisualWords):
                portrait.words = _pick_words(step, row)
    return portraits


def measure_contributions(
    pipeline: Pipeline, features: NDArray[np.floating[Any]]
) -> list[tuple[Any, float]]:
    """Return each step of the union, and its fraction of the variance of the scores.

    The variance of a step is that of the scores that its features alone would give.
    """
    weights = signed_weights(pipeline)
    variances = []
    for step, columns in split_features(pipeline):
        scores = features[:, columns] @ weights[:, columns].T
        variances.append((step, float(scores.var(axis=0).sum())))
    total = sum(variance for _, variance in variances)
    return [(step, variance / (total or 1.0)) for step, variance in variances]


def _draw_edges(
    hog: EdgeHistograms, weights: NDArray[np.floating[Any]]
) -> tuple[str, str]:
    parts = np.maximum(weights, 0), np.maximum(-weights, 0)
    drawings = [shrink(draw_hog(hog, part)) for part in parts]
    return as_ink(drawings[0], FOR), as_ink(drawings[1], AGAINST)


def _pick_words(
    words: VisualWords, weights: NDArray[np.floating[Any]]
) -> tuple[str, str]:
    """Return the words with the largest and the smallest mean weight over all cells."""
    patches = words.inverse_codebook()
    n_rows, n_columns, _, n_words = words.features_shape_
    by_word = weights.reshape(n_rows * n_columns, -1).mean(axis=0)
    order = np.argsort(-by_word, kind="stable")
    strips = []
    for chosen in (order[:_N_WORDS], order[::-1][:_N_WORDS]):
        sign, word = np.divmod(chosen, n_words)
        negative = np.where(sign == 1, -1, 1)[:, None, None, None]
        strips.append(as_strip(patches[word] * negative))
    return strips[0], strips[1]


def _weigh_bins(colors: ColorBins, weights: NDArray[np.floating[Any]]) -> list[Bin]:
    """Return the bins with the largest mean weight over all cells, in their order."""
    layout = colors.layout_
    n_cells = math.prod(layout.grid)
    by_bin = weights.reshape(n_cells, -1).mean(axis=0)
    by_bin = by_bin / (np.abs(by_bin).max() or 1.0)
    named = _name_bins(colors)
    names = [_name_channel(name) for name in layout.names]
    channels = [""] * len(named) if colors.joint else np.repeat(names, layout.n_bins)
    kept = np.sort(np.argsort(-np.abs(by_bin), kind="stable")[:_MOST_BINS])
    return [
        Bin(named[k][0], str(channels[k]), named[k][1], float(by_bin[k])) for k in kept
    ]


def _name_bins(colors: ColorBins) -> list[tuple[str, str]]:
    """Return the name and the CSS color of each bin of a cell."""
    layout = colors.layout_
    channels = [
        [(_name_channel(name), low + k * width, width) for k in range(n)]
        for name, low, width, n in _measure_bins(layout)
    ]
    if colors.joint:
        combinations = list(product(*channels))
    else:
        combinations = [(one,) for channel in channels for one in channel]
    low, high = colors.value_range_
    described = []
    for combination in combinations:
        middles = {name: start + width / 2 for name, start, width in combination}
        name = ", ".join(_name_range(*one) for one in combination)
        described.append((name, _css(middles, low, high)))
    return described


def _name_channel(name: str) -> str:
    return "brightness" if name == "value" else name.removeprefix("weighted_")


def _measure_bins(layout: Any) -> Iterator[tuple[str, float, float, int]]:
    """Yield name, start and width of bins, and their number, for each channel."""
    for name, (low, high), n in zip(
        layout.names, layout.ends, layout.n_bins, strict=True
    ):
        yield name, low, (high - low) / n, n


def _name_range(channel: str, start: float, width: float) -> str:
    if channel == "hue":
        first, last = _HUES[round(start * 12)], _HUES[round((start + width) * 12)]
        return first if first == last else f"{first} to {last}"
    if channel in ("saturation", "brightness"):
        return f"{channel} {start:.0%} to {start + width:.0%}"
    return f"{channel} {start:.3g} to {start + width:.3g}"


def _css(middles: dict[str, float], low: float, high: float) -> str:
    """Return a color with the given channels, and ordinary values of the others."""
    if middles.keys() & {"lightness", "a", "b"}:
        lightness = middles.get("lightness", 60.0)
        a, b = middles.get("a", 0.0), middles.get("b", 0.0)
        return f"lab({lightness:.0f} {a:.0f} {b:.0f})"
    if middles.keys() & {"hue", "saturation"}:
        value = middles.get("brightness", 0.8)
        saturation = middles.get("saturation", 0.75)
        rgb = colorsys.hsv_to_rgb(middles.get("hue", 0.58), saturation, value)
    elif "brightness" in middles:
        rgb = (middles["brightness"],) * 3
    else:
        span = (high - low) or 1.0
        gray = middles.get("gray", low)
        red, green, blue = (
            (middles.get(name, gray) - low) / span for name in ("red", "green", "blue")
        )
        rgb = red, green, blue
    return "#" + "".join(f"{round(255 * min(max(x, 0), 1)):02x}" for x in rgb)
