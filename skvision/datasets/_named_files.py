"""Files on disk that names in a table mean."""

import os
from collections import defaultdict
from pathlib import Path

from skvision._readers.suffixes import is_image_name
from skvision.datasets._class_names import normalize_name


class NamedFiles:
    """The files below a folder, found by the names that a table gives them.

    Parameters
    ----------
    root : Path
        The folder that relative paths start from.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._images: dict[Path, dict[str, list[Path]]] = {}

    def find(self, name: str) -> list[Path]:
        r"""Return the files that a name means: one, none, or several.

        Parameters
        ----------
        name : str
            A path from the root, or an absolute one, with ``/`` or ``\``. The suffix of
            an image may be missing.
        """
        for spelling in dict.fromkeys([name, name.replace("\\", "/")]):
            path = self.root / spelling
            if os.path.isfile(path):
                return [path]
        # The last spelling, with slashes.
        return self._images_in(path.parent).get(normalize_name(path.name), [])

    def _images_in(self, folder: Path) -> dict[str, list[Path]]:
        """Return the images in a folder by their names with and without suffix."""
        if folder not in self._images:
            images: dict[str, list[Path]] = defaultdict(list)
            names = sorted(os.listdir(folder)) if folder.is_dir() else []
            for name in filter(is_image_name, names):
                for key in (name, os.path.splitext(name)[0]):
                    images[normalize_name(key)].append(folder / name)
            self._images[folder] = images
        return self._images[folder]
