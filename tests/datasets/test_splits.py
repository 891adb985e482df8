"""Folders that are splits and not classes."""

import pickle
import warnings
from pathlib import Path

import pytest
from data_files import touch
from hypothesis import given
from hypothesis import strategies as st

from skvision.datasets import load_image_folder
from skvision.datasets._layout_error import FolderLayoutError
from skvision.datasets._split_names import parse_split_name

CLASSES = ("ants", "bees")


def classes_in(*folders):
    """Return an image of each class in each of the folders."""
    return [f"{folder}/{name}/1.png" for folder in folders for name in CLASSES]


def flat(*folders):
    return [f"{folder}/{i}.png" for folder in folders for i in range(2)]


# Files, and the folders to train and to test on.
SPLITS = {
    "words with underscores": (
        classes_in("training_set", "test_set"),
        ("training_set", "test_set"),
    ),
    "test first": (classes_in("Test", "train"), ("train", "Test")),
    "capitals": (classes_in("TRAIN", "TEST"), ("TRAIN", "TEST")),
    "camel case": (
        classes_in("TestImages", "TrainImages"),
        ("TrainImages", "TestImages"),
    ),
    "one word": (classes_in("trainset", "testset"), ("trainset", "testset")),
    "other words": (classes_in("Test_images", "train"), ("train", "Test_images")),
    "digits": (classes_in("test1", "train1"), ("train1", "test1")),
    "validation": (classes_in("train", "valid"), ("train", "valid")),
    "three": (classes_in("val", "test", "train"), ("train", "test")),
    "dev": (classes_in("dev", "training"), ("training", "dev")),
    "hold out": (classes_in("hold-out", "train"), ("train", "hold-out")),
    "eval": (classes_in("eval", "train"), ("train", "eval")),
    "other files": (
        [*classes_in("train", "test"), "docs/a.txt", "labels/1.txt"],
        ("train", "test"),
    ),
    "other images": (
        [*classes_in("train", "test"), *flat("docs")],
        ("train", "test"),
    ),
    "doubly wrapped": (
        [*classes_in("seg_train/seg_train", "seg_test/seg_test"), "seg_pred/1.png"],
        ("seg_train/seg_train", "seg_test/seg_test"),
    ),
    "wrapped": (classes_in("a/train", "a/test"), ("a/train", "a/test")),
    "wrapped twice": (classes_in("a/b/train", "a/b/val"), ("a/b/train", "a/b/val")),
    "names of a dataset": (
        classes_in("ants_2 train", "ants_2 test"),
        ("ants_2 train", "ants_2 test"),
    ),
    "flat": (flat("train", "test"), ("train", None)),
    "flat test": ([*classes_in("train"), *flat("test1")], ("train", None)),
    "empty test": ([*classes_in("train"), "test/.keep"], ("train", None)),
    "train alone": (classes_in("train"), ("train", None)),
    "train and no image": ([*classes_in("train"), "docs/a.txt"], ("train", None)),
    "several": ([*classes_in("train", "train_2", "test")], ("train", "test")),
    "two domains": (flat("trainA", "trainB", "testA", "testB"), (None, None)),
    "no training": (classes_in("val", "test"), (None, "test")),
    "other words, same classes": (
        classes_in("train_final", "old_test"),
        ("train_final", "old_test"),
    ),
    "test among classes": ([*flat(*CLASSES), *classes_in("test")], (None, None)),
    "same folders": (classes_in("a", "b"), ("a", "b")),
    "same folders, one a test": (classes_in("all", "test"), ("all", "test")),
    "same folders, three": (classes_in("a", "b", "c"), (None, None)),
    "splits in a dataset each": (
        classes_in("x/test", "x/train", "y/test", "y/train"),
        ("x/train", "x/test"),
    ),
    "a dataset beside others": (
        [*classes_in("data/train", "data/test"), *flat("docs", "figures")],
        ("data/train", "data/test"),
    ),
    "capitals differ": (
        classes_in("Training", "Test", "test-multiple", "papers/x"),
        ("Training", "Test"),
    ),
    "wrapped flat test": (
        [*classes_in("a_train/a_train"), *flat("a_test/a_test")],
        ("a_train/a_train", None),
    ),
    "folders of images in classes": (
        ["train/a/images/1.png", "train/b/images/1.png", *flat("test/images")],
        ("train", None),
    ),
    "training has no such name": (
        [*classes_in("rps", "rps-test-set"), *flat("rps-validation")],
        ("rps", "rps-test-set"),
    ),
    "split of a part": (
        classes_in("split_test", "split_train"),
        ("split_train", "split_test"),
    ),
    "splits in classes": (
        flat("ants/train", "ants/test", "bees/train", "bees/test"),
        (None, None),
    ),
}


@pytest.mark.parametrize("layout", SPLITS)
def test_splits_are_refused(tmp_path, layout):
    files, expected = SPLITS[layout]
    touch(tmp_path, *files)
    with pytest.raises(FolderLayoutError, match=r"split") as caught:
        load_image_folder(tmp_path)
    error = caught.value
    assert (error.training, error.test) == tuple(
        name and tmp_path / name for name in expected
    )
    assert (error.table, error.label_pattern) == (None, None)
    for path in (error.training, error.test):
        assert path is None or str(path) in str(error)


# Files, and the folders that a warning names.
CLASSES_ALL_THE_SAME = {
    "vehicles": (flat("train", "bus", "car"), None),
    "parts of words": (
        flat("trainers", "contest", "latest", "validator", "evaluate", "invalid"),
        None,
    ),
    "kinds of trains": (flat("steam train", "express_train", "freight train"), None),
    "train and test tube": (flat("train", "test tube", "bus"), "test tube, train"),
    "parts": (flat("ham_images_part_1", "ham_images_part_2"), "ham_images_part_1, ham"),
    "a fold": (flat("fold", "crease"), None),
    "valid and invalid": (flat("valid", "invalid"), "valid"),
    "test beside classes": (flat("ants", "bees", "test"), "test"),
    "nested train": ([*classes_in("train"), *flat("bus")], "train"),
    "nested classes": (["ants/a/1.png", "ants/b/2.png", "bees/a/3.png"], None),
    "nearly the same folders": ([*classes_in("x", "y"), "y/cats/1.png"], "x, y"),
    "nested and not": ([*classes_in("x", "y"), "x/1.png"], None),
    "one folder in each": (["a/in/1.png", "b/in/1.png"], None),
}


@pytest.mark.parametrize("layout", CLASSES_ALL_THE_SAME)
def test_classes_are_not_splits(tmp_path, layout):
    files, doubtful = CLASSES_ALL_THE_SAME[layout]
    touch(tmp_path, *files)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = load_image_folder(tmp_path)
    assert data.names == sorted({file.split("/")[0] for file in files})
    told = [str(warning.message) for warning in caught]
    assert len(told) == (doubtful is not None)
    assert doubtful is None or f": {doubtful}" in told[0]


def test_flat_splits_are_told_about_tables_and_patterns(tmp_path):
    touch(tmp_path, "train/cat.1.png", "train/dog.1.png", "test/1.png", "labels.csv")
    with pytest.raises(
        FolderLayoutError, match=r"to train on. If .* use load"
    ) as caught:
        load_image_folder(tmp_path)
    assert caught.value.training == tmp_path / "train"
    assert caught.value.table == tmp_path / "labels.csv"
    assert caught.value.label_pattern == r"^(\w+)\.\d+\."


def test_labels_in_names_do_not_hide_splits(tmp_path):
    touch(tmp_path, "train/cat.1.png", "train/dog.1.png", "test/cat.2.png")
    with pytest.raises(FolderLayoutError, match="are splits, not classes: test, train"):
        load_image_folder(tmp_path, label_pattern=r"^(\w+)\.")


def test_labels_in_names_may_lie_in_the_same_folders(tmp_path):
    files = [f"{year}/{month}/cat.1.png" for year in "ab" for month in "cd"]
    touch(tmp_path, *files, "a/c/dog.png")
    data = load_image_folder(tmp_path, label_pattern=r"^(\w+)\.")
    assert data.names == ["cat", "dog"]


def test_the_error_survives_pickling(tmp_path):
    error = FolderLayoutError("It is a split.", "Pass a.", training=Path("a"))
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.what, copy.training, copy.test) == (
        "It is a split. Pass a.",
        "It is a split.",
        Path("a"),
        None,
    )


words = st.sampled_from(["train", "training", "test", "val", "dev", "holdout"])
styles = st.sampled_from([str.lower, str.upper, str.title])
marks = st.sampled_from(["_", "-", " ", ".", "_2_", "__"])


@given(words, styles, marks, st.sampled_from(["seg", "photos", "2", "été"]))
def test_words_are_found_wherever_they_stand(word, style, mark, other):
    kind = parse_split_name(word).kind
    assert kind is not None
    assert parse_split_name(style(word)).kind == kind
    assert parse_split_name(style(f"{word}{mark}{other}")).kind == kind
    assert parse_split_name(style(f"{other}{mark}{word}")).kind == kind
    assert parse_split_name(f"{other.title()}{word.title()}").kind == kind


@given(words, st.text("bcdéxyz", min_size=1, max_size=4))
def test_parts_of_words_are_not_found(word, letters):
    joined = {word + end for end in ("", "set", "data", "images", "imgs", "ing")}
    for name in {letters + word, word + letters} - joined:
        assert parse_split_name(name).kind is None
