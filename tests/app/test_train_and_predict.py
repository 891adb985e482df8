"""``skvision train`` and ``predict``: what they print and save."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from striped_images import groups_of, make_folder, stripes

from skvision import cli
from skvision._app.intervals import wilson_interval
from skvision._model_files.model_file import read_model_file


def test_train_prints_what_it_read_and_how_well_it_did(run, shared_folder):
    status, out, err = run("train", shared_folder)
    assert (status, err) == (0, "")
    assert f"20 images of 2 classes in {shared_folder}: across 10, down 10." in out
    assert "Training on 16 images, 4 are held out." in out
    interval = f"(95 % interval {100 * wilson_interval(4, 4)[0]:.1f} % to 100 %)"
    assert f"Accuracy 100 % on 4 held-out images {interval}" in out
    rows = groups_of(out)
    assert ("class", "images", "precision", "recall") in rows
    all_right = ("2", "100", "%", "100", "%")
    assert {("across", *all_right), ("down", *all_right)} <= rows
    assert {("across", "down"), ("across", "2", "0"), ("down", "0", "2")} <= rows
    assert re.search(r"Took [\d.]+ s: reading [\d.]+ s, learning [\d.]+ s\.", out)
    assert "The model was not saved" in out


def test_the_model_says_what_it_is(model):
    pipeline, about = read_model_file(model)
    assert [name for name, _ in pipeline.steps] == [
        "reader",
        "features",
        "normalizer",
        "classifier",
    ]
    assert pipeline[0].n_jobs is None
    assert about["classes"] == ["across", "down"]
    assert about["size"] == [32, 32]
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
    shown = []
    monkeypatch.setattr(
        "skvision._app.present.print_evaluation", lambda *given: shown.extend(given)
    )
    path = tmp_path / "a.skops"
    run("train", shared_folder, "--test", test, "--model", path)
    truth, predicted = shown[0].truth, shown[0].predicted
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

    held_out = read_model_file(path).about["held_out"]
    assert held_out["accuracy"] == (truth == predicted).mean()
    assert held_out["from"] == "a test folder"


def _in_order(test):
    from skvision.datasets import load_image_folder

    for path in map(Path, load_image_folder(test).paths):
        yield path.parent.name, path.stem


def test_the_seed_decides_which_images_are_held_out(run, folder):
    stripes(np.random.default_rng(0), "down").save(folder / "across" / "odd.png")
    trained = set()
    for seed in range(6):
        arguments = ("train", folder, "--seed", seed, "--features", "hog")
        _, out, _ = run(*arguments)
        _, again, _ = run(*arguments)
        assert out.split("Took")[0] == again.split("Took")[0]
        trained.add(out.split("Took")[0])
    assert len(trained) > 1


def test_size_and_fraction(run, shared_folder, tmp_path):
    path = tmp_path / "a.skops"
    arguments = ("--size", 24, "--test-size", 0.4, "--model", path)
    status, out, _ = run("train", shared_folder, *arguments)
    assert status == 0
    assert "Training on 12 images, 8 are held out." in out
    assert read_model_file(path).about["size"] == [24, 24]


def test_copies_stay_on_one_side(run, folder, monkeypatch):
    source = Image.open(folder / "down" / "0.png")
    for i in range(5):  # the same pixels, another file
        source.save(folder / "down" / f"copy{i}.bmp")
    sides = []
    monkeypatch.setattr(
        "skvision._app.present.print_evaluation",
        lambda evaluation, _: sides.append((evaluation.truth == "down").sum()),
    )
    for seed in range(5):
        _, out, _ = run(
            *("train", folder, "--features", "hog"),
            *("--seed", seed, "--test-size", 0.4),
        )
        assert "Copies of other images: 5 (" in out
        assert f"{folder / 'down' / 'copy0.bmp'} of {folder / 'down' / '0.png'}" in out
    # 15 of this class, 6 of them the same: all of these or none.
    assert set(sides) <= {6, 7, 8, 9}


def test_copies_in_another_class_are_listed(run, folder):
    shutil.copy(folder / "down" / "0.png", folder / "across" / "zero.png")
    _, out, _ = run("train", folder)
    assert "The same image with two labels: 1 (" in out
    assert "Copies of" not in out  # it is told once


def test_copies_of_training_images_are_left_out_of_the_test(
    run, shared_folder, tmp_path
):
    test = make_folder(tmp_path / "test", np.random.default_rng(1), n=3)
    shutil.copy(shared_folder / "down" / "7.png", test / "down" / "x.png")
    _, out, _ = run("train", shared_folder, "--test", test)
    copy = f"{test / 'down' / 'x.png'} of {shared_folder / 'down' / '7.png'}"
    assert f"Copies of training images, left out of the test: 1 ({copy})." in out
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
    assert read_model_file(path).about["held_out"]["grouped"] is True


def test_files_that_are_no_images_are_counted(run, folder):
    (folder / "down" / "notes.txt").touch()
    _, out, _ = run("train", folder)
    assert "Other files, ignored: 1 (.txt 1)." in out


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
    held_out = read_model_file(path).about["held_out"]
    assert held_out["pictures"] == len(files) == 153
    assert right.mean() == held_out["accuracy"]


@pytest.mark.slow
@pytest.mark.realdata
def test_photos_are_classified(bugs):
    path, _ = bugs
    assert read_model_file(path).about["held_out"]["accuracy"] >= 0.58
