"""Displays of neighbors and mistakes, read back from the axes."""

import numpy as np
import pandas as pd
import pytest
from axes_read_back import IMAGES, NAMES, X, Y, drawn, in_shades
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skvision import HOG, KNNImageClassifier, SoftmaxRegression
from skvision.inspection import MistakesDisplay, NeighborsDisplay

RIGHT, WRONG = "#00795a", "#d55e00"


class TestNeighborsDisplay:
    def test_neighbors_of_the_best_estimator_of_a_search(self):
        search = GridSearchCV(KNNImageClassifier(), {"n_neighbors": [3]}, cv=2)
        search.fit(IMAGES, Y)
        display = NeighborsDisplay.from_estimator(search, IMAGES[:2], Y[:2])
        assert display.neighbors.shape[:2] == (2, 3)
        assert_array_equal(display.neighbor_classes[:, 0], Y[:2])

    @pytest.mark.parametrize("flat", [False, True])
    def test_images_are_those_of_the_nearest(self, flat):
        data, shape = (X, {"image_shape": (8, 8)}) if flat else (IMAGES, {})
        model = KNNImageClassifier(3).fit(data[20:], NAMES[20:])
        display = NeighborsDisplay.from_estimator(
            model, data[:20], NAMES[:20], n_pictures=4, **shape
        )
        assert display.axes_.shape == (4, 4)
        distances = np.linalg.norm(X[:4, None] - X[None, 20:], axis=2)
        nearest = 20 + np.argsort(distances, axis=1, kind="stable")[:, :3]
        shown = IMAGES[np.concatenate([np.arange(4), nearest.ravel()])]
        for i, row in enumerate(display.axes_):
            for axes, j in zip(row, [i, *nearest[i]], strict=True):
                shade = (IMAGES[j] - shown.min()) / np.ptp(shown)
                assert_allclose(in_shades(axes), shade, atol=1e-6)
            for axes, j in zip(row[1:], nearest[i], strict=True):
                name, distance = axes.get_xlabel().split("\n")
                right = NAMES[j] == NAMES[i]
                assert name == f"{NAMES[j]} {'✓' if right else '✗'}"
                assert float(distance) == pytest.approx(distances[i, j - 20], rel=5e-3)
                color = RIGHT if right else WRONG
                assert to_hex(axes.xaxis.label.get_color()) == color
                assert to_hex(axes.spines["left"].get_edgecolor()) == color
            predicted = model.predict(data[i : i + 1])[0]
            mark = "✓" if predicted == NAMES[i] else "✗"
            label = f"true: {NAMES[i]}\npredicted: {predicted} {mark}"
            assert row[0].get_ylabel() == label
        assert display.axes_[0, 1].get_title() == "nearest"
        assert display.axes_[0, 3].get_title() == "3rd"

    def test_without_classes_there_are_no_marks(self):
        model = KNNImageClassifier(15).fit(IMAGES, Y)
        display = NeighborsDisplay.from_estimator(model, IMAGES[1:2])
        assert display.axes_.shape == (1, 11)  # 10 at most
        words = [axes.get_xlabel() for axes in display.axes_.flat]
        assert not any(mark in word for mark in "✓✗" for word in words)
        assert display.axes_[0, 0].get_ylabel() == "predicted: 1"

    def test_more_neighbors_than_the_model_asks(self):
        model = KNNImageClassifier(1).fit(IMAGES[20:], NAMES[20:])
        display = NeighborsDisplay.from_estimator(model, IMAGES[:2], n_neighbors=4)
        assert_array_equal(display.distances, model.kneighbors(IMAGES[:2], 4)[0])

    def test_bytes_of_colors_are_as_they_are(self, rng):
        pictures = rng.integers(50, 100, (9, 4, 5, 3), dtype=np.uint8)
        model = KNNImageClassifier(1).fit(pictures, np.arange(9))
        display = NeighborsDisplay.from_estimator(model, pictures[4:6])
        assert_allclose(drawn(display.axes_[1, 1]), pictures[5] / 255, atol=1e-6)
        assert display.axes_[1, 1].get_xlabel() == "5\n0.00"

    def test_distances_have_three_digits(self):
        distances = [[0.012345, 9.996, 99.96, 12_345.6]]
        neighbors = IMAGES[None, :4]
        display = NeighborsDisplay(IMAGES[:1], neighbors, Y[None, :4], distances).plot()
        words = [axes.get_xlabel().split("\n")[1] for axes in display.axes_[0, 1:]]
        assert words == ["0.0123", "10.0", "100", "12,346"]

    def test_features_need_the_images(self):
        model = make_pipeline(HOG(pixels_per_cell=(4, 4)), KNNImageClassifier(2))
        model.fit(IMAGES[50:], Y[50:])
        with pytest.raises(ValueError, match="as X_train"):
            NeighborsDisplay.from_estimator(model, IMAGES[:2])
        with pytest.raises(ValueError, match="X_train has 3 images"):
            NeighborsDisplay.from_estimator(model, IMAGES[:2], X_train=IMAGES[:3])
        display = NeighborsDisplay.from_estimator(
            model, IMAGES[:2], X_train=list(IMAGES[50:])
        )
        features = model[0].transform(IMAGES)
        distances = np.linalg.norm(features[50:] - features[1], axis=1)
        nearest = IMAGES[50 + distances.argmin()]
        assert_array_equal(display.neighbors[1, 0, :, :, 0], nearest)
        assert_array_equal(display.pictures[1, :, :, 0], IMAGES[1])

    def test_images_that_are_only_changed_need_nothing_else(self):
        pipeline = make_pipeline(
            FunctionTransformer(lambda images: images[:, ::2]), KNNImageClassifier(1)
        ).fit(IMAGES, Y)
        display = NeighborsDisplay.from_estimator(pipeline, IMAGES[:2])
        assert_array_equal(display.neighbors[1, 0, :, :, 0], IMAGES[1, ::2])
        assert_array_equal(display.pictures[..., 0], IMAGES[:2, ::2])

    def test_errors(self):
        with pytest.raises(TypeError, match="got SoftmaxRegression"):
            NeighborsDisplay.from_estimator(SoftmaxRegression(), X)
        with pytest.raises(NotFittedError):
            NeighborsDisplay.from_estimator(KNNImageClassifier(), X)
        model = KNNImageClassifier().fit(IMAGES, Y)
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            NeighborsDisplay.from_estimator(model, IMAGES[:9], Y[:10])


class TestMistakesDisplay:
    def test_the_probability_is_that_of_the_predicted_class(self):
        rows = Y < 2
        model = LogisticRegression(C=1e-6).fit(X[rows], Y[rows])
        low = FixedThresholdClassifier(model, threshold=0.1).fit(X[rows], Y[rows])
        predicted, probabilities = low.predict(X[rows]), low.predict_proba(X[rows])
        wrong = np.flatnonzero(predicted != Y[rows])
        display = MistakesDisplay.from_estimator(
            low, X[rows], Y[rows], images=IMAGES[rows]
        )
        of_predicted = probabilities[wrong, predicted[wrong]]
        assert of_predicted.min() < 0.5
        assert_allclose(display.confidence, np.sort(of_predicted)[::-1][:20])

    def test_a_model_without_scores_gives_no_confidence(self):
        class First(ClassifierMixin, BaseEstimator):
            def fit(self, X, y):
                self.classes_ = np.unique(y)
                return self

            def predict(self, X):
                return np.repeat(self.classes_[:1], len(X))

        display = MistakesDisplay.from_estimator(First().fit(IMAGES, Y), IMAGES, Y)
        assert display.confidence is None
        assert display.n_wrong == np.sum(Y != Y.min())
        assert "predicted class above, true one below" in (
            display.plot().figure_._suptitle.get_text()
        )

    def test_images_of_many_sizes(self):
        pictures = [np.ones((4, 4 + i % 2), np.uint8) for i in range(6)]
        with pytest.raises(ValueError, match="images of different shapes"):
            MistakesDisplay.from_predictions(pictures, [0] * 6, [1] * 6)

    @pytest.mark.parametrize("n", [1, 3, 6])
    def test_nothing_is_cut_off(self, n):
        display = MistakesDisplay(IMAGES[:n], ["a"] * n, ["b"] * n, [0.5] * n).plot()
        display.figure_.canvas.draw()
        label = display.axes_[-1].xaxis.label.get_window_extent()
        assert label.y0 > 0
        title = display.axes_[0].title.get_window_extent()
        assert title.y1 < display.figure_._suptitle.get_window_extent().y0

    def test_tables_of_pixels(self):
        table = pd.DataFrame(X, index=np.arange(len(X)) + 5)
        display = MistakesDisplay.from_predictions(
            table, Y, np.where(np.arange(len(Y)) == 7, 9, Y), image_shape=(8, 8)
        )
        assert_array_equal(display.images[:, :, :, 0], IMAGES[[7]])
