"""Coarse-to-fine search: what it finds, and that it is a scikit-learn search."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from peaks import SHUFFLED, Peak, X, search_peak, y
from scipy.stats import loguniform, randint, uniform
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GroupKFold, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

from skvision import MLPBackprop
from skvision.model_selection import CoarseToFineSearchCV


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
    with pytest.raises(TypeError, match="must return the row"):
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


def test_metadata_is_routed_to_objects_that_request_it():
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


def test_images_and_nesting(rng):
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
        ({"n_iter": 2}, "n_iter=2 is less than stages=3"),
        ({"n_iter": 0}, "n_iter"),
        ({"stages": 0}, "stages"),
        ({"factor": 1}, "factor"),
        ({"n_best": 0}, "n_best"),
        ({"resource": "place"}, "also a parameter to search"),
        ({"resource": "peak"}, "got 0.7"),
        ({"resource": "nothing"}, "Peak, which has no such parameter."),
        ({"resource": "max_itr"}, "no such parameter: did you mean 'max_iter'?"),
        ({"resource": "n_sample"}, "no such parameter: did you mean 'n_samples'?"),
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
