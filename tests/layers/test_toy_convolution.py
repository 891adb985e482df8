"""A toy convolution between image and `Dense`, without a change to the engine."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
import torch
from mini_batches import minimize_in_batches
from torch.nn import functional as F

from skvision._layers.activations import ReLU
from skvision._layers.batch_norm import BatchNorm
from skvision._layers.dense import Dense
from skvision._layers.layer import Layer, Parameter
from skvision._layers.network import Network, views
from skvision._layers.sequential import Sequential
from skvision._training.losses import softmax_cross_entropy
from skvision._training.network import (
    batch_objective,
    input_gradients,
    network_outputs,
    whole_objective,
)
from skvision._training.optimizers import sgd
from skvision._training.penalties import l2
from skvision._training.schedules import constant
from skvision._training.sources import ArraySource, Standardized
from skvision.inspection import gradient_check


@dataclass(frozen=True)
class ToyConv(Layer):
    """A convolution with kernels of 3 x 3 pixels and without padding."""

    channels: int

    def shape(self, input_shape):
        height, width, _ = input_shape
        return height - 2, width - 2, self.channels

    def parameters(self, input_shape):
        return [Parameter("weights", (3, 3, input_shape[2], self.channels), True)]

    def init(self, arrays, rng):
        arrays.params[0][...] = 0.3 * rng.normal(size=arrays.params[0].shape)

    def forward(self, arrays, x, training):
        (kernels,), workspace = arrays.params, arrays.workspace
        height, width, _ = self.shape(x.shape[1:])
        y = workspace.array("y", (len(x), height, width, self.channels), x.dtype)
        y[...] = 0
        for i, j in product(range(3), range(3)):
            y += x[:, i : i + height, j : j + width] @ kernels[i, j]

        def backward(dy, needs_dx=True):
            dx = workspace.like("dx", x)
            dx[...] = 0
            for i, j in product(range(3), range(3)):
                pixels = x[:, i : i + height, j : j + width]
                np.einsum("nhwc,nhwd->cd", pixels, dy, out=arrays.grads[0][i, j])
                dx[:, i : i + height, j : j + width] += dy @ kernels[i, j].T
            return dx if needs_dx else None

        return y, backward


N, SHAPE, ALPHA = 24, (6, 6, 2), 0.1


@pytest.fixture
def net():
    return Network(Sequential(ToyConv(4), BatchNorm(), ReLU(), Dense(3)), SHAPE)


@pytest.fixture
def X(rng):
    return rng.normal(size=(N, 72)) + np.repeat(np.arange(N) % 3, 72).reshape(N, 72)


LABELS = np.arange(N) % 3


def options(rng):
    return {"loss": softmax_cross_entropy, "penalty": l2(ALPHA), "rng": rng}


def test_shapes(net):
    assert net.output_shape == (3,)
    assert [slot.parameter.shape for slot in net.parameters] == [
        (3, 3, 2, 4),
        (4,),
        (4,),
        (64, 3),
        (3,),
    ]
    assert net.n_weights == 72 + 192
    assert net.n_statistics == 8
    kernels = net.weights[0]
    assert kernels.parameter.by_unit(kernels.of(np.zeros(net.n_params))).shape == (
        4,
        18,
    )


def test_gradients_equal_differences(net, X, rng):
    params, statistics = net.start(rng)
    inputs, weights = Standardized(ArraySource(X)), rng.random(N) + 0.5
    rest = net, statistics, inputs, LABELS
    of_batch = batch_objective(*rest, weights, **options(rng))
    of_whole = {"loss": softmax_cross_entropy, "penalty": l2(ALPHA)}
    whole = whole_objective(*rest, np.full(N, 1 / N), **of_whole)
    for objective in (lambda p: of_batch(p, np.arange(N)), whole):
        check = gradient_check(objective, params, n_coordinates=None)
        assert check.passed, check


def test_input_gradients_equal_differences(net, X, rng, differences):
    params, statistics = net.start(rng)
    d_outputs = rng.normal(size=(1, 3))

    def outputs(row):
        rows = Standardized(ArraySource(row.reshape(1, 72)))
        return np.sum(d_outputs * network_outputs(net, params, statistics, rows))

    found = input_gradients(
        net, params, statistics, Standardized(ArraySource(X[:1])), d_outputs
    )
    np.testing.assert_allclose(found[0], differences(outputs, X[0]), atol=1e-8)


def train(net, X, params, statistics, rng, n_epochs):
    rest = net, statistics, Standardized(ArraySource(X)), LABELS, np.ones(N)
    return minimize_in_batches(
        batch_objective(*rest, **options(rng)),
        params,
        np.arange(N),
        optimizer=sgd(momentum=0.0),
        schedule=constant(0.1),
        batch_size=N,
        max_iter=n_epochs,
        statistics=statistics,
        parts=[slot.place for slot in net.weights],
    )


def test_it_trains(net, X, rng):
    params, statistics = net.start(rng)
    result = train(net, X, params, statistics, rng, 100)
    assert result.loss_curve[-1] < 0.6 * result.loss_curve[0]
    assert (np.diff(result.loss_curve[:20]) < 0).all()
    assert np.shape(result.update_ratios) == (100, 2)


def test_training_is_that_of_torch(net, X, rng):
    params, statistics = net.start(rng)
    variables = [
        torch.tensor(each, requires_grad=True) for each in views(net.parameters, params)
    ]
    kernels, gain, shift, W, b = variables
    mean, variance = torch.zeros(4).double(), torch.ones(4).double()
    images = torch.from_numpy(X.reshape(N, *SHAPE)).permute(0, 3, 1, 2)
    curve = []
    for _ in range(5):
        hidden = F.conv2d(images, kernels.permute(3, 2, 0, 1))
        hidden = F.batch_norm(hidden, mean, variance, gain, shift, True).relu()
        scores = hidden.permute(0, 2, 3, 1).flatten(1) @ W + b
        loss = F.cross_entropy(scores, torch.from_numpy(LABELS))
        loss = loss + ALPHA / 2 * (kernels.square().sum() + W.square().sum())
        gradients = torch.autograd.grad(loss, variables)
        curve.append(loss.item())
        with torch.no_grad():
            for variable, gradient in zip(variables, gradients, strict=True):
                variable -= 0.1 * gradient
    result = train(net, X, params, statistics, rng, 5)
    np.testing.assert_allclose(result.loss_curve, curve, rtol=1e-9)
    for ours, theirs in zip(
        views(net.parameters, result.params), variables, strict=True
    ):
        np.testing.assert_allclose(ours, theirs.detach(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(result.statistics[:4], mean, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(result.statistics[4:], variance, rtol=1e-9)
