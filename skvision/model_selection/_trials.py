"""The candidates of all stages, fitted and scored, in one table."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import FitFailedWarning

from skvision._contract.sklearn_compat import all_fits_failed
from skvision._contract.warn import warn
from skvision.model_selection._ranking import rank_by_resources

ma: Any = np.ma  # NumPy has no types for its functions


class Trials:
    """Tries candidates, and keeps the results of all stages in one table.

    scikit-learn raises where every fit fails. For a search in stages that is the end
    only if it happens in each of them.

    Parameters
    ----------
    evaluate_candidates : callable
        What scikit-learn gives to a search: it fits and scores candidates, and returns
        a table of all those so far.
    error_score : "raise" or float
        The score of a fit that fails.
    """

    def __init__(
        self, evaluate_candidates: Callable[..., Any], error_score: str | float
    ) -> None:
        self._evaluate = evaluate_candidates
        self._error_score = error_score
        self._table: Any = {}  # of scikit-learn: of stages in which some fit succeeded
        self._failed: list[Any] = []  # the other stages
        self._errors: list[Any] = []  # of these, until they are told

    @property
    def results(self) -> dict[str, np.ndarray]:
        """The table of all stages; empty as long as no fit has succeeded."""
        return with_failed(self._table, self._failed, self._error_score)

    def run(self, candidates: Any, folds: Any, told: Any, context: Any) -> bool:
        """Try the candidates of a stage, and return whether any fit succeeded.

        Parameters
        ----------
        candidates : list of dict
            Parameters of the estimator.
        folds : SameFolds
            The folds.
        told : dict
            What the columns that tell of the stage say.
        context : CallbackContext or None
            The context of the stage, for callbacks.
        """
        told = {name: np.full(len(candidates), of) for name, of in told.items()}
        task = {} if context is None else {"callback_ctx": context}
        succeeded = True
        try:
            self._table = self._evaluate(
                candidates, cv=folds, more_results=told, **task
            )
        except ValueError as error:
            if self._error_score == "raise" or not all_fits_failed(error):
                raise
            self._failed.append((candidates, told))
            self._errors.append(str(error))
            succeeded = False
        while self._table and self._errors:
            warn(
                f"Every fit of one stage of the search failed, so that nothing was "
                f"learned from it.\n{self._errors.pop(0)}",
                FitFailedWarning,
            )
        return succeeded

    def close(self) -> None:
        """Rank all candidates, or raise if no fit has succeeded.

        The table is completed in place: it is what scikit-learn goes on with.
        """
        if not self._table:
            raise ValueError("\n".join(dict.fromkeys(self._errors)))
        self._table.update(self.results)
        rank_by_resources(self._table)


def with_failed(
    results: dict[str, Any], failed: Any, error_score: str | float
) -> dict[str, np.ndarray]:
    """Return a table with the candidates of stages in which every fit failed.

    Their scores are ``error_score``, and their times, which nobody keeps, are NaN.

    Parameters
    ----------
    results : dict
        The table of the other stages.
    failed : list of tuple
        For each stage that failed its candidates, and its part of the columns that tell
        of the stage.
    error_score : float
        The score of a fit that fails.
    """
    if not failed or not results:
        return results
    candidates = [one for params, _ in failed for one in params]
    n = len(candidates)
    columns = {
        name: np.concatenate([more[name] for _, more in failed])
        for name in failed[0][1]
    }
    for name in results | {f"param_{key}": 0 for one in candidates for key in one}:
        if name.startswith("param_"):
            columns[name] = _masked_column(candidates, name.removeprefix("param_"))
        elif name.endswith("_time"):
            columns[name] = np.full(n, np.nan)
        elif name.startswith("std_"):
            columns[name] = np.full(n, 0 * error_score)
        elif name not in ("params", *columns):
            columns[name] = np.full(n, error_score)
    stages = np.concatenate([results["stage"], columns["stage"]])
    order = np.argsort(stages, kind="stable")
    missing = ma.masked_all(len(results["params"]), dtype=object)
    merged = {
        name: ma.concatenate([results.get(name, missing), column])[order]
        if name.startswith("param_")
        else np.concatenate([results[name], column])[order]
        for name, column in columns.items()
    }
    params = results["params"] + candidates
    return merged | {"params": [params[row] for row in order]}


def _masked_column(candidates: list[dict[str, Any]], name: str) -> Any:
    """Return the values of a parameter, masked where a candidate has none."""
    column = ma.masked_all(len(candidates), dtype=object)
    for row, candidate in enumerate(candidates):
        if name in candidate:
            column[row] = candidate[name]
    return column
