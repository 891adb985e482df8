r"""A primal-dual interior-point method for hinge losses with few violations.

If the penalty is weak and the classes are separable, Newton's method on the squared
hinge loss needs many iterations to find the violated rows. The interior-point method
introduces a multiplier :math:`\beta` for each violation :math:`z`, which is the slope
of its cost. The multipliers stay within their bounds, while the complementarity
products

.. math:: \beta a, \; a = \tfrac{\beta}{2} - z \quad \text{(squared hinge)}, \qquad
    \beta (\xi - z), \; (1 - \beta) \xi \quad \text{(hinge)},

which are zero at the optimum, converge to zero at the same rate. This takes about
thirty iterations for any penalty.

The L1 penalty of a weight is also a hinge, :math:`|w| = 2 \max(0, w) - w`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skvision._training.class_inverses import penalized_inverse
from skvision._training.duality_gap import dual_bound, relative, relative_gap
from skvision._training.lbfgs import Minimum, Vector
from skvision._training.losses import Array, Labels, Linear, Violated, Violations
from skvision._training.moments import column_variances
from skvision._training.newton import conjugate_gradients
from skvision._training.parallel import one_thread_for_blas
from skvision._training.problem import Point, Problem
from skvision._training.smoothed_l1 import sparse_point

FORCING = 1e-3  # fraction of the residual that conjugate gradients leave
TO_BOUND = 0.99  # fraction of the distance to the nearest bound
MAX_ITER = 100
PATIENCE = 8  # iterations that do not decrease the gap, once it is small
NEAR = 0.1  # what counts as a small gap


@dataclass(frozen=True)
class _LabelsAndRates:
    """Labels and derivatives of multipliers by violations, sliced in blocks."""

    labels: Labels
    rates: Array

    def __getitem__(self, rows: slice) -> tuple[Labels, Array]:
        return self.labels[rows], self.rates[rows]


class _State(NamedTuple):
    """Multipliers beta, their complements a, and the complements xi of 1 - beta.

    Each array holds the violations of the rows, (n * k,), followed by those of the
    weights with an L1 penalty.
    """

    beta: Array
    a: Array
    xi: Array


class _Change(NamedTuple):
    """A step, as changes of the parameters, the scores and the state."""

    params: Vector
    scores: Array
    state: _State


def minimize_interior(
    problem: Problem,
    before: Minimum,
    *,
    violations: Violations,
    squared: bool,
    margin: float,
    max_iter: int,
    tol: float,
    on_iteration: Callable[[Vector], bool] = lambda params: False,
) -> Minimum:
    r"""Minimize the mean hinge or squared hinge loss plus a penalty.

    Parameters
    ----------
    problem : Problem
        The problem, whose targets are labels.
    before : Minimum
        The result of another method. The iterations do not start there, but it is
        reported and returned if it is better.
    violations : callable
        Function of the violations of the margin.
    squared : bool
        Whether the loss is the squared hinge loss.
    margin : float
        The margin of the violations.
    max_iter : int
        Maximum number of iterations.
    tol : float
        Tolerance for the duality gap, as a fraction of the objective.
    on_iteration : callable, default=None
        Called with the parameters after each iteration; returns whether to stop.

    Returns
    -------
    minimum : Minimum
        The first point within the tolerance at which weights that the L1 penalty keeps
        at zero are exactly zero. If rounding or ``max_iter`` ends the iterations
        before, the point with the smallest gap.

    References
    ----------
    S. Mehrotra, "On the implementation of a primal-dual interior point method", SIAM
    Journal on Optimization 2, 1992.
    M. C. Ferris and T. S. Munson, "Interior-point methods for massive support vector
    machines", SIAM Journal on Optimization 13, 2002.
    """
    method = _Interior(problem, violations, squared, margin)
    params = np.zeros(problem.n_outputs * (problem.rows.n_features + problem.has_bias))
    scores = np.zeros((len(problem.rows), problem.n_outputs))
    state = method.first(params, scores)
    curve: list[float] = []
    best = Minimum(params, 0, curve, np.zeros_like(params), np.inf)
    while len(curve) <= MAX_ITER:
        here, error = found, _ = method.certify(params, state)
        done = error <= tol
        if done and problem.l1:
            sparse, error_of_sparse = method.sparse(params, state)
            done = error_of_sparse <= tol
            if done:
                found, error = sparse, error_of_sparse
        curve.append(found.value)
        if len(curve) == 1 or error < best.error or done:
            best = Minimum(found.params, len(curve) - 1, [*curve], found.slope, error)
        lowest = found.value < before.loss_curve[-1]
        stopped = len(curve) > 1 and on_iteration(
            found.params if lowest else before.params
        )
        stuck = best.error < NEAR and len(curve) - 1 - best.n_iter >= PATIENCE
        if done or len(curve) > max_iter or stuck or stopped:
            break
        change = method.step(here, state)
        length = method.longest(state, change.state)
        params = params + length * change.params
        scores = here.scores + length * change.scores
        state = method.follow(params, scores, _moved(state, change.state, length))
    if stopped:  # the last point, even if it is not the best
        last = Minimum(found.params, 0, curve, found.slope, error)
        best = last if lowest else before
    elif before.error <= best.error:
        best = before
    return best._replace(n_iter=len(curve) - 1)


def _moved(state: _State, change: _State, length: float) -> _State:
    pairs = zip(state, change, strict=True)
    return _State(*(one + length * other for one, other in pairs))


class _Interior:
    """The equations of the method for one problem."""

    def __init__(
        self, problem: Problem, violations: Violations, squared: bool, margin: float
    ) -> None:
        self.problem, self.violations, self.squared = problem, violations, squared
        self.margin, self.n, k = margin, problem.n_weights, problem.n_outputs
        z = self.violated(np.zeros((len(problem.rows), k))).z
        sample_weight = np.broadcast_to(problem.sample_weight[:, None], z.shape).ravel()
        self.counts = np.isfinite(z).ravel() & (sample_weight > 0)
        self.costs, self.scale = sample_weight, np.zeros(0)
        self.units = np.ones_like(
            sample_weight
        )  # units in which the products are equal
        if problem.l1:  # in units of the scores, independent of those of the features
            sizes = np.sqrt(column_variances(problem.rows, problem.sample_weight))
            self.scale = np.tile(np.where(sizes > 0, sizes, 1), k)
            self.costs = np.append(sample_weight, 2 * problem.l1 / self.scale)
            of_weights = 1 / len(problem.rows) / self.of_weights(self.costs)
            self.units = np.append(self.units, of_weights)
            self.counts = np.append(self.counts, np.ones(self.n, bool))
        of_rows = np.arange(len(self.counts)) < z.size
        self.squares = squared & of_rows  # the others are hinge losses

    def violated(self, scores: Array) -> Violated:
        labels: Labels = self.problem.targets
        return self.violations(scores, labels)

    def joined(self, of_rows: Array, params: Vector) -> Array:
        """Concatenate violations (or their changes) of the rows and of the weights."""
        of_weights = self.scale * params[: self.n] if self.problem.l1 else self.scale
        return np.where(self.counts, np.append(of_rows, of_weights), 0)

    def of_rows(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the part that belongs to the rows, (n, k)."""
        k = self.problem.n_outputs
        return values[: len(self.problem.rows) * k].reshape(-1, k)

    def of_weights(self, values: Array) -> Array:
        """Return the part that belongs to the weights; empty without an L1 penalty."""
        return values[len(self.problem.rows) * self.problem.n_outputs :]

    def first(self, params: Vector, scores: Array) -> _State:
        factors = np.where(self.squares, 1 + np.sqrt(3), 2)
        sizes = self.margin * factors * self.units
        beta = np.where(self.squares, sizes, 0.5)
        return self.follow(params, scores, _State(beta, sizes, sizes))

    def follow(self, params: Vector, scores: Array, state: _State) -> _State:
        """Return the state with ``a`` computed from its definition."""
        z = self.joined(self.violated(scores).z, params)
        a = np.where(self.squares, state.beta / 2, state.xi) - z
        beta = np.where(self.counts, state.beta, 0.5)
        return _State(beta, np.where(self.counts, a, 1), state.xi)

    def slopes(self, beta: Array) -> Array:
        """Return the gradient with respect to the scores for given multipliers."""
        weighted = self.of_rows(np.where(self.counts, self.costs * beta, 0))
        return self.violated(np.zeros_like(weighted)).backward(weighted)

    def complementarity(self, state: _State) -> float:
        lower, upper = state.beta * state.a, (1 - state.beta) * state.xi
        products = np.where(self.squares, lower, (lower + upper) / 2)
        counted = np.where(self.counts, self.costs, 0)
        return float(np.sum(counted * products) / np.sum(counted * self.units))

    def rates(self, state: _State) -> Array:
        """Return the derivatives of multipliers by their violations."""
        return np.where(self.counts, state.beta / self.below(state), 0)

    def above(self, beta: Array) -> Array:
        """Return the distances of multipliers from their upper bound; 1 without one."""
        return np.where(self.squares, 1, 1 - beta)

    def below(self, state: _State) -> Array:
        of_hinge = state.xi / self.above(state.beta)
        return state.a + state.beta * np.where(self.squares, 0.5, of_hinge)

    def curvature(self, scores: Array, targets: Any, sample_weight: Array) -> Linear:
        labels, rates = targets
        _, forward, backward = self.violations(scores, labels)
        return lambda change: backward(sample_weight[:, None] * rates * forward(change))

    def certify(self, params: Vector, state: _State) -> tuple[Point, float]:
        """Return the point with the slope given by the multipliers, and its gap.

        The multipliers are changed slightly so that their slopes sum to zero for each
        bias. If this violates their bounds, no gap is known.
        """
        problem, beta = self.problem, self.of_rows(state.beta)
        if problem.has_bias:
            beta = self._balanced(state)
        counts, weight = self.of_rows(self.counts), problem.sample_weight[:, None]
        scores = np.empty_like(beta)
        d_scores = self.slopes(self.joined(beta, np.zeros_like(params)))

        def respond(block: slice, some: Array) -> Array:
            scores[block] = some
            return d_scores[block]

        slope = problem.through(params, respond)
        z = np.where(counts, self.violated(scores).z, 0)
        loss = float(np.sum(weight * np.maximum(z, 0) ** (2 if self.squared else 1)))
        value = loss + problem.penalty(params)
        at_zero = np.where(counts, self.violated(np.zeros_like(z)).z, 0)
        fitted = beta * at_zero - (beta**2 / 4 if self.squared else 0)
        total = float(np.sum(weight * np.where(counts, fitted, 0)))
        feasible = (beta >= 0) & (self.squared | (beta <= 1))
        bound = dual_bound(total, slope[: self.n], problem.l1, problem.l2)
        error = relative(value - bound, value) if feasible.all() else np.inf
        return Point(params, scores, loss, slope, value), error

    def _balanced(self, state: _State) -> Array:
        beta, rates_of_rows = self.of_rows(state.beta), self.of_rows(self.rates(state))
        zeros = np.zeros_like(beta)
        targets = (self.problem.targets, rates_of_rows)
        product = self.curvature(zeros, targets, self.problem.sample_weight)
        units = np.eye(beta.shape[1])
        hessian = [product(np.broadcast_to(unit, beta.shape)).sum(0) for unit in units]
        if not np.isfinite(hessian).all():
            return beta
        missing = self.slopes(state.beta).sum(axis=0)
        shift = (
            -np.linalg.pinv(np.array(hessian), rcond=1e-12, hermitian=True) @ missing
        )
        forward = self.violated(zeros).forward
        moved = beta + rates_of_rows * forward(np.broadcast_to(shift, beta.shape))
        return np.where(self.of_rows(self.counts), moved, 0.5)

    def sparse(self, params: Vector, state: _State) -> tuple[Point, float]:
        """Return a point with exact zeros due to the L1 penalty, and its gap."""
        beta = self.of_weights(state.beta)
        if self.squared:
            sizes = self.scale[: self.problem.rows.n_features]
            point = sparse_point(self.problem, params, sizes, 2 * beta - 1)
            return point, relative_gap(self.problem, point)
        sizes = np.abs(self.scale * params[: self.n]) / self.margin
        params = params.copy()
        params[: self.n][sizes < np.minimum(beta, 1 - beta)] = 0
        return self.certify(params, state)

    def step(self, here: Point, state: _State) -> _Change:
        """Return the predictor-corrector step."""
        solve = self.factorize(here, state)
        guess = self.change(here, state, solve, 0.0, None).state
        now = self.complementarity(state)
        length = self.longest(state, guess)
        ahead = self.complementarity(_moved(state, guess, length))
        guess = _State(*(length * one for one in guess))
        return self.change(here, state, solve, now * (ahead / now) ** 3, guess)

    def factorize(
        self, here: Point, state: _State
    ) -> Callable[..., tuple[Vector, Array]]:
        """Return ``right -> (solution, change of the scores)``."""
        problem, rates = self.problem, self.rates(state)
        targets = _LabelsAndRates(problem.targets, self.of_rows(rates))
        curved = replace(problem, targets=targets, curvature=self.curvature)
        of_weights = np.zeros(self.n)
        if problem.l1:
            of_weights = self.of_weights(self.costs * rates) * self.scale**2
        precondition = penalized_inverse(curved, here, of_weights)

        def product(change: Vector) -> tuple[Vector, Array]:
            result, along = curved.hessian_product(here, change)
            result[: self.n] += of_weights * change[: self.n]
            return result, along

        def solve(right: Vector) -> tuple[Vector, Array]:
            with one_thread_for_blas:
                return conjugate_gradients(product, right, precondition, FORCING)[:2]

        return solve

    def change(
        self,
        here: Point,
        state: _State,
        solve: Callable[..., tuple[Vector, Array]],
        target: float,
        guess: _State | None,
    ) -> _Change:
        """Return Newton's step to products of ``target``, corrected by a prediction."""
        beta, a, xi = state
        targets = target * self.units
        lower = targets - beta * a
        upper = np.where(self.squares, 0, targets - (1 - beta) * xi)
        if guess is not None:
            lower = lower - guess.beta * guess.a
            upper = upper + guess.beta * guess.xi
        above = self.above(beta)
        constant = (lower - beta * upper / above) / self.below(state)
        d_scores = self.slopes(beta + constant)
        right = -self.problem.through(
            here.params, lambda block, scores: d_scores[block]
        )
        right[: self.n] -= self.problem.l2 * here.params[: self.n]
        if self.problem.l1:
            right[: self.n] -= self.problem.l1 * (
                2 * self.of_weights(beta + constant) - 1
            )
        step, along = solve(right)
        d_z = self.joined(self.violated(along).forward(along), step)
        d_beta = np.where(self.counts, self.rates(state) * d_z + constant, 0)
        bounded = self.counts & ~self.squares
        d_xi = np.where(bounded, (upper + xi * d_beta) / above, 0)
        d_a = np.where(self.squares, d_beta / 2, d_xi) - d_z
        return _Change(step, along, _State(d_beta, d_a, d_xi))

    def longest(self, state: _State, change: _State) -> float:
        """Return the longest step length, at most 1, that keeps all within bounds."""
        bounded = self.counts & ~self.squares
        length = np.inf
        for value, slope, counts in (
            (state.beta, change.beta, self.counts),
            (state.a, change.a, self.counts),
            (1 - state.beta, -change.beta, bounded),
            (state.xi, change.xi, bounded),
        ):
            falls = counts & (slope < 0)
            if falls.any():
                length = min(length, float((-value[falls] / slope[falls]).min()))
        return min(1.0, TO_BOUND * length)
