"""Dropout: what it drops, what it keeps, and the random numbers that it draws."""

import numpy as np
import pytest
from layers.cases import NOTHING, D, N, forward, in_training, run

from skvision._layers.dropout import Dropout


def dropped(rate, shape, seed, dtype=float):
    """Return what it makes of ones, and of ones on the way back."""
    ones = np.ones(shape, dtype)
    rest = NOTHING, NOTHING, ones, in_training(seed=seed), ones
    return run(Dropout(rate), *rest)[:2]


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(500, 400), (500, 10, 10, 4)])
def test_dropout_keeps_the_mean_and_drops_its_fraction(rate, shape):
    y, d_x = dropped(rate, shape, seed=0)
    assert y.shape == d_x.shape == shape
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
    batches = [
        forward(Dropout(0.5), NOTHING, NOTHING, first, training) for _ in range(2)
    ]
    assert (batches[0] != batches[1]).any()


@pytest.mark.parametrize("shape", [(D,), (4, 3, 2)])
def test_dropout_scales_what_it_keeps(shape, rng):
    x, d_y = rng.normal(size=(2, N, *shape))
    y, d_x, _ = run(Dropout(0.25), NOTHING, NOTHING, x, in_training(), d_y)
    kept = y != 0
    assert 0 < kept.sum() < x.size
    np.testing.assert_allclose(y[kept], x[kept] / 0.75, rtol=1e-15)
    np.testing.assert_allclose(d_x, kept * d_y / 0.75, rtol=1e-15)


@pytest.mark.parametrize("shape", [(D,), (4, 3, 2)])
@pytest.mark.parametrize(("rate", "training"), [(0.5, None), (0.0, in_training())])
def test_dropout_does_nothing_at_prediction_or_at_rate_zero(rate, training, shape, rng):
    x, d_y = rng.normal(size=(2, N, *shape))
    before = None if training is None else training.rng.bit_generator.state
    y, d_x, _ = run(Dropout(rate), NOTHING, NOTHING, x, training, d_y)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(d_x, d_y)
    if training is not None:  # nor is anything drawn
        assert training.rng.bit_generator.state == before
