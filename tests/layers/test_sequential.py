"""Layers one after the other: torch, nesting, and which gradients are computed."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from layers.cases import (
    NOTHING,
    D,
    N,
    all_of,
    draw_arrays,
    forward,
    in_training,
    run,
)
from torch.nn import functional as F

from skvision._layers.activations import ELU, ReLU, Tanh
from skvision._layers.batch_norm import BatchNorm
from skvision._layers.dense import Dense
from skvision._layers.dropout import Dropout
from skvision._layers.layer import Layer
from skvision._layers.network import Network
from skvision._layers.sequential import Sequential
from skvision._training.losses import softmax_cross_entropy


def test_several_steps_equal_torch(rng):
    layer = Sequential(
        Dense(6), BatchNorm(), ReLU(), Dropout(0.0), Dense(3, initializer="xavier")
    )
    module = torch.nn.Sequential(
        torch.nn.Linear(D, 6),
        torch.nn.BatchNorm1d(6),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.0),
        torch.nn.Linear(6, 3),
    ).double()
    net = Network(layer, (D,))
    params, statistics = net.start(rng)
    gradient = np.empty_like(params)
    arrays = net.arrays(params, statistics, gradient)
    W1, b1, gain, shift, W2, b2 = all_of(arrays, "params")
    theirs = W1.T, b1, gain, shift, W2.T, b2
    with torch.no_grad():
        for variable, value in zip(module.parameters(), theirs, strict=True):
            variable.copy_(torch.from_numpy(value))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    labels = rng.integers(0, 3, N)
    for _ in range(6):
        x = rng.normal(size=(N, D))
        scores, backward = layer.forward(arrays, x, in_training())
        value, d_scores = softmax_cross_entropy(scores, labels)
        backward(d_scores, needs_dx=False)
        params -= 0.5 * gradient
        optimizer.zero_grad()
        loss = F.cross_entropy(module(torch.from_numpy(x)), torch.from_numpy(labels))
        loss.backward()
        optimizer.step()
        assert value == pytest.approx(loss.item(), rel=1e-10)
    for ours, variable in zip(theirs, module.parameters(), strict=True):
        np.testing.assert_allclose(ours, variable.detach(), rtol=1e-10, atol=1e-10)
    mean, variance = all_of(arrays, "buffers")
    np.testing.assert_allclose(mean, module[1].running_mean, rtol=1e-10)
    np.testing.assert_allclose(variance, module[1].running_var, rtol=1e-10)


# the gradient by the input


@dataclass(frozen=True)
class Watched(Layer):
    """A layer that notes when it goes back and whether a dx is asked for."""

    layer: Layer
    name: str
    calls: list

    def shape(self, input_shape):
        return self.layer.shape(input_shape)

    def parameters(self, input_shape):
        return self.layer.parameters(input_shape)

    def buffers(self, input_shape):
        return self.layer.buffers(input_shape)

    def forward(self, arrays, x, training):
        y, backward = self.layer.forward(arrays, x, training)

        def noted(dy, needs_dx=True):
            self.calls.append((self.name, needs_dx))
            return backward(dy, needs_dx)

        return y, noted


@pytest.mark.parametrize("first", [Dense(4), BatchNorm()], ids=["dense", "norm"])
@pytest.mark.parametrize("nested", [False, True])
def test_no_dx_is_computed_before_the_first_params(first, nested, rng):
    calls = []
    names = ["dropout", "tanh", "first", "relu", "last"]
    layers = [Dropout(0.3), Tanh(), first, ReLU(), Dense(2)]
    layers = [Watched(*pair, calls) for pair in zip(layers, names, strict=True)]
    if nested:
        layers = [Sequential(*layers[:2]), Sequential(*layers[2:4]), layers[4]]
    layer = Sequential(*layers)
    rest = *draw_arrays(layer, (D,), rng), rng.normal(size=(N, D))
    d_y = rng.normal(size=(N, 2))
    _, d_x, gradient = run(layer, *rest, in_training(), d_y)
    assert d_x.shape == (N, D)
    assert calls == [(name, True) for name in names[::-1]]
    calls.clear()
    _, none, same = run(layer, *rest, in_training(), d_y, needs_dx=False)
    assert none is None
    assert calls == [("last", True), ("relu", True), ("first", False)]
    np.testing.assert_array_equal(same, gradient)


@dataclass(frozen=True)
class DenseOfPixels(Dense):
    """A layer whose gradient by the input must not be asked for."""

    def forward(self, arrays, x, training):
        y, backward = super().forward(arrays, x, training)

        def of_params(dy, needs_dx=True):
            if needs_dx:
                raise AssertionError("the gradient by the pixels is computed")
            return backward(dy, needs_dx)

        return y, of_params


@pytest.mark.parametrize(
    "layer",
    [
        DenseOfPixels(2),
        Sequential(DenseOfPixels(4), ReLU(), Dense(2)),
        Sequential(Sequential(DenseOfPixels(4), ReLU()), Dense(2)),
        Sequential(Dropout(0.5), Sequential(Tanh(), DenseOfPixels(4)), Dense(2)),
    ],
    ids=["alone", "sequential", "nested", "after layers without parameters"],
)
def test_the_first_layer_computes_no_dx_without_need(layer, rng):
    rest = *draw_arrays(layer, (D,), rng), rng.normal(size=(N, D))
    d_y = rng.normal(size=(N, 2))
    _, none, gradient = run(layer, *rest, in_training(), d_y, needs_dx=False)
    assert none is None
    assert np.isfinite(gradient).all()
    with pytest.raises(AssertionError, match="pixels"):
        run(layer, *rest, in_training(), d_y)


def test_without_params_there_is_nothing_to_compute_but_dx(rng):
    calls = []
    layer = Sequential(Watched(Tanh(), "tanh", calls), Watched(ReLU(), "relu", calls))
    x, d_y = rng.normal(size=(2, N, D))
    rest = NOTHING, NOTHING, x, None, d_y
    assert run(layer, *rest, needs_dx=False)[1] is None
    assert not calls
    _, d_x, _ = run(layer, *rest)
    slope = (1 - np.tanh(x) ** 2) * (x > 0)
    np.testing.assert_allclose(d_x, slope * d_y, rtol=1e-13)


# nesting


def test_a_sequence_of_nothing_is_the_identity(rng):
    x, d_y = rng.normal(size=(2, N, D))
    y, d_x, gradient = run(Sequential(), NOTHING, NOTHING, x, None, d_y)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(d_x, d_y)
    net = Network(Sequential(), (D,))
    assert net.parameters == []
    assert net.n_params == net.n_statistics == gradient.size == 0
    assert net.output_shape == (D,)


def test_a_nested_sequence_has_the_arrays_of_a_flat_one_and_its_results(rng):
    layers = [Dense(4), BatchNorm(), ELU(), Dense(3), BatchNorm()]
    whole = Sequential(*layers)
    params, statistics = draw_arrays(whole, (D,), rng)
    x, d_y = rng.normal(size=(N, D)), rng.normal(size=(N, 3))
    for nested in (
        Sequential(Sequential(*layers[:2]), *layers[2:]),
        Sequential(
            Sequential(*layers[:2]), Sequential(layers[2], Sequential(*layers[3:]))
        ),
    ):
        ours, expected = Network(nested, (D,)), Network(whole, (D,))
        assert ours.parameters == expected.parameters
        assert ours.output_shape == expected.output_shape == (3,)
        for name in ("params", "buffers"):
            for one, other in zip(
                all_of(ours.arrays(params, statistics), name),
                all_of(expected.arrays(params, statistics), name),
                strict=True,
            ):
                np.testing.assert_array_equal(one, other)
        for mine, theirs in zip(
            ours.start(np.random.default_rng(0)),
            expected.start(np.random.default_rng(0)),
            strict=True,
        ):
            np.testing.assert_array_equal(mine, theirs)
        np.testing.assert_array_equal(
            forward(nested, params, statistics, x, None),
            forward(whole, params, statistics, x, None),
        )
        own, of_whole = statistics.copy(), statistics.copy()
        results = run(nested, params, own, x, in_training(), d_y)
        for one, other in zip(
            (*results, own),
            (*run(whole, params, of_whole, x, in_training(), d_y), of_whole),
            strict=True,
        ):
            np.testing.assert_array_equal(one, other)
