"""KNNImageClassifier against KNeighborsClassifier, by hand, and on real images."""

import builtins
import copy
import pickle
import sys

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import (
    LeaveOneOut,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.neighbors import KNeighborsClassifier

from skvision import KNNImageClassifier
from skvision._neighbors.hnsw import HNSWIndex
from skvision._neighbors.votes import vote
from skvision.datasets import load_cifar10
from skvision.model_selection import k_selection_curve

SHARED = {"l1": "manhattan", "l2": "euclidean", "cosine": "cosine"}
OURS = ["l1", "l2", "cosine", "chi2", "hellinger"]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X.astype(np.uint8), y


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


def test_nearest_neighbor_of_a_training_picture_is_itself(digits):
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


# Ties


def line(positions, classes, **parameters):
    """Return a classifier of points on a line."""
    return KNNImageClassifier(**parameters).fit(np.c_[positions], classes)


def test_a_tie_goes_to_the_class_of_the_nearest():
    positions, classes = [1.0, 2, 3, 4], ["b", "a", "b", "a"]
    nearest = line(positions, classes, n_neighbors=4)
    lowest = line(positions, classes, n_neighbors=4, tie_break="lowest")
    assert nearest.predict([[0.0]]) == ["b"]
    assert lowest.predict([[0.0]]) == ["a"]
    share = (0.5 + 1e-9) / (1 + 1e-9)
    np.testing.assert_allclose(nearest.predict_proba([[0.0]]), [[1 - share, share]])
    np.testing.assert_array_equal(lowest.predict_proba([[0.0]]), [[0.5, 0.5]])


def test_a_tie_goes_to_the_nearest_of_the_tied_not_to_the_nearest_of_all():
    model = line([1.0, 2, 3, 4, 5], ["c", "b", "a", "b", "a"])
    assert model.predict([[0.0]]) == ["b"]


def test_the_first_of_equally_distant_pictures_is_nearer():
    positions, classes = [1.0, -1, 1, -1], ["b", "a", "c", "a"]
    assert line(positions, classes, n_neighbors=3).kneighbors([[0.0]])[1].tolist() == [
        [0, 1, 2]
    ]
    assert line(positions, classes, n_neighbors=3).predict([[0.0]]) == ["b"]
    assert line(positions, classes, n_neighbors=1).predict([[0.0]]) == ["b"]
    assert line(positions, classes, n_neighbors=4).predict([[0.0]]) == ["a"]


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 0.1, 1: 0.3, 2: 0.3}])
@pytest.mark.parametrize("n_neighbors", [1, 2, 4, 6, 9])
def test_prediction_is_the_largest_probability(n_neighbors, class_weight, weights, rng):
    X = rng.integers(0, 3, (300, 4), dtype=np.uint8)
    y = rng.integers(0, 3, 300)
    for tie_break in ("nearest", "lowest"):
        model = KNNImageClassifier(
            n_neighbors,
            weights=weights,
            class_weight=class_weight,
            tie_break=tie_break,
        ).fit(X, y)
        shares = model.predict_proba(X)
        np.testing.assert_array_equal(
            model.predict(X), model.classes_[shares.argmax(axis=1)]
        )
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        assert shares.min() >= 0
        if tie_break == "nearest":
            best = np.sort(shares, axis=1)
            assert (best[:, -1] > best[:, -2]).all()


def test_ties_by_class_weights_that_do_not_add_up_exactly():
    """Three times 0.1 is not 0.3 in floating point; it is a tie nevertheless."""
    model = line(
        [1.0, 2, 3, 4],
        [1, 0, 0, 0],
        n_neighbors=4,
        class_weight={0: 0.1, 1: 0.3},
    )
    assert 0.1 + 0.1 + 0.1 != 0.3
    assert model.predict([[0.0]]) == [1]
    for lowest, class_weight in [(0, {0: 0.1, 1: 0.3}), (0, {0: 0.3, 1: 0.1})]:
        classes = [1, 0, 0, 0] if class_weight[0] == 0.1 else [0, 1, 1, 1]
        model = line(
            [1.0, 2, 3, 4],
            classes,
            n_neighbors=4,
            class_weight=class_weight,
            tie_break="lowest",
        )
        assert model.predict([[0.0]]) == [lowest]
        np.testing.assert_array_equal(model.predict_proba([[0.0]]), [[0.5, 0.5]])


def test_neighbors_without_weight_break_no_ties():
    model = line([1.0, 2, 3], ["b", "a", "b"], n_neighbors=3, weights=lambda d: d > 1.0)
    assert model.predict([[0.0]]) == ["a"]


# Leave-one-out


def test_leave_one_out_on_iris():
    X, y = load_iris(return_X_y=True)
    for model in (KNNImageClassifier(3), KNeighborsClassifier(3)):
        assert model.fit(X, y).score(None, y) == 0.96
    weights = np.arange(150)
    ours, theirs = KNNImageClassifier(3).fit(X, y), KNeighborsClassifier(3).fit(X, y)
    assert ours.score(None, y, weights) == pytest.approx(theirs.score(None, y, weights))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ours.score(None, y[:-1])


@pytest.mark.parametrize("weights", ["uniform", "distance", lambda d: np.exp(-d / 9)])
@pytest.mark.parametrize("n_neighbors", [1, 3, 10])
def test_leave_one_out_is_scikit_learns(n_neighbors, weights, digits):
    X, y = digits
    X, y = X[:300] + np.arange(300)[:, None] / 1000, y[:300]  # without ties
    ours = KNNImageClassifier(n_neighbors, weights=weights, tie_break="lowest")
    theirs = KNeighborsClassifier(n_neighbors, weights=weights)
    ours.fit(X, y), theirs.fit(X, y)
    np.testing.assert_array_equal(ours.predict(None), theirs.predict(None))
    np.testing.assert_allclose(
        ours.predict_proba(None), theirs.predict_proba(None), atol=1e-6
    )


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 2, 1: 1}])
@pytest.mark.parametrize("tie_break", ["nearest", "lowest"])
def test_leave_one_out_is_cross_validation(tie_break, class_weight, rng):
    """With very many ties and copies, and a class of a single image."""
    X = rng.integers(0, 4, (60, 3), dtype=np.uint8)
    y = np.r_[rng.integers(0, 2, 59), 2]
    model = KNNImageClassifier(4, tie_break=tie_break, class_weight=class_weight)
    expected = cross_val_predict(model, X, y, cv=LeaveOneOut())
    model.fit(X, y)
    np.testing.assert_array_equal(model.predict(None), expected)
    assert model.score(None, y) == np.mean(expected == y)
    shares = model.predict_proba(None)
    np.testing.assert_array_equal(model.classes_[shares.argmax(axis=1)], expected)


def test_leave_one_out_in_parts(digits, monkeypatch):
    X, y = digits
    model = KNNImageClassifier(3).fit(X[:300], y[:300])
    expected = model.predict_proba(None)
    by_neighbors = model._labels[model.kneighbors()[1]]
    np.testing.assert_allclose(
        expected[:, 4], (by_neighbors == 4).mean(axis=1), atol=1e-8
    )
    monkeypatch.setattr("skvision._neighbors.knn_image_classifier.NUMBERS_AT_ONCE", 100)
    np.testing.assert_array_equal(model.predict_proba(None), expected)


def test_leave_one_out_needs_others():
    model = line([0.0, 1, 2], [0, 1, 1], n_neighbors=3)
    assert model.predict([[0.0]]) == [1]
    for call in (model.predict, model.predict_proba, lambda X: model.score(X, [0])):
        with pytest.raises(ValueError, match=r"n_neighbors=3 .* 2 other training"):
            call(None)


# Weights


def test_weights_by_distance():
    model = line([1.0, 2, -2], [0, 1, 1], n_neighbors=3, weights="distance")
    np.testing.assert_allclose(
        model.predict_proba([[0.0], [0.5]]),
        [[0.5 + 5e-10, 0.5 - 5e-10], [2 / 3.0666667, 1.0666667 / 3.0666667]],
    )
    np.testing.assert_array_equal(model.predict_proba([[2.0]]), [[0, 1]])


def test_neighbors_at_distance_zero_decide_alone():
    model = line([0.0, 0, 0, 1e-100, 1], [1, 0, 1, 0, 0], weights="distance")
    np.testing.assert_allclose(model.predict_proba([[0.0]]), [[1 / 3, 2 / 3]])
    assert np.isfinite(model.predict_proba([[5e-101]])).all()


def test_weights_by_a_function():
    model = line([1.0, 2, 3], [0, 1, 1], n_neighbors=3, weights=lambda d: np.exp(-d))
    e = np.exp(-np.array([1.0, 2, 3]))
    np.testing.assert_allclose(
        model.predict_proba([[0.0]]), [[e[0] / e.sum(), e[1:].sum() / e.sum()]]
    )


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda d: d[:, :1], "one for each distance"),
        (lambda d: -d, "finite weights from 0"),
        (lambda d: d * np.nan, "finite weights from 0"),
        (lambda d: 1 / (0 * d), "finite weights from 0"),
        (lambda d: 0 * d, "weight zero"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_functions_that_return_no_weights(function, message):
    model = line([1.0, 2, 3], [0, 1, 1], n_neighbors=3, weights=function)
    with pytest.raises(ValueError, match=message):
        model.predict([[0.0]])


def test_class_weights_multiply_votes():
    model = line([1.0, 2, 3], [0, 1, 1], n_neighbors=3, class_weight={0: 6})
    np.testing.assert_allclose(model.predict_proba([[0.0]]), [[0.75, 0.25]])
    balanced = line([1.0, 2, 3], [0, 1, 1], n_neighbors=3, class_weight="balanced")
    np.testing.assert_allclose(balanced.predict_proba([[0.0]]), [[0.5, 0.5]])
    assert balanced.predict([[0.0], [9.0]]).tolist() == [0, 1]


# Neighbors


def test_neighbors_of_the_training_pictures_leave_themselves_out(rng):
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
    with pytest.raises(ValueError, match=r"NaN for row 0 .* row 0"):
        KNNImageClassifier(1, metric=lambda a, b: np.nan).fit(X, y).predict(X[:1])


@pytest.mark.parametrize("metric", OURS)
def test_training_and_test_pictures_of_different_dtypes(metric, digits):
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
    with pytest.raises(ValueError, match="finite and not negative"):
        model.predict([[0.0]])
    assert model.set_params(weights="uniform").predict([[0.0]]) == [0]


# Adding images


def test_partial_fit_is_fit_on_all(digits):
    X, y = digits
    y = np.array([f"digit {label}" for label in y])
    whole = KNNImageClassifier(3).fit(X[:900], y[:900])
    parts = KNNImageClassifier(3)
    for start in range(0, 900, 300):
        part = slice(start, start + 300)
        parts.partial_fit(X[part], y[part], classes=np.unique(y))
    assert parts.n_samples_fit_ == 900
    for a, b in zip(parts.kneighbors(X[900:]), whole.kneighbors(X[900:]), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(parts.predict(X[900:]), whole.predict(X[900:]))


def test_classes_may_be_announced_later(digits):
    X, y = digits
    few, rest = y < 5, y >= 5
    model = KNNImageClassifier(3).fit(X[few], y[few])
    with pytest.raises(ValueError, match=r"classes \[5, 6, 7, 8, 9\] of y are not"):
        model.partial_fit(X[rest], y[rest])
    with pytest.raises(ValueError, match=r"classes \[0, 1, 2, 3, 4\] of earlier calls"):
        model.partial_fit(X[rest], y[rest], classes=range(5, 10))
    assert model.n_samples_fit_ == few.sum()
    model.partial_fit(X[rest], y[rest], classes=np.arange(-2, 11))
    assert model.classes_.tolist() == list(range(-2, 11))
    expected = KNNImageClassifier(3).fit(np.r_[X[few], X[rest]], np.r_[y[few], y[rest]])
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))
    shares = model.predict_proba(X)
    assert shares.shape == (len(X), 13)
    assert not shares[:, [0, 1, 12]].any()


def test_partial_fit_of_classes_without_pictures_and_balanced_weights():
    model = KNNImageClassifier(2, class_weight="balanced")
    model.partial_fit([[0.0], [1.0], [2.0]], ["a", "b", "b"], classes=["a", "b", "c"])
    np.testing.assert_allclose(model.predict_proba([[0.2]]), [[2 / 3, 1 / 3, 0]])


def test_partial_fit_of_another_dtype_or_shape(digits):
    X, y = digits
    model = KNNImageClassifier(1).fit(X[:100].reshape(-1, 8, 8), y[:100])
    with pytest.raises(ValueError, match=r"\(4, 16, 1\).*\(8, 8, 1\)"):
        model.partial_fit(X[:100].reshape(-1, 4, 16), y[:100], classes=range(10))
    model.partial_fit(X[100:200] + 0.25, y[100:200], classes=range(10))
    distances, indices = model.kneighbors(X[:200])
    np.testing.assert_array_equal(indices[:, 0], np.arange(200))
    np.testing.assert_array_equal(distances[:, 0], np.repeat([0, 2.0], 100))


@pytest.mark.parametrize("algorithm", ["brute", "hnsw"])
def test_metric_and_algorithm_are_settled_by_the_first_fit(algorithm, digits):
    if algorithm == "hnsw":
        pytest.importorskip("faiss")
    X, y = digits
    model = KNNImageClassifier(3, algorithm=algorithm).fit(X[:300], y[:300])
    expected = model.kneighbors(X[900:905])[0]
    model.set_params(metric="l1", algorithm="brute")
    model.partial_fit(X[:300], y[:300])
    twice = model.kneighbors(X[900:905], 6)[0]
    np.testing.assert_array_equal(twice[:, ::2], expected)
    for wrong in ({"metric": "l3"}, {"tie_break": "far"}, {"weights": "far"}):
        spoilt = clone(model).fit(X, y).set_params(**wrong)
        with pytest.raises(ValueError, match=next(iter(wrong))):
            spoilt.partial_fit(X[:300], y[:300])
        with pytest.raises(ValueError, match=next(iter(wrong))):
            spoilt.predict(X[:3])


def test_first_partial_fit_needs_classes():
    with pytest.raises(ValueError, match="classes must be given in the first call"):
        KNNImageClassifier().partial_fit([[0.0]], [0])


# Bad input


def test_more_neighbors_than_pictures():
    model = line([0.0, 1, 2], [0, 1, 1], n_neighbors=4)
    for call in (
        lambda: model.predict([[0.0]]),
        lambda: model.kneighbors([[0.0]]),
        lambda: model.kneighbors([[0.0]], 4),
    ):
        with pytest.raises(ValueError, match=r"n_neighbors=4 .* there are 3 training"):
            call()
    with pytest.raises(ValueError, match=r"n_neighbors=3 .* 2 other training"):
        model.kneighbors(n_neighbors=3)
    with pytest.raises(ValueError, match="n_neighbors=0 "):
        model.kneighbors([[0.0]], 0)
    with pytest.raises(TypeError, match=r"integer; got 2\.0"):
        model.kneighbors([[0.0]], 2.0)


@pytest.mark.parametrize("metric", ["chi2", "hellinger"])
def test_negative_values_in_histograms(metric):
    X = np.array([[1.0, 2], [0, -3]])
    with pytest.raises(ValueError, match=rf"'{metric}'.* row 1 has the value -3"):
        KNNImageClassifier(1, metric=metric).fit(X, [0, 1])
    model = KNNImageClassifier(1, metric=metric).fit(np.abs(X), [0, 1])
    with pytest.raises(ValueError, match="row 1 has the value -3"):
        model.predict(X)
    with pytest.raises(ValueError, match="row 0 has the value -1"):
        model.partial_fit([[-1.0, 0]], [1])


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_rows_of_zeros_have_no_direction(dtype):
    X = np.array([[1, 2], [0, 0]], dtype)
    with pytest.raises(ValueError, match=r"'cosine'.* row 1 is zero"):
        KNNImageClassifier(1, metric="cosine").fit(X, [0, 1])
    model = KNNImageClassifier(1, metric="cosine").fit(X[:1], [0])
    with pytest.raises(ValueError, match="row 1 is zero"):
        model.predict(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"metric": "l3"}, "'l3'"),
        ({"n_neighbors": 0}, "n_neighbors"),
        ({"weights": "far"}, "weights"),
        ({"tie_break": "random"}, "tie_break"),
        ({"algorithm": "kd_tree"}, "algorithm"),
        ({"ef_search": 0}, "ef_search"),
        ({"class_weight": {0: 0.0}}, "class_weight must be numbers above 0"),
        ({"class_weight": {0: np.nan}}, "class_weight must be numbers above 0"),
        ({"class_weight": {0: "a"}}, "class_weight must be numbers above 0"),
        ({"algorithm": "hnsw", "metric": np.dot}, "not a callable"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        line([0.0, 1], [0, 1], **parameters)


@pytest.mark.parametrize("algorithm", ["brute", "hnsw"])
def test_distances_that_overflow(algorithm):
    if algorithm == "hnsw":
        pytest.importorskip("faiss")
    model = KNNImageClassifier(2, algorithm=algorithm).fit([[1e200], [-1e200]], [0, 1])
    with pytest.raises(ValueError, match="too large for float64: scale"):
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


# Choosing k


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("metric", ["l1", "cosine"])
def test_curve_is_that_of_cross_validation(metric, weights, digits):
    X, y = digits
    X, y = X[:400], y[:400]
    numbers = [5, 1, 40]
    parameters = {"metric": metric, "weights": weights, "class_weight": "balanced"}
    curve = k_selection_curve(X, y, numbers, cv=3, **parameters)
    assert list(curve.columns) == ["k", "fold", "accuracy"]
    assert curve["k"].tolist() == [5] * 3 + [1] * 3 + [40] * 3
    assert curve["fold"].tolist() == [0, 1, 2] * 3
    for k, part in curve.groupby("k"):
        expected = cross_validate(KNNImageClassifier(k, **parameters), X, y, cv=3)
        np.testing.assert_array_equal(part["accuracy"], expected["test_score"])


def test_neighbors_are_found_once_a_fold(digits, monkeypatch):
    calls = []
    kneighbors = KNNImageClassifier.kneighbors

    def count(self, X, *arguments):
        calls.append((len(X), self.n_neighbors))
        return kneighbors(self, X, *arguments)

    monkeypatch.setattr(KNNImageClassifier, "kneighbors", count)
    X, y = digits
    k_selection_curve(X[:200].reshape(-1, 8, 8), y[:200], range(1, 31), cv=4)
    assert calls == [(50, 30)] * 4


@pytest.mark.parametrize("numbers", [[], [0, 1], [1.5]])
def test_numbers_of_neighbors_that_are_none(numbers, digits):
    with pytest.raises(ValueError, match="whole numbers from 1"):
        k_selection_curve(*digits, numbers)


def test_curve_of_odd_input(digits):
    X, y = digits
    names = np.array([f"digit {label}" for label in y])[:200]
    curve = k_selection_curve(X[:200], names, [3, 3, 1], cv=2)
    assert curve["k"].tolist() == [3, 3, 1, 1]
    with pytest.raises(ValueError, match=r"up to 101.* 100 images"):
        k_selection_curve(X[:200], names, [1, 101], cv=2)
    with pytest.raises(TypeError, match="sparse"):
        k_selection_curve(csr_matrix(X), y, [1])
    with pytest.raises(ValueError, match="whole numbers from 1"):
        k_selection_curve(X, y, [True])


def test_curve_keeps_groups_together(digits):
    from sklearn.model_selection import GroupKFold

    X, y = digits
    groups = np.arange(len(y)) // 60
    curve = k_selection_curve(X, y, [3], cv=GroupKFold(4), groups=groups)
    expected = cross_val_score(
        KNNImageClassifier(3), X, y, cv=GroupKFold(4), groups=groups
    )
    np.testing.assert_array_equal(curve["accuracy"], expected)


# Approximate search


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


def test_graph_of_pictures_with_many_features(faiss, rng):
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
    assert cross_val_score(model, X, y, cv=3, n_jobs=2).min() > 0.9


@pytest.mark.parametrize("n_rows", [1, 2, 5])
@pytest.mark.parametrize("metric", OURS)
def test_graph_of_few_pictures(metric, n_rows, faiss, rng):
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


def test_adding_pictures_to_a_copy_leaves_the_graph_alone(faiss, digits, monkeypatch):
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


# Real images


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "nearest", "lowest"),
    [
        ("l1", [0.3859, 0.3922, 0.3921, 0.3923], [0.3859, 0.3625, 0.3770, 0.3764]),
        ("l2", [0.3539, 0.3561, 0.3556, 0.3508], [0.3539, 0.3303, 0.3398, 0.3358]),
    ],
)
def test_all_of_cifar10(data_root, metric, nearest, lowest):
    """All 50,000 training images against all 10,000 test images: whole counts."""
    train, test = load_cifar10(data_root), load_cifar10(data_root, split="test")
    model = KNNImageClassifier(metric=metric, n_jobs=-1)
    model.fit(train.images, train.labels)
    assert np.shares_memory(model._rows, train.images)
    distances, neighbors = model.kneighbors(test.images, 7)
    for tie_break, accuracies in [("nearest", nearest), ("lowest", lowest)]:
        for k, accuracy in zip([1, 3, 5, 7], accuracies, strict=True):
            shares = vote(
                model._labels[neighbors[:, :k]],
                distances[:, :k],
                "uniform",
                np.ones(10),
                tie_break,
            )
            predicted = model.classes_[shares.argmax(axis=1)]
            assert np.mean(predicted == test.labels) == accuracy
    model.set_params(n_neighbors=7, tie_break="lowest")
    few = slice(0, 500)
    np.testing.assert_array_equal(model.predict(test.images[few]), predicted[few])
