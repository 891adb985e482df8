"""A network: a layer with the shape of its input, and its arrays in flat vectors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from skvision._layers.layer import (
    Array,
    Arrays,
    Layer,
    Parameter,
    Shape,
    Workspace,
)


class Slot(NamedTuple):
    """The place of an array in a flat vector."""

    parameter: Parameter
    place: slice

    def of(self, vector: Array) -> Array:
        """Return the array as a view of the vector."""
        return vector[self.place].reshape(self.parameter.shape)


class _Slots(NamedTuple):
    """The slots of a layer and of the layers that it contains."""

    params: list[Slot]
    buffers: list[Slot]
    parts: list["_Slots"]

    def walk(self) -> Iterator["_Slots"]:
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True)
class Network:
    """A layer whose arrays are views of two flat vectors.

    The first vector holds its parameters. Penalized ones, the weights, come before the
    biases and gains, so that the penalty applies to one slice. The second vector holds
    its buffers, such as running statistics.

    Attributes
    ----------
    layer : Layer
        The layer, usually a `Sequential`.
    input_shape : tuple of int
        The shape of one input, (n_features,) or (H, W, C).

    Examples
    --------
    >>> from skvision._layers.activations import ReLU
    >>> from skvision._layers.dense import Dense
    >>> from skvision._layers.sequential import Sequential
    >>> net = Network(Sequential(Dense(100), ReLU(), Dense(10)), (3072,))
    >>> net.n_params
    308310
    >>> [slot.parameter.shape for slot in net.weights]
    [(3072, 100), (100, 10)]
    """

    layer: Layer
    input_shape: Shape

    @cached_property
    def output_shape(self) -> Shape:
        return self.layer.shape(self.input_shape)

    @cached_property
    def _slots(self) -> _Slots:
        layers = list(_walk(self.layer, self.input_shape))
        found = [p for each, shape in layers for p in each.parameters(shape)]
        n_weights = sum(prod(p.shape) for p in found if p.penalized)
        ends = {True: 0, False: n_weights, None: 0}

        def slot(parameter: Parameter, kind: bool | None) -> Slot:
            start = ends[kind]
            ends[kind] += prod(parameter.shape)
            return Slot(parameter, slice(start, ends[kind]))

        def slots(layer: Layer, shape: Shape) -> _Slots:
            return _Slots(
                [slot(p, p.penalized) for p in layer.parameters(shape)],
                [slot(p, None) for p in layer.buffers(shape)],
                [slots(*part) for part in layer.parts(shape)],
            )

        return slots(self.layer, self.input_shape)

    @cached_property
    def parameters(self) -> list[Slot]:
        """The slots of all parameters, in the order of the layers."""
        return [slot for each in self._slots.walk() for slot in each.params]

    @cached_property
    def weights(self) -> list[Slot]:
        """The slots of the penalized parameters."""
        return [slot for slot in self.parameters if slot.parameter.penalized]

    @cached_property
    def biases(self) -> list[Slot]:
        """The slots of the biases, or of the shifts that take their place."""
        names = ("biases", "shifts")
        return [slot for slot in self.parameters if slot.parameter.name in names]

    @cached_property
    def n_weights(self) -> int:
        return sum(prod(slot.parameter.shape) for slot in self.weights)

    @cached_property
    def n_params(self) -> int:
        return sum(prod(slot.parameter.shape) for slot in self.parameters)

    @cached_property
    def n_statistics(self) -> int:
        buffers = [slot for each in self._slots.walk() for slot in each.buffers]
        return sum(prod(slot.parameter.shape) for slot in buffers)

    def arrays(
        self,
        params: Array,
        statistics: Array | None = None,
        gradient: Array | None = None,
        workspace: Workspace | None = None,
    ) -> Arrays:
        """Return the arrays of the layer as views of flat vectors.

        Parameters
        ----------
        params, statistics : ndarray of shape (n_params,) and (n_statistics,)
            The parameters and the buffers. None is for a network without buffers.
        gradient : ndarray of shape (n_params,), default=None
            The vector to which ``backward`` writes the gradient. It is not needed for
            forward passes.
        workspace : Workspace, default=None
            Memory of earlier passes, which is used again.
        """
        statistics = np.empty(0) if statistics is None else statistics

        def arrays(slots: _Slots, workspace: Workspace) -> Arrays:
            return Arrays(
                [slot.of(params) for slot in slots.params],
                [slot.of(statistics) for slot in slots.buffers],
                []
                if gradient is None
                else [slot.of(gradient) for slot in slots.params],
                workspace,
                [arrays(part, workspace.part(i)) for i, part in enumerate(slots.parts)],
            )

        return arrays(self._slots, workspace or Workspace())

    def start(self, rng: Generator) -> tuple[Array, Array]:
        """Return initial parameters and buffers, in float64."""
        params, statistics = np.empty(self.n_params), np.empty(self.n_statistics)

        def init(layer: Layer, shape: Shape, arrays: Arrays) -> None:
            layer.init(arrays, rng)
            for part, own in zip(layer.parts(shape), arrays.parts, strict=True):
                init(*part, own)

        init(self.layer, self.input_shape, self.arrays(params, statistics))
        return params, statistics

    def shaped(self, rows: Array) -> Array:
        """Return flat rows in the shape of the input."""
        return rows.reshape(len(rows), *self.input_shape)


def _walk(layer: Layer, shape: Shape) -> Iterator[tuple[Layer, Shape]]:
    """Yield a layer and all layers that it contains, in the order of their arrays."""
    yield layer, shape
    for part in layer.parts(shape):
        yield from _walk(*part)


def views(slots: Sequence[Slot], vector: Array) -> list[Array]:
    """Return some arrays as views of a flat vector."""
    return [slot.of(vector) for slot in slots]
