"""The ArcFace embedder."""

import math
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
    refuse_other_classes,
    validate_labeled_rows,
)
from skvision._contract.labels import refuse_missing
from skvision._contract.probabilities import log_probabilities_of, probabilities_of
from skvision._contract.public import public
from skvision._contract.sklearn_compat import Interval, Progress, StrOptions, whole_fit
from skvision._contract.solvers import PLANNED, Regularization
from skvision._contract.unit_rows import unit_rows
from skvision._networks.architecture import (
    Architecture,
    dropout_rates,
    hidden_layers,
)
from skvision._networks.network_classifier import NetworkClassifier, has_epochs
from skvision._networks.network_fit import threads_for
from skvision._training import losses

MARGINS = {  # loss: (type of the margin, upper limit of the margin)
    "arcface": ("angle", math.pi),
    "cosface": ("cosine", 2.0),
}


def _has_open_end(estimator: Any) -> bool:
    if estimator.learning_rate not in PLANNED:
        return has_epochs(estimator)
    raise AttributeError(
        f"partial_fit trains for one epoch, and learning_rate="
        f"{estimator.learning_rate!r} is planned for max_iter epochs: set "
        f'learning_rate="constant".'
    )


@public("skvision")
class ArcFaceEmbedder(NetworkClassifier):
    r"""Embeddings of images, trained with an additive angular margin (ArcFace).

    A network maps each image to a vector of unit length, its embedding. Each class has
    a center, and the network is trained so that the angle between an embedding and the
    center of its class is smaller than the angles to all other centers by a margin
    :math:`m`. It minimizes

    .. math::
        -\frac{1}{n} \sum_i \log \frac{e^{s \cos(\theta_{i y_i} + m)}}
        {e^{s \cos(\theta_{i y_i} + m)} + \sum_{j \ne y_i} e^{s \cos \theta_{ij}}}
        + \frac{\alpha}{2} \|W\|^2

    where :math:`\theta_{ij}` is the angle between the embedding of image :math:`i` and
    the center of class :math:`j`. Two images are predicted to be of the same class if
    the cosine of the angle between their embeddings is large enough. This also works
    for classes that were not seen in training. `skvision.VerificationThreshold` learns
    the threshold.

    Parameters
    ----------
    n_components : int, default=128
        Number of components of the embeddings.

    hidden_layer_sizes : int or array-like of int, default=()
        Number of units in each hidden layer before the embedding. ``()`` makes the
        embedding a linear map, which is best for a few hundred images.

    activation : {"relu", "leaky_relu", "elu", "tanh", "sigmoid", "identity"} or \
            array-like of these, default="relu"
        Activation function of the hidden layers: one for all layers, or one for each.
        The embedding has no activation function.

    loss : {"arcface", "cosface", "normalized_softmax", "softmax"}, default="arcface"
        The loss function. ``"arcface"`` adds the margin to the angle, ``"cosface"``
        subtracts it from the cosine, and ``"normalized_softmax"`` has no margin.
        ``"softmax"`` is the cross-entropy of a linear layer, without scale and margin.

    margin : float, default=0.5
        The margin :math:`m`. For ``"arcface"`` it is an angle in radians, at least 0
        and less than :math:`\pi`. For ``"cosface"`` it is a difference of cosines, at
        least 0 and less than 2.

    scale : float, default=16.0
        The scale :math:`s` of the cosines. If an embedding has the direction of its
        center, and the other centers are as far away as possible, its class has a
        probability of at least :math:`P` for :math:`s \ge \log\frac{(C - 1) P}{1 - P} /
        (\cos m + \frac{1}{C - 1})` with :math:`C` classes. If the scale is much larger,
        all training images soon have a probability of about 1, and the gradient
        vanishes.

    dropout : float or array-like of float, default=0.0
        Probability with which each output of a hidden layer is set to zero during
        training. The other outputs are scaled up to keep the mean. An array has one
        rate for the input, followed by one rate for each hidden layer. Rates are at
        least 0 and less than 1. Dropout is not applied to the embedding, so a single
        rate has no effect without hidden layers.

    batch_norm : bool, default=True
        Whether to standardize the inputs of each activation function, and the embedding
        before it is normalized to unit length, over each batch. Embeddings of new
        images use running means and variances.

    standardize : bool, default=True
        Whether to standardize the inputs to zero mean and unit variance: by channel for
        images, by column for flat rows. The means and standard deviations are learned
        in ``fit``.

    augmentation : callable, default=None
        A function ``(images, rng) -> images`` that changes each training batch at
        random, such as `skvision.augmentation.RandomFlip()`. The images are bytes of
        shape (n, H, W, C). Augmentation is not applied to new images.

    tta : bool, default=False
        Whether to average over each image and its mirror image ("test-time
        augmentation"). The embedding is the mean of both embeddings, normalized to unit
        length, and the scores are the mean of both scores.

    solver : {"adamw", "adam", "sgd", "rmsprop", "adagrad", "lbfgs"}, default="adamw"
        ``"lbfgs"`` uses all samples at once and suits small datasets. It does not
        support dropout, batch normalization or augmentation. The other solvers take
        steps on mini-batches, as in ``torch.optim``; ``"adamw"`` applies the penalty as
        weight decay.

    alpha : float, default=0.01
        Strength of the penalty on all weights, at least 0. It does not affect the
        direction of a center, but it keeps the center short, so that its direction
        changes faster. With ``"lbfgs"`` it must be 0, except for ``loss="softmax"``.

    max_gradient_norm : float, default=None
        Maximum Euclidean norm of the gradient with respect to all parameters. A
        gradient with a larger norm is scaled down to it ("gradient clipping").

    learning_rate : {"constant", "step", "exponential", "cosine", "one_cycle", \
            "invscaling", "adaptive"}, schedule or callable, default="cosine"
        How the learning rate changes during the fit, as in `MLPBackprop`. By default it
        decreases along a cosine to 0 at ``max_iter``. There is no validation, so
        ``"adaptive"`` uses the loss.

    learning_rate_init : float, default=0.001
        The learning rate of the first epoch or, with ``"one_cycle"``, the largest
        learning rate.

    momentum : float, default=0.9
        Momentum of ``"sgd"``, at least 0 and less than 1.

    nesterovs_momentum : bool, default=True
        Whether ``"sgd"`` uses Nesterov's momentum.

    batch_size : int or "auto", default=32
        Number of samples in a mini-batch. ``"auto"`` is 200, or all samples if there
        are fewer.

    max_iter : int, default=60
        Maximum number of epochs, or of iterations of ``"lbfgs"``. The schedules of the
        learning rate are planned for this number of epochs.

    shuffle : bool, default=True
        Whether to shuffle the samples before each epoch.

    tol : float, default=1e-4
        The fit ends when ``n_iter_no_change`` epochs in a row have not improved the
        loss by more than ``tol``. ``"lbfgs"`` ends when no element of the gradient
        exceeds ``tol``.

    n_iter_no_change : int, default=10
        Number of epochs in a row without improvement after which the fit ends. It is
        not used with ``"cosine"`` or ``"one_cycle"``, which are planned for
        ``max_iter`` epochs.

    class_weight : dict or "balanced", default=None
        Weights of the classes. ``"balanced"`` gives all classes the same total weight.

    warm_start : bool, default=False
        Whether ``fit`` continues the previous fit. ``margin`` and ``scale`` may have
        changed since then.

    image_shape : (H, W) or (H, W, C), default=None
        Shape of the images if they are passed as flat rows. None treats flat rows as
        features without a spatial layout.

    random_state : int, RandomState instance or None, default=None
        Controls the initial weights, the shuffling of the samples, dropout and
        augmentation. Pass an int for reproducible results.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, in sorted order.

    class_centers_ : ndarray of shape (n_classes, n_components), float32
        The centers of the classes, of unit length. With ``loss="softmax"`` they are the
        directions of the weights of each class.

    coefs_ : list of ndarray
        Weights of each layer, of shape (n_inputs, n_outputs), for standardized inputs.
        The weights of the last layer are the centers, of shape (n_classes,
        n_components) and any length, except for ``loss="softmax"``.

    first_layer_weights_ : ndarray of shape (n_units, n_features_in_)
        Weights of the first layer, for standardized inputs, with a row for each unit.

    unit_weights_ : list of ndarray of shape (n_units, n_inputs)
        Weights of each layer, with a row for each unit, as views of ``parameters_``.

    parameters_ : ndarray of shape (n_parameters_,)
        All learned parameters in one vector, weights first. They are float64 for
        float64 input and float32 otherwise.

    n_parameters_ : int
        Number of learned parameters.

    n_iter_ : int
        Number of epochs or iterations. With ``warm_start`` they are counted over all
        fits.

    loss_curve_ : list of float
        Mean of the objective over the batches of each epoch.

    history_ : dict of str to ndarray
        ``"epoch"``, ``"loss"`` and ``"learning_rate"`` of each epoch, and
        ``"update_ratio"`` of shape (n_epochs, n_layers): the norm of the last step of
        the epoch divided by the norm of the weights.

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
    VerificationThreshold : Decides whether two images are of the same class.
    skvision.metrics.verification_auc : Scores embeddings of new classes.
    KNNImageClassifier : With ``metric="cosine"``, classifies by a few images each.

    Notes
    -----
    ``predict``, ``predict_proba`` and ``score`` apply to the training classes. The
    score of a class is :math:`s \cos \theta_j`, without the margin.

    Embeddings are float32. Up to rounding, the embedding of an image does not depend on
    the other images passed with it. If the output of the network is exactly zero, the
    embedding is zero, and its cosine with all other embeddings is zero.

    With only tens of images, 60 epochs have few steps. Increase ``max_iter`` or
    ``learning_rate_init`` until the ``score`` on the training images is good.

    If :math:`\theta + m` exceeds :math:`\pi`, the score of the true class is :math:`s
    (\cos \theta - 1 + \cos m)`, which continues to decrease and is continuous. The
    fallback in the code of the paper, :math:`\cos \theta - m \sin m`, has a jump of
    0.117 at :math:`m = 0.5`.

    References
    ----------
    J. Deng, J. Guo, N. Xue and S. Zafeiriou, "ArcFace: additive angular margin loss for
    deep face recognition", CVPR 2019.

    H. Wang and others, "CosFace: large margin cosine loss for deep face recognition",
    CVPR 2018.

    F. Wang, X. Xiang, J. Cheng and A. L. Yuille, "NormFace: L2 hypersphere embedding
    for face verification", ACM Multimedia 2017 (bound on the scale).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skvision import ArcFaceEmbedder
    >>> from skvision.metrics import angle_statistics
    >>> digits = load_digits()
    >>> X, y = digits.images[:1000], digits.target[:1000]
    >>> X_new, y_new = digits.images[1000:], digits.target[1000:]
    >>> model = ArcFaceEmbedder(max_iter=20, random_state=0).fit(X, y)
    >>> embeddings = model.transform(X_new)
    >>> embeddings.shape
    (797, 128)
    >>> angles = angle_statistics(embeddings, y_new)
    >>> print(np.degrees(np.median(angles.within)).round())
    39.0
    >>> print(np.degrees(angles.between.min()).round())
    67.0
    >>> print(f"{model.score(X_new, y_new):.2f}")
    0.93
    """

    _parameter_constraints = {
        **NetworkClassifier._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions({"arcface", "cosface", "normalized_softmax", "softmax"})],
        "margin": [Interval(Real, 0, None, closed="left")],
        "scale": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        n_components: int = 128,
        *,
        hidden_layer_sizes: Any = (),
        activation: Any = "relu",
        loss: str = "arcface",
        margin: float = 0.5,
        scale: float = 16.0,
        dropout: Any = 0.0,
        batch_norm: bool = True,
        standardize: bool = True,
        augmentation: Callable[..., Any] | None = None,
        tta: bool = False,
        solver: str = "adamw",
        alpha: float = 0.01,
        max_gradient_norm: float | None = None,
        learning_rate: Any = "cosine",
        learning_rate_init: float = 0.001,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        batch_size: int | str = 32,
        max_iter: int = 60,
        shuffle: bool = True,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        class_weight: dict[str, Any] | str | None = None,
        warm_start: bool = False,
        image_shape: Any = None,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.margin = margin
        self.scale = scale
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.standardize = standardize
        self.augmentation = augmentation
        self.tta = tta
        self.solver = solver
        self.alpha = alpha
        self.max_gradient_norm = max_gradient_norm
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.image_shape = image_shape
        self.random_state = random_state

    @whole_fit
    def fit(self, X: Any, y: Any) -> Self:
        """Fit the network to labeled images or features.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features. Bytes are converted to float32 one batch at a time.
        y : array-like of shape (n,)
            Class labels. There must be at least two classes. One image of a class is
            enough.

        Returns
        -------
        self : ArcFaceEmbedder
            The fitted embedder.

        Raises
        ------
        ValueError
            If a parameter is out of its range or incompatible with another, ``X`` does
            not hold finite numbers in one of the three layouts, ``y`` has only one
            class, or ``warm_start=True`` and the classes, features or layers differ
            from those of the previous fit.
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
            self, X, y, None, class_weight=self.class_weight, reset=not warm_start
        )
        if warm_start:
            refuse_other_classes(self.classes_, problem.classes)
        learning = np.flatnonzero(problem.weights)
        rng = check_random_state(self.random_state)
        self._begin(problem, learning, warm_start, rng)
        with Progress(self, X, y, None, self.max_iter) as progress:
            self._train(problem, learning, progress=progress)
        return self

    @available_if(_has_open_end)
    @whole_fit
    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
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

        Returns
        -------
        self : ArcFaceEmbedder
            The updated embedder.

        Raises
        ------
        AttributeError
            With ``learning_rate="cosine"`` (the default) or ``"one_cycle"``, which are
            planned for ``max_iter`` epochs, and with ``solver="lbfgs"``, which has no
            epochs.
        ValueError
            If the first call does not pass ``classes``, if a later call passes other
            classes or images of another shape, if ``class_weight="balanced"``, or if
            the layers have changed since the previous call.
        KeyboardInterrupt
            If the epoch is interrupted. The embedder then stays as it was before.
        """
        problem, learning = self._begin_epoch(X, y, classes, None)
        self._train(problem, learning)
        return self

    def _architecture_for(self, problem: LabeledRows) -> Any:
        hidden, names = hidden_layers(self.hidden_layer_sizes, self.activation)
        margin_type, _ = MARGINS.get(self.loss, ("angle", None))
        return Architecture(
            problem.source.n_features,
            (*hidden, int(self.n_components)),
            (*names, "identity"),
            bool(self.batch_norm),
            len(problem.classes),
            by_angle=self.loss != "softmax",
            scale=float(self.scale),
            margin=float(self.margin) if self.loss in MARGINS else 0.0,
            margin_type=margin_type,
        )

    def _dropout_rates(self, architecture: Any) -> tuple[float, ...]:
        return *dropout_rates(self.dropout, len(architecture.hidden) - 1), 0.0

    def _regularization(self) -> Regularization:
        return Regularization(self.alpha, max_gradient_norm=self.max_gradient_norm)

    def _first_parameters(self, architecture: Any, rng: np.random.Generator) -> Any:
        return architecture.network().start(rng)

    def _check(self) -> None:
        if self.solver == "lbfgs" and self.loss != "softmax" and self.alpha:
            raise ValueError(
                f'solver="lbfgs" has no minimum with alpha={self.alpha:g}: the loss '
                f"does not depend on the lengths of the centers, and the penalty "
                f"would shrink them without end. Set alpha=0."
            )
        _, limit = MARGINS.get(self.loss, (None, math.inf))
        if self.margin >= limit:
            kind = "an angle in radians" if self.loss == "arcface" else "a cosine"
            raise ValueError(
                f"margin must be less than {limit:.4g} for loss={self.loss!r}, {kind}; "
                f"got {self.margin:g}."
                + (" Is it in degrees?" if self.loss == "arcface" else "")
            )

    def _loss(self, n_outputs: int) -> Callable[..., Any]:
        return losses.softmax_cross_entropy

    @property
    def class_centers_(self) -> np.ndarray:
        """The centers of the classes, of unit length, (n_classes, n_components)."""
        check_is_fitted(self, "parameters_")
        centers = self.coefs_[-1]
        units = unit_rows(centers if self._architecture.by_angle else centers.T)
        return units.astype(np.float32)

    def transform(self, X: Any) -> Any:
        """Compute the embeddings of images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the same shape as in ``fit``.

        Returns
        -------
        embeddings : ndarray of shape (n, n_components), float32
            Embeddings of unit length. The dot product of two embeddings is the cosine
            of the angle between them.

        Raises
        ------
        ValueError
            If ``X`` has another shape than the images seen in ``fit``.
        """
        check_is_fitted(self, "parameters_")
        X = validate_rows(self, X, reset=False)
        with threads_for(self._architecture.network(), len(X)):
            embeddings = self._with_mirrored(self._unit_embeddings, X)
        return unit_rows(embeddings).astype(np.float32)

    def _unit_embeddings(self, X: np.ndarray) -> np.ndarray:
        return unit_rows(self._hidden(X)).astype(np.float32)

    def decision_function(self, X: Any) -> np.ndarray:
        r"""Compute the scores of the classes, :math:`s \cos \theta_j`.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the same shape as in ``fit``.

        Returns
        -------
        scores : ndarray of shape (n, n_classes), or (n,) for two classes
            The scores, between -s and s. With two classes, the score of the second
            class minus that of the first. With ``loss="softmax"`` they are the outputs
            of the network.

        Raises
        ------
        ValueError
            If ``X`` has another shape than the images seen in ``fit``.
        """
        scores = self._scores(X)
        return scores if scores.shape[1] > 2 else scores[:, 1] - scores[:, 0]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probabilities of the training classes.

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
        ValueError
            If ``X`` has another shape than the images seen in ``fit``.
        """
        return probabilities_of(self.decision_function(X))

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
        ValueError
            If ``X`` has another shape than the images seen in ``fit``.
        """
        return log_probabilities_of(self.decision_function(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of the predicted classes, for the training classes only.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the same shape as in ``fit``.
        y : array-like of shape (n,)
            True class labels, elements of ``classes_``.
        sample_weight : array-like of shape (n,), default=None
            Sample weights.

        Returns
        -------
        score : float
            The fraction of samples that are classified correctly.

        Raises
        ------
        ValueError
            If ``X`` has another shape than the images seen in ``fit``, or if ``y`` has
            classes that were not seen in ``fit``. Use
            `skvision.metrics.verification_auc` for new classes.
        """
        check_is_fitted(self, "parameters_")
        refuse_missing(y, "y")
        unseen = np.setdiff1d(y, self.classes_)
        if len(unseen):
            some = ", ".join(map(repr, unseen[:3].tolist()))
            raise ValueError(
                f"y has {len(unseen)} classes that are not among the "
                f"{len(self.classes_)} training classes "
                f"({some}{', ...' if len(unseen) > 3 else ''}): for new classes, use "
                f"skvision.metrics.verification_auc, also as scoring= of "
                f"cross_val_score."
            )
        return super().score(X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
