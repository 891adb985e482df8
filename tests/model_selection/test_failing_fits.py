"""CoarseToFineSearchCV where fits fail: what counts, what is drawn, what is events."""

import warnings

import numpy as np
import pytest
from failing_searches import FOLDS, Peak, X, no_score, search_of, y
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import loguniform, uniform
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

from skvision.model_selection._ranking import best_first, comparable, rank_by_resources
from skvision.model_selection._stages import plan


def too_high(model, n):
    return model.place > 0.8


@no_score
@pytest.mark.parametrize("stage", [0, 1, 2])
def test_a_stage_in_which_every_fit_fails_is_not_the_end(stage):
    # three candidates a stage, of three folds
    search = search_of(lambda model, n: 9 * stage < n <= 9 * stage + 9)
    with pytest.warns(FitFailedWarning, match="no luck") as warned:
        search.fit(X, y)
    assert len(warned.list) == 1
    results = search.cv_results_
    failed = results["stage"] == stage
    assert len(failed) == 9
    assert results["stage"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    for name, column in results.items():
        if name.endswith(("_score", "_time")) and name != "rank_test_score":
            assert np.array_equal(np.isnan(column), failed), name
    expected = [1 - abs(one["place"] - 0.7) for one in results["params"]]
    scores = results["mean_test_score"]
    np.testing.assert_allclose(scores[~failed], np.array(expected)[~failed])
    assert search.best_score_ == np.nanmax(scores)
    assert results["rank_test_score"][search.best_index_] == 1
    assert (results["rank_test_score"][failed] == 7).all()
    assert results["param_place"].tolist() == [p["place"] for p in results["params"]]
    # the failing stage narrows nothing, and what follows it draws other candidates
    lows, highs = search.ranges_["low"], search.ranges_["high"]
    if stage < 2:
        assert (lows[stage + 1], highs[stage + 1]) == (lows[stage], highs[stage])
    assert len({one["place"] for one in results["params"]}) == 9


@no_score
def test_the_next_stage_of_lists_draws_what_has_not_failed():
    places = np.linspace(0, 0.6, 9).tolist()
    search = search_of(lambda model, n: n <= 9, {"place": places})
    with pytest.warns(FitFailedWarning):
        search.fit(X, y)
    tried = [one["place"] for one in search.cv_results_["params"]]
    assert sorted(tried) == places


@no_score
def test_what_fails_with_little_of_a_resource_may_do_with_more():
    search = search_of(
        lambda model, n: model.max_iter < 3, {"place": [0.5, 0.6]}, resource="max_iter"
    )
    with pytest.warns(FitFailedWarning, match="no luck with 1"):
        search.fit(X, y)
    assert search.cv_results_["n_resources"].tolist() == [1, 1, 3, 3, 9, 9]
    ranks = [
        (one["max_iter"], one["place"], rank)
        for one, rank in zip(
            search.cv_results_["params"],
            search.cv_results_["rank_test_score"].tolist(),
            strict=True,
        )
    ]
    assert sorted(ranks) == [
        (1, 0.5, 5),
        (1, 0.6, 5),
        (3, 0.5, 4),
        (3, 0.6, 3),
        (9, 0.5, 2),
        (9, 0.6, 1),
    ]
    assert search.best_params_ == {"place": 0.6, "max_iter": 9}


@pytest.mark.parametrize("error_score", [np.nan, 0.95])
def test_what_fails_with_all_of_a_resource_is_not_the_best(error_score):
    search = search_of(
        lambda model, n: model.max_iter == 9,
        resource="max_iter",
        error_score=error_score,
        refit=False,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, y)
    assert FitFailedWarning in {one.category for one in caught}
    results = search.cv_results_
    assert search.best_params_["max_iter"] == 3
    with_three = results["mean_test_score"][results["n_resources"] == 3]
    assert search.best_score_ == with_three.max()
    failed = results["n_resources"] == 9
    assert np.array_equal(
        results["mean_test_score"][failed], [error_score] * 3, equal_nan=True
    )
    assert results["rank_test_score"][failed].min() == len(failed) - 2


def test_the_search_raises_where_nothing_can_be_fitted():
    search = search_of(lambda model, n: True, resource="max_iter", n_iter=3)
    with pytest.raises(ValueError, match=r"All the 27 fits failed\.") as raised:
        search.fit(X, y)
    for amount in (1, 3, 9):  # the errors of all stages
        assert f"no luck with {amount}" in str(raised.value)
    assert not [name for name in vars(search) if name[-1] == "_" or name[0] == "_"]


def test_an_error_score_that_raises_raises_at_once():
    search = search_of(lambda model, n: n == 2, error_score="raise")
    with pytest.raises(ValueError, match=r"^no luck with 9$"):
        search.fit(X, y)
    assert Peak.n_fits == 2
    # also what looks like the error of a search
    search = search_of(None, error_score="raise").set_params(
        estimator=GridSearchCV(Peak(fails=lambda model, n: True), {"place": [0.5]}),
        param_distributions={"estimator__max_iter": [1, 2, 3]},
    )
    with pytest.raises(ValueError, match=r"All the 5 fits failed"):
        search.fit(X, y)


@pytest.mark.parametrize("error_score", [np.nan, 0.0, 0.85, 2])
def test_scores_of_fits_that_fail_count_as_in_a_random_search(error_score):
    parameters = {
        "n_iter": 12,
        "cv": FOLDS,
        "random_state": 0,
        "error_score": error_score,
        "return_train_score": True,
        "refit": False,
    }
    ours = search_of(too_high, stages=1, **parameters)
    theirs = RandomizedSearchCV(
        Peak(fails=too_high), {"place": uniform(0, 1)}, **parameters
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours.fit(X, y), theirs.fit(X, y)
    for name, column in theirs.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(ours.cv_results_[name], column, name)
    for name in ("best_index_", "best_params_", "best_score_"):
        assert getattr(ours, name) == getattr(theirs, name)


@no_score
def test_ranges_are_not_narrowed_to_what_failed():
    # three of a stage, of which one works: n_best=3 is not filled with the others
    low = {"place": loguniform(1e-3, 1)}
    search = search_of(lambda model, n: model.place < 0.1, low, n_iter=30, n_best=10)
    with pytest.warns(FitFailedWarning):
        search.fit(X, y)
    stages, params = search.cv_results_["stage"], search.cv_results_["params"]
    good = [
        one["place"]
        for one, stage in zip(params, stages, strict=True)
        if stage == 0 and one["place"] >= 0.1
    ]
    assert 1 <= len(good) < 10
    margin = 10 ** (0.1 * 3)  # of three decades
    np.testing.assert_allclose(search.ranges_["low"][1], min(good) / margin)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 3, 9]),
            st.sampled_from([-1.0, 0.0, 0.5, 2.0, np.inf, np.nan]),
            st.booleans(),
        ),
        min_size=1,
    ),
    st.booleans(),
)
def test_ranks_are_those_by_hand(rows, with_resource):
    resources, scores, unmeasured = map(np.array, zip(*rows, strict=True))
    table = {
        "params": [{}] * len(rows),
        "mean_test_score": scores.astype(float),
        "mean_fit_time": np.where(unmeasured, np.nan, 1.0),
    }
    if with_resource:
        table["n_resources"] = resources
    rank_by_resources(table)

    def merit(row):
        amount, score, failed = row
        if np.isnan(score):
            return (0, 0, 0)
        return (1, amount if with_resource and not failed else 0, score)

    expected = [1 + sum(merit(other) > merit(row) for other in rows) for row in rows]
    assert table["rank_test_score"].tolist() == expected
    best = comparable(table, "score")
    if np.isfinite(scores).any() or np.isinf(scores).any():
        order = list(best_first(table, best, "score"))
        assert table["rank_test_score"][order[0]] == 1
        assert sorted(order) == best.tolist()
    else:
        assert len(best) == 0


@pytest.mark.parametrize("resource", [None, "max_iter", "n_samples"])
@pytest.mark.parametrize("seed, share", [(0, 0.3), (1, 0.7), (2, 0.8), (3, 0.95)])
def test_whatever_fails_the_table_is_whole(seed, share, resource):
    error_score = [np.nan, 0.2][seed % 2]
    rng = np.random.default_rng(seed)
    search = search_of(
        lambda model, n: rng.random() < share,
        n_iter=3,
        cv=2,
        resource=resource,
        error_score=error_score,
        refit=False,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            search.fit(X, y)
        except ValueError as error:
            assert "no luck" in str(error)
            return
    results = search.cv_results_
    planned = plan(3, 3, 3, {None: None, "max_iter": 9, "n_samples": 30}[resource])
    sizes = [stage.n_candidates for stage in planned]
    assert results["stage"].tolist() == np.repeat([0, 1, 2], sizes).tolist()
    assert {len(column) for column in results.values()} == {sum(sizes)}
    for row, params in enumerate(results["params"]):
        for name, value in params.items():
            assert results[f"param_{name}"][row] == value
        splits = [results[f"split{i}_test_score"][row] for i in range(2)]
        np.testing.assert_equal(results["mean_test_score"][row], np.mean(splits))
    if np.isfinite(results["mean_test_score"]).any():
        assert results["rank_test_score"][search.best_index_] == 1
        assert np.isfinite(search.best_score_)
    assert len(search.ranges_["stage"]) == 3
