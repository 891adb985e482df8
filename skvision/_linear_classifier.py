"""What linear classifiers share: what they are fitted to, and how they predict."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from skvision._images import validate_rows
from skvision._sklearn_compat import (
    CallbackSupportMixin,
    Progress,
    check_sample_weight,
    whole_fit,
)
from skvision._training.rows import Rows


class Problem(NamedTuple):
    """Rows, the index of the class of each among the classes, and its weight."""

    X: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    classes: np.ndarray

    @property
    def n_outputs(self):
        """Rows of W: two classes share one."""
        return len(self.classes) if len(self.classes) > 2 else 1

    @property
    def shares(self):
        """What each row counts in a mean."""
        return self.weights / self.weights.sum()


class LinearClassifier(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """Linear scores of classes, by ``coef_`` and ``intercept_``.

    A subclass says how they are found, by ``_fit`` and ``_fit_part``, and what is
    minimised, by ``_loss_and_gradient``.
    """

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
        weights = np.ones(len(X)) if weights is None else weights
        return Problem(X, labels, weights, classes)

    def _announced(self, classes):
        """Return all classes there will be, as the calls of partial_fit name them."""
        if classes is not None:
            classes = np.unique(classes)
        if not hasattr(self, "coef_"):
            if classes is None or len(classes) < 2:
                raise ValueError(
                    "The first call of partial_fit must name all classes there will "
                    "be, two at least: pass classes=np.unique(all labels)."
                )
            return classes
        if classes is not None and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"classes={classes.tolist()} is not the same as on the last call of "
                f"partial_fit, {self.classes_.tolist()}: leave it out."
            )
        return self.classes_

    def _hold_out(self, problem, rng):
        """Return the rows of weight to learn from, and those to validate on."""
        from sklearn.model_selection import train_test_split

        rows = np.flatnonzero(problem.weights)
        if not self.early_stopping:
            return rows, rows[:0]
        learning, held_out = train_test_split(
            rows,
            test_size=self.validation_fraction,
            stratify=problem.labels[rows],
            random_state=rng,
        )
        return np.sort(learning), held_out

    @whole_fit
    def fit(self, X, y, sample_weight=None):
        """Fit the weights.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features. Bytes are computed with as float32, a block of rows at
            a time.
        y : array-like of shape (n,)
            Classes, at least two.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows, not negative. With the default parameters, a row of
            weight 2 is the same as that row twice.

        Returns
        -------
        self : estimator
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter is out of its range, ``X`` is not finite numbers in one of
            the three layouts, ``y`` has one class only, or ``warm_start`` is set and
            the last fit was of other classes or features.

        Warns
        -----
        ConvergenceWarning
            If the tolerance was not reached in ``max_iter`` iterations or epochs, or a
            fit by epochs was interrupted: it then keeps the last whole epoch.
        """
        goes_on = self.warm_start and hasattr(self, "coef_")
        problem = self._see(X, y, sample_weight, reset=not goes_on)
        if goes_on and not np.array_equal(problem.classes, self.classes_):
            raise ValueError(
                f"warm_start goes on from a fit of the classes "
                f"{self.classes_.tolist()}; got the classes "
                f"{problem.classes.tolist()}. Set warm_start=False."
            )
        with Progress(self, X, y, sample_weight, self.max_iter) as progress:
            self._fit(problem, goes_on, progress)
        return self

    @whole_fit
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Make one epoch over some pictures, from where it stands.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features, like those before.
        y : array-like of shape (n,)
            Their classes.
        classes : array-like of shape (n_classes,), default=None
            All classes there will be; needed in the first call, and then the same or
            left out.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows, not negative.

        Returns
        -------
        self : estimator
            The classifier, a little better fitted.

        Raises
        ------
        ValueError
            If the first call does not name ``classes``, or a later one other classes or
            pictures of another shape; or with ``class_weight="balanced"``, for which
            all labels would have to be known.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                'class_weight="balanced" needs all labels, which partial_fit does not '
                "have: give the weights as a dict, or as sample_weight."
            )
        first = not hasattr(self, "coef_")
        problem = self._see(
            X, y, sample_weight, classes=self._announced(classes), reset=first
        )
        self._fit_part(problem, first)
        return self

    def loss_and_gradient(self, X, y, sample_weight=None):
        """Compute what is minimised, and its gradient, at the fitted weights.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features like those of ``fit``.
        y : array-like of shape (n,)
            Elements of ``classes_``.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows, not negative.

        Returns
        -------
        value : float
            Mean loss plus penalty.
        gradient : dict of str to ndarray
            Of ``coef_`` and, with ``fit_intercept``, of ``intercept_``, float64. At a
            kink a subgradient.

        Raises
        ------
        ValueError
            If ``X`` or ``y`` is not like those seen in ``fit``.
        """
        check_is_fitted(self, "coef_")
        problem = self._see(X, y, sample_weight, classes=self.classes_, reset=False)
        value, d_W, d_b = self._loss_and_gradient(problem)
        parts = {"coef_": d_W, "intercept_": d_b}
        return value, parts if self.fit_intercept else {"coef_": d_W}

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
