"""Mean loss plus penalty, as a function of one flat parameter vector.

All parameters live in one vector, penalised weights first, then biases, so that the
penalty is one slice of it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from skvision._training.penalties import Penalty

Array = NDArray[np.floating]
Loss = Callable[
    [Array, NDArray[np.integer], Array | None],
    tuple[float, Array],
]


def linear_objective(
    X: Array,
    labels: NDArray[np.integer],
    weights: Array | None,
    *,
    loss: Loss,
    penalty: Penalty,
    center: Array | None,
) -> Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]]:
    r"""Return ``params -> (value, gradient)`` for scores that are linear in ``X``.

    The scores are :math:`(X - c) W^\top + b`. A bias that is free to take up
    :math:`W c` makes the centre :math:`c` a mere choice of coordinates; the mean of
    ``X`` spares the minimiser its largest eigenvalue. ``X`` is not copied.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
        Matrix products are done in its dtype, all else in float64.
    labels : ndarray of shape (n,), int
        True classes, for ``loss``.
    weights : ndarray of shape (n,) or None
        Weights of the rows, for ``loss``.
    loss : callable
        One of `skvision._training.losses`.
    penalty : callable
        One of `skvision._training.penalties`, applied to W.
    center : ndarray of shape (d,) or None
        The centre; None for zero, and for no biases.

    Returns
    -------
    objective : callable
        Takes a vector of W (k, d) in C order, then b (k,) where ``center`` is given,
        and returns the value and the gradient.
    """

    def objective(
        params: NDArray[np.float64],
    ) -> tuple[float, NDArray[np.float64]]:
        W, b = split_linear(params, X.shape[1], center is not None)
        W_x = W.astype(X.dtype, copy=False)
        scores = (X @ W_x.T).astype(np.float64, copy=False)
        if center is not None:
            scores += b - W @ center
        value, d_scores = loss(scores, labels, weights)
        gradient = np.empty_like(params)
        d_W, d_b = split_linear(gradient, X.shape[1], center is not None)
        d_W[:] = d_scores.astype(X.dtype, copy=False).T @ X
        if center is not None:
            d_b[:] = d_scores.sum(axis=0)
            d_W -= np.outer(d_b, center)
        value += penalty(W.reshape(-1), d_W.reshape(-1))
        return value, gradient

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
