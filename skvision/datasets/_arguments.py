"""Checks of the arguments that the loaders share."""

import os
from pathlib import Path

_PARTS = {"train": ("train",), "test": ("test",), "all": ("train", "test")}


def check_folder(root: str | os.PathLike[str]) -> Path:
    """Return ``root`` as a path, or say that it is no folder."""
    folder = Path(root)
    if folder.is_dir():
        return folder
    if folder.exists():
        raise NotADirectoryError(f"root={str(root)!r} is a file; pass a folder.")
    raise FileNotFoundError(
        f"root={str(root)!r} does not exist: correct the path; relative paths start at "
        f"{Path.cwd()}."
    )


def parts_of(split: str) -> tuple[str, ...]:
    """Return the parts of a published set that ``split`` asks for."""
    if split not in tuple(_PARTS):
        raise ValueError(
            f"split={split!r} must be one of {', '.join(map(repr, _PARTS))}."
        )
    return _PARTS[split]
