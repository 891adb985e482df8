"""Ranges of hyper-parameters, narrowed to where the best values lie.

A range is a distribution of `scipy.stats` between two of its quantiles, so that what is
narrowed keeps its kind: a log-uniform range log-uniform, integers integers.
"""

import math
from numbers import Real
from typing import Any

import numpy as np

MARGIN = 0.1  # of the width of a range, left on both sides of the best values
EDGE = 0.05  # of the user's range: a value so close to its end lies on the edge
BEYOND = 0.15  # of the width of the user's range, by which it is widened
COLUMNS = "stage space parameter low high choices best edge widened".split()


class Between:
    """A frozen distribution between two of its quantiles.

    Those of a log-uniform one may lie below 0 and above 1: it goes on as it is.
    """

    def __init__(self, distribution: Any, low: float = 0.0, high: float = 1.0) -> None:
        self.distribution = distribution
        self.low = low
        self.high = high
        self._is_log = is_log_uniform(distribution)

    def rvs(self, random_state: Any) -> float:
        """Draw a value: what scikit-learn's ``ParameterSampler`` asks for."""
        share = random_state.uniform()
        return self.value_at(self.low + share * (self.high - self.low))

    def ends(self) -> tuple[Any, ...]:
        """Return the least and the largest value."""
        return self.value_at(self.low), self.value_at(self.high)

    def value_at(self, quantile: float) -> float:
        """Return the value at a quantile of the whole distribution."""
        low, high = self.distribution.support()
        if self._is_log:
            return float(low * (high / low) ** quantile)
        value = min(max(self.distribution.ppf(quantile), low), high)
        whole = is_discrete(self.distribution) and float(value).is_integer()
        return int(value) if whole else float(value)

    def holds(self, value: Any) -> bool:
        """Tell whether a value is of the user's range, or where that is widened."""
        beyond = BEYOND if self._is_log else 0.0
        low, high = Between(self.distribution, -beyond, 1 + beyond).ends()
        return isinstance(value, Real) and low <= value <= high

    def quantiles_of(self, value: float) -> tuple[float, float]:
        """Return where a value begins and ends: a whole number has a width."""
        if self._is_log:
            low, high = self.distribution.support()
            end = math.log(value / low) / math.log(high / low)
        else:
            end = float(self.distribution.cdf(value))
        discrete = is_discrete(self.distribution)
        return float(self.distribution.cdf(value - 1)) if discrete else end, end

    def edge_of(self, value: float) -> str:
        """Return on which edge of the user's range a value lies, or ``""``."""
        start, end = self.quantiles_of(value)
        return "low" if start < EDGE else "high" if end > 1 - EDGE else ""

    def narrowed(self, values: list[Any]) -> "Between":
        """Return the range that values span, and a margin; the first is the best."""
        starts, ends = zip(*map(self.quantiles_of, values), strict=True)
        margin = MARGIN * (self.high - self.low)
        floor, ceiling = self._limits(values[0])
        return Between(
            self.distribution,
            max(min(starts) - margin, min(floor, *starts)),
            min(max(ends) + margin, max(ceiling, *ends)),
        )

    def _limits(self, best: float) -> tuple[float, float]:
        """Return the quantiles that a narrowed range keeps within."""
        if not self._is_log:
            return 0.0, 1.0
        edge = self.edge_of(best)
        ceiling = 1 + BEYOND if edge == "high" else 1.0
        high = self.distribution.support()[1]
        if high <= 1:  # a share or a probability may not exceed 1
            ceiling = min(ceiling, self.quantiles_of(1.0)[1])
        return -BEYOND if edge == "low" else 0.0, ceiling


def is_log_uniform(distribution: Any) -> bool:
    """Tell whether a frozen distribution is log-uniform, and not moved."""
    if distribution.dist.name not in ("loguniform", "reciprocal"):
        return False
    low, high = distribution.support()
    return math.isclose(distribution.ppf(0.5), math.sqrt(low * high), rel_tol=1e-6)


def is_discrete(distribution: Any) -> bool:
    """Tell whether a frozen distribution is one of whole numbers."""
    return hasattr(distribution, "pmf")


def as_spaces(param_distributions: Any) -> dict[int, dict[str, Any]]:
    """Return dicts by number, of ranges, of lists and of what can only be drawn from.

    Parameters
    ----------
    param_distributions : list of dict
        As in `RandomizedSearchCV`.
    """
    return {
        number: {name: _as_range(values) for name, values in space.items()}
        for number, space in enumerate(param_distributions)
    }


def _as_range(values: Any) -> Any:
    if not hasattr(values, "rvs"):
        return list(values)
    has_quantiles = all(hasattr(values, name) for name in ("dist", "ppf", "cdf"))
    return Between(values) if has_quantiles else values


def narrowed_spaces(
    given: dict[int, dict[str, Any]], spaces: dict[int, dict[str, Any]], best: Any
) -> dict[int, dict[str, Any]]:
    """Return the spaces that the best candidates are of, narrowed around these.

    Parameters
    ----------
    given : dict of int to dict
        As from `as_spaces`: the best of all stages may lie outside of ``spaces``.
    spaces : dict of int to dict
        What was narrowed to before, the same as ``given`` at first.
    best : list of dict
        Candidates, the best first.
    """
    narrowed = {}
    for number, whole in given.items():
        ours = [one for one in best if belongs(one, whole)]
        if ours:
            space = spaces.get(number, whole)
            narrowed[number] = {
                name: _narrowed(values, space[name], [one[name] for one in ours])
                for name, values in whole.items()
            }
    return narrowed


def _narrowed(given: Any, now: Any, best: list[Any]) -> Any:
    if isinstance(given, Between):
        return now.narrowed(best)
    if isinstance(given, list):
        return [value for value in given if _is_in(best, value)]
    return given


def _is_in(values: list[Any], value: float | str) -> bool:
    # by identity: values may be arrays, or functions without a name
    return any(one is value for one in values)


def belongs(candidate: dict[str, Any], space: dict[str, Any]) -> bool:
    """Tell whether a candidate can have been drawn from a space, as it was given."""
    return candidate.keys() == space.keys() and all(
        _may_be(candidate[name], values) for name, values in space.items()
    )


def _may_be(value: float | str, values: Any) -> bool:
    if isinstance(values, Between):
        return values.holds(value)
    return _is_in(values, value) if isinstance(values, list) else True


def describe(
    given: dict[int, dict[str, Any]], spaces: dict[int, dict[str, Any]], best: Any
) -> list[Any]:
    """Return a record of each parameter of each space: its range, and the best value.

    Parameters
    ----------
    given : dict of int to dict
        As from `as_spaces`.
    spaces : dict of int to dict
        As from `narrowed_spaces`.
    best : dict or None
        The best candidate, if there is one.
    """
    records = []
    for i, space in spaces.items():
        ours = best is not None and belongs(best, given[i])
        for name, values in space.items():
            record = {"space": i, "parameter": name, "low": np.nan, "high": np.nan}
            record |= {"choices": None, "widened": False, "edge": ""}
            record["best"] = best[name] if ours else None
            if isinstance(values, Between):
                record["low"], record["high"] = values.ends()
                record["widened"] = values.low < 0 or values.high > 1
                record["edge"] = values.edge_of(best[name]) if ours else ""
            elif isinstance(values, list):
                record["choices"] = values
            records.append(record)
    return records


def as_columns(records: list[Any]) -> dict[str, np.ndarray]:
    """Return records of `describe`, with their ``stage``, as arrays by name."""
    columns = {}
    for name in COLUMNS:
        values = [record[name] for record in records]
        columns[name] = (
            np.fromiter(values, object)  # not np.array, which would unpack lists
            if name in ("choices", "best")
            else np.array(values)
        )
    return columns
