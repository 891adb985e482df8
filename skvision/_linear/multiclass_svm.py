"""The multiclass support vector machine."""

from collections.abc import Callable
from numbers import Real
from typing import Any

from skvision._contract.public import public
from skvision._contract.sklearn_compat import Interval, StrOptions
from skvision._linear.regularized_linear_classifier import RegularizedLinearClassifier
from skvision._training.losses import (
    hinge,
    one_vs_rest,
    squared_hinge,
    squared_hinge_curvature,
    weston_watkins,
)


@public("skvision")
class MulticlassSVM(RegularizedLinearClassifier):
    r"""Linear support vector machine for several classes at once.

    It minimizes

    .. math::
        \frac{\sum_i w_i \sum_{j \ne y_i} \max(0, m + s_{ij} - s_{i y_i})^p}{\sum_i w_i}
        + \alpha \left(r \|W\|_1 + \frac{1 - r}{2} \|W\|^2\right),
        \qquad s_i = W x_i + b

    over the weights :math:`W` and the biases :math:`b`, which are not penalized;
    :math:`p` is 1 for the hinge and 2 for its square. That is the joint machine of
    Weston and Watkins, in which scores of classes compete. One-vs-rest has
    :math:`\sum_j \max(0, m - \sigma_{ij} s_{ij})^p` in its place, :math:`\sigma_{ij}`
    being 1 for the true class and -1 for others: a machine for each class against all
    others. With two classes both are one row of weights, the score of the second class.

    Parameters
    ----------
    loss : {"squared_hinge", "hinge"}, default="squared_hinge"
        The hinge is the textbook's; its square is smooth, and fitted several times as
        fast.

    multi_class : {"weston_watkins", "ovr"}, default="weston_watkins"
        Whether classes compete or each has a machine of its own.

    margin : float, default=1.0
        By how much a class is to win, :math:`m`. Margin and ``alpha`` are one trade-off
        for the hinge: at ``alpha / margin`` scores are scaled by ``margin``.

    alpha : float, default=1e-3
        Strength of the penalty, from 0; the default suits features of about unit
        variance. scikit-learn's ``LinearSVC`` minimizes the same with "ovr" at ``C = 1
        / (alpha * n)``, n being the number of rows or the sum of their weights, but for
        its penalty on biases.

    l1_ratio : float, default=0.0
        Share of the L1 norm in the penalty, :math:`r`, from 0 to 1. Above 0, weights
        that do not earn their keep are exactly 0 (with ``solver="auto"``).

    max_norm : float, default=None
        The largest length that the weights of a class may have: longer ones are scaled
        down to it after each step of a mini-batch solver. ``solver="auto"`` has no such
        steps and does not go with it.

    fit_intercept : bool, default=True
        Whether there are biases.

    class_weight : dict or "balanced", default=None
        Weights of the classes, which multiply those of the rows. ``"balanced"`` gives
        all classes the same total weight among the rows that are learned from.

    solver : {"auto", "sgd", "adagrad", "rmsprop", "adam", "adamw"}, default="auto"
        ``"auto"`` finds the optimum by Newton's method, with conjugate gradients that
        are preconditioned by the curvature of the features. Hinge losses of separable
        classes are minimized by an interior-point method. The others, as in
        ``torch.optim``, take steps on mini-batches; ``"adamw"`` applies the L2 part of
        the penalty as weight decay. ``partial_fit`` under ``"auto"`` uses ``"adam"``.

    max_iter : int, default=1000
        The most iterations, or epochs of a mini-batch solver.

    tol : float, default=1e-3
        With ``"auto"``, the fit ends when a duality gap proves that the objective is
        within this fraction of its optimum: ``tol=1e-3`` is a tenth of a percent. This
        differs from scikit-learn, whose tolerance is absolute and bounds the gradient.
        Without a penalty (``alpha=0``) there is no such proof: the fit ends when
        Newton's method predicts that the next step lowers the objective by at most this
        fraction; the hinge is fitted with an L2 penalty of 1e-9 of the mean variance of
        the features. If the classes are then separable, the optimum is 0, and the fit
        ends where the loss has fallen to this part of its first value. A mini-batch fit
        ends, as in scikit-learn, when the loss or the validation score has not improved
        by more than ``tol`` for ``n_iter_no_change`` epochs in a row.

    warm_start : bool, default=False
        Whether ``fit`` starts from the weights of the fit before, of the same classes
        and number of features, or from zero.

    batch_size : int, default=200
        Rows in a mini-batch. This and what follows is for mini-batch solvers.

    learning_rate : {"constant", "step", "exponential", "cosine", "one_cycle", \
            "invscaling", "adaptive"}, schedule or callable, default="constant"
        How the learning rate changes. ``"step"`` divides it by 10 after each third of
        ``max_iter``. ``"exponential"`` multiplies it by the same factor every epoch, so
        that it is a hundredth at ``max_iter``. ``"cosine"`` takes it along a cosine to
        0 there. ``"one_cycle"`` rises from a 25th of it for three tenths of
        ``max_iter``, then falls along a cosine to 0. ``"invscaling"`` divides it by the
        square root of the number of the epoch. ``"adaptive"`` divides it by 5 after
        each third of ``n_iter_no_change`` epochs in a row that did not improve the
        validation score or, without validation, the loss by more than ``tol``.

        The schedules in `skvision.schedules` have parameters: ``StepDecay(every=10,
        factor=0.5)`` halves it every 10 epochs. A callable is called before each epoch
        as ``learning_rate(epoch, history)`` and returns the learning rate itself.
        Epochs count from 0 in each ``fit``, and ``history`` is a dict with the lists
        ``"loss"``, ``"validation_score"`` and ``"learning_rate"`` of the epochs before.

    learning_rate_init : float, default=0.001
        The learning rate of the first epoch; of ``"one_cycle"`` the largest. A callable
        ``learning_rate`` does not use it.

    momentum : float, default=0.9
        Of ``"sgd"``, from 0 to below 1.

    nesterovs_momentum : bool, default=True
        Whether that momentum is Nesterov's.

    shuffle : bool, default=True
        Whether rows are put in another order for each epoch.

    average : bool or int, default=False
        Whether to average the weights after all steps, or from so many rows on. The
        loss of an epoch is then that of the average, which says when to stop.
        ``partial_fit`` does not average.

    early_stopping : bool, default=False
        Whether to hold out rows, and keep the weights of the epoch that predicts them
        best.

    validation_fraction : float, default=0.1
        The part held out, between 0 and 1, stratified by class.

    n_iter_no_change : int, default=10
        How many epochs without improvement end a mini-batch fit.

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
        Iterations or epochs made.

    loss_curve_ : list of float
        The objective at the start and after each iteration (for the hinge: each smooth
        problem), or its mean while each epoch went by.

    validation_scores_ : list of float
        Accuracy on the rows held out after each epoch, with ``early_stopping``.

    learning_rates_ : list of float
        The first learning rate of each epoch of a mini-batch solver.

    interrupted_ : bool
        Whether the last fit was interrupted, so that it has fewer epochs than it would
        have. ``fit`` then raised ``KeyboardInterrupt``.

    optimality_ : float
        What ``tol`` bounds, with ``solver="auto"``: the largest possible distance of
        the objective from its optimum, as a fraction of the objective.

    image_shape_ : (int, int, int) or None
        Height, width and channels of the images seen in ``fit``; None for flat rows.

    n_features_in_ : int
        Number of features seen in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of a table seen in ``fit``.

    See Also
    --------
    SoftmaxRegression : The same scores with cross-entropy, and probabilities.
    Perceptron : The same scores by the perceptron rule.

    References
    ----------
    J. Weston and C. Watkins, "Support vector machines for multi-class pattern
    recognition", European Symposium on Artificial Neural Networks, 1999.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import MulticlassSVM
    >>> digits = load_digits()
    >>> images = digits.images / 16
    >>> model = MulticlassSVM().fit(images[:1000], digits.target[:1000])
    >>> model.templates_.shape
    (10, 8, 8)
    >>> print(f"{model.score(images[1000:], digits.target[1000:]):.2f}")
    0.92
    """

    _parameter_constraints = {
        **RegularizedLinearClassifier._parameter_constraints,
        "loss": [StrOptions({"hinge", "squared_hinge"})],
        "multi_class": [StrOptions({"weston_watkins", "ovr"})],
        "margin": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        loss: str = "squared_hinge",
        *,
        multi_class: str = "weston_watkins",
        margin: float = 1.0,
        alpha: float = 1e-3,
        l1_ratio: float = 0.0,
        max_norm: float | None = None,
        fit_intercept: bool = True,
        class_weight: dict[str, Any] | str | None = None,
        solver: str = "auto",
        max_iter: int = 1000,
        tol: float = 1e-3,
        warm_start: bool = False,
        batch_size: int = 200,
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        shuffle: bool = True,
        average: bool | int = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        random_state: Any = None,
    ) -> None:
        self.loss = loss
        self.multi_class = multi_class
        self.margin = margin
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.max_norm = max_norm
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.shuffle = shuffle
        self.average = average
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    def _joint(self, n_outputs: int) -> bool:
        return self.multi_class == "weston_watkins" and n_outputs > 1

    def _violations(self, n_outputs: int) -> Callable[..., Any]:
        kind = weston_watkins if self._joint(n_outputs) else one_vs_rest
        return kind(self.margin)

    def _loss(self, n_outputs: int) -> Callable[..., Any]:
        cost = hinge if self.loss == "hinge" else squared_hinge
        return cost(self._violations(n_outputs))

    def _curvature(self, n_outputs: int) -> Callable[..., Any]:
        return squared_hinge_curvature(self._violations(n_outputs))

    @property
    def _squared(self) -> bool:
        return self.loss == "squared_hinge"
