"""What a command works on, before it is read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Dataset:
    """Images with classes, before they are read.

    Attributes
    ----------
    sources : sequence of n files or images
        What `ImageReader` reads.
    names : list of n str
        How to name each image.
    labels : ndarray of shape (n,), str
        The class of each image.
    n_training : int or None
        The first ``n_training`` images are for training and the others for testing;
        None if test images are to be drawn.
    groups : ndarray of shape (n,), str, or None
        Images of the same group are held out together or not at all.
    n_ignored : int
        The number of files in the same folders that are no images.
    """

    sources: Sequence[Any]
    names: list[str]
    labels: NDArray[np.str_]
    n_training: int | None = None
    groups: NDArray[np.str_] | None = None
    n_ignored: int = 0

    def keep(self, is_kept: NDArray[np.bool_]) -> Self:
        """Return the images for which an array of shape (n,) is true."""
        n_training = self.n_training
        return replace(
            self,
            sources=list(compress(self.sources, is_kept)),
            names=list(compress(self.names, is_kept)),
            labels=self.labels[is_kept],
            n_training=n_training and int(is_kept[:n_training].sum()),
            groups=None if self.groups is None else self.groups[is_kept],
        )
