"""Validation of fitted estimators: consistency, and the cost of a prediction.

An estimator from a file may have arbitrary parameters and arrays. It is accepted only
if its parts fit together, and if predictions need bounded time and memory. Both follow
from the shapes and values of its arrays, which are checked before anything is computed
with images. If the inputs are images from files, or features with known bounds, the
results are finite too.

Estimators of skvision check themselves, by `models.Fitted.check_fitted`; this file
checks those of scikit-learn that are used with them, and that they fit to each other.
"""

import math
from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skvision._contract.fitted_arrays import (
    check_arrays,
    check_classes,
    check_finite,
    linear_scores,
    scores_of,
    standardized,
)
from skvision._contract.models import UNKNOWN, Bounds

MOST_OPERATIONS = 10**11  # multiply-adds per image, about ten seconds on one core
MOST_PIXELS = 1 << 26  # and channels, of an image
MOST_FEATURES = 1 << 24  # that are computed from an image
_PER_PIXEL = 100  # upper bound of other operations per pixel


def check_fitted(model: Any, inputs: Bounds = UNKNOWN) -> Bounds:
    """Check a fitted estimator and all that it consists of.

    Parameters
    ----------
    model : object
        An estimator of skvision, or one of those of scikit-learn in `_OTHERS`.
    inputs : Bounds, default=UNKNOWN
        Bounds of what the estimator gets.

    Returns
    -------
    bounds : Bounds
        Bounds of its work for one image, and of its result.

    Raises
    ------
    ValueError
        If its parts are inconsistent, if it needs more than `MOST_OPERATIONS` per
        image, or if its results could overflow in single precision.
    Exception
        Any error that estimators raise for attributes of wrong types.
    """
    check_is_fitted(model)
    kind = type(model)
    check = _OTHERS.get(f"{kind.__module__}.{kind.__name__}")
    n_features = _check_inputs(model, inputs)
    bounds: Bounds = check(model, inputs) if check else model.check_fitted(inputs)
    n_features_out = bounds.largest.size
    if n_features_out > MOST_FEATURES and bounds.image_shape is None:
        raise ValueError(f"{kind.__name__} has over {MOST_FEATURES} features")
    n_operations = bounds.n_operations + n_features + n_features_out
    if n_operations > MOST_OPERATIONS:
        raise ValueError(
            f"it needs {n_operations:.1e} multiply-adds per image, over "
            f"{MOST_OPERATIONS:.1e}: train with a smaller size or fewer features"
        )
    check_finite(bounds.largest)
    return bounds._replace(n_operations=n_operations)


def _check_inputs(model: Any, inputs: Bounds) -> int:
    """Check that an estimator is for its inputs; return an upper bound of their work.

    Those that consist of others are checked by these.
    """
    own = vars(model)
    n_features, shape = own.get("n_features_in_"), own.get("image_shape_")
    if n_features is None and shape is None:
        return 0
    name = type(model).__name__
    if not isinstance(n_features, Integral) or not 1 <= int(n_features) < MOST_PIXELS:
        raise ValueError(f"n_features_in_ of {name} must be below {MOST_PIXELS}")
    if inputs.largest.ndim and inputs.largest.shape != (n_features,):
        raise ValueError("its steps expect different numbers of features")
    if shape is None:
        return int(n_features)
    positive = len(shape) == 3 and all(type(n) is int and n > 0 for n in shape)
    if not positive or math.prod(shape) != n_features:
        raise ValueError(f"image_shape_ of {name} is not that of its features")
    if inputs.image_shape not in (None, shape):
        raise ValueError("its steps expect images of different shapes")
    return _PER_PIXEL * int(n_features)


# Estimators of scikit-learn


def _check_pipeline(pipeline: Any, inputs: Bounds) -> Bounds:
    if pipeline.memory is not None or not pipeline.steps:
        raise ValueError("a pipeline must have steps, and memory=None")
    n_operations = 0
    for _, step in pipeline.steps:
        if not isinstance(step, str | None):  # "passthrough"
            inputs = check_fitted(step, inputs)
            n_operations += inputs.n_operations
    return inputs._replace(n_operations=n_operations)


def _check_union(union: Any, inputs: Bounds) -> Bounds:
    if union.transformer_weights is not None:
        raise ValueError("its features have weights")
    steps = [step for _, step in union.transformer_list]
    if not steps or any(isinstance(step, str) for step in steps):
        raise ValueError("a union must have transformers, and no text instead")
    each = [check_fitted(step, inputs) for step in steps]
    n_operations = sum(bounds.n_operations for bounds in each)
    n_features = sum(bounds.largest.size for bounds in each)
    if n_features > MOST_FEATURES or n_operations > MOST_OPERATIONS:
        raise ValueError("its features take too much memory or time")
    return Bounds(n_operations, np.concatenate([bounds.largest for bounds in each]))


def _check_voting(voting: Any, inputs: Bounds) -> Bounds:
    if voting.voting != "soft":
        raise ValueError("an ensemble must have voting='soft'")
    n_classes = check_classes(voting.classes_)
    if not np.array_equal(voting.classes_, voting.le_.classes_):
        raise ValueError("its ensemble has other classes than its labels")
    for member in voting.estimators_:
        if len(member.classes_) != n_classes:
            raise ValueError("its ensemble has members of different classes")
    each = [check_fitted(member, inputs) for member in voting.estimators_]
    n_operations = sum(bounds.n_operations for bounds in each)
    return Bounds(n_operations, np.ones(n_classes))


def _check_scaler(scaler: Any, inputs: Bounds) -> Bounds:
    names = [name for name in ("mean_", "scale_") if getattr(scaler, name) is not None]
    check_arrays(scaler, **dict.fromkeys(names, (scaler.n_features_in_,)))
    center = scaler.mean_ if scaler.with_mean else None
    scale = scaler.scale_ if scaler.with_std else None
    largest = standardized(inputs.largest, center, scale)
    return Bounds(0, np.broadcast_to(largest, (scaler.n_features_in_,)))


def _check_pca(pca: Any, inputs: Bounds) -> Bounds:
    n_components, n_features = len(pca.components_), pca.n_features_in_
    check_arrays(
        pca,
        components_=(n_components, n_features),
        mean_=(n_features,),
        explained_variance_=(n_components,),
    )
    largest = standardized(inputs.largest, pca.mean_, None)
    largest = scores_of(largest, pca.components_.T, 0.0)
    if pca.whiten:
        deviations = np.sqrt(np.maximum(pca.explained_variance_, 0))
        largest = standardized(largest, None, deviations)
    return Bounds(pca.components_.size, largest)


def _check_linear(model: Any, inputs: Bounds) -> Bounds:
    return Bounds(model.coef_.size, linear_scores(model, inputs.largest))


_OTHERS: dict[str, Callable[[Any, Bounds], Bounds]] = {
    "sklearn.pipeline.Pipeline": _check_pipeline,
    "sklearn.pipeline.FeatureUnion": _check_union,
    "sklearn.ensemble._voting.VotingClassifier": _check_voting,
    "sklearn.preprocessing._data.StandardScaler": _check_scaler,
    "sklearn.decomposition._pca.PCA": _check_pca,
    "sklearn.linear_model._logistic.LogisticRegression": _check_linear,
}
