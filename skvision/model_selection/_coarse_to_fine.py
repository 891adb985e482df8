"""Randomized search in stages, from coarse to fine."""

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
from skvision.model_selection._folds import SameFolds
from skvision.model_selection._narrowing import as_columns, as_spaces
from skvision.model_selection._ranking import best_first, comparable, metrics_of
from skvision.model_selection._sampling import CandidateSampler
from skvision.model_selection._stages import most_resources, plan
from skvision.model_selection._trials import Trials

REFITTED_FRACTION = 2 / 3  # candidates tried again in a stage with more resources


@public("skvision.model_selection")
class CoarseToFineSearchCV(RandomizedSearchCV, Estimator):
    """Randomized search over parameters in stages, from coarse to fine.

    The first stage draws candidates from the given ranges. Each further stage draws
    them from narrower ranges around the best candidates so far. With a ``resource``,
    such as ``"max_iter"``, the first stages try many candidates with few resources, and
    the last stage tries a few candidates with all resources. The search is used like
    scikit-learn's `RandomizedSearchCV`, with the same callbacks, metadata routing and
    handling of failed fits.

    Parameters
    ----------
    estimator : estimator object
        Any estimator with scikit-learn's interface.

    param_distributions : dict or list of dict
        Parameter names with the values to try: a list, or a distribution of
        `scipy.stats` such as ``loguniform(1e-5, 1)``, ``uniform(0, 0.5)`` or
        ``randint(1, 20)``. A list of dicts is searched as several spaces.

    n_iter : int, default=10
        Cost of the search, as the number of fits with all resources in each fold. The
        search costs about as much as `RandomizedSearchCV` with the same ``n_iter``. At
        least ``stages``.

    stages : int, default=3
        Number of stages, which all have about the same cost.

    resource : str, default=None
        The resource that increases from stage to stage: ``"n_samples"`` for the number
        of training samples, or an integer parameter of the estimator, such as
        ``"max_iter"`` or ``"mlpbackprop__max_iter"``. The last stage uses all training
        samples, or the value of the parameter in the estimator. With None, all stages
        use all resources.

    factor : float, default=3
        Factor by which the resource increases from one stage to the next, larger than
        1.

    n_best : int, default=3
        Number of best candidates around which ranges are narrowed. A smaller number
        narrows them more.

    scoring : str, callable, list, tuple or dict, default=None
        Metric of the search, as in `RandomizedSearchCV`. With several metrics,
        ``refit`` must name the one by which ranges are narrowed. Only a search with a
        single stage supports several metrics with ``refit=False``.

    n_jobs : int, default=None
        Number of parallel fits, as in `RandomizedSearchCV`, with any joblib backend.

    refit : bool, str or callable, default=True
        Whether to refit the estimator with the best parameters on all samples. With
        several metrics, the name of one. A callable is passed a table like
        ``cv_results_`` and returns the row of the best candidate. It is called with
        candidates that had the same resources, again without the best one to find the
        second best, and so on.

    cv : int, cross-validation generator or iterable, default=None
        Cross-validation folds, as in `RandomizedSearchCV`. All stages use the same
        folds. ``fit`` replaces an iterator, which can be read only once, by the list of
        its folds.

    verbose : int, default=0
        Verbosity, as in `RandomizedSearchCV`.

    pre_dispatch : int or str, default="2*n_jobs"
        Number of dispatched fits, as in `RandomizedSearchCV`.

    random_state : int, RandomState instance or None, default=None
        Controls the candidates and, with ``resource="n_samples"``, the training samples
        of the first stages. Pass an int for reproducible results.

    error_score : "raise" or float, default=nan
        Score of a failed fit. A number is treated like any other score. If all fits of
        a stage fail, the next stage draws other candidates from the same ranges. The
        search raises an error only if all fits of all stages fail, or with ``"raise"``.

    return_train_score : bool, default=False
        Whether ``cv_results_`` includes training scores.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        One row for each candidate, with the columns of `RandomizedSearchCV`, the column
        ``stage`` (from 0) and, with a resource, ``n_resources`` (the amount of it).
        ``rank_test_score`` ranks candidates with more resources first and those without
        a score last. The times of a stage are NaN if all of its fits failed.

    ranges_ : dict of str to ndarray
        One row for each stage, space and parameter;
        ``pandas.DataFrame(search.ranges_)`` shows it as a table. The columns are
        ``stage``; ``parameter``; ``space``, the index of the dict in
        ``param_distributions``; ``low`` and ``high``, or ``choices``, the range or list
        that the stage searched; ``best``, the value of the best candidate so far, or
        None if that candidate is from another space; ``edge``, which is "low" or "high"
        if this value lies in the outer twentieth of the given range (of its logarithm
        for log-uniform ranges), else ""; and ``widened``, whether the range exceeds the
        given range.

    best_estimator_ : estimator
        The estimator with the best parameters, fitted on all samples.

    best_params_ : dict
        Parameters of the best candidate, including the resource if it is a parameter.

    best_score_ : float
        Mean cross-validated score of the best candidate. As the best of many scores, it
        is optimistic.

    best_index_ : int
        Row of the best candidate in ``cv_results_``, among those with the most
        resources.

    scorer_ : callable or dict
        The scorer or scorers.

    n_splits_ : int
        Number of folds.

    refit_time_ : float
        Time for refitting the best estimator, in seconds.

    multimetric_ : bool
        Whether the search used several metrics.

    classes_ : ndarray of shape (n_classes,)
        Class labels, if the estimator is a classifier.

    n_features_in_ : int
        Number of features seen in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features seen in ``fit``. Defined only if ``X`` was a table with
        column names that are all strings.

    See Also
    --------
    sklearn.model_selection.RandomizedSearchCV : Search with a single stage.
    sklearn.model_selection.HalvingRandomSearchCV : Successive halving.

    Notes
    -----
    A stage with the fraction :math:`r` of the resource tries :math:`n_{iter} / (s r)`
    candidates, where :math:`s` is the number of stages. If it has more resources than
    the previous stage, two thirds of them are the best candidates of the previous
    stage, which are fitted again because scores with different resources are not
    comparable. The final fit on all samples is not counted.

    A range is narrowed to the interval that the ``n_best`` best candidates span, plus a
    tenth of its width on both sides. Intervals are measured in quantiles of the
    distribution, so that log-uniform ranges stay log-uniform and integers stay
    integers. Lists are reduced to the values of the best candidates, and several spaces
    to those that contain one of them. Distributions without quantiles are not narrowed.
    If all combinations of the reduced lists have been tried, the other values of the
    lists are tried.

    If the best candidate lies on an edge (see ``ranges_``) of a log-uniform range, the
    next range extends beyond the given range by up to 0.15 of its width. If the given
    range ends at or below 1, it is not extended beyond 1, because the parameter may be
    a fraction. Other distributions are never widened, because the valid values of a
    parameter are unknown.

    The improvement over other searches is small. The table shows by how many percentage
    points the accuracy of the chosen model exceeds that of the model chosen by another
    search, with standard errors. Each search costs 9 full fits, over seven parameters
    of `MLPBackprop` and of `MulticlassSVM`, on digits and photos, with ten seeds each
    (``examples/search_comparison.py``):

    ========================  ===============  ============  ============
    less                      ``best_score_``  other folds   test
    ========================  ===============  ============  ============
    `RandomizedSearchCV`      0.65 ± 0.28      0.29 ± 0.24   0.28 ± 0.26
    `HalvingRandomSearchCV`   0.15 ± 0.17      0.15 ± 0.21   -0.09 ± 0.24
    ========================  ===============  ============  ============

    It is about as good as successive halving. It is better than a plain randomized
    search for networks on digits (0.58 ± 0.17 in other folds), where a few epochs
    predict the final score well. Where they do not, as for the support vector machine
    on photos, neither search improves on the plain one.

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
        """Run the search and refit the best parameters on all samples.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Images, features or other input of the estimator.
        y : array-like of shape (n,) or (n, n_outputs), default=None
            Target classes or numbers; None for unsupervised estimators.
        **params : dict
            Parameters for the ``fit`` of the estimator, such as ``sample_weight``,
            which is also passed to metrics that accept it, and ``groups`` for the
            splitter. With metadata routing enabled, parameters are passed to the
            objects that request them.

        Returns
        -------
        self : CoarseToFineSearchCV
            The fitted search.

        Raises
        ------
        ValueError
            If a parameter is out of its range, the estimator has no parameter named
            ``resource``, ``refit`` does not name one of several metrics, or all fits
            fail.
        """
        if isinstance(self.cv, Iterator):  # kept even if the fit fails
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
        """Raise, before the first fit, errors that would end the search later."""
        given = self._given_spaces()
        ParameterSampler(given, 1)  # raises an error for invalid ranges
        for space in given:  # raises an error for empty lists and strings
            ParameterGrid({k: v for k, v in space.items() if not hasattr(v, "rvs")})
        if not given:
            raise ValueError(
                "param_distributions is an empty list: pass a dict of parameters."
            )
        several = isinstance(self.scoring, list | tuple | dict)
        if several and self.refit is False and self.stages > 1:
            raise ValueError(
                "With refit=False, it is undefined by which of several metrics ranges "
                "are narrowed: set refit to the name of a metric or a callable, or set "
                "stages=1."
            )
        if self.stages > self.n_iter:
            raise ValueError(
                f"n_iter={self.n_iter} is less than stages={self.stages}, and each "
                f"stage needs at least one full fit: increase n_iter, or decrease "
                f"stages."
            )
        if any(self.resource in space for space in given):
            raise ValueError(
                f"resource={self.resource!r} is also a parameter to search: remove it "
                f"from param_distributions."
            )

    def _given_spaces(self) -> list[Any]:
        given = self.param_distributions
        return [given] if isinstance(given, dict) else given

    def _run_search(
        self, evaluate_candidates: Callable[..., Any], *, callback_ctx: Any = None
    ) -> None:
        """Evaluate candidates in stages. Called by scikit-learn's ``fit``.

        Parameters
        ----------
        evaluate_candidates : callable
            Fits and scores candidates, and returns the table of all results so far.
        callback_ctx : CallbackContext or None
            The context of the fit; None before scikit-learn 1.9.
        """
        rng = check_random_state(self.random_state)
        folds = self._same_folds(rng)
        sampler = CandidateSampler(as_spaces(self._given_spaces()), rng)
        trials = Trials(evaluate_candidates, self.error_score)
        best: list[Any] = []
        ranges: list[dict[str, Any]] = []
        before = self._planned[0]
        n_stages = len(self._planned)
        with task_of(callback_ctx, self, "search", max_subtasks=n_stages) as context:
            for number, stage in enumerate(self._planned):
                grew = stage.n_resources != before.n_resources
                n_again = round(REFITTED_FRACTION * stage.n_candidates) if grew else 0
                candidates = sampler.sample(stage.n_candidates, best[:n_again], grew)
                if not candidates:  # all combinations of the lists have been tried
                    continue
                before = stage
                succeeded = self._try(candidates, number, stage, folds, trials, context)
                best = self._best(trials.results)
                rows = sampler.describe(best[0] if best else None)
                ranges += [{"stage": number, **row} for row in rows]
                if succeeded:
                    sampler.narrow(best[: self.n_best])
        trials.finish()
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
        folds.fraction = stage.fraction if self.resource == "n_samples" else 1.0
        stage_columns = {"stage": number}
        if self.resource is not None:
            stage_columns["n_resources"] = stage.n_resources
        if self.resource not in (None, "n_samples"):
            parameter = {self.resource: stage.n_resources}
            candidates = [one | parameter for one in candidates]
        sizes = {"sequential_subtasks": False}
        if context is not None:
            sizes["max_subtasks"] = len(candidates) * self.n_splits_
        with task_of(context, self, "stage", **sizes) as of_stage:
            return trials.run(candidates, folds, stage_columns, of_stage)

    def _same_folds(self, rng: np.random.RandomState) -> SameFolds:
        """Return a splitter that gives all stages the same folds."""
        if self.resource != "n_samples":
            return SameFolds(self._splitter)
        seed = rng.randint(np.iinfo(np.int32).max)
        return SameFolds(self._splitter, is_classifier(self.estimator), seed)

    def _best(self, results: dict[str, np.ndarray]) -> list[Any]:
        """Return the comparable candidates, best first, without the resource."""
        by = self._measure(metrics_of(results))
        if by is None:
            return []
        order = best_first(results, comparable(results, by), by)
        return [
            {k: v for k, v in results["params"][row].items() if k != self.resource}
            for row in order
        ]

    def _measure(self, metrics: list[str]) -> Any:
        """Return the metric that ranks candidates, or the callable ``refit``."""
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
            f"scoring returns several metrics, so refit must be the name of one or a "
            f"callable; got {self.refit!r}."
        )

    @staticmethod
    def _select_best_index(
        refit: Any, refit_metric: str, results: dict[str, np.ndarray]
    ) -> Any:
        """Return the row of the best candidate. Called by scikit-learn's ``fit``."""
        by = refit if callable(refit) else refit_metric
        rows = comparable(results, by)
        if not len(rows):  # none has a score
            rows = np.arange(len(results["params"]))
        return next(best_first(results, rows, by))
