"""The weights of a model as one vector, and directions in their space."""

import copy
from typing import Any

import numpy as np

from skvision._linear.linear_classifier import LinearClassifier
from skvision._networks.network_classifier import NetworkClassifier


def weights_of(model: Any) -> Any:
    """Return all that was learned, in one vector, float64."""
    if isinstance(model, NetworkClassifier):
        return model.parameters_.astype(np.float64)
    parts = model.coef_.ravel(), model.intercept_
    return np.concatenate(parts).astype(np.float64)


def with_weights(model: Any, weights: np.ndarray) -> Any:
    """Return the model with other weights."""
    other = copy.copy(model)
    if isinstance(model, NetworkClassifier):
        other.parameters_ = weights
    else:
        n_weights = model.coef_.size
        other.coef_ = weights[:n_weights].reshape(model.coef_.shape)
        other.intercept_ = weights[n_weights:]
    return other


def random_direction(model: Any, rng: np.random.RandomState) -> np.ndarray:
    """Return normal numbers, each filter as long as that of the model; biases zero."""
    pairs: Any
    direction = np.zeros(len(weights_of(model)))
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


def steps_of(path: Any, here: np.ndarray, n_directions: int) -> Any:
    """Return where the path was, from where it ends, (n_steps, n_params)."""
    models = [step[-1] if hasattr(step, "steps") else step for step in path]
    for model in models:
        if not isinstance(model, LinearClassifier | NetworkClassifier):
            raise TypeError(
                f"path must be copies of the estimator as it was in training; got "
                f"{type(model).__name__}: append copy.deepcopy(estimator)."
            )
    if len(models) <= n_directions:
        raise ValueError(
            f"path has {len(models)} steps; {n_directions} directions need "
            f"{n_directions + 1} or more."
        )
    vectors = [weights_of(model) for model in models]
    if any(vector.shape != here.shape for vector in vectors):
        raise ValueError(
            "path has models of other shapes than the estimator: record it while that "
            "one is trained."
        )
    steps = np.array(vectors) - here
    if np.ptp(steps, axis=0).max() == 0:
        raise ValueError(
            "all steps of path are the same: append copies, copy.deepcopy(estimator), "
            "not the estimator itself."
        )
    return steps


def principal_directions(
    steps: np.ndarray, n_directions: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors along which the path goes, and their shares of it."""
    _, lengths, directions = np.linalg.svd(steps, full_matrices=False)
    ratio = lengths**2 / (lengths**2).sum()
    directions *= np.where(directions @ steps[0] > 0, -1, 1)[:, None]  # rightwards, up
    return directions[:n_directions], ratio[:n_directions]
