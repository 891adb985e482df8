"""Embeddings whose angles tell classes apart, those of training and others."""

import math
from collections.abc import Callable
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skvision._contract.images import validate_rows
from skvision._contract.labeled_rows import LabeledRows, refuse_other_classes, see
from skvision._contract.labels import refuse_missing
from skvision._contract.probabilities import log_probabilities_of, probabilities_of
from skvision._contract.public import public
from skvision._contract.sklearn_compat import Interval, Progress, StrOptions, whole_fit
from skvision._contract.solvers import PLANNED
from skvision._networks.architecture import architecture_of, dropout_rates
from skvision._networks.network_classifier import NetworkClassifier, has_epochs
from skvision._networks.network_fit import threads_for
from skvision._training import losses

MARGINS = {  # loss: (what the margin is added to, and what it has to be less than)
    "arcface": ("angle", math.pi),
    "cosface": ("cosine", 2.0),
}


def _has_open_end(estimator: Any) -> bool:
    if estimator.learning_rate not in PLANNED:
        return has_epochs(estimator)
    raise AttributeError(
        f"partial_fit makes one epoch; learning_rate={estimator.learning_rate!r} plans "
        f'for max_iter of them: set learning_rate="constant".'
    )


@public("skvision")
class ArcFaceEmbedder(NetworkClassifier):
    r"""Embeddings whose angles tell classes apart, those of training and others.

    A network takes each image to a vector of length one. It is trained to have the
    vectors of a class close to a center of their own, by an angle that is smaller by a
    margin m than those to other centers ("additive angular margin"):

    .. math::
        -\frac{1}{n} \sum_i \log \frac{e^{s \cos(\theta_{i y_i} + m)}}
        {e^{s \cos(\theta_{i y_i} + m)} + \sum_{j \ne y_i} e^{s \cos \theta_{ij}}}
        + \frac{\alpha}{2} \|W\|^2

    Two images are then held to be of one class, be it one that was never seen in
    training, if the cosine of their embeddings is large enough;
    `skvision.VerificationThreshold` says what is large enough.

    Parameters
    ----------
    n_components : int, default=128
        Length of the embeddings.

    hidden_layer_sizes : int or array-like of int, default=()
        Widths of the hidden layers before the embedding. ``()`` makes it a linear map,
        which is best where there are but hundreds of images.

    activation : {"relu", "leaky_relu", "elu", "tanh", "sigmoid", "identity"} or \
            array-like of these, default="relu"
        What follows each hidden layer: one for all, or one for each. Nothing follows
        the embedding.

    loss : {"arcface", "cosface", "normalized_softmax", "softmax"}, default="arcface"
        The margin is added to the angle, or taken from the cosine; or there is none. Or
        the cross-entropy of a linear layer, neither scale nor margin being used.

    margin : float, default=0.5
        The m: in radians, from 0 to less than :math:`\pi`, for ``"arcface"``; a
        difference of cosines, from 0 to less than 2, for ``"cosface"``.

    scale : float, default=16.0
        The s. To give an image in the direction of its center, with the other centers
        as far from it as they can all be, a probability of P, it has to be
        :math:`s \ge \log\frac{(C - 1) P}{1 - P} / (\cos m + \frac{1}{C - 1})` for C
        classes. Where it is much larger, all are right soon, and nothing is learned
        from then on.

    dropout : float or array-like of float, default=0.0
        Share of the outputs of each hidden layer that are set to zero in training, the
        others being scaled up. Or as many as hidden layers and one more, the first of
        which is for the input. From 0 to less than 1. The embedding is left whole: one
        rate has no effect where there are no hidden layers.

    batch_norm : bool, default=True
        Whether to standardize the columns of the embedding, before it is made of length
        one, and those of each hidden layer, before the activation, in each batch.
        Embeddings of new images use running means and variances.

    standardize : bool, default=True
        Whether to take the mean from inputs and divide them by their standard
        deviation: of each channel of images, of each column of flat rows. Both are
        learned in ``fit``.

    augmentation : callable, default=None
        ``(images, rng) -> images``: changes the bytes (n, H, W, C) of each batch at
        random, such as `skvision.augmentation.RandomFlip()`. Never of new images.

    tta : bool, default=False
        Whether the embedding of an image is that of it and its mirror image, added up
        and made of length one, and its scores the mean of both ("test-time
        augmentation").

    solver : {"adamw", "adam", "sgd", "rmsprop", "adagrad", "lbfgs"}, default="adamw"
        ``"lbfgs"`` takes all rows at once, for small data; it does not go with dropout,
        batch norm or augmentation. The others take steps on mini-batches, as in
        ``torch.optim``; ``"adamw"`` has the penalty as weight decay.

    alpha : float, default=0.01
        Strength of the penalty on all weights, from 0. It has no say in the direction
        of a center, but keeps it short, and quick to turn; it does not go with
        ``"lbfgs"``, unless for ``loss="softmax"``.

    max_gradient_norm : float, default=None
        The length that the gradient of all parameters may not exceed: it is scaled down
        to it ("clipping").

    learning_rate : {"constant", "step", "exponential", "cosine", "one_cycle", \
            "invscaling", "adaptive"}, schedule or callable, default="cosine"
        How the learning rate changes, as in `MLPBackprop`: by default along a cosine to
        0 at ``max_iter``. There is no validation, so that plateaus are those of the
        loss.

    learning_rate_init : float, default=0.001
        The learning rate of the first epoch; of ``"one_cycle"`` the largest.

    momentum : float, default=0.9
        Of ``"sgd"``, from 0 to below 1.

    nesterovs_momentum : bool, default=True
        Whether that momentum is Nesterov's.

    batch_size : int or "auto", default=32
        Rows in a mini-batch; ``"auto"`` is 200, or all where there are less.

    max_iter : int, default=60
        The most epochs, which the schedules of the learning rate are made for; or the
        most iterations of ``"lbfgs"``.

    shuffle : bool, default=True
        Whether rows are put in another order for each epoch.

    tol : float, default=1e-4
        The fit ends where ``n_iter_no_change`` epochs in a row did not better the loss
        by more than this. ``"lbfgs"`` ends where no element of the gradient exceeds it.

    n_iter_no_change : int, default=10
        How many such epochs end a fit. Not with ``"cosine"`` or ``"one_cycle"``, which
        are made to run to ``max_iter``.

    class_weight : dict or "balanced", default=None
        Weights of the classes. ``"balanced"`` gives all the same total weight.

    warm_start : bool, default=False
        Whether ``fit`` goes on from the fit before; ``margin`` and ``scale`` may be
        others than then.

    image_shape : (H, W) or (H, W, C), default=None
        The shape of images that come as flat rows. None takes flat rows for features,
        each column of its own kind.

    random_state : int, RandomState instance or None, default=None
        First weights, order of the rows, dropout and augmentation.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.

    class_centers_ : ndarray of shape (n_classes, n_components), float32
        The centers, of length one. With ``loss="softmax"`` the directions of the
        weights of each class.

    coefs_ : list of ndarray
        Weights of each layer (n_inputs, n_outputs), for standardized inputs; those of
        the last are the centers (n_classes, n_components), of any length, but for
        ``loss="softmax"``.

    parameters_ : ndarray of shape (n_parameters_,)
        All that is learned in one vector, weights first. float64 for float64 images,
        else float32.

    n_parameters_ : int
        How many numbers are learned.

    n_iter_ : int
        Epochs or iterations made; those of all fits with ``warm_start``.

    loss_curve_ : list of float
        Mean of the objective over the batches of each epoch, while it went by.

    history_ : dict of str to ndarray
        ``"epoch"``, ``"loss"`` and ``"learning_rate"`` of each epoch, and
        ``"update_ratio"`` (n_epochs, n_layers): how long the last step of the epoch
        was, over the length of the weights.

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
    VerificationThreshold : Says which images are of one class.
    skvision.metrics.verification_auc : Scores embeddings on classes never seen.
    KNNImageClassifier : With ``metric="cosine"``, tells classes by few images each.

    Notes
    -----
    ``predict``, ``predict_proba`` and ``score`` are for the classes of training. The
    score of a class is :math:`s \cos \theta_j`, without the margin.

    Embeddings are float32, and do not depend, to rounding, on the images that come
    along. An image whose network output is exactly zero has no direction: its
    embedding is zero, at a right angle to all others.

    Tens of images make few steps in 60 epochs: take more of these, or a larger
    ``learning_rate_init``, until ``score`` on them is good.

    Where :math:`\theta + m` exceeds :math:`\pi`, the score of the true class is
    :math:`s (\cos \theta - 1 + \cos m)`, which goes on falling without a jump; the
    fallback of the paper's code, :math:`\cos \theta - m \sin m`, jumps by 0.117 at
    m = 0.5.

    References
    ----------
    J. Deng, J. Guo, N. Xue and S. Zafeiriou, "ArcFace: additive angular margin loss for
    deep face recognition", CVPR 2019.

    H. Wang and others, "CosFace: large margin cosine loss for deep face recognition",
    CVPR 2018.

    F. Wang, X. Xiang, J. Cheng and A. L. Yuille, "NormFace: L2 hypersphere embedding
    for face verification", ACM Multimedia 2017: the bound on the scale.

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
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features. Bytes are computed with as float32, a batch at a time.
        y : array-like of shape (n,)
            Classes, at least two; one image of a class will do.

        Returns
        -------
        self : ArcFaceEmbedder
            The fitted embedder.

        Raises
        ------
        ValueError
            If a parameter is out of its range or does not go with another, ``X`` is not
            finite numbers in one of the three layouts, ``y`` has one class only, or
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
        problem = see(self, X, y, None, reset=not goes_on)
        if goes_on:
            refuse_other_classes(self, problem.classes)
        learning = np.flatnonzero(problem.weights)
        rng = check_random_state(self.random_state)
        self._begin(problem, learning, goes_on, rng)
        with Progress(self, X, y, None, self.max_iter) as progress:
            self._train(problem, learning, None, progress)
        return self

    @available_if(_has_open_end)
    @whole_fit
    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
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

        Returns
        -------
        self : ArcFaceEmbedder
            The embedder, a little better trained.

        Raises
        ------
        AttributeError
            With ``learning_rate="cosine"``, the default, or ``"one_cycle"``, which are
            plans for ``max_iter`` epochs, or ``solver="lbfgs"``, which has none.
        ValueError
            If the first call does not name ``classes``, or a later one other classes or
            images of another shape; with ``class_weight="balanced"``; or if layers
            were changed in between.
        KeyboardInterrupt
            If the epoch is interrupted; the embedder stays as it was before.
        """
        problem, learning = self._begin_epoch(X, y, classes, None)
        self._train(problem, learning, None, None)
        return self

    def _architecture_for(self, problem: LabeledRows) -> Any:
        backbone = architecture_of(self, problem.X.shape[1], len(problem.classes))
        added_to, _ = MARGINS.get(self.loss, ("angle", None))
        return replace(
            backbone,
            hidden=(*backbone.hidden, int(self.n_components)),
            activations=(*backbone.activations, "identity"),
            by_angle=self.loss != "softmax",
            scale=float(self.scale),
            margin=float(self.margin) if self.loss in MARGINS else 0.0,
            added_to=added_to,
        )

    def _dropout_rates(self, architecture: Any) -> tuple[float, ...]:
        return *dropout_rates(self, len(architecture.hidden) - 1), 0.0

    def _first_parameters(self, architecture: Any, rng: np.random.Generator) -> Any:
        return architecture.network().start(rng)

    def _check(self) -> None:
        if self.solver == "lbfgs" and self.loss != "softmax" and self.alpha:
            raise ValueError(
                f'solver="lbfgs" finds no minimum with alpha={self.alpha:g}: the '
                f"length of a center does not count, and the penalty would shrink it "
                f"for ever. Set alpha=0."
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
        """The centers of the classes, of length one, (n_classes, n_components)."""
        check_is_fitted(self, "parameters_")
        centers = self.coefs_[-1]
        return _unit(centers if self._architecture.by_angle else centers.T)

    def transform(self, X: Any) -> Any:
        """Compute embeddings.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features like those of ``fit``.

        Returns
        -------
        embeddings : ndarray of shape (n, n_components), float32
            Of length one; the product of two is the cosine of their angle.

        Raises
        ------
        ValueError
            If ``X`` is not like the images seen in ``fit``.
        """
        check_is_fitted(self, "parameters_")
        X = validate_rows(self, X, reset=False)
        with threads_for(self._architecture.network(), len(X)):
            return _unit(self._with_mirrored(lambda X: _unit(self._hidden(X)), X))

    def decision_function(self, X: Any) -> np.ndarray:
        r"""Compute the scores of the classes, :math:`s \cos \theta_j`.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features like those of ``fit``.

        Returns
        -------
        scores : ndarray of shape (n, n_classes), or (n,) for two classes
            From -s to s; with two classes that of the second less that of the first.
            With ``loss="softmax"`` the outputs of the network.

        Raises
        ------
        ValueError
            If ``X`` is not like the images seen in ``fit``.
        """
        scores = self._scores(X)
        return scores if scores.shape[1] > 2 else scores[:, 1] - scores[:, 0]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Compute the probabilities of the classes of training, a softmax of scores.

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
        ValueError
            If ``X`` is not like the images seen in ``fit``.
        """
        return probabilities_of(self.decision_function(X))

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
        ValueError
            If ``X`` is not like the images seen in ``fit``.
        """
        return log_probabilities_of(self.decision_function(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the share of images whose class is predicted: a closed set.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features like those of ``fit``.
        y : array-like of shape (n,)
            Their classes, elements of ``classes_``.
        sample_weight : array-like of shape (n,), default=None
            What each image counts.

        Returns
        -------
        score : float
            From 0 to 1.

        Raises
        ------
        ValueError
            If ``X`` is not like the images seen in ``fit``, or ``y`` has classes that
            were not: use `skvision.metrics.verification_auc` for these.
        """
        check_is_fitted(self, "parameters_")
        refuse_missing(y, "y")
        unseen = np.setdiff1d(y, self.classes_)
        if len(unseen):
            some = ", ".join(map(repr, unseen[:3].tolist()))
            raise ValueError(
                f"score knows the {len(self.classes_)} classes of training, and y has "
                f"{len(unseen)} others ({some}{', ...' if len(unseen) > 3 else ''}): "
                f"score these with skvision.metrics.verification_auc, which "
                f"cross_val_score takes as scoring=."
            )
        return super().score(X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _unit(rows: Any) -> np.ndarray:
    """Return rows of length one, float32; a row of zeros stays zero."""
    rows = rows.astype(np.float64)
    largest = np.abs(rows).max(axis=1, initial=0, keepdims=True)
    np.divide(rows, largest, out=rows, where=largest > 0)  # for squares that are finite
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: np.ndarray = np.divide(rows, norms, out=rows, where=norms > 0)
    return unit.astype(np.float32)
