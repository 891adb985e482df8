"""How accuracy grows with the number of training images."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skvision._app.progress import show_progress

_FRACTIONS = (0.1, 0.2, 0.4, 0.7)


def count_right(
    classifier: Any,
    rows: NDArray[np.floating[Any]],
    labels: NDArray[np.str_],
    features: NDArray[np.floating[Any]],
    truth: NDArray[np.str_],
) -> dict[int, int]:
    """Return how many held-out images are right after learning from fewer images.

    Parameters
    ----------
    classifier : SoftmaxRegression or VotingClassifier
        Fitted to all ``rows``.
    rows, labels : ndarray of shape (n, n_features), ndarray of shape (n,)
        The features of the training images, and their classes.
    features, truth : ndarray of shape (m, n_features), ndarray of shape (m,)
        The features of the held-out images, and their classes.

    Returns
    -------
    n_right : dict of int to int
        For increasing numbers of training images, up to n. Each training set contains
        those before it, and has about the same fraction of each class as all images.
    """
    order = _in_proportion(labels)
    counts = {round(fraction * len(rows)) for fraction in _FRACTIONS}
    n_right = {}
    with show_progress() as progress:
        progress.stage("Learning from fewer images", sum(counts))
        for count in sorted(counts):
            some = order[:count]
            n_classes = len(np.unique(labels[some]))
            if n_classes == len(classifier.classes_) and count >= 2 * n_classes:
                model = clone(classifier).fit(rows[some], labels[some])
                n_right[count] = int((model.predict(features) == truth).sum())
            progress.advance(count)
    n_right[len(rows)] = int((classifier.predict(features) == truth).sum())
    return n_right


def _in_proportion(labels: NDArray[np.str_]) -> NDArray[np.intp]:
    """Return a random order; its first images always have the classes in proportion."""
    places = np.random.default_rng(0).permutation(len(labels))
    within = np.empty(len(labels))
    for name in np.unique(labels):
        members = places[labels[places] == name]
        within[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.argsort(within, kind="stable")
