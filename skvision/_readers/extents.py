"""The sizes of some images, from the heads of their files."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skvision._readers.image_files import BadFile, blame_the_file, identify, open_binary

_MOST = 64  # files that are opened


def sample_extents(sources: Sequence[Any]) -> NDArray[np.intp]:
    """Return width and height of up to 64 images, which are evenly spaced.

    Files are opened and not decoded. Those that cannot be read are left out: to read
    them will raise an error that names all of them. Widths and heights are those in the
    file, before an image is turned upright.

    Returns
    -------
    extents : ndarray of shape (n_sampled, 2)
        Empty if none can be read.
    """
    Image.init()  # loads the formats
    positions = np.linspace(0, len(sources) - 1, min(_MOST, len(sources)))
    found = []
    for i in np.unique(positions.astype(int)):
        source = sources[i]
        if isinstance(source, np.ndarray):
            found.append((source.shape[1], source.shape[0]))
        elif isinstance(source, Image.Image):
            found.append(source.size)
        else:
            try:
                with open_binary(source) as file, blame_the_file():
                    found.append(identify(file).size)
            except BadFile:  # it is named when it is read
                continue
    return np.array(found, dtype=np.intp).reshape(-1, 2)
