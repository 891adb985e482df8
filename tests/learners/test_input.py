"""Rows, labels and weights that cannot be learned from, in all learners."""

import numpy as np
import pytest
from learner_states import nothing_fitted, state
from learner_table import each

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def spoiled(X, value):
    rows = X.copy()
    rows[3, 2] = value
    return rows


BAD_ROWS = [
    (lambda X, y: (spoiled(X, np.nan), y), "Input X contains NaN"),
    (lambda X, y: (spoiled(X, np.inf), y), "Input X contains infinity"),
    (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
    (lambda X, y: (X, y + 0.5), "Unknown label type"),
]
ONE_CLASS = [(lambda X, y: (X, 0 * y), "only one class")]
BAD_WEIGHTS = [
    (lambda X, y: (X, y, -np.ones(60)), "Negative values in data passed to"),
    (lambda X, y: (X, y, np.zeros(60)), "weights must contain at least one non-zero"),
    (lambda X, y: (X, y, np.full(60, np.nan)), "contains NaN"),
]


@each()
def test_a_fit_that_fails_leaves_nothing_or_the_fit_before(learner, rows):
    fitted = learner.make().fit(*rows)
    before, scores = state(fitted), fitted.decision_function(rows[0])
    for change, message in (
        BAD_ROWS + ONE_CLASS + (BAD_WEIGHTS if learner.weighted else [])
    ):
        model = learner.make()
        for one in (model, fitted):
            with pytest.raises(ValueError, match=message):
                one.fit(*change(*rows))
        assert nothing_fitted(model)
        assert state(fitted) == before
    fitted.set_params(warm_start=True)
    for change, message in BAD_ROWS + (BAD_WEIGHTS if learner.weighted else []):
        with pytest.raises(ValueError, match=message):
            fitted.fit(*change(*rows))
    assert state(fitted.set_params(warm_start=False)) == before
    np.testing.assert_array_equal(fitted.decision_function(rows[0]), scores)


@each("has_partial_fit")
def test_a_partial_fit_that_fails_leaves_nothing_or_the_fit_before(learner, rows):
    classes = [0, 1, 2]
    fitted = learner.make().partial_fit(*rows, classes)
    before = state(fitted)
    for change, message in BAD_ROWS + (BAD_WEIGHTS if learner.weighted else []):
        X, y, *weights = change(*rows)
        model = learner.make()
        for one in (model, fitted):
            with pytest.raises(ValueError, match=message):
                one.partial_fit(X, y, classes, *weights)
        assert nothing_fitted(model)
        assert state(fitted) == before


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: -1}, "class_weight must not be negative"),
        ({0: np.nan}, "class_weight must not be negative, infinite or NaN"),
        (dict.fromkeys(range(3), 0), "All weights are zero"),
    ],
)
@each()
def test_bad_weights_of_classes(learner, class_weight, message, rows):
    model = learner.make(class_weight=class_weight)
    with pytest.raises(ValueError, match=message):
        model.fit(*rows)
    if learner.has_partial_fit:
        with pytest.raises(ValueError, match=message):
            model.partial_fit(*rows, classes=[0, 1, 2])
    assert nothing_fitted(model)


@each()
def test_predictions_of_other_rows(learner, rows):
    model = learner.make().fit(*rows)
    for method in ("predict", "decision_function", "transform", "predict_proba"):
        if hasattr(model, method):
            with pytest.raises(ValueError, match=r"3 features.*expecting 5 features"):
                getattr(model, method)(rows[0][:, :3])


@pytest.mark.parametrize(("scale", "dtype"), [(1e30, "f4"), (1e200, "f8")])
@each(but=lambda learner: learner.has("alpha"))
def test_numbers_too_large_to_compute_with(learner, scale, dtype, rows):
    X, y = (rows[0] * scale).astype(dtype), rows[1]
    model = learner.make()
    with pytest.raises(ValueError, match="too large for computations in float"):
        model.fit(X, y)
    assert nothing_fitted(model)


@pytest.mark.parametrize(("scale", "dtype"), [(1e36, "f4"), (1e200, "f8")])
@each(but=lambda learner: not learner.has("standardize"))
def test_large_numbers_are_standardized_like_others(learner, scale, dtype, rows):
    X, y = rows[0].astype(dtype), rows[1]
    expected = learner.make().fit(X, y).parameters_
    scaled = learner.make().fit(X * X.dtype.type(scale), y).parameters_
    np.testing.assert_allclose(scaled, expected, rtol=1e-3, atol=1e-4)
