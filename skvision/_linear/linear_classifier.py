"""The base class of linear classifiers: how they are fitted and how they predict."""

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skvision._contract.divergence import check_outputs
from skvision._contract.fitted_arrays import linear_scores
from skvision._contract.images import validate_rows
from skvision._contract.labeled_rows import (
    announced_classes,
    refuse_balanced,
    refuse_other_classes,
    validate_labeled_rows,
)
from skvision._contract.models import UNKNOWN, Bounds
from skvision._contract.score_classifier import ScoreClassifier
from skvision._contract.sklearn_compat import (
    Progress,
    check_parameters,
    end_fit,
    whole_fit,
)
from skvision._training.sources import ArraySource, Centered, Source


class LinearClassifier(ScoreClassifier):
    """Base class of classifiers whose scores are ``X @ coef_.T + intercept_``.

    Subclasses implement ``_fit`` and ``_fit_part``, which set the fitted attributes and
    return whether they were interrupted after a complete epoch, and
    ``_loss_and_gradient``, which computes the objective.
    """

    @whole_fit
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the classifier to labeled images or features.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features. Bytes are converted to float32 one block at a time.
        y : array-like of shape (n,)
            Class labels. There must be at least two classes.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights of the samples. With the default parameters, a sample
            of weight 2 is equivalent to that sample twice.

        Returns
        -------
        self : estimator
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter is out of its range, ``X`` does not hold finite numbers in
            one of the three layouts, ``y`` has only one class, or ``warm_start=True``
            and the classes or features differ from those of the previous fit.
        KeyboardInterrupt
            If the fit is interrupted. A mini-batch fit first stores the result of its
            completed epochs and sets ``interrupted_``. Before the end of the first
            epoch, and with ``solver="auto"``, the estimator stays as it was before
            ``fit``.
        TypeError
            If a callable ``learning_rate`` does not take two arguments or does not
            return a number.

        Warns
        -----
        ConvergenceWarning
            If the fit did not reach the tolerance within ``max_iter`` iterations or
            epochs.
        """
        warm_start = self.warm_start and hasattr(self, "coef_")
        problem = validate_labeled_rows(
            self,
            X,
            y,
            sample_weight,
            class_weight=self.class_weight,
            reset=not warm_start,
        )
        if warm_start:
            refuse_other_classes(self.classes_, problem.classes)
        with Progress(self, X, y, sample_weight, self.max_iter) as progress:
            interrupted = self._fit(problem, warm_start, progress)
            done = f"{self.n_iter_} of max_iter={self.max_iter} epochs"
            end_fit(self, interrupted, f"the result of {done}")
        return self

    @whole_fit
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Train for one epoch on a batch of images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features, of the same shape as in previous calls.
        y : array-like of shape (n,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All classes that any call will pass. Required in the first call; later calls
            may omit it or pass the same classes.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights of the samples.

        Returns
        -------
        self : estimator
            The updated classifier.

        Raises
        ------
        ValueError
            If the first call does not pass ``classes``, if a later call passes other
            classes or images of another shape, or if ``class_weight="balanced"``, which
            requires all labels to be known.
        KeyboardInterrupt
            If the epoch is interrupted. The classifier then stays as it was before.
        """
        refuse_balanced(self.class_weight)
        first = not hasattr(self, "coef_")
        problem = validate_labeled_rows(
            self,
            X,
            y,
            sample_weight,
            class_weight=self.class_weight,
            classes=announced_classes(None if first else self.classes_, classes),
            reset=first,
        )
        interrupted = self._fit_part(problem, first)
        end_fit(self, interrupted, "the result of this epoch, which was completed")
        return self

    def loss_and_gradient(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> tuple[float, dict[str, np.ndarray]]:
        """Compute the objective and its gradient at the fitted weights.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the same shape as in ``fit``.
        y : array-like of shape (n,)
            Class labels, elements of ``classes_``.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights of the samples.

        Returns
        -------
        value : float
            The mean loss plus the penalty.
        gradient : dict of str to ndarray
            Gradients with respect to ``coef_`` and, with ``fit_intercept``, to
            ``intercept_``, in float64. Where the objective has a kink, they are a
            subgradient.

        Raises
        ------
        ValueError
            If ``X`` has another shape than in ``fit``, or ``y`` has other classes.
        """
        check_is_fitted(self, "coef_")
        problem = validate_labeled_rows(
            self,
            X,
            y,
            sample_weight,
            class_weight=self.class_weight,
            classes=self.classes_,
            reset=False,
        )
        value, d_W, d_b = self._loss_and_gradient(problem)
        parts = {"coef_": d_W, "intercept_": d_b}
        return value, parts if self.fit_intercept else {"coef_": d_W}

    def decision_function(self, X: Any) -> np.ndarray:
        """Compute the scores of the classes.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the same shape as in ``fit``.

        Returns
        -------
        scores : ndarray of shape (n, n_classes), or (n,) for two classes
            The linear score of each class. With two classes, the score of the second
            class.

        Raises
        ------
        ValueError
            If ``X`` has another shape than the images seen in ``fit``.
        """
        check_is_fitted(self, "coef_")
        source = ArraySource(validate_rows(self, X, reset=False))
        scores = linear_outputs(source, self.coef_, self.intercept_)
        check_outputs(scores, source)
        return scores if len(self.coef_) > 1 else scores[:, 0]

    @property
    def templates_(self) -> np.ndarray:
        """The weights in the shape of images.

        The array has the shape (n_classes, H, W, C), or (n_classes, H, W) for gray
        images. With two classes it holds one image, for the second class.
        """
        check_is_fitted(self, "coef_")
        if self.image_shape_ is None:
            raise AttributeError(
                f"{type(self).__name__} was fitted to flat rows, so the height and "
                f"width of templates_ are unknown: fit it to images of shape "
                f"(n, H, W[, C]), or reshape coef_."
            )
        height, width, channels = self.image_shape_
        shape = (height, width, channels)[: 2 if channels == 1 else 3]
        templates: np.ndarray = self.coef_.reshape(-1, *shape)
        return templates

    @property
    def unit_weights_(self) -> list[np.ndarray]:
        """The weights of each layer, here ``coef_`` alone, as views."""
        check_is_fitted(self, "coef_")
        return [self.coef_]

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """The loss, validation score and learning rate at the start and of each epoch.

        Values that do not exist are NaN. Instead of ``"epoch"``, the first key is
        ``"iteration"`` after a fit to the optimum, or ``"smoothed problem"`` with the
        hinge loss.
        """
        check_is_fitted(self, "coef_")
        unit, n = self._unit_of_history(), len(self.loss_curve_)
        # partial_fit does not record the loss at the start
        first = self.n_iter_ + 1 - n if unit == "epoch" else 0
        history = {unit: first + np.arange(n), "loss": np.array(self.loss_curve_)}
        for name in ("validation_score", "learning_rate"):
            values = getattr(self, f"{name}s_", [])
            history[name] = np.append(np.full(n - len(values), np.nan), values)
        return history

    def check_fitted(self, inputs: Bounds = UNKNOWN) -> Bounds:
        """Check the parameters and the fitted attributes, such as those from a file.

        Parameters
        ----------
        inputs : Bounds
            Bounds of the images or features.

        Returns
        -------
        bounds : Bounds
            Upper bounds of the number of operations for an image and of its scores.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If a parameter is out of its range, or if parameters and fitted attributes
            contradict each other.
        """
        check_is_fitted(self, "coef_")
        check_parameters(self)
        largest = linear_scores(self, inputs.largest)
        self._check_state()
        return Bounds(self.coef_.size, largest)

    def _check_state(self) -> None:
        """Raise an error if ``partial_fit`` cannot go on from the fitted attributes."""

    def _unit_of_history(self) -> str:
        return "epoch"

    def _input_gradient(self, rows: np.ndarray, d_scores: np.ndarray) -> np.ndarray:
        gradient: np.ndarray = d_scores @ self.coef_
        return gradient.astype(Centered(ArraySource(rows)).dtype)


def linear_outputs(source: Source, W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the scores ``x @ W.T + b`` of rows, which may be infinite or NaN."""
    rows = Centered(source)
    scores = np.empty((len(rows), len(W)), np.result_type(rows.dtype, W))
    with np.errstate(over="ignore", invalid="ignore"):
        for block in rows.blocks():
            x = rows.take(block).astype(scores.dtype, copy=False)
            scores[block] = x @ W.T + b
    return scores
