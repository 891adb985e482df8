"""Tables of the console: scores by class, and what is confused with what."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from skvision._app.words import write_percent

_MOST_PAIRS = 10


def find_confused_pairs(counts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the rows and columns of the largest errors, the largest first."""
    errors = counts - np.diag(np.diag(counts))
    n_pairs = min(np.count_nonzero(errors), _MOST_PAIRS)
    largest = np.argsort(-errors, axis=None, kind="stable")[:n_pairs]
    rows, columns = np.unravel_index(largest, errors.shape)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def tabulate_classes(counts: NDArray[np.int64], names: Sequence[str]) -> Table:
    """Return precision and recall of each class."""
    table = Table("class", box=None, pad_edge=False)
    for column in ("images", "precision", "recall"):
        table.add_column(column, justify="right")
    for i, name in enumerate(names):
        n_true, n_predicted = counts[i].sum(), counts[:, i].sum()
        precision = write_percent(counts[i, i] / n_predicted) if n_predicted else "-"
        recall = write_percent(counts[i, i] / n_true) if n_true else "-"
        table.add_row(name, str(n_true), precision, recall)
    return table


def tabulate_matrix(counts: NDArray[np.int64], names: Sequence[str]) -> Table:
    """Return the confusion matrix, a row for each true class."""
    table = Table("", box=None, pad_edge=False)
    for name in names:
        table.add_column(name, justify="right")
    for name, row in zip(names, counts, strict=True):
        table.add_row(name, *map(str, row))
    return table


def tabulate_pairs(counts: NDArray[np.int64], names: Sequence[str]) -> Table:
    """Return the largest errors, for when the matrix would be too wide."""
    table = Table("true class", "predicted as", box=None, pad_edge=False)
    table.add_column("images", justify="right")
    for i, j in find_confused_pairs(counts):
        table.add_row(names[i], names[j], f"{counts[i, j]} of {counts[i].sum()}")
    return table
