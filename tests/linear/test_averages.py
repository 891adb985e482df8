"""Fits that return an average of weights are judged by the average."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from skvision import MulticlassSVM, Perceptron, SoftmaxRegression

ZEROS_AND_ONES = np.repeat([0.0, 1.0], 20)[:, None] * np.ones(36)


def is_separable(X, y):
    """Return whether linear scores tell classes apart by a margin, by a linear program.

    It asks for W and b whose score of the true class is ahead of all others by 1.
    """
    classes, x = np.unique(y), np.column_stack([X, np.ones(len(X))])
    rows = []
    for features, label in zip(x, y, strict=True):
        for other in classes[classes != label]:
            row = np.zeros((len(classes), x.shape[1]))
            row[classes == other], row[classes == label] = features, -features
            rows.append(row.ravel())
    n = len(rows[0])
    free = [(None, None)] * n
    return linprog(np.zeros(n), rows, -np.ones(len(rows)), bounds=free).status == 0


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(4, 30),
    d=st.integers(1, 12),
    n_classes=st.integers(2, 4),
    batch_size=st.sampled_from([1, 4, None]),
    early_stopping=st.booleans(),
    dtype=st.sampled_from([np.uint8, np.float32, np.float64]),
)
@example(0, 40, 36, 2, 1, False, np.float64)
def test_the_average_of_a_perceptron_tells_separable_classes_apart(
    seed, n, d, n_classes, batch_size, early_stopping, dtype
):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 4, (n, d)).astype(dtype)
    y = (X @ rng.normal(size=(d, n_classes)) + rng.normal(size=n_classes)).argmax(1)
    counts = np.bincount(y)
    early_stopping = early_stopping and counts[counts > 0].min() > 1 and n >= 20
    assume(len(np.unique(y)) > 1)
    assume(is_separable(X, y))
    model = Perceptron(
        batch_size=batch_size,
        average=True,
        early_stopping=early_stopping,
        validation_fraction=0.3,
        n_iter_no_change=1000,
        random_state=seed % 5,
        tol=None,
        max_iter=20_000,
    ).fit(X, y)  # which warns if it makes mistakes
    if not early_stopping:
        assert model.score(X, y) == 1
    assert not model.interrupted_


@pytest.mark.parametrize("batch_size", [1, 8, None])
@pytest.mark.parametrize("options", [{}, {"early_stopping": True, "random_state": 0}])
@pytest.mark.parametrize("order", [1, -1])
def test_zeros_and_ones(batch_size, options, order):
    """The weights make no mistakes in the first epoch, and the average continues."""
    X, y = ZEROS_AND_ONES, np.repeat([0, 1], 20)[::order]
    model = Perceptron(batch_size=batch_size, average=True, **options).fit(X, y)
    assert model.score(X, y) == 1
    assert model.n_iter_ < 20


def averages(X, y, n_epochs):
    """Return the average of the weights after each epoch, of two classes, in order."""
    x, w = np.column_stack([X, np.ones(len(X))]), np.zeros(X.shape[1] + 1)
    total, found = np.zeros_like(w), []
    for epoch in range(1, n_epochs + 1):
        for row, label in zip(x, y, strict=True):
            w = w + (label - int(w @ row > 0)) * row
            total = total + w
        found.append(total / (epoch * len(X)))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_a_fit_ends_at_the_first_average_without_mistakes(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, 5))
    y = (X @ rng.normal(size=5) + 0.3 > 0).astype(int)
    model = Perceptron(batch_size=1, shuffle=False, average=True, tol=None).fit(X, y)
    found = averages(X, y, model.n_iter_)
    right = [np.all((X @ w[:-1] + w[-1] > 0) == y) for w in found]
    assert right == [False] * (model.n_iter_ - 1) + [True]
    np.testing.assert_allclose(model.coef_[0], found[-1][:-1], rtol=1e-12)


def test_an_average_that_is_not_right_at_max_iter_warns():
    X, y = ZEROS_AND_ONES, np.repeat([0, 1], 20)
    model = Perceptron(batch_size=1, average=True, max_iter=1, random_state=0)
    with pytest.warns(ConvergenceWarning, match="average that makes 20 mistakes"):
        model.fit(X, y)


@pytest.mark.parametrize("Classifier", [SoftmaxRegression, MulticlassSVM])
@pytest.mark.parametrize("solver", ["sgd", "adagrad", "rmsprop", "adam", "adamw"])
@pytest.mark.parametrize("average", [True, 100])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_averages_of_mini_batch_solvers(Classifier, solver, average, early_stopping):
    X, y = ZEROS_AND_ONES, np.repeat([0, 1], 20)
    model = Classifier(
        solver=solver, average=average, early_stopping=early_stopping, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    assert model.score(X, y) == 1


@pytest.mark.parametrize("average", [True, 700])
def test_losses_of_an_average_are_its_own(average):
    X, y = load_digits(return_X_y=True)
    X, y = X[:300] / 16, y[:300]
    model = SoftmaxRegression(
        solver="sgd",
        average=average,
        learning_rate_init=0.1,
        max_iter=5,
        random_state=0,
    )
    plain = clone(model).set_params(average=False)
    values = []
    for n in range(1, 6):
        with pytest.warns(ConvergenceWarning):
            model.set_params(max_iter=n).fit(X, y)
        values.append(model.loss_and_gradient(X, y)[0])
    with pytest.warns(ConvergenceWarning):
        plain.fit(X, y)
    began = 0 if average is True else 2  # 700 rows are seen in the third epoch
    np.testing.assert_allclose(
        model.loss_curve_[1 + began :], values[began:], rtol=1e-9
    )
    np.testing.assert_allclose(
        model.loss_curve_[: 1 + began], plain.loss_curve_[: 1 + began], rtol=1e-12
    )


@pytest.mark.parametrize("alpha", [0.1, 1.0])
def test_decoupled_decay_is_no_part_of_the_loss_of_averages(alpha):
    """Fits by adamw were judged by a penalty that their steps do not descend."""
    X, y = load_digits(return_X_y=True)
    X, y = X[:400] / 16, y[:400]
    model = SoftmaxRegression(
        solver="adamw",
        alpha=alpha,
        average=True,
        max_iter=40,
        learning_rate_init=0.01,
        random_state=0,
    )
    with pytest.warns(ConvergenceWarning, match="did not converge"):
        model.fit(X, y)
    assert model.n_iter_ == 40
    assert model.score(X, y) > 0.95
