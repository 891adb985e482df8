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
from skvision._contract.labeled_rows import LabeledRows, hold_out
from skvision._contract.sklearn_compat import Interval, StrOptions
from skvision._contract.solvers import (
    BATCH_CONSTRAINTS,
    make_optimizer,
    make_schedule,
    refuse_ended_plan,
)
from skvision._contract.warn import warn
from skvision._linear.linear_classifier import LinearClassifier
from skvision._training.linear import minimize_linear
from skvision._training.minimize import batches, minimize
from skvision._training.objective import (
    linear_batches,
    linear_objective,
    linear_scores,
    split_linear,
)
from skvision._training.optimizers import projected, resumed
from skvision._training.penalties import elastic_net, max_norm
from skvision._training.rows import Rows, weighted_mean

FIRST_BATCH = 1024  # rows per block when the initial objective is computed


class RegularizedLinearClassifier(LinearClassifier):
    """Base class of linear classifiers that minimize a mean loss plus a penalty.

    Subclasses define the ``_loss``, its second derivatives ``_curvature``, and whether
    it is ``_joint``, which means that it depends only on the differences of scores.
    Hinge losses also define the ``_violations``, the ``margin`` and whether the loss is
    ``_squared``.
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

    @property
    def _squared(self) -> bool:
        return True

    def _violations(self, n_outputs: int) -> Any:
        """Return the function of margin violations, or None."""
        return None

    def _unit_of_history(self) -> str:
        if not hasattr(self, "optimality_"):
            return "epoch"
        return "iteration" if self._squared else "smoothed problem"

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
            problem, learning, held_out = hold_out(self, problem, rng)
        rows = Rows(problem.X, None)
        if self.fit_intercept:
            center = weighted_mean(rows, problem.normalized_weights_of(learning))
            rows = Rows(problem.X, center)
        start = self._start(problem, rows, warm_start)

        def on_iteration(params: Any) -> Any:
            return progress.step(lambda: self._attributes(params, problem, rows))

        if self.solver == "auto":
            params = self._fit_exactly(problem, rows, start, on_iteration)
            interrupted = False
        else:
            self.__dict__.pop("optimality_", None)
            parts = learning, held_out
            params, interrupted = self._fit_in_batches(
                problem, rows, start, parts, rng, on_iteration
            )
        self.__dict__.update(self._attributes(params, problem, rows))
        self.__dict__.pop("_batch_state", None)  # partial_fit starts again
        return interrupted

    def _fit_part(self, problem: LabeledRows, first: bool) -> bool:
        rows = Rows(problem.X, None)
        if first or not hasattr(self, "_batch_state"):
            center = (
                weighted_mean(rows, problem.normalized_weights)
                if self.fit_intercept
                else None
            )
            self._center, self._batch_state, self.n_iter_ = center, None, 0
            self.loss_curve_: list[float] = []
            self.validation_scores_: list[float] = []
            self.learning_rates_: list[float] = []
            self.__dict__.pop("optimality_", None)
        refuse_ended_plan(self, self.n_iter_)
        rows = Rows(problem.X, self._center)
        params = self._start(problem, rows, not first).astype(rows.dtype)
        optimizer = self._optimizer(problem, rows)
        state = resumed(self._batch_state, optimizer.init(params))
        learning = np.flatnonzero(problem.weights)
        with np.errstate(over="ignore", invalid="ignore"):
            result = minimize(
                self._batch_objective(problem, rows, learning),
                params,
                learning,
                optimizer=optimizer,
                state=state,
                schedule=make_schedule(self),
                batch_size=self.batch_size,
                max_iter=1,
                tol=0,
                n_iter_no_change=1,
                rng=check_random_state(self.random_state) if self.shuffle else None,
                before={
                    "loss": self.loss_curve_,
                    "validation_score": (),
                    "learning_rate": self.learning_rates_,
                },
            )
        if result.diverged:
            self._refuse_divergence(rows)
        self.__dict__.update(self._attributes(result.params, problem, rows))
        self._batch_state, self.n_iter_ = result.state, self.n_iter_ + 1
        self.loss_curve_ = [*self.loss_curve_, *result.loss_curve]
        self.learning_rates_ = [*self.learning_rates_, *result.learning_rates]
        return result.interrupted

    def _loss_and_gradient(
        self, problem: LabeledRows
    ) -> tuple[float, np.ndarray, np.ndarray]:
        center = np.zeros(problem.X.shape[1]) if self.fit_intercept else None
        rows = Rows(problem.X.astype(np.float64), center)
        with np.errstate(over="ignore", invalid="ignore"):
            value, gradient = self._objective(problem, rows)(
                self._start(problem, rows, warm_start=True)
            )
        check_outputs(np.append(gradient, value), problem.X)
        return value, *split_linear(gradient, rows.n_features, self.fit_intercept)

    def _objective(self, problem: LabeledRows, rows: Rows) -> Callable[..., Any]:
        return linear_objective(
            rows,
            problem.labels,
            problem.normalized_weights,
            loss=self._loss(problem.n_outputs),
            penalty=elastic_net(self.alpha, self.l1_ratio),
        )

    def _start(self, problem: LabeledRows, rows: Rows, warm_start: bool) -> np.ndarray:
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
        self, params: Any, problem: LabeledRows, rows: Rows
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
        rows: Rows,
        start: np.ndarray,
        on_iteration: Callable[..., Any],
    ) -> np.ndarray:
        if self.alpha == 0 and 0 < largest_value(rows.X) < squares_of(np.float64)[0]:
            self._refuse_extremes(rows)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            minimum = minimize_linear(
                rows,
                problem.labels,
                problem.normalized_weights,
                start,
                loss=self._loss(problem.n_outputs),
                curvature=self._curvature(problem.n_outputs),
                violations=self._violations(problem.n_outputs),
                squared=self._squared,
                joint=self._joint(problem.n_outputs),
                margin=getattr(self, "margin", 1.0),
                alpha=self.alpha,
                l1_ratio=self.l1_ratio,
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

    def _error_of_rounded(self, minimum: Any, problem: LabeledRows, rows: Rows) -> Any:
        """Return the relative gap after the weights have been rounded to float32."""
        W, b = list(self._attributes(minimum.params, problem, rows).values())[1:]
        params = np.append(W, b).astype(np.float64)
        at_zero = Rows(problem.X, np.zeros(rows.n_features), exact=True)
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

    def _overflows(self, rows: Rows) -> Any:
        """Return whether the squared norm of a row may overflow in its dtype."""
        with np.errstate(over="ignore"):
            length = rows.n_features * np.square(np.abs(rows.X).max(), dtype=np.float64)
        return length > np.finfo(rows.dtype).max

    def _refuse_extremes(self, rows: Rows) -> None:
        raise ValueError(advice_on_extremes(self, rows.X, rows.dtype))

    def _fit_in_batches(
        self,
        problem: LabeledRows,
        rows: Rows,
        start: np.ndarray,
        parts: tuple[np.ndarray, np.ndarray],
        rng: np.random.RandomState,
        on_iteration: Callable[..., Any],
    ) -> tuple[np.ndarray, bool]:
        """Train on the rows ``parts[0]`` and validate on the rows ``parts[1]``."""
        learning, held_out = parts
        score = self._scorer(problem, rows, held_out) if len(held_out) else None
        params = start.astype(rows.dtype)
        optimizer = self._optimizer(problem, rows)
        objective = self._batch_objective(problem, rows, learning)
        with np.errstate(over="ignore", invalid="ignore"):
            first_value = sum(
                len(batch) / len(learning) * objective(params, batch)[0]
                for batch in batches(learning, FIRST_BATCH)
            )
            if not np.isfinite(first_value):
                self._refuse_extremes(rows)
            result = minimize(
                objective,
                params,
                learning,
                optimizer=optimizer,
                state=optimizer.init(params),
                schedule=make_schedule(self),
                batch_size=self.batch_size,
                max_iter=self.max_iter,
                tol=self.tol,
                n_iter_no_change=self.n_iter_no_change,
                rng=rng if self.shuffle else None,
                average_from=self.average - 1 if self.average else None,
                value_of=self._value_of(problem, rows, learning),
                score=score,
                on_epoch=on_iteration,
            )
        if result.diverged:
            self._refuse_divergence(rows)
        if result.loss_curve[-1] > first_value and not result.interrupted:
            warn(
                f"The loss rose from {first_value:.3g} to {result.loss_curve[-1]:.3g}. "
                + advice_on_divergence(self, rows.X, rows.dtype, scaled=False),
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
        return result.params, result.interrupted

    def _optimizer(self, problem: LabeledRows, rows: Rows) -> Any:
        n_weights = problem.n_outputs * rows.n_features
        optimizer = make_optimizer(self, n_weights)
        if self.max_norm is None:
            return optimizer

        def shorten(params: Any) -> Any:
            max_norm(params[:n_weights].reshape(problem.n_outputs, -1), self.max_norm)

        return projected(optimizer, shorten)

    def _refuse_divergence(self, rows: Rows) -> None:
        advice = advice_on_divergence(self, rows.X, rows.dtype, scaled=False)
        raise ValueError(f"The loss became infinite or NaN. {advice}")

    def _batch_objective(
        self, problem: LabeledRows, rows: Rows, learning: np.ndarray
    ) -> Callable[..., Any]:
        return linear_batches(
            rows,
            problem.labels,
            problem.weights / problem.weights[learning].mean(),
            loss=self._loss(problem.n_outputs),
            penalty=self._batch_penalty(),
        )

    def _batch_penalty(self) -> Callable[..., Any]:
        """Return the penalty; for adamw, without its L2 part."""
        if self.solver == "adamw":
            return elastic_net(self.alpha * self.l1_ratio, 1.0)
        return elastic_net(self.alpha, self.l1_ratio)

    def _value_of(
        self, problem: LabeledRows, rows: Rows, learning: np.ndarray
    ) -> Callable[..., Any]:
        """Return ``params -> objective`` for the rows ``learning``."""
        loss, labels = self._loss(problem.n_outputs), problem.labels[learning]
        sample_weight = problem.weights[learning] / problem.weights[learning].sum()
        penalty = self._batch_penalty()

        def value_of(params: Any) -> Any:
            W, _ = split_linear(params, rows.n_features, self.fit_intercept)
            value, _ = loss(
                linear_scores(rows, params)[learning], labels, sample_weight
            )
            return value + penalty(W.ravel(), np.zeros_like(W).ravel())

        return value_of

    def _scorer(
        self, problem: LabeledRows, rows: Rows, index: np.ndarray
    ) -> Callable[..., Any]:
        """Return ``params -> accuracy`` on the rows ``index``."""
        held_out = Rows(problem.X[index], rows.center)
        labels, weights = problem.labels[index], problem.weights[index]

        def score(params: Any) -> float:
            scores = linear_scores(held_out, params)
            best = scores.argmax(1) if scores.shape[1] > 1 else scores[:, 0] > 0
            return float(np.average(best == labels, weights=weights))

        return score
