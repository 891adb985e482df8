"""Stages of a search: what each may cost, and their results in one table."""

from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata


class Stage(NamedTuple):
    """How many candidates to try, and with how much of the resource (None: all)."""

    n_candidates: int
    n_resources: int | None
    share: float  # of the resource, from above 0 to 1


def plan(n_iter, stages, factor, most):
    """Return stages that cost about the same, together at most ``n_iter`` whole fits.

    Parameters
    ----------
    n_iter : int
        The number of whole fits that may be paid for, at least ``stages``.
    stages : int
        How many stages there are.
    factor : float
        How much more of the resource a stage has than the one before.
    most : int or None
        The resource of the last stage; None: each stage fits wholly.
    """
    planned, left = [], float(n_iter)
    for still in range(stages, 0, -1):
        n_resources = (
            None if most is None else max(1, round(most / factor ** (still - 1)))
        )
        share = 1.0 if most is None else n_resources / most
        n_candidates = max(1, int(left / still / share + 1e-9))
        left -= n_candidates * share
        planned.append(Stage(n_candidates, n_resources, share))
    return planned


def labelled(results, number, stage):
    """Return a table of results with the number of its stage, and its resource."""
    n = len(results["params"])
    columns = {"stage": np.full(n, number)}
    if stage.n_resources is not None:
        columns["n_resources"] = np.full(n, stage.n_resources)
    return results | columns


def with_most(results):
    """Return the rows of a table with the most of the resource, which alone compare."""
    if "n_resources" not in results:
        return np.arange(len(results["params"]))
    return np.flatnonzero(results["n_resources"] == results["n_resources"].max())


def stacked(tables):
    """Return the tables of results of some searches, one below the other."""
    names = dict.fromkeys(name for table in tables for name in table)
    return {
        name: [one for table in tables for one in table["params"]]
        if name == "params"
        else np.ma.concatenate([_column(table, name) for table in tables])
        if name.startswith("param_")
        else np.concatenate([table[name] for table in tables])
        for name in names
    }


def _column(table, name):
    if name in table:
        return table[name]
    return np.ma.masked_all(len(table["params"]), dtype=object)


def rank_by_resources(results):
    """Rank all candidates in place: more resources first, then the better score."""
    resources = results.get("n_resources", np.zeros(len(results["params"])))
    for name in [name for name in results if name.startswith("rank_test_")]:
        scores = results["mean_test_" + name.removeprefix("rank_test_")]
        ranks = np.empty(len(scores), dtype=np.int32)
        for amount in np.unique(resources):
            rows = resources == amount
            worst_last = np.where(np.isnan(scores[rows]), -np.inf, scores[rows])
            ranks[rows] = rankdata(-worst_last, method="min") + sum(resources > amount)
        results[name] = ranks


def best_first(results, rows, by):
    """Return some rows of a table, best first.

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
        return rows[order].tolist()
    best = []
    left = rows.tolist()
    while left:
        best.append(left.pop(_chosen(by, _part(results, left))))
    return best


def _part(results, rows):
    part = {
        name: [column[row] for row in rows] if name == "params" else column[rows]
        for name, column in results.items()
    }
    rank_by_resources(part)
    return part


def _chosen(refit, results):
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
