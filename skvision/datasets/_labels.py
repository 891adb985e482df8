"""Image files with their labels, as the loaders return them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Bunch


def make_bunch(paths: Sequence[Path], labels: Sequence[str], **others: Any) -> Bunch:
    """Return the dataset of image files and their labels.

    Parameters
    ----------
    paths : sequence of n Path
        The files.
    labels : sequence of n str
        The class of each.
    **others : dict
        Further attributes. Arrays of n values become columns of the frame, too.
    """
    files, classes = as_objects(list(map(str, paths))), np.array(labels)
    columns = {"path": files, "label": classes}
    columns |= {k: v for k, v in others.items() if isinstance(v, np.ndarray)}
    return Bunch(
        paths=files,
        labels=classes,
        names=np.unique(classes).tolist(),
        frame=pd.DataFrame(columns),
        **others,
    )


def as_objects(texts: Sequence[str]) -> NDArray[np.object_]:
    """Return texts as an array in which each takes the memory that it needs."""
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array
