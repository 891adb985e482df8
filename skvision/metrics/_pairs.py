"""Pairs of images of the same or of different classes, and their similarities."""

from numbers import Integral
from typing import Any, cast

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_random_state

from skvision._contract.images import as_array
from skvision._contract.labels import refuse_missing
from skvision._contract.public import public
from skvision._contract.unit_rows import unit_rows

COSINES_PER_BATCH = 1 << 22
PAIRS_PER_BATCH = 1 << 14


@public("skvision.metrics")
def verification_pairs(
    labels: Any, *, n_pairs: Any = None, random_state: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of images, and whether their classes are the same.

    Parameters
    ----------
    labels : array-like of shape (n,)
        Class label of each image, such as a person.
    n_pairs : int, default=None
        Number of random pairs, which are distinct. Half of them are of the same class
        and half of different classes; if there are too few pairs of one kind, there are
        more of the other. None returns all pairs.
    random_state : int, RandomState instance or None, default=None
        Determines the random pairs. It is not used with ``n_pairs=None``.

    Returns
    -------
    pairs : ndarray of shape (n_pairs, 2), int
        Sorted pairs of indices of images, with the smaller index first.
    same : ndarray of shape (n_pairs,), bool
        Whether both images are of the same class.

    Raises
    ------
    ValueError
        If there are fewer than two images or fewer pairs than ``n_pairs``, or if labels
        are missing.

    Examples
    --------
    >>> from skvision.metrics import verification_pairs
    >>> pairs, same = verification_pairs(["ann", "ann", "bob"])
    >>> pairs.tolist(), same.tolist()
    ([[0, 1], [0, 2], [1, 2]], [True, False, False])
    """
    labels = np.unique(as_labels(labels, "labels"), return_inverse=True)[1]
    n = len(labels)
    n_all = n * (n - 1) // 2
    if n < 2:
        raise ValueError(f"Pairs require at least two images; labels has {n}.")
    if n_pairs is None:
        pairs = np.column_stack(np.triu_indices(n, 1))
        return pairs, labels[pairs[:, 0]] == labels[pairs[:, 1]]
    if not isinstance(n_pairs, Integral) or not 1 <= cast(int, n_pairs) <= n_all:
        raise ValueError(
            f"n_pairs must be an integer between 1 and {n_all}, the number of pairs of "
            f"{n} images; got {n_pairs!r}."
        )
    rng = check_random_state(random_state)
    counts = np.bincount(labels)
    n_same = int(np.sum(counts * (counts - 1) // 2))
    n_different = n_all - n_same
    wanted = min(max(int(n_pairs) // 2, int(n_pairs) - n_different), n_same)
    pairs = np.concatenate(
        [
            _sample_same(labels, counts, wanted, rng),
            _sample_different(labels, counts, int(n_pairs) - wanted, rng),
        ]
    )
    pairs = pairs[np.lexsort(pairs.T[::-1])]
    return pairs, labels[pairs[:, 0]] == labels[pairs[:, 1]]


def _sample_same(
    labels: np.ndarray, counts: np.ndarray, n_wanted: int, rng: np.random.RandomState
) -> np.ndarray:
    """Sample pairs of the same class, by their indices among all of them."""
    ends = np.cumsum(counts * (counts - 1) // 2)
    numbers = _distinct(int(ends[-1]), n_wanted, rng)
    classes = np.searchsorted(ends, numbers, side="right")
    within = numbers - (ends - counts * (counts - 1) // 2)[classes]
    # the pair i < j of the images of a class has the index j (j - 1) / 2 + i
    j = ((1 + np.sqrt(1 + 8 * within.astype(np.float64))) / 2).astype(np.int64)
    j -= j * (j - 1) // 2 > within  # where the root was rounded up
    i = within - j * (j - 1) // 2
    of_class = np.argsort(labels, kind="stable")
    first = (np.cumsum(counts) - counts)[classes]
    return np.column_stack([of_class[first + i], of_class[first + j]])


def _sample_different(
    labels: np.ndarray, counts: np.ndarray, n_wanted: int, rng: np.random.RandomState
) -> np.ndarray:
    """Sample pairs of different classes, by their indices among all ordered pairs.

    If the images are sorted by class, the partners of an image are those before and
    after its class.
    """
    of_class = np.argsort(labels, kind="stable")
    sizes = counts[labels[of_class]]
    starts = (np.cumsum(counts) - counts)[labels[of_class]]
    ends = np.cumsum(len(labels) - sizes)
    n_available = int(ends[-1]) // 2
    pairs = np.empty((0, 2), np.int64)
    while len(pairs) < n_wanted:
        enumerated = n_wanted * 4 > n_available
        numbers = (
            np.arange(2 * n_available)
            if enumerated
            else rng.randint(2 * n_available, size=2 * n_wanted, dtype=np.int64)
        )
        first = np.searchsorted(ends, numbers, side="right")
        partner = numbers - (ends - len(labels) + sizes)[first]
        partner += np.where(partner >= starts[first], sizes[first], 0)
        sampled = np.sort(of_class[np.column_stack([first, partner])], axis=1)
        pairs = np.unique(np.concatenate([pairs, sampled]), axis=0)
    return pairs[rng.permutation(len(pairs))[:n_wanted]]


def _distinct(n: int, n_wanted: int, rng: np.random.RandomState) -> np.ndarray:
    """Sample ``n_wanted`` distinct integers below ``n``."""
    if n_wanted * 4 > n:
        return rng.permutation(n)[:n_wanted]
    sampled = np.empty(0, np.int64)
    while len(sampled) < n_wanted:
        more = rng.randint(n, size=2 * n_wanted, dtype=np.int64)
        sampled = np.unique(np.concatenate([sampled, more]))
    return sampled[rng.permutation(len(sampled))[:n_wanted]]


def as_column(values: Any, name: str) -> np.ndarray:
    """Return values as a one-dimensional array."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(
            f"{name} must be one-dimensional, with a value for each image or pair; got "
            f"an array of shape {array.shape}."
        )
    return array


def as_labels(labels: Any, name: str) -> np.ndarray:
    """Return labels as a one-dimensional array; raise an error if some are missing."""
    refuse_missing(labels, name)
    return as_column(labels, name)


def unit_embeddings(embeddings: Any, name: str) -> np.ndarray:
    """Return embeddings as rows of unit length; rows of zeros stay zero.

    Raises
    ------
    TypeError
        If they are a sparse matrix.
    ValueError
        If they are not a two-dimensional array of finite numbers.
    """
    if issparse(embeddings):
        raise TypeError(f"{name} must be a dense array. Convert it by .toarray().")
    rows = np.ascontiguousarray(as_array(embeddings, name))
    if rows.dtype.kind not in "fiu" or rows.ndim != 2:
        raise ValueError(
            f"{name} must be numbers of shape (n, n_components), with a row for each "
            f"image; got {rows.dtype} of shape {rows.shape}."
        )
    if not np.isfinite(rows).all():
        raise ValueError(f"{name} has infinite values or NaN.")
    return unit_rows(rows)


def similarities(units: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return the cosines of pairs of unit rows, from -1 to 1; pairs are sorted."""
    n = len(units)
    cosines = np.empty(len(pairs))
    if len(pairs) > n * n // 8:  # a matrix product of all pairs is faster
        batch_size = max(1, COSINES_PER_BATCH // n)
        for first in range(0, n, batch_size):
            part = slice(*np.searchsorted(pairs[:, 0], (first, first + batch_size)))
            products = units[first : first + batch_size] @ units.T
            cosines[part] = products[pairs[part, 0] - first, pairs[part, 1]]
    else:
        for start in range(0, len(pairs), PAIRS_PER_BATCH):
            part = slice(start, start + PAIRS_PER_BATCH)
            i, j = pairs[part].T
            np.einsum("ij,ij->i", units[i], units[j], out=cosines[part])
    return np.clip(cosines, -1, 1, out=cosines)
