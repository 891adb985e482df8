"""Checks of fitted attributes, which may come from a file that is not trusted."""

from typing import Any

import numpy as np

_LARGEST_SCORE = float(np.finfo(np.float32).max) / 4
_TINY = np.finfo(np.float32).tiny


def check_arrays(owner: Any, **shapes: tuple[int, ...]) -> None:
    """Raise an error if attributes are not finite floats of the given shapes."""
    name = type(owner).__name__
    for attribute, shape in shapes.items():
        array = getattr(owner, attribute)
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            raise ValueError(f"{attribute} of {name} must be an array of floats")
        if array.shape != shape:
            raise ValueError(
                f"{attribute} of {name} must have the shape {shape}; got {array.shape}"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{attribute} of {name} has numbers that are not finite")


def check_classes(classes: Any) -> int:
    """Return the number of classes; raise an error if they are not different labels."""
    if not isinstance(classes, np.ndarray) or classes.ndim != 1:
        raise ValueError("classes_ must be an array with one axis")
    if len(np.unique(classes)) != len(classes):
        raise ValueError("its classes are not unique")
    return len(classes)


def check_optimizer_state(state: Any, n_params: int) -> None:
    """Raise an error if the state of an optimizer is not for so many parameters."""
    for name, array in ({} if state is None else state).items():
        shapes = [()] if name == "n_steps" else [(n_params,)]
        if np.shape(array) not in shapes or not np.isfinite(array).all():
            raise ValueError(f"{name} of its optimizer does not fit to the weights")


def standardized(largest: np.ndarray, center: Any, scale: Any) -> np.ndarray:
    """Return bounds of standardized features; None leaves out a part of it."""
    with np.errstate(over="ignore"):
        if center is not None:
            largest = largest + np.abs(center)
        return largest if scale is None else largest / np.maximum(np.abs(scale), _TINY)


def scores_of(largest: np.ndarray, weights: Any, biases: Any) -> np.ndarray:
    """Return bounds of ``X @ weights + biases``, where that of ``X`` is ``largest``."""
    check_finite(largest)
    largest = np.broadcast_to(largest, len(weights))
    with np.errstate(over="ignore"):
        scores: np.ndarray = largest @ np.abs(weights).astype(np.float64)
        scores = scores + np.abs(biases)
    return scores


def check_finite(largest: np.ndarray) -> None:
    """Raise an error if numbers within bounds may overflow in single precision."""
    if (largest >= _LARGEST_SCORE).any():
        raise ValueError("its scores could be infinite")


def linear_scores(model: Any, largest: np.ndarray) -> np.ndarray:
    """Check ``classes_``, ``coef_`` and ``intercept_``; return bounds of the scores."""
    n_classes = check_classes(model.classes_)
    n_rows = 1 if n_classes == 2 else n_classes
    if n_classes < 2 or np.shape(model.coef_)[:1] != (n_rows,):
        raise ValueError("it has scores for a different number of classes")
    n_features = model.n_features_in_
    check_arrays(model, coef_=(n_rows, n_features), intercept_=(n_rows,))
    return scores_of(largest, model.coef_.T, model.intercept_)
