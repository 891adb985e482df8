"""The workspace: batches of different sizes are right, and nothing is allocated."""

import numpy as np
import pytest
from layers.cases import CASES, D, draw_arrays, in_training

from skvision._layers.activations import ACTIVATIONS
from skvision._layers.batch_norm import BatchNorm
from skvision._layers.cosine_head import CosineHead
from skvision._layers.dense import Dense
from skvision._layers.dropout import Dropout
from skvision._layers.layer import Workspace
from skvision._layers.network import Network
from skvision._layers.sequential import Sequential

LAYERS = {name: case.layer for name, case in CASES.items()} | {
    "thinned": Sequential(Dense(6), Dropout(0.5), Dense(3)),
    "head": Sequential(Dense(6), BatchNorm(), CosineHead(3, 16.0, 0.5)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_batches_of_any_sizes_are_those_of_a_fresh_workspace(name, rng):
    layer = LAYERS[name]
    net = Network(layer, (D,))
    params, statistics = draw_arrays(layer, (D,), rng)
    gradient, own = np.empty_like(params), statistics.copy()
    arrays = net.arrays(params, own, gradient)
    for n in (20, 7, 20, 1, 30):
        x, d_y = rng.normal(size=(n, D)), rng.normal(size=(n, *net.output_shape))
        fresh = net.arrays(params, statistics, np.empty_like(params))
        weights, results = rng.random(n), []
        for each in (arrays, fresh):
            training = in_training(weights)._replace(labels=np.arange(n) % 3)
            y, backward = layer.forward(each, x, training)
            results.append((y, backward(d_y)))
        for ours, expected in zip(*results, strict=True):
            assert ours.shape == expected.shape
            np.testing.assert_array_equal(ours, expected)
        np.testing.assert_array_equal(own, statistics)


@pytest.mark.parametrize("dtypes", [(np.float64, np.float32, np.float64)])
def test_arrays_of_another_dtype_are_new_ones(dtypes):
    workspace = Workspace()
    for dtype in dtypes:
        array = workspace.array("y", (3, 2), dtype)
        assert array.dtype == dtype
        assert array.shape == (3, 2)


def test_names_and_parts_do_not_share_memory():
    workspace = Workspace()
    arrays = [
        workspace.array("y", (3, 2), float),
        workspace.array("dx", (3, 2), float),
        workspace.part(0).array("y", (3, 2), float),
        workspace.part(1).array("y", (3, 2), float),
        workspace.part(0).part(0).array("y", (3, 2), float),
    ]
    for i, array in enumerate(arrays):
        array[...] = i
    assert [array.max() for array in arrays] == [0, 1, 2, 3, 4]
    again = workspace.part(0).array("y", (3, 2), float)
    assert np.shares_memory(again, arrays[2])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_second_batch_allocates_no_activations(
    activation, batch_norm, peak_of, rng
):
    n, width = 512, 256
    norm = [BatchNorm()] if batch_norm else []
    hidden = [Dense(width), *norm, ACTIVATIONS[activation]]
    net = Network(Sequential(*hidden, *hidden, Dense(10)), (64,))
    params, statistics = net.start(rng)
    arrays = net.arrays(params, statistics, np.empty_like(params))
    x, d_y = rng.normal(size=(n, 64)), rng.normal(size=(n, 10))
    training = in_training()

    def step():
        _, backward = net.layer.forward(arrays, x, training)
        backward(d_y, needs_dx=False)

    step()
    assert peak_of(step) < n * width * x.itemsize / 4
