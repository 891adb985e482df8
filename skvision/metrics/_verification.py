"""Rates of verification, which decides whether two images are of the same class."""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import betaincinv

from skvision._contract.public import public
from skvision.metrics._pairs import (
    as_column,
    as_labels,
    similarities,
    unit_embeddings,
    verification_pairs,
)
from skvision.metrics._resolution import warn_unresolved

MAX_PAIRS = 10_000_000  # of verification_auc


class TrueAcceptRate(NamedTuple):
    """Result of `tar_at_far`.

    Attributes
    ----------
    rate : float
        Fraction of the pairs of the same class that are accepted, from 0 to 1.
    low, high : float
        Limits of the confidence interval of the rate.
    threshold : float
        Similarity from which on pairs are accepted.
    """

    rate: float
    low: float
    high: float
    threshold: float


@public("skvision.metrics")
def verification_curve(
    y_same: Any, similarity: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute false and true accept rates for all thresholds.

    A pair is accepted as being of the same class if its similarity is at least the
    threshold.

    Parameters
    ----------
    y_same : array-like of shape (n_pairs,), bool
        Whether the images of each pair are of the same class.
    similarity : array-like of shape (n_pairs,)
        Similarity of the images of each pair, such as the cosine of their embeddings.

    Returns
    -------
    far : ndarray of shape (n_thresholds,)
        False accept rates: fractions of the pairs of different classes that are
        accepted, increasing from 0 to 1.
    tar : ndarray of shape (n_thresholds,)
        True accept rates: fractions of the pairs of the same class that are accepted,
        increasing from 0 to 1. The false reject rates are ``1 - tar``.
    thresholds : ndarray of shape (n_thresholds,)
        Decreasing thresholds: infinity, which accepts no pairs, and all distinct
        similarities.

    Raises
    ------
    ValueError
        If there are no pairs of the same class or none of different classes, if
        similarities are not finite, if ``y_same`` has missing values, or if the lengths
        differ.

    Examples
    --------
    >>> from skvision.metrics import verification_curve
    >>> far, tar, thresholds = verification_curve([1, 1, 0, 0], [0.9, 0.4, 0.5, 0.1])
    >>> far.tolist(), tar.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    >>> thresholds.tolist()
    [inf, 0.9, 0.5, 0.4, 0.1]
    """
    same, similarity = check_pairs(y_same, similarity)
    order = np.argsort(-similarity, kind="stable")
    same, decreasing = same[order], similarity[order]
    last = np.flatnonzero(
        np.append(decreasing[1:] != decreasing[:-1], True)
    )  # of equal values
    n_true = np.append(0, np.cumsum(same)[last])
    n_accepted = np.append(0, last + 1)
    far = (n_accepted - n_true) / np.sum(~same)
    return far, n_true / np.sum(same), np.append(np.inf, decreasing[last])


def check_pairs(y_same: Any, similarity: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return both as validated arrays, bool and float64."""
    same, similarity = as_labels(y_same, "y_same"), as_column(similarity, "similarity")
    if len(same) != len(similarity):
        raise ValueError(
            f"y_same and similarity must have the same length; got {len(same)} and "
            f"{len(similarity)}."
        )
    if same.dtype.kind not in "bifuO" or not all(
        value in (0, 1) for value in set(same)
    ):
        raise ValueError(
            f"y_same must be True for pairs of the same class and False for others; "
            f"got {same.dtype} with values such as {same[:3].tolist()}."
        )
    same, similarity = same.astype(bool), similarity.astype(np.float64)
    check_both_kinds(same, "y_same")
    if not np.isfinite(similarity).all():
        raise ValueError("similarity has infinite values or NaN.")
    return same, similarity


def check_both_kinds(same: np.ndarray, name: str) -> None:
    """Raise an error if all pairs are of the same kind."""
    if same.all() or not same.any():
        lacking = "different classes" if same.any() else "the same class"
        raise ValueError(
            f"{name} gives {len(same)} pairs, but none of {lacking}; rates require "
            f"both kinds."
        )


@public("skvision.metrics")
def equal_error_rate(y_same: Any, similarity: Any) -> float:
    """Compute the equal error rate.

    It is the rate at the threshold where the false accept rate equals the false reject
    rate, with linear interpolation between the points of `verification_curve`.

    Parameters
    ----------
    y_same : array-like of shape (n_pairs,), bool
        Whether the images of each pair are of the same class.
    similarity : array-like of shape (n_pairs,)
        Similarity of the images of each pair.

    Returns
    -------
    rate : float
        Rate between 0, if a threshold separates both kinds of pairs, and 1. It is 0.5
        for random similarities.

    Raises
    ------
    ValueError
        As in `verification_curve`.

    Examples
    --------
    >>> from skvision.metrics import equal_error_rate
    >>> equal_error_rate([1, 1, 0, 0], [0.9, 0.4, 0.5, 0.1])
    0.5
    """
    far, tar, _ = verification_curve(y_same, similarity)
    excess = (
        far + tar - 1
    )  # of the false accept rate over the false reject rate, increasing
    i = int(np.searchsorted(excess, 0))
    part = -excess[i - 1] / (excess[i] - excess[i - 1])
    return float(far[i - 1] + part * (far[i] - far[i - 1]))


@public("skvision.metrics")
def tar_at_far(
    y_same: Any, similarity: Any, *, far: float = 1e-3, confidence: float = 0.95
) -> TrueAcceptRate:
    """Compute the true accept rate at a given false accept rate.

    Parameters
    ----------
    y_same : array-like of shape (n_pairs,), bool
        Whether the images of each pair are of the same class.
    similarity : array-like of shape (n_pairs,)
        Similarity of the images of each pair.
    far : float, default=1e-3
        False accept rate, from 0 to 1. The true accept rate is interpolated between the
        points of `verification_curve`.
    confidence : float, default=0.95
        Confidence level of the interval, between 0 and 1.

    Returns
    -------
    tar : TrueAcceptRate
        Named tuple of the ``rate``, the limits ``low`` and ``high`` of its interval,
        and the ``threshold`` from which on pairs are accepted.

    Raises
    ------
    ValueError
        As in `verification_curve`, or if ``far`` or ``confidence`` is out of its range.

    Warns
    -----
    UserWarning
        If there are too few pairs of different classes to distinguish ``far`` from 0.

    Notes
    -----
    The interval accounts for the sampling errors of both rates. Exact binomial bounds
    (Clopper and Pearson) for the false accept rate give an interval of thresholds for
    ``far``, and such bounds for the true accept rates at these thresholds give ``low``
    and ``high``. The interval is valid for independent pairs. All pairs of a few people
    are not independent, and the interval is too narrow for them: sample pairs that have
    no image in common, or compare several splits.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision.metrics import tar_at_far
    >>> rng = np.random.default_rng(0)
    >>> y_same = np.arange(2000) % 2 == 0
    >>> similarity = rng.normal(2.5 * y_same)
    >>> tar = tar_at_far(y_same, similarity, far=0.01)
    >>> print(f"{tar.rate:.2f}, from {tar.low:.2f} to {tar.high:.2f}")
    0.58, from 0.43 to 0.68
    """
    if not 0 <= far <= 1:
        raise ValueError(f"far must be between 0 and 1; got {far!r}.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1; got {confidence!r}.")
    same, similarity = check_pairs(y_same, similarity)
    warn_unresolved(
        "false accept rate", far, np.sum(~same), "pairs of different classes"
    )
    return true_accept_rate(same, similarity, far, confidence)


def true_accept_rate(
    same: np.ndarray, similarity: np.ndarray, far: float, confidence: float
) -> TrueAcceptRate:
    """Return the result of `tar_at_far` without its warning."""
    fars, tars, thresholds = verification_curve(same, similarity)
    n_same, n_different = np.sum(same), np.sum(~same)
    i = int(np.searchsorted(fars, far, side="right")) - 1  # the last at or below far
    rate = tars[i]
    if far > fars[i]:
        rate += (far - fars[i]) / (fars[i + 1] - fars[i]) * (tars[i + 1] - tars[i])
    level = 1 - (1 - confidence) / 4  # of each of four bounds
    n_false = np.round(fars * n_different)
    strict = np.flatnonzero(_upper(n_false, n_different, level) <= far)
    loose = np.flatnonzero(_lower(n_false, n_different, level) > far)
    n_low = np.round(tars[strict[-1]] * n_same) if len(strict) else 0
    n_high = np.round(tars[loose[0]] * n_same) if len(loose) else n_same
    return TrueAcceptRate(
        float(rate),
        float(_lower(n_low, n_same, level)),
        float(_upper(n_high, n_same, level)),
        float(thresholds[i]),
    )


def _lower(k: Any, n: int, level: float) -> np.ndarray:
    """Return the lower bound of Clopper and Pearson for a rate.

    ``k`` of ``n`` samples are accepted, and ``level`` is the one-sided confidence
    level.
    """
    return np.where(k > 0, betaincinv(np.maximum(k, 1), n - k + 1, 1 - level), 0.0)


def _upper(k: Any, n: int, level: float) -> Any:
    """Return the upper bound of Clopper and Pearson for a rate."""
    return 1 - _lower(n - np.asarray(k), n, level)


@public("skvision.metrics")
def verification_auc(estimator: Any, X: Any, y: Any) -> float:
    """Compute the area under the verification curve of an embedding.

    It is the area under the curve of true against false accept rates, which is the
    probability that two images of the same class have a larger cosine similarity than
    two images of different classes. Unlike ``score`` of a classifier, it can be
    computed for classes that did not occur in training. Use it as ``scoring`` of
    ``cross_val_score`` and of searches, with ``cv=GroupKFold()`` and ``groups=y``.

    Parameters
    ----------
    estimator : fitted estimator with ``transform``
        Estimator that computes the embeddings: an `ArcFaceEmbedder`, or a pipeline that
        ends with one.
    X : array-like
        Images or other input of the estimator.
    y : array-like of shape (n,)
        Class labels. There must be at least two classes, and a class with at least two
        images.

    Returns
    -------
    auc : float
        Area between 0 and 1; it is 0.5 for random embeddings. If there are more than 10
        million pairs, it is estimated from 10 million random pairs, half of each kind.

    Raises
    ------
    TypeError
        If the estimator has no ``transform``.
    ValueError
        If there are no pairs of the same class or none of different classes, or if
        labels are missing.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import GroupKFold, cross_val_score
    >>> from skvision import ArcFaceEmbedder
    >>> from skvision.metrics import verification_auc
    >>> X, y = load_digits(return_X_y=True)
    >>> scores = cross_val_score(
    ...     ArcFaceEmbedder(max_iter=5, random_state=0),
    ...     X,
    ...     y,
    ...     groups=y,
    ...     cv=GroupKFold(3),
    ...     scoring=verification_auc,
    ... )
    >>> scores.shape
    (3,)
    """
    if not hasattr(estimator, "transform"):
        raise TypeError(
            f"verification_auc requires embeddings, but {type(estimator).__name__} has "
            f"no transform. Pass an embedder, or a pipeline that ends with one "
            f"(pipe[:-1] is a pipeline without its last step)."
        )
    units, y = (
        unit_embeddings(estimator.transform(X), "The embeddings"),
        as_labels(y, "y"),
    )
    n = len(units)
    if n != len(y):
        raise ValueError(
            f"X and y must have the same length; got {n} images and {len(y)} labels."
        )
    n_pairs = MAX_PAIRS if n * (n - 1) // 2 > MAX_PAIRS else None
    pairs, same = verification_pairs(y, n_pairs=n_pairs, random_state=0)
    check_both_kinds(same, "y")
    far, tar, _ = verification_curve(same, similarities(units, pairs))
    return float(np.trapezoid(tar, far))
