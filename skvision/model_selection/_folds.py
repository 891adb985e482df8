"""Folds that stay the same, with a part of the rows to train on."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils import check_random_state, column_or_1d


class SameFolds:
    """The folds of another splitter, drawn once.

    Parameters
    ----------
    splitter : cross-validation generator
        Whose folds to take.
    stratify : bool, default=False
        Whether each class keeps the same share of its rows where fewer are taken.
    random_state : int, RandomState instance or None
        Which rows go first.
    """

    def __init__(
        self, splitter: Any, stratify: bool = False, random_state: Any = None
    ) -> None:
        self.splitter = splitter
        self.stratify = stratify
        self.random_state = random_state
        self.share = 1.0
        self._folds: Any = None

    def split(self, X: Any, y: Any = None, **params: Any) -> Iterator[Any]:
        """Yield a share of the rows of each training part, and the whole test part.

        A smaller share is part of a larger one.
        """
        if self._folds is None:
            self._folds = list(self.splitter.split(X, y, **params))
        labels = _labels_of(y) if self.stratify else None
        for train, test in self._folds:
            yield self._part(np.asarray(train), labels), test

    def _part(self, train: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        n = max(1, int(self.share * len(train) + 1e-9))  # not more than is paid for
        if n >= len(train):
            return train
        order = check_random_state(self.random_state).permutation(len(train))
        if labels is not None:
            order = order[_by_turns(labels[train[order]])]
        return np.sort(train[order[:n]])


def _labels_of(y: Any) -> np.ndarray | None:
    """Return classes as whole numbers, or None where a row has several."""
    if y is None or np.ndim(y) > 1:
        return None
    return np.unique(column_or_1d(y), return_inverse=True)[1]


def _by_turns(labels: np.ndarray) -> np.ndarray:
    """Return an order in which any first part has of each class its share of rows.

    The first row of each class comes before all second ones, so that none is lost.
    """
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    place = np.empty(len(labels))
    for label, count in enumerate(counts):
        place[inverse == label] = np.arange(count) / count
    return np.argsort(place, kind="stable")
