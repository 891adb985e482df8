"""Early stopping, by all learners that hold rows out.

The best epoch is kept, and nothing is learned from the rows held out: those are
changed, and only those, in their values and in what they weigh. What is learned must
be the same to the last bit.
"""

import numpy as np
import pytest
from learner_table import each, learned
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from skvision import MulticlassSVM, SoftmaxRegression
from skvision._recipes.draws import draw_validation_images
from skvision._recipes.training_images import TrainingImages
from skvision._recipes.validate import Rows, validate_softmax

N = 120
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
STOPPING = {"early_stopping": True, "random_state": 0}
TO_THE_END = {**STOPPING, "n_iter_no_change": 100}


@pytest.fixture
def problem(rng):
    X, y = rng.normal(size=(N, 6)), rng.integers(0, 3, N)
    return X + y[:, None], y, rng.integers(1, 4, N).astype(float)


def held_out_of(y, fraction=0.1):
    """Return the rows that are held out: the first draw with the seed of the fit."""
    rows = np.arange(len(y))
    options = {"stratify": y, "random_state": check_random_state(0)}
    return train_test_split(rows, test_size=fraction, **options)[1]


@each("validates")
def test_the_best_epoch_is_kept(learner, problem):
    X, y, _ = problem
    X, patience = X[:, :3], 3
    model = learner.make(**STOPPING, max_iter=60, n_iter_no_change=patience, tol=1e-3)
    if learner.has("learning_rate_init"):
        model.set_params(learning_rate_init=0.05)
    scores = np.array(model.fit(X, y).validation_scores_)
    assert len(scores) == model.n_iter_
    best = int(scores.argmax())
    if model.n_iter_ < 60 and not hasattr(model, "n_mistakes_"):
        improved = scores[1:] > np.maximum.accumulate(scores)[:-1] + 1e-3
        assert not improved[-patience:].any()
        assert len(scores) == patience + 1 or improved[-patience - 1]
    held_out = held_out_of(y)
    assert len(held_out) == N // 10
    assert model.score(X[held_out], y[held_out]) == pytest.approx(
        scores.max(), rel=1e-12
    )
    assert scores.max() > 1 / 3
    if hasattr(model, "best_validation_score_"):
        assert model.best_validation_score_ == scores.max()
        np.testing.assert_array_equal(model.history_["validation_score"], scores)
    again = clone(model).set_params(max_iter=best + 1, n_iter_no_change=200).fit(X, y)
    np.testing.assert_array_equal(learned(again), learned(model))
    np.testing.assert_array_equal(
        again.decision_function(X), model.decision_function(X)
    )


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 1.0, 1: 2.0, 2: 0.5}])
@each("validates")
def test_held_out_rows_teach_nothing(learner, class_weight, problem):
    X, y, weights = problem
    held_out = held_out_of(y)
    others, other_weights = X.copy(), weights.copy()
    others[held_out] = others[held_out] * 1e3 + 1e4
    other_weights[held_out] *= 7
    model = learner.make(class_weight=class_weight, **TO_THE_END)
    # The best epoch of a fit depends on the rows held out; of one epoch there is none
    # but the first, and the losses of five are of the weights of those before.
    for max_iter in (1, 5):
        before, after = (
            clone(model).set_params(max_iter=max_iter).fit(rows, y, each_weighs)
            for rows, each_weighs in ((X, weights), (others, other_weights))
        )
        np.testing.assert_array_equal(before.loss_curve_, after.loss_curve_)
        if max_iter == 1:
            np.testing.assert_array_equal(learned(before), learned(after))
            np.testing.assert_array_equal(
                before.decision_function(X), after.decision_function(X)
            )


@each("validates")
def test_classes_are_balanced_among_rows_to_learn_from(learner, problem):
    X, y, weights = problem
    learning = np.setdiff1d(np.arange(N), held_out_of(y))
    totals = np.bincount(y[learning], weights[learning])
    by_hand = dict(enumerate(totals.mean() / totals))
    a, b = (
        learner.make(class_weight=each_weighs, **TO_THE_END).set_params(max_iter=1)
        for each_weighs in ("balanced", by_hand)
    )
    a.fit(X, y, weights)
    b.fit(X, y, weights)
    np.testing.assert_allclose(learned(a), learned(b), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, rtol=1e-10)


@each("validates")
def test_rows_of_no_weight_are_not_held_out(learner, problem):
    X, y, _ = problem
    weights = (np.arange(N) % 2).astype(float)
    model = learner.make(**TO_THE_END)
    a, b = clone(model).fit(X, y, weights), clone(model).fit(X[1::2], y[1::2])
    np.testing.assert_allclose(learned(a), learned(b), rtol=1e-9, atol=1e-12)
    assert a.validation_scores_ == b.validation_scores_


@each("validates")
def test_classes_too_small_to_hold_out(learner, rows):
    with pytest.raises(ValueError, match=r"validation_fraction=0\.1 of 6 rows"):
        learner.make(early_stopping=True).fit(rows[0][:6], rows[1][:6])


@pytest.mark.parametrize("Model", [SoftmaxRegression, MulticlassSVM])
def test_shifted_digits_held_out(Model):
    """The weights moved by 0.3 (softmax) and by 17.7 (SVM)."""
    X, y = load_digits(return_X_y=True)
    X, y = X[:600], y[:600]
    shifted = X.copy()
    shifted[held_out_of(y)] += 100
    for max_iter in (1, 4):
        model = Model(solver="sgd", max_iter=max_iter, **TO_THE_END)
        before, after = (clone(model).fit(rows, y) for rows in (X, shifted))
        np.testing.assert_array_equal(before.loss_curve_, after.loss_curve_)
        if max_iter == 1:
            np.testing.assert_array_equal(before.coef_, after.coef_)
            np.testing.assert_array_equal(before.intercept_, after.intercept_)


def test_penalties_are_chosen_by_rows_that_scaled_no_feature(problem, monkeypatch):
    """`skvision train` and `compare` normalize by the rows to learn from alone."""
    X, y, _ = problem
    ones = np.ones(N)
    images = TrainingImages(X, y, ones, np.arange(N), np.arange(N))
    draws = draw_validation_images(images, None, 0)
    held_out = draws[0][1]
    seen = []
    fit = SoftmaxRegression.fit

    def see(self, X, y, sample_weight):
        seen.append(X)
        return fit(self, X, y, sample_weight)

    def validate(X):
        rows = Rows(X, X[np.newaxis][:0], y, ones)
        validate_softmax(rows, draws, (1.0,), widen=False)

    monkeypatch.setattr(SoftmaxRegression, "fit", see)
    validate(X)
    n_fits = len(seen)
    assert n_fits == len(draws)
    shifted = X.copy()
    shifted[held_out] += 100
    validate(shifted)
    np.testing.assert_array_equal(seen[0], seen[n_fits])
