"""What linear classifiers share: how they are fitted, and how they predict."""

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skvision._contract.divergence import check_outputs
from skvision._contract.images import validate_rows
from skvision._contract.labeled_rows import (
    announced_classes,
    refuse_balanced,
    refuse_other_classes,
    see,
)
from skvision._contract.labels import ClassifierMixin
from skvision._contract.sklearn_compat import (
    CallbackSupportMixin,
    Estimator,
    Progress,
    end_fit,
    whole_fit,
)
from skvision._training.rows import Rows


class LinearClassifier(CallbackSupportMixin, ClassifierMixin, Estimator):
    """Linear scores of classes, by ``coef_`` and ``intercept_``.

    A subclass says how they are found, by ``_fit`` and ``_fit_part``, which return
    whether they were interrupted after a whole epoch, and what is minimized, by
    ``_loss_and_gradient``.
    """

    @whole_fit
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the weights.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features. Bytes are computed with as float32, a block of rows at
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
        KeyboardInterrupt
            If the fit is interrupted. A fit by epochs first keeps what its whole epochs
            came to and sets ``interrupted_``; before the end of the first epoch, and
            with ``solver="auto"``, the estimator stays as it was before ``fit``.
        TypeError
            If a callable ``learning_rate`` does not take two arguments or does not
            return a number.

        Warns
        -----
        ConvergenceWarning
            If the tolerance was not reached in ``max_iter`` iterations or epochs.
        """
        goes_on = self.warm_start and hasattr(self, "coef_")
        problem = see(self, X, y, sample_weight, reset=not goes_on)
        if goes_on:
            refuse_other_classes(self, problem.classes)
        with Progress(self, X, y, sample_weight, self.max_iter) as progress:
            interrupted = self._fit(problem, goes_on, progress)
            done = f"{self.n_iter_} of max_iter={self.max_iter} epochs"
            end_fit(self, interrupted, f"the result of {done}")
        return self

    @whole_fit
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Make one epoch over some images, from where it stands.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features, like those before.
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
            images of another shape; or with ``class_weight="balanced"``, for which
            all labels would have to be known.
        KeyboardInterrupt
            If the epoch is interrupted; the classifier stays as it was before.
        """
        refuse_balanced(self)
        first = not hasattr(self, "coef_")
        problem = see(
            self,
            X,
            y,
            sample_weight,
            classes=announced_classes(self, classes),
            reset=first,
        )
        interrupted = self._fit_part(problem, first)
        end_fit(self, interrupted, "this epoch, which was whole")
        return self

    def loss_and_gradient(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> tuple[float, dict[str, np.ndarray]]:
        """Compute what is minimized, and its gradient, at the fitted weights.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features like those of ``fit``.
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
        problem = see(self, X, y, sample_weight, classes=self.classes_, reset=False)
        value, d_W, d_b = self._loss_and_gradient(problem)
        parts = {"coef_": d_W, "intercept_": d_b}
        return value, parts if self.fit_intercept else {"coef_": d_W}

    def decision_function(self, X: Any) -> np.ndarray:
        """Compute the scores of the classes.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features like those of ``fit``.

        Returns
        -------
        scores : ndarray of shape (n, n_classes), or (n,) for two classes
            Linear scores; with two classes that of the second one.

        Raises
        ------
        ValueError
            If ``X`` is not like the images seen in ``fit``.
        """
        check_is_fitted(self, "coef_")
        X = validate_rows(self, X, reset=False)
        rows = Rows(X, None)
        scores = np.empty((len(X), len(self.coef_)), np.result_type(X, self.coef_))
        with np.errstate(over="ignore", invalid="ignore"):
            for block in rows.blocks():
                x = rows.draw(block).astype(scores.dtype, copy=False)
                scores[block] = x @ self.coef_.T + self.intercept_
        check_outputs(scores, X)
        return scores if len(self.coef_) > 1 else scores[:, 0]

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each image, the one with the largest score.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features like those of ``fit``.

        Returns
        -------
        y : ndarray of shape (n,)
            Elements of ``classes_``.

        Raises
        ------
        ValueError
            If ``X`` is not like the images seen in ``fit``.
        """
        scores = self.decision_function(X)
        best = scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).astype(int)
        predicted: np.ndarray = self.classes_[best]
        return predicted

    @property
    def templates_(self) -> np.ndarray:
        """The weights as images, (n_classes, H, W, C), or (n_classes, H, W) if gray.

        One image, of the second class, where there are two classes.
        """
        check_is_fitted(self, "coef_")
        if self.image_shape_ is None:
            raise AttributeError(
                f"{type(self).__name__} was fitted on flat rows, so that templates_ "
                f"have no height and width: pass images as (n, H, W[, C]) arrays, or "
                f"reshape coef_."
            )
        height, width, channels = self.image_shape_
        shape = (height, width, channels)[: 2 if channels == 1 else 3]
        templates: np.ndarray = self.coef_.reshape(-1, *shape)
        return templates
