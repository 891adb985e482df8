"""Votes of neighbors: their weights and the rule for ties."""

from numbers import Real

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

TIE_TOLERANCE = 1e-12  # relative difference of votes that is due to rounding
WINNER_BONUS = 1e-9  # fraction of all votes that the winner of a tie receives


def vote(labels, distances, weights, class_weights, tie_break):
    """Return the fraction of the votes of neighbors for each class.

    Parameters
    ----------
    labels : ndarray of shape (n, n_neighbors)
        Class indices of the neighbors, nearest first.
    distances : ndarray of shape (n, n_neighbors)
        Distances of the neighbors.
    weights : {"uniform", "distance"} or callable
        Weight of the vote of each neighbor.
    class_weights : ndarray of shape (n_classes,) or (n, n_classes)
        Weights of the classes, greater than 0.
    tie_break : {"nearest", "lowest"}
        Class that wins among those with the most votes, as in `KNNImageClassifier`.

    Returns
    -------
    fractions : ndarray of shape (n, n_classes)
        Fractions of the votes. The first maximum of each row belongs to the winner.

    Raises
    ------
    ValueError
        If a callable returns invalid weights, or if distances are negative or infinite.
    """
    weights = _neighbor_weights(distances, weights)
    votes = np.zeros((len(labels), class_weights.shape[-1]))
    rows = np.arange(len(labels))
    for column, weight in zip(labels.T, weights.T, strict=True):
        votes[rows, column] += weight
    votes *= class_weights
    most = votes.max(axis=1, keepdims=True)
    tied = votes >= (1 - TIE_TOLERANCE) * most
    if not most.all():
        raise ValueError(
            "weights returned zero for all neighbors of an image. At least one weight "
            "must be positive."
        )
    votes = np.where(tied, most, votes)
    if tie_break == "nearest":
        rows = np.flatnonzero(tied.sum(axis=1) > 1)
        voted = np.take_along_axis(tied[rows], labels[rows], axis=1) & (
            weights[rows] > 0
        )
        winners = labels[rows, voted.argmax(axis=1)]
        votes[rows, winners] += WINNER_BONUS * votes[rows].sum(axis=1)
    return votes / votes.sum(axis=1, keepdims=True)


def _neighbor_weights(distances, weights):
    if weights == "uniform":
        return np.broadcast_to(1.0, distances.shape)
    if weights == "distance":
        nearest = distances[:, :1]
        if not (nearest >= 0).all() or np.isinf(distances).any():
            raise ValueError(
                "weights='distance' requires finite and nonnegative distances, but "
                "some distances of metric are not. Set weights='uniform' or to a "
                "function."
            )
        with np.errstate(invalid="ignore"):
            inverse = nearest / distances  # proportional to 1 / d, and never infinite
        return np.where(nearest == 0, distances == 0, inverse)
    given = np.asarray(weights(distances), dtype=np.float64)
    valid = given.shape == distances.shape and (given >= 0).all()
    if not valid or np.isinf(given).any():
        raise ValueError(
            f"weights must return an array of finite and nonnegative weights of the "
            f"shape {distances.shape} of the distances; got {given!r}."
        )
    largest = given.max(axis=1, keepdims=True)
    return given / np.where(largest > 0, largest, 1)


def compute_class_weights(class_weight, classes, labels):
    """Return the weight of each class.

    Raises
    ------
    ValueError
        If a weight is not a finite number greater than 0.
    """
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, str):  # "balanced"
        counts = np.bincount(labels, minlength=len(classes))
        return len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    given = class_weight.values()
    if not all(isinstance(w, Real) and np.isfinite(w) and w > 0 for w in given):
        raise ValueError(
            f"class_weight must contain finite numbers greater than 0; got "
            f"{class_weight}. To exclude a class, exclude its images from fit."
        )
    return compute_class_weight(class_weight, classes=classes, y=classes)


def leave_one_out_class_weights(labels, n_classes, rows):
    """Return balanced class weights without each of some rows, for leave-one-out.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Class index of each row.
    n_classes : int
        Number of classes.
    rows : slice
        Rows that are left out, each in turn.

    Returns
    -------
    weights : ndarray of shape (n_rows, n_classes)
        Weights greater than 0, up to a factor for each row.
    """
    left_out = labels[rows]
    counts = np.tile(np.bincount(labels, minlength=n_classes), (len(left_out), 1))
    counts[np.arange(len(left_out)), left_out] -= 1
    return 1 / np.maximum(counts, 1)
