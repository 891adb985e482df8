"""Labels in the names of files, and what flat folders are told."""

from pathlib import Path

import pytest
from data_files import touch

from skvision.datasets import load_image_folder
from skvision.datasets._label_pattern import find_labels, guess_pattern
from skvision.datasets._layout_error import FolderLayoutError


def test_labels_of_names(tmp_path):
    touch(tmp_path, "dog.2.jpg", "cat.1.jpg", "more/cat.3.PNG", "cat.txt")
    data = load_image_folder(tmp_path, label_pattern=r"^(\w+)\.")
    assert data.labels.tolist() == ["cat", "cat", "dog"]
    assert [Path(path).name for path in data.paths] == [
        "cat.1.jpg",
        "cat.3.PNG",
        "dog.2.jpg",
    ]
    assert [Path(path).name for path, _ in data.ignored] == ["cat.txt"]


def test_a_group_may_be_named():
    names = ["1_cat.jpg", "2_dog.jpg"]
    assert find_labels(names, r"(\d)_(?P<label>\w+)\.") == ["cat", "dog"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"^(\w+", r"'\^\(\\w\+' is not a regular expression: missing \)"),
        (r"^\w+", r"has no group: put parentheses"),
        (r"^(cat)", r"no label in 2 of 4 names of files, such as 'dog.1.jpg', 'DOG"),
        (r"^(cat)?", r"no label in 2 of 4 "),
        (r"(jpg)$", r"same label, 'jpg', in all 4 names of files, such as 'cat.1.jpg'"),
        (r"^(\w+)\.", r"differ only in case or spaces: 'dog' and 'DOG'. Rename the"),
    ],
)
def test_patterns_that_do_not_fit(pattern, message):
    names = ["cat.1.jpg", "dog.1.jpg", "DOG.2.jpg", "cat.3.jpg"]
    with pytest.raises(ValueError, match=message):
        find_labels(names, pattern)


def test_a_folder_without_images(tmp_path):
    touch(tmp_path, "cat.txt")
    with pytest.raises(ValueError, match="has no images"):
        load_image_folder(tmp_path, label_pattern="(.)")


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["cat.1.jpg", "dog.23.JPG"], ["cat", "dog"]),
        (["cat_1.jpg", "red_dog_2.jpg"], ["cat", "red_dog"]),
        (["cat-1.jpg", "dog 2.jpg"], ["cat", "dog"]),
        (["cat (1).jpg", "dog (1).jpg"], ["cat", "dog"]),
        (["cat1.jpg", "dog1.jpg"], ["cat", "dog"]),
        (["IMG_1.jpg", "IMG_2.jpg"], None),
        (["1.jpg", "2.jpg"], None),
        (["cat.1.jpg", "dog.jpg"], None),
        ([], None),
    ],
)
def test_usual_patterns(names, labels):
    pattern = guess_pattern(names)
    assert (pattern and find_labels(names, pattern)) == labels


@pytest.mark.parametrize(
    ("files", "folder", "table"),
    [
        (["1.jpg", "labels.csv"], ".", "labels.csv"),
        (["a/1.jpg", "labels.csv"], "a", "labels.csv"),
        (["a/1.jpg", "a/LABELS.TSV", "labels.csv"], "a", "a/LABELS.TSV"),
        (["a/1.jpg", "labels.csv"], ".", "labels.csv"),
        (["a/1.jpg", "b/1.xml", "labels.csv"], ".", "labels.csv"),
    ],
)
def test_flat_folders_are_told_about_tables(tmp_path, files, folder, table):
    touch(tmp_path, *files)
    with pytest.raises(
        FolderLayoutError, match=r"If .* use load_image_table"
    ) as caught:
        load_image_folder(tmp_path / folder)
    assert caught.value.table == tmp_path / table
    assert caught.value.training == (tmp_path / files[0]).parent
    assert caught.value.label_pattern is None


def test_flat_folders_are_told_about_patterns(tmp_path):
    folder = tmp_path / "photos"
    touch(folder, "cat.1.jpg", "cat.2.jpg", "dog.1.jpg")
    message = r"3 images directly in it; .* pass label_pattern=r.\^\(\\w\+\)"
    with pytest.raises(FolderLayoutError, match=message) as caught:
        load_image_folder(folder)
    assert caught.value.table is None
    pattern = caught.value.label_pattern
    assert load_image_folder(folder, label_pattern=pattern).names == ["cat", "dog"]
    touch(tmp_path, "photos.csv")
    with pytest.raises(FolderLayoutError, match=r"use load_image_table\. If") as caught:
        load_image_folder(folder)
    assert caught.value.label_pattern == pattern
