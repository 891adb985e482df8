"""Parts of a report: weights as images, charts, names, and how large it is."""

import re
from base64 import b64decode
from collections import Counter
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from report_pages import render
from sklearn.calibration import calibration_curve
from sklearn.pipeline import make_pipeline, make_union

from skvision import (
    HOG,
    ColorHistogram,
    ImageReader,
    PixelNormalizer,
    SoftmaxRegression,
)
from skvision._app.dataset import Dataset
from skvision._app.evaluate import evaluate
from skvision._app.evidence import Evidence, Learned
from skvision._app.html_report import charts, portraits
from skvision._app.html_report.curves import draw_calibration
from skvision._app.html_report.images import as_ink, as_strip
from skvision._app.html_report.scores import (
    measure_baseline,
    rank_classes,
    score_classes,
)
from skvision._app.intervals import wilson_interval
from skvision._app.load import load_dataset
from skvision._app.loading import LOADING
from skvision._app.split import hold_out_all
from skvision._app.thumbnails import encode_thumbnail, thumbnail_target
from skvision._app.words import shorten_names, unbroken_percent
from skvision._readers.image_reader import target_of
from skvision._readers.read_all import read_all

# What each class looks for


def test_two_classes_share_their_weights(rng):
    X = rng.normal(size=(40, 6)).astype(np.float32)
    y = np.where(X[:, 0] + 0.3 * X[:, 1] > 0, "b", "a")
    classifier = SoftmaxRegression().fit(X, y)
    weights = portraits.signed_weights(make_pipeline(classifier))
    scores = X @ weights.T
    expected = classifier.decision_function(X) - classifier.intercept_[0]
    assert np.allclose(scores[:, 1] - scores[:, 0], expected, atol=1e-5)


def test_the_strongest_words_and_colors_are_those_of_the_names(trained):
    """The same by the names of features, one by one."""
    pipeline = trained.pipeline
    columns = {
        type(step).__name__: (step, columns)
        for step, columns in portraits.split_features(pipeline)
    }
    weights = portraits.signed_weights(pipeline)[0]
    words, of_words = columns["BagOfVisualWords"]
    totals = Counter()
    for name, weight in zip(
        words.get_feature_names_out(), weights[of_words], strict=True
    ):
        _, word, _, _, sign = name.split("_")
        totals[int(word), sign] += float(weight)
    patches = words.inverse_codebook()
    best = [pair for pair, _ in totals.most_common(8)]
    strip = as_strip(
        np.stack([patches[w] * (1 if sign == "pos" else -1) for w, sign in best])
    )
    drawn = portraits.draw_portraits(pipeline)[0]
    assert drawn.words[0] == strip

    colors, of_colors = columns["ColorHistogram"]
    totals = Counter()
    for name, weight in zip(
        colors.get_feature_names_out(), weights[of_colors], strict=True
    ):
        totals[name.rsplit("_", 2)[0]] += float(weight)
    found = [one.weight for one in drawn.bins]
    expected = np.array(list(totals.values()))
    assert np.allclose(found, expected / np.abs(expected).max(), atol=1e-4)
    channels = [name.rsplit("_", 1)[0].removeprefix("weighted_") for name in totals]
    found = [one.channel.replace("brightness", "value") for one in drawn.bins]
    assert found == channels


@pytest.mark.parametrize(
    "colors, names, css",
    [
        (
            ColorHistogram(bins=2, channels=("weighted_hue", "value")),
            ["red to cyan", "cyan to red", "brightness 0% to 50%"],
            ["#80cc33", "#8033cc", "#404040"],
        ),
        (
            ColorHistogram(bins=(1, 2, 1), color_space="rgb", joint=True),
            ["red 0 to 255, green 0 to 128, blue 0 to 255"],
            ["#804080", "#80bf80"],
        ),
        (
            ColorHistogram(bins=1, color_space="lab"),
            ["lightness 0 to 100", "a -87 to 99"],
            ["lab(50 0 0)"],
        ),
        (ColorHistogram(bins=2, color_space="gray"), ["gray 0 to 128"], ["#404040"]),
    ],
)
def test_names_of_colors(colors, names, css):
    colors.fit(np.zeros((1, 8, 8, 3), np.uint8))
    described = portraits._name_bins(colors)
    assert len(described) == colors.n_features_out_
    assert [name for name, _ in described[: len(names)]] == names
    assert [color for _, color in described[: len(css)]] == css


def test_fractions_add_up(trained):
    fractions = portraits.measure_contributions(
        trained.pipeline, trained.evidence.evaluation.features
    )
    assert sum(fraction for _, fraction in fractions) == pytest.approx(1)
    assert all(fraction > 0 for _, fraction in fractions)


def test_ink_is_clear_where_there_is_none():
    uri = as_ink(np.array([[0.0, 1.0]]), (10, 20, 30))
    data = b64decode(uri.removeprefix("data:image/png;base64,"))
    pixels = np.asarray(Image.open(BytesIO(data)).convert("RGBA"))
    assert pixels.tolist() == [[[10, 20, 30, 0], [10, 20, 30, 255]]]


def test_axes():
    axis = charts.Axis(0.01, 1, 0, 100, "alpha", log=True)
    assert [axis.place(x) for x in (0.01, 0.1, 1)] == [0, 50, 100]
    axis = charts.Axis(0, 4, 100, 0, "loss")
    assert [axis.place(x) for x in (0, 1, 4)] == [100, 75, 0]
    for low, high in [(0, 1), (0.3, 0.31), (-2, 1e6), (17, 17), (0.5, 2.3)]:
        ticks = charts.round_ticks(low, high)
        assert 1 <= len(ticks) <= 5
        assert all(low <= tick <= high for tick in ticks)


# How large it is


def test_ten_thousand_images_of_a_hundred_classes():
    rng = np.random.default_rng(0)
    names = [f"class {k:03d}" for k in range(100)]
    images = rng.integers(0, 256, (10_000, 16, 16, 3), dtype=np.uint8)
    labels = np.tile(names, 100)
    union = make_union(HOG(), ColorHistogram(grid=(2, 2)))
    normalizer = PixelNormalizer(variance_floor=0.01)
    rows = normalizer.fit_transform(union.fit_transform(images[:1000]))
    classifier = SoftmaxRegression(alpha=1.0, tol=1e-2).fit(rows, labels[:1000])
    reader = ImageReader((16, 16))
    pipeline = make_pipeline(reader, union, normalizer, classifier)
    names = [f"{i}.png" for i in range(10_000)]
    dataset = Dataset(list(images), names, labels)
    evidence = Evidence(
        *load_dataset(dataset, reader, LOADING, with_thumbnails=True),
        hold_out_all(dataset),
        evaluate(pipeline, images, labels),
        rows=rows[:0],
        losses={},
        seconds_to_learn=None,
    )
    page = render(Learned(pipeline, evidence, 0.2, 0), about={"versions": {}})
    assert len(page) < 8_000_000
    assert page.count("<image ") <= 500 + 12 + 100
    assert page.count("<dialog ") <= 500
    assert len(re.findall(r'<td class="(?:right|wrong)"', page)) > 5000


def test_calibration_is_that_of_scikit_learn(rng):
    confidence = rng.uniform(0.2, 1, 500)
    right = rng.random(500) < confidence**2
    chart = draw_calibration(right, confidence)
    shares, means = calibration_curve(right, confidence, n_bins=10)
    expected = [
        (chart.x.place(x), chart.y.place(y)) for x, y in zip(means, shares, strict=True)
    ]
    assert chart.dots == expected
    assert sum(int(row[1]) for row in chart.rows) == 500
    assert draw_calibration(right[:20], confidence[:20]) is None


def test_nearly_all_right_is_not_all_right():
    chart = draw_calibration(np.arange(3000) > 0, np.full(3000, 0.9999))
    assert ">99.9\xa0%, and >99.9\xa0% of the predictions are right" in chart.summary
    (row,) = chart.rows
    assert row[:2] == ["90\xa0% to 100\xa0%", "3000"]
    assert row[2:] == [">99.9\xa0%", ">99.9\xa0%", "99.8\xa0% to >99.9\xa0%"]


def test_all_right_may_be_all_right():
    """Whatever their number: the end of an interval is 1 but for rounding."""
    ends = {unbroken_percent(wilson_interval(n, n)[1], 0) for n in range(1, 100)}
    assert ends == {"100\xa0%"}


def test_names_are_cut_to_what_tells_them_apart():
    assert shorten_names(["/a/b/c/1.png", "/a/b/d/2.png"]) == ["c/1.png", "d/2.png"]
    assert shorten_names(["digit 1", "digit 2"]) == ["digit 1", "digit 2"]
    assert shorten_names(["/a/1.png", "b/2.png"]) == ["/a/1.png", "b/2.png"]
    assert shorten_names(["a/1.png"]) == ["a/1.png"]


def test_the_baseline_is_the_most_frequent_class_in_training():
    baseline = measure_baseline(["a", "b"], [(3, 6), (5, 2)])
    assert baseline == ("b", 0.25, True)
    assert measure_baseline(["a", "b"], [(None, 6), (5, 2)]) == ("a", 0.75, False)


def test_classes_that_are_confused_most_come_first():
    counts = np.array([[5, 0, 0], [0, 3, 1], [0, 2, 5]])
    assert rank_classes(counts) == [1, 2, 0]
    words = score_classes(counts, list("abc"))
    assert [row["n_wrong"] for row in words] == [0, 1, 2]
    assert [(row["taken_for"], row["n_taken"]) for row in words[1:]] == [
        ("c", 1),
        ("b", 2),
    ]


@pytest.mark.parametrize("extent", [(300, 100), (50, 200), (8, 8), (1, 5000)])
def test_thumbnails_are_whole_images(extent):
    original = Image.new("RGB", extent, "white")
    target = target_of(ImageReader())
    reading = read_all([original], [thumbnail_target(target)], n_jobs=1)
    data = encode_thumbnail(reading.images[0][0], reading.extents[0])
    thumbnail = Image.open(BytesIO(data))
    assert max(thumbnail.size) == 160
    assert thumbnail.width / thumbnail.height == pytest.approx(
        extent[0] / extent[1], abs=1 / 160, rel=0.02
    )
    assert np.asarray(thumbnail).min() > 250
