"""What a report says about scores: fractions with intervals, and what is confused."""

from collections.abc import Sequence
from typing import Any, NamedTuple

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
    """Return the accuracy with its interval."""
    score = measure(truth, predicted)
    low, high = score.interval
    return {
        "n": score.n_images,
        "right": score.n_right,
        "fraction": score.accuracy,
        "low": low,
        "high": high,
    }


class Baseline(NamedTuple):
    """The class that is most frequent, and how often always predicting it is right.

    Attributes
    ----------
    name : str
        The class.
    fraction : float
        The fraction of test images of this class.
    from_training : bool
        Whether it is most frequent in training, or else, if that is not known, here.
    """

    name: str
    fraction: float
    from_training: bool


def measure_baseline(
    classes: Sequence[str], table: Sequence[tuple[int | None, int]]
) -> Baseline:
    """Return the baseline, from numbers of training and test images of each class."""
    from_training = all(n is not None for n, _ in table)
    numbers = [n if n is not None and from_training else m for n, m in table]
    most = numbers.index(max(numbers))
    fraction = table[most][1] / sum(m for _, m in table)
    return Baseline(visible(classes[most]), fraction, from_training)


def score_classes(
    counts: NDArray[np.int64], classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Return for each class its images, recall, precision and most frequent mistake."""
    right, true, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    errors = counts - np.diag(right)
    return [
        {
            "n": int(true[i]),
            "n_wrong": int(errors[i].sum()),
            "taken_for": visible(classes[errors[i].argmax()]),
            "n_taken": int(errors[i].max()),
            "recall": _estimate(int(right[i]), int(true[i])),
            "precision": _estimate(int(right[i]), int(predicted[i])),
        }
        for i in range(len(counts))
    ]


def rank_classes(counts: NDArray[np.int64]) -> list[int]:
    """Return the classes, those first that are confused most often with others."""
    errors = counts - np.diag(np.diag(counts))
    wrong = errors.sum(axis=1) + errors.sum(axis=0)
    order: list[int] = np.argsort(-wrong, kind="stable").tolist()
    return order


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
