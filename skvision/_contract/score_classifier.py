"""Classifiers that predict the class with the largest score."""

from collections.abc import Callable
from typing import Any

import numpy as np

from skvision._contract.labeled_rows import LabeledRows
from skvision._contract.labels import ClassifierMixin
from skvision._contract.sklearn_compat import CallbackSupportMixin, Estimator
from skvision._training.sources import Source


class ScoreClassifier(CallbackSupportMixin, ClassifierMixin, Estimator):
    """Base class of classifiers with a ``decision_function``."""

    classes_: Any

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each image.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the same shape as in ``fit``.

        Returns
        -------
        y : ndarray of shape (n,)
            Class labels, elements of ``classes_``.

        Raises
        ------
        ValueError
            If ``X`` has another shape than the images seen in ``fit``.
        """
        scores = self.decision_function(X)
        predicted: np.ndarray = self.classes_[winners(scores.reshape(len(scores), -1))]
        return predicted


def winners(scores: np.ndarray) -> np.ndarray:
    """Return the index of the largest score; one column belongs to the second class."""
    best = scores.argmax(axis=1) if scores.shape[1] > 1 else scores[:, 0] > 0
    return best.astype(int)


def scorer(
    held_out: LabeledRows, scores_of: Callable[[Any, Source], np.ndarray]
) -> Callable[[Any], float]:
    """Return ``params -> accuracy`` on held-out rows.

    ``scores_of`` is a function ``(params, source) -> scores``.
    """

    def score(params: Any) -> float:
        right = winners(scores_of(params, held_out.source)) == held_out.labels
        return float(np.average(right, weights=held_out.weights))

    return score
