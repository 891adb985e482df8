"""Parameters of training, what records it, and the same networks in torch."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

from skvision import MLPBackprop

XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])

# All epochs, in the order of the rows
ALL_EPOCHS = {"n_iter_no_change": 10_000, "shuffle": False, "random_state": 0}

# One batch an epoch besides
ONE_BATCH = {**ALL_EPOCHS, "batch_size": 10_000}

LOSSES = [
    {"loss": "cross_entropy"},
    {"loss": "cross_entropy", "label_smoothing": 0.2},
    {"loss": "hinge"},
    {"loss": "squared_hinge"},
    {"loss": "squared_error"},
    {"loss": "squared_error", "out_activation": "sigmoid"},
]

ACTIVATIONS = ["relu", "leaky_relu", "elu", "tanh", "sigmoid", "identity"]


def first_arrays(rng, *sizes):
    """Return first weights and biases of layers of these sizes."""
    weights = [rng.normal(size=pair) / np.sqrt(pair[0]) for pair in pairwise(sizes)]
    return weights, [0.1 * rng.normal(size=size) for size in sizes[1:]]


def module_of(weights, biases, *, activation=nn.Tanh, batch_norm=False):
    """Return the network in torch."""
    layers = []
    for i, (W, b) in enumerate(zip(weights, biases, strict=True)):
        hidden = i < len(weights) - 1
        normed = hidden and batch_norm
        layers.append(nn.Linear(*W.shape, bias=not normed, dtype=torch.float64))
        layers += [nn.BatchNorm1d(len(b), dtype=torch.float64)] if normed else []
        with torch.no_grad():
            layers[-1 - normed].weight.copy_(torch.from_numpy(W.T))
            layers[-1].bias.copy_(torch.from_numpy(b))
        layers += [activation()] if hidden else []
    return nn.Sequential(*layers)


def matrices(module):
    return [layer.weight for layer in module if isinstance(layer, nn.Linear)]


def make_torch_optimizer(solver, module, rate, alpha, nesterov=False):
    weights = matrices(module)
    others = [p for p in module.parameters() if all(p is not W for W in weights)]
    decays = [{"params": weights, "weight_decay": alpha}, {"params": others}]
    make = {
        "adam": lambda: torch.optim.Adam([*weights, *others], rate),
        "adamw": lambda: torch.optim.AdamW(decays, rate, weight_decay=0),
        "sgd": lambda: torch.optim.SGD(
            [*weights, *others], rate, momentum=0.9, nesterov=nesterov
        ),
        "rmsprop": lambda: torch.optim.RMSprop([*weights, *others], rate),
        "adagrad": lambda: torch.optim.Adagrad([*weights, *others], rate),
    }
    return make[solver]()


def train_torch(
    module, X, y, optimizer, *, batch_size, n_epochs, alpha=0.0, l1_ratio=0.0, loss
):
    """Train in the order of the rows, and return the mean objective of each epoch."""
    X, y, curve = torch.from_numpy(X), torch.from_numpy(y), []
    for _ in range(n_epochs):
        total = 0.0
        for x, labels in zip(X.split(batch_size), y.split(batch_size), strict=True):
            value = loss(module(x), labels)
            for W in matrices(module):
                value = value + alpha * (1 - l1_ratio) / 2 * W.square().sum()
                value = value + alpha * l1_ratio * W.abs().sum()
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            total += len(x) * value.item()
        curve.append(total / len(X))
    module.eval()
    return curve


def rows_held_out(y, **parameters):
    """Return the rows that early stopping holds out: columns that never vary."""
    X = np.eye(len(y))
    model = MLPBackprop(
        (), early_stopping=True, max_iter=1, random_state=0, **parameters
    ).fit(X, y)
    return np.flatnonzero(model.transform(np.zeros_like(X))[0] == 0)


class Recorder:
    """An augmentation that changes nothing and remembers what it was asked."""

    def __init__(self, interrupt_at=None, error=KeyboardInterrupt):
        self.seen, self.interrupt_at, self.error = [], interrupt_at, error

    def __call__(self, images, rng):
        if len(self.seen) == self.interrupt_at:
            raise self.error
        self.seen.append((images.dtype, images.shape, type(rng)))
        return images
