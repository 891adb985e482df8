"""Mistakes of the user: one line each, before all work where that is possible."""

import importlib.util
import os
import shutil
import warnings

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from striped_images import make_folder

from skvision import ImageReader, MulticlassSVM, SoftmaxRegression, cli, save_model
from skvision._app import start
from skvision._model_files.model_file import read_model_file


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "required: COMMAND"),
        (["teach"], "invalid choice: 'teach'"),
        (["demo", "x"], "unrecognized arguments: x"),
        (["train"], "required: FOLDER"),
        (["predict", "m"], "required: FILE"),
        (["train", "x", "--test-size", "0"], "'0' is not a number between 0 and 1"),
        (["train", "x", "--test-size", "nan"], "'nan' is not a number between"),
        (["train", "x", "--test-size", "20"], "between 0 and 1: for 20 %, pass 0.2"),
        (["train", "x", "--test-size", "12.5%"], "for 12.5 %, pass 0.125"),
        (
            ["train", "x", "--size", "8"],
            "'8' is not auto or a whole number from 16 to 1024",
        ),
        (
            ["train", "x", "--size", "a"],
            "'a' is not auto or a whole number from 16 to 1024",
        ),
        (["train", "x", "--time-budget", "0"], "'0' is not a number above 0"),
        (["train", "x", "--time-budget", "inf"], "'inf' is not a number above 0"),
        (["train", "x", "--time-budget", "nan"], "'nan' is not a number above 0"),
        (["train", "x", "--time-budget", "1m"], "'1m' is not a number above 0"),
        (["train", "x", "--resize", "Crop"], "invalid choice: 'Crop'"),
        (["train", "x", "--features", ""], "'' is not one of the features hog, hog-"),
        (["train", "x", "--seed", "-1"], "'-1' is not a whole number from 0"),
        (["train", "x", "--seed", "4294967296"], "is not a whole number from 0 to"),
        (["train", "x", "--test", "y", "--test-size", "0.5"], "not allowed with"),
        (["train", "x", "--test", "y", "--groups", "z"], "leave out one of the two"),
        (["train", "missing"], "'missing' does not exist"),
        (["train", __file__], "is a file"),
        (
            ["train", "x", "--model", "no/where"],
            "'no/where' cannot be saved: its folder",
        ),
        (["train", "x", "--model", "."], "'.' cannot be saved: it is a folder"),
        (["train", "x", "--model", ""], "'' cannot be saved: it is a folder"),
        (
            ["train", "x", "--groups", "g.csv", "--model", "./g.csv"],
            "'./g.csv' cannot be both the model and the groups",
        ),
        (["predict", "missing", "x"], "'missing': No such file"),
        (["predict", "m", "x", "--csv", "--json"], "not allowed with"),
        (["predict", "m", "x", "--top", "0"], "'0' is not a whole number from 1"),
        (["predict", "m", "x", "--sort-into", __file__], "is not a folder"),
        (["predict", ".", "x"], "'.': Is a directory"),
        (
            ["predict", __file__, "x"],
            "is not a skvision model: it is not a zip archive",
        ),
    ],
)
def test_bad_arguments(fail, arguments, message):
    assert message in fail(*arguments)


def test_bad_folders(fail, folder, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no folders inside" in fail("train", tmp_path / "empty")
    (folder / "none").mkdir()
    assert "has no images" in fail("train", folder)
    (folder / "none").rmdir()
    shutil.rmtree(folder / "down")
    assert "only one class folder, 'across'" in fail("train", folder)


def test_unreadable_files_are_named(fail, folder):
    (folder / "down" / "3.png").write_bytes(b"no image")
    error = fail("train", folder)
    assert "1 of 20 files cannot be read: " in error
    assert f"{str(folder / 'down' / '3.png')!r}: it is none of JPEG" in error


def test_many_unreadable_files(fail, folder, monkeypatch):
    monkeypatch.setattr("skvision._app.load._FILES_AT_A_TIME", 4)
    for i in range(7):
        (folder / "down" / f"{i}.png").write_bytes(b"")
    error = fail("train", folder)
    assert "7 of 20 files cannot be read: " in error
    assert error.count("it is empty") == 3
    assert error.endswith("; and 4 more. Repair or remove them, or pass --skip-bad\n")


def test_a_class_that_cannot_be_on_both_sides(fail, folder):
    for i in range(1, 10):
        (folder / "down" / f"{i}.png").unlink()
    assert "The class 'down' has one image, and cannot be both" in fail("train", folder)


def test_bad_test_folders(fail, run, shared_folder, tmp_path, rng):
    assert "all test images of the class 'across' are copies" in fail(
        "train", shared_folder, "--test", shared_folder
    )
    test = make_folder(tmp_path / "test", rng, n=2, labels=("across", "up"))
    error = fail("train", shared_folder, "--test", test)
    assert "must have the same classes; only one of them has 'down', 'up'" in error
    assert "does not exist" in fail("train", shared_folder, "--test", tmp_path / "no")


def test_bad_groups(fail, shared_folder, tmp_path):
    table = tmp_path / "groups.csv"
    arguments = ("train", shared_folder, "--groups", table)
    assert f"{str(table)!r}: No such file" in fail(*arguments)
    table.write_text("file,owner\n")
    assert "needs the columns 'file' and 'group'" in fail(*arguments)


def test_a_hostile_model(fail, tmp_path, shared_folder):
    import skops.io

    path = tmp_path / "hostile.skops"
    skops.io.dump([os.system], path)
    error = fail("predict", path, shared_folder / "down" / "0.png")
    assert "is not a skvision model: it holds posix.system" in error


@pytest.mark.parametrize(
    "model",
    [
        ImageReader((8, 8)),
        make_pipeline(ImageReader((8, 8)), MulticlassSVM()),
        make_pipeline(SoftmaxRegression()),
    ],
    ids=["reader", "no probabilities", "no files"],
)
def test_models_that_do_not_classify_files(fail, tmp_path, shared_folder, model):
    path, images = tmp_path / "a.skops", np.eye(4, 192).reshape(4, 8, 8, 3)
    save_model(model.fit((images * 255).astype("uint8"), [0, 1, 0, 1]), path)
    for command in (["predict", path], ["report", path, "--out", tmp_path / "a.html"]):
        error = fail(*command, shared_folder)
        assert "does not classify image files: the command line needs a pipe" in error


def test_what_is_not_installed(fail, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        start, "find_spec", lambda name: None if name == "rich" else real(name)
    )
    assert 'rich: run python -m pip install ".[cli]"' in fail("demo")


def test_features_by_name(run, shared_folder, tmp_path):
    path = tmp_path / "a.model"
    arguments = ("--features", "words,hog", "--model", path)
    status, _, err = run("train", shared_folder, *arguments)
    assert (status, err) == (0, "")
    union = read_model_file(path).model[1]
    assert [name for name, _ in union.transformer_list] == ["hog", "words"]


def test_features_that_there_are_not(fail, shared_folder):
    error = fail("train", shared_folder, "--features", "hog,sift")
    assert (
        "'sift' is not one of the features hog, hog-8x8, hog-10x10, color, words,"
        in error
    )


def test_bugs_are_not_hidden(monkeypatch, shared_folder):
    def fit(*_):
        raise ValueError("a bug")

    monkeypatch.setattr("skvision._features.hog.HOG.fit", fit)
    with pytest.raises(ValueError, match="a bug"):
        cli.main(["train", str(shared_folder)])


def test_interrupt(run, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(start, "run", interrupt)
    assert run("demo") == (130, "", "skvision: interrupted\n")


@pytest.mark.parametrize(
    "step", ["_features.hog.HOG", "_linear.softmax_regression.SoftmaxRegression"]
)
def test_an_interrupt_of_train_saves_no_model(
    step, run, shared_folder, tmp_path, monkeypatch, ctrl_c
):
    monkeypatch.setattr(f"skvision.{step}.fit", lambda *_, **__: ctrl_c())
    status, _, err = run("train", shared_folder, "--model", tmp_path / "a.skops")
    assert (status, err) == (130, "skvision: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_warnings_are_one_line(run, monkeypatch):
    def warn(_):
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn("the palette\nis odd", stacklevel=1)
        return 0

    monkeypatch.setattr(start, "run", warn)
    assert run("demo") == (0, "", "skvision: warning: the palette is odd\n")


def test_warnings_name_no_parameter_that_was_not_typed(run, monkeypatch):
    from sklearn.exceptions import ConvergenceWarning

    def warn(_):
        warnings.warn("increase max_iter", ConvergenceWarning, stacklevel=1)
        return 0

    monkeypatch.setattr(start, "run", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        _, _, err = run("demo")
    assert "a fit ended before its optimum" in err and "max_iter" not in err
