"""Penalties on weights.

A penalty is ``(weights, grads) -> value``; it adds its gradient to ``grads``.
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

    def penalty(weights: Array, grads: Array) -> float:
        grads += alpha * weights
        return float(alpha / 2 * (weights @ weights))

    return penalty
