"""The mean loss plus a penalty, as a function of a flat vector of parameters.

The vector holds the penalized weights first and then the biases, so that the penalty
applies to one slice.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skvision._training.losses import Loss
from skvision._training.parallel import for_each_block, one_thread_for_blas
from skvision._training.penalties import Penalty
from skvision._training.sources import Centered

Array = NDArray[np.floating]
Vector = NDArray[np.float64]
Objective = Callable[[Vector], tuple[float, Vector]]
Pass = Callable[[Vector, Callable[[slice, Array], Array]], Vector]

MAX_CHUNKS = 16  # each chunk of rows has its own gradient, summed at the end
PASS_BYTES = 3 * 2**17  # size of a block; small products stay in cache
CHUNK_ELEMENTS = 2**19  # minimum size of a chunk that is worth a thread


def linear_objective(
    rows: Centered, targets: Any, sample_weight: Array, *, loss: Loss, penalty: Penalty
) -> Objective:
    r"""Return ``params -> (value, gradient)`` for scores that are linear in the rows.

    The scores are :math:`W (x_i - c) + b`. They are computed by a `linear_pass`.

    Parameters
    ----------
    rows : Centered
        The rows. Matrix products use their dtype, and all else uses float64.
    targets : ndarray of shape (n,), int, or any object
        The targets of ``loss``. For a slice of rows, it is called with
        ``targets[rows]``.
    sample_weight : ndarray of shape (n,)
        Weights of the rows, which sum to one.
    loss : callable
        One of `skvision._training.losses`.
    penalty : callable
        One of `skvision._training.penalties`, applied to W.

    Returns
    -------
    objective : callable
        The objective. Its argument is a vector of W (k, d) in C order, followed by b
        (k,) if the rows have a center. It returns the value and the gradient, in
        float64.
    """
    through = linear_pass(rows)
    values = np.zeros(len(rows))  # of each block, at the index of its first row

    def objective(params: Vector) -> tuple[float, Vector]:
        def respond(block: slice, scores: Array) -> Array:
            value, d_scores = loss(scores, targets[block], sample_weight[block])
            values[block.start] = value
            return d_scores

        gradient = through(params, respond)
        W, _ = split_linear(params, rows.n_features, rows.center is not None)
        d_W, _ = split_linear(gradient, rows.n_features, rows.center is not None)
        value = float(values.sum()) + penalty(W.reshape(-1), d_W.reshape(-1))
        return value, gradient

    return objective


def linear_pass(rows: Centered) -> Pass:
    r"""Return ``(params, respond) -> gradient``, a pass over all rows.

    ``respond`` is called with a slice of rows and their scores :math:`W (x_i - c) + b`,
    in float64, and returns :math:`d_i`, an array of the same shape. The result is
    :math:`\sum_i d_i (x_i - c)^\top`, followed by :math:`\sum_i d_i` if the rows have a
    center. Rows are read in blocks, on as many threads as BLAS uses. The result does
    not depend on the number of threads.
    """
    has_bias = rows.center is not None
    n_chunks = math.ceil(len(rows) * rows.n_features / CHUNK_ELEMENTS)
    chunk_size = math.ceil(len(rows) / min(n_chunks, MAX_CHUNKS))
    n_chunks = math.ceil(len(rows) / chunk_size)
    blocks: list[list[slice]] = [[] for _ in range(n_chunks)]
    for block in rows.blocks(PASS_BYTES):
        blocks[block.start // chunk_size].append(block)

    def through(params: Vector, respond: Callable[[slice, Array], Array]) -> Vector:
        W, b = split_linear(params, rows.n_features, has_bias)
        W_x = W.astype(rows.dtype, copy=False)
        gradients = np.zeros((n_chunks, len(params)), rows.dtype)

        def add_chunk(chunk: slice) -> None:
            d_W, d_b = split_linear(gradients[chunk.start], rows.n_features, has_bias)
            with np.errstate(over="ignore", invalid="ignore"):
                for block in blocks[chunk.start]:
                    x = rows.take(block)
                    scores = (x @ W_x.T).astype(np.float64, copy=False)
                    if has_bias:
                        scores += b
                    d_scores = respond(block, scores)
                    d_W += d_scores.astype(x.dtype, copy=False).T @ x
                    if has_bias:
                        d_b += d_scores.sum(axis=0)

        with one_thread_for_blas as n_threads:
            for_each_block(add_chunk, n_chunks, 1, n_threads)
        total: Vector = gradients.sum(axis=0, dtype=np.float64)
        return total

    return through


def linear_scores(rows: Centered, params: Vector) -> Array:
    """Return the scores of all rows, (n, k), float64."""
    W, b = split_linear(params, rows.n_features, rows.center is not None)
    W_x = W.astype(rows.dtype, copy=False)
    scores, blocks = np.empty((len(rows), len(W))), list(rows.blocks())

    def compute(chosen: slice) -> None:
        block = blocks[chosen.start]
        scores[block] = rows.take(block) @ W_x.T

    with one_thread_for_blas as n_threads:
        for_each_block(compute, len(blocks), 1, n_threads)
    return scores + b if len(b) else scores


def split_linear(
    params: Array, n_features: int, fit_intercept: bool
) -> tuple[Array, Array]:
    """Return W (k, d) and b (k,) as views of a flat vector; b may be empty.

    Examples
    --------
    >>> import numpy as np
    >>> W, b = split_linear(np.arange(8.0), 3, fit_intercept=True)
    >>> print(W, b)
    [[0. 1. 2.]
     [3. 4. 5.]] [6. 7.]
    """
    n_outputs = len(params) // (n_features + int(fit_intercept))
    n_weights = n_outputs * n_features
    return params[:n_weights].reshape(n_outputs, n_features), params[n_weights:]
