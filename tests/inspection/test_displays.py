"""What all displays share."""

import sys
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from axes_read_back import IMAGES, X, Y
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skvision import (
    HOG,
    BagOfVisualWords,
    KNNImageClassifier,
    MLPBackprop,
    SoftmaxRegression,
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
    saliency,
)
from skvision.inspection._drawing import as_shades

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
    with pytest.raises(ImportError, match=r"Display requires .* \"\.\[plot\]"):
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
    with pytest.raises(ValueError, match="must belong to a grid"):
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


@pytest.mark.parametrize(
    ("high", "n_channels", "expected"),
    [(0.5, 3, (0.25, 0.5)), (4.0, 3, (0.0, 1.0)), (0.5, 1, (0.0, 1.0))],
)
def test_shades_of_floats(high, n_channels, expected):
    """Colors within 0 and 1 are as they are; others go from black to white."""
    images = np.full((2, 3, 3, n_channels), high)
    images[0] = high / 2 if high < 1 else 0
    (shades,) = as_shades(images)
    assert (shades.min(), shades.max()) == expected
