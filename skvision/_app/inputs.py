"""Inputs: the files that ``skvision predict`` is told of, one after the other."""

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from skvision._contract.user_error import UserError
from skvision._readers.suffixes import is_image_name

_STDIN = "-"


class Input(NamedTuple):
    """A file to predict, or what cannot be one.

    Attributes
    ----------
    path : str
        The file, as the user named it or below a folder that the user named.
    problem : str or None
        Why there is no prediction for it, if that is known.
    """

    path: str
    problem: str | None = None


def list_inputs(
    arguments: Iterable[str], *, recursive: bool, written: str | None
) -> Iterator[Input]:
    """Yield the files that arguments name; each folder is listed when it is reached.

    Parameters
    ----------
    arguments : iterable of str
        Files, folders, patterns that a shell did not expand, and "-" for files and
        folders on the standard input, one in a line.
    recursive : bool
        Whether images in folders inside a folder belong to it.
    written : str or None
        A folder that copies of the files are put into, which must not be listed.

    Raises
    ------
    UserError
        If that folder would be listed.
    """
    for argument in arguments:
        names = _read_names() if argument == _STDIN else _expand(argument)
        for name in names:
            if not os.path.isdir(name):
                yield Input(name)
                continue
            if recursive and written is not None:
                _check_outside(written, name)
            yield from _list_folder(name, recursive)


def _read_names() -> Iterator[str]:
    """Yield the lines of the standard input, in which a name may have any other byte.

    Unlike ``for line in``, it yields a line as soon as it is there.
    """
    if sys.stdin is None:
        return
    end = os.linesep.encode()
    while line := sys.stdin.buffer.readline():
        if name := line.removesuffix(b"\n" if line[-len(end) :] != end else end):
            yield os.fsdecode(name)


def _expand(argument: str) -> list[str]:
    """Return the files that match a pattern, or the argument itself."""
    if not glob.has_magic(argument) or os.path.lexists(argument):
        return [argument]
    return sorted(glob.glob(argument, recursive=True)) or [argument]


def _list_folder(folder: str, recursive: bool) -> Iterator[Input]:
    """Yield the images in a folder in order of their names, or say that it has none."""
    n_images = 0
    failed: list[OSError] = []
    for inside, folders, files in os.walk(folder, onerror=failed.append):
        folders[:] = sorted(filter(_is_visible, folders)) if recursive else []
        for name in sorted(filter(_is_visible, files)):
            if is_image_name(name):
                n_images += 1
                yield Input(os.path.join(inside, name))
    for error in failed:
        yield Input(error.filename, error.strerror)
    if not n_images and not failed:
        hint = "" if recursive else " (--recursive looks in the folders inside it too)"
        yield Input(folder, f"the folder has no images{hint}")


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"


def _check_outside(written: str, folder: str) -> None:
    if Path(written).resolve().is_relative_to(Path(folder).resolve()):
        raise UserError(
            f"--sort-into {written!r} is inside {folder!r}, whose images are copied: "
            f"name a folder outside of it"
        )
