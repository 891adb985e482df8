"""Activation functions, which are applied to each element."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from skvision._layers.layer import Array, Arrays, Backward, Layer, Training


@dataclass(frozen=True)
class Elementwise(Layer):
    """Base class of layers that apply a function to each element."""

    def value(self, x: Array, out: Array) -> None:
        """Write the function of ``x`` to ``out``."""
        raise NotImplementedError

    def slope(self, x: Array, y: Array, out: Array) -> None:
        """Write the derivative at ``x``, where the value is ``y``, to ``out``."""
        raise NotImplementedError

    def forward(
        self, arrays: Arrays, x: Array, training: Training | None
    ) -> tuple[Array, Backward]:
        y = arrays.workspace.like("y", x)
        self.value(x, y)

        def backward(dy: Array, needs_dx: bool = True) -> Array:
            dx = arrays.workspace.like("dx", x)
            self.slope(x, y, dx)
            dx *= dy
            return dx

        return y, backward


@dataclass(frozen=True)
class Identity(Layer):
    """The layer :math:`y = x`."""

    def forward(
        self, arrays: Arrays, x: Array, training: Training | None
    ) -> tuple[Array, Backward]:
        return x, lambda dy, needs_dx=True: dy


@dataclass(frozen=True)
class ReLU(Elementwise):
    r"""The layer :math:`y = \max(0, x)`, whose derivative at 0 is 0."""

    def value(self, x: Array, out: Array) -> None:
        np.maximum(x, 0, out=out)

    def slope(self, x: Array, y: Array, out: Array) -> None:
        np.greater(x, 0, out=out)


@dataclass(frozen=True)
class LeakyReLU(Elementwise):
    r"""The layer :math:`y = \max(x, x / 100)`."""

    def value(self, x: Array, out: Array) -> None:
        np.multiply(x, x.dtype.type(0.01), out=out)
        np.maximum(x, out, out=out)

    def slope(self, x: Array, y: Array, out: Array) -> None:
        np.greater(x, 0, out=out)
        np.maximum(out, x.dtype.type(0.01), out=out)


@dataclass(frozen=True)
class ELU(Elementwise):
    r"""The layer :math:`y = x` above 0 and :math:`e^x - 1` below."""

    def value(self, x: Array, out: Array) -> None:
        np.minimum(x, 0, out=out)
        np.expm1(out, out=out)
        np.copyto(out, x, where=x > 0)

    def slope(self, x: Array, y: Array, out: Array) -> None:
        np.add(y, 1, out=out)
        np.copyto(out, 1, where=x > 0)


@dataclass(frozen=True)
class Tanh(Elementwise):
    r"""The layer :math:`y = \tanh x`."""

    def value(self, x: Array, out: Array) -> None:
        np.tanh(x, out=out)

    def slope(self, x: Array, y: Array, out: Array) -> None:
        np.multiply(y, y, out=out)
        np.subtract(1, out, out=out)


@dataclass(frozen=True)
class Sigmoid(Elementwise):
    r"""The layer :math:`y = 1 / (1 + e^{-x})`."""

    def value(self, x: Array, out: Array) -> None:
        expit(x, out=out)

    def slope(self, x: Array, y: Array, out: Array) -> None:
        np.subtract(1, y, out=out)
        out *= y


ACTIVATIONS: dict[str, Layer] = {
    "relu": ReLU(),
    "leaky_relu": LeakyReLU(),
    "elu": ELU(),
    "tanh": Tanh(),
    "sigmoid": Sigmoid(),
    "identity": Identity(),
}
