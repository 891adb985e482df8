"""MLPBackprop: early stopping, and images to validate on."""

import numpy as np
import pytest
from learner_states import nothing_fitted
from network_training import ALL_EPOCHS
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvision import MLPBackprop, PixelNormalizer


def test_images_given_to_validate_on(digits, rng):
    X, y = digits
    weights = rng.random(500)
    model = MLPBackprop(
        20, early_stopping=True, learning_rate_init=0.01, max_iter=8, **ALL_EPOCHS
    )
    model.fit(
        X[:500],
        y[:500],
        X_val=X[500:1000],
        y_val=y[500:1000],
        sample_weight_val=weights,
    )
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_validation_score_ == pytest.approx(
        model.score(X[500:1000], y[500:1000], sample_weight=weights)
    )
    watched = clone(model).set_params(early_stopping=False).fit(X[:500], y[:500])
    assert watched.loss_curve_ == model.loss_curve_  # all of X is learned from
    assert watched.validation_scores_ == []
    assert watched.best_validation_score_ is None
    assert np.isnan(watched.history_["validation_score"]).all()


@pytest.mark.parametrize("kind", ["bytes", "floats"])
def test_pipeline_transforms_images_to_validate_on(kind, pictures):
    images, y = pictures
    step = PixelNormalizer() if kind == "bytes" else StandardScaler()
    X = images if kind == "bytes" else images.reshape(40, -1).astype(float)
    model = MLPBackprop(8, early_stopping=True, max_iter=5, **ALL_EPOCHS)
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(X_val=True, y_val=True, sample_weight=False)
        pipe = make_pipeline(step, model, transform_input=["X_val"])
        pipe.fit(X[:30], y[:30], X_val=X[30:], y_val=y[30:])
    best = pipe[-1].best_validation_score_
    assert best == max(pipe[-1].validation_scores_) == pipe.score(X[30:], y[30:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (lambda X, y: {"X_val": X}, "y_val is missing"),
        (lambda X, y: {"y_val": y}, "X_val is missing"),
        (lambda X, y: {"X_val": X[:, :3], "y_val": y}, r"validation set.*3 features"),
        (lambda X, y: {"X_val": X, "y_val": y[:9]}, "validation set.*inconsistent"),
        (lambda X, y: {"X_val": X * np.nan, "y_val": y}, "validation set.*NaN"),
        (lambda X, y: {"X_val": X, "y_val": y + 1}, r"y_val has the classes \[3\]"),
        (
            lambda X, y: {"X_val": X, "y_val": y, "sample_weight_val": -y},
            "validation set.*Negative values",
        ),
        (
            lambda X, y: {"X_val": X, "y_val": y, "sample_weight_val": 0 * y},
            "validation set.*non-zero",
        ),
    ],
)
def test_bad_images_to_validate_on(arguments, message, few):
    model = MLPBackprop(4, early_stopping=True, max_iter=2)
    with pytest.raises(ValueError, match=message):
        model.fit(*few, **arguments(*few))
    assert nothing_fitted(model)


def test_images_to_validate_on_need_early_stopping(few):
    model = MLPBackprop(4)
    with pytest.raises(ValueError, match="not used with early_stopping=False"):
        model.fit(*few, X_val=few[0], y_val=few[1])
    assert nothing_fitted(model)


def test_history_says_which_epochs_were_validated(few):
    model = MLPBackprop(4, early_stopping=True, warm_start=True, max_iter=2)
    model.fit(*few).set_params(early_stopping=False).fit(*few)
    missing = np.isnan(model.history_["validation_score"])
    assert missing.tolist() == [False, False, True, True]


def test_best_score_is_that_of_the_last_fit(digits):
    X, y = digits[0][:500], digits[1][:500]
    model = MLPBackprop(
        16, early_stopping=True, warm_start=True, max_iter=15, random_state=0
    ).fit(X, y)
    model.set_params(learning_rate_init=0.5, max_iter=2).fit(X, y)
    assert model.best_validation_score_ == max(model.validation_scores_[-2:])
