r"""Hinge losses where hardly a row is violated: a primal-dual interior-point method.

Where a weak penalty separates the classes, Newton's method on the squared hinge spends
its iterations on which rows are violated. Here each violation :math:`z` has a
multiplier :math:`\beta`, the slope of its cost, which stays within its bounds while the
products that are zero at the optimum,

.. math:: \beta a, \; a = \tfrac{\beta}{2} - z \quad \text{(squared hinge)}, \qquad
    \beta (\xi - z), \; (1 - \beta) \xi \quad \text{(hinge)},

go to zero together. That takes some thirty iterations, whatever the penalty.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from skvision._parallel import one_thread_for_blas
from skvision._training.lbfgs import Minimum, Vector
from skvision._training.losses import Array, Labels, Linear, Violated, Violations
from skvision._training.newton import conjugate_gradients
from skvision._training.precondition import (
    Precondition,
    cholesky_inverse,
    class_inverses,
    curvature_inverse,
    hessian,
)
from skvision._training.problem import Point, Problem, dual_bound, relative

MAX_DENSE = 1500  # parameters, of which the Hessian is written down
FORCING = 1e-2  # part of the residual that is left of a linear system
TO_BOUND = 0.99  # of the way to the nearest bound
MAX_FEATURES = 2500  # of which the Hessian of one class is
MAX_ITER = 100
PATIENCE = 8  # iterations that do not make the gap smaller


@dataclass(frozen=True)
class _Bends:
    """Labels, and the changes of multipliers by violations, cut into blocks."""

    labels: Labels
    bends: Array

    def __getitem__(self, rows: slice) -> tuple[Labels, Array]:
        return self.labels[rows], self.bends[rows]


class _State(NamedTuple):
    """Multipliers, what they are complementary to, and the same for 1 - beta."""

    beta: Array
    a: Array
    xi: Array


class _Change(NamedTuple):
    """A step: of the parameters, the scores, and the state."""

    params: Vector
    scores: Array
    state: _State


def minimize_interior(
    problem: Problem,
    *,
    violations: Violations,
    squared: bool,
    margin: float,
    max_iter: int,
    tol: float,
    on_iteration: Callable[[Vector], bool] = lambda params: False,
) -> Minimum:
    r"""Minimize the mean hinge loss, or its square, plus an L2 penalty.

    Parameters
    ----------
    problem : Problem
        The problem, of which the targets are labels. Its loss is not asked.
    violations : callable
        What the hinge is taken of.
    squared : bool
        Whether the loss is the square of the hinge.
    margin : float
        Of the violations.
    max_iter : int
        The most iterations.
    tol : float
        Tolerance for the duality gap, as a part of the objective.
    on_iteration : callable, default=None
        Told the parameters after each iteration; returns whether to stop.

    Returns
    -------
    minimum : Minimum
        The point of the smallest gap.

    References
    ----------
    S. Mehrotra, "On the implementation of a primal-dual interior point method", SIAM
    Journal on Optimization 2, 1992.
    M. C. Ferris and T. S. Munson, "Interior-point methods for massive support vector
    machines", SIAM Journal on Optimization 13, 2002.
    """
    method = _Interior(problem, violations, squared)
    params = np.zeros(problem.n_outputs * (problem.rows.n_features + problem.has_bias))
    scores = np.zeros((len(problem.rows), problem.n_outputs))
    state = method.first(scores, margin)
    curve: list[float] = []
    best = Minimum(params, 0, curve, np.zeros_like(params), np.inf)
    while len(curve) <= MAX_ITER:
        here, value, error = method.certify(params, state)
        curve.append(value)
        told = len(curve) > 1 and on_iteration(params)
        if told or len(curve) == 1 or error < best.error:
            best = Minimum(params, len(curve) - 1, [*curve], here.slope, error)
        stuck = best.error < 1 and len(curve) - 1 - best.n_iter >= PATIENCE
        if error <= tol or len(curve) > max_iter or stuck or told:
            break
        solve = method.factorize(here, state)
        guess = method.change(here, state, solve, 0.0, None)
        length = method.longest(state, guess.state)
        now = method.complementarity(state)
        ahead = method.complementarity(_moved(state, guess.state, length))
        change = method.change(
            here, state, solve, now * (ahead / now) ** 3, guess.state
        )
        length = method.longest(state, change.state)
        params = params + length * change.params
        state = method.follow(
            here.scores + length * change.scores, _moved(state, change.state, length)
        )
    return best._replace(n_iter=len(curve) - 1)


def _moved(state: _State, change: _State, length: float) -> _State:
    pairs = zip(state, change, strict=True)
    return _State(*(one + length * other for one, other in pairs))


class _Interior:
    """The equations of one problem."""

    def __init__(self, problem: Problem, violations: Violations, squared: bool) -> None:
        self.problem, self.violations, self.squared = problem, violations, squared
        self.share = problem.shares[:, None]

    def violated(self, scores: Array) -> Violated:
        labels: Labels = self.problem.targets
        return self.violations(scores, labels)

    def first(self, scores: Array, margin: float) -> _State:
        z = self.violated(scores).z
        self.counts = np.isfinite(z) & (self.share > 0)
        if self.squared:
            beta = np.full_like(z, margin * (1 + np.sqrt(3)))
            return self.follow(scores, _State(beta, beta, np.ones_like(z)))
        return self.follow(
            scores, _State(np.full_like(z, 0.5), z, np.full_like(z, 2 * margin))
        )

    def follow(self, scores: Array, state: _State) -> _State:
        """Return the state with ``a`` as its definition has it."""
        z = np.where(self.counts, self.violated(scores).z, 0)
        a = (state.beta / 2 if self.squared else state.xi) - z
        beta = np.where(self.counts, state.beta, 0.5)
        return _State(beta, np.where(self.counts, a, 1), state.xi)

    def slopes(self, beta: Array) -> Array:
        """Return what multipliers make of the gradient with respect to the scores."""
        backward = self.violated(np.zeros_like(beta)).backward
        return backward(self.share * np.where(self.counts, beta, 0))

    def complementarity(self, state: _State) -> float:
        products = state.beta * state.a
        if not self.squared:
            products = (products + (1 - state.beta) * state.xi) / 2
        counted = np.where(self.counts, self.share, 0)
        return float(np.sum(counted * products) / np.sum(counted))

    def bends(self, state: _State) -> Array:
        """Return the change of a multiplier by that of its violation."""
        if self.squared:
            return np.where(self.counts, state.beta / (state.a + state.beta / 2), 0)
        below = state.a + state.beta * state.xi / (1 - state.beta)
        return np.where(self.counts, state.beta / below, 0)

    def curvature(self, scores: Array, targets: Any, shares: Array) -> Linear:
        labels, bends = targets
        _, forward, backward = self.violations(scores, labels)
        return lambda change: backward(shares[:, None] * bends * forward(change))

    def certify(self, params: Vector, state: _State) -> tuple[Point, float, float]:
        """Return the parameters with the slope of the multipliers, value and gap.

        The multipliers are moved a little so that their slopes add up to zero for each
        bias; where that would take them out of their bounds, no gap is known.
        """
        problem, beta = self.problem, state.beta
        if problem.has_bias:
            beta = self._balanced(state)
        all_scores = np.empty_like(beta)
        d_scores = self.slopes(beta)

        def respond(block: slice, scores: Array) -> Array:
            all_scores[block] = scores
            return d_scores[block]

        slope = problem.through(params, respond)
        z = np.where(self.counts, self.violated(all_scores).z, 0)
        cost = np.maximum(z, 0) ** (2 if self.squared else 1)
        value = float(np.sum(self.share * cost)) + problem.penalty(params)
        at_zero = np.where(self.counts, self.violated(np.zeros_like(z)).z, 0)
        fitted = beta * at_zero - (beta**2 / 4 if self.squared else 0)
        total = float(np.sum(self.share * np.where(self.counts, fitted, 0)))
        feasible = (beta >= 0) & (self.squared | (beta <= 1))
        bound = dual_bound(total, slope[: problem.n_weights], 0.0, problem.l2)
        error = relative(value - bound, value) if feasible.all() else np.inf
        return Point(params, all_scores, value, slope, value), value, error

    def _balanced(self, state: _State) -> Array:
        zeros, bends_of = np.zeros_like(state.beta), self.bends(state)
        targets = (self.problem.targets, bends_of)
        product = self.curvature(zeros, targets, self.problem.shares)
        k = self.problem.n_outputs
        shape = state.beta.shape
        bends = [product(np.broadcast_to(unit, shape)).sum(0) for unit in np.eye(k)]
        missing = self.slopes(state.beta).sum(axis=0)
        shift = -np.linalg.pinv(np.array(bends), rcond=1e-12, hermitian=True) @ missing
        forward = self.violated(zeros).forward
        moved = state.beta + bends_of * forward(np.broadcast_to(shift, shape))
        return np.where(self.counts, moved, 0.5)

    def factorize(
        self, here: Point, state: _State
    ) -> Callable[..., tuple[Vector, Array]]:
        """Return ``right -> (solution, change of the scores)``."""
        problem = self.problem
        curved = replace(
            problem,
            targets=_Bends(problem.targets, self.bends(state)),
            curvature=self.curvature,
        )
        precondition: Precondition
        if len(here.params) <= MAX_DENSE:
            precondition = cholesky_inverse(hessian(curved, here))
        elif problem.rows.n_features <= MAX_FEATURES:
            precondition = class_inverses(curved, here)
        else:
            precondition = curvature_inverse(curved, here)

        def solve(right: Vector) -> tuple[Vector, Array]:
            with one_thread_for_blas:
                return conjugate_gradients(
                    lambda change: curved.hessian_product(here, change),
                    right,
                    precondition,
                    FORCING,
                )[:2]

        return solve

    def change(
        self,
        here: Point,
        state: _State,
        solve: Callable[..., tuple[Vector, Array]],
        target: float,
        guess: _State | None,
    ) -> _Change:
        """Return Newton's step to products of ``target``, corrected by a guess."""
        beta, a, xi = state
        lower = target - beta * a
        upper = target - (1 - beta) * xi
        if guess is not None:
            lower = lower - guess.beta * guess.a
            upper = upper + guess.beta * guess.xi
        if self.squared:
            constant = lower / (a + beta / 2)
        else:
            below = a + beta * xi / (1 - beta)
            constant = (lower - beta * upper / (1 - beta)) / below
        d_scores = self.slopes(beta + constant)
        right = -self.problem.through(
            here.params, lambda block, scores: d_scores[block]
        )
        n = self.problem.n_weights
        right[:n] -= self.problem.l2 * here.params[:n]
        step, along = solve(right)
        d_z = np.where(self.counts, self.violated(along).forward(along), 0)
        d_beta = np.where(self.counts, self.bends(state) * d_z + constant, 0)
        if self.squared:
            d_xi = np.zeros_like(d_beta)
            d_a = d_beta / 2 - d_z
        else:
            d_xi = np.where(self.counts, (upper + xi * d_beta) / (1 - beta), 0)
            d_a = d_xi - d_z
        return _Change(step, along, _State(d_beta, d_a, d_xi))

    def longest(self, state: _State, change: _State) -> float:
        """Return the length of a step that keeps all within their bounds, at most 1."""
        pairs = [(state.beta, change.beta), (state.a, change.a)]
        if not self.squared:
            pairs += [(1 - state.beta, -change.beta), (state.xi, change.xi)]
        length = np.inf
        for value, slope in pairs:
            falls = self.counts & (slope < 0)
            if falls.any():
                length = min(length, float((-value[falls] / slope[falls]).min()))
        return min(1.0, TO_BOUND * length)
