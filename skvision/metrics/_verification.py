"""Verification: how often it is told rightly whether two images are of one person."""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import betaincinv

from skvision._contract.public import public
from skvision.metrics._pairs import (
    as_column,
    as_labels,
    similarities,
    unit_rows,
    verification_pairs,
)
from skvision.metrics._resolution import warn_unresolved

MOST_PAIRS = 10_000_000  # of verification_auc


class TrueAcceptRate(NamedTuple):
    """What `tar_at_far` returns.

    Attributes
    ----------
    rate : float
        Share of pairs of one class that are accepted, from 0 to 1.
    low, high : float
        Ends of its confidence interval.
    threshold : float
        The similarity from which pairs are accepted.
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

    A pair is accepted, held to be of one class, if its similarity is the threshold at
    least.

    Parameters
    ----------
    y_same : array-like of shape (n_pairs,), bool
        Whether a pair is of one class.
    similarity : array-like of shape (n_pairs,)
        How similar the two images are, such as the cosine of their embeddings.

    Returns
    -------
    far : ndarray of shape (n_thresholds,)
        False accept rate: share of pairs of two classes that are accepted, rising from
        0 to 1.
    tar : ndarray of shape (n_thresholds,)
        True accept rate: share of pairs of one class that are accepted, rising from 0
        to 1. One less this is the false reject rate.
    thresholds : ndarray of shape (n_thresholds,)
        All similarities there are, falling from infinity, which accepts none.

    Raises
    ------
    ValueError
        If there are no pairs of one class or none of two, similarities are not finite,
        ``y_same`` has missing values, or the numbers of both differ.

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
    same, falling = same[order], similarity[order]
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))  # of equals
    n_true = np.append(0, np.cumsum(same)[last])
    n_accepted = np.append(0, last + 1)
    far = (n_accepted - n_true) / np.sum(~same)
    return far, n_true / np.sum(same), np.append(np.inf, falling[last])


def check_pairs(y_same: Any, similarity: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return both as arrays, bool and float64."""
    same, similarity = as_labels(y_same, "y_same"), as_column(similarity, "similarity")
    if len(same) != len(similarity):
        raise ValueError(
            f"y_same has {len(same)} pairs and similarity {len(similarity)}: they are "
            f"to be of the same pairs."
        )
    if same.dtype.kind not in "bifuO" or not all(
        value in (0, 1) for value in set(same)
    ):
        raise ValueError(
            f"y_same must be True for pairs of one class and False for others; got "
            f"{same.dtype} with values such as {same[:3].tolist()}."
        )
    same, similarity = same.astype(bool), similarity.astype(np.float64)
    check_both_kinds(same, "y_same")
    if not np.isfinite(similarity).all():
        raise ValueError("similarity has values that are infinite or NaN.")
    return same, similarity


def check_both_kinds(same: np.ndarray, name: str) -> None:
    """Raise where pairs are all of one kind."""
    if same.all() or not same.any():
        lacking = "two classes" if same.any() else "one class"
        raise ValueError(
            f"{name} makes {len(same)} pairs, none of {lacking}: rates need both kinds."
        )


@public("skvision.metrics")
def equal_error_rate(y_same: Any, similarity: Any) -> float:
    """Compute the rate at which as many are accepted falsely as are rejected falsely.

    It is interpolated along straight lines between the points of `verification_curve`.

    Parameters
    ----------
    y_same : array-like of shape (n_pairs,), bool
        Whether a pair is of one class.
    similarity : array-like of shape (n_pairs,)
        How similar the two images are.

    Returns
    -------
    rate : float
        From 0, where a threshold tells all pairs apart, to 1; 0.5 by chance.

    Raises
    ------
    ValueError
        As `verification_curve`.

    Examples
    --------
    >>> from skvision.metrics import equal_error_rate
    >>> equal_error_rate([1, 1, 0, 0], [0.9, 0.4, 0.5, 0.1])
    0.5
    """
    far, tar, _ = verification_curve(y_same, similarity)
    excess = far + tar - 1  # of false accepts over false rejects, rising
    i = int(np.searchsorted(excess, 0))
    part = -excess[i - 1] / (excess[i] - excess[i - 1])
    return float(far[i - 1] + part * (far[i] - far[i - 1]))


@public("skvision.metrics")
def tar_at_far(
    y_same: Any, similarity: Any, *, far: float = 1e-3, confidence: float = 0.95
) -> TrueAcceptRate:
    """Compute how many pairs of one class are accepted where few of two are.

    Parameters
    ----------
    y_same : array-like of shape (n_pairs,), bool
        Whether a pair is of one class.
    similarity : array-like of shape (n_pairs,)
        How similar the two images are.
    far : float, default=1e-3
        The false accept rate, from 0 to 1. Between the points of `verification_curve`
        the true accept rate is interpolated.
    confidence : float, default=0.95
        Probability that the interval holds the true rate, between 0 and 1.

    Returns
    -------
    tar : TrueAcceptRate
        The ``rate``, ``low`` and ``high``, the ends of its interval, and the
        ``threshold`` from which pairs are accepted.

    Raises
    ------
    ValueError
        As `verification_curve`, or if ``far`` or ``confidence`` is out of its range.

    Warns
    -----
    UserWarning
        If there are too few pairs of two classes to tell ``far`` from 0.

    Notes
    -----
    The interval allows for both samples: exact binomial bounds (Clopper and Pearson) on
    how many pairs of two classes pass a threshold say between which thresholds the one
    for ``far`` lies, and bounds on how many pairs of one class pass these are its ends.
    It holds for independent pairs. All pairs of a few people are not independent, and
    their interval is too narrow: draw pairs that share no image, or compare splits.

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
        raise ValueError(f"far must be a rate from 0 to 1; got {far!r}.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1; got {confidence!r}.")
    same, similarity = check_pairs(y_same, similarity)
    warn_unresolved("false accept rate", far, np.sum(~same), "pairs of two classes")
    return true_accept_rate(same, similarity, far, confidence)


def true_accept_rate(
    same: np.ndarray, similarity: np.ndarray, far: float, confidence: float
) -> TrueAcceptRate:
    """Return a `TrueAcceptRate`, as `tar_at_far` does, without its warning."""
    fars, tars, thresholds = verification_curve(same, similarity)
    n_same, n_different = np.sum(same), np.sum(~same)
    i = int(np.searchsorted(fars, far, side="right")) - 1  # the last at most far
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
    """Return the rate that ``k`` of ``n`` show to be exceeded, with this probability.

    As Clopper and Pearson have it.
    """
    return np.where(k > 0, betaincinv(np.maximum(k, 1), n - k + 1, 1 - level), 0.0)


def _upper(k: Any, n: int, level: float) -> Any:
    """Return the rate that ``k`` of ``n`` show to be an upper bound."""
    return 1 - _lower(n - np.asarray(k), n, level)


@public("skvision.metrics")
def verification_auc(estimator: Any, X: Any, y: Any) -> float:
    """Score how well embeddings tell whether two images are of one class.

    It is the area under the curve of true against false accept rates: the probability
    that two images of one class are more similar, by the cosine of their embeddings,
    than two of two classes. It takes classes that were never seen in training, which
    ``score`` of a classifier does not; as ``scoring=`` of ``cross_val_score`` and of
    searches it goes with ``cv=GroupKFold(), groups=y``.

    Parameters
    ----------
    estimator : fitted estimator with ``transform``
        Makes the embeddings: an `ArcFaceEmbedder`, or a pipeline that ends in one.
    X : array-like
        Images, or whatever the estimator takes.
    y : array-like of shape (n,)
        Their classes. Two at least, one of them with two images at least.

    Returns
    -------
    auc : float
        From 0 to 1; 0.5 by chance. All pairs count, or 10 million of them, half of each
        kind, where there are more.

    Raises
    ------
    TypeError
        If the estimator has no ``transform``.
    ValueError
        If there are no pairs of one class or none of two, or labels are missing.

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
            f"verification_auc needs embeddings, and {type(estimator).__name__} has no "
            f"transform: pass an embedder, or a pipeline that ends in one (pipe[:-1] "
            f"is a pipeline without its last step)."
        )
    units, y = unit_rows(estimator.transform(X), "The embeddings"), as_labels(y, "y")
    n = len(units)
    if n != len(y):
        raise ValueError(f"X has {n} images and y {len(y)} classes.")
    n_pairs = MOST_PAIRS if n * (n - 1) // 2 > MOST_PAIRS else None
    pairs, same = verification_pairs(y, n_pairs=n_pairs, random_state=0)
    check_both_kinds(same, "y")
    far, tar, _ = verification_curve(same, similarities(units, pairs))
    return float(np.trapezoid(tar, far))
