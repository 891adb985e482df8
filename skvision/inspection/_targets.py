"""Selection of the model to inspect, and of the class of each image to explain."""

from typing import Any

import numpy as np
from sklearn.base import is_classifier

from skvision._contract.labels import refuse_missing


def best_estimator_of(estimator: Any) -> Any:
    """Return the best estimator of a fitted search, or the estimator itself."""
    return getattr(estimator, "best_estimator_", estimator)


def last_step(estimator: Any) -> Any:
    """Return the last step of a pipeline or of the best one of a fitted search.

    An estimator that is no pipeline is returned itself.
    """
    # imported here because it loads many modules
    from sklearn.pipeline import Pipeline

    estimator = best_estimator_of(estimator)
    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


def input_of_last_step(estimator: Any, X: Any) -> Any:
    """Return images as they reach the `last_step` of an estimator."""
    estimator = best_estimator_of(estimator)
    if last_step(estimator) is estimator or len(estimator) == 1:
        return X
    return estimator[:-1].transform(X)


def class_indices(estimator: Any, X: Any, target: Any) -> np.ndarray:
    """Return the indices in ``classes_`` of the predicted classes or of ``target``."""
    if not is_classifier(estimator):
        raise TypeError(
            f"estimator must be a classifier; got {type(estimator).__name__}."
        )
    refuse_missing(target, "target")
    predicted = estimator.predict(X)
    wanted = predicted if target is None else np.asarray(target)
    if wanted.shape not in ((), predicted.shape):
        raise ValueError(
            f"target must be one class, or a class for each of the {len(predicted)} "
            f"images; got an array of shape {wanted.shape}."
        )
    known = estimator.classes_.tolist()
    index = {name: i for i, name in enumerate(known)}
    names = np.broadcast_to(wanted, predicted.shape).tolist()
    unknown = sorted({repr(name) for name in names if name not in index})
    if unknown:
        raise ValueError(
            f"target contains {', '.join(unknown[:3])}, but the classes of the "
            f"classifier are {known[:10]}{' and more' if len(known) > 10 else ''}."
        )
    return np.array([index[name] for name in names])
