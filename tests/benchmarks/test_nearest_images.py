"""Neighbors without classes against scikit-learn and faiss, one thread for each.

Peers that would take minutes get a part of the queries; what is compared is the time
per query. All find the same neighbors, which is asserted.
"""

import faiss
import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from skvision import NearestImages

N_NEIGHBORS = 5
RADIUS = {"l1": 30_000, "l2": 800, "chebyshev": 90}
SCIKIT_LEARN = {"l1": "manhattan", "l2": "euclidean", "chebyshev": "chebyshev"}


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def rows(cifar):
    return cifar.images[:10_000].reshape(10_000, -1)


def run(benchmark, group, name, function, queries, rounds=3):
    benchmark.group = group
    benchmark.extra_info.update(name=name, n=len(queries))
    return benchmark.pedantic(function, (queries,), rounds=rounds, warmup_rounds=1)


# Packed bits


def of_bits(n_bytes):
    rng = np.random.default_rng(0)
    shape = 52_000, n_bytes
    bits = rng.integers(0, 256, shape, dtype=np.uint8)
    return bits[:50_000], bits[50_000:]


@pytest.mark.parametrize("n_bytes", [8, 32, 128])
@pytest.mark.parametrize("peer", ["skvision", "faiss IndexBinaryFlat"])
def test_hamming(benchmark, n_bytes, peer):
    rows, queries = of_bits(n_bytes)
    group = f"hamming, 5 nearest of 50,000 rows of {8 * n_bytes} bits, per query"
    ours = NearestImages(N_NEIGHBORS, metric="hamming").fit(rows)
    index = faiss.IndexBinaryFlat(8 * n_bytes)
    index.add(rows)

    def find(queries):
        return index.search(queries, N_NEIGHBORS)

    function = ours.kneighbors if peer == "skvision" else find
    found = run(benchmark, group, peer, function, queries, 5)[0][:100]
    expected = np.rint(ours.kneighbors(queries[:100])[0] * 8 * n_bytes)
    scale = 8 * n_bytes if peer == "skvision" else 1
    np.testing.assert_array_equal(np.rint(found * scale), expected)


# Largest differences


@pytest.mark.parametrize("peer", ["skvision", "scikit-learn brute force"])
def test_chebyshev(benchmark, rows, peer):
    group = "chebyshev, 5 nearest of 10,000 CIFAR-10 images, per query"
    ours = NearestImages(N_NEIGHBORS, metric="chebyshev").fit(rows)
    queries = rows[:2000]
    find = ours.kneighbors
    if peer != "skvision":
        queries = queries[:20].astype(float)
        theirs = NearestNeighbors(
            n_neighbors=N_NEIGHBORS, metric="chebyshev", algorithm="brute"
        )
        find = theirs.fit(rows.astype(float)).kneighbors
    distances, _ = run(benchmark, group, peer, find, queries)
    np.testing.assert_array_equal(distances[:20], ours.kneighbors(rows[:20])[0])


# A radius


@pytest.mark.parametrize("peer", ["skvision", "scikit-learn brute force"])
@pytest.mark.parametrize("metric", RADIUS)
def test_radius(benchmark, rows, metric, peer):
    group = f"{metric}, all of 10,000 CIFAR-10 images within a radius, per query"
    radius = RADIUS[metric]
    ours = NearestImages(radius=radius, metric=metric).fit(rows)
    queries, find = rows[:2000], ours.radius_neighbors
    if peer != "skvision":
        dtype = np.float32 if metric == "l2" else np.float64
        queries = rows[: 500 if metric == "l2" else 20].astype(dtype)
        theirs = NearestNeighbors(
            radius=radius, metric=SCIKIT_LEARN[metric], algorithm="brute"
        )
        find = theirs.fit(rows.astype(dtype)).radius_neighbors
    _, indices = run(benchmark, group, peer, find, queries)
    expected = ours.radius_neighbors(rows[:20], return_distance=False)
    for got, true in zip(indices[:20], expected, strict=True):
        np.testing.assert_array_equal(np.sort(got), true)
