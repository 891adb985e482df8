"""What ``skvision compare`` prints."""

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

_TRAIN = "hog color words softmax"  # what `skvision train` fits
_NUMBERS = ("%\nright", "95 %\ninterval", "less\nbest", "95 %\ninterval")
_TIMES = ("fit\ns", "predict\nms")


def print_comparison(table: pd.DataFrame) -> None:
    """Print a table of `skvision._app.compare.compare`, and what it means."""
    console = Console(markup=False, highlight=False, emoji=False)
    shown = _lay_out(table)
    # Numbers are not cut off: a narrow terminal wraps the lines.
    boundless = console.options.update(width=1000)
    shown.width = console.measure(shown, options=boundless).maximum
    console.print()
    console.print(shown, crop=False)
    for paragraph in _explain(table):
        console.print()
        console.print(paragraph)
    console.print()


def _lay_out(table: pd.DataFrame) -> Table:
    shown = Table(box=None, pad_edge=False)
    for column in ("features", "model"):
        shown.add_column(f"\n{column}")
    for column in _NUMBERS + _TIMES:
        shown.add_column(column, justify="right")
    for i, way in enumerate(table.to_dict("records")):
        less = _percent(way, "difference")
        interval = _percent(way, "difference_low", "difference_high", sign="+")
        shown.add_row(
            way["features"] or "none",
            way["model"],
            _percent(way, "accuracy"),
            _percent(way, "accuracy_low", "accuracy_high"),
            *((less, interval) if i else ("", "")),
            *(_time(way[name]) for name in ("fit_seconds", "predict_ms")),
        )
    return shown


def _percent(way: dict[Hashable, Any], *names: str, sign: str = "") -> str:
    percents = [100 * way[name] for name in names]
    # "-0.0" would leave open on which side of 0 an interval ends
    digits = 2 if any(round(x, 1) == 0 and x < 0 for x in percents) else 1
    return " ".join(f"{x:{sign}.{digits}f}" for x in percents)


def _time(time: float) -> str:
    return f"{time:.2f}" if time < 10 else f"{time:.0f}"


def _explain(table: pd.DataFrame) -> list[str]:
    """Return what the table means, a paragraph for each thing."""
    names = (table["features"] + " " + table["model"]).str.strip()
    is_level = table["difference_high"] >= 0  # of the first too
    level = names[is_level].tolist()
    behind = names[~is_level].tolist()
    return [
        "Each image was predicted once, by models that had not seen it, on the same "
        "folds for all; identical images and groups were kept in one fold. Chosen in "
        "each fold on parts of its training images: the k of kNN, the penalty of "
        "softmax and SVM. Fixed: MLP, 256 hidden units and 40 epochs. Pixels are those "
        "of 32 x 32 images at most. Times are medians of the folds, with one thread "
        "for matrix products; they count the features, not the reading.",
        _tell_best(level, behind),
        "The best is in part the luckiest, so its accuracy and its lead are a little "
        "flattered; and other training images would move all of them, which the "
        "intervals do not show.",
        _tell_train(names.tolist(), level, table),
    ]


def _tell_best(level: Sequence[str], behind: Sequence[str]) -> str:
    if "majority" in level:
        return (
            "None is surely better than majority, which always names the most frequent "
            "class: add images, or look whether they show what tells classes apart."
        )
    if len(level) == 1:
        return f"{level[0]} is better than each of the others by more than chance."
    return (
        f"Not told apart from {level[0]}, since the interval includes 0: "
        f"{'; '.join(level[1:])}."
        + (" The others are behind by more than chance." if behind else "")
    )


def _tell_train(names: Sequence[str], level: Sequence[str], table: pd.DataFrame) -> str:
    if names[0] == _TRAIN:
        place = "the best here"
    elif _TRAIN in level:
        place = "not told apart from the best here"
    else:
        behind = -100 * table["difference"][names.index(_TRAIN)]
        place = f"{behind:.1f} % of images behind the best here"
    return f"skvision train fits {_TRAIN}, {place}."
