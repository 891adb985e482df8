"""What displays, reports and model files ask of estimators, and what they answer."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skvision import (
    HOG,
    ArcFaceEmbedder,
    BagOfVisualWords,
    ColorHistogram,
    KNNImageClassifier,
    MLPBackprop,
    MulticlassSVM,
    NearestImages,
    Perceptron,
    PixelNormalizer,
    SoftmaxRegression,
    VerificationThreshold,
)
from skvision._contract import models
from skvision._contract.models import answers

X, Y = load_digits(return_X_y=True)
IMAGES, Y = X[:60].reshape(-1, 8, 8) / 16, Y[:60] % 3
CLASSIFIERS = [
    SoftmaxRegression(),
    MulticlassSVM(),
    Perceptron(),
    MLPBackprop((7, 5), max_iter=3, activation="tanh", random_state=0),
    MLPBackprop((), max_iter=3, tta=True, standardize=False, random_state=0),
    ArcFaceEmbedder(4, max_iter=3, random_state=0),
    ArcFaceEmbedder(4, loss="softmax", max_iter=3, random_state=0),
]
FEATURES = [
    HOG(pixels_per_cell=(3, 2)),
    ColorHistogram(grid=(2, 3), bins=5),
    BagOfVisualWords(patch_size=3, n_words=8, random_state=0),
]
ANSWERS = [
    *((model, models.DifferentiableClassifier) for model in CLASSIFIERS),
    *((model, models.ImageFeatures) for model in FEATURES),
    (PixelNormalizer(), models.DifferentiableStep),
    (FEATURES[0], models.EdgeHistograms),
    (FEATURES[1], models.ColorBins),
    (FEATURES[2], models.VisualWords),
    (KNNImageClassifier(), models.TrainingImages),
    (CLASSIFIERS[-1], models.ClassCenters),
    (VerificationThreshold(CLASSIFIERS[-1], cv=2), models.Verifier),
]
PROTOCOLS = sorted({protocol for _, protocol in ANSWERS}, key=lambda p: p.__name__)


@pytest.mark.parametrize(("model", "protocol"), ANSWERS, ids=str)
@pytest.mark.filterwarnings("ignore:.* too few to distinguish")
def test_estimators_answer(model, protocol):
    assert answers(model, protocol)
    y = Y if protocol is not models.Verifier else np.arange(60) % 6
    fitted = model.fit(IMAGES, y)
    asked = {name for base in protocol.__mro__ for name in vars(base)}
    asked |= {
        name
        for base in protocol.__mro__
        for name in getattr(base, "__annotations__", ())
    }
    for name in asked:
        if not name.startswith("_"):
            assert hasattr(fitted, name), name


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.__name__)
def test_others_do_not_answer(protocol):
    for other in (LogisticRegression(), make_pipeline(HOG()), None, "HOG"):
        assert not answers(other, protocol)


def test_neighbors_without_classes_have_no_training_labels():
    assert not answers(NearestImages(), models.TrainingImages)


# Gradients


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("model", CLASSIFIERS, ids=str)
def test_input_gradient_is_that_of_central_differences(model, n_classes, rng):
    model.fit(IMAGES[Y < n_classes], Y[Y < n_classes])
    some = IMAGES[:4]
    d_scores = rng.standard_normal(np.shape(model.decision_function(some)))
    change = 1e-6 * rng.standard_normal(some.shape)
    after, before = (model.decision_function(some + d) for d in (change, -change))
    gradient = model.input_gradient(some, d_scores)
    assert gradient.shape == some.shape
    expected = (d_scores * (after - before)).sum() / 2
    assert (gradient * change).sum() == pytest.approx(expected, rel=1e-4, abs=1e-12)
    in_bytes = model.input_gradient((some * 16).astype(np.uint8), d_scores)
    assert in_bytes.dtype == np.float32


@pytest.mark.parametrize("model", CLASSIFIERS[::3], ids=str)
@pytest.mark.parametrize("shape", [(4,), (4, 2), (3, 3), (3, 4)])
def test_input_gradient_needs_the_shape_of_the_scores(model, shape):
    with pytest.raises(ValueError, match=r"shape of the scores, \(4, 3\); got"):
        model.fit(IMAGES, Y).input_gradient(IMAGES[:4], np.ones(shape))


@pytest.mark.parametrize("epsilon", [None, 0.1])
def test_input_gradient_of_normalization(epsilon, rng):
    normalizer = PixelNormalizer(whitening_epsilon=epsilon).fit(IMAGES)
    some, d_features, change = IMAGES[:5], *rng.standard_normal((2, 5, 8, 8))
    gradient = normalizer.input_gradient(some, d_features)
    assert gradient.shape == some.shape
    moved = normalizer.transform(some + change) - normalizer.transform(some)
    assert_allclose((gradient * change).sum(), (d_features * moved).sum())
    with pytest.raises(ValueError, match="d_features must have the shape of X"):
        normalizer.input_gradient(some, d_features[:, :2])


@pytest.mark.parametrize("model", CLASSIFIERS[::3], ids=str)
def test_questions_before_the_fit(model):
    other = type(model)()
    with pytest.raises(NotFittedError):
        other.input_gradient(IMAGES, Y)
    for name in ("unit_weights_", "first_layer_weights_", "history_"):
        assert not hasattr(other, name)


# Weights and histories


@pytest.mark.parametrize("model", CLASSIFIERS, ids=str)
def test_weights_of_units_are_views_with_a_row_for_each(model):
    model.fit(IMAGES, Y)
    former = getattr(model, "coef_", None)
    layers = [former.T] if former is not None else model.coefs_
    by_angle = isinstance(model, ArcFaceEmbedder) and model.loss != "softmax"
    assert_array_equal(model.first_layer_weights_, layers[0].T)
    for i, (weights, layer) in enumerate(zip(model.unit_weights_, layers, strict=True)):
        rows = layer if by_angle and i == len(layers) - 1 else layer.T
        assert_array_equal(weights, rows)
        assert np.shares_memory(weights, layer)


@pytest.mark.parametrize(
    ("model", "unit"),
    [
        (SoftmaxRegression(), "iteration"),
        (SoftmaxRegression(l1_ratio=0.5), "iteration"),
        (MulticlassSVM("hinge"), "smoothed problem"),
        (MulticlassSVM("squared_hinge"), "iteration"),
        (SoftmaxRegression(solver="sgd", tol=1, max_iter=20), "epoch"),
        (Perceptron(early_stopping=True, random_state=0), "epoch"),
    ],
    ids=str,
)
def test_history_of_linear_classifiers(model, unit):
    history = model.fit(IMAGES, Y).history_
    n = len(model.loss_curve_)
    assert list(history) == [unit, "loss", "validation_score", "learning_rate"]
    assert_array_equal(history[unit], np.arange(n))
    assert_array_equal(history["loss"], model.loss_curve_)
    for name in ("validation_score", "learning_rate"):
        recorded = getattr(model, f"{name}s_", [])
        assert history[name].shape == (n,)
        assert_array_equal(history[name][n - len(recorded) :], recorded)
        assert np.isnan(history[name][: n - len(recorded)]).all()


def test_history_of_partial_fit_begins_after_the_first_epoch():
    model = SoftmaxRegression().fit(IMAGES, Y)
    for _ in range(3):
        model.partial_fit(IMAGES, Y)
    assert_array_equal(model.history_["epoch"], [1, 2, 3])
    assert np.isfinite(model.history_["learning_rate"]).all()


# Features and neighbors


@pytest.mark.parametrize("step", FEATURES, ids=str)
def test_number_of_features(step):
    assert not hasattr(type(step)(), "n_features_out_")
    features = step.fit_transform(IMAGES)
    assert step.n_features_out_ == features.shape[1]
    bounds = step.check_fitted()
    assert (bounds.largest >= features.max()).all()
    assert bounds.n_operations >= 0
    with pytest.raises(NotFittedError):
        type(step)().check_fitted()


def test_layouts_of_features():
    hog, colors, words = (step.fit(IMAGES) for step in FEATURES)
    assert hog.grid_ == ((3, 2), (2, 4), (2, 2), (1, 3))
    assert (colors.layout_.names, colors.layout_.grid) == (["gray"], (2, 3))
    assert words.features_shape_ == (2, 2, 2, 4)


@pytest.mark.parametrize(
    ("step", "attribute", "value", "message"),
    [
        (FEATURES[0], "orientations", 0, "orientations"),
        (FEATURES[0], "pixels_per_cell", (0, 8), "pixels_per_cell"),
        (FEATURES[1], "value_range_", (1.0, 0.0), "value_range"),
        (FEATURES[1], "value_range_", None, "value_range"),
        (FEATURES[1], "bins", (2, 3), "bins"),
        (FEATURES[2], "value_range_", None, "value_range"),
        (FEATURES[2], "patch_shape_", (9, 3, 1), "contradict each other"),
        (FEATURES[2], "patch_mean_", np.zeros(9), "contradict each other"),
        (FEATURES[2], "mirror", False, "contradict each other"),
    ],
)
def test_fitted_attributes_that_contradict_each_other(step, attribute, value, message):
    step = type(step)(**step.get_params()).fit(IMAGES)
    setattr(step, attribute, value)
    with pytest.raises(ValueError, match=message):
        step.check_fitted()


def test_training_images_are_those_of_the_fit():
    model = KNNImageClassifier().fit(IMAGES, Y + 1)
    assert_array_equal(model.training_images_, IMAGES)
    assert_array_equal(model.training_labels_, Y + 1)
    assert np.shares_memory(model.training_images_, IMAGES)
    colors = np.stack([IMAGES] * 3, axis=-1)
    assert_array_equal(NearestImages().fit(colors).training_images_, colors)
    rows = IMAGES.reshape(len(IMAGES), -1)
    assert_array_equal(NearestImages().fit(rows).training_images_, rows)
    assert not hasattr(NearestImages(), "training_images_")
