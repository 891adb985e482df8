"""Files that are ignored, and why, in a few words."""

from collections.abc import Sequence
from pathlib import Path

from skvision._contract.user_error import visible
from skvision.datasets._folder_tree import NOT_AN_IMAGE

_MOST_NAMED = 8


def describe_ignored(ignored: Sequence[tuple[str, str]]) -> str:
    """Return how many files of each suffix are ignored, and why if it is not plain.

    Examples
    --------
    >>> from skvision._app.ignored import describe_ignored
    >>> files = [("1.HEIC", "install the extra heif"), ("notes.txt", "not an image")]
    >>> describe_ignored(files)
    'Other files, ignored: 2 (.HEIC 1: install the extra heif; .txt 1).'
    >>> describe_ignored([])
    ''
    """
    shown: dict[tuple[str, str], str] = {}
    counts: dict[tuple[str, str], int] = {}
    for path, reason in ignored:
        suffix = Path(path).suffix or Path(path).name
        kind = (suffix.lower(), reason)
        shown.setdefault(kind, suffix)
        counts[kind] = counts.get(kind, 0) + 1
    kinds = [
        f"{shown[kind]} {n}" + (f": {kind[1]}" if kind[1] != NOT_AN_IMAGE else "")
        for kind, n in counts.items()
    ]
    more = "; ..." if len(kinds) > _MOST_NAMED else ""
    listed = visible("; ".join(kinds[:_MOST_NAMED]))
    return f"Other files, ignored: {len(ignored)} ({listed}{more})." if kinds else ""
