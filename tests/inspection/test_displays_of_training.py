"""Displays of training and of the choice of k, read back from the axes."""

import numpy as np
import pandas as pd
import pytest
from axes_read_back import IMAGES, X, Y, legend
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from skvision import (
    HOG,
    KNNImageClassifier,
    MLPBackprop,
    MulticlassSVM,
    Perceptron,
    SoftmaxRegression,
)
from skvision.inspection import (
    KSelectionDisplay,
    LossLandscapeDisplay,
    TrainingCurveDisplay,
)
from skvision.model_selection import k_selection_curve

CURVE = ["k", "fold", "accuracy"]


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

    def test_a_network_of_scikit_learn(self):
        model = MLPClassifier(5, max_iter=30, early_stopping=True, n_iter_no_change=30)
        with pytest.warns(ConvergenceWarning):
            model.set_params(random_state=0).fit(X, Y)
        loss, score = TrainingCurveDisplay.from_estimator(model).axes_
        epochs = 1 + np.arange(30)
        assert_array_equal(loss.lines[0].get_xydata().T, [epochs, model.loss_curve_])
        x, y = score.lines[0].get_xydata().T
        assert_array_equal(x, epochs)
        assert_array_equal(y, model.validation_scores_)

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
        with pytest.raises(
            TypeError, match="KNNImageClassifier has no training history"
        ):
            TrainingCurveDisplay.from_estimator(KNNImageClassifier().fit(X, Y))
        with pytest.raises(NotFittedError):
            TrainingCurveDisplay.from_estimator(MLPBackprop())
        with pytest.raises(ValueError, match="must contain at least one of"):
            TrainingCurveDisplay({"a": {"epoch": [1], "loss": [np.nan]}}).plot()
        with pytest.raises(ValueError, match="history of 'a' must contain one of"):
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
        with pytest.raises(ValueError, match=r"\['accuracy'\] are missing"):
            KSelectionDisplay(pd.DataFrame({"k": [1], "fold": [0]}))


class TestLossLandscapeDisplay:
    def test_span(self):
        model = SoftmaxRegression().fit(IMAGES / 16, Y)
        with pytest.raises(ValueError, match="span == 0, must be > 0"):
            LossLandscapeDisplay.from_estimator(model, IMAGES / 16, Y, span=0)
