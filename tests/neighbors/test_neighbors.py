"""The search: exact whatever the sketches, on threads, with bounded memory."""

import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skvision import KNNImageClassifier
from skvision._kernels import byte_products, nearest, read_only
from skvision._kernels import distances as kernel
from skvision._neighbors import search as search_module
from skvision._neighbors import sketches
from skvision._neighbors.byte_products import ByteProducts
from skvision._neighbors.search import inverse_norms, nearest_rows, sketch_rows
from skvision._neighbors.sketches import PooledBytes, PrincipalAxes, make_sketch

METRICS = {
    "L1": kernel.L1,
    "L2": kernel.L2,
    "COSINE": kernel.COSINE,
    "CHI2": kernel.CHI2,
    "HELLINGER": kernel.HELLINGER,
}
DTYPES = [np.uint8, np.float32, np.float64]
SHAPE = (12, 16, 3)


def smooth_images(rng, n, dtype=np.uint8, shape=SHAPE):
    """Return flat rows of images whose neighboring pixels are alike."""
    small = rng.random((n, -(-shape[0] // 4), -(-shape[1] // 4), shape[2]))
    large = small.repeat(4, axis=1).repeat(4, axis=2)[:, : shape[0], : shape[1]]
    rows = (200 * large + 20 * rng.random(large.shape)).reshape(n, -1)
    return np.ascontiguousarray(rows.astype(dtype))


def every_distance(queries, rows, metric):
    out = np.empty((len(queries), len(rows)))
    everything = np.tile(np.arange(len(rows)), (len(queries), 1))
    norms = inverse_norms(queries, metric), inverse_norms(rows, metric)
    A, B, *norms = map(read_only, (queries, rows, *norms))
    kernel.distances_to(metric, A, B, everything, *norms, out)
    return out


def assert_nearest(found, queries, rows, metric):
    expected = every_distance(queries, rows, metric)
    order = np.argsort(expected, axis=1, kind="stable")[:, : found[0].shape[1]]
    if queries.dtype == rows.dtype == np.uint8 and metric in (kernel.L1, kernel.L2):
        np.testing.assert_array_equal(found[1], order)
    for got in (found[0], np.take_along_axis(expected, found[1], 1)):
        np.testing.assert_allclose(
            got, np.take_along_axis(expected, order, 1), rtol=1e-12, atol=1e-14
        )


@pytest.fixture
def coarse(monkeypatch):
    """Let coarse sketches be tried on little data, in many steps."""
    monkeypatch.setattr(search_module, "MANY_QUERIES", 100)
    monkeypatch.setattr(search_module, "MANY_ROWS", 100)
    monkeypatch.setattr(search_module, "MANY_FEATURES", 100)
    monkeypatch.setattr(search_module, "TRIAL_QUERIES", 30)
    monkeypatch.setattr(search_module, "ROWS_PER_STEP", 64)
    monkeypatch.setattr(search_module, "AXES_KEPT", 30)
    monkeypatch.setattr(search_module, "FIRST_CANDIDATES", 10)
    monkeypatch.setattr(sketches, "N_AXES", 40)
    monkeypatch.setattr(sketches, "N_POOLS", 30)


@pytest.mark.parametrize("n_queries", [3, 150])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_nearest_rows(metric, dtype, n_queries, rng):
    queries = smooth_images(rng, n_queries, dtype)
    rows = smooth_images(rng, 333, dtype)
    rows[100:120] = rows[:20]
    queries[:2] = rows[:2]
    found = nearest_rows(queries, rows, 7, metric, SHAPE)
    assert_nearest(found, queries, rows, metric)


@pytest.mark.parametrize("dtypes", [*zip(DTYPES, DTYPES, strict=True), DTYPES[:2]])
@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_nearest_rows_by_coarse_sketches(metric, dtypes, coarse, rng, monkeypatch):
    queries = smooth_images(rng, 150, dtypes[0])
    rows = smooth_images(rng, 700, dtypes[1])
    rows[100:120] = rows[:20]
    made = []

    def make(rows, metric, image_shape, coarse):
        made.append(coarse)
        return make_sketch(rows, metric, image_shape, coarse)

    def make_products(rows, metric):
        made.append(False)
        return ByteProducts(rows, metric)

    monkeypatch.setattr(search_module, "make_sketch", make)
    monkeypatch.setattr(search_module, "ByteProducts", make_products)
    monkeypatch.setattr(search_module, "MAX_FRACTION_COMPUTED", 1.0)
    assert_nearest(nearest_rows(queries, rows, 7, metric), queries, rows, metric)
    monkeypatch.setattr(search_module, "MAX_FRACTION_COMPUTED", 0.0)
    monkeypatch.setattr(search_module, "MAX_BYTES_KEPT", 0)
    assert_nearest(nearest_rows(queries, rows, 7, metric), queries, rows, metric)
    assert made == [True, True, False]


@pytest.mark.parametrize("metric", [kernel.L1, kernel.L2])
def test_sketches_rule_out_most_of_smooth_images_and_little_of_noise(
    metric, coarse, rng
):
    smooth = smooth_images(rng, 1000)
    noise = rng.integers(0, 256, smooth.shape, dtype=np.uint8)
    shares = []
    for rows in (smooth, noise):
        sketch = make_sketch(rows, metric, SHAPE, coarse=True)
        search = search_module._Search(rows, metric, sketch, None)
        heaps = np.full((50, 1), np.inf), np.full((50, 1), -1)
        shares.append(search(rows[::20] // 2, *heaps) / (50 * len(rows)))
    assert shares[0] < 0.05
    assert shares[1] > 0.5


# Products of bytes


@pytest.mark.parametrize("metric", [kernel.L2, kernel.COSINE])
@settings(deadline=None, max_examples=40)
@given(
    n_queries=st.integers(1, 20),
    n_rows=st.integers(1, 40),
    n_features=st.sampled_from([1, 17, 63, 64, 65, 200, 33_000, 66_000]),
    n_levels=st.sampled_from([1, 2, 256]),
    seed=st.integers(0, 2**31),
)
def test_byte_products_find_the_nearest(
    metric, n_queries, n_rows, n_features, n_levels, seed
):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, n_levels, (n_rows, n_features), dtype=np.uint8)
    queries = rng.integers(0, n_levels, (n_queries, n_features), dtype=np.uint8)
    rows, queries = 255 - rows, 255 - queries  # none is all zeros, which has no cosine
    rows[:, 0] = queries[:, 0] = 255
    rows[n_rows // 2 :] = rows[: n_rows - n_rows // 2]
    n_neighbors = int(rng.integers(1, n_rows + 1))
    heaps = np.full((n_queries, n_neighbors), np.inf)
    indices = np.full(heaps.shape, -1, np.int64)
    sketch = ByteProducts(rows, metric)
    search = search_module._Search(rows, metric, sketch, None)
    n_computed = search(queries, heaps, indices)
    nearest.sort_heaps(heaps, indices)
    assert n_computed >= heaps.size
    assert_nearest((heaps, indices), queries, rows, metric)


def test_byte_products_leave_few_distances_to_compute(rng):
    rows = rng.integers(0, 256, (4000, 500), dtype=np.uint8)
    heaps = np.full((20, 1), np.inf), np.full((20, 1), -1)
    sketch = ByteProducts(rows, kernel.L2)
    search = search_module._Search(rows, kernel.L2, sketch, None)
    assert search(rows[::200] // 2, *heaps) < 20 * 25  # ln 4000 of each, and rounding


def test_byte_products_are_taken_where_the_processor_has_them(rng, monkeypatch):
    made = []

    def make(rows, metric):
        made.append(metric)
        return ByteProducts(rows, metric)

    monkeypatch.setattr(search_module, "ByteProducts", make)
    rows = rng.integers(0, 256, (300, 70), dtype=np.uint8)
    for metric in METRICS.values():
        expected = nearest_rows(rows[:70].astype(float), rows, 3, metric)
        np.testing.assert_array_equal(
            nearest_rows(rows[:70], rows, 3, metric)[1], expected[1]
        )
        nearest_rows(rows[:5], rows, 3, metric)
    has_instruction = byte_products.INSTRUCTION is not None
    assert made == [kernel.L2, kernel.COSINE] * has_instruction


def test_no_coarse_sketch_is_made_where_it_is_known_to_be_of_no_use(
    coarse, rng, monkeypatch
):
    rows = rng.integers(0, 256, (300, 200), dtype=np.uint8)
    monkeypatch.setattr(search_module, "make_sketch", None)
    monkeypatch.setattr(
        search_module, "supports_byte_products", lambda rows, metric: True
    )
    found = nearest_rows(rows, rows, 3, kernel.L2, sketched=False)
    assert_nearest(found, rows, rows, kernel.L2)


# Sketches that are kept


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("dtypes", [*zip(DTYPES, DTYPES, strict=True), DTYPES[:2]])
@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_nearest_rows_by_a_sketch_that_was_kept(metric, dtypes, n_jobs, coarse, rng):
    queries = smooth_images(rng, 120, dtypes[0])
    rows = smooth_images(rng, 700, dtypes[1])
    rows[500:600] = rows[100:200]  # ties, the first of which must be found
    if dtypes[0] == dtypes[1]:
        queries[:3] = rows[500:503]
    sketched = search_module.SketchedRows(rows, metric, SHAPE, n_jobs)
    for n_queries, n_neighbors in [(1, 1), (3, 5), (20, 25), (2, 700), (120, 7)]:
        part = queries[:n_queries]
        found = nearest_rows(part, rows, n_neighbors, metric, SHAPE, n_jobs, sketched)
        assert_nearest(found, part, rows, metric)


@pytest.mark.parametrize("metric", [kernel.L1, kernel.L2])
def test_a_sketch_that_was_kept_grows(metric, coarse, rng):
    rows = smooth_images(rng, 400)
    before = sketch_rows(rows[:250], metric, SHAPE, None)
    sketched = sketch_rows(rows, metric, SHAPE, None, before)
    assert (len(before.codes), len(sketched.codes)) == (250, 400)
    queries = rows[::40] // 2
    found = nearest_rows(queries, rows, 5, metric, SHAPE, None, sketched)
    assert_nearest(found, queries, rows, metric)


def test_few_queries_at_once_where_there_are_many_rows(coarse, rng, monkeypatch):
    rows = smooth_images(rng, 300)
    sketched = sketch_rows(rows, kernel.L1, SHAPE, None)
    monkeypatch.setattr(search_module, "BYTES_PER_BATCH", 2 * 4 * len(rows))
    found = nearest_rows(rows[:5], rows, 3, kernel.L1, SHAPE, None, sketched)
    assert_nearest(found, rows[:5], rows, kernel.L1)


def test_a_sketch_is_kept_of_many_smooth_images_only(coarse, rng):
    smooth = smooth_images(rng, 300)
    noise = rng.integers(0, 256, smooth.shape, dtype=np.uint8)
    for metric in (kernel.L1, kernel.L2):
        assert sketch_rows(smooth, metric, SHAPE, None)
        assert sketch_rows(smooth[:99], metric, SHAPE, None) is False
        assert sketch_rows(smooth[:, :90].copy(), metric, None, None) is False
        assert sketch_rows(noise, metric, SHAPE, None) is False


@pytest.mark.parametrize("metric", ["l1", "l2"])
def test_classifier_with_a_sketch_that_was_kept(metric, coarse, rng):
    images = smooth_images(rng, 400).reshape(400, *SHAPE)
    labels = np.arange(400) % 3
    model = KNNImageClassifier(3, metric=metric).fit(images[:200], labels[:200])
    model.partial_fit(images[200:], labels[200:])
    codes = model._sketched.codes
    assert len(codes) == 400
    assert codes.nbytes < images.nbytes / 2
    queries = images[::50] // 2
    found = model.kneighbors(queries)
    assert_nearest_images(found, queries, images, metric)
    for image, expected in zip(queries, model.predict(queries), strict=True):
        assert model.predict(image[None]) == expected
    other = pickle.loads(pickle.dumps(model))
    for a, b in zip(other.kneighbors(queries), found, strict=True):
        np.testing.assert_array_equal(a, b)


def assert_nearest_images(found, queries, images, metric):
    a, b = (x.reshape(len(x), -1).astype(np.int64) for x in (queries, images))
    differences = a[:, None] - b[None]
    if metric == "l1":
        exact = np.abs(differences).sum(-1)
    else:
        exact = np.sqrt((differences**2).sum(-1))
    order = np.argsort(exact, axis=1, kind="stable")[:, : found[1].shape[1]]
    np.testing.assert_array_equal(found[1], order)
    np.testing.assert_array_equal(found[0], np.take_along_axis(exact, order, 1))


KINDS = {
    "bytes": lambda x: (255 * x).astype(np.uint8),
    "float32": lambda x: x.astype(np.float32),
    "one": lambda x: x,
    "tiny": lambda x: x * 1e-30,
    "very tiny": lambda x: x * 1e-150,
    "huge": lambda x: x * 1e30,
    "very huge": lambda x: x * 1e150,
    "far": lambda x: x + 1e9,
    "near": lambda x: 1 + x * 1e-12,
    "one far": lambda x: x + 1e6 * (np.arange(len(x)) == 3)[:, None],
    "of many sizes": lambda x: x * 10.0 ** np.arange(-len(x), 0)[:, None],
    "constant": lambda x: np.full_like(x, 0.3),
}


@settings(deadline=None, max_examples=80)
@given(
    kinds=st.tuples(*[st.sampled_from(sorted(KINDS))] * 2),
    name=st.sampled_from(sorted(METRICS)),
    coarse=st.booleans(),
    n_features=st.sampled_from([1, 17, 64, 300, 700]),
    seed=st.integers(0, 2**31),
)
def test_no_row_is_ruled_out_at_its_own_distance(kinds, name, coarse, n_features, seed):
    rng = np.random.default_rng(seed)
    basis = rng.random((5, n_features))
    base = 0.01 + rng.random((60, 5)) @ basis / 5
    rows, queries = KINDS[kinds[0]](base), KINDS[kinds[1]](base[::2] + 1e-3)
    rows[30:40] = rows[:10]
    metric = METRICS[name]
    sketch = make_sketch(rows[: rng.integers(1, 60)], metric, None, coarse)
    norms, row_norms = inverse_norms(queries, metric), inverse_norms(rows, metric)
    codes, errors = sketch.codes(queries, norms, None, of_queries=True)
    row_codes, row_errors = sketch.codes(rows, row_norms, None)
    bounds, gap = sketch.bounds(codes, row_codes), sketch.gap(codes, row_codes)
    exact = every_distance(queries, rows, metric)
    for i in range(len(queries)):
        for j in range(len(rows)):
            slack = errors[i] + row_errors[j]
            limit = nearest.largest_bound(
                exact[i, j], sketch.power, sketch.scale, slack, gap[i]
            )
            assert bounds[i, j] <= limit


def test_errors_are_small_where_sketches_suit(rng):
    rows = smooth_images(rng, 200)
    norms = np.ones(200)
    _, errors = PooledBytes(rows, SHAPE, coarse=True).codes(rows, norms, None)
    typical = every_distance(rows[:9], rows[100:], kernel.L1).min()
    assert errors.max() < 0.1 * typical
    for coarse in (False, True):
        sketch = PrincipalAxes(rows, kernel.L2, coarse)
        _, errors = sketch.codes(rows, norms, None)
        typical = np.sqrt(every_distance(rows[:9], rows[100:], kernel.L2).min())
        assert errors.max() < 0.02 * typical


@pytest.mark.parametrize(
    ("shape", "n_pools", "size"),
    [
        ((32, 32, 3), 384, 8),
        ((28, 28, 1), 392, 2),
        ((1, 3000, 1), 375, 8),
        ((30, 500, 1), 504, 32),
        ((3, 3, 1), 9, 1),
        ((1, 1, 600), 600, 1),
        ((2, 2, 300), 300, 4),
    ],
)
def test_pools(shape, n_pools, size):
    groups, n_groups, largest = sketches._divide_into_pools(shape)
    assert (n_groups, largest) == (n_pools, size)
    assert groups.shape == (np.prod(shape),)
    counts = np.bincount(groups, minlength=n_groups)
    assert counts.max() == largest
    assert counts.min() > 0
    if shape == (32, 32, 3):  # two rows of four pixels of one channel
        assert np.flatnonzero(groups == groups[0]).tolist() == [
            0, 3, 6, 9, 96, 99, 102, 105
        ]  # fmt: skip


def test_shapes_that_flat_rows_may_have():
    assert sketches._guess_shape(3072) == (32, 32, 3)
    assert sketches._guess_shape(784) == (28, 28, 1)
    assert sketches._guess_shape(1000) == (1, 1000, 1)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_results_do_not_depend_on_threads_or_company(metric, rng):
    queries, rows = smooth_images(rng, 300), smooth_images(rng, 500)
    expected = nearest_rows(queries, rows, 5, metric)
    for n_jobs in (2, -1):
        for a, b in zip(
            nearest_rows(queries, rows, 5, metric, SHAPE, n_jobs), expected, strict=True
        ):
            np.testing.assert_array_equal(a, b)
    alone = nearest_rows(queries[7:8], rows, 5, metric)
    np.testing.assert_allclose(alone[0], expected[0][7:8], rtol=1e-12)
    np.testing.assert_array_equal(alone[1], expected[1][7:8])


def peak_of(function):
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize(("metric", "noise"), [(kernel.L1, False), (kernel.L2, True)])
def test_memory_is_bounded(metric, noise, rng):
    """Beside training images, at most 256 MB: here for all numbers of neighbors."""
    shape = (64, 64, 3)
    if noise:
        rows = rng.integers(0, 256, (6000, 64 * 64 * 3), dtype=np.uint8)
    else:
        rows = smooth_images(rng, 500, shape=shape).repeat(17, axis=0)
        rows += rng.integers(0, 9, (len(rows), 1), dtype=np.uint8)
    queries = rows[:1100] // 2
    nearest_rows(queries, rows[:1100], 3, metric, shape, 2)  # compile
    peak = peak_of(lambda: nearest_rows(queries, rows, 100, metric, shape, 2))
    assert 2**20 < peak < 256e6


@pytest.mark.slow
@pytest.mark.parametrize(("coarse", "n_jobs"), [(False, 8), (True, 8), (True, 1)])
def test_memory_is_bounded_for_large_images_and_many_threads(coarse, n_jobs, rng):
    rows = rng.integers(0, 256, (600, 200 * 200 * 3), dtype=np.uint8)
    heaps = np.full((150, 100), np.inf), np.full((150, 100), -1)

    def search():
        sketch = make_sketch(rows, kernel.L2, (200, 200, 3), coarse)
        search = search_module._Search(rows, kernel.L2, sketch, n_jobs)
        for start in range(0, 150, search.batch_size):
            part = slice(start, start + search.batch_size)
            search(rows[:150][part], heaps[0][part], heaps[1][part])

    assert 2**20 < peak_of(search) < 256e6
    assert (heaps[0].min(axis=1) == 0).all()


def test_distances_that_overflow_have_no_index():
    rows = np.array([[1e200] * 20, [-1e200] * 20])
    distances, indices = nearest_rows(rows[:1], rows, 2, kernel.L2)
    assert indices.tolist() == [[0, -1]]
    assert distances.tolist() == [[0, np.inf]]
