"""Validation of the arguments of the loaders."""

import os
from pathlib import Path

_PARTS = {"train": ("train",), "test": ("test",), "all": ("train", "test")}


def check_folder(root: str | os.PathLike[str]) -> Path:
    """Return ``root`` as a path; raise an error if it is not a folder."""
    folder = Path(root)
    if folder.is_dir():
        return folder
    if folder.exists():
        raise NotADirectoryError(f"root={str(root)!r} is a file; pass a folder.")
    raise FileNotFoundError(
        f"root={str(root)!r} does not exist. Correct the path; relative paths start at "
        f"{Path.cwd()}."
    )


def parts_in_split(split: str) -> tuple[str, ...]:
    """Return the parts of a published dataset that ``split`` selects."""
    if split not in tuple(_PARTS):
        raise ValueError(
            f"split must be one of {', '.join(map(repr, _PARTS))}; got {split!r}."
        )
    return _PARTS[split]
