"""Perceptron against the rule written out, and against what is known of it."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator

from skvision import Perceptron
from skvision._linear.perceptron_rule import Rule
from skvision.inspection import gradient_check_estimator

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
BATCH_SIZES = [1, 8, None]


@pytest.fixture(scope="module")
def digits():
    images, y = load_digits(return_X_y=True)
    return images / 16, y


@pytest.fixture(params=[2, 4])
def whole_numbers(request, rng):
    """Return rows of which sums are exact in any order, and labels that overlap."""
    X = rng.integers(0, 4, (40, 6)).astype(float)
    return X, rng.permutation(np.arange(40) % request.param)


def steps(X, y, *, n_epochs, batch_size=1, eta0=1.0, weights=None, biases=True):
    """Return mistakes by epoch, and W and b after each step of the rule."""
    n_rows = y.max() + 1 if y.max() > 1 else 1
    W, b = np.zeros((n_rows, X.shape[1])), np.zeros(n_rows)
    weights = np.ones(len(X)) if weights is None else weights
    n_mistakes, Ws, bs = np.zeros(n_epochs, int), [], []
    for epoch in range(n_epochs):
        for start in range(0, len(X), batch_size or len(X)):
            d_W, d_b = np.zeros_like(W), np.zeros_like(b)
            for i in range(start, min(start + (batch_size or len(X)), len(X))):
                scores = W @ X[i] + b
                winner = scores.argmax() if n_rows > 1 else int(scores[0] > 0)
                n_mistakes[epoch] += winner != y[i]
                if n_rows == 1:
                    step = eta0 * weights[i] * (y[i] - winner)
                    d_W[0], d_b[0] = d_W[0] + step * X[i], d_b[0] + step
                elif winner != y[i]:
                    for c, step in ((y[i], 1), (winner, -1)):
                        d_W[c] += step * eta0 * weights[i] * X[i]
                        d_b[c] += step * eta0 * weights[i]
            W, b = W + d_W, b + d_b * biases
            Ws.append(W)
            bs.append(b)
    return n_mistakes.tolist(), np.array(Ws), np.array(bs)


def fit_epochs(n_epochs, X, y, sample_weight=None, **parameters):
    """Make epochs of partial_fit, which keeps the weights of the last step."""
    model = Perceptron(shuffle=False, **parameters)
    for _ in range(n_epochs):
        model.partial_fit(X, y, classes=np.unique(y), sample_weight=sample_weight)
    return model


# Known numbers


@pytest.mark.parametrize(
    ("gate", "w", "b", "n_mistakes"),
    [
        ([0, 0, 0, 1], [2, 1], -2, [1, 3, 3, 2, 1, 0]),
        ([0, 1, 1, 1], [1, 1], 0, [1, 2, 1, 0]),
        ([1, 1, 1, 0], [-2, -1], 3, [2, 3, 3, 2, 1, 0]),
    ],
    ids=["AND", "OR", "NAND"],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_gates(gate, w, b, n_mistakes, dtype):
    model = Perceptron(batch_size=1, shuffle=False).fit(INPUTS.astype(dtype), gate)
    np.testing.assert_array_equal(model.coef_, [w])
    np.testing.assert_array_equal(model.intercept_, [b])
    assert model.n_mistakes_ == n_mistakes
    assert model.n_iter_ == len(n_mistakes)
    np.testing.assert_array_equal(model.predict(INPUTS), gate)


@pytest.mark.parametrize("gate", [[0, 0, 0, 1], [0, 1, 1, 1], [1, 1, 1, 0]])
def test_gates_as_one_batch(gate):
    model = Perceptron().fit(INPUTS, gate)
    np.testing.assert_array_equal(model.predict(INPUTS), gate)
    assert model.n_mistakes_[-1] == 0


def test_xor_is_never_learned():
    model = Perceptron(batch_size=1, shuffle=False, tol=None, max_iter=50)
    with pytest.warns(ConvergenceWarning, match="still made 4 mistakes in its last"):
        model.fit(INPUTS, [0, 1, 1, 0])
    assert model.n_iter_ == 50
    assert set(model.n_mistakes_[2:]) == {4}


def test_accuracy_on_digits(digits):
    X, y = digits
    one_batch = Perceptron().fit(X[:1000], y[:1000])
    assert one_batch.n_mistakes_[-1] == 0
    assert one_batch.score(X[1000:], y[1000:]) > 0.9
    mean = Perceptron(batch_size=1, average=True, random_state=0)
    assert mean.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) > 0.92


# The rule


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_rule_written_out(batch_size, fit_intercept, whole_numbers):
    X, y = whole_numbers
    n_mistakes, Ws, bs = steps(
        X, y, n_epochs=5, batch_size=batch_size, eta0=0.5, biases=fit_intercept
    )
    model = fit_epochs(
        5, X, y, batch_size=batch_size, eta0=0.5, fit_intercept=fit_intercept
    )
    np.testing.assert_array_equal(model.coef_, Ws[-1])
    np.testing.assert_array_equal(model.intercept_, bs[-1])
    assert model.n_mistakes_ == n_mistakes
    assert all(n > 0 for n in n_mistakes)


@pytest.mark.parametrize("batch_size", [1, 8])
def test_fit_makes_the_same_epochs(batch_size, whole_numbers):
    X, y = whole_numbers
    n_mistakes, Ws, bs = steps(X, y, n_epochs=5, batch_size=batch_size)
    model = Perceptron(batch_size=batch_size, shuffle=False, max_iter=5, tol=None)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    np.testing.assert_array_equal(model.coef_, Ws[-1])
    np.testing.assert_array_equal(model.intercept_, bs[-1])
    assert model.n_mistakes_ == n_mistakes


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_average_is_the_mean_over_all_steps(batch_size, whole_numbers):
    X, y = whole_numbers
    _, Ws, bs = steps(X, y, n_epochs=5, batch_size=batch_size)
    parameters = {"batch_size": batch_size, "average": True}
    model = Perceptron(shuffle=False, max_iter=5, tol=None, **parameters)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    for fitted in (model, fit_epochs(5, X, y, **parameters)):
        np.testing.assert_allclose(fitted.coef_, Ws.mean(0), rtol=1e-13)
        np.testing.assert_allclose(fitted.intercept_, bs.mean(0), rtol=1e-13)


def test_one_batch_keeps_the_weights_of_fewest_mistakes(whole_numbers):
    X, y = whole_numbers
    weights = 1.0 + np.arange(40) % 3
    _, Ws, bs = steps(X, y, n_epochs=60, batch_size=None, weights=weights)
    scores = X @ Ws.transpose(0, 2, 1) + bs[:, None]
    found = scores.argmax(2) if scores.shape[2] > 1 else scores[..., 0] > 0
    missed = ((found != y) * weights).sum(1)
    best = missed.argmin()
    model = Perceptron(max_iter=60, tol=None)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y, weights)
    assert best < 59
    np.testing.assert_array_equal(model.coef_, Ws[best])
    np.testing.assert_array_equal(model.intercept_, bs[best])


def test_a_batch_of_all_rows_is_one_batch(whole_numbers):
    a = Perceptron().fit(*whole_numbers)
    b = Perceptron(batch_size=1000, random_state=3).fit(*whole_numbers)
    np.testing.assert_array_equal(a.coef_, b.coef_)
    assert a.loss_curve_ == b.loss_curve_


def test_the_order_of_one_batch_does_not_matter(whole_numbers, rng):
    X, y = whole_numbers
    order = rng.permutation(len(X))
    a, b = Perceptron().fit(X, y), Perceptron().fit(X[order], y[order])
    np.testing.assert_array_equal(a.coef_, b.coef_)
    assert a.n_mistakes_ == b.n_mistakes_


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
@pytest.mark.parametrize("average", [True, False])
def test_separable_classes_are_learned_without_error(batch_size, average, rng):
    X = rng.normal(size=(90, 2)) + np.array([[9, 0], [-9, 0], [0, 9]]).repeat(30, 0)
    y = np.array(["a", "b", "c"]).repeat(30)
    model = Perceptron(batch_size=batch_size, average=average, random_state=0, tol=None)
    model.fit(X, y)
    assert model.score(X, y) == 1
    assert all(n > 0 for n in model.n_mistakes_[:-1])
    assert average or model.n_mistakes_[-1] == 0


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_bytes_are_as_floats(batch_size, rng):
    images, y = rng.integers(0, 256, (60, 4, 4, 3), dtype=np.uint8), np.arange(60) % 3
    parameters = {"batch_size": batch_size, "random_state": 0}
    a = Perceptron(**parameters).fit(images, y)
    b = Perceptron(**parameters).fit(images.astype(np.float32), y)
    assert a.coef_.dtype == a.intercept_.dtype == np.float32
    np.testing.assert_array_equal(a.coef_, b.coef_)
    assert a.templates_.shape == (3, 4, 4, 3)
    exact = Perceptron(**parameters).fit(images.astype(np.float64), y)
    assert exact.coef_.dtype == np.float64


def test_random_state(digits):
    def fit(seed, **parameters):
        model = Perceptron(batch_size=1, random_state=seed, **parameters)
        return model.fit(*digits).coef_

    np.testing.assert_array_equal(fit(0), fit(0))
    assert (fit(0) != fit(1)).any()
    np.testing.assert_array_equal(fit(0, shuffle=False), fit(1, shuffle=False))


def test_many_rows_go_in_chunks(rng):
    """As many numbers as are shared by threads, and in blocks, and not a multiple."""
    X, y = rng.integers(0, 3, (2111, 700)).astype(np.uint8), np.arange(2111) % 3
    model = fit_epochs(2, X, y)
    _, Ws, bs = steps(X.astype(float), y, n_epochs=2, batch_size=None)
    np.testing.assert_array_equal(model.coef_, Ws[-1])
    np.testing.assert_array_equal(model.intercept_, bs[-1])


# Weights


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_weights_multiply_updates(batch_size, whole_numbers, rng):
    X, y = whole_numbers
    weights = rng.integers(1, 9, 40) / 4
    _, Ws, bs = steps(X, y, n_epochs=3, batch_size=batch_size, weights=weights)
    model = fit_epochs(3, X, y, weights, batch_size=batch_size)
    np.testing.assert_array_equal(model.coef_, Ws[-1])
    np.testing.assert_array_equal(model.intercept_, bs[-1])


@pytest.mark.parametrize("average", [True, False])
def test_weights_are_repetitions_in_one_batch(average, whole_numbers, rng):
    X, y = whole_numbers
    weights = rng.integers(0, 4, 40)
    a = Perceptron(average=average).fit(X, y, sample_weight=weights)
    b = Perceptron(average=average).fit(X.repeat(weights, 0), y.repeat(weights))
    np.testing.assert_array_equal(a.coef_, b.coef_)
    np.testing.assert_array_equal(a.intercept_, b.intercept_)
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_)


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_rows_of_no_weight_are_not_there(batch_size, whole_numbers):
    X, y = whole_numbers
    weights = np.arange(40) % 5 > 0
    parameters = {"batch_size": batch_size, "random_state": 0}
    a = Perceptron(**parameters).fit(X, y, sample_weight=weights)
    b = Perceptron(**parameters).fit(X[weights], y[weights])
    np.testing.assert_array_equal(a.coef_, b.coef_)
    assert a.n_mistakes_ == b.n_mistakes_


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 3.0, 2: 0.5}])
def test_class_weights(batch_size, class_weight, rng):
    X, y = rng.normal(size=(64, 4)), np.repeat([0, 1, 2], [32, 16, 16])
    of_classes = (
        [64 / 96, 64 / 48, 64 / 48] if class_weight == "balanced" else [1, 3, 0.5]
    )
    parameters = {"batch_size": batch_size, "random_state": 0}
    a = Perceptron(class_weight=class_weight, **parameters).fit(X, y)
    b = Perceptron(**parameters).fit(X, y, np.array(of_classes)[y])
    np.testing.assert_allclose(a.coef_, b.coef_, rtol=1e-10)


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

    def interrupted_epoch(self, weights):
        seen = epoch(self, weights)
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


# Errors and conventions


def failed_checks(model):
    results = check_estimator(model, on_fail=None, on_skip=None)
    return {r["check_name"] for r in results if r["status"] == "failed"}


def test_scikit_learn_checks():
    assert failed_checks(Perceptron()) == set()


def test_scikit_learn_checks_row_by_row():
    """A rule that depends on the order of rows cannot take a weight for repetitions."""
    assert failed_checks(Perceptron(batch_size=1)) == {
        "check_sample_weight_equivalence_on_dense_data"
    }


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"eta0": 0}, "'eta0' parameter of Perceptron must be a float in"),
        ({"batch_size": 0}, "'batch_size' parameter"),
        ({"max_iter": 0}, "'max_iter' parameter"),
        ({"tol": -1}, "'tol' parameter"),
        ({"n_iter_no_change": 0}, "'n_iter_no_change' parameter"),
        ({"validation_fraction": 1}, "'validation_fraction' parameter"),
        ({"class_weight": "even"}, "'class_weight' parameter"),
    ],
)
def test_bad_parameters(parameters, message, digits):
    with pytest.raises(ValueError, match=message):
        Perceptron(**parameters).fit(*digits)


def test_bad_targets_and_weights(digits):
    X, y = digits
    with pytest.raises(ValueError, match="only one class"):
        Perceptron().fit(X[:5], [3] * 5)
    with pytest.raises(ValueError, match="Negative values in data passed to"):
        Perceptron().fit(X, y, sample_weight=-np.ones(len(X)))
    with pytest.raises(ValueError, match="weights must contain at least one non-zero"):
        Perceptron().fit(X, y, sample_weight=np.zeros(len(X)))
    with pytest.raises(ValueError, match="Unknown label type"):
        Perceptron().fit(X, y + 0.5)


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
@pytest.mark.parametrize(("scale", "dtype"), [(1e30, "f4"), (1e200, "f8")])
def test_numbers_too_large_to_compute_with(scale, dtype, batch_size, digits):
    X, y = digits
    model = Perceptron(batch_size=batch_size)
    with pytest.raises(ValueError, match="too large for computations in float"):
        model.fit((X * scale).astype(dtype), y)
    assert not hasattr(model, "coef_")


def test_fitted_attributes_survive_pickle_and_clone(whole_numbers):
    import pickle

    X, y = whole_numbers
    model = fit_epochs(2, X, y, batch_size=1, average=True)
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(
        other.partial_fit(X, y).coef_, model.partial_fit(X, y).coef_
    )
    assert not hasattr(clone(model), "coef_")
