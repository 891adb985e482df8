"""Evaluation of the candidates of all stages, with the results in one table."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import FitFailedWarning

from skvision._contract.sklearn_compat import all_fits_failed
from skvision._contract.warn import warn
from skvision.model_selection._ranking import rank_by_resources

ma: Any = np.ma  # NumPy has no types for its functions


class Trials:
    """Evaluates candidates and stores the results of all stages in one table.

    scikit-learn raises an error if all fits fail. A search in stages continues unless
    all fits of all stages fail.

    Parameters
    ----------
    evaluate_candidates : callable
        The function that scikit-learn passes to a search. It fits and scores candidates
        and returns the table of all results so far.
    error_score : "raise" or float
        The score of a failed fit.
    """

    def __init__(
        self, evaluate_candidates: Callable[..., Any], error_score: str | float
    ) -> None:
        self._evaluate = evaluate_candidates
        self._error_score = error_score
        self._table: Any = {}  # from scikit-learn, for stages with a successful fit
        self._failed: list[Any] = []  # the other stages
        self._errors: list[Any] = []  # of the failed stages, until they are reported

    @property
    def results(self) -> dict[str, np.ndarray]:
        """The table of all stages. It is empty until a fit succeeds."""
        return with_failed(self._table, self._failed, self._error_score)

    def run(
        self, candidates: Any, folds: Any, stage_columns: Any, context: Any
    ) -> bool:
        """Evaluate the candidates of a stage; return whether any fit succeeded.

        Parameters
        ----------
        candidates : list of dict
            Parameters of the estimator.
        folds : SameFolds
            The folds.
        stage_columns : dict
            Additional columns of the table, with one value for the stage.
        context : CallbackContext or None
            The context of the stage, for callbacks.
        """
        stage_columns = {
            name: np.full(len(candidates), of) for name, of in stage_columns.items()
        }
        task = {} if context is None else {"callback_ctx": context}
        succeeded = True
        try:
            self._table = self._evaluate(
                candidates, cv=folds, more_results=stage_columns, **task
            )
        except ValueError as error:
            if self._error_score == "raise" or not all_fits_failed(error):
                raise
            self._failed.append((candidates, stage_columns))
            self._errors.append(str(error))
            succeeded = False
        while self._table and self._errors:
            warn(
                f"All fits of one stage of the search failed, so the stage has no "
                f"scores.\n{self._errors.pop(0)}",
                FitFailedWarning,
            )
        return succeeded

    def finish(self) -> None:
        """Rank all candidates, or raise an error if all fits failed.

        The table is completed in place, because scikit-learn continues with it.
        """
        if not self._table:
            raise ValueError("\n".join(dict.fromkeys(self._errors)))
        self._table.update(self.results)
        rank_by_resources(self._table)


def with_failed(
    results: dict[str, Any], failed: Any, error_score: str | float
) -> dict[str, np.ndarray]:
    """Add the candidates of stages in which all fits failed to a table.

    Their scores are ``error_score``, and their times, which are unknown, are NaN.

    Parameters
    ----------
    results : dict
        The table of the other stages.
    failed : list of tuple
        The candidates of each failed stage and its additional columns.
    error_score : float
        The score of a failed fit.
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
    """Return the values of a parameter, masked for candidates without it."""
    column = ma.masked_all(len(candidates), dtype=object)
    for row, candidate in enumerate(candidates):
        if name in candidate:
            column[row] = candidate[name]
    return column
