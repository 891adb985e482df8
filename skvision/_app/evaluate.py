"""Evaluate: what a model predicts for images it has not learned from."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skvision._app.intervals import wilson_interval
from skvision._app.words import natural_order

_ENOUGH_FOR_TOP_5 = 20  # classes: with fewer, five of them are too many


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
        All classes of the model in the order in which people count: 2 before 10.
    probabilities : ndarray of shape (n_test, n_classes)
        The probability of each of these classes.
    features : ndarray of shape (n_test, n_features)
        The normalized features of the test images.
    seconds : float
        How long the features and the predictions took.
    """

    truth: NDArray[np.str_]
    predicted: NDArray[np.str_]
    classes: list[str]
    probabilities: NDArray[np.floating[Any]]
    features: NDArray[np.floating[Any]]
    seconds: float

    @property
    def score(self) -> Score:
        """How many of the predictions are right."""
        return measure(self.truth, self.predicted)

    @property
    def top_5(self) -> Score | None:
        """How many classes are among the five most probable; None if they are few."""
        if not has_top_5(self.classes):
            return None
        found = find_in_top_5(self.truth, self.classes, self.probabilities)
        return Score(len(found), int(found.sum()))


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
    probabilities = pipeline[-1].predict_proba(features)
    names = pipeline[-1].classes_.tolist()
    order = sorted(range(len(names)), key=lambda i: natural_order(names[i]))
    return Evaluation(
        truth,
        predicted,
        [names[i] for i in order],
        probabilities[:, order],
        features,
        seconds,
    )


def measure(truth: NDArray[np.str_], predicted: NDArray[np.str_]) -> Score:
    """Return how many predictions are right."""
    return Score(len(truth), int((truth == predicted).sum()))


def has_top_5(classes: Sequence[str]) -> bool:
    """Return whether classes are so many that top-5 accuracy says something."""
    return len(classes) >= _ENOUGH_FOR_TOP_5


def find_in_top_5(
    truth: NDArray[np.str_], classes: Sequence[str], scores: NDArray[Any]
) -> NDArray[np.bool_]:
    """Return where the true class is among the five of the highest scores.

    Among equal scores the first classes count, so that a model that gives all classes
    the same score is not always right.

    Parameters
    ----------
    truth : ndarray of shape (n,)
        The true classes.
    classes : sequence of n_classes str
        All classes.
    scores : ndarray of shape (n, n_classes)
        A score, such as the probability, of each class.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision._app.evaluate import find_in_top_5
    >>> scores = np.arange(12).reshape(2, 6)
    >>> find_in_top_5(np.array(["a", "b"]), list("abcdef"), scores).tolist()
    [False, True]
    """
    top = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    found: NDArray[np.bool_] = (np.array(classes)[top] == truth[:, None]).any(axis=1)
    return found
