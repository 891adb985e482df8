"""Specifications of layers: shapes, parameters, and that they are values."""

import pickle

import numpy as np
import pytest

from skvision._layers.activations import ACTIVATIONS, ReLU
from skvision._layers.batch_norm import BatchNorm
from skvision._layers.cosine_head import CosineHead
from skvision._layers.dense import Dense
from skvision._layers.dropout import Dropout
from skvision._layers.layer import Parameter
from skvision._layers.network import Network
from skvision._layers.sequential import Sequential

ROWS, IMAGES = (24,), (4, 3, 2)

# layer, shape of its input, shape of its output, its parameters, number of statistics
ANSWERS = [
    *(
        (layer, shape, shape, [], 0)
        for layer in (*ACTIVATIONS.values(), Dropout(0.5))
        for shape in (ROWS, IMAGES)
    ),
    *(
        (BatchNorm(), shape, shape, [("gains", (n,)), ("shifts", (n,))], 2 * n)
        for shape, n in ((ROWS, 24), (IMAGES, 2))
    ),
    *(
        (layer, shape, (5,), parameters, 0)
        for layer, parameters in (
            (Dense(5), [("weights", (24, 5)), ("biases", (5,))]),
            (Dense(5, bias=False), [("weights", (24, 5))]),
            (CosineHead(5, scale=16.0), [("weights", (5, 24))]),
        )
        for shape in (ROWS, IMAGES)
    ),
]

LAYERS = [
    *ACTIVATIONS.values(),
    Dropout(0.5),
    Dropout(0.25),
    BatchNorm(),
    BatchNorm(1e-3),
    Dense(5),
    Dense(5, bias=False),
    Dense(5, initializer="xavier"),
    Dense(6),
    CosineHead(5, scale=16.0),
    CosineHead(5, scale=16.0, margin=0.5),
    CosineHead(5, scale=16.0, margin=0.5, margin_type="cosine"),
    Sequential(),
    Sequential(Dense(5)),
    Sequential(Dense(5), ReLU()),
    Sequential(Sequential(Dense(5)), ReLU()),
]


@pytest.mark.parametrize(
    ("layer", "input_shape", "shape", "parameters", "n_statistics"), ANSWERS
)
def test_shapes_and_parameters(layer, input_shape, shape, parameters, n_statistics):
    assert layer.shape(input_shape) == shape
    found = layer.parameters(input_shape)
    assert [(p.name, p.shape) for p in found] == parameters
    assert [p.penalized for p in found] == [n == "weights" for n, _ in parameters]
    assert layer.parts(input_shape) == []
    net = Network(layer, input_shape)
    assert net.output_shape == shape
    assert net.n_params == sum(np.prod(s) for _, s in parameters)
    assert net.n_weights == sum(np.prod(s) for n, s in parameters if n == "weights")
    assert net.n_statistics == n_statistics


def test_activations_are_named_after_themselves():
    for name, layer in ACTIVATIONS.items():
        assert type(layer).__name__.lower() == name.replace("_", "")


def test_parts_of_a_sequence_have_the_shapes_of_their_inputs():
    hidden = Sequential(BatchNorm(), Dense(5))
    layer = Sequential(hidden, ReLU(), Dense(3))
    assert layer.parts(IMAGES) == [(hidden, IMAGES), (ReLU(), (5,)), (Dense(3), (5,))]
    assert layer.shape(IMAGES) == (3,)
    assert layer.parameters(IMAGES) == layer.buffers(IMAGES) == []


def test_specifications_are_values():
    assert len(set(LAYERS)) == len(LAYERS)
    for i, layer in enumerate(LAYERS):
        again = pickle.loads(pickle.dumps(layer))
        assert again is not layer
        assert again == layer
        assert hash(again) == hash(layer)
        assert [j for j, other in enumerate(LAYERS) if other == layer] == [i]


def test_specifications_do_not_change():
    with pytest.raises(AttributeError):
        Dense(5).units = 6
    with pytest.raises(AttributeError):
        Sequential(Dense(5)).layers = ()


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("inputs", [(7,), (3, 3, 2)])
def test_weights_by_unit(axis, inputs, rng):
    rows = rng.normal(size=(5, *inputs))  # of each unit
    array = np.moveaxis(rows, 0, axis)
    parameter = Parameter("weights", array.shape, True, unit_axis=axis)
    np.testing.assert_array_equal(parameter.by_unit(array), rows.reshape(5, -1))


def test_rows_by_unit_of_matrices_are_views():
    for layer in (Dense(5), CosineHead(5, scale=1.0)):
        parameter = layer.parameters((7,))[0]
        array = np.zeros(parameter.shape)
        by_unit = parameter.by_unit(array)
        assert by_unit.shape == (5, 7)
        by_unit[...] = 1  # as the projection on a maximum norm does
        assert array.all()
