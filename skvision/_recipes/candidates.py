"""The models that ``skvision compare`` compares, and the features they learn from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from skvision._linear.multiclass_svm import MulticlassSVM
from skvision._linear.softmax_regression import SoftmaxRegression
from skvision._neighbors.knn_image_classifier import KNNImageClassifier
from skvision._networks.mlp_backprop import MLPBackprop
from skvision._recipes.draws import Draw, draw_validation_images
from skvision._recipes.features import make_normalizer
from skvision._recipes.training_images import TrainingImages
from skvision._recipes.validate import Rows, validate_softmax
from skvision.model_selection import k_selection_curve

_NUMBERS_OF_NEIGHBORS = (1, 3, 5, 9, 15, 25)
_MIDDLE_ALPHA = 0.1  # for when there are no validation images
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

    def draw_validation(self) -> Sequence[Draw]:
        """Draw validation images, once or a few times."""
        n = len(self.labels)
        images = TrainingImages(
            self.rows, self.labels, np.ones(n), self.parts, np.arange(n)
        )
        return draw_validation_images(images, None, self.seed)


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
    smallest = min((len(learning) for learning, _ in draws), default=1)
    numbers = [k for k in _NUMBERS_OF_NEIGHBORS if k <= smallest]
    k = numbers[0]
    if draws:
        curve = k_selection_curve(rows, labels, numbers, cv=draws)
        k = int(curve.groupby("k")["accuracy"].mean().idxmax())
    return KNNImageClassifier(k).fit(rows, labels), f"k={k}"


def _fit_softmax(training: Training) -> tuple[Pipeline, str]:
    """Choose the penalty with the smallest loss on validation images."""
    rows = training.rows.reshape(len(training.rows), -1)
    labels, draws = training.labels, training.draw_validation()
    alpha = _MIDDLE_ALPHA
    if draws:
        codes = np.unique(labels, return_inverse=True)[1]
        described = Rows(rows, rows[np.newaxis][:0], codes, np.ones(len(rows)))
        outcome = validate_softmax(described, draws)
        assert outcome is not None  # without a rival, no model is given up
        alpha = outcome.alpha
    normalizer = make_normalizer()
    model = SoftmaxRegression(alpha=alpha).fit(normalizer.fit_transform(rows), labels)
    return make_pipeline(normalizer, model), f"alpha={alpha:.3g}"


def _fit_svm(training: Training) -> tuple[Pipeline, str]:
    """Choose the penalty that predicts most validation images right."""
    rows, labels = training.rows, training.labels
    n_right = np.zeros(len(_SVM_ALPHAS))
    for learning, validation in training.draw_validation():
        normalizer = make_normalizer().fit(rows[learning])
        x, unseen = map(normalizer.transform, (rows[learning], rows[validation]))
        model = MulticlassSVM(warm_start=True)
        for i, alpha in enumerate(_SVM_ALPHAS):
            model.set_params(alpha=alpha).fit(x, labels[learning])
            n_right[i] += np.sum(model.predict(unseen) == labels[validation])
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
