"""Validate: what a recipe predicts for training images it has not learned from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skvision._linear.softmax_regression import SoftmaxRegression
from skvision._networks.mlp_backprop import MLPBackprop
from skvision._recipes.features import make_normalizer

_STEP = 10**0.5  # between two penalties
_FIRST_ALPHAS = tuple(10.0 / _STEP**i for i in range(7))
_LEAST_ALPHA = 1e-4
_TOL = 1e-3  # enough to compare
_WORST = 2.0  # standard errors, above which a recipe is given up after a draw
_EPSILON = 1e-15


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
        return _mean(self.losses, self.weights)

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """The accuracy of each draw."""
        pairs = zip(self.hits, self.weights, strict=True)
        return np.array([np.average(hits, weights=w) for hits, w in pairs])


def validate_softmax(
    rows: Rows,
    draws: Sequence[tuple[NDArray[Any], NDArray[Any]]],
    alphas: Sequence[float] = _FIRST_ALPHAS,
    rival: Outcome | None = None,
) -> Outcome | None:
    """Validate a softmax regression with the best of some penalties.

    Parameters
    ----------
    rows : Rows
        Features of the training images.
    draws : sequence of (learning, validation)
        Indices of the images to learn from, and of those to predict, in each draw.
    alphas : sequence of float
        The penalties, descending. Where the smallest is the best, smaller ones follow.
    rival : Outcome or None
        The outcome to compare with: a model that is certainly worse in the first draw
        is given up.

    Returns
    -------
    outcome : Outcome or None
        None if the model was given up.
    """
    tried: dict[float, list[NDArray[np.float64]]] = {}
    for number, draw in enumerate(draws):
        for alpha, probabilities in zip(
            alphas, _predict(rows, draw, alphas), strict=True
        ):
            tried.setdefault(alpha, []).append(probabilities)
        if number == 0 and rival and _is_worse(tried, rows, draws[:1], rival):
            return None
    outcome = _best(tried, rows, draws)
    while outcome.alpha == min(tried) and outcome.alpha / _STEP > _LEAST_ALPHA:
        alpha = outcome.alpha / _STEP
        tried[alpha] = [_predict(rows, draw, [alpha])[0] for draw in draws]
        outcome = _best(tried, rows, draws)
    while outcome.alpha == max(tried) and outcome.alpha < max(_FIRST_ALPHAS):
        alpha = outcome.alpha * _STEP
        tried[alpha] = [_predict(rows, draw, [alpha])[0] for draw in draws]
        outcome = _best(tried, rows, draws)
    return outcome


def nearby(alpha: float) -> tuple[float, float, float]:
    """Return a penalty between the next larger and the next smaller one."""
    return alpha * _STEP, alpha, alpha / _STEP


def validate_with_network(
    rows: Rows,
    draws: Sequence[tuple[NDArray[Any], NDArray[Any]]],
    softmax: Outcome,
    seed: int,
) -> Outcome:
    """Validate the average of a softmax regression and a neural network."""
    averages = []
    for (learning, validation), own in zip(draws, softmax.probabilities, strict=True):
        normalizer, x, labels, weights = _normalized(rows, learning)
        network = make_network(seed).fit(x, labels, sample_weight=weights)
        other = network.predict_proba(normalizer.transform(rows.features[validation]))
        averages.append((own + _in_columns(other, network.classes_, own.shape[1])) / 2)
    return _measure(softmax.alpha, averages, rows, draws, softmax.path)


def make_network(seed: int) -> MLPBackprop:
    """Return the neural network that learns from normalized features."""
    return MLPBackprop(
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
        random_state=seed,
    )


def _predict(
    rows: Rows,
    draw: tuple[NDArray[Any], NDArray[Any]],
    alphas: Sequence[float],
) -> list[NDArray[np.float64]]:
    """Return the probabilities of the validation images for each penalty."""
    learning, validation = draw
    normalizer, x, labels, weights = _normalized(rows, learning)
    unseen = normalizer.transform(rows.features[validation])
    n_classes = int(rows.labels.max()) + 1
    model = SoftmaxRegression(warm_start=True, tol=_TOL)
    probabilities = []
    for alpha in alphas:
        model.set_params(alpha=alpha).fit(x, labels, sample_weight=weights)
        own = model.predict_proba(unseen)
        probabilities.append(_in_columns(own, model.classes_, n_classes))
    return probabilities


def _normalized(rows: Rows, index: NDArray[Any]) -> Any:
    x, labels, weights = rows.learning_rows(index)
    normalizer = make_normalizer().fit(x, sample_weight=weights)
    return normalizer, normalizer.transform(x), labels, weights


def _in_columns(
    probabilities: NDArray[Any], classes: NDArray[np.intp], n_classes: int
) -> NDArray[np.float64]:
    """Return probabilities of all classes: 0 for those that a model does not know."""
    every = np.zeros((len(probabilities), n_classes))
    every[:, classes] = probabilities
    return every


def _best(
    tried: dict[float, list[NDArray[np.float64]]],
    rows: Rows,
    draws: Sequence[tuple[NDArray[Any], NDArray[Any]]],
) -> Outcome:
    outcomes = [_measure(alpha, tried[alpha], rows, draws, {}) for alpha in tried]
    path = {outcome.alpha: outcome.loss for outcome in outcomes}
    best = min(outcomes, key=lambda outcome: outcome.loss)
    best.path.update(path)
    return best


def _measure(
    alpha: float,
    probabilities: list[NDArray[np.float64]],
    rows: Rows,
    draws: Sequence[tuple[NDArray[Any], NDArray[Any]]],
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


def _is_worse(
    tried: dict[float, list[NDArray[np.float64]]],
    rows: Rows,
    draws: Sequence[tuple[NDArray[Any], NDArray[Any]]],
    rival: Outcome,
) -> bool:
    """Return whether a model is worse in the first draw, by some standard errors."""
    more = _best(tried, rows, draws).losses[0] - rival.losses[0]
    if len(more) < 2:
        return False
    error = more.std(ddof=1) / np.sqrt(len(more))
    return bool(np.average(more, weights=rival.weights[0]) > _WORST * error)


def _mean(
    values: list[NDArray[np.float64]], weights: list[NDArray[np.float64]]
) -> float:
    return float(np.average(np.concatenate(values), weights=np.concatenate(weights)))
