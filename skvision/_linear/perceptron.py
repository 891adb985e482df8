"""The perceptron, a linear classifier."""

import copy
import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from skvision._contract.fitted_arrays import check_arrays
from skvision._contract.labeled_rows import LabeledRows, hold_out
from skvision._contract.public import public
from skvision._contract.score_classifier import scorer
from skvision._contract.sklearn_compat import Interval, StrOptions
from skvision._contract.warn import warn
from skvision._linear.linear_classifier import LinearClassifier, linear_outputs
from skvision._linear.perceptron_rule import (
    ONE_BATCH_PATIENCE,
    FewestMistakes,
    Rule,
    Weights,
    evaluate_rows,
)
from skvision._training.minimize import minimize
from skvision._training.recipe import Stopping
from skvision._training.sources import Centered, Source


@public("skvision")
class Perceptron(LinearClassifier):
    r"""The perceptron, a linear classifier that learns only from its mistakes.

    A sample with the scores :math:`s = W x + b` is predicted to be of the class
    :math:`j` with the largest score; among equal scores the first class wins. If that
    is not its class :math:`y`, the weights are updated by

    .. math::
        W_y \leftarrow W_y + \eta_0 w x, \quad b_y \leftarrow b_y + \eta_0 w, \qquad
        W_j \leftarrow W_j - \eta_0 w x, \quad b_j \leftarrow b_j - \eta_0 w

    where :math:`w` is the sample weight. Weights and biases start at zero. With two
    classes there is one row of weights, and samples with a score above 0 are predicted
    to be of the second class. In a batch, all samples are scored first, and then the
    sum of their updates is applied.

    If the classes are linearly separable, the perceptron learns them without error,
    provided that ``tol`` and ``max_iter`` allow enough epochs. Otherwise the updates
    never end. The fitted weights are then those with the fewest mistakes if all samples
    are one batch (the pocket algorithm), the mean over all steps with ``average``, and
    those of the last step otherwise.

    Parameters
    ----------
    eta0 : float, default=1.0
        Constant by which the updates are multiplied. If the weights start at zero, it
        only scales them and does not change the predictions.

    fit_intercept : bool, default=True
        Whether to fit biases.

    class_weight : dict or "balanced", default=None
        Weights of the classes, which are multiplied with the sample weights.
        ``"balanced"`` gives all classes the same total weight among the samples used
        for training.

    batch_size : int, default=None
        Number of samples whose updates are summed. 1 is Rosenblatt's rule, which
        updates the weights after each sample. None uses all samples as one batch. The
        result then does not depend on their order, and a sample of weight 2 is
        equivalent to that sample twice.

    shuffle : bool, default=True
        Whether to shuffle the samples before each epoch. It has no effect if all
        samples are one batch.

    average : bool, default=False
        Whether to use the mean of the weights after each step, as proposed by Freund
        and Schapire. The mean predicts better than the last weights, and best with
        ``batch_size=1``. The fit ends when the mean makes no mistakes. If an epoch
        makes no mistakes but the mean still does, ties count as mistakes from then on,
        so that the mean can improve further.

    max_iter : int, default=1000
        Maximum number of epochs.

    tol : float or None, default=1e-3
        The fit stops when ``n_iter_no_change`` epochs in a row have not improved the
        loss, or the validation score, by more than ``tol``. If all samples are one
        batch, or with ``average``, an epoch with fewer mistakes counts as an
        improvement too. With None the fit stops only when no mistakes are left.

    early_stopping : bool, default=False
        Whether to hold out samples for validation and keep the weights of the epoch
        with the best validation score.

    validation_fraction : float, default=0.1
        Fraction of the samples to hold out, between 0 and 1, stratified by class.

    n_iter_no_change : int, default=5
        Number of epochs in a row without improvement after which the fit ends. If all
        samples are one batch, it is 20 times as many, because an epoch is then a single
        step.

    warm_start : bool, default=False
        Whether ``fit`` starts from the weights of the previous fit instead of from
        zero. The classes and the number of features must be the same.

    random_state : int, RandomState instance or None, default=None
        Controls the shuffling of the samples and which of them are held out. Pass an
        int for reproducible results.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, in sorted order.

    coef_ : ndarray of shape (n_classes, n_features_in_) or (1, n_features_in_)
        Weights of the features, with a single row for two classes. They are float64 for
        float64 input and float32 otherwise.

    intercept_ : ndarray of shape (n_classes,) or (1,)
        Biases. They are zero if ``fit_intercept=False``.

    templates_ : ndarray of shape (n_classes, H, W, C) or (n_classes, H, W)
        The weights in the shape of images. Available if ``fit`` was given images.

    first_layer_weights_ : ndarray of the shape of ``coef_``
        ``coef_`` itself. Networks have the same attribute.

    unit_weights_ : list of ndarray
        ``[coef_]``. Networks have the same attribute, with the weights of each layer.

    n_iter_ : int
        Number of epochs.

    n_mistakes_ : list of int
        Number of mistakes in each epoch, counted before each step. With ``average``
        they are the mistakes of the current weights, not those of the mean.

    loss_curve_ : list of float
        The mean perceptron loss, which is the amount by which the score of the
        predicted class exceeds that of the true class. The first value is the loss at
        the start, which is 0 for weights of zero. The others are the mean over the
        steps of each epoch.

    validation_scores_ : list of float
        Accuracy on the held-out samples after each epoch. It is empty without
        ``early_stopping``.

    history_ : dict of str to ndarray
        ``"epoch"``, ``"loss"``, ``"validation_score"`` and ``"learning_rate"``, at the
        start and of each epoch. Values that do not exist are NaN, such as all learning
        rates.

    interrupted_ : bool
        Whether the last fit was interrupted, so that it made fewer epochs than it would
        have made otherwise. ``fit`` then raised ``KeyboardInterrupt``.

    image_shape_ : (int, int, int) or None
        Height, width and number of channels of the images seen in ``fit``. None if
        ``fit`` was given flat rows.

    n_features_in_ : int
        Number of features seen in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features seen in ``fit``. Defined only if ``X`` was a table with
        column names that are all strings.

    See Also
    --------
    SoftmaxRegression : Linear classifier with cross-entropy and probabilities.
    MulticlassSVM : Linear classifier with hinge losses, which require a margin.

    References
    ----------
    F. Rosenblatt, "The perceptron: a probabilistic model for information storage and
    organization in the brain", Psychological Review 65, 1958.

    S. I. Gallant, "Perceptron-based learning algorithms", IEEE Transactions on Neural
    Networks 1, 1990.

    Y. Freund and R. E. Schapire, "Large margin classification using the perceptron
    algorithm", Machine Learning 37, 1999.

    Examples
    --------
    Learn the logical AND by Rosenblatt's rule:

    >>> from skvision import Perceptron
    >>> inputs = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> gate = Perceptron(batch_size=1, shuffle=False).fit(inputs, [0, 0, 0, 1])
    >>> gate.coef_, gate.intercept_, gate.n_mistakes_
    (array([[2., 1.]]), array([-2.]), [1, 3, 3, 2, 1, 0])

    Classify digits with averaged weights:

    >>> from sklearn.datasets import load_digits
    >>> digits = load_digits()
    >>> images = digits.images / 16
    >>> model = Perceptron(batch_size=1, average=True, random_state=0)
    >>> model = model.fit(images[:1000], digits.target[:1000])
    >>> print(f"{model.score(images[1000:], digits.target[1000:]):.2f}")
    0.93
    """

    _parameter_constraints = {
        "eta0": [Interval(Real, 0, None, closed="neither")],
        "fit_intercept": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "shuffle": ["boolean"],
        "average": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        eta0: float = 1.0,
        *,
        fit_intercept: bool = True,
        class_weight: dict[str, Any] | str | None = None,
        batch_size: int | None = None,
        shuffle: bool = True,
        average: bool = False,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        random_state: Any = None,
    ) -> None:
        self.eta0 = eta0
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.average = average
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.random_state = random_state

    def _fit(self, problem: Any, warm_start: bool, progress: Any) -> bool:
        rng = check_random_state(self.random_state)
        fraction = self.validation_fraction if self.early_stopping else None
        problem, learning, held_out = hold_out(
            problem, fraction, self.class_weight, rng
        )
        score = scorer(problem.part(held_out), _scores) if len(held_out) else None
        start = Weights(self._start(problem, warm_start), self.average)
        rule = self._rule(problem, learning, start, rng)
        judge = FewestMistakes(rule, self.tol or 0.0, score)
        first_loss = self._loss_at_start(rule)
        patience = ONE_BATCH_PATIENCE if rule.batch_size == len(learning) else 1
        stopping = Stopping(
            self.max_iter,
            math.inf if self.tol is None else self.n_iter_no_change * patience,
        )
        result = minimize(
            rule,
            judge,
            stopping,
            on_epoch=lambda params: progress.step(
                lambda: self._attributes(judge.best, problem)
            ),
        )
        self.__dict__.update(self._attributes(result.params, problem))
        self.n_iter_ = len(result.loss_curve)
        self.n_mistakes_ = judge.n_mistakes[: self.n_iter_]
        self.loss_curve_ = [first_loss, *result.loss_curve]
        self.validation_scores_ = result.validation_scores
        self.__dict__.pop("_state", None)
        ended = result.converged or result.interrupted or judge.knows_no_mistakes
        if not ended:
            n_left = judge.n_left[self.n_iter_ - 1]
            reason = (
                f"ended with an average that makes {n_left} mistakes"
                if self.average
                else f"still made {n_left} mistakes in its last epoch"
            )
            warn(
                f"The fit {reason} and keeps the result of {self.n_iter_} of "
                f"max_iter={self.max_iter} epochs.",
                ConvergenceWarning,
            )
        return result.interrupted

    def _fit_part(self, problem: LabeledRows, first: bool) -> bool:
        starts = first or not hasattr(self, "_state")
        if starts:
            weights = Weights(self._start(problem, not first), self.average)
        else:
            weights = copy.deepcopy(self._state)
            weights.params = weights.params.astype(Centered(problem.source).dtype)
            if self.average != (weights.total is not None):
                weights = Weights(weights.params, self.average)
        rng = check_random_state(self.random_state)
        rule = self._rule(problem, np.flatnonzero(problem.weights), weights, rng)
        if starts:
            self.n_iter_, self.n_mistakes_, self.validation_scores_ = 0, [], []
            self.loss_curve_ = [self._loss_at_start(rule)]
        evaluation = rule.epoch()
        self.__dict__.update(self._attributes(rule.now, problem), _state=weights)
        self.n_iter_ += 1
        self.n_mistakes_ = [*self.n_mistakes_, evaluation.n_mistakes]
        self.loss_curve_ = [*self.loss_curve_, evaluation.loss / problem.weights.sum()]
        return False

    def _check_state(self) -> None:
        if not hasattr(self, "_state"):
            return
        shape = len(self.coef_), self.n_features_in_ + 1
        check_arrays(self._state, params=shape)
        if self._state.total is not None:
            check_arrays(self._state, total=shape)
        if type(self._state.n_steps) is not int:
            raise ValueError("the number of steps of its average is not an integer")

    def _loss_and_gradient(
        self, problem: LabeledRows
    ) -> tuple[float, np.ndarray, np.ndarray]:
        params = np.column_stack([self.coef_, self.intercept_]).astype(np.float64)
        index = np.arange(len(problem.source))
        evaluation, gradient = evaluate_rows(problem, index, params)
        total = problem.weights.sum()
        return (
            evaluation.loss / total,
            gradient[:, :-1] / total,
            gradient[:, -1] / total,
        )

    def _start(self, problem: LabeledRows, warm_start: bool) -> np.ndarray:
        """Return zeros or, for a warm start, the fitted weights."""
        dtype = Centered(problem.source).dtype
        if warm_start:
            return np.column_stack([self.coef_, self.intercept_]).astype(dtype)
        return np.zeros((problem.n_outputs, problem.source.n_features + 1), dtype)

    def _attributes(self, params: Any, problem: LabeledRows) -> dict[str, np.ndarray]:
        """Return the fitted attributes that predictions need."""
        return {
            "classes_": problem.classes,
            "coef_": params[:, :-1].copy(),
            "intercept_": params[:, -1].copy(),
        }

    def _rule(
        self,
        problem: LabeledRows,
        learning: np.ndarray,
        weights: Weights,
        rng: np.random.RandomState,
    ) -> Rule:
        return Rule(
            problem,
            learning,
            weights,
            float(self.eta0),
            self.fit_intercept,
            min(self.batch_size or len(learning), len(learning)),
            rng if self.shuffle else None,
        )

    def _loss_at_start(self, rule: Rule) -> float:
        if not rule.weights.params.any():
            return 0.0
        return rule.evaluate(rule.weights.params).loss / rule.total_weight


def _scores(params: np.ndarray, source: Source) -> np.ndarray:
    """Return the scores of rows, from weights with the biases in the last column."""
    return linear_outputs(source, params[:, :-1], params[:, -1])
