"""Find: which files a command works on, and the class of each."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from skvision._app import present
from skvision._app.dataset import Dataset
from skvision._app.groups import read_groups
from skvision._contract.user_error import user_errors
from skvision.datasets import load_image_folder

_MOST_NAMED = 3


def find_images(folder: str, *, groups: str | None = None) -> Dataset:
    """Find the images in a folder that has a folder for each class.

    Parameters
    ----------
    folder : str
        The folder.
    groups : str or None
        A CSV file with the group of each image.

    Raises
    ------
    UserError
        If the folder or the file cannot be used.
    """
    with user_errors():
        found = _find(folder)
        tied = None
        if groups is not None:
            tied = read_groups(Path(groups), Path(folder), found.paths)
    paths = found.paths.tolist()
    return Dataset(paths, paths, found.labels, None, tied, len(found.ignored))


def find_images_and_test_images(folder: str, test_folder: str) -> Dataset:
    """Find the images of two folders that have the same classes.

    Raises
    ------
    UserError
        If the folders cannot be used, or their classes differ.
    """
    with user_errors():
        training, test = _find(folder), _find(test_folder)
        odd = sorted(set(training.names) ^ set(test.names))
        if odd:
            raise ValueError(
                f"{folder!r} and {test_folder!r} must have the same classes; only one "
                f"of them has {_list(odd)}"
            )
    paths = [*training.paths.tolist(), *test.paths.tolist()]
    return Dataset(
        paths,
        paths,
        np.concatenate([training.labels, test.labels]),
        n_training=len(training.paths),
        n_ignored=len(training.ignored) + len(test.ignored),
    )


def find_images_for(model: str, classes: Sequence[str], folder: str) -> Dataset:
    """Find images of the classes that a model knows.

    Raises
    ------
    UserError
        If the folder cannot be used, or has other classes.
    """
    with user_errors():
        found = _find(folder)
        odd = sorted(set(found.names).difference(classes))
        if odd:
            raise ValueError(
                f"{folder!r} has classes that {model!r} does not know: {_list(odd)}"
            )
    paths = found.paths.tolist()
    return Dataset(paths, paths, found.labels, n_ignored=len(found.ignored))


def find_digits() -> Dataset:
    """Return the handwritten digits that come with scikit-learn."""
    from sklearn.datasets import load_digits  # it is slow to import

    digits = load_digits()
    images = (digits.images * 255 / 16).astype(np.uint8)
    print(f"{len(images)} images of handwritten digits, 8 x 8 pixels.")
    names = [f"digit {i}" for i in range(len(images))]
    return Dataset(list(images), names, digits.target.astype(str))


def _find(folder: str) -> Bunch:
    found = load_image_folder(folder)
    present.print_folder(folder, found.labels, len(found.ignored))
    return found


def _list(names: Sequence[str]) -> str:
    more = ", …" if len(names) > _MOST_NAMED else ""
    return ", ".join(map(repr, names[:_MOST_NAMED])) + more
