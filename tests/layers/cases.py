"""Layers with their formulas in torch."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from skvision._layers.activations import ELU, Identity, LeakyReLU, ReLU, Sigmoid, Tanh
from skvision._layers.batch_norm import BatchNorm
from skvision._layers.dense import Dense
from skvision._layers.dropout import Dropout
from skvision._layers.layer import Layer, Training
from skvision._layers.network import Network
from skvision._layers.sequential import Sequential

N, D = 8, 5


class Case(NamedTuple):
    """A layer, and the same in torch: ``(x, params, buffers, in_training) -> y``."""

    layer: Layer
    formula: Callable


def normalized(x, gain, shift, mean, variance, in_training, eps=1e-5):
    """Return the batch norm of rows or of channel-last images."""
    channel_first = torch.movedim(x, -1, 1)
    y = F.batch_norm(channel_first, mean, variance, gain, shift, in_training, 0.1, eps)
    return torch.movedim(y, 1, -1)


def sequential_of_all_kinds(x, params, buffers, in_training):
    W1, b1, gain_1, shift_1, W2, gain_2, shift_2, W3, b3, W4, b4 = params
    x = F.linear(torch.tanh(x), W1.T, b1)
    x = torch.relu(normalized(x, gain_1, shift_1, *buffers[:2], in_training))
    x = F.elu(F.linear(x, W2.T))
    x = normalized(x, gain_2, shift_2, *buffers[2:], in_training, eps=0.01)
    x = F.leaky_relu(F.linear(x, W3.T, b3))
    return torch.sigmoid(F.linear(x, W4.T, b4))


CASES = {
    "dense": Case(Dense(3), lambda x, p, b, t: F.linear(x.flatten(1), p[0].T, p[1])),
    "dense without bias": Case(
        Dense(3, bias=False), lambda x, p, b, t: F.linear(x.flatten(1), p[0].T)
    ),
    "identity": Case(Identity(), lambda x, p, b, t: x.clone()),
    "relu": Case(ReLU(), lambda x, p, b, t: torch.relu(x)),
    "leaky_relu": Case(LeakyReLU(), lambda x, p, b, t: F.leaky_relu(x)),
    "elu": Case(ELU(), lambda x, p, b, t: F.elu(x)),
    "tanh": Case(Tanh(), lambda x, p, b, t: torch.tanh(x)),
    "sigmoid": Case(Sigmoid(), lambda x, p, b, t: torch.sigmoid(x)),
    "dropout": Case(Dropout(0.0), lambda x, p, b, t: F.dropout(x, 0.0, t)),
    "batch_norm": Case(BatchNorm(), lambda x, p, b, t: normalized(x, *p, *b, t)),
    "sequential": Case(
        Sequential(
            Dropout(0.0),
            Tanh(),
            Dense(6),
            BatchNorm(),
            ReLU(),
            Sequential(Dense(4, bias=False), ELU(), BatchNorm(0.01)),
            Identity(),
            Dense(5, initializer="xavier"),
            LeakyReLU(),
            Dense(2, initializer="xavier"),
            Sigmoid(),
        ),
        sequential_of_all_kinds,
    ),
}


def in_training(weights=None, seed=0):
    return Training(np.random.default_rng(seed), weights)


def draw_arrays(layer, input_shape, rng):
    """Return params and statistics as vectors, all of them positive or negative."""
    net = Network(layer, input_shape)
    return rng.normal(size=net.n_params), 0.5 + rng.random(net.n_statistics)


def all_of(arrays, name):
    """Return the params or buffers of a layer and of those that it contains."""
    inner = [array for part in arrays.parts for array in all_of(part, name)]
    return [*getattr(arrays, name), *inner]


def run(layer, params, statistics, x, training, d_y, **options):
    """Return output, gradient by the input, and that by params as a vector."""
    gradient = np.full_like(params, np.nan)
    arrays = Network(layer, x.shape[1:]).arrays(params, statistics, gradient)
    y, backward = layer.forward(arrays, x, training)
    return y, backward(d_y, **options), gradient


def forward(layer, params, statistics, x, training):
    """Return the output alone."""
    arrays = Network(layer, x.shape[1:]).arrays(params, statistics)
    return layer.forward(arrays, x, training)[0]


NOTHING = np.empty(0)  # the vector of a layer without arrays
