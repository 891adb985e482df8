"""Networks: flat vectors and their views, objectives, running statistics."""

import numpy as np
import pytest
import torch
from skvision._training.layers import (
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
from torch.optim.swa_utils import update_bn

from skvision._training.losses import (
    sigmoid_cross_entropy,
    sigmoid_squared_error,
    smoothed,
    softmax_cross_entropy,
    squared_hinge,
    weston_watkins,
)
from skvision._training.minimize import minimize
from skvision._training.moments import learn_standard
from skvision._training.network import (
    batch_objective,
    learn_statistics,
    network,
    whole_objective,
)
from skvision._training.optimizers import adam, sgd
from skvision._training.penalties import elastic_net, l2
from skvision._training.schedules import constant
from skvision._training.sources import ArraySource, Augmented, Standardized
from skvision.inspection import gradient_check

N, D = 50, 5


def plain():
    return network(chain(linear(4, he), elu(), linear(3, xavier)), D)


def with_batch_norm(activation=relu):
    layers = linear(4, he), batch_norm(), activation(), linear(3, xavier)
    return network(chain(*layers), D)


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
    W1, W2, b1, gain, shift, b2 = net.views(params)
    return W1.T, b1, gain, shift, W2.T, b2


# the two vectors


def test_views_lie_in_order_weights_first():
    net = with_batch_norm()
    params = np.arange(float(net.n_params))
    views = net.views(params)
    shapes = [(D, 4), (4, 3), (4,), (4,), (4,), (3,)]
    assert [view.shape for view in views] == shapes
    np.testing.assert_array_equal(np.concatenate([v.ravel() for v in views]), params)
    assert net.n_weights == D * 4 + 4 * 3
    assert net.n_params == net.n_weights + 4 + 4 + 4 + 3
    statistics = np.arange(8.0)
    assert net.n_statistics == 8
    np.testing.assert_array_equal(
        net.statistics(statistics), np.arange(8).reshape(2, 4)
    )


def test_views_share_memory():
    net = with_batch_norm()
    params, statistics = np.zeros(net.n_params), np.zeros(net.n_statistics)
    for views, vector in (
        (net.views(params), params),
        (net.statistics(statistics), statistics),
    ):
        for i, view in enumerate(views):
            assert np.shares_memory(view, vector)
            view[...] = i + 1
        assert (vector > 0).all()


def test_weight_slices_are_those_of_the_weights():
    net = with_batch_norm()
    params = np.arange(float(net.n_params))
    slices = net.weight_slices()
    assert slices == [slice(0, 20), slice(20, 32)]
    for part, view in zip(slices, net.views(params), strict=False):
        np.testing.assert_array_equal(params[part], view.ravel())


def test_a_network_without_arrays_has_empty_vectors(X):
    net = network(tanh(), D)
    assert net.n_weights == net.n_params == net.n_statistics == 0
    assert net.views(np.empty(0)) == net.weight_slices() == []
    out = net.outputs(np.empty(0), np.empty(0), Standardized(ArraySource(X)))
    np.testing.assert_array_equal(out, np.tanh(X))


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
    net = network(chain(*(linear(n, he) for n in sizes[1:])), sizes[0])
    assert net.n_weights == n_weights
    assert net.n_params == n_params


def test_start():
    net = network(chain(linear(200, he), batch_norm(), linear(50, xavier)), 300)
    params, statistics = net.start(np.random.default_rng(0))
    assert params.dtype == statistics.dtype == np.float64
    W1, W2, b1, gain, shift, b2 = net.views(params)
    for W, deviation in ((W1, he(300, 200)), (W2, xavier(200, 50))):
        assert W.std() == pytest.approx(deviation, rel=4 / np.sqrt(2 * W.size))
    assert not any(zeros.any() for zeros in (b1, shift, b2))
    assert (gain == 1).all()
    mean, variance = net.statistics(statistics)
    assert not mean.any()
    assert (variance == 1).all()
    np.testing.assert_array_equal(net.start(np.random.default_rng(0))[0], params)
    assert (net.start(np.random.default_rng(1))[0] != params).any()


# outputs


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("block_bytes", [1, 900, 10**9])
def test_outputs_are_those_of_one_forward_pass(dtype, block_bytes, monkeypatch, rng):
    monkeypatch.setattr(Standardized.blocks, "__defaults__", (block_bytes,))
    net, X = with_batch_norm(elu), rng.uniform(0, 255, (N, D)).astype(dtype)
    inputs = Standardized(
        ArraySource(X), learn_standard(ArraySource(X), np.full(N, 1 / N), None)
    )
    params, statistics = (a.astype(inputs.dtype) for a in start(net, rng))
    before = statistics.copy()
    out = net.outputs(params, statistics, inputs)
    assert out.dtype == inputs.dtype
    assert out.shape == (N, 3)
    W1, W2, b1, gain, shift, b2 = net.views(params.astype(float))
    mean, variance = net.statistics(statistics.astype(float))
    x = (X.astype(float) - X.mean(axis=0, dtype=float)) / X.std(axis=0, dtype=float)
    x = gain * (x @ W1 + b1 - mean) / np.sqrt(variance + 1e-5) + shift
    expected = np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1) @ W2 + b2
    tol = 1e-12 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(out, expected, rtol=tol, atol=tol)
    np.testing.assert_array_equal(statistics, before)


def test_outputs_of_no_rows():
    net = plain()
    out = net.outputs(
        np.zeros(net.n_params), np.empty(0), Standardized(ArraySource(np.empty((0, D))))
    )
    assert out.shape == (0, 3)


def test_nothing_is_drawn_at_prediction(X, labels, rng):
    net = network(chain(dropout(0.5), linear(3, he)), D)
    params, _ = start(net, rng)
    inputs = Standardized(ArraySource(X))
    out = net.outputs(params, np.empty(0), inputs)
    W, b = net.views(params)
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
            of_torch.copy_(torch.from_numpy(net.statistics(statistics)[i]))
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
    mean, variance = net.statistics(statistics)
    np.testing.assert_allclose(mean, module[1].running_mean, rtol=1e-12)
    np.testing.assert_allclose(variance, module[1].running_var, rtol=1e-12)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_gradients_equal_differences(loss, X, labels, weights, rng):
    net = with_batch_norm(tanh)
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
    net = network(chain(linear(6, he), dropout(0.5), tanh(), linear(3, he)), D)
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
    net, counts = with_batch_norm(tanh), np.arange(N) % 4
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
        results.append((*of_whole, *of_all, net.statistics(own)[0]))
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
    net = with_batch_norm(tanh)
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
    mean, variance = net.statistics(statistics)
    np.testing.assert_allclose(mean, module[1].running_mean, rtol=1e-12)
    np.testing.assert_allclose(variance, module[1].running_var, rtol=1e-12)


def test_learned_statistics_are_a_mean_of_those_of_the_batches(X, weights, rng):
    net = with_batch_norm()
    params = start(net, rng)[0]
    weights[[0, 1, 20, 21]] = 1  # in no batch are all zero
    batches = np.split(np.arange(N), [7, 20, 30])
    W, _, b = net.views(params)[:3]
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
    return minimize(
        objective,
        params,
        np.arange(len(X)),
        optimizer=optimizer,
        state=optimizer.init(params),
        schedule=constant(rate),
        batch_size=len(X),
        max_iter=n_epochs,
        tol=0.0,
        n_iter_no_change=n_epochs,
        rng=None,
        parts=net.weight_slices(),
    )


def test_first_loss_is_the_logarithm_of_the_number_of_classes(rng):
    net = network(chain(linear(100, he), relu(), linear(10, lambda *_: 1e-3)), 50)
    params, _ = net.start(rng)
    X, labels = rng.normal(size=(200, 50)), rng.integers(0, 10, 200)
    value, _ = softmax_cross_entropy(
        net.outputs(params, np.empty(0), Standardized(ArraySource(X))), labels
    )
    assert value == pytest.approx(2.3026, abs=5e-3)


def test_a_net_of_enough_width_learns_20_pictures_by_heart(rng):
    X, labels = rng.normal(size=(20, 48)), np.arange(20) % 10
    net = network(chain(linear(50, he), relu(), linear(10, he)), 48)
    params, _ = net.start(rng)
    result = train(net, params, X, labels, softmax_cross_entropy, adam(), 0.01, 100)
    out = net.outputs(result.params, np.empty(0), Standardized(ArraySource(X)))
    assert (out.argmax(axis=1) == labels).all()
    assert np.shape(result.update_ratios) == (100, 2)


XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


def test_one_hidden_layer_of_four_learns_xor(rng):
    net = network(chain(linear(4, lambda *_: 1.0), sigmoid(), linear(1, xavier)), 2)
    for _ in range(3):
        params, _ = net.start(rng)
        result = train(net, params, *XOR, sigmoid_cross_entropy, sgd(), 0.5, 500)
        out = net.outputs(result.params, np.empty(0), Standardized(ArraySource(XOR[0])))
        assert ((out[:, 0] > 0) == XOR[1]).all()


def test_weights_of_zero_stay_identical_and_never_learn_xor():
    net = network(chain(linear(4, he), sigmoid(), linear(1, he)), 2)
    params = np.zeros(net.n_params)
    result = train(net, params, *XOR, sigmoid_cross_entropy, sgd(), 0.5, 300)
    W, _, b, _ = net.views(result.params)
    assert (W == W[:, :1]).all()
    assert (b == b[0]).all()
    out = net.outputs(result.params, np.empty(0), Standardized(ArraySource(XOR[0])))
    assert ((out[:, 0] > 0) == XOR[1]).sum() < 4


# the gradient by rows, as the network predicts


def test_input_gradients_are_those_of_torch(rng, X):
    net = with_batch_norm()
    params, statistics = start(net, rng)
    module = module_of(net, params).eval()
    mean, variance = (torch.from_numpy(part) for part in net.statistics(statistics))
    module[1].running_mean.copy_(mean)
    module[1].running_var.copy_(variance)
    standard = learn_standard(ArraySource(X), np.full(N, 1 / N), None)
    d_outputs = rng.normal(size=(N, 3))

    x = torch.from_numpy(X).requires_grad_()
    z = (x - torch.from_numpy(standard.mean)) / torch.from_numpy(standard.deviation)
    module(z).backward(torch.from_numpy(d_outputs))
    found = net.input_gradients(
        params, statistics, Standardized(ArraySource(X), standard), d_outputs
    )
    np.testing.assert_allclose(found, x.grad.numpy(), atol=1e-12)


def test_input_gradients_are_float32_for_bytes_and_come_in_blocks(rng, monkeypatch):
    net = with_batch_norm(tanh)
    params, statistics = start(net, rng)
    X = rng.integers(0, 9, (N, D)).astype(np.uint8)
    d_outputs = rng.normal(size=(N, 3))
    whole = net.input_gradients(
        params, statistics, Standardized(ArraySource(X)), d_outputs
    )
    exact = Standardized(ArraySource(X.astype(float)))
    expected = net.input_gradients(params, statistics, exact, d_outputs)
    assert (whole.dtype, expected.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(whole, expected, atol=1e-5)
    monkeypatch.setattr(Standardized.blocks, "__defaults__", (1,))
    found = net.input_gradients(params, statistics, exact, d_outputs)
    np.testing.assert_allclose(found, expected, atol=1e-12)
