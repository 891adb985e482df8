"""NearestImages against NearestNeighbors, by hand, and in the hands of others."""

import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.cluster import DBSCAN, SpectralClustering
from sklearn.datasets import load_digits
from sklearn.manifold import Isomap
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from skvision import KNNImageClassifier, NearestImages
from skvision._neighbors import radius as radius_module
from skvision.model_selection import k_selection_curve

CDIST = {
    "l1": "cityblock",
    "l2": "euclidean",
    "chebyshev": "chebyshev",
    "cosine": "cosine",
    "hamming": "hamming",
}


@pytest.fixture(scope="module")
def digits():
    return load_digits().images.astype(np.uint8)


def exact(Q, X, metric):
    """Return all distances, by SciPy in float64."""
    if metric == "hamming":
        Q, X = np.unpackbits(Q, axis=1), np.unpackbits(X, axis=1)
    return cdist(Q.astype(float), X.astype(float), CDIST[metric])


def bits(rng, n, n_bytes=20):
    """Return rows of packed bits, some of them near others."""
    few = rng.integers(0, 256, (n // 5, n_bytes), dtype=np.uint8)
    flips = np.packbits(rng.random((n, 8 * n_bytes)) < 0.1, axis=1)
    return few[rng.integers(0, len(few), n)] ^ flips


def data(kind, metric, n, rng):
    if metric == "hamming":
        return bits(rng, n)
    if kind == "bytes":  # very many ties
        return rng.integers(1, 5, (n, 20), dtype=np.uint8)
    return rng.normal(size=(n, 20)).astype(kind)


CASES = [
    (kind, metric)
    for metric in CDIST
    for kind in ("bytes", "float32", "float64")
    if kind == "bytes" or metric != "hamming"
]


def assert_within(found, expected, radius, close):
    """Hold indices and distances of each row against a matrix of all distances."""
    distances, indices = found
    assert distances.dtype == indices.dtype == object
    assert distances.shape == indices.shape == (len(expected),)
    for d, i, row in zip(distances, indices, expected, strict=True):
        assert (d.dtype, i.dtype) == (np.float64, np.int64)
        np.testing.assert_array_equal(i, np.flatnonzero(row <= radius))
        np.testing.assert_allclose(d, row[i], rtol=close, atol=close)


# As scikit-learn's


@pytest.mark.parametrize("n_queries", [9, 100])
@pytest.mark.parametrize(("kind", "metric"), CASES)
def test_nearest(kind, metric, n_queries, rng):
    X, Q = data(kind, metric, 300, rng), data(kind, metric, n_queries, rng)
    model = NearestImages(7, metric=metric).fit(X)
    expected = exact(Q, X, metric)
    order = np.argsort(expected.round(12), axis=1, kind="stable")[:, :7]
    distances, indices = model.kneighbors(Q)
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_allclose(
        distances, np.take_along_axis(expected, order, 1), rtol=1e-12, atol=1e-14
    )
    np.testing.assert_array_equal(model.kneighbors(Q, return_distance=False), order)


@pytest.mark.parametrize("n_queries", [9, 100])
@pytest.mark.parametrize(("kind", "metric"), CASES)
def test_within_a_radius(kind, metric, n_queries, rng):
    X, Q = data(kind, metric, 300, rng), data(kind, metric, n_queries, rng)
    X[200:210], Q[:5] = X[:10], X[:5]
    expected = exact(Q, X, metric)
    model = NearestImages(metric=metric).fit(X)
    for share in (0.01, 0.2):
        radius = np.quantile(expected, share) + 1e-6
        found = model.radius_neighbors(Q, radius)
        assert_within(found, expected, radius, 1e-12)
        indices = model.radius_neighbors(Q, radius, return_distance=False)
        for got, before in zip(indices, found[1], strict=True):
            np.testing.assert_array_equal(got, before)


@pytest.mark.parametrize("kind", ["bytes", "float64"])
@pytest.mark.parametrize("metric", ["l1", "l2", "chebyshev"])
def test_same_as_scikit_learn(kind, metric, digits):
    X = digits.reshape(-1, 64)[:600].astype("uint8" if kind == "bytes" else kind)
    X = X + np.arange(600, dtype=X.dtype)[:, None] % 3
    ours = NearestImages(4, 20, metric=metric).fit(X)
    theirs = NearestNeighbors(n_neighbors=4, radius=20, metric=metric).fit(
        X.astype(float)
    )
    assert ours.n_samples_fit_ == theirs.n_samples_fit_
    radius = {"l1": 120, "l2": 25, "chebyshev": 9}[metric]
    for Q in (None, X[:50]):
        for mode in ("connectivity", "distance"):
            got = ours.radius_neighbors_graph(Q, radius, mode)
            expected = theirs.radius_neighbors_graph(Q, radius, mode)
            assert got.format == expected.format == "csr"
            assert got.nnz == expected.nnz > 50
            np.testing.assert_allclose(got.toarray(), expected.toarray(), atol=1e-6)
        got, expected = ours.kneighbors(Q)[0], theirs.kneighbors(Q)[0]
        np.testing.assert_allclose(got, expected, atol=1e-6)
        got, expected = (
            m.radius_neighbors(Q, radius, sort_results=True)[0] for m in (ours, theirs)
        )
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_images_of_all_layouts(digits):
    model = NearestImages(3, radius=15).fit(digits)
    assert model.image_shape_ == (8, 8, 1)
    assert model.n_features_in_ == 64
    assert model.effective_metric_ == "l2"
    assert model._rows.dtype == np.uint8
    assert np.shares_memory(model._rows, digits)
    flat = NearestImages(3, radius=15).fit(digits.reshape(-1, 64))
    expected = flat.kneighbors(digits[:9].reshape(9, 64))
    for got in (model.kneighbors(digits[:9]), model.kneighbors(digits[:9, ..., None])):
        np.testing.assert_array_equal(got[0], expected[0])
        np.testing.assert_array_equal(got[1], expected[1])
    assert (model.radius_neighbors_graph() != flat.radius_neighbors_graph()).nnz == 0
    with pytest.raises(ValueError, match=r"\(4, 16, 1\).*\(8, 8, 1\)"):
        model.radius_neighbors(digits.reshape(-1, 4, 16))


# The radius


@settings(max_examples=60)
@given(
    metric=st.sampled_from(["l1", "l2", "chebyshev", "hamming", "hellinger", "chi2"]),
    n_features=st.sampled_from([1, 3, 16, 65]),
    n_queries=st.sampled_from([1, 70]),
    floats=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_a_distance_is_within_itself(metric, n_features, n_queries, floats, seed):
    """Each distance that kneighbors returns, as a radius, finds the very row."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 7, (50, n_features), dtype=np.uint8)
    if floats and metric != "hamming":
        X = X * rng.choice([1 / 3, 1e-30, 1e20])
    Q = np.resize(X[::-1], (n_queries, n_features)).copy()
    model = NearestImages(50, metric=metric).fit(X)
    distances, indices = model.kneighbors(Q)
    radius = distances[0, seed % 50]
    below = np.nextafter(radius, -1)
    for limit in [radius, below] if below > 0 else [radius]:
        got, found = model.radius_neighbors(Q, limit, sort_results=True)
        for i in range(n_queries):
            n = int(np.sum(distances[i] <= limit))
            np.testing.assert_array_equal(found[i], indices[i, :n])
            np.testing.assert_array_equal(got[i], distances[i, :n])


def test_copies_are_at_radius_zero(rng):
    X = rng.integers(0, 256, (200, 30), dtype=np.uint8)
    X[150:160] = X[:10]
    for metric in ("l1", "l2", "chebyshev", "cosine", "hamming"):
        model = NearestImages(radius=0, metric=metric).fit(X)
        found = model.radius_neighbors(return_distance=False)
        assert [i.tolist() for i in found[:11]] == [[150 + i] for i in range(10)] + [[]]
        assert [i.tolist() for i in found[150:160]] == [[i] for i in range(10)]
        graph = model.radius_neighbors_graph(mode="distance")
        assert graph.nnz == 20  # zeros are entries
        assert not graph.data.any()
        assert model.radius_neighbors(X[:1])[1][0].tolist() == [0, 150]


def test_nothing_is_within(rng):
    X = rng.random((90, 20))
    model = NearestImages(radius=1e-9).fit(X)
    for Q in (X[:3] + 1, X + 1, None):
        distances, indices = model.radius_neighbors(Q, sort_results=True)
        assert [len(part) for part in indices] == [0] * len(indices)
        assert (distances[0].dtype, indices[0].dtype) == (np.float64, np.int64)
        assert model.radius_neighbors_graph(Q).nnz == 0


def test_everything_is_within_infinity(rng):
    X = rng.random((80, 20))
    model = NearestImages(radius=np.inf).fit(X)
    assert model.radius_neighbors_graph(X).sum() == 6400
    assert model.radius_neighbors_graph().sum() == 6320
    arrays = model.radius_neighbors(X, return_distance=False)  # all of one length
    assert arrays.shape == (80,)


def test_order_of_results():
    X = np.array([[5.0], [1], [-1], [3], [1]])
    model = NearestImages(radius=4).fit(X)
    assert model.radius_neighbors([[0.0]])[1][0].tolist() == [1, 2, 3, 4]
    distances, indices = model.radius_neighbors([[0.0]], sort_results=True)
    assert indices[0].tolist() == [1, 2, 4, 3]
    assert distances[0].tolist() == [1, 1, 1, 3]
    graph = model.radius_neighbors_graph([[0.0]], mode="distance", sort_results=True)
    assert graph.data.tolist() == [1, 1, 1, 3]
    with pytest.raises(ValueError, match=r"sort_results=True requires return_distance"):
        model.radius_neighbors(X, return_distance=False, sort_results=True)


@pytest.mark.parametrize("metric", ["l1", "l2", "chebyshev", "hamming", "cosine"])
def test_results_do_not_depend_on_threads_or_company(metric, rng):
    X, Q = (data("bytes", metric, n, rng) for n in (400, 300))
    model = NearestImages(metric=metric).fit(X)
    radius = np.quantile(model.kneighbors(Q, 20)[0], 0.5)
    distances, indices = model.radius_neighbors(Q, radius)
    assert len(np.concatenate(indices)) > 1000
    for n_jobs in (2, -1):
        other = clone(model).set_params(n_jobs=n_jobs).fit(X)
        for d, i in zip(distances, other.radius_neighbors(Q, radius)[0], strict=True):
            np.testing.assert_array_equal(d, i)
    for row in (0, 7, 299):
        alone = model.radius_neighbors(Q[row : row + 1], radius)
        np.testing.assert_array_equal(alone[1][0], indices[row])
        np.testing.assert_allclose(alone[0][0], distances[row], rtol=1e-12)


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("metric", ["l1", "l2", "cosine", "chi2", "hellinger"])
def test_sketches_rule_out_no_neighbor(metric, dtype, noise, rng, monkeypatch):
    """Many images are searched by sketches; here few are, in many steps."""
    for name, value in [
        ("MANY_QUERIES", 100),
        ("MANY_ROWS", 100),
        ("MANY_FEATURES", 100),
        ("ROWS_PER_STEP", 64),
        ("MAX_BYTES_KEPT", 0 if noise else 2**26),
    ]:
        monkeypatch.setattr(radius_module, name, value)
    images = rng.random((300, 16, 16)) if noise else rng.random((300, 4, 4))
    images = images.repeat(1 if noise else 4, axis=1).repeat(1 if noise else 4, axis=2)
    X = (1 + 200 * images).astype(dtype)
    X[200:230] = X[:30] + rng.integers(0, 5, (30, 16, 16)).astype(dtype)
    whole = NearestImages(300, metric=metric).fit(X).kneighbors(X)
    radius = float(whole[0][:30, 1].max())
    model = NearestImages(radius=radius, metric=metric).fit(X)
    found = model.radius_neighbors(X, sort_results=True)
    for i in range(300):
        n = int(np.sum(whole[0][i] <= radius))
        np.testing.assert_array_equal(found[1][i], whole[1][i, :n])
        np.testing.assert_allclose(found[0][i], whole[0][i, :n], rtol=1e-12)


def test_a_coarse_sketch_is_given_up_where_it_rules_out_little(rng, monkeypatch):
    for name in ("MANY_QUERIES", "MANY_ROWS", "MANY_FEATURES"):
        monkeypatch.setattr(radius_module, name, 100)
    made = []

    def make_sketch(rows, metric, image_shape, coarse):
        made.append(coarse)
        return original(rows, metric, image_shape, coarse)

    original = radius_module.make_sketch
    monkeypatch.setattr(radius_module, "make_sketch", make_sketch)
    X = rng.integers(0, 256, (150, 16, 16), dtype=np.uint8)
    for radius in (0, 1e9):
        NearestImages(radius=radius, metric="l1").fit(X).radius_neighbors()
    assert made == [True, True, False]


def test_memory_is_bounded(rng):
    """All distances at once would take 288 MB."""
    X = rng.integers(0, 256, (6000, 16), dtype=np.uint8)
    model = NearestImages(radius=0.2, metric="hamming").fit(X)
    model.radius_neighbors(X[:100])  # compile
    tracemalloc.start()
    try:
        indices = model.radius_neighbors(X, return_distance=False)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [i.tolist() for i in indices] == [[i] for i in range(6000)]
    assert 2**20 < peak < 40e6


# Metrics


def test_hamming_is_scikit_learns_of_unpacked_bits(rng):
    X, Q = bits(rng, 200), bits(rng, 80)
    theirs = NearestNeighbors(n_neighbors=9, metric="hamming", algorithm="brute")
    theirs = theirs.fit(np.unpackbits(X, axis=1))
    expected = theirs.kneighbors(np.unpackbits(Q, axis=1))[0]
    got = NearestImages(9, metric="hamming").fit(X).kneighbors(Q)[0]
    np.testing.assert_allclose(got, expected, rtol=1e-15)
    got = KNNImageClassifier(9, metric="hamming").fit(X, np.arange(200) % 2)
    np.testing.assert_array_equal(got.kneighbors(Q)[0], expected)
    counts = np.unpackbits(X[:, None] ^ X[None], axis=-1).sum(-1)
    graph = NearestImages(radius=16 / 160, metric="hamming").fit(X)
    np.testing.assert_array_equal(
        graph.radius_neighbors_graph(X).toarray(), counts <= 16
    )


@pytest.mark.parametrize("Estimator", [KNNImageClassifier, NearestImages])
@pytest.mark.parametrize("dtype", [bool, np.float32, np.int64])
def test_hamming_wants_packed_bits(Estimator, dtype):
    X = np.eye(8, dtype=dtype)
    fit = (X, np.arange(8)) if Estimator is KNNImageClassifier else (X,)
    with pytest.raises(ValueError, match=r"hamming.*packbits\(X\.astype\(bool\)"):
        Estimator(1, metric="hamming").fit(*fit)
    packed = np.packbits(X.astype(bool), axis=1)
    model = Estimator(1, metric="hamming").fit(packed, *fit[1:])
    assert model.kneighbors(packed)[0].tolist() == [[0]] * 8
    assert model.kneighbors()[0].tolist() == [[0.25]] * 8
    with pytest.raises(ValueError, match="packbits"):
        model.kneighbors(packed.astype(float))


@pytest.mark.parametrize("metric", ["chebyshev", "hamming"])
def test_no_graph_for_these_metrics(metric, digits):
    with pytest.raises(ValueError, match=rf"algorithm='hnsw' .*not '{metric}'"):
        NearestImages(metric=metric, algorithm="hnsw").fit(digits)


def test_a_function_of_two_rows(rng):
    X = rng.random((40, 3))

    def cityblock(a, b):
        return np.abs(a - b).sum()

    by_function = NearestImages(3, 0.5, metric=cityblock).fit(X)
    by_name = NearestImages(3, 0.5, metric="l1").fit(X)
    for Q in (None, X[:5]):
        for a, b in zip(
            by_function.kneighbors(Q) + by_function.radius_neighbors(Q),
            by_name.kneighbors(Q) + by_name.radius_neighbors(Q),
            strict=True,
        ):
            for one, other in zip(a, b, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-12)
    with pytest.raises(ValueError, match="NaN for sample 0"):
        NearestImages(metric=lambda a, b: np.nan).fit(X).radius_neighbors(X)


@pytest.mark.parametrize("metric", ["chebyshev", "hamming"])
def test_these_metrics_in_a_curve(metric, digits):
    y = load_digits().target[:300]
    curve = k_selection_curve(digits[:300], y, [1, 3], metric=metric, cv=3)
    assert curve["accuracy"].mean() > 0.6


# Others that take it


@pytest.fixture
def imbalanced(rng):
    X = rng.normal(size=(120, 6))
    y = np.repeat([0, 1], [90, 30])
    return X + y[:, None], y


@pytest.mark.parametrize(
    ("name", "parameter", "n_neighbors"),
    [
        ("over_sampling.SMOTE", "k_neighbors", 6),
        ("over_sampling.BorderlineSMOTE", "k_neighbors", 6),
        ("over_sampling.BorderlineSMOTE", "m_neighbors", 11),
        ("over_sampling.SVMSMOTE", "k_neighbors", 6),
        ("over_sampling.ADASYN", "n_neighbors", 6),
        ("under_sampling.EditedNearestNeighbours", "n_neighbors", 4),
        ("under_sampling.RepeatedEditedNearestNeighbours", "n_neighbors", 4),
        ("under_sampling.AllKNN", "n_neighbors", 4),
        ("under_sampling.NearMiss", "n_neighbors", 3),
    ],
)
@pytest.mark.parametrize("metric", ["l2", "chebyshev"])
def test_samplers_of_imbalanced_learn(name, parameter, n_neighbors, metric, imbalanced):
    pytest.importorskip("imblearn", "0.14")
    import imblearn.over_sampling
    import imblearn.under_sampling

    module, sampler = name.split(".")
    Sampler = getattr(getattr(imblearn, module), sampler)
    state = {"random_state": 0} if module == "over_sampling" else {}
    results = [
        Sampler(**{parameter: search}, **state).fit_resample(*imbalanced)
        for search in (
            NearestImages(n_neighbors, metric=metric),
            NearestNeighbors(n_neighbors=n_neighbors, metric=metric),
        )
    ]
    assert len(results[0][1]) != len(imbalanced[1])
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-12)
    np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize("version", [1, 2, 3])
def test_near_miss_of_imbalanced_learn(version, imbalanced):
    under_sampling = pytest.importorskip("imblearn.under_sampling")
    results = [
        under_sampling.NearMiss(
            version=version,
            n_neighbors=Search(n_neighbors=3),
            n_neighbors_ver3=Search(n_neighbors=20),
        ).fit_resample(*imbalanced)[0]
        for Search in (NearestImages, NearestNeighbors)
    ]
    np.testing.assert_array_equal(*results)


def test_samplers_that_take_a_classifier(imbalanced):
    under_sampling = pytest.importorskip("imblearn.under_sampling")
    results = [
        under_sampling.NeighbourhoodCleaningRule(
            edited_nearest_neighbours=under_sampling.EditedNearestNeighbours(
                n_neighbors=search
            ),
            n_neighbors=classifier,
        ).fit_resample(*imbalanced)[0]
        for search, classifier in [
            (NearestImages(4), KNNImageClassifier(3, tie_break="lowest")),
            (NearestNeighbors(n_neighbors=4), KNeighborsClassifier(3)),
        ]
    ]
    assert len(results[0]) < len(imbalanced[0])
    np.testing.assert_array_equal(*results)


@pytest.mark.filterwarnings("ignore:Graph is not fully connected")
# DBSCAN sets the diagonal of the graph, by which older versions of SciPy sort it anew.
@pytest.mark.filterwarnings("ignore:Precomputed sparse input was not sorted")
def test_clusters_of_precomputed_graphs(digits):
    X = digits[:200] + np.arange(200)[:, None, None] / 1e6  # without ties
    rows = X.reshape(200, -1)
    search = NearestImages(10, radius=22).fit(X)
    graph = search.radius_neighbors_graph(mode="distance", sort_results=True)
    ours = DBSCAN(eps=22, metric="precomputed").fit_predict(graph)
    theirs = DBSCAN(eps=22).fit_predict(rows)
    assert len(np.unique(ours)) > 5
    np.testing.assert_array_equal(ours, theirs)
    graph = search.kneighbors_graph(X, mode="distance")
    clusters, expected = (
        SpectralClustering(10, affinity=affinity, n_neighbors=10, random_state=0)
        .fit(given)
        .affinity_matrix_
        for affinity, given in [
            ("precomputed_nearest_neighbors", graph),
            ("nearest_neighbors", rows),
        ]
    )
    np.testing.assert_array_equal(clusters.toarray(), expected.toarray())


@pytest.mark.filterwarnings("ignore:The number of connected components")
def test_isomap_of_a_precomputed_graph(digits):
    rows = digits[:120].reshape(120, -1) + np.arange(120)[:, None] / 1000
    graph = NearestImages(12).fit(rows).kneighbors_graph(rows, mode="distance")
    ours = Isomap(n_neighbors=11, metric="precomputed").fit_transform(graph)
    theirs = Isomap(n_neighbors=11).fit_transform(rows)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), rtol=1e-6, atol=1e-6)


# Approximate search


def test_graph_and_exact_radius(digits):
    pytest.importorskip("faiss")
    exact = NearestImages(5, 12).fit(digits)
    graph = NearestImages(5, 12, algorithm="hnsw").fit(digits)
    same = graph.kneighbors()[1] == exact.kneighbors()[1]
    assert same.mean() > 0.95
    got, expected = (m.radius_neighbors_graph() for m in (graph, exact))
    assert (got != expected).nnz == 0
    copy = pickle.loads(pickle.dumps(graph))
    np.testing.assert_array_equal(copy.kneighbors()[1], graph.kneighbors()[1])


# Bad input


@pytest.mark.parametrize(
    ("radius", "error", "message"),
    [
        (-1, ValueError, "radius must be at least 0; got -1"),
        (np.nan, ValueError, "radius must be at least 0; got nan"),
        ("1", TypeError, "radius must be a number; got '1'"),
        ([1.0], TypeError, "radius must be a number"),
        (True, TypeError, "radius must be a number"),
    ],
)
def test_radius_that_is_none(radius, error, message, digits):
    model = NearestImages().fit(digits)
    for method in (model.radius_neighbors, model.radius_neighbors_graph):
        with pytest.raises(error, match=message):
            method(digits[:1], radius)
    if radius is not True:
        with pytest.raises(ValueError, match="radius"):
            NearestImages(radius=radius).fit(digits)


def test_bad_input(digits):
    model = NearestImages(5).fit(digits[:5])
    assert model.kneighbors(digits[:2])[1].shape == (2, 5)
    with pytest.raises(
        ValueError, match=r"between 1 and 4, the number of other training images; got 5"
    ):
        model.kneighbors()
    with pytest.raises(ValueError, match="NaN"):
        model.radius_neighbors(np.full((1, 8, 8), np.nan))
    with pytest.raises(ValueError, match="infinity"):
        NearestImages().fit(np.full((2, 8, 8), np.inf))
    with pytest.raises(ValueError, match=r"'connectivity' or 'distance'.*'both'"):
        model.radius_neighbors_graph(mode="both")
    with pytest.raises(ValueError, match="nonnegative"):
        NearestImages(metric="chi2").fit(-digits.astype(float))


@pytest.mark.parametrize("radius", [1e200, np.inf])
def test_distances_that_overflow(radius):
    model = NearestImages(radius=radius).fit([[1e200], [-1e200]])
    with pytest.raises(ValueError, match="overflow float64"):
        model.radius_neighbors()
    assert model.radius_neighbors_graph(radius=1e100).nnz == 0
