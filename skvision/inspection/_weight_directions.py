"""The weights of a model as one vector, and directions in their space."""

import copy
from typing import Any

import numpy as np

from skvision._linear.linear_classifier import LinearClassifier
from skvision._networks.network_classifier import NetworkClassifier


def weight_vector(model: Any) -> Any:
    """Return all weights of a model as a float64 vector."""
    if isinstance(model, NetworkClassifier):
        return model.parameters_.astype(np.float64)
    parts = model.coef_.ravel(), model.intercept_
    return np.concatenate(parts).astype(np.float64)


def with_weights(model: Any, weights: np.ndarray) -> Any:
    """Return a copy of the model with other weights."""
    other = copy.copy(model)
    if isinstance(model, NetworkClassifier):
        other.parameters_ = weights
    else:
        n_weights = model.coef_.size
        other.coef_ = weights[:n_weights].reshape(model.coef_.shape)
        other.intercept_ = weights[n_weights:]
    return other


def random_direction(model: Any, rng: np.random.RandomState) -> np.ndarray:
    """Return a random direction with the norms of the model's filters and no biases."""
    pairs: Any
    direction = np.zeros(len(weight_vector(model)))
    other = with_weights(model, direction)  # of which the arrays below are views
    if isinstance(model, NetworkClassifier):
        axes = [0] * len(model.coefs_)  # weights into a unit are a column
        if model._architecture.by_angle:
            axes[-1] = 1  # a center is a row
        pairs = zip(model.coefs_, other.coefs_, axes, strict=True)
    else:
        pairs = iter([(model.coef_, other.coef_, 1)])
    for weights, part, axis in pairs:
        drawn = rng.standard_normal(weights.shape)
        drawn /= np.linalg.norm(drawn, axis=axis, keepdims=True)
        part[...] = drawn * np.linalg.norm(weights, axis=axis, keepdims=True)
    return direction


def path_steps(path: Any, here: np.ndarray, n_directions: int) -> Any:
    """Return the path relative to the weights ``here``, (n_steps, n_params)."""
    models = [step[-1] if hasattr(step, "steps") else step for step in path]
    for model in models:
        if not isinstance(model, LinearClassifier | NetworkClassifier):
            raise TypeError(
                f"path must contain copies of the estimator during training; got "
                f"{type(model).__name__}. Append copy.deepcopy(estimator)."
            )
    if len(models) <= n_directions:
        raise ValueError(
            f"path must have at least {n_directions + 1} steps for {n_directions} "
            f"directions; got {len(models)}."
        )
    vectors = [weight_vector(model) for model in models]
    if any(vector.shape != here.shape for vector in vectors):
        raise ValueError(
            "path contains models whose shapes differ from the estimator. Record it "
            "while the estimator is trained."
        )
    steps = np.array(vectors) - here
    if np.ptp(steps, axis=0).max() == 0:
        raise ValueError(
            "All steps of path are equal. Append copies, copy.deepcopy(estimator), and "
            "not the estimator itself."
        )
    return steps


def principal_directions(
    steps: np.ndarray, n_directions: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the principal directions of a path and their fractions of the variance."""
    _, lengths, directions = np.linalg.svd(steps, full_matrices=False)
    ratio = lengths**2 / (lengths**2).sum()
    directions *= np.where(directions @ steps[0] > 0, -1, 1)[:, None]  # right and up
    return directions[:n_directions], ratio[:n_directions]
