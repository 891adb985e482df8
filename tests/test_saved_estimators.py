"""Every fitted estimator survives pickle and skops, and predicts the same after it."""

import pickle
import pickletools
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from estimators import ALL
from scipy.stats import loguniform

from skvision import (
    ArcFaceEmbedder,
    KNNImageClassifier,
    SoftmaxRegression,
    VerificationThreshold,
)
from skvision.model_selection import CoarseToFineSearchCV

EMBEDDER = ArcFaceEmbedder(2, max_iter=2, random_state=0)
METHODS = ("predict", "predict_proba", "decision_function", "transform", "kneighbors")
MODELS = {
    **{E.__name__: E() for E in ALL},
    "VerificationThreshold": VerificationThreshold(EMBEDDER, far=0.5, cv=2),
    "KNNImageClassifier, hnsw": KNNImageClassifier(2, algorithm="hnsw"),
    "CoarseToFineSearchCV": CoarseToFineSearchCV(
        SoftmaxRegression(), {"alpha": loguniform(1e-2, 1)}, n_iter=3, cv=2
    ),
    "CoarseToFineSearchCV, lists": CoarseToFineSearchCV(
        SoftmaxRegression(),
        [{"alpha": [1e3, 1e4, 1e5]}, {"alpha": [2e4], "l1_ratio": [0, 0.5]}],
        resource="max_iter",
        n_iter=3,
        cv=2,
        scoring=["accuracy", "balanced_accuracy"],
        refit="accuracy",
    ),
}

# Private classes in pickles of fitted estimators, which break when one of them moves.
PRIVATE = {
    "skvision._linear.perceptron_rule Weights",
    "skvision._neighbors.hnsw HNSWIndex",
    "skvision._neighbors.sketches PrincipalAxes",
    "skvision._networks.architecture Architecture",
    "skvision._training.standard Standard",
    "skvision.metrics._verification TrueAcceptRate",
}


def names_in_pickle(model):
    """Return the classes of skvision that a pickle names."""
    parts = pickletools.genops(pickle.dumps(model, protocol=2))
    named = {arg for op, arg, _ in parts if op.name == "GLOBAL"}
    return {name for name in named if name.startswith("skvision")}


def through_skops(model):
    io = pytest.importorskip("skops.io")
    data = io.dumps(model)
    return io.loads(data, trusted=io.get_untrusted_types(data=data))


@cache
def fitted(name):
    """Return a model, fitted to a few images of bytes, and these."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (24, 10, 10, 3), dtype=np.uint8)
    names = np.array(list("abcd"))[np.arange(24) % 4]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fits as short as these
        return MODELS[name].fit(images, names), images, names


@pytest.mark.parametrize(
    "through", [through_skops, lambda m: pickle.loads(pickle.dumps(m))]
)
@pytest.mark.parametrize("name", MODELS)
def test_what_is_fitted_is_the_same_after_it_was_saved(name, through):
    if "hnsw" in name:
        pytest.importorskip("faiss")
    model, images, names = fitted(name)
    again = through(model)
    private = {each for each in names_in_pickle(model) if "._" in each}
    assert private <= PRIVATE
    assert type(again) is type(model)
    assert vars(again).keys() == vars(model).keys()
    for attribute, value in vars(model).items():
        assert type(getattr(again, attribute)) is type(value), attribute
        assert not isinstance(value, pd.DataFrame | pd.Series), attribute
    for method in METHODS:
        if hasattr(model, method):
            ours, theirs = getattr(model, method), getattr(again, method)
            for one, other in zip(ours(images), theirs(images), strict=True):
                np.testing.assert_array_equal(one, other)
    if name == "VerificationThreshold":
        assert again.tar_ == model.tar_
        verified = again.verify(images, images[::-1])
        assert np.array_equal(verified, model.verify(images, images[::-1]))
    if "Search" in name:
        for column, values in model.cv_results_.items():
            np.testing.assert_array_equal(again.cv_results_[column], values)
        for column, values in model.ranges_.items():
            np.testing.assert_array_equal(again.ranges_[column], values)
        assert again.score(images, names) == model.score(images, names)
