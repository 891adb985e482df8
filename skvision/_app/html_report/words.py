"""How a report writes fractions, times and names of files."""

import os
from collections.abc import Sequence

from skvision._contract.user_error import visible


def write_percent(fraction: float, digits: int = 1) -> str:
    r"""Return a fraction as a percentage, which is 0 or 100 only if that is exact.

    Examples
    --------
    >>> from skvision._app.html_report.words import write_percent
    >>> write_percent(0.6537), write_percent(0.99999), write_percent(1.0)
    ('65.4\xa0%', '>99.9\xa0%', '100\xa0%')
    """
    least = 10.0**-digits
    percent = round(100 * fraction, digits)
    if round(fraction, 12) in (0, 1):  # ends of intervals are rounded
        return f"{100 * fraction:.0f}\N{NO-BREAK SPACE}%"
    if percent >= 100:
        return f">{100 - least:.{digits}f}\N{NO-BREAK SPACE}%"
    if percent <= 0:
        return f"<{least:.{digits}f}\N{NO-BREAK SPACE}%"
    return f"{percent:.{digits}f}\N{NO-BREAK SPACE}%"


def write_seconds(seconds: float) -> str:
    """Return a time with its unit, to two or three digits."""
    if seconds >= 120:
        return f"{seconds / 60:.1f} minutes"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{1000 * seconds:.2g} ms" if seconds < 0.1 else f"{1000 * seconds:.0f} ms"


def shorten_names(names: Sequence[str]) -> list[str]:
    """Return the names of images without the folder that all of them are in."""
    try:
        start = len(os.path.join(os.path.commonpath(names), ""))
    except ValueError:  # some names are absolute and others are not
        start = 0
    return [visible(name[start:] or name) for name in names]
