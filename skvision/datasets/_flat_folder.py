"""Folders with images directly in them: where their labels may be."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from skvision.datasets._label_pattern import guess_pattern
from skvision.datasets._layout_error import FolderLayoutError

_TABLES = {".csv", ".tsv"}


class LabelHints(NamedTuple):
    """Where the labels of images may be.

    Attributes
    ----------
    table : Path or None
        The first table in the folder, or else beside it.
    label_pattern : str or None
        A regular expression, if the names of the images look like a class and a number.
    """

    table: Path | None
    label_pattern: str | None

    @property
    def advice(self) -> str:
        """Sentences for users of Python, each after a space."""
        text = f" If {self.table} has the labels, use load_image_table."
        text *= self.table is not None
        if self.label_pattern:
            text += (
                f" If the names of the files begin with the class, pass "
                f'label_pattern=r"{self.label_pattern}".'
            )
        return text


def find_hints(folder: Path, images: Sequence[Path]) -> LabelHints:
    """Return where the labels of image files directly in a folder may be."""
    if not images:
        return LabelHints(None, None)
    places = chain(sorted(folder.glob("*")), sorted(folder.parent.glob("*")))
    table = next((path for path in places if path.suffix.lower() in _TABLES), None)
    return LabelHints(table, guess_pattern([path.name for path in images]))


def refuse_flat_folder(folder: Path, images: Sequence[Path], what: str) -> None:
    """Raise an error if labels of images directly in a folder may be elsewhere.

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
        If there are hints.
    """
    hints = find_hints(folder, images)
    if hints.advice:
        raise FolderLayoutError(what, hints.advice.strip(), folder, folder, *hints)
