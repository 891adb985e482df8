"""The fully connected layer: its initial weights."""

import numpy as np
import pytest

from skvision._layers.activations import ReLU
from skvision._layers.dense import Dense
from skvision._layers.initializers import INITIALIZERS, he, xavier
from skvision._layers.layer import Arrays, Workspace
from skvision._layers.network import Network, views
from skvision._layers.sequential import Sequential


@pytest.mark.parametrize(
    ("initializer", "expected"),
    [("he", (2 / 300) ** 0.5), ("xavier", (2 / 500) ** 0.5)],
)
def test_first_weights_have_the_deviation_asked_for(initializer, expected, rng):
    layer = Dense(200, initializer=initializer)
    W, b = np.empty((300, 200)), np.full(200, np.nan)
    layer.init(Arrays([W, b], [], [], Workspace()), rng)
    assert W.std() == pytest.approx(expected, rel=4 / np.sqrt(2 * W.size))
    assert abs(W.mean()) < 4 * expected / np.sqrt(W.size)
    assert not b.any()
    again, same = np.empty_like(W), np.random.default_rng(0)  # as the fixture
    layer.init(Arrays([again, b], [], [], Workspace()), same)
    np.testing.assert_array_equal(again, W)


def test_initializers():
    assert {name: f(300, 200) for name, f in INITIALIZERS.items()} == {
        "he": he(300, 200),
        "xavier": xavier(300, 200),
        "normal": 0.01,
        "zeros": 0.0,
    }


def test_first_weights_of_images_count_all_values_of_an_image(rng):
    net = Network(Dense(200), (10, 10, 3))
    params, _ = net.start(rng)
    (W,) = views(net.weights, params)
    assert W.shape == (300, 200)
    assert W.std() == pytest.approx((2 / 300) ** 0.5, rel=4 / np.sqrt(2 * W.size))


def test_he_keeps_the_scale_through_many_relus(rng):
    layer = Sequential(*[Dense(300), ReLU()] * 12, Dense(300))
    net = Network(layer, (300,))
    arrays = net.arrays(*net.start(rng))
    y, _ = layer.forward(arrays, rng.normal(size=(50, 300)), None)
    assert 0.7 < np.sqrt((y**2).mean() / 2) < 1.4
