"""ImageReader: files that are cut, damaged, too large or no images."""

import io
import warnings
import zlib

import numpy as np
import pandas as pd
import pytest
from image_files import corners, encode, png, read
from PIL import Image

from skvision._readers.image_reader import ImageReader


@pytest.fixture
def bad_files(tmp_path):
    whole = encode(corners(60, 80), "JPEG")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) - 50])
    (tmp_path / "text.jpg").write_bytes(b"these are not the pixels you look for")
    (tmp_path / "good.jpg").write_bytes(whole)
    (tmp_path / "bomb.png").write_bytes(png(100_000, 100_000, 8, 0, (b"IDAT", b"")))
    (tmp_path / "folder").mkdir()
    names = "good.jpg empty.jpg missing.jpg half.jpg text.jpg bomb.png folder".split()
    closed = io.BytesIO()
    closed.close()
    return [*(tmp_path / name for name in names), None, np.nan, pd.NA, b"", closed]


REASONS = [
    r"X\[1\], '[^\n]*empty.jpg': it is empty",
    r"X\[2\], '[^\n]*missing.jpg': No such file",
    r"X\[3\], '[^\n]*half.jpg': image file is truncated",
    r"X\[4\], '[^\n]*text.jpg': it is none of JPEG",
    r"X\[5\], '[^\n]*bomb.png': its 100000 x 100000 pixels [^\n]* max_pixels=100000000",
    r"X\[6\], '[^\n]*folder': ",
    r"X\[7\], None: there is no file",
    r"X\[8\], nan: there is no file",
    r"X\[9\], <NA>: there is no file",
    r"X\[10\], 0 bytes: it is empty",
    r"X\[11\], <[^\n]*>: I/O operation on closed file",
]

LISTING = r"11 of 12 files cannot be read[^\n]*:\n- " + r"[^\n]*\n- ".join(REASONS)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_one_error_lists_every_bad_file(bad_files, n_jobs):
    with pytest.raises(ValueError, match=LISTING):
        ImageReader(n_jobs=n_jobs).transform(bad_files)


@pytest.mark.parametrize("container", [list, pd.Series])
def test_a_warning_lists_every_bad_file(bad_files, container):
    reader = ImageReader((30, 40), on_error="warn")
    with pytest.warns(UserWarning, match=LISTING) as caught:
        out = reader.transform(container(bad_files))
    assert len(caught) == 1 and caught[0].filename == __file__
    np.testing.assert_array_equal(out[0], read(bad_files[0], (30, 40)))
    assert not out[1:].any()


def test_a_long_list_is_cut_but_counted():
    files = [f"missing-{i}.jpg" for i in range(500)]
    with pytest.raises(ValueError, match=r"500 of 500 files") as caught:
        ImageReader().transform(files)
    assert str(caught.value).count("missing-") == 50
    assert "and 450 more" in str(caught.value)


def test_max_pixels_is_the_one_limit(monkeypatch):
    data = encode(corners(10, 10))
    with pytest.raises(ValueError, match="10 x 10 pixels are more than max_pixels=99"):
        read(data, (4, 4), max_pixels=99)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)  # Pillow's, it would refuse
    assert read(data, (4, 4), max_pixels=100).any()


def test_a_side_too_long_for_exact_boxes():
    line = png(2_000_000, 1, 8, 0, (b"IDAT", zlib.compress(bytes(2_000_001))))
    with pytest.raises(ValueError, match="one side is longer than 1048576"):
        read(line, (4, 4))


def small_files():
    picture = corners(13, 17)
    yield "PNG", encode(picture)
    yield "palette PNG", encode(Image.fromarray(picture).quantize(8))
    yield "JPEG", encode(picture, "JPEG")
    yield "progressive JPEG", encode(picture, "JPEG", progressive=True)
    for format in ("GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000"):
        yield format, encode(picture, format)
    yield "LZW TIFF", encode(picture, "TIFF", compression="tiff_lzw")
    yield "plain PGM", b"P2\n3 2\n255\n10 20 30\n40 50 60\n"


@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Truncated File Read")
@pytest.mark.parametrize(
    ("name", "data"), [pytest.param(*f, id=f[0]) for f in small_files()]
)
def test_cut_anywhere_a_file_is_bad_or_whole(name, data):
    reader = ImageReader((7, 9), on_error="warn")
    whole = reader.transform([data])[0]
    with pytest.warns(UserWarning, match="cannot be read"):
        out = reader.transform([data[:n] for n in range(len(data))])
    n_whole = (out == whole).all(axis=(1, 2, 3)).sum()
    n_bad = (out == 0).all(axis=(1, 2, 3)).sum()
    if name == "plain PGM":  # the last number may lose its last digit
        n_whole += 1
    assert n_whole + n_bad == len(data)
    assert n_whole < 40


@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Truncated File Read")
@pytest.mark.parametrize(
    ("name", "data"), [pytest.param(*f, id=f[0]) for f in small_files()]
)
def test_damaged_files_raise_nothing_else(name, data, rng):
    damaged = []
    for _ in range(150):
        file = bytearray(data)
        for place in rng.integers(2, len(data), 4):
            file[place] = rng.integers(256)
        damaged.append(bytes(file))
        start = rng.integers(2, len(data))
        damaged.append(data[:start] + rng.bytes(len(data) - start))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = ImageReader((7, 9), on_error="warn", max_pixels=10_000).transform(damaged)
    assert out.shape == (300, 7, 9, 3)
    with pytest.raises(ValueError, match="of 300 files cannot be read"):
        ImageReader((7, 9), max_pixels=10_000).transform(damaged)


def test_what_is_no_fault_of_the_file_is_not_taken_for_one(monkeypatch):
    def fail(image):
        raise MemoryError

    data = encode(corners(4, 4))
    monkeypatch.setattr("skvision._readers.read_source.identify", fail)
    with pytest.raises(MemoryError):
        read(data, (4, 4), on_error="warn")
    monkeypatch.undo()
    monkeypatch.setattr("skvision._readers.read_source.place", fail)
    with pytest.raises(TypeError):
        read(data, (4, 4), on_error="warn")
