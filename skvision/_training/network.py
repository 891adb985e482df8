"""A network with a flat vector of parameters, and its objective functions."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skvision._training.layers import Layer, Shapes, Training
from skvision._training.losses import Labels, Loss
from skvision._training.penalties import Penalty
from skvision._training.sources import Standardized

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Network:
    """A layer whose arrays are views of two flat vectors.

    The first vector holds its parameters, weights before biases and gains, so that the
    penalty applies to one slice. The second vector holds its running statistics.

    Attributes
    ----------
    layer : Layer
        The layer, usually a chain of layers.
    shapes : Shapes
        The shapes of its arrays.
    """

    layer: Layer
    shapes: Shapes

    @property
    def n_weights(self) -> int:
        return sum(map(math.prod, self.shapes.weights))

    @property
    def n_params(self) -> int:
        return self.n_weights + sum(map(math.prod, self.shapes.others))

    @property
    def n_statistics(self) -> int:
        return sum(map(math.prod, self.shapes.buffers))

    def start(self, rng: Generator) -> tuple[Array, Array]:
        """Return initial parameters and running statistics, in float64."""
        params, statistics = np.empty(self.n_params), np.empty(self.n_statistics)
        self.layer.init(self.views(params), self.statistics(statistics), rng)
        return params, statistics

    def views(self, params: Array) -> list[Array]:
        """Return the arrays of parameters as views of a flat vector."""
        return _views(params, [*self.shapes.weights, *self.shapes.others])

    def statistics(self, statistics: Array) -> list[Array]:
        """Return the running statistics as views of a flat vector."""
        return _views(statistics, self.shapes.buffers)

    def weight_slices(self) -> list[slice]:
        """Return the slices of the weights of each layer."""
        ends = np.cumsum([0, *map(math.prod, self.shapes.weights)]).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]

    def outputs(self, params: Array, statistics: Array, inputs: Standardized) -> Array:
        """Return the outputs for all rows, in prediction."""
        arrays = self.views(params), self.statistics(statistics)
        dtype = np.result_type(inputs.dtype, params)
        out = np.empty((len(inputs), self.shapes.n_outputs), dtype)
        for block in inputs.blocks():
            out[block] = self.layer.forward(*arrays, inputs.take(block), None)[0]
        return out

    def input_gradients(
        self, params: Array, statistics: Array, inputs: Standardized, d_outputs: Array
    ) -> Array:
        """Return the vector-Jacobian product with respect to the original rows.

        ``d_outputs`` (n, n_outputs) is the gradient with respect to the outputs in
        prediction. All computations use the dtype of the inputs.
        """
        params, statistics, d_outputs = (
            part.astype(inputs.dtype) for part in (params, statistics, d_outputs)
        )
        arrays = self.views(params), self.statistics(statistics)
        unused = self.views(
            np.empty_like(params)
        )  # the gradients with respect to the parameters
        out = np.empty(inputs.shape, inputs.dtype)
        for block in inputs.blocks():
            _, backward = self.layer.forward(*arrays, inputs.take(block), None)
            out[block] = backward(d_outputs[block], unused)
        if inputs.standard is not None:
            deviation = (
                inputs.standard.deviation
            )  # in float64, because float32 has a smaller range
            np.divide(out, deviation, out=out, casting="same_kind")
        return out


def _views(vector: Array, shapes: list[tuple[int, ...]]) -> list[Array]:
    views, start = [], 0
    for shape in shapes:
        end = start + math.prod(shape)
        views.append(vector[start:end].reshape(shape))
        start = end
    return views


def network(layer: Layer, n_inputs: int) -> Network:
    """Return the network of a layer with ``n_inputs`` inputs.

    Examples
    --------
    >>> from skvision._training.layers import chain, he, linear, relu
    >>> network(chain(linear(100, he), relu(), linear(10, he)), 3072).n_params
    308310
    """
    return Network(layer, layer.shapes(n_inputs))


def batch_objective(
    net: Network,
    statistics: Array,
    inputs: Standardized,
    labels: Labels,
    weights: Array,
    *,
    loss: Loss,
    penalty: Penalty,
    rng: Generator,
) -> Callable[[Array, NDArray[np.integer]], tuple[float, Array]]:
    """Return ``(params, index) -> (value, gradient)`` of a batch in training.

    Parameters
    ----------
    net : Network
        The network.
    statistics : ndarray of shape (n_statistics,)
        Its running statistics, which each call updates in place.
    inputs, labels, weights
        Rows, their class indices and their weights. The weights have mean one, so that
        the mean over all batches is the whole objective.
    loss : callable
        One of `skvision._training.losses`.
    penalty : callable
        One of `skvision._training.penalties`, applied to all weights.
    rng : Generator
        Random number generator for dropout.

    Returns
    -------
    objective : callable
        The objective. Parameters must have the dtype of the inputs, which is used for
        all computations. The gradient is overwritten by the next call.
    """
    weights = weights.astype(inputs.dtype)
    gradient = np.empty(net.n_params, inputs.dtype)
    grads, buffers = net.views(gradient), net.statistics(statistics)

    def objective(params: Array, index: NDArray[np.integer]) -> tuple[float, Array]:
        x = inputs.take(index)
        counts = weights[index]
        scores, backward = net.layer.forward(
            net.views(params), buffers, x, Training(rng, counts, labels=labels[index])
        )
        value, d_scores = loss(scores, labels[index], counts / len(index))
        backward(d_scores, grads, needs_dx=False)
        value += penalty(params[: net.n_weights], gradient[: net.n_weights])
        return value, gradient

    return objective


def whole_objective(
    net: Network,
    statistics: Array,
    inputs: Standardized,
    labels: Labels,
    sample_weight: Array,
    *,
    loss: Loss,
    penalty: Penalty,
) -> Callable[[Array], tuple[float, Array]]:
    """Return ``params -> (value, gradient)`` of all rows, in prediction.

    Parameters
    ----------
    net, statistics, inputs, labels, loss, penalty
        As in `batch_objective`. The running statistics are not updated.
    sample_weight : ndarray of shape (n,)
        Weights of the rows, which sum to one.

    Returns
    -------
    objective : callable
        The objective, with parameters and gradient in float64. Matrix products use the
        dtype of the inputs.
    """
    buffers = net.statistics(statistics.astype(inputs.dtype))
    own = np.empty(net.n_params, inputs.dtype)
    grads = net.views(own)

    def objective(params: Array) -> tuple[float, Array]:
        arrays = net.views(params.astype(inputs.dtype, copy=False))
        value, gradient = 0.0, np.zeros(net.n_params)
        for block in inputs.blocks():
            training = Training(None, None, labels=labels[block])
            scores, backward = net.layer.forward(
                arrays, buffers, inputs.take(block), training
            )
            of_block, d_scores = loss(
                scores.astype(np.float64, copy=False),
                labels[block],
                sample_weight[block],
            )
            backward(d_scores.astype(inputs.dtype, copy=False), grads, needs_dx=False)
            value += of_block
            gradient += own
        value += penalty(params[: net.n_weights], gradient[: net.n_weights])
        return value, gradient

    return objective


def learn_statistics(
    net: Network,
    params: Array,
    inputs: Standardized,
    weights: Array,
    batches: Sequence[NDArray[np.integer]],
    rng: Generator,
) -> Array:
    """Return the running statistics of given parameters, as means over batches.

    Parameters
    ----------
    net, inputs, weights, rng
        As in `batch_objective`.
    params : ndarray of shape (n_params,)
        Parameters whose statistics are unknown, such as an average.
    batches : sequence of ndarray of int
        The rows of each batch.

    Returns
    -------
    statistics : ndarray of shape (n_statistics,)
        The statistics in the dtype of the parameters.
    """
    statistics = np.zeros(net.n_statistics, params.dtype)
    arrays = net.views(params), net.statistics(statistics)
    weights = weights.astype(inputs.dtype)
    for i, batch in enumerate(batches):
        training = Training(rng, weights[batch], momentum=1 / (i + 1))
        net.layer.forward(*arrays, inputs.take(batch), training)
    return statistics
