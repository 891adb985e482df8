"""Charts for a web page: places of lines, dots and ticks, which a template draws."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from skvision._app.words import unbroken_percent

WIDTH, HEIGHT = 340, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 14, 32, 44  # room for labels


@dataclass
class Axis:
    """A map from values to pixels.

    Parameters
    ----------
    low, high : float
        Values at the ends, positive if the axis is logarithmic.
    start, stop : float
        The pixels of the ends.
    label : str
        The quantity, with its unit.
    log : bool
        Whether the axis is logarithmic.
    ticks : sequence of float
        Values that are written along the axis, or none for round ones.
    percent : bool
        Whether fractions are written as percentages.
    """

    low: float
    high: float
    start: float
    stop: float
    label: str
    log: bool = False
    ticks: Sequence[float] = ()
    percent: bool = False

    def place(self, value: float) -> float:
        """Return the pixel of a value."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        fraction = (value - low) / (high - low) if high > low else 0.5
        return round(self.start + fraction * (self.stop - self.start), 1)

    def marks(self) -> list[tuple[float, str]]:
        """Return the pixel and the text of each tick."""
        ticks = self.ticks or round_ticks(self.low, self.high)
        if self.percent:
            return [(self.place(tick), unbroken_percent(tick, 0)) for tick in ticks]
        return [(self.place(tick), f"{tick:,.5g}") for tick in ticks]


@dataclass
class Chart:
    """A line, optional dots and intervals, and a table of the same numbers."""

    name: str
    title: str
    summary: str
    x: Axis
    y: Axis
    columns: list[str]
    rows: list[list[str]]
    line: list[tuple[float, float]] = field(default_factory=list)
    dots: list[tuple[float, float]] = field(default_factory=list)
    whiskers: list[tuple[float, float, float]] = field(default_factory=list)
    reference: list[tuple[float, float]] = field(default_factory=list)
    chosen: tuple[float, float] | None = None


class Curve(NamedTuple):
    """Points, and how they are drawn.

    Attributes
    ----------
    points : sequence of (float, float)
        One point or more.
    intervals : sequence of (float, float)
        The interval of each point, or none.
    reference : sequence of (float, float)
        A line to compare the points with.
    chosen : int
        The position of the point that is marked.
    dotted, joined : bool
        Whether the points are dots, and whether a line connects them.
    """

    points: Sequence[tuple[float, float]]
    intervals: Sequence[tuple[float, float]] = ()
    reference: Sequence[tuple[float, float]] = ()
    chosen: int | None = None
    dotted: bool = True
    joined: bool = True


def draw(
    name: str,
    title: str,
    summary: str,
    curve: Curve,
    *,
    x: dict[str, Any],
    y: dict[str, Any],
    table: tuple[list[str], list[list[str]]],
) -> Chart:
    """Return a chart of a curve.

    Parameters
    ----------
    name : str
        A name that no other chart of the page has.
    title, summary : str
        The heading of the chart, and what it shows.
    curve : Curve
        What is drawn.
    x, y : dict
        Arguments of `Axis`, with a ``label``; the ends, ``low`` and ``high``, are those
        of the points if they are not given.
    table : (list of str, list of list of str)
        The columns and rows of the same numbers.
    """
    points, intervals, reference, chosen, dotted, joined = curve
    xs = [point[0] for point in points]
    ys = [point[1] for point in points] + [end for pair in intervals for end in pair]
    across = Axis(
        **{"low": min(xs), "high": max(xs), "start": LEFT, "stop": WIDTH - RIGHT} | x
    )
    up = Axis(
        **{"low": min(ys), "high": max(ys), "start": HEIGHT - BOTTOM, "stop": TOP} | y
    )
    placed = [(across.place(a), up.place(b)) for a, b in points]
    return Chart(
        name,
        title,
        summary,
        across,
        up,
        *table,
        line=placed if joined else [],
        dots=placed if dotted else [],
        whiskers=[
            (at, up.place(low), up.place(high))
            for (at, _), (low, high) in zip(placed, intervals, strict=False)
        ],
        reference=[(across.place(a), up.place(b)) for a, b in reference],
        chosen=None if chosen is None else placed[chosen],
    )


def round_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers between two values, at most ``most`` of them.

    Examples
    --------
    >>> from skvision._app.html_report.charts import round_ticks
    >>> round_ticks(0.0, 43.0)
    [0.0, 10.0, 20.0, 30.0, 40.0]
    """
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    steps = (power * factor for factor in (1, 2, 5, 10, 20))
    for step in steps:
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            break
    return [round(k * step, 12) for k in range(first, last + 1)]
