"""Training images: each different image once, with its weight, in an order of its own.

Copies of an image are merged into one with the sum of their weights. So an image of
weight 2 is the same as two copies, exactly, and results do not depend on the order in
which images were passed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skvision._recipes.copies import digest
from skvision._recipes.draw import join_ties


@dataclass(frozen=True)
class TrainingImages:
    """Images to learn from.

    Attributes
    ----------
    images : ndarray of shape (n, H, W), (n, H, W, C) or (n, n_features)
        The images, or rows of numbers.
    labels : ndarray of shape (n,)
        The class of each image.
    weights : ndarray of shape (n,)
        Positive weights.
    parts : ndarray of shape (n,), int from 0
        Images of the same part, which are tied by a group or are equal, are validated
        together.
    position_of : ndarray of shape (n_passed,), int
        The position of each image that was passed to ``fit``, copies included; -1 for
        those that are not among these images.
    """

    images: NDArray[Any]
    labels: NDArray[Any]
    weights: NDArray[np.float64]
    parts: NDArray[np.intp]
    position_of: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: NDArray[Any]) -> "TrainingImages":
        """Return some of the images, with parts that are numbered anew."""
        parts = np.unique(self.parts[index], return_inverse=True)[1]
        positions = np.full(len(self) + 1, -1)  # the last for images that were not here
        positions[index] = np.arange(len(index))
        return TrainingImages(
            self.images[index],
            self.labels[index],
            self.weights[index],
            parts.astype(np.intp),
            positions[self.position_of],
        )


def merge_copies(
    images: NDArray[Any],
    labels: NDArray[Any],
    weights: NDArray[np.float64],
    groups: NDArray[Any] | None,
) -> TrainingImages:
    """Return each pair of image and class once, sorted by the digests of images.

    Images of weight zero are left out.
    """
    kept = np.flatnonzero(weights)
    digests = [digest(np.ascontiguousarray(images[i])) for i in kept]
    equal = np.unique(digests, return_inverse=True)[1]
    ties: Sequence[NDArray[Any]] = [equal]
    if groups is not None:
        ties = [equal, groups[kept]]
    parts = join_ties(ties, len(kept))
    classes_of = np.unique(labels[kept], return_inverse=True)[1]
    pairs = equal * (classes_of.max() + 1) + classes_of
    _, first, merged = np.unique(pairs, return_index=True, return_inverse=True)
    index = kept[first]
    position_of = np.full(len(labels), -1)
    position_of[kept] = merged
    return TrainingImages(
        images[index],
        labels[index],
        np.bincount(merged, weights[kept]).astype(np.float64),
        _in_order_of_appearance(parts[first]),
        position_of,
    )


def _in_order_of_appearance(parts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the same parts, numbered by their first images."""
    _, first, inverse = np.unique(parts, return_index=True, return_inverse=True)
    ranks: NDArray[np.intp] = np.argsort(np.argsort(first))
    return ranks[inverse]
