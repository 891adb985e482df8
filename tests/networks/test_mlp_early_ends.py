"""MLPBackprop: fits that are interrupted, diverge or are clipped."""

import numpy as np
import pytest
from learner_states import nothing_fitted
from network_training import ALL_EPOCHS, ONE_BATCH, Recorder, first_arrays
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skvision import MLPBackprop


def test_interrupted_early_stopping_keeps_the_best(pictures):
    images, y = pictures
    noise = 1 - y  # the score falls as the loss does
    model = MLPBackprop(
        8, augmentation=Recorder(6), early_stopping=True, n_iter_no_change=99
    ).set_params(random_state=0, learning_rate_init=0.01)
    with pytest.raises(KeyboardInterrupt, match="keeps the result of 6 of"):
        model.fit(images, y, X_val=images, y_val=noise)
    assert len(model.validation_scores_) == 6
    assert model.best_validation_score_ == model.score(images, noise)
    assert model.best_validation_score_ > model.validation_scores_[-1]


WILD = {"solver": "sgd", "standardize": False, "batch_size": 20, "random_state": 0}


def test_diverging_fit_keeps_the_last_good_epoch(digits):
    X, y = digits[0][:300] * 1e3, digits[1][:300]
    model = MLPBackprop(learning_rate_init=1e6, **WILD)
    with pytest.warns(ConvergenceWarning, match=r"NaN in epoch 2.*epoch 1.*_init=1e"):
        model.fit(X, y)
    assert np.isfinite(model.parameters_).all()
    assert model.n_iter_ == len(model.loss_curve_) == 1
    assert np.isfinite(model.loss_curve_).all()


@pytest.mark.parametrize("batch_size", [20, 300])
def test_diverging_first_epoch_keeps_the_first_weights(batch_size, digits):
    X, y = digits[0][:300].astype(np.float32) * 1e10, digits[1][:300]
    parameters = {**WILD, "batch_size": batch_size, "learning_rate_init": 1e38}
    weights, biases = first_arrays(np.random.default_rng(0), 64, 4, 10)
    model = MLPBackprop(4, weight_init=weights, bias_init=biases, **parameters)
    with pytest.warns(ConvergenceWarning, match="in epoch 1. .* weights at the start"):
        model.fit(X, y)
    assert model.n_iter_ == 0
    np.testing.assert_allclose(model.coefs_[0], weights[0], rtol=1e-6)
    assert model.history_["update_ratio"].shape == (0, 2)
    assert model.history_["loss"].shape == (0,)


def test_clipping_cures_divergence(digits):
    X, y = digits[0][:300], digits[1][:300]
    parameters = {**WILD, "batch_size": 100, "learning_rate_init": 0.003}
    model = MLPBackprop(20, "leaky_relu", loss="squared_hinge", **parameters)
    with pytest.warns(ConvergenceWarning, match="max_gradient_norm"):
        clone(model).fit(X, y)
    model.set_params(max_gradient_norm=2.0, max_iter=60).fit(X, y)
    assert model.score(X, y) > 0.95


def test_clipped_steps_are_of_the_length_of_the_limit(few):
    model = MLPBackprop(
        6, solver="sgd", momentum=0, max_gradient_norm=0.01, **ONE_BATCH
    ).set_params(learning_rate_init=1.0, max_iter=1)
    before = model.fit(*few).parameters_.copy()
    gradient = model.loss_and_gradient(*few)[1]["parameters_"]
    step = model.partial_fit(*few).parameters_ - before
    assert np.linalg.norm(step) == pytest.approx(0.01)
    np.testing.assert_allclose(
        step, -0.01 * gradient / np.linalg.norm(gradient), atol=1e-14
    )


def test_clipping_counts_the_penalty_with_any_solver(few):
    """A negligible L1 penalty changes only how the penalty is computed."""
    model = MLPBackprop(
        6, alpha=1.0, max_gradient_norm=0.1, max_iter=5, learning_rate_init=0.1
    ).set_params(**ONE_BATCH)
    a = clone(model).fit(*few)
    b = clone(model).set_params(l1_ratio=1e-13).fit(*few)
    np.testing.assert_allclose(a.parameters_, b.parameters_, atol=1e-6)


@pytest.mark.parametrize("average_last", [None, 3])
def test_no_unit_has_longer_weights_than_max_norm(average_last, digits):
    X, y = digits[0][:300], digits[1][:300]
    model = MLPBackprop(
        (20, 10), learning_rate_init=0.05, max_iter=10, average_last=average_last
    ).set_params(random_state=0)
    free = clone(model).fit(X, y)
    model.set_params(max_norm=0.8).fit(X, y)
    for W, unbound in zip(model.coefs_, free.coefs_, strict=True):
        assert np.linalg.norm(W, axis=0).max() <= 0.8 * (1 + 1e-12)
        assert np.linalg.norm(unbound, axis=0).max() > 0.8
    if average_last is None:
        assert np.linalg.norm(model.coefs_[0], axis=0).max() > 0.8 * (1 - 1e-12)


def test_a_diverged_fit_resets_the_optimizer(few):
    tame = {"solver": "sgd", "learning_rate_init": 0.01, "batch_size": 16}
    model = MLPBackprop(5, warm_start=True, **tame, **ALL_EPOCHS, max_iter=3)
    model.fit(*few).set_params(learning_rate_init=1e200)
    with pytest.warns(ConvergenceWarning, match="infinite or NaN in epoch"):
        model.fit(*few)
    model.set_params(**tame)
    kept = {"weight_init": model.coefs_, "bias_init": model.intercepts_}
    fresh = clone(model).set_params(**kept).partial_fit(*few, classes=[0, 1, 2])
    model.partial_fit(*few)
    np.testing.assert_array_equal(model.parameters_, fresh.parameters_)


def test_numbers_too_large_to_train_on(few):
    X = (few[0] * 1e37).astype(np.float32)
    weights, biases = first_arrays(np.random.default_rng(0), 5, 4, 3)
    weights[0] *= 100
    parameters = {"weight_init": weights, "bias_init": biases, "standardize": False}
    with pytest.warns(
        ConvergenceWarning, match=r"X has .* too large .* set standardize=True"
    ):
        model = MLPBackprop(4, **parameters).fit(X, few[1])
    assert np.isfinite(model.parameters_).all()
    model = MLPBackprop(4, solver="lbfgs", **parameters)
    with pytest.raises(ValueError, match=r"infinite or NaN. X has .*standardize=True"):
        model.fit(X, few[1])
    assert nothing_fitted(model)
