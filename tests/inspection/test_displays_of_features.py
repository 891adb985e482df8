"""Displays of templates, HOG and codebooks, read back from the axes."""

import numpy as np
import pandas as pd
import pytest
from axes_read_back import IMAGES, NAMES, X, Y, drawn, in_shades
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skvision import (
    HOG,
    BagOfVisualWords,
    KNNImageClassifier,
    MLPBackprop,
    MulticlassSVM,
    Perceptron,
    PixelNormalizer,
    SoftmaxRegression,
)
from skvision.inspection import CodebookDisplay, HOGDisplay, TemplateDisplay, draw_hog


class TestTemplateDisplay:
    def test_gray_classes(self):
        model = SoftmaxRegression(alpha=0.1).fit(IMAGES / 16, NAMES)
        display = TemplateDisplay.from_estimator(model, n_cols=3)
        largest = np.abs(model.coef_).max()
        classes = ["nil", "one", "three", "two"]
        for axes, row, name in zip(display.axes_, model.coef_, classes, strict=True):
            assert_array_equal(drawn(axes), row.reshape(8, 8))
            assert axes.images[0].get_clim() == (-largest, largest)
            assert axes.get_title() == name
        rows = {axes.get_subplotspec().rowspan.start for axes in display.axes_}
        assert rows == {0, 1}

    def test_colors_and_two_classes(self, rng):
        pictures = rng.integers(0, 256, (20, 5, 4, 3), dtype=np.uint8)
        model = Perceptron(max_iter=500).fit(pictures, np.arange(20) % 2)
        display = TemplateDisplay.from_estimator(model)
        (axes,) = display.axes_
        weights = model.coef_.reshape(5, 4, 3)
        assert_allclose(drawn(axes), 0.5 + weights / np.abs(weights).max() / 2)
        assert axes.get_title() == "1"

    def test_units_of_a_network_in_a_pipeline(self):
        model = MLPBackprop((12,), max_iter=2, random_state=0)
        pipeline = make_pipeline(PixelNormalizer(), model).fit(IMAGES, Y)
        display = TemplateDisplay.from_estimator(pipeline, n_units=5)
        weights = model.coefs_[0]
        titles = [axes.get_title() for axes in display.axes_]
        units = [int(title.removeprefix("unit ")) for title in titles]
        lengths = (weights**2).sum(axis=0)
        assert units == sorted(range(12), key=lambda unit: -lengths[unit])[:5]
        for axes, unit in zip(display.axes_, units, strict=True):
            assert_array_equal(drawn(axes).ravel(), weights[:, unit])

    def test_flat_rows(self):
        with pytest.raises(ValueError, match="flat rows"):
            TemplateDisplay.from_estimator(SoftmaxRegression().fit(X / 16, Y))
        model = MLPBackprop((3,), max_iter=1, image_shape=(8, 8)).fit(X, Y)
        assert TemplateDisplay.from_estimator(model).templates.shape == (3, 8, 8)

    def test_others_have_no_templates(self):
        with pytest.raises(TypeError, match="KNNImageClassifier"):
            TemplateDisplay.from_estimator(KNNImageClassifier().fit(X, Y))
        with pytest.raises(NotFittedError):
            TemplateDisplay.from_estimator(MulticlassSVM())


class TestHOGDisplay:
    @pytest.mark.parametrize("flat", [False, True])
    def test_images_and_their_features(self, flat):
        data = X if flat else IMAGES
        hog = HOG(pixels_per_cell=(4, 4), image_shape=(8, 8)).fit(data)
        display = HOGDisplay.from_estimator(hog, data, n_pictures=3)
        assert display.axes_.shape == (3, 2)
        for i, (picture, lines) in enumerate(display.axes_):
            assert_allclose(in_shades(picture), IMAGES[i] / 16, atol=1e-6)
            assert_array_equal(
                drawn(lines), draw_hog(hog, hog.transform(data[i : i + 1]))[0]
            )
            assert lines.images[0].get_clim() == (0, 1)

    def test_weights_of_a_class(self):
        hog = HOG(orientations=4, pixels_per_cell=(8, 8)).fit(IMAGES)
        pipeline = make_pipeline(hog, StandardScaler(), LogisticRegression())
        pipeline.fit(IMAGES, NAMES)
        pipeline[-1].coef_ = np.array(
            [[2, 0, -1, 0], [0, 0, 0, 0], [0, -3, 0, 0], [1.0, 1, 1, 1]]
        )
        display = HOGDisplay.from_classifier(pipeline)
        line = [draw_hog(hog, row) for row in np.eye(4)]
        first, nothing, against, every = (drawn(axes) for axes in display.axes_)
        assert_allclose(first, np.where(line[0] >= line[2] / 2, line[0], -line[2] / 2))
        assert_array_equal(nothing, 0)
        assert_allclose(against, -line[1])
        assert_allclose(every, np.max(line, axis=0))
        titles = [axes.get_title() for axes in display.axes_]
        assert titles == ["nil", "one", "three", "two"]
        assert display.axes_[0].images[0].get_clim() == (-1, 1)

    def test_two_classes_and_a_step_left_out(self):
        rows = Y < 2
        pipeline = make_pipeline(HOG(), "passthrough", SoftmaxRegression())
        display = HOGDisplay.from_classifier(pipeline.fit(IMAGES[rows], NAMES[rows]))
        assert [axes.get_title() for axes in display.axes_] == ["one"]

    def test_errors(self):
        with pytest.raises(TypeError, match="got Pipeline"):
            HOGDisplay.from_estimator(make_pipeline(HOG()), IMAGES)
        with pytest.raises(NotFittedError):
            HOGDisplay.from_estimator(HOG(), IMAGES)
        with pytest.raises(TypeError, match="must begin with a HOG"):
            HOGDisplay.from_classifier(SoftmaxRegression())
        with pytest.raises(TypeError, match="PCA, between"):
            HOGDisplay.from_classifier(make_pipeline(HOG(), PCA(), SoftmaxRegression()))
        with pytest.raises(NotFittedError):
            HOGDisplay.from_classifier(make_pipeline(HOG(), SoftmaxRegression()))
        knn = make_pipeline(HOG(), KNNImageClassifier()).fit(IMAGES, Y)
        with pytest.raises(TypeError, match="has coef_; got KNN"):
            HOGDisplay.from_classifier(knn)
        regression = make_pipeline(HOG(), Ridge()).fit(IMAGES, Y)
        with pytest.raises(TypeError, match="has coef_; got Ridge"):
            HOGDisplay.from_classifier(regression)

    def test_weights_of_pairs_of_classes_are_not_of_classes(self):
        pipeline = make_pipeline(HOG(), SVC(kernel="linear"))
        three = Y < 3  # as many pairs as classes
        with pytest.raises(TypeError, match="pairs of classes"):
            HOGDisplay.from_classifier(pipeline.fit(IMAGES[three], Y[three]))
        display = HOGDisplay.from_classifier(pipeline.fit(IMAGES[Y < 2], Y[Y < 2]))
        assert display.names.tolist() == [1]


class TestCodebookDisplay:
    @pytest.mark.parametrize("mirror", [False, True])
    def test_most_used_words_come_first(self, mirror):
        bag = BagOfVisualWords(3, n_words=12, mirror=mirror, random_state=0)
        bag.fit(IMAGES)
        display = CodebookDisplay.from_estimator(bag, IMAGES[:50], n_words=5, n_cols=3)
        means = bag.transform(IMAGES[:50]).mean(axis=0)
        words = [int(name.split("_")[1]) for name in bag.get_feature_names_out()]
        used = pd.Series(means).groupby(words).sum().sort_values(ascending=False)
        shades = in_shades(display.ax_)
        assert shades.shape == (7, 11)
        for place, word in enumerate(used.index[:5]):
            patch = bag.inverse_codebook()[word, :, :, 0]
            top, left = 4 * (place // 3), 4 * (place % 3)
            expected = 0.5 + patch / np.abs(patch).max() / 2
            tile = shades[top : top + 3, left : left + 3]
            assert_allclose(tile, expected, atol=1e-6)
        assert_array_equal(shades[3], 1)  # white between them
        share = used.iloc[:5].sum() / used.sum()
        n_all = 6 if mirror else 12
        title = f"5 of {n_all} words, most used first: {share:.0%} of total usage"
        assert display.ax_.get_title() == title

    def test_colors_in_their_order(self, rng):
        pictures = rng.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
        bag = BagOfVisualWords(4, n_words=6, codebook="kmeans", encoding="triangle")
        display = CodebookDisplay.from_estimator(
            make_pipeline(bag, SoftmaxRegression()).fit(pictures, [0, 1, 0, 1])
        )
        assert drawn(display.ax_).shape == (4, 14, 3)
        patch = bag.inverse_codebook()[2]
        expected = 0.5 + patch / np.abs(patch).max() / 2
        assert_allclose(drawn(display.ax_)[:, 10:], expected, atol=1e-6)
        assert display.ax_.get_title() == "3 words"

    def test_errors(self):
        with pytest.raises(TypeError, match="got HOG"):
            CodebookDisplay.from_estimator(HOG())
        with pytest.raises(NotFittedError):
            CodebookDisplay.from_estimator(BagOfVisualWords())

    def test_features_may_be_a_table(self):
        bag = BagOfVisualWords(3, n_words=6, random_state=0).fit(IMAGES)
        usage = CodebookDisplay.from_estimator(bag, IMAGES[:20]).usage
        bag.set_output(transform="pandas")
        table = CodebookDisplay.from_estimator(bag, IMAGES[:20]).usage
        assert_array_equal(table, usage)
