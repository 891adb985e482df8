"""The command line: what it prints, saves and says about mistakes."""

import errno
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import skvision
from skvision import cli
from skvision._app import commands
from skvision._app.report import print_report, wilson_interval
from skvision._model_files.model_file import load_model

COMMAND = Path(sysconfig.get_path("scripts")) / "skvision"


def stripes(rng, label, size=40):
    pixels = rng.integers(0, 100, (size, size, 3), dtype=np.uint8)
    lines = pixels[:, ::6] if label == "down" else pixels[::6]
    lines += 150
    return Image.fromarray(pixels)


def make_folder(folder, rng, n=10, labels=("across", "down")):
    for label in labels:
        (folder / label).mkdir(parents=True)
        for i in range(n):
            stripes(rng, label).save(folder / label / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory):
    rng = np.random.default_rng(0)
    return make_folder(tmp_path_factory.mktemp("pictures") / "train", rng)


@pytest.fixture(scope="module")
def model(shared_folder):
    path = shared_folder.parent / "stripes.skops"
    assert cli.main(["train", str(shared_folder), "--model", str(path)]) == 0
    return path


@pytest.fixture
def folder(shared_folder, tmp_path):
    """Return a folder of images to damage."""
    return shutil.copytree(shared_folder, tmp_path / "photos")


@pytest.fixture
def run(capsys):
    def run(*arguments):
        try:
            status = cli.main([str(argument) for argument in arguments])
        except SystemExit as exit:
            status = exit.code
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def fail(run):
    """Return a function that runs the command and returns the line it fails with."""

    def fail(*arguments):
        status, _, err = run(*arguments)
        assert status == 2
        assert err.startswith("skvision: error: ")
        assert err.endswith("\n")
        assert len(err.splitlines()) == 1
        return err

    return fail


def groups_of(matrix):
    return {tuple(line.split()) for line in matrix.splitlines()}


# What it does


def test_train_prints_what_it_read_and_how_well_it_did(run, shared_folder):
    status, out, err = run("train", shared_folder)
    assert (status, err) == (0, "")
    assert f"20 images of 2 classes in {shared_folder}: across 10, down 10." in out
    assert "Training on 16 images, 4 are held out." in out
    low, high = wilson_interval(4, 4)
    assert "Accuracy 1.000 on 4 held-out images " in out
    assert f"(95 % interval {low:.3f} to {high:.3f})" in out
    rows = groups_of(out)
    assert ("class", "pictures", "precision", "recall") in rows
    assert {("across", "2", "1.000", "1.000"), ("down", "2", "1.000", "1.000")} <= rows
    assert {("across", "down"), ("across", "2", "0"), ("down", "0", "2")} <= rows
    assert re.search(r"Took [\d.]+ s: reading [\d.]+ s, learning [\d.]+ s\.", out)
    assert "The model was not saved" in out


def test_the_model_says_what_it_is(model):
    pipeline, about = load_model(model)
    assert [name for name, _ in pipeline.steps] == [
        "imagereader",
        "featureunion",
        "pixelnormalizer",
        "softmaxregression",
    ]
    assert pipeline[0].n_jobs is None
    assert about["classes"] == ["across", "down"]
    assert about["size"] == [64, 64]
    assert about["training"].keys() == {"pictures", "fingerprints"}
    assert about["training"]["pictures"] == {"across": 8, "down": 8}
    low, high = wilson_interval(4, 4)
    assert about["held_out"] == {
        "pictures": 4,
        "accuracy": 1.0,
        "interval_95": [low, high],
        "test_size": 0.2,
        "seed": 0,
        "grouped": False,
    }


def test_predict_gives_the_labels_that_train_predicted(
    run, shared_folder, tmp_path, rng, monkeypatch
):
    """The images are so noisy that many labels are wrong."""
    test = tmp_path / "test"
    for label in ("across", "down"):
        (test / label).mkdir(parents=True)
        for i in range(30):
            clean = np.asarray(stripes(rng, label), dtype=float)
            noisy = 0.1 * clean + rng.uniform(0, 229, clean.shape)
            image = Image.fromarray(noisy.astype(np.uint8))
            image.save(test / label / f"{i}.jpg", quality=90)
    seen = []
    monkeypatch.setattr(
        "skvision._app.train_and_score.print_report", lambda *given: seen.extend(given)
    )
    path = tmp_path / "a.skops"
    run("train", shared_folder, "--test", test, "--model", path)
    truth, predicted = seen[1:3]
    assert 0 < (truth == predicted).sum() < 60

    files = [test / label / f"{i}.jpg" for label, i in _in_order(test)]
    status, out, err = run("predict", path, *files)
    assert (status, err) == (0, "")
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[0] for row in rows] == [str(file) for file in files]
    assert [row[1] for row in rows] == predicted.tolist()
    assert all(0.5 <= float(row[2]) <= 1 for row in rows)

    status, out, err = run("predict", "--json", path, *files)
    assert (status, err) == (0, "")
    answers = [json.loads(line) for line in out.splitlines()]
    assert [answer["label"] for answer in answers] == predicted.tolist()
    for row, answer in zip(rows, answers, strict=True):
        assert answer["file"] == row[0]
        assert f"{answer['probability']:.4f}" == row[2]
        assert max(answer["probabilities"].values()) == answer["probability"]
        assert sum(answer["probabilities"].values()) == pytest.approx(1)
        assert list(answer["probabilities"]) == ["across", "down"]

    held_out = load_model(path).about["held_out"]
    assert held_out["accuracy"] == (truth == predicted).mean()
    assert held_out["from"] == "a test folder"


def _in_order(test):
    from skvision.datasets import load_image_folder

    for path in map(Path, load_image_folder(test).paths):
        yield path.parent.name, path.stem


def test_the_seed_decides_who_is_held_out(run, folder):
    stripes(np.random.default_rng(0), "down").save(folder / "across" / "odd.png")
    trained = set()
    for seed in range(6):
        arguments = ("train", folder, "--seed", seed, "--features", "hog")
        _, out, _ = run(*arguments)
        _, again, _ = run(*arguments)
        assert out.split("Took")[0] == again.split("Took")[0]
        trained.add(out.split("Took")[0])
    assert len(trained) > 1


def test_size_and_share(run, shared_folder, tmp_path):
    path = tmp_path / "a.skops"
    arguments = ("--size", 24, "--test-size", 0.4, "--model", path)
    status, out, _ = run("train", shared_folder, *arguments)
    assert status == 0
    assert "Training on 12 images, 8 are held out." in out
    assert load_model(path).about["size"] == [24, 24]


def test_copies_stay_on_one_side(run, folder, monkeypatch):
    source = Image.open(folder / "down" / "0.png")
    for i in range(5):  # the same pixels, another file
        source.save(folder / "down" / f"copy{i}.bmp")
    sides = []
    monkeypatch.setattr(
        "skvision._app.train_and_score.print_report",
        lambda score, truth, *_: sides.append((truth == "down").sum()),
    )
    for seed in range(5):
        _, out, _ = run(
            *("train", folder, "--features", "hog"),
            *("--seed", seed, "--test-size", 0.4),
        )
        assert "5 images are copies of others: " in out
        assert f"{folder / 'down' / 'copy0.bmp'} of {folder / 'down' / '0.png'}" in out
    # 15 of this class, 6 of them the same: all of these or none.
    assert set(sides) <= {6, 7, 8, 9}


def test_copies_in_another_class_are_told(run, folder):
    shutil.copy(folder / "down" / "0.png", folder / "across" / "zero.png")
    _, out, _ = run("train", folder)
    assert "1 images are copies of others in another class: " in out


def test_copies_of_training_pictures_are_left_out_of_the_test(
    run, shared_folder, tmp_path
):
    test = make_folder(tmp_path / "test", np.random.default_rng(1), n=3)
    shutil.copy(shared_folder / "down" / "7.png", test / "down" / "x.png")
    _, out, _ = run("train", shared_folder, "--test", test)
    copy = f"{test / 'down' / 'x.png'} of {shared_folder / 'down' / '7.png'}"
    assert f"left out of the test, as copies of training images: {copy}." in out
    assert "Training on 20 images, 6 are held out." in out


def test_groups_stay_on_one_side(run, folder, tmp_path):
    table = tmp_path / "groups.csv"
    rows = [f"{c}/{i}.png,{c}{i // 4}" for c in ("across", "down") for i in range(10)]
    table.write_text("\n".join(["file,group", *rows]))
    path = tmp_path / "a.skops"
    status, out, _ = run(
        *("train", folder, "--groups", table, "--test-size", 0.4, "--model", path)
    )
    assert status == 0
    # Of the groups of 4, 4 and 2 images in each class one is held out.
    assert re.search(r"Training on 1[246] images, [468] are held out\.", out)
    assert load_model(path).about["held_out"]["grouped"] is True


def test_files_that_are_no_pictures_are_counted(run, folder):
    (folder / "down" / "notes.txt").touch()
    _, out, _ = run("train", folder)
    assert "1 other files are ignored." in out


def test_progress_is_shown_on_a_terminal_and_not_mixed_with_results(
    run, shared_folder, monkeypatch
):
    monkeypatch.setenv("TERM", "xterm")
    _, plain, _ = run("train", shared_folder)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    _, out, err = run("train", shared_folder)
    assert "Reading" in err
    assert "Learning" in err
    assert out.split("Took")[0] == plain.split("Took")[0]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_are_neither_markup_nor_control_characters(run, tmp_path, rng):
    labels = ["[red]a", ":smile:", "tab\there"]
    for label in labels:
        (tmp_path / "p" / label).mkdir(parents=True)
        for i in range(5):
            stripes(rng, "down").save(tmp_path / "p" / label / f"{i}.png")
    status, out, _ = run("train", tmp_path / "p", "--model", tmp_path / "m")
    assert status == 0
    for label in ("[red]a", ":smile:", r"tab\there"):
        assert out.count(label) == 4  # read, by class, a row and a column
    file = shutil.copy(tmp_path / "p" / ":smile:" / "0.png", tmp_path / "a\nb\tc.png")
    _, out, _ = run("predict", tmp_path / "m", file)
    (line,) = out.splitlines()
    assert line.startswith(rf"{tmp_path}/a\nb\tc.png" + "\t")


# The report


def report(capsys, counts, names, monkeypatch, width="80"):
    monkeypatch.setenv("COLUMNS", width)
    truth, predicted = (
        np.repeat(np.array(names)[axis], np.ravel(counts))
        for axis in np.indices(np.shape(counts)).reshape(2, -1)
    )
    n, n_correct = len(truth), (truth == predicted).sum()
    score = {"pictures": n, "accuracy": n_correct / n, "interval_95": [0.25, 0.75]}
    print_report(score, truth, predicted, names, "held-out images")
    return capsys.readouterr().out


def test_precision_and_recall(capsys, monkeypatch):
    out = report(capsys, [[3, 1, 0], [2, 4, 0], [1, 0, 0]], list("abc"), monkeypatch)
    rows = groups_of(out)
    assert "Accuracy 0.636 on 11 held-out images" in out
    assert ("a", "4", "0.500", "0.750") in rows
    assert ("b", "6", "0.800", "0.667") in rows
    assert ("c", "1", "-", "0.000") in rows  # nothing was taken for c
    assert {("a", "3", "1", "0"), ("b", "2", "4", "0"), ("c", "1", "0", "0")} <= rows


def test_many_classes_have_the_pairs_confused_most(capsys, monkeypatch):
    counts = 5 * np.eye(40, dtype=int)
    counts[3, 7], counts[20, 3] = 4, 2
    counts[np.arange(20, 35), np.arange(21, 36)] = 1
    names = [f"person {i:02}" for i in range(40)]
    out = report(capsys, counts, names, monkeypatch)
    assert max(map(len, out.splitlines())) <= 80
    pairs = out.split("Most often confused:")[1].splitlines()[2:]
    assert pairs[1].split("  ")[0] == "person 03"
    assert "person 07" in pairs[1]
    assert pairs[1].split()[-3:] == ["4", "of", "9"]
    assert pairs[2].split()[:2] == ["person", "20"]
    assert len([line for line in pairs if line]) == 11
    assert "Confusion matrix" not in out


def test_a_matrix_as_wide_as_there_is_room(capsys, monkeypatch):
    counts, names = 5 * np.eye(20, dtype=int), [f"class {i}" for i in range(20)]
    wide = report(capsys, counts, names, monkeypatch, width="200")
    assert "Confusion matrix" in wide
    narrow = report(capsys, counts, names, monkeypatch)
    assert "confused" not in narrow.lower()  # nothing was


def test_wilson_interval():
    """Newcombe, "Two-sided confidence intervals for the single proportion", 1998."""
    for n_correct, n, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        assert wilson_interval(n_correct, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson_interval(20, 20) == pytest.approx((1 - 0.1611, 1.0), abs=5e-5)


# Mistakes


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
        (["train", "x", "--size", "8"], "'8' is not a whole number from 16 to 1024"),
        (["train", "x", "--size", "a"], "'a' is not a whole number from 16 to 1024"),
        (["train", "x", "--seed", "-1"], "'-1' is not a whole number from 0"),
        (["train", "x", "--seed", "4294967296"], "is not a whole number from 0 to"),
        (["train", "x", "--test", "y", "--test-size", "0.5"], "not allowed with"),
        (["train", "x", "--test", "y", "--groups", "z"], "leave out one of the two"),
        (["train", "missing"], "'missing' does not exist"),
        (["train", __file__], "is a file"),
        (["train", "x", "--model", "no/where"], "'no/where' cannot be saved: there"),
        (["train", "x", "--model", "."], "'.' cannot be saved: it is a folder"),
        (["train", "x", "--model", ""], "'' cannot be saved: it is a folder"),
        (
            ["train", "x", "--groups", "g.csv", "--model", "./g.csv"],
            "'./g.csv' cannot be both the model and the groups",
        ),
        (["predict", "missing", "x"], "'missing': No such file"),
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


def test_unreadable_pictures_are_named(fail, folder):
    (folder / "down" / "3.png").write_bytes(b"no image")
    error = fail("train", folder)
    assert "1 of 20 files cannot be read: " in error
    assert f"{str(folder / 'down' / '3.png')!r}: it is none of JPEG" in error


def test_many_unreadable_pictures(fail, folder, monkeypatch):
    monkeypatch.setattr("skvision._app.train_and_score._PICTURES_AT_A_TIME", 4)
    for i in range(7):
        (folder / "down" / f"{i}.png").write_bytes(b"")
    error = fail("train", folder)
    assert "7 of 20 files cannot be read: " in error
    assert error.count("it is empty") == 3
    assert error.endswith("; and 4 more\n")


def test_a_class_that_cannot_be_on_both_sides(fail, folder):
    for i in range(1, 10):
        (folder / "down" / f"{i}.png").unlink()
    assert "The class 'down' cannot be both" in fail("train", folder)


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


def test_predict_prints_nothing_if_one_picture_is_bad(run, model, shared_folder):
    good = shared_folder / "down" / "0.png"
    bad = shared_folder / "missing.png"
    status, out, err = run("predict", model, good, bad, shared_folder)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert f"2 of 3 files cannot be read: {str(bad)!r}: No such file" in err
    assert f"{str(shared_folder)!r}: Is a directory" in err


def test_a_hostile_model(fail, tmp_path, shared_folder):
    import skops.io

    path = tmp_path / "hostile.skops"
    skops.io.dump([os.system], path)
    error = fail("predict", path, shared_folder / "down" / "0.png")
    assert "is not a skvision model: it holds posix.system" in error


@pytest.mark.parametrize("missing", ["rich", "skops"])
def test_what_is_not_installed(fail, monkeypatch, missing):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        commands, "find_spec", lambda name: None if name == missing else real(name)
    )
    assert f'{missing}: run python -m pip install ".[cli]"' in fail("demo")


def test_features_by_name(run, shared_folder, tmp_path):
    path = tmp_path / "a.model"
    arguments = ("--features", "words,hog", "--model", path)
    status, _, err = run("train", shared_folder, *arguments)
    assert (status, err) == (0, "")
    union = load_model(path).pipeline[1]
    assert [name for name, _ in union.transformer_list] == ["hog", "bagofvisualwords"]


def test_features_that_there_are_not(fail, shared_folder):
    error = fail("train", shared_folder, "--features", "hog,sift")
    assert "'sift' is none of the features hog, color, words" in error


def test_bugs_are_not_hidden(monkeypatch, shared_folder):
    def fit(*_):
        raise ValueError("a bug")

    monkeypatch.setattr("skvision._features.hog.HOG.fit", fit)
    with pytest.raises(ValueError, match="a bug"):
        cli.main(["train", str(shared_folder)])


def test_interrupt(run, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "run", interrupt)
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
    import warnings

    def warn(_):
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn("the palette\nis odd", stacklevel=1)

    monkeypatch.setattr(commands, "run", warn)
    assert run("demo") == (0, "", "skvision: warning: the palette is odd\n")


# The real thing


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"]])
def test_help_needs_nothing_slow(arguments):
    code = (
        "import sys; from skvision.cli import main\n"
        f"try: main({arguments})\n"
        "except SystemExit: print(*sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "FOLDER" in result.stdout or "train" in result.stdout
    loaded = set(result.stdout.split())
    assert loaded.isdisjoint({"numpy", "sklearn", "numba", "rich", "skops"})


def test_version(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"skvision {skvision.__version__}\n"


def test_a_reader_that_goes_away_is_no_error(model, shared_folder):
    files = [str(shared_folder / "down" / "0.png")] * 300  # more than are read at once
    with subprocess.Popen(
        [COMMAND, "predict", "--json", model, *files],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert json.loads(process.stdout.readline())["label"] == "down"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_a_reader_that_has_gone_before_the_first_line(shared_folder):
    reader, writer = os.pipe()
    os.close(reader)
    command = [COMMAND, "train", shared_folder]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    result = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, env=environment, check=False
    )
    os.close(writer)
    assert (result.returncode, result.stderr) == (1, b"")


def full(*arguments, unbuffered):
    """Run the command with its output on a full disk."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1" if unbuffered else ""}
    with open("/dev/full", "w") as disk:
        result = subprocess.run(
            [sys.executable, "-m", "skvision", *map(str, arguments)],
            stdout=disk,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            check=False,
        )
    return result.returncode, result.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize(
    ("arguments", "unbuffered"),
    [
        (["--help"], False),
        (["--version"], True),
        (["predict", "--json", "MODEL", "FILE"], True),
        (["report", "MODEL", "FOLDER", "--out", "PAGE"], True),
    ],
)
def test_a_full_disk_under_the_output(
    model, shared_folder, tmp_path, arguments, unbuffered
):
    places = {
        "MODEL": model,
        "FOLDER": shared_folder,
        "FILE": shared_folder / "down" / "0.png",
        "PAGE": tmp_path / "page.html",
    }
    arguments = [places.get(argument, argument) for argument in arguments]
    assert full(*arguments, unbuffered=unbuffered) == (
        2,
        "skvision: error: the standard output: No space left on device\n",
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_the_first_mistake_is_told_where_the_output_fails_too():
    status, err = full("compare", "no folder", unbuffered=False)
    assert status == 2
    assert err.count("\n") == 1 and "root='no folder' does not exist" in err


class Full(io.StringIO):
    """An output that cannot be written from some text on."""

    def __init__(self, text, error):
        super().__init__()
        self.text, self.error = text, error

    def write(self, text):
        if self.text in text:
            raise OSError(self.error, os.strerror(self.error))
        return super().write(text)

    def fileno(self):
        return os.open(os.devnull, os.O_WRONLY)  # to be redirected


@pytest.mark.parametrize("text", ["images of 2 classes", "Accuracy", "Took", "Saved"])
@pytest.mark.parametrize(("error", "status"), [(errno.EIO, 2), (errno.EPIPE, 1)])
def test_every_line_of_train_may_fail(
    shared_folder, tmp_path, monkeypatch, capsys, text, error, status
):
    monkeypatch.setattr(sys, "stdout", Full(text, error))
    command = ["train", str(shared_folder), "--size", "16", "--features", "hog"]
    assert cli.main([*command, "--model", str(tmp_path / "a.model")]) == status
    err = capsys.readouterr().err
    told = f"skvision: error: the standard output: {os.strerror(error)}\n"
    assert err == (told if status == 2 else "")


@pytest.mark.parametrize("module", ["numpy", "sklearn", "skops", "joblib"])
@pytest.mark.parametrize("start", ["from skvision.cli import main", "-m"])
def test_an_interrupt_while_modules_are_loading(tmp_path, module, start):
    """sitecustomize is what Python imports before all else."""
    (tmp_path / "sitecustomize.py").write_text(
        "import signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    script = ["-c", f"import sys; {start}; sys.exit(main())"]
    result = subprocess.run(
        [sys.executable, *(["-m", "skvision"] if start == "-m" else script)]
        + ["predict", "no model", "no file"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        check=False,
    )
    assert (result.returncode, result.stderr) == (130, "skvision: interrupted\n")


def test_no_standard_output(monkeypatch):
    monkeypatch.setattr(commands, "run", lambda _: None)
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.main(["demo"]) == 0


def test_names_that_no_encoding_has(model, shared_folder, tmp_path):
    file = shutil.copy(shared_folder / "down" / "0.png", tmp_path / "ümlaut→.png")
    result = subprocess.run(
        [COMMAND, "predict", model, file],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert rb"\xfcmlaut\u2192.png" in result.stdout


@pytest.mark.slow
def test_demo():
    started = time.perf_counter()
    result = subprocess.run(
        [COMMAND, "demo"], capture_output=True, text=True, check=True
    )
    assert result.stderr == ""
    assert float(re.search(r"Accuracy ([\d.]+) on 3", result.stdout)[1]) >= 0.95
    assert "skvision train FOLDER" in result.stdout
    print(f"skvision demo: {time.perf_counter() - started:.1f} s")


@pytest.fixture(scope="module")
def bugs(data_root, tmp_path_factory):
    """Return a model of ants and bees, and their test photos."""
    photos = data_root / "hymenoptera_photos"
    path = tmp_path_factory.mktemp("photos") / "bugs.skops"
    folders = [str(photos / "train"), "--test", str(photos / "test")]
    assert cli.main(["train", *folders, "--model", str(path)]) == 0
    return path, sorted((photos / "test").glob("*/*.jpg"))


@pytest.mark.slow
@pytest.mark.realdata
def test_photos_have_the_labels_that_train_predicted(run, bugs):
    path, files = bugs
    _, out, _ = run("predict", path, *files)
    labels = [line.split("\t")[1] for line in out.splitlines()]
    right = np.array(labels) == [file.parent.name for file in files]
    held_out = load_model(path).about["held_out"]
    assert held_out["pictures"] == len(files) == 153
    assert right.mean() == held_out["accuracy"]


@pytest.mark.slow
@pytest.mark.realdata
def test_photos_are_told_apart(bugs):
    path, _ = bugs
    assert load_model(path).about["held_out"]["accuracy"] >= 0.58
