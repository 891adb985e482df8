"""What linear classifiers share: what they are fitted to, and how they predict."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from skvision._images import validate_rows
from skvision._sklearn_compat import CallbackSupportMixin, check_sample_weight
from skvision._training.rows import Rows


class Problem(NamedTuple):
    """Rows, the index of the class of each, and weights with mean one."""

    X: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    classes: np.ndarray
    weighted: bool  # whether any weights were given

    @property
    def n_outputs(self):
        """Rows of W: two classes share one."""
        return len(self.classes) if len(self.classes) > 2 else 1

    @property
    def shares(self):
        """What each row counts in a mean."""
        return self.weights / len(self.weights)


class LinearClassifier(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """Linear scores of classes, by ``coef_`` and ``intercept_``."""

    def _see(self, X, y, sample_weight, *, classes=None, reset):
        """Check what is to be learnt from; ``classes`` where they are known."""
        X, y = validate_rows(self, X, y, reset=reset)
        check_classification_targets(y)
        present, labels = np.unique(y, return_inverse=True)
        if classes is None:
            classes = present
            if len(classes) < 2:
                raise ValueError(
                    f"y has one class only, {str(classes[0])!r}; a classifier needs "
                    f"two or more."
                )
        else:
            unknown = np.setdiff1d(present, classes)
            if len(unknown):
                raise ValueError(
                    f"y has the classes {unknown.tolist()}, which are not among those "
                    f"announced, {classes.tolist()}: name all classes in the first "
                    f"call of partial_fit."
                )
            labels = np.searchsorted(classes, present)[labels]
        weights = _row_weights(sample_weight, self.class_weight, X, classes, labels)
        weighted = weights is not None
        weights = np.ones(len(X)) if weights is None else weights / weights.mean()
        return Problem(X, labels, weights, classes, weighted)

    def _keep(self, W, b, classes, dtype):
        self.classes_ = classes
        self.coef_, self.intercept_ = W.astype(dtype), b.astype(dtype)

    def decision_function(self, X):
        """Compute the scores of the classes.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features like those of ``fit``.

        Returns
        -------
        scores : ndarray of shape (n, n_classes), or (n,) for two classes
            Linear scores; with two classes that of the second one.

        Raises
        ------
        ValueError
            If ``X`` is not like the pictures seen in ``fit``.
        """
        check_is_fitted(self, "coef_")
        X = validate_rows(self, X, reset=False)
        rows = Rows(X, None)
        scores = np.empty((len(X), len(self.coef_)), np.result_type(X, self.coef_))
        for block in rows.blocks():
            x = rows.draw(block).astype(scores.dtype, copy=False)
            scores[block] = x @ self.coef_.T + self.intercept_
        return scores if len(self.coef_) > 1 else scores[:, 0]

    def predict(self, X):
        """Predict the class of each picture, the one with the largest score.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features like those of ``fit``.

        Returns
        -------
        y : ndarray of shape (n,)
            Elements of ``classes_``.

        Raises
        ------
        ValueError
            If ``X`` is not like the pictures seen in ``fit``.
        """
        scores = self.decision_function(X)
        best = scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).astype(int)
        return self.classes_[best]

    @property
    def templates_(self):
        """The weights as pictures, (n_classes, H, W, C), or (n_classes, H, W) if grey.

        One picture, of the second class, where there are two classes.
        """
        check_is_fitted(self, "coef_")
        if self.image_shape_ is None:
            raise AttributeError(
                f"{type(self).__name__} was fitted on flat rows, so that templates_ "
                f"have no height and width: pass pictures as (n, H, W[, C]) arrays, or "
                f"reshape coef_."
            )
        height, width, channels = self.image_shape_
        shape = (height, width, channels)[: 2 if channels == 1 else 3]
        return self.coef_.reshape(-1, *shape)


def _row_weights(
    sample_weight: Any, class_weight: Any, X: Any, classes: Any, labels: Any
) -> Any:
    """Return weights of rows times weights of classes, None where all are one."""
    if sample_weight is None and class_weight is None:
        return None
    weights = check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    if isinstance(class_weight, str):  # "balanced"
        totals = np.bincount(labels, weights, minlength=len(classes))
        share = totals.sum() / len(classes)
        of_classes = np.divide(share, totals, where=totals > 0, out=totals)
    else:
        of_classes = compute_class_weight(
            class_weight, classes=classes, y=classes[labels]
        )
    if min(of_classes) < 0:
        raise ValueError(f"class_weight must not be negative; got {class_weight}.")
    weights = weights * of_classes[labels]
    if not weights.any():
        raise ValueError(
            "The weights of all rows are zero, by sample_weight, class_weight or both: "
            "Sample weights must contain at least one non-zero number."
        )
    return weights
