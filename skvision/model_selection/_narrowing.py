"""Narrowing of hyperparameter ranges around the best values.

A range is a distribution of `scipy.stats` between two of its quantiles. A narrowed
range therefore keeps its distribution: log-uniform ranges stay log-uniform, and
integers stay integers.
"""

import math
from numbers import Real
from typing import Any

import numpy as np

MARGIN = 0.1  # fraction of the width of a range on both sides of the best values
EDGE = 0.05  # fraction of the user's range that counts as its edge
BEYOND = 0.15  # fraction of the width of the user's range by which it is widened
COLUMNS = "stage space parameter low high choices best edge widened".split()


class QuantileRange:
    """A frozen distribution, restricted to an interval between two quantiles.

    The quantiles of a log-uniform distribution may be below 0 or above 1, where the
    distribution is extrapolated.
    """

    def __init__(self, distribution: Any, low: float = 0.0, high: float = 1.0) -> None:
        self.distribution = distribution
        self.low = low
        self.high = high
        self._is_log = is_log_uniform(distribution)

    def rvs(self, random_state: Any) -> float:
        """Draw a random value. Called by scikit-learn's ``ParameterSampler``."""
        fraction = random_state.uniform()
        return self.value_at(self.low + fraction * (self.high - self.low))

    def bounds(self) -> tuple[Any, ...]:
        """Return the smallest and the largest value."""
        return self.value_at(self.low), self.value_at(self.high)

    def value_at(self, quantile: float) -> float:
        """Return the value at a quantile of the whole distribution."""
        low, high = self.distribution.support()
        if self._is_log:
            return float(low * (high / low) ** quantile)
        value = min(max(self.distribution.ppf(quantile), low), high)
        whole = is_discrete(self.distribution) and float(value).is_integer()
        return int(value) if whole else float(value)

    def contains(self, value: Any) -> bool:
        """Return whether a value lies in the user's range or its extension."""
        beyond = BEYOND if self._is_log else 0.0
        low, high = QuantileRange(self.distribution, -beyond, 1 + beyond).bounds()
        return isinstance(value, Real) and low <= value <= high

    def quantiles_of(self, value: float) -> tuple[float, float]:
        """Return the quantiles where a value starts and ends; integers have a width."""
        if self._is_log:
            low, high = self.distribution.support()
            end = math.log(value / low) / math.log(high / low)
        else:
            end = float(self.distribution.cdf(value))
        discrete = is_discrete(self.distribution)
        return float(self.distribution.cdf(value - 1)) if discrete else end, end

    def edge_of(self, value: float) -> str:
        """Return the edge of the user's range on which a value lies, or ``""``."""
        start, end = self.quantiles_of(value)
        return "low" if start < EDGE else "high" if end > 1 - EDGE else ""

    def narrowed(self, values: list[Any]) -> "QuantileRange":
        """Return the range of values plus a margin; the first value is the best."""
        starts, ends = zip(*map(self.quantiles_of, values), strict=True)
        margin = MARGIN * (self.high - self.low)
        floor, ceiling = self._limits(values[0])
        return QuantileRange(
            self.distribution,
            max(min(starts) - margin, min(floor, *starts)),
            min(max(ends) + margin, max(ceiling, *ends)),
        )

    def _limits(self, best: float) -> tuple[float, float]:
        """Return the lowest and highest quantile of a narrowed range."""
        if not self._is_log:
            return 0.0, 1.0
        edge = self.edge_of(best)
        ceiling = 1 + BEYOND if edge == "high" else 1.0
        high = self.distribution.support()[1]
        if high <= 1:  # a fraction or probability may not exceed 1
            ceiling = min(ceiling, self.quantiles_of(1.0)[1])
        return -BEYOND if edge == "low" else 0.0, ceiling


def is_log_uniform(distribution: Any) -> bool:
    """Return whether a frozen distribution is log-uniform and not shifted."""
    if distribution.dist.name not in ("loguniform", "reciprocal"):
        return False
    low, high = distribution.support()
    return math.isclose(distribution.ppf(0.5), math.sqrt(low * high), rel_tol=1e-6)


def is_discrete(distribution: Any) -> bool:
    """Return whether a frozen distribution is discrete."""
    return hasattr(distribution, "pmf")


def as_spaces(param_distributions: Any) -> dict[int, dict[str, Any]]:
    """Return the spaces by index, with ranges, lists and other distributions.

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
    return QuantileRange(values) if has_quantiles else values


def narrowed_spaces(
    given: dict[int, dict[str, Any]], spaces: dict[int, dict[str, Any]], best: Any
) -> dict[int, dict[str, Any]]:
    """Return the spaces that contain the best candidates, narrowed around them.

    Parameters
    ----------
    given : dict of int to dict
        The given spaces, from `as_spaces`. The best candidates of all stages may lie
        outside of ``spaces``.
    spaces : dict of int to dict
        The spaces of the previous stage; ``given`` for the first stage.
    best : list of dict
        The best candidates, best first.
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
    if isinstance(given, QuantileRange):
        return now.narrowed(best)
    if isinstance(given, list):
        return [value for value in given if _is_in(best, value)]
    return given


def _is_in(values: list[Any], value: float | str) -> bool:
    # compare by identity, because values may be arrays or functions
    return any(one is value for one in values)


def belongs(candidate: dict[str, Any], space: dict[str, Any]) -> bool:
    """Return whether a candidate can have been drawn from a given space."""
    return candidate.keys() == space.keys() and all(
        _may_be(candidate[name], values) for name, values in space.items()
    )


def _may_be(value: float | str, values: Any) -> bool:
    if isinstance(values, QuantileRange):
        return values.contains(value)
    return _is_in(values, value) if isinstance(values, list) else True


def describe(
    given: dict[int, dict[str, Any]], spaces: dict[int, dict[str, Any]], best: Any
) -> list[Any]:
    """Return a record for each parameter of each space, with range and best value.

    Parameters
    ----------
    given : dict of int to dict
        The given spaces, from `as_spaces`.
    spaces : dict of int to dict
        The current spaces, from `narrowed_spaces`.
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
            if isinstance(values, QuantileRange):
                record["low"], record["high"] = values.bounds()
                record["widened"] = values.low < 0 or values.high > 1
                record["edge"] = values.edge_of(best[name]) if ours else ""
            elif isinstance(values, list):
                record["choices"] = values
            records.append(record)
    return records


def as_columns(records: list[Any]) -> dict[str, np.ndarray]:
    """Return records of `describe`, with their ``stage``, as a dict of columns."""
    columns = {}
    for name in COLUMNS:
        values = [record[name] for record in records]
        columns[name] = (
            np.fromiter(values, object)  # np.array would unpack lists
            if name in ("choices", "best")
            else np.array(values)
        )
    return columns
