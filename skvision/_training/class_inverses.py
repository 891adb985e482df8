r"""Preconditioners of problems in which each weight has a penalty of its own.

Near the minimum of an L1 penalty, most weights are held at zero and the others are
free, differently for each class. The Hessian of each class is therefore inverted by
itself, for the weights that are free.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skvision._training.moments import column_variances
from skvision._training.parallel import for_each_block, one_thread_for_blas
from skvision._training.precondition import (
    GRAM_BYTES,
    SINGULAR,
    Array,
    Precondition,
    Vector,
    cholesky_inverse,
    curvature_inverse,
    diagonals_of_curvature,
    hessian,
)
from skvision._training.problem import Point, Problem
from skvision._training.sources import Centered

MAX_DENSE = 1500  # maximum number of parameters for computing the full Hessian
MAX_OWN = 2500  # maximum number of weights for the full Hessian of one class
SMALLEST_OWN = 1e-10  # minimum added to the diagonal, as a fraction of it
HELD = 100.0  # ratio of penalty to curvature above which the rows are ignored


def penalized_inverse(problem: Problem, here: Point, diagonal: Vector) -> Precondition:
    """Return the product with an approximate inverse of Hessian plus diagonal.

    It is exact for at most `MAX_DENSE` parameters. Otherwise the classes are treated
    separately.

    Parameters
    ----------
    problem : Problem
        The problem.
    here : Point
        The point at which the curvature is computed.
    diagonal : ndarray of shape (n_weights,)
        Values added to the diagonal, not negative. Infinity fixes a weight.

    Returns
    -------
    precondition : callable
        A linear map from and to vectors of the shape of the parameters.
    """
    n = problem.n_weights
    inverse: Precondition
    if len(here.params) <= MAX_DENSE:
        with one_thread_for_blas:
            matrix, held = hessian(problem, here), np.flatnonzero(np.isinf(diagonal))
            matrix[held], matrix[:, held] = 0, 0
            matrix[np.diag_indices(n)] += np.where(np.isinf(diagonal), 1, diagonal)
            inverse = cholesky_inverse(matrix)
    elif diagonal.any() or problem.rows.n_features <= MAX_OWN:
        inverse = class_inverses(problem, here, diagonal)
    else:
        inverse = curvature_inverse(problem, here)
    if not (problem.joint and problem.has_bias):
        return inverse

    def differences(vector: Vector) -> Vector:
        """Remove the common change of all biases, which does not change the loss."""
        vector = vector.copy()
        vector[n:] -= vector[n:].mean()
        return vector

    return lambda vector: differences(inverse(differences(vector)))


def class_inverses(
    problem: Problem, here: Point, of_weights: Vector | float = 0.0
) -> Precondition:
    """Return the product with the inverse of the separate Hessian of each class.

    It is suitable for classes whose rows have very different curvatures. Only the
    diagonal is used for weights whose diagonal is dominated by the added values, and
    for all but `MAX_OWN` weights of each class.

    Parameters
    ----------
    problem : Problem
        The problem.
    here : Point
        The point at which the curvature is computed.
    of_weights : ndarray of shape (n_weights,), default=0.0
        Values added to the diagonal, not negative.

    Returns
    -------
    precondition : callable
        A linear map from and to vectors of the shape of the parameters.
    """
    k, d = problem.n_outputs, problem.rows.n_features
    curvatures = diagonals_of_curvature(problem, here)
    own: Array = np.broadcast_to(problem.l2 + of_weights, problem.n_weights).reshape(
        k, d
    )
    inverses: dict[int, Precondition] = {}

    def invert(classes: slice) -> None:
        j = classes.start
        inverses[j] = _class_inverse(problem.rows, curvatures[:, j], own[j])

    with one_thread_for_blas as n_threads:
        for_each_block(invert, k, 1, n_threads)

    def precondition(gradient: Vector) -> Vector:
        result = gradient.copy()
        W, b = problem.split(result)
        for j, inverse in inverses.items():
            solution = inverse(np.append(W[j], b[j : j + 1]))
            W[j], b[j : j + 1] = solution[:d], solution[d:]
        return result

    return precondition


def _class_inverse(rows: Centered, curvature: Array, penalty: Array) -> Precondition:
    r"""Return the product with :math:`(X^\top H X + P)^{-1}`, including biases."""
    total = float(curvature.sum())
    curvatures = column_variances(rows, curvature)
    curvatures += np.finfo(np.float64).tiny + SINGULAR * curvatures.mean()
    relative = penalty / curvatures
    kept = np.flatnonzero(relative <= HELD)
    if len(kept) > MAX_OWN:
        kept = np.sort(kept[np.argsort(relative[kept], kind="stable")[:MAX_OWN]])
    rest = 1 / np.append(penalty + curvatures, total or 1.0)
    diagonal, curvatures = penalty[kept], curvatures[kept]
    if rows.center is not None:
        kept, diagonal = np.append(kept, rows.n_features), np.append(diagonal, 0.0)
        curvatures = np.append(curvatures, total)
    used = np.flatnonzero(curvature > 0)
    solve = _solve_dense(
        _Part(rows, used, kept), np.sqrt(curvature[used]), diagonal, curvatures
    )

    def precondition(gradient: Vector) -> Vector:
        result = gradient * rest[: len(gradient)]
        result[kept] = solve(gradient[kept])
        return result

    return precondition


class _Part(NamedTuple):
    """Some rows and some of their columns, possibly with a last column of ones."""

    rows: Centered
    used: NDArray[np.intp]
    kept: NDArray[np.intp]

    def blocks(self, roots: Array) -> Iterator[NDArray[np.float64]]:
        """Yield blocks of rows, multiplied by ``roots``."""
        size = max(16, GRAM_BYTES // (8 * self.rows.n_features))
        for start in range(0, len(self.used), size):
            x = self.rows.take(self.used[start : start + size])
            x = x.astype(np.float64, copy=False)
            if self.rows.center is not None:
                x = np.column_stack([x, np.ones(len(x))])
            yield x[:, self.kept] * roots[start : start + size, None]


def _solve_dense(
    part: _Part, roots: Array, diagonal: Array, curvatures: Array
) -> Precondition:
    """Return the product with the inverse for a part of the rows and columns."""
    n, d = len(part.used), len(part.kept)
    if n >= d:
        gram = np.diag(diagonal)
        for x in part.blocks(roots):
            gram += x.T @ x
        return cholesky_inverse(gram)
    inverse = 1 / np.maximum(diagonal, SMALLEST_OWN * curvatures)
    x = np.concatenate([np.empty((0, d)), *part.blocks(roots)])
    products = (x * inverse) @ x.T
    products[np.diag_indices(n)] += 1
    solve = cholesky_inverse(products)

    def precondition(gradient: Vector) -> Vector:
        once = inverse * gradient
        result: Vector = once - inverse * (solve(x @ once) @ x)
        return result

    return precondition
