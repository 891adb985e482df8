"""Folders of images: one folder for each class."""

import os
import stat as stat_module
import unicodedata
from pathlib import Path

import pytest
from data_files import few, folder, touch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from skvision._readers.suffixes import IMAGE_SUFFIXES
from skvision.datasets import load_image_folder
from skvision.datasets._class_names import normalize_name


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
    assert data.paths.dtype == object
    assert data.labels.dtype.kind == "U"
    assert all(type(path) is str for path in data.paths)


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
    touch(tmp_path, "ants/@eaDir/1.png", "$RECYCLE.BIN/x/1.png", "lost+found/1.png")
    touch(tmp_path, "bees/@EADIR/1.png", "System Volume Information/x.png")
    touch(tmp_path, "ants/Thumbs.db", "bees/notes.txt", "README.md", "stray.png")
    data = load_image_folder(tmp_path)
    assert [Path(path).name for path in data.paths] == ["1.png", "2.png"]
    assert data.names == ["ants", "bees"]
    assert [(Path(path).name, reason) for path, reason in data.ignored] == [
        ("stray.png", "not in a class folder"),
        ("README.md", "not an image"),
        ("Thumbs.db", "not an image"),
        ("notes.txt", "not an image"),
    ]
    assert data.ignored[2][0] == str(tmp_path / "ants" / "Thumbs.db")


def test_image_folder_takes_all_that_the_reader_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "skvision.datasets._folder_tree.missing_plugin",
        lambda suffix: "heif" if suffix == ".heic" else None,
    )
    names = [f"ants/1{suffix}" for suffix in IMAGE_SUFFIXES]
    touch(tmp_path, *names, "ants/2.HEIC", "bees/1.jpg")
    data = load_image_folder(tmp_path)
    assert len(data.paths) == len(IMAGE_SUFFIXES)
    reason = 'install the extra heif, python -m pip install ".[heif]"'
    assert [(Path(path).name, why) for path, why in data.ignored] == [
        ("1.heic", reason),
        ("2.HEIC", reason),
    ]
    touch(tmp_path, "cats/1.heic")
    with pytest.raises(ValueError, match=r"cats has no images.*'.heic'.*extra heif"):
        load_image_folder(tmp_path)


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
    ).filter(
        lambda classes: len({" ".join(c.split()) for c in classes}) == len(classes)
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
    touch(tmp_path, "root/ants/1.png", "root/bees/2.png")
    link("root/ants/again", tmp_path / "root")
    link("root/ants/above", tmp_path)
    link("root/bees/self", tmp_path / "root/bees")
    data = load_image_folder(tmp_path / "root")
    assert len(data.paths) == 2
    assert [(Path(path).name, reason) for path, reason in data.ignored] == [
        ("above", "a link to a folder that is read anyway"),
        ("again", "a link to a folder that is read anyway"),
        ("self", "a link to a folder that is read anyway"),
    ]


def test_image_folder_follows_links_out_of_it_once(tmp_path, link):
    touch(tmp_path, "root/ants/1.png", "root/bees/2.png", "out/3.png", "out/in/4.png")
    link("root/ants/more", tmp_path / "out")
    link("out/in/round", tmp_path / "out")
    link("root/bees/more", tmp_path / "out")
    data = load_image_folder(tmp_path / "root")
    found = [
        Path(path).relative_to(tmp_path / "root").as_posix() for path in data.paths
    ]
    assert found == [
        "ants/1.png",
        "ants/more/3.png",
        "ants/more/in/4.png",
        "bees/2.png",
    ]
    ignored = [Path(path).relative_to(tmp_path / "root") for path, _ in data.ignored]
    assert ignored == [Path("ants/more/in/round"), Path("bees/more")]


def test_image_folder_does_not_double_a_class(tmp_path, link):
    touch(tmp_path, "ants/1.png", "bees/2.png")
    link("Aliens", tmp_path / "bees")
    link("ants/bees", tmp_path / "bees")
    data = load_image_folder(tmp_path)
    assert data.names == ["ants", "bees"]
    assert len(data.paths) == len(data.ignored) == 2


def test_image_folder_does_without_numbers_of_files(tmp_path, link, monkeypatch):
    """Some network drives give 0 for all of them."""
    touch(tmp_path, "ants/in/1.png", "bees/2.png", "out/3.png")
    link("ants/out", tmp_path / "out")
    link("ants/in/again", tmp_path / "out")
    stat = Path.stat

    def unnumbered(path, **options):
        status = list(stat(path, **options))
        status[stat_module.ST_INO] = 0
        return os.stat_result(status)

    monkeypatch.setattr(Path, "stat", unnumbered)
    data = load_image_folder(tmp_path)
    assert (len(data.paths), len(data.ignored)) == (3, 2)


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
        (["ants/1.png", "bees/.keep"], "bees has no images; .* remove the folder"),
        (["ants/1.png", "bees/1.txt"], r"bees has no images, .*\['.txt'\]"),
        (["in/ants/1.png", "in/bees/2.png", "docs/1.txt"], "class folders lie in .*in"),
        (["1.png", "docs/1.txt"], "1 images directly in it"),
        (["Cat/1.png", "cat/2.png", "d/3.png"], "case or spaces: 'Cat' and 'cat'. Ren"),
        (["cat /1.png", "cat/2.png"], "case or spaces: 'cat' and 'cat '"),
        (["red  cat/1.png", "Red cat/2.png"], "'Red cat' and 'red  cat'. Rename or"),
    ],
)
def test_image_folder_says_what_layout_is_needed(tmp_path, files, message):
    touch(tmp_path, *files)
    with pytest.raises(ValueError, match=message):
        load_image_folder(tmp_path)


@pytest.mark.parametrize(
    "name", ["Zoë", "été", "カ\N{COMBINING KATAKANA-HIRAGANA VOICED SOUND MARK}"]
)
def test_image_folder_composes_accents(tmp_path, name):
    composed, apart = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    touch(tmp_path, f"{apart}/1.png", f"{composed}/2.png", "other/3.png")
    data = load_image_folder(tmp_path)
    assert set(data.names) == {composed, "other"}
    assert (data.labels == composed).sum() == 2
    assert normalize_name(apart) == composed


def test_image_folder_tells_letters_apart(tmp_path):
    touch(tmp_path, "a/1.png", "A/2.png", "b/3.png")
    assert load_image_folder(tmp_path).names == ["A", "a", "b"]


def test_long_paths_take_no_memory_of_others(tmp_path):
    deep = "/".join(["d" * 200] * 8)
    touch(tmp_path, f"ants/{deep}/1.png", *(f"bees/{i}.png" for i in range(50)))
    data = load_image_folder(tmp_path)
    assert data.paths.nbytes == 51 * data.paths.itemsize <= 51 * 8
    train, test = train_test_split(data.paths, random_state=0)
    assert sorted([*train, *test]) == sorted(data.paths)
    assert data.frame["path"].tolist() == data.paths.tolist()


def test_image_folder_returns_X_and_y(tmp_path):
    touch(tmp_path, "ants/1.png", "bees/2.png")
    paths, labels = load_image_folder(tmp_path, return_X_y=True)
    assert [Path(path).name for path in paths] == ["1.png", "2.png"]
    assert labels.tolist() == ["ants", "bees"]


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
