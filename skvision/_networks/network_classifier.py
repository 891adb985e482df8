"""The base class of neural network classifiers."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skvision._contract.divergence import check_outputs
from skvision._contract.images import as_array, validate_rows
from skvision._contract.labeled_rows import (
    LabeledRows,
    announced_classes,
    refuse_balanced,
    validate_labeled_rows,
)
from skvision._contract.labels import ClassifierMixin
from skvision._contract.models import validate_d_scores
from skvision._contract.sklearn_compat import CallbackSupportMixin, Estimator, end_fit
from skvision._contract.solvers import refuse_ended_plan
from skvision._networks.network_fit import (
    NETWORK_CONSTRAINTS,
    augment_of,
    check_together,
    fit_in_batches,
    fit_whole,
    standard_of,
    threads_for,
)
from skvision._training.inputs import Inputs
from skvision._training.network import whole_objective
from skvision._training.penalties import elastic_net
from skvision._training.schedules import NO_HISTORY


def has_epochs(estimator: Any) -> bool:
    """Return whether ``partial_fit`` is available, for ``available_if``."""
    if estimator.solver != "lbfgs":
        return True
    raise AttributeError(
        'partial_fit trains for one epoch, and solver="lbfgs" has no epochs.'
    )


class NetworkClassifier(
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    ClassifierMixin,
    Estimator,
):
    """Base class of classifiers whose scores are the outputs of a network.

    Subclasses define the network (``_architecture_for``), its initial parameters
    (``_first_parameters``), its rates of dropout (``_dropout_rates``) and its loss
    (``_loss``). ``_check`` raises an error for incompatible parameters.
    """

    _parameter_constraints = NETWORK_CONSTRAINTS

    _architecture: Any
    _rng: Any
    _optimizer_state: Any
    loss_curve_: list[float]
    history_: dict[str, Any]
    validation_scores_: list[float]

    # defaults for parameters that only MLPBackprop has
    early_stopping = False
    average_last: int | None = None
    l1_ratio = 0.0
    max_norm: float | None = None

    def _begin_epoch(
        self, X: Any, y: Any, classes: Any, sample_weight: Any
    ) -> tuple[Any, np.ndarray]:
        """Validate the data of ``partial_fit``; return it and the rows to train on."""
        refuse_balanced(self)
        first = not hasattr(self, "parameters_")
        if not first:
            refuse_ended_plan(self, self.n_iter_)
        problem = validate_labeled_rows(
            self,
            X,
            y,
            sample_weight,
            classes=announced_classes(self, classes),
            reset=first,
        )
        learning = np.flatnonzero(problem.weights)
        self._begin(problem, learning, not first, check_random_state(self.random_state))
        return problem, learning

    def _begin(
        self,
        problem: LabeledRows,
        learning: np.ndarray,
        warm_start: bool,
        rng: np.random.RandomState,
        has_validation: bool = False,
    ) -> None:
        """Define the network and initialize it, unless it is a warm start."""
        architecture = self._architecture_for(problem)
        rates = self._dropout_rates(architecture)
        self._check()
        check_together(self, rates, has_validation)
        if warm_start:
            if architecture != self._architecture:
                raise ValueError(
                    f"The network differs from that of the previous fit: "
                    f"{self._architecture.differences(architecture)}. Restore the "
                    f"parameters, or set warm_start=False."
                )
            self._architecture = architecture
            self._rng = copy.deepcopy(self._rng)
            self._optimizer_state = copy.deepcopy(self._optimizer_state)
            return
        self._rng = np.random.default_rng(rng.randint(2**31 - 1))
        self._architecture = architecture
        self._standard = standard_of(
            self, problem.X, problem.normalized_weights_of(learning)
        )
        self.classes_ = problem.classes
        start = self._first_parameters(architecture, self._rng)
        dtype = Inputs(problem.X, None).dtype
        self.parameters_, self._statistics = (part.astype(dtype) for part in start)
        self._optimizer_state = None
        self.n_parameters_ = len(self.parameters_)
        self.n_iter_, self.loss_curve_, self.history_ = 0, [], {}

    def _train(
        self, problem: LabeledRows, learning: np.ndarray, held_out: Any, progress: Any
    ) -> None:
        """Train from the current parameters; without ``progress``, for one epoch.

        An interrupt is raised again after the last completed epoch has been stored.
        """
        architecture = self._architecture
        net = architecture.network(self._dropout_rates(architecture))
        start = self.parameters_, self._statistics
        loss = self._loss(architecture.n_outputs)

        rng_state = None  # at the end of the last epoch

        def on_epoch(params: Any, statistics: np.ndarray) -> Any:
            nonlocal rng_state
            rng_state = self._rng.bit_generator.state
            if progress is None:
                return False
            kept = ("classes_", "_architecture", "_standard")
            fitted = {name: getattr(self, name) for name in kept}
            return progress.step(
                lambda: (
                    fitted
                    | {"parameters_": params.copy(), "_statistics": statistics.copy()}
                )
            )

        if self.solver == "lbfgs":
            inputs = Inputs(problem.X, self._standard)
            result = fit_whole(
                self, net, start, inputs, problem, loss=loss, on_epoch=on_epoch
            )
        else:
            score = None
            if held_out is not None and len(held_out.X):
                score = self._scorer(net, held_out)
            before = self._history() if progress is None else NO_HISTORY
            result = fit_in_batches(
                self,
                net,
                start,
                Inputs(problem.X, self._standard, augment_of(self)),
                problem,
                learning,
                loss=loss,
                state=self._optimizer_state,
                rng=self._rng,
                n_epochs=1 if progress is None else self.max_iter,
                before=before,
                score=score,
                on_epoch=on_epoch,
            )
        self._keep(result)
        whole = self.solver != "lbfgs" and not result.diverged
        self._optimizer_state = result.state if whole else None
        if result.interrupted and rng_state is not None:
            self._rng.bit_generator.state = rng_state
        done = f"{len(result.loss_curve)} of max_iter={self.max_iter} epochs"
        end_fit(self, result.interrupted, f"the result of {done}")

    def _history(self) -> dict[str, Any]:
        """Return the history of previous epochs, for schedules."""
        rates = self.history_.get("learning_rate", np.empty(0)).tolist()
        return {**NO_HISTORY, "loss": self.loss_curve_, "learning_rate": rates}

    def _scorer(self, net: Any, held_out: Any) -> Callable[..., Any]:
        """Return ``(params, statistics) -> accuracy``."""
        inputs = Inputs(held_out.X, self._standard)

        def score(params: Any, statistics: np.ndarray) -> float:
            best = _winners(net.outputs(params, statistics, inputs))
            right = best == held_out.labels
            return float(np.average(right, weights=held_out.weights))

        return score

    def _keep(self, result: Any, **more: Any) -> None:
        """Store the result of a fit, with ``more`` columns in ``history_``."""
        self.parameters_, self._statistics = result.params, result.statistics
        n_epochs = len(result.loss_curve)
        self.loss_curve_ = [*self.loss_curve_, *result.loss_curve]
        seen = {
            "epoch": self.n_iter_ + np.arange(1, n_epochs + 1),
            "loss": np.array(result.loss_curve),
            **more,
            "learning_rate": np.array(result.learning_rates),
            "update_ratio": np.reshape(
                result.update_ratios, (n_epochs, 1 + len(self._architecture.hidden))
            ),
        }
        self.n_iter_ += n_epochs
        for name, values in self.history_.items():
            seen[name] = np.concatenate([values, seen[name]])
        self.history_ = seen

    @property
    def coefs_(self) -> Any:
        """The weights of each layer, as views of ``parameters_``."""
        check_is_fitted(self, "parameters_")
        views = self._architecture.network().views(self.parameters_)
        return views[: len(self._architecture.hidden) + 1]

    @property
    def _n_features_out(self) -> Any:
        return [self._architecture.n_inputs, *self._architecture.hidden][-1]

    def _scores(self, X: Any) -> np.ndarray:
        """Return the outputs for images, with ``tta`` averaged with mirror images."""
        check_is_fitted(self, "parameters_")
        X = validate_rows(self, X, reset=False)
        net = self._architecture.network()
        with threads_for(net, len(X)), np.errstate(over="ignore", invalid="ignore"):
            scores = self._with_mirrored(
                lambda X: net.outputs(
                    self.parameters_, self._statistics, Inputs(X, self._standard)
                ),
                X,
            )
        return check_outputs(scores, X)

    def _with_mirrored(self, function: Callable[..., Any], X: Any) -> Any:
        """Return ``function(X)``, with ``tta`` averaged with that of mirror images."""
        if not self.tta:
            return function(X)
        return (function(X) + function(self._mirror(X))) / 2

    def _mirror(self, X: Any) -> Any:
        """Return the mirror images of rows."""
        if self.image_shape_ is None:
            raise ValueError(
                "tta=True requires images, and this estimator was fitted to flat rows: "
                "fit it to arrays of shape (n, H, W[, C]), set "
                "image_shape=(H, W[, C]), or set tta=False."
            )
        return X.reshape(-1, *self.image_shape_)[:, :, ::-1].reshape(X.shape)

    def _hidden_layers(self) -> tuple[Any, ...]:
        """Return the hidden layers with their parameters and running statistics."""
        net, hidden = self._architecture.network(), self._architecture.hidden_layers()
        shapes = hidden.shapes(self._architecture.n_inputs)
        views, n_layers = net.views(self.parameters_), len(net.shapes.weights)
        params = views[: len(shapes.weights)]
        params += views[n_layers : n_layers + len(shapes.others)]
        return hidden, params, net.statistics(self._statistics)

    def _hidden(self, X: Any) -> np.ndarray:
        """Return the outputs of the last hidden layer for validated rows."""
        hidden, params, buffers = self._hidden_layers()
        inputs = Inputs(X, self._standard)
        dtype = np.result_type(inputs.dtype, self.parameters_)
        outputs = np.empty((len(X), self._n_features_out), dtype)
        for block in inputs.blocks():
            x = inputs.read(block)
            with np.errstate(over="ignore", invalid="ignore"):
                outputs[block] = hidden.forward(params, buffers, x, None)[0]
        return check_outputs(outputs, X)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each image.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the same shape as in ``fit``.

        Returns
        -------
        y : ndarray of shape (n,)
            Class labels, elements of ``classes_``.

        Raises
        ------
        ValueError
            If ``X`` has another shape than the images seen in ``fit``.
        """
        scores = self.decision_function(X)
        winners = _winners(scores.reshape(len(scores), -1))
        predicted: np.ndarray = self.classes_[winners]
        return predicted

    def loss_and_gradient(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> tuple[float, dict[str, np.ndarray]]:
        """Compute the objective and its gradient at the fitted parameters.

        The network is evaluated as in prediction: without dropout and augmentation, and
        batch normalization uses its running statistics.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the same shape as in ``fit``.
        y : array-like of shape (n,)
            Class labels, elements of ``classes_``.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights of the samples.

        Returns
        -------
        value : float
            The mean loss plus the penalty.
        gradient : dict of str to ndarray
            Gradient with respect to ``parameters_``, in float64. Where the objective
            has a kink, it is a subgradient.

        Raises
        ------
        ValueError
            If ``X`` has another shape than in ``fit``, or ``y`` has other classes.
        """
        check_is_fitted(self, "parameters_")
        problem = validate_labeled_rows(
            self, X, y, sample_weight, classes=self.classes_, reset=False
        )
        objective = whole_objective(
            self._architecture.network(),
            self._statistics,
            Inputs(problem.X.astype(np.float64), self._standard),
            problem.labels,
            problem.normalized_weights,
            loss=self._loss(self._architecture.n_outputs),
            penalty=elastic_net(self.alpha, self.l1_ratio),
        )
        with np.errstate(over="ignore", invalid="ignore"):
            value, gradient = objective(self.parameters_.astype(np.float64))
        check_outputs(np.append(gradient, value), problem.X)
        return value, {"parameters_": gradient}

    @property
    def unit_weights_(self) -> list[np.ndarray]:
        """The weights of each layer, (n_units, n_inputs), as views."""
        weights = [W.T for W in self.coefs_]
        if self._architecture.by_angle:  # the centers are rows already
            weights[-1] = weights[-1].T
        return weights

    @property
    def first_layer_weights_(self) -> np.ndarray:
        """The weights of the first layer, (n_units, n_features), as a view."""
        return self.unit_weights_[0]

    def input_gradient(self, X: Any, d_scores: Any) -> np.ndarray:
        """Compute the gradient of a function of the scores with respect to the images.

        It is the product of ``d_scores`` with the Jacobian of ``decision_function``.
        The network is evaluated as in prediction. At a kink of an activation, the
        derivative is the one that is used in training.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the same shape as in ``fit``.
        d_scores : array-like of shape (n, n_classes), or (n,) for two classes
            Gradient of the function with respect to the scores.

        Returns
        -------
        gradient : ndarray of the shape of ``X``
            Gradient of the function with respect to ``X``, float64 for float64 images
            and float32 otherwise.

        Raises
        ------
        ValueError
            If ``X`` has another shape than in ``fit``, or ``d_scores`` does not have
            the shape of the scores.
        """
        check_is_fitted(self, "parameters_")
        rows = validate_rows(self, X, reset=False)
        d_outputs = validate_d_scores(d_scores, len(rows), len(self.classes_))
        if self._architecture.n_outputs == 2:  # the score is their difference
            d_outputs = np.hstack([-d_outputs, d_outputs])
        net = self._architecture.network()

        def gradient_at(rows: np.ndarray) -> Any:
            inputs = Inputs(rows, self._standard)
            return net.input_gradients(
                self.parameters_, self._statistics, inputs, d_outputs
            )

        gradient: np.ndarray = gradient_at(rows)
        if self.tta:
            gradient += self._mirror(gradient_at(self._mirror(rows)))
            gradient /= 2
        return gradient.reshape(np.shape(as_array(X)))


def _winners(scores: np.ndarray) -> np.ndarray:
    """Return the index of the largest score; one column belongs to the second class."""
    return (
        scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)
    )
