"""Perceptron against the rule written out, and against what is known of it."""

import numpy as np
import pytest
from perceptron_epochs import BATCH_SIZES, fit_epochs, steps
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator

from skvision import Perceptron

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


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


# Errors and conventions


def failed_checks(model):
    results = check_estimator(model, on_fail=None, on_skip=None)
    return {r["check_name"] for r in results if r["status"] == "failed"}


def test_scikit_learn_checks_row_by_row():
    """A rule that depends on the order of rows cannot take a weight for repetitions."""
    assert failed_checks(Perceptron(batch_size=1)) == {
        "check_sample_weight_equivalence_on_dense_data"
    }


@pytest.mark.parametrize("batch_size", [None, 32])
def test_weights_that_are_rounded_make_no_mistakes(batch_size):
    X, y = load_digits(return_X_y=True)
    X, y = X[:400].astype(np.float32) / 16, y[:400]
    keep = (y < 3) | (np.arange(400) % 3 == 0)  # classes of different sizes
    X, y = X[keep], y[keep]
    model = Perceptron(
        batch_size=batch_size, class_weight="balanced", max_iter=2000, tol=None
    ).set_params(random_state=0)
    model.fit(X, y)
    assert model.n_mistakes_[-1] == 0
    assert (model.predict(X) == y).all()
