"""The table that says which images belong together."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skvision.datasets._named_files import NamedFiles
from skvision.datasets._tables import read_table


def read_groups(
    file: Path, root: Path, paths: Iterable[str], file_column: str = "file"
) -> NDArray[np.str_]:
    """Read which images belong together from a CSV file.

    Parameters
    ----------
    file : Path
        UTF-8, with a column for the file, a path from ``root``, and ``group``.
    root : Path
        The folder that the images are in.
    paths : iterable of n str
        The images, each path beginning with ``root``.
    file_column : str, default="file"
        The name of that column.

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
    table = read_table(file, [file_column, "group"])
    images, files = list(map(Path, paths)), NamedFiles(root)
    known = set(images)
    groups: dict[Path, str] = {}
    unknown = []
    for name, group in zip(*table.columns.values(), strict=True):
        found = files.find(name)
        if len(found) != 1 or found[0] not in known:
            unknown.append(name)
        elif groups.setdefault(found[0], group) != group:
            raise ValueError(f"{table.name} has two groups for {name!r}.")
    unlisted = [str(image) for image in images if image not in groups]
    if unlisted:
        raise ValueError(
            f"{table.name} has no group for {_some(unlisted)}: each image needs one."
        )
    if unknown:
        raise ValueError(
            f"{table.name} lists {_some(unknown)}, not among the images of "
            f"{str(root)!r}: give paths that start from that folder."
        )
    return np.array([groups[image] for image in images])


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]!r}{more}"
