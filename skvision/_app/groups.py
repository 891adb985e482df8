"""The CSV file that says which images belong together."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def read_groups(file: Path, root: Path, paths: Iterable[str]) -> NDArray[np.str_]:
    """Read which images belong together from a CSV file.

    Parameters
    ----------
    file : Path
        UTF-8, with the columns ``file``, a path from ``root``, and ``group``.
    root : Path
        The folder that the images are in.
    paths : iterable of n str
        The images, each path beginning with ``root``.

    Returns
    -------
    groups : ndarray of shape (n,), str
        The group of each image.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no such table, or does not list each image once, and nothing else.
    """
    with file.open(newline="", encoding="utf-8-sig") as lines:
        try:
            groups = _read_table(csv.DictReader(lines), file, root)
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(
                f"{str(file)!r} is not a CSV file in UTF-8: {error}"
            ) from None
    images = list(map(Path, paths))
    unlisted = [image for image in images if image not in groups]
    if unlisted:
        raise ValueError(
            f"{str(file)!r} has no group for {_some(unlisted)}: each image needs one."
        )
    unknown = groups.keys() - set(images)
    if unknown:
        raise ValueError(
            f"{str(file)!r} lists {_some(sorted(unknown))}, not among the images of "
            f"{str(root)!r}: give paths that start from that folder."
        )
    return np.array([groups[image] for image in images])


def _read_table(
    table: "csv.DictReader[str]", file: Path, root: Path
) -> dict[Path, str]:
    columns = list(table.fieldnames or [])
    if not {"file", "group"}.issubset(columns):
        shown = ", ".join(repr(name[:50]) for name in columns[:5])
        shown += ", …" if len(columns) > 5 else ""
        raise ValueError(
            f"{str(file)!r} needs the columns 'file' and 'group'; it has [{shown}]."
        )
    groups: dict[Path, str] = {}
    for row in table:
        if not row["file"] or not row["group"]:
            raise ValueError(
                f"{str(file)!r} has no file or no group in line {table.line_num}."
            )
        path = root / row["file"]
        if groups.setdefault(path, row["group"]) != row["group"]:
            raise ValueError(f"{str(file)!r} has two groups for {row['file']!r}.")
    return groups


def _some(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{str(paths[0])!r}{more}"
