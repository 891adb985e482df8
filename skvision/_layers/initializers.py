"""Initial standard deviations of weights."""

import math
from collections.abc import Callable


def he(n_inputs: int, n_outputs: int) -> float:
    r"""Return :math:`\sqrt{2 / n_{in}}`, which preserves the variance with ReLU.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers: surpassing
    human-level performance on ImageNet classification", ICCV 2015.

    Examples
    --------
    >>> print(he(200, 10))
    0.1
    """
    return math.sqrt(2 / n_inputs)


def xavier(n_inputs: int, n_outputs: int) -> float:
    r"""Return :math:`\sqrt{2 / (n_{in} + n_{out})}`.

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", AISTATS 2010.

    Examples
    --------
    >>> print(xavier(190, 10))
    0.1
    """
    return math.sqrt(2 / (n_inputs + n_outputs))


INITIALIZERS: dict[str, Callable[[int, int], float]] = {
    "he": he,
    "xavier": xavier,
    "normal": lambda n_inputs, n_outputs: 0.01,
    "zeros": lambda n_inputs, n_outputs: 0.0,
}
