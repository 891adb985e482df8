"""What is true of the steps of HOG beyond the definitions of its kernels."""

import numpy as np

from skvision._kernels import gradients, hog


def test_length_is_rounded_correctly_but_for_one_in_a_hundred(rng):
    dx, dy = rng.normal(size=(2, 2000))
    got = np.array([gradients._length(x, y) for x, y in zip(dx, dy, strict=True)])
    exact = np.sqrt(dx.astype(np.longdouble) ** 2 + dy.astype(np.longdouble) ** 2)
    np.testing.assert_allclose(got, exact.astype(float), rtol=2.3e-16)
    assert (got == exact.astype(float)).mean() > 0.99
    with np.errstate(invalid="ignore"):
        assert gradients._length(0.0 * dx[0], 0.0 * dx[0]) == 0


def test_boundaries_that_are_nan_are_not_counted():
    ratio = np.array([-np.inf, -1.0, 0.0, 3.0, np.inf])
    boundaries = np.array([2.0, 0.0, -1.0, -1.5, -5.0, np.nan, np.nan, np.nan])
    counts = np.zeros(5, np.uint32)
    hog._count_boundaries(ratio, boundaries, counts)
    np.testing.assert_array_equal(counts, (ratio[:, None] <= boundaries).sum(axis=1))
