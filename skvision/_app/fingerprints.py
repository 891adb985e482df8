"""Digests of images: equal images have equal ones, and a model keeps short ones."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_N_BYTES = 6  # of 100,000 images and 100,000 others, one pair in 28,000 such agrees
_MOST = 300_000  # in the description of a model, which is bounded


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


def join_fingerprints(digests: Sequence[bytes]) -> str:
    """Return the beginnings of digests in base64, or "" if there are too many.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision._app.fingerprints import digest, join_fingerprints
    >>> join_fingerprints([digest(image) for image in np.zeros((2, 4, 4), np.uint8)])
    'N0cI//dxN0cI//dx'
    """
    if len(digests) > _MOST:
        return ""
    return b64encode(b"".join(one[:_N_BYTES] for one in digests)).decode()


def find_known(digests: Sequence[bytes], about: dict[str, Any]) -> NDArray[np.bool_]:
    """Return which images a model has learned from.

    Parameters
    ----------
    digests : sequence of n bytes
        The digest of each image.
    about : dict
        What the file of the model says about its training.

    Returns
    -------
    is_known : ndarray of shape (n,), bool
        False everywhere if the file says nothing that can be understood.
    """
    training = about.get("training")
    known = training.get("fingerprints") if isinstance(training, dict) else None
    try:
        data = b64decode(known, validate=True) if isinstance(known, str) else b""
    except ValueError:
        data = b""
    of_known = {data[i : i + _N_BYTES] for i in range(0, len(data), _N_BYTES)}
    return np.array([one[:_N_BYTES] in of_known for one in digests], dtype=bool)
