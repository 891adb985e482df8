"""Fingerprints: short digests of its training images, which a model keeps."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_N_BYTES = 6  # of 100,000 images and 100,000 others, one pair in 28,000 such agrees
_MOST = 300_000  # in the description of a model, which is bounded


def join_fingerprints(digests: Sequence[bytes]) -> str:
    """Return the beginnings of digests in base64, or "" if there are too many.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision._app.fingerprints import join_fingerprints
    >>> from skvision._recipes.copies import digest
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
