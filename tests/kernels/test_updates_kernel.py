"""The steps of the optimizers, each against NumPy; also run without compilation."""

import numpy as np
import pytest

from skvision._kernels import updates as kernel

DTYPES = [np.float32, np.float64]
pytestmark = pytest.mark.parametrize("dtype", DTYPES)


@pytest.fixture(params=[0, 1, 37])
def vectors(request, rng, dtype):
    """Return parameters, gradients and two states, the last not negative."""
    p, g, v, s = rng.normal(size=(4, request.param)).astype(dtype)
    return p, g, v, s * s


def assert_close(got, expected):
    assert got.shape == expected.shape
    rtol = 8 * np.finfo(got.dtype).eps
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol)


def test_sgd(vectors):
    p, g, _, _ = vectors
    expected = p - 0.1 * g
    kernel.sgd(p, g, 0.1)
    assert_close(p, expected)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_with_momentum(nesterov, vectors):
    p, g, v, _ = vectors
    velocity = 0.9 * v + g
    expected = p - 0.1 * (g + 0.9 * velocity if nesterov else velocity)
    kernel.sgd_with_momentum(p, g, v, 0.1, 0.9, nesterov)
    assert_close(v, velocity)
    assert_close(p, expected)


def test_adagrad(vectors):
    p, g, _, s = vectors
    total = s + g**2
    expected = p - 0.1 * g / (np.sqrt(total) + 0.01)
    kernel.adagrad(p, g, s, 0.1, 0.01)
    assert_close(s, total)
    assert_close(p, expected)


def test_rmsprop(vectors):
    p, g, _, s = vectors
    mean_square = 0.99 * s + 0.01 * g**2
    expected = p - 0.1 * g / (np.sqrt(mean_square) + 0.01)
    kernel.rmsprop(p, g, s, 0.1, 0.99, 0.01)
    assert_close(s, mean_square)
    assert_close(p, expected)


@pytest.mark.parametrize("t", [1, 10, 10**6])
def test_adam(t, vectors):
    p, g, m, s = vectors
    mean, mean_square = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
    corrected = mean / (1 - 0.9**t), mean_square / (1 - 0.999**t)
    decayed = np.where(np.arange(p.size) < 20, (1 - 0.1 * 0.5) * p, p)
    expected = decayed - 0.1 * corrected[0] / (np.sqrt(corrected[1]) + 0.01)
    kernel.adam(p, g, m, s, t, 0.1, 0.9, 0.999, 0.01, 0.5, 0.0, min(20, p.size))
    assert_close(m, mean)
    assert_close(s, mean_square)
    assert_close(p, expected)


def test_adam_with_l2(vectors):
    p, g, m, s = vectors
    with_penalty = [p.copy(), g + np.where(np.arange(p.size) < 20, 0.3 * p, 0)]
    with_penalty += [m.copy(), s.copy()]
    with_penalty[1] = with_penalty[1].astype(p.dtype)
    rates = 9, 0.1, 0.9, 0.999, 0.01, 0.0
    kernel.adam(*with_penalty, *rates, 0.0, 0)
    kernel.adam(p, g, m, s, *rates, 0.3, min(20, p.size))
    for got, expected in zip(
        (p, m, s), (with_penalty[i] for i in (0, 2, 3)), strict=True
    ):
        np.testing.assert_allclose(
            got, expected, rtol=1e-4 if p.dtype == np.float32 else 1e-12
        )


def test_add_to_average(vectors):
    average = np.zeros_like(vectors[0])
    for t, params in enumerate(vectors, start=1):
        kernel.add_to_average(average, params, t)
    assert_close(average, np.mean(vectors, axis=0))


def test_grads_stay_and_scalars_may_be_integers(dtype):
    p, g, v = np.ones(3, dtype), np.full(3, 2, dtype), np.zeros(3, dtype)
    g.flags.writeable = False
    kernel.sgd_with_momentum(p, g, v, 1, 0, False)
    np.testing.assert_array_equal([p, g, v], [[-1] * 3, [2] * 3, [2] * 3])


def averages(p, g, v, s):
    """Do one step of each optimizer whose averages shrink; return the averages."""
    m, mean_square = v.copy(), s.copy()
    kernel.sgd_with_momentum(p, g, v, 0.1, 0.9, True)
    kernel.rmsprop(p, g, s, 0.1, 0.99, 1e-8)
    kernel.adam(p, g, m, mean_square, 9, 0.1, 0.9, 0.999, 1e-8, 0.0, 0.0, 0)
    return np.array([v, s, m, mean_square])


def test_averages_of_zero_never_become_subnormal(dtype):
    tiny = np.finfo(dtype).tiny
    p, g, v = np.zeros((3, 2), dtype)
    v[:] = tiny, 2 * tiny
    shrunk = averages(p, g, v, v.copy())
    assert not shrunk[:, 0].any()
    np.testing.assert_allclose(shrunk[:, 1] / tiny, [1.8, 1.98, 1.8, 1.998], rtol=1e-6)


def test_nan_is_not_hidden(dtype):
    p, g, v, s = np.zeros((4, 2), dtype)
    g[:] = np.nan
    assert np.isnan(averages(p, g, v, s)).all()
    assert np.isnan(p).all()
