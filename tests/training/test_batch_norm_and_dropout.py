"""Layers: first weights, batch norm and dropout."""

import numpy as np
import pytest
import torch
from layers_and_torch import CASES, D, N, draw_arrays, in_training, run
from skvision._training.layers import (
    Training,
    batch_norm,
    chain,
    dropout,
    he,
    linear,
    relu,
    xavier,
)

# first values


@pytest.mark.parametrize(
    ("deviation", "expected"), [(he, (2 / 300) ** 0.5), (xavier, (2 / 500) ** 0.5)]
)
def test_first_weights_have_the_deviation_asked_for(deviation, expected, rng):
    layer = linear(200, deviation)
    W, b = np.empty((300, 200)), np.full(200, np.nan)
    layer.init([W, b], [], rng)
    assert W.std() == pytest.approx(expected, rel=4 / np.sqrt(2 * W.size))
    assert abs(W.mean()) < 4 * expected / np.sqrt(W.size)
    assert not b.any()
    again = np.empty_like(W)
    layer.init([again, b], [], np.random.default_rng(0))  # as the fixture
    np.testing.assert_array_equal(again, W)


def test_he_keeps_the_scale_through_many_relus(rng):
    layer = chain(*[linear(300, he), relu()] * 12, linear(300, he))
    shapes = layer.shapes(300)
    params = [np.empty(s) for s in shapes.weights + shapes.others]
    layer.init(params, [], rng)
    y, _ = layer.forward(params, [], rng.normal(size=(50, 300)), None)
    assert 0.7 < np.sqrt((y**2).mean() / 2) < 1.4


def test_first_batch_norm_changes_next_to_nothing_at_prediction(rng):
    layer = batch_norm()
    params, buffers = np.full((2, 2, D), np.nan)
    layer.init(params, buffers, rng)
    np.testing.assert_array_equal(params, [[1] * D, [0] * D])
    np.testing.assert_array_equal(buffers, [[0] * D, [1] * D])
    x = rng.normal(size=(N, D))
    y, _ = layer.forward(params, buffers, x, None)
    np.testing.assert_allclose(y, x / np.sqrt(1 + 1e-5), rtol=1e-14)


# batch norm


def test_running_statistics_after_several_batches_are_those_of_torch(rng):
    module = torch.nn.BatchNorm1d(D, eps=1e-3, momentum=0.1, dtype=torch.float64)
    layer, (params, buffers) = batch_norm(1e-3), np.empty((2, 2, D))
    layer.init(params, buffers, rng)
    for n in (2, 9, 3, 30, 8):
        x = 3 + 2 * rng.normal(size=(n, D))
        y, _ = layer.forward(params, buffers, x, in_training())
        np.testing.assert_allclose(
            y, module(torch.from_numpy(x)).detach(), rtol=1e-10, atol=1e-10
        )
    np.testing.assert_allclose(buffers[0], module.running_mean, rtol=1e-10)
    np.testing.assert_allclose(buffers[1], module.running_var, rtol=1e-10)
    module.eval()
    before = buffers.copy()
    y, _ = layer.forward(params, buffers, x, None)
    np.testing.assert_allclose(y, module(torch.from_numpy(x)).detach(), rtol=1e-10)
    np.testing.assert_array_equal(buffers, before)


def test_batch_is_standardized_whatever_its_offset(rng):
    params = [np.ones(D), np.zeros(D)]
    for dtype, offset in ((np.float64, 1e6), (np.float32, 1e3)):
        x = (offset + 5 * rng.normal(size=(200, D))).astype(dtype)
        of_dtype = [p.astype(dtype) for p in params]
        y, _ = batch_norm().forward(of_dtype, np.zeros((2, D), dtype), x, in_training())
        np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-3)
        np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-3)


def test_momentum_of_one_forgets_what_was(rng):
    x, buffers = rng.normal(size=(N, D)), np.full((2, D), 7.0)
    training = in_training()._replace(momentum=1.0)
    batch_norm().forward([np.ones(D), np.zeros(D)], buffers, x, training)
    np.testing.assert_allclose(buffers[0], x.mean(axis=0), atol=1e-14)
    np.testing.assert_allclose(buffers[1], x.var(axis=0, ddof=1), rtol=1e-13)


@pytest.mark.parametrize("n", [1, 6])
def test_rows_that_do_not_vary_become_the_shift(n, rng):
    x, (params, buffers) = np.full((n, D), 0.3), np.ones((2, 2, D))
    y, d_x, grads = run(
        batch_norm(), params, buffers, x, in_training(), rng.normal(size=(n, D))
    )
    np.testing.assert_allclose(y, 1, atol=1e-12)
    assert all(np.isfinite(a).all() for a in (d_x, *grads))
    np.testing.assert_allclose(d_x.sum(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(buffers[1], 0.9)


@pytest.mark.parametrize("name", ["batch_norm", "linear", "tanh"])
def test_a_weight_of_k_is_the_row_k_times(name, rng):
    layer, counts = CASES[name].layer, np.array([1, 2, 3, 0, 1, 2, 1, 4])
    twice = np.repeat(np.arange(N), counts)
    x, d_y = rng.normal(size=(N, D)), rng.normal(size=(N, layer.shapes(D).n_outputs))
    params, buffers = draw_arrays(layer, D, rng)
    of_repeated, before = [b.copy() for b in buffers], [b.copy() for b in buffers]
    weights = 0.7 * counts  # whose scale does not matter
    y, d_x, grads = run(
        layer, params, buffers, x, in_training(weights), counts[:, None] * d_y
    )
    y_2, d_x_2, grads_2 = run(
        layer, params, of_repeated, x[twice], in_training(), d_y[twice]
    )
    np.testing.assert_allclose(y[twice], y_2, rtol=1e-12, atol=1e-12)
    summed = np.zeros_like(d_x)
    np.add.at(summed, twice, d_x_2)
    np.testing.assert_allclose(d_x, summed, rtol=1e-12, atol=1e-12)
    for ours, expected in zip(grads, grads_2, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-12)
    if name == "batch_norm":
        np.testing.assert_allclose(buffers[0], of_repeated[0], rtol=1e-12)
        variances = [
            (after[1] - 0.9 * before[1]) / 0.1 * (n - 1) / n
            for after, n in ((buffers, N), (of_repeated, len(twice)))
        ]
        np.testing.assert_allclose(*variances, rtol=1e-12)


# dropout


def dropped(rate, shape, seed, dtype=float):
    """Return what it makes of ones, and of ones on the way back."""
    ones = np.ones(shape, dtype)
    y, d_x, _ = run(dropout(rate), [], [], ones, in_training(seed=seed), ones)
    return y, d_x


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean_and_drops_its_fraction(rate):
    y, d_x = dropped(rate, (500, 400), seed=0)
    deviation = np.sqrt(rate * (1 - rate) / y.size)
    assert abs((y == 0).mean() - rate) < 4 * deviation
    assert abs(y.mean() - 1) < 4 * deviation / (1 - rate)
    kept = 1 - round(rate * 2**16) / 2**16
    np.testing.assert_allclose(np.unique(y), [0, 1 / kept], rtol=1e-15)
    np.testing.assert_array_equal(d_x, y)  # the same are dropped on the way back


def test_dropout_is_drawn_from_the_state_of_its_generator():
    first, other = dropped(0.5, (9, 9), seed=0)[0], dropped(0.5, (9, 9), seed=1)[0]
    np.testing.assert_array_equal(first, dropped(0.5, (9, 9), seed=0)[0])
    np.testing.assert_array_equal(first, dropped(0.5, (9, 9), 0, np.float32)[0])
    assert (first != other).any()
    training = in_training(seed=0)
    batches = [dropout(0.5).forward([], [], first, training)[0] for _ in range(2)]
    assert (batches[0] != batches[1]).any()


def test_dropout_scales_what_it_keeps(rng):
    x, d_y = rng.normal(size=(2, N, D))
    y, d_x, _ = run(dropout(0.25), [], [], x, in_training(), d_y)
    kept = y != 0
    assert 0 < kept.sum() < x.size
    np.testing.assert_allclose(y[kept], x[kept] / 0.75, rtol=1e-15)
    np.testing.assert_allclose(d_x, kept * d_y / 0.75, rtol=1e-15)


@pytest.mark.parametrize(("rate", "training"), [(0.5, None), (0.0, in_training())])
def test_dropout_does_nothing_at_prediction_or_at_rate_zero(rate, training, rng):
    x, d_y = rng.normal(size=(2, N, D))
    y, d_x, _ = run(dropout(rate), [], [], x, training, d_y)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(d_x, d_y)
    if training is not None:  # nor is anything drawn
        assert training.rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batch_norm_of_a_constant_column_is_its_shift(dtype, rng):
    layer = batch_norm()
    params, buffers = (
        [np.ones(2, dtype), np.zeros(2, dtype)],
        list(np.zeros((2, 2), dtype)),
    )
    x = rng.normal(size=(37, 2)).astype(dtype)
    x[:, 1] = 1234567.8
    weights = rng.random(37).astype(dtype)
    y, _ = layer.forward(params, buffers, x, Training(rng, weights))
    assert not y[:, 1].any()
    assert np.average(y[:, 0], weights=weights) == pytest.approx(0, abs=1e-5)
