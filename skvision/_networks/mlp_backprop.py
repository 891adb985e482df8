"""A multilayer perceptron, trained by backpropagation."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skvision._contract.images import validate_rows
from skvision._contract.labeled_rows import (
    LabeledRows,
    hold_out,
    refuse_other_classes,
    see,
    see_validation,
)
from skvision._contract.probabilities import log_probabilities_of, probabilities_of
from skvision._contract.public import public
from skvision._contract.sklearn_compat import Interval, Progress, StrOptions, whole_fit
from skvision._contract.solvers import BATCH_CONSTRAINTS
from skvision._networks.architecture import (
    DEVIATIONS,
    architecture_of,
    biases,
    dropout_rates,
    first_parameters,
)
from skvision._networks.network_classifier import NetworkClassifier, has_epochs
from skvision._training import losses
from skvision._training.layers import he


def _has_probabilities(estimator: Any) -> bool:
    if estimator.loss == "cross_entropy":
        return True
    raise AttributeError(
        f'Probabilities need loss="cross_entropy"; this has loss={estimator.loss!r}. '
        f"CalibratedClassifierCV makes some from decision_function."
    )


@public("skvision")
class MLPBackprop(NetworkClassifier):
    r"""A multilayer perceptron, trained by backpropagation.

    It minimizes

    .. math::
        \frac{\sum_i w_i \, L(s_i, y_i)}{\sum_i w_i}
        + \alpha \left(r \|W\|_1 + \frac{1 - r}{2} \|W\|^2\right),
        \qquad s_i = f(\ldots f(x_i W_1 + b_1) \ldots) W_m + b_m

    over all weights and biases, of which the biases are not penalized. With two classes
    there is one score, that of the second class. A fit does not copy bytes whole: a
    batch is cast, augmented and standardized when its turn comes.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Widths of the hidden layers. ``()`` makes a linear classifier.

    activation : {"relu", "leaky_relu", "elu", "tanh", "sigmoid", "identity"} or \
            array-like of these, default="relu"
        What follows each hidden layer: one for all, or one for each. ``"leaky_relu"``
        has a slope of 0.01 below 0.

    loss : {"cross_entropy", "hinge", "squared_hinge", "squared_error"}, \
            default="cross_entropy"
        What is averaged over rows: the cross-entropy of the softmax of the scores; the
        sum over wrong classes of :math:`\max(0, 1 + s_j - s_y)` (two classes:
        :math:`\max(0, 1 \mp s)`), or of its square; or half the sum of squared errors
        of the outputs.

    out_activation : {"identity", "sigmoid"}, default="identity"
        For ``loss="squared_error"``: the outputs are the scores, held against 1 for the
        true class and -1 for others, or their sigmoids, held against 1 and 0.

    weight_init : {"he", "xavier", "normal", "zeros"} or array-like of ndarray, \
            default="he"
        First weights: normal, of standard deviation :math:`\sqrt{2 / n_{in}}`,
        :math:`\sqrt{2 / (n_{in} + n_{out})}`, 0.01 or 0; or arrays of the shapes of
        ``coefs_``.

    bias_init : array-like of ndarray, default=None
        First biases, of the shapes of ``intercepts_``. None is zero.

    dropout : float or array-like of float, default=0.0
        Share of the outputs of each hidden layer that are set to zero in training, the
        others being scaled up ("inverted"). Or as many as hidden layers and one more,
        the first of which is for the input. From 0 to less than 1.

    batch_norm : bool, default=False
        Whether to standardize the columns of each hidden layer in each batch before the
        activation, and scale and shift them by gains and shifts that are learned.
        Predictions use running means and variances.

    standardize : bool, default=True
        Whether to take the mean from inputs and divide them by their standard
        deviation: of each channel of images, of each column of flat rows. Both are
        learned in ``fit``, from the rows that it trains on. A column of one value is
        divided by one.

    augmentation : callable, default=None
        ``(images, rng) -> images``: changes the bytes (n, H, W, C) of each batch at
        random, such as `skvision.augmentation.RandomFlip()`. Never at prediction.

    tta : bool, default=False
        Whether predictions average the scores of an image and of its mirror image
        ("test-time augmentation").

    solver : {"adam", "adamw", "sgd", "rmsprop", "adagrad", "lbfgs"}, default="adam"
        ``"lbfgs"`` takes all rows at once, for small data; it does not go with dropout,
        batch norm, augmentation or an L1 penalty. The others take steps on
        mini-batches, as in ``torch.optim``; ``"adamw"`` has the L2 part of the penalty
        as weight decay.

    alpha : float, default=1e-4
        Strength of the penalty, from 0. scikit-learn's ``MLPClassifier`` divides its
        ``alpha`` by the number of rows in a batch: this one is that quotient.

    l1_ratio : float, default=0.0
        Share of the L1 norm in the penalty, :math:`r`, from 0 to 1.

    max_norm : float, default=None
        The length that the weights into a unit may not exceed: they are scaled down to
        it after each step.

    max_gradient_norm : float, default=None
        The length that the gradient of all parameters may not exceed: it is scaled down
        to it ("clipping").

    label_smoothing : float, default=0.0
        For the cross-entropy: the probability that is taken from the true class and
        given to all classes alike. From 0 to less than 1.

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

    batch_size : int or "auto", default="auto"
        Rows in a mini-batch; ``"auto"`` is 200, or all where there are less.

    max_iter : int, default=200
        The most epochs, which the schedules of the learning rate are made for; or the
        most iterations of ``"lbfgs"``.

    shuffle : bool, default=True
        Whether rows are put in another order for each epoch.

    tol : float, default=1e-4
        The fit ends where ``n_iter_no_change`` epochs in a row did not better the loss,
        or the validation score, by more than this. ``"lbfgs"`` ends where no element of
        the gradient exceeds it.

    n_iter_no_change : int, default=10
        How many such epochs end a fit. Not with ``"cosine"``, ``"one_cycle"`` or
        ``average_last``, which are made to run to ``max_iter``.

    early_stopping : bool, default=False
        Whether to hold out rows, end where they are predicted no better, and keep the
        weights of the epoch that predicts them best.

    validation_fraction : float, default=0.1
        The part held out, between 0 and 1, stratified by class; unless ``X_val`` is
        given to ``fit``.

    average_last : int, default=None
        Keep the mean of the weights after each step of the last so many epochs of
        ``max_iter``, rather than the last weights.

    class_weight : dict or "balanced", default=None
        Weights of the classes, which multiply those of the rows. ``"balanced"`` gives
        all classes the same total weight among the rows that are learned from.

    warm_start : bool, default=False
        Whether ``fit`` goes on from the fit before: its weights, standardization, and
        what the optimizer remembers.

    image_shape : (H, W) or (H, W, C), default=None
        The shape of images that come as flat rows. None takes flat rows for features,
        each column of its own kind.

    random_state : int, RandomState instance or None, default=None
        First weights, order of the rows, dropout, augmentation, and choice of the rows
        held out.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.

    coefs_ : list of ndarray of shape (n_inputs, n_outputs)
        Weights of each layer, for standardized inputs. float64 for float64 images,
        else float32.

    intercepts_ : list of ndarray of shape (n_outputs,)
        Biases of each layer; with ``batch_norm``, shifts of the hidden ones.

    parameters_ : ndarray of shape (n_parameters_,)
        All of these in one vector, weights first, and the gains of ``batch_norm``.

    n_parameters_ : int
        How many numbers are learned.

    n_iter_ : int
        Epochs or iterations made; those of all fits with ``warm_start``.

    loss_curve_ : list of float
        Mean of the objective over the batches of each epoch, while it went by.

    validation_scores_ : list of float
        Accuracy on the rows held out after each epoch, rows counting by their weights.

    best_validation_score_ : float or None
        The largest of those of the last fit.

    history_ : dict of str to ndarray
        ``"epoch"``, ``"loss"``, ``"validation_score"`` and ``"learning_rate"`` of each
        epoch, and ``"update_ratio"`` (n_epochs, n_layers): how long the last step of
        the epoch was, over the length of the weights. About 1e-3 is healthy. NaN where
        there is none.

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
    SoftmaxRegression : The same without hidden layers, solved to its optimum.
    skvision.augmentation : Random changes of images.

    Notes
    -----
    A fit by epochs that is interrupted from the keyboard keeps its last whole epoch, or
    the best one with ``early_stopping``, sets ``interrupted_`` and raises
    ``KeyboardInterrupt``, so that a search or cross-validation around it ends too. An
    interrupted fit without a whole epoch, ``partial_fit`` and ``solver="lbfgs"`` leave
    the network as it was. A fit whose loss becomes infinite or NaN keeps its last whole
    epoch too, and gives a ``ConvergenceWarning``. With one batch an epoch, no dropout
    and no batch norm, a row of weight 2 is the same as that row twice.

    Networks of several ``random_state`` in a ``VotingClassifier(voting="soft")`` mostly
    predict a little better than each: on digits 94.0 % right against 93.7 %, the means
    of six times five networks.

    References
    ----------
    D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations by
    back-propagating errors", Nature 323, 1986.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import MLPBackprop
    >>> digits = load_digits()
    >>> model = MLPBackprop(learning_rate="cosine", max_iter=100, random_state=0)
    >>> model = model.fit(digits.images[:1000], digits.target[:1000])
    >>> [W.shape for W in model.coefs_], model.n_parameters_
    ([(64, 100), (100, 10)], 7510)
    >>> print(f"{model.score(digits.images[1000:], digits.target[1000:]):.2f}")
    0.93
    """

    _parameter_constraints = {
        **NetworkClassifier._parameter_constraints,
        "loss": [
            StrOptions({"cross_entropy", "hinge", "squared_hinge", "squared_error"})
        ],
        "out_activation": [StrOptions({"identity", "sigmoid"})],
        "weight_init": [StrOptions(set(DEVIATIONS)), "array-like"],
        "bias_init": ["array-like", None],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "max_norm": [Interval(Real, 0, None, closed="neither"), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "early_stopping": BATCH_CONSTRAINTS["early_stopping"],
        "validation_fraction": BATCH_CONSTRAINTS["validation_fraction"],
        "average_last": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        loss: Any = "cross_entropy",
        out_activation: str = "identity",
        weight_init: Any = "he",
        bias_init: Any = None,
        dropout: Any = 0.0,
        batch_norm: bool = False,
        standardize: bool = True,
        augmentation: Callable[..., Any] | None = None,
        tta: bool = False,
        solver: str = "adam",
        alpha: float = 1e-4,
        l1_ratio: float = 0.0,
        max_norm: float | None = None,
        max_gradient_norm: float | None = None,
        label_smoothing: float = 0.0,
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        batch_size: int | str = "auto",
        max_iter: int = 200,
        shuffle: bool = True,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        average_last: int | None = None,
        class_weight: dict[str, Any] | str | None = None,
        warm_start: bool = False,
        image_shape: Any = None,
        random_state: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.out_activation = out_activation
        self.weight_init = weight_init
        self.bias_init = bias_init
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.standardize = standardize
        self.augmentation = augmentation
        self.tta = tta
        self.solver = solver
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.max_norm = max_norm
        self.max_gradient_norm = max_gradient_norm
        self.label_smoothing = label_smoothing
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.average_last = average_last
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.image_shape = image_shape
        self.random_state = random_state

    @whole_fit
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features. Bytes are computed with as float32, a batch at a time.
        y : array-like of shape (n,)
            Classes, at least two.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows, not negative.
        X_val : array-like of shape (n_val, ...), default=None
            Images or features to validate on with ``early_stopping``, in place of a
            part of ``X``. In a pipeline, ``transform_input=["X_val"]`` sends them
            through the steps before.
        y_val : array-like of shape (n_val,), default=None
            Their classes.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights, not negative.

        Returns
        -------
        self : MLPBackprop
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter is out of its range or does not go with another, ``X`` is not
            finite numbers in one of the three layouts, ``y`` has one class only,
            validation images are not like those of ``X`` or of other classes, or
            ``warm_start`` is set and the last fit was of other classes, features or
            layers.
        TypeError
            If a callable ``learning_rate`` does not take two arguments or does not
            return a number.
        KeyboardInterrupt
            If the fit is interrupted. It first keeps its last whole epoch, if there is
            one, and sets ``interrupted_``.

        Warns
        -----
        ConvergenceWarning
            If the loss became infinite or NaN, or ``solver="lbfgs"`` did not settle in
            ``max_iter`` iterations.
        """
        goes_on = self.warm_start and hasattr(self, "parameters_")
        problem = see(self, X, y, sample_weight, reset=not goes_on)
        if goes_on:
            refuse_other_classes(self, problem.classes)
        rng = check_random_state(self.random_state)
        if X_val is None and y_val is None and sample_weight_val is None:
            problem, learning, rows = hold_out(self, problem, rng)
            parts: Any = (*(part[rows] for part in problem[:3]), None)
            held_out = LabeledRows(*parts)
        else:
            learning = np.flatnonzero(problem.weights)
            held_out = see_validation(self, problem, X_val, y_val, sample_weight_val)
        self._begin(problem, learning, goes_on, rng, X_val is not None)
        with Progress(self, X, y, sample_weight, self.max_iter) as progress:
            self._train(problem, learning, held_out, progress)
        return self

    @available_if(has_epochs)
    @whole_fit
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Make one epoch over some images, from where it stands.

        What inputs are standardized by is learned in the first call.

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
        self : MLPBackprop
            The classifier, a little better trained.

        Raises
        ------
        AttributeError
            With ``solver="lbfgs"``, which has no epochs.
        ValueError
            If the first call does not name ``classes``, or a later one other classes or
            images of another shape; with ``early_stopping``, ``average_last`` or
            ``class_weight="balanced"``; or if layers were changed in between.
        KeyboardInterrupt
            If the epoch is interrupted; the network stays as it was before.
        """
        if self.early_stopping or self.average_last:
            raise ValueError(
                "partial_fit makes one epoch: it does not go with early_stopping or "
                "average_last."
            )
        problem, learning = self._begin_epoch(X, y, classes, sample_weight)
        self._train(problem, learning, None, None)
        return self

    def _keep(self, course: Any, **more: Any) -> None:
        before: Any = []
        scores = course.validation_scores
        if self.n_iter_:
            before = self.validation_scores_
        self.validation_scores_ = [*before, *scores]
        self.best_validation_score_ = max(scores, default=None)
        none = [np.nan] * len(course.loss_curve)
        super()._keep(course, validation_score=np.array(scores or none), **more)

    def _architecture_for(self, problem: LabeledRows) -> Any:
        return architecture_of(self, problem.X.shape[1], problem.n_outputs)

    def _dropout_rates(self, architecture: Any) -> tuple[float, ...]:
        return dropout_rates(self, len(architecture.hidden))

    def _first_parameters(
        self, architecture: Any, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        named = isinstance(self.weight_init, str)
        deviation = DEVIATIONS[self.weight_init] if named else he
        return first_parameters(self, architecture.network(deviation=deviation), rng)

    def _check(self) -> None:
        if self.out_activation != "identity" and self.loss != "squared_error":
            raise ValueError(
                f'out_activation="sigmoid" is for loss="squared_error"; got '
                f"loss={self.loss!r}."
            )
        if self.label_smoothing and self.loss != "cross_entropy":
            raise ValueError(
                f'label_smoothing is for loss="cross_entropy"; got loss={self.loss!r}.'
            )

    def _loss(self, n_outputs: int) -> Callable[..., Any]:
        """Return what is minimized, for so many outputs."""
        if self.loss == "cross_entropy":
            loss = (
                losses.softmax_cross_entropy
                if n_outputs > 1
                else losses.sigmoid_cross_entropy
            )
            smoothing = self.label_smoothing
            return losses.smoothed(loss, smoothing) if smoothing else loss
        if self.loss == "squared_error":
            sigmoid = self.out_activation == "sigmoid"
            return losses.sigmoid_squared_error if sigmoid else losses.squared_error
        pairs = losses.weston_watkins if n_outputs > 1 else losses.one_vs_rest
        make = losses.hinge if self.loss == "hinge" else losses.squared_hinge
        return make(pairs(1.0))

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """The biases of each layer, (n_outputs,), views of parameters_."""
        check_is_fitted(self, "parameters_")
        views = self._architecture.network().views(self.parameters_)
        return biases(views, len(self._architecture.hidden) + 1)

    def decision_function(self, X: Any) -> np.ndarray:
        """Compute the scores of the classes.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features like those of ``fit``.

        Returns
        -------
        scores : ndarray of shape (n, n_classes), or (n,) for two classes
            Outputs of the network, before any sigmoid; with two classes that of the
            second one.

        Raises
        ------
        ValueError
            If ``X`` is not like the images seen in ``fit``.
        """
        scores = self._scores(X)
        return scores if scores.shape[1] > 1 else scores[:, 0]

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Compute the probabilities of the classes, the softmax of the scores.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features like those of ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            Between 0 and 1, each row adding up to 1, in the order of ``classes_``.

        Raises
        ------
        AttributeError
            With another loss than the cross-entropy.
        ValueError
            If ``X`` is not like the images seen in ``fit``.
        """
        return probabilities_of(self.decision_function(X))

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Compute the logarithms of the probabilities, exact where these round to 0.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features like those of ``fit``.

        Returns
        -------
        log_probabilities : ndarray of shape (n, n_classes)
            Not above 0, in the order of ``classes_``.

        Raises
        ------
        AttributeError
            With another loss than the cross-entropy.
        ValueError
            If ``X`` is not like the images seen in ``fit``.
        """
        return log_probabilities_of(self.decision_function(X))

    def transform(self, X: Any) -> Any:
        """Compute the outputs of the last hidden layer, as features.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features like those of ``fit``.

        Returns
        -------
        features : ndarray of shape (n, n_hidden)
            One column for each unit; without hidden layers the standardized input.

        Raises
        ------
        ValueError
            If ``X`` is not like the images seen in ``fit``.
        """
        check_is_fitted(self, "parameters_")
        return self._hidden(validate_rows(self, X, reset=False))
