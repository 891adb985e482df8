"""KNNImageClassifier: ties, leave-one-out and weights of votes."""

import numpy as np
import pytest
from neighbors_by_hand import line
from sklearn.datasets import load_iris
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from skvision import KNNImageClassifier

# Ties


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


def test_the_first_of_equally_distant_images_is_nearer():
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
    monkeypatch.setattr(
        "skvision._neighbors.knn_image_classifier.NUMBERS_PER_BATCH", 100
    )
    np.testing.assert_array_equal(model.predict_proba(None), expected)


def test_leave_one_out_needs_others():
    model = line([0.0, 1, 2], [0, 1, 1], n_neighbors=3)
    assert model.predict([[0.0]]) == [1]
    for call in (model.predict, model.predict_proba, lambda X: model.score(X, [0])):
        with pytest.raises(
            ValueError,
            match=r"between 1 and 2, the number of other training images; got 3",
        ):
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
        (lambda d: d[:, :1], "shape .* of the distances"),
        (lambda d: -d, "finite and nonnegative weights"),
        (lambda d: d * np.nan, "finite and nonnegative weights"),
        (lambda d: 1 / (0 * d), "finite and nonnegative weights"),
        (lambda d: 0 * d, "returned zero for all"),
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
