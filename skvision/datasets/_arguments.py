"""Validation of the arguments of the loaders."""

import os
from pathlib import Path

_PARTS = {"train": ("train",), "test": ("test",), "all": ("train", "test")}


def check_folder(folder: str | os.PathLike[str]) -> Path:
    """Return ``folder`` as a path; raise an error if it is not a folder."""
    path = Path(folder)
    if path.is_dir():
        return path
    if path.exists():
        raise NotADirectoryError(f"{str(folder)!r} is a file; pass a folder.")
    raise FileNotFoundError(
        f"{str(folder)!r} does not exist. Correct the path; relative paths start at "
        f"{Path.cwd()}."
    )


def parts_in_split(split: str) -> tuple[str, ...]:
    """Return the parts of a published dataset that ``split`` selects."""
    if split not in tuple(_PARTS):
        raise ValueError(
            f"split must be one of {', '.join(map(repr, _PARTS))}; got {split!r}."
        )
    return _PARTS[split]
