"""Tables of image files and their labels."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from data_files import few, touch
from hypothesis import given
from hypothesis import strategies as st

from skvision import ImageReader
from skvision.datasets import load_image_table
from skvision.datasets._tables import read_table


@pytest.fixture
def load(tmp_path):
    """Return a function that loads a CSV file of this text, beside four images."""
    touch(tmp_path, "in/1.jpg", "in/2.png", "3.jpg", "4.v2.jpg", "notes.txt")

    def load(text, encoding="utf-8", **options):
        (tmp_path / "t.csv").write_bytes(text.encode(encoding))
        return load_image_table(tmp_path / "t.csv", **options)

    return load


GOOD = "file,label\nin/1.jpg,cat\n3.jpg,dog\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GOOD, "utf-8"),
        (GOOD, "utf-8-sig"),
        (GOOD.replace(",", ";"), "utf-8"),
        (GOOD.replace(",", "\t"), "utf-8-sig"),
        (GOOD.replace("\n", "\r\n"), "utf-8"),
        (GOOD.replace("\n", "\n\n"), "utf-8"),
        (GOOD.replace(",", " , "), "utf-8"),
        (GOOD.replace("/", "\\"), "utf-8"),
        (GOOD.replace(".jpg", ""), "utf-8"),
        (GOOD.replace("in/1.jpg", "./in\\1"), "utf-8"),
        ('label;"file";"a,b,c"\ncat;"in/1.jpg";"1,2"\n"dog";3.jpg;', "utf-8"),
    ],
)
def test_tables_as_they_come(load, tmp_path, text, encoding):
    data = load(text, encoding)
    paths = [str(tmp_path / "in" / "1.jpg"), str(tmp_path / "3.jpg")]
    assert data.paths.tolist() == paths
    assert data.paths.dtype == object
    assert data.labels.tolist() == ["cat", "dog"]
    assert data.names == ["cat", "dog"]
    assert data.split is None
    assert data.frame.to_dict("list") == {"path": paths, "label": ["cat", "dog"]}


def test_columns_and_root_may_be_others(load, tmp_path):
    text = "id,breed,fold\n1,cat,Training\n2,dog,val\n1.jpg,cat,test_set\n"
    data = load(
        text,
        root=tmp_path / "in",
        file_column="id",
        label_column="breed",
        split_column="fold",
    )
    assert [Path(path).name for path in data.paths] == ["1.jpg", "2.png", "1.jpg"]
    assert data.split.tolist() == ["train", "validation", "test"]
    assert data.frame["split"].tolist() == data.split.tolist()


def test_a_frame(load, tmp_path, monkeypatch):
    load(GOOD)
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"file": ["3", "in/1.jpg"], "label": [7, 11]}, index=[5, 5])
    data = load_image_table(frame)
    assert data.paths.tolist() == ["3.jpg", os.path.join("in", "1.jpg")]
    assert data.labels.tolist() == ["7", "11"]
    assert data.names == ["11", "7"]
    paths, labels = load_image_table(frame, root=tmp_path, return_X_y=True)
    assert paths.tolist() == [str(tmp_path / path) for path in data.paths]
    assert labels.tolist() == ["7", "11"]


def test_stems_may_have_dots_and_accents(load, tmp_path):
    touch(tmp_path, "e\N{COMBINING ACUTE ACCENT}.png")
    data = load("file,label\n4.v2,a\né,b\né.png,b\n")
    assert [Path(path).suffix for path in data.paths] == [".jpg", ".png", ".png"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"t.csv' needs the columns 'file' and 'label'; it has \[''\]|it has \[\]"),
        ("id,breed\n3,cat\n", r"it has \['id', 'breed'\]. Rename the columns, or say"),
        ("file,label,label\n3,cat,dog\n", "columns 'file' and 'label' once each"),
        ("file,label\n", "has no rows"),
        (
            "file,label\n3.jpg,cat\nin/1.jpg\n,\n",
            "no file or no label in line 3, line 4",
        ),
        ("file,label\na,b.jpg,cat\n", "has 3 values in line 2, and names 2 columns"),
        (
            GOOD + "x.jpg,cat\ny,cat\n",
            r"2 of 4 files that .* '.*': 'x.jpg', 'y'. Correct",
        ),
        (GOOD + "in,cat\n", "lists 1 of 3 files that are not in"),
        (GOOD + "\0,cat\n", "lists 1 of 3 files that are not in"),
        (GOOD + "3,cat\n", r"two labels for '.*3.jpg': 'dog' and 'cat'"),
        (GOOD + "4.v2,Cat\n", r"Labels in .* case or spaces: 'cat' and 'Cat'. Spell"),
        ("file,label\n3,cat\n4.v2,cat\n", "'cat' in all of its 2 rows; at least two"),
        (f'{GOOD}3,"{"x" * 300}"\n', "a label of 300 characters up to line 4"),
        ('file,label\n3,"cat\n', "is not a CSV file in UTF-8"),
        ("file,label\n" + "x" * 200_000, "is not a CSV file in UTF-8"),
        ("x" * 3_000_000, "is not a CSV file in UTF-8"),
    ],
)
def test_bad_tables(load, text, message):
    with pytest.raises(ValueError, match=message):
        load(text)


def test_other_encodings(load):
    with pytest.raises(ValueError, match=r"t.csv' is not a CSV file in UTF-8"):
        load(GOOD.replace("cat", "été"), "latin-1")


def test_names_that_mean_several_files(load, tmp_path):
    touch(tmp_path, "3.png")
    with pytest.raises(ValueError, match=r"several files: '3' \(3.jpg, 3.png\). Add"):
        load(GOOD.replace("3.jpg", "3"))
    assert len(load(GOOD).paths) == 2


@pytest.mark.parametrize(
    ("folder", "names", "place"), [("", "1\n2.png", "in"), ("in", "in/1\n3", "")]
)
def test_a_folder_beside_the_right_one(load, tmp_path, folder, names, place):
    text = "file,label\n" + names.replace("\n", ",cat\n") + ",dog\n"
    with pytest.raises(
        ValueError, match=r"lists [12] of 2 files .*, or give"
    ) as caught:
        load(text, root=tmp_path / folder)
    assert f"or give {str(tmp_path / place)!r}, which has some" in str(caught.value)
    assert len(load(text, root=tmp_path / place).paths) == 2


def test_splits_that_are_unknown(load):
    text = "file,label,split\nin/1,cat,train\n3,dog,1\nin/2,dog,pred\n"
    with pytest.raises(ValueError, match=r"'split' .* name no split: '1', 'pred'. Use"):
        load(text, split_column="split")


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, ""])
def test_missing_values_of_a_frame(missing):
    frame = pd.DataFrame({"file": ["1.jpg", "2.jpg"], "label": ["cat", missing]})
    with pytest.raises(ValueError, match="The table has no file or no label in row 1"):
        load_image_table(frame)


@pytest.mark.parametrize("table", [None, 3, [("1.jpg", "cat")], {"file": ["1.jpg"]}])
def test_what_is_no_table(table):
    with pytest.raises(TypeError, match="A CSV file or a DataFrame is needed; got"):
        load_image_table(table)


def test_missing_files_and_folders(load, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no.csv"):
        load_image_table(tmp_path / "no.csv")
    with pytest.raises(FileNotFoundError, match=r"nowhere.* does not exist"):
        load(GOOD, root=tmp_path / "nowhere")


texts = st.text("ab,;\t\"'é \n", min_size=1, max_size=5).filter(
    lambda text: text.strip() == text
)


@few
@given(
    st.lists(st.tuples(texts, texts), min_size=1, max_size=4), st.sampled_from(",;\t")
)
def test_what_pandas_writes_is_read(tmp_path_factory, rows, separator):
    folder = tmp_path_factory.getbasetemp() / "tables"
    folder.mkdir(exist_ok=True)
    file = folder / "t.csv"
    frame = pd.DataFrame(rows, columns=["file", "label"])
    frame.to_csv(file, sep=separator, index=False)
    columns = read_table(file, ["file", "label"]).columns
    assert list(zip(columns["file"], columns["label"], strict=True)) == rows


def test_the_reader_takes_the_paths(load, tmp_path):
    from PIL import Image

    load(GOOD)
    for name in ("in/1.jpg", "3.jpg"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    data = load(GOOD)
    assert ImageReader((4, 4)).transform(data.paths).shape == (2, 4, 4, 3)
    assert ImageReader((4, 4)).transform(data.frame["path"]).shape == (2, 4, 4, 3)
