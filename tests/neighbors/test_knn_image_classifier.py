"""KNNImageClassifier against KNeighborsClassifier, by hand, and on real images."""

import numpy as np
import pytest
from neighbors_by_hand import OURS, line
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier

from skvision import KNNImageClassifier
from skvision._neighbors.votes import vote
from skvision.datasets import load_cifar10

SHARED = {"l1": "manhattan", "l2": "euclidean", "cosine": "cosine"}


def data(kind, n, rng):
    """Return rows and classes; of bytes, very many distances are equal."""
    y = rng.integers(0, 4, n)
    if kind == "bytes":
        return rng.integers(0, 4, (n, 12), dtype=np.uint8), y
    X = rng.normal(size=(n, 40)) + y[:, None] / 3
    return X.astype(kind), y


def theirs(X):
    return X if X.dtype == np.float32 else X.astype(np.float64)


def assert_same_neighbors(ours, reference, all_distances, rtol):
    """Hold distances together everywhere, indices where distances differ."""
    n_neighbors = ours[1].shape[1]
    np.testing.assert_allclose(ours[0], reference[0], rtol=rtol, atol=1e-7)
    in_order = np.sort(all_distances, axis=1)[:, : n_neighbors + 1]
    gaps = np.diff(in_order, axis=1) > 1e-6 * in_order[:, 1:]
    alone = gaps[:, :n_neighbors].copy()
    alone[:, 1:] &= gaps[:, : n_neighbors - 1]
    assert alone.any()
    np.testing.assert_array_equal(ours[1][alone], reference[1][alone])


def fifth_is_nearer_than_sixth(all_distances):
    in_order = np.sort(all_distances, axis=1)
    return in_order[:, 5] - in_order[:, 4] > 1e-6 * in_order[:, 5]


@pytest.mark.parametrize("n_queries", [9, 200])
@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("metric", SHARED)
@pytest.mark.parametrize("kind", ["bytes", "float32", "float64", "digits"])
def test_same_as_scikit_learn(kind, metric, weights, n_queries, rng, digits):
    if kind == "digits":
        X, y = digits
        X, y, Q = X[:1000], y[:1000], X[1000 : 1000 + n_queries]
    else:
        X, y = data(kind, 500, rng)
        Q, _ = data(kind, n_queries, rng)
        X[X.sum(axis=1) == 0] += 1
        Q[Q.sum(axis=1) == 0] += 1
    ours = KNNImageClassifier(
        5, metric=metric, weights=weights, tie_break="lowest"
    ).fit(X, y)
    reference = KNeighborsClassifier(
        5, metric=SHARED[metric], weights=weights, algorithm="brute"
    ).fit(theirs(X), y)
    n = 12
    in_float64 = cdist(
        Q, X, {"manhattan": "cityblock"}.get(SHARED[metric], SHARED[metric])
    )
    assert_same_neighbors(
        ours.kneighbors(Q, n),
        reference.kneighbors(theirs(Q), n),
        in_float64,
        1e-4 if kind == "float32" and metric == "cosine" else 1e-6,
    )
    np.testing.assert_allclose(
        ours.kneighbors(Q, n)[0], np.sort(in_float64, 1)[:, :n], rtol=1e-12, atol=1e-14
    )
    differ = fifth_is_nearer_than_sixth(in_float64)
    if n_queries > 9:
        assert differ.mean() > {"bytes": 0.1, "digits": 0.5}.get(kind, 0.99)
    np.testing.assert_array_equal(
        ours.predict(Q)[differ], reference.predict(theirs(Q))[differ]
    )
    np.testing.assert_allclose(
        ours.predict_proba(Q)[differ],
        reference.predict_proba(theirs(Q))[differ],
        atol=1e-5,
    )
    assert ours.score(X, y) == pytest.approx(
        reference.score(theirs(X), y), abs=0.05 if kind == "bytes" else 0
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", ["near duplicates", "large offset"])
@pytest.mark.parametrize("metric", SHARED)
def test_floats_are_as_close_to_the_truth_as_scikit_learns(metric, case, dtype, rng):
    X = rng.random((300, 30))
    Q = X[:100] + (1e-5 if case == "near duplicates" else 0.3) * rng.random((100, 30))
    if case == "large offset":
        X, Q = X + 1e4, Q + 1e4
    X, Q = X.astype(dtype), Q.astype(dtype)
    exact_X, exact_Q = X.astype(np.longdouble), Q.astype(np.longdouble)[:, None]
    if metric == "cosine":
        exact_X = exact_X / np.sqrt((exact_X**2).sum(-1, keepdims=True))
        exact_Q = exact_Q / np.sqrt((exact_Q**2).sum(-1, keepdims=True))
    difference = exact_Q - exact_X
    truth = {
        "l1": np.abs(difference).sum(-1),
        "l2": np.sqrt((difference**2).sum(-1)),
        "cosine": (difference**2).sum(-1) / 2,
    }[metric]
    truth = np.sort(truth, axis=1)[:, :3].astype(float)
    y = np.arange(300) % 3
    ours, _ = KNNImageClassifier(3, metric=metric).fit(X, y).kneighbors(Q)
    reference, _ = (
        KNeighborsClassifier(3, metric=SHARED[metric], algorithm="brute")
        .fit(X, y)
        .kneighbors(Q)
    )
    error, their_error = ((np.abs(d - truth) / truth).max() for d in (ours, reference))
    assert error < 1e-7
    assert error <= their_error + 1e-14


def test_worked_distances():
    test = [[56, 32, 10, 18], [90, 23, 128, 133], [24, 26, 178, 200], [2, 0, 255, 220]]
    train = [[10, 20, 24, 17], [8, 10, 89, 100], [12, 16, 178, 170], [4, 32, 233, 112]]
    test, train = np.array([test], np.uint8), np.array([train], np.uint8)
    for metric, expected in [("l1", 456), ("l2", 162.1111), ("manhattan", 456)]:
        model = KNNImageClassifier(1, metric=metric).fit(train, ["a"])
        assert model.kneighbors(test)[0] == pytest.approx(expected, abs=5e-5)


def test_l1_depends_on_the_axes_and_l2_does_not():
    turned = np.array([[3.0, 4.0]]) @ (np.array([[1, -1], [1, 1]]) / np.sqrt(2))
    for X, l1, l2 in [([[3.0, 4.0]], 7, 5), (turned, 5.65685, 5)]:
        for metric, expected in [("l1", l1), ("l2", l2)]:
            model = KNNImageClassifier(1, metric=metric).fit(X, [0])
            assert model.kneighbors([[0, 0]])[0] == pytest.approx(expected, abs=5e-6)


def test_nearest_neighbor_of_a_training_image_is_itself(digits):
    X, y = digits
    assert KNNImageClassifier(1).fit(X, y).score(X, y) == 1
    assert KNNImageClassifier(9).fit(X, y).score(X, y) < 1


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("metric", ["l1", "l2"])
def test_forty_thousand_features_as_far_apart_as_can_be(metric, dtype):
    X = np.zeros((70, 200, 200), dtype)
    X[1], X[2, 0, 0] = 255, 1
    model = KNNImageClassifier(2, metric=metric).fit(X, np.arange(70) // 2)
    far = 255 * (40_000 if metric == "l1" else 200)
    for queries in (X[1:2], X[1:].repeat(2, axis=0)):  # without sketches and with them
        distances, indices = model.kneighbors(queries)
        assert indices[0].tolist() == [1, 2]
        expected = far - 1 if metric == "l1" else np.sqrt(far**2 - 255**2 + 254**2)
        np.testing.assert_allclose(distances[0], [0, expected], rtol=1e-15)


def test_definitions_of_distances_of_histograms(rng):
    X, Q = rng.random((2, 80, 9))
    X[:, 3] = Q[:40, 3] = 0
    for metric, term in [
        ("chi2", lambda a, b: np.nansum((a - b) ** 2 / (a + b))),
        ("hellinger", lambda a, b: np.linalg.norm(np.sqrt(a) - np.sqrt(b)) / 2**0.5),
    ]:
        model = KNNImageClassifier(4, metric=metric).fit(X, np.arange(80) % 2)
        with np.errstate(invalid="ignore"):
            expected = np.array([[term(q, x) for x in X] for q in Q])
        distances, indices = model.kneighbors(Q)
        np.testing.assert_allclose(distances, np.sort(expected, 1)[:, :4], rtol=1e-12)
        np.testing.assert_array_equal(indices, np.argsort(expected, 1)[:, :4])
    two = KNNImageClassifier(1, metric="hellinger").fit([[0.0, 1.0]], [0])
    assert two.kneighbors([[1.0, 0.0]])[0] == 1


# Neighbors


def test_neighbors_of_the_training_images_leave_themselves_out(rng):
    X = rng.integers(0, 256, (90, 20), dtype=np.uint8)
    X[40:48] = X[:8]
    model = KNNImageClassifier(3).fit(X, np.arange(90) % 2)
    distances, indices = model.kneighbors()
    exact = cdist(X, X)
    np.fill_diagonal(exact, np.inf)
    np.testing.assert_array_equal(distances, np.sort(exact, 1)[:, :3])
    assert not (indices == np.arange(90)[:, None]).any()
    np.testing.assert_array_equal(indices[40:48, 0], np.arange(8))
    duplicates = KNNImageClassifier(1).fit(np.zeros((4, 2), np.uint8), [0, 1, 0, 1])
    assert duplicates.kneighbors(return_distance=False).tolist() == [[1], [0], [0], [0]]


@pytest.mark.parametrize("mode", ["connectivity", "distance"])
def test_graph(mode, digits):
    X, y = digits
    X, y = X[:300] + np.arange(300)[:, None] / 1000, y[:300]  # without ties
    ours = KNNImageClassifier(4).fit(X, y)
    reference = KNeighborsClassifier(4).fit(X, y)
    for Q in (None, X[:50]):
        got = ours.kneighbors_graph(Q, mode=mode)
        expected = reference.kneighbors_graph(Q, mode=mode)
        np.testing.assert_allclose(got.toarray(), expected.toarray(), atol=1e-5)
        assert got.format == "csr"
    assert ours.kneighbors_graph(X, 2).sum(axis=1).tolist() == [[2]] * 300
    with pytest.raises(ValueError, match=r"'connectivity' or 'distance'.*'both'"):
        ours.kneighbors_graph(mode="both")


def test_a_function_of_two_rows(digits):
    X, y = digits
    seen = []

    def chessboard(a, b):
        seen.append((a.dtype.name, b.dtype.name, a.shape))
        return np.abs(a - b).max()  # would wrap round on bytes

    model = KNNImageClassifier(3, metric=chessboard).fit(X[:60], y[:60])
    distances, indices = model.kneighbors(X[60:70])
    exact = cdist(X[60:70], X[:60], "chebyshev")
    order = np.argsort(exact, axis=1, kind="stable")[:, :3]
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(distances, np.take_along_axis(exact, order, 1))
    assert set(seen) == {("float64", "float64", (64,))}
    assert model.predict(X[60:70]).shape == (10,)
    with pytest.raises(ValueError, match=r"NaN for sample 0 .* sample 0"):
        KNNImageClassifier(1, metric=lambda a, b: np.nan).fit(X, y).predict(X[:1])


@pytest.mark.parametrize("metric", OURS)
def test_training_and_test_images_of_different_dtypes(metric, digits):
    X, y = digits
    expected = KNNImageClassifier(3, metric=metric).fit(X[:500], y[:500])
    expected = expected.kneighbors(X[500:700])[0]
    for train, test in [("uint8", "float64"), ("float32", "uint8"), ("float64", "f4")]:
        model = KNNImageClassifier(3, metric=metric)
        model.fit(X[:500].astype(train), y[:500])
        got = model.kneighbors(X[500:700].astype(test))[0]
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("metric", [lambda a, b: np.inf, lambda a, b: -1.0])
def test_distances_that_are_no_base_for_weights(metric):
    model = line([0.0, 1], [0, 1], n_neighbors=2, metric=metric, weights="distance")
    with pytest.raises(ValueError, match="finite and nonnegative"):
        model.predict([[0.0]])
    assert model.set_params(weights="uniform").predict([[0.0]]) == [0]


# Bad input


def test_more_neighbors_than_images():
    model = line([0.0, 1, 2], [0, 1, 1], n_neighbors=4)
    for call in (
        lambda: model.predict([[0.0]]),
        lambda: model.kneighbors([[0.0]]),
        lambda: model.kneighbors([[0.0]], 4),
    ):
        with pytest.raises(
            ValueError, match=r"between 1 and 3, the number of training images; got 4"
        ):
            call()
    with pytest.raises(
        ValueError, match=r"between 1 and 2, the number of other training images; got 3"
    ):
        model.kneighbors(n_neighbors=3)
    with pytest.raises(ValueError, match="got 0"):
        model.kneighbors([[0.0]], 0)
    with pytest.raises(TypeError, match=r"integer; got 2\.0"):
        model.kneighbors([[0.0]], 2.0)


@pytest.mark.parametrize("metric", ["chi2", "hellinger"])
def test_negative_values_in_histograms(metric):
    X = np.array([[1.0, 2], [0, -3]])
    with pytest.raises(ValueError, match=rf"'{metric}'.* sample 1 has the value -3"):
        KNNImageClassifier(1, metric=metric).fit(X, [0, 1])
    model = KNNImageClassifier(1, metric=metric).fit(np.abs(X), [0, 1])
    with pytest.raises(ValueError, match="sample 1 has the value -3"):
        model.predict(X)
    with pytest.raises(ValueError, match="sample 0 has the value -1"):
        model.partial_fit([[-1.0, 0]], [1])


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_rows_of_zeros_have_no_direction(dtype):
    X = np.array([[1, 2], [0, 0]], dtype)
    with pytest.raises(ValueError, match=r"'cosine'.* sample 1, which is zero"):
        KNNImageClassifier(1, metric="cosine").fit(X, [0, 1])
    model = KNNImageClassifier(1, metric="cosine").fit(X[:1], [0])
    with pytest.raises(ValueError, match="sample 1, which is zero"):
        model.predict(X)


@pytest.mark.parametrize("algorithm", ["brute", "hnsw"])
def test_distances_that_overflow(algorithm):
    if algorithm == "hnsw":
        pytest.importorskip("faiss")
    model = KNNImageClassifier(2, algorithm=algorithm).fit([[1e200], [-1e200]], [0, 1])
    with pytest.raises(ValueError, match=r"overflow float64\. Scale"):
        model.predict([[1e200]])


@pytest.mark.parametrize("factor", [1e-200, 1e-165, 1e-100, 1e100, 1e200])
@pytest.mark.parametrize("metric", ["l1", "cosine", "chi2", "hellinger"])
def test_distances_of_very_small_and_very_large_numbers(metric, factor, rng):
    X = rng.random((80, 3))
    expected = KNNImageClassifier(4, metric=metric).fit(X, np.arange(80) % 2)
    scaled = KNNImageClassifier(4, metric=metric).fit(X * factor, np.arange(80) % 2)
    power = {"cosine": 0, "hellinger": 0.5}.get(metric, 1)
    for n in (3, 80):
        distances, indices = scaled.kneighbors(X[:n] * factor)
        true_distances, true_indices = expected.kneighbors(X[:n])
        np.testing.assert_array_equal(indices, true_indices)
        np.testing.assert_allclose(
            distances, true_distances * factor**power, rtol=1e-9, atol=0
        )


def test_one_class_is_enough():
    assert line([0.0, 1], ["a", "a"], n_neighbors=1).predict([[3.0]]) == ["a"]


# Real images


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "nearest", "lowest"),
    [
        ("l1", [597, 596, 596, 584], [597, 538, 572, 562]),
        ("l2", [522, 536, 525, 518], [522, 494, 508, 488]),
    ],
)
def test_cifar10(data_root, metric, nearest, lowest):
    """All 50,000 training images, and how many of 1,500 test images are right."""
    train, test = load_cifar10(data_root), load_cifar10(data_root, split="test")
    images, labels = test.images[:1500], test.labels[:1500]
    model = KNNImageClassifier(metric=metric, n_jobs=-1)
    model.fit(train.images, train.labels)
    assert np.shares_memory(model._rows, train.images)
    distances, neighbors = model.kneighbors(images, 7)
    for tie_break, numbers in [("nearest", nearest), ("lowest", lowest)]:
        for k, number in zip([1, 3, 5, 7], numbers, strict=True):
            shares = vote(
                model._labels[neighbors[:, :k]],
                distances[:, :k],
                "uniform",
                np.ones(10),
                tie_break,
            )
            predicted = model.classes_[shares.argmax(axis=1)]
            assert np.sum(predicted == labels) == number
    model.set_params(n_neighbors=7, tie_break="lowest")
    few = slice(0, 500)
    np.testing.assert_array_equal(model.predict(images[few]), predicted[few])
