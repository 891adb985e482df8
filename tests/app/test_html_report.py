"""The report: what it says is true, whole, escaped, small and on one page."""

import copy
import hashlib
import importlib.util
import os
import re
from base64 import b64decode, b64encode
from collections import Counter
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from report_pages import (
    DATE,
    HEBREW,
    NAMES,
    QUOTES,
    SCRIPT,
    make_pictures,
    render,
    save_pictures,
    train,
)
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, precision_score, recall_score
from sklearn.pipeline import make_pipeline, make_union

from skvision import (
    HOG,
    ColorHistogram,
    ImageReader,
    PixelNormalizer,
    SoftmaxRegression,
    cli,
)
from skvision._app import commands
from skvision._app.fingerprints import find_known, take_fingerprints
from skvision._app.html_report import charts, portraits, write_report
from skvision._app.html_report.curves import draw_calibration
from skvision._app.html_report.images import as_ink, as_strip
from skvision._app.html_report.learning_curve import count_right
from skvision._app.html_report.words import shorten_names, write_share
from skvision._app.report import wilson_interval
from skvision._app.train_and_score import Evidence, Pictures, Trained
from skvision._contract.user_error import UserError
from skvision._model_files.model_file import load_model

OPEN = {"meta", "link", "img", "image", "use", "br", "input", "circle", "line", "rect"}


class Page(HTMLParser):
    """What a browser finds: elements with their attributes, and their text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self._path = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "path": tuple(self._path), "text": "", **dict(attrs)}
        self.elements.append(element)
        if tag not in OPEN and tag != "polyline":
            self._path.append(element["id"] if "id" in element else tag)
            self._tags.append(element)

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag):
        if tag in {element["tag"] for element in self._tags}:
            while self._tags.pop()["tag"] != tag:
                self._path.pop()
            self._path.pop()

    def handle_data(self, data):
        for element in self._tags:
            element["text"] += data

    def reset(self):
        super().reset()
        self._tags = []

    def find(self, tag, inside=None):
        """Return elements of a tag, or those inside the one of an id or a tag."""
        return [
            element
            for element in self.elements
            if element["tag"] == tag and (inside is None or inside in element["path"])
        ]


@pytest.fixture(scope="module")
def trained():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skvision._app.train_and_score._DRAWS", 1)
        return train(make_pictures())


@pytest.fixture(scope="module")
def text(trained):
    return render(trained)


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


@pytest.fixture(scope="module")
def judged(trained):
    """Return the held-out positions, classes, predictions and probabilities."""
    evidence, pipeline = trained.evidence, trained.pipeline
    which = np.flatnonzero(evidence.in_test)
    sources = [evidence.pictures.sources[i] for i in which]
    table = pipeline.predict_proba(sources)
    truth = evidence.pictures.labels[which]
    return which, truth, pipeline.predict(sources), table.max(axis=1)


def number(text):
    """Return the first share in a text, from 0 to 1."""
    return float(re.search(r"([\d.]+)\s%", text)[1]) / 100


# One page, and nothing else


def test_nothing_comes_from_elsewhere(page):
    for element in page.elements:
        assert not {"srcset", "data", "action", "background"} & element.keys()
        for name in {"src", "href"} & element.keys():
            link = element[name]
            if element["tag"] == "a" and "template" in element["path"]:
                assert link.startswith("https://")  # to the documentation, on a click
            else:
                assert link.startswith(("#", "data:image/"))
    assert not page.find("link") and not page.find("iframe") and not page.find("base")
    styles = " ".join(element["text"] for element in page.find("style"))
    assert set(re.findall(r"url\((.{5})", styles)) <= {"data:"}
    assert "@import" not in styles


def test_the_one_script_is_the_one_that_the_policy_allows(page):
    (script,) = page.find("script")
    digest = b64encode(hashlib.sha256(script["text"].encode()).digest()).decode()
    (policy,) = [m["content"] for m in page.find("meta") if "http-equiv" in m]
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    handlers = [key for e in page.elements for key in e if key.startswith("on")]
    assert handlers == []


def test_names_are_text(page, text):
    assert SCRIPT not in text
    assert 'alert(1)"' not in text.replace("&gt;", "")
    headings = {h["text"] for h in page.find("h3", inside="looks")}
    assert headings == set(NAMES)


def test_a_name_is_not_markup_nor_control(trained):
    about = {
        "training": 3,
        "held_out": {"accuracy": "<b>", "pictures": []},
        "versions": {"<i>": "<script>x</script>", "line\nbreak": "\u202e"},
    }
    text = render(trained, about=about, held_out={"from": "a test folder", "known": 0})
    page = Page(text)
    assert len(page.find("script")) == 1 and page.find("i", inside="footer") == []
    assert "\u202e" not in text
    (footer,) = page.find("footer")
    assert "<script>x</script>" in footer["text"] and "\\u202e" in footer["text"]
    cells = [cell["text"] for cell in page.find("td", inside="data")]
    assert cells.count("unknown") == len(NAMES)


def test_it_is_the_same_each_time(trained, text):
    def plain(text):  # scikit-learn numbers its views
        return re.sub(r"sk-(container|estimator)-id-\d+", "", text)

    assert plain(render(trained)) == plain(text)
    assert "29 February 2024" in text


def test_each_picture_is_there_once(page, trained):
    images = page.find("image")
    ids = [image["id"] for image in images]
    uses = [use["href"] for use in page.find("use")]
    assert len(set(ids)) == len(ids)
    assert {f"#{id}" for id in ids} == set(uses)
    assert len(uses) > len(ids)  # a mistake is in its cell and among the mistakes
    image, n = images[0], int(ids[0].removeprefix("picture-"))
    data = b64decode(image["href"].removeprefix("data:image/jpeg;base64,"))
    shown = np.asarray(Image.open(BytesIO(data)).resize((20, 20), Image.Resampling.BOX))
    source = trained.evidence.pictures.sources[n]
    assert np.abs(shown.astype(float) - source).mean() < 40
    assert np.corrcoef(shown.ravel(), source.ravel())[0, 1] > 0.9


def test_pictures_and_drawings_have_descriptions(page):
    assert all(image["alt"] for image in page.find("img"))
    drawings = [
        svg for svg in page.find("svg") if "aria-hidden" not in svg and "role" in svg
    ]
    assert len(drawings) > 20
    assert all(svg.get("aria-label") or svg["aria-labelledby"] for svg in drawings)
    tables = [table for table in page.find("table") if "template" not in table["path"]]
    captions = [c for c in page.find("caption") if c["text"]]
    assert len(tables) == len(captions) > 3
    heads = [th for th in page.find("th") if "template" not in th["path"]]
    assert all(th["scope"] in ("row", "col") for th in heads)


# What it says


def test_scores(page, judged):
    _, truth, predicted, _ = judged
    rows = page.find("td", inside="scores")
    classes = sorted(NAMES)
    recall = recall_score(truth, predicted, labels=classes, average=None)
    precision = precision_score(
        truth, predicted, labels=classes, average=None, zero_division=0
    )
    for i, name in enumerate(classes):
        n, of_class, of_answers = rows[3 * i : 3 * i + 3]
        assert int(n["text"]) == (truth == name).sum()
        assert number(of_class["text"]) == pytest.approx(recall[i], abs=6e-4)
        if (predicted == name).any():
            assert number(of_answers["text"]) == pytest.approx(precision[i], abs=6e-4)
    (lead,) = [p for p in page.find("p") if p.get("class") == "lead"]
    assert number(lead["text"]) == pytest.approx((truth == predicted).mean(), abs=6e-4)


def test_confusion_matrix_and_what_its_cells_open(page, judged):
    which, truth, predicted, confidence = judged
    classes = sorted(NAMES)
    expected = confusion_matrix(truth, predicted, labels=classes)
    assert 0 < np.trace(expected) < len(truth)
    counts = [int(td["text"] or 0) for td in page.find("td", inside="confusion")]
    assert counts == expected.ravel().tolist()

    dialogs = {dialog["id"]: dialog for dialog in page.find("dialog")}
    buttons = page.find("button", inside="confusion")
    assert {button["commandfor"] for button in buttons} == set(dialogs)
    assert len(dialogs) == np.count_nonzero(expected)
    for i, j in zip(*np.nonzero(expected), strict=True):
        inside = (truth == classes[i]) & (predicted == classes[j])
        uses = page.find("use", inside=f"cell-{i}-{j}")
        shown = [int(use["href"].removeprefix("#picture-")) for use in uses]
        assert sorted(shown) == which[inside].tolist()
        of_each = dict(zip(which.tolist(), confidence.tolist(), strict=True))
        ranked = sorted(shown, key=of_each.__getitem__, reverse=bool(i != j))
        assert shown == ranked


def test_confident_mistakes(page, judged):
    which, truth, predicted, confidence = judged
    wrong = truth != predicted
    uses = page.find("use", inside="mistakes")
    shown = [int(use["href"].removeprefix("#picture-")) for use in uses]
    surest = which[wrong][np.argsort(-confidence[wrong], kind="stable")][:12]
    assert shown == surest.tolist()
    captions = page.find("figcaption", inside="mistakes")
    shares = [number(caption["text"].rsplit(", ", 1)[1]) for caption in captions]
    assert shares == sorted(shares, reverse=True)


def test_all_right_and_none_of_a_class(trained):
    """Some classes have no images held out, and no mistake is made."""
    evidence, pipeline = trained.evidence, trained.pipeline
    labels = evidence.pictures.labels
    predicted = pipeline[-1].predict(evidence.features)
    right = predicted == labels[evidence.in_test]
    some = right & np.isin(predicted, [QUOTES, HEBREW])
    in_test = evidence.in_test.copy()
    in_test[evidence.in_test] = some
    fewer = evidence._replace(in_test=in_test, features=evidence.features[some])
    page = Page(render(trained._replace(evidence=fewer)))
    assert page.find("section", inside="main")
    assert not [s for s in page.find("section") if s.get("id") == "mistakes"]
    (confusion,) = [s for s in page.find("section") if s.get("id") == "confusion"]
    assert f"all {some.sum()} images are right" in confusion["text"]


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
    chart = draw_calibration(np.arange(300) > 0, np.full(300, 0.999))
    assert ">99\xa0%, and >99\xa0% are right" in chart.summary
    assert chart.rows == [
        ["90\xa0% to 100\xa0%", "300", ">99\xa0%", ">99\xa0%", "98\xa0% to >99\xa0%"]
    ]


def test_all_right_may_be_all_right():
    """Whatever their number: the end of an interval is 1 but for rounding."""
    ends = {write_share(wilson_interval(n, n)[1], 0) for n in range(1, 100)}
    assert ends == {"100\xa0%"}


def test_answers_are_those_of_predict_where_probabilities_agree(trained):
    """Scores may differ by less than their probabilities can tell."""
    evidence, (*steps, classifier) = trained.evidence, trained.pipeline
    classifier = copy.copy(classifier)
    classifier.coef_ = np.zeros_like(classifier.coef_)
    classifier.intercept_ = np.float32([0, 0, 0, 1e-9, 0])
    page = Page(render(trained._replace(pipeline=make_pipeline(*steps, classifier))))
    counts = [int(td["text"] or 0) for td in page.find("td", inside="confusion")]
    columns = np.reshape(counts, (5, 5)).sum(axis=0)
    assert columns.tolist() == [0, 0, 0, evidence.in_test.sum(), 0]


def test_learning_curve_ends_at_the_model(trained, judged):
    evidence, (_, truth, predicted, _) = trained.evidence, judged
    labels = evidence.pictures.labels[evidence.in_training]
    n_right = count_right(
        trained.pipeline[-1], evidence.rows, labels, evidence.features, truth
    )
    assert list(n_right) == sorted(n_right)
    assert n_right[len(labels)] == (truth == predicted).sum()
    assert len(n_right) > 2


def test_charts_are_there_only_with_their_numbers(page, trained):
    names = [
        svg["aria-labelledby"].split("-")[0]
        for svg in page.find("svg", "training")
        if "role" in svg
    ]
    assert names == ["loss", "alpha", "learning"]
    text = render(trained, about={"x": 1}, held_out={"from": "a test folder"})
    assert "alpha-title" in text  # the evidence is still that of a training
    evidence = trained.evidence
    alone = evidence._replace(
        in_training=np.zeros_like(evidence.in_training),
        rows=evidence.rows[:0],
        losses={},
        seconds={"reading": 1.0, "predicting": 1.0},
    )
    page = Page(render(trained._replace(evidence=alone), about={"x": 1}))
    names = [
        svg["aria-labelledby"].split("-")[0]
        for svg in page.find("svg", "training")
        if "role" in svg
    ]
    assert names == ["loss"]
    (section,) = [s for s in page.find("section") if s.get("id") == "training"]
    assert "does not hold its training images" in section["text"]


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
    assert len(described) == colors._n_features_out
    assert [name for name, _ in described[: len(names)]] == names
    assert [color for _, color in described[: len(css)]] == css


def test_shares_add_up(trained):
    shares = portraits.measure_shares(trained.pipeline, trained.evidence.features)
    assert sum(share for _, share in shares) == pytest.approx(1)
    assert all(share > 0 for _, share in shares)


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


def test_ten_thousand_pictures_of_a_hundred_classes():
    rng = np.random.default_rng(0)
    names = [f"class {k:03d}" for k in range(100)]
    images = rng.integers(0, 256, (10_000, 16, 16, 3), dtype=np.uint8)
    labels = np.tile(names, 100)
    union = make_union(HOG(), ColorHistogram(grid=(2, 2)))
    normalizer = PixelNormalizer(variance_floor=0.01)
    rows = normalizer.fit_transform(union.fit_transform(images[:1000]))
    classifier = SoftmaxRegression(alpha=1.0, tol=1e-2).fit(rows, labels[:1000])
    in_test = np.ones(len(images), bool)
    evidence = Evidence(
        Pictures(list(images), [f"{i}.png" for i in range(10_000)], labels),
        images,
        in_training=~in_test,
        in_test=in_test,
        rows=rows[:0],
        features=normalizer.transform(union.transform(images)),
        losses={},
        seconds={"reading": 1.0, "predicting": 1.0},
    )
    pipeline = make_pipeline(ImageReader((16, 16)), union, normalizer, classifier)
    page = render(Trained(pipeline, {}, {}, evidence), about={"versions": {}})
    assert len(page) < 8_000_000
    assert page.count("<image ") <= 500 + 12 + 100
    assert page.count("<dialog ") <= 500
    assert len(re.findall(r'<td class="(?:right|wrong)"', page)) > 5000


# The commands


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    names = ["across", "<b>down"]
    save_pictures(root / "train", make_pictures(12, 100, names=names))
    pictures = make_pictures(16, 100, names=names)
    pictures.sources = [image[::-1] for image in pictures.sources]
    save_pictures(root / "test", pictures)
    return root


@pytest.fixture(scope="module")
def model(folder):
    path = folder / "model.skops"
    arguments = ["--model", str(path), "--features", "hog", "--size", "20"]
    report = ["--report", str(folder / "trained.html")]
    assert cli.main(["train", str(folder / "train"), *arguments, *report]) == 0
    return path


def fail(capsys, *arguments):
    assert cli.main([str(argument) for argument in arguments]) == 2
    return capsys.readouterr().err


def test_train_writes_a_report(model, folder):
    page = Page((folder / "trained.html").read_text(encoding="utf-8"))
    assert "Telling" in page.find("h1")[0]["text"]
    (size,) = [d for d in page.find("div", "time") if "File of the model" in d["text"]]
    assert "MiB" in size["text"]
    left = [path.name for path in folder.iterdir()]
    assert sorted(left) == ["model.skops", "test", "train", "trained.html"]


def test_copies_left_out_of_the_test_are_told():
    pictures = make_pictures(12, 100, names=["across", "down"])
    order = np.argsort(np.tile(np.arange(12) >= 8, 2), kind="stable")
    sources = [pictures.sources[i] for i in order]
    sources[16] = sources[17] = sources[0]
    names = [pictures.names[i] for i in order]
    told = Pictures(sources, names, pictures.labels[order], n_training=16)
    page = Page(render(train(told, features=("hog",))))
    (copies,) = [d for d in page.find("div", "data") if "Copies" in d["text"]]
    assert copies["text"].endswith("2; 2 of training images, left out of the test")
    held_out = [td["text"] for td in page.find("td", "data")][1::3]
    assert held_out == ["2", "4"]


def test_report_on_pictures_of_their_own(model, folder, tmp_path, capsys):
    out = tmp_path / "a report.html"
    status = cli.main(["report", str(model), str(folder / "test"), "--out", str(out)])
    printed, err = capsys.readouterr()
    assert (status, err) == (0, "")
    assert "Accuracy" in printed and f"The report is in {out}" in printed
    page = Page(out.read_text(encoding="utf-8"))
    training = [td["text"] for td in page.find("td", "data")][::3]
    about = load_model(model).about
    assert training == [str(n) for n in about["training"]["pictures"].values()]
    assert not [p for p in page.find("p") if p.get("class") == "notice"]
    (section,) = [s for s in page.find("section") if s.get("id") == "training"]
    assert "When it was trained" in section["text"]


def test_pictures_learned_from_are_told(model, folder, tmp_path, capsys):
    out = tmp_path / "report.html"
    command = ["report", str(model), str(folder / "train"), "--out", str(out)]
    assert cli.main(command) == 0
    printed, err = capsys.readouterr()
    assert " on 24 images (95 % interval" in printed and "held-out" not in printed
    n = sum(load_model(model).about["training"]["pictures"].values())
    assert err.startswith(f"skvision: warning: {n} of 24 images are among those")
    page = Page(out.read_text())
    (notice,) = [p for p in page.find("p") if p.get("class") == "notice"]
    assert f"Of these, {n} images are among those" in notice["text"]
    (section,) = [s for s in page.find("section") if s.get("id") == "data"]
    assert "held out" not in section["text"].lower()


def test_fingerprints(rng):
    images = rng.integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    about = {"training": {"fingerprints": take_fingerprints(images[:3])}}
    assert find_known(images, about).tolist() == [True] * 3 + [False] * 2
    for odd in ({}, {"training": 1}, {"training": {"fingerprints": 3}}):
        assert not find_known(images, odd).any()
    for odd in ("é", "AAA", None, ""):
        assert not find_known(images, {"training": {"fingerprints": odd}}).any()


def test_classes_that_the_model_does_not_know(model, folder, tmp_path, capsys):
    names = ["across", "around", "<b>down"]
    odd = save_pictures(tmp_path / "odd", make_pictures(2, names=names))
    err = fail(capsys, "report", model, odd, "--out", tmp_path / "r.html")
    assert "has classes that" in err and "does not know: 'around'" in err
    assert not (tmp_path / "r.html").exists()


def test_a_place_that_cannot_be_is_refused_before_all_work(
    model, folder, tmp_path, capsys, monkeypatch
):
    nowhere = tmp_path / "none" / "r.html"
    for command in (
        ["report", "no model", "no folder", "--out"],
        ["train", "no folder", "--report"],
    ):
        assert "there is no such folder" in fail(capsys, *command, nowhere)
        assert "it is a folder" in fail(capsys, *command, tmp_path)
    before = model.read_bytes()
    err = fail(capsys, "report", model, folder / "test", "--out", model)
    assert "cannot be both the report and the model" in err
    assert model.read_bytes() == before


def test_a_report_is_whole_or_not_at_all(trained, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("the last one")
    told = {"held_out": trained.held_out, "about": {}, "n_bytes": None, "date": DATE}

    def break_down(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", break_down)
        with pytest.raises(KeyboardInterrupt):
            write_report(path, trained.pipeline, trained.evidence, **told)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert path.read_text() == "the last one"
    write_report(path, trained.pipeline, trained.evidence, **told)
    assert path.read_text(encoding="utf-8").endswith("</html>")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_links_and_pipes_stay_what_they_are(trained, tmp_path, monkeypatch):
    """As root, a file in the place of /dev/null would break the machine."""
    monkeypatch.setattr(
        "skvision._app.html_report.page.render_report", lambda *_: "page"
    )
    told = {"held_out": {}, "about": {}, "n_bytes": None, "date": DATE}
    link, pipe = tmp_path / "link.html", tmp_path / "pipe"
    link.symlink_to("report.html")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        for path in (link, pipe):
            write_report(path, trained.pipeline, trained.evidence, **told)
        assert os.read(reader, 100) == b"page"
    finally:
        os.close(reader)
    assert (tmp_path / "report.html").read_text() == "page"
    assert link.is_symlink() and pipe.is_fifo()


def test_pictures_that_are_gone(trained, tmp_path):
    evidence = trained.evidence
    sources = [*evidence.pictures.sources[:-1], str(tmp_path / "gone.png")]
    names = evidence.pictures.names
    gone = evidence._replace(
        pictures=Pictures(sources, names, evidence.pictures.labels)
    )
    with pytest.raises(UserError, match="cannot be read"):
        render(trained._replace(evidence=gone))


def test_jinja2_is_needed_for_reports_only(capsys, monkeypatch, model, folder):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        commands, "find_spec", lambda name: None if name == "jinja2" else real(name)
    )
    err = fail(capsys, "report", model, folder / "test", "--out", "r.html")
    assert 'jinja2: run python -m pip install ".[cli]"' in err
    assert "jinja2" in fail(capsys, "train", folder / "train", "--report", "r.html")
    file = next((folder / "test" / "across").iterdir())
    assert cli.main(["predict", str(model), str(file)]) == 0


def test_names_are_cut_to_what_tells_them_apart():
    assert shorten_names(["/a/b/c/1.png", "/a/b/d/2.png"]) == ["c/1.png", "d/2.png"]
    assert shorten_names(["digit 1", "digit 2"]) == ["digit 1", "digit 2"]
    assert shorten_names(["/a/1.png", "b/2.png"]) == ["/a/1.png", "b/2.png"]
    assert shorten_names(["a/1.png"]) == ["a/1.png"]
