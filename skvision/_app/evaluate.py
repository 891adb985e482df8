"""Evaluate: what a model predicts for images it has not learned from."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skvision._app.intervals import wilson_interval


@dataclass(frozen=True)
class Score:
    """How many predictions are right.

    Attributes
    ----------
    n_images, n_right : int
        The number of predictions, and of those that are right.
    """

    n_images: int
    n_right: int

    @property
    def accuracy(self) -> float:
        """The fraction of predictions that are right."""
        return self.n_right / self.n_images

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        return wilson_interval(self.n_right, self.n_images)

    def saved(self) -> dict[str, Any]:
        """Return the score as the file of a model has it."""
        return {
            "pictures": self.n_images,
            "accuracy": self.accuracy,
            "interval_95": list(self.interval),
        }


@dataclass(frozen=True)
class Evaluation:
    """What a model predicts for test images.

    Attributes
    ----------
    truth, predicted : ndarray of shape (n_test,), str
        The class of each test image, and the predicted one.
    classes : list of str
        All classes of the model in their order.
    features : ndarray of shape (n_test, n_features)
        The normalized features of the test images.
    seconds : float
        How long the features and the predictions took.
    """

    truth: NDArray[np.str_]
    predicted: NDArray[np.str_]
    classes: list[str]
    features: NDArray[np.floating[Any]]
    seconds: float

    @property
    def score(self) -> Score:
        """How many of the predictions are right."""
        return measure(self.truth, self.predicted)


def evaluate(
    pipeline: Pipeline, pixels: NDArray[np.uint8], truth: NDArray[np.str_]
) -> Evaluation:
    """Predict the classes of images.

    Parameters
    ----------
    pipeline : Pipeline
        Of ImageReader, FeatureUnion, PixelNormalizer and SoftmaxRegression, fitted.
    pixels : ndarray of shape (n, height, width, channels) or (n, height, width)
        The images after the reader.
    truth : ndarray of shape (n,), str
        Their classes.
    """
    started = time.perf_counter()
    features = pipeline[1:-1].transform(pixels)
    predicted = pipeline[-1].predict(features)
    seconds = time.perf_counter() - started
    classes = pipeline[-1].classes_.tolist()
    return Evaluation(truth, predicted, classes, features, seconds)


def measure(truth: NDArray[np.str_], predicted: NDArray[np.str_]) -> Score:
    """Return how many predictions are right."""
    return Score(len(truth), int((truth == predicted).sum()))
