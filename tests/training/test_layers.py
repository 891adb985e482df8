"""Layers: torch, central differences, weights of rows, worked examples."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers_and_torch import CASES, D, N, draw_arrays, in_training, run
from skvision._training.layers import (
    Layer,
    Shapes,
    Training,
    batch_norm,
    chain,
    dropout,
    elu,
    he,
    linear,
    relu,
    sigmoid,
    tanh,
    xavier,
)
from torch.nn import functional as F

from skvision._training.losses import softmax_cross_entropy
from skvision.inspection import gradient_check

ELEMENTWISE = [
    "identity",
    "relu",
    "leaky_relu",
    "elu",
    "tanh",
    "sigmoid",
    "dropout",
]


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def run_torch(formula, params, buffers, x, training, d_y):
    """Do the same in torch; buffers are changed in place as well."""
    x, *params = (torch.tensor(a, requires_grad=True) for a in (x, *params))
    y = formula(x, params, [torch.from_numpy(b) for b in buffers], training is not None)
    y.backward(torch.from_numpy(d_y))
    return y.detach(), x.grad, [p.grad for p in params]


def assert_equal_torch(case, x, training, rng):
    params, buffers = draw_arrays(case.layer, x.shape[1], rng)
    d_y = rng.normal(size=(len(x), case.layer.shapes(x.shape[1]).n_outputs))
    theirs = [b.copy() for b in buffers]
    expected = run_torch(case.formula, params, theirs, x, training, d_y)
    for array in (x, d_y, *params):  # none of them is written to
        array.flags.writeable = False
    got = run(case.layer, params, buffers, x, training, d_y)
    for ours, of_torch in zip(
        (*got[:2], *got[2], *buffers),
        (*expected[:2], *expected[2], *theirs),
        strict=True,
    ):
        assert ours.shape == of_torch.shape
        np.testing.assert_allclose(ours, of_torch, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("training", [None, in_training()], ids=["predict", "train"])
def test_values_gradients_and_statistics_equal_torch(case, training, rng):
    assert_equal_torch(case, rng.normal(size=(N, D)), training, rng)


@settings(deadline=None, max_examples=25)
@given(
    name=st.sampled_from(list(CASES)),
    n=st.integers(2, 9),
    d=st.integers(1, 9),
    trains=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_shape_equals_torch(name, n, d, trains, seed):
    rng = np.random.default_rng(seed)
    training = in_training() if trains else None
    assert_equal_torch(CASES[name], rng.normal(size=(n, d)), training, rng)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_kinks_and_far_ends_equal_torch(name, rng):
    x = np.array([[0.0, -0.0, 1e4, -1e4, 700, -700, 1e-9, -1e-9, 37, -37]])
    assert_equal_torch(CASES[name], x, None, rng)
    y, _, _ = run(CASES[name].layer, [], [], x.astype(np.float32), None, x)
    assert np.isfinite(y).all()


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_nan_is_not_hidden(name):
    y, _ = CASES[name].layer.forward([], [], np.full((1, 2), np.nan), None)
    assert np.isnan(y).all()


def of_one_vector(layer, buffers, shapes, training, d_y):
    """Return ``flat -> (value, gradient)``, flat being the input and all params."""
    ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]

    def function(flat):
        x, *params = map(np.reshape, np.split(flat, ends), shapes)
        statistics = [b.copy() for b in buffers]
        y, d_x, grads = run(layer, params, statistics, x, training, d_y)
        return float(np.sum(y * d_y)), np.concatenate(
            [a.ravel() for a in (d_x, *grads)]
        )

    return function


@pytest.mark.parametrize("mode", ["predict", "train", "unequal weights"])
def test_gradients_equal_differences(case, mode, rng):
    weights = 3 * rng.random(N) * (np.arange(N) != 2)  # one of them zero
    training = {
        "predict": None,
        "train": in_training(),
        "unequal weights": in_training(weights),
    }[mode]
    x = rng.normal(size=(N, D))
    params, buffers = draw_arrays(case.layer, D, rng)
    d_y = rng.normal(size=(N, case.layer.shapes(D).n_outputs))
    shapes = [a.shape for a in (x, *params)]
    function = of_one_vector(case.layer, buffers, shapes, training, d_y)
    flat = np.concatenate([a.ravel() for a in (x, *params)])
    check = gradient_check(function, flat, n_coordinates=None)
    assert check.passed, check
    assert not check.is_kink.any()


def test_float32_stays_float32(case, rng):
    params, buffers = draw_arrays(case.layer, D, rng)
    x, d_y = rng.normal(size=(N, D)), rng.normal(size=(N, case.layer.shapes(D)[3]))
    weights = rng.random(N)
    for training in (None, Training(np.random.default_rng(0), weights)):
        exact = run(case.layer, params, [b.copy() for b in buffers], x, training, d_y)
        if training is not None:
            training = training._replace(weights=weights.astype(np.float32))
        of_32 = [b.astype(np.float32) for b in buffers]
        got = run(
            case.layer,
            [p.astype(np.float32) for p in params],
            of_32,
            x.astype(np.float32),
            training,
            d_y.astype(np.float32),
        )
        for ours, expected in zip(
            (*got[:2], *got[2]), (*exact[:2], *exact[2]), strict=True
        ):
            assert ours.dtype == np.float32
            np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-4)
        assert all(b.dtype == np.float32 for b in of_32)


def test_float32_without_weights(case, rng):
    params, buffers = (
        [a.astype(np.float32) for a in arrays]
        for arrays in draw_arrays(case.layer, D, rng)
    )
    x = rng.normal(size=(N, D)).astype(np.float32)
    d_y = np.ones((N, case.layer.shapes(D).n_outputs), np.float32)
    y, d_x, _ = run(case.layer, params, buffers, x, in_training(), d_y)
    assert y.dtype == d_x.dtype == np.float32


def test_a_gradient_has_the_shape_of_its_variable(case, rng):
    shapes = case.layer.shapes(D)
    params, buffers = draw_arrays(case.layer, D, rng)
    x, d_y = rng.normal(size=(1, D)), np.ones((1, shapes.n_outputs))
    y, d_x, _ = run(case.layer, params, buffers, x, None, d_y)
    assert y.shape == (1, shapes.n_outputs)
    assert d_x.shape == x.shape


# chains


def test_several_steps_of_a_chain_equal_torch(rng):
    layer = chain(linear(6, he), batch_norm(), relu(), dropout(0.0), linear(3, xavier))
    module = torch.nn.Sequential(
        torch.nn.Linear(D, 6),
        torch.nn.BatchNorm1d(6),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.0),
        torch.nn.Linear(6, 3),
    ).double()
    shapes = layer.shapes(D)
    params = [np.empty(s) for s in shapes.weights + shapes.others]
    buffers = [np.empty(s) for s in shapes.buffers]
    layer.init(params, buffers, rng)
    W1, W2, b1, gain, shift, b2 = params
    theirs = W1.T, b1, gain, shift, W2.T, b2
    with torch.no_grad():
        for variable, value in zip(module.parameters(), theirs, strict=True):
            variable.copy_(torch.from_numpy(value))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    labels, grads = rng.integers(0, 3, N), [np.empty_like(p) for p in params]
    for _ in range(6):
        x = rng.normal(size=(N, D))
        scores, backward = layer.forward(params, buffers, x, in_training())
        value, d_scores = softmax_cross_entropy(scores, labels)
        backward(d_scores, grads, needs_dx=False)
        for p, g in zip(params, grads, strict=True):
            p -= 0.5 * g
        optimizer.zero_grad()
        loss = F.cross_entropy(module(torch.from_numpy(x)), torch.from_numpy(labels))
        loss.backward()
        optimizer.step()
        assert value == pytest.approx(loss.item(), rel=1e-10)
    for ours, variable in zip(theirs, module.parameters(), strict=True):
        np.testing.assert_allclose(ours, variable.detach(), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(buffers[0], module[1].running_mean, rtol=1e-10)
    np.testing.assert_allclose(buffers[1], module[1].running_var, rtol=1e-10)


def watched(layer, name, calls):
    """Return the layer, which notes when it goes back and whether a dx is asked for."""

    def forward(params, buffers, x, training):
        y, backward = layer.forward(params, buffers, x, training)

        def noted(dy, grads, needs_dx=True):
            calls.append((name, needs_dx))
            return backward(dy, grads, needs_dx)

        return y, noted

    return layer._replace(forward=forward)


@pytest.mark.parametrize("first", [linear(4, he), batch_norm()])
@pytest.mark.parametrize("nested", [False, True])
def test_no_dx_is_computed_before_the_first_params(first, nested, rng):
    calls = []
    names = ["dropout", "tanh", "first", "relu", "last"]
    layers = [dropout(0.3), tanh(), first, relu(), linear(2, he)]
    layers = [
        watched(one, name, calls) for one, name in zip(layers, names, strict=True)
    ]
    if nested:
        layers = [chain(*layers[:2]), chain(*layers[2:4]), layers[4]]
    layer = chain(*layers)
    params, buffers = draw_arrays(layer, D, rng)
    rest = params, buffers, rng.normal(size=(N, D))
    d_y = rng.normal(size=(N, 2))
    _, d_x, grads = run(layer, *rest, in_training(), d_y)
    assert d_x.shape == (N, D)
    assert calls == [(name, True) for name in names[::-1]]
    calls.clear()
    _, none, same = run(layer, *rest, in_training(), d_y, needs_dx=False)
    assert none is None
    assert calls == [("last", True), ("relu", True), ("first", False)]
    for ours, expected in zip(same, grads, strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_a_chain_without_params_has_nothing_to_compute_but_dx(rng):
    calls = []
    layer = chain(watched(tanh(), "tanh", calls), watched(relu(), "relu", calls))
    x, d_y = rng.normal(size=(2, N, D))
    assert run(layer, [], [], x, None, d_y, needs_dx=False)[1] is None
    assert not calls
    _, d_x, _ = run(layer, [], [], x, None, d_y)
    slope = (1 - np.tanh(x) ** 2) * (x > 0)
    np.testing.assert_allclose(d_x, slope * d_y, rtol=1e-13)


def test_a_chain_of_nothing_is_the_identity(rng):
    x, d_y = rng.normal(size=(2, N, D))
    y, d_x, _ = run(chain(), [], [], x, None, d_y)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(d_x, d_y)
    assert chain().shapes(D) == Shapes([], [], [], D)


def test_a_chain_of_chains_has_the_arrays_of_a_chain_and_its_outputs(rng):
    layers = [linear(4, he), batch_norm(), elu(), linear(3, he), batch_norm()]
    whole = chain(*layers)
    nested = chain(chain(*layers[:2]), chain(layers[2], chain(*layers[3:])))
    assert nested.shapes(D) == whole.shapes(D)
    params, buffers = draw_arrays(whole, D, rng)
    x = rng.normal(size=(N, D))
    expected, _ = whole.forward(params, buffers, x, None)
    np.testing.assert_array_equal(nested.forward(params, buffers, x, None)[0], expected)


@pytest.mark.parametrize(
    ("sizes", "n_weights", "n_params"),
    [((3072, 100, 10), 308_200, 308_310), ((3, 4, 4, 1), 32, 41)],
)
def test_numbers_of_weights_and_parameters(sizes, n_weights, n_params):
    first, *others = sizes
    shapes = chain(*(linear(n, he) for n in others)).shapes(first)
    assert sum(np.prod(s) for s in shapes.weights) == n_weights
    assert n_weights + sum(np.prod(s) for s in shapes.others) == n_params
    assert shapes.n_outputs == others[-1]


# the worked examples of backpropagation


def node(function, gradient, seen=None):
    """Return a layer made by hand: of ``function(x)`` and ``gradient(x, dy)``."""

    def forward(params, buffers, x, training):
        def backward(dy, grads, needs_dx=True):
            d_x = gradient(x, dy)
            if seen is not None:
                seen.append(float(d_x.ravel()[0]))
            return d_x

        return function(x), backward

    return Layer(lambda n: Shapes([], [], [], n), lambda *_: None, forward)


ADD = node(  # (x, y, z) -> (x + y, z)
    lambda x: np.stack([x[:, 0] + x[:, 1], x[:, 2]], axis=1),
    lambda x, dy: dy[:, [0, 0, 1]],
)

MULTIPLY = node(lambda x: x[:, :1] * x[:, 1:], lambda x, dy: dy * x[:, ::-1])


def test_sum_then_product():
    x, d_y = np.array([[-2.0, 5, -4]]), np.ones((1, 1))
    y, d_x, _ = run(chain(ADD, MULTIPLY), [], [], x, None, d_y)
    assert y == -12
    assert d_x.tolist() == [[-4, -4, 3]]
    _, of_sum, _ = run(MULTIPLY, [], [], np.array([[3.0, -4]]), None, d_y)
    assert of_sum[0, 0] == -4


def test_sigmoid_neuron():
    layer = chain(linear(1, he), sigmoid())
    params, x = [np.array([[2.0], [-3]]), np.array([-3.0])], np.array([[-1.0, -2]])
    y, d_x, (d_W, d_b) = run(layer, params, [], x, None, np.ones((1, 1)))
    assert y[0, 0] == pytest.approx(0.7311, abs=5e-5)
    assert d_b[0] == pytest.approx(0.1966, abs=5e-5)  # the slope
    np.testing.assert_allclose(d_W[:, 0], [-0.1966, -0.3932], atol=5e-5)
    np.testing.assert_allclose(d_x, [[0.3932, -0.5898]], atol=5e-5)


def test_sigmoid_neuron_node_by_node():
    seen = []
    nodes = chain(
        node(np.negative, lambda x, dy: -dy, seen),
        node(np.exp, lambda x, dy: np.exp(x) * dy, seen),
        node(lambda x: x + 1, lambda x, dy: dy, seen),
        node(lambda x: 1 / x, lambda x, dy: -dy / x**2, seen),
    )
    x, d_y = np.ones((1, 1)), np.ones((1, 1))  # 2 * -1 - 3 * -2 - 3
    y, d_x, _ = run(nodes, [], [], x, None, d_y)
    np.testing.assert_allclose(seen, [-0.5344, -0.5344, -0.1966, 0.1966], atol=5e-5)
    expected = run(sigmoid(), [], [], x, None, d_y)
    np.testing.assert_allclose([y, d_x], expected[:2], rtol=1e-14)


def test_squared_length():
    W, x = np.array([[0.1, 0.5], [-0.3, 0.8]]), np.array([[0.2, 0.4]])
    squares = node(
        lambda x: (x**2).sum(axis=1, keepdims=True), lambda x, dy: 2 * x * dy
    )
    layer = chain(linear(2, he, bias=False), squares)
    y, d_x, (d_W,) = run(layer, [W.T], [], x, None, np.ones((1, 1)))
    np.testing.assert_allclose(x @ W.T, [[0.22, 0.26]])
    assert y[0, 0] == pytest.approx(0.116)
    np.testing.assert_allclose(d_W.T, [[0.088, 0.176], [0.104, 0.208]])
    np.testing.assert_allclose(d_x, [[-0.112, 0.636]])


def test_jacobian_of_relu_is_diagonal(rng):
    x = rng.normal(size=(1, 9))
    rows = [run(relu(), [], [], x, None, unit[None])[1][0] for unit in np.eye(9)]
    np.testing.assert_array_equal(rows, np.diag((x[0] > 0).astype(float)))
    assert 0 < np.sum(rows) < 9


def test_jacobian_of_relu_is_never_built(peak_of, rng):
    x = rng.normal(size=(1, 4096))
    assert peak_of(lambda: run(relu(), [], [], x, None, x)) < 10 * x.nbytes
