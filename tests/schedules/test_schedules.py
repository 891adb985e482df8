"""Learning rates by values and by callables, in all estimators that have them."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from torch.optim import lr_scheduler

from skvision import ArcFaceEmbedder, MLPBackprop, MulticlassSVM, SoftmaxRegression
from skvision.schedules import OnPlateau, StepDecay

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"  # few epochs are enough here
)
FEW = {"max_iter": 8, "random_state": 0, "n_iter_no_change": 99, "batch_size": 50}
NETWORKS = [MLPBackprop(8, **FEW), ArcFaceEmbedder(4, **FEW)]
LINEAR = [SoftmaxRegression(solver="sgd", **FEW), MulticlassSVM(solver="adam", **FEW)]
VALIDATING = [NETWORKS[0], *LINEAR]


def name(value):
    return type(value).__name__


each = pytest.mark.parametrize("model", NETWORKS + LINEAR, ids=name)
each_that_validates = pytest.mark.parametrize("model", VALIDATING, ids=name)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:200] / 16, y[:200]


def rates_of(model):
    rates = model.history_["learning_rate"]
    return rates[np.isfinite(rates)].tolist()  # there is none for the loss at the start


def history_of(scores=(), losses=()):
    return {"loss": list(losses), "validation_score": list(scores), "learning_rate": []}


# The rates


@given(every=st.integers(1, 9), factor=st.sampled_from([0.1, 0.5, 0.99]))
def test_step_decay_as_torch(every, factor):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    scheduler = lr_scheduler.StepLR(optimizer, every, factor)
    schedule = StepDecay(every, factor).starting_at(0.3)
    for epoch in range(20):
        rate = optimizer.param_groups[0]["lr"]
        assert schedule(epoch, {}) == pytest.approx(rate, rel=1e-12)
        assert schedule(epoch + 0.9, {}) == schedule(epoch, {})
        optimizer.step()
        scheduler.step()


@given(
    scores=st.lists(st.integers(0, 6), max_size=30),
    patience=st.integers(1, 4),
    tol=st.sampled_from([0.0, 1.5]),
    is_loss=st.booleans(),
)
def test_on_plateau_as_torch(scores, patience, tol, is_loss):
    """And as a loop written out, since torch holds values against others above 0."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    scheduler = lr_scheduler.ReduceLROnPlateau(
        optimizer,
        mode="min" if is_loss else "max",
        factor=0.5,
        patience=patience - 1,
        threshold=tol,
        threshold_mode="abs",
        eps=0,
    )
    best, n_waited, rate = (np.inf if is_loss else -np.inf), 0, 0.3  # written out
    schedule = OnPlateau(patience, 0.5, tol=tol).starting_at(0.3)
    for n, score in enumerate(scores, 1):
        better = score < best - tol if is_loss else score > best + tol
        n_waited = 0 if better else n_waited + 1
        best = min(best, score) if is_loss else max(best, score)
        if n_waited == patience:
            n_waited, rate = 0, rate * 0.5
        optimizer.step()
        scheduler.step(score)
        history = history_of(**{"losses" if is_loss else "scores": scores[:n]})
        assert schedule(n, history) == pytest.approx(rate, rel=1e-12)
        if tol == 0:  # torch compares with the last improvement, not with the best
            expected = optimizer.param_groups[0]["lr"]
            assert schedule(n, history) == pytest.approx(expected, rel=1e-12)


@each
@pytest.mark.parametrize(
    ("named", "rates"),
    [
        ("constant", [1, 1, 1, 1, 1, 1]),
        ("step", [1, 1, 0.1, 0.1, 0.01, 0.01]),
        ("exponential", 0.01 ** (np.arange(6) / 6)),
        ("cosine", (1 + np.cos(np.pi * np.arange(6) / 6)) / 2),
        ("invscaling", 1 / np.sqrt(np.arange(1, 7))),
        ("adaptive", [1, 1, 1, 1, 1, 1]),
        ("one_cycle", None),
    ],
)
def test_named_rates(model, named, rates, digits):
    model = clone(model).set_params(learning_rate=named, learning_rate_init=0.01)
    model.set_params(max_iter=6).fit(*digits)
    found = np.array(rates_of(model)) / 0.01
    if named == "one_cycle":
        assert found[0] == pytest.approx(1 / 25)
        assert found.argmax() == 2
        assert (np.diff(found)[:2] > 0).all()
        assert (np.diff(found)[2:] < 0).all()
    else:
        np.testing.assert_allclose(found, rates)
    assert model.loss_curve_[-1] < model.loss_curve_[0]


@each
def test_a_rate_halved_every_so_many_epochs(model, digits):
    model = clone(model).set_params(learning_rate=StepDecay(every=3, factor=0.5))
    model.set_params(learning_rate_init=0.01).fit(*digits)
    expected = 0.01 * 0.5 ** (np.arange(8) // 3)
    np.testing.assert_allclose(rates_of(model), expected, rtol=1e-12)


@each
def test_callables_are_asked_once_an_epoch_and_told_what_was(model, digits):
    asked = []

    def halve(epoch, history):
        asked.append((epoch, history))
        rates = history["learning_rate"]
        return np.float32(rates[-1] / 2 if rates else 0.01)

    model = clone(model).set_params(learning_rate=halve).fit(*digits)
    np.testing.assert_allclose(rates_of(model), 0.01 * 0.5 ** np.arange(8), rtol=1e-6)
    assert [epoch for epoch, _ in asked] == list(range(8))
    assert all(type(epoch) is int for epoch, _ in asked)
    losses = model.loss_curve_[-8:]
    for epoch, history in asked:
        assert history["loss"] == losses[:epoch]
        assert history["learning_rate"] == rates_of(model)[:epoch]
        assert history["validation_score"] == []


@each
def test_a_value_and_a_callable_that_says_the_same_learn_the_same(model, digits):
    value = clone(model).set_params(learning_rate=StepDecay(2, 0.5))
    function = clone(model).set_params(
        learning_rate=lambda epoch, history: 0.001 * 0.5 ** (epoch // 2)
    )
    for one in (value, function):
        one.fit(*digits)
    a, b = (
        one.parameters_ if model in NETWORKS else one.coef_ for one in (value, function)
    )
    np.testing.assert_array_equal(a, b)
    assert rates_of(value) == rates_of(function)


def test_rates_in_an_independent_loop(digits):
    """Of plain gradient steps on all rows of a softmax regression."""
    X, y = digits
    rates = [0.5, 0.5, 0.25, 0.25, 0.125]
    model = SoftmaxRegression(
        0.01,
        solver="sgd",
        momentum=0.0,
        batch_size=200,
        max_iter=5,
        learning_rate=StepDecay(2, 0.5),
        learning_rate_init=0.5,
    ).fit(X, y)
    center = X.mean(axis=0)
    W, b, targets = np.zeros((10, 64)), np.zeros(10), np.eye(10)[y]
    for rate in rates:
        scores = (X - center) @ W.T + b
        shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        d_scores = (shares - targets) / len(X)
        W = W - rate * (d_scores.T @ (X - center) + 0.01 * W)
        b = b - rate * d_scores.sum(axis=0)
    np.testing.assert_allclose(model.coef_, W, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.intercept_, b - W @ center, rtol=1e-9, atol=1e-12)


# Plateaus


@each_that_validates
@pytest.mark.parametrize("named", [True, False])
def test_plateaus_are_those_of_the_validation_score(model, named, digits):
    X, y = digits
    options = {"early_stopping": True, "learning_rate_init": 0.02, "max_iter": 30}
    given = {"learning_rate": OnPlateau(patience=2, factor=0.2, tol=0.01)}
    if named:  # a third of n_iter_no_change
        given = {"learning_rate": "adaptive", "n_iter_no_change": 7, "tol": 0.01}
    model = clone(model).set_params(**options, **given).fit(X, y)
    expected, best, n_waited = [0.02], -np.inf, 0
    for score in model.validation_scores_[:-1]:
        n_waited = 0 if score > best + 0.01 else n_waited + 1
        best = max(best, score)
        expected.append(expected[-1] * (0.2 if n_waited == 2 else 1))
        n_waited %= 2
    np.testing.assert_allclose(rates_of(model), expected, rtol=1e-12)
    assert len(set(rates_of(model))) > 1


def test_plateaus_are_those_of_images_given_to_validate_on(digits):
    """Whose score falls while the loss does, too."""
    X, y = digits
    model = MLPBackprop(8, **FEW | {"learning_rate_init": 0.01})
    model.set_params(learning_rate=OnPlateau(2, 0.5), early_stopping=True)
    model.fit(X, y, X_val=X, y_val=np.zeros_like(y))
    assert np.all(np.diff(model.loss_curve_) < 0)
    scores = model.validation_scores_
    schedule = OnPlateau(2, 0.5).starting_at(0.01)
    expected = [schedule(n, history_of(scores[:n])) for n in range(8)]
    assert rates_of(model) == expected
    assert expected[-1] < 0.01


@each
def test_without_validation_plateaus_are_those_of_the_loss(model, digits):
    model = clone(model).set_params(
        learning_rate=OnPlateau(2, 0.5, tol=1e9), learning_rate_init=0.01
    )
    model.fit(*digits)  # nothing is enough; but the first loss is less than infinity
    expected = [0.01 * 0.5**n for n in (0, 0, 0, 1, 1, 2, 2, 3)]
    np.testing.assert_allclose(rates_of(model), expected, rtol=1e-12)


@each
@pytest.mark.parametrize(
    "schedule",
    [
        OnPlateau(2, 0.5, tol=1e9),
        StepDecay(3, 0.5),
        lambda epoch, history: 0.01 / (1 + len(history["learning_rate"])),
    ],
    ids=name,
)
def test_partial_fit_remembers(model, schedule, digits):
    """One pass at a time has the rates of one fit."""
    model = clone(model).set_params(learning_rate=schedule)
    in_passes = clone(model)
    for _ in range(8):
        in_passes.partial_fit(*digits, classes=np.unique(digits[1]))
    assert rates_of(in_passes) == rates_of(model.fit(*digits))
    assert len(set(rates_of(model))) > 2


@each_that_validates
@pytest.mark.parametrize("named", ["cosine", "one_cycle"])
def test_partial_fit_refuses_to_go_on_after_the_plan(model, named, digits):
    model = clone(model).set_params(learning_rate=named, max_iter=3)
    for _ in range(3):
        model.partial_fit(*digits, classes=np.unique(digits[1]))
    networks = [clone(model).fit(*digits)] if hasattr(model, "parameters_") else []
    for planned in (model, *networks):
        with pytest.raises(ValueError, match="falls to 0 after max_iter=3 epochs"):
            planned.partial_fit(*digits)


# Values as parameters


@pytest.mark.parametrize("value", [StepDecay(3, factor=0.5), OnPlateau(4, 0.5)])
def test_values_are_cloned_pickled_saved_and_searched(value, digits):
    skops = pytest.importorskip("skops.io")
    model = MLPBackprop(8, learning_rate=value, max_iter=4, random_state=0)
    copies = [clone(model), pickle.loads(pickle.dumps(model))]
    file = skops.dumps(model)
    copies.append(skops.loads(file, trusted=skops.get_untrusted_types(data=file)))
    model.fit(*digits)
    for copy in copies:
        assert copy.learning_rate is not value
        assert repr(copy.learning_rate) == repr(value)
        np.testing.assert_array_equal(copy.fit(*digits).parameters_, model.parameters_)
    factors = {"learning_rate__factor": [0.2, 0.9]}
    search = GridSearchCV(model, factors, cv=2).fit(*digits)
    assert search.best_estimator_.learning_rate.factor in (0.2, 0.9)
    assert value.factor == 0.5


# Bad ones


@each
@pytest.mark.parametrize(
    ("rate", "error", "match"),
    [
        (-0.1, ValueError, r"returned -0.1 for epoch 2: .*0 or larger"),
        (np.nan, ValueError, "returned nan for epoch 2"),
        (np.inf, ValueError, "returned inf for epoch 2"),
        (None, TypeError, "returned None for epoch 2: return a number"),
        ("0.1", TypeError, "returned '0.1' for epoch 2"),
        (True, TypeError, "returned True"),
        (0.1 + 0j, TypeError, "returned"),
    ],
)
def test_bad_rates_are_named_and_leave_nothing(model, rate, error, match, digits):
    model = clone(model).set_params(
        learning_rate=lambda epoch, history: 0.01 if epoch < 2 else rate
    )
    with pytest.raises(error, match=rf"learning_rate\(epoch, history\) {match}"):
        model.fit(*digits)
    assert not hasattr(model, "classes_")


@each
@pytest.mark.parametrize(
    "function", [lambda: 0.1, lambda epoch: 0.1, lambda a, b, c: 0.1]
)
def test_bad_signatures_are_named(model, function, digits):
    model = clone(model).set_params(learning_rate=function)
    with pytest.raises(
        TypeError, match=r"learning_rate must be a function of two arguments"
    ):
        model.fit(*digits)


def test_an_error_of_the_function_itself_is_passed_on(digits):
    def broken(epoch, history):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        MLPBackprop(8, learning_rate=broken).fit(*digits)


@each
@pytest.mark.parametrize(
    ("value", "match"),
    [
        (StepDecay(0), "'every' parameter of StepDecay"),
        (StepDecay(2, 1.0), "'factor' parameter of StepDecay"),
        (OnPlateau(0), "'patience' parameter of OnPlateau"),
        (OnPlateau(factor=-1), "'factor' parameter of OnPlateau"),
        (OnPlateau(tol=-1), "'tol' parameter of OnPlateau"),
        ("halve", "'learning_rate' parameter"),
        (0.1, "'learning_rate' parameter"),
        (None, "'learning_rate' parameter"),
    ],
)
def test_bad_values_are_named(model, value, match, digits):
    with pytest.raises(ValueError, match=match):
        clone(model).set_params(learning_rate=value).fit(*digits)


def test_partial_fit_continues_with_another_solver_and_dtype():
    X, y = np.eye(4), [0, 1, 0, 1]
    model = SoftmaxRegression(solver="adam").partial_fit(X, y, classes=[0, 1])
    model.set_params(solver="sgd").partial_fit(X.astype(np.float32), y)
    assert model.n_iter_ == 2


def test_divergence_under_a_callable_names_it():
    model = SoftmaxRegression(solver="sgd", learning_rate=lambda epoch, history: 1e300)
    with pytest.raises(ValueError, match="Return smaller values from learning_rate"):
        model.fit(np.eye(4), [0, 1, 0, 1])
