"""Folders with images directly in them: where their labels may be."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from skvision.datasets._label_pattern import guess_pattern
from skvision.datasets._layout_error import FolderLayoutError

_TABLES = {".csv", ".tsv"}


def refuse_flat_folder(folder: Path, images: Sequence[Path], what: str) -> None:
    """Raise an error if images may have their labels in a table or in their names.

    Parameters
    ----------
    folder : Path
        The folder that the images are in.
    images : sequence of Path
        The image files.
    what : str
        What is wrong, as a sentence.

    Raises
    ------
    FolderLayoutError
        If a table lies in the folder or beside it, or if the names of the images look
        like a class and a number.
    """
    table = _find_table(folder) if images else None
    pattern = guess_pattern([path.name for path in images])
    advice = [f"If {table} has the labels, use load_image_table."] if table else []
    if pattern:
        advice.append(
            f"If the names of the files begin with the class, pass "
            f'label_pattern=r"{pattern}".'
        )
    if advice:
        raise FolderLayoutError(
            what,
            " ".join(advice),
            training=folder,
            table=table,
            label_pattern=pattern,
        )


def _find_table(folder: Path) -> Path | None:
    """Return the first table in a folder, or else beside it."""
    places = chain(sorted(folder.glob("*")), sorted(folder.parent.glob("*")))
    return next((path for path in places if path.suffix.lower() in _TABLES), None)
