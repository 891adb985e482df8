"""Epochs one by one and fits that go on from the fit before, in all learners."""

import copy

import numpy as np
import pytest
from learner_states import nothing_fitted, state
from learner_table import each, learned

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
CLASSES = [0, 1, 2]


def in_parts(learner, n, rows, **parameters):
    model = learner.make(**parameters)
    for _ in range(n):
        model.partial_fit(*rows, classes=CLASSES)
    return model


def assert_same(a, b, X):
    np.testing.assert_array_equal(learned(a), learned(b))
    np.testing.assert_array_equal(a.decision_function(X), b.decision_function(X))
    assert a.n_iter_ == b.n_iter_


# Warm starts


@each("goes_on")
def test_two_warm_fits_are_one_of_twice_the_epochs(learner, rows):
    whole = learner.make(max_iter=8).fit(*rows)
    warm = learner.make(warm_start=True)
    assert warm.fit(*rows).n_iter_ == 4
    assert_same(warm.fit(*rows), whole, rows[0])
    assert warm.loss_curve_ == whole.loss_curve_
    for key, values in whole.history_.items():
        np.testing.assert_array_equal(warm.history_[key], values)


@each(but=lambda learner: learner.goes_on or learner.has("standardize"))
def test_a_warm_fit_starts_where_the_one_before_ended(learner, rows):
    model = learner.make(warm_start=True, tol=1e-5).fit(*rows)
    n_iter, before = model.n_iter_, model.loss_and_gradient(*rows)[0]
    model.fit(*rows)
    assert model.loss_curve_[0] == pytest.approx(before, rel=1e-2)
    if learner.exact:
        assert model.n_iter_ <= n_iter
        assert model.loss_curve_[-1] == pytest.approx(before, rel=1e-4)


@each("weighted", but=lambda learner: learner.epochs or learner.exact)
def test_a_warm_fit_ends_where_nothing_is_left_to_do(learner, rows):
    model = learner.make(warm_start=True, tol=1e-3, max_iter=1000).fit(*rows)
    first = model.n_iter_
    assert 10 < first < 1000
    assert model.fit(*rows).n_iter_ <= first + 1
    assert len(model.history_["loss"]) == model.n_iter_


@each()
def test_a_warm_fit_of_other_classes_or_features(learner, rows):
    model = learner.make(warm_start=True).fit(*rows)
    before = state(model)
    match = r"classes of the previous fit, .* got the classes"
    with pytest.raises(ValueError, match=match):
        model.fit(rows[0], rows[1] % 2)
    with pytest.raises(ValueError, match=r"3 features.*expecting 5 features"):
        model.fit(rows[0][:, :3], rows[1])
    assert state(model) == before


@each(but=lambda learner: not learner.has("hidden_layer_sizes"))
def test_changed_layers_prevent_a_warm_start(learner, rows):
    model = learner.make(warm_start=True, dropout=0.0).fit(*rows)
    changes = [{"hidden_layer_sizes": (7, 5)}]
    changes += [{"activation": "sigmoid"}] if model.hidden_layer_sizes else []
    changes += [{"n_components": 7}] if learner.has("n_components") else []
    for change in changes:
        other = copy.deepcopy(model).set_params(**change)
        methods = [other.fit, *([other.partial_fit] if learner.has_partial_fit else [])]
        for method in methods:
            with pytest.raises(
                ValueError,
                match=r"differs from that of the previous fit: \w+ was .* and is now",
            ):
                method(*rows)
    if learner.epochs:
        model.set_params(batch_norm=not model.batch_norm)
        with pytest.raises(ValueError, match="batch_norm"):
            model.fit(*rows)


@each("epochs", but=lambda learner: not learner.has("solver"))
def test_a_warm_fit_by_another_solver(learner, rows):
    model = learner.make(warm_start=True).fit(*rows)
    loss = model.loss_and_gradient(*rows)[0]
    model.set_params(solver="sgd", learning_rate_init=1e-3).fit(*rows)
    assert model.n_iter_ == (8 if hasattr(model, "parameters_") else 4)
    assert model.loss_and_gradient(*rows)[0] < loss


@each("epochs")
def test_a_warm_fit_of_another_precision(learner, rows):
    X, y = rows
    model = learner.in_one_batch(warm_start=True).fit(X, y)
    loss = model.loss_and_gradient(X, y)[0]
    model.fit(X.astype(np.float32), y)
    assert learned(model).dtype == np.float32
    if learner.has("alpha"):  # which descend on a loss
        assert model.loss_and_gradient(X, y)[0] < loss


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@each("epochs", but=lambda learner: not learner.has("momentum"))
def test_momentum_switched_on(learner, method, rows):
    model = learner.make(solver="sgd", momentum=0.0, warm_start=True).fit(*rows)
    if method == "fit" or learner.has_partial_fit:
        getattr(model.set_params(momentum=0.9), method)(*rows)
    assert np.isfinite(learned(model)).all()


# Partial fits


@each("in_parts")
def test_partial_fits_are_epochs(learner, rows):
    whole = learner.make(shuffle=False).fit(*rows)
    by_epochs = in_parts(learner, 4, rows, shuffle=False)
    np.testing.assert_allclose(learned(by_epochs), learned(whole), rtol=1e-12)
    assert by_epochs.loss_curve_[-3:] == pytest.approx(
        whole.loss_curve_[-3:], rel=1e-12
    )
    assert by_epochs.n_iter_ == 4
    if learner.goes_on:  # the order of the rows is drawn as in one fit, too
        whole, by_epochs = learner.make().fit(*rows), in_parts(learner, 4, rows)
        assert_same(by_epochs, whole, rows[0])
        assert by_epochs.loss_curve_ == whole.loss_curve_


@each("has_partial_fit", "exact")
def test_partial_fits_without_a_solver_are_those_of_adam(learner, rows):
    a = in_parts(learner, 3, rows, random_state=0)
    b = in_parts(learner, 3, rows, random_state=0, solver="adam")
    assert_same(a, b, rows[0])


@each("has_partial_fit")
def test_partial_fits_of_parts_learn(learner, rows):
    X, y = rows[0] + 3 * np.eye(5)[rows[1]], rows[1]
    model = learner.make(**{"dropout": 0.0} if learner.has("dropout") else {})
    if learner.has("learning_rate_init"):
        model.set_params(learning_rate_init=0.1)
    for _ in range(20):
        for start in (0, 30):
            part = slice(start, start + 30)
            model.partial_fit(X[part], y[part], classes=CLASSES)
    assert model.score(X, y) > 0.8
    assert model.n_iter_ == 40
    assert len(model.loss_curve_) in (40, 41)


@each("has_partial_fit")
def test_partial_fit_continues_from_fit(learner, rows):
    model = learner.make().fit(*rows)
    before = learned(model)
    if learner.has("learning_rate_init"):
        model.set_params(solver="sgd", learning_rate_init=1e-7)
    model.partial_fit(*rows)
    change = abs(learned(model) - before).max()
    assert change > 0 or learner.exact
    assert change < 1e-3 or not learner.has("learning_rate_init")


@each("has_partial_fit")
def test_partial_fit_announces_classes(learner, rows):
    X, y = rows
    with pytest.raises(ValueError, match="first call of partial_fit needs all"):
        learner.make().partial_fit(X, y)
    with pytest.raises(ValueError, match="at least two"):
        learner.make().partial_fit(X, y, classes=[0])
    with pytest.raises(ValueError, match="not among the known"):
        learner.make().partial_fit(X, y, classes=[0, 1])
    model = learner.make().partial_fit(X[:5], 0 * y[:5], classes=CLASSES)
    assert model.decision_function(X).shape == (60, 3)
    before = state(model)
    with pytest.raises(ValueError, match=r"classes \[3\], which are not among"):
        model.partial_fit(X, y + 1)
    with pytest.raises(ValueError, match="not the same as on the last call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"3 features.*expecting 5 features"):
        model.partial_fit(X[:, :3], y)
    assert state(model) == before


@each("has_partial_fit")
def test_partial_fit_does_not_know_all_labels(learner, rows):
    refused = [({"class_weight": "balanced"}, "needs all labels")]
    if learner.validates and learner.has("standardize"):
        words = "does not support early_stopping"
        refused += [({"early_stopping": True}, words)]
        refused += [({"average_last": 2}, f"{words} or average_last")]
    for parameters, message in refused:
        model = learner.make(**parameters)
        with pytest.raises(ValueError, match=message):
            model.partial_fit(*rows, classes=CLASSES)
        assert nothing_fitted(model)


@each(but=lambda learner: learner.epochs or learner.exact)
def test_what_has_no_epochs_has_no_partial_fit(learner):
    assert not hasattr(learner.model, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        _ = learner.model.partial_fit


# Where fits end


@each("epochs", "random", "in_parts", but=lambda of: getattr(of.model, "average", 0))
def test_a_fit_stops_where_the_loss_falls_no_more(learner, rows):
    X, y = rows[0], np.random.default_rng(0).permutation(rows[1])
    model = learner.make(max_iter=400, tol=0.02, n_iter_no_change=4).fit(X, y)
    losses = np.array(model.loss_curve_)[-model.n_iter_ :]
    assert 4 < model.n_iter_ < 400
    falls = np.minimum.accumulate(losses)[:-1] - losses[1:]
    assert falls[-4:].max() <= 0.02 + 1e-12
    patient = learner.make(max_iter=400, tol=0.02, n_iter_no_change=12).fit(X, y)
    assert patient.n_iter_ >= model.n_iter_ + 8
