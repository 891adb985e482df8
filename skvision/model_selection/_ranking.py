"""Which candidates of a table of results are best."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


def metrics_of(results: dict[str, np.ndarray]) -> list[str]:
    """Return the names of the metrics of a table."""
    start = "mean_test_"
    return [name.removeprefix(start) for name in results if name.startswith(start)]


def comparable(results: dict[str, Any], by: Any) -> np.ndarray:
    """Return the rows among which the best is: scored, with the most of the resource.

    There may be none.

    Parameters
    ----------
    results : dict
        The table.
    by : str or callable
        The metric that counts; a callable looks at all of them.
    """
    names = metrics_of(results) if callable(by) else [by]
    scored = ~np.all([np.isnan(results[f"mean_test_{name}"]) for name in names], axis=0)
    resources = np.where(scored, _usable_resources(results), -1)
    return np.flatnonzero(scored & (resources == resources.max()))


def _usable_resources(results: dict[str, np.ndarray]) -> np.ndarray:
    """Return what candidates had of the resource: 0 in stages in which all failed.

    It is these whose times are NaN, as `with_failed` writes them.
    """
    resources = results.get("n_resources", np.zeros(len(results["params"]), int))
    return np.where(np.isnan(results["mean_fit_time"]), 0, resources)


def rank_by_resources(results: Any) -> None:
    """Rank all candidates in place: more resources first, then the better score.

    Those without a score come last, as in scikit-learn's searches.
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
    """Yield some rows of a table, the best first.

    Parameters
    ----------
    results : dict
        The table.
    rows : ndarray of int
        The rows to choose from.
    by : str or callable
        The metric; or what returns the best row of a table, called on what is left.
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
            f"refit returned {row!r}, of {type(row).__name__}; the row of the best "
            f"candidate is needed, a whole number."
        )
    if not 0 <= row < len(results["params"]):
        raise IndexError(
            f"refit returned row {row} of a table of {len(results['params'])} rows."
        )
    return int(row)
