"""Folds that are the same in all stages, with a fraction of the training rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils import check_random_state, column_or_1d


class SameFolds:
    """A splitter that draws the folds of another splitter only once.

    Parameters
    ----------
    splitter : cross-validation generator
        The splitter that draws the folds.
    stratify : bool, default=False
        Whether to keep the same fraction of the rows of each class.
    random_state : int, RandomState instance or None
        Controls the order in which rows are selected.
    """

    def __init__(
        self, splitter: Any, stratify: bool = False, random_state: Any = None
    ) -> None:
        self.splitter = splitter
        self.stratify = stratify
        self.random_state = random_state
        self.fraction = 1.0
        self._folds: Any = None

    def split(self, X: Any, y: Any = None, **params: Any) -> Iterator[Any]:
        """Yield a fraction of the training rows and all test rows of each fold.

        The rows of a smaller fraction are a subset of those of a larger fraction.
        """
        if self._folds is None:
            self._folds = list(self.splitter.split(X, y, **params))
        labels = _labels_of(y) if self.stratify else None
        for train, test in self._folds:
            yield self._part(np.asarray(train), labels), test

    def _part(self, train: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        n = max(
            1, int(self.fraction * len(train) + 1e-9)
        )  # not more than the stage may cost
        if n >= len(train):
            return train
        order = check_random_state(self.random_state).permutation(len(train))
        if labels is not None:
            order = order[_stratified_order(labels[train[order]])]
        return np.sort(train[order[:n]])


def _labels_of(y: Any) -> np.ndarray | None:
    """Encode classes as integers; return None for multilabel targets."""
    if y is None or np.ndim(y) > 1:
        return None
    return np.unique(column_or_1d(y), return_inverse=True)[1]


def _stratified_order(labels: np.ndarray) -> np.ndarray:
    """Return an order in which every prefix is stratified by class.

    The first row of each class precedes all second rows, so that no class is lost.
    """
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    place = np.empty(len(labels))
    for label, count in enumerate(counts):
        place[inverse == label] = np.arange(count) / count
    return np.argsort(place, kind="stable")
