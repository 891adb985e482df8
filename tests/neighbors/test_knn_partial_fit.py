"""KNNImageClassifier: images that are added later."""

import numpy as np
import pytest
from sklearn.base import clone

from skvision import KNNImageClassifier


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


def test_partial_fit_of_classes_without_images_and_balanced_weights():
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
    with pytest.raises(ValueError, match="classes must be passed in the first call"):
        KNNImageClassifier().partial_fit([[0.0]], [0])
