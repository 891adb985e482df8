"""ImageReader: max_pixels counts what a JPEG is decoded to."""

import numpy as np
import pytest
from image_files import corners, encode, read

from skvision._readers.image_files import identify
from skvision._readers.image_reader import ImageReader
from skvision._readers.jpeg import is_decoded_whole

PICTURE = corners(160, 240)
BASELINE = encode(PICTURE, "JPEG", quality=95)


def scans_for_each_color(data):
    """Return the head of a JPEG that claims to have a scan for each color."""
    place = data.index(b"\xff\xda")
    return data[: place + 2] + b"\0\x08\1\1\0\0\x3f\0" + data[place + 14 :]


def test_a_jpeg_counts_as_it_is_decoded():
    out = read(BASELINE, (20, 30), max_pixels=20 * 30)  # at 1/8
    np.testing.assert_allclose(out, read(PICTURE, (20, 30)), atol=9)
    message = "its 30 x 20 pixels, decoded at 1/8, are more than max_pixels=599"
    with pytest.raises(ValueError, match=message):
        read(BASELINE, (20, 30), max_pixels=599)
    with pytest.raises(ValueError, match="its 120 x 80 pixels, decoded at 1/2, are"):
        read(BASELINE, (50, 50), max_pixels=9599)
    with pytest.raises(ValueError, match="its 240 x 160 pixels are more than"):
        read(BASELINE, (20, 30), max_pixels=600, resample="nearest")


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_jpeg_in_several_scans_is_decoded_whole(n_jobs):
    for data in (
        encode(PICTURE, "JPEG", progressive=True),
        scans_for_each_color(BASELINE),
    ):
        with pytest.raises(ValueError, match="its 240 x 160 pixels are more than"):
            read(data, (20, 30), max_pixels=38399, n_jobs=n_jobs)
    data = encode(PICTURE, "JPEG", progressive=True)
    assert read(data, (20, 30), max_pixels=38400, n_jobs=n_jobs).any()


@pytest.mark.parametrize(
    ("data", "is_whole"),
    [
        (BASELINE, False),
        (encode(PICTURE[:, :, 0], "JPEG"), False),
        (encode(PICTURE, "JPEG", exif=b"Exif\0\0" + bytes(3000), comment=b"!"), False),
        (encode(PICTURE, "MPO"), False),
        (encode(PICTURE, "JPEG", progressive=True), True),
        (scans_for_each_color(BASELINE), True),
    ],
    ids=["color", "gray", "notes", "MPO", "progressive", "by color"],
)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_scans(data, is_whole, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    with open(path, "rb") as file:
        assert is_decoded_whole(file, identify(file)) == is_whole


def test_threads_leave_what_is_large_for_the_end():
    files = [encode(PICTURE, "JPEG", progressive=True), BASELINE] * 8
    out = ImageReader((20, 30), n_jobs=4, max_pixels=38400).transform(files)
    np.testing.assert_array_equal(out, ImageReader((20, 30)).transform(files))
