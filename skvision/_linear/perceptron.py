"""The perceptron."""

import copy
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from skvision._contract.labeled_rows import LabeledRows, hold_out
from skvision._contract.public import public
from skvision._contract.sklearn_compat import Interval, StrOptions
from skvision._contract.warn import warn
from skvision._linear.linear_classifier import LinearClassifier
from skvision._linear.perceptron_rule import (
    MORE_PATIENCE,
    Rule,
    Weights,
    learn,
    look_at,
)
from skvision._training.rows import Rows


@public("skvision")
class Perceptron(LinearClassifier):
    r"""The perceptron: linear scores, moved only by mistakes.

    A row with the scores :math:`s = W x + b` is taken for the class :math:`j` with the
    largest score, the first of equals. Where that is not its class :math:`y`,

    .. math::
        W_y \leftarrow W_y + \eta_0 w x, \quad b_y \leftarrow b_y + \eta_0 w, \qquad
        W_j \leftarrow W_j - \eta_0 w x, \quad b_j \leftarrow b_j - \eta_0 w

    :math:`w` being the weight of the row. All start at zero. Two classes share one row
    of weights, which takes for the second class what it scores above 0. In a batch, all
    rows are scored before any moves the weights, by the sum of what each asks for.

    Classes that a linear score can tell apart are learned without error, if ``tol`` and
    ``max_iter`` leave the time. Others never come to rest; the weights then are those
    of the fewest mistakes if all rows are one batch (the pocket), the mean of all
    (``average``), or those of the last step.

    Parameters
    ----------
    eta0 : float, default=1.0
        What updates are multiplied by. From zero it scales the weights, no more.

    fit_intercept : bool, default=True
        Whether there are biases.

    class_weight : dict or "balanced", default=None
        Weights of the classes, which multiply those of the rows. ``"balanced"`` gives
        all classes the same total weight among the rows that are learned from.

    batch_size : int, default=None
        Rows whose updates are summed. 1 is Rosenblatt's rule, row by row; None is all
        rows, which depends on no order, and in which a row of weight 2 is the same as
        that row twice.

    shuffle : bool, default=True
        Whether rows are put in another order for each epoch, unless they are one batch.

    average : bool, default=False
        Whether the weights are the mean of those after each step, as Freund and
        Schapire have it. It predicts better, and best row by row. The fit ends when the
        mean makes no mistakes. If an epoch makes none but the mean still does, a tie
        counts as a mistake from then on, so that the mean can get right.

    max_iter : int, default=1000
        The most epochs.

    tol : float or None, default=1e-3
        The fit stops when ``n_iter_no_change`` epochs in a row have not improved the
        loss, or the validation score, by more than this, nor found fewer mistakes if
        all rows are one batch or with ``average``. With None it stops only when no
        mistakes are left.

    early_stopping : bool, default=False
        Whether to hold out a part of the rows, and keep the weights of the epoch that
        predicts them best.

    validation_fraction : float, default=0.1
        The part held out, between 0 and 1, stratified by class.

    n_iter_no_change : int, default=5
        How many epochs without improvement end the fit; 20 times as many where all rows
        are one batch, since such an epoch is but one step.

    warm_start : bool, default=False
        Whether ``fit`` starts from the weights of the fit before, which must have seen
        the same classes and the same number of features, or from zero.

    random_state : int, RandomState instance or None, default=None
        Order of the rows and choice of those held out.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.

    coef_ : ndarray of shape (n_classes, n_features_in_) or (1, n_features_in_)
        Weights; one row for two classes. float64 for float64 images, else float32.

    intercept_ : ndarray of shape (n_classes,) or (1,)
        Biases, zero without ``fit_intercept``.

    templates_ : ndarray of shape (n_classes, H, W, C) or (n_classes, H, W)
        The weights as images, where images were given to ``fit``.

    n_iter_ : int
        Epochs made.

    n_mistakes_ : list of int
        Mistakes in each epoch, counted before each step; with ``average`` not those of
        the mean.

    loss_curve_ : list of float
        The mean of how far wrong classes are ahead of the true one, at the start (where
        it is 0 for weights of zero) and while each epoch went by.

    validation_scores_ : list of float
        Accuracy on the rows held out after each epoch, with ``early_stopping``.

    interrupted_ : bool
        Whether the last fit was interrupted, so that it has fewer epochs than it would
        have. ``fit`` then raised ``KeyboardInterrupt``.

    image_shape_ : (int, int, int) or None
        Height, width and channels of the images seen in ``fit``; None for flat rows.

    n_features_in_ : int
        Number of features seen in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of a table seen in ``fit``.

    See Also
    --------
    SoftmaxRegression : The same scores with cross-entropy, and probabilities.
    MulticlassSVM : The same scores with hinge losses, which ask for a margin.

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
    The logical AND, by Rosenblatt's rule:

    >>> from skvision import Perceptron
    >>> inputs = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> gate = Perceptron(batch_size=1, shuffle=False).fit(inputs, [0, 0, 0, 1])
    >>> gate.coef_, gate.intercept_, gate.n_mistakes_
    (array([[2., 1.]]), array([-2.]), [1, 3, 3, 2, 1, 0])

    Digits, by the mean of the weights:

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

    def _fit(self, problem: Any, goes_on: bool, progress: Any) -> bool:
        rng = check_random_state(self.random_state)
        problem, learning, held_out = hold_out(self, problem, rng)
        score = self._scorer(problem, held_out) if len(held_out) else None
        rule = self._rule(problem, learning, rng)
        patience = MORE_PATIENCE if rule.batch_size == len(learning) else 1
        weights = Weights(self._start(problem, goes_on), self.average)
        first_loss = self._loss_at_start(rule, weights)
        course = learn(
            rule,
            weights,
            max_iter=self.max_iter,
            tol=self.tol,
            patience=self.n_iter_no_change * patience,
            score=score,
            on_epoch=lambda params: progress.step(
                lambda: self._attributes(params, problem)
            ),
        )
        self.__dict__.update(self._attributes(course.params, problem))
        self.n_iter_, self.n_mistakes_ = len(course.n_mistakes), course.n_mistakes
        self.loss_curve_ = [first_loss, *course.losses]
        self.validation_scores_ = course.validation_scores
        self.__dict__.pop("_state", None)
        if not (course.converged or course.interrupted):
            reason = (
                f"still made {self.n_mistakes_[-1]} mistakes in its last epoch"
                if course.n_left is None
                else f"ended with an average that makes {course.n_left} mistakes"
            )
            warn(
                f"The fit {reason} and keeps the result of {self.n_iter_} of "
                f"max_iter={self.max_iter} epochs.",
                ConvergenceWarning,
            )
        return course.interrupted

    def _fit_part(self, problem: LabeledRows, first: bool) -> bool:
        rng = check_random_state(self.random_state)
        rule = self._rule(problem, np.flatnonzero(problem.weights), rng)
        if first or not hasattr(self, "_state"):
            weights = Weights(self._start(problem, not first), self.average)
            self.n_iter_, self.n_mistakes_, self.validation_scores_ = 0, [], []
            self.loss_curve_ = [self._loss_at_start(rule, weights)]
        else:
            weights = copy.deepcopy(self._state)
            weights.params = weights.params.astype(Rows(problem.X, None).dtype)
            if self.average != (weights.total is not None):
                weights = Weights(weights.params, self.average)
        seen = rule.epoch(weights)
        self.__dict__.update(
            self._attributes(weights.result(), problem), _state=weights
        )
        self.n_iter_ += 1
        self.n_mistakes_ = [*self.n_mistakes_, seen.n_mistakes]
        self.loss_curve_ = [*self.loss_curve_, seen.loss / problem.weights.sum()]
        return False

    def _loss_and_gradient(
        self, problem: LabeledRows
    ) -> tuple[float, np.ndarray, np.ndarray]:
        params = np.column_stack([self.coef_, self.intercept_]).astype(np.float64)
        seen, gradient = look_at(problem, np.arange(len(problem.X)), params)
        total = problem.weights.sum()
        return seen.loss / total, gradient[:, :-1] / total, gradient[:, -1] / total

    def _start(self, problem: LabeledRows, goes_on: bool) -> np.ndarray:
        """Return zeros, or the weights there are."""
        dtype = Rows(problem.X, None).dtype
        if goes_on:
            return np.column_stack([self.coef_, self.intercept_]).astype(dtype)
        return np.zeros((problem.n_outputs, problem.X.shape[1] + 1), dtype)

    def _attributes(self, params: Any, problem: LabeledRows) -> dict[str, np.ndarray]:
        """Return the fitted attributes that make predictions."""
        return {
            "classes_": problem.classes,
            "coef_": params[:, :-1].copy(),
            "intercept_": params[:, -1].copy(),
        }

    def _rule(
        self, problem: LabeledRows, learning: np.ndarray, rng: np.random.RandomState
    ) -> Rule:
        return Rule(
            problem,
            learning,
            float(self.eta0),
            self.fit_intercept,
            min(self.batch_size or len(learning), len(learning)),
            rng if self.shuffle else None,
        )

    def _loss_at_start(self, rule: Rule, weights: Weights) -> Any:
        if not weights.params.any():
            return 0.0
        seen, _ = look_at(rule.problem, rule.learning, weights.params)
        return seen.loss / rule.problem.weights[rule.learning].sum()

    def _scorer(self, problem: LabeledRows, held_out: np.ndarray) -> Callable[..., Any]:
        """Return ``params -> accuracy`` on the rows held out."""
        total = problem.weights[held_out].sum()
        return lambda params: float(
            1 - look_at(problem, held_out, params)[0].missed / total
        )
