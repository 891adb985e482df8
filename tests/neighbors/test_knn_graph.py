"""KNNImageClassifier by approximate search."""

import builtins
import copy
import pickle
import sys

import numpy as np
import pytest
from joblib import parallel_config
from neighbors_by_hand import OURS, line
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from skvision import KNNImageClassifier
from skvision._neighbors.hnsw import HNSWIndex


@pytest.fixture
def faiss():
    return pytest.importorskip("faiss")


@pytest.mark.parametrize("metric", OURS)
def test_graph_finds_almost_all_neighbors(metric, faiss, digits):
    X, y = digits
    exact = KNNImageClassifier(10, metric=metric).fit(X[:1500], y[:1500])
    graph = KNNImageClassifier(10, metric=metric, algorithm="hnsw", ef_search=100)
    graph.fit(X[:1500], y[:1500])
    distances, indices = graph.kneighbors(X[1500:])
    true_distances, true_indices = exact.kneighbors(X[1500:])
    same = distances == true_distances
    found = [
        len(np.intersect1d(a, b)) for a, b in zip(indices, true_indices, strict=True)
    ]
    assert np.mean(found) > 9.7
    assert same.mean() > 0.95
    assert (np.diff(distances, axis=1) >= 0).all()
    assert graph.score(X[1500:], y[1500:]) > 0.9


def test_leave_one_out_by_a_graph(faiss, digits):
    X, y = digits
    X = np.r_[X[:900], X[:100]]  # copies
    y = np.r_[y[:900], y[:100]]
    exact = KNNImageClassifier(3).fit(X, y)
    graph = KNNImageClassifier(3, algorithm="hnsw", ef_search=200).fit(X, y)
    assert np.mean(graph.predict(None) == exact.predict(None)) > 0.99
    assert not (graph.kneighbors()[1] == np.arange(1000)[:, None]).any()


def test_graph_of_images_with_many_features(faiss, rng):
    small = rng.random((900, 6, 6, 3))
    images = (255 * small.repeat(4, axis=1).repeat(4, axis=2)).astype(np.uint8)
    y = np.arange(900) % 3
    for metric in ("l1", "l2"):
        graph = KNNImageClassifier(5, metric=metric, algorithm="hnsw").fit(images, y)
        exact = KNNImageClassifier(5, metric=metric).fit(images, y)
        queries = images[:200] // 2 + images[200:400] // 2
        same = graph.kneighbors(queries)[1] == exact.kneighbors(queries)[1]
        assert same.mean() > 0.9
        assert graph._index.graph.d < 600


def test_larger_searches_find_more(faiss, rng):
    X = rng.random((3000, 30))
    exact = KNNImageClassifier(10).fit(X, np.zeros(3000)).kneighbors()[1]
    graph = KNNImageClassifier(10, algorithm="hnsw").fit(X, np.zeros(3000))
    same = [
        (graph.set_params(ef_search=n).kneighbors()[1] == exact).mean()
        for n in (10, 200)
    ]
    assert same[0] < same[1] > 0.98


def test_graph_comes_out_the_same_and_survives_pickle_and_clone(faiss, digits):
    X, y = digits
    model = KNNImageClassifier(3, algorithm="hnsw", ef_search=5).fit(X[:900], y[:900])
    expected = model.kneighbors(X[900:])
    copies = {
        "pickle": pickle.loads(pickle.dumps(model)),
        "clone": clone(model).fit(X[:900], y[:900]),
        "threads": clone(model).set_params(n_jobs=2).fit(X[:900], y[:900]),
        "parts": clone(model).fit(X[:500], y[:500]).partial_fit(X[500:900], y[500:900]),
    }
    for name, other in copies.items():
        distances, indices = other.kneighbors(X[900:])
        if name != "parts":  # faiss draws the levels of a part anew
            np.testing.assert_array_equal(indices, expected[1])
            np.testing.assert_array_equal(distances, expected[0])
        assert (indices == expected[1]).mean() > 0.9
    with parallel_config("threading"):  # processes take seconds to start
        assert cross_val_score(model, X, y, cv=3, n_jobs=2).min() > 0.9


@pytest.mark.parametrize("n_rows", [1, 2, 5])
@pytest.mark.parametrize("metric", OURS)
def test_graph_of_few_images(metric, n_rows, faiss, rng):
    X = rng.random((n_rows, 9))
    graph = KNNImageClassifier(n_rows, metric=metric, algorithm="hnsw", ef_search=1)
    exact = KNNImageClassifier(n_rows, metric=metric)
    for model in (graph, exact):
        model.fit(X, np.zeros(n_rows))
    for got, expected in zip(graph.kneighbors(X), exact.kneighbors(X), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_graph_that_falls_to_pieces(dtype, faiss, rng):
    """Many equal images are linked to one another only."""
    X = (255 * rng.random((20, 30))).astype(dtype).repeat(300, axis=0)
    graph = KNNImageClassifier(1000, algorithm="hnsw").fit(X, np.zeros(len(X)))
    exact = KNNImageClassifier(1000).fit(X, np.zeros(len(X)))
    got, expected = graph.kneighbors(X[:50])[0], exact.kneighbors(X[:50])[0]
    assert (got == expected).mean() > 0.9


def test_adding_images_to_a_copy_leaves_the_graph_alone(faiss, digits, monkeypatch):
    X, y = digits
    model = KNNImageClassifier(5, algorithm="hnsw").fit(X[:500], y[:500])
    expected = model.kneighbors(X[1500:])
    copy.copy(model).partial_fit(X[500:900], y[500:900])

    def interrupted(self, rows, n_jobs):
        raise KeyboardInterrupt

    monkeypatch.setattr(HNSWIndex, "_points", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X[500:900], y[500:900])
    monkeypatch.undo()
    for got, before in zip(model.kneighbors(X[1500:]), expected, strict=True):
        np.testing.assert_array_equal(got, before)
    assert model._index.graph.ntotal == model.n_samples_fit_ == 500


def test_graph_without_faiss(monkeypatch):
    original = builtins.__import__

    def without_faiss(name, *arguments, **keywords):
        if name == "faiss":
            raise ModuleNotFoundError("No module named 'faiss'", name="faiss")
        return original(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without_faiss)
    monkeypatch.delitem(sys.modules, "faiss", raising=False)
    with pytest.raises(ImportError, match=r"python -m pip install '.\[ann\]'"):
        line([0.0, 1], [0, 1], algorithm="hnsw")
