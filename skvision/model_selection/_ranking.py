"""Ranking of the candidates in a table of results."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


def metrics_of(results: dict[str, np.ndarray]) -> list[str]:
    """Return the names of the metrics of a table."""
    start = "mean_test_"
    return [name.removeprefix(start) for name in results if name.startswith(start)]


def comparable(results: dict[str, Any], by: Any) -> np.ndarray:
    """Return the rows that have a score and the most resources.

    The result may be empty.

    Parameters
    ----------
    results : dict
        The table of results.
    by : str or callable
        The metric that ranks candidates; a callable uses all metrics.
    """
    names = metrics_of(results) if callable(by) else [by]
    scored = ~np.all([np.isnan(results[f"mean_test_{name}"]) for name in names], axis=0)
    resources = np.where(scored, _usable_resources(results), -1)
    return np.flatnonzero(scored & (resources == resources.max()))


def _usable_resources(results: dict[str, np.ndarray]) -> np.ndarray:
    """Return the resources of candidates, which are 0 in stages where all fits failed.

    `with_failed` has set the times of these stages to NaN.
    """
    resources = results.get("n_resources", np.zeros(len(results["params"]), int))
    return np.where(np.isnan(results["mean_fit_time"]), 0, resources)


def rank_by_resources(results: Any) -> None:
    """Rank all candidates in place, by resources first and by score second.

    Candidates without a score come last, as in scikit-learn's searches.
    """
    for name in metrics_of(results):
        scores = results[f"mean_test_{name}"]
        failed = np.isnan(scores)
        merits = np.column_stack([~failed, _usable_resources(results), scores])
        merits[failed] = 0
        _, place, counts = np.unique(
            -merits, axis=0, return_inverse=True, return_counts=True
        )
        ranks = np.cumsum(counts) - counts + 1
        results[f"rank_test_{name}"] = ranks[place.ravel()].astype(np.int32)


def best_first(results: dict[str, Any], rows: Any, by: Any) -> Iterator[Any]:
    """Yield some rows of a table, best first.

    Parameters
    ----------
    results : dict
        The table of results.
    rows : ndarray of int
        The rows to choose from.
    by : str or callable
        The metric, or a callable that returns the best row of the remaining table.
    """
    if not callable(by):
        order = np.argsort(-results[f"mean_test_{by}"][rows], kind="stable")
        yield from rows[order].tolist()
        return
    left = rows.tolist()
    while left:
        yield left.pop(_chosen(by, _part(results, left)))


def _part(results: dict[str, np.ndarray], rows: list[int]) -> dict[str, Any]:
    part = {
        name: [column[row] for row in rows] if name == "params" else column[rows]
        for name, column in results.items()
    }
    rank_by_resources(part)
    return part


def _chosen(refit: Callable[..., Any], results: dict[str, np.ndarray]) -> int:
    row = refit(results)
    if not isinstance(row, int | np.integer):
        raise TypeError(
            f"refit must return the row of the best candidate as an integer; it "
            f"returned {row!r} of type {type(row).__name__}."
        )
    if not 0 <= row < len(results["params"]):
        raise IndexError(
            f"refit returned row {row} of a table of {len(results['params'])} rows."
        )
    return int(row)
