"""The architecture of a network, from the parameters of an estimator."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any

import numpy as np

from skvision._layers.activations import ACTIVATIONS
from skvision._layers.batch_norm import BatchNorm
from skvision._layers.cosine_head import CosineHead
from skvision._layers.dense import Dense
from skvision._layers.dropout import Dropout
from skvision._layers.layer import Array, Layer
from skvision._layers.network import Network
from skvision._layers.sequential import Sequential


@dataclass(frozen=True)
class Architecture:
    """The widths of the layers of a network, and what follows each linear layer.

    Attributes
    ----------
    n_inputs, n_outputs : int
        Number of inputs and outputs.
    hidden : tuple of int
        Widths of the hidden layers.
    activations : tuple of str
        Activation functions of the hidden layers.
    batch_norm : bool
        Whether hidden layers are normalized before their activation. They then have the
        shifts of the normalization instead of biases.
    by_angle : bool
        Whether the output layer is a `CosineHead` instead of a linear layer.
    scale, margin, margin_type
        Parameters of the `CosineHead`. They may change between fits.
    """

    n_inputs: int
    hidden: tuple[int, ...]
    activations: tuple[str, ...]
    batch_norm: bool
    n_outputs: int
    by_angle: bool = False
    scale: float = field(default=1.0, compare=False)
    margin: float = field(default=0.0, compare=False)
    margin_type: str = field(default="angle", compare=False)

    def network(
        self, dropped: Sequence[float] = (), initializer: str = "he"
    ) -> Network:
        """Return the network, with rates of dropout for its input and hidden layers.

        It is a `Sequential` of the hidden layers, which are another `Sequential`, and
        the output layer.
        """
        rates = tuple(dropped) or (0.0,) * (1 + len(self.hidden))
        hidden: list[Layer] = [Dropout(rates[0])] if rates[0] else []
        for width, name, rate in zip(
            self.hidden, self.activations, rates[1:], strict=True
        ):
            hidden.append(Dense(width, not self.batch_norm, initializer))
            hidden += [BatchNorm()] if self.batch_norm else []
            hidden.append(ACTIVATIONS[name])
            hidden += [Dropout(rate)] if rate else []
        layer = Sequential(Sequential(*hidden), self._output_layer(initializer))
        return Network(layer, (self.n_inputs,))

    def _output_layer(self, initializer: str) -> Layer:
        if not self.by_angle:
            return Dense(self.n_outputs, initializer=initializer)
        return CosineHead(
            self.n_outputs, self.scale, self.margin, self.margin_type, initializer
        )

    def differences(self, other: "Architecture") -> str:
        """Describe the differences between two architectures."""
        return ", ".join(
            f"{part.name} was {mine} and is now {yours}"
            for part in fields(self)
            if part.compare
            and (mine := getattr(self, part.name))
            != (yours := getattr(other, part.name))
        )


def hidden_layers(sizes: Any, names: Any) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the widths and the activations of the hidden layers.

    Raises
    ------
    ValueError
        If a size is not a positive integer, an activation is unknown, or the number of
        activations is not that of the hidden layers.
    """
    hidden = tuple(sizes) if np.iterable(sizes) else (sizes,)
    if not all(isinstance(size, Integral) and int(size) >= 1 for size in hidden):
        raise ValueError(
            f"hidden_layer_sizes must be positive integers, one for each hidden "
            f"layer; got {sizes!r}."
        )
    activations = (names,) * len(hidden) if isinstance(names, str) else tuple(names)
    known = all(isinstance(name, str) and name in ACTIVATIONS for name in activations)
    if not known or len(activations) != len(hidden):
        raise ValueError(
            f"activation must be one of {sorted(ACTIVATIONS)}, or a list of these "
            f"with one for each of the {len(hidden)} hidden layers; got {names!r}."
        )
    return tuple(int(size) for size in hidden), activations


def dropout_rates(asked: Any, n_hidden: int) -> tuple[float, ...]:
    """Return the rates of dropout of the input and of each hidden layer.

    Raises
    ------
    ValueError
        If a rate is not in [0, 1), or if the number of rates is wrong.
    """
    rates = tuple(asked) if np.iterable(asked) else (0.0,) + (asked,) * n_hidden
    within = all(isinstance(r, Real) and 0 <= float(r) < 1 for r in rates)
    single = isinstance(asked, Real) and not 0 <= float(asked) < 1
    if not within or single or len(rates) != 1 + n_hidden:
        raise ValueError(
            f"dropout must be one rate in [0, 1) for all hidden layers, or "
            f"{1 + n_hidden} rates, the first for the input and one for each hidden "
            f"layer; got {asked!r}."
        )
    return tuple(float(rate) for rate in rates)


def fill(name: str, given: Any, arrays: Sequence[Array]) -> None:
    """Copy the arrays passed as a parameter, such as ``weight_init``.

    Raises
    ------
    ValueError
        If they do not have the shapes of ``arrays``, or are not finite.
    """
    wanted = [array.shape for array in arrays]
    got = [np.shape(array) for array in given]
    if got != wanted:
        raise ValueError(
            f"{name} must be arrays of shapes {wanted}, one for each layer; got "
            f"shapes {got}."
        )
    for array, values in zip(arrays, given, strict=True):
        array[...] = values
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has values that are infinite or NaN.")
