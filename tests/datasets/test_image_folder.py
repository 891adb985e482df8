"""Folders of images: one folder for each class."""

import os
from pathlib import Path

import pytest
from data_files import few, folder, touch
from hypothesis import given
from hypothesis import strategies as st

from skvision.datasets import load_image_folder


def test_image_folder_finds_pictures_and_classes(tmp_path):
    touch(tmp_path, "bees/b.jpg", "bees/a.JPEG", "ants/deep/er/c.Png", "ants/z.tif")
    data = load_image_folder(tmp_path)
    found = [os.path.relpath(path, tmp_path) for path in data.paths]
    assert found == [
        os.path.join("ants", "deep", "er", "c.Png"),
        os.path.join("ants", "z.tif"),
        os.path.join("bees", "a.JPEG"),
        os.path.join("bees", "b.jpg"),
    ]
    assert data.labels.tolist() == ["ants", "ants", "bees", "bees"]
    assert data.names == ["ants", "bees"]
    assert data.ignored == []
    assert data.paths.dtype.kind == data.labels.dtype.kind == "U"


def test_image_folder_frame_is_the_same_table(tmp_path):
    touch(tmp_path, "ants/1.png", "bees/2.png")
    data = load_image_folder(tmp_path)
    assert data.frame.columns.tolist() == ["path", "label"]
    assert data.frame["path"].tolist() == data.paths.tolist()
    assert data.frame["label"].tolist() == data.labels.tolist()


def test_image_folder_passes_over_what_is_hidden_and_reports_the_rest(tmp_path):
    touch(tmp_path, "ants/1.png", "bees/2.png")
    touch(tmp_path, ".git/x.png", "__MACOSX/ants/1.png", "ants/__MACOSX/1.png")
    touch(tmp_path, "ants/._1.png", "ants/.DS_Store", "bees/.cache/2.png")
    touch(tmp_path, "ants/Thumbs.db", "bees/notes.txt", "README.md", "stray.png")
    data = load_image_folder(tmp_path)
    assert [Path(path).name for path in data.paths] == ["1.png", "2.png"]
    assert data.names == ["ants", "bees"]
    assert [os.path.relpath(path, tmp_path) for path in data.ignored] == [
        "README.md",
        "stray.png",
        os.path.join("ants", "Thumbs.db"),
        os.path.join("bees", "notes.txt"),
    ]


def test_image_folder_sorts_by_folder_and_not_by_character(tmp_path):
    # As text, "a-b/1.png" stands before "a/1.png".
    touch(tmp_path, "a-b/1.png", "a/1.png")
    data = load_image_folder(tmp_path)
    assert data.names == ["a", "a-b"]
    assert data.labels.tolist() == ["a", "a-b"]


def test_image_folder_keeps_a_relative_root_relative(tmp_path, monkeypatch):
    touch(tmp_path, "photos/ants/1.png", "photos/bees/2.png")
    monkeypatch.chdir(tmp_path)
    paths = load_image_folder("photos").paths
    assert paths[0] == os.path.join("photos", "ants", "1.png")


@few
@given(
    st.dictionaries(
        st.text("abc-_ é", min_size=1, max_size=6).filter(lambda name: name.strip()),
        st.sets(st.text("xyz01", min_size=1, max_size=6), min_size=1, max_size=3),
        min_size=2,
        max_size=4,
    )
)
def test_image_folder_gives_back_the_folders_that_were_written(classes):
    with folder() as root:
        touch(
            root, *(f"{name}/{stem}.png" for name in classes for stem in classes[name])
        )
        data = load_image_folder(root)
        pairs = [(Path(path).stem, Path(path).parent.name) for path in data.paths]
    assert data.names == sorted(classes)
    assert sorted(pairs) == sorted((s, name) for name in classes for s in classes[name])
    assert [name for _, name in pairs] == data.labels.tolist()


@pytest.fixture
def link(tmp_path):
    def make(name, target):
        try:
            (tmp_path / name).symlink_to(target, target_is_directory=True)
        except OSError:
            pytest.skip("this system makes no symbolic links here")

    return make


def test_image_folder_ends_where_links_go_round(tmp_path, link):
    touch(tmp_path, "ants/1.png", "bees/2.png")
    link("ants/again", tmp_path)
    link("bees/self", tmp_path / "bees")
    assert len(load_image_folder(tmp_path).paths) == 2


def test_image_folder_takes_a_link_for_a_class(tmp_path, link):
    touch(tmp_path, "elsewhere/1.png", "root/bees/2.png")
    link("root/ants", tmp_path / "elsewhere")
    assert load_image_folder(tmp_path / "root").labels.tolist() == ["ants", "bees"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "no folders inside, and 0 images directly in it"),
        (["1.png", "2.JPG"], "no folders inside, and 2 images .* Put the images"),
        ([".hidden/1.png"], "no folders inside"),
        (["ants/1.png"], "only one class folder, 'ants'; at least two are needed"),
        (["photos/ants/1.png", "photos/bees/2.png"], "class folders lie in .*photos"),
        (["train/ants/1.png", "Test/ants/2.png"], "splits, not classes: Test, train"),
        (["ants/1.png", "bees/.keep"], "bees has no images; .* remove the folder"),
        (["ants/1.png", "bees/1.heic"], r"bees has no images, .*\['.heic'\]"),
    ],
)
def test_image_folder_says_what_layout_is_needed(tmp_path, files, message):
    touch(tmp_path, *files)
    with pytest.raises(ValueError, match=message):
        load_image_folder(tmp_path)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="runs as root"
)
def test_image_folder_does_not_pass_over_a_folder_it_cannot_read(tmp_path):
    touch(tmp_path, "ants/1.png", "bees/2.png", "bees/closed/3.png")
    (tmp_path / "bees/closed").chmod(0)
    try:
        with pytest.raises(PermissionError, match="closed"):
            load_image_folder(tmp_path)
    finally:
        (tmp_path / "bees/closed").chmod(0o700)


@pytest.mark.realdata
def test_image_folder_on_photos(data_root):
    data = load_image_folder(data_root / "hymenoptera_photos" / "train")
    assert data.names == ["ants", "bees"]
    assert len(data.paths) == 244
    assert (data.labels == "ants").sum() == 123
    assert data.ignored == []
