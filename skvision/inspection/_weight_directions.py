"""The weights of a model as one vector, and directions in their space.

The vector consists of the attributes of the model that its loss has gradients for, of
given ``names``.
"""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from skvision._contract.models import DifferentiableClassifier, answers
from skvision.inspection._targets import last_step


def weight_vector(model: Any, names: Sequence[str]) -> np.ndarray:
    """Return all weights of a model as a float64 vector."""
    parts = [np.ravel(getattr(model, name)) for name in names]
    return np.concatenate(parts).astype(np.float64)


def with_weights(model: Any, names: Sequence[str], weights: np.ndarray) -> Any:
    """Return a copy of the model with other weights, which are views of the vector."""
    other, start = copy.copy(model), 0
    for name in names:
        former = getattr(model, name)
        part = weights[start : start + former.size]
        setattr(other, name, part.reshape(former.shape))
        start += former.size
    return other


def random_direction(
    model: Any, names: Sequence[str], rng: np.random.RandomState
) -> np.ndarray:
    """Return a random direction with the norms of the model's filters and no biases."""
    filters = model.unit_weights_
    n_weights = sum(weights.size for weights in filters)  # they precede the biases
    direction = np.zeros(len(weight_vector(model, names)))
    direction[:n_weights] = rng.standard_normal(n_weights)
    drawn = with_weights(model, names, direction).unit_weights_  # views of it
    for weights, part in zip(filters, drawn, strict=True):
        part /= np.linalg.norm(part, axis=1, keepdims=True)
        part *= np.linalg.norm(weights, axis=1, keepdims=True)
    return direction


def path_steps(
    path: Any, names: Sequence[str], here: np.ndarray, n_directions: int
) -> Any:
    """Return the path relative to the weights ``here``, (n_steps, n_params)."""
    models = [last_step(step) for step in path]
    for model in models:
        if not answers(model, DifferentiableClassifier):
            raise TypeError(
                f"path must contain copies of the estimator during training; got "
                f"{type(model).__name__}. Append copy.deepcopy(estimator)."
            )
    if len(models) <= n_directions:
        raise ValueError(
            f"path must have at least {n_directions + 1} steps for {n_directions} "
            f"directions; got {len(models)}."
        )
    alike = all(hasattr(model, name) for model in models for name in names)
    vectors = [weight_vector(model, names) for model in models if alike]
    if not alike or any(vector.shape != here.shape for vector in vectors):
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
