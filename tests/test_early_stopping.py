"""Nothing is learned from rows that are held out, by any estimator that holds some out.

Held-out rows are changed, and only those: their values, and what they weigh. Parameters
after the same number of epochs must be the same to the last bit.
"""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.utils import check_random_state

from skvision import MLPBackprop, MulticlassSVM, Perceptron, SoftmaxRegression
from skvision._app.choose import draw_validation, validate_alphas
from skvision._contract.labeled_rows import hold_out, validate_labeled_rows

N = 120
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
COMMON = {"early_stopping": True, "random_state": 0, "n_iter_no_change": 100}
MODELS = {
    f"{Model.__name__}-{solver}-{average}": Model(
        solver=solver, average=average, max_iter=4, **COMMON
    )
    for Model in (SoftmaxRegression, MulticlassSVM)
    for solver in ("sgd", "adagrad", "rmsprop", "adam", "adamw")
    for average in (False, True)
} | {
    "perceptron": Perceptron(max_iter=4, **COMMON),
    "row by row": Perceptron(max_iter=4, batch_size=1, **COMMON),
    "average": Perceptron(max_iter=4, batch_size=8, average=True, **COMMON),
    "MLP": MLPBackprop(8, max_iter=4, **COMMON),
    "batch norm": MLPBackprop(8, max_iter=4, batch_norm=True, dropout=0.1, **COMMON),
}


@pytest.fixture
def problem(rng):
    X, y = rng.normal(size=(N, 6)), rng.integers(0, 3, N)
    return X + y[:, None], y, rng.integers(1, 4, N).astype(float)


def learned(model):
    """Return the parameters of the last epoch and the running statistics."""
    names = ("coef_", "intercept_", "parameters_", "_statistics", "loss_curve_")
    return [np.array(getattr(model, name)) for name in names if hasattr(model, name)]


def fit_to_the_end(model, *arguments):
    """Fit so that the last epoch is kept, however held-out rows score."""
    with pytest.MonkeyPatch.context() as patch:
        scores = iter(np.arange(1e3))
        scorer = lambda *args: lambda *args: float(next(scores))  # noqa: E731
        patch.setattr(type(model), "_scorer", scorer)
        return clone(model).fit(*arguments)


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 1.0, 1: 2.0, 2: 0.5}])
@pytest.mark.parametrize("name", MODELS)
def test_held_out_rows_teach_nothing(name, class_weight, problem):
    X, y, weights = problem
    model = clone(MODELS[name]).set_params(class_weight=class_weight)
    rows = validate_labeled_rows(clone(model), X, y, weights, reset=True)
    _, learning, held_out = hold_out(model, rows, check_random_state(0))
    assert len(held_out) == N // 10
    assert not set(learning) & set(held_out)
    before = learned(fit_to_the_end(model, X, y, weights))
    others, other_weights = X.copy(), weights.copy()
    others[held_out] = others[held_out] * 1e3 + 1e4
    other_weights[held_out] *= 7
    after = learned(fit_to_the_end(model, others, y, other_weights))
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("Model", [SoftmaxRegression, MulticlassSVM])
def test_shifted_digits_held_out(Model):
    """The weights moved by 0.3 (softmax) and by 17.7 (SVM)."""
    X, y = load_digits(return_X_y=True)
    X, y = X[:600], y[:600]
    model = Model(solver="sgd", max_iter=3, **COMMON)
    rows = validate_labeled_rows(clone(model), X, y, None, reset=True)
    _, _, held_out = hold_out(model, rows, check_random_state(0))
    shifted = X.copy()
    shifted[held_out] += 100
    before, after = (fit_to_the_end(model, rows, y) for rows in (X, shifted))
    np.testing.assert_array_equal(before.coef_, after.coef_)
    np.testing.assert_array_equal(before.intercept_, after.intercept_)


def test_penalties_are_chosen_by_rows_that_scaled_no_feature(problem, monkeypatch):
    """`skvision train` and `compare` normalize by the rows to learn from alone."""
    X, y, _ = problem
    labels = y.astype(str)
    (held_out, *_) = draw_validation(labels, [np.arange(N)], 0)
    monkeypatch.setattr("skvision._app.choose._ALPHAS", (1.0,))
    seen = []
    fit = SoftmaxRegression.fit
    monkeypatch.setattr(
        SoftmaxRegression, "fit", lambda self, X, y: seen.append(X) or fit(self, X, y)
    )
    validate_alphas(X, labels, [np.arange(N)], 0)
    n_fits = len(seen)
    shifted = X.copy()
    shifted[held_out] += 100
    validate_alphas(shifted, labels, [np.arange(N)], 0)
    np.testing.assert_array_equal(seen[0], seen[n_fits])


def test_classes_are_balanced_among_rows_to_learn_from(problem):
    X, y, weights = problem
    model = SoftmaxRegression(class_weight="balanced", early_stopping=True)
    rows = validate_labeled_rows(model, X, y, weights, reset=True)
    parted, learning, _ = hold_out(model, rows, check_random_state(0))
    totals = np.bincount(y[learning], parted.weights[learning])
    np.testing.assert_allclose(totals, totals[0], rtol=1e-13)
    everywhere = np.bincount(y, rows.weights)
    np.testing.assert_allclose(everywhere, everywhere[0], rtol=1e-13)
