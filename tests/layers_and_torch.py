"""Layers with their formulas in torch."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from skvision._training.layers import (
    Layer,
    Training,
    batch_norm,
    chain,
    dropout,
    elu,
    he,
    identity,
    leaky_relu,
    linear,
    relu,
    sigmoid,
    tanh,
    xavier,
)
from torch.nn import functional as F

N, D = 8, 5


class Case(NamedTuple):
    """A layer, and the same in torch: ``(x, params, buffers, in_training) -> y``."""

    layer: Layer
    formula: Callable


def normalized(x, gain, shift, mean, variance, in_training, eps=1e-5):
    return F.batch_norm(x, mean, variance, gain, shift, in_training, 0.1, eps)


def chain_of_all_kinds(x, params, buffers, in_training):
    W1, W2, W3, W4, b1, gain_1, shift_1, gain_2, shift_2, b3, b4 = params
    x = F.linear(torch.tanh(x), W1.T, b1)
    x = torch.relu(normalized(x, gain_1, shift_1, *buffers[:2], in_training))
    x = F.elu(F.linear(x, W2.T))
    x = normalized(x, gain_2, shift_2, *buffers[2:], in_training, eps=0.01)
    x = F.leaky_relu(F.linear(x, W3.T, b3))
    return torch.sigmoid(F.linear(x, W4.T, b4))


CASES = {
    "linear": Case(linear(3, he), lambda x, p, b, t: F.linear(x, p[0].T, p[1])),
    "linear without bias": Case(
        linear(3, he, bias=False), lambda x, p, b, t: F.linear(x, p[0].T)
    ),
    "identity": Case(identity(), lambda x, p, b, t: x.clone()),
    "relu": Case(relu(), lambda x, p, b, t: torch.relu(x)),
    "leaky_relu": Case(leaky_relu(), lambda x, p, b, t: F.leaky_relu(x)),
    "elu": Case(elu(), lambda x, p, b, t: F.elu(x)),
    "tanh": Case(tanh(), lambda x, p, b, t: torch.tanh(x)),
    "sigmoid": Case(sigmoid(), lambda x, p, b, t: torch.sigmoid(x)),
    "dropout": Case(dropout(0.0), lambda x, p, b, t: F.dropout(x, 0.0, t)),
    "batch_norm": Case(batch_norm(), lambda x, p, b, t: normalized(x, *p, *b, t)),
    "chain": Case(
        chain(
            dropout(0.0),
            tanh(),
            linear(6, he),
            batch_norm(),
            relu(),
            chain(linear(4, he, bias=False), elu(), batch_norm(0.01)),
            identity(),
            linear(5, xavier),
            leaky_relu(),
            linear(2, xavier),
            sigmoid(),
        ),
        chain_of_all_kinds,
    ),
}


def in_training(weights=None, seed=0):
    return Training(np.random.default_rng(seed), weights)


def draw_arrays(layer, n_inputs, rng):
    """Return params and running statistics, all of them positive or negative."""
    shapes = layer.shapes(n_inputs)
    params = [rng.normal(size=s) for s in shapes.weights + shapes.others]
    return params, [0.5 + rng.random(s) for s in shapes.buffers]


def run(layer, params, buffers, x, training, d_y, **options):
    """Return output, gradient by the input, and those by params."""
    grads = [np.full_like(p, np.nan) for p in params]
    y, backward = layer.forward(params, buffers, x, training)
    return y, backward(d_y, grads, **options), grads
