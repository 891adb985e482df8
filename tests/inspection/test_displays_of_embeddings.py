"""Displays of embeddings and verification, read back from the axes."""

import numpy as np
import pytest
from axes_read_back import IMAGES, NAMES, X, Y, legend
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import FunctionTransformer

from skvision import ArcFaceEmbedder, KNNImageClassifier, VerificationThreshold
from skvision.inspection import EmbeddingDisplay, VerificationDisplay


def texts(axes):
    return [text.get_text() for text in axes.texts]


class TestEmbeddingDisplay:
    def test_the_circle(self):
        model = ArcFaceEmbedder(2, batch_norm=False, max_iter=3, random_state=0)
        model.fit(IMAGES, NAMES)
        shown = NAMES != "one"
        display = EmbeddingDisplay.from_estimator(model, IMAGES[shown], NAMES[shown])
        assert texts(display.ax_) == ["nil", "three", "two"]
        centers = dict(zip(model.classes_, model.class_centers_, strict=True))
        embeddings = model.transform(IMAGES)
        for i, name in enumerate(["nil", "three", "two"]):
            points, direction = display.ax_.lines[2 * i : 2 * i + 2]
            x = points.get_xydata()
            radius = np.linalg.norm(x, axis=1, keepdims=True)
            assert_allclose(x / radius, embeddings[name == NAMES], atol=1e-5)
            assert radius.min() > 0.999
            assert radius.max() < 1.121
            assert_allclose(direction.get_xydata(), [[0, 0], centers[name]])

    def test_more_components_by_their_principal_ones(self, rng):
        embeddings = rng.normal(size=(60, 6)) * [3, 2, 1, 1, 1, 1] + 1
        directions = rng.normal(size=(3, 6))
        y = np.arange(60) % 3
        display = EmbeddingDisplay.from_predictions(
            embeddings, y, directions=directions
        )
        units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
        pca = PCA(2).fit(units)
        expected = pca.transform(units)
        signs = np.sign((expected * display.points).sum(axis=0))
        assert_allclose(display.points, expected * signs)
        unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        line = display.ax_.lines[3].get_xydata()  # points, direction, points, direction
        ends = pca.transform([np.zeros(6), unit[1]]) * signs
        assert_allclose(line, ends)
        share = pca.explained_variance_ratio_[0]
        label = f"principal component 1, {share:.0%} of the variance"
        assert display.ax_.get_xlabel() == label

    def test_directions_are_as_long_as_the_embeddings(self):
        points = [[20, 0], [0, 30], [0, 40]]
        display = EmbeddingDisplay.from_predictions(
            points, [0, 1, 1], directions=[[5, 0], [0, 2]]
        )
        assert_allclose(display.ax_.lines[1].get_xydata(), [[0, 0], [30, 0]])

    def test_two_components_that_are_no_circle(self, rng):
        points = rng.normal(size=(50, 2))
        display = EmbeddingDisplay.from_predictions(points, np.repeat([0, 1], 25))
        assert_array_equal(display.ax_.lines[1].get_xydata(), points[25:])
        assert display.ax_.get_xlabel() == "component 1"

    def test_a_hundred_classes(self, rng):
        y = np.repeat(np.arange(100), 2)
        display = EmbeddingDisplay.from_predictions(rng.normal(size=(200, 8)), y)
        assert texts(display.ax_) == [str(i) for i in range(100)]
        looks = {(line.get_color(), line.get_marker()) for line in display.ax_.lines}
        assert len(looks) == 35

    def test_errors(self):
        with pytest.raises(ValueError, match="two components; got 1"):
            EmbeddingDisplay.from_predictions(np.ones((3, 1)), [0, 1, 2])
        with pytest.raises(ValueError, match="at least two images; got 1"):
            EmbeddingDisplay.from_predictions(np.ones((1, 3)), [0])
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            EmbeddingDisplay.from_predictions(np.ones((3, 2)), [0, 1])
        with pytest.raises(
            ValueError, match=r"directions must have the shape \(2, 2\)"
        ):
            EmbeddingDisplay.from_predictions(
                np.ones((2, 2)), [0, 1], directions=np.ones((3, 2))
            )
        with pytest.raises(TypeError, match="KNNImageClassifier has no transform"):
            EmbeddingDisplay.from_estimator(KNNImageClassifier(), X, Y)
        with pytest.raises(NotFittedError):
            EmbeddingDisplay.from_estimator(ArcFaceEmbedder(), X, Y)


class TestVerificationDisplay:
    def test_rates_and_marks(self, rng):
        same = np.arange(3000) % 3 == 0
        similarity = rng.normal(2 * same).round(2)  # with ties
        display = VerificationDisplay.from_predictions(
            same, similarity, threshold=1.5, far=0.05
        )
        histograms, axes = display.axes_
        bins = np.histogram_bin_edges(similarity, 28)  # 2 * 3000 ** (1 / 3)
        for patch, kind in zip(histograms.patches, [~same, same], strict=True):
            tops = patch.get_path().interpolated(1).vertices[1:-1:2, 1]
            counts = np.histogram(similarity[kind], bins, density=True)[0]
            assert_allclose(tops[:28], counts)
        assert histograms.lines[0].get_xdata() == [1.5, 1.5]

        lines = [line.get_xydata() for line in axes.lines]
        curve, equal, marked, *_, used = lines
        of_two, of_one = similarity[~same], similarity[same]
        thresholds = np.append(np.unique(similarity), np.inf)
        fars = (of_two >= thresholds[:, None]).mean(axis=1)
        tars = (of_one >= thresholds[:, None]).mean(axis=1)
        for far, tar in curve:
            below = fars <= far + 1e-12
            assert tar == tars[below].max()
        assert len(curve) > 100
        (error, rate), *_ = equal
        nearest = np.abs(fars - (1 - tars)).argmin()
        assert error == pytest.approx(fars[nearest], abs=0.01)
        assert rate == pytest.approx(1 - error)
        assert marked[0, 0] == 0.05
        assert marked[0, 1] == pytest.approx(tars[fars <= 0.05].max(), abs=0.01)
        assert_allclose(used, [[(of_two >= 1.5).mean(), (of_one >= 1.5).mean()]])
        assert f"equal error rate {error:.2%}" in legend(axes)
        assert axes.get_xscale() == "log"

    @pytest.mark.parametrize(("n", "far"), [(40, 0.1), (50_000, 0.001)])
    def test_the_rate_that_is_marked_is_one_that_pairs_can_tell(self, n, far, rng):
        same = np.arange(n) % 2 == 0
        display = VerificationDisplay.from_predictions(same, rng.normal(size=n))
        marked = display.axes_[1].lines[2].get_xdata()
        assert marked[0] == pytest.approx(far)

    def test_images(self):
        rows, y = X[:60], NAMES[:60]
        embedder = FunctionTransformer()  # what it is given are embeddings
        display = VerificationDisplay.from_estimator(embedder, rows, y)
        units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        first, second = np.triu_indices(60, 1)
        assert_array_equal(display.y_same, y[first] == y[second])
        cosines = (units @ units.T)[first, second]
        assert_allclose(display.similarity, cosines, atol=1e-12)
        assert display.threshold is None

    def test_the_threshold_of_a_model(self):
        lock = VerificationThreshold(far=0.02).fit(X[:100], Y[:100])
        display = VerificationDisplay.from_estimator(lock, X[100:160], Y[100:160])
        assert (display.threshold, display.far) == (lock.threshold_, 0.02)
        first, second = np.triu_indices(60, 1)
        accepted = lock.verify(X[100:160][first], X[100:160][second])
        same = Y[100:160][first] == Y[100:160][second]
        used = display.axes_[1].lines[-1].get_xydata()
        assert_allclose(used, [[accepted[~same].mean(), accepted[same].mean()]])

    def test_errors(self):
        with pytest.raises(TypeError, match="KNNImageClassifier has no transform"):
            VerificationDisplay.from_estimator(KNNImageClassifier(), X, Y)
        for model in (ArcFaceEmbedder(), VerificationThreshold()):
            with pytest.raises(NotFittedError):
                VerificationDisplay.from_estimator(model, X, Y)
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            VerificationDisplay.from_estimator(FunctionTransformer(), X, Y[:5])
        with pytest.raises(ValueError, match="none of different classes"):
            VerificationDisplay.from_predictions([1, 1], [0.5, 0.6])

    def test_another_rate_than_that_of_the_model(self):
        lock = VerificationThreshold(far=0.02).fit(X[:100], Y[:100])
        display = VerificationDisplay.from_estimator(lock, X[:60], Y[:60], far=0.1)
        assert (display.threshold, display.far) == (lock.threshold_, 0.1)
