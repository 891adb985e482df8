"""Softmax regression."""

import warnings
from numbers import Integral, Real

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from skvision._images import validate_rows
from skvision._sklearn_compat import (
    Interval,
    StrOptions,
    check_sample_weight,
    whole_fit,
)
from skvision._training.losses import sigmoid_cross_entropy, softmax_cross_entropy
from skvision._training.minimize import minimize_lbfgs
from skvision._training.objective import linear_objective, split_linear
from skvision._training.penalties import l2

ROWS_PER_PRODUCT = 4096  # at predictions, bytes are cast by so many rows


def _row_weights(sample_weight, class_weight, X, classes, labels):
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


def _weighted_mean(X, weights):
    """Return the mean row, summed in the dtype of ``X``, which is not copied."""
    weights = np.ones(len(X)) if weights is None else weights
    return ((weights / weights.sum()).astype(X.dtype) @ X).astype(np.float64)


class SoftmaxRegression(ClassifierMixin, BaseEstimator):
    r"""Softmax regression: linear scores, cross-entropy, L2 penalty.

    Also known as multinomial logistic regression. It minimises

    .. math::
        \frac{\sum_i w_i \left(\log \sum_j e^{s_{ij}} - s_{i y_i}\right)}{\sum_i w_i}
        + \frac{\alpha}{2} \|W\|^2, \qquad s_i = W x_i + b

    over the weights :math:`W` and the biases :math:`b`, which are not penalised. With
    two classes there is one row of weights, the score of the second class, and the loss
    is that of the scores :math:`(0, s_i)`: the problem with two rows at :math:`2
    \alpha`.

    Parameters
    ----------
    alpha : float, default=1e-3
        Strength of the penalty, from 0; the default suits features of about unit
        variance. scikit-learn's ``LogisticRegression`` finds the same weights at
        ``C = 1 / (alpha * n)``, n being the number of rows or the sum of their weights.

    fit_intercept : bool, default=True
        Whether there are biases.

    class_weight : dict or "balanced", default=None
        Weights of the classes, which multiply those of the rows. ``"balanced"`` gives
        all classes the same total weight.

    max_iter : int, default=1000
        The most iterations of L-BFGS.

    tol : float, default=1e-6
        The fit ends where no element of the gradient, with respect to weights and
        biases of features less their mean, exceeds this, or where rounding lets the
        objective fall no more: float32 resolves it to about seven digits.

    warm_start : bool, default=False
        Whether ``fit`` starts from the weights of the fit before, which must have seen
        the same classes and the same number of features, or from zero.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.

    coef_ : ndarray of shape (n_classes, n_features_in_) or (1, n_features_in_)
        Weights; one row where there are two classes. float64 for float64 pictures, else
        float32.

    intercept_ : ndarray of shape (n_classes,) or (1,)
        Biases, zero without ``fit_intercept``.

    n_iter_ : int
        Iterations made.

    loss_curve_ : list of float
        The objective at the start and after each iteration.

    image_shape_ : (int, int, int) or None
        Height, width and channels of the pictures seen in ``fit``; None where they came
        as flat rows.

    n_features_in_ : int
        Number of features seen in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in ``fit``, where it was given a table.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import SoftmaxRegression
    >>> digits = load_digits()
    >>> images = digits.images / 16
    >>> model = SoftmaxRegression().fit(images[:1000], digits.target[:1000])
    >>> model.coef_.shape
    (10, 64)
    >>> print(f"{model.score(images[1000:], digits.target[1000:]):.2f}")
    0.93
    """

    _parameter_constraints = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
    }

    def __init__(
        self,
        alpha=1e-3,
        *,
        fit_intercept=True,
        class_weight=None,
        max_iter=1000,
        tol=1e-6,
        warm_start=False,
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start

    @whole_fit
    def fit(self, X, y, sample_weight=None):
        """Fit the weights.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features. Bytes are computed with as float32.
        y : array-like of shape (n,)
            Classes, at least two.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows, not negative. A row of weight 2 is the same as that row
            twice.

        Returns
        -------
        self : SoftmaxRegression
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
            If the gradient still exceeds ``tol`` after ``max_iter`` iterations.
        """
        goes_on = self.warm_start and hasattr(self, "coef_")
        X, y = validate_rows(self, X, y, reset=not goes_on)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"y has one class only, {str(classes[0])!r}; a classifier needs two or "
                f"more."
            )
        weights = _row_weights(sample_weight, self.class_weight, X, classes, labels)
        X = X.astype(np.float32) if X.dtype == np.uint8 else X
        with np.errstate(over="ignore", invalid="ignore"):
            center = _weighted_mean(X, weights) if self.fit_intercept else None
            minimum = minimize_lbfgs(
                linear_objective(
                    X,
                    labels,
                    weights,
                    loss=sigmoid_cross_entropy
                    if len(classes) == 2
                    else softmax_cross_entropy,
                    penalty=l2(self.alpha),
                    center=center,
                ),
                self._start(classes, X.shape[1], center, goes_on),
                max_iter=self.max_iter,
                tol=self.tol,
            )
        stuck = minimum.n_iter == 0 and minimum.largest_slope > self.tol and not goes_on
        if stuck or not np.isfinite([*minimum.params, minimum.largest_slope]).all():
            raise ValueError(
                f"X has values up to {np.abs(X).max():.3g}, too large to compute with "
                f"in {X.dtype}: scale them, with PixelNormalizer() for instance."
            )
        if minimum.n_iter >= self.max_iter and minimum.largest_slope > self.tol:
            warnings.warn(
                f"The fit stopped after max_iter={self.max_iter} iterations with a "
                f"gradient of {minimum.largest_slope:.2g}, above tol={self.tol:g}: "
                f"raise max_iter, give the features about unit variance, or raise "
                f"alpha or tol.",
                ConvergenceWarning,
                stacklevel=4,
            )
        W, b = split_linear(minimum.params, X.shape[1], self.fit_intercept)
        b = b - W @ center if self.fit_intercept else np.zeros(len(W))
        self.classes_ = classes
        self.coef_, self.intercept_ = W.astype(X.dtype), b.astype(X.dtype)
        self.n_iter_, self.loss_curve_ = minimum.n_iter, minimum.loss_curve
        return self

    def _start(self, classes, n_features, center, goes_on):
        """Return zeros, or the last fit's weights in coordinates around ``center``."""
        n_outputs = len(classes) if len(classes) > 2 else 1
        start = np.zeros(n_outputs * (n_features + int(self.fit_intercept)))
        if not goes_on:
            return start
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"warm_start goes on from a fit of the classes "
                f"{self.classes_.tolist()}; got the classes {classes.tolist()}. Set "
                f"warm_start=False."
            )
        W, b = split_linear(start, n_features, self.fit_intercept)
        W[:] = self.coef_
        if self.fit_intercept:
            b[:] = self.intercept_ + W @ center
        return start

    def decision_function(self, X):
        """Compute the scores of the classes.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features like those of ``fit``.

        Returns
        -------
        scores : ndarray of shape (n, n_classes), or (n,) for two classes
            Linear scores; with two classes that of the second one, whose probability is
            the sigmoid of it.

        Raises
        ------
        ValueError
            If ``X`` is not like the pictures seen in ``fit``.
        """
        check_is_fitted(self, "coef_")
        X = validate_rows(self, X, reset=False)
        scores = np.empty((len(X), len(self.coef_)), np.result_type(X, self.coef_))
        for start in range(0, len(X), ROWS_PER_PRODUCT):
            rows = slice(start, start + ROWS_PER_PRODUCT)
            block = X[rows].astype(scores.dtype, copy=False)
            scores[rows] = block @ self.coef_.T + self.intercept_
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

    def predict_proba(self, X):
        """Compute the probabilities of the classes, the softmax of the scores.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features like those of ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            Between 0 and 1, each row adding up to 1, in the order of ``classes_``.

        Raises
        ------
        ValueError
            If ``X`` is not like the pictures seen in ``fit``.
        """
        scores = self.decision_function(X)
        if scores.ndim == 2:
            return softmax(scores, axis=1)
        return np.column_stack([expit(-scores), expit(scores)])

    def predict_log_proba(self, X):
        """Compute the logarithms of the probabilities, exact where these round to 0.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features like those of ``fit``.

        Returns
        -------
        log_probabilities : ndarray of shape (n, n_classes)
            Not above 0, in the order of ``classes_``.

        Raises
        ------
        ValueError
            If ``X`` is not like the pictures seen in ``fit``.
        """
        scores = self.decision_function(X)
        if scores.ndim == 2:
            return log_softmax(scores, axis=1)
        return np.column_stack([log_expit(-scores), log_expit(scores)])
