"""What classifiers that are networks have in common: training, scores, classes."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skvision._contract.divergence import check_outputs
from skvision._contract.images import validate_rows
from skvision._contract.labeled_rows import (
    LabeledRows,
    announced_classes,
    refuse_balanced,
    see,
)
from skvision._contract.labels import ClassifierMixin
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
    """Return whether there is a ``partial_fit``; for ``available_if``."""
    if estimator.solver != "lbfgs":
        return True
    raise AttributeError('partial_fit makes one epoch; solver="lbfgs" has none.')


class NetworkClassifier(
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    ClassifierMixin,
    Estimator,
):
    """A classifier whose scores are the outputs of a network.

    A subclass says what the network is, ``_architecture_for``, what it starts from,
    ``_first_parameters``, which of its outputs are dropped in training,
    ``_dropout_rates``, and what is minimized, ``_loss``. ``_check`` refuses what does
    not go together.
    """

    _parameter_constraints = NETWORK_CONSTRAINTS

    _architecture: Any
    _rng: Any
    _optimizer_state: Any
    loss_curve_: list[float]
    history_: dict[str, Any]
    validation_scores_: list[float]

    # parameters of MLPBackprop alone, as they are without
    early_stopping = False
    average_last: int | None = None
    l1_ratio = 0.0
    max_norm: float | None = None

    def _begin_epoch(
        self, X: Any, y: Any, classes: Any, sample_weight: Any
    ) -> tuple[Any, np.ndarray]:
        """Check what partial_fit is given; return a problem, and rows to learn from."""
        refuse_balanced(self)
        first = not hasattr(self, "parameters_")
        if not first:
            refuse_ended_plan(self, self.n_iter_)
        problem = see(
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
        goes_on: bool,
        rng: np.random.RandomState,
        has_validation: bool = False,
    ) -> None:
        """Settle what the network is, and where it starts from."""
        architecture = self._architecture_for(problem)
        rates = self._dropout_rates(architecture)
        self._check()
        check_together(self, rates, has_validation)
        if goes_on:
            if architecture != self._architecture:
                raise ValueError(
                    f"This goes on from a fit of another network: "
                    f"{self._architecture.differences(architecture)}. Set the "
                    f"parameters back, or fit anew with warm_start=False."
                )
            self._architecture = architecture
            self._rng = copy.deepcopy(self._rng)
            self._optimizer_state = copy.deepcopy(self._optimizer_state)
            return
        self._rng = np.random.default_rng(rng.randint(2**31 - 1))
        self._architecture = architecture
        self._standard = standard_of(self, problem.X, problem.shares_of(learning))
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
        """Train from where it stands; without ``progress`` for one epoch.

        An interrupt is passed on after the last whole epoch was kept.
        """
        architecture = self._architecture
        net = architecture.network(self._dropout_rates(architecture))
        start = self.parameters_, self._statistics
        loss = self._loss(architecture.n_outputs)

        drawn = None  # so far at the end of an epoch

        def told(params: Any, statistics: np.ndarray) -> Any:
            nonlocal drawn
            drawn = self._rng.bit_generator.state
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
            course = fit_whole(self, net, start, inputs, problem, loss=loss, told=told)
        else:
            score = None
            if held_out is not None and len(held_out.X):
                score = self._scorer(net, held_out)
            before = self._history() if progress is None else NO_HISTORY
            course = fit_in_batches(
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
                told=told,
            )
        self._keep(course)
        whole = self.solver != "lbfgs" and not course.diverged
        self._optimizer_state = course.state if whole else None
        if course.interrupted and drawn is not None:
            self._rng.bit_generator.state = drawn
        done = f"{len(course.loss_curve)} of max_iter={self.max_iter} epochs"
        end_fit(self, course.interrupted, f"the result of {done}")

    def _history(self) -> dict[str, Any]:
        """Return what schedules are told of the epochs before, in partial_fit."""
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

    def _keep(self, course: Any, **more: Any) -> None:
        """Keep what a fit came to, and ``more`` of each epoch in ``history_``."""
        self.parameters_, self._statistics = course.params, course.statistics
        n_epochs = len(course.loss_curve)
        self.loss_curve_ = [*self.loss_curve_, *course.loss_curve]
        seen = {
            "epoch": self.n_iter_ + np.arange(1, n_epochs + 1),
            "loss": np.array(course.loss_curve),
            **more,
            "learning_rate": np.array(course.learning_rates),
            "update_ratio": np.reshape(
                course.update_ratios, (n_epochs, 1 + len(self._architecture.hidden))
            ),
        }
        self.n_iter_ += n_epochs
        for name, values in self.history_.items():
            seen[name] = np.concatenate([values, seen[name]])
        self.history_ = seen

    @property
    def coefs_(self) -> Any:
        """The weights of each layer, views of parameters_."""
        check_is_fitted(self, "parameters_")
        views = self._architecture.network().views(self.parameters_)
        return views[: len(self._architecture.hidden) + 1]

    @property
    def _n_features_out(self) -> Any:
        return [self._architecture.n_inputs, *self._architecture.hidden][-1]

    def _scores(self, X: Any) -> np.ndarray:
        """Return the outputs for images, or their mean with the mirror images'."""
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
        """Return ``function(X)``, with ``tta`` the mean of it and of mirror images'."""
        if not self.tta:
            return function(X)
        if self.image_shape_ is None:
            raise ValueError(
                "tta needs images, and this was fitted on flat rows: fit it on "
                "(n, H, W[, C]) arrays, say image_shape=(H, W[, C]), or set "
                "tta=False."
            )
        mirrored = X.reshape(-1, *self.image_shape_)[:, :, ::-1].reshape(X.shape)
        return (function(X) + function(mirrored)) / 2

    def _hidden_layers(self) -> tuple[Any, ...]:
        """Return all but the output layer, its params and its running statistics."""
        net, hidden = self._architecture.network(), self._architecture.hidden_layers()
        shapes = hidden.shapes(self._architecture.n_inputs)
        views, n_layers = net.views(self.parameters_), len(net.shapes.weights)
        params = views[: len(shapes.weights)]
        params += views[n_layers : n_layers + len(shapes.others)]
        return hidden, params, net.statistics(self._statistics)

    def _hidden(self, X: Any) -> np.ndarray:
        """Return the outputs of the last hidden layer, for rows that were validated."""
        hidden, params, buffers = self._hidden_layers()
        inputs = Inputs(X, self._standard)
        dtype = np.result_type(inputs.dtype, self.parameters_)
        outputs = np.empty((len(X), self._n_features_out), dtype)
        for block in inputs.blocks():
            x = inputs.draw(block)
            with np.errstate(over="ignore", invalid="ignore"):
                outputs[block] = hidden.forward(params, buffers, x, None)[0]
        return check_outputs(outputs, X)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each image, the one with the largest score.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features like those of ``fit``.

        Returns
        -------
        y : ndarray of shape (n,)
            Elements of ``classes_``.

        Raises
        ------
        ValueError
            If ``X`` is not like the images seen in ``fit``.
        """
        scores = self.decision_function(X)
        winners = _winners(scores.reshape(len(scores), -1))
        predicted: np.ndarray = self.classes_[winners]
        return predicted

    def loss_and_gradient(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> tuple[float, dict[str, np.ndarray]]:
        """Compute what is minimized, and its gradient, at the fitted parameters.

        Nothing is dropped or augmented, and batch norm uses its running statistics.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features like those of ``fit``.
        y : array-like of shape (n,)
            Elements of ``classes_``.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows, not negative.

        Returns
        -------
        value : float
            Mean loss plus penalty.
        gradient : dict of str to ndarray
            Of ``parameters_``, float64. At a kink a subgradient.

        Raises
        ------
        ValueError
            If ``X`` or ``y`` is not like those seen in ``fit``.
        """
        check_is_fitted(self, "parameters_")
        problem = see(self, X, y, sample_weight, classes=self.classes_, reset=False)
        objective = whole_objective(
            self._architecture.network(),
            self._statistics,
            Inputs(problem.X.astype(np.float64), self._standard),
            problem.labels,
            problem.shares,
            loss=self._loss(self._architecture.n_outputs),
            penalty=elastic_net(self.alpha, self.l1_ratio),
        )
        with np.errstate(over="ignore", invalid="ignore"):
            value, gradient = objective(self.parameters_.astype(np.float64))
        check_outputs(np.append(gradient, value), problem.X)
        return value, {"parameters_": gradient}


def _winners(scores: np.ndarray) -> np.ndarray:
    """Return the class with the largest score; one column is that of the second."""
    return (
        scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)
    )
