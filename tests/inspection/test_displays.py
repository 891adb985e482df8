"""Displays: what is read back from the axes is what it should be."""

import sys
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from skvision import (
    HOG,
    ArcFaceEmbedder,
    BagOfVisualWords,
    KNNImageClassifier,
    MLPBackprop,
    MulticlassSVM,
    Perceptron,
    PixelNormalizer,
    SoftmaxRegression,
    VerificationThreshold,
)
from skvision.inspection import (
    CodebookDisplay,
    EmbeddingDisplay,
    HOGDisplay,
    KSelectionDisplay,
    LossLandscapeDisplay,
    MistakesDisplay,
    NeighborsDisplay,
    TemplateDisplay,
    TrainingCurveDisplay,
    VerificationDisplay,
    draw_hog,
    saliency,
)
from skvision.model_selection import k_selection_curve

X, Y = load_digits(n_class=4, return_X_y=True)
IMAGES, NAMES = X.reshape(-1, 8, 8), np.array(["nil", "one", "two", "three"])[Y]
RIGHT, WRONG = "#00795a", "#d55e00"


@pytest.fixture(autouse=True)
def clean_pyplot():
    plt.close("all")
    plt.switch_backend("Agg")
    yield
    plt.close("all")


def drawn(axes):
    """Return the array of the only image in some axes."""
    (image,) = axes.images
    return np.asarray(image.get_array())


def in_shades(axes):
    """Return an image as it is seen, from 0, black, to 1."""
    (image,) = axes.images
    return np.asarray(image.norm(image.get_array()))


def texts(axes):
    return [text.get_text() for text in axes.texts]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


CURVE = ["k", "fold", "accuracy"]
DISPLAYS = {
    "Codebook": lambda: CodebookDisplay(np.ones((3, 2, 2, 1)), [1, 2, 3]),
    "Embedding": lambda: EmbeddingDisplay(np.eye(2), ["a", "b"], directions=np.eye(2)),
    "HOG": lambda: HOGDisplay(np.ones((2, 8, 8)), pictures=IMAGES[:2], names=[1, 2]),
    "KSelection": lambda: KSelectionDisplay(
        pd.DataFrame(
            {"k": [1, 1, 3, 3], "fold": [0, 1, 0, 1], "accuracy": [0, 1, 1, 1]}
        )
    ),
    "LossLandscape": lambda: LossLandscapeDisplay(
        [3, 1, 2], [[-1, 0, 1]], path=[[-1], [0]], path_losses=[3, 1]
    ),
    "Mistakes": lambda: MistakesDisplay(IMAGES[:2], [1, 2], [3, 4], [0.9, 0.8]),
    "Neighbors": lambda: NeighborsDisplay(
        IMAGES[:2], IMAGES[:6].reshape(2, 3, 8, 8), Y[:6].reshape(2, 3), np.ones((2, 3))
    ),
    "Template": lambda: TemplateDisplay(IMAGES[:3], [1, 2, 3]),
    "TrainingCurve": lambda: TrainingCurveDisplay(
        {
            "a": {"epoch": [1, 2], "loss": [3, 2], "learning_rate": [1, 0.5]},
            "b": {"epoch": [1, 2], "update_ratio": [[0.1, 0.2], [0.1, 0.2]]},
        }
    ),
    "Verification": lambda: VerificationDisplay(
        np.arange(20) % 2, np.arange(20) / 20, threshold=0.5
    ),
}


@pytest.mark.parametrize("make", DISPLAYS.values(), ids=DISPLAYS)
def test_drawing_again_and_in_given_axes(make):
    display = make()
    assert not hasattr(display, "figure_")
    assert display.plot() is display
    own = display.figure_
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    before = set(plt.get_fignums())
    assert display.plot(ax=right) is display
    assert display.figure_ is figure is not own
    assert set(plt.get_fignums()) == before
    figure.canvas.draw()  # warns of overfull layouts, missing glyphs
    if hasattr(display, "ax_"):
        assert display.ax_ is right
        assert figure.axes == [left, right]
    else:
        assert set(figure.axes) == {left, right, *display.axes_.flat}
        assert not right.axison
        for axes in display.axes_.flat:  # all in the right half
            assert axes.get_position().x0 > left.get_position().x1
    assert not left.has_data()


@pytest.mark.parametrize("make", DISPLAYS.values(), ids=DISPLAYS)
def test_without_matplotlib_nothing_is_drawn_but_all_is_made(make, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    display = make()
    with pytest.raises(ImportError, match=r"Display draws .* \"skvision\[plot\]"):
        display.plot()


LONG = "Coccinella septempunctata"


@pytest.mark.parametrize(
    "make",
    [
        lambda: TemplateDisplay(IMAGES[:3], [LONG] * 3),
        lambda: HOGDisplay(IMAGES[:3] / 16, names=[LONG] * 3),
        lambda: MistakesDisplay(IMAGES[:3], [LONG] * 3, [LONG] * 3, [0.5] * 3),
        lambda: NeighborsDisplay(
            IMAGES[:1], IMAGES[None, :3], [[LONG] * 3], np.ones((1, 3)), y_true=[LONG]
        ),
    ],
)
def test_long_names_do_not_run_into_each_other(make):
    display = make().plot()
    display.figure_.canvas.draw()
    shown = [[axes.title, axes.xaxis.label] for axes in display.axes_.flat[-3:]]
    for texts_ in zip(*shown, strict=True):
        boxes = [text.get_window_extent() for text in texts_]
        for left, right in pairwise(boxes):
            assert left.x1 <= right.x0


def test_axes_without_a_place_cannot_be_divided():
    with pytest.raises(ValueError, match="must have a place in a grid"):
        DISPLAYS["Template"]().plot(plt.figure().add_axes((0, 0, 1, 1)))


@pytest.mark.parametrize(
    ("draw", "name"),
    [
        (lambda: TemplateDisplay(IMAGES[:3], "abc").plot(n_cols=0), "n_cols"),
        (lambda: DISPLAYS["Codebook"]().plot(n_words=0), "n_words"),
        (lambda: DISPLAYS["Codebook"]().plot(n_cols=-1), "n_cols"),
        (
            lambda: MistakesDisplay.from_predictions(IMAGES, Y, Y, n_pictures=0),
            "n_pictures",
        ),
        (
            lambda: HOGDisplay.from_estimator(HOG().fit(X), X, n_pictures=-1),
            "n_pictures",
        ),
        (
            lambda: NeighborsDisplay.from_estimator(
                KNNImageClassifier().fit(IMAGES, Y), IMAGES, n_pictures=-1
            ),
            "n_pictures",
        ),
        (
            lambda: TemplateDisplay.from_estimator(
                MLPBackprop((3,), max_iter=1).fit(IMAGES, Y), n_units=0
            ),
            "n_units",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::skvision.ImageShapeWarning")
def test_there_is_something_to_draw(draw, name):
    with pytest.raises(ValueError, match=f"{name} == .*, must be >= 1"):
        draw()


def _first_history(estimator):
    display = TrainingCurveDisplay.from_estimator(estimator)
    return next(iter(display.histories.values()))["loss"]


@pytest.mark.parametrize(
    ("seen", "step"),
    [
        (lambda x: TemplateDisplay.from_estimator(x).templates, "passthrough"),
        (_first_history, None),
        (lambda x: HOGDisplay.from_classifier(x).drawings, HOG(pixels_per_cell=(4, 4))),
        (
            lambda x: CodebookDisplay.from_estimator(x).words,
            BagOfVisualWords(3, n_words=4, random_state=0),
        ),
        (lambda x: saliency(x, IMAGES[:2]), None),
    ],
)
def test_of_a_search_the_best_is_seen(seen, step):
    pipeline = make_pipeline(step, SoftmaxRegression())
    alphas = {"softmaxregression__alpha": [0.01, 10.0]}
    search = GridSearchCV(pipeline, alphas, cv=2).fit(IMAGES, Y)
    assert_array_equal(seen(search), seen(search.best_estimator_))


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


class TestNeighborsDisplay:
    @pytest.mark.parametrize("flat", [False, True])
    def test_pictures_are_those_of_the_nearest(self, flat):
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

    def test_features_need_the_pictures(self):
        model = make_pipeline(HOG(pixels_per_cell=(4, 4)), KNNImageClassifier(2))
        model.fit(IMAGES[50:], Y[50:])
        with pytest.raises(ValueError, match="pass X_train="):
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

    def test_pictures_that_are_only_changed_need_nothing_else(self):
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


class TestHOGDisplay:
    @pytest.mark.parametrize("flat", [False, True])
    def test_pictures_and_their_features(self, flat):
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
        with pytest.raises(TypeError, match="begins with a HOG"):
            HOGDisplay.from_classifier(SoftmaxRegression())
        with pytest.raises(TypeError, match="PCA stands between"):
            HOGDisplay.from_classifier(make_pipeline(HOG(), PCA(), SoftmaxRegression()))
        with pytest.raises(NotFittedError):
            HOGDisplay.from_classifier(make_pipeline(HOG(), SoftmaxRegression()))
        knn = make_pipeline(HOG(), KNNImageClassifier()).fit(IMAGES, Y)
        with pytest.raises(TypeError, match="have coef_; got KNN"):
            HOGDisplay.from_classifier(knn)
        regression = make_pipeline(HOG(), Ridge()).fit(IMAGES, Y)
        with pytest.raises(TypeError, match="have coef_; got Ridge"):
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
        title = f"5 of {n_all} words, most used first: {share:.0%} of all use"
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


class TestTrainingCurveDisplay:
    def test_a_network(self):
        model = MLPBackprop(
            (10, 6),
            max_iter=6,
            early_stopping=True,
            n_iter_no_change=6,
            learning_rate="cosine",
            random_state=0,
        ).fit(IMAGES, Y)
        display = TrainingCurveDisplay.from_estimator(model)
        loss, score, rate, ratio = display.axes_
        epochs = np.arange(1, 7)
        assert_array_equal(loss.lines[0].get_xydata().T, [epochs, model.loss_curve_])
        scores = model.validation_scores_
        assert_array_equal(score.lines[0].get_xydata().T, [epochs, scores])
        best = int(np.argmax(scores))
        assert_array_equal(score.lines[1].get_xydata(), [[best + 1, scores[best]]])
        assert score.get_title() == f"best: {scores[best]:.3f} in epoch {best + 1}"
        rates = model.learning_rate_init * (1 + np.cos(np.pi * (epochs - 1) / 6)) / 2
        assert_allclose(rate.lines[0].get_ydata(), rates, rtol=1e-6)
        for layer in range(3):
            values = model.history_["update_ratio"][:, layer]
            assert_array_equal(ratio.lines[layer].get_ydata(), values)
        assert ratio.get_yscale() == "log"
        assert legend(ratio) == ["layer 1", "layer 2", "layer 3", "rule of thumb"]
        assert {axes.get_xlabel() for axes in display.axes_} == {"epoch"}

    @pytest.mark.parametrize(
        ("model", "unit", "first"),
        [
            (SoftmaxRegression(), "iteration", 0),
            (MulticlassSVM("hinge", alpha=1, tol=0.1), "smoothed problem", 0),
            (SoftmaxRegression(solver="sgd", max_iter=500, tol=0.01), "epoch", 0),
            (Perceptron(), "epoch", 0),
            (MLPBackprop((3,), solver="lbfgs", alpha=1, max_iter=300), "iteration", 1),
        ],
        ids=str,
    )
    def test_solvers(self, model, unit, first):
        model.fit(IMAGES[:80] / 16, Y[:80])
        display = TrainingCurveDisplay.from_estimator(make_pipeline(model))
        (axes,) = display.axes_
        x, y = axes.lines[0].get_xydata().T
        assert_array_equal(y, model.loss_curve_)
        assert_array_equal(x, first + np.arange(len(y)))
        assert axes.get_xlabel() == unit

    def test_validation_of_linear_classifiers_begins_after_the_first_epoch(self):
        model = Perceptron(early_stopping=True, max_iter=50, random_state=0)
        model.fit(IMAGES / 16, Y)
        _, axes = TrainingCurveDisplay.from_estimator(model).axes_
        x, y = axes.lines[0].get_xydata().T
        assert_array_equal(x, 1 + np.arange(model.n_iter_))
        assert_array_equal(y, model.validation_scores_)

    def test_epochs_of_partial_fit_are_no_iterations(self):
        model = SoftmaxRegression()  # of which fit makes iterations
        for _ in range(3):
            model.partial_fit(IMAGES / 16, Y, classes=range(4))
        (axes,) = TrainingCurveDisplay.from_estimator(model).axes_
        assert axes.get_xlabel() == "epoch"
        assert_array_equal(axes.lines[0].get_xdata(), [1, 2, 3])
        (axes,) = TrainingCurveDisplay.from_estimator(model.fit(IMAGES / 16, Y)).axes_
        assert axes.get_xlabel() == "iteration"

    def test_several_models(self):
        fit = MLPBackprop((5,), max_iter=3, random_state=0).fit(IMAGES, Y)
        others = {f"a model of a long name, {i}": fit for i in range(4)}
        by_steps = SoftmaxRegression().fit(IMAGES / 16, Y)
        display = TrainingCurveDisplay.from_estimator(
            {"net": fit, 2: by_steps} | others
        )
        loss, ratio = display.axes_
        assert [line.get_label() for line in loss.lines] == ["net", "2", *others]
        assert_array_equal(loss.lines[1].get_ydata(), by_steps.loss_curve_)
        assert loss.get_xlabel() == "epoch or iteration"
        (above,) = display.figure_.legends
        assert [text.get_text() for text in above.get_texts()] == ["net", "2", *others]
        display.figure_.canvas.draw()
        frame = above.get_window_extent()
        assert frame.x0 >= 0
        assert frame.x1 <= display.figure_.bbox.x1
        assert ratio.lines[0].get_color() == loss.lines[0].get_color()
        assert ratio.lines[0].get_linestyle() != ratio.lines[1].get_linestyle()

    def test_errors(self):
        with pytest.raises(TypeError, match="KNNImageClassifier recorded no loss"):
            TrainingCurveDisplay.from_estimator(KNNImageClassifier().fit(X, Y))
        with pytest.raises(NotFittedError):
            TrainingCurveDisplay.from_estimator(MLPBackprop())
        with pytest.raises(ValueError, match="nothing to draw"):
            TrainingCurveDisplay({"a": {"epoch": [1], "loss": [np.nan]}}).plot()
        with pytest.raises(ValueError, match="history of 'a' does not say when"):
            TrainingCurveDisplay({"a": {"loss": [1, 2]}})


class TestKSelectionDisplay:
    def test_curve_and_choices(self):
        accuracy = {1: [0.5, 0.6, 0.7], 5: [0.8, 0.9, 0.7], 9: [0.7, 0.8, 0.8]}
        accuracy |= {50: [0.73, 0.75, 0.75], 99: [0.1, 0.2, 0.3]}
        records = [(k, i, a) for k, of in accuracy.items() for i, a in enumerate(of)]
        curve = pd.DataFrame(records[::-1], columns=CURVE)
        display = KSelectionDisplay(curve).plot()
        # 0.8 with a standard error of 0.1 / sqrt(3) = 0.058
        assert (display.best, display.smoothest) == (5, 50)
        points, bars = display.ax_.collections
        assert_array_equal(points.get_offsets(), curve[["k", "accuracy"]])
        line, *_ = display.ax_.lines
        means = [np.mean(of) for of in accuracy.values()]
        assert_allclose(line.get_xydata().T, [[1, 5, 9, 50, 99], means])
        low, high = bars.get_segments()[1]
        assert_allclose([low[1], high[1]], 0.8 + np.array([-1, 1]) * 0.1 / 3**0.5)
        assert "best mean: k = 5" in legend(display.ax_)
        assert "largest within one standard error: k = 50" in legend(display.ax_)
        ticks = [label.get_text() for label in display.ax_.get_xticklabels()]
        assert ticks == ["1", "5", "9", "50", "99"]

    def test_it_cross_validates_with_the_parameters_of_the_classifier(self):
        model = KNNImageClassifier(metric="l1", weights="distance")
        numbers = range(1, 31, 2)
        display = KSelectionDisplay.from_estimator(
            model, X, Y, n_neighbors=numbers, cv=3
        )
        expected = k_selection_curve(
            X, Y, numbers, metric="l1", weights="distance", cv=3
        )
        pd.testing.assert_frame_equal(display.curve, expected)

    def test_one_fold(self):
        curve = pd.DataFrame({"k": [3, 1], "fold": [0, 0], "accuracy": [0.5, 0.6]})
        display = KSelectionDisplay(curve).plot()
        assert (display.best, display.smoothest) == (1, 1)

    def test_errors(self):
        with pytest.raises(TypeError, match="got Pipeline"):
            pipeline = make_pipeline(HOG(), KNNImageClassifier())
            KSelectionDisplay.from_estimator(pipeline, X, Y)
        with pytest.raises(ValueError, match=r"lacks the columns \['accuracy'\]"):
            KSelectionDisplay(pd.DataFrame({"k": [1], "fold": [0]}))


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
        with pytest.raises(ValueError, match="1 component"):
            EmbeddingDisplay.from_predictions(np.ones((3, 1)), [0, 1, 2])
        with pytest.raises(ValueError, match="two images or more; got 1"):
            EmbeddingDisplay.from_predictions(np.ones((1, 3)), [0])
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            EmbeddingDisplay.from_predictions(np.ones((3, 2)), [0, 1])
        with pytest.raises(ValueError, match=r"directions must be of shape \(2, 2\)"):
            EmbeddingDisplay.from_predictions(
                np.ones((2, 2)), [0, 1], directions=np.ones((3, 2))
            )
        with pytest.raises(TypeError, match="KNNImageClassifier has not"):
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

    def test_pictures(self):
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
        with pytest.raises(TypeError, match="KNNImageClassifier has not"):
            VerificationDisplay.from_estimator(KNNImageClassifier(), X, Y)
        for model in (ArcFaceEmbedder(), VerificationThreshold()):
            with pytest.raises(NotFittedError):
                VerificationDisplay.from_estimator(model, X, Y)
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            VerificationDisplay.from_estimator(FunctionTransformer(), X, Y[:5])
        with pytest.raises(ValueError, match="none of two classes"):
            VerificationDisplay.from_predictions([1, 1], [0.5, 0.6])


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

    def test_pictures_of_many_sizes(self):
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


class TestLossLandscapeDisplay:
    def test_span(self):
        model = SoftmaxRegression().fit(IMAGES / 16, Y)
        with pytest.raises(ValueError, match="span == 0, must be > 0"):
            LossLandscapeDisplay.from_estimator(model, IMAGES / 16, Y, span=0)
