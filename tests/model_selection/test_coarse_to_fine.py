"""Coarse-to-fine search: its ranges, its cost, and that it is a scikit-learn search."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy import stats
from scipy.stats import loguniform, norm, randint, uniform
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris, make_regression
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GroupKFold,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

from skvision import MLPBackprop
from skvision.model_selection import CoarseToFineSearchCV
from skvision.model_selection._folds import SameFolds
from skvision.model_selection._narrowing import (
    as_spaces,
    describe,
    narrowed_spaces,
)
from skvision.model_selection._stages import plan

X, y = load_iris(return_X_y=True)
SHUFFLED = StratifiedKFold(3, shuffle=True, random_state=0)


class Peak(ClassifierMixin, BaseEstimator):
    """Right for the more of the rows, the closer ``place`` is to the peak.

    Notes its fits, the rows that they had, and its parameters.
    """

    fits: list = []

    def __init__(self, place=0.5, kind="a", max_iter=9, peak=0.7):
        self.place = place
        self.kind = kind
        self.max_iter = max_iter
        self.peak = peak

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        self.sample_weight_ = sample_weight
        Peak.fits.append((len(X), self.max_iter, sorted(np.unique(y))))
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def score(self, X, y=None, sample_weight=None):
        return 1 - abs(self.place - self.peak) - 0.1 * (self.kind != "a")


@pytest.fixture(autouse=True)
def no_fits_yet():
    Peak.fits = []


def search_peak(distributions, **parameters):
    parameters = {"cv": SHUFFLED, "random_state": 0, "n_iter": 9} | parameters
    return CoarseToFineSearchCV(Peak(), distributions, **parameters).fit(X, y)


# ---------------------------------------------------------------- ranges


def narrowed_space(distributions, best):
    whole = as_spaces([distributions])
    return narrowed_spaces(whole, whole, best)[0]


def ends_of(distribution, values):
    best = [{"p": value} for value in values]
    return narrowed_space({"p": distribution}, best)["p"].ends()


def test_a_uniform_range_shrinks_to_its_best_and_a_tenth_of_its_width():
    # the best from 4 to 5 in a range from 2 to 12: a margin of 1 on both sides
    np.testing.assert_allclose(ends_of(uniform(2, 10), [4.5, 4, 5]), (3, 6))
    # and no further than the user's range
    np.testing.assert_allclose(ends_of(uniform(2, 10), [2.5, 11.5]), (2, 12))


def test_a_log_uniform_range_shrinks_by_its_logarithm():
    # ten decades: a margin of one
    np.testing.assert_allclose(
        ends_of(loguniform(1e-8, 1e2), [1e-3, 1e-2]), (1e-4, 0.1)
    )


def test_a_range_of_whole_numbers_shrinks_to_whole_numbers():
    # 0 to 99: 30 to 39 are the quantiles from 0.3 to 0.4, with margins 0.2 to 0.5
    low, high = ends_of(randint(0, 100), [30, 39])
    assert (low, high) == (19, 49)  # 19 ends where 20 begins
    space = narrowed_space({"p": randint(0, 100)}, [{"p": 30}, {"p": 39}])
    rng = np.random.RandomState(0)
    drawn = [space["p"].rvs(rng) for _ in range(500)]
    assert all(type(value) is int for value in drawn)
    assert set(drawn) == set(range(20, 50))


def test_a_discrete_range_of_other_numbers_keeps_them():
    tenths = stats.rv_discrete(values=([0.1, 0.2, 0.5], [0.25, 0.25, 0.5]))()
    space = narrowed_space({"p": tenths}, [{"p": 0.1}])
    rng = np.random.RandomState(0)
    assert {space["p"].rvs(rng) for _ in range(50)} == {0.1, 0.2}


def test_any_distribution_shrinks_by_its_quantiles():
    low, high = ends_of(norm(3, 2), norm(3, 2).ppf([0.4, 0.5]))
    np.testing.assert_allclose((low, high), norm(3, 2).ppf([0.3, 0.6]))


def test_choices_are_those_of_the_best():
    whole = as_spaces([{"p": ["a", "b", "c"], "q": np.array([1, 2, 3])}])
    last = whole[0]["q"][2]
    best = [{"p": "c", "q": last}, {"p": "a", "q": last}]
    assert narrowed_spaces(whole, whole, best) == {0: {"p": ["a", "c"], "q": [3]}}


def test_choices_may_be_anything():
    lists = {
        "p": [np.zeros(2), np.ones(2)],
        "q": [Ridge(1), Ridge(2)],
        "r": [lambda: 1, lambda: 2],
        "s": [None, 1, True],
    }
    best = {name: values[1] for name, values in lists.items()}
    assert narrowed_space(lists, [best]) == {k: [v[1]] for k, v in lists.items()}
    search = search_peak({"kind": [None, lambda: 1, "a"], "place": uniform(0, 1)})
    assert search.best_score_ > 0.8


def test_what_can_only_be_drawn_stays():
    class Dice:
        def rvs(self, random_state):
            return random_state.randint(1, 7)

    dice = Dice()
    assert narrowed_space({"p": dice}, [{"p": 3}]) == {"p": dice}


def test_spaces_without_a_best_candidate_are_left():
    spaces = as_spaces(
        [
            {"kernel": ["linear"], "C": loguniform(1e-2, 1e2)},
            {"kernel": ["rbf"], "C": loguniform(1e-2, 1e2)},
            {"kernel": ["rbf"], "gamma": uniform(0, 1)},
        ]
    )
    narrowed = narrowed_spaces(spaces, spaces, [{"kernel": "rbf", "C": 1.0}])
    assert list(narrowed) == [1]
    assert narrowed[1]["kernel"] == ["rbf"]
    np.testing.assert_allclose(narrowed[1]["C"].ends(), (10**-0.4, 10**0.4))


def test_spaces_may_have_the_same_parameters():
    spaces = as_spaces(
        [
            {"alpha": [0.0, "auto"]},
            {"alpha": loguniform(1e-4, 1)},
            {"alpha": loguniform(1e3, 1e7)},
            {"alpha": randint(10, 20)},
        ]
    )
    zero, auto = spaces[0]["alpha"]
    for value, number in ((zero, 0), (auto, 0), (1e-2, 1), (1e4, 2), (12, 3)):
        best = {"alpha": value}
        assert list(narrowed_spaces(spaces, spaces, [best])) == [number]
        told = describe(spaces, spaces, best)
        assert [row["space"] for row in told if row["best"] is not None] == [number]


def test_what_was_left_behind_comes_back_where_it_is_best_again():
    # of the best of a stage some are fitted again that lie outside of what is narrowed
    whole = as_spaces([{"p": ["a", "b"], "q": uniform(0, 10)}, {"r": uniform(0, 10)}])
    narrowed = narrowed_spaces(whole, whole, [{"p": "a", "q": 5.0}])
    assert list(narrowed) == [0]
    assert narrowed[0]["p"] == ["a"]
    best = [{"p": "b", "q": 8.0}, {"r": 3.0}]
    rows = describe(whole, narrowed, best[0])
    assert [row["best"] for row in rows] == ["b", 8.0]
    again = narrowed_spaces(whole, narrowed, best)
    assert again[0]["p"] == ["b"]
    # a tenth of the width of 2 that it had, and of the 10 of the whole
    np.testing.assert_allclose(again[0]["q"].ends(), (7.8, 8.2))
    np.testing.assert_allclose(again[1]["r"].ends(), (2, 4))
    assert {row["space"] for row in describe(whole, again, best[1])} == {0, 1}


@pytest.mark.parametrize("name", ["loguniform", "reciprocal"])
def test_log_uniform_stays_log_uniform(name):
    distribution = getattr(stats, name)(1e-6, 1e2)
    space = narrowed_space({"p": distribution}, [{"p": 1e-3}, {"p": 1.0}])
    rng = np.random.RandomState(0)
    drawn = [space["p"].rvs(rng) for _ in range(500)]
    # eight decades, of which 0.8 are a margin
    expected = loguniform(10**-3.8, 10**0.8)
    assert stats.kstest(drawn, expected.cdf).pvalue > 0.01
    assert stats.kstest(drawn, uniform(0, 10**0.8).cdf).pvalue < 1e-9


def test_a_moved_log_uniform_goes_by_quantiles():
    moved = loguniform(1, 100, loc=-1)
    np.testing.assert_allclose(ends_of(moved, [9.0]), moved.ppf([0.4, 0.6]))


def test_a_log_uniform_range_is_widened_where_the_best_is_on_its_edge():
    # ten decades: 0.1 of the range below the best is beyond the end
    low, high = ends_of(loguniform(1e-4, 1e6), [1.1e-4, 1e-2])
    np.testing.assert_allclose((low, high), (1.1e-5, 1e-1))
    low, high = ends_of(loguniform(1e-4, 1e6), [0.9e6])
    np.testing.assert_allclose((low, high), (0.9e5, 0.9e7))
    # not where it is one of the others that lies there
    low, _ = ends_of(loguniform(1e-4, 1e6), [1e-2, 1.1e-4])
    np.testing.assert_allclose(low, 1e-4)


def test_what_ends_at_one_may_be_a_share_and_is_not_widened_past_it():
    assert ends_of(loguniform(1e-5, 1), [0.9])[1] == pytest.approx(1)
    assert ends_of(loguniform(1e-5, 0.9), [0.9])[1] == pytest.approx(1)
    assert ends_of(loguniform(1e-5, 1), [1.1e-5])[0] < 1e-5


def test_widening_has_an_end():
    whole = spaces = as_spaces([{"p": loguniform(1, 100)}])
    for _ in range(50):
        spaces = narrowed_spaces(whole, spaces, [{"p": spaces[0]["p"].ends()[1]}])
    assert spaces[0]["p"].ends()[1] < 10_000


def test_ranges_are_told():
    space = {"p": loguniform(1, 1e4), "q": ["a", "b"], "r": randint(1, 9)}
    spaces = as_spaces([space])
    best = {"p": 1.1, "q": "b", "r": 8}
    first = pd.DataFrame(describe(spaces, spaces, best))
    assert first["parameter"].tolist() == ["p", "q", "r"]
    assert first["edge"].tolist() == ["low", "", "high"]
    assert first["best"].tolist() == [1.1, "b", 8]
    assert not first["widened"].any()
    narrowed = narrowed_spaces(spaces, spaces, [best])
    second = pd.DataFrame(describe(spaces, narrowed, best | {"p": 2.0}))
    assert second["widened"].tolist() == [True, False, False]
    assert second["low"][0] == pytest.approx(1.1 / 10**0.4)
    assert second["choices"][1] == ["b"]


# ---------------------------------------------------------------- cost


def test_stages_cost_alike():
    # 27 candidates with a ninth cost as much as 9 with a third and 3 with all
    assert [tuple(stage[:2]) for stage in plan(9, 3, 3, 27)] == [
        (27, 3),
        (9, 9),
        (3, 27),
    ]
    assert [stage.n_candidates for stage in plan(10, 3, 3, None)] == [3, 3, 4]


@pytest.mark.parametrize("n_iter", [4, 10, 17, 60])
@pytest.mark.parametrize("most", [1, 7, 100, None])
@pytest.mark.parametrize("stages", [1, 2, 4])
def test_the_plan_keeps_to_what_n_iter_fits_cost(n_iter, most, stages):
    planned = plan(n_iter, stages, 2.5, most)
    cost = sum(stage.n_candidates * stage.share for stage in planned)
    assert n_iter - 1 < cost <= n_iter + 1e-9
    assert planned[-1].share == 1.0
    assert planned[-1].n_resources == most


def test_cost_of_a_search_by_a_parameter():
    search = search_peak({"place": uniform(0, 1)}, resource="max_iter", n_iter=12)
    cost = sum(rows * epochs for rows, epochs, _ in Peak.fits[:-1])
    assert cost == 12 * 9 * 300  # of three training parts of 100 rows
    assert Peak.fits[-1][:2] == (150, 9)  # the refit
    assert search.best_params_["max_iter"] == 9


def test_cost_of_a_search_by_rows():
    search_peak({"place": uniform(0, 1)}, resource="n_samples", n_iter=9)
    rows = [fit[0] for fit in Peak.fits[:-1]]
    assert sorted(set(rows)) == [11, 33, 100]
    assert sum(rows) <= 9 * 300
    assert all(labels == [0, 1, 2] for _, _, labels in Peak.fits)


def test_shares_that_are_no_whole_rows_cost_no_more():
    CoarseToFineSearchCV(
        Peak(),
        {"place": uniform(0, 1)},
        n_iter=4,
        stages=4,
        resource="n_samples",
        refit=False,
        cv=2,
    ).fit(X[:81], np.arange(81) % 2)
    assert 3 * 81 < sum(rows for rows, _, _ in Peak.fits) <= 4 * 81


def test_a_part_of_the_rows_is_stratified_and_parts_are_nested(rng):
    labels = rng.permutation(np.repeat([0, 1, 2], [80, 35, 5]))
    folds = SameFolds(ShuffleSplit(2, random_state=0), stratify=True, random_state=1)
    parts = {}
    for share in (0.05, 0.25, 0.5, 1.0):
        folds.share = share
        parts[share] = list(folds.split(labels[:, None], labels))
    whole = list(ShuffleSplit(2, random_state=0).split(labels))
    for i in range(2):
        assert np.array_equal(parts[1.0][i][0], whole[i][0])
        assert set(parts[0.25][i][0]) < set(parts[0.5][i][0])
        for share, split in parts.items():
            train, test = split[i]
            assert np.array_equal(test, whole[i][1])
            had = np.bincount(labels[whole[i][0]])
            got = np.bincount(labels[train], minlength=3)
            assert len(train) == int(share * had.sum())
            assert got.min() >= 1
            assert np.abs(got - share * had).max() <= 2


def test_folds_are_the_same_in_all_stages():
    folds = SameFolds(ShuffleSplit(3, random_state=np.random.RandomState(0)))
    first, second = list(folds.split(X)), list(folds.split(X))
    for (train, test), (train_again, test_again) in zip(first, second, strict=True):
        assert np.array_equal(train, train_again)
        assert np.array_equal(test, test_again)


# ---------------------------------------------------------------- a search


def test_it_closes_in_on_the_best():
    search = search_peak({"place": uniform(0, 1)}, n_iter=30)
    assert search.best_params_["place"] == pytest.approx(0.7, abs=0.01)
    widths = search.ranges_["high"] - search.ranges_["low"]
    assert widths[0] == 1
    assert widths[2] < widths[1] < 0.6


def test_it_finds_a_best_beyond_the_edge():
    space = {"place": loguniform(1e-3, 0.5)}
    search = search_peak(space, n_iter=40, stages=4)
    assert 0.5 < search.best_params_["place"] < 1
    assert search.ranges_["edge"].tolist() == ["high"] * 4
    assert search.ranges_["widened"].tolist() == [False, True, True, True]


@pytest.mark.parametrize(
    "values", [{"place": uniform(0, 1)}, {"place": [0.1, 0.5, 0.6]}]
)
def test_one_stage_is_a_random_search(values):
    ours = search_peak(values, stages=1, n_iter=3, return_train_score=True)
    theirs = RandomizedSearchCV(
        Peak(), values, n_iter=3, cv=SHUFFLED, random_state=0, return_train_score=True
    ).fit(X, y)
    assert set(ours.cv_results_) - set(theirs.cv_results_) == {"stage"}
    for name, column in theirs.cv_results_.items():
        if "time" not in name:
            assert np.array_equal(ours.cv_results_[name], column), name
    assert ours.best_params_ == theirs.best_params_
    assert ours.best_index_ == theirs.best_index_
    assert ours.best_score_ == theirs.best_score_
    assert ours.n_splits_ == theirs.n_splits_
    assert ours.multimetric_ is theirs.multimetric_ is False


def test_results_are_a_table_of_all_stages():
    search = search_peak(
        [{"place": uniform(0, 1)}, {"place": uniform(0, 1), "kind": ["a", "b"]}],
        resource="max_iter",
    )
    table = pd.DataFrame(search.cv_results_)
    assert table["stage"].tolist() == [0] * 27 + [1] * 9 + [2] * 3
    assert table["n_resources"].tolist() == [1] * 27 + [3] * 9 + [9] * 3
    assert (table["param_max_iter"] == table["n_resources"]).all()
    assert {"split2_test_score", "mean_fit_time", "std_score_time"} <= set(table)
    for row, params in zip(
        table.itertuples(), search.cv_results_["params"], strict=True
    ):
        assert row.param_place == params["place"]
        assert ("kind" in params) == (row.param_kind in ("a", "b"))
    masks = search.cv_results_["param_kind"].mask
    assert masks.tolist() == ["kind" not in p for p in search.cv_results_["params"]]


def test_more_of_the_resource_ranks_first():
    search = search_peak({"place": uniform(0, 1)}, resource="max_iter")
    table = pd.DataFrame(search.cv_results_)
    for stage, first in ((2, 1), (1, 4), (0, 13)):
        part = table[table["stage"] == stage]
        expected = part["mean_test_score"].rank(ascending=False, method="min")
        assert (part["rank_test_score"] == expected + first - 1).all()
    assert table["rank_test_score"][search.best_index_] == 1
    assert table["stage"][search.best_index_] == 2


def test_the_best_of_a_stage_are_fitted_again_with_more():
    search = search_peak({"place": uniform(0, 1)}, resource="max_iter")
    table = pd.DataFrame(search.cv_results_)
    places = [set(part["param_place"]) for _, part in table.groupby("stage")]
    assert (len(places[0] & places[1]), len(places[1] & places[2])) == (6, 2)
    best = table[table["stage"] == 0].nlargest(6, "mean_test_score")["param_place"]
    assert set(best) == places[0] & places[1]


def test_lists_are_tried_further_once_the_narrowed_are_used_up():
    places = np.linspace(0, 0.69, 20).tolist()
    search = search_peak({"place": places}, n_iter=12)
    tried = [params["place"] for params in search.cv_results_["params"]]
    assert len(set(tried)) == len(tried) == 12
    assert search.ranges_["choices"].tolist() == [places] * 3
    # with more of a resource: only what was never tried, and so nothing here
    search = search_peak({"place": places}, n_iter=9, resource="max_iter")
    assert search.cv_results_["n_resources"].tolist() == [1] * 20 + [3] * 6 + [9] * 3
    assert [len(choices) for choices in search.ranges_["choices"]] == [20, 3, 3]


def test_the_last_stage_has_all_of_the_resource_whatever_was_tried_before():
    # a third and a ninth of 2 are both 1: nothing new is left for the second stage
    search = CoarseToFineSearchCV(
        Peak(max_iter=2), {"place": [0.1, 0.6]}, resource="max_iter", n_iter=9
    ).fit(X, y)
    assert search.cv_results_["stage"].tolist() == [0, 0, 2, 2]
    assert search.best_params_ == {"place": 0.6, "max_iter": 2}


def test_nothing_is_fitted_twice_with_the_same():
    search = search_peak({"place": [0.1, 0.2, 0.3], "kind": ["a", "b"]}, n_iter=6)
    seen = [tuple(sorted(p.items())) for p in search.cv_results_["params"]]
    assert len(seen) == len(set(seen)) <= 6
    search = search_peak({"place": [0.1, 0.2]}, n_iter=9)  # fewer than it may try
    assert len(search.cv_results_["params"]) == 2
    search = search_peak({"place": [0.1, 0.2]}, n_iter=9, resource="max_iter")
    assert search.cv_results_["n_resources"].tolist() == [1, 1, 3, 3, 9, 9]


def test_without_a_resource_the_best_may_be_of_any_stage():
    search = search_peak({"place": loguniform(0.6999999, 0.7000001)})
    scores = search.cv_results_["mean_test_score"]
    assert search.best_index_ == scores.argmax()
    assert search.best_score_ == scores.max()
    assert len(scores) == 9


@pytest.mark.parametrize("resource", [None, "n_samples"])
def test_the_same_seed_gives_the_same_search_on_any_number_of_threads(resource):
    model = DecisionTreeClassifier(random_state=0)
    space = {"min_samples_leaf": randint(1, 40), "max_features": uniform(0.2, 0.8)}

    def results(n_jobs, seed=0):
        search = CoarseToFineSearchCV(
            model,
            space,
            n_iter=4,
            resource=resource,
            n_jobs=n_jobs,
            cv=2,
            random_state=seed,
        )
        with parallel_config("threading"):
            table = search.fit(X, y).cv_results_
        return {k: v for k, v in table.items() if "time" not in k}

    first = results(None)
    for name, column in results(2).items():
        assert np.array_equal(first[name], column), name
    assert results(None, seed=1)["params"] != first["params"]


def test_several_metrics():
    scoring = {"right": make_scorer(accuracy_score), "balanced": "balanced_accuracy"}
    model = DecisionTreeClassifier(random_state=0)
    space = {"max_depth": randint(1, 6)}
    search = CoarseToFineSearchCV(
        model, space, scoring=scoring, refit="right", random_state=0, n_iter=6
    ).fit(X, y)
    assert search.multimetric_
    assert set(search.scorer_) == {"right", "balanced"}
    best = search.best_index_
    assert search.cv_results_["rank_test_right"][best] == 1
    assert search.cv_results_["mean_test_right"][best] == search.best_score_
    assert search.score(X, y) == accuracy_score(y, search.predict(X))
    for refit in (True, False, "no such"):
        with pytest.raises(ValueError, match="refit"):
            clone(search).set_params(refit=refit).fit(X, y)


def test_refit_may_be_a_callable():
    def simplest(results):
        return int(np.argmin(results["param_place"].astype(float)))

    search = search_peak({"place": uniform(0, 1)}, refit=simplest, n_iter=12)
    places = [params["place"] for params in search.cv_results_["params"]]
    assert search.best_params_["place"] == min(places)
    assert search.ranges_["high"][-1] < 0.6  # it narrowed down to it
    assert not hasattr(search, "best_score_")

    def ranked_first(results):
        (row, *_) = np.flatnonzero(results["rank_test_score"] == 1)
        return row

    for resource in (None, "max_iter"):
        ours = search_peak({"place": uniform(0, 1)}, resource=resource)
        by_rank = clone(ours).set_params(refit=ranked_first).fit(X, y)
        assert by_rank.best_index_ == ours.best_index_
        assert by_rank.cv_results_["params"] == ours.cv_results_["params"]
    with pytest.raises(TypeError, match="whole number"):
        search_peak({"place": uniform(0, 1)}, refit=lambda results: 0.5)
    with pytest.raises(IndexError, match="of 3 rows"):
        search_peak({"place": uniform(0, 1)}, refit=lambda results: 3)


def test_candidates_that_fail_come_last():
    class Fragile(Peak):
        def fit(self, X, y):
            if self.place > 0.8:
                raise ValueError("too much")
            return super().fit(X, y)

    search = CoarseToFineSearchCV(
        Fragile(), {"place": uniform(0, 1)}, cv=SHUFFLED, random_state=0, n_iter=30
    )
    with pytest.warns() as warned:
        search.fit(X, y)
    assert any("too much" in str(one.message) for one in warned)
    scores = search.cv_results_["mean_test_score"]
    assert np.isnan(scores).any()
    assert np.isfinite(search.best_score_)
    ranks = search.cv_results_["rank_test_score"]
    assert ranks[np.isnan(scores)].min() > ranks[np.isfinite(scores)].max()
    with pytest.raises(ValueError, match="too much"):
        search.set_params(error_score="raise").fit(X, y)


def test_without_refit_there_is_no_prediction():
    search = search_peak({"place": uniform(0, 1)}, refit=False)
    assert search.best_score_ > 0.8
    assert not hasattr(search, "best_estimator_")
    for name in ("predict", "classes_", "n_features_in_"):
        assert not hasattr(search, name)
    with pytest.raises(AttributeError, match="refit"):
        search.score(X, y)


def test_methods_are_those_of_the_estimator():
    search = CoarseToFineSearchCV(
        LogisticRegression(max_iter=5000),
        {"C": loguniform(1e-2, 1)},
        n_iter=3,
        cv=2,
        random_state=0,
    )
    assert hasattr(search, "predict_proba")
    assert not hasattr(search, "transform")
    search.fit(X, y)
    best = search.best_estimator_
    for name in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        assert np.array_equal(getattr(search, name)(X), getattr(best, name)(X))
    assert search.classes_.tolist() == [0, 1, 2]
    assert search.n_features_in_ == 4
    assert search.score(X, y) == best.score(X, y)
    assert search.refit_time_ > 0
    again = pickle.loads(pickle.dumps(search))
    assert np.array_equal(again.predict(X), search.predict(X))
    assert again.score(X, y) == search.score(X, y)
    page = "/api/generated/skvision.model_selection.CoarseToFineSearchCV.html"
    assert page in search._repr_html_()

    pca = CoarseToFineSearchCV(PCA(), {"n_components": randint(1, 4)}, n_iter=3).fit(X)
    scores = pca.score_samples(X)
    assert scores.shape == (150,)
    assert pca.inverse_transform(pca.transform(X)).shape == X.shape


def test_regression():
    rows, numbers = make_regression(60, 5, noise=5, random_state=0)
    search = CoarseToFineSearchCV(
        Ridge(),
        {"alpha": loguniform(1e-3, 1e3)},
        n_iter=4,
        resource="n_samples",
        random_state=0,
    ).fit(rows, numbers)
    assert search.best_score_ > 0.9


def test_groups_reach_the_folds():
    groups = np.arange(150) % 5
    search = CoarseToFineSearchCV(
        Peak(), {"place": uniform(0, 1)}, cv=GroupKFold(5), n_iter=3, random_state=0
    )
    search.fit(X, y, groups=groups)
    assert search.n_splits_ == 5
    with pytest.raises(ValueError, match="groups"):
        search.fit(X, y)
    with config_context(enable_metadata_routing=True):
        search.fit(X, y, groups=groups)


def test_sample_weight_goes_straight_to_the_estimator():
    weights = np.arange(150.0)
    search = CoarseToFineSearchCV(
        Peak(), {"place": uniform(0, 1)}, n_iter=3, scoring="accuracy"
    )
    search.fit(X, y, sample_weight=weights)
    assert np.array_equal(search.best_estimator_.sample_weight_, weights)


def test_metadata_is_routed_to_whom_asks():
    weights, groups = np.arange(1.0, 151), np.arange(150) % 5
    with config_context(enable_metadata_routing=True):
        model = Peak().set_fit_request(sample_weight=True)
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        search = CoarseToFineSearchCV(
            model,
            {"place": uniform(0, 1)},
            scoring=scorer,
            cv=GroupKFold(5),
            n_iter=3,
            random_state=0,
        ).fit(X, y, sample_weight=weights, groups=groups)
        assert np.array_equal(search.best_estimator_.sample_weight_, weights)
        right = search.predict(X) == y
        expected = np.average(right, weights=weights)
        assert search.score(X, y, sample_weight=weights) == pytest.approx(expected)
        inner = RandomizedSearchCV(
            model, {"place": [0.5]}, n_iter=1, scoring=scorer, cv=GroupKFold(5)
        ).fit(X, y, sample_weight=weights, groups=groups)
        assert search.cv_results_["mean_test_score"][0] == inner.best_score_
        nested = cross_val_score(
            search, X, y, cv=3, params={"sample_weight": weights, "groups": groups}
        )
        assert nested.shape == (3,)
        unasked = clone(search).set_params(estimator=Peak())
        with pytest.raises(Exception, match="sample_weight"):
            unasked.fit(X, y, sample_weight=weights, groups=groups)


def test_pipelines_and_tables():
    table = pd.DataFrame(X, columns=list("abcd"))
    model = make_pipeline(
        StandardScaler(), MLPBackprop((8,), max_iter=9, random_state=0)
    )
    search = CoarseToFineSearchCV(
        model,
        {"mlpbackprop__alpha": loguniform(1e-6, 1e-1), "mlpbackprop__solver": ["adam"]},
        resource="mlpbackprop__max_iter",
        n_iter=3,
        random_state=0,
        cv=3,
    ).fit(table, y)
    assert search.feature_names_in_.tolist() == list("abcd")
    assert search.best_params_["mlpbackprop__max_iter"] == 9
    assert search.best_estimator_["mlpbackprop"].n_iter_ == 9
    assert search.predict(table).shape == (150,)


def test_pictures_and_nesting(rng):
    images = rng.integers(0, 256, (60, 4, 4, 3), dtype=np.uint8)
    labels = np.arange(60) % 3
    search = CoarseToFineSearchCV(
        MLPBackprop((4,), max_iter=4, random_state=0),
        {"learning_rate_init": loguniform(1e-4, 1e-1)},
        n_iter=4,
        stages=2,
        resource="n_samples",
        cv=3,
        random_state=0,
    )
    assert cross_val_score(search, images, labels, cv=2).shape == (2,)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_iter": 2}, "n_iter=2 does not pay for stages=3"),
        ({"n_iter": 0}, "n_iter"),
        ({"stages": 0}, "stages"),
        ({"factor": 1}, "factor"),
        ({"n_best": 0}, "n_best"),
        ({"resource": "place"}, "also among the parameters"),
        ({"resource": "peak"}, "its value is 0.7"),
        ({"resource": "nothing"}, "Peak, which has none of this name."),
        ({"resource": "max_itr"}, "none of this name: did you mean 'max_iter'?"),
        ({"resource": "n_sample"}, "none of this name: did you mean 'n_samples'?"),
        ({"resource": 3}, "resource"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        search_peak({"place": uniform(0, 1)}, **parameters)
    assert Peak.fits == []


def test_a_resource_of_a_step_is_named_with_its_step():
    search = CoarseToFineSearchCV(
        make_pipeline(StandardScaler(), MLPBackprop()),
        {"mlpbackprop__alpha": loguniform(1e-5, 1)},
        resource="max_iter",
    )
    with pytest.raises(ValueError, match="did you mean 'mlpbackprop__max_iter'"):
        search.fit(np.eye(6), [0, 1] * 3)


def test_bad_distributions():
    with pytest.raises(TypeError, match="place"):
        search_peak({"place": 0.5})
    with pytest.raises(TypeError, match="'kind' needs to be a list"):
        search_peak({"kind": "ab", "place": uniform(0, 1)})
    with pytest.raises(ValueError, match="'place' need to be a non-empty"):
        search_peak({"place": []})
    with pytest.raises(ValueError, match="param_distributions is an empty list"):
        search_peak([])
    assert Peak.fits == []


# scikit-learn casts an infinite class to a whole number before it refuses it
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_scikit_learns_checks():
    search = CoarseToFineSearchCV(
        RidgeClassifier(),
        {"alpha": loguniform(0.1, 10)},
        n_iter=2,
        stages=2,
        cv=2,
        random_state=0,
        error_score="raise",
    )
    check_estimator(search, on_skip=None)
