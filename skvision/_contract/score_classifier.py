"""Classifiers that predict the class with the largest score."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skvision._contract.divergence import check_outputs
from skvision._contract.images import as_array, validate_rows
from skvision._contract.labeled_rows import LabeledRows
from skvision._contract.labels import ClassifierMixin
from skvision._contract.models import validate_d_scores
from skvision._contract.sklearn_compat import CallbackSupportMixin, Estimator
from skvision._training.sources import ArraySource, Source


class ScoreClassifier(CallbackSupportMixin, ClassifierMixin, Estimator):
    """Base class of classifiers with a ``decision_function``.

    Subclasses define their ``unit_weights_``, and ``_input_gradient``, which maps
    validated rows and the gradient with respect to the scores, (n, n_outputs), to that
    with respect to the rows.
    """

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

    @property
    def first_layer_weights_(self) -> np.ndarray:
        """The weights of the first layer, (n_units, n_features), as a view."""
        weights: np.ndarray = self.unit_weights_[0]
        return weights

    def input_gradient(self, X: Any, d_scores: Any) -> np.ndarray:
        """Compute the gradient of a function of the scores with respect to the images.

        It is the product of ``d_scores`` with the Jacobian of `decision_function`.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the same shape as in ``fit``.
        d_scores : array-like of shape (n, n_classes), or (n,) for two classes
            Gradient of the function with respect to the scores.

        Returns
        -------
        gradient : ndarray of the shape of ``X``
            Gradient of the function with respect to ``X``, float64 for float64 images
            and float32 otherwise.

        Raises
        ------
        ValueError
            If ``X`` has another shape than in ``fit``, or ``d_scores`` does not have
            the shape of the scores.
        """
        check_is_fitted(self)
        rows = validate_rows(self, X, reset=False)
        d_scores = validate_d_scores(d_scores, len(rows), len(self.classes_))
        gradient: np.ndarray = self._input_gradient(rows, d_scores)
        check_outputs(gradient, ArraySource(rows))
        return gradient.reshape(np.shape(as_array(X)))


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
