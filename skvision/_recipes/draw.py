"""Draw a test set: what is tied together stays on one side."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def draw_test_set(
    labels: NDArray[Any],
    ties: Sequence[NDArray[Any]],
    test_size: float,
    seed: int,
) -> NDArray[np.bool_]:
    """Draw a test set with the same fraction of each class, keeping ties together.

    Images that are tied together are a part. Parts are visited in random order, and a
    part goes to the test set whenever that brings its classes nearer to their
    fractions. So single images reach the fractions exactly, and large groups as well
    as they can.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        The class of each image.
    ties : sequence of ndarrays of shape (n,)
        Images that have the same value in any of these arrays stay together.
    test_size : float
        The fraction to draw, between 0 and 1.
    seed : int
        The seed of the order.

    Returns
    -------
    is_test : ndarray of shape (n,), bool
        Which images are in the test set. Each class has images in it and outside it.

    Raises
    ------
    ValueError
        If a class cannot be on both sides.
    """
    classes, classes_of = np.unique(labels, return_inverse=True)
    parts = join_ties(ties, len(labels))
    draw = _Draw(classes_of, parts, test_size)
    order = np.random.default_rng(seed).permutation(len(draw.counts)).tolist()
    for part in order:
        if draw.leaves_some(part) and draw.gain(part) > 0:
            draw.take(part)
    for label in np.flatnonzero(draw.n_drawn == 0):
        if draw.n_drawn[label] > 0:  # a class before it shares a part with it
            continue
        possible = [part for part in order if label in draw.counts[part]]
        possible = [part for part in possible if draw.leaves_some(part)]
        if not possible:
            raise ValueError(_cannot_part(str(classes[label]), draw.totals[label]))
        draw.take(min(possible, key=lambda part: draw.counts[part].total()))
    return draw.is_drawn[parts]


def _cannot_part(name: str, n_images: int) -> str:
    """Return the message about a class that cannot be on both sides."""
    has = "one image"
    if n_images > 1:
        has = f"{n_images} images that are copies of one, or tied by groups"
    return (
        f"The class {name!r} has {has}, and cannot be both in the training and in the "
        f"test set: add images, or give a test folder."
    )


class _Draw:
    """The parts that are drawn so far.

    Parameters
    ----------
    labels : ndarray of shape (n,), int from 0
        The class of each image.
    parts : ndarray of shape (n,), int from 0
        The part of each image.
    test_size : float
        The fraction to draw.
    """

    def __init__(
        self, labels: NDArray[np.intp], parts: NDArray[np.intp], test_size: float
    ) -> None:
        self.counts = [Counter[int]() for _ in range(parts.max() + 1)]
        for part, label in zip(parts, labels, strict=True):
            self.counts[part][label] += 1
        self.totals = np.bincount(labels)
        self.n_wanted = np.clip(np.rint(test_size * self.totals), 1, None)
        self.n_drawn = np.zeros_like(self.totals)
        self.is_drawn = np.zeros(len(self.counts), dtype=bool)

    def take(self, part: int) -> None:
        """Add a part to the test set."""
        self.is_drawn[part] = True
        for label, n in self.counts[part].items():
            self.n_drawn[label] += n

    def leaves_some(self, part: int) -> bool:
        """Return whether each class of a part has images outside the test set then."""
        return all(
            self.n_drawn[label] + n < self.totals[label]
            for label, n in self.counts[part].items()
        )

    def gain(self, part: int) -> float:
        """Return by how much a part brings its classes nearer to their fractions."""
        return sum(
            self._distance(label, 0) - self._distance(label, n)
            for label, n in self.counts[part].items()
        )

    def _distance(self, label: int, n_more: int) -> float:
        wanted = float(self.n_wanted[label])
        return ((float(self.n_drawn[label]) + n_more - wanted) / wanted) ** 2


def join_ties(ties: Sequence[NDArray[Any]], n: int) -> NDArray[np.intp]:
    """Return the part of each of ``n`` images: what is tied is in the same part."""
    first = []
    for values in ties:
        _, index, inverse = np.unique(values, return_index=True, return_inverse=True)
        first.append(index[inverse])
    ends = np.concatenate(first)
    starts = np.tile(np.arange(n), len(first))
    graph = coo_array((np.ones(len(ends)), (starts, ends)), shape=(n, n))
    parts: NDArray[np.intp] = connected_components(graph, directed=False)[1]
    return parts.astype(np.intp)
