"""Sort: copies of files in a folder for each predicted class."""

import os
import shutil
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from skvision._contract.user_error import UserError


class Sorter:
    """A folder into which files are copied, each into the folder of its class.

    Parameters
    ----------
    folder : str
        It is made when it is needed.
    classes : iterable of str
        The names of the classes.

    Raises
    ------
    UserError
        If one of them cannot be the name of a folder.
    """

    def __init__(self, folder: str, classes: Iterable[str]) -> None:
        for name in classes:
            # A model from a stranger must not write outside the folder.
            if Path(name).name != name or name in ("", "..") or "\0" in name:
                raise UserError(
                    f"--sort-into cannot make a folder for the class {name!r}: its "
                    f"name is not that of a file"
                )
        self._folder = Path(folder)
        self._n_copies: Counter[Path] = Counter()

    def copy(self, file: str, label: str) -> None:
        """Copy a file into the folder of a class.

        Other files of the same name stay; the copy is then called ``name-2.jpg`` and so
        on. The copy is there as a whole or not at all.

        Raises
        ------
        OSError
            If the file cannot be copied.
        """
        folder = self._folder / label
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f".skvision-{token_hex(8)}"
        try:
            shutil.copy2(file, unfinished)
            place = self._claim(folder / Path(file).name)
            try:
                os.replace(unfinished, place)
            except BaseException:
                place.unlink()
                raise
        finally:
            unfinished.unlink(missing_ok=True)

    def _claim(self, wanted: Path) -> Path:
        """Create an empty file of a name that is free, and return it."""
        place = wanted
        while True:
            with suppress(FileExistsError):
                place.open("xb").close()
                return place
            self._n_copies[wanted] += 1
            n = self._n_copies[wanted] + 1
            place = wanted.with_name(f"{wanted.stem}-{n}{wanted.suffix}")
