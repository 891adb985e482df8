"""``skvision report`` and ``train --report``."""

import importlib.util
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from html_pages import Page
from report_pages import DATE, make_images, render, save_images, train

from skvision import cli
from skvision._app import start
from skvision._app.dataset import Dataset
from skvision._app.find import find_images
from skvision._app.html_report import write_report
from skvision._model_files.model_file import read_model_file


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    names = ["across", "<b>down"]
    save_images(root / "train", make_images(12, 100, names=names))
    dataset = make_images(16, 100, names=names)
    upside_down = [image[::-1] for image in dataset.sources]
    save_images(root / "test", replace(dataset, sources=upside_down))
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
    assert "Classifying" in page.find("h1")[0]["text"]
    (size,) = [d for d in page.find("div", "time") if "File of the model" in d["text"]]
    assert "MiB" in size["text"]
    left = [path.name for path in folder.iterdir()]
    assert sorted(left) == ["model.skops", "test", "train", "trained.html"]


def test_copies_left_out_of_the_test_are_counted():
    dataset = make_images(12, 100, names=["across", "down"])
    order = np.argsort(np.tile(np.arange(12) >= 8, 2), kind="stable")
    sources = [dataset.sources[i] for i in order]
    sources[16] = sources[17] = sources[0]
    names = [dataset.names[i] for i in order]
    parted = Dataset(sources, names, dataset.labels[order], n_training=16)
    page = Page(render(train(parted, features=("hog",))))
    (copies,) = [d for d in page.find("div", "data") if "Copies" in d["text"]]
    assert copies["text"].endswith("2; 2 of training images, left out of the test")
    held_out = [td["text"] for td in page.find("td", "data")][1::3]
    assert held_out == ["2", "4"]


def test_report_on_images_of_their_own(model, folder, tmp_path, capsys):
    out = tmp_path / "a report.html"
    status = cli.main(["report", str(model), str(folder / "test"), "--out", str(out)])
    printed, err = capsys.readouterr()
    assert (status, err) == (0, "")
    assert "Accuracy" in printed and f"The report is in {out}" in printed
    page = Page(out.read_text(encoding="utf-8"))
    training = [td["text"] for td in page.find("td", "data")][::3]
    about = read_model_file(model).about
    assert training == [str(n) for n in about["training"]["pictures"].values()]
    assert not [p for p in page.find("p") if p.get("class") == "notice"]
    (section,) = [s for s in page.find("section") if s.get("id") == "training"]
    assert "When the model was trained" in section["text"]


def test_training_images_are_counted(model, folder, tmp_path, capsys):
    out = tmp_path / "report.html"
    command = ["report", str(model), str(folder / "train"), "--out", str(out)]
    assert cli.main(command) == 0
    printed, err = capsys.readouterr()
    assert " on 24 images (95 % interval" in printed and "held-out" not in printed
    n = sum(read_model_file(model).about["training"]["pictures"].values())
    assert err.startswith(f"skvision: warning: {n} of 24 images are among those")
    page = Page(out.read_text())
    (notice,) = [p for p in page.find("p") if p.get("class") == "notice"]
    assert f"Of these, {n} images are among those" in notice["text"]
    (section,) = [s for s in page.find("section") if s.get("id") == "data"]
    assert "held out" not in section["text"].lower()


def test_classes_that_the_model_does_not_know(model, folder, tmp_path, capsys):
    names = ["across", "around", "<b>down"]
    odd = save_images(tmp_path / "odd", make_images(2, names=names))
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
        assert "its folder does not exist" in fail(capsys, *command, nowhere)
        assert "it is a folder" in fail(capsys, *command, tmp_path)
    before = model.read_bytes()
    err = fail(capsys, "report", model, folder / "test", "--out", model)
    assert "cannot be both the report and the model" in err
    assert model.read_bytes() == before


def test_a_report_is_whole_or_not_at_all(trained, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("the last one")
    details = {"held_out": trained.held_out, "about": {}, "n_bytes": None, "date": DATE}

    def break_down(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", break_down)
        with pytest.raises(KeyboardInterrupt):
            write_report(path, trained.pipeline, trained.evidence, **details)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert path.read_text() == "the last one"
    write_report(path, trained.pipeline, trained.evidence, **details)
    assert path.read_text(encoding="utf-8").endswith("</html>")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_links_and_pipes_stay_what_they_are(trained, tmp_path, monkeypatch):
    """As root, a file in the place of /dev/null would break the machine."""
    monkeypatch.setattr(
        "skvision._app.html_report.page.render_report", lambda *_: "page"
    )
    details = {"held_out": {}, "about": {}, "n_bytes": None, "date": DATE}
    link, pipe = tmp_path / "link.html", tmp_path / "pipe"
    link.symlink_to("report.html")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        for path in (link, pipe):
            write_report(path, trained.pipeline, trained.evidence, **details)
        assert os.read(reader, 100) == b"page"
    finally:
        os.close(reader)
    assert (tmp_path / "report.html").read_text() == "page"
    assert link.is_symlink() and pipe.is_fifo()


def test_files_that_are_gone_after_reading_are_not_missed(tmp_path):
    folder = save_images(tmp_path / "images", make_images(6, names=["across", "down"]))
    dataset = find_images(str(folder))
    learned = train(dataset, features=("hog",))
    shutil.rmtree(folder)
    page = Page(render(learned))
    assert len(page.find("image")) == 12


def test_jinja2_is_needed_for_reports_only(capsys, monkeypatch, model, folder):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        start, "find_spec", lambda name: None if name == "jinja2" else real(name)
    )
    err = fail(capsys, "report", model, folder / "test", "--out", "r.html")
    assert 'jinja2: run python -m pip install ".[cli]"' in err
    assert "jinja2" in fail(capsys, "train", folder / "train", "--report", "r.html")
    file = next((folder / "test" / "across").iterdir())
    assert cli.main(["predict", str(model), str(file)]) == 0
