"""A report on a model with an ensemble, and with features of halved images."""

import numpy as np
import pytest
from html_pages import Page
from report_pages import make_images, render

from skvision import ImageClassifier, ImageReader
from skvision._app.commands import learn
from skvision._app.html_report import page as report_page
from skvision._app.html_report import portraits


@pytest.fixture(scope="module")
def ensemble():
    """Return what a softmax regression and a network learned from large images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skvision._recipes.draws._MANY", 0)
        patch.setattr("skvision._recipes.features._LEAST_WORDS", 20)
        model = ImageClassifier(
            ["hog", "color", "words", "fine-words"],
            model="softmax+network",
            image_size=128,
            augmentation=None,
            random_state=0,
        )
        dataset = make_images(8, 100, side=128, names=["across", "down", "around"])
        return learn(dataset, model, test_size=0.4, with_thumbnails=True)


def test_weights_are_those_of_the_softmax_regression(ensemble):
    pipeline = ensemble.pipeline
    softmax = pipeline[-1].named_estimators_["softmax"]
    assert portraits.linear_model(pipeline) is softmax
    np.testing.assert_array_equal(portraits.signed_weights(pipeline), softmax.coef_)


def test_each_feature_has_its_columns_though_images_are_halved(ensemble):
    """The same by the steps themselves, on the images that they get."""
    pipeline = ensemble.pipeline
    large = pipeline[0].transform(ensemble.evidence.dataset.sources[:2])
    half = ImageReader((64, 64)).transform(large)
    rows = pipeline[1].transform(large)
    found = portraits.split_features(pipeline)
    steps = [type(step).__name__ for step, _ in found]
    words = "BagOfVisualWords"
    assert steps == ["HOG", "ColorHistogram", words, words]
    for i, (step, columns) in enumerate(found):
        images = large if i == 3 else half
        np.testing.assert_array_equal(step.transform(images), rows[:, columns])
    assert found[-1][1].stop == rows.shape[1]


def test_portraits_have_edges_colors_and_words(ensemble):
    drawn = portraits.draw_portraits(ensemble.pipeline)
    assert len(drawn) == 3
    for portrait in drawn:
        assert len(portrait.edges) == len(portrait.words) == 2
        assert portrait.bins
    assert len({portrait.edges for portrait in drawn}) == 3


def test_contributions_are_of_all_features(ensemble):
    features = ensemble.evidence.evaluation.features
    found = portraits.measure_contributions(ensemble.pipeline, features)
    fractions = [fraction for _, fraction in found]
    assert len(fractions) == 4
    assert min(fractions) > 0
    assert sum(fractions) == pytest.approx(1)


def test_contributions_of_one_kind_are_joined(ensemble):
    features = ensemble.evidence.evaluation.features
    kinds = report_page._join_kinds(
        portraits.measure_contributions(ensemble.pipeline, features)
    )
    assert [kind for kind, _ in kinds] == ["edges", "colors", "small patches"]
    assert sum(fraction for _, fraction in kinds) == pytest.approx(1)


def test_the_page_is_whole(ensemble):
    page = Page(render(ensemble))
    n_features = ensemble.pipeline[1].transform(np.zeros((1, 128, 128, 3), np.uint8))
    (cost,) = [s for s in page.find("section") if s.get("id") == "time"]
    assert f"{n_features.shape[1]:,} an image" in cost["text"]
    assert "VotingClassifier" in page.find("body")[0]["text"]
    (looks,) = [s for s in page.find("section") if s.get("id") == "looks"]
    assert all(name in looks["text"] for name in ("across", "down", "around"))
    (training,) = [s for s in page.find("section") if s.get("id") == "training"]
    assert "penalty" in training["text"]
