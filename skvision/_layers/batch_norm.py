"""The batch normalization layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

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
class BatchNorm(Layer):
    r"""Batch normalization of each column or, for images, of each channel.

    .. math:: y = \gamma \, \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    In training, :math:`\mu` and :math:`\sigma^2` are the weighted mean and variance of
    the batch, and the running statistics are updated with the ``momentum`` of a
    `Training`. The running variance is updated with :math:`\frac{n}{n-1} \sigma^2` for
    a batch of n values. In prediction, the running statistics are used instead.

    The gains :math:`\gamma` are initialized to 1 and the shifts :math:`\beta` to 0.
    They are not penalized. The buffers are the running mean and variance.

    Attributes
    ----------
    epsilon : float
        Positive.

    References
    ----------
    S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep network training by
    reducing internal covariate shift", ICML 2015.
    """

    epsilon: float = 1e-5

    def parameters(self, input_shape: Shape) -> list[Parameter]:
        channels = input_shape[-1:]
        return [Parameter("gains", channels), Parameter("shifts", channels)]

    def buffers(self, input_shape: Shape) -> list[Parameter]:
        channels = input_shape[-1:]
        return [Parameter("means", channels), Parameter("variances", channels)]

    def init(self, arrays: Arrays, rng: Generator) -> None:
        (gain, shift), (mean, variance) = arrays.params, arrays.buffers
        gain[...] = variance[...] = 1
        shift[...] = mean[...] = 0

    def forward(
        self, arrays: Arrays, x: Array, training: Training | None
    ) -> tuple[Array, Backward]:
        gain, shift = arrays.params
        values = x.reshape(-1, x.shape[-1])  # of each channel
        normal, y = (arrays.workspace.like(name, values) for name in ("normal", "y"))
        if training is None or training.rng is None:
            weights = None
            mean, variance = arrays.buffers
            np.subtract(values, mean, out=normal)
        else:
            weights = _weights_of_values(training.weights, len(x), values)
            variance = _center(values, weights, normal, y, arrays.buffers, training)
        scale = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        normal *= scale
        np.multiply(normal, gain, out=y)
        y += shift

        def backward(dy: Array, needs_dx: bool = True) -> Array:
            of_gain, of_shift = arrays.grads
            dy = dy.reshape(values.shape)
            dx = arrays.workspace.like("dx", values)
            np.sum(np.multiply(dy, normal, out=dx), axis=0, out=of_gain)
            dy.sum(axis=0, out=of_shift)
            if weights is None:
                np.multiply(dy, gain * scale, out=dx)
            else:  # mean and variance depend on each value by its weight
                np.multiply(normal, of_gain, out=dx)
                dx += of_shift
                dx *= weights[:, None]
                np.subtract(dy, dx, out=dx)
                dx *= gain * scale
            return dx.reshape(x.shape)

        return y.reshape(x.shape), backward


def _weights_of_values(weights: Array | None, n_rows: int, values: Array) -> Array:
    """Return the weight of each value of a channel; the weights sum to one."""
    n = len(values)
    if weights is None:
        return np.full(n, 1 / n, values.dtype)
    repeated = weights if n == n_rows else np.repeat(weights, n // n_rows)
    normalized: Array = repeated / repeated.sum()
    return normalized


def _center(
    values: Array,
    weights: Array,
    out: Array,
    squares: Array,
    running: Sequence[Array],
    training: Training,
) -> Array:
    """Write centered values, update the running statistics, return the variance.

    ``out`` receives the centered values and ``squares`` their squares.
    """
    n = len(values)
    np.subtract(values, values[0], out=out)  # so that constant columns become 0
    from_first = weights @ out
    mean = values[0] + from_first
    out -= from_first
    variance: Array = weights @ np.multiply(out, out, out=squares)
    unbiased = variance * values.dtype.type(n / max(n - 1, 1))
    for statistic, now in zip(running, (mean, unbiased), strict=True):
        statistic += statistic.dtype.type(training.momentum) * (now - statistic)
    return variance
