"""The multiclass support vector machine."""

from collections.abc import Callable
from numbers import Real
from typing import Any

from skvision._contract.public import public
from skvision._contract.sklearn_compat import Interval, StrOptions
from skvision._linear.regularized_linear_classifier import RegularizedLinearClassifier
from skvision._training.losses import (
    Hinge,
    hinge,
    one_vs_rest,
    squared_hinge,
    squared_hinge_curvature,
    weston_watkins,
)


@public("skvision")
class MulticlassSVM(RegularizedLinearClassifier):
    r"""Linear support vector machine for two or more classes.

    It minimizes

    .. math::
        \frac{\sum_i w_i \sum_{j \ne y_i} \max(0, m + s_{ij} - s_{i y_i})^p}{\sum_i w_i}
        + \alpha \left(r \|W\|_1 + \frac{1 - r}{2} \|W\|^2\right),
        \qquad s_i = W x_i + b

    over the weights :math:`W` and the biases :math:`b`. The biases are not penalized.
    The exponent :math:`p` is 1 for the hinge loss and 2 for the squared hinge loss.
    This is the joint support vector machine of Weston and Watkins, which compares the
    scores of the classes with each other. One-vs-rest replaces the sum over classes by
    :math:`\sum_j \max(0, m - \sigma_{ij} s_{ij})^p`, where :math:`\sigma_{ij}` is 1 for
    the true class and -1 for the others. It fits a separate machine for each class
    against all others. With two classes, both have one row of weights, which gives the
    score of the second class.

    Parameters
    ----------
    loss : {"squared_hinge", "hinge"}, default="squared_hinge"
        The loss function. The squared hinge loss is smooth and is fitted several times
        as fast as the hinge loss of the textbooks.

    multi_class : {"weston_watkins", "ovr"}, default="weston_watkins"
        Whether to fit the classes jointly or one machine for each class against the
        rest.

    margin : float, default=1.0
        The margin :math:`m` by which the score of the true class should exceed the
        other scores. For the hinge loss it does not add a degree of freedom: dividing
        ``alpha`` by the margin scales the scores by the margin.

    alpha : float, default=1e-3
        Strength of the penalty, at least 0. The default suits features of about unit
        variance. With ``multi_class="ovr"``, scikit-learn's ``LinearSVC`` minimizes the
        same objective at ``C = 1 / (alpha * n)``, where n is the number of samples or
        the sum of their weights, except that it penalizes the biases too.

    l1_ratio : float, default=0.0
        The mixing parameter :math:`r` of the penalty, between 0 and 1: 0 is the L2
        penalty and 1 is the L1 penalty. Above 0, ``solver="auto"`` sets the weights
        whose gradient is smaller than the L1 penalty to exactly 0.

    max_norm : float, default=None
        Maximum Euclidean norm of the weights of a class. Weights with a larger norm are
        scaled down to it after each step of a mini-batch solver. ``solver="auto"`` has
        no such steps and does not support this parameter.

    fit_intercept : bool, default=True
        Whether to fit biases.

    class_weight : dict or "balanced", default=None
        Weights of the classes, which are multiplied with the sample weights.
        ``"balanced"`` gives all classes the same total weight among the samples used
        for training.

    solver : {"auto", "sgd", "adagrad", "rmsprop", "adam", "adamw"}, default="auto"
        ``"auto"`` finds the optimum by Newton's method. The steps are computed by
        conjugate gradients, preconditioned by the curvature of the features. If the
        classes are separable, an interior-point method is used. The other solvers take
        steps on mini-batches, as in ``torch.optim``; ``"adamw"`` applies the L2 part of
        the penalty as weight decay. With ``"auto"``, ``partial_fit`` uses ``"adam"``.

    max_iter : int, default=1000
        Maximum number of iterations, or of epochs of a mini-batch solver.

    tol : float, default=1e-3
        With ``"auto"``, the fit ends when a duality gap proves that the objective is
        within this fraction of its optimum: ``tol=1e-3`` is a tenth of a percent. This
        differs from scikit-learn, whose tolerance is absolute and bounds the gradient.
        Without a penalty (``alpha=0``) no such proof exists, and the fit ends when
        Newton's method predicts that the next step lowers the objective by at most this
        fraction. The hinge loss is then fitted with an L2 penalty of 1e-9 times the
        mean variance of the features. If the classes are separable, the optimum is 0,
        and the fit ends when the loss has fallen to this fraction of its initial value.
        A mini-batch fit ends, as in scikit-learn, when the loss or the validation score
        has not improved by more than ``tol`` for ``n_iter_no_change`` epochs in a row.

    warm_start : bool, default=False
        Whether ``fit`` starts from the weights of the previous fit instead of from
        zero. The classes and the number of features must be the same.

    batch_size : int, default=200
        Number of samples in a mini-batch. This parameter and the following ones are
        used by mini-batch solvers only.

    learning_rate : {"constant", "step", "exponential", "cosine", "one_cycle", \
            "invscaling", "adaptive"}, schedule or callable, default="constant"
        How the learning rate changes during the fit. ``"step"`` divides it by 10 after
        each third of ``max_iter``. ``"exponential"`` multiplies it by the same factor
        after each epoch, so that it falls to a hundredth at ``max_iter``. ``"cosine"``
        decreases it along a cosine to 0 at ``max_iter``. ``"one_cycle"`` increases it
        from a 25th of ``learning_rate_init`` during the first three tenths of
        ``max_iter`` and then decreases it along a cosine to nearly 0. ``"invscaling"``
        divides it by the square root of the number of the epoch. ``"adaptive"`` divides
        it by 5 whenever a third of ``n_iter_no_change`` epochs in a row have not
        improved the validation score or, without validation, the loss by more than
        ``tol``.

        The schedules in `skvision.schedules` have parameters: ``StepDecay(every=10,
        factor=0.5)`` halves the learning rate every 10 epochs. A callable is called
        before each epoch as ``learning_rate(epoch, history)`` and returns the learning
        rate. Epochs are counted from 0 in each ``fit``, and ``history`` is a dict with
        the lists ``"loss"``, ``"validation_score"`` and ``"learning_rate"`` of the
        previous epochs.

    learning_rate_init : float, default=0.001
        The learning rate of the first epoch or, with ``"one_cycle"``, the largest
        learning rate. It is not used if ``learning_rate`` is a callable.

    momentum : float, default=0.9
        Momentum of ``"sgd"``, at least 0 and less than 1.

    nesterovs_momentum : bool, default=True
        Whether ``"sgd"`` uses Nesterov's momentum.

    shuffle : bool, default=True
        Whether to shuffle the samples before each epoch.

    average : bool or int, default=False
        Whether to average the weights over all steps. If an int, averaging begins once
        that many samples have been seen. The loss of an epoch, which decides when to
        stop, is then the loss of the averaged weights. ``partial_fit`` does not
        average.

    early_stopping : bool, default=False
        Whether to hold out samples for validation and keep the weights of the epoch
        with the best validation score.

    validation_fraction : float, default=0.1
        Fraction of the samples to hold out, between 0 and 1, stratified by class.

    n_iter_no_change : int, default=10
        Number of epochs in a row without improvement after which a mini-batch fit ends.

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
        Number of iterations or epochs.

    loss_curve_ : list of float
        The objective at the start and after each iteration or, for the hinge loss,
        after each smooth problem. With a mini-batch solver, the values after the first
        one are the means of the objective over the steps of each epoch.

    validation_scores_ : list of float
        Accuracy on the held-out samples after each epoch. It is empty without
        ``early_stopping``.

    learning_rates_ : list of float
        The learning rate at the start of each epoch of a mini-batch solver.

    history_ : dict of str to ndarray
        ``"iteration"``, ``"smoothed problem"`` for the hinge loss, or ``"epoch"`` with
        a mini-batch solver; ``"loss"``, ``"validation_score"`` and ``"learning_rate"``.
        The first element is that at the start, except after ``partial_fit``. Values
        that do not exist are NaN.

    interrupted_ : bool
        Whether the last fit was interrupted, so that it made fewer epochs than it would
        have made otherwise. ``fit`` then raised ``KeyboardInterrupt``.

    optimality_ : float
        Upper bound on the distance of the objective from its optimum, as a fraction of
        the objective. ``solver="auto"`` compares it with ``tol``.

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
    Perceptron : Linear classifier trained by the perceptron rule.

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

    def _hinge(self, n_outputs: int) -> Hinge:
        kind = weston_watkins if self._joint(n_outputs) else one_vs_rest
        return Hinge(kind(self.margin), self.margin, self.loss == "squared_hinge")

    def _loss(self, n_outputs: int) -> Callable[..., Any]:
        parts = self._hinge(n_outputs)
        return (squared_hinge if parts.squared else hinge)(parts.violations)

    def _curvature(self, n_outputs: int) -> Callable[..., Any]:
        return squared_hinge_curvature(self._hinge(n_outputs).violations)
