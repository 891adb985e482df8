"""Random search from coarse to fine."""

import time
from difflib import get_close_matches
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn import get_config
from sklearn.base import MetaEstimatorMixin, clone, is_classifier
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted

from skvision._sklearn_compat import Estimator, Interval, check_parameters
from skvision.model_selection._best_estimator_methods import BestEstimatorMethods
from skvision.model_selection._folds import SameFolds, labels_of
from skvision.model_selection._narrowing import as_spaces, describe, narrowed_spaces
from skvision.model_selection._stages import (
    best_first,
    labelled,
    plan,
    rank_by_resources,
    stacked,
    with_most,
)

FITTED_AGAIN = 2 / 3  # of a stage with more of the resource: the best before it


class CoarseToFineSearchCV(BestEstimatorMethods, MetaEstimatorMixin, Estimator):
    """Random search from coarse to fine, a stage after the other.

    The first stage draws candidates from the ranges as they are given. Each further one
    draws them from where the best so far lie. With a ``resource``, such as
    ``"max_iter"``, the first stages try many candidates with little of it, and the last
    a few with all. It is used as scikit-learn's `RandomizedSearchCV`, of which each
    stage is one.

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
        one that counts.

    n_jobs : int, default=None
        Fits at once, as in `RandomizedSearchCV`, on any backend of joblib.

    refit : bool, str or callable, default=True
        Whether to fit the best parameters on all rows; with several metrics the name of
        one. Or a callable that returns the row of the best candidate of a table like
        ``cv_results_``; it is shown candidates with the same resource, once more
        without the best for the second best, and so on.

    cv : int, cross-validation generator or iterable, default=None
        Folds, as in `RandomizedSearchCV`; they are drawn once, for all stages.

    verbose : int, default=0
        How much scikit-learn's searches print.

    pre_dispatch : int or str, default="2*n_jobs"
        Fits handed out in advance, as in `RandomizedSearchCV`.

    random_state : int, RandomState instance or None, default=None
        The candidates, and which rows the first stages learn from.

    error_score : "raise" or float, default=nan
        The score of a fit that fails.

    return_train_score : bool, default=False
        Whether ``cv_results_`` has scores on training parts too.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        A row for each candidate, in the columns of `RandomizedSearchCV`, and ``stage``,
        from 0, and with a resource ``n_resources``, how much there was of it. Those
        with more come first in ``rank_test_score``.

    ranges_ : DataFrame
        A row for each stage, space and parameter: ``space``, the place of its dict in
        ``param_distributions``; ``low`` and ``high``, or ``choices``, where it was
        looked for; ``best``, the value of the best candidate at the end of the stage,
        missing if that is of another space; ``edge``, "low" or "high" where that lies
        in the outer twentieth of the range that was given (of its logarithm, if
        log-uniform), else ""; and ``widened``, whether the range goes beyond the one
        given.

    best_estimator_ : estimator
        The best, fitted on all rows.

    best_params_ : dict
        Its parameters, with the resource where that is one.

    best_score_ : float
        Its mean score in the folds, the best of several and so optimistic.

    best_index_ : int
        Its row in ``cv_results_``: of those with all of the resource the best.

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
    chooses is right for this much more of the pictures than what others choose, in
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
    >>> for stage in search.ranges_.itertuples():
    ...     print(f"{stage.low:.1g} to {stage.high:.1g}")
    0.0001 to 1e+02
    0.0001 to 0.08
    0.0001 to 0.01
    """

    _parameter_constraints = {
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "stages": [Interval(Integral, 1, None, closed="left")],
        "resource": [str, None],
        "factor": [Interval(Real, 1, None, closed="neither")],
        "n_best": [Interval(Integral, 1, None, closed="left")],
        "refit": ["boolean", str, callable],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_iter=10,
        stages=3,
        resource=None,
        factor=3,
        n_best=3,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        random_state=None,
        error_score=np.nan,
        return_train_score=False,
    ):
        self.estimator = estimator
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.stages = stages
        self.resource = resource
        self.factor = factor
        self.n_best = n_best
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.refit = refit
        self.cv = cv
        self.verbose = verbose
        self.pre_dispatch = pre_dispatch
        self.random_state = random_state
        self.error_score = error_score
        self.return_train_score = return_train_score

    def fit(self, X, y=None, **params):
        """Search, and fit the best parameters on all rows.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Pictures, features, or what else the estimator takes.
        y : array-like of shape (n,) or (n, n_outputs), default=None
            Classes or numbers to predict; None if there are none.
        **params : dict
            For the estimator's ``fit``, such as ``sample_weight``; ``groups`` for the
            folds. With metadata routing, to whatever asks for them.

        Returns
        -------
        self : CoarseToFineSearchCV
            The fitted search.

        Raises
        ------
        ValueError
            If a parameter is out of its range, the estimator has no such ``resource``,
            or several metrics come without a ``refit`` that names one.
        """
        spaces = whole = self._checked_spaces()
        rng = check_random_state(self.random_state)
        stages = plan(self.n_iter, self.stages, self.factor, self._most_resources(X))
        folds = self._folds(X, y, rng)
        tables, ranges, tried, best = [], [], [], []
        for number, stage in enumerate(stages):
            grew = number > 0 and stage.n_resources != stages[number - 1].n_resources
            again = best[: round(FITTED_AGAIN * stage.n_candidates)] if grew else []
            n_new = stage.n_candidates - len(again)
            new = _drawn(spaces, n_new, rng, known=again if grew else best)
            if len(new) < n_new:  # lists, all of which was tried: back to the whole
                others = _drawn(whole, n_new - len(new), rng, known=tried + new)
                new, spaces = new + others, whole if others else spaces
            if not again + new:  # all of that, too
                continue
            folds.share = stage.share if self.resource == "n_samples" else 1.0
            search = self._search(self._grids(again + new, stage), folds)
            tables.append(
                labelled(search.fit(X, y, **params).cv_results_, number, stage)
            )
            tried += again + new
            results = stacked(tables)
            order = best_first(results, with_most(results), self._measure(search))
            best = [self._searched(results["params"][row]) for row in order]
            told = describe(whole, spaces, best[0])
            ranges += [{"stage": number, **row} for row in told]
            spaces = narrowed_spaces(whole, spaces, best[: self.n_best])
        self._keep(search, results, order[0], ranges)
        if self.refit:
            self._fit_best(X, y, params)
        return self

    def _checked_spaces(self):
        """Return the spaces; raise before the first fit what would end it later."""
        from sklearn.model_selection import ParameterGrid, ParameterSampler

        check_parameters(self)
        given = self.param_distributions
        ParameterSampler(given, 1)  # raises where one is no range
        given = [given] if isinstance(given, dict) else list(given)
        for space in given:  # and here where one is an empty list, or a mere word
            ParameterGrid({k: v for k, v in space.items() if not hasattr(v, "rvs")})
        self.get_metadata_routing()  # and here where refit names no metric
        if not given:
            raise ValueError(
                "param_distributions is an empty list: give a dict of parameters."
            )
        several = isinstance(self.scoring, list | tuple | set | dict)
        if several and self.refit is False:
            raise ValueError(
                "refit=False leaves open which of several metrics ranges are narrowed "
                "by: give refit the name of one, or a callable."
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
        return as_spaces(given)

    def _most_resources(self, X):
        """Return what the last stage has of the resource; None without one."""
        if self.resource is None:
            return None
        if self.resource == "n_samples":
            return X.shape[0] if hasattr(X, "shape") else len(X)
        parameters = self.estimator.get_params()
        if self.resource not in parameters:
            raise ValueError(
                f"resource={self.resource!r} must be 'n_samples' or a parameter of "
                f"{type(self.estimator).__name__}, which has none of this name"
                + _similar(self.resource, parameters)
            )
        most = parameters[self.resource]
        if not isinstance(most, Integral) or isinstance(most, bool) or most < 1:
            raise ValueError(
                f"resource={self.resource!r} must be 'n_samples' or a parameter of "
                f"{type(self.estimator).__name__} that is a whole number from 1, which "
                f"the last stage takes; its value is {most!r}."
            )
        return int(most)

    def _folds(self, X, y, rng):
        """Return the folds of all stages."""
        # not at the top: it loads much that `import skvision` does without
        from sklearn.model_selection import check_cv

        is_classes = is_classifier(self.estimator)
        splitter = check_cv(self.cv, y, classifier=is_classes)
        if self.resource != "n_samples":
            return SameFolds(splitter)
        labels = labels_of(y) if is_classes else None
        return SameFolds(splitter, labels, rng.randint(np.iinfo(np.int32).max))

    def _search(self, grids, cv):
        """Return the search of a stage, which leaves the refit to this one."""
        from sklearn.model_selection import RandomizedSearchCV

        return RandomizedSearchCV(
            self.estimator,
            grids,
            n_iter=len(grids),
            scoring=self.scoring,
            n_jobs=self.n_jobs,
            refit=False,
            cv=cv,
            verbose=self.verbose,
            pre_dispatch=self.pre_dispatch,
            random_state=0,  # all of the grids, in whatever order
            error_score=self.error_score,
            return_train_score=self.return_train_score,
        )

    def _plain(self):
        """Return scikit-learn's search, to ask what holds for this one as well."""
        return self._search([{}], self.cv).set_params(refit=self.refit)

    def _grids(self, candidates, stage):
        """Return grids of one point each, with what a stage has of the resource."""
        fixed = {}
        if self.resource not in (None, "n_samples"):
            fixed = {self.resource: [stage.n_resources]}
        return [
            {name: [value] for name, value in candidate.items()} | fixed
            for candidate in candidates
        ]

    def _searched(self, parameters):
        """Return a candidate without the resource."""
        return {k: value for k, value in parameters.items() if k != self.resource}

    def _measure(self, search):
        """Return what tells the best: a metric, or the callable ``refit``."""
        if callable(self.refit):
            return self.refit
        if not search.multimetric_:
            return "score"
        if f"mean_test_{self.refit}" in search.cv_results_:
            return self.refit
        raise ValueError(
            f"scoring returns several metrics: refit must be the name of one, or a "
            f"callable; got {self.refit!r}."
        )

    def _keep(self, search, results, best, ranges):
        rank_by_resources(results)
        self.cv_results_ = results
        self.best_index_ = best
        self.best_params_ = results["params"][best]
        measure = self._measure(search)
        if not callable(measure):
            self.best_score_ = results[f"mean_test_{measure}"][best]
        self.ranges_ = pd.DataFrame(ranges)
        self.scorer_ = search.scorer_
        self.multimetric_ = search.multimetric_
        self.n_splits_ = search.n_splits_

    def _fit_best(self, X, y, params):
        if get_config()["enable_metadata_routing"]:
            params = process_routing(self._plain(), "fit", **params).estimator.fit
        else:
            params = {k: value for k, value in params.items() if k != "groups"}
        best = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
        started = time.perf_counter()
        best.fit(X, **params) if y is None else best.fit(X, y, **params)
        self.refit_time_ = time.perf_counter() - started
        self.best_estimator_ = best
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_

    def score(self, X, y=None, **params):
        """Return the score of the best estimator, by ``scoring`` where it is given.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            As in ``fit``.
        y : array-like of shape (n,) or (n, n_outputs), default=None
            What is true.
        **params : dict
            For the metric, with metadata routing.

        Returns
        -------
        score : float
            Of the metric that ``refit`` names where there are several.
        """
        check_is_fitted(self)
        search = self._plain()
        search.scorer_, search.multimetric_ = self.scorer_, self.multimetric_
        if self.refit:
            search.best_estimator_ = self.best_estimator_
        return search.score(X, y, **params)

    def get_metadata_routing(self):
        """Return who takes which metadata: estimator, metric and folds.

        Returns
        -------
        router : MetadataRouter
            Of scikit-learn.
        """
        methods = MethodMapping().add(caller="fit", callee="fit")
        methods.add(caller="score", callee="score")
        router = MetadataRouter(owner=self)
        return router.add(search=self._plain(), method_mapping=methods)

    def __sklearn_tags__(self):
        return get_tags(self._plain())


def _similar(name, names):
    """Return what may have been meant, as the end of a message."""
    inner = [one for one in names if one.endswith(f"__{name}")]
    meant = inner or get_close_matches(name, ["n_samples", *names], n=1)
    return f": did you mean {meant[0]!r}?" if meant else "."


def _drawn(spaces, n, rng, known):
    """Draw candidates; where all is lists, each at most once and none that is known."""
    from sklearn.model_selection import ParameterGrid, ParameterSampler

    spaces = list(spaces.values())
    if not all(isinstance(values, list) for s in spaces for values in s.values()):
        return list(ParameterSampler(spaces, n, random_state=rng))
    n_drawn = min(n + len(known), len(ParameterGrid(spaces)))
    before = [_identities(candidate) for candidate in known]
    drawn = ParameterSampler(spaces, n_drawn, random_state=rng)
    return [one for one in drawn if _identities(one) not in before][:n]


def _identities(candidate):
    return {name: id(value) for name, value in candidate.items()}
