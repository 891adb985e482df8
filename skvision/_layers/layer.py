"""What every layer has: its shapes, its arrays, and a forward and a backward pass.

A layer is a frozen dataclass, which specifies the layer and holds no arrays. The arrays
of a layer in a network are an `Arrays`, which is passed to each forward pass:

    y, backward = layer.forward(arrays, x, training)
    dx = backward(dy)

``backward`` is the vector-Jacobian product. It writes the gradients with respect to the
parameters to ``arrays.grads``, and must be called at most once, before the next
``forward``. Outputs are arrays of the workspace, which the next ``forward`` overwrites,
or the input itself, so callers must not write to them. All arrays of a call have the
same dtype.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.floating]
Shape = tuple[int, ...]
Backward = Callable[..., Any]  # (dy, needs_dx=True) -> dx, or None if not needed


class Parameter(NamedTuple):
    """The name and the shape of an array of a layer.

    Attributes
    ----------
    name : str
        Its name, such as "weights", "biases", "gains" or "shifts".
    shape : tuple of int
        Its shape.
    penalized : bool
        Whether a penalty applies to it, as it does to weights.
    unit_axis : int
        The axis that has one element for each unit of the layer, the first or the last.
    """

    name: str
    shape: Shape
    penalized: bool = False
    unit_axis: int = -1

    def by_unit(self, array: Array) -> Array:
        """Return an array of this shape as rows of shape (n_units, n_inputs)."""
        rows = np.moveaxis(array, self.unit_axis, 0)
        return rows.reshape(len(rows), -1)


class Training(NamedTuple):
    """Additional arguments of a forward pass in training.

    Attributes
    ----------
    rng : Generator or None
        Random number generator for dropout. None disables dropout and uses the running
        statistics, as in prediction.
    weights : ndarray of shape (n,) or None
        Non-negative weights of the rows. None is 1 for each row.
    momentum : float
        Weight of the batch in the update of running statistics, from 0 to 1.
    labels : ndarray of shape (n,), int, or None
        True classes, for a layer with a margin. None disables the margin.
    """

    rng: Generator | None
    weights: Array | None
    momentum: float = 0.1
    labels: NDArray[np.integer] | None = None


class Workspace:
    """Arrays that a layer uses again for each batch instead of allocating them.

    Examples
    --------
    >>> workspace = Workspace()
    >>> whole = workspace.array("y", (3, 2), float)
    >>> workspace.array("y", (2, 2), float).base is whole.base
    True
    """

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[Any]] = {}
        self._parts: dict[int, Workspace] = {}

    def array(self, name: str, shape: Shape, dtype: DTypeLike) -> NDArray[Any]:
        """Return an array with undefined values, in memory that ``name`` refers to."""
        size = math.prod(shape)
        memory = self._arrays.get(name)
        if memory is None or memory.size < size or memory.dtype != dtype:
            memory = self._arrays[name] = np.empty(size, dtype)
        return memory[:size].reshape(shape)

    def like(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array of the shape and dtype of another one."""
        return self.array(name, array.shape, array.dtype)

    def part(self, index: int) -> "Workspace":
        """Return the workspace of a contained layer."""
        return self._parts.setdefault(index, Workspace())


class Arrays(NamedTuple):
    """The arrays of a layer in a network.

    Attributes
    ----------
    params, buffers : sequence of ndarray
        The arrays of the layer itself, in the order of its ``parameters`` and
        ``buffers``. A forward pass in training may update the buffers.
    grads : sequence of ndarray
        The arrays to which the gradients with respect to ``params`` are written. It is
        empty for a network in prediction.
    workspace : Workspace
        Memory for intermediate results.
    parts : sequence of Arrays
        The arrays of the contained layers.
    """

    params: Sequence[Array]
    buffers: Sequence[Array]
    grads: Sequence[Array]
    workspace: Workspace
    parts: Sequence["Arrays"] = ()


@dataclass(frozen=True)
class Layer:
    """Base class of layers, with the answers of a layer without arrays."""

    def shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output for one row, without the axis of the rows."""
        return input_shape

    def parts(self, input_shape: Shape) -> list[tuple["Layer", Shape]]:
        """Return the contained layers, each with the shape of its input."""
        return []

    def parameters(self, input_shape: Shape) -> list[Parameter]:
        """Return the learned parameters of the layer itself."""
        return []

    def buffers(self, input_shape: Shape) -> list[Parameter]:
        """Return the arrays that are computed from data, such as running statistics."""
        return []

    def init(self, arrays: Arrays, rng: Generator) -> None:
        """Initialize the parameters and buffers of the layer itself in place."""

    def forward(
        self, arrays: Arrays, x: Array, training: Training | None
    ) -> tuple[Array, Backward]:
        """Return the output and ``backward``, as the docstring of the module says.

        ``training`` is None in prediction.
        """
        raise NotImplementedError
