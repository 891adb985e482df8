"""Penalty functions of weights.

A penalty is a function ``(weights, grads) -> value`` that adds its gradient to
``grads``.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Penalty = Callable[[Array, Array], float]


def l2(alpha: float) -> Penalty:
    r"""Return the penalty :math:`\frac{\alpha}{2} \|w\|^2`.

    Examples
    --------
    >>> import numpy as np
    >>> weights = np.full(4, 0.25)
    >>> grads = np.zeros(4)
    >>> print(l2(1.0)(weights, grads), grads)
    0.125 [0.25 0.25 0.25 0.25]
    """
    if alpha == 0:
        return lambda weights, grads: 0.0

    def penalty(weights: Array, grads: Array) -> float:
        grads += alpha * weights
        return float(alpha / 2 * (weights @ weights))

    return penalty


def l2_value(alpha: float) -> Penalty:
    r"""Return the penalty :math:`\frac{\alpha}{2} \|w\|^2` without its gradient.

    It is used with an optimizer that adds the gradient, such as
    `skvision._training.optimizers.adam`.

    Examples
    --------
    >>> import numpy as np
    >>> grads = np.zeros(4)
    >>> print(l2_value(1.0)(np.full(4, 0.25), grads), grads)
    0.125 [0. 0. 0. 0.]
    """
    if alpha == 0:
        return lambda weights, grads: 0.0
    return lambda weights, grads: float(alpha / 2 * (weights @ weights))


def elastic_net(alpha: float, l1_ratio: float) -> Penalty:
    r"""Return the penalty :math:`\alpha (r \|w\|_1 + \frac{1 - r}{2} \|w\|^2)`.

    For weights of zero, the subgradient of :math:`\|w\|_1` is 0.

    References
    ----------
    H. Zou and T. Hastie, "Regularization and variable selection via the elastic net",
    Journal of the Royal Statistical Society B 67, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> grads = np.zeros(4)
    >>> value = elastic_net(1.0, 0.5)(np.array([1.0, 0, 0, -1]), grads)
    >>> print(value, grads)
    1.5 [ 1.  0.  0. -1.]
    """
    smooth = l2(alpha * (1 - l1_ratio))
    strength = alpha * l1_ratio
    if strength == 0:
        return smooth

    def penalty(weights: Array, grads: Array) -> float:
        grads += strength * np.sign(weights)
        return smooth(weights, grads) + float(strength * np.abs(weights).sum())

    return penalty


def soft_threshold(weights: Array, threshold: Array | float) -> Array:
    r"""Move weights towards zero by at most a threshold.

    It is the proximal operator of the L1 norm, which minimizes :math:`\frac12 \|u -
    w\|^2 + t \|u\|_1` over u.

    Examples
    --------
    >>> import numpy as np
    >>> print(soft_threshold(np.array([3.0, -0.5, -2.0]), 1.0))
    [ 2. -0. -1.]
    """
    return np.sign(weights) * np.maximum(np.abs(weights) - threshold, 0)


def max_norm(weights: Array, limit: float) -> None:
    r"""Scale rows with a norm larger than ``limit`` down to it, in place.

    It is the projection onto :math:`\|w_j\|_2 \le c` for each unit :math:`j`.

    Parameters
    ----------
    weights : ndarray of shape (n_units, n_inputs)
        The weights, changed in place.
    limit : float
        The maximum norm of a row, above 0.

    References
    ----------
    N. Srivastava and others, "Dropout: a simple way to prevent neural networks from
    overfitting", Journal of Machine Learning Research 15, 2014.

    Examples
    --------
    >>> import numpy as np
    >>> weights = np.array([[3.0, 4.0], [0.3, 0.4]])
    >>> max_norm(weights, 1.0)
    >>> print(weights)
    [[0.6 0.8]
     [0.3 0.4]]
    """
    lengths = np.linalg.norm(weights, axis=1, keepdims=True)
    weights *= limit / np.maximum(lengths, limit)
