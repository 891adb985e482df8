"""Nearest neighbors against scikit-learn, faiss, OpenCV and NumKong.

Each takes two threads where nothing else is said.

The peers that would take minutes get a part of the queries; what is compared is the
time per query. All find the same neighbors, which is asserted.
"""

import cv2
import faiss
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from skvision import HOG, KNNImageClassifier
from skvision._kernels import distances as kernel
from skvision._neighbors import search
from skvision._neighbors.byte_products import ByteProducts
from skvision.datasets import load_cifar10

N_NEIGHBORS = 5
SCIKIT_LEARN = {"l1": "manhattan", "l2": "euclidean"}


@pytest.fixture(autouse=True)
def two_threads():
    cv2.setNumThreads(2)
    faiss.omp_set_num_threads(2)


@pytest.fixture(scope="module")
def rows(cifar):
    return cifar.images.reshape(len(cifar.images), -1)


@pytest.fixture(scope="module")
def queries(data_root):
    images = load_cifar10(data_root, split="test").images
    return images.reshape(len(images), -1)


def ours(metric, rows, n_jobs=2, **parameters):
    model = KNNImageClassifier(N_NEIGHBORS, metric=metric, n_jobs=n_jobs, **parameters)
    return model.fit(rows, np.arange(len(rows)) % 10)


def run(benchmark, group, name, function, queries, rounds=3):
    benchmark.group = group
    benchmark.extra_info.update(name=name, n=len(queries))
    return benchmark.pedantic(function, (queries,), rounds=rounds, warmup_rounds=1)


def cifar_group(metric):
    return f"{metric}, 5 nearest of 50,000 CIFAR-10 images, per query"


def check(found, metric, rows, queries):
    distances, _ = ours(metric, rows).kneighbors(queries[: len(found)])
    np.testing.assert_allclose(np.sort(found, 1), distances, rtol=1e-3)


@pytest.mark.parametrize("metric", ["l1", "l2"])
def test_skvision(benchmark, rows, queries, metric):
    model = ours(metric, rows)
    found, _ = run(
        benchmark, cifar_group(metric), "skvision", model.kneighbors, queries, 3
    )
    assert found.shape == (10_000, N_NEIGHBORS)


@pytest.mark.parametrize("metric", ["l1", "l2"])
def test_skvision_computing_all_distances(benchmark, rows, queries, metric):
    """The kernel alone, without what spares it most of its work."""
    queries = queries[:500]
    everything = search._Search(rows, getattr(kernel, metric.upper()), None, 2)

    def find(queries):
        heaps = np.full((500, N_NEIGHBORS), np.inf), np.full((500, N_NEIGHBORS), -1)
        everything(queries, *heaps)
        return heaps[0]

    name = "skvision, every distance"
    found = run(benchmark, cifar_group(metric), name, find, queries)
    assert np.isfinite(found).all()
    check(found[:20] if metric == "l1" else np.sqrt(found[:20]), metric, rows, queries)


@pytest.mark.parametrize("metric", ["l1", "l2"])
def test_scikit_learn(benchmark, rows, queries, metric):
    queries = queries[: 50 if metric == "l1" else 2000].astype(np.float64)
    model = NearestNeighbors(
        n_neighbors=N_NEIGHBORS,
        metric=SCIKIT_LEARN[metric],
        algorithm="brute",
        n_jobs=2,
    ).fit(rows.astype(np.float64))
    name = "scikit-learn brute force"
    found, _ = run(benchmark, cifar_group(metric), name, model.kneighbors, queries, 2)
    assert found.shape == (len(queries), N_NEIGHBORS)
    check(found[:20], metric, rows, queries.astype(np.uint8))


@pytest.mark.parametrize("metric", ["l1", "l2"])
def test_faiss(benchmark, rows, queries, metric):
    queries = queries[: 200 if metric == "l1" else 2000].astype(np.float32)
    kind = faiss.METRIC_L1 if metric == "l1" else faiss.METRIC_L2
    index = faiss.IndexFlat(rows.shape[1], kind)
    index.add(rows.astype(np.float32))

    def find(queries):
        return index.search(queries, N_NEIGHBORS)[0]

    found = run(benchmark, cifar_group(metric), "faiss IndexFlat", find, queries, 2)[
        :20
    ]
    found = found if metric == "l1" else np.sqrt(found)
    assert found.shape == (20, N_NEIGHBORS)
    check(found, metric, rows, queries.astype(np.uint8))


@pytest.mark.parametrize("metric", ["l1", "l2"])
def test_opencv(benchmark, rows, queries, metric):
    queries = queries[: 100 if metric == "l1" else 50]
    norm, dtype = {
        "l1": (cv2.NORM_L1, cv2.CV_32S),
        "l2": (cv2.NORM_L2SQR, cv2.CV_32S),
    }[metric]

    def find(queries):
        return cv2.batchDistance(queries, rows, dtype, normType=norm, K=N_NEIGHBORS)[0]

    found = run(benchmark, cifar_group(metric), "OpenCV batchDistance", find, queries)
    found = found[:20] if metric == "l1" else np.sqrt(found[:20])
    assert found.shape == (20, N_NEIGHBORS)
    check(found, metric, rows, queries)


# Noise, on which bounds exclude nothing: one thread, as NumKong takes it


@pytest.fixture(scope="module")
def noise():
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 256, (50_000, 3072), dtype=np.uint8)
    return rows, rng.integers(0, 256, (504, 3072), dtype=np.uint8)


def numkong(peer):
    """Return the library, which takes the matrix unit AMX where it may."""
    reason = "NumKong is not installed: pip install 'numkong>=7.8'"
    library = pytest.importorskip("numkong", reason=reason)
    if library.get_capabilities().get("sapphireamx"):
        without = "without AMX" in peer
        (library.disable_capability if without else library.enable_capability)(
            "sapphireamx"
        )
    return library


NOISE = "l2, noise of 50,000 x 3,072 bytes, one thread, "


def distances_by_skvision(queries, rows):
    """Compute all squared distances but for rounding, a block at a time."""
    one, many = np.ones(len(queries)), np.ones(len(rows))
    sketch = ByteProducts(rows, kernel.L2)
    codes, _ = sketch.codes(queries, one, 1, of_queries=True)
    for start in range(0, len(rows), search.ROWS_PER_STEP):
        part = slice(start, start + search.ROWS_PER_STEP)
        row_codes, _ = sketch.codes(rows[part], many[part], 1)
        for first in range(0, len(queries), search.QUERIES_PER_TASK):
            block = codes[first : first + search.QUERIES_PER_TASK]
            found = sketch.bounds(block, row_codes)
    return found


@pytest.mark.parametrize("peer", ["skvision", "NumKong", "NumKong without AMX"])
def test_distances_of_noise(benchmark, noise, peer):
    rows, queries = noise
    if peer == "skvision":

        def find(queries):
            return distances_by_skvision(queries, rows)
    else:
        library = numkong(peer)
        packed = library.dots_pack(rows)

        def find(queries):
            return library.euclideans_packed(queries, packed)

    found = run(benchmark, NOISE + "distances", peer, find, queries)
    assert np.isfinite(np.asarray(found)[-1]).all()


@pytest.mark.parametrize("peer", ["skvision", "NumKong", "NumKong without AMX"])
def test_nearest_of_noise(benchmark, noise, peer):
    rows, queries = noise
    if peer == "skvision":
        find = ours("l2", rows, n_jobs=1).kneighbors
    else:
        library = numkong(peer)
        packed = library.dots_pack(rows)

        def find(queries):
            found = np.asarray(library.euclideans_packed(queries, packed))
            nearest = np.argpartition(found, N_NEIGHBORS, axis=1)[:, :N_NEIGHBORS]
            return np.take_along_axis(found, nearest, 1), None

    found, _ = run(benchmark, NOISE + "5 nearest", peer, find, queries)
    check(found[:20], "l2", rows, queries)


# Approximate search


@pytest.mark.parametrize("n_rows", [10_000, 50_000])
@pytest.mark.parametrize("metric", ["l1", "l2"])
def test_graph(benchmark, rows, queries, metric, n_rows):
    group = f"{metric}, 10 nearest of CIFAR-10 images, hnsw, per query"
    model = ours(metric, rows[:n_rows], algorithm="hnsw").set_params(n_neighbors=10)
    name = f"of {n_rows:,}" if n_rows < len(rows) else "skvision"
    _, found = run(benchmark, group, name, model.kneighbors, queries[:2000])
    exact = ours(metric, rows[:n_rows]).set_params(n_neighbors=10)
    _, true = exact.kneighbors(queries[:2000])
    shared = [len(np.intersect1d(a, b)) for a, b in zip(found, true, strict=True)]
    assert np.mean(shared) / 10 > 0.95


@pytest.mark.parametrize("metric", ["l1", "l2"])
def test_exact_beside_graph(benchmark, rows, queries, metric):
    group = f"{metric}, 10 nearest of CIFAR-10 images, hnsw, per query"
    model = ours(metric, rows).set_params(n_neighbors=10)
    found, _ = run(benchmark, group, "exact", model.kneighbors, queries[:2000])
    assert found.shape == (2000, 10)


# Other sizes and dtypes


def features(kind, cifar):
    if kind == "digits as bytes":
        X = load_digits().data.astype(np.uint8)
        return X[:1000], X[1000:]
    if kind == "digits as float64":
        X = load_digits().data
        return X[:1000], X[1000:]
    X = HOG().fit_transform(cifar.images[:12_000]).astype(np.float32)
    return X[:10_000], X[10_000:]


KINDS = ["digits as bytes", "digits as float64", "HOG of 10,000 as float32"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", ["l1", "l2"])
@pytest.mark.parametrize(
    "peer", ["skvision", "scikit-learn brute", "scikit-learn auto"]
)
def test_features(benchmark, cifar, metric, kind, peer):
    rows, queries = features(kind, cifar)
    if peer == "skvision":
        model = ours(metric, rows)
    else:
        algorithm = peer.split()[1]
        if algorithm == "auto" and kind.startswith("HOG"):
            pytest.skip("scikit-learn chooses brute force here")
        model = NearestNeighbors(
            n_neighbors=N_NEIGHBORS,
            metric=SCIKIT_LEARN[metric],
            algorithm=algorithm,
            n_jobs=2,
        ).fit(rows)
    group = f"{metric}, 5 nearest, {kind}, per query"
    found, _ = run(benchmark, group, peer, model.kneighbors, queries, 7)
    if peer != "skvision":
        np.testing.assert_allclose(
            found, ours(metric, rows).kneighbors(queries)[0], rtol=1e-3, atol=1e-5
        )


@pytest.mark.parametrize("peer", ["skvision", "scikit-learn brute", "faiss IndexFlat"])
@pytest.mark.parametrize("metric", ["l1", "l2"])
def test_one_query(benchmark, rows, queries, metric, peer):
    one = queries[:1]
    if peer == "skvision":
        find = ours(metric, rows).kneighbors
    elif peer == "faiss IndexFlat":
        kind = faiss.METRIC_L1 if metric == "l1" else faiss.METRIC_L2
        index = faiss.IndexFlat(rows.shape[1], kind)
        index.add(rows.astype(np.float32))
        one = one.astype(np.float32)

        def find(queries):
            return index.search(queries, N_NEIGHBORS)

    else:
        find = (
            NearestNeighbors(
                n_neighbors=N_NEIGHBORS,
                metric=SCIKIT_LEARN[metric],
                algorithm="brute",
                n_jobs=2,
            )
            .fit(rows.astype(np.float64))
            .kneighbors
        )
    group = f"{metric}, 5 nearest of 50,000 CIFAR-10 images, one query alone"
    found = run(benchmark, group, peer, find, one, 5)
    assert len(found[0]) == 1


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("metric", ["l1", "l2"])
def test_one_query_after_another(benchmark, rows, queries, metric, n_jobs):
    """A thousand test images, one a call: the median and the 95th percentile."""
    find = ours(metric, rows, n_jobs).kneighbors
    alone, together = find(queries[:1]), find(queries[:100])
    for one, many in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, many[:1])
    images = iter(queries[:1000, None])
    benchmark.group = f"{metric}, one CIFAR-10 image a call, of 50,000"
    benchmark.pedantic(find, setup=lambda: ((next(images),), {}), rounds=1000)
    median, late = 1e3 * np.percentile(benchmark.stats.stats.data, [50, 95])
    name = f"{n_jobs} thread, median {median:.1f} ms, 95th percentile {late:.1f} ms"
    benchmark.extra_info["name"] = name
