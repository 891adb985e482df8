"""Steps of optimizers, in place, in one pass over flat, contiguous vectors.

All vectors of a call have one dtype, float32 or float64, and the scalars are cast to
it. An average of gradients that have become zero shrinks at each step. It is set to
zero before it becomes subnormal, because arithmetic with subnormal numbers may be forty
times slower.
"""

from typing import NamedTuple

import numpy as np

from skvision._kernels import jit_without_allocation as jit


class AdamConstants(NamedTuple):
    """What is constant in the steps of Adam.

    Attributes
    ----------
    beta_1, beta_2, epsilon : float
    weight_decay, l2 : float
        The weight decay and the penalty of the first ``n_weights`` parameters.
    n_weights : int
    """

    beta_1: float
    beta_2: float
    epsilon: float
    weight_decay: float
    l2: float
    n_weights: int


@jit(forceinline=True)
def _without_subnormals(x, tiny):
    return tiny - tiny if abs(x) < tiny else x  # NaN stays NaN


@jit
def sgd(params, grads, rate):
    """Do ``p -= rate g``."""
    rate = params.dtype.type(rate)
    for i in range(params.size):
        params[i] -= rate * grads[i]


@jit
def sgd_with_momentum(params, grads, velocity, rate, momentum, nesterov):
    """Do ``v = momentum v + g``, ``p -= rate v``.

    If ``nesterov``, ``p -= rate (g + momentum v)``.
    """
    dtype = params.dtype.type
    rate, momentum = dtype(rate), dtype(momentum)
    tiny = np.finfo(params.dtype).tiny
    for i in range(params.size):
        v = _without_subnormals(momentum * velocity[i] + grads[i], tiny)
        velocity[i] = v
        params[i] -= rate * (grads[i] + momentum * v if nesterov else v)


@jit
def adagrad(params, grads, sum_of_squares, rate, epsilon):
    """Do ``s += g^2``, ``p -= rate g / (sqrt(s) + epsilon)``."""
    dtype = params.dtype.type
    rate, epsilon = dtype(rate), dtype(epsilon)
    for i in range(params.size):
        sum_of_squares[i] += grads[i] * grads[i]
        params[i] -= rate * grads[i] / (np.sqrt(sum_of_squares[i]) + epsilon)


@jit
def rmsprop(params, grads, mean_square, rate, decay, epsilon):
    """Do ``s = decay s + (1 - decay) g^2``, ``p -= rate g / (sqrt(s) + epsilon)``."""
    dtype = params.dtype.type
    gain, decay = dtype(1 - decay), dtype(decay)
    rate, epsilon = dtype(rate), dtype(epsilon)
    tiny = np.finfo(params.dtype).tiny
    for i in range(params.size):
        s = decay * mean_square[i] + gain * grads[i] * grads[i]
        mean_square[i] = _without_subnormals(s, tiny)
        params[i] -= rate * grads[i] / (np.sqrt(mean_square[i]) + epsilon)


@jit
def adam(params, grads, mean, mean_square, t, rate, constants):
    """Do step ``t``, from 1, of Adam, with `AdamConstants`.

    ``m = beta_1 m + (1 - beta_1) g``, ``s = beta_2 s + (1 - beta_2) g^2``. The bias of
    both means, which start at zero, is corrected, ``m' = m / (1 - beta_1^t)`` and
    ``s' = s / (1 - beta_2^t)``, and ``p -= rate m' / (sqrt(s') + epsilon)``.

    For the first ``n_weights`` parameters, the gradient is ``g + l2 p``, and the
    parameters are multiplied by ``1 - rate weight_decay`` before the step.
    """
    beta_1, beta_2, epsilon, weight_decay, l2, n_weights = constants
    dtype = params.dtype.type
    step = dtype(rate / (1 - beta_1**t))
    root_of_correction = dtype(1 / np.sqrt(1 - beta_2**t))
    gain_1, gain_2, beta_2 = dtype(1 - beta_1), dtype(1 - beta_2), dtype(beta_2)
    shrunk, kept, epsilon = dtype(1 - rate * weight_decay), dtype(1), dtype(epsilon)
    l2, none = dtype(l2), dtype(0)
    tiny = np.finfo(params.dtype).tiny
    for i in range(params.size):
        g = grads[i] + (l2 if i < n_weights else none) * params[i]
        m = _without_subnormals(mean[i] + gain_1 * (g - mean[i]), tiny)
        s = _without_subnormals(beta_2 * mean_square[i] + gain_2 * g * g, tiny)
        mean[i], mean_square[i] = m, s
        p = params[i] * (shrunk if i < n_weights else kept)
        params[i] = p - step * m / (np.sqrt(s) * root_of_correction + epsilon)


@jit
def add_to_average(average, params, t):
    """Add the vector number ``t``, from 1, to a running mean: ``a += (p - a) / t``."""
    share = params.dtype.type(1 / t)
    for i in range(params.size):
        average[i] += share * (params[i] - average[i])
