r"""Preconditioners for conjugate gradients, from the curvature of the loss.

Features of images are so correlated that the eigenvalues of their Gram matrix span five
or more orders of magnitude. For each class, the Hessian is close to :math:`\sum_i h_i
x_i x_i^\top + \lambda_2 I`, where :math:`h_i` is the mean curvature of the loss of row
i. Preconditioning by the inverse of this matrix reduces the number of steps from
hundreds to tens.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import (
    LinAlgError,
    blas,
    cho_factor,
    cho_solve,
    lapack,
    solve_triangular,
)

from skvision._training.moments import weighted_mean
from skvision._training.problem import Point, Problem
from skvision._training.sources import ArraySource, Centered

Array = NDArray[np.floating]
Vector = NDArray[np.float64]
Precondition = Callable[[Vector], Vector]

MAX_FEATURES = 16384  # the Gram matrix has 1 GiB in float32
MAX_SAMPLES = 8192  # the Gram matrix has 0.5 GiB in float64
EXACT_FEATURES = 1024  # maximum for using float64
FEW_SAMPLES = 4  # ratio of features to samples above which samples are faster
KEPT = 2**23  # maximum size of rows that are kept as float64
SAMPLE = 2048  # number of sampled rows if neither Gram matrix fits
GRAM_BYTES = 2**23  # size of a block of rows in the product
RANK = 128  # of a sketch, which takes a fifth of the time of the product
FLATTEST = 20.0  # maximum ratio of the remaining curvature to the L2 penalty
FLAT = 1e-6  # minimum curvature of a row, as a fraction of the mean
SMALLEST = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-10}  # relative shifts
SINGULAR = 1e-13  # eigenvalues below this fraction of the largest are zero


def curvature_inverse(problem: Problem, here: Point) -> Precondition:
    r"""Return the product with :math:`(\sum_i h_i x_i x_i^\top + s I)^{-1}`.

    The rows are centered at their mean, weighted by the curvature, so that biases and
    weights are independent. The shift :math:`s` is the L2 penalty, or 1e-10 (1e-6 for
    float32) times the mean eigenvalue if this is larger. The latter only shortens steps
    in directions with almost no curvature.

    In float32, if all but the leading `RANK` eigenvalues are at most `FLATTEST` times
    the L2 penalty, only the leading eigenvectors are used. Otherwise, the inverse is
    computed from the Cholesky factor of the (d, d) matrix if there are at most
    `MAX_FEATURES` features. If the number of samples is at most a quarter of that of
    features, and at most `MAX_SAMPLES`, the Cholesky factor of the (n, n) matrix of
    their products is used. For larger problems, the matrix is approximated by `SAMPLE`
    evenly spaced rows, and the shift is at least the trace divided by `SAMPLE`.

    Parameters
    ----------
    problem : Problem
        The problem.
    here : Point
        The point at which the curvature is computed.

    Returns
    -------
    precondition : callable
        A linear map from and to vectors of the shape of the parameters.

    References
    ----------
    Z. Frangella, J. A. Tropp and M. Udell, "Randomized Nyström preconditioning", SIAM
    Journal on Matrix Analysis and Applications 44, 2023.
    """
    weights = _mean_curvatures(problem, here)
    total = float(weights.sum())
    rows, shift = problem.rows, np.zeros(problem.rows.n_features)
    if rows.center is not None:
        shift = weighted_mean(rows, weights / total)
        rows = Centered(rows.source, rows.center + shift, rows.exact)
    solve = inverse(rows, weights, problem.l2)

    def precondition(gradient: Vector) -> Vector:
        result = gradient.copy()
        W, b = problem.split(result)
        if len(b):
            W -= np.outer(b, shift)
        W[:] = solve(W)
        if len(b):
            b /= total
            b -= W @ shift
        return result

    return precondition


def cholesky_inverse(matrix: Array) -> Precondition:
    """Return the product with the inverse, with the smallest shift that suffices."""
    diagonal = np.diagonal(matrix).copy()
    shift = 1e-15
    while shift < 1:
        np.fill_diagonal(matrix, diagonal * (1 + shift) + np.finfo(np.float64).tiny)
        try:
            factor = cho_factor(matrix, check_finite=False)
        except LinAlgError:
            shift *= 100
            continue
        return lambda right: cho_solve(factor, right, check_finite=False)
    return lambda right: right


def hessian_inverse(problem: Problem, here: Point) -> Precondition:
    """Return the product with the pseudoinverse of the full Hessian.

    Directions without curvature, such as a common change of all classes without a
    penalty, are mapped to zero.
    """
    matrix = hessian(problem, here)
    if not np.isfinite(matrix).all():
        return lambda gradient: gradient
    scale = np.sqrt(np.maximum(np.diagonal(matrix), np.finfo(np.float64).tiny))
    values, vectors = np.linalg.eigh(matrix / scale / scale[:, None])
    kept = values > SINGULAR * values.max(initial=0)
    factor, values = vectors[:, kept] / scale[:, None], values[kept]
    return lambda gradient: factor @ ((factor.T @ gradient) / values)


def hessian(problem: Problem, here: Point) -> Array:
    """Return the second derivatives of the objective, (n_params, n_params)."""
    k, (n, d) = problem.n_outputs, problem.rows.shape
    x = problem.rows.take(slice(None)).astype(np.float64, copy=False)
    if problem.has_bias:
        x = np.column_stack([x, np.ones(n)])
    width = x.shape[1]
    product = problem.curvature(here.scores, problem.targets[:], problem.sample_weight)
    blocks = np.empty((k, width, k, width))
    for j, unit in enumerate(np.eye(k)):
        columns = product(np.broadcast_to(unit, here.scores.shape))
        for i in range(j + 1):
            if columns[:, i].any():
                blocks[i, :, j] = (x * columns[:, i, None]).T @ x
            else:
                blocks[i, :, j] = 0
            blocks[j, :, i] = blocks[i, :, j]
    order = np.arange(k * width).reshape(k, width)
    order = np.concatenate([order[:, :d].ravel(), order[:, d:].ravel()])
    matrix: Array = blocks.reshape(k * width, k * width)[np.ix_(order, order)]
    matrix[np.diag_indices(problem.n_weights)] += problem.l2
    return matrix


def work(problem: Problem) -> float:
    """Return how many passes over the rows take as long as `curvature_inverse`."""
    n, d = problem.rows.shape
    side = n if _by_samples(n, d) else d
    return max(10.0, float(side / (4 * problem.n_outputs)))


def _mean_curvatures(problem: Problem, here: Point) -> Vector:
    """Return the mean curvature of each row, bounded away from zero."""
    curvatures: Vector = diagonals_of_curvature(problem, here).mean(axis=1)
    return curvatures + (FLAT * float(curvatures.sum()) or 1.0) * problem.sample_weight


def diagonals_of_curvature(problem: Problem, here: Point) -> Array:
    """Return the diagonal of the second derivatives of each row, (n, k)."""
    product = problem.curvature(here.scores, problem.targets[:], problem.sample_weight)
    shape, units = here.scores.shape, np.eye(problem.n_outputs)
    columns = [
        product(np.broadcast_to(one, shape))[:, j] for j, one in enumerate(units)
    ]
    return np.column_stack(columns)


def _by_samples(n: int, d: int) -> bool:
    return FEW_SAMPLES * n <= d and n <= MAX_SAMPLES


def inverse(rows: Centered, weights: Array, alpha: float) -> Callable[[Array], Array]:
    """Return a function that multiplies each row of a matrix by the inverse."""
    n, d = len(rows), rows.n_features
    if _by_samples(n, d):
        return _solve_by_samples(rows, weights, alpha)
    if d > EXACT_FEATURES and not rows.exact:
        sketched = _solve_by_sketch(rows, weights, alpha)
        if sketched is not None:
            return sketched
    if d <= MAX_FEATURES:
        return _solve_by_features(rows, weights, alpha)
    index = np.linspace(0, n - 1, min(n, SAMPLE)).astype(np.intp)
    sample = ArraySource(rows.source.take(index))
    few = Centered(sample, rows.center, rows.exact)
    scale = float(weights.sum()) / max(float(weights[index].sum()), 1e-300)
    return _solve_by_samples(few, weights[index] * scale, alpha, enough_shift=True)


def _solve_by_sketch(
    rows: Centered, weights: Array, alpha: float
) -> Callable[[Array], Array] | None:
    r"""Solve by the leading eigenvectors; return None if others are too large.

    The eigenvectors are those of the Nyström approximation with `RANK` random
    directions.
    """
    directions = np.random.default_rng(0).standard_normal((rows.n_features, RANK))
    image = np.zeros_like(directions)
    for block in rows.blocks(GRAM_BYTES):
        x = rows.take(block) * np.sqrt(weights[block]).astype(rows.dtype)[:, None]
        image += x.T @ (x @ directions.astype(rows.dtype))
    sizes = np.einsum("dr,dr->r", directions, directions)
    noise = float(np.finfo(rows.dtype).eps * np.linalg.norm(image) / sizes.max() ** 0.5)
    if not 0 < noise < np.inf:
        return None
    image += noise * directions
    try:
        factor = np.linalg.cholesky(directions.T @ image)
    except LinAlgError:
        return None
    root = solve_triangular(factor, image.T, lower=True)
    values, vectors = np.linalg.eigh(root @ root.T)
    if values[0] > FLATTEST * alpha:
        return None
    kept = values > 2 * noise
    rest = float(values[0]) if kept.all() else 0.0
    values, vectors = values[kept], (root.T @ vectors[:, kept]) / np.sqrt(values[kept])

    def apply(W: Array) -> Array:
        inside = W @ vectors
        scaled = inside / (values + alpha) - inside / (rest + alpha)
        result: Array = W / (rest + alpha) + scaled @ vectors.T
        return result

    return apply


def gram_matrix(rows: Centered, sample_weight: Array, dtype: Any) -> Array:
    """Return the lower half of the Gram matrix, (d, d) in Fortran order."""
    rank_k_update = blas.ssyrk if dtype == np.float32 else blas.dsyrk
    gram = np.zeros((rows.n_features, rows.n_features), dtype, order="F")
    for block in rows.blocks(GRAM_BYTES):
        x = rows.take(block) * np.sqrt(sample_weight[block]).astype(rows.dtype)[:, None]
        gram = rank_k_update(
            1, x.astype(dtype, copy=False).T, beta=1, c=gram, overwrite_c=1, lower=1
        )
    return gram


def _solve_by_features(
    rows: Centered, sample_weight: Array, alpha: float
) -> Callable[[Array], Array]:
    exact = rows.n_features <= EXACT_FEATURES or rows.exact
    gram = gram_matrix(rows, sample_weight, np.float64 if exact else np.float32)
    factorize, solve = (
        (lapack.dpotrf, lapack.dpotrs) if exact else (lapack.spotrf, lapack.spotrs)
    )
    diagonal = np.diagonal(gram).astype(np.float64)
    if not np.isfinite(diagonal).all():
        return lambda W: W  # the objective will report the overflow
    shift = max(alpha, SMALLEST[rows.dtype] * diagonal.mean()) or 1.0
    while True:  # until it is positive definite despite rounding
        _copy_lower_to_upper(gram)
        np.fill_diagonal(gram, diagonal + shift)
        # factorize the upper half, and keep the lower half for another attempt
        gram, failed = factorize(gram, lower=0, overwrite_a=1, clean=0)
        if not failed:
            break
        shift *= 10

    def apply(W: Array) -> Array:
        right = np.asfortranarray(W.T, gram.dtype)
        solution: Array = solve(gram, right, lower=0, overwrite_b=1)[0].T
        return solution

    return apply


def _copy_lower_to_upper(matrix: Array, block: int = 512) -> None:
    for start in range(0, len(matrix), block):
        stop = start + block
        matrix[start:stop, stop:] = matrix[stop:, start:stop].T
        corner = matrix[start:stop, start:stop]
        corner[:] = np.tril(corner) + np.tril(corner, -1).T


def _solve_by_samples(
    rows: Centered, sample_weight: Array, alpha: float, *, enough_shift: bool = False
) -> Callable[[Array], Array]:
    r"""Solve by :math:`(D^\top D + s I)^{-1} = (I - D^\top (D D^\top + s I)^{-1} D)/s`.

    The difference loses digits, so everything is computed in float64.
    """
    n, d = len(rows), rows.n_features
    if not sample_weight.any():
        return lambda W: W
    roots = np.sqrt(sample_weight)[:, None]
    blocks = list(rows.blocks(GRAM_BYTES))

    def read(block: slice) -> Array:
        weighted: Array = rows.take(block).astype(np.float64) * roots[block]
        return weighted

    if n * d <= KEPT:
        kept = {block.start: read(block) for block in blocks}
        read = lambda block: kept[block.start]  # noqa: E731
    products = np.empty((n, n))
    for i, block in enumerate(blocks):
        x = read(block)
        for other in blocks[: i + 1]:
            products[block, other] = x @ read(other).T
    if not np.isfinite(np.diagonal(products)).all():
        return lambda W: W
    trace = np.trace(products)
    shift = max(alpha, SMALLEST[rows.dtype] * trace / d) or 1.0
    if enough_shift:
        shift = max(shift, trace / n)
    products[np.diag_indices(n)] += shift
    factor = cho_factor(products, lower=True, overwrite_a=True, check_finite=False)

    def apply(W: Array) -> Array:
        projections = np.concatenate([read(block) @ W.T for block in blocks])
        coefficients = cho_solve(factor, projections, check_finite=False)
        result = W.copy()
        for block in blocks:
            result -= coefficients[block].T @ read(block)
        return result / shift

    return apply
