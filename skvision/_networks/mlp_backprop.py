"""The multilayer perceptron."""

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
    validate_labeled_rows,
    validate_validation_set,
)
from skvision._contract.probabilities import log_probabilities_of, probabilities_of
from skvision._contract.public import public
from skvision._contract.sklearn_compat import Interval, Progress, StrOptions, whole_fit
from skvision._contract.solvers import BATCH_CONSTRAINTS, Regularization
from skvision._layers.initializers import INITIALIZERS
from skvision._layers.network import views
from skvision._networks.architecture import (
    Architecture,
    dropout_rates,
    fill,
    hidden_layers,
)
from skvision._networks.network_classifier import NetworkClassifier, has_epochs
from skvision._training import losses


def _has_probabilities(estimator: Any) -> bool:
    if estimator.loss == "cross_entropy":
        return True
    raise AttributeError(
        f'Probabilities require loss="cross_entropy"; got loss={estimator.loss!r}. '
        f"CalibratedClassifierCV estimates them from decision_function."
    )


@public("skvision")
class MLPBackprop(NetworkClassifier):
    r"""Multilayer perceptron classifier, trained by backpropagation.

    It minimizes

    .. math::
        \frac{\sum_i w_i \, L(s_i, y_i)}{\sum_i w_i}
        + \alpha \left(r \|W\|_1 + \frac{1 - r}{2} \|W\|^2\right),
        \qquad s_i = f(\ldots f(x_i W_1 + b_1) \ldots) W_m + b_m

    over all weights and biases. The biases are not penalized. With two classes there is
    one score, that of the second class. Each batch is converted to floats, augmented
    and standardized when it is used, so that a fit does not copy the whole dataset.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Number of units in each hidden layer. ``()`` is a linear classifier.

    activation : {"relu", "leaky_relu", "elu", "tanh", "sigmoid", "identity"} or \
            array-like of these, default="relu"
        Activation function of the hidden layers: one for all layers, or one for each.
        ``"leaky_relu"`` has a slope of 0.01 below 0.

    loss : {"cross_entropy", "hinge", "squared_hinge", "squared_error"}, \
            default="cross_entropy"
        The loss :math:`L`, which is averaged over the samples. ``"cross_entropy"`` is
        the cross-entropy of the softmax of the scores. ``"hinge"`` is the sum over
        wrong classes of :math:`\max(0, 1 + s_j - s_y)` or, with two classes,
        :math:`\max(0, 1 \mp s)`. ``"squared_hinge"`` is the sum of the squares of these
        terms. ``"squared_error"`` is half the sum of squared errors of the outputs.

    out_activation : {"identity", "sigmoid"}, default="identity"
        Activation function of the output, for ``loss="squared_error"``. With
        ``"identity"`` the targets are 1 for the true class and -1 for the others; with
        ``"sigmoid"`` they are 1 and 0.

    weight_init : {"he", "xavier", "normal", "zeros"} or array-like of ndarray, \
            default="he"
        Initializer of the weights. They are drawn from a normal distribution with the
        standard deviation :math:`\sqrt{2 / n_{in}}` for ``"he"``, :math:`\sqrt{2 /
        (n_{in} + n_{out})}` for ``"xavier"`` and 0.01 for ``"normal"``. ``"zeros"``
        initializes them to zero. Alternatively, arrays of the same shapes as
        ``coefs_``.

    bias_init : array-like of ndarray, default=None
        Initial biases, of the same shapes as ``intercepts_``. None initializes them to
        zero.

    dropout : float or array-like of float, default=0.0
        Probability with which each output of a hidden layer is set to zero during
        training. The other outputs are scaled up to keep the mean ("inverted dropout").
        An array has one rate for the input, followed by one rate for each hidden layer.
        Rates are at least 0 and less than 1.

    batch_norm : bool, default=False
        Whether to standardize the inputs of each activation function over each batch,
        followed by a learned scale and shift. Predictions use running means and
        variances.

    standardize : bool, default=True
        Whether to standardize the inputs to zero mean and unit variance: by channel for
        images, by column for flat rows. The means and standard deviations are learned
        in ``fit`` from the training samples. Constant columns are only centered.

    augmentation : callable, default=None
        A function ``(images, rng) -> images`` that changes each training batch at
        random, such as `skvision.augmentation.RandomFlip()`. The images are bytes of
        shape (n, H, W, C). Augmentation is not applied at prediction.

    tta : bool, default=False
        Whether predictions average the scores of each image and its mirror image
        ("test-time augmentation").

    solver : {"adam", "adamw", "sgd", "rmsprop", "adagrad", "lbfgs"}, default="adam"
        ``"lbfgs"`` uses all samples at once and suits small datasets. It does not
        support dropout, batch normalization, augmentation or an L1 penalty. The other
        solvers take steps on mini-batches, as in ``torch.optim``; ``"adamw"`` applies
        the L2 part of the penalty as weight decay.

    alpha : float, default=1e-4
        Strength of the penalty, at least 0. scikit-learn's ``MLPClassifier`` divides
        its ``alpha`` by the number of samples in a batch; this ``alpha`` corresponds to
        the quotient.

    l1_ratio : float, default=0.0
        The mixing parameter :math:`r` of the penalty, between 0 and 1: 0 is the L2
        penalty and 1 is the L1 penalty.

    max_norm : float, default=None
        Maximum Euclidean norm of the weights into a unit. Weights with a larger norm
        are scaled down to it after each step.

    max_gradient_norm : float, default=None
        Maximum Euclidean norm of the gradient with respect to all parameters. A
        gradient with a larger norm is scaled down to it ("gradient clipping").

    label_smoothing : float, default=0.0
        For the cross-entropy, the target probability that is moved from the true class
        to all classes in equal parts. At least 0 and less than 1.

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

    batch_size : int or "auto", default="auto"
        Number of samples in a mini-batch. ``"auto"`` is 200, or all samples if there
        are fewer.

    max_iter : int, default=200
        Maximum number of epochs, or of iterations of ``"lbfgs"``. The schedules of the
        learning rate are planned for this number of epochs.

    shuffle : bool, default=True
        Whether to shuffle the samples before each epoch.

    tol : float, default=1e-4
        The fit ends when ``n_iter_no_change`` epochs in a row have not improved the
        loss, or the validation score, by more than ``tol``. ``"lbfgs"`` ends when no
        element of the gradient exceeds ``tol``.

    n_iter_no_change : int, default=10
        Number of epochs in a row without improvement after which the fit ends. It is
        not used with ``"cosine"``, ``"one_cycle"`` or ``average_last``, which are
        planned for ``max_iter`` epochs.

    early_stopping : bool, default=False
        Whether to hold out samples for validation, end the fit when the validation
        score stops improving, and keep the weights of the epoch with the best
        validation score.

    validation_fraction : float, default=0.1
        Fraction of the samples to hold out, between 0 and 1, stratified by class. It is
        not used if ``X_val`` is passed to ``fit``.

    average_last : int, default=None
        Number of epochs at the end of ``max_iter`` whose weights are averaged over all
        steps. The fit returns the average instead of the last weights. None does not
        average.

    class_weight : dict or "balanced", default=None
        Weights of the classes, which are multiplied with the sample weights.
        ``"balanced"`` gives all classes the same total weight among the samples used
        for training.

    warm_start : bool, default=False
        Whether ``fit`` continues the previous fit, with its weights, standardization
        and optimizer state.

    image_shape : (H, W) or (H, W, C), default=None
        Shape of the images if they are passed as flat rows. None treats flat rows as
        features without a spatial layout.

    random_state : int, RandomState instance or None, default=None
        Controls the initial weights, the shuffling of the samples, dropout,
        augmentation, and which samples are held out. Pass an int for reproducible
        results.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, in sorted order.

    coefs_ : list of ndarray of shape (n_inputs, n_outputs)
        Weights of each layer, for standardized inputs. They are float64 for float64
        input and float32 otherwise.

    first_layer_weights_ : ndarray of shape (n_units, n_features_in_)
        Weights of the first layer, for standardized inputs, with a row for each unit.

    unit_weights_ : list of ndarray of shape (n_units, n_inputs)
        Weights of each layer, with a row for each unit, as views of ``parameters_``.

    intercepts_ : list of ndarray of shape (n_outputs,)
        Biases of each layer. With ``batch_norm``, they are the shifts in hidden layers.

    parameters_ : ndarray of shape (n_parameters_,)
        All weights, biases and gains of ``batch_norm`` in one vector, weights first.

    n_parameters_ : int
        Number of learned parameters.

    n_iter_ : int
        Number of epochs or iterations. With ``warm_start`` they are counted over all
        fits.

    loss_curve_ : list of float
        Mean of the objective over the batches of each epoch.

    validation_scores_ : list of float
        Weighted accuracy on the held-out samples after each epoch.

    best_validation_score_ : float or None
        The best validation score of the last fit.

    history_ : dict of str to ndarray
        ``"epoch"``, ``"loss"``, ``"validation_score"`` and ``"learning_rate"`` of each
        epoch, and ``"update_ratio"`` of shape (n_epochs, n_layers): the norm of the
        last step of the epoch divided by the norm of the weights, which is typically
        about 1e-3. Values that do not exist are NaN.

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
    SoftmaxRegression : Classifier without hidden layers, fitted to its optimum.
    skvision.augmentation : Random changes of images.

    Notes
    -----
    If a mini-batch fit is interrupted from the keyboard, it keeps its last completed
    epoch, or the best one with ``early_stopping``, sets ``interrupted_`` and raises
    ``KeyboardInterrupt``, so that an enclosing search or cross-validation ends too. If
    no epoch was completed, and with ``partial_fit`` or ``solver="lbfgs"``, an interrupt
    leaves the network as it was. If the loss becomes infinite or NaN, the fit also
    keeps its last completed epoch, and issues a ``ConvergenceWarning``.

    With one batch per epoch and without dropout and batch normalization, a sample of
    weight 2 is equivalent to that sample twice.

    A ``VotingClassifier(voting="soft")`` of networks with different ``random_state``
    usually predicts slightly better than each network: on digits its accuracy is 94.0 %
    compared to 93.7 %, averaged over six ensembles of five networks.

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
        "weight_init": [StrOptions(set(INITIALIZERS)), "array-like"],
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
        """Fit the network to labeled images or features.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features. Bytes are converted to float32 one batch at a time.
        y : array-like of shape (n,)
            Class labels. There must be at least two classes.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights of the samples.
        X_val : array-like of shape (n_val, ...), default=None
            Validation images or features for ``early_stopping``, used instead of a part
            of ``X``. In a pipeline, ``transform_input=["X_val"]`` transforms them by
            the previous steps.
        y_val : array-like of shape (n_val,), default=None
            Class labels.
        sample_weight_val : array-like of shape (n_val,), default=None
            Non-negative weights of the validation samples.

        Returns
        -------
        self : MLPBackprop
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter is out of its range or incompatible with another, ``X`` does
            not hold finite numbers in one of the three layouts, ``y`` has only one
            class, the validation images have another shape or other classes, or
            ``warm_start=True`` and the classes, features or layers differ from those of
            the previous fit.
        TypeError
            If a callable ``learning_rate`` does not take two arguments or does not
            return a number.
        KeyboardInterrupt
            If the fit is interrupted. If an epoch was completed, the fit first stores
            the result of the last one and sets ``interrupted_``.

        Warns
        -----
        ConvergenceWarning
            If the loss became infinite or NaN, or if ``solver="lbfgs"`` did not
            converge within ``max_iter`` iterations.
        """
        warm_start = self.warm_start and hasattr(self, "parameters_")
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
        rng = check_random_state(self.random_state)
        if X_val is None and y_val is None and sample_weight_val is None:
            fraction = self.validation_fraction if self.early_stopping else None
            problem, learning, rows = hold_out(
                problem, fraction, self.class_weight, rng
            )
            held_out = problem.part(rows)
        else:
            learning = np.flatnonzero(problem.weights)
            held_out = validate_validation_set(
                self, problem, X_val, y_val, sample_weight_val
            )
        self._begin(problem, learning, warm_start, rng, X_val is not None)
        with Progress(self, X, y, sample_weight, self.max_iter) as progress:
            self._train(problem, learning, held_out, progress, self.average_last)
        return self

    @available_if(has_epochs)
    @whole_fit
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Train for one epoch on a batch of images.

        The means and standard deviations of the inputs are learned in the first call.

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
        self : MLPBackprop
            The updated classifier.

        Raises
        ------
        AttributeError
            If ``solver="lbfgs"``, which has no epochs.
        ValueError
            If the first call does not pass ``classes``, if a later call passes other
            classes or images of another shape, if ``early_stopping``, ``average_last``
            or ``class_weight="balanced"`` is set, or if the layers have changed since
            the previous call.
        KeyboardInterrupt
            If the epoch is interrupted. The network then stays as it was before.
        """
        if self.early_stopping or self.average_last:
            raise ValueError(
                "partial_fit trains for one epoch and does not support "
                "early_stopping or average_last."
            )
        problem, learning = self._begin_epoch(X, y, classes, sample_weight)
        self._train(problem, learning)
        return self

    def _keep(self, result: Any, **more: Any) -> None:
        before: Any = []
        scores = result.validation_scores
        if self.n_iter_:
            before = self.validation_scores_
        self.validation_scores_ = [*before, *scores]
        self.best_validation_score_ = max(scores, default=None)
        none = [np.nan] * len(result.loss_curve)
        super()._keep(result, validation_score=np.array(scores or none), **more)

    def _architecture_for(self, problem: LabeledRows) -> Any:
        hidden = hidden_layers(self.hidden_layer_sizes, self.activation)
        n_inputs = problem.source.n_features
        return Architecture(n_inputs, *hidden, self.batch_norm, problem.n_outputs)

    def _dropout_rates(self, architecture: Any) -> tuple[float, ...]:
        return dropout_rates(self.dropout, len(architecture.hidden))

    def _regularization(self) -> Regularization:
        return Regularization(
            self.alpha, self.l1_ratio, self.max_norm, self.max_gradient_norm
        )

    def _first_parameters(
        self, architecture: Any, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        initializer = self.weight_init if isinstance(self.weight_init, str) else "he"
        net = architecture.network(initializer=initializer)
        params, statistics = net.start(rng)
        if not isinstance(self.weight_init, str):
            fill("weight_init", self.weight_init, views(net.weights, params))
        if self.bias_init is not None:
            fill("bias_init", self.bias_init, views(net.biases, params))
        return params, statistics

    def _check(self) -> None:
        if self.out_activation != "identity" and self.loss != "squared_error":
            raise ValueError(
                f'out_activation="sigmoid" needs loss="squared_error"; got '
                f"loss={self.loss!r}."
            )
        if self.label_smoothing and self.loss != "cross_entropy":
            raise ValueError(
                f'label_smoothing needs loss="cross_entropy"; got loss={self.loss!r}.'
            )

    def _loss(self, n_outputs: int) -> Callable[..., Any]:
        """Return the loss for a number of outputs."""
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
        """The biases of each layer, as views of ``parameters_``."""
        check_is_fitted(self, "parameters_")
        return views(self._architecture.network().biases, self.parameters_)

    def decision_function(self, X: Any) -> np.ndarray:
        """Compute the scores of the classes.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the same shape as in ``fit``.

        Returns
        -------
        scores : ndarray of shape (n, n_classes), or (n,) for two classes
            The outputs of the network, before a sigmoid. With two classes, the score of
            the second class.

        Raises
        ------
        ValueError
            If ``X`` has another shape than the images seen in ``fit``.
        """
        scores = self._scores(X)
        return scores if scores.shape[1] > 1 else scores[:, 0]

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict class probabilities, the softmax of the scores.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the same shape as in ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            The probability of each class, in the order of ``classes_``. Each row sums
            to 1.

        Raises
        ------
        AttributeError
            If ``loss`` is not ``"cross_entropy"``.
        ValueError
            If ``X`` has another shape than the images seen in ``fit``.
        """
        return probabilities_of(self.decision_function(X))

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the logarithms of the class probabilities.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the same shape as in ``fit``.

        Returns
        -------
        log_probabilities : ndarray of shape (n, n_classes)
            The logarithm of the probability of each class, in the order of
            ``classes_``. It is accurate even where the probability is rounded to 0.

        Raises
        ------
        AttributeError
            If ``loss`` is not ``"cross_entropy"``.
        ValueError
            If ``X`` has another shape than the images seen in ``fit``.
        """
        return log_probabilities_of(self.decision_function(X))

    def transform(self, X: Any) -> Any:
        """Compute features, which are the outputs of the last hidden layer.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the same shape as in ``fit``.

        Returns
        -------
        features : ndarray of shape (n, n_hidden)
            One column for each unit of the last hidden layer. Without hidden layers,
            the standardized input.

        Raises
        ------
        ValueError
            If ``X`` has another shape than the images seen in ``fit``.
        """
        check_is_fitted(self, "parameters_")
        return self._hidden(validate_rows(self, X, reset=False))
