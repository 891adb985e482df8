"""The models that ``skvision compare`` compares, and the features they learn from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from skvision._linear.multiclass_svm import MulticlassSVM
from skvision._neighbors.knn_image_classifier import KNNImageClassifier
from skvision._networks.mlp_backprop import MLPBackprop
from skvision._recipes.choose import best_alpha, draw_validation, validate_alphas
from skvision._recipes.describe import make_normalizer
from skvision._recipes.fit import fit_softmax
from skvision.model_selection import k_selection_curve

_NUMBERS_OF_NEIGHBORS = (1, 3, 5, 9, 15, 25)
_SVM_ALPHAS = (10.0, 3.0, 1.0, 0.3, 0.1)  # each fit starts from the one before


@dataclass(frozen=True)
class Training:
    """The images that a candidate may learn from, and choose its parameters by.

    Attributes
    ----------
    rows : ndarray of shape (n, ...)
        Their features.
    labels : ndarray of shape (n,), str
        Their classes.
    parts : ndarray of shape (n,), int
        Images with the same number are copies or in a group.
    seed : int
        The seed of all that is random.
    """

    rows: NDArray[Any]
    labels: NDArray[np.str_]
    parts: NDArray[np.intp]
    seed: int

    def draw_validation(self) -> list[NDArray[np.bool_]]:
        """Draw validation images, once or a few times; see `choose.draw_validation`."""
        return draw_validation(self.labels, [self.parts], self.seed)


class Candidate(NamedTuple):
    """Features and a model.

    Attributes
    ----------
    features : tuple of str
        The features of the images: "pixels", "hog", "color" and "words", or none.
    model : str
        The name of the model that learns from them.
    fit : callable
        ``fit(training)`` returns the fitted classifier, and a text that says which
        parameters it chose.
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
    """Choose the number of neighbors that predicts most validation images right."""
    rows, labels = training.rows, training.labels
    draws = training.draw_validation()
    smallest = min((np.sum(~held_out) for held_out in draws), default=1)
    numbers = [k for k in _NUMBERS_OF_NEIGHBORS if k <= smallest]
    k = numbers[0]
    if draws:
        cv = [(np.flatnonzero(~drawn), np.flatnonzero(drawn)) for drawn in draws]
        curve = k_selection_curve(rows, labels, numbers, cv=cv)
        k = int(curve.groupby("k")["accuracy"].mean().idxmax())
    return KNNImageClassifier(k).fit(rows, labels), f"k={k}"


def _fit_softmax(training: Training) -> tuple[Pipeline, str]:
    """Choose and fit as ``skvision train`` does."""
    rows, labels = training.rows, training.labels
    losses = validate_alphas(rows, labels, [training.parts], training.seed)
    alpha = best_alpha(losses)
    fitted = fit_softmax(rows, labels, alpha)
    return make_pipeline(fitted.normalizer, fitted.classifier), f"alpha={alpha:g}"


def _fit_svm(training: Training) -> tuple[Pipeline, str]:
    """Choose the penalty that predicts most validation images right."""
    rows, labels = training.rows, training.labels
    n_right = np.zeros(len(_SVM_ALPHAS))
    for held_out in training.draw_validation():
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


CANDIDATES = (  # the simpler ones first: the sort by accuracy is stable
    Candidate((), "majority", _fit_majority),
    Candidate(("pixels",), "kNN", _fit_knn),
    Candidate(("hog",), "kNN", _fit_knn),
    Candidate(("pixels",), "softmax", _fit_softmax),
    Candidate(("hog", "color"), "SVM", _fit_svm),
    Candidate(("hog", "color", "words"), "softmax", _fit_softmax),
    Candidate(("pixels",), "MLP", _fit_mlp),
    Candidate(("hog", "color", "words"), "MLP", _fit_mlp),
)
