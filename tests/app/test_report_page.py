"""The page of a report: what it says is true, whole, escaped and on one page."""

import copy
import hashlib
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from html_pages import Page
from PIL import Image
from report_pages import HEBREW, NAMES, QUOTES, SCRIPT, render
from sklearn.metrics import confusion_matrix, precision_score, recall_score
from sklearn.pipeline import make_pipeline

from skvision._app.evaluate import evaluate
from skvision._app.html_report.learning_curve import count_right


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
    which = np.flatnonzero(evidence.split.in_test)
    sources = [evidence.dataset.sources[i] for i in which]
    table = pipeline.predict_proba(sources)
    truth = evidence.dataset.labels[which]
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


def test_each_image_is_there_once(page, trained):
    images = page.find("image")
    ids = [image["id"] for image in images]
    uses = [use["href"] for use in page.find("use")]
    assert len(set(ids)) == len(ids)
    assert {f"#{id}" for id in ids} == set(uses)
    assert len(uses) > len(ids)  # a mistake is in its cell and among the mistakes
    image, n = images[0], int(ids[0].removeprefix("image-"))
    data = b64decode(image["href"].removeprefix("data:image/jpeg;base64,"))
    shown = np.asarray(Image.open(BytesIO(data)).resize((20, 20), Image.Resampling.BOX))
    source = trained.evidence.dataset.sources[n]
    assert np.abs(shown.astype(float) - source).mean() < 40
    assert np.corrcoef(shown.ravel(), source.ravel())[0, 1] > 0.9


def test_images_and_drawings_have_descriptions(page):
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


def test_where_it_comes_from(trained):
    origin = {"Folder": "a\nb", "Command": "skvision train <b>"}
    page = Page(render(trained, origin=origin))
    (header,) = page.find("header")
    assert "a\\nb" in header["text"]
    assert page.find("code", "header")[0]["text"] == "skvision train <b>"
    assert "Command" not in Page(render(trained)).find("header")[0]["text"]


def test_scores(page, judged):
    _, truth, predicted, _ = judged
    rows = page.find("td", inside="scores")
    classes = sorted(NAMES)
    recall = recall_score(truth, predicted, labels=classes, average=None)
    precision = precision_score(
        truth, predicted, labels=classes, average=None, zero_division=0
    )
    for i, name in enumerate(classes):
        n, of_class, of_answers, words = rows[4 * i : 4 * i + 4]
        wrong = predicted[(truth == name) & (predicted != name)].tolist()
        if wrong:
            most = max(map(wrong.count, wrong))
            assert words["text"].endswith(f": {most} of {(truth == name).sum()}.")
        else:
            assert words["text"] == "Never taken for another class."
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
        shown = [int(use["href"].removeprefix("#image-")) for use in uses]
        assert sorted(shown) == which[inside].tolist()
        of_each = dict(zip(which.tolist(), confidence.tolist(), strict=True))
        ranked = sorted(shown, key=of_each.__getitem__, reverse=bool(i != j))
        assert shown == ranked


def test_confident_mistakes(page, judged):
    which, truth, predicted, confidence = judged
    wrong = truth != predicted
    uses = page.find("use", inside="mistakes")
    shown = [int(use["href"].removeprefix("#image-")) for use in uses]
    surest = which[wrong][np.argsort(-confidence[wrong], kind="stable")][:12]
    assert shown == surest.tolist()
    captions = page.find("figcaption", inside="mistakes")
    probabilities = [number(caption["text"].rsplit(", ", 1)[1]) for caption in captions]
    assert probabilities == sorted(probabilities, reverse=True)


def test_all_right_and_none_of_a_class(trained):
    """Some classes have no images held out, and no mistake is made."""
    evidence = trained.evidence
    evaluation, split = evidence.evaluation, evidence.split
    right = evaluation.predicted == evaluation.truth
    some = right & np.isin(evaluation.predicted, [QUOTES, HEBREW])
    in_test = split.in_test.copy()
    in_test[split.in_test] = some
    fewer = replace(
        evidence,
        split=replace(split, in_test=in_test),
        evaluation=replace(
            evaluation,
            truth=evaluation.truth[some],
            predicted=evaluation.predicted[some],
            probabilities=evaluation.probabilities[some],
            features=evaluation.features[some],
        ),
    )
    page = Page(render(replace(trained, evidence=fewer)))
    assert page.find("section", inside="main")
    assert not [s for s in page.find("section") if s.get("id") == "mistakes"]
    (confusion,) = [s for s in page.find("section") if s.get("id") == "confusion"]
    assert f"all {some.sum()} images are right" in confusion["text"]


def test_answers_are_those_of_predict_where_probabilities_agree(trained):
    """Scores may differ by less than their probabilities can tell."""
    evidence, (*steps, classifier) = trained.evidence, trained.pipeline
    classifier = copy.copy(classifier)
    classifier.coef_ = np.zeros_like(classifier.coef_)
    classifier.intercept_ = np.float32([0, 0, 0, 1e-9, 0])
    pipeline, in_test = make_pipeline(*steps, classifier), evidence.split.in_test
    evaluation = evaluate(
        pipeline, evidence.images.pixels[in_test], evidence.dataset.labels[in_test]
    )
    changed = replace(evidence, evaluation=evaluation)
    page = Page(render(replace(trained, pipeline=pipeline, evidence=changed)))
    counts = [int(td["text"] or 0) for td in page.find("td", inside="confusion")]
    columns = np.reshape(counts, (5, 5)).sum(axis=0)
    assert columns.tolist() == [0, 0, 0, in_test.sum(), 0]


def test_learning_curve_ends_at_the_model(trained, judged):
    evidence, (_, truth, predicted, _) = trained.evidence, judged
    labels = evidence.dataset.labels[evidence.split.in_training]
    n_right = count_right(
        trained.pipeline[-1],
        evidence.rows,
        labels,
        evidence.evaluation.features,
        truth,
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
    split = evidence.split
    alone = replace(
        evidence,
        split=replace(split, in_training=np.zeros_like(split.in_training)),
        rows=evidence.rows[:0],
        losses={},
        seconds_to_learn=None,
    )
    page = Page(render(replace(trained, evidence=alone), about={"x": 1}))
    names = [
        svg["aria-labelledby"].split("-")[0]
        for svg in page.find("svg", "training")
        if "role" in svg
    ]
    assert names == ["loss"]
    (section,) = [s for s in page.find("section") if s.get("id") == "training"]
    assert "does not contain its training images" in section["text"]
