"""From neighbors to classes: votes, their weights and their ties."""

from numbers import Real
from typing import Any, cast

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

TIED = 1e-12  # relative difference of votes that rounding makes
WINNERS_SHARE = 1e-9  # of all votes, that the winner of a tie gets on top


def vote(
    labels: Any, distances: Any, weights: Any, class_weights: Any, tie_break: str
) -> Any:
    """Return the share of each class in the votes of neighbors.

    Parameters
    ----------
    labels : ndarray of shape (n, n_neighbors)
        Classes of the neighbors, nearest first, from 0.
    distances : ndarray of shape (n, n_neighbors)
        Their distances.
    weights : {"uniform", "distance"} or callable
        What a neighbor's vote weighs.
    class_weights : ndarray of shape (n_classes,) or (n, n_classes)
        Factors of the votes for each class, above 0.
    tie_break : {"nearest", "lowest"}
        Which of the classes with most votes wins; see `KNNImageClassifier`.

    Returns
    -------
    shares : ndarray of shape (n, n_classes)
        The largest of each row, the first of these, belongs to the winner.

    Raises
    ------
    ValueError
        If a callable returns no weights, or distances are no base for weights.
    """
    weights = _weights_of_neighbors(distances, weights)
    votes = np.zeros((len(labels), class_weights.shape[-1]))
    rows = np.arange(len(labels))
    for column, weight in zip(labels.T, weights.T, strict=True):
        votes[rows, column] += weight
    votes *= class_weights
    most = votes.max(axis=1, keepdims=True)
    tied = votes >= (1 - TIED) * most
    if not most.all():
        raise ValueError(
            "weights gave all neighbors of an image the weight zero; give at least "
            "one of them a weight."
        )
    votes = np.where(tied, most, votes)
    if tie_break == "nearest":
        rows = np.flatnonzero(tied.sum(axis=1) > 1)
        voted = np.take_along_axis(tied[rows], labels[rows], axis=1) & (
            weights[rows] > 0
        )
        winners = labels[rows, voted.argmax(axis=1)]
        votes[rows, winners] += WINNERS_SHARE * votes[rows].sum(axis=1)
    return votes / votes.sum(axis=1, keepdims=True)


def _weights_of_neighbors(distances: np.ndarray, weights: Any) -> Any:
    if weights == "uniform":
        return np.broadcast_to(1.0, distances.shape)
    if weights == "distance":
        nearest = distances[:, :1]
        if not (nearest >= 0).all() or np.isinf(distances).any():
            raise ValueError(
                "weights='distance' needs distances that are finite and not negative, "
                "which those of metric are not: use weights='uniform' or a function."
            )
        with np.errstate(invalid="ignore"):
            shares = nearest / distances  # in proportion to 1 / d, and never infinite
        return np.where(nearest == 0, distances == 0, shares)
    given = np.asarray(weights(distances), dtype=np.float64)
    valid = given.shape == distances.shape and (given >= 0).all()
    if not valid or np.isinf(given).any():
        raise ValueError(
            f"weights must return finite weights from 0, one for each distance, of "
            f"shape {distances.shape}; got {given!r}."
        )
    largest = given.max(axis=1, keepdims=True)
    return given / np.where(largest > 0, largest, 1)


def weights_of_classes(
    class_weight: Any, classes: np.ndarray, labels: np.ndarray
) -> Any:
    """Return the weight of each class.

    Raises
    ------
    ValueError
        If a weight is not a number above 0.
    """
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, str):  # "balanced"
        counts = np.bincount(labels, minlength=len(classes))
        return len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    given: Any = class_weight.values()
    weights = [cast(float, w) for w in given if isinstance(w, Real)]
    if len(weights) < len(given) or not all(np.isfinite(w) and w > 0 for w in weights):
        raise ValueError(
            f"class_weight must be numbers above 0, and finite; got {class_weight}. To "
            f"leave a class out, leave its images out of the fit."
        )
    return compute_class_weight(class_weight, classes=classes, y=classes)


def balanced_without(labels: Any, n_classes: int, rows: Any) -> np.ndarray:
    """Return, for some rows, balanced weights of classes as if the row were not there.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        The class of each row, from 0.
    n_classes : int
        How many classes there are.
    rows : slice
        Some rows.

    Returns
    -------
    weights : ndarray of shape (n_rows, n_classes)
        Above 0, up to a factor for each row.
    """
    left_out = labels[rows]
    counts = np.tile(np.bincount(labels, minlength=n_classes), (len(left_out), 1))
    counts[np.arange(len(left_out)), left_out] -= 1
    return 1 / np.maximum(counts, 1)
