"""The kernels of distances, each against NumPy; also run without compilation."""

import numpy as np
import pytest

from skvision._kernels import byte_blocks, byte_sums, distances, jit, sketches
from skvision._kernels import nearest as search
from skvision._packed_bits import PackedBits

METRICS = {
    "L1": lambda a, b: np.abs(a - b).sum(-1),
    "L2": lambda a, b: ((a - b) ** 2).sum(-1),
    "COSINE": lambda a, b: (
        (
            a / np.linalg.norm(a, axis=-1, keepdims=True)
            - b / np.linalg.norm(b, axis=-1, keepdims=True)
        )
        ** 2
    ).sum(-1),
    "CHI2": lambda a, b: ((a - b) ** 2 / np.where(a + b > 0, a + b, 1)).sum(-1),
    "HELLINGER": lambda a, b: ((np.sqrt(a) - np.sqrt(b)) ** 2).sum(-1),
    "CHEBYSHEV": lambda a, b: np.abs(a - b).max(-1),
}
DTYPES = [np.uint8, np.float32, np.float64]


def reference(name, A, B):
    return METRICS[name](A.astype(float)[:, None], B.astype(float)[None])


def norms_of(A):
    out = np.empty(len(A))
    with np.errstate(all="ignore"):  # of rows of zeros
        distances.inverse_norms(A, out)
    return out


def all_distances(name, A, B):
    """Return the distances of all pairs by the kernel."""
    out = np.empty((len(A), len(B)))
    everything = np.tile(np.arange(len(B)), (len(A), 1))
    metric = getattr(distances, name)
    distances.distances_to(metric, A, B, everything, norms_of(A), norms_of(B), out)
    return out


@jit
def _sums(A, B, first, last):
    return (
        byte_sums.l1(A, 0, B, 1, first, last),
        byte_sums.squared_l2(A, 0, B, 1, first, last),
        byte_sums.dot(A, 0, B, 1, first, last),
    )


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 31, 63, 64, 65, 100, 129, 200])
def test_sums_of_bytes(size, rng):
    A, B = rng.integers(0, 256, (2, 2, size + 3), dtype=np.uint8)
    A[0, 2:size:5], B[1, 2:size:5] = 0, 255
    a, b = A[0, 2 : 2 + size].astype(int), B[1, 2 : 2 + size].astype(int)
    expected = np.abs(a - b).sum(), ((a - b) ** 2).sum(), (a * b).sum()
    assert _sums(A, B, 2, 2 + size) == expected


@jit
def _blocks(A, B, limit):
    return (
        byte_blocks.largest_difference(A, 1, B, 2, limit),
        byte_blocks.count_differing_bits(A, 1, B, 2),
    )


@pytest.mark.parametrize("size", [1, 7, 8, 9, 15, 17, 63, 65, 255, 256, 257, 600])
def test_largest_differences_and_differing_bits_of_bytes(size, rng):
    A, B = rng.integers(100, 120, (2, 3, size), dtype=np.uint8)
    for at in {0, size // 2, size - 1}:  # wherever the largest difference is
        for a, b in [(0, 255), (255, 0), (130, 100), (100, 100)]:
            A[1, at], B[2, at] = a, b
            x, y = A[1].astype(int), B[2].astype(int)
            bits = np.unpackbits(A[1] ^ B[2]).sum()
            largest = np.abs(x - y).max()
            for limit in (255, largest):
                assert _blocks(A, B, limit) == (largest, bits)
            assert _blocks(A, B, largest - 1)[0] > largest - 1


@pytest.mark.parametrize("size", [1, 8, 33, 64, 200])
def test_numbers_of_differing_bits(size, rng):
    A, B = (rng.integers(0, 256, (n, size), dtype=np.uint8) for n in (4, 5))
    bits = np.unpackbits(A, axis=1), np.unpackbits(B, axis=1)
    expected = (bits[0][:, None] != bits[1][None]).sum(axis=-1)
    np.testing.assert_array_equal(all_distances("HAMMING", A, B), expected)
    sketch = PackedBits(size)
    norms = np.ones(5)
    codes, errors = sketch.codes(A, norms, None, of_queries=True)
    row_codes, row_errors = sketch.codes(B, norms, None)
    assert not (errors.any() or row_errors.any())
    np.testing.assert_array_equal(sketch.bounds(codes, row_codes), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_features", [1, 70, 300])
def test_largest_differences_up_to_a_limit(dtype, n_features, rng):
    A = rng.integers(0, 256, (4, n_features)).astype(dtype)
    B = rng.integers(0, 256, (5, n_features)).astype(dtype)
    expected = reference("CHEBYSHEV", A, B)
    for limit in np.unique(expected):
        got = up_to(float(limit), A, B)
        within = expected <= limit
        np.testing.assert_array_equal(got[within], expected[within])
        assert (got[~within] > limit).all()


@jit
def _up_to(limit, A, B, none, out):
    for i in range(len(A)):
        for j in range(len(B)):
            out[i, j] = distances.distance_up_to(
                limit, distances.CHEBYSHEV, A, i, B, j, none, none
            )


def up_to(limit, A, B):
    out = np.empty((len(A), len(B)))
    _up_to(limit, A, B, np.ones(9), out)
    return out


def test_sums_of_whole_vectors_of_bytes(rng):
    A, B = rng.integers(0, 256, (2, 20, 128), dtype=np.uint8)
    out = np.empty((20, 20), np.float32)
    sketches.byte_l1_block(A, B, out)
    np.testing.assert_array_equal(out, reference("L1", A, B))


@pytest.mark.parametrize("n_features", [1, 50])
@pytest.mark.parametrize("dtypes", [*zip(DTYPES, DTYPES, strict=True), DTYPES[:2]])
@pytest.mark.parametrize("name", METRICS)
def test_distance(name, dtypes, n_features, rng):
    A = rng.integers(0, 256, (4, n_features)).astype(dtypes[0])
    B = rng.integers(0, 256, (5, n_features)).astype(dtypes[1])
    A[0], B[0], B[1] = 255, 1, A[1]
    if n_features > 1:
        A[2, :9], B[2, 5:12] = 0, 0
    got = all_distances(name, A, B)
    np.testing.assert_allclose(got, reference(name, A, B), rtol=1e-12, atol=1e-14)
    assert got[1, 1] == 0
    if name in ("L1", "L2", "CHEBYSHEV"):
        np.testing.assert_array_equal(got, reference(name, A, B))


@pytest.mark.parametrize("n_features", [33_025, 40_000])
def test_bytes_as_far_apart_as_can_be(n_features):
    """Squares overflow an int32 from 33,026 features."""
    A = np.zeros((1, n_features), np.uint8)
    assert all_distances("L1", A, A + 255) == 255 * n_features
    assert all_distances("L2", A, A + 255) == 255**2 * n_features
    assert all_distances("COSINE", A + 255, A + 255) == 0


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


def test_differences_are_taken_before_they_are_summed():
    """A square expanded into products would lose all digits here."""
    A = np.array([[1e8, 1e8]])
    assert all_distances("L2", A, A + [[1e-3, 0]])[0, 0] == (1e8 + 1e-3 - 1e8) ** 2


def nearest(function, A, B, n_neighbors, name="L1"):
    found = np.full((len(A), n_neighbors), np.inf), np.full((len(A), n_neighbors), -1)
    function(getattr(distances, name), A, B, 7, norms_of(A), norms_of(B), *found)
    search.sort_heaps(*found)
    return found


@pytest.mark.parametrize("n_neighbors", [1, 2, 5, 30, 31, 60])
def test_scan_keeps_the_nearest_and_of_ties_the_first(n_neighbors, rng):
    A = rng.integers(1, 4, (9, 3), dtype=np.uint8)  # very many ties
    B = rng.integers(1, 4, (60, 3), dtype=np.uint8)
    expected = reference("L1", A, B)
    order = np.argsort(expected, axis=1, kind="stable")[:, :n_neighbors]
    got, indices = nearest(search.scan, A, B, n_neighbors)
    np.testing.assert_array_equal(indices, order + 7)
    np.testing.assert_array_equal(got, np.take_along_axis(expected, order, 1))


@pytest.mark.parametrize("name", ["L1", "L2", "CHEBYSHEV"])
@pytest.mark.parametrize("limit", [0, 3, 5, 1000])
def test_what_is_within_a_limit(name, limit, rng):
    A = rng.integers(0, 4, (9, 3), dtype=np.uint8)
    B = rng.integers(0, 4, (60, 3), dtype=np.uint8)
    exact = reference(name, A, B)
    expected = np.argwhere(exact <= limit)
    bounds, none = exact.astype(np.float32) * np.float32(0.9), np.zeros(9)
    by_bounds = bounds, 1 if name == "L1" else 2, 1.0, none, none
    for function, rest in [
        (search.scan_within, ()),
        (search.refine_within, by_bounds),
    ]:
        found, got = np.empty((exact.size, 2), np.int64), np.empty(exact.size)
        metric = getattr(distances, name)
        n = function(
            metric, A, B, 7, none, np.zeros(60), *rest, float(limit), found, got
        )
        if rest:
            n, n_computed = n
            assert len(expected) <= n_computed <= np.sum(0.89 * exact <= limit)
        order = np.lexsort((found[:n, 1], found[:n, 0]))
        np.testing.assert_array_equal(found[:n][order], expected + [0, 7])
        np.testing.assert_array_equal(got[:n][order], exact[tuple(expected.T)])


@pytest.mark.parametrize(("power", "name"), [(1, "L1"), (2, "L2")])
def test_refine_computes_what_bounds_do_not_rule_out(power, name, rng):
    A = rng.integers(1, 256, (6, 5), dtype=np.uint8)
    B = rng.integers(1, 256, (300, 5), dtype=np.uint8)
    exact = reference(name, A, B).astype(np.float32)
    expected = nearest(search.scan, A, B, 4, name)
    counts = []
    for bounds in (exact, np.zeros_like(exact), exact * np.float32(0.6)):
        none = np.zeros(len(A))

        def refine(*arguments, rest=(bounds, power, 1.0, none, none)):
            counts.append(search.refine(*arguments[:-2], *rest, *arguments[-2:]))

        found = nearest(refine, A, B, 4, name)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])
    assert 4 * len(A) <= counts[0] < counts[2] < counts[1] == exact.size


def test_the_limit_is_above_what_a_bound_can_be():
    assert search._limit(np.inf, 2, 1.0, 0.0, -1.0) == np.inf
    assert search._limit(100.0, 1, 0.5, 2.0, 0.0) == np.float32(51 * 1.000001)
    assert search._limit(100.0, 2, 0.5, 2.0, -10.0) >= 36 - 10
    assert search._limit(100.0, 2, 0.5, 2.0, -10.0) < 26.001
    assert search._limit(0.0, 2, 1.0, 0.0, -4.0) > -4


def test_inverse_norms():
    rows = np.array([[3.0, 4], [3e-200, 4e-200], [3e200, 4e200]])
    np.testing.assert_allclose(norms_of(rows), 1 / (5 * np.array([1, 1e-200, 1e200])))
    assert not np.isfinite(norms_of(np.zeros((1, 3))))


@pytest.mark.parametrize("name", ["L2", "COSINE", "CHI2", "HELLINGER"])
def test_embedding_is_no_farther_than_the_distance(name, rng):
    rows = rng.random((8, 20))
    out, squares = np.empty((8, 20), np.float32), np.empty(8)
    metric, center = getattr(distances, name), rng.random(20)
    sketches.embed(metric, rows, norms_of(rows), center, 0.5, out, squares)
    np.testing.assert_allclose(squares, (out.astype(float) ** 2).sum(1), rtol=1e-5)
    embedded = reference("L2", out, out) * 4
    exact = reference(name, rows, rows)
    assert (embedded <= exact * (1 + 1e-5) + 1e-6).all()
    if name != "CHI2":
        np.testing.assert_allclose(embedded, exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_pooled_bytes(dtype, rng):
    rows = rng.integers(0, 256, (5, 12)).astype(dtype)
    rows[0], rows[1] = 0, 255
    groups = np.array([0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 2, 2], np.uint32)
    codes, errors, sums = np.zeros((5, 64), np.uint8), np.empty(5), np.empty(3)
    sketches.pool(rows, groups, sums, 0.0, 4.0, 0.0, codes, errors)
    expected = np.stack([rows[:, groups == g].sum(1, dtype=float) for g in range(3)], 1)
    np.testing.assert_array_equal(codes[:, :3], np.rint(expected / 4))
    np.testing.assert_array_equal(codes[:, 3:], 0)
    np.testing.assert_array_equal(errors, np.abs(4.0 * codes[:, :3] - expected).sum(1))
