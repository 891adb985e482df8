"""A multilayer perceptron, trained by backpropagation."""

import copy
from numbers import Real

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skvision._architecture import (
    DEVIATIONS,
    architecture_of,
    biases,
    dropout_rates,
    first_parameters,
)
from skvision._images import validate_rows
from skvision._labelled_rows import LabelledRows, announced_classes, hold_out, see
from skvision._network_fit import (
    NETWORK_CONSTRAINTS,
    check_together,
    fit_in_batches,
    fit_whole,
)
from skvision._sklearn_compat import (
    CallbackSupportMixin,
    Interval,
    Progress,
    StrOptions,
    check_sample_weight,
    whole_fit,
    wrap_only_rows,
)
from skvision._training import losses
from skvision._training.inputs import Inputs, learn_standard
from skvision._training.layers import he
from skvision._training.network import whole_objective
from skvision._training.penalties import elastic_net


def _has_probabilities(estimator):
    if estimator.loss == "cross_entropy":
        return True
    raise AttributeError(
        f'Probabilities need loss="cross_entropy"; this has loss={estimator.loss!r}. '
        f"CalibratedClassifierCV makes some from decision_function."
    )


def _has_epochs(estimator):
    if estimator.solver != "lbfgs":
        return True
    raise AttributeError('partial_fit makes one epoch; solver="lbfgs" has none.')


@wrap_only_rows
class MLPBackprop(
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    ClassifierMixin,
    BaseEstimator,
):
    _parameter_constraints = {
        **NETWORK_CONSTRAINTS,
        "loss": [
            StrOptions({"cross_entropy", "hinge", "squared_hinge", "squared_error"})
        ],
        "out_activation": [StrOptions({"identity", "sigmoid"})],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "tta": ["boolean"],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        loss="cross_entropy",
        out_activation="identity",
        weight_init="he",
        bias_init=None,
        dropout=0.0,
        batch_norm=False,
        standardize=True,
        augmentation=None,
        tta=False,
        solver="adam",
        alpha=1e-4,
        l1_ratio=0.0,
        max_norm=None,
        max_gradient_norm=None,
        label_smoothing=0.0,
        learning_rate="constant",
        learning_rate_init=0.001,
        momentum=0.9,
        nesterovs_momentum=True,
        batch_size="auto",
        max_iter=200,
        shuffle=True,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        average_last=None,
        class_weight=None,
        warm_start=False,
        image_shape=None,
        random_state=None,
    ):
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
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
        goes_on = self.warm_start and hasattr(self, "parameters_")
        problem = see(self, X, y, sample_weight, reset=not goes_on)
        if goes_on and not np.array_equal(problem.classes, self.classes_):
            raise ValueError(
                f"warm_start goes on from a fit of the classes "
                f"{self.classes_.tolist()}; got the classes "
                f"{problem.classes.tolist()}. Set warm_start=False."
            )
        rng = check_random_state(self.random_state)
        if X_val is None and y_val is None:
            learning, rows = hold_out(self, problem, rng)
            held_out = LabelledRows(*(part[rows] for part in problem[:3]), None)
        else:
            learning = np.flatnonzero(problem.weights)
            held_out = self._see_validation(problem, X_val, y_val, sample_weight_val)
        self._begin(problem, learning, goes_on, rng, X_val is not None)
        with Progress(self, X, y, sample_weight, self.max_iter) as progress:
            self._train(problem, learning, held_out, progress)
        return self

    @available_if(_has_epochs)
    @whole_fit
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if self.class_weight == "balanced":
            raise ValueError(
                'class_weight="balanced" needs all labels, which partial_fit does not '
                "have: give the weights as a dict, or as sample_weight."
            )
        if self.early_stopping or self.average_last:
            raise ValueError(
                "partial_fit makes one epoch: it does not go with early_stopping or "
                "average_last."
            )
        first = not hasattr(self, "parameters_")
        problem = see(
            self,
            X,
            y,
            sample_weight,
            classes=announced_classes(self, classes),
            reset=first,
        )
        learning = np.flatnonzero(problem.weights)
        rng = check_random_state(self.random_state)
        self._begin(problem, learning, not first, rng, has_validation=False)
        self._train(problem, learning, None, None)
        return self

    def _see_validation(self, problem, X_val, y_val, sample_weight_val):
        """Check pictures that the user gives to validate on."""
        if X_val is None or y_val is None:
            missing = "X_val" if X_val is None else "y_val"
            raise ValueError(f"X_val and y_val go together; {missing} is missing.")
        try:
            X, y = validate_rows(self, X_val, y_val, reset=False)
            weights = check_sample_weight(
                sample_weight_val, X, dtype=np.float64, ensure_non_negative=True
            )
        except ValueError as error:
            raise ValueError(f"In the validation set: {error}") from error
        unknown = np.setdiff1d(y, problem.classes)
        if len(unknown):
            raise ValueError(
                f"y_val has the classes {unknown.tolist()}, which y does not have; its "
                f"classes are {problem.classes.tolist()}."
            )
        labels = np.searchsorted(problem.classes, y)
        return LabelledRows(X, labels, weights, problem.classes)

    def _begin(self, problem, learning, goes_on, rng, has_validation):
        """Settle what the network is, and where it starts from."""
        n_features = problem.X.shape[1]
        architecture = architecture_of(self, n_features, problem.n_outputs)
        rates = dropout_rates(self, len(architecture.hidden))
        self._check_loss()
        check_together(self, rates, has_validation)
        needs_pictures = "augmentation" if self.augmentation is not None else "tta"
        if (self.augmentation is not None or self.tta) and self.image_shape_ is None:
            raise ValueError(
                f"{needs_pictures} needs pictures, and X are flat rows: pass (n, H, W"
                f"[, C]) arrays, or say image_shape=(H, W[, C])."
            )
        if goes_on:
            if architecture != self._architecture:
                raise ValueError(
                    f"This goes on from a fit of {self._architecture}, and the "
                    f"parameters now ask for {architecture}: set them back, or fit "
                    f"anew with warm_start=False."
                )
            self._rng = copy.deepcopy(self._rng)
            self._optimizer_state = copy.deepcopy(self._optimizer_state)
            return
        shares = np.zeros(len(problem.X))
        shares[learning] = problem.weights[learning] / problem.weights[learning].sum()
        self._rng = np.random.default_rng(rng.randint(2**31 - 1))
        self._architecture = architecture
        self._standard = self._learn_standard(problem.X, shares)
        self.classes_ = problem.classes
        net = architecture.network(rates, DEVIATIONS.get(self._deviation(), he))
        start = first_parameters(self, net, self._rng)
        dtype = Inputs(problem.X, None).dtype
        self.parameters_, self._statistics = (part.astype(dtype) for part in start)
        self._optimizer_state = None
        self.n_parameters_ = net.n_params
        self.n_iter_, self.loss_curve_, self.validation_scores_ = 0, [], []
        self._rates, self._ratios = [], []

    def _deviation(self):
        return self.weight_init if isinstance(self.weight_init, str) else "he"

    def _check_loss(self):
        if self.out_activation != "identity" and self.loss != "squared_error":
            raise ValueError(
                f'out_activation="sigmoid" is for loss="squared_error"; got '
                f"loss={self.loss!r}."
            )
        if self.label_smoothing and self.loss != "cross_entropy":
            raise ValueError(
                f'label_smoothing is for loss="cross_entropy"; got loss={self.loss!r}.'
            )

    def _learn_standard(self, X, shares):
        if not self.standardize:
            return None
        n_channels = None if self.image_shape_ is None else self.image_shape_[2]
        with np.errstate(over="ignore", invalid="ignore"):
            standard = learn_standard(X, shares, n_channels)
        if not np.isfinite([standard.mean, standard.deviation]).all():
            raise ValueError(
                f"X has values up to {np.abs(X).max():.3g}, too large to standardize "
                f"in {Inputs(X, None).dtype}: scale them."
            )
        return standard

    def _loss(self, n_outputs):
        """Return what is minimised, for so many outputs."""
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

    def _train(self, problem, learning, held_out, progress):
        """Train from where it stands; without ``progress`` for one epoch."""
        architecture = self._architecture
        rates = dropout_rates(self, len(architecture.hidden))
        net = architecture.network(rates)
        start = self.parameters_, self._statistics
        loss = self._loss(problem.n_outputs)

        def told(params, statistics):
            if progress is None:
                return False
            now = {"parameters_": params, "_statistics": statistics}
            kept = ("classes_", "_architecture", "_standard")
            fitted = {name: getattr(self, name) for name in kept}
            return progress.step(lambda: fitted | now)

        if self.solver == "lbfgs":
            inputs = Inputs(problem.X, self._standard)
            course = fit_whole(self, net, start, inputs, problem, loss=loss, told=told)
            state = None
        else:
            score = None
            if held_out is not None and len(held_out.X):
                score = self._scorer(net, held_out)
            course, state = fit_in_batches(
                self,
                net,
                start,
                Inputs(problem.X, self._standard, self._augment()),
                problem,
                learning,
                loss=loss,
                state=self._resumed_state(),
                rng=self._rng,
                n_epochs=1 if progress is None else self.max_iter,
                first_epoch=self.n_iter_ if progress is None else 0,
                score=score,
                told=told,
            )
        self._keep(course)
        self._optimizer_state = self.solver, state

    def _resumed_state(self):
        """Return what the optimizer remembers of an earlier fit, if it was the same."""
        if self._optimizer_state is None or self._optimizer_state[0] != self.solver:
            return None
        return self._optimizer_state[1]

    def _augment(self):
        """Return ``(rows, rng) -> rows``, None without augmentation."""
        if self.augmentation is None:
            return None
        height, width, channels = self.image_shape_

        def augment(rows, rng):
            images = rows.reshape(-1, height, width, channels)
            return self.augmentation(images, rng).reshape(len(rows), -1)

        return augment

    def _scorer(self, net, held_out):
        """Return ``(params, statistics) -> accuracy``."""
        inputs = Inputs(held_out.X, self._standard)

        def score(params, statistics):
            best = _winners(net.outputs(params, statistics, inputs))
            right = best == held_out.labels
            return float(np.average(right, weights=held_out.weights))

        return score

    def _keep(self, course):
        self.parameters_, self._statistics = course.params, course.statistics
        self.n_iter_ += len(course.loss_curve)
        self.loss_curve_ = [*self.loss_curve_, *course.loss_curve]
        scores = course.validation_scores
        self.validation_scores_ = [*self.validation_scores_, *scores]
        self.best_validation_score_ = max(self.validation_scores_, default=None)
        self._rates = [*self._rates, *course.learning_rates]
        self._ratios = [*self._ratios, *course.update_ratios]
        missing = [np.nan] * (self.n_iter_ - len(self.validation_scores_))
        self.history_ = {
            "epoch": np.arange(1, self.n_iter_ + 1),
            "loss": np.array(self.loss_curve_),
            "validation_score": np.array([*missing, *self.validation_scores_]),
            "learning_rate": np.array(self._rates),
            "update_ratio": np.array(self._ratios).reshape(self.n_iter_, -1),
        }

    @property
    def coefs_(self):
        """The weights of each layer, (n_inputs, n_outputs), views of parameters_."""
        check_is_fitted(self, "parameters_")
        views = self._architecture.network().views(self.parameters_)
        return views[: len(self._architecture.hidden) + 1]

    @property
    def intercepts_(self):
        """The biases of each layer, (n_outputs,), views of parameters_."""
        check_is_fitted(self, "parameters_")
        views = self._architecture.network().views(self.parameters_)
        return biases(views, len(self._architecture.hidden) + 1)

    @property
    def _n_features_out(self):
        return [self._architecture.n_inputs, *self._architecture.hidden][-1]

    def decision_function(self, X):
        check_is_fitted(self, "parameters_")
        X = validate_rows(self, X, reset=False)
        scores = self._scores(X)
        if self.tta:
            mirrored = X.reshape(-1, *self.image_shape_)[:, :, ::-1].reshape(X.shape)
            scores = (scores + self._scores(mirrored)) / 2
        return scores if scores.shape[1] > 1 else scores[:, 0]

    def _scores(self, X):
        net = self._architecture.network()
        inputs = Inputs(X, self._standard)
        return net.outputs(self.parameters_, self._statistics, inputs)

    def predict(self, X):
        scores = self.decision_function(X)
        return self.classes_[_winners(scores.reshape(len(scores), -1))]

    @available_if(_has_probabilities)
    def predict_proba(self, X):
        scores = self.decision_function(X)
        if scores.ndim == 2:
            return softmax(scores, axis=1)
        return np.column_stack([expit(-scores), expit(scores)])

    @available_if(_has_probabilities)
    def predict_log_proba(self, X):
        scores = self.decision_function(X)
        if scores.ndim == 2:
            return log_softmax(scores, axis=1)
        return np.column_stack([log_expit(-scores), log_expit(scores)])

    def transform(self, X):
        check_is_fitted(self, "parameters_")
        X = validate_rows(self, X, reset=False)
        net = self._architecture.network()
        views, n_layers = net.views(self.parameters_), len(net.shapes.weights)
        params = [*views[: n_layers - 1], *views[n_layers:-1]]
        buffers = net.statistics(self._statistics)
        hidden = self._architecture.hidden_layers()
        inputs = Inputs(X, self._standard)
        dtype = np.result_type(inputs.dtype, self.parameters_)
        features = np.empty((len(X), self._n_features_out), dtype)
        for block in inputs.blocks():
            x = inputs.draw(block)
            features[block] = hidden.forward(params, buffers, x, None)[0]
        return features

    def loss_and_gradient(self, X, y, sample_weight=None):
        check_is_fitted(self, "parameters_")
        problem = see(self, X, y, sample_weight, classes=self.classes_, reset=False)
        objective = whole_objective(
            self._architecture.network(),
            self._statistics,
            Inputs(problem.X.astype(np.float64), self._standard),
            problem.labels,
            problem.shares,
            loss=self._loss(problem.n_outputs),
            penalty=elastic_net(self.alpha, self.l1_ratio),
        )
        value, gradient = objective(self.parameters_.astype(np.float64))
        return value, {"parameters_": gradient}


def _winners(scores):
    """Return the class with the largest score; one column is that of the second."""
    return (
        scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)
    )
