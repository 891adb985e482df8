"""The image files in a folder and in the folders inside it, and what is passed over."""

import os
from pathlib import Path
from typing import NamedTuple

from skvision._readers.suffixes import IMAGE_SUFFIXES, missing_plugin

# Folders that systems and archives leave behind, compared in lower case.
_PASSED_OVER = {
    "$recycle.bin",
    "@eadir",
    "__macosx",
    "lost+found",
    "system volume information",
}

NOT_AN_IMAGE = "not an image"
NOT_IN_A_CLASS = "not in a class folder"
_READ_ANYWAY = "a link to a folder that is read anyway"


class FolderTree(NamedTuple):
    """The visible files of a folder.

    Attributes
    ----------
    direct : list of Path
        The image files directly in the folder, sorted.
    folders : dict of str to list of Path
        The image files in each folder directly inside, and in the folders inside that;
        folders and files are sorted.
    ignored : list of (str, str)
        Each other file and each link that was not followed, with the reason.
    """

    direct: list[Path]
    folders: dict[str, list[Path]]
    ignored: list[tuple[str, str]]


def read_tree(root: Path) -> FolderTree:
    """List the image files in a folder and in the folders inside it.

    Hidden files and folders and those of the system are passed over. A link to a folder
    is followed unless it leads to a folder of the tree, or above it.

    Raises
    ------
    OSError
        If a folder cannot be read.
    """
    walk = _Walk(root)
    visible = [entry for entry in sorted(root.iterdir()) if _is_visible(entry.name)]
    direct = walk.keep_images([entry for entry in visible if not entry.is_dir()])
    folders = {
        entry.name: walk.images_in(entry)
        for entry in visible
        if entry.is_dir() and walk.enters(entry)
    }
    return FolderTree(direct, folders, walk.ignored)


class _Walk:
    """A walk through a folder that enters no folder twice."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.entered: set[object] = set()
        self.ignored: list[tuple[str, str]] = []
        self.reasons: dict[str, str | None] = {}  # of each suffix

    def enters(self, folder: Path) -> bool:
        """Return whether to enter a folder, and note it if not."""
        status = folder.stat()
        # Some network drives number no files.
        numbered = (status.st_dev, status.st_ino) if status.st_ino else folder.resolve()
        is_known = numbered in self.entered
        if is_known or (folder.is_symlink() and self._is_in_line(folder.resolve())):
            self.ignored.append((str(folder), _READ_ANYWAY))
            return False
        self.entered.add(numbered)
        return True

    def _is_in_line(self, folder: Path) -> bool:
        """Return whether a folder is in the tree, or the tree is in it."""
        return folder.is_relative_to(self.root) or self.root.is_relative_to(folder)

    def images_in(self, folder: Path) -> list[Path]:
        """Return the sorted image files in a folder and in the folders inside it."""
        paths = []
        for inside, names, files in os.walk(folder, onerror=_fail, followlinks=True):
            names[:] = [
                name
                for name in sorted(filter(_is_visible, names))
                if self.enters(Path(inside, name))
            ]
            paths += [Path(inside, name) for name in files if _is_visible(name)]
        return self.keep_images(sorted(paths))

    def keep_images(self, paths: list[Path]) -> list[Path]:
        """Return those files that are images, and note the others."""
        images = []
        for path in paths:
            suffix = path.suffix.lower()
            if suffix not in self.reasons:
                self.reasons[suffix] = _reason_to_ignore(suffix)
            reason = self.reasons[suffix]
            if reason is None:
                images.append(path)
            else:
                self.ignored.append((str(path), reason))
        return images


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in _PASSED_OVER


def _fail(error: OSError) -> None:
    """Raise an error for a folder that cannot be read, which `os.walk` would skip."""
    raise error


def _reason_to_ignore(suffix: str) -> str | None:
    if suffix not in IMAGE_SUFFIXES:
        return NOT_AN_IMAGE
    extra = missing_plugin(suffix)
    return extra and f'install the extra {extra}, python -m pip install ".[{extra}]"'
