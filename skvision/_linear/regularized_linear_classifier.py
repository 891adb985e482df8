"""The base class of linear classifiers that minimize a mean loss plus a penalty."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from skvision._contract.divergence import (
    advice_on_divergence,
    advice_on_extremes,
    check_outputs,
    largest_value,
    squares_of,
)
from skvision._contract.fitted_arrays import check_arrays, check_optimizer_state
from skvision._contract.labeled_rows import LabeledRows, hold_out
from skvision._contract.score_classifier import scorer
from skvision._contract.sklearn_compat import Interval, StrOptions
from skvision._contract.solvers import (
    BATCH_CONSTRAINTS,
    Regularization,
    make_optimizer,
    make_schedule,
    refuse_ended_plan,
)
from skvision._contract.warn import warn
from skvision._linear.dense_model import NO_STATISTICS, DenseModel
from skvision._linear.linear_classifier import LinearClassifier
from skvision._training.epochs import BestEpoch, FitResult
from skvision._training.linear import minimize_linear
from skvision._training.losses import Hinge
from skvision._training.minimize import MiniBatches, Start, batches, minimize
from skvision._training.moments import weighted_mean
from skvision._training.objective import (
    linear_objective,
    linear_scores,
    split_linear,
)
from skvision._training.optimizers import resumed
from skvision._training.penalties import elastic_net
from skvision._training.problem import Problem
from skvision._training.recipe import Recipe, Stopping
from skvision._training.sources import Centered

FIRST_BATCH = 1024  # rows per block when the initial objective is computed


class RegularizedLinearClassifier(LinearClassifier):
    """Base class of linear classifiers that minimize a mean loss plus a penalty.

    Subclasses define the ``_loss``, its second derivatives ``_curvature``, and whether
    it is ``_joint``, which means that it depends only on the differences of scores.
    Hinge losses also define the ``_hinge``.
    """

    _parameter_constraints = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "max_norm": [Interval(Real, 0, None, closed="neither"), None],
        "fit_intercept": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "solver": [StrOptions({"auto", "sgd", "adagrad", "rmsprop", "adam", "adamw"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        **BATCH_CONSTRAINTS,
        "random_state": ["random_state"],
    }

    def _hinge(self, n_outputs: int) -> Hinge | None:
        """Return what the loss is made of if it is a hinge loss."""
        return None

    def _unit_of_history(self) -> str:
        if not hasattr(self, "optimality_"):
            return "epoch"
        hinge = self._hinge(len(self.coef_))
        smoothed = hinge is not None and not hinge.squared
        return "smoothed problem" if smoothed else "iteration"

    def _fit(self, problem: Any, warm_start: bool, progress: Any) -> bool:
        if self.solver == "auto" and self.max_norm is not None:
            raise ValueError(
                f"max_norm={self.max_norm:g} is applied after mini-batch steps, and "
                f'solver="auto" has no such steps: use a mini-batch solver, such as '
                f'"adam", or set max_norm=None and increase alpha.'
            )
        rng = check_random_state(self.random_state)
        held_out: Any = None
        learning = np.flatnonzero(problem.weights)
        if self.solver != "auto":
            fraction = self.validation_fraction if self.early_stopping else None
            problem, learning, held_out = hold_out(
                problem, fraction, self.class_weight, rng
            )
        rows = self._centered(problem, problem.normalized_weights_of(learning))
        start = self._start(problem, rows, warm_start)

        if self.solver == "auto":
            params = self._fit_exactly(
                problem,
                rows,
                start,
                lambda params: progress.step(
                    lambda: self._attributes(params, problem, rows)
                ),
            )
            interrupted = False
        else:
            self.__dict__.pop("optimality_", None)
            model = DenseModel(rows, problem, learning)
            result = self._fit_in_batches(
                model,
                start,
                held_out,
                rng,
                lambda dense: progress.step(
                    lambda: self._attributes(model.from_dense(dense), problem, rows)
                ),
            )
            params, interrupted = model.from_dense(result.params), result.interrupted
        self.__dict__.update(self._attributes(params, problem, rows))
        self.__dict__.pop("_optimizer_state", None)  # partial_fit starts again
        return interrupted

    def _centered(self, problem: LabeledRows, weights: np.ndarray) -> Centered:
        """Return the rows minus their mean or, without biases, the rows."""
        rows = Centered(problem.source)
        if not self.fit_intercept:
            return rows
        return Centered(problem.source, weighted_mean(rows, weights))

    def _fit_part(self, problem: LabeledRows, first: bool) -> bool:
        if first or not hasattr(self, "_optimizer_state"):
            self._center = self._centered(problem, problem.normalized_weights).center
            self._optimizer_state, self.n_iter_ = None, 0
            self.loss_curve_: list[float] = []
            self.validation_scores_: list[float] = []
            self.learning_rates_: list[float] = []
            self.__dict__.pop("optimality_", None)
        refuse_ended_plan(self.learning_rate, self.max_iter, self.n_iter_)
        rows = Centered(problem.source, self._center)
        model = DenseModel(rows, problem, np.flatnonzero(problem.weights))
        recipe = self._recipe(model, n_epochs=1)
        params = model.to_dense(self._start(problem, rows, not first))
        state = resumed(self._optimizer_state, recipe.optimizer.init(params))
        rng = check_random_state(self.random_state)
        history = {
            "loss": self.loss_curve_,
            "validation_score": (),
            "learning_rate": self.learning_rates_,
        }
        epochs = self._epochs(model, recipe, params, state, rng)
        with np.errstate(over="ignore", invalid="ignore"):
            result = minimize(
                epochs, BestEpoch(self.tol), recipe.stopping, before=history
            )
        if result.diverged:
            self._refuse_divergence(rows)
        params = model.from_dense(result.params)
        self.__dict__.update(self._attributes(params, problem, rows))
        self._optimizer_state, self.n_iter_ = result.state, self.n_iter_ + 1
        self.loss_curve_ = [*self.loss_curve_, *result.loss_curve]
        self.learning_rates_ = [*self.learning_rates_, *result.learning_rates]
        return result.interrupted

    def _check_state(self) -> None:
        state = getattr(self, "_optimizer_state", None)
        if state is None:
            return
        n_params = self.coef_.size
        if self._center is not None:
            check_arrays(self, _center=(self.n_features_in_,))
            n_params += len(self.intercept_)
        check_optimizer_state(state, n_params)

    def _loss_and_gradient(
        self, problem: LabeledRows
    ) -> tuple[float, np.ndarray, np.ndarray]:
        center = np.zeros(problem.source.n_features) if self.fit_intercept else None
        rows = Centered(problem.source, center, exact=True)
        with np.errstate(over="ignore", invalid="ignore"):
            value, gradient = self._objective(problem, rows)(
                self._start(problem, rows, warm_start=True)
            )
        check_outputs(np.append(gradient, value), problem.source)
        return value, *split_linear(gradient, rows.n_features, self.fit_intercept)

    def _objective(self, problem: LabeledRows, rows: Centered) -> Callable[..., Any]:
        return linear_objective(
            rows,
            problem.labels,
            problem.normalized_weights,
            loss=self._loss(problem.n_outputs),
            penalty=elastic_net(self.alpha, self.l1_ratio),
        )

    def _start(
        self, problem: LabeledRows, rows: Centered, warm_start: bool
    ) -> np.ndarray:
        """Return zeros or, for a warm start, the fitted weights for centered rows."""
        n_features = rows.n_features
        start = np.zeros(problem.n_outputs * (n_features + int(self.fit_intercept)))
        if warm_start:
            W, b = split_linear(start, n_features, self.fit_intercept)
            W[:] = self.coef_
            if self.fit_intercept:
                center: Any = rows.center
                b[:] = self.intercept_ + W @ center
        return start

    def _attributes(
        self, params: Any, problem: LabeledRows, rows: Centered
    ) -> dict[str, np.ndarray]:
        """Return the fitted attributes that predictions need."""
        W, b = split_linear(params, rows.n_features, self.fit_intercept)
        center: Any = rows.center  # an array where there are biases
        b = b - W @ center if self.fit_intercept else np.zeros(len(W))
        return {
            "classes_": problem.classes,
            "coef_": W.astype(rows.dtype),
            "intercept_": b.astype(rows.dtype),
        }

    def _fit_exactly(
        self,
        problem: LabeledRows,
        rows: Centered,
        start: np.ndarray,
        on_iteration: Callable[..., Any],
    ) -> np.ndarray:
        smallest = squares_of(np.float64)[0]
        if self.alpha == 0 and 0 < largest_value(rows.source) < smallest:
            self._refuse_extremes(rows)
        n_outputs = problem.n_outputs
        regularized = Problem(
            rows,
            problem.labels,
            problem.normalized_weights,
            loss=self._loss(n_outputs),
            curvature=self._curvature(n_outputs),
            l1=self.alpha * self.l1_ratio,
            l2=self.alpha * (1 - self.l1_ratio),
            n_outputs=n_outputs,
            joint=self._joint(n_outputs),
        )
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            minimum = minimize_linear(
                regularized,
                start,
                hinge=self._hinge(n_outputs),
                max_iter=self.max_iter,
                tol=self.tol,
                on_iteration=on_iteration,
            )
        finite = np.isfinite([*minimum.params, minimum.loss_curve[-1]]).all()
        stuck = minimum.error >= 1 and (
            (minimum.n_iter == 0 and not start.any()) or self._overflows(rows)
        )
        if stuck or not finite or np.isnan(minimum.error):
            self._refuse_extremes(rows)
        if rows.dtype == np.float32:
            error = self._error_of_rounded(minimum, problem, rows)
            minimum = minimum._replace(error=error)
        if minimum.error > self.tol and not minimum.stopped_by_caller:
            self._warn_of_gap(minimum)
        self.n_iter_, self.loss_curve_ = minimum.n_iter, minimum.loss_curve
        self.validation_scores_, self.learning_rates_ = [], []
        self.optimality_ = minimum.error
        return minimum.params

    def _error_of_rounded(
        self, minimum: Any, problem: LabeledRows, rows: Centered
    ) -> Any:
        """Return the relative gap after the weights have been rounded to float32."""
        W, b = list(self._attributes(minimum.params, problem, rows).values())[1:]
        params = np.append(W, b).astype(np.float64)
        at_zero = Centered(problem.source, np.zeros(rows.n_features), exact=True)
        penalty = elastic_net(self.alpha, self.l1_ratio)
        with np.errstate(over="ignore", invalid="ignore"):
            value, _ = self._loss(problem.n_outputs)(
                linear_scores(at_zero, params),
                problem.labels,
                problem.normalized_weights,
            )
            value += penalty(params[: W.size], np.zeros(W.size))
        bound = (1 - minimum.error) * minimum.loss_curve[-1]
        return max(minimum.error, 1 - bound / value) if value > 0 else minimum.error

    def _warn_of_gap(self, minimum: Any) -> None:
        if minimum.n_iter >= self.max_iter:
            reason = f"stopped after max_iter={self.max_iter} iterations,"
            advice = "increase max_iter, scale the features to unit variance,"
        else:
            reason = f"stopped after {minimum.n_iter} iterations, limited by rounding,"
            advice = "pass features as float64, scale them to unit variance,"
        bound = f"within {100 * minimum.error:.2g} % of"
        if minimum.error >= 1:
            bound = "at an unknown distance from"
        warn(
            f"The fit {reason} {bound} its optimum, above tol={self.tol:g}: {advice} "
            f"or increase alpha or tol.",
            ConvergenceWarning,
        )

    def _overflows(self, rows: Centered) -> Any:
        """Return whether the squared norm of a row may overflow in its dtype."""
        with np.errstate(over="ignore"):
            length = rows.n_features * np.square(largest_value(rows.source))
        return length > np.finfo(rows.dtype).max

    def _refuse_extremes(self, rows: Centered) -> None:
        largest = largest_value(rows.source)
        parameters = vars(self)
        raise ValueError(advice_on_extremes(parameters, largest, rows.dtype))

    def _fit_in_batches(
        self,
        model: DenseModel,
        start: np.ndarray,
        held_out: np.ndarray,
        rng: np.random.RandomState,
        on_iteration: Callable[..., Any],
    ) -> FitResult:
        """Train on mini-batches, and validate on the rows ``held_out``."""
        rows, n = model.rows, len(model.learning)
        recipe = self._recipe(model, self.max_iter, self.average)
        params = model.to_dense(start)
        epochs = self._epochs(model, recipe, params, recipe.optimizer.init(params), rng)
        score = scorer(model.problem.part(held_out), model.scores)
        judge = BestEpoch(
            self.tol, score if len(held_out) else None, model.value_of(recipe)
        )
        with np.errstate(over="ignore", invalid="ignore"):
            first_value = sum(
                len(batch) / n * epochs.objective(params, batch)[0]
                for batch in batches(model.learning, FIRST_BATCH)
            )
            if not np.isfinite(first_value):
                self._refuse_extremes(rows)
            result = minimize(
                epochs,
                judge,
                recipe.stopping,
                on_epoch=on_iteration,
            )
        if result.diverged:
            self._refuse_divergence(rows)
        if result.loss_curve[-1] > first_value and not result.interrupted:
            parameters = vars(self)
            warn(
                f"The loss rose from {first_value:.3g} to {result.loss_curve[-1]:.3g}. "
                + advice_on_divergence(
                    parameters, rows.source, rows.dtype, scaled=False
                ),
                ConvergenceWarning,
            )
        elif not (result.converged or result.interrupted):
            warn(
                f"The fit did not converge and keeps the result of "
                f"{len(result.loss_curve)} of max_iter={self.max_iter} epochs.",
                ConvergenceWarning,
            )
        self.n_iter_ = len(result.loss_curve)
        self.loss_curve_ = [first_value, *result.loss_curve]
        self.validation_scores_ = result.validation_scores
        self.learning_rates_ = result.learning_rates
        return result

    def _recipe(
        self, model: DenseModel, n_epochs: int, average: int | bool = False
    ) -> Recipe:
        """Return how the model is trained on mini-batches."""
        optimizer, penalty = make_optimizer(
            model.net,
            "adam" if self.solver == "auto" else self.solver,
            self.momentum,
            self.nesterovs_momentum,
            Regularization(self.alpha, self.l1_ratio, self.max_norm),
        )
        schedule = make_schedule(
            self.learning_rate,
            self.learning_rate_init,
            max_iter=self.max_iter,
            n_iter_no_change=self.n_iter_no_change,
            tol=self.tol,
        )
        return Recipe(
            self._loss(model.problem.n_outputs),
            penalty,
            optimizer,
            schedule,
            Stopping(n_epochs, self.n_iter_no_change),
            self.batch_size,
            average_from=average - 1 if average else None,
        )

    def _epochs(
        self,
        model: DenseModel,
        recipe: Recipe,
        params: np.ndarray,
        state: dict[str, Any],
        rng: np.random.RandomState,
    ) -> MiniBatches:
        start = Start(params, NO_STATISTICS, state)
        objective = model.objective(recipe)
        shuffled = rng if self.shuffle else None
        return MiniBatches(objective, start, model.learning, recipe, shuffled)

    def _refuse_divergence(self, rows: Centered) -> None:
        parameters = vars(self)
        advice = advice_on_divergence(parameters, rows.source, rows.dtype, scaled=False)
        raise ValueError(f"The loss became infinite or NaN. {advice}")
