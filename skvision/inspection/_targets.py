"""Which estimator is to be looked at, and which class of each image explained."""

from typing import Any

import numpy as np
from sklearn.base import is_classifier

from skvision._contract.labels import refuse_missing


def best_of(estimator: Any) -> Any:
    """Return what a search has found, and what is no search as it is."""
    return getattr(estimator, "best_estimator_", estimator)


def class_indices(estimator: Any, X: Any, target: Any) -> np.ndarray:
    """Return which of ``classes_`` is explained: the predicted, or ``target``."""
    if not is_classifier(estimator):
        raise TypeError(
            f"The scores of a classifier can be explained; got "
            f"{type(estimator).__name__}."
        )
    refuse_missing(target, "target")
    predicted = estimator.predict(X)
    wanted = predicted if target is None else np.asarray(target)
    if wanted.shape not in ((), predicted.shape):
        raise ValueError(
            f"target must be one class, or one for each of the {len(predicted)} "
            f"images; got the shape {wanted.shape}."
        )
    known = estimator.classes_.tolist()
    index = {name: i for i, name in enumerate(known)}
    names = np.broadcast_to(wanted, predicted.shape).tolist()
    unknown = sorted({repr(name) for name in names if name not in index})
    if unknown:
        raise ValueError(
            f"target has {', '.join(unknown[:3])}, which the classifier does not know; "
            f"its classes are {known[:10]}{' and more' if len(known) > 10 else ''}."
        )
    return np.array([index[name] for name in names])
