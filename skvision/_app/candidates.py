"""What ``skvision compare`` compares: ways to describe images and to learn."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from skvision._app.train_and_score import (
    best_alpha,
    draw_validation,
    make_normalizer,
    validate_alphas,
)
from skvision._linear.multiclass_svm import MulticlassSVM
from skvision._linear.softmax_regression import SoftmaxRegression
from skvision._neighbors.knn_image_classifier import KNNImageClassifier
from skvision._networks.mlp_backprop import MLPBackprop
from skvision.model_selection import k_selection_curve

_NUMBERS_OF_NEIGHBORS = (1, 3, 5, 9, 15, 25)
_SVM_ALPHAS = (10.0, 3.0, 1.0, 0.3, 0.1)  # each fit starts from the one before


class Training(NamedTuple):
    """The images that a candidate may learn from, and choose its settings by.

    Attributes
    ----------
    rows : ndarray of shape (n, ...)
        What describes them.
    labels : ndarray of shape (n,), str
        Their classes.
    parts : ndarray of shape (n,), int
        Images of the same number hang together.
    seed : int
        Of all that is random.
    """

    rows: NDArray[Any]
    labels: NDArray[np.str_]
    parts: NDArray[np.intp]
    seed: int


class Candidate(NamedTuple):
    """A way to classify images.

    Attributes
    ----------
    features : tuple of str
        What describes the images: "pixels", "hog", "color", "words", or nothing.
    model : str
        The name of what learns from that.
    fit : callable
        ``fit(training)`` returns the fitted classifier, and what it chose, in words.
    """

    features: tuple[str, ...]
    model: str
    fit: Callable[[Training], tuple[Any, str]]

    @property
    def name(self) -> str:
        """Features and model."""
        return " ".join([*self.features, self.model])


def _fit_majority(training: Training) -> tuple[DummyClassifier, str]:
    return DummyClassifier().fit(training.rows, training.labels), ""


def _fit_knn(training: Training) -> tuple[KNNImageClassifier, str]:
    """Take the number of neighbors that is right about most validation images."""
    rows, labels, parts, seed = training
    draws = draw_validation(labels, [parts], seed)
    smallest = min((np.sum(~held_out) for held_out in draws), default=1)
    numbers = [k for k in _NUMBERS_OF_NEIGHBORS if k <= smallest]
    k = numbers[0]
    if draws:
        cv = [(np.flatnonzero(~drawn), np.flatnonzero(drawn)) for drawn in draws]
        curve = k_selection_curve(rows, labels, numbers, cv=cv)
        k = int(curve.groupby("k")["accuracy"].mean().idxmax())
    return KNNImageClassifier(k).fit(rows, labels), f"k={k}"


def _fit_softmax(training: Training) -> tuple[Pipeline, str]:
    """Do as ``skvision train`` does."""
    rows, labels, parts, seed = training
    losses = validate_alphas(rows, labels, [parts], seed)
    normalizer = make_normalizer()
    model = SoftmaxRegression(alpha=best_alpha(losses))
    model.fit(normalizer.fit_transform(rows), labels)
    return make_pipeline(normalizer, model), f"alpha={model.alpha:g}"


def _fit_svm(training: Training) -> tuple[Pipeline, str]:
    """Take the penalty that is right about most validation images."""
    rows, labels, parts, seed = training
    n_right = np.zeros(len(_SVM_ALPHAS))
    for held_out in draw_validation(labels, [parts], seed):
        normalizer = make_normalizer().fit(rows[~held_out])
        learning, validation = map(
            normalizer.transform, (rows[~held_out], rows[held_out])
        )
        model = MulticlassSVM(warm_start=True)
        for i, alpha in enumerate(_SVM_ALPHAS):
            model.set_params(alpha=alpha).fit(learning, labels[~held_out])
            n_right[i] += np.sum(model.predict(validation) == labels[held_out])
    normalizer = make_normalizer()
    model = MulticlassSVM(alpha=_SVM_ALPHAS[n_right.argmax()])
    model.fit(normalizer.fit_transform(rows), labels)
    return make_pipeline(normalizer, model), f"alpha={model.alpha:g}"


def _fit_mlp(training: Training) -> tuple[Pipeline, str]:
    normalizer = make_normalizer()
    rows = normalizer.fit_transform(training.rows)
    model = MLPBackprop(
        hidden_layer_sizes=(256,),
        batch_norm=True,
        dropout=(0.1, 0.5),
        label_smoothing=0.1,
        standardize=False,
        solver="adamw",
        alpha=0.05,
        learning_rate="one_cycle",
        batch_size=64,
        max_iter=40,
        random_state=training.seed,
    )
    return make_pipeline(normalizer, model.fit(rows, training.labels)), ""


CANDIDATES = (  # of two that are equally good the first is the simpler one
    Candidate((), "majority", _fit_majority),
    Candidate(("pixels",), "kNN", _fit_knn),
    Candidate(("hog",), "kNN", _fit_knn),
    Candidate(("pixels",), "softmax", _fit_softmax),
    Candidate(("hog", "color"), "SVM", _fit_svm),
    Candidate(("hog", "color", "words"), "softmax", _fit_softmax),
    Candidate(("pixels",), "MLP", _fit_mlp),
    Candidate(("hog", "color", "words"), "MLP", _fit_mlp),
)
