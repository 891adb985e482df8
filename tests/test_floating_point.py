"""All estimators under strict floating point settings, and at the ends of the floats.

Extreme values give the answer of the same data in another unit, where the estimator
does not depend on the unit, or else finite numbers, or one error that names what is
extreme. Nothing is NaN, and NumPy warns of nothing.
"""

import warnings

import numpy as np
import pytest
from estimators import TABULAR
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

import skvision
from skvision import (
    HOG,
    ArcFaceEmbedder,
    BagOfVisualWords,
    ColorHistogram,
    KNNImageClassifier,
    MLPBackprop,
    MulticlassSVM,
    Perceptron,
    PixelNormalizer,
    SoftmaxRegression,
    VerificationThreshold,
)

N = 45
METHODS = (
    "transform",
    "decision_function",
    "predict_proba",
    "predict_log_proba",
    "predict",
    "score",
    "kneighbors",
    "loss_and_gradient",
)

SMALL = {
    "ArcFaceEmbedder": {"n_components": 4, "max_iter": 2},
    "MLPBackprop": {"hidden_layer_sizes": 6, "max_iter": 2},
    "BagOfVisualWords": {"n_words": 8, "patch_size": 3, "n_patches": 200},
    "HOG": {"pixels_per_cell": (3, 3), "cells_per_block": (1, 1)},
}


@pytest.fixture
def images(rng):
    """Gray images from 0 to 1 of three classes, with a constant pixel."""
    y = np.arange(N) % 3
    X = rng.uniform(0, 0.5, (N, 6, 6)) + y[:, None, None] / 6
    X[:, 0, 0] = 0.3
    return X, y


def results(model, X, y):
    """Fit, and return what each method computes, as a flat list of arrays."""
    given = {"score": (X, y), "loss_and_gradient": (X, y)}
    model.fit(X, y)
    found = []
    for name in METHODS:
        if hasattr(model, name):
            result = getattr(model, name)(*given.get(name, (X,)))
            parts = result if isinstance(result, tuple) else (result,)
            for part in parts:
                many = part.values() if isinstance(part, dict) else [part]
                found += map(np.asarray, many)
    return found


def small(Estimator):
    model = Estimator(**SMALL.get(Estimator.__name__, {}))
    if "random_state" in model.get_params():
        model.set_params(random_state=0)
    return model


@pytest.mark.parametrize("Estimator", TABULAR)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_strict_floating_point_settings_change_nothing(Estimator, images):
    X, y = images
    X = X * np.geomspace(1e-30, 1, 6)[:, None]  # whose products vanish
    expected = results(small(Estimator), X, y)
    with np.errstate(all="raise"):
        found = results(small(Estimator), X, y)
        assert np.geterr()["under"] == "raise"  # which is the caller's own
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "model",
    [
        SoftmaxRegression(solver="adam", max_iter=3, random_state=0),
        MulticlassSVM(solver="sgd", max_iter=3, random_state=0),
        Perceptron(batch_size=1, max_iter=3, random_state=0),
        MLPBackprop(4, solver="lbfgs", max_iter=3, random_state=0),
        MLPBackprop(4, batch_norm=True, dropout=0.2, max_iter=3, random_state=0),
        PixelNormalizer(whitening_epsilon=1e-3),
    ],
    ids=lambda model: f"{type(model).__name__}-{getattr(model, 'solver', '')}",
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_so_with_other_solvers(model, images):
    X, y = images
    X = X * np.geomspace(1e-30, 1, 6)[:, None]
    expected = results(clone(model), X, y)
    with np.errstate(all="raise"):
        found = results(clone(model), X, y)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_strict_settings_in_verification(rng):
    X, y = rng.normal(size=(40, 5)) * 1e-170, np.arange(40) % 8
    with np.errstate(all="raise"):
        lock = VerificationThreshold(far=0.1).fit(X, y)
        assert (lock.similarity(X, X) > 0.999).all()


SCALES = {
    np.float32: (1e-38, 1e-20, 1e20, 4e38),
    np.float64: (1e-310, 1e-155, 1e-38, 1e38, 1e155, 1e299),
}
EXTREMES = [(dtype, scale) for dtype, scales in SCALES.items() for scale in scales]

OF_NO_UNIT = {
    "pixel": PixelNormalizer(),
    "channel": PixelNormalizer(center="channel"),
    "range": PixelNormalizer(scale="range"),
    "max": PixelNormalizer(center=None, scale="range"),
    "floor": PixelNormalizer(variance_floor=0.01),
    "whitened": PixelNormalizer(whitening_epsilon=0.1),
    "histogram": ColorHistogram(bins=4),
    "words": BagOfVisualWords(n_words=8, patch_size=3, random_state=0),
    "MLP": MLPBackprop(6, max_iter=2, random_state=0),
    "L-BFGS": MLPBackprop(6, max_iter=2, random_state=0, solver="lbfgs", alpha=0),
    "ArcFace": ArcFaceEmbedder(4, max_iter=2, random_state=0),
}


@pytest.mark.parametrize("dtype", SCALES)
@pytest.mark.parametrize("name", OF_NO_UNIT)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_unit_of_pixels_is_no_matter(name, dtype, images):
    X, y = images
    for scale in SCALES[dtype]:
        unit = 2.0 ** np.round(np.log2(scale))  # by which nothing is rounded
        model = clone(OF_NO_UNIT[name])
        expected = results(clone(model), X.astype(dtype).astype(float), y)
        scaled = (X.astype(dtype) * unit).astype(dtype)
        if name in ("MLP", "L-BFGS", "ArcFace"):
            model.fit(scaled, y)
            found = [model.transform(scaled)]
            expected = [clone(model).fit(X.astype(dtype), y).transform(X.astype(dtype))]
        else:
            found = results(model, scaled, y)
        for ours, theirs in zip(found, expected, strict=True):
            atol = 5e-3 if scale == 1e-38 else 1e-4  # subnormals have few digits
            np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=atol)


@pytest.mark.parametrize(("dtype", "scale"), EXTREMES)
@pytest.mark.parametrize("parameters", [{}, {"scale": "range"}, {"center": "channel"}])
def test_extreme_pixels_come_back(parameters, dtype, scale, images):
    X = (images[0] * scale).astype(dtype)
    normalizer = PixelNormalizer(**parameters).fit(X)
    back = normalizer.inverse_transform(normalizer.transform(X))
    rtol = 1e-5 if dtype == np.float32 else 1e-10
    back, X = (part.astype(np.float64) / scale for part in (back, X))
    np.testing.assert_allclose(back, X, rtol=rtol, atol=rtol)


OF_A_UNIT = {
    "HOG": HOG(pixels_per_cell=(3, 3), cells_per_block=(1, 1)),
    "neighbors": KNNImageClassifier(3),
    "l2": KNNImageClassifier(3, metric="l2", weights="distance"),
    "cosine": KNNImageClassifier(3, metric="cosine"),
    "sgd": SoftmaxRegression(solver="sgd", random_state=0, max_iter=3),
    "sgd SVM": MulticlassSVM(solver="sgd", random_state=0, max_iter=3),
    "adam": SoftmaxRegression(solver="adam", random_state=0, max_iter=3),
    "adagrad": MulticlassSVM(solver="adagrad", random_state=0, max_iter=3),
    "adamw": MulticlassSVM(solver="adamw", random_state=0, max_iter=3),
    "perceptron": Perceptron(max_iter=20),
    "row by row": Perceptron(batch_size=1, random_state=0, max_iter=20, average=True),
    "MLP": MLPBackprop(6, max_iter=2, random_state=0, standardize=False),
    "batch norm": MLPBackprop(
        6, max_iter=2, random_state=0, standardize=False, batch_norm=True
    ),
    "L-BFGS": MLPBackprop(
        6, max_iter=2, random_state=0, standardize=False, solver="lbfgs"
    ),
    "ArcFace": ArcFaceEmbedder(4, max_iter=2, random_state=0, standardize=False),
    "plain ArcFace": ArcFaceEmbedder(
        4, max_iter=2, random_state=0, standardize=False, batch_norm=False
    ),
    "no scale": PixelNormalizer(scale=None),
    "no center": PixelNormalizer(center=None),
}


@pytest.mark.parametrize("name", OF_A_UNIT)
def test_extremes_are_finite_or_one_true_error(name, images):
    X, y = images
    for dtype, scale in EXTREMES:
        scaled = (X * scale).astype(dtype)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", skvision.ImageShapeWarning)
            try:
                found = results(clone(OF_A_UNIT[name]), scaled, y)
            except ValueError as error:
                blamed = (
                    "too large|overflow"
                    if scale > 1
                    else "too small|only|too close to zero|underflows"
                )
                assert any(words in str(error) for words in blamed.split("|"))
                remedies = (
                    "scale",
                    "Scale",
                    "set standardize=True",
                    "Remove such samples",
                )
                assert any(words in str(error) for words in remedies)
            else:
                assert all(np.isfinite(part).all() for part in found)


def test_rows_far_from_those_of_fit(images):
    X, y = (images[0] * 1e-30).astype(np.float32), images[1]
    normalizer = PixelNormalizer().fit(X)
    far = np.full((1, 6, 6), 1e30, np.float32)
    with pytest.raises(ValueError, match=r"up to 1e\+30, and float32 holds"):
        normalizer.transform(far)
    far = far.astype(np.float64)
    assert (normalizer.transform(far)[0, 1:] > 1e59).all()
    model = MLPBackprop(4, max_iter=1, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"up to 1e\+30, which are too large"):
        model.predict(far.astype(np.float32))
    softmax = SoftmaxRegression(alpha=1e-9).fit(images[0] * 1e-3, y)
    signs = np.sign(softmax.templates_[:1])
    with pytest.raises(ValueError, match=r"up to 1e\+308, which are too large"):
        softmax.predict(1e308 * signs)


def test_a_constant_column_tells_nothing():
    """Accuracy was 0.897 with the column, and 0.099 where it read 0.5501 at test."""
    X, y = load_digits(return_X_y=True)
    constant = np.full(len(X), 0.55)
    X, y = np.column_stack([X, constant]).astype(np.float32), y
    model = MLPBackprop(32, max_iter=20, batch_size=32, random_state=0).fit(
        X[::2], y[::2]
    )
    expected = model.predict(X[1::2])
    assert np.mean(expected == y[1::2]) > 0.9
    X[1::2, -1] = 0.5501
    np.testing.assert_array_equal(model.predict(X[1::2]), expected)


def test_weights_too_large_to_add_up(images):
    X, y = images
    with pytest.raises(
        ValueError, match=r"overflows in float64; the largest weight is 1e\+308"
    ):
        SoftmaxRegression().fit(X, y, sample_weight=np.full(N, 1e308))
