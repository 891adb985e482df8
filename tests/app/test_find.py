"""Which files a command works on: labels from tables and names, splits, advice."""

from types import SimpleNamespace

import numpy as np
import pytest
from data_files import touch

from skvision._app import commands
from skvision._app.find import (
    find_images,
    find_images_and_test_images,
    find_images_for,
    find_images_to_compare,
)
from skvision._app.label_source import LabelSource
from skvision._contract.user_error import UserError


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Return a function that makes files in ``photos``, and tables beside it."""
    monkeypatch.chdir(tmp_path)

    def make(*names, **tables):
        touch("photos", *names)
        for name, text in tables.items():
            (tmp_path / f"{name}.csv").write_text(text)
        return "photos"

    return make


def names(dataset):
    return [name.replace("\\", "/").removeprefix("photos/") for name in dataset.names]


ROWS = "id,kind,part\na,cat,test\nb,dog,train\nc,dog,Test\nd,cat,val\ne,cat,train\n"
TABLE = LabelSource("t.csv", "id", "kind")
WITH_SPLITS = LabelSource("t.csv", "id", "kind", "part")
FILES = [f"{letter}.jpg" for letter in "abcde"]


def test_a_table_in_place_of_folders(photos, capsys):
    dataset = find_images(photos(*FILES, t=ROWS), TABLE)
    assert names(dataset) == FILES
    assert dataset.labels.tolist() == ["cat", "dog", "dog", "cat", "cat"]
    assert dataset.n_training is dataset.groups is None
    assert capsys.readouterr().out == (
        "5 images of 2 classes in photos: cat 3, dog 2.\n"
    )


def test_a_pattern_in_place_of_folders(photos):
    folder = photos("dog.1.jpg", "cat.2.jpg", "x/cat.3.jpg", "notes.txt")
    dataset = find_images(folder, LabelSource(label_pattern=r"^(\w+)\."))
    assert names(dataset) == ["cat.2.jpg", "x/cat.3.jpg", "dog.1.jpg"]
    assert dataset.labels.tolist() == ["cat", "cat", "dog"]
    assert dataset.n_ignored == 1


def test_splits_of_a_table(photos, capsys):
    """Validation images are trained on if there are test images."""
    folder = photos(*FILES, t=ROWS, g="id,group\na,1\nb,2\nc,3\nd,4\ne,5\n")
    dataset = find_images(folder, WITH_SPLITS, groups="g.csv")
    assert names(dataset) == ["b.jpg", "d.jpg", "e.jpg", "a.jpg", "c.jpg"]
    assert dataset.labels.tolist() == ["dog", "cat", "cat", "cat", "dog"]
    assert dataset.groups.tolist() == ["2", "4", "5", "1", "3"]
    assert dataset.n_training == 3
    assert "left out" not in capsys.readouterr().out

    dataset = find_images_to_compare(folder, WITH_SPLITS, groups="g.csv")
    assert names(dataset) == ["b.jpg", "d.jpg", "e.jpg"]
    assert dataset.groups.tolist() == ["2", "4", "5"]
    assert dataset.n_training is None
    assert "Images of other splits, left out: 2." in capsys.readouterr().out

    dataset = find_images_for("model", ["cat", "dog"], folder, WITH_SPLITS)
    assert names(dataset) == ["a.jpg", "c.jpg"]
    with pytest.raises(UserError, match="'model' does not know: 'dog'"):
        find_images_for("model", ["cat"], folder, WITH_SPLITS)


def test_validation_images_are_tested_on_if_there_are_no_others(photos):
    rows = "id,kind,part\na,cat,val\nb,dog,train\nc,dog,val\nd,cat,train\n"
    folder = photos(*FILES, t=rows)
    dataset = find_images(folder, WITH_SPLITS)
    assert names(dataset) == ["b.jpg", "d.jpg", "a.jpg", "c.jpg"]
    assert dataset.n_training == 2
    assert names(find_images_to_compare(folder, WITH_SPLITS)) == FILES[:4]
    dataset = find_images_for("model", ["cat", "dog"], folder, WITH_SPLITS)
    assert names(dataset) == ["a.jpg", "c.jpg"]


def test_a_split_of_training_images_only(photos):
    folder = photos(*FILES, t=ROWS.replace("est", "rain").replace("val", "train"))
    assert find_images(folder, WITH_SPLITS).n_training is None
    with pytest.raises(UserError, match=r"'t.csv' has no images of the split test"):
        find_images_for("model", ["cat", "dog"], folder, WITH_SPLITS)


def test_splits_of_other_classes(photos):
    folder = photos(*FILES, t=ROWS.replace("c,dog", "c,cat"))
    with pytest.raises(UserError, match=r"The splits in 't.csv' .* has 'dog'"):
        find_images(folder, WITH_SPLITS)
    folder = photos(*FILES, t=ROWS.replace("train", "test").replace("val", "test"))
    with pytest.raises(UserError, match="has the split test and little else"):
        find_images_to_compare(folder, WITH_SPLITS)


def test_test_images_of_a_table_of_their_own(photos):
    folder = photos(*FILES, t=ROWS, u="id,kind\nb,dog\na,cat\n")
    dataset = find_images_and_test_images(folder, "u.csv", TABLE)
    assert names(dataset) == [*FILES, "b.jpg", "a.jpg"]
    assert dataset.n_training == 5
    touch("other", "cat/1.jpg", "dog/2.jpg")
    dataset = find_images_and_test_images(folder, "other", TABLE)
    assert dataset.labels[5:].tolist() == ["cat", "dog"]


def test_test_images_with_labels_in_their_names(photos):
    folder = photos("dog.1.jpg", "cat.2.jpg")
    touch("other", "cat.3.jpg", "dog.4.jpg")
    source = LabelSource(label_pattern=r"^(\w+)\.")
    dataset = find_images_and_test_images(folder, "other", source)
    assert dataset.labels.tolist() == ["cat", "dog", "cat", "dog"]


def test_ignored_files_are_named_by_suffix(photos, capsys, monkeypatch):
    monkeypatch.setattr(
        "skvision.datasets._folder_tree.missing_plugin",
        lambda suffix: "heif" if suffix == ".heic" else None,
    )
    heic = [f"cats/{i}.HEIC" for i in range(5)]
    find_images(photos("cats/1.jpg", "dogs/1.jpg", "1.jpg", "a.txt", "cats/b", *heic))
    (line,) = capsys.readouterr().out.splitlines()
    assert line == (
        "2 images of 2 classes in photos: cats 1, dogs 1. Other files, ignored: 8 "
        "(.jpg 1: not in a class folder; .txt 1; .HEIC 5: install the extra heif, "
        'python -m pip install ".[heif]"; b 1).'
    )


SPLITS = [f"{s}/{c}/1.jpg" for s in ("test_set", "training_set") for c in ("a", "b")]
MEANT = "photos/training_set --test photos/test_set"


@pytest.mark.parametrize(
    ("files", "command", "advice"),
    [
        (SPLITS, "train photos", f"skvision train {MEANT}"),
        (SPLITS, "train photos --test x", f"skvision train {MEANT}"),
        (
            SPLITS,
            "train good --test photos",
            "skvision train good --test photos/test_set",
        ),
        (
            ["train/1.jpg", "test/2.jpg", "x.csv"],
            "train photos",
            "skvision train photos/train --labels photos/x.csv",
        ),
        (
            ["train/a-1.jpg", "train/b-1.jpg", "val/x/a-1.jpg", "val/y/b-1.jpg"],
            "train photos --label-pattern (.)-",
            'skvision train photos/train --test photos/val --label-pattern "(.)-"',
        ),
        (SPLITS, "compare photos", "skvision compare photos/training_set"),
        (
            ["x.csv", "1.jpg"],
            "train photos",
            "skvision train photos --labels photos/x.csv",
        ),
        (
            ["cat.1.jpg", "dog.1.jpg"],
            "compare photos",
            r'skvision compare photos --label-pattern "^(\w+)\.\d+\."',
        ),
        (
            ["my pets/cat.1.jpg", "my pets/dog.1.jpg", "pets.csv"],
            "train photos",
            'skvision train "photos/my pets" --labels photos/pets.csv or: skvision '
            r'train "photos/my pets" --label-pattern "^(\w+)\.\d+\."',
        ),
    ],
)
def test_the_command_that_was_meant(fail, photos, files, command, advice):
    photos(*files)
    touch("good", "a/1.jpg", "b/2.jpg")
    error = fail(*command.split())
    assert error.endswith(f"Did you mean: {advice}\n")
    assert "load_image" not in error


def test_the_command_that_was_meant_for_a_report(photos):
    with pytest.raises(UserError, match=r"skvision report my.model photos/test_set$"):
        find_images_for("my.model", ["a", "b"], photos(*SPLITS))
    touch("flat", "a_1.jpg", "b_1.jpg")
    with pytest.raises(UserError, match=r"report my.model flat --label-pattern "):
        find_images_for("my.model", ["a", "b"], "flat")
    touch("more", "train/a_1.jpg", "train/b_1.jpg", "test/1.jpg")
    with pytest.raises(UserError, match=r"splits, not classes: test, train\.$"):
        find_images_for("my.model", ["a", "b"], "more")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--split-column x", "--split-column names a column of --labels"),
        ("--file-column x", "--file-column names a column of --labels or --groups"),
        ("--labels x --label-pattern y", "not allowed with"),
        ("--labels x --split-column y --test z", "leave out one of the two"),
        ("--labels x --model ./x", "'./x' cannot be both the model and the labels"),
        (
            "--labels t.csv",
            "'t.csv' needs the columns 'file' and 'label'; it has ['id'",
        ),
        ("--labels t.csv", "The options are --file-column, --label-column"),
        ("--labels no.csv", "'no.csv': No such file"),
        ("--labels t.csv --file-column id --label-column x", "'id' and 'x'; it has ["),
        ("--label-pattern (", "The pattern '(' is not a regular expression: missing )"),
        ("--label-pattern ^(.)", "finds no label in"),
        ("--test-size 20", "'20' is not a number between 0 and 1: for 20 %, pass 0.2"),
        ("--test-size 12.5%", "for 12.5 %, pass 0.125"),
        ("--test-size 100", "'100' is not a number between 0 and 1 (see"),
    ],
)
def test_bad_arguments(fail, photos, arguments, message):
    photos(*FILES, t=ROWS)
    if message == "finds no label in":
        arguments = "--label-pattern (z)"
    assert message in fail("train", "photos", *arguments.split())


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("train photos", "find_images"),
        ("train photos --test more", "find_images_and_test_images"),
        ("compare photos", "find_images_to_compare"),
        ("report MODEL photos --out a.html", "find_images_for"),
    ],
)
def test_arguments_reach_what_finds_images(fail, photos, monkeypatch, command, found):
    def find(*given, **_):
        raise UserError(f"given {given[-1]}")

    photos(t=ROWS)
    classifier = SimpleNamespace(classes_=np.array(["a"]))
    monkeypatch.setattr(commands, "load_classifier", lambda file: ([classifier], {}))
    monkeypatch.setattr(commands, found, find)
    source = "--labels t.csv --file-column id --label-column kind"
    assert f"given  {source}" in fail(*command.split(), *source.split())
    pattern = "--label-pattern (.)_"
    assert 'given  --label-pattern "(.)_"' in fail(*command.split(), *pattern.split())


def test_one_table_may_have_labels_and_groups(fail, photos, monkeypatch):
    photos(*FILES, t="file,label,group\na,x,1\nb,y,1\n")
    tied = []

    def learn(dataset, *_, **__):
        tied.extend(dataset.groups)
        raise UserError("enough")

    monkeypatch.setattr(commands, "learn", learn)
    assert "enough" in fail("train", "photos", "--labels", "t.csv", "--groups", "t.csv")
    assert tied == ["1", "1"]
