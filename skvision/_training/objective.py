"""Mean loss plus penalty, as a function of one flat parameter vector.

All parameters live in one vector, penalised weights first, then biases, so that the
penalty is one slice of it.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skvision._parallel import for_each_block, one_thread_for_blas
from skvision._training.losses import Curvature, Labels, Loss
from skvision._training.penalties import Penalty
from skvision._training.rows import Rows

Array = NDArray[np.floating]
Vector = NDArray[np.float64]
Objective = Callable[[Vector], tuple[float, Vector]]

MAX_CHUNKS = 16  # what threads share, whatever their number; each has a gradient
CHUNK_ELEMENTS = 2**19  # at least so many numbers in one, to be worth a thread


def linear_objective(
    rows: Rows, targets: Any, shares: Array, *, loss: Loss, penalty: Penalty
) -> Objective:
    r"""Return ``params -> (value, gradient)`` for scores that are linear in the rows.

    The scores are :math:`W (x_i - c) + b`, those of one block of rows at a time, on as
    many threads as matrix products take. The result does not depend on their number.

    Parameters
    ----------
    rows : Rows
        The rows. Matrix products are done in their dtype, all else in float64.
    targets : ndarray of shape (n,), int, or any object
        What ``loss`` takes for labels: ``targets[rows]`` of a slice of rows.
    shares : ndarray of shape (n,)
        What each row counts; adding up to one.
    loss : callable
        One of `skvision._training.losses`.
    penalty : callable
        One of `skvision._training.penalties`, applied to W.

    Returns
    -------
    objective : callable
        Takes a vector of W (k, d) in C order, then b (k,) where the rows have a centre,
        and returns the value and the gradient, float64.
    """
    has_bias = rows.center is not None
    n_chunks = math.ceil(len(rows) * rows.n_features / CHUNK_ELEMENTS)
    chunk_size = math.ceil(len(rows) / min(n_chunks, MAX_CHUNKS))
    n_chunks = math.ceil(len(rows) / chunk_size)
    blocks: list[list[slice]] = [[] for _ in range(n_chunks)]
    for block in rows.blocks():
        blocks[block.start // chunk_size].append(block)

    def objective(params: Vector) -> tuple[float, Vector]:
        W, b = split_linear(params, rows.n_features, has_bias)
        W_x = W.astype(rows.dtype, copy=False)
        values = np.zeros(n_chunks)
        gradients = np.zeros((n_chunks, len(params)), rows.dtype)

        def add_chunk(chunk: slice) -> None:
            d_W, d_b = split_linear(gradients[chunk.start], rows.n_features, has_bias)
            with np.errstate(over="ignore", invalid="ignore"):
                for block in blocks[chunk.start]:
                    x = rows.draw(block)
                    scores = (x @ W_x.T).astype(np.float64, copy=False)
                    if has_bias:
                        scores += b
                    value, d_scores = loss(scores, targets[block], shares[block])
                    values[chunk.start] += value
                    d_W += d_scores.astype(x.dtype, copy=False).T @ x
                    if has_bias:
                        d_b += d_scores.sum(axis=0)

        with one_thread_for_blas as n_threads:
            for_each_block(add_chunk, n_chunks, 1, n_threads)
        gradient = gradients.sum(axis=0, dtype=np.float64)
        value = float(values.sum())
        d_W, _ = split_linear(gradient, rows.n_features, has_bias)
        value += penalty(W.reshape(-1), d_W.reshape(-1))
        return value, gradient

    return objective


def linear_hessian(
    rows: Rows, targets: Any, shares: Array, *, curvature: Curvature, l2: float
) -> Callable[[Vector], NDArray[np.float64]]:
    """Return ``params -> second derivatives`` of a `linear_objective` with L2 penalty.

    Parameters
    ----------
    rows, targets, shares
        As in `linear_objective`.
    curvature : callable
        The second derivatives of the loss.
    l2 : float
        Strength of the penalty.

    Returns
    -------
    hessian : callable
        Takes a vector like that of `linear_objective` and returns a matrix.
    """
    has_bias = rows.center is not None
    n, d = len(rows), rows.n_features
    x = rows.draw(slice(None))
    x = np.column_stack([x, np.ones((n, int(has_bias)))])

    def hessian(params: Vector) -> NDArray[np.float64]:
        W, b = split_linear(params, d, has_bias)
        scores = x[:, :d] @ W.T + (b if has_bias else 0)
        of_scores = curvature(scores, targets[:], shares)
        k = len(W)
        result = np.zeros((len(params), len(params)))
        where = [np.arange(j * d, (j + 1) * d) for j in range(k)]
        if has_bias:
            where = [np.append(part, k * d + j) for j, part in enumerate(where)]
        for i in range(k):
            for j in range(k):
                block = (x * of_scores[:, i, j, None]).T @ x
                result[np.ix_(where[i], where[j])] = block
        # where scores count only relative to each other, nothing else holds their mean
        result[np.diag_indices(len(result))] += np.repeat([l2, 1e-7], [k * d, len(b)])
        return result

    return hessian


def linear_batches(
    rows: Rows, labels: Labels, weights: Array, *, loss: Loss, penalty: Penalty
) -> Callable[[Array, NDArray[np.integer]], tuple[float, Array]]:
    """Return ``(params, index) -> (value, gradient)`` of a batch of rows.

    Parameters
    ----------
    rows, labels, loss, penalty
        As in `linear_objective`.
    weights : ndarray of shape (n,)
        Of the rows, with mean one: the mean over all batches is the whole objective.

    Returns
    -------
    objective : callable
        Takes a vector like that of `linear_objective`, in the dtype of the rows, in
        which it computes, and the indices of the rows of a batch.
    """
    has_bias = rows.center is not None
    weights = weights.astype(rows.dtype)

    def objective(params: Array, index: NDArray[np.integer]) -> tuple[float, Array]:
        W, b = split_linear(params, rows.n_features, has_bias)
        x = rows.draw(index)
        scores = x @ W.T
        if has_bias:
            scores += b
        value, d_scores = loss(scores, labels[index], weights[index] / len(index))
        gradient = np.empty_like(params)
        d_W, d_b = split_linear(gradient, rows.n_features, has_bias)
        np.matmul(d_scores.T, x, out=d_W)
        if has_bias:
            d_scores.sum(axis=0, out=d_b)
        return value + penalty(W.reshape(-1), d_W.reshape(-1)), gradient

    return objective


def split_linear(
    params: Array, n_features: int, fit_intercept: bool
) -> tuple[Array, Array]:
    """Return views of W (k, d) and b (k,) in a flat vector; b is empty without biases.

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
