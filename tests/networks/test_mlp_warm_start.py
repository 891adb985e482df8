"""MLPBackprop: fits that go on from the fit before."""

import pickle

import numpy as np
import pytest
from network_training import ONE_BATCH, Recorder
from sklearn.base import clone

from skvision import MLPBackprop


def test_partial_fit_follows_the_learning_rate(few):
    whole = MLPBackprop(6, learning_rate="cosine", max_iter=6, **ONE_BATCH).fit(*few)
    by_epochs = clone(whole)
    for _ in range(6):
        by_epochs.partial_fit(*few, classes=[0, 1, 2])
    np.testing.assert_array_equal(by_epochs.parameters_, whole.parameters_)


def test_partial_fit_keeps_the_first_standardization(few):
    X, y = few
    model = MLPBackprop(()).partial_fit(X, y, classes=[0, 1, 2])
    before = model.transform(X)
    model.partial_fit(100 + X, y)
    np.testing.assert_array_equal(model.transform(X), before)


def frozen(model):
    return pickle.dumps({key: vars(model)[key] for key in sorted(vars(model))})


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_failing_fit_leaves_the_fit_before(method, warm_start, pictures):
    images, y = pictures
    parameters = {"batch_norm": True, "dropout": 0.2, "batch_size": 16}
    model = MLPBackprop(
        8, max_iter=2, warm_start=warm_start, random_state=0, **parameters
    ).fit(images, y)
    scores = model.decision_function(images)
    before = frozen(model)
    model.set_params(augmentation=Recorder(1, error=RuntimeError))
    with pytest.raises(RuntimeError):
        getattr(model, method)(images, y)
    model.set_params(augmentation=None)
    for X, labels in ((images * np.nan, y), (images, y + 0.5), (images[:, :2], y[:9])):
        with pytest.raises(ValueError):
            getattr(model, method)(X, labels)
    assert frozen(model) == before
    np.testing.assert_array_equal(model.decision_function(images), scores)


def test_optimizer_state_follows_the_dtype(few):
    X, y = few
    model = MLPBackprop(5, random_state=0)
    model.partial_fit(X.astype(np.float32), y, classes=[0, 1, 2])
    before = model.parameters_.astype(np.float64)
    model.partial_fit(X, y)
    assert model.parameters_.dtype == np.float64
    steps = model.parameters_ - before  # of more digits than float32 has
    assert np.mean(steps.astype(np.float32) != steps) > 0.9
