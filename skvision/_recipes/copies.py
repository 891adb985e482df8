"""Copies: images that have the same pixels."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def digest(image: NDArray[np.uint8]) -> bytes:
    """Return the SHA-256 digest of the pixels of a C-contiguous image.

    The decoded pixels reveal copies whose files differ in their metadata only; the
    bytes of the files would not.
    """
    return hashlib.sha256(image.data).digest()


def first_copies(digests: Sequence[bytes]) -> NDArray[np.intp]:
    """Return for each image the position of the first image with the same pixels.

    Parameters
    ----------
    digests : sequence of n bytes
        The digest of each image.

    Returns
    -------
    first : ndarray of shape (n,)
        ``first[i] == i`` if no image before ``i`` is the same.
    """
    seen: dict[bytes, int] = {}
    first = [seen.setdefault(one, i) for i, one in enumerate(digests)]
    return np.array(first, dtype=np.intp)
