"""find_bad_images: what it lists, against the error of the reader."""

import numpy as np
import pandas as pd
import pytest
from image_files import corners, encode

from skvision import ImageReader
from skvision.datasets import find_bad_images

FILES = {
    "good.jpg": encode(corners(60, 80), "JPEG"),
    "empty.jpg": b"",
    "half.jpg": encode(corners(60, 80), "JPEG")[:-300],
    "text.png": b"these are not the pixels you look for",
    "good.png": encode(corners(6, 8)),
    "float.tif": encode(np.ones((2, 2), np.float32), "TIFF"),
    "large.bmp": encode(corners(20, 30), "BMP"),
}


@pytest.fixture
def paths(tmp_path):
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    return [str(tmp_path / name) for name in [*FILES, "missing.jpg"]]


@pytest.mark.parametrize("container", [list, np.array, pd.Series])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_it_lists_what_the_reader_cannot_read(paths, container, n_jobs):
    bad = find_bad_images(container(paths), n_jobs=n_jobs)
    with pytest.raises(ValueError) as caught:
        ImageReader().transform(paths)
    assert list(bad.itertuples(index=False, name=None)) == caught.value.files
    assert bad.index.tolist() == [1, 2, 3, 5, 7]
    good = np.delete(paths, bad.index)
    assert ImageReader().transform(good).shape == (3, 64, 64, 3)


def test_parameters_of_the_reader(paths):
    bad = find_bad_images(paths, value_range=(0, 1), max_pixels=599)
    assert [path.rpartition("/")[2] for path in bad["path"]] == [
        *("empty.jpg", "half.jpg", "text.png", "large.bmp", "missing.jpg"),
    ]
    assert "more than max_pixels=599" in bad["reason"][6]
    with pytest.raises(ValueError, match="low < high"):
        find_bad_images(paths, value_range=(1, 0))
    with pytest.raises(ValueError, match="'max_pixels' parameter"):
        find_bad_images(paths, max_pixels=0)


def test_none_is_bad(paths):
    bad = find_bad_images([paths[0], FILES["good.png"]])
    assert bad.shape == (0, 2) and bad.columns.tolist() == ["path", "reason"]
    assert len(pd.DataFrame({"path": paths}).drop(bad.index)) == len(paths)


def test_what_paths_may_not_be(tmp_path):
    with pytest.raises(ValueError, match="is a folder"):
        find_bad_images(tmp_path)
    with pytest.raises(ValueError, match="0 sample"):
        find_bad_images([])
