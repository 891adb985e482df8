"""Layers: the worked examples of backpropagation in textbooks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from layers.cases import NOTHING, run

from skvision._layers.activations import Sigmoid
from skvision._layers.dense import Dense
from skvision._layers.layer import Layer
from skvision._layers.sequential import Sequential


@dataclass(frozen=True)
class Node(Layer):
    """A layer made by hand: of ``function(x)`` and ``gradient(x, dy)``."""

    function: Callable
    gradient: Callable
    seen: list | None = None

    def forward(self, arrays, x, training):
        def backward(dy, needs_dx=True):
            d_x = self.gradient(x, dy)
            if self.seen is not None:
                self.seen.append(float(d_x.ravel()[0]))
            return d_x

        return self.function(x), backward


ADD = Node(  # (x, y, z) -> (x + y, z)
    lambda x: np.stack([x[:, 0] + x[:, 1], x[:, 2]], axis=1),
    lambda x, dy: dy[:, [0, 0, 1]],
)

MULTIPLY = Node(lambda x: x[:, :1] * x[:, 1:], lambda x, dy: dy * x[:, ::-1])


def run_without_arrays(layer, x, d_y):
    return run(layer, NOTHING, NOTHING, x, None, d_y)[:2]


def test_sum_then_product():
    x, d_y = np.array([[-2.0, 5, -4]]), np.ones((1, 1))
    y, d_x = run_without_arrays(Sequential(ADD, MULTIPLY), x, d_y)
    assert y == -12
    assert d_x.tolist() == [[-4, -4, 3]]
    _, of_sum = run_without_arrays(MULTIPLY, np.array([[3.0, -4]]), d_y)
    assert of_sum[0, 0] == -4


def test_sigmoid_neuron():
    layer = Sequential(Dense(1), Sigmoid())
    params, x = np.array([2.0, -3, -3]), np.array([[-1.0, -2]])
    y, d_x, gradient = run(layer, params, NOTHING, x, None, np.ones((1, 1)))
    d_W, d_b = gradient[:2], gradient[2]
    assert y[0, 0] == pytest.approx(0.7311, abs=5e-5)
    assert d_b == pytest.approx(0.1966, abs=5e-5)  # the slope
    np.testing.assert_allclose(d_W, [-0.1966, -0.3932], atol=5e-5)
    np.testing.assert_allclose(d_x, [[0.3932, -0.5898]], atol=5e-5)


def test_sigmoid_neuron_node_by_node():
    seen = []
    nodes = Sequential(
        Node(np.negative, lambda x, dy: -dy, seen),
        Node(np.exp, lambda x, dy: np.exp(x) * dy, seen),
        Node(lambda x: x + 1, lambda x, dy: dy, seen),
        Node(lambda x: 1 / x, lambda x, dy: -dy / x**2, seen),
    )
    x, d_y = np.ones((1, 1)), np.ones((1, 1))  # 2 * -1 - 3 * -2 - 3
    y, d_x = run_without_arrays(nodes, x, d_y)
    np.testing.assert_allclose(seen, [-0.5344, -0.5344, -0.1966, 0.1966], atol=5e-5)
    expected = run_without_arrays(Sigmoid(), x, d_y)
    np.testing.assert_allclose([y, d_x], expected, rtol=1e-14)


def test_squared_length():
    W, x = np.array([[0.1, 0.5], [-0.3, 0.8]]), np.array([[0.2, 0.4]])
    squares = Node(
        lambda x: (x**2).sum(axis=1, keepdims=True), lambda x, dy: 2 * x * dy
    )
    layer = Sequential(Dense(2, bias=False), squares)
    y, d_x, d_W = run(layer, W.T.ravel(), NOTHING, x, None, np.ones((1, 1)))
    np.testing.assert_allclose(x @ W.T, [[0.22, 0.26]])
    assert y[0, 0] == pytest.approx(0.116)
    np.testing.assert_allclose(d_W.reshape(2, 2).T, [[0.088, 0.176], [0.104, 0.208]])
    np.testing.assert_allclose(d_x, [[-0.112, 0.636]])
