"""The fully connected layer."""

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.random import Generator

from skvision._layers.initializers import INITIALIZERS
from skvision._layers.layer import (
    Array,
    Arrays,
    Backward,
    Layer,
    Parameter,
    Shape,
    Training,
)


@dataclass(frozen=True)
class Dense(Layer):
    r"""The layer :math:`y = x W + b`.

    Inputs with several axes are flattened in C order.

    Attributes
    ----------
    units : int
        Width of the output.
    bias : bool
        Whether the layer has biases.
    initializer : str
        A name in `skvision._layers.initializers.INITIALIZERS`. The initial weights are
        normally distributed with the standard deviation that it defines. Biases are
        initialized to zero.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision._layers.network import Network
    >>> net = Network(Dense(1), (2,))
    >>> params, gradient = np.array([0.1, 0.5, 1.0]), np.empty(3)
    >>> arrays = net.arrays(params, gradient=gradient)
    >>> y, backward = net.layer.forward(arrays, np.array([[0.2, 0.4]]), None)
    >>> print(y.round(2), backward(np.array([[1.0]])), gradient)
    [[1.22]] [[0.1 0.5]] [0.2 0.4 1. ]
    """

    units: int
    bias: bool = True
    initializer: str = "he"

    def shape(self, input_shape: Shape) -> Shape:
        return (self.units,)

    def parameters(self, input_shape: Shape) -> list[Parameter]:
        weights = Parameter("weights", (prod(input_shape), self.units), True)
        return [weights, Parameter("biases", (self.units,))][: 1 + self.bias]

    def init(self, arrays: Arrays, rng: Generator) -> None:
        W, *biases = arrays.params
        W[...] = INITIALIZERS[self.initializer](*W.shape) * rng.standard_normal(W.shape)
        for b in biases:
            b[...] = 0

    def forward(
        self, arrays: Arrays, x: Array, training: Training | None
    ) -> tuple[Array, Backward]:
        W, rows = arrays.params[0], x.reshape(len(x), -1)
        y = arrays.workspace.array("y", (len(x), self.units), x.dtype)
        np.matmul(rows, W, out=y)
        if self.bias:
            y += arrays.params[1]

        def backward(dy: Array, needs_dx: bool = True) -> Array | None:
            np.matmul(rows.T, dy, out=arrays.grads[0])
            if self.bias:
                dy.sum(axis=0, out=arrays.grads[1])
            if not needs_dx:
                return None
            dx = arrays.workspace.like("dx", rows)
            return np.matmul(dy, W.T, out=dx).reshape(x.shape)

        return y, backward
