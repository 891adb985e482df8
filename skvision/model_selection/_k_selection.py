"""Cross-validation of the number of neighbors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils import column_or_1d

from skvision._contract.images import as_array
from skvision._contract.labels import refuse_missing
from skvision._contract.public import public
from skvision._neighbors.knn_image_classifier import KNNImageClassifier
from skvision._neighbors.votes import compute_class_weights, vote

BLOCK_SIZE = 16_384  # test images per search for neighbors


@public("skvision.model_selection")
def k_selection_curve(
    X: Any,
    y: Any,
    n_neighbors: Any = (1, 3, 5, 7, 9, 15, 21, 31, 51, 75, 100),
    *,
    metric: str | Callable[..., Any] = "l2",
    weights: str | Callable[..., Any] = "uniform",
    tie_break: str = "nearest",
    class_weight: dict[str, Any] | str | None = None,
    cv: Any = 5,
    groups: Any = None,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Cross-validate `KNNImageClassifier` for many numbers of neighbors at once.

    In each fold, the neighbors are searched only once, for the largest number. All
    numbers together therefore take hardly longer than the largest number alone.

    Parameters
    ----------
    X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
        Images or features.
    y : array-like of shape (n,)
        Classes.
    n_neighbors : array-like of int, default=(1, 3, 5, 7, 9, 15, 21, 31, 51, 75, 100)
        Numbers of neighbors to evaluate, from 1 to the size of the smallest training
        set. Repeated numbers are ignored.
    metric : str or callable, default="l2"
        Distance metric, as in `KNNImageClassifier`.
    weights : {"uniform", "distance"} or callable, default="uniform"
        Weights of votes, as in `KNNImageClassifier`.
    tie_break : {"nearest", "lowest"}, default="nearest"
        How ties are broken, as in `KNNImageClassifier`.
    class_weight : dict or "balanced", default=None
        Weights of classes, as in `KNNImageClassifier`.
    cv : int, cross-validation generator or iterable, default=5
        Cross-validation splits, as in scikit-learn's ``cross_validate``. An int is the
        number of stratified folds.
    groups : array-like of shape (n,), default=None
        Groups of images, for splitters that keep groups together.
    n_jobs : int, default=None
        Number of threads for searches, as in `KNNImageClassifier`.

    Returns
    -------
    curve : DataFrame
        One row for each number and fold, with the columns ``k`` (int), ``fold`` (int,
        from 0) and ``accuracy`` (float, from 0 to 1). The rows are ordered by
        ``n_neighbors`` and then by fold.

    Raises
    ------
    ValueError
        If a number of neighbors is out of range, or if `KNNImageClassifier` raises an
        error.
    TypeError
        If ``X`` is sparse.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision.model_selection import k_selection_curve
    >>> digits = load_digits()
    >>> images = digits.images.astype("uint8")
    >>> curve = k_selection_curve(images, digits.target, [1, 3, 100])
    >>> means = curve.groupby("k")["accuracy"].mean()
    >>> print(means.round(3).to_dict())
    {1: 0.964, 3: 0.966, 100: 0.899}
    >>> int(means.idxmax())
    3
    """
    # imported here, because it imports much that `import skvision` does not need
    from sklearn.model_selection import check_cv

    numbers = _check_numbers(n_neighbors)
    refuse_missing(y, "y")
    if issparse(X):
        raise TypeError("X is sparse, but a dense array is required: pass X.toarray().")
    X, y = np.asarray(as_array(X)), column_or_1d(y)
    folds = list(check_cv(cv, y, classifier=True).split(X, y, groups))
    smallest = min(len(train) for train, _ in folds)
    if max(numbers) > smallest:
        raise ValueError(
            f"n_neighbors contains {max(numbers)}, but the smallest training set of "
            f"the folds has {smallest} images: remove larger numbers."
        )
    model = KNNImageClassifier(
        max(numbers),
        metric=metric,
        weights=weights,
        tie_break=tie_break,
        class_weight=class_weight,
        n_jobs=n_jobs,
    )
    records = []
    for fold, (train, test) in enumerate(folds):
        model.fit(X[train], y[train])
        labels = np.searchsorted(model.classes_, y[train])
        class_weights = compute_class_weights(class_weight, model.classes_, labels)
        n_right = np.zeros(len(numbers))
        for start in range(0, len(test), BLOCK_SIZE):
            part = test[start : start + BLOCK_SIZE]
            distances, neighbors = model.kneighbors(X[part])
            voters = labels[neighbors]
            for i, k in enumerate(numbers):
                votes = vote(
                    voters[:, :k], distances[:, :k], weights, class_weights, tie_break
                )
                predicted = model.classes_[votes.argmax(axis=1)]
                n_right[i] += np.sum(predicted == y[part])
        for k, accuracy in zip(numbers, n_right / len(test), strict=True):
            records.append((k, fold, accuracy))
    records.sort(key=lambda record: (numbers.index(record[0]), record[1]))
    return pd.DataFrame(records, columns=["k", "fold", "accuracy"])


def _check_numbers(n_neighbors: Any) -> list[int]:
    """Validate numbers of neighbors and remove repetitions."""
    numbers = list(dict.fromkeys(np.ravel(n_neighbors).tolist()))
    whole = all(isinstance(k, int) and not isinstance(k, bool) for k in numbers)
    if not numbers or not whole or min(numbers) < 1:
        raise ValueError(
            f"n_neighbors must be a non-empty list of positive integers; got {numbers}."
        )
    return numbers
