"""Folds that stay the same, with a part of the rows to train on."""

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

    def __init__(self, splitter, stratify=False, random_state=None):
        self.splitter = splitter
        self.stratify = stratify
        self.random_state = random_state
        self.fraction = 1.0
        self._folds = None

    def split(self, X, y=None, **params):
        """Yield a share of the rows of each training part, and the whole test part.

        A smaller share is part of a larger one.
        """
        if self._folds is None:
            self._folds = list(self.splitter.split(X, y, **params))
        labels = _labels_of(y) if self.stratify else None
        for train, test in self._folds:
            yield self._part(np.asarray(train), labels), test

    def _part(self, train, labels):
        n = max(1, int(self.fraction * len(train) + 1e-9))  # not more than is paid for
        if n >= len(train):
            return train
        order = check_random_state(self.random_state).permutation(len(train))
        if labels is not None:
            order = order[_stratified_order(labels[train[order]])]
        return np.sort(train[order[:n]])


def _labels_of(y):
    """Return classes as whole numbers, or None where a row has several."""
    if y is None or np.ndim(y) > 1:
        return None
    return np.unique(column_or_1d(y), return_inverse=True)[1]


def _stratified_order(labels):
    """Return an order in which any first part has of each class its share of rows.

    The first row of each class comes before all second ones, so that none is lost.
    """
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    place = np.empty(len(labels))
    for label, count in enumerate(counts):
        place[inverse == label] = np.arange(count) / count
    return np.argsort(place, kind="stable")
