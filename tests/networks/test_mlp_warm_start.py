"""MLPBackprop: fits that go on from the fit before."""

import copy
import pickle

import numpy as np
import pytest
from network_training import ONE_BATCH, Recorder, nothing_fitted
from sklearn.base import clone

from skvision import MLPBackprop

GOING_ON = [
    {},
    {"solver": "sgd", "learning_rate_init": 0.05},
    {"solver": "rmsprop", "batch_norm": True},
    {"solver": "adagrad", "dropout": (0.1, 0.2), "batch_size": 16, "shuffle": True},
    {"solver": "adamw", "alpha": 0.1, "batch_norm": True, "batch_size": 16},
]


@pytest.mark.parametrize("parameters", GOING_ON)
def test_two_warm_fits_are_one_of_twice_the_epochs(parameters, few):
    whole = MLPBackprop(6, max_iter=10, **ONE_BATCH | parameters).fit(*few)
    warm = clone(whole).set_params(warm_start=True, max_iter=5)
    warm.fit(*few)
    assert warm.n_iter_ == 5
    warm.fit(*few)
    assert warm.n_iter_ == 10
    np.testing.assert_array_equal(warm.parameters_, whole.parameters_)
    np.testing.assert_array_equal(
        warm.decision_function(few[0]), whole.decision_function(few[0])
    )
    assert warm.loss_curve_ == whole.loss_curve_
    for key, values in whole.history_.items():
        np.testing.assert_array_equal(warm.history_[key], values)


@pytest.mark.parametrize("parameters", GOING_ON)
def test_partial_fits_are_epochs(parameters, few):
    whole = MLPBackprop(6, max_iter=10, **ONE_BATCH | parameters).fit(*few)
    by_epochs = clone(whole)
    for _ in range(10):
        by_epochs.partial_fit(*few, classes=[0, 1, 2])
    np.testing.assert_array_equal(by_epochs.parameters_, whole.parameters_)
    np.testing.assert_array_equal(
        by_epochs.decision_function(few[0]), whole.decision_function(few[0])
    )
    assert by_epochs.loss_curve_ == whole.loss_curve_
    assert by_epochs.n_iter_ == 10


def test_partial_fit_follows_the_learning_rate(few):
    whole = MLPBackprop(6, learning_rate="cosine", max_iter=6, **ONE_BATCH).fit(*few)
    by_epochs = clone(whole)
    for _ in range(6):
        by_epochs.partial_fit(*few, classes=[0, 1, 2])
    np.testing.assert_array_equal(by_epochs.parameters_, whole.parameters_)


def test_partial_fit_keeps_the_first_standardization(few):
    X, y = few
    model = MLPBackprop(()).partial_fit(X, y, classes=[0, 1, 2])
    before = model.transform(X)
    model.partial_fit(100 + X, y)
    np.testing.assert_array_equal(model.transform(X), before)


def test_warm_lbfgs_starts_where_it_stopped(few):
    model = MLPBackprop(
        5, "tanh", solver="lbfgs", alpha=0.1, max_iter=1000, warm_start=True
    ).fit(*few)
    first = model.n_iter_
    model.fit(*few)
    assert model.n_iter_ <= first + 1
    assert len(model.history_["loss"]) == model.n_iter_


def test_warm_fit_by_another_solver(few):
    model = MLPBackprop(6, max_iter=5, warm_start=True, random_state=0).fit(*few)
    loss = model.loss_and_gradient(*few)[0]
    model.set_params(solver="sgd", learning_rate_init=1e-3).fit(*few)
    assert model.n_iter_ == 10
    assert model.loss_and_gradient(*few)[0] < loss


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_momentum_switched_on(method, few):
    model = MLPBackprop(
        6, solver="sgd", momentum=0.0, warm_start=True, max_iter=2, random_state=0
    ).fit(*few)
    getattr(model.set_params(momentum=0.9), method)(*few)
    assert np.isfinite(model.parameters_).all()


def test_warm_fit_of_another_precision(few):
    X, y = few
    model = MLPBackprop(6, warm_start=True, max_iter=3, random_state=0).fit(X, y)
    loss = model.loss_and_gradient(X, y)[0]
    model.fit(X.astype(np.float32), y)
    assert model.parameters_.dtype == np.float32
    assert model.loss_and_gradient(X, y)[0] < loss


def test_changed_layers_prevent_a_warm_start(few):
    model = MLPBackprop(6, warm_start=True, max_iter=2, random_state=0).fit(*few)
    for change in ({"hidden_layer_sizes": 7}, {"activation": "tanh"}):
        other = copy.deepcopy(model).set_params(**change)
        for method in (other.fit, other.partial_fit):
            with pytest.raises(
                ValueError,
                match=r"differs from that of the previous fit: \w+ was .* and is now",
            ):
                method(*few)
    with pytest.raises(
        ValueError, match=r"classes of the previous fit, .* got the classes"
    ):
        model.fit(few[0], few[1] % 2)
    with pytest.raises(ValueError, match=r"3 features.*expecting 5 features"):
        model.fit(few[0][:, :3], few[1])
    with pytest.raises(ValueError, match="batch_norm"):
        model.set_params(batch_norm=True).fit(*few)


def test_partial_fit_errors(few):
    X, y = few
    with pytest.raises(ValueError, match="first call of partial_fit needs all"):
        MLPBackprop().partial_fit(X, y)
    with pytest.raises(ValueError, match="at least two"):
        MLPBackprop().partial_fit(X, y, classes=[0])
    with pytest.raises(ValueError, match="not among the known"):
        MLPBackprop().partial_fit(X, y, classes=[0, 1])
    model = MLPBackprop(4).partial_fit(X[:1], y[:1], classes=[0, 1, 2])
    assert model.decision_function(X).shape == (60, 3)
    with pytest.raises(ValueError, match="not among the known"):
        model.partial_fit(X, y + 1)
    with pytest.raises(ValueError, match="not the same as on the last call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"3 features.*expecting 5 features"):
        model.partial_fit(X[:, :3], y)
    for parameters, message in (
        ({"class_weight": "balanced"}, "needs all labels"),
        ({"early_stopping": True}, "does not support early_stopping"),
        ({"average_last": 2}, "does not support early_stopping or average_last"),
    ):
        model = MLPBackprop(**parameters)
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X, y, classes=[0, 1, 2])
        assert nothing_fitted(model)
    assert not hasattr(MLPBackprop(solver="lbfgs"), "partial_fit")
    assert hasattr(MLPBackprop(), "partial_fit")


def frozen(model):
    return pickle.dumps({key: vars(model)[key] for key in sorted(vars(model))})


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_failing_fit_leaves_the_fit_before(method, warm_start, pictures):
    images, y = pictures
    parameters = {"batch_norm": True, "dropout": 0.2, "batch_size": 16}
    model = MLPBackprop(
        8, max_iter=2, warm_start=warm_start, random_state=0, **parameters
    ).fit(images, y)
    scores = model.decision_function(images)
    before = frozen(model)
    model.set_params(augmentation=Recorder(1, error=RuntimeError))
    with pytest.raises(RuntimeError):
        getattr(model, method)(images, y)
    model.set_params(augmentation=None)
    for X, labels in ((images * np.nan, y), (images, y + 0.5), (images[:, :2], y[:9])):
        with pytest.raises(ValueError):
            getattr(model, method)(X, labels)
    assert frozen(model) == before
    np.testing.assert_array_equal(model.decision_function(images), scores)


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_partial_fit_after_the_end_of_a_plan(schedule, few):
    model = MLPBackprop(5, learning_rate=schedule, max_iter=3, random_state=0)
    model.fit(*few)
    with pytest.raises(ValueError, match="falls to 0 after max_iter=3 epochs"):
        model.partial_fit(*few)


def test_optimizer_state_follows_the_dtype(few):
    X, y = few
    model = MLPBackprop(5, random_state=0)
    model.partial_fit(X.astype(np.float32), y, classes=[0, 1, 2]).partial_fit(X, y)
    assert model.parameters_.dtype == np.float64
    assert model._optimizer_state["mean"].dtype == np.float64
