"""What is true of distances and searches beyond the definitions of their kernels."""

import numpy as np
import pytest
from kernels.cases import DTYPES, norms_of

from skvision._kernels import distances, nearest, read_only, sketches
from skvision._neighbors.packed_bits import PackedBits


def all_distances(name, A, B):
    """Return the distances of all pairs by the kernel."""
    out = np.empty((len(A), len(B)))
    everything = np.tile(np.arange(len(B)), (len(A), 1))
    A, B, metric = read_only(A), read_only(B), getattr(distances, name)
    distances.distances_to(metric, A, B, everything, norms_of(A), norms_of(B), out)
    return out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["L1", "L2", "COSINE", "CHI2", "CHEBYSHEV"])
def test_equal_rows_have_no_distance(name, dtype, rng):
    A = rng.integers(1, 256, (5, 50)).astype(dtype)
    np.testing.assert_array_equal(np.diag(all_distances(name, A, A)), 0)


@pytest.mark.parametrize("size", [1, 8, 33, 64, 200])
def test_bounds_of_bits_are_their_distances(size, rng):
    A, B = (rng.integers(0, 256, (n, size), dtype=np.uint8) for n in (4, 5))
    sketch = PackedBits(size)
    codes, errors = sketch.codes(A, np.ones(4), None, of_queries=True)
    row_codes, row_errors = sketch.codes(B, np.ones(5), None)
    assert not (errors.any() or row_errors.any())
    expected = all_distances("HAMMING", A, B)
    np.testing.assert_array_equal(sketch.bounds(codes, row_codes), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_directions_that_nearly_agree(dtype):
    """One minus a cosine would lose all its digits."""
    A = np.array([[100, 100, 0]], dtype)
    B = np.array([[100, 101, 0], [200, 200, 0], [50, 50, 0]], dtype)
    cosine = 20100 / np.sqrt(20000 * 20201)
    got = all_distances("COSINE", A, B)
    np.testing.assert_allclose(got[0, 0], 2 - 2 * cosine, rtol=1e-9)
    np.testing.assert_array_equal(got[0, 1:], 0)
    if dtype == np.float64:
        step = 1e-9
        near = all_distances("COSINE", np.array([[1.0, 0]]), np.array([[1.0, step]]))
        np.testing.assert_allclose(near, step**2, rtol=1e-6)


@pytest.mark.parametrize("n_features", [33_025, 40_000])
def test_cosines_of_bytes_whose_products_overflow(n_features):
    A = np.full((1, n_features), 255, np.uint8)
    assert all_distances("COSINE", A, A) == 0


@pytest.mark.parametrize(("power", "name"), [(1, "L1"), (2, "L2")])
def test_refine_computes_what_bounds_do_not_exclude(power, name, rng):
    A = read_only(rng.integers(1, 256, (6, 5), dtype=np.uint8))
    B = read_only(rng.integers(1, 256, (300, 5), dtype=np.uint8))
    exact = all_distances(name, A, B).astype(np.float32)
    metric, none = getattr(distances, name), np.zeros(len(A))
    pairs = nearest.Pairs(metric, A, B, 7, norms_of(A), norms_of(B))
    counts = []
    for values in (exact, np.zeros_like(exact), exact * np.float32(0.6)):
        heaps = np.full((len(A), 4), np.inf), np.full((len(A), 4), -1)
        bounds = nearest.Bounds(values, power, 1.0, none, none)
        counts.append(nearest.refine(pairs, bounds, *heaps))
    assert 4 * len(A) <= counts[0] < counts[2] < counts[1] == exact.size


def test_the_largest_bound_is_above_what_a_bound_can_be():
    largest_bound = nearest.largest_bound
    assert largest_bound(np.inf, 2, 1.0, 0.0, -1.0) == np.inf
    assert largest_bound(100.0, 1, 0.5, 2.0, 0.0) == np.float32(51 * 1.000001)
    assert 26 <= largest_bound(100.0, 2, 0.5, 2.0, -10.0) < 26.001
    assert largest_bound(0.0, 2, 1.0, 0.0, -4.0) > -4


def test_rows_of_zeros_have_no_inverse_norm():
    out = np.empty(1)
    with np.errstate(all="ignore"):
        distances.inverse_norms(read_only(np.zeros((1, 3))), out)
    assert not np.isfinite(out)


@pytest.mark.parametrize("name", ["L2", "COSINE", "CHI2", "HELLINGER"])
def test_embedding_is_no_farther_than_the_distance(name, rng):
    rows = rng.random((8, 20))
    out, squares = np.empty((8, 20), np.float32), np.empty(8)
    metric, center = getattr(distances, name), rng.random(20)
    data = read_only(rows), norms_of(rows), read_only(center)
    sketches.embed(metric, *data, 0.5, out, squares)
    np.testing.assert_allclose(squares, (out.astype(float) ** 2).sum(1), rtol=1e-5)
    embedded = all_distances("L2", out, out) * 4
    exact = all_distances(name, rows, rows)
    assert (embedded <= exact * (1 + 1e-5) + 1e-6).all()
    if name != "CHI2":
        np.testing.assert_allclose(embedded, exact, rtol=1e-4, atol=1e-5)
