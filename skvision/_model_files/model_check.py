"""Validation of a model from a file, before it is used.

Each object that was made must have valid parameters and finite numbers. Then the model
checks itself and its parts, and it is tried out on an image.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from skvision._contract.check_fitted import check_fitted
from skvision._contract.sklearn_compat import check_parameters

_LEADING = ("steps", "transformer_list", "estimators_")  # to the first of them
_INNER = ("best_estimator_", "estimator_")


def check_model(model: Any, objects: Sequence[Any]) -> None:
    """Reject a model whose predictions would fail, not be finite or take too long.

    Parameters
    ----------
    model : object
        An object of one of the listed types.
    objects : sequence
        All objects with attributes that it consists of.

    Raises
    ------
    ValueError
        If the model is not fitted, its parts are inconsistent, or a prediction is too
        expensive or may not be finite.
    Exception
        Any error that estimators raise for attributes of wrong types.
    """
    for each in objects:
        _check_attributes(each)
    check_fitted(model)
    before = [vars(each).copy() for each in objects]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are for those who use the model
        _try_out(model)
    for each, attributes in zip(objects, before, strict=True):
        vars(each).clear()  # a union, for one, keeps names of features of each use
        vars(each).update(attributes)


def _check_attributes(each: Any) -> None:
    """Reject methods that are overwritten, invalid parameters and infinite numbers."""
    own, kind = vars(each), type(each)
    if is_dataclass(kind):
        if own.keys() != {field.name for field in fields(kind)}:
            raise ValueError(f"its {kind.__name__} has wrong attributes")
        return
    if own.keys() & set(dir(kind)):
        raise ValueError("it overwrites methods with values")
    if not hasattr(each, "get_params"):
        return
    if own.get("n_jobs") is not None:
        raise ValueError(f"its {kind.__name__} has n_jobs={own['n_jobs']}")
    try:
        parameters = each.get_params(deep=False).values()
    except AttributeError as error:
        raise ValueError(
            f"its {kind.__name__} lacks a parameter of this version of skvision: "
            f"{error}"
        ) from error
    check_parameters(each)
    arrays = [value for value in own.values() if isinstance(value, np.ndarray)]
    of_floats = [array for array in arrays if array.dtype.kind == "f"]
    if not all(np.isfinite(array).all() for array in of_floats) or not all(
        map(_is_finite, parameters)
    ):
        raise ValueError(f"its {kind.__name__} has numbers that are not finite")


def _is_finite(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_finite, value))
    return not isinstance(value, float | np.floating) or math.isfinite(value)


def _first_of(model: Any) -> Any:
    """Return the estimator that sees the input of a model first."""
    own = vars(model)
    if "image_shape_" in own:
        return model
    for name in _LEADING:
        for each in own.get(name, ()):
            step = each[1] if isinstance(each, tuple) else each
            if not isinstance(step, str | None):  # "passthrough" or "drop"
                return _first_of(step)
    for name in _INNER:
        if own.get(name) is not None:
            return _first_of(own[name])
    return model


def _example(model: Any) -> np.ndarray:
    """Return an image of black, white and noise, as a batch that a model takes."""
    first = _first_of(model)
    bounds = check_fitted(first)
    from_files = not hasattr(first, "n_features_in_")  # which flat rows are not
    shape = bounds.image_shape if from_files else getattr(first, "image_shape_", None)
    height, width, n_channels = shape or (1, first.n_features_in_, 1)
    size = height, width, n_channels
    image = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    third = -(-width // 3)
    image[:, :third], image[:, 2 * third :] = 0, 255
    if not from_files:
        return image.reshape(1, -1)
    return (image[..., 0] if n_channels == 1 else image)[np.newaxis]


def _try_out(model: Any) -> None:
    """Reject a model that fails on an image."""
    X = _example(model)
    if hasattr(model, "verify"):
        model.verify(X, X)
    elif hasattr(model, "predict_proba"):
        probabilities = model.predict_proba(X)
        if probabilities.shape != (1, len(model.classes_)):
            raise ValueError("it has scores for a different number of classes")
        if not np.isfinite(probabilities).all():
            raise ValueError("its weights are not finite")
    elif hasattr(model, "decision_function"):
        model.predict(X)
    elif hasattr(model, "transform"):
        model.transform(X)
    else:
        model.kneighbors(X, 1)
