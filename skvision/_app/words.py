"""How commands and pages write numbers, fractions, times and names."""

import math
import os
import re
from collections.abc import Sequence

from skvision._contract.user_error import visible

_PLURALS = {"class": "classes"}


def count(n: int, noun: str) -> str:
    """Return a number with its noun in the singular or the plural.

    Examples
    --------
    >>> from skvision._app.words import count
    >>> count(1, "held-out image"), count(2, "class"), count(0, "file")
    ('1 held-out image', '2 classes', '0 files')
    """
    return f"{n} {noun if n == 1 else _PLURALS.get(noun, noun + 's')}"


def write_percent(fraction: float, digits: int = 1) -> str:
    """Return a fraction as a percentage, which is 0 or 100 only if that is exact.

    Examples
    --------
    >>> from skvision._app.words import write_percent
    >>> write_percent(0.6537), write_percent(0.99999), write_percent(1.0)
    ('65.4 %', '>99.9 %', '100 %')
    """
    least = 10.0**-digits
    percent = round(100 * fraction, digits)
    if round(fraction, 12) in (0, 1):  # ends of intervals are rounded
        return f"{100 * fraction:.0f} %"
    if percent >= 100:
        return f">{100 - least:.{digits}f} %"
    if percent <= 0:
        return f"<{least:.{digits}f} %"
    return f"{percent:.{digits}f} %"


def unbroken_percent(fraction: float, digits: int = 1) -> str:
    """Return the same for a page, where no line is broken before the sign."""
    return write_percent(fraction, digits).replace(" ", "\N{NO-BREAK SPACE}")


def write_seconds(seconds: float) -> str:
    """Return a time with its unit, to two or three digits."""
    if seconds >= 120:
        return f"{seconds / 60:.1f} minutes"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{1000 * seconds:.2g} ms" if seconds < 0.1 else f"{1000 * seconds:.0f} ms"


def natural_order(name: str) -> tuple[list[tuple[float, str]], str]:
    """Return the key that sorts names as people do: numbers by their value.

    Examples
    --------
    >>> from skvision._app.words import natural_order
    >>> sorted(["10", "2", "b2", "B10", "a", "1"], key=natural_order)
    ['1', '2', '10', 'a', 'b2', 'B10']
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    key = [
        (int(part), "") if part[0] in "0123456789" else (math.inf, part.casefold())
        for part in parts
    ]
    return key, name


def shorten_names(names: Sequence[str]) -> list[str]:
    """Return the names of images without the folder that all of them are in."""
    try:
        start = len(os.path.join(os.path.commonpath(names), ""))
    except ValueError:  # some names are absolute and others are not
        start = 0
    return [visible(name[start:] or name) for name in names]
