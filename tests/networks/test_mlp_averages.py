"""MLPBackprop: averages of weights."""

import numpy as np
import pytest
from network_training import ALL_EPOCHS, ONE_BATCH
from sklearn.base import clone

from skvision import MLPBackprop


def test_average_of_the_last_epochs(few):
    model = MLPBackprop(6, max_iter=8, average_last=3, **ONE_BATCH).fit(*few)
    by_epochs, places = clone(model).set_params(average_last=None), []
    for _ in range(8):
        by_epochs.partial_fit(*few, classes=[0, 1, 2])
        places.append(by_epochs.parameters_)
    np.testing.assert_allclose(
        model.parameters_, np.mean(places[-3:], axis=0), atol=1e-14
    )
    assert model.loss_curve_ == by_epochs.loss_curve_
    assert model.n_iter_ == 8


@pytest.mark.parametrize("average_last", [2, 100])
def test_average_after_each_step(average_last, few):
    X, y = few
    model = MLPBackprop(
        6,
        standardize=False,
        batch_size=16,
        max_iter=4,
        average_last=average_last,
        **ALL_EPOCHS,
    ).fit(X, y)
    by_batches, places = clone(model).set_params(average_last=None), []
    for start in [0, 16, 32, 48] * 4:
        rows = slice(start, start + 16)
        by_batches.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        places.append(by_batches.parameters_)
    expected = np.mean(places[-4 * average_last :], axis=0)
    np.testing.assert_allclose(model.parameters_, expected, atol=1e-14)


def test_average_runs_to_the_end(few):
    model = MLPBackprop(
        4, average_last=2, max_iter=12, tol=10.0, n_iter_no_change=1
    ).fit(*few)
    assert model.n_iter_ == 12


def test_batch_norm_of_the_average(few):
    X, y = few
    model = MLPBackprop(
        6,
        "tanh",
        batch_norm=True,
        standardize=False,
        batch_size=16,
        learning_rate_init=0.05,
        max_iter=6,
        average_last=3,
        **ALL_EPOCHS,
    ).fit(X, y)
    (W1, W2), (shift, b2) = model.coefs_, model.intercepts_
    gain = model.parameters_[W1.size + W2.size :][:6]
    assert abs(gain - 1).min() > 0
    parts = [X[start : start + 16] @ W1 for start in (0, 16, 32, 48)]
    mean = np.mean([part.mean(axis=0) for part in parts], axis=0)
    variance = np.mean([part.var(axis=0, ddof=1) for part in parts], axis=0)
    normal = (X @ W1 - mean) / np.sqrt(variance + 1e-5)
    scores = np.tanh(gain * normal + shift) @ W2 + b2
    np.testing.assert_allclose(model.decision_function(X), scores, atol=1e-12)


def test_statistics_of_an_average_do_not_come_from_rows_in_order_of_class(digits):
    X, y = digits[0][:600], digits[1][:600]
    by_class = np.argsort(y, kind="stable")
    model = MLPBackprop(
        (32,),
        batch_norm=True,
        average_last=2,
        max_iter=4,
        batch_size=60,
        random_state=0,
    ).fit(X[by_class], y[by_class])
    variances = model._statistics[32:]  # after the means of the hidden layer
    inputs = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
    np.testing.assert_allclose(
        variances, (inputs @ model.coefs_[0]).var(axis=0), rtol=0.1
    )
