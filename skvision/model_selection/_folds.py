"""Folds that stay the same, with a part of the rows to train on."""

import numpy as np
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.metadata_routing import get_routing_for_object


class SameFolds:
    """The folds of another splitter, drawn once.

    Parameters
    ----------
    splitter : cross-validation generator
        Whose folds to take.
    labels : array-like of shape (n,) or None
        Classes, each of which loses the same part of its rows; None: rows are alike.
    random_state : int, RandomState instance or None
        Which rows go first.
    """

    def __init__(self, splitter, labels=None, random_state=None):
        self.splitter = splitter
        self.labels = labels
        self.random_state = random_state
        self.share = 1.0
        self._folds = None

    def get_metadata_routing(self):
        """Return what the splitter asks for, such as groups."""
        return get_routing_for_object(self.splitter)

    def get_n_splits(self, X=None, y=None, **params):
        """Return the number of folds."""
        return self.splitter.get_n_splits(X, y, **params)

    def split(self, X, y=None, **params):
        """Yield a share of the rows of each training part, and the whole test part.

        A smaller share is part of a larger one.
        """
        if self._folds is None:
            self._folds = list(self.splitter.split(X, y, **params))
        for train, test in self._folds:
            yield self._part(np.asarray(train)), test

    def _part(self, train):
        n = max(1, int(self.share * len(train) + 1e-9))  # not more than is paid for
        if n >= len(train):
            return train
        order = check_random_state(self.random_state).permutation(len(train))
        if self.labels is not None:
            order = order[_by_turns(self.labels[train[order]])]
        return np.sort(train[order[:n]])


def labels_of(y):
    """Return classes as whole numbers, or None where a row has several."""
    if y is None or np.ndim(y) > 1:
        return None
    return np.unique(column_or_1d(y), return_inverse=True)[1]


def _by_turns(labels):
    """Return an order in which any first part has of each class its share of rows.

    The first row of each class comes before all second ones, so that none is lost.
    """
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    place = np.empty(len(labels))
    for label, count in enumerate(counts):
        place[inverse == label] = np.arange(count) / count
    return np.argsort(place, kind="stable")
