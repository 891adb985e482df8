"""What is true of the steps of optimizers beyond their definitions."""

import numpy as np
import pytest

from skvision._kernels import updates as kernel

pytestmark = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def averages(p, g, v, s):
    """Do one step of each optimizer whose averages shrink; return the averages."""
    m, mean_square = v.copy(), s.copy()
    kernel.sgd_with_momentum(p, g, v, 0.1, 0.9, True)
    kernel.rmsprop(p, g, s, 0.1, 0.99, 1e-8)
    constants = kernel.AdamConstants(0.9, 0.999, 1e-8, 0.0, 0.0, 0)
    kernel.adam(p, g, m, mean_square, 9, 0.1, constants)
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


def test_a_running_mean_is_the_mean(dtype, rng):
    vectors = rng.normal(size=(4, 37)).astype(dtype)
    average = np.zeros(37, dtype)
    for t, params in enumerate(vectors, start=1):
        kernel.add_to_average(average, params, t)
    rtol = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(average, vectors.mean(axis=0), rtol=rtol, atol=rtol)
