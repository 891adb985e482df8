"""Validate: what a recipe predicts for training images it has not learned from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skvision._linear.softmax_regression import SoftmaxRegression
from skvision._networks.mlp_backprop import MLPBackprop
from skvision._recipes.draws import Draw
from skvision._recipes.features import make_normalizer

_STEP = 10**0.5  # between two penalties
_FIRST_ALPHAS = (1.0, 1 / _STEP, 0.1)
_LARGEST_ALPHA, _LEAST_ALPHA = 9.9, 1.1e-4  # that are widened
_LEAST_GAIN = 1e-3  # of the loss, for another penalty to follow
_TOL = 1e-2  # enough to compare
_WORST = 2.0  # standard errors, above which a recipe is given up after a draw
_EPSILON = 1e-15
_EPOCHS, _LEAST_EPOCHS = 20, 5
_LEAST_EIGENVALUE = 1e-6  # relative to the largest; below are errors of rounding


@dataclass(frozen=True)
class Rows:
    """Features of training images and of their changed copies.

    Attributes
    ----------
    features : ndarray of shape (n, n_features)
        The features of the images.
    copies : ndarray of shape (n_copies, n, n_features)
        The features of changed copies; there may be none.
    labels : ndarray of shape (n,), int from 0
        The class of each image.
    weights : ndarray of shape (n,)
        The weight of each image.
    """

    features: NDArray[Any]
    copies: NDArray[Any]
    labels: NDArray[np.intp]
    weights: NDArray[np.float64]

    def learning_rows(
        self, index: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[np.intp], NDArray[np.float64]]:
        """Return features, classes and weights of some images and their copies."""
        n_all = 1 + len(self.copies)
        features = [self.features[index], *(rows[index] for rows in self.copies)]
        return (
            np.concatenate(features) if len(features) > 1 else features[0],
            np.tile(self.labels[index], n_all),
            np.tile(self.weights[index], n_all) / n_all,
        )


@dataclass(frozen=True)
class Outcome:
    """Predictions for validation images, by a model with the best of some penalties.

    Attributes
    ----------
    alpha : float
        The penalty.
    probabilities : list of ndarray of shape (n_validation, n_classes)
        The probabilities of each draw.
    losses : list of ndarray of shape (n_validation,)
        The cross-entropy of each image of each draw.
    weights : list of ndarray of shape (n_validation,)
        The weights of these images.
    hits : list of ndarray of shape (n_validation,), bool
        Which predictions are right.
    path : dict of float to float
        The mean loss for each penalty.
    """

    alpha: float
    probabilities: list[NDArray[np.float64]]
    losses: list[NDArray[np.float64]]
    weights: list[NDArray[np.float64]]
    hits: list[NDArray[np.bool_]]
    path: dict[float, float]

    @property
    def loss(self) -> float:
        """The mean loss."""
        return float(
            np.average(
                np.concatenate(self.losses), weights=np.concatenate(self.weights)
            )
        )

    def of_draws(self, n: int) -> "Outcome":
        """Return the outcome of the first draws."""
        return Outcome(
            self.alpha,
            self.probabilities[:n],
            self.losses[:n],
            self.weights[:n],
            self.hits[:n],
            self.path,
        )

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """The accuracy of each draw."""
        pairs = zip(self.hits, self.weights, strict=True)
        return np.array([np.average(hits, weights=w) for hits, w in pairs])


def validate_softmax(
    rows: Rows,
    draws: Sequence[Draw],
    alphas: Sequence[float] = _FIRST_ALPHAS,
    rival: Outcome | None = None,
    *,
    widen: bool = True,
) -> Outcome | None:
    """Validate a softmax regression with the best of some penalties.

    Parameters
    ----------
    rows : Rows
        Features of the training images.
    draws : sequence of (learning, validation)
        Indices of the images to learn from, and of those to predict, in each draw.
    alphas : sequence of float
        The penalties, descending.
    rival : Outcome or None
        The outcome to compare with: a model that is certainly worse in the first draw
        is given up.
    widen : bool, default=True
        Whether smaller penalties follow where the smallest is the best, and larger ones
        where the largest is.

    Returns
    -------
    outcome : Outcome or None
        None if the model was given up.
    """
    paths: list[_Path] = []
    for draw in draws:
        path = _Path(rows, draw)
        for alpha in alphas:
            path.predict(alpha)
        paths.append(path)
        if len(paths) == 1 and rival and _is_worse(_best(paths, rows, draws), rival):
            return None
    outcome = _best(paths, rows, draws)
    tried, gain = list(alphas), np.inf
    while widen and gain > _LEAST_GAIN:
        if outcome.alpha == min(tried) > _LEAST_ALPHA:
            tried.append(outcome.alpha / _STEP)
        elif outcome.alpha == max(tried) < _LARGEST_ALPHA:
            tried.append(outcome.alpha * _STEP)
        else:
            break
        for path in paths:
            path.predict(tried[-1])
        former, outcome = outcome, _best(paths, rows, draws)
        if outcome.alpha != former.alpha:
            gain = former.loss - outcome.loss
    return outcome


def nearby(alpha: float) -> tuple[float, float, float]:
    """Return a penalty between the next larger and the next smaller one."""
    return alpha * _STEP, alpha, alpha / _STEP


def validate_with_network(
    rows: Rows,
    draws: Sequence[Draw],
    softmax: Outcome,
    seed: int,
) -> Outcome:
    """Validate the average of a softmax regression and a neural network."""
    averages = []
    for (learning, validation), own in zip(draws, softmax.probabilities, strict=True):
        normalizer, x, labels, weights = _normalized(rows, learning)
        network = make_network(seed, len(rows.copies)).fit(
            x, labels, sample_weight=weights
        )
        other = network.predict_proba(normalizer.transform(rows.features[validation]))
        averages.append((own + _in_columns(other, network.classes_, own.shape[1])) / 2)
    return _measure(softmax.alpha, averages, rows, draws, softmax.path)


def loss_of_mirror_images(
    rows: Rows, mirrored: NDArray[Any], draws: Sequence[Draw], alpha: float
) -> NDArray[np.float64]:
    """Return the loss of mirrored validation images, less that of the images.

    Parameters
    ----------
    rows : Rows
        Features of the training images.
    mirrored : ndarray of shape (n, n_features)
        Features of their mirror images.
    draws : sequence of (learning, validation)
        Indices of images.
    alpha : float
        The penalty.
    """
    more = []
    for learning, validation in draws:
        normalizer, x, labels, weights = _normalized(rows, learning)
        model = SoftmaxRegression(alpha=alpha, tol=_TOL)
        model.fit(x, labels, sample_weight=weights)
        own = np.searchsorted(model.classes_, rows.labels[validation])
        losses = [
            -np.log(np.maximum(probabilities[np.arange(len(own)), own], _EPSILON))
            for probabilities in (
                model.predict_proba(normalizer.transform(features[validation]))
                for features in (rows.features, mirrored)
            )
        ]
        more.append(losses[1] - losses[0])
    return np.concatenate(more)


def make_network(seed: int, n_copies: int) -> MLPBackprop:
    """Return the neural network that learns from normalized features.

    With copies of the images, it takes fewer epochs, but as many steps.
    """
    return MLPBackprop(
        hidden_layer_sizes=(64,),
        batch_norm=True,
        dropout=(0.1, 0.5),
        label_smoothing=0.1,
        standardize=False,
        solver="adamw",
        alpha=0.05,
        learning_rate="one_cycle",
        learning_rate_init=0.002,
        batch_size=64,
        max_iter=max(_EPOCHS // (1 + n_copies), _LEAST_EPOCHS),
        random_state=seed,
    )


class _Path:
    """Softmax regressions that learn from one draw, with one penalty after another.

    Each fit starts from the one before.
    """

    def __init__(self, rows: Rows, draw: Draw) -> None:
        learning, validation = draw
        normalizer, x, self._labels, self._weights = _normalized(rows, learning)
        unseen = normalizer.transform(rows.features[validation])
        self._x, self._unseen = _rotate(x, unseen)
        self._n_classes = int(rows.labels.max()) + 1
        self._model = SoftmaxRegression(warm_start=True, tol=_TOL)
        self.probabilities: dict[float, NDArray[np.float64]] = {}

    def predict(self, alpha: float) -> None:
        """Fit with a penalty, and keep the probabilities of the validation images."""
        model = self._model.set_params(alpha=alpha)
        model.fit(self._x, self._labels, sample_weight=self._weights)
        self.probabilities[alpha] = _in_columns(
            model.predict_proba(self._unseen), model.classes_, self._n_classes
        )


def _normalized(rows: Rows, index: NDArray[Any]) -> Any:
    x, labels, weights = rows.learning_rows(index)
    normalizer = make_normalizer().fit(x, sample_weight=weights)
    return normalizer, normalizer.transform(x), labels, weights


def _rotate(x: NDArray[Any], unseen: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return rows in coordinates of the space that the first ones span.

    Inner products stay, and so do the predictions of a model whose penalty is the
    squared length of its weights. With fewer rows than columns, fits are faster.
    """
    if len(x) >= x.shape[1]:
        return x, unseen
    eigenvalues, vectors = np.linalg.eigh((x @ x.T).astype(np.float64))
    kept = eigenvalues > _LEAST_EIGENVALUE * eigenvalues[-1]
    lengths, directions = np.sqrt(eigenvalues[kept]), vectors[:, kept]
    rotated = (directions * lengths).astype(x.dtype)
    return rotated, (unseen @ x.T) @ (directions / lengths).astype(x.dtype)


def _in_columns(
    probabilities: NDArray[Any], classes: NDArray[np.intp], n_classes: int
) -> NDArray[np.float64]:
    """Return probabilities of all classes: 0 for those that a model does not know."""
    every = np.zeros((len(probabilities), n_classes))
    every[:, classes] = probabilities
    return every


def _best(paths: Sequence[_Path], rows: Rows, draws: Sequence[Draw]) -> Outcome:
    """Return the outcome with the penalty that has the smallest mean loss."""
    outcomes = [
        _measure(alpha, [path.probabilities[alpha] for path in paths], rows, draws, {})
        for alpha in paths[0].probabilities
    ]
    best = min(outcomes, key=lambda outcome: outcome.loss)
    best.path.update({outcome.alpha: outcome.loss for outcome in outcomes})
    return best


def _measure(
    alpha: float,
    probabilities: list[NDArray[np.float64]],
    rows: Rows,
    draws: Sequence[Draw],
    path: dict[float, float],
) -> Outcome:
    losses, weights, hits = [], [], []
    for (_, validation), own in zip(draws, probabilities, strict=False):
        labels = rows.labels[validation]
        right = own[np.arange(len(labels)), labels]
        losses.append(-np.log(np.maximum(right, _EPSILON)))
        weights.append(rows.weights[validation])
        hits.append(own.argmax(axis=1) == labels)
    return Outcome(alpha, probabilities, losses, weights, hits, dict(path))


def _is_worse(outcome: Outcome, rival: Outcome) -> bool:
    """Return whether a model is certainly worse in the first draw."""
    return is_positive(outcome.losses[0] - rival.losses[0])


def is_clearly_less(outcome: Outcome, rival: Outcome) -> bool:
    """Return whether a loss is less than another by half a standard error.

    Below that, recipes would change for no other reason than the draw.
    """
    less = np.concatenate(rival.losses) - np.concatenate(outcome.losses)
    error = less.std() / np.sqrt(len(less))
    return bool(rival.loss - outcome.loss > error / 2)


def is_positive(values: NDArray[np.float64]) -> bool:
    """Return whether a mean is positive by more than two standard errors."""
    if len(values) < 2:
        return False
    error = values.std(ddof=1) / np.sqrt(len(values))
    return bool(values.mean() > _WORST * error)
