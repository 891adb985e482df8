"""CoarseToFineSearchCV as one of scikit-learn's searches: what fails, who is events."""

import re
import signal
import warnings

import numpy as np
import pytest
from failing_searches import FOLDS, Peak, X, no_score, search_of, y
from joblib import parallel_config
from scipy.stats import loguniform, randint, uniform
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    RandomizedSearchCV,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.metadata_routing import get_routing_for_object

from skvision import KNNImageClassifier, MLPBackprop, SoftmaxRegression
from skvision.model_selection import CoarseToFineSearchCV

# --------------------------------------------------------------- several metrics


def both(model, X, y):
    return {"high": model.place, "low": 1 - model.place}


@pytest.mark.parametrize("scoring", [["accuracy", "balanced_accuracy"], both])
def test_one_stage_takes_several_metrics_without_refit(scoring):
    parameters = {"scoring": scoring, "refit": False, "cv": FOLDS, "random_state": 0}
    ours = search_of(None, stages=1, n_iter=4, **parameters).fit(X, y)
    theirs = RandomizedSearchCV(
        Peak(), {"place": uniform(0, 1)}, n_iter=4, **parameters
    ).fit(X, y)
    assert ours.multimetric_ and not hasattr(ours, "best_params_")
    for name, column in theirs.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(ours.cv_results_[name], column, name)
    assert ours.ranges_["best"].tolist() == [None]


@pytest.mark.parametrize("refit", [False, True, "no such"])
@pytest.mark.parametrize("scoring", [["accuracy", "balanced_accuracy"], both])
def test_several_metrics_are_refused_as_soon_as_they_can_be(scoring, refit):
    search = search_of(None, scoring=scoring, refit=refit)
    with pytest.raises(ValueError, match="refit"):
        search.fit(X, y)
    # what a callable returns is seen after the first stage
    assert Peak.n_fits == (9 if callable(scoring) else 0)
    search = search_of(None, scoring=both, refit="low", n_iter=12).fit(X, y)
    tried = [one["place"] for one in search.cv_results_["params"]]
    assert search.best_params_["place"] == min(tried)


# --------------------------------------------------------------------- callbacks


def recorder(depth):
    """Return a callback that records its calls, by the name of the task."""
    pytest.importorskip("sklearn.callback")

    class Recorder:
        if depth is not None:
            max_propagation_depth = depth

        def __init__(self):
            self.events, self.sizes, self.running = [], {}, []

        def setup(self, estimator, context):
            self.events.append(("setup", context.task_name))

        def teardown(self, estimator, context):
            self.events.append(("teardown", context.task_name))

        def on_fit_task_begin(self, estimator, context, *, X=None):
            self.events.append(("begin", context.task_name, context.estimator_name))
            self.sizes.setdefault(context.task_name, []).append(context.max_subtasks)
            parents = [one.task_name for one in self.running]
            self.running.append(context)
            if context.parent is not None:
                assert context.parent.task_name in parents

        def on_fit_task_end(self, estimator, context):
            self.events.append(("end", context.task_name, context.estimator_name))
            self.running.remove(context)

    return Recorder()


def test_callbacks_follow_the_search_its_stages_and_fits():
    callback = recorder(None)
    search = search_of(None, resource="max_iter").set_callbacks(callback).fit(X, y)
    assert callback.events[0] == ("setup", "fit")
    assert callback.events[-1] == ("teardown", "fit")
    assert callback.running == []
    assert callback.sizes == {
        "fit": [2],  # the search, and the refit
        "search": [3],
        "stage": [81, 27, 9],
        "candidate-split-evaluation": [0] * 117,
        "refit-with-best-params": [0],
    }
    assert {one[2] for one in callback.events[1:-1]} == {"CoarseToFineSearchCV"}
    assert not [name for name in vars(search) if "callback_fit" in name]
    search.set_callbacks()
    n_events = len(callback.events)
    search.fit(X, y)
    assert len(callback.events) == n_events


@no_score
def test_callbacks_see_the_end_of_a_stage_that_fails():
    callback = recorder(None)
    search = search_of(lambda model, n: n <= 9).set_callbacks(callback)
    with pytest.warns(FitFailedWarning):
        search.fit(X, y)
    assert callback.running == []
    assert len(callback.sizes["stage"]) == 3


def test_callbacks_are_passed_on_to_the_estimator():
    callback = recorder(1)
    model = MLPBackprop((4,), max_iter=2, random_state=0)
    search = CoarseToFineSearchCV(
        model, {"alpha": loguniform(1e-5, 1)}, n_iter=3, cv=2, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = clone(search).fit(X, y).cv_results_["mean_test_score"]
        search.set_callbacks(callback).fit(X, y)
    assert np.array_equal(search.cv_results_["mean_test_score"], plain)
    epochs = [one for one in callback.events if one[1:] == ("iteration", "MLPBackprop")]
    assert len(epochs) == 2 * 2 * 7  # begun and ended: two epochs of seven fits
    assert callback.running == []
    assert not hasattr(search.best_estimator_, "_parent_callback_ctx")


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_progress_bar_counts_stages_and_fits(n_jobs, capsys):
    callback = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    search = search_of(None, n_iter=3, n_jobs=n_jobs, cv=2)
    with (
        parallel_config("threading"),  # processes take seconds to start
        pytest.warns(UserWarning, match="does not support callbacks"),
    ):
        search.set_callbacks(callback.ProgressBar()).fit(X, y)
    shown = capsys.readouterr().out
    for task in ("fit", "search", "stage #0", "stage #2"):
        assert f"CoarseToFineSearchCV - {task}" in shown


def test_a_callback_of_a_network_may_ask_for_the_network_so_far():
    callback = pytest.importorskip("sklearn.callback")
    begun, ended = [], []

    class Curious(callback.FitCallback):
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context, *, fitted_estimator=None):
            if context.task_name == "iteration":
                begun.append(fitted_estimator)

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            if context.task_name == "iteration" and fitted_estimator is not None:
                ended.append(fitted_estimator.predict_proba(X))

    for model in (MLPBackprop((4,), max_iter=3), SoftmaxRegression(max_iter=3)):
        begun.clear(), ended.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.set_callbacks(Curious()).fit(X, y)
        assert begun[0] is None  # nothing is fitted yet
        for before, after in zip(begun[1:], ended, strict=False):
            assert np.array_equal(before.predict_proba(X), after)
        assert len(begun) >= 2


# ---------------------------------------------------------------------- metadata


def weighted(**requests):
    """Return estimators, metrics and folds that ask for metadata."""
    model = Peak().set_fit_request(sample_weight=True)
    scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
    return {"estimator": model, "scoring": scorer, "cv": GroupKFold(3)} | requests


def test_metadata_routes_are_those_of_scikit_learns_searches():
    with config_context(enable_metadata_routing=True):
        parameters = weighted()
        space = {"place": uniform(0, 1)}
        ours = CoarseToFineSearchCV(param_distributions=space, **parameters)
        theirs = RandomizedSearchCV(param_distributions=space, **parameters)
        routes = [get_routing_for_object(one)._serialize() for one in (ours, theirs)]
        assert routes[0] == routes[1]
        assert {"estimator", "scorer", "splitter"} <= set(routes[0])
        assert ours.get_metadata_routing().consumes(
            "fit", ["sample_weight", "groups", "other"]
        ) == {"sample_weight", "groups"}
        assert ours.get_metadata_routing().consumes(
            "score", ["sample_weight", "groups"]
        ) == {"sample_weight"}


def test_metadata_reach_a_search_within_other_tools():
    weights, groups = np.linspace(1, 2, 30), np.arange(30) // 3
    with config_context(enable_metadata_routing=True):
        inner = CoarseToFineSearchCV(
            param_distributions={"place": uniform(0, 1)},
            n_iter=3,
            random_state=0,
            **weighted(),
        )
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        scored = cross_validate(
            make_pipeline(scaler, inner),
            X,
            y,
            cv=GroupKFold(3),
            params={"sample_weight": weights, "groups": groups},
            scoring=make_scorer(accuracy_score).set_score_request(sample_weight=False),
            return_estimator=True,
            error_score="raise",
        )
        with pytest.raises(TypeError, match="unexpected"):
            inner.fit(X, y, nonsense=weights)
    assert [one[-1].n_splits_ for one in scored["estimator"]] == [3, 3, 3]


# ------------------------------------------------------------- what it looks like


def test_html_shows_the_best_estimator():
    model = DecisionTreeClassifier(random_state=0)
    search = CoarseToFineSearchCV(model, {"max_depth": randint(1, 5)}, n_iter=3, cv=2)
    assert "best_estimator_" not in search._repr_html_()
    assert "estimator: DecisionTreeClassifier" in search._repr_html_()
    search.fit(X, y)
    assert "best_estimator_: DecisionTreeClassifier" in search._repr_html_()
    assert f"max_depth={search.best_params_['max_depth']}" in search._repr_html_()


def test_no_parameters_at_all_are_one_candidate():
    for stages in (1, 3):
        search = search_of(None, {}, stages=stages).fit(X, y)
        assert search.cv_results_["params"] == [{}]
        assert [len(column) for column in search.ranges_.values()] == [0] * 9


def test_it_is_a_random_search():
    search = search_of(None)
    assert isinstance(search, RandomizedSearchCV)
    theirs = RandomizedSearchCV(Peak(), {}).get_params(deep=False)
    ours = search.get_params(deep=False)
    assert ours.keys() - theirs.keys() == {"stages", "resource", "factor", "n_best"}
    assert theirs.keys() <= ours.keys()


# -------------------------------------------------------------------- interrupts


def test_an_interrupt_ends_the_search_and_leaves_it_as_it_was():
    search = search_of(None).fit(X, y)
    before = vars(search).copy()
    fits = Peak.n_fits

    def interrupt(model, n):
        if n == fits + 5:
            signal.raise_signal(signal.SIGINT)
        return False

    search.set_params(estimator=Peak(fails=interrupt))
    before["estimator"] = search.estimator
    with pytest.raises(KeyboardInterrupt):
        search.fit(2 * X, y)
    assert Peak.n_fits == fits + 5
    assert vars(search) == before


# ------------------------------------------------------------------- the estimator


def test_labels_are_checked_before_the_first_fit():
    names = ["a", "b", np.nan] * 10
    search = search_of(None)
    with pytest.raises(ValueError, match=re.escape("y has 10 of 30 labels missing")):
        search.fit(X, names)
    assert Peak.n_fits == 0


def test_folds_may_come_from_a_generator():
    listed = list(FOLDS.split(X, y))
    search = search_of(None, cv=iter(listed)).fit(X, y)
    scores = search_of(None, cv=listed).fit(X, y).cv_results_["mean_test_score"]
    assert np.array_equal(search.cv_results_["mean_test_score"], scores)
    assert search.n_splits_ == 3
    search.fit(X, y)  # again


def test_images_keep_their_shape():
    images = np.random.default_rng(0).integers(0, 256, (30, 3, 3, 3), np.uint8)
    search = CoarseToFineSearchCV(
        KNNImageClassifier(), {"n_neighbors": [1, 2, 3]}, n_iter=3, cv=2
    ).fit(images, y)
    assert search.best_estimator_.image_shape_ == (3, 3, 3)
    assert search.n_features_in_ == 27


def test_folds_that_can_be_read_once_survive_a_failed_fit():
    X, y = load_digits(return_X_y=True)
    X, y = X[:120] / 16, y[:120] % 2
    search = CoarseToFineSearchCV(
        SoftmaxRegression(),
        {"alpha": [-1.0, 0.1]},
        n_iter=2,
        stages=1,
        cv=KFold(3).split(X),
        error_score="raise",
        random_state=0,
    )
    with pytest.raises(ValueError, match="alpha"):
        search.fit(X, y)
    search.set_params(param_distributions={"alpha": [0.1, 1.0]}).fit(X, y)
    assert search.n_splits_ == 3
