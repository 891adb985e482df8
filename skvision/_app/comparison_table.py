"""What ``skvision compare`` prints."""

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from skvision._app.words import write_percent

_TRAIN = "hog color words softmax"  # where `skvision train` begins
_INTERVAL = "95 %\ninterval"


def print_comparison(table: pd.DataFrame) -> None:
    """Print the table of a cross-validation, and what it means."""
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
    with_top_5 = "top_5_accuracy" in table
    shown.add_column("\nmodel")
    for column in (
        "\nright",
        _INTERVAL,
        *(["\ntop-5"] if with_top_5 else []),
        "minus\nbest",
        _INTERVAL,
        "fit\ns",
        "predict\nms",
    ):
        shown.add_column(column, justify="right")
    for i, row in enumerate(table.to_dict("records")):
        less = _percent(row, "difference")
        interval = _percent(row, "difference_low", "difference_high", sign="+")
        shown.add_row(
            f"{row['features']} {row['model']}".strip(),
            write_percent(row["accuracy"]),
            _percent(row, "accuracy_low", "accuracy_high"),
            *([write_percent(row["top_5_accuracy"])] if with_top_5 else []),
            *((less, interval) if i else ("", "")),
            *(_time(row[name]) for name in ("fit_seconds", "predict_ms")),
        )
    return shown


def _percent(row: dict[Hashable, Any], *names: str, sign: str = "") -> str:
    percents = [100 * row[name] for name in names]
    # "-0.0" would not say on which side of 0 an interval ends
    digits = 2 if any(round(x, 1) == 0 and x < 0 for x in percents) else 1
    return " ".join(f"{x:{sign}.{digits}f}" for x in percents)


def _time(time: float) -> str:
    return f"{time:.2f}" if time < 10 else f"{time:.0f}"


def _explain(table: pd.DataFrame) -> list[str]:
    """Return what the table means, in a paragraph for each thing."""
    names = (table["features"] + " " + table["model"]).str.strip()
    is_level = table["difference_high"] >= 0  # true of the first too
    level = names[is_level].tolist()
    behind = names[~is_level].tolist()
    return [
        "Each image was predicted once, by models that had not learned from it, on the "
        "same folds for all models; identical images and groups were kept in one fold. "
        "The k of kNN and the penalties of softmax and SVM were chosen in each fold on "
        "parts of its training images; the MLP has 256 hidden units and 40 epochs. "
        "Pixels are those of 32 x 32 images at most. Times are medians over the folds, "
        "with one thread for matrix products; they include the features, but not the "
        "reading.",
        _describe_best(level, behind),
        "The best model is in part the luckiest, so its accuracy and its lead are a "
        "little too good. Other training images would change all accuracies; the "
        "intervals do not include that.",
        _describe_train(names.tolist(), level, table),
    ]


def _describe_best(level: Sequence[str], behind: Sequence[str]) -> str:
    if "majority" in level:
        return (
            "No model is certainly better than majority, which always predicts the "
            "most frequent class: add images, or check that they show the difference "
            "between the classes."
        )
    if len(level) == 1:
        return f"{level[0]} is better than each of the others by more than chance."
    return (
        f"These models cannot be distinguished from {level[0]}, since the interval "
        f"includes 0: {'; '.join(level[1:])}."
        + (" The others are worse by more than chance." if behind else "")
    )


def _describe_train(
    names: Sequence[str], level: Sequence[str], table: pd.DataFrame
) -> str:
    if names[0] == _TRAIN:
        place = "the best model here"
    elif _TRAIN in level:
        place = "which cannot be distinguished from the best model here"
    else:
        behind = -100 * table["difference"][names.index(_TRAIN)]
        place = f"{behind:.1f} percentage points below the best model here"
    return (
        f"skvision train begins with {_TRAIN}, {place}, and takes another recipe if it "
        f"predicts validation images better."
    )
