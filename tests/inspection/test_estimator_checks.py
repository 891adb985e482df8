"""What to hold against an estimator before it is trained."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skvision import SoftmaxRegression
from skvision._training.losses import softmax_cross_entropy
from skvision.inspection import (
    chance_loss,
    first_loss_check,
    gradient_check_estimator,
    overfit_check,
)

# gradient_check_estimator


class TinySoftmax(ClassifierMixin, BaseEstimator):
    """The least that has `loss_and_gradient`, with or without a mistake."""

    def __init__(self, mistake=False):
        self.mistake = mistake

    def fit(self, X, y):
        rng = np.random.default_rng(0)
        self.classes_ = np.unique(y)
        shape = (len(self.classes_), X.shape[1])
        self.coef_ = rng.normal(size=shape).astype(np.float32)
        self.intercept_ = rng.normal(size=shape[0]).astype(np.float32)
        return self

    def loss_and_gradient(self, X, y, sample_weight=None):
        X = np.asarray(X)
        X = X.astype(np.float32) if X.dtype == np.uint8 else X
        scores = X @ self.coef_.T + self.intercept_
        labels = np.searchsorted(self.classes_, y)
        value, d_scores = softmax_cross_entropy(scores, labels, sample_weight)
        d_coef = d_scores.T @ X
        if self.mistake:
            d_coef[1, 2] *= 1.001
        return value, {"coef_": d_coef, "intercept_": d_scores.sum(axis=0)}


@pytest.fixture
def bytes_and_classes(rng):
    return rng.integers(0, 4, size=(30, 40), dtype=np.uint8), np.arange(30) % 3


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
def test_an_estimator_passes(bytes_and_classes, container):
    X, y = bytes_and_classes
    model = TinySoftmax().fit(X, y)
    before = model.coef_.copy()
    weights = np.arange(30) / 10
    for sample_weight in (None, weights):
        check = gradient_check_estimator(
            model, container(X), y, sample_weight=sample_weight, random_state=0
        )
        assert check
        assert len(check.errors) == 100 + 3
        assert check.names[-3:] == ("intercept_[0]", "intercept_[1]", "intercept_[2]")
        assert check.indices[-1] == (2,)
    np.testing.assert_array_equal(model.coef_, before)
    assert model.coef_.dtype == np.float32


def test_a_wrong_estimator_is_found_and_the_place_named(bytes_and_classes):
    X, y = bytes_and_classes
    model = TinySoftmax(mistake=True).fit(X, y)
    check = gradient_check_estimator(model, X, y, n_coordinates=None)
    assert (check.passed, check.worst) == (False, "coef_[1, 2]")
    assert check.worst_index == (1, 2)
    assert np.sum(check.errors > check.tol) == 1
    assert "coef_[1, 2]: analytic" in str(check)


def test_jitter_leaves_the_point(bytes_and_classes):
    X, y = bytes_and_classes
    model = TinySoftmax().fit(X, y)
    at, near = (
        gradient_check_estimator(model, X, y, jitter=jitter, random_state=0)
        for jitter in (0.0, 0.1)
    )
    assert at.value == pytest.approx(model.loss_and_gradient(X, y)[0], rel=1e-5)
    assert near
    assert near.value != at.value


def test_estimators_that_cannot_be_checked(bytes_and_classes):
    X, y = bytes_and_classes
    with pytest.raises(TypeError, match=r"KMeans has no method.*loss_and_gradient"):
        gradient_check_estimator(KMeans(), X, y)
    with pytest.raises(NotFittedError):
        gradient_check_estimator(TinySoftmax(), X, y)

    class Transposed(TinySoftmax):
        def loss_and_gradient(self, X, y, sample_weight=None):
            value, gradients = super().loss_and_gradient(X, y, sample_weight)
            return value, {"coef_": gradients["coef_"].T}

    with pytest.raises(
        ValueError, match=r"gradient of coef_ must have its shape, .*; got \(40, 3\)"
    ):
        gradient_check_estimator(Transposed().fit(X, y), X, y)
    with pytest.raises(ValueError, match="jitter"):
        gradient_check_estimator(TinySoftmax().fit(X, y), X, y, jitter=-1)


# first_loss_check


@pytest.mark.parametrize(
    ("n_classes", "loss", "expected"),
    [
        (10, "log_loss", 2.302585),
        (2, "log_loss", 0.693147),
        (10, "hinge", 9),
        (3, "hinge", 2),
        (2, "squared_hinge", 1),
        (10, "perceptron", 0),
    ],
)
def test_chance_loss(n_classes, loss, expected):
    assert chance_loss(n_classes, loss) == pytest.approx(expected, abs=1e-6)


def test_chance_loss_refuses():
    with pytest.raises(ValueError, match=r"must be one of.*'log_loss'.*'mse'"):
        chance_loss(10, "mse")
    with pytest.raises(ValueError, match="n_classes must be at least 2; got 1"):
        chance_loss(1)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_softmax_regression_starts_from_chance(rng, n_classes):
    X, y = rng.random((40, 8)), np.arange(40) % n_classes
    model = SoftmaxRegression()
    check = first_loss_check(model, X, y, tol=1e-12)
    assert check
    assert check.first_loss == pytest.approx(np.log(n_classes))
    assert not hasattr(model, "coef_")
    text = f"chance predicts log({n_classes}) = {np.log(n_classes):.3f}: as expected"
    assert text in str(check)


def test_first_loss_of_a_network_on_pixels_and_on_raw_bytes(rng):
    X, y = rng.random((100, 50)), np.arange(100) % 10
    network = MLPClassifier(random_state=0)
    assert first_loss_check(network, X, y)
    raw = first_loss_check(network, 255 * X, y)
    assert raw.first_loss > 10
    assert not raw
    assert "too high" in str(raw)
    assert "PixelNormalizer" in str(raw)


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier whose loss is given."""

    def __init__(self, first_loss=0.0, loss="hinge"):
        self.first_loss = first_loss
        self.loss = loss

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.loss_curve_ = [self.first_loss, 0.0]
        return self


@pytest.mark.parametrize(
    ("loss", "first_loss", "passed"),
    [
        ("hinge", 2.0, True),
        ("hinge", 2.25, False),
        ("hinge", 2.15, True),
        ("squared_hinge", 2.0, True),
        ("perceptron", 0.0, True),
        ("perceptron", 0.2, False),
        ("log_loss", 0.9, False),
        ("log_loss", np.nan, False),
    ],
)
def test_first_loss_of_each_loss(loss, first_loss, passed):
    X, y = np.zeros((6, 1)), np.arange(6) % 3
    check = first_loss_check(Recorder(first_loss, loss), X, y)
    assert check.passed is passed
    assert ("as expected" in str(check)) is passed
    given = first_loss_check(Recorder(first_loss, "mine"), X, y, loss=loss)
    assert given.passed is passed
    assert given.chance == check.chance


def test_first_loss_check_refuses(rng):
    X, y = rng.random((20, 3)), np.arange(20) % 2
    with pytest.raises(TypeError, match="classifier; got KMeans"):
        first_loss_check(KMeans(), X, y)
    with pytest.raises(TypeError, match="LogisticRegression records no loss_curve_"):
        first_loss_check(LogisticRegression(), X, y)
    with pytest.raises(ValueError, match=r"loss of Recorder is 'mine'.*as loss"):
        first_loss_check(Recorder(loss="mine"), X, y)
    with pytest.raises(ValueError, match="tol"):
        first_loss_check(SoftmaxRegression(), X, y, tol=-1)


# overfit_check


@pytest.mark.parametrize(
    "estimator",
    [
        SoftmaxRegression(alpha=1e-4),
        DecisionTreeClassifier(random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression(C=100)),
        MLPClassifier(learning_rate_init=0.01, max_iter=1000, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_twenty_images_are_learned_by_heart(rng, estimator):
    X, y = rng.random((200, 30)), rng.choice(["cat", "dog", "frog"], 200)
    check = overfit_check(estimator, X, y, random_state=0)
    assert check
    assert check.accuracy == 1
    assert (check.n_samples, check.n_classes) == (20, 3)
    assert "accuracy 1.00 on the 20 images of 3 classes" in str(check)
    assert not hasattr(estimator, "classes_")


def test_a_model_that_learns_nothing_is_told(rng):
    X, y = rng.random((200, 30)), np.arange(200) % 4
    check = overfit_check(DummyClassifier(), X, y, random_state=0)
    assert not check
    assert check.accuracy == 0.25
    assert "can overfit so few" in str(check)


def test_a_fit_that_ends_too_early_is_told_without_a_warning(rng):
    X, y = rng.random((200, 30)), np.arange(200) % 4
    early = MLPClassifier(max_iter=2, random_state=0)
    check = overfit_check(early, X, y, random_state=0)
    assert not check.converged
    assert "Increase max_iter" in str(check)


def test_other_warnings_come_through(rng):
    class Loud(DummyClassifier):
        def fit(self, X, y, sample_weight=None):
            import warnings

            warnings.warn("careful", RuntimeWarning, stacklevel=2)
            return super().fit(X, y)

    with pytest.warns(RuntimeWarning, match="careful"):
        overfit_check(Loud(), rng.random((30, 2)), np.arange(30) % 3)


class Witness(DummyClassifier):
    """Keeps the classes that it was fitted to."""

    seen = None

    def fit(self, X, y, sample_weight=None):
        Witness.seen = (X, y)
        return super().fit(X, y)


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, list])
def test_classes_are_drawn_evenly(rng, container):
    """The rare class of 3 whole, the others 8 or 9 each; images keep their class."""
    y = np.repeat([0, 1, 2], [3, 500, 100])
    X = np.column_stack([y, rng.random(603)])
    overfit_check(Witness(), container(X), y, random_state=0)
    X_seen, y_seen = Witness.seen
    assert sorted(np.bincount(y_seen)) == [3, 8, 9]
    np.testing.assert_array_equal(np.asarray(X_seen)[:, 0], y_seen)
    assert len(np.unique(np.asarray(X_seen)[:, 1])) == 20
    overfit_check(Witness(), X, y, n_samples=10_000)
    assert len(Witness.seen[1]) == 603


def test_images_and_seeds(rng):
    X, y = rng.integers(0, 256, (60, 6, 5, 3), dtype=np.uint8), np.arange(60) % 3
    overfit_check(Witness(), X, y, random_state=3)
    first = Witness.seen[0]
    assert first.shape == (20, 6, 5, 3)
    overfit_check(Witness(), X, y, random_state=3)
    np.testing.assert_array_equal(first, Witness.seen[0])
    assert overfit_check(SoftmaxRegression(), X / 255, y, random_state=3)


def test_overfit_check_refuses(rng):
    X, y = rng.random((30, 2)), np.arange(30)
    with pytest.raises(ValueError, match=r"n_samples must be at least 30, .*; got 20"):
        overfit_check(DummyClassifier(), X, y)
    with pytest.raises(TypeError, match="classifier; got KMeans"):
        overfit_check(KMeans(), X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        overfit_check(DummyClassifier(), X, y[:-1])
    with pytest.raises(TypeError, match="n_samples"):
        overfit_check(DummyClassifier(), X, y % 3, n_samples=20.0)
