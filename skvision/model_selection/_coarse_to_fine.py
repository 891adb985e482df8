"""Random search from coarse to fine."""

from collections.abc import Callable, Iterator
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import (
    ParameterGrid,
    ParameterSampler,
    RandomizedSearchCV,
    check_cv,
)
from sklearn.utils import check_random_state

from skvision._contract.labels import refuse_missing
from skvision._contract.public import public
from skvision._contract.sklearn_compat import Estimator, Interval, task_of, whole_fit
from skvision.model_selection._draws import Draws
from skvision.model_selection._folds import SameFolds
from skvision.model_selection._narrowing import as_columns, as_spaces
from skvision.model_selection._ranking import best_first, comparable, metrics_of
from skvision.model_selection._stages import most_resources, plan
from skvision.model_selection._trials import Trials

FITTED_AGAIN = 2 / 3  # of a stage with more of the resource: the best before it


@public("skvision.model_selection")
class CoarseToFineSearchCV(RandomizedSearchCV, Estimator):
    """Random search from coarse to fine, a stage after the other.

    The first stage draws candidates from the ranges as they are given. Each further one
    draws them from where the best so far lie. With a ``resource``, such as
    ``"max_iter"``, the first stages try many candidates with little of it, and the last
    a few with all. It is used as scikit-learn's `RandomizedSearchCV` is, with the same
    callbacks, metadata routing and treatment of fits that fail.

    Parameters
    ----------
    estimator : estimator object
        Any of scikit-learn's kind.

    param_distributions : dict or list of dict
        Parameters and where to look for them: a list of values, or a distribution of
        `scipy.stats`, such as ``loguniform(1e-5, 1)``, ``uniform(0, 0.5)`` or
        ``randint(1, 20)``. Several dicts are several spaces.

    n_iter : int, default=10
        How many whole fits in each fold the search may cost: as much as
        `RandomizedSearchCV` with this ``n_iter``. At least ``stages``.

    stages : int, default=3
        How many stages there are. They cost about the same.

    resource : str, default=None
        What the first stages have less of: ``"n_samples"``, rows to learn from, or a
        parameter of the estimator that is a whole number, such as ``"max_iter"`` or
        ``"mlpbackprop__max_iter"``. The last stage has all: all rows, or the
        estimator's own value of the parameter. None: all stages have all.

    factor : float, default=3
        How much more of the resource a stage has than the one before; above 1.

    n_best : int, default=3
        How many of the best candidates a range is narrowed around. Fewer narrow more.

    scoring : str, callable, list, tuple or dict, default=None
        What is best, as in `RandomizedSearchCV`. Of several metrics ``refit`` names the
        one that counts; only a search of one stage, which narrows nothing, takes
        several metrics with ``refit=False``.

    n_jobs : int, default=None
        Fits at once, as in `RandomizedSearchCV`, on any backend of joblib.

    refit : bool, str or callable, default=True
        Whether to fit the best parameters on all rows; with several metrics the name of
        one. Or a callable that returns the row of the best candidate of a table like
        ``cv_results_``; it is shown candidates with the same resource, once more
        without the best for the second best, and so on.

    cv : int, cross-validation generator or iterable, default=None
        Folds, as in `RandomizedSearchCV`; they are drawn once, for all stages. ``fit``
        replaces an iterator, which can be read only once, by the list of its folds.

    verbose : int, default=0
        How much scikit-learn's searches print.

    pre_dispatch : int or str, default="2*n_jobs"
        Fits handed out in advance, as in `RandomizedSearchCV`.

    random_state : int, RandomState instance or None, default=None
        The candidates, and which rows the first stages learn from.

    error_score : "raise" or float, default=nan
        The score of a fit that fails; a number counts like any other score. Where all
        fits of a stage fail, the next one draws other candidates from the same ranges.
        The search raises only if all fits of all stages fail, or if this is "raise".

    return_train_score : bool, default=False
        Whether ``cv_results_`` has scores on training parts too.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        A row for each candidate, in the columns of `RandomizedSearchCV`, and ``stage``,
        from 0, and with a resource ``n_resources``, how much there was of it. Those
        with more come first in ``rank_test_score``, and those without a score last.
        The times of a stage in which all fits failed are NaN.

    ranges_ : dict of str to ndarray
        A row for each stage, space and parameter; ``pandas.DataFrame(search.ranges_)``
        shows it as a table. The columns are ``stage`` and ``parameter``; ``space``, the
        place of its dict in ``param_distributions``; ``low`` and ``high``, or
        ``choices``, where the stage looked; ``best``, the value of the best candidate
        so far, None if that is of another space; ``edge``, "low" or "high" where this
        value lies in the outer twentieth of the range that was given (of its logarithm,
        if log-uniform), else ""; and ``widened``, whether the range goes beyond the one
        given.

    best_estimator_ : estimator
        The best, fitted on all rows.

    best_params_ : dict
        Its parameters, with the resource where that is one.

    best_score_ : float
        Its mean score in the folds, the best of several and so optimistic.

    best_index_ : int
        Its row in ``cv_results_``: the best of those with the most of the resource.

    scorer_ : callable or dict
        What scored.

    n_splits_ : int
        Number of folds.

    refit_time_ : float
        Seconds that the last fit took.

    multimetric_ : bool
        Whether there are several metrics.

    classes_ : ndarray of shape (n_classes,)
        Classes, of a classifier.

    n_features_in_ : int
        Number of features seen in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of a table seen in ``fit``.

    See Also
    --------
    sklearn.model_selection.RandomizedSearchCV : One stage.
    sklearn.model_selection.HalvingRandomSearchCV : Candidates of the first stage only.

    Notes
    -----
    A stage with the share :math:`r` of the resource tries :math:`n_{iter} / (s r)`
    candidates, :math:`s` being ``stages``. Where it has more of the resource than the
    one before, two thirds of them are the best of that one, fitted again, since what
    was seen with less is no measure. The last fit, on all rows, is not counted.

    A range is narrowed to what the ``n_best`` best candidates span, and a tenth of its
    width on both sides, in quantiles of its distribution: log-uniform stays log-uniform
    and whole numbers whole. Of a list the values of the best are kept, and of several
    spaces those that have one of the best; what has ``rvs`` and no quantiles stays.
    Where nothing that is left in lists is new, the others of the lists are tried.

    Where the best lies on an edge (see ``ranges_``) of a log-uniform range, the next
    goes beyond it, by up to 0.15 of the width of the one given; but not beyond 1 if
    that ended there or below, since it may be a share. Other distributions are never
    widened: what values a parameter may take is not known.

    What it wins is not much. At the cost of 9 whole fits, over seven parameters of
    `MLPBackprop` and of `MulticlassSVM`, digits and photos, ten seeds each, what it
    chooses is right for this much more of the images than what others choose, in
    percent, with standard errors (``examples/search_comparison.py``):

    ========================  ===============  ============  ============
    less                      ``best_score_``  other folds   test
    ========================  ===============  ============  ============
    `RandomizedSearchCV`      0.65 ± 0.28      0.29 ± 0.24   0.28 ± 0.26
    `HalvingRandomSearchCV`   0.15 ± 0.17      0.15 ± 0.21   -0.09 ± 0.24
    ========================  ===============  ============  ============

    So it is about as good as halving, and better than a plain random search for
    networks on digits (0.58 ± 0.17 in other folds), where few epochs tell much. Where
    they do not, as for that machine on photos, neither gains.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_digits
    >>> from skvision import SoftmaxRegression
    >>> from skvision.model_selection import CoarseToFineSearchCV
    >>> digits = load_digits()
    >>> search = CoarseToFineSearchCV(
    ...     SoftmaxRegression(),
    ...     {"alpha": loguniform(1e-4, 1e2)},
    ...     n_iter=6,
    ...     resource="n_samples",
    ...     cv=3,
    ...     random_state=0,
    ... )
    >>> search = search.fit(digits.images[:400] / 16, digits.target[:400])
    >>> print(f"{search.score(digits.images[400:] / 16, digits.target[400:]):.2f}")
    0.89
    >>> for low, high in zip(search.ranges_["low"], search.ranges_["high"]):
    ...     print(f"{low:.1g} to {high:.1g}")
    0.0001 to 1e+02
    0.0001 to 0.08
    0.0001 to 0.01
    """

    _parameter_constraints = RandomizedSearchCV._parameter_constraints | {
        "stages": [Interval(Integral, 1, None, closed="left")],
        "resource": [str, None],
        "factor": [Interval(Real, 1, None, closed="neither")],
        "n_best": [Interval(Integral, 1, None, closed="left")],
    }

    cv: Any

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_iter: int = 10,
        stages: int = 3,
        resource: str | None = None,
        factor: float = 3,
        n_best: int = 3,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: bool | str | Callable[..., Any] = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        random_state: Any = None,
        error_score: str | float = np.nan,
        return_train_score: bool = False,
    ) -> None:
        super().__init__(
            estimator,
            param_distributions,
            n_iter=n_iter,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.stages = stages
        self.resource = resource
        self.factor = factor
        self.n_best = n_best

    def fit(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Search, and fit the best parameters on all rows.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Images, features, or what else the estimator takes.
        y : array-like of shape (n,) or (n, n_outputs), default=None
            Classes or numbers to predict; None if there are none.
        **params : dict
            For the estimator's ``fit``, such as ``sample_weight``, which also goes to a
            metric that takes it; ``groups`` for the folds. With metadata routing, to
            whatever asks for them.

        Returns
        -------
        self : CoarseToFineSearchCV
            The fitted search.

        Raises
        ------
        ValueError
            If a parameter is out of its range, the estimator has no such ``resource``,
            several metrics come without a ``refit`` that names one, or all fits fail.
        """
        if isinstance(self.cv, Iterator):  # read once, and kept if the fit fails
            self.cv = list(self.cv)
        return self._search(X, y, params)

    @whole_fit
    def _search(self, X: Any, y: Any, params: Any) -> Self:
        self._check_search()
        if is_classifier(self.estimator):
            refuse_missing(y, "y")
        most = most_resources(self.resource, self.estimator, X)
        self._planned = plan(self.n_iter, self.stages, self.factor, most)
        self._splitter = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        super().fit(X, y, **params)
        del self._planned, self._splitter
        return self

    def _check_search(self) -> None:
        """Raise before the first fit what would end the search later."""
        given = self._given_spaces()
        ParameterSampler(given, 1)  # raises where one is no range
        for space in given:  # and here where one is an empty list, or a mere word
            ParameterGrid({k: v for k, v in space.items() if not hasattr(v, "rvs")})
        if not given:
            raise ValueError(
                "param_distributions is an empty list: give a dict of parameters."
            )
        several = isinstance(self.scoring, list | tuple | dict)
        if several and self.refit is False and self.stages > 1:
            raise ValueError(
                "refit=False leaves open which of several metrics ranges are narrowed "
                "by: give refit the name of one, or a callable, or set stages=1."
            )
        if self.stages > self.n_iter:
            raise ValueError(
                f"n_iter={self.n_iter} does not pay for stages={self.stages}: each "
                f"needs one whole fit at least. Raise n_iter, or lower stages."
            )
        if any(self.resource in space for space in given):
            raise ValueError(
                f"resource={self.resource!r} is also among the parameters to search: "
                f"take it from param_distributions."
            )

    def _given_spaces(self) -> list[Any]:
        given = self.param_distributions
        return [given] if isinstance(given, dict) else given

    def _run_search(
        self, evaluate_candidates: Callable[..., Any], *, callback_ctx: Any = None
    ) -> None:
        """Try candidates stage by stage; called by the ``fit`` of scikit-learn.

        Parameters
        ----------
        evaluate_candidates : callable
            Fits and scores candidates, and returns a table of all so far.
        callback_ctx : CallbackContext or None
            The context of the fit; None before scikit-learn 1.9.
        """
        rng = check_random_state(self.random_state)
        folds = self._same_folds(rng)
        draws = Draws(as_spaces(self._given_spaces()), rng)
        trials = Trials(evaluate_candidates, self.error_score)
        best: list[Any] = []
        ranges: list[dict[str, Any]] = []
        before = self._planned[0]
        n_stages = len(self._planned)
        with task_of(callback_ctx, self, "search", max_subtasks=n_stages) as context:
            for number, stage in enumerate(self._planned):
                grew = stage.n_resources != before.n_resources
                n_again = round(FITTED_AGAIN * stage.n_candidates) if grew else 0
                candidates = draws.draw(stage.n_candidates, best[:n_again], grew)
                if not candidates:  # all that the lists have was tried
                    continue
                before = stage
                succeeded = self._try(candidates, number, stage, folds, trials, context)
                best = self._best(trials.results)
                told = draws.told(best[0] if best else None)
                ranges += [{"stage": number, **row} for row in told]
                if succeeded:
                    draws.narrow(best[: self.n_best])
        trials.close()
        self.ranges_ = as_columns(ranges)

    def _try(
        self,
        candidates: Any,
        number: int,
        stage: Any,
        folds: Any,
        trials: Trials,
        context: Any,
    ) -> bool:
        """Fit and score the candidates of a stage; return whether any fit succeeded."""
        folds.share = stage.share if self.resource == "n_samples" else 1.0
        told = {"stage": number}
        if self.resource is not None:
            told["n_resources"] = stage.n_resources
        if self.resource not in (None, "n_samples"):
            parameter = {self.resource: stage.n_resources}
            candidates = [one | parameter for one in candidates]
        sizes = {"sequential_subtasks": False}
        if context is not None:
            sizes["max_subtasks"] = len(candidates) * self.n_splits_
        with task_of(context, self, "stage", **sizes) as of_stage:
            return trials.run(candidates, folds, told, of_stage)

    def _same_folds(self, rng: np.random.RandomState) -> SameFolds:
        """Return the folds of all stages."""
        if self.resource != "n_samples":
            return SameFolds(self._splitter)
        seed = rng.randint(np.iinfo(np.int32).max)
        return SameFolds(self._splitter, is_classifier(self.estimator), seed)

    def _best(self, results: dict[str, np.ndarray]) -> list[Any]:
        """Return the candidates that compare, best first, without the resource."""
        by = self._measure(metrics_of(results))
        if by is None:
            return []
        order = best_first(results, comparable(results, by), by)
        return [
            {k: v for k, v in results["params"][row].items() if k != self.resource}
            for row in order
        ]

    def _measure(self, metrics: list[str]) -> Any:
        """Return what tells the best: a metric, or the callable ``refit``."""
        if not metrics:  # no fit has succeeded so far
            return None
        if callable(self.refit):
            return self.refit
        if metrics == ["score"]:
            return "score"
        if self.refit in metrics:
            return self.refit
        if self.stages == 1:  # nothing is narrowed
            return None
        raise ValueError(
            f"scoring returns several metrics: refit must be the name of one, or a "
            f"callable; got {self.refit!r}."
        )

    @staticmethod
    def _select_best_index(
        refit: Any, refit_metric: str, results: dict[str, np.ndarray]
    ) -> Any:
        """Return the row of the best candidate, as the ``fit`` of scikit-learn asks."""
        by = refit if callable(refit) else refit_metric
        rows = comparable(results, by)
        if not len(rows):  # none has a score
            rows = np.arange(len(results["params"]))
        return next(best_first(results, rows, by))
