"""Validation of a loaded model: consistency, and the cost of a prediction.

A pipeline from a file may have arbitrary parameters and arrays. It is accepted only if
its predictions are finite for every image and need bounded time and memory. Both follow
from the shapes and values of its arrays, which are checked before anything is computed
with images.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils.validation import check_is_fitted

from skvision._contract.models import FeatureBounds
from skvision._contract.sklearn_compat import check_parameters
from skvision._features.color_histogram import ColorHistogram
from skvision._features.hog import HOG
from skvision._features.pixel_normalizer import PixelNormalizer
from skvision._features.visual_words.bag_of_visual_words import BagOfVisualWords
from skvision._linear.softmax_regression import SoftmaxRegression
from skvision._readers.image_reader import ImageReader

Bounds = list[FeatureBounds]

STEPS = [ImageReader, FeatureUnion, PixelNormalizer, SoftmaxRegression]
FEATURES = [HOG, ColorHistogram, BagOfVisualWords]
LARGEST_SIZE = 1024  # pixels per side
MOST_PIXELS = 100_000_000  # in a file to be decoded
MOST_OPERATIONS = 10**11  # multiply-adds per image, about ten seconds on one core
_PER_PIXEL = 100  # upper bound of other operations per pixel
_LARGEST_SCORE = float(np.finfo(np.float32).max) / 4


def check_pipeline(pipeline: Any) -> None:
    """Reject a pipeline whose predictions would fail, not be finite or take too long.

    Parameters
    ----------
    pipeline : object
        Any object.

    Raises
    ------
    ValueError
        If the object is not a fitted pipeline with the steps of a model, its parts are
        inconsistent, it needs more than `MOST_OPERATIONS` per image, or its scores
        could overflow in single precision.
    Exception
        Any error that estimators raise for attributes of wrong types.
    """
    kinds = [type(step) for _, step in getattr(pipeline, "steps", [])]
    if type(pipeline) is not Pipeline or kinds != STEPS:
        raise ValueError(f"it is not a pipeline of {_names(STEPS)}")
    check_is_fitted(pipeline)
    reader, union, normalizer, classifier = pipeline
    features = [step for _, step in union.transformer_list]
    if any(type(step) not in FEATURES for step in features) or not features:
        raise ValueError(f"its features are not among {_names(FEATURES)}")
    if union.transformer_weights is not None:
        raise ValueError("its features have weights")
    for step in (pipeline, union, reader, *features, normalizer, classifier):
        if vars(step).keys() & set(dir(type(step))):
            raise ValueError("it overwrites methods with values")
    _check_numbers(reader, union, features, normalizer, classifier)
    _check_image_shapes(reader, features)
    bounds = [step.check_fitted() for step in features]
    n_features = sum(step.n_features_out_ for step in features)
    _check_shapes(n_features, normalizer, classifier)
    _check_cost(features, bounds, classifier)
    _check_scores(features, bounds, normalizer, classifier)
    _try_out(pipeline, features[0].image_shape_)


def _names(kinds: Iterable[type]) -> str:
    return ", ".join(kind.__name__ for kind in kinds)


def _check_numbers(
    reader: Any, union: Any, features: Any, normalizer: Any, classifier: Any
) -> None:
    """Reject parameters that are out of range and numbers that are not finite."""
    if union.n_jobs not in (None, 1):
        raise ValueError(f"its features have n_jobs={union.n_jobs}")
    for step in (reader, *features):
        if step.n_jobs is not None:
            raise ValueError(f"its {type(step).__name__} has n_jobs={step.n_jobs}")
    for step in (reader, *features, normalizer, classifier):
        check_parameters(step)
        values = [*step.get_params(deep=False).values(), *vars(step).values()]
        arrays = [value for value in values if isinstance(value, np.ndarray)]
        of_floats = [array for array in arrays if array.dtype.kind == "f"]
        if not all(np.isfinite(array).all() for array in of_floats) or not all(
            map(_is_finite, step.get_params(deep=False).values())
        ):
            raise ValueError(
                f"its {type(step).__name__} has numbers that are not finite"
            )
    if max(reader.size) > LARGEST_SIZE:
        raise ValueError(f"its size {reader.size} is over {LARGEST_SIZE}")
    if reader.max_pixels > MOST_PIXELS:
        raise ValueError(f"its max_pixels={reader.max_pixels} is over {MOST_PIXELS}")


def _is_finite(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_finite, value))
    return not isinstance(value, float | np.floating) or math.isfinite(value)


def _check_image_shapes(reader: Any, features: Any) -> None:
    blank = reader.transform([np.zeros((1, 1), np.uint8)])
    shape = (*blank.shape[1:], 1)[:3]
    if any(step.image_shape_ != shape for step in features):
        raise ValueError("its steps expect images of different shapes")


def _check_shapes(n_features: int, normalizer: Any, classifier: Any) -> None:
    classes = classifier.classes_
    if np.ndim(classes) != 1 or len(np.unique(classes)) != len(classes):
        raise ValueError("its classes are not unique")
    n_classes = len(classes)
    n_rows = 1 if n_classes == 2 else n_classes
    if n_classes < 2 or np.shape(classifier.coef_)[:1] != (n_rows,):
        raise ValueError("it has scores for a different number of classes")
    if normalizer.whitening_ is not None:
        raise ValueError("its features are whitened")
    wanted = [
        (classifier.coef_, (n_rows, n_features)),
        (classifier.intercept_, (n_rows,)),
        (normalizer.center_, (n_features,)),
        (normalizer.scale_, (n_features,)),
    ]
    if any(np.shape(array) != shape for array, shape in wanted):
        raise ValueError("its steps expect different numbers of features")
    if any(array.dtype.kind != "f" for array, _ in wanted):
        raise ValueError("its weights are not floats")


def _check_cost(features: Any, bounds: Bounds, classifier: Any) -> None:
    """Reject a pipeline that takes too long, by an upper bound of its operations."""
    n_operations = classifier.coef_.size
    for step, bound in zip(features, bounds, strict=True):
        n_operations += _PER_PIXEL * math.prod(step.image_shape_)
        n_operations += step.n_features_out_ + bound.n_operations
    if n_operations > MOST_OPERATIONS:
        raise ValueError(
            f"it needs {n_operations:.1e} multiply-adds per image, over "
            f"{MOST_OPERATIONS:.1e}: train with a smaller size or fewer features"
        )


def _check_scores(
    features: Any, bounds: Bounds, normalizer: Any, classifier: Any
) -> None:
    """Reject a pipeline whose scores could be infinite for some image."""
    with np.errstate(over="ignore"):
        most = np.repeat(
            [bound.largest for bound in bounds],
            [step.n_features_out_ for step in features],
        )
        tiny = np.finfo(np.float32).tiny
        most = (most + np.abs(normalizer.center_)) / np.maximum(normalizer.scale_, tiny)
        weights = np.abs(classifier.coef_).astype(np.float64)
        scores = weights @ most + np.abs(classifier.intercept_)
    if not max(most.max(), scores.max()) < _LARGEST_SCORE:
        raise ValueError("its scores could be infinite")


def _try_out(pipeline: Pipeline, shape: tuple[int, int, int]) -> None:
    """Reject a pipeline that fails on an image of black, white and noise."""
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    third = -(-shape[1] // 3)
    image[:, :third], image[:, 2 * third :] = 0, 255
    image = image[..., 0] if shape[2] == 1 else image
    probabilities = pipeline.predict_proba(image[np.newaxis])
    if probabilities.shape != (1, len(pipeline[-1].classes_)):
        raise ValueError("it has scores for a different number of classes")
    if not np.isfinite(probabilities).all():
        raise ValueError("its weights are not finite")
