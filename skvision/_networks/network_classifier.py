"""The base class of neural network classifiers."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skvision._contract.divergence import (
    advice_on_extremes,
    check_outputs,
    largest_value,
)
from skvision._contract.fitted_arrays import check_classes, check_optimizer_state
from skvision._contract.images import validate_rows
from skvision._contract.labeled_rows import (
    LabeledRows,
    announced_classes,
    refuse_balanced,
    validate_labeled_rows,
)
from skvision._contract.models import UNKNOWN, Bounds
from skvision._contract.score_classifier import ScoreClassifier, scorer
from skvision._contract.sklearn_compat import check_parameters, end_fit
from skvision._contract.solvers import (
    PLANNED,
    make_optimizer,
    make_schedule,
    refuse_ended_plan,
)
from skvision._contract.warn import warn
from skvision._layers.network import Network, views
from skvision._networks.network_bounds import (
    check_architecture,
    check_standard,
    check_vectors,
    hidden_and_scores,
)
from skvision._networks.network_fit import (
    augmented,
    learn_statistics_of_average,
    threads_for,
    warn_of_divergence,
)
from skvision._networks.network_parameters import NETWORK_CONSTRAINTS, check_together
from skvision._training.epochs import BestEpoch, FitResult
from skvision._training.lbfgs import minimize_lbfgs
from skvision._training.minimize import MiniBatches, Start, minimize
from skvision._training.moments import learn_standard
from skvision._training.network import (
    batch_objective,
    input_gradients,
    network_outputs,
    whole_objective,
)
from skvision._training.optimizers import resumed
from skvision._training.recipe import Recipe, Stopping
from skvision._training.schedules import NO_HISTORY, History
from skvision._training.sources import ArraySource, Centered, Source, Standardized


def has_epochs(estimator: Any) -> bool:
    """Return whether ``partial_fit`` is available, for ``available_if``."""
    if estimator.solver != "lbfgs":
        return True
    raise AttributeError(
        'partial_fit trains for one epoch, and solver="lbfgs" has no epochs.'
    )


class NetworkClassifier(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ScoreClassifier
):
    """Base class of classifiers whose scores are the outputs of a network.

    Subclasses define the network (``_architecture_for``), its initial parameters
    (``_first_parameters``), its rates of dropout (``_dropout_rates``), its loss
    (``_loss``) and its ``_regularization``. ``_check`` raises an error for incompatible
    parameters.
    """

    _parameter_constraints = NETWORK_CONSTRAINTS

    _architecture: Any
    _rng: Any
    _optimizer_state: Any
    loss_curve_: list[float]
    history_: dict[str, Any]
    validation_scores_: list[float]

    def _begin_epoch(
        self, X: Any, y: Any, classes: Any, sample_weight: Any
    ) -> tuple[Any, np.ndarray]:
        """Validate the data of ``partial_fit``; return it and the rows to train on."""
        refuse_balanced(self.class_weight)
        first = not hasattr(self, "parameters_")
        if not first:
            refuse_ended_plan(self.learning_rate, self.max_iter, self.n_iter_)
        problem = validate_labeled_rows(
            self,
            X,
            y,
            sample_weight,
            class_weight=self.class_weight,
            classes=announced_classes(None if first else self.classes_, classes),
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
        self._dropout_rates(architecture)  # raises an error if they are wrong
        self._check()
        check_together(
            vars(self),
            has_images=self.image_shape_ is not None,
            has_validation=has_validation,
        )
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
        self._standard = None
        if self.standardize:
            weights = problem.normalized_weights_of(learning)
            n_channels = None if self.image_shape_ is None else self.image_shape_[2]
            self._standard = learn_standard(problem.source, weights, n_channels)
        self.classes_ = problem.classes
        start = self._first_parameters(architecture, self._rng)
        dtype = Standardized(problem.source).dtype
        self.parameters_, self._statistics = (part.astype(dtype) for part in start)
        self._optimizer_state = None
        self.n_parameters_ = len(self.parameters_)
        self.n_iter_, self.loss_curve_, self.history_ = 0, [], {}

    def _train(
        self,
        problem: LabeledRows,
        learning: np.ndarray,
        held_out: LabeledRows | None = None,
        progress: Any = None,
        average_last: int | None = None,
    ) -> None:
        """Train from the current parameters; without ``progress``, for one epoch.

        An interrupt is raised again after the last completed epoch has been stored.
        """
        architecture = self._architecture
        net = architecture.network(self._dropout_rates(architecture))
        rng_state = None  # at the end of the last epoch

        def on_epoch(params: Any, statistics: np.ndarray) -> bool:
            nonlocal rng_state
            rng_state = self._rng.bit_generator.state
            return progress is not None and self._step(progress, params, statistics)

        if self.solver == "lbfgs":
            result = self._fit_whole(net, problem, on_epoch)
        else:
            n_epochs = 1 if progress is None else self.max_iter
            recipe = self._recipe(net, len(learning), n_epochs, average_last)
            before = self._history() if progress is None else NO_HISTORY
            result = self._fit_in_batches(
                net, problem, learning, recipe, held_out, on_epoch, before
            )
        self._keep(result)
        whole = self.solver != "lbfgs" and not result.diverged
        self._optimizer_state = result.state if whole else None
        if result.interrupted and rng_state is not None:
            self._rng.bit_generator.state = rng_state
        done = f"{len(result.loss_curve)} of max_iter={self.max_iter} epochs"
        end_fit(self, result.interrupted, f"the result of {done}")

    def _step(self, progress: Any, params: Any, statistics: np.ndarray) -> bool:
        """Notify callbacks of an epoch; return whether one requests to stop."""
        kept = ("classes_", "_architecture", "_standard")
        fitted = {name: getattr(self, name) for name in kept}
        stop: bool = progress.step(
            lambda: (
                fitted
                | {"parameters_": params.copy(), "_statistics": statistics.copy()}
            )
        )
        return stop

    def _recipe(
        self, net: Network, n_rows: int, n_epochs: int, average_last: int | None
    ) -> Recipe:
        """Return how the network is trained on mini-batches."""
        optimizer, penalty = make_optimizer(
            net,
            self.solver,
            self.momentum,
            self.nesterovs_momentum,
            self._regularization(),
        )
        schedule = make_schedule(
            self.learning_rate,
            self.learning_rate_init,
            max_iter=self.max_iter,
            n_iter_no_change=self.n_iter_no_change,
            tol=self.tol,
        )
        until_end = average_last or self.learning_rate in PLANNED
        patience = np.inf if until_end else self.n_iter_no_change
        auto = self.batch_size == "auto"
        return Recipe(
            self._loss(self._architecture.n_outputs),
            penalty,
            optimizer,
            schedule,
            Stopping(n_epochs, patience),
            batch_size=min(200, n_rows) if auto else self.batch_size,
            average_from=max(0, n_epochs - average_last) * n_rows
            if average_last
            else None,
        )

    def _fit_in_batches(
        self,
        net: Network,
        problem: LabeledRows,
        learning: np.ndarray,
        recipe: Recipe,
        held_out: LabeledRows | None,
        on_epoch: Callable[[Any, np.ndarray], bool],
        before: History,
    ) -> FitResult:
        if net.n_statistics and len(learning) < 2:
            raise ValueError(
                "batch_norm requires at least two training samples; got one."
            )
        source = augmented(
            problem.source, self.augmentation, self.image_shape_, self._rng
        )
        inputs = Standardized(source, self._standard)
        params, statistics = (
            np.array(part, inputs.dtype)
            for part in (self.parameters_, self._statistics)
        )
        state = resumed(self._optimizer_state, recipe.optimizer.init(params))
        weights = problem.weights / problem.weights[learning].mean()
        objective = batch_objective(
            net,
            statistics,
            inputs,
            problem.labels,
            weights,
            loss=recipe.loss,
            penalty=recipe.penalty,
            rng=self._rng,
        )
        rng = self._rng if self.shuffle else None
        parts = [slot.place for slot in net.weights]
        start = Start(params, statistics, state)
        epochs = MiniBatches(objective, start, learning, recipe, rng, parts)
        score = None
        if held_out is not None and len(held_out.source):

            def scores_of(params: Any, source: Source) -> np.ndarray:
                inputs = Standardized(source, self._standard)
                return network_outputs(net, params, statistics, inputs)

            score = scorer(held_out, scores_of)
        threads = threads_for(net, recipe.batch_size)
        with threads, np.errstate(over="ignore", invalid="ignore"):
            result = minimize(
                epochs,
                BestEpoch(self.tol, score),
                recipe.stopping,
                on_epoch=lambda now: on_epoch(now, statistics),
                before=before,
            )
        first = recipe.average_from
        if net.n_statistics and first is not None:
            if len(result.loss_curve) * len(learning) > first:
                learn_statistics_of_average(
                    net, result, inputs, weights, epochs.batches(), self._rng
                )
        warn_of_divergence(result, self.n_iter_, vars(self), problem.source, inputs)
        return result

    def _fit_whole(
        self,
        net: Network,
        problem: LabeledRows,
        on_epoch: Callable[[Any, np.ndarray], bool],
    ) -> FitResult:
        inputs = Standardized(problem.source, self._standard)
        objective = self._objective(net, problem, inputs)
        threads = threads_for(net, len(problem.source))
        with threads, np.errstate(over="ignore", invalid="ignore"):
            minimum = minimize_lbfgs(
                objective,
                self.parameters_.astype(np.float64),
                max_iter=self.max_iter,
                tol=self.tol,
                rounding=float(np.finfo(inputs.dtype).eps),
                on_iteration=lambda params: on_epoch(params, self._statistics),
            )
        if not np.isfinite([minimum.error, *minimum.params]).all():
            scaled = inputs.standard is not None
            largest = 1.0 if scaled else largest_value(problem.source)
            parameters = vars(self)
            advice = advice_on_extremes(parameters, largest, inputs.dtype)
            raise ValueError(f"The loss became infinite or NaN. {advice}")
        if minimum.error > self.tol and minimum.n_iter >= self.max_iter:
            warn(
                f"L-BFGS stopped after max_iter={self.max_iter} iterations with a "
                f"gradient of {minimum.error:.2g}, above tol={self.tol:g}: increase "
                f"max_iter or tol.",
                ConvergenceWarning,
            )
        return FitResult(
            minimum.params.astype(inputs.dtype),
            self._statistics,
            loss_curve=minimum.loss_curve[1:],
            learning_rates=[np.nan] * minimum.n_iter,
            update_ratios=[[np.nan] * len(net.weights)] * minimum.n_iter,
        )

    def _objective(
        self, net: Network, problem: LabeledRows, inputs: Standardized
    ) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
        """Return ``parameters -> (value, gradient)`` of all rows, in prediction."""
        return whole_objective(
            net,
            self._statistics,
            inputs,
            problem.labels,
            problem.normalized_weights,
            loss=self._loss(self._architecture.n_outputs),
            penalty=self._regularization().penalty(),
        )

    def _history(self) -> History:
        """Return the history of previous epochs, for schedules."""
        rates = self.history_.get("learning_rate", np.empty(0)).tolist()
        return {**NO_HISTORY, "loss": self.loss_curve_, "learning_rate": rates}

    def _keep(self, result: FitResult, **more: Any) -> None:
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
                result.update_ratios, (n_epochs, len(self.coefs_))
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
        return views(self._architecture.network().weights, self.parameters_)

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
                lambda X: network_outputs(
                    net, self.parameters_, self._statistics, self._inputs(X)
                ),
                X,
            )
        return check_outputs(scores, ArraySource(X))

    def _inputs(self, X: np.ndarray) -> Standardized:
        """Return validated rows as inputs of the network, for predictions."""
        return Standardized(ArraySource(X), self._standard)

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

    def _hidden(self, X: Any) -> np.ndarray:
        """Return the outputs of the last hidden layer for validated rows."""
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = network_outputs(
                self._architecture.network(),
                self.parameters_,
                self._statistics,
                self._inputs(X),
                hidden=True,
            )
        return check_outputs(outputs, ArraySource(X))

    def check_fitted(self, inputs: Bounds = UNKNOWN) -> Bounds:
        """Check the parameters and the fitted attributes, such as those from a file.

        Parameters
        ----------
        inputs : Bounds
            Bounds of the images or features.

        Returns
        -------
        bounds : Bounds
            Upper bounds of the number of operations for an image, and of the result of
            `transform`.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If a parameter is out of its range, or if parameters and fitted attributes
            contradict each other.
        """
        check_is_fitted(self, "parameters_")
        check_parameters(self)
        n_features, architecture = self.n_features_in_, self._architecture
        check_architecture(architecture, n_features, check_classes(self.classes_))
        net = architecture.network()
        check_vectors(net, self.parameters_, self._statistics)
        check_standard(self._standard, n_features)
        check_optimizer_state(self._optimizer_state, net.n_params)
        if not isinstance(self._rng, np.random.Generator):
            raise ValueError("its random number generator is none")
        hidden, _ = hidden_and_scores(
            net, self.parameters_, self._statistics, self._standard, inputs.largest
        )
        return Bounds((1 + self.tta) * net.n_params, hidden)

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
            self,
            X,
            y,
            sample_weight,
            class_weight=self.class_weight,
            classes=self.classes_,
            reset=False,
        )
        inputs = Standardized(Centered(problem.source, exact=True), self._standard)
        objective = self._objective(self._architecture.network(), problem, inputs)
        with np.errstate(over="ignore", invalid="ignore"):
            value, gradient = objective(self.parameters_.astype(np.float64))
        check_outputs(np.append(gradient, value), problem.source)
        return value, {"parameters_": gradient}

    @property
    def unit_weights_(self) -> list[np.ndarray]:
        """The weights of each layer, (n_units, n_inputs), as views."""
        check_is_fitted(self, "parameters_")
        slots = self._architecture.network().weights
        return [slot.parameter.by_unit(slot.of(self.parameters_)) for slot in slots]

    def _input_gradient(self, rows: np.ndarray, d_scores: np.ndarray) -> np.ndarray:
        net = self._architecture.network()
        d_outputs = d_scores
        if net.output_shape == (2,):  # the score is their difference
            d_outputs = np.hstack([-d_scores, d_scores])

        def gradient_at(rows: np.ndarray) -> Any:
            return input_gradients(
                net, self.parameters_, self._statistics, self._inputs(rows), d_outputs
            )

        threads = threads_for(net, len(rows))
        with threads, np.errstate(over="ignore", invalid="ignore"):
            gradient: np.ndarray = gradient_at(rows)
            if self.tta:
                gradient += self._mirror(gradient_at(self._mirror(rows)))
                gradient /= 2
        return gradient
