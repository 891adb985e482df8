"""Checks of a network from a file, and bounds of its outputs."""

from typing import Any

import numpy as np

from skvision._contract.fitted_arrays import check_finite, scores_of, standardized
from skvision._layers.activations import ACTIVATIONS
from skvision._layers.batch_norm import BatchNorm
from skvision._layers.network import Network
from skvision._networks.architecture import Architecture
from skvision._training.standard import Standard


def check_architecture(architecture: Any, n_inputs: int, n_classes: int) -> None:
    """Raise an error if it is not the architecture of a classifier of the inputs."""
    if not isinstance(architecture, Architecture):
        raise ValueError("its architecture is none")
    hidden, names = architecture.hidden, architecture.activations
    widths = (architecture.n_inputs, architecture.n_outputs, *hidden)
    if any(type(width) is not int or width < 1 for width in widths):
        raise ValueError("its layers must have positive widths")
    if len(names) != len(hidden) or any(name not in ACTIVATIONS for name in names):
        raise ValueError("its activation functions do not fit to its hidden layers")
    outputs = {n_classes} if n_classes > 2 else {1, 2}
    if architecture.n_inputs != n_inputs or architecture.n_outputs not in outputs:
        raise ValueError("its layers do not fit to its features and classes")
    if not np.isfinite([architecture.scale, architecture.margin]).all():
        raise ValueError("its scale and margin must be finite")


def check_vectors(net: Network, params: Any, statistics: Any) -> None:
    """Raise an error if flat vectors are not those of a network, or not finite."""
    for vector, size in ((params, net.n_params), (statistics, net.n_statistics)):
        if not isinstance(vector, np.ndarray) or vector.shape != (size,):
            raise ValueError("its weights do not fit to its layers")
        if vector.dtype != params.dtype or vector.dtype.kind != "f":
            raise ValueError("its weights are not floats of one kind")
        if not np.isfinite(vector).all():
            raise ValueError("its weights are not finite")


def check_standard(standard: Any, n_inputs: int) -> None:
    """Raise an error unless it is None, or a finite `Standard` of the inputs."""
    if standard is None:
        return
    if not isinstance(standard, Standard):
        raise ValueError("its mean and standard deviation are none")
    for array in (standard.mean, standard.deviation):
        if array.shape != (n_inputs,) or array.dtype != np.float64:
            raise ValueError("its mean and standard deviation do not fit to its inputs")
        if not np.isfinite(array).all():
            raise ValueError("its mean and standard deviation are not finite")


def hidden_and_scores(
    net: Network, params: Any, statistics: Any, standard: Any, largest: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return bounds of the last hidden layer and of the outputs of a network.

    ``largest`` are those of the inputs. Activation functions of numbers up to x are at
    most max(x, 1).
    """
    if standard is not None:
        largest = standardized(largest, standard.mean, standard.deviation)
    largest = np.broadcast_to(largest, net.input_shape)
    n_left = len(net.weights)
    with np.errstate(over="ignore"):
        for slot in net.parameters:
            values = np.abs(slot.of(params)).astype(np.float64)
            match slot.parameter.name:
                case "weights":
                    n_left -= 1
                    hidden = np.maximum(largest, 1) if n_left == 0 else largest
                    weights = np.moveaxis(values, slot.parameter.unit_axis, -1)
                    largest = scores_of(np.maximum(largest, 1), weights, 0.0)
                case "gains":
                    mean, variance, statistics = np.split(
                        statistics, [len(values), 2 * len(values)]
                    )
                    if (variance < 0).any():
                        raise ValueError("it has negative variances")
                    deviation = np.sqrt(variance + BatchNorm.epsilon)
                    largest = standardized(largest, mean, deviation) * values
                case _:
                    largest = largest + values
            check_finite(largest)
    return hidden, largest
