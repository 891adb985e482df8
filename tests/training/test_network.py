"""Networks: outputs, objectives, running statistics, gradients by inputs."""

import numpy as np
import pytest
import torch
from mini_batches import minimize_in_batches
from torch.nn import functional as F
from torch.optim.swa_utils import update_bn

from skvision._layers.activations import ELU, ReLU, Sigmoid, Tanh
from skvision._layers.batch_norm import BatchNorm
from skvision._layers.dense import Dense
from skvision._layers.dropout import Dropout
from skvision._layers.network import Network, views
from skvision._layers.sequential import Sequential
from skvision._training.losses import (
    sigmoid_cross_entropy,
    sigmoid_squared_error,
    smoothed,
    softmax_cross_entropy,
    squared_hinge,
    weston_watkins,
)
from skvision._training.moments import learn_standard
from skvision._training.network import (
    batch_objective,
    input_gradients,
    learn_statistics,
    network_outputs,
    whole_objective,
)
from skvision._training.optimizers import adam, sgd
from skvision._training.penalties import elastic_net, l2
from skvision._training.schedules import constant
from skvision._training.sources import ArraySource, Augmented, Standardized
from skvision.inspection import gradient_check

N, D = 50, 5


def network(*layers, n_inputs=D):
    return Network(Sequential(*layers), (n_inputs,))


def plain():
    return network(Dense(4), ELU(), Dense(3))


def with_batch_norm(activation=ReLU):
    return network(Dense(4), BatchNorm(), activation(), Dense(3))


@pytest.fixture
def X(rng):
    return 3 + 2 * rng.normal(size=(N, D))


@pytest.fixture
def labels(rng):
    return rng.integers(0, 3, N)


@pytest.fixture
def weights(rng):
    weights = rng.random(N) * (np.arange(N) % 4)  # some are zero
    return weights / weights.mean()


def start(net, rng):
    """Return parameters and statistics that are neither zero nor one."""
    params = rng.normal(size=net.n_params)
    return params, 0.5 + rng.random(net.n_statistics)


def module_of(net, params):
    """Return the network with batch norm and ReLU in torch."""
    module = torch.nn.Sequential(
        torch.nn.Linear(D, 4),
        torch.nn.BatchNorm1d(4),
        torch.nn.ReLU(),
        torch.nn.Linear(4, 3),
    ).double()
    with torch.no_grad():
        for variable, ours in zip(
            module.parameters(), in_order_of_torch(net, params), strict=True
        ):
            variable.copy_(torch.from_numpy(ours))
    return module


def in_order_of_torch(net, params):
    W1, b1, gain, shift, W2, b2 = views(net.parameters, params)
    return W1.T, b1, gain, shift, W2.T, b2


# outputs


def test_outputs_of_a_network_without_arrays(X):
    net = network(Tanh())
    out = network_outputs(net, np.empty(0), np.empty(0), Standardized(ArraySource(X)))
    np.testing.assert_array_equal(out, np.tanh(X))


def test_hidden_outputs_are_those_of_the_first_part(X, rng):
    hidden = Sequential(Dense(4), BatchNorm(), Tanh())
    net = network(hidden, Dense(3))
    params, statistics = start(net, rng)
    inputs = Standardized(ArraySource(X))
    found = network_outputs(net, params, statistics, inputs, hidden=True)
    n = 4 * 3  # weights of the last layer, after those of the first
    own = np.concatenate([params[: D * 4], params[D * 4 + n : -3]])
    expected = network_outputs(Network(hidden, (D,)), own, statistics, inputs)
    assert found.shape == (N, 4)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("block_bytes", [1, 900, 10**9])
def test_outputs_are_those_of_one_forward_pass(dtype, block_bytes, monkeypatch, rng):
    monkeypatch.setattr(Standardized.blocks, "__defaults__", (block_bytes,))
    net, X = with_batch_norm(ELU), rng.uniform(0, 255, (N, D)).astype(dtype)
    inputs = Standardized(
        ArraySource(X), learn_standard(ArraySource(X), np.full(N, 1 / N), None)
    )
    params, statistics = (a.astype(inputs.dtype) for a in start(net, rng))
    before = statistics.copy()
    out = network_outputs(net, params, statistics, inputs)
    assert out.dtype == inputs.dtype
    assert out.shape == (N, 3)
    W1, b1, gain, shift, W2, b2 = views(net.parameters, params.astype(float))
    mean, variance = statistics.astype(float).reshape(2, 4)
    x = (X.astype(float) - X.mean(axis=0, dtype=float)) / X.std(axis=0, dtype=float)
    x = gain * (x @ W1 + b1 - mean) / np.sqrt(variance + 1e-5) + shift
    expected = np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1) @ W2 + b2
    tol = 1e-12 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(out, expected, rtol=tol, atol=tol)
    np.testing.assert_array_equal(statistics, before)


def test_outputs_of_no_rows():
    net = plain()
    out = network_outputs(
        net,
        np.zeros(net.n_params),
        np.empty(0),
        Standardized(ArraySource(np.empty((0, D)))),
    )
    assert out.shape == (0, 3)


def test_nothing_is_drawn_at_prediction(X, labels, rng):
    net = network(Dropout(0.5), Dense(3))
    params, _ = start(net, rng)
    inputs = Standardized(ArraySource(X))
    out = network_outputs(net, params, np.empty(0), inputs)
    W, b = views(net.parameters, params)
    np.testing.assert_allclose(out, X @ W + b, rtol=1e-12)
    value, _ = whole_objective(
        net,
        np.empty(0),
        inputs,
        labels,
        np.full(N, 1 / N),
        loss=softmax_cross_entropy,
        penalty=l2(0.0),
    )(params)
    expected, _ = softmax_cross_entropy(X @ W + b, labels)
    assert value == pytest.approx(expected, rel=1e-12)


# objectives


LOSSES = {
    "softmax": softmax_cross_entropy,
    "smoothed": smoothed(softmax_cross_entropy, 0.1),
    "hinge": squared_hinge(weston_watkins(1.0)),
    "squares": sigmoid_squared_error,
}


def both(net, statistics, inputs, labels, weights, rng, **options):
    """Return the objective of a batch and the whole."""
    options = {"loss": softmax_cross_entropy, "penalty": l2(0.1)} | options
    rest = net, statistics, inputs, labels
    of_batch = batch_objective(*rest, weights, rng=rng, **options)
    return of_batch, whole_objective(*rest, weights / weights.sum(), **options)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("block_bytes", [1, 10**9])
def test_all_rows_as_one_batch_are_the_whole(
    loss, block_bytes, X, labels, weights, monkeypatch, rng
):
    monkeypatch.setattr(Standardized.blocks, "__defaults__", (block_bytes,))
    net = plain()
    params, _ = start(net, rng)
    inputs = Standardized(
        ArraySource(X), learn_standard(ArraySource(X), np.full(N, 1 / N), None)
    )
    options = {"loss": loss, "penalty": elastic_net(0.1, 0.3)}
    of_batch, whole = both(net, np.empty(0), inputs, labels, weights, rng, **options)
    value, gradient = of_batch(params, rng.permutation(N))
    expected = whole(params)
    assert type(value) is type(expected[0]) is float
    assert value == pytest.approx(expected[0], rel=1e-12)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-10, atol=1e-12)


def test_mean_over_all_batches_is_the_whole(X, labels, weights, rng):
    net = plain()
    params, _ = start(net, rng)
    of_batch, whole = both(
        net, np.empty(0), Standardized(ArraySource(X)), labels, weights, rng
    )
    batches = rng.permutation(N).reshape(5, 10)
    seen = [(v, g.copy()) for v, g in (of_batch(params, b) for b in batches)]
    expected = whole(params)
    assert np.mean([v for v, _ in seen]) == pytest.approx(expected[0], rel=1e-12)
    gradient = np.mean([g for _, g in seen], axis=0)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("in_training", [True, False])
def test_value_gradient_and_statistics_equal_torch(in_training, X, labels, rng):
    net, alpha = with_batch_norm(), 0.3
    params, statistics = start(net, rng)
    module = module_of(net, params)
    with torch.no_grad():
        for i, of_torch in enumerate((module[1].running_mean, module[1].running_var)):
            of_torch.copy_(torch.from_numpy(statistics.reshape(2, 4)[i]))
    weights = np.ones(N) if in_training else rng.random(N)
    of_batch, whole = both(
        net,
        statistics,
        Standardized(ArraySource(X)),
        labels,
        weights,
        rng,
        penalty=l2(alpha),
    )
    batch = rng.permutation(N)[:20] if in_training else np.arange(N)
    value, gradient = of_batch(params, batch) if in_training else whole(params)
    module.train(in_training)
    losses = F.cross_entropy(
        module(torch.from_numpy(X[batch])),
        torch.from_numpy(labels[batch]),
        reduction="none",
    )
    squares = module[0].weight.square().sum() + module[3].weight.square().sum()
    sample_weight = weights[batch] / weights[batch].sum()
    expected = torch.from_numpy(sample_weight) @ losses + alpha / 2 * squares
    expected.backward()
    assert value == pytest.approx(expected.item(), rel=1e-12)
    for ours, variable in zip(
        in_order_of_torch(net, gradient), module.parameters(), strict=True
    ):
        np.testing.assert_allclose(ours, variable.grad, rtol=1e-10, atol=1e-10)
    mean, variance = statistics.reshape(2, 4)
    np.testing.assert_allclose(mean, module[1].running_mean, rtol=1e-12)
    np.testing.assert_allclose(variance, module[1].running_var, rtol=1e-12)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_gradients_equal_differences(loss, X, labels, weights, rng):
    net = with_batch_norm(Tanh)
    params, statistics = start(net, rng)
    of_batch, whole = both(
        net, statistics, Standardized(ArraySource(X)), labels, weights, rng, loss=loss
    )
    batch = np.array([3, 9, 2, 11, 6, 3, 43])
    for objective in (lambda p: of_batch(p, batch), whole):
        check = gradient_check(objective, params, n_coordinates=None)
        assert check.passed, check
        assert not check.is_kink.any()


def test_gradient_of_dropout_equals_differences_for_one_draw(X, labels, weights, rng):
    net = network(Dense(6), Dropout(0.5), Tanh(), Dense(3))
    params, _ = start(net, rng)

    def objective(params):
        of_batch, _ = both(
            net,
            np.empty(0),
            Standardized(ArraySource(X)),
            labels,
            weights,
            np.random.default_rng(5),
        )
        return of_batch(params, np.arange(N))

    check = gradient_check(objective, params, n_coordinates=None)
    assert check.passed, check


def test_weights_are_rows_that_often(X, labels, rng):
    net, counts = with_batch_norm(Tanh), np.arange(N) % 4
    twice = np.repeat(np.arange(N), counts)
    params, statistics = start(net, rng)
    results = []
    for rows, weights in (
        (np.arange(N), counts / counts.mean()),
        (twice, np.ones(len(twice))),
    ):
        inputs, own = Standardized(ArraySource(X[rows])), statistics.copy()
        of_batch, whole = both(net, own, inputs, labels[rows], weights, rng)
        of_whole = whole(params)
        of_all = of_batch(params, np.arange(len(rows)))
        results.append((*of_whole, *of_all, own[:4]))
    for ours, repeated in zip(*results, strict=True):
        np.testing.assert_allclose(ours, repeated, rtol=1e-10, atol=1e-12)


def test_batches_change_the_statistics_and_the_whole_does_not(X, labels, weights, rng):
    net = with_batch_norm()
    params, statistics = start(net, rng)
    of_batch, whole = both(
        net, statistics, Standardized(ArraySource(X)), labels, weights, rng
    )
    before = statistics.copy()
    whole(params)
    np.testing.assert_array_equal(statistics, before)
    of_batch(params, np.arange(9))
    assert (statistics != before).all()


def test_gradient_is_that_of_the_last_call_alone(X, labels, weights, rng):
    net = with_batch_norm()
    params, statistics = start(net, rng)
    of_batch, whole = both(
        net, statistics, Standardized(ArraySource(X)), labels, weights, rng
    )
    for objective in (lambda p: of_batch(p, np.arange(20)), whole):
        first = objective(params)[1].copy()
        objective(2 * params)
        np.testing.assert_allclose(objective(params)[1], first, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_dtypes(dtype, labels, weights, rng):
    X = rng.uniform(0, 255, (N, D)).astype(dtype)
    net = with_batch_norm(Tanh)
    params, statistics = start(net, rng)
    exact, got = [], []
    for rows, results in ((X.astype(float), exact), (X, got)):
        inputs = Standardized(
            ArraySource(rows),
            learn_standard(ArraySource(rows), np.full(N, 1 / N), None),
        )
        of_dtype = params.astype(inputs.dtype)
        own = statistics.astype(inputs.dtype)
        of_batch, whole = both(net, own, inputs, labels, weights, rng)
        of_whole = whole(params)
        assert of_whole[1].dtype == np.float64
        value, gradient = of_batch(of_dtype, np.arange(N))
        assert gradient.dtype == inputs.dtype
        results += [*of_whole, value, gradient, own]
    tol = 1e-12 if dtype == np.float64 else 1e-4
    for ours, expected in zip(got, exact, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=tol, atol=tol)


def test_training_augments_its_batches(labels, rng):
    X = rng.integers(0, 250, (N, D), np.uint8)

    def brighter(rows, rng):
        assert rng is generator
        return rows + np.uint8(5)

    net, generator = plain(), rng
    params = start(net, rng)[0].astype(np.float32) / 100
    values = [
        both(net, np.empty(0), inputs, labels, np.ones(N), generator)[0](
            params, np.arange(9)
        )[0]
        for inputs in (
            Standardized(Augmented(ArraySource(X), brighter, rng)),
            Standardized(ArraySource(X + np.uint8(5))),
        )
    ]
    assert values[0] == values[1]


# running statistics of parameters


def test_learned_statistics_are_those_of_torch(X, rng):
    net = with_batch_norm()
    params, _ = start(net, rng)
    module = module_of(net, params)
    batches = np.split(rng.permutation(N), [7, 20, 22])
    update_bn([torch.from_numpy(X[batch]) for batch in batches], module)
    statistics = learn_statistics(
        net, params, Standardized(ArraySource(X)), np.ones(N), batches, rng
    )
    assert statistics.dtype == np.float64
    mean, variance = statistics.reshape(2, 4)
    np.testing.assert_allclose(mean, module[1].running_mean, rtol=1e-12)
    np.testing.assert_allclose(variance, module[1].running_var, rtol=1e-12)


def test_learned_statistics_are_a_mean_of_those_of_the_batches(X, weights, rng):
    net = with_batch_norm()
    params = start(net, rng)[0]
    weights[[0, 1, 20, 21]] = 1  # in no batch are all zero
    batches = np.split(np.arange(N), [7, 20, 30])
    W, b = views(net.parameters, params)[:2]
    means, variances = [], []
    for batch in batches:
        x, counts = X[batch] @ W + b, weights[batch]
        means.append(np.average(x, axis=0, weights=counts))
        squares = np.average((x - means[-1]) ** 2, axis=0, weights=counts)
        variances.append(squares * len(batch) / (len(batch) - 1))
    statistics = learn_statistics(
        net, params, Standardized(ArraySource(X)), weights, batches, rng
    )
    expected = np.concatenate([np.mean(means, axis=0), np.mean(variances, axis=0)])
    np.testing.assert_allclose(statistics, expected, rtol=1e-12)


def test_learned_statistics_of_bytes_are_float32_and_augmented(rng):
    X = rng.integers(0, 250, (N, D), np.uint8)
    net = with_batch_norm()
    params = start(net, rng)[0].astype(np.float32)
    batches = [np.arange(20), np.arange(20, N)]
    brighter = Augmented(ArraySource(X), lambda rows, rng: rows + np.uint8(5), rng)
    ours, expected = (
        learn_statistics(net, params, Standardized(source), np.ones(N), batches, rng)
        for source in (brighter, ArraySource(X + np.uint8(5)))
    )
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, expected)


# training


def train(net, params, X, labels, loss, optimizer, rate, n_epochs):
    """Train on all rows at once, and return the result."""
    statistics = np.empty(0)
    objective = batch_objective(
        net,
        statistics,
        Standardized(ArraySource(X)),
        labels,
        np.ones(len(X)),
        loss=loss,
        penalty=l2(0.0),
        rng=np.random.default_rng(0),
    )
    return minimize_in_batches(
        objective,
        params,
        np.arange(len(X)),
        optimizer=optimizer,
        schedule=constant(rate),
        batch_size=len(X),
        max_iter=n_epochs,
        n_iter_no_change=n_epochs,
        parts=[slot.place for slot in net.weights],
    )


def test_first_loss_is_the_logarithm_of_the_number_of_classes(rng):
    net = network(Dense(100), ReLU(), Dense(10), n_inputs=50)
    params, _ = net.start(rng)
    views(net.weights, params)[1][...] = 1e-3 * rng.normal(size=(100, 10))
    X, labels = rng.normal(size=(200, 50)), rng.integers(0, 10, 200)
    value, _ = softmax_cross_entropy(
        network_outputs(net, params, np.empty(0), Standardized(ArraySource(X))), labels
    )
    assert value == pytest.approx(2.3026, abs=5e-3)


def test_a_net_of_enough_width_learns_20_images_by_heart(rng):
    X, labels = rng.normal(size=(20, 48)), np.arange(20) % 10
    net = network(Dense(50), ReLU(), Dense(10), n_inputs=48)
    params, _ = net.start(rng)
    result = train(net, params, X, labels, softmax_cross_entropy, adam(), 0.01, 100)
    out = network_outputs(net, result.params, np.empty(0), Standardized(ArraySource(X)))
    assert (out.argmax(axis=1) == labels).all()
    assert np.shape(result.update_ratios) == (100, 2)


XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


def test_one_hidden_layer_of_four_learns_xor(rng):
    net = network(Dense(4), Sigmoid(), Dense(1, initializer="xavier"), n_inputs=2)
    for _ in range(3):
        params, _ = net.start(rng)
        result = train(net, params, *XOR, sigmoid_cross_entropy, sgd(), 0.5, 500)
        out = network_outputs(
            net, result.params, np.empty(0), Standardized(ArraySource(XOR[0]))
        )
        assert ((out[:, 0] > 0) == XOR[1]).all()


def test_weights_of_zero_stay_identical_and_never_learn_xor():
    net = network(Dense(4), Sigmoid(), Dense(1), n_inputs=2)
    params = np.zeros(net.n_params)
    result = train(net, params, *XOR, sigmoid_cross_entropy, sgd(), 0.5, 300)
    W, b, _, _ = views(net.parameters, result.params)
    assert (W == W[:, :1]).all()
    assert (b == b[0]).all()
    out = network_outputs(
        net, result.params, np.empty(0), Standardized(ArraySource(XOR[0]))
    )
    assert ((out[:, 0] > 0) == XOR[1]).sum() < 4


# the gradient by rows, as the network predicts


def test_input_gradients_are_those_of_torch(rng, X):
    net = with_batch_norm()
    params, statistics = start(net, rng)
    module = module_of(net, params).eval()
    mean, variance = (torch.from_numpy(part) for part in statistics.reshape(2, 4))
    module[1].running_mean.copy_(mean)
    module[1].running_var.copy_(variance)
    standard = learn_standard(ArraySource(X), np.full(N, 1 / N), None)
    d_outputs = rng.normal(size=(N, 3))

    x = torch.from_numpy(X).requires_grad_()
    z = (x - torch.from_numpy(standard.mean)) / torch.from_numpy(standard.deviation)
    module(z).backward(torch.from_numpy(d_outputs))
    found = input_gradients(
        net, params, statistics, Standardized(ArraySource(X), standard), d_outputs
    )
    np.testing.assert_allclose(found, x.grad.numpy(), atol=1e-12)


def test_input_gradients_are_float32_for_bytes_and_come_in_blocks(rng, monkeypatch):
    net = with_batch_norm(Tanh)
    params, statistics = start(net, rng)
    X = rng.integers(0, 9, (N, D)).astype(np.uint8)
    d_outputs = rng.normal(size=(N, 3))
    whole = input_gradients(
        net, params, statistics, Standardized(ArraySource(X)), d_outputs
    )
    exact = Standardized(ArraySource(X.astype(float)))
    expected = input_gradients(net, params, statistics, exact, d_outputs)
    assert (whole.dtype, expected.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(whole, expected, atol=1e-5)
    monkeypatch.setattr(Standardized.blocks, "__defaults__", (1,))
    found = input_gradients(net, params, statistics, exact, d_outputs)
    np.testing.assert_allclose(found, expected, atol=1e-12)
