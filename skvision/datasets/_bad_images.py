"""Finder of the image files that cannot be read."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from skvision._contract.public import public
from skvision._readers.image_reader import ImageReader, target_of
from skvision._readers.read_all import read_all
from skvision._readers.sources import check_sources
from skvision._readers.unreadable_files import name_source


@public("skvision.datasets")
def find_bad_images(
    paths: Sequence[Any],
    *,
    value_range: tuple[float, float] | None = None,
    max_pixels: int = 100_000_000,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Find the files that `ImageReader` cannot read.

    Each file is decoded from its first to its last pixel, and no images are kept. The
    result is a table whose index is the position of each bad file in ``paths``, so that
    ``frame.drop(bad.index)`` and ``numpy.delete(paths, bad.index)`` leave them out.

    Parameters
    ----------
    paths : list, array, Series or one-column DataFrame of n files
        Files, as `ImageReader.transform` takes them.
    value_range : tuple of two numbers, default=None
        As in `ImageReader`. Without it, files with floats or negative levels are bad.
    max_pixels : int, default=100_000_000
        Largest number of pixels that a file is decoded to, as in `ImageReader`.
    n_jobs : int, default=None
        Number of threads. None means 1 unless in a :obj:`joblib.parallel_config`
        context, and -1 means all cores.

    Returns
    -------
    bad : DataFrame of shape (n_bad, 2)
        The files and why they cannot be read, as columns ``path`` and ``reason`` of
        str, in the order of ``paths``. A file without a path is described.

    Raises
    ------
    ValueError
        If a parameter is invalid, or ``paths`` is a single file or empty.
    TypeError
        If an element of ``paths`` is not a file.

    See Also
    --------
    ImageReader : Reader of image files, whose error lists the bad ones too.
    load_image_folder : List of the image files in a folder with a subfolder per class.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from PIL import Image
    >>> from skvision.datasets import find_bad_images
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (120, 80), "orange").save(file, "PNG")
    >>> whole = file.getvalue()
    >>> bad = find_bad_images([whole, b"", whole[:90]])
    >>> bad.index.tolist(), bad["reason"].tolist()
    ([1, 2], ['it is empty', 'image file is truncated'])
    """
    reader = ImageReader(
        1, resize="stretch", value_range=value_range, max_pixels=max_pixels
    ).fit(paths)
    sources = check_sources(paths)
    reasons = read_all(sources, [target_of(reader)], n_jobs=n_jobs).reasons
    return pd.DataFrame(
        {
            "path": [name_source(sources[i]) for i in reasons],
            "reason": list(reasons.values()),
        },
        index=np.array(list(reasons), dtype=np.intp),
        dtype=str,
    )
