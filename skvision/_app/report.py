"""What the command line prints about held-out images."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.metrics import confusion_matrix

from skvision._app.intervals import NORMAL_QUANTILE
from skvision._contract.user_error import visible

_MOST_PAIRS = 10


def wilson_interval(n_correct: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share.

    Unlike the textbook interval it stays within 0 and 1, and is not a point where all
    or none are correct.

    References
    ----------
    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
    Inference", 1927.

    Examples
    --------
    >>> from skvision._app.report import wilson_interval
    >>> print("{:.3f} {:.3f}".format(*wilson_interval(9, 10)))
    0.596 0.982
    """
    share, ratio = n_correct / n, NORMAL_QUANTILE**2 / n
    center = (share + ratio / 2) / (1 + ratio)
    width = math.sqrt(share * (1 - share) * ratio + ratio**2 / 4) / (1 + ratio)
    return max(0.0, center - width), min(1.0, center + width)


def measure(truth: NDArray[Any], predicted: NDArray[Any]) -> dict[str, Any]:
    """Return the share of correct predictions, with an interval."""
    n, n_correct = len(truth), int((truth == predicted).sum())
    return {
        "pictures": n,
        "accuracy": n_correct / n,
        "interval_95": list(wilson_interval(n_correct, n)),
    }


def print_report(
    score: dict[str, Any],
    truth: NDArray[Any],
    predicted: NDArray[Any],
    classes: Sequence[str],
    what: str,
) -> None:
    """Print accuracy, precision and recall of each class, and what was confused.

    Parameters
    ----------
    score : dict
        From `measure`.
    truth, predicted : ndarray of shape (n,), str
        Classes.
    classes : sequence of str
        All of them, in their order.
    what : str
        What was predicted, such as "held-out images".
    """
    low, high = score["interval_95"]
    print(
        f"\nAccuracy {score['accuracy']:.3f} on {score['pictures']} {what} "
        f"(95 % interval {low:.3f} to {high:.3f})\n"
    )
    counts = confusion_matrix(truth, predicted, labels=list(classes))
    names = [visible(name) for name in classes]
    # The names of classes are names, not markup.
    console = Console(markup=False, highlight=False, emoji=False)
    console.print(_by_class(counts, names))
    matrix = _matrix(counts, names)
    boundless = console.options.update(width=sum(map(len, names)) + 20 * len(names))
    if console.measure(matrix, options=boundless).maximum <= console.width:
        print("\nConfusion matrix, a row for each true class:\n")
        console.print(matrix)
    elif score["accuracy"] < 1:
        print("\nMost often confused:\n")
        console.print(_confused_pairs(counts, names))
    print()


def find_confused_pairs(counts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return row and column of what is confused most often."""
    errors = counts - np.diag(np.diag(counts))
    n_pairs = min(np.count_nonzero(errors), _MOST_PAIRS)
    largest = np.argsort(-errors, axis=None, kind="stable")[:n_pairs]
    rows, columns = np.unravel_index(largest, errors.shape)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def _by_class(counts: NDArray[Any], names: Sequence[str]) -> Table:
    table = Table("class", box=None, pad_edge=False)
    for column in ("pictures", "precision", "recall"):
        table.add_column(column, justify="right")
    for i, name in enumerate(names):
        n_true, n_predicted = counts[i].sum(), counts[:, i].sum()
        precision = f"{counts[i, i] / n_predicted:.3f}" if n_predicted else "-"
        recall = f"{counts[i, i] / n_true:.3f}" if n_true else "-"
        table.add_row(name, str(n_true), precision, recall)
    return table


def _matrix(counts: NDArray[Any], names: Sequence[str]) -> Table:
    table = Table("", box=None, pad_edge=False)
    for name in names:
        table.add_column(name, justify="right")
    for name, row in zip(names, counts, strict=True):
        table.add_row(name, *map(str, row))
    return table


def _confused_pairs(counts: NDArray[Any], names: Sequence[str]) -> Table:
    """Return a table for where a matrix would be too wide."""
    table = Table("true class", "taken for", box=None, pad_edge=False)
    table.add_column("pictures", justify="right")
    for i, j in find_confused_pairs(counts):
        table.add_row(names[i], names[j], f"{counts[i, j]} of {counts[i].sum()}")
    return table
