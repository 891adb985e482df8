"""Loader of a table of image files and their labels."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skvision._contract.public import public
from skvision.datasets._arguments import check_folder
from skvision.datasets._class_names import normalize_name, refuse_near_misses
from skvision.datasets._labels import make_bunch
from skvision.datasets._named_files import NamedFiles
from skvision.datasets._split_names import parse_split_name
from skvision.datasets._tables import Table, read_table

_MOST_NAMED = 10
_LONGEST_LABEL = 255  # as long as the name of a folder; others are texts
_SPLITS = ("train", "validation", "test")


@public("skvision.datasets")
def load_image_table(
    table: Any,
    *,
    root: str | os.PathLike[str] | None = None,
    file_column: str = "file",
    label_column: str = "label",
    split_column: str | None = None,
    return_X_y: bool = False,
) -> Any:
    r"""List the image files in a table that has a row for each file.

    The files are not opened; use `ImageReader` as the first step of a pipeline to read
    them. Names of files may lack the suffix, which is then that of the image of this
    name on disk, and may have backslashes between folders.

    Parameters
    ----------
    table : str, path-like or DataFrame
        The table, or a CSV file in UTF-8 whose first line names the columns. Commas,
        semicolons and tabs are recognized as separators.
    root : str or path-like, default=None
        The folder that relative paths in the table start from. None is the folder of
        the CSV file, and the current one for a DataFrame.
    file_column : str, default="file"
        The column with the files.
    label_column : str, default="label"
        The column with the classes. They are taken as text.
    split_column : str, default=None
        The column that says which split each file belongs to, if there is one. Its
        values contain a word such as train, training, val, valid, validation, dev,
        test, testing or holdout.
    return_X_y : bool, default=False
        If True, ``(paths, labels)`` is returned instead of a Bunch.

    Returns
    -------
    data : :class:`sklearn.utils.Bunch`
        Dictionary-like object with the attributes

        paths : ndarray of shape (n,), object
            The image files as str, in the order of the table. Each begins with
            ``root``, unless the table has an absolute path.
        labels : ndarray of shape (n,), str
            The class of each file.
        names : list of str
            The names of the classes, sorted.
        split : ndarray of shape (n,), str, or None
            "train", "validation" or "test" for each file; None without
            ``split_column``.
        frame : DataFrame of shape (n, 2) or (n, 3)
            The arrays as columns ``path``, ``label`` and, if there is one, ``split``.

    (paths, labels) : tuple of ndarray
        If ``return_X_y`` is True.

    Raises
    ------
    OSError
        If ``table`` or ``root`` cannot be read.
    TypeError
        If ``table`` is neither a file nor a DataFrame.
    ValueError
        If the table lacks a column or a value, if a file does not exist, if a name
        without suffix means several files, if a file has two labels, if there are fewer
        than two classes or names of classes differ only in case or spaces, or if a
        split is unknown.

    See Also
    --------
    load_image_folder : Take the labels from folders, or from the names of the files.

    Examples
    --------
    >>> import pandas as pd
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skvision.datasets import load_image_table
    >>> table = pd.DataFrame({"id": ["a1", "b2"], "breed": ["collie", "poodle"]})
    >>> with tempfile.TemporaryDirectory() as root:
    ...     Path(root, "a1.jpg").touch()
    ...     Path(root, "b2.png").touch()
    ...     data = load_image_table(
    ...         table, root=root, file_column="id", label_column="breed"
    ...     )
    >>> [Path(path).name for path in data.paths], data.labels.tolist()
    (['a1.jpg', 'b2.png'], ['collie', 'poodle'])
    """
    columns = [file_column, label_column] + ([split_column] if split_column else [])
    rows = read_table(table, columns)
    if root is None:
        root = Path(table).parent if isinstance(table, str | os.PathLike) else ""
    paths = _find_files(rows, file_column, check_folder(root))
    labels = [normalize_name(label) for label in rows.columns[label_column]]
    _check_labels(rows, paths, labels)
    split = _read_split(rows, split_column) if split_column else None
    data = make_bunch(paths, labels, split=split)
    return (data.paths, data.labels) if return_X_y else data


def _find_files(table: Table, column: str, root: Path) -> list[Path]:
    files, names = NamedFiles(root), table.columns[column]
    found = [files.find(name) for name in names]
    missing = [name for name, paths in zip(names, found, strict=True) if not paths]
    if missing:
        where = str(root) if str(root) != "." else str(Path.cwd())
        place = _find_place(root, missing[0])
        elsewhere = f"give {str(place)!r}, which has some of them" if place else ""
        raise ValueError(
            f"{table.name} lists {len(missing)} of {len(names)} files that are not in "
            f"{where!r}: {_list(missing)}. Correct the names, which are paths from "
            f"that folder, or {elsewhere or 'give another folder'}."
        )
    several = {
        f"{name!r} ({', '.join(path.name for path in paths)})": None
        for name, paths in zip(names, found, strict=True)
        if len(paths) > 1
    }
    if several:
        raise ValueError(
            f"{table.name} has names without suffix that mean several files: "
            f"{', '.join(list(several)[:_MOST_NAMED])}. Add the suffix."
        )
    return [paths[0] for paths in found]


def _find_place(root: Path, name: str) -> Path | None:
    """Return the folder inside another, or around it, that has a file of this name."""
    places = [*(path for path in sorted(root.glob("*")) if path.is_dir()), root.parent]
    return next((place for place in places if NamedFiles(place).find(name)), None)


def _check_labels(table: Table, paths: Sequence[Path], labels: Sequence[str]) -> None:
    """Raise an error if labels contradict each other, or are no classes."""
    row, longest = max(
        zip(table.rows, labels, strict=True), key=lambda pair: len(pair[1])
    )
    if len(longest) > _LONGEST_LABEL:
        raise ValueError(
            f"{table.name} has a label of {len(longest)} characters up to {row}, and "
            f"the names of classes are no longer than {_LONGEST_LABEL}. Take another "
            f"column, or correct the quotes."
        )
    first: dict[Path, str] = {}
    for path, label in zip(paths, labels, strict=True):
        if first.setdefault(path, label) != label:
            raise ValueError(
                f"{table.name} has two labels for {str(path)!r}: {first[path]!r} and "
                f"{label!r}. Leave one of them out."
            )
    refuse_near_misses(
        dict.fromkeys(labels), f"Labels in {table.name}", "Spell them alike."
    )
    if len(set(labels)) == 1:
        raise ValueError(
            f"{table.name} has the label {labels[0]!r} in all of its {len(labels)} "
            f"rows; at least two classes are needed."
        )


def _read_split(table: Table, column: str) -> NDArray[np.str_]:
    values = table.columns[column]
    kinds = {text: parse_split_name(text).kind for text in sorted(set(values))}
    odd = [text for text in kinds if kinds[text] not in _SPLITS]
    if odd:
        raise ValueError(
            f"The column {column!r} of {table.name} has values that name no split: "
            f"{_list(odd)}. Use {', '.join(_SPLITS)}."
        )
    return np.array([kinds[text] for text in values])


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(map(repr, names[:_MOST_NAMED])) + more
