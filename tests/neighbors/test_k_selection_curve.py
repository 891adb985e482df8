"""The curve by which k is chosen."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.model_selection import cross_val_score, cross_validate

from skvision import KNNImageClassifier
from skvision.model_selection import k_selection_curve


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
    with pytest.raises(ValueError, match="list of positive integers"):
        k_selection_curve(*digits, numbers)


def test_curve_of_odd_input(digits):
    X, y = digits
    names = np.array([f"digit {label}" for label in y])[:200]
    curve = k_selection_curve(X[:200], names, [3, 3, 1], cv=2)
    assert curve["k"].tolist() == [3, 3, 1, 1]
    with pytest.raises(ValueError, match=r"contains 101.* 100 images"):
        k_selection_curve(X[:200], names, [1, 101], cv=2)
    with pytest.raises(TypeError, match="sparse"):
        k_selection_curve(csr_matrix(X), y, [1])
    with pytest.raises(ValueError, match="list of positive integers"):
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
