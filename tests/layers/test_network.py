"""Networks: flat vectors, their views in the order of the layers, initial values."""

import pickle

import numpy as np
import pytest
from layers.cases import D, N, all_of, forward

from skvision._layers.activations import ReLU, Tanh
from skvision._layers.batch_norm import BatchNorm
from skvision._layers.dense import Dense
from skvision._layers.initializers import he, xavier
from skvision._layers.network import Network, views
from skvision._layers.sequential import Sequential


@pytest.fixture
def net():
    return Network(Sequential(Dense(4), BatchNorm(), ReLU(), Dense(3)), (D,))


def test_places_lie_in_order_weights_first(net):
    params = np.arange(float(net.n_params))
    shapes = [(D, 4), (4,), (4,), (4,), (4, 3), (3,)]
    names = ["weights", "biases", "gains", "shifts", "weights", "biases"]
    assert [slot.parameter.shape for slot in net.parameters] == shapes
    assert [slot.parameter.name for slot in net.parameters] == names
    assert [slot.of(params).shape for slot in net.parameters] == shapes
    W1, b1, gain, shift, W2, b2 = views(net.parameters, params)
    in_order = W1, W2, b1, gain, shift, b2
    np.testing.assert_array_equal(np.concatenate([v.ravel() for v in in_order]), params)
    assert net.n_weights == D * 4 + 4 * 3
    assert net.n_params == net.n_weights + 4 + 4 + 4 + 3
    statistics = np.arange(8.0)
    assert net.n_statistics == 8
    np.testing.assert_array_equal(
        all_of(net.arrays(params, statistics), "buffers"), np.arange(8).reshape(2, 4)
    )
    assert net.output_shape == (3,)


def test_arrays_of_layers_are_those_of_their_slots(net):
    params, gradient = np.arange(2.0 * net.n_params).reshape(2, -1)
    arrays = net.arrays(params, np.zeros(net.n_statistics), gradient)
    for name, vector in (("params", params), ("grads", gradient)):
        for ours, expected in zip(
            all_of(arrays, name), views(net.parameters, vector), strict=True
        ):
            assert ours.shape == expected.shape
            assert np.shares_memory(ours, vector)
            np.testing.assert_array_equal(ours, expected)
    assert all_of(net.arrays(params, np.zeros(net.n_statistics)), "grads") == []


def test_views_share_memory(net):
    params, statistics = np.zeros(net.n_params), np.zeros(net.n_statistics)
    arrays = net.arrays(params, statistics)
    for name, vector in (("params", params), ("buffers", statistics)):
        for i, view in enumerate(all_of(arrays, name)):
            assert np.shares_memory(view, vector)
            view[...] = i + 1
        assert (vector > 0).all()


def test_slots_of_weights_are_the_places_of_the_weights(net):
    params = np.arange(float(net.n_params))
    assert [slot.place for slot in net.weights] == [slice(0, 20), slice(20, 32)]
    W1, _, _, _, W2, _ = views(net.parameters, params)
    for slot, view in zip(net.weights, (W1, W2), strict=True):
        np.testing.assert_array_equal(params[slot.place], view.ravel())


def test_biases_are_those_of_each_layer_or_the_shifts_in_their_place():
    hidden = Dense(4, bias=False), BatchNorm(), ReLU()
    net = Network(Sequential(Sequential(*hidden), Dense(3)), (D,))
    params = np.arange(float(net.n_params))
    shift, b = views(net.biases, params)
    np.testing.assert_array_equal(shift, params[20 + 12 + 4 :][:4])
    np.testing.assert_array_equal(b, params[-3:])


def test_a_network_without_arrays_has_empty_vectors():
    net = Network(Tanh(), (D,))
    assert net.n_weights == net.n_params == net.n_statistics == 0
    assert net.parameters == net.weights == net.biases == []


@pytest.mark.parametrize(
    ("sizes", "n_weights", "n_params"),
    [
        ((3072, 100, 10), 308_200, 308_310),
        ((3, 4, 4, 1), 32, 41),
        ((3, 4, 2), 20, 26),
        ((8, 10), 80, 90),
    ],
)
def test_numbers_of_weights_and_parameters(sizes, n_weights, n_params):
    net = Network(Sequential(*map(Dense, sizes[1:])), sizes[:1])
    assert net.n_weights == n_weights
    assert net.n_params == n_params
    assert net.output_shape == sizes[-1:]


def test_start():
    layer = Sequential(Dense(200), BatchNorm(), Dense(50, initializer="xavier"))
    net = Network(layer, (300,))
    params, statistics = net.start(np.random.default_rng(0))
    assert params.dtype == statistics.dtype == np.float64
    W1, b1, gain, shift, W2, b2 = views(net.parameters, params)
    for W, deviation in ((W1, he(300, 200)), (W2, xavier(200, 50))):
        assert W.std() == pytest.approx(deviation, rel=4 / np.sqrt(2 * W.size))
    assert not any(zeros.any() for zeros in (b1, shift, b2))
    assert (gain == 1).all()
    mean, variance = all_of(net.arrays(params, statistics), "buffers")
    assert not mean.any()
    assert (variance == 1).all()
    np.testing.assert_array_equal(net.start(np.random.default_rng(0))[0], params)
    assert (net.start(np.random.default_rng(1))[0] != params).any()


def test_flat_rows_take_the_shape_of_the_input(rng):
    rows = rng.normal(size=(N, 24))
    images = Network(Dense(3), (4, 3, 2)).shaped(rows)
    np.testing.assert_array_equal(images, rows.reshape(N, 4, 3, 2))
    assert np.shares_memory(images, rows)
    params = rng.normal(size=24 * 3 + 3)
    np.testing.assert_array_equal(
        forward(Dense(3), params, np.empty(0), images, None),
        forward(Dense(3), params, np.empty(0), rows, None),
    )


def test_equal_networks_are_equal_also_from_a_pickle(net):
    slots = net.parameters  # which are kept
    again = pickle.loads(pickle.dumps(net))
    same = Network(Sequential(Dense(4), BatchNorm(), ReLU(), Dense(3)), (D,))
    assert again == net == same
    assert hash(again) == hash(net) == hash(same)
    assert again.parameters == same.parameters == slots
    assert net != Network(net.layer, (D + 1,))
