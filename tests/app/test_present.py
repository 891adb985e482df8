"""What the console shows of an evaluation."""

import numpy as np
from striped_images import groups_of

from skvision._app.evaluate import Evaluation
from skvision._app.present import print_evaluation


def show(capsys, counts, names, monkeypatch, width="80"):
    monkeypatch.setenv("COLUMNS", width)
    truth, predicted = (
        np.repeat(np.array(names)[axis], np.ravel(counts))
        for axis in np.indices(np.shape(counts)).reshape(2, -1)
    )
    evaluation = Evaluation(truth, predicted, names, np.empty((len(truth), 0)), 0.0)
    print_evaluation(evaluation, "held-out images")
    return capsys.readouterr().out


def test_precision_and_recall(capsys, monkeypatch):
    out = show(capsys, [[3, 1, 0], [2, 4, 0], [1, 0, 0]], list("abc"), monkeypatch)
    rows = groups_of(out)
    assert "Accuracy 0.636 on 11 held-out images" in out
    assert ("a", "4", "0.500", "0.750") in rows
    assert ("b", "6", "0.800", "0.667") in rows
    assert ("c", "1", "-", "0.000") in rows  # nothing was predicted as c
    assert {("a", "3", "1", "0"), ("b", "2", "4", "0"), ("c", "1", "0", "0")} <= rows


def test_many_classes_have_the_pairs_confused_most(capsys, monkeypatch):
    counts = 5 * np.eye(40, dtype=int)
    counts[3, 7], counts[20, 3] = 4, 2
    counts[np.arange(20, 35), np.arange(21, 36)] = 1
    names = [f"person {i:02}" for i in range(40)]
    out = show(capsys, counts, names, monkeypatch)
    assert max(map(len, out.splitlines())) <= 80
    pairs = out.split("The classes that are confused most often:")[1].splitlines()[2:]
    assert pairs[1].split("  ")[0] == "person 03"
    assert "person 07" in pairs[1]
    assert pairs[1].split()[-3:] == ["4", "of", "9"]
    assert pairs[2].split()[:2] == ["person", "20"]
    assert len([line for line in pairs if line]) == 11
    assert "Confusion matrix" not in out


def test_a_matrix_as_wide_as_there_is_room(capsys, monkeypatch):
    counts, names = 5 * np.eye(20, dtype=int), [f"class {i}" for i in range(20)]
    wide = show(capsys, counts, names, monkeypatch, width="200")
    assert "Confusion matrix" in wide
    narrow = show(capsys, counts, names, monkeypatch)
    assert "confused" not in narrow.lower()  # nothing was
