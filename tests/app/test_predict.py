"""``skvision predict``: what it takes, prints and copies."""

import csv
import io
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from striped_images import stripes

from skvision._app.inputs import Input
from skvision._app.predict import Prediction, predict_inputs
from skvision._app.prediction_formats import make_printer
from skvision._app.sort_into import Sorter
from skvision._contract.user_error import UserError
from skvision._model_files.model_file import load_model

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")


@pytest.fixture
def tree(tmp_path, rng, monkeypatch):
    """Enter a folder of images with folders inside, and return it."""
    for name in ("a.png", "b.PNG", "in/c.png", "in/deep/d.png", ".hidden/e.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        stripes(rng, "down").save(path, "PNG")
    (tmp_path / "photos" / "notes.txt").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def predict(run, model):
    """Return what runs the command; it returns status, files and errors."""

    def predict(*arguments):
        status, out, err = run("predict", model, *arguments)
        files = [line.split("\t")[0] for line in out.splitlines()]
        return status, files, err

    return predict


# What it takes


def test_a_folder_lists_its_images(predict, tree):
    a, b = os.path.join("photos", "a.png"), os.path.join("photos", "b.PNG")
    assert predict("photos") == (0, [a, b], "")
    c, d = Path("photos", "in", "c.png"), Path("photos", "in", "deep", "d.png")
    assert predict("photos", "--recursive") == (0, [a, b, str(c), str(d)], "")


def test_patterns_that_no_shell_has_expanded(predict, tree):
    a, b = os.path.join("photos", "a.png"), os.path.join("photos", "b.PNG")
    assert predict("photos/?.[pP]*")[:2] == (0, [a, b])
    shutil.copy(a, "photos/x[1].png")  # a name that looks like a pattern
    assert predict("photos/x[1].png")[:2] == (0, ["photos/x[1].png"])
    status, files, err = predict("*.jpg", a)
    assert (status, files) == (1, [a])
    assert err == "skvision: '*.jpg': No such file or directory\n"


def list_on_stdin(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_list_on_the_standard_input(predict, tree, monkeypatch):
    list_on_stdin(monkeypatch, b"photos/a.png\n\nphotos/in\nnone.png")
    status, files, err = predict("photos/b.PNG", "-")
    assert status == 1
    expected = ["photos/b.PNG", "photos/a.png", os.path.join("photos/in", "c.png")]
    assert files == expected
    assert err == "skvision: 'none.png': No such file or directory\n"


@posix
def test_names_in_a_list_have_any_bytes(run, model, tree, monkeypatch):
    names = [b" a\t\r.png", b"*\\n\xe9.png", b'"q,".png']
    for name in names:
        shutil.copy(b"photos/a.png", name)
    list_on_stdin(monkeypatch, b"\n".join(names))
    status, out, err = run("predict", model, "-", "--csv")
    assert (status, err) == (0, "")
    rows = list(csv.reader(io.StringIO(out, newline="")))
    assert [row[0] for row in rows[1:]] == [" a\t\r.png", "*\\n\\udce9.png", '"q,".png']


def test_bad_files_are_named_and_the_others_predicted(predict, tree):
    Path("bad.png").write_bytes(b"no image")
    Path("empty").mkdir()
    inputs = ["photos/a.png", "bad.png", "empty", "photos/in/deep", "no\0ne", "photos"]
    status, files, err = predict(*inputs)
    assert status == 1
    deep = os.path.join("photos/in/deep", "d.png")
    assert files == ["photos/a.png", deep, "photos/a.png", "photos/b.PNG"]
    bad, empty, none = err.splitlines()
    assert bad.startswith("skvision: 'bad.png': it is none of JPEG")
    assert empty == (
        "skvision: 'empty': the folder has no images (--recursive looks in the folders "
        "inside it too)"
    )
    assert none.startswith(r"skvision: 'no\x00ne': ")


def test_only_bad_files(predict):
    assert predict("none.png")[:2] == (1, [])


def test_many_files_give_the_same_in_any_company(run, model, shared_folder):
    files = sorted(shared_folder.glob("*/*.png")) * 3
    _, out, _ = run("predict", model, *files)
    lines = out.splitlines()
    assert len(lines) == 60 and set(lines) == set(lines[:20])


def test_predictions_come_while_files_are_listed(model, shared_folder):
    """And no more files are taken than are soon predicted."""
    file, taken = str(shared_folder / "down" / "0.png"), 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield Input(file)

    answers = predict_inputs(load_model(model), endless())
    assert len(next(answers)) == 16
    answers.close()
    assert taken < 3000


# What it prints


def show(capsys, form, top, *predictions):
    printer = make_printer(form, top)
    for prediction in predictions:
        printer(prediction)
    return capsys.readouterr().out


SURE = Prediction("a b.png", "y", {"x": 0.125, "y": 0.625, "z": 0.25})
ODD = Prediction("a\udce9\n,.png", 'q"\udce9', {'q"\udce9': 0.75, "z": 0.25})


def test_text(capsys):
    assert show(capsys, "text", None, SURE) == "a b.png\ty\t0.6250\n"
    expected = "a b.png\ty\t0.6250\tz\t0.2500\tx\t0.1250\n"
    assert show(capsys, "text", 3, SURE) == expected
    assert show(capsys, "text", 9, SURE) == expected
    assert show(capsys, "text", 1, ODD) == 'a\\udce9\\n,.png\tq"\\udce9\t0.7500\n'


def test_csv(capsys):
    assert show(capsys, "csv", None) == "file,label,probability\n"
    out = show(capsys, "csv", 2, SURE, ODD)
    assert list(csv.reader(io.StringIO(out, newline=""))) == [
        ["file", "label", "probability", "label_2", "probability_2"],
        ["a b.png", "y", "0.625", "z", "0.25"],
        ["a\\udce9\n,.png", 'q"\\udce9', "0.75", "z", "0.25"],
    ]


def test_json(capsys):
    lines = show(capsys, "json", None, SURE, ODD).splitlines()
    assert json.loads(lines[0]) == {
        "file": "a b.png",
        "label": "y",
        "probability": 0.625,
        "probabilities": SURE.probabilities,
    }
    odd = json.loads(lines[1])
    assert odd["file"] == "a\\udce9\n,.png"
    assert lines[1].isascii() and odd["label"] in odd["probabilities"]
    lines[1].encode()  # no strict reader meets half of a character
    "".join(odd).encode()
    top = json.loads(show(capsys, "json", 2, SURE))["probabilities"]
    assert list(top.items()) == [("y", 0.625), ("z", 0.25)]


def test_the_label_is_first_where_probabilities_are_equal(capsys):
    even = Prediction("a", "y", {"x": 0.5, "y": 0.5})
    assert show(capsys, "text", 2, even) == "a\ty\t0.5000\tx\t0.5000\n"


class Vague:
    """A classifier that knows no number."""

    classes_ = np.array(["x", "y"])

    def predict(self, X):
        return np.full(len(X), "x")

    def predict_proba(self, X):
        return np.full((len(X), 2), np.nan)


def test_what_is_not_finite_is_no_prediction(model, shared_folder):
    pipeline = load_model(model)
    pipeline.steps[-1] = ("vague", Vague())
    file = Input(str(shared_folder / "down" / "0.png"))
    ((answer,),) = predict_inputs(pipeline, iter([file]))
    assert answer.path == file.path and "not finite" in answer.problem


# What it copies


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_sort_into_copies_and_never_overwrites(predict, tree):
    (tree / "sorted" / "down").mkdir(parents=True)
    (tree / "sorted" / "down" / "a.png").write_text("was there")
    before = contents(tree / "photos")
    Path("bad.png").touch()
    arguments = ("photos", "photos/a.png", "bad.png", "--sort-into", "sorted")
    status, files, err = predict(*arguments)
    assert status == 1 and "bad.png" in err and len(files) == 3
    assert contents(tree / "photos") == before
    assert contents(tree / "sorted") == {
        "down/a.png": b"was there",
        "down/a-2.png": before["a.png"],
        "down/a-3.png": before["a.png"],
        "down/b.PNG": before["b.PNG"],
    }


def test_sort_into_with_csv(run, model, tree):
    arguments = ("photos", "--recursive", "--csv", "--sort-into", "new/sorted")
    status, out, _ = run("predict", model, *arguments)
    assert (status, len(out.splitlines())) == (0, 5)
    assert len(contents(tree / "new" / "sorted")) == 4


def test_a_folder_that_is_read_is_not_sorted_into(fail, model, tree):
    for place in ("photos", "photos/in/new"):
        arguments = ("photos", "--recursive", "--sort-into", place)
        assert "is inside 'photos'" in fail("predict", model, *arguments)
    assert len(contents(tree / "photos")) == 6


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/etc", "a\0b"])
def test_a_class_cannot_lead_out_of_the_folder(tmp_path, name):
    with pytest.raises(UserError, match="cannot make a folder for the class"):
        Sorter(str(tmp_path), ["fine", name])


def test_an_interrupted_copy_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_text("whole")
    sorter = Sorter(str(tmp_path / "sorted"), ["x"])

    def stop(*_):
        raise KeyboardInterrupt

    for name in ("os.replace", "shutil.copy2"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(name, stop)
            sorter.copy(str(tmp_path / "a.png"), "x")
    assert contents(tmp_path) == {"a.png": b"whole"}


def test_a_disk_that_is_full_ends_the_command(fail, model, tree, monkeypatch):
    def stop(*_):
        raise OSError(28, "No space left on device", "sorted/down/x")

    monkeypatch.setattr("shutil.copy2", stop)
    error = fail("predict", model, "photos", "--sort-into", "sorted")
    assert "No space left on device" in error
