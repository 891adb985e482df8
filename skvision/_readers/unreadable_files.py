"""Error that lists the files that cannot be read, with the reason for each."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from skvision._contract.warn import warn
from skvision._readers.sources import describe_source

_MAX_LISTED = 50


class UnreadableFiles(ValueError):
    """Error that lists the files that cannot be read.

    Parameters
    ----------
    message : str
        The text of the error, which lists the first files.
    files : list of (str, str)
        Every file that cannot be read, and the reason. A file that has no path, such as
        one given by its bytes, is named by a description.

    Examples
    --------
    >>> from skvision import ImageReader
    >>> try:
    ...     ImageReader().transform([b"", b"text"])
    ... except ValueError as error:
    ...     error.files[0]
    ('0 bytes', 'it is empty')
    """

    def __init__(self, message: str, files: list[tuple[str, str]]) -> None:
        super().__init__(message, files)  # pickle calls the class with these
        self.files = files

    def __str__(self) -> str:
        return str(self.args[0])


def raise_unreadable(reasons: Mapping[int, str], sources: Sequence[Any]) -> None:
    """Raise an error about files, given the reason for each position in ``sources``."""
    raise UnreadableFiles(
        f"{_count(reasons, sources)}:{_list(reasons, sources)}\nRepair them, leave "
        f"them out, or pass on_error='warn' to have black images in their place.",
        [(name_source(sources[i]), reasons[i]) for i in sorted(reasons)],
    )


def warn_unreadable(reasons: Mapping[int, str], sources: Sequence[Any]) -> None:
    """Warn of the same files, in whose place there are black images."""
    warn(
        f"{_count(reasons, sources)} and are black images:{_list(reasons, sources)}",
        UserWarning,
    )


def _count(reasons: Mapping[int, str], sources: Sequence[Any]) -> str:
    return f"{len(reasons)} of {len(sources)} files cannot be read"


def _list(reasons: Mapping[int, str], sources: Sequence[Any]) -> str:
    listed = sorted(reasons)[:_MAX_LISTED]
    lines = [f"\n- X[{i}], {describe_source(sources[i])}: {reasons[i]}" for i in listed]
    if len(reasons) > len(listed):
        lines.append(f"\n- and {len(reasons) - len(listed)} more")
    return "".join(lines)


def name_source(source: Any) -> str:
    """Return the path of a file, or a description of one without a path."""
    if isinstance(source, str | os.PathLike):
        return os.fsdecode(source)
    return describe_source(source)
