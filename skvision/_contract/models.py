"""Protocols of models: what displays, reports and model files ask of an estimator.

An estimator answers by its methods and attributes, so nobody outside its room needs to
know its class. Methods and properties exist before ``fit``; the attributes that are
only annotated here are set by ``fit``.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np


class DifferentiableClassifier(Protocol):
    """A linear classifier or a network: its loss and its scores have gradients."""

    classes_: np.ndarray
    image_shape_: tuple[int, int, int] | None
    history_: dict[str, np.ndarray]

    def loss_and_gradient(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> tuple[float, dict[str, np.ndarray]]:
        """Return the objective and its gradients, by the names of fitted attributes.

        In the order of the gradients, all weights precede the biases.
        """

    def input_gradient(self, X: Any, d_scores: Any) -> np.ndarray:
        """Return the vector-Jacobian product of the scores, in the shape of ``X``."""

    @property
    def unit_weights_(self) -> list[np.ndarray]:
        """The weights of each layer, (n_units, n_inputs), as views."""

    @property
    def first_layer_weights_(self) -> np.ndarray:
        """The weights of the first layer, (n_units, n_features), as a view."""


class DifferentiableStep(Protocol):
    """A transformer through which gradients are passed back to the images."""

    def input_gradient(self, X: Any, d_features: Any) -> np.ndarray:
        """Return the vector-Jacobian product of ``transform``, in the shape of ``X``.

        ``d_features`` has the shape of the result of ``transform``.
        """


class Bounds(NamedTuple):
    """Upper bounds of the work of an estimator on an image, and of its result.

    Attributes
    ----------
    n_operations : int
        Number of multiply-adds, beside a few for each pixel and each feature.
    largest : ndarray of shape (n_features_out,)
        Largest magnitude of each feature; NaN if it is not known.
    image_shape : (int, int, int) or None, default=None
        Height, width and channels, if the result is images.
    """

    n_operations: int
    largest: np.ndarray
    image_shape: tuple[int, int, int] | None = None


UNKNOWN = Bounds(0, np.array(np.nan))  # of inputs of any number and size


class Fitted(Protocol):
    """A fitted estimator that may come from a file that is not trusted.

    `skvision._contract.check_fitted` asks for it, and compares the number of features
    and the shape of images with those of the inputs.
    """

    def check_fitted(self, inputs: Bounds = UNKNOWN) -> Bounds:
        """Raise an error if fitted attributes or parameters contradict each other.

        Return bounds for ``inputs``, which are within their own bounds.
        """


class ImageFeatures(Fitted, Protocol):
    """A transformer of images to rows of features."""

    image_shape_: tuple[int, int, int]

    @property
    def n_features_out_(self) -> int:
        """The number of features."""


class EdgeHistograms(ImageFeatures, Protocol):
    """A transformer whose features are drawn as lines along edges."""

    orientations: int
    signed: bool

    @property
    def grid_(self) -> Any:
        """The sizes and numbers of cells and blocks."""


class VisualWords(ImageFeatures, Protocol):
    """A transformer whose features belong to words, which are drawn as images."""

    mirror: bool
    codebook_: np.ndarray

    def inverse_codebook(self) -> np.ndarray:
        """Return the words as patches of pixels."""

    @property
    def features_shape_(self) -> tuple[int, int, int, int]:
        """The numbers of rows and columns of cells, of signs and of words."""


class ColorBins(ImageFeatures, Protocol):
    """A transformer whose features belong to ranges of colors."""

    joint: bool
    value_range_: tuple[float, float]

    @property
    def layout_(self) -> Any:
        """The names, limits and numbers of bins of the channels, and the grid."""


class TrainingImages(Protocol):
    """A classifier that finds images among those that it was fitted to."""

    classes_: np.ndarray
    image_shape_: tuple[int, int, int] | None
    n_samples_fit_: int
    n_neighbors: int

    def kneighbors(self, X: Any, n_neighbors: Any) -> Any:
        """Return the distances and the indices of the nearest training images."""

    @property
    def training_images_(self) -> np.ndarray:
        """The training images, in the order of ``fit``."""

    @property
    def training_labels_(self) -> np.ndarray:
        """The class labels of the training images."""


class ClassCenters(Protocol):
    """An embedder that has a direction for each class."""

    classes_: np.ndarray

    @property
    def class_centers_(self) -> np.ndarray:
        """The directions, (n_classes, n_components)."""


class Verifier(Protocol):
    """An estimator that decides whether two images are of the same class."""

    criterion: str
    far: float
    threshold_: float
    estimator_: Any

    def verify(self, X1: Any, X2: Any) -> np.ndarray:
        """Return whether the images of each pair are of the same class."""


def answers(model: Any, protocol: type) -> bool:
    """Return whether a model has the methods and properties of a protocol.

    They are looked up in its class, because a property of a model that is not fitted
    raises an error.
    """
    asked = [name for name in dir(protocol) if not name.startswith("_")]
    return all(hasattr(type(model), name) for name in asked)


def validate_d_scores(d_scores: Any, n_images: int, n_classes: int) -> np.ndarray:
    """Return the gradient of a function with respect to the scores, with two axes.

    Raises
    ------
    ValueError
        If it does not have the shape of the result of ``decision_function``.
    """
    shape = (n_images,) if n_classes == 2 else (n_images, n_classes)
    if np.shape(d_scores) != shape:
        raise ValueError(
            f"d_scores must have the shape of the scores, {shape}; got "
            f"{np.shape(d_scores)}. Pass a gradient with respect to the result of "
            f"decision_function."
        )
    return np.reshape(np.asarray(d_scores, np.float64), (n_images, -1))
