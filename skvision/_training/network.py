"""The outputs, the objective functions and the input gradients of a network."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skvision._layers.layer import Training, Workspace
from skvision._layers.network import Network
from skvision._training.losses import Labels, Loss
from skvision._training.penalties import Penalty
from skvision._training.sources import Source, Standardized

Array = NDArray[np.floating]


def network_outputs(
    net: Network,
    params: Array,
    statistics: Array,
    inputs: Source,
    *,
    hidden: bool = False,
) -> Array:
    """Return the outputs for all rows in prediction, (n, n_outputs).

    With ``hidden``, they are the outputs of the first part of the network, which is all
    layers but the last.
    """
    dtype = np.result_type(inputs.dtype, params)
    params, statistics = (
        part.astype(dtype, copy=False) for part in (params, statistics)
    )
    layer, arrays = net.layer, net.arrays(params, statistics)
    if hidden:
        layer, arrays = layer.parts(net.input_shape)[0][0], arrays.parts[0]
    out = np.empty((len(inputs), *layer.shape(net.input_shape)), dtype)
    for block in inputs.blocks():
        x = inputs.take(block).astype(dtype, copy=False)
        out[block] = layer.forward(arrays, net.shaped(x), None)[0]
    return out


def input_gradients(
    net: Network,
    params: Array,
    statistics: Array,
    inputs: Standardized,
    d_outputs: Array,
) -> Array:
    """Return the vector-Jacobian product with respect to the original rows.

    ``d_outputs`` (n, n_outputs) is the gradient with respect to the outputs in
    prediction. All computations use the dtype of the inputs.
    """
    params, statistics, d_outputs = (
        part.astype(inputs.dtype, copy=False)
        for part in (params, statistics, d_outputs)
    )
    unused = np.empty_like(params)  # the gradient with respect to the parameters
    arrays = net.arrays(params, statistics, unused)
    out = np.empty(inputs.shape, inputs.dtype)
    for block in inputs.blocks():
        x = inputs.take(block)
        _, backward = net.layer.forward(arrays, net.shaped(x), None)
        out[block] = np.reshape(backward(d_outputs[block]), x.shape)
    if inputs.standard is not None:
        deviation = inputs.standard.deviation  # float64, for its larger range
        np.divide(out, deviation, out=out, casting="same_kind")
    return out


def batch_objective(
    net: Network,
    statistics: Array,
    inputs: Source,
    labels: Labels,
    weights: Array,
    *,
    loss: Loss,
    penalty: Penalty,
    rng: Generator | None,
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
    rng : Generator or None
        Random number generator for dropout. None evaluates layers as in prediction.

    Returns
    -------
    objective : callable
        The objective. Parameters must have the dtype of the inputs, which is used for
        all computations. The gradient is overwritten by the next call.
    """
    weights = weights.astype(inputs.dtype)
    gradient: Array = np.empty(net.n_params, inputs.dtype)
    vector: Array = np.empty_like(gradient)
    arrays = net.arrays(vector, statistics, gradient)

    def objective(params: Array, index: NDArray[np.integer]) -> tuple[float, Array]:
        nonlocal vector, arrays
        if params is not vector:  # a minimizer updates one vector in place
            vector, arrays = params, net.arrays(params, statistics, gradient)
        x = inputs.take(index)
        counts = weights[index]
        training = Training(rng, counts, labels=labels[index])
        scores, backward = net.layer.forward(arrays, net.shaped(x), training)
        value, d_scores = loss(scores, labels[index], counts / len(index))
        backward(d_scores, needs_dx=False)
        value += penalty(params[: net.n_weights], gradient[: net.n_weights])
        return value, gradient

    return objective


def whole_objective(
    net: Network,
    statistics: Array,
    inputs: Source,
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
    statistics = statistics.astype(inputs.dtype)
    own, workspace = np.empty(net.n_params, inputs.dtype), Workspace()

    def objective(params: Array) -> tuple[float, Array]:
        rounded = params.astype(inputs.dtype, copy=False)
        arrays = net.arrays(rounded, statistics, own, workspace)
        value, gradient = 0.0, np.zeros(net.n_params)
        for block in inputs.blocks():
            training = Training(None, None, labels=labels[block])
            x = net.shaped(inputs.take(block))
            scores, backward = net.layer.forward(arrays, x, training)
            of_block, d_scores = loss(
                scores.astype(np.float64, copy=False),
                labels[block],
                sample_weight[block],
            )
            backward(d_scores.astype(inputs.dtype, copy=False), needs_dx=False)
            value += of_block
            gradient += own
        value += penalty(params[: net.n_weights], gradient[: net.n_weights])
        return value, gradient

    return objective


def learn_statistics(
    net: Network,
    params: Array,
    inputs: Source,
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
    arrays = net.arrays(params, statistics)
    weights = weights.astype(inputs.dtype)
    for i, batch in enumerate(batches):
        training = Training(rng, weights[batch], momentum=1 / (i + 1))
        net.layer.forward(arrays, net.shaped(inputs.take(batch)), training)
    return statistics
