"""Batch norm: running statistics, weights of rows, images, columns that never vary."""

import numpy as np
import pytest
import torch
from layers.cases import CASES, D, N, all_of, draw_arrays, forward, in_training, run

from skvision._layers.batch_norm import BatchNorm
from skvision._layers.layer import Training
from skvision._layers.network import Network

ONE = np.repeat([1.0, 0.0], D)  # gains and shifts that change nothing
SHAPES = pytest.mark.parametrize("shape", [(D,), (4, 3, D)], ids=["rows", "images"])


def start(layer, shape=(D,)):
    return Network(layer, shape).start(np.random.default_rng(0))


def all_but_the_channels(x):
    return tuple(range(x.ndim - 1))


@SHAPES
def test_first_batch_norm_changes_next_to_nothing_at_prediction(shape, rng):
    params, statistics = start(BatchNorm(), shape)
    np.testing.assert_array_equal(params, [1] * D + [0] * D)
    np.testing.assert_array_equal(statistics, [0] * D + [1] * D)
    x = rng.normal(size=(N, *shape))
    y = forward(BatchNorm(), params, statistics, x, None)
    np.testing.assert_allclose(y, x / np.sqrt(1 + 1e-5), rtol=1e-14)


@pytest.mark.parametrize(
    ("shape", "module"),
    [((D,), torch.nn.BatchNorm1d), ((4, 3, D), torch.nn.BatchNorm2d)],
    ids=["rows", "images"],
)
def test_running_statistics_after_several_batches_are_those_of_torch(
    shape, module, rng
):
    module = module(D, eps=1e-3, momentum=0.1, dtype=torch.float64)

    def by_torch(x):
        channel_first = torch.from_numpy(np.moveaxis(x, -1, 1))
        return np.moveaxis(module(channel_first).detach().numpy(), 1, -1)

    layer = BatchNorm(1e-3)
    params, statistics = start(layer, shape)
    for n in (2, 9, 3, 30, 8):
        x = 3 + 2 * rng.normal(size=(n, *shape))
        y = forward(layer, params, statistics, x, in_training())
        np.testing.assert_allclose(y, by_torch(x), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(statistics[:D], module.running_mean, rtol=1e-10)
    np.testing.assert_allclose(statistics[D:], module.running_var, rtol=1e-10)
    module.eval()
    before = statistics.copy()
    y = forward(layer, params, statistics, x, None)
    np.testing.assert_allclose(y, by_torch(x), rtol=1e-10)
    np.testing.assert_array_equal(statistics, before)


@SHAPES
def test_batch_is_standardized_whatever_its_offset(shape, rng):
    for dtype, offset in ((np.float64, 1e6), (np.float32, 1e3)):
        x = (offset + 5 * rng.normal(size=(200, *shape))).astype(dtype)
        statistics = np.zeros(2 * D, dtype)
        y = forward(BatchNorm(), ONE.astype(dtype), statistics, x, in_training())
        axes = all_but_the_channels(x)
        np.testing.assert_allclose(y.mean(axis=axes), 0, atol=1e-3)
        np.testing.assert_allclose(y.std(axis=axes), 1, rtol=1e-3)


@SHAPES
def test_momentum_of_one_forgets_what_was(shape, rng):
    x, statistics = rng.normal(size=(N, *shape)), np.full(2 * D, 7.0)
    training = in_training()._replace(momentum=1.0)
    forward(BatchNorm(), ONE, statistics, x, training)
    axes = all_but_the_channels(x)
    np.testing.assert_allclose(statistics[:D], x.mean(axis=axes), atol=1e-14)
    np.testing.assert_allclose(statistics[D:], x.var(axis=axes, ddof=1), rtol=1e-13)


@SHAPES
@pytest.mark.parametrize("n", [1, 6])
def test_rows_that_do_not_vary_become_the_shift(n, shape, rng):
    x, (params, statistics) = np.full((n, *shape), 0.3), np.ones((2, 2 * D))
    y, d_x, gradient = run(
        BatchNorm(), params, statistics, x, in_training(), rng.normal(size=x.shape)
    )
    np.testing.assert_allclose(y, 1, atol=1e-12)
    assert all(np.isfinite(a).all() for a in (d_x, gradient))
    axes = all_but_the_channels(x)
    np.testing.assert_allclose(d_x.sum(axis=axes), 0, atol=1e-10)
    np.testing.assert_allclose(statistics[D:], 0.9)


@SHAPES
@pytest.mark.parametrize("name", ["batch_norm", "dense", "tanh"])
def test_a_weight_of_k_is_the_row_k_times(name, shape, rng):
    layer, counts = CASES[name].layer, np.array([1, 2, 3, 0, 1, 2, 1, 4])
    twice = np.repeat(np.arange(N), counts)
    x, d_y = (rng.normal(size=(N, *s)) for s in (shape, layer.shape(shape)))
    params, before = draw_arrays(layer, shape, rng)
    statistics, of_repeated = before.copy(), before.copy()
    weights = 0.7 * counts  # whose scale does not matter
    d_y_weighted = np.reshape(counts, (N,) + (1,) * (d_y.ndim - 1)) * d_y
    y, d_x, gradient = run(
        layer, params, statistics, x, in_training(weights), d_y_weighted
    )
    y_2, d_x_2, gradient_2 = run(
        layer, params, of_repeated, x[twice], in_training(), d_y[twice]
    )
    np.testing.assert_allclose(y[twice], y_2, rtol=1e-12, atol=1e-12)
    summed = np.zeros_like(d_x)
    np.add.at(summed, twice, d_x_2)
    np.testing.assert_allclose(d_x, summed, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradient, gradient_2, rtol=1e-12, atol=1e-12)
    if name == "batch_norm":
        np.testing.assert_allclose(statistics[:D], of_repeated[:D], rtol=1e-12)
        pixels = np.prod(shape[:-1], dtype=int)
        variances = [
            (after[D:] - 0.9 * before[D:]) / 0.1 * (n - 1) / n
            for after, n in (
                (statistics, N * pixels),
                (of_repeated, len(twice) * pixels),
            )
        ]
        np.testing.assert_allclose(*variances, rtol=1e-12)


def test_an_image_is_normalized_by_channel(rng):
    x = rng.normal(size=(N, 4, 3, D)) * np.arange(1, D + 1) + np.arange(D)
    weights = rng.random(N)
    params, statistics = draw_arrays(BatchNorm(), x.shape[1:], rng)
    y = forward(BatchNorm(), params, statistics, x, in_training(weights))
    for channel, (gain, shift) in enumerate(params.reshape(2, D).T):
        values, of_channel = x[..., channel], y[..., channel]
        by_pixel = np.broadcast_to(weights[:, None, None], values.shape)
        mean = np.average(values, weights=by_pixel)
        variance = np.average((values - mean) ** 2, weights=by_pixel)
        expected = gain * (values - mean) / np.sqrt(variance + 1e-5) + shift
        np.testing.assert_allclose(of_channel, expected, rtol=1e-10, atol=1e-12)


def test_arrays_of_images_are_those_of_their_channels():
    arrays = Network(BatchNorm(), (4, 3, D)).arrays(*start(BatchNorm(), (4, 3, D)))
    for name in ("params", "buffers"):
        assert [array.shape for array in all_of(arrays, name)] == [(D,), (D,)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batch_norm_of_a_constant_column_is_its_shift(dtype, rng):
    params = np.array([1, 1, 0, 0], dtype)
    x = rng.normal(size=(37, 2)).astype(dtype)
    x[:, 1] = 1234567.8
    weights = rng.random(37).astype(dtype)
    statistics = np.zeros(4, dtype)
    y = forward(BatchNorm(), params, statistics, x, Training(rng, weights))
    assert not y[:, 1].any()
    assert np.average(y[:, 0], weights=weights) == pytest.approx(0, abs=1e-5)
