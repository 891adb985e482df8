r"""What makes second-order steps short: the curvature that all linear losses share.

Features of pictures are so correlated that the eigenvalues of their Gram matrix
:math:`G = \sum_i w_i x_i x_i^\top` of centred rows spread over five decades and more.
The Hessian of every linear loss is close to a multiple of :math:`G + s I`, so that its
inverse turns hundreds of iterations into tens.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, cho_factor, cho_solve, lapack

from skvision._training.rows import Rows

Array = NDArray[np.floating]
Vector = NDArray[np.float64]
Precondition = Callable[[Vector], Vector]

MAX_FEATURES = 16384  # a Gram matrix of 1 GiB in float32
MAX_SAMPLES = 8192  # one of half that, in float64
EXACT_FEATURES = 1024  # up to so many, in float64
FEW_SAMPLES = 4  # at so many times as many features, the side of samples pays
KEPT = 2**23  # numbers that are kept as float64 from one gradient to the next
SAMPLE = 2048  # rows that stand for all where neither side fits
GRAM_BYTES = 2**23  # of a block of rows in the product


def curvature(
    rows: Rows, shares: Array, *, alpha: float, n_outputs: int
) -> Precondition:
    r"""Return the map of a gradient to :math:`(G + s I)^{-1}` of it.

    The shift :math:`s` is max(``alpha``, 1e-6 trace(G) / d); it shortens steps where
    there is next to no curvature and changes nothing else.

    Where features are at most `MAX_FEATURES`, it is solved by the Cholesky factor of
    the (d, d) matrix; where samples are a quarter of that or fewer, and at most
    `MAX_SAMPLES`, by that of the (n, n) matrix of their products. Beyond, `SAMPLE`
    rows, evenly spaced, stand for all, and the shift is at least trace(G) / `SAMPLE`,
    above which no more directions than rows can lie.

    Parameters
    ----------
    rows : Rows
        The rows.
    shares : ndarray of shape (n,)
        What each row counts; adding up to one.
    alpha : float
        Strength of the L2 penalty.
    n_outputs : int
        Number of rows of W in a parameter vector.

    Returns
    -------
    precondition : callable
        From a vector like that of `linear_objective` to another; biases stay as they
        are.

    References
    ----------
    Z. Frangella, J. A. Tropp and M. Udell, "Randomized Nyström preconditioning", SIAM
    Journal on Matrix Analysis and Applications 44, 2023.
    """
    n, d = len(rows), rows.n_features
    if FEW_SAMPLES * n <= d and n <= MAX_SAMPLES:
        solve = _solve_by_samples(rows, shares, alpha)
    elif d <= MAX_FEATURES:
        solve = _solve_by_features(rows, shares, alpha)
    else:
        index = np.linspace(0, n - 1, min(n, SAMPLE)).astype(np.intp)
        few = Rows(rows.X[index], rows.center)
        solve = _solve_by_samples(few, shares[index], alpha, enough_shift=True)

    def precondition(gradient: Vector) -> Vector:
        result = gradient.copy()
        W = result[: n_outputs * d].reshape(n_outputs, d)
        W[:] = solve(W)
        return result

    return precondition


def gram_matrix(rows: Rows, shares: Array, dtype: Any) -> Array:
    """Return the lower half of :math:`G`, (d, d) in Fortran order, from row blocks."""
    rank_k_update = blas.ssyrk if dtype == np.float32 else blas.dsyrk
    gram = np.zeros((rows.n_features, rows.n_features), dtype, order="F")
    for block in rows.blocks(GRAM_BYTES):
        x = rows.draw(block) * np.sqrt(shares[block]).astype(rows.dtype)[:, None]
        gram = rank_k_update(
            1, x.astype(dtype, copy=False).T, beta=1, c=gram, overwrite_c=1, lower=1
        )
    return gram


def _solve_by_features(
    rows: Rows, shares: Array, alpha: float
) -> Callable[[Array], Array]:
    exact = rows.n_features <= EXACT_FEATURES
    gram = gram_matrix(rows, shares, np.float64 if exact else np.float32)
    factorize, solve = (
        (lapack.dpotrf, lapack.dpotrs) if exact else (lapack.spotrf, lapack.spotrs)
    )
    diagonal = np.diagonal(gram).astype(np.float64)
    if not np.isfinite(diagonal).all():
        return lambda W: W  # what overflows here is told by the objective
    shift = max(alpha, 1e-6 * diagonal.mean()) or 1.0
    while True:  # until rounding leaves it positive definite
        _copy_lower_to_upper(gram)
        np.fill_diagonal(gram, diagonal + shift)
        # the upper half is factorized, the lower half stays for another try
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
    rows: Rows, shares: Array, alpha: float, *, enough_shift: bool = False
) -> Callable[[Array], Array]:
    r"""Solve by :math:`(D^\top D + s I)^{-1} = (I - D^\top (D D^\top + s I)^{-1} D)/s`.

    The difference cancels digits, so all of it is in float64.
    """
    n, d = len(rows), rows.n_features
    if not shares.any():
        return lambda W: W
    roots = np.sqrt(shares / shares.sum())[:, None]
    blocks = list(rows.blocks(GRAM_BYTES))

    def draw(block: slice) -> Array:
        weighted: Array = rows.draw(block).astype(np.float64) * roots[block]
        return weighted

    if n * d <= KEPT:
        kept = {block.start: draw(block) for block in blocks}
        draw = lambda block: kept[block.start]  # noqa: E731
    products = np.empty((n, n))
    for i, block in enumerate(blocks):
        x = draw(block)
        for other in blocks[: i + 1]:
            products[block, other] = x @ draw(other).T
    if not np.isfinite(np.diagonal(products)).all():
        return lambda W: W
    trace = np.trace(products)
    shift = max(alpha, 1e-6 * trace / d) or 1.0
    if enough_shift:
        shift = max(shift, trace / n)
    products[np.diag_indices(n)] += shift
    factor = cho_factor(products, lower=True, overwrite_a=True, check_finite=False)

    def apply(W: Array) -> Array:
        projections = np.concatenate([draw(block) @ W.T for block in blocks])
        coefficients = cho_solve(factor, projections, check_finite=False)
        result = W.copy()
        for block in blocks:
            result -= coefficients[block].T @ draw(block)
        return result / shift

    return apply
