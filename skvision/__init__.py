"""scikit-learn for images: fast, exact, explainable image classification on a CPU.

Pictures are NumPy arrays ``(n, H, W)`` (grey) or ``(n, H, W, C)`` (channels last), or
flat rows of the same in C order; every estimator works on its own and in scikit-learn's
pipelines, searches and cross-validation.
"""
# ruff: noqa: F403, F405

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skvision._public_names import *

__all__ = [
    "HOG",
    "ArcFaceEmbedder",
    "BagOfVisualWords",
    "ColorHistogram",
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
    "metrics",
    "model_selection",
    "schedules",
]

__version__ = "0.1.0.dev0"


def __getattr__(name: str) -> Any:
    """Load all public names when the first of them is used.

    So the command line answers ``--help`` at once, and it can tell of an interrupt
    while scikit-learn is loading.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    public = import_module("skvision._public_names")
    globals().update({each: getattr(public, each) for each in __all__})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
