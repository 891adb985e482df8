"""The perceptron by epochs: partial fits, warm starts, interrupts and callbacks."""

import numpy as np
import pytest
from perceptron_epochs import BATCH_SIZES, fit_epochs, steps
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

from skvision import Perceptron
from skvision._linear.perceptron_rule import Rule
from skvision.inspection import gradient_check_estimator

# The history of a fit


@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("batch_size", [1, 8])
def test_partial_fits_are_an_epoch(batch_size, average, whole_numbers):
    X, y = whole_numbers
    parameters = {"batch_size": batch_size, "average": average}
    model = Perceptron(shuffle=False, **parameters)
    for start in (0, 16, 32):
        part = slice(start, start + 16)
        model.partial_fit(X[part], y[part], classes=np.unique(y))
    whole = fit_epochs(1, X, y, **parameters)
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-14)
    np.testing.assert_allclose(model.intercept_, whole.intercept_, rtol=1e-14)
    assert sum(model.n_mistakes_) == sum(whole.n_mistakes_)
    assert model.n_iter_ == len(model.n_mistakes_) == 3
    assert model.loss_curve_[0] == 0


def test_partial_fit_announces_classes(whole_numbers):
    X, y = whole_numbers
    with pytest.raises(ValueError, match="first call of partial_fit needs all"):
        Perceptron().partial_fit(X, y)
    with pytest.raises(ValueError, match="at least two"):
        Perceptron().partial_fit(X, y, classes=[0])
    model = Perceptron().partial_fit(X[:5], [7] * 5, classes=[7, 8, 9])
    assert model.decision_function(X).shape == (40, 3)
    with pytest.raises(ValueError, match="not the same as on the last call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="not among the known"):
        model.partial_fit(X, y)
    with pytest.raises(ValueError, match="needs all labels"):
        Perceptron(class_weight="balanced").partial_fit(X, y, classes=[0, 1])


def test_partial_fit_continues_from_fit(whole_numbers):
    X, y = whole_numbers
    model = fit_epochs(1, X, y, batch_size=1, average=True)
    assert model.n_iter_ == 1
    model.set_params(tol=None, max_iter=2)
    with pytest.warns(ConvergenceWarning):
        weights = model.fit(X, y).coef_
    assert model.n_iter_ == 2
    model.set_params(average=False).partial_fit(X[:0:-1], y[:0:-1])
    assert model.n_iter_ == 1
    change = model.coef_ - weights
    np.testing.assert_allclose(change, change.round(), atol=1e-10)  # whole updates
    assert change.any()


def test_partial_fit_when_the_average_is_switched_on(whole_numbers):
    X, y = whole_numbers
    model = fit_epochs(2, X, y, batch_size=8)
    _, Ws, _ = steps(X, y, n_epochs=3, batch_size=8)
    model.set_params(average=True).partial_fit(X, y)
    np.testing.assert_allclose(model.coef_, Ws[-5:].mean(0), rtol=1e-14)


def test_interrupted_partial_fit_changes_nothing(whole_numbers, monkeypatch):
    X, y = whole_numbers
    model = fit_epochs(1, X, y, batch_size=1)
    epoch = Rule.epoch

    def epoch_then_interrupt(*args):
        epoch(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(Rule, "epoch", epoch_then_interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, y)
    monkeypatch.undo()
    model.partial_fit(X, y)
    np.testing.assert_array_equal(model.coef_, fit_epochs(2, X, y, batch_size=1).coef_)


@pytest.mark.parametrize("batch_size", [1, None])
def test_warm_start(batch_size, digits):
    X, y = digits
    model = Perceptron(batch_size=batch_size, warm_start=True, tol=None, random_state=0)
    weights = model.fit(X[:500], y[:500]).coef_
    assert model.n_mistakes_[-1] == 0
    model.fit(X[:500], y[:500])
    assert model.n_mistakes_ == [0]
    assert model.loss_curve_ == [0, 0]
    np.testing.assert_array_equal(model.coef_, weights)
    model.fit(X[:600], y[:600])
    assert model.loss_curve_[0] > 0
    with pytest.raises(
        ValueError, match=r"classes of the previous fit, .* got the classes"
    ):
        model.fit(X, y % 5)
    with pytest.raises(ValueError, match=r"10 features.*expecting 64 features"):
        model.fit(X[:, :10], y)


def test_warm_start_of_one_batch_never_gets_worse():
    X, y = load_iris(return_X_y=True)
    model = Perceptron(warm_start=True).fit(X, y)
    accuracy = model.score(X, y)
    model.set_params(max_iter=1)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    assert model.score(X, y) == accuracy > 0.9


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
@pytest.mark.parametrize("average", [True, False])
def test_early_stopping_keeps_the_best(batch_size, average, digits):
    X, y = digits
    model = Perceptron(
        batch_size=batch_size,
        average=average,
        early_stopping=True,
        n_iter_no_change=3,
        random_state=0,
    ).fit(X, y)
    scores = np.array(model.validation_scores_)
    assert len(scores) == model.n_iter_ == len(model.n_mistakes_)
    assert 0.5 < scores.max() <= 1
    best = int(scores.argmax())
    again = clone(model).set_params(max_iter=best + 1)
    with pytest.warns(ConvergenceWarning):
        again.fit(X, y)
    np.testing.assert_array_equal(again.coef_, model.coef_)
    assert max(scores[-3:]) <= scores[:-3].max() + 1e-3 or model.n_mistakes_[-1] == 0


def test_stops_where_the_loss_falls_no_more(rng):
    X, y = rng.normal(size=(60, 3)), rng.integers(0, 3, 60)
    model = Perceptron(batch_size=1, n_iter_no_change=4, random_state=0).fit(X, y)
    losses = model.loss_curve_
    assert losses[0] == 0
    assert len(losses) == model.n_iter_ + 1 < 1000
    assert model.n_mistakes_[-1] > 0
    assert min(losses[-4:]) >= min(losses[1:-4]) - 1e-3
    longer = Perceptron(batch_size=1, n_iter_no_change=20, random_state=0).fit(X, y)
    assert longer.n_iter_ >= model.n_iter_ + 16


@pytest.mark.parametrize("parameters", [{}, {"n_iter_no_change": 2}])
def test_one_batch_stops_where_its_pocket_stays(parameters):
    X, y = load_iris(return_X_y=True)
    model = Perceptron(**parameters).fit(X, y)
    patience = 20 * parameters.get("n_iter_no_change", 5)
    assert patience < model.n_iter_ < 1000
    before, after = model.n_mistakes_[1:-patience], model.n_mistakes_[-patience:]
    assert min(after) >= min(before)


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_loss_curve(batch_size, whole_numbers):
    """Of one batch it is the loss of the weights before; of more a mean on the way."""
    X, y = whole_numbers
    weights = 1.0 + np.arange(40) % 3
    model = fit_epochs(3, X, y, weights, batch_size=batch_size)
    two = fit_epochs(2, X, y, weights, batch_size=batch_size)
    loss, _ = two.loss_and_gradient(X, y, weights)
    if batch_size is None:
        assert model.loss_curve_[3] == pytest.approx(loss)
    assert model.loss_curve_[3] > 0
    two.set_params(warm_start=True, max_iter=1)
    with pytest.warns(ConvergenceWarning):
        two.fit(X, y, weights)
    assert two.loss_curve_[0] == pytest.approx(loss)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_gradients(fit_intercept, n_classes, rng):
    X, y = rng.normal(size=(60, 5)), np.arange(60) % n_classes
    model = fit_epochs(2, X, y, fit_intercept=fit_intercept)
    check = gradient_check_estimator(model, X, y, jitter=0.1, random_state=0)
    assert check.passed, check


def test_one_batch_is_a_step_against_the_gradient(whole_numbers):
    X, y = whole_numbers
    weights = 1.0 + np.arange(40) % 3
    model = fit_epochs(2, X, y, weights, eta0=0.5)
    _, gradient = model.loss_and_gradient(X, y, weights)
    before = model.coef_, model.intercept_
    model.partial_fit(X, y, sample_weight=weights)
    rate = 0.5 * weights.sum()
    np.testing.assert_allclose(model.coef_, before[0] - rate * gradient["coef_"])
    np.testing.assert_allclose(
        model.intercept_, before[1] - rate * gradient["intercept_"]
    )


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
@pytest.mark.parametrize("average", [True, False])
def test_interrupted_fit_keeps_the_last_epoch(batch_size, average, digits, monkeypatch):
    X, y = digits
    epoch, made = Rule.epoch, []

    def interrupted_epoch(self):
        seen = epoch(self)
        made.append(seen)
        if len(made) == 4:
            raise KeyboardInterrupt
        return seen

    monkeypatch.setattr(Rule, "epoch", interrupted_epoch)
    model = Perceptron(batch_size=batch_size, average=average, random_state=0)
    with pytest.raises(KeyboardInterrupt, match="keeps the result of 3 of max_iter=10"):
        model.fit(X, y)
    monkeypatch.undo()
    assert model.interrupted_
    assert model.n_iter_ == len(model.n_mistakes_) == len(model.loss_curve_) - 1 == 3
    with pytest.warns(ConvergenceWarning) as warned:
        three = clone(model).set_params(max_iter=3).fit(X, y)
    assert warned[0].filename == __file__
    assert not three.interrupted_
    np.testing.assert_array_equal(model.coef_, three.coef_)


def test_interrupted_in_the_first_epoch(digits, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(Rule, "epoch", interrupt)
    model = Perceptron()
    with pytest.raises(KeyboardInterrupt):
        model.fit(*digits)
    assert not hasattr(model, "coef_")
    assert not hasattr(model, "n_features_in_")


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_callbacks_see_each_epoch_and_stop(batch_size, digits):
    callback = pytest.importorskip("sklearn.callback")
    X, y = digits
    seen = []

    class Stopper(callback.FitCallback):
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            if context.task_name == "iteration" and fitted_estimator is not None:
                seen.append(fitted_estimator.score(X, y))
                return len(seen) == 4

    model = Perceptron(batch_size=batch_size, random_state=0)
    model.set_callbacks(Stopper()).fit(X, y)
    assert len(seen) == model.n_iter_ == 4
    assert model.score(X, y) == seen[-1] > 0.5
