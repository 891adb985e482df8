"""Names of classes: which are the same, and which are so by mistake."""

import unicodedata
from collections.abc import Iterable

_MOST_NAMED = 5


def normalize_name(name: str) -> str:
    """Return a name in the composed form of Unicode.

    Some systems store an accent apart from its letter, and others do not. The name
    looks the same.
    """
    return unicodedata.normalize("NFC", name)


def refuse_near_misses(names: Iterable[str], what: str, remedy: str) -> None:
    """Raise an error if names of classes differ only in case or in spaces.

    Single letters may differ in case, as in a dataset of letters.

    Parameters
    ----------
    names : iterable of str
        The names of the classes.
    what : str
        What has the names, such as "The class folders in photos".
    remedy : str
        What to do about it, such as "Rename or merge the folders.".

    Raises
    ------
    ValueError
        If some names are the same but for case and spaces.
    """
    alike: dict[str, list[str]] = {}
    for name in names:
        key = " ".join(name.split())
        alike.setdefault(key if len(key) == 1 else key.casefold(), []).append(name)
    doubled = [" and ".join(map(repr, same)) for same in alike.values() if same[1:]]
    if doubled:
        more = "; ..." if len(doubled) > _MOST_NAMED else ""
        raise ValueError(
            f"{what} differ only in case or spaces: {'; '.join(doubled[:_MOST_NAMED])}"
            f"{more}. {remedy}"
        )
