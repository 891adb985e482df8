"""What the console shows of an evaluation."""

import numpy as np
from striped_images import groups_of

from skvision._app.dataset import Dataset
from skvision._app.evaluate import Evaluation, find_in_top_5
from skvision._app.present import print_copies, print_evaluation, print_folder
from skvision._app.words import count, write_percent


def show(capsys, counts, names, monkeypatch, width="80"):
    monkeypatch.setenv("COLUMNS", width)
    truth, predicted = (
        np.repeat(np.array(names)[axis], np.ravel(counts))
        for axis in np.indices(np.shape(counts)).reshape(2, -1)
    )
    probabilities = (predicted[:, None] == np.array(names)).astype(float)
    evaluation = Evaluation(
        truth, predicted, names, probabilities, np.empty((len(truth), 0)), 0.0
    )
    print_evaluation(evaluation, "held-out image")
    return capsys.readouterr().out


def test_precision_and_recall(capsys, monkeypatch):
    out = show(capsys, [[3, 1, 0], [2, 4, 0], [1, 0, 0]], list("abc"), monkeypatch)
    rows = groups_of(out)
    assert (
        "Accuracy 63.6 % on 11 held-out images (95 % interval 35.4 % to 84.8 %)" in out
    )
    assert "Top-5" not in out
    assert ("a", "4", "50.0", "%", "75.0", "%") in rows
    assert ("b", "6", "80.0", "%", "66.7", "%") in rows
    assert ("c", "1", "-", "0", "%") in rows  # nothing was predicted as c
    assert {("a", "3", "1", "0"), ("b", "2", "4", "0"), ("c", "1", "0", "0")} <= rows


def test_many_classes_have_the_pairs_confused_most(capsys, monkeypatch):
    counts = 5 * np.eye(40, dtype=int)
    counts[3, 7], counts[20, 3] = 4, 2
    counts[np.arange(20, 35), np.arange(21, 36)] = 1
    names = [f"person {i:02}" for i in range(40)]
    out = show(capsys, counts, names, monkeypatch)
    assert max(map(len, out.splitlines())) <= 80
    assert "Top-5 accuracy 92.3 % (95 % interval" in out
    pairs = out.split("The classes that are confused most often:")[1].splitlines()[2:]
    assert pairs[1].split("  ")[0] == "person 03"
    assert "person 07" in pairs[1]
    assert pairs[1].split()[-3:] == ["4", "of", "9"]
    assert pairs[2].split()[:2] == ["person", "20"]
    assert len([line for line in pairs if line]) == 11
    assert "Confusion matrix" not in out


def test_names_are_in_the_order_in_which_people_count(capsys, monkeypatch):
    assert [count(n, "image") for n in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
    print_folder("photos", np.array(["b", "10", "9", "10"]), "")
    out = capsys.readouterr().out
    assert out == "4 images of 3 classes in photos: 9 1, 10 2, b 1.\n"
    print_folder("photos", np.array(["a"]), "")
    assert capsys.readouterr().out == "1 image of 1 class in photos: a 1.\n"


def test_percentages_that_are_not_whole_do_not_look_so():
    shown = [write_percent(x) for x in (0, 0.0001, 0.8534, 0.9996, 1 - 1e-15)]
    assert shown == ["0 %", "<0.1 %", "85.3 %", ">99.9 %", "100 %"]


def test_top_5_does_not_reward_equal_scores():
    classes, equal = list("abcdefghij"), np.zeros((10, 10))
    found = find_in_top_5(np.array(classes), classes, equal)
    assert found.tolist() == [True] * 5 + [False] * 5


def test_a_copy_is_told_once_and_two_labels_first(capsys):
    names = ["a/1", "b/2", "a/3", "a/4", "a/5"]
    labels = np.array(["a", "b", "a", "a", "a"])
    dataset = Dataset(names, names, labels, n_training=4)
    print_copies(dataset, np.array([0, 0, 2, 2, 0]))
    assert capsys.readouterr().out.splitlines() == [
        "The same image with two labels: 1 (b/2 of a/1).",
        "Copies of training images, left out of the test: 1 (a/5 of a/1).",
        "Copies of other images: 1 (a/4 of a/3).",
    ]


def test_a_matrix_as_wide_as_there_is_room(capsys, monkeypatch):
    counts, names = 5 * np.eye(20, dtype=int), [f"class {i}" for i in range(20)]
    wide = show(capsys, counts, names, monkeypatch, width="200")
    assert "Confusion matrix" in wide
    narrow = show(capsys, counts, names, monkeypatch)
    assert "confused" not in narrow.lower()  # nothing was
