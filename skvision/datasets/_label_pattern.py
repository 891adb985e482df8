"""Labels in the names of files, found by a regular expression."""

import re
from collections.abc import Sequence

from skvision.datasets._class_names import normalize_name, refuse_near_misses

_MOST_NAMED = 3

# A class and a number: cat.1.jpg, cat_1.jpg, cat (1).jpg, cat1.jpg.
_USUAL = (r"^(\w+)\.\d+\.", r"^(.+)[ _-]\d+\.", r"^(.+) \(\d+\)\.", r"^(\D+)\d+\.")


def find_labels(names: Sequence[str], pattern: str) -> list[str]:
    r"""Return the label in each of the names of files.

    Raises
    ------
    ValueError
        If the pattern is no regular expression with a group, if it does not find a
        label in each name, or if it finds the same one in all.

    Examples
    --------
    >>> from skvision.datasets._label_pattern import find_labels
    >>> find_labels(["cat.1.jpg", "dog.1.jpg"], r"^(\w+)\.")
    ['cat', 'dog']
    """
    expression = _compile(pattern)
    group = "label" if "label" in expression.groupindex else 1
    found = [expression.search(name) for name in names]
    labels = [normalize_name(match[group] or "") if match else "" for match in found]
    without = [name for name, label in zip(names, labels, strict=True) if not label]
    if without:
        raise ValueError(
            f"The pattern '{pattern}' finds no label in {len(without)} of {len(names)} "
            f"names of files, such as {_list(without)}. Change it so that it matches "
            f"all of them, or move those files elsewhere."
        )
    if len(set(labels)) == 1:
        raise ValueError(
            f"The pattern '{pattern}' finds the same label, {labels[0]!r}, in all "
            f"{len(names)} names of files, such as {_list(names)}; at least two "
            f"classes are needed. Change the pattern."
        )
    refuse_near_misses(
        dict.fromkeys(labels),
        f"The labels that the pattern '{pattern}' finds",
        "Rename the files.",
    )
    return labels


def guess_pattern(names: Sequence[str]) -> str | None:
    r"""Return a usual pattern that finds two or more labels in names, if there is one.

    Examples
    --------
    >>> from skvision.datasets._label_pattern import guess_pattern
    >>> guess_pattern(["cat.1.jpg", "dog.1.jpg"])
    '^(\\w+)\\.\\d+\\.'
    >>> guess_pattern(["1.jpg", "2.jpg"])
    """
    for pattern in _USUAL:
        found = [re.search(pattern, name) for name in names]
        if all(found) and len({match[1] for match in found if match}) > 1:
            return pattern
    return None


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ValueError(
            f"The pattern '{pattern}' is not a regular expression: {error}."
        ) from None
    if not expression.groups:
        raise ValueError(
            f"The pattern '{pattern}' has no group: put parentheses around the part of "
            f"a name that is the label, such as ^(\\w+)\\. for cat.123.jpg."
        )
    return expression


def _list(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > _MOST_NAMED else ""
    return ", ".join(map(repr, names[:_MOST_NAMED])) + more
