"""Find: which files a command works on, and the class of each."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from skvision._app import present
from skvision._app.advice import advise
from skvision._app.dataset import Dataset
from skvision._app.groups import read_groups
from skvision._app.ignored import describe_ignored
from skvision._app.label_source import LabelSource
from skvision._app.quoted import quoted
from skvision._contract.user_error import UserError, user_errors
from skvision.datasets import load_image_folder, load_image_table
from skvision.datasets._layout_error import FolderLayoutError
from skvision.datasets._tables import MissingColumns

_MOST_NAMED = 3
_FOLDERS = LabelSource()


def find_images(
    folder: str, labels: LabelSource = _FOLDERS, *, groups: str | None = None
) -> Dataset:
    """Find the images to train on, and those to test on if a table tells them apart.

    The images of the split validation are to train on, unless there is no split test.

    Parameters
    ----------
    folder : str
        The folder.
    labels : LabelSource
        Where the classes come from.
    groups : str or None
        A CSV file with the group of each image.

    Raises
    ------
    UserError
        If the folder or a file cannot be used.
    """
    found = _find(folder, labels, "skvision train")
    tied = _read_groups(groups, folder, labels, found)
    is_test = _is_test(found)
    if not is_test.any():
        return _dataset(found, groups=tied)
    parts = found.labels[~is_test], found.labels[is_test]
    _check_same_classes(f"The splits in {labels.labels!r}", *parts)
    training_first = np.argsort(is_test, kind="stable")
    return _dataset(found, training_first, n_training=len(parts[0]), groups=tied)


def find_images_to_compare(
    folder: str, labels: LabelSource = _FOLDERS, *, groups: str | None = None
) -> Dataset:
    """Find the images to cross-validate on, without those of the split test.

    Parameters and errors are those of `find_images`.
    """
    found = _find(folder, labels, "skvision compare")
    tied = _read_groups(groups, folder, labels, found)
    which = np.arange(len(found.paths))
    if found.split is not None:
        which = np.flatnonzero(found.split != "test")
        if len(np.unique(found.labels[which])) < 2:
            raise UserError(f"{labels.labels!r} has the split test and little else")
    return _dataset(found, which, groups=tied)


def find_images_and_test_images(
    folder: str, test: str, labels: LabelSource = _FOLDERS
) -> Dataset:
    """Find the images of two folders, or of two tables, that have the same classes.

    Parameters
    ----------
    folder : str
        The folder to train on.
    test : str
        The folder to test on; or a table of files in ``folder``, if the classes of
        those to train on come from a table.
    labels : LabelSource
        Where the classes come from.

    Raises
    ------
    UserError
        If the folders cannot be used, or their classes differ.
    """
    training = _find(folder, labels, "skvision train")
    if labels.labels and os.path.isfile(test):
        tested = _find(folder, replace(labels, labels=test), "")
    else:
        by_name = LabelSource(label_pattern=labels.label_pattern)
        command = f"skvision train {quoted(folder)} --test"
        tested = _find(test, by_name, command, is_test=True)
    _check_same_classes(f"{folder!r} and {test!r}", training.labels, tested.labels)
    paths = [*training.paths, *tested.paths]
    return Dataset(
        paths,
        paths,
        np.concatenate([training.labels, tested.labels]),
        n_training=len(training.paths),
        n_ignored=len(training.ignored) + len(tested.ignored),
    )


def find_images_for(
    model: str, classes: Sequence[str], folder: str, labels: LabelSource = _FOLDERS
) -> Dataset:
    """Find images of the classes that a model knows, to test it on.

    Raises
    ------
    UserError
        If the folder cannot be used, or has other classes.
    """
    found = _find(folder, labels, f"skvision report {quoted(model)}", is_test=True)
    which = np.arange(len(found.paths))
    if found.split is not None:
        which = np.flatnonzero(_is_test(found))
        if not len(which):
            raise UserError(f"{labels.labels!r} has no images of the split test")
    odd = sorted(set(found.labels[which].tolist()).difference(classes))
    if odd:
        raise UserError(
            f"{folder!r} has classes that {model!r} does not know: {_list(odd)}"
        )
    return _dataset(found, which)


def find_digits() -> Dataset:
    """Return the handwritten digits that come with scikit-learn."""
    from sklearn.datasets import load_digits  # it is slow to import

    digits = load_digits()
    images = (digits.images * 255 / 16).astype(np.uint8)
    print(f"{len(images)} images of handwritten digits, 8 x 8 pixels.")
    names = [f"digit {i}" for i in range(len(images))]
    return Dataset(list(images), names, digits.target.astype(str))


def _find(
    folder: str, labels: LabelSource, command: str, *, is_test: bool = False
) -> Bunch:
    """Load what a command finds in a folder, and print it.

    The advice in errors begins with the command, whose next argument is the folder.
    """
    with user_errors():
        try:
            found = _load(folder, labels)
        except FolderLayoutError as error:
            what = advise(error, command, labels, is_test=is_test)
            raise UserError(what) from error
        except MissingColumns as error:
            options = "--file-column, --label-column and --split-column"
            raise UserError(f"{error} The options are {options}.") from error
    present.print_folder(folder, found.labels, describe_ignored(found.ignored))
    return found


def _load(folder: str, labels: LabelSource) -> Bunch:
    found: Bunch
    if labels.labels is None:
        found = load_image_folder(folder, label_pattern=labels.label_pattern)
        return Bunch(**found, split=None)
    found = load_image_table(
        labels.labels,
        root=folder,
        file_column=labels.file_column or "file",
        label_column=labels.label_column or "label",
        split_column=labels.split_column,
    )
    return Bunch(**found, ignored=[])


def _read_groups(
    groups: str | None, folder: str, labels: LabelSource, found: Bunch
) -> NDArray[np.str_] | None:
    if groups is None:
        return None
    column = labels.file_column or "file"
    with user_errors():
        return read_groups(Path(groups), Path(folder), found.paths, column)


def _is_test(found: Bunch) -> NDArray[np.bool_]:
    """Return which images are to test on; none if there are no splits."""
    if found.split is None:
        return np.zeros(len(found.paths), bool)
    name = "test" if "test" in found.split else "validation"
    return np.array(found.split == name)


def _dataset(
    found: Bunch,
    which: NDArray[np.intp] | None = None,
    *,
    n_training: int | None = None,
    groups: NDArray[np.str_] | None = None,
) -> Dataset:
    """Return those images of a folder whose positions are given, or all of them."""
    which = np.arange(len(found.paths)) if which is None else which
    paths = found.paths[which].tolist()
    if len(paths) < len(found.paths):
        print(f"Images of other splits, left out: {len(found.paths) - len(paths)}.")
    tied = None if groups is None else groups[which]
    labels = found.labels[which]
    return Dataset(paths, paths, labels, n_training, tied, len(found.ignored))


def _check_same_classes(
    what: str, training: NDArray[np.str_], test: NDArray[np.str_]
) -> None:
    odd = sorted({*training.tolist()} ^ {*test.tolist()})
    if odd:
        raise UserError(
            f"{what} must have the same classes; only one of them has {_list(odd)}"
        )


def _list(names: Sequence[str]) -> str:
    more = ", …" if len(names) > _MOST_NAMED else ""
    return ", ".join(map(repr, names[:_MOST_NAMED])) + more
