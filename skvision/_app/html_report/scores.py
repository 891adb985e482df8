"""What a report says about scores: fractions with intervals, and what is confused."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skvision._app.evaluate import measure
from skvision._app.intervals import wilson_interval
from skvision._contract.user_error import visible


def _estimate(n_right: int, n: int) -> dict[str, Any] | None:
    """Return a fraction with its 95 % interval, or None if ``n`` is 0."""
    if n == 0:
        return None
    low, high = wilson_interval(n_right, n)
    return {"right": n_right, "n": n, "fraction": n_right / n, "low": low, "high": high}


def score_all(truth: NDArray[np.str_], predicted: NDArray[np.str_]) -> dict[str, Any]:
    """Return the accuracy, and that of always predicting the most frequent class."""
    score = measure(truth, predicted)
    names, n = np.unique(truth, return_counts=True)
    low, high = score.interval
    return {
        "n": score.n_images,
        "right": score.n_right,
        "fraction": score.accuracy,
        "low": low,
        "high": high,
        "chance": float(n.max() / n.sum()),
        "commonest": visible(str(names[n.argmax()])),
    }


def score_classes(counts: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return how many images a class has, its recall and its precision."""
    right, true, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    return [
        {
            "n": int(true[i]),
            "recall": _estimate(int(right[i]), int(true[i])),
            "precision": _estimate(int(right[i]), int(predicted[i])),
        }
        for i in range(len(counts))
    ]


def measure_tints(counts: NDArray[np.int64]) -> list[list[int]]:
    """Return the fraction of its row that each cell has, in percent."""
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    tints: list[list[int]] = np.ceil(100 * counts / totals).astype(int).tolist()
    return tints


def fill_cells(
    classes: Sequence[str],
    truth: NDArray[Any],
    predicted: NDArray[Any],
    confidence: NDArray[Any],
) -> dict[tuple[int, int], list[int]]:
    """Return the images in each cell of the confusion matrix that has any.

    The cells of right predictions come first; the images in each are in increasing
    order of their probability. Then come the cells of mistakes, the fullest first; the
    images in each are in decreasing order of their probability.
    """
    position = {name: i for i, name in enumerate(classes)}
    cells: dict[tuple[int, int], list[int]] = {}
    for i in np.argsort(-confidence, kind="stable").tolist():
        cell = position[truth[i]], position[predicted[i]]
        cells.setdefault(cell, []).append(i)
    right = {cell: cells[cell][::-1] for cell in sorted(cells) if cell[0] == cell[1]}
    wrong = [cell for cell in sorted(cells) if cell[0] != cell[1]]
    wrong.sort(key=lambda cell: -len(cells[cell]))
    return right | {cell: cells[cell] for cell in wrong}
