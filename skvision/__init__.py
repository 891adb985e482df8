"""scikit-learn for images: fast, exact, explainable image classification on a CPU.

Images are NumPy arrays ``(n, H, W)`` (gray) or ``(n, H, W, C)`` (channels last), or
flat rows of the same in C order; every estimator works on its own and in scikit-learn's
pipelines, searches and cross-validation.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skvision import (
        augmentation,
        datasets,
        inspection,
        metrics,
        model_selection,
        schedules,
    )
    from skvision._contract.images import ImageShapeWarning
    from skvision._features.color_histogram import ColorHistogram
    from skvision._features.hog import HOG
    from skvision._features.pixel_normalizer import PixelNormalizer
    from skvision._features.visual_words.bag_of_visual_words import BagOfVisualWords
    from skvision._linear.multiclass_svm import MulticlassSVM
    from skvision._linear.perceptron import Perceptron
    from skvision._linear.softmax_regression import SoftmaxRegression
    from skvision._model_files.model_file import load_model, save_model
    from skvision._neighbors.knn_image_classifier import KNNImageClassifier
    from skvision._neighbors.nearest_images import NearestImages
    from skvision._networks.arcface_embedder import ArcFaceEmbedder
    from skvision._networks.mlp_backprop import MLPBackprop
    from skvision._readers.image_reader import ImageReader
    from skvision._recipes.image_classifier import ImageClassifier
    from skvision._verification.verification_threshold import VerificationThreshold

__all__ = [
    "HOG",
    "ArcFaceEmbedder",
    "BagOfVisualWords",
    "ColorHistogram",
    "ImageClassifier",
    "ImageReader",
    "ImageShapeWarning",
    "KNNImageClassifier",
    "MLPBackprop",
    "MulticlassSVM",
    "NearestImages",
    "Perceptron",
    "PixelNormalizer",
    "SoftmaxRegression",
    "VerificationThreshold",
    "augmentation",
    "datasets",
    "inspection",
    "load_model",
    "metrics",
    "model_selection",
    "save_model",
    "schedules",
]

__version__ = "0.1.0.dev0"

# Where each class is written; the other names are modules.
_FILES = {
    "ArcFaceEmbedder": "_networks.arcface_embedder",
    "BagOfVisualWords": "_features.visual_words.bag_of_visual_words",
    "ColorHistogram": "_features.color_histogram",
    "HOG": "_features.hog",
    "ImageClassifier": "_recipes.image_classifier",
    "ImageReader": "_readers.image_reader",
    "ImageShapeWarning": "_contract.images",
    "KNNImageClassifier": "_neighbors.knn_image_classifier",
    "MLPBackprop": "_networks.mlp_backprop",
    "MulticlassSVM": "_linear.multiclass_svm",
    "NearestImages": "_neighbors.nearest_images",
    "Perceptron": "_linear.perceptron",
    "PixelNormalizer": "_features.pixel_normalizer",
    "SoftmaxRegression": "_linear.softmax_regression",
    "VerificationThreshold": "_verification.verification_threshold",
    "load_model": "_model_files.model_file",
    "save_model": "_model_files.model_file",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used.

    So the command line answers ``--help`` at once, and it can tell of an interrupt
    while scikit-learn is loading.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"skvision.{_FILES.get(name, name)}")
    thing = getattr(module, name) if name in _FILES else module
    globals()[name] = thing
    return thing


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
