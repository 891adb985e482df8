"""ImageReader: files of every kind, good and bad, to images of one size."""

import io
import logging
import os
import pickle
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted

from skvision._readers import plain_image
from skvision._readers.image_reader import ImageReader
from skvision._readers.plain_image import plain

UPRIGHT_TO_STORED = {  # what turns an image into one that has this EXIF orientation
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[::-1],
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a.swapaxes(0, 1)[:, ::-1],
}


def encode(picture, format="PNG", **options):
    """Return the bytes of a file."""
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def corners(height, width):
    """Return a smooth image whose four corners differ in color."""
    y, x = np.mgrid[:height, :width] / [[[height]], [[width]]]
    red, green = 255 * y, 255 * x
    return np.stack([red, green, 255 - (red + green) / 2], axis=-1).astype(np.uint8)


def read(source, size, **parameters):
    return ImageReader(size, **parameters).transform([source])[0]


def png(width, height, depth, color, *chunks):
    """Return a PNG of these chunks, which need not fit its header."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n"]
    for name, data in [(b"IHDR", header), *chunks, (b"IEND", b"")]:
        crc = struct.pack(">I", zlib.crc32(name + data))
        parts += [struct.pack(">I", len(data)), name, data, crc]
    return b"".join(parts)


def flatten(X):
    return X.reshape(len(X), -1)


# Modes and formats


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM", "GIF", "WEBP"])
def test_lossless_formats(format):
    picture = np.zeros((3, 5, 3), np.uint8)
    picture[0, 0], picture[2, 4] = (255, 0, 0), (0, 0, 255)
    data = encode(picture, format, **{"lossless": True} if format == "WEBP" else {})
    np.testing.assert_array_equal(read(data, (3, 5)), picture)


@pytest.mark.parametrize("format", ["JPEG", "JPEG2000", "MPO"])
def test_lossy_formats(format):
    picture = corners(40, 60)
    np.testing.assert_allclose(read(encode(picture, format), (40, 60)), picture, atol=9)


def test_gray_and_color_become_each_other():
    gray = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    for mode, shape in [("RGB", (3, 4, 3)), ("L", (3, 4))]:
        out = read(encode(gray), (3, 4), mode=mode)
        assert out.shape == shape and out.dtype == np.uint8
        np.testing.assert_array_equal(out.reshape(3, 4, -1)[:, :, 0], gray)
    color = corners(3, 4)
    luma = color @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(read(encode(color), (3, 4), mode="L"), luma, atol=1)


def test_black_and_white():
    bits = Image.fromarray(np.array([[0, 255, 255]], np.uint8)).convert("1")
    for format in ("PNG", "PPM", "TIFF"):
        out = read(encode(bits, format), (1, 3), mode="L")
        assert out.tolist() == [[0, 255, 255]]


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i4"])
def test_16_bits_are_scaled(dtype):
    levels = np.array([[0, 128, 129, 257 * 7, 65535]], dtype)
    out = read(encode(levels, "TIFF"), (1, 5), mode="L")
    assert out.tolist() == [[0, 0, 1, 7, 255]]


def test_16_bit_png_and_pgm():
    levels = np.array([[0, 257 * 200, 65535]], np.uint16)
    pgm = b"P5\n3 1\n65535\n" + levels.astype(">u2").tobytes()
    for data in (encode(levels), pgm):
        assert read(data, (1, 3), mode="L").tolist() == [[0, 200, 255]]
    half = b"P5\n2 1\n1000\n" + struct.pack(">2H", 500, 1000)
    assert read(half, (1, 2), mode="L").tolist() == [[128, 255]]


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (np.array([[0, 65536]], np.int32), "levels go from 0 to 65536"),
        (np.array([[-1, 5]], np.int32), "levels go from -1 to 5"),
        (np.array([[0.5]], np.float32), "its mode is 'F'"),
        (Image.new("LAB", (2, 2)), "its mode is 'LAB'"),
    ],
)
def test_levels_without_a_known_white_are_refused(picture, reason):
    with pytest.raises(ValueError, match=reason):
        read(encode(picture, "TIFF"), (1, 1))


def test_cmyk():
    inks = np.array([[[0, 0, 0, 0], [0, 255, 255, 0], [0, 0, 0, 255]]], np.uint8)
    cmyk = Image.frombytes("CMYK", (3, 1), inks.tobytes())
    wanted = [[[255, 255, 255], [255, 0, 0], [0, 0, 0]]]
    assert read(encode(cmyk, "TIFF"), (1, 3)).tolist() == wanted
    jpeg = encode(cmyk.resize((48, 16), Image.Resampling.NEAREST), "JPEG", quality=95)
    out = read(jpeg, (1, 3), resample="nearest")
    np.testing.assert_allclose(out, wanted, atol=8)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "PA"])
@pytest.mark.parametrize("size", [(1, 3), (1, 1)])
def test_alpha_lies_over_white(mode, size):
    pixels = [[0, 0, 0, 255], [0, 0, 0, 102], [0, 0, 0, 0]]
    picture = Image.fromarray(np.array([pixels], np.uint8))
    if mode == "PA":
        indexed = Image.frombytes("PA", (3, 1), bytes([0, 255, 0, 102, 0, 0]))
        indexed.putpalette([0, 0, 0])
        data = encode(indexed, "TIFF")
    else:
        data = encode(picture.convert(mode))
    out = read(data, size, resize="stretch", resample="box", mode="L")
    assert out.tolist() == ([[0, 153, 255]] if size == (1, 3) else [[136]])


def test_a_transparent_color_lies_over_white():
    palette = Image.new("P", (3, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60, 0, 0, 0])
    palette.putdata([0, 1, 2])
    plain = [[10, 20, 30], [40, 50, 60], [0, 0, 0]]
    white = [255, 255, 255]
    assert read(encode(palette), (1, 3))[0].tolist() == plain
    for format in ("PNG", "GIF"):
        data = encode(palette, format, transparency=1)
        assert read(data, (1, 3))[0].tolist() == [plain[0], white, plain[2]]
    by_entry = encode(palette, transparency=bytes([255, 0, 102]))
    assert read(by_entry, (1, 3))[0].tolist() == [plain[0], white, [153, 153, 153]]


@pytest.mark.parametrize(
    ("depth", "color", "key", "row", "wanted"),
    [
        (8, 0, b"\0\7", b"\7\x08", [255, 8]),
        (16, 0, b"\7\1", b"\7\1\x08\0", [255, 8]),
        (8, 2, b"\0\1\0\1\0\1", b"\1\1\1\2\2\2", [255, 2]),
    ],
)
def test_png_transparent_level(depth, color, key, row, wanted):
    data = png(
        2, 1, depth, color, (b"tRNS", key), (b"IDAT", zlib.compress(b"\0" + row))
    )
    assert read(data, (1, 2), mode="L").tolist() == [wanted]


def test_of_several_frames_the_first_is_read():
    frames = [np.full((2, 3), level, np.uint8) for level in (10, 200)]
    for format in ("GIF", "TIFF", "PNG", "WEBP"):
        more = [Image.fromarray(frames[1])]
        data = encode(frames[0], format, save_all=True, append_images=more)
        assert read(data, (2, 3), mode="L").max() < 20


def test_a_file_that_would_start_another_program_is_refused():
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n"
    with pytest.raises(ValueError, match="it is none of JPEG, PNG"):
        read(eps, (4, 4))


# Orientation and JPEGs decoded at a reduced scale


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("size", [(20, 33), (33, 20)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation, size, resize):
    picture = corners(203, 307)
    stored = np.ascontiguousarray(UPRIGHT_TO_STORED[orientation](picture))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(stored, "JPEG", quality=95, exif=exif)
    with Image.open(io.BytesIO(data)) as image:  # the test's own turns are right
        assert ImageOps.exif_transpose(image).size == (307, 203)
    wanted = read(picture, size, resize=resize).astype(int)
    out = read(data, size, resize=resize)
    np.testing.assert_allclose(out, wanted, atol=12)
    assert abs(out - wanted).mean() < 1.5


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_exif_orientation_of_other_formats(format):
    picture = corners(4, 6)
    stored = np.ascontiguousarray(UPRIGHT_TO_STORED[6](picture))
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"lossless": True} if format == "WEBP" else {}
    data = encode(stored, format, exif=exif, **options)
    np.testing.assert_array_equal(read(data, (4, 6)), picture)


@pytest.mark.parametrize("tag", [0, 9, 65535])
def test_a_meaningless_orientation_is_ignored(tag):
    exif = Image.Exif()
    exif[0x0112] = tag
    data = encode(corners(4, 6), exif=exif)
    np.testing.assert_array_equal(read(data, (4, 6)), corners(4, 6))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0MM\0*\0\0\0\x08\0\xff", b"\0"])
def test_a_damaged_exif_block_is_no_damaged_picture(exif):
    data = encode(corners(16, 16), "JPEG", exif=exif, quality=100, subsampling=0)
    np.testing.assert_allclose(read(data, (16, 16)), corners(16, 16), atol=4)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
@pytest.mark.parametrize(
    "size", [(60, 60), (30, 100), (100, 30), (150, 225), (200, 301), (7, 5), (1, 1)]
)
def test_reduced_decoding_covers_the_target(size, resize, mode, monkeypatch):
    drafts = []
    draft = JpegImageFile.draft

    def spy(image, *arguments):
        drafts.append(draft(image, *arguments))
        return drafts[-1]

    monkeypatch.setattr(JpegImageFile, "draft", spy)
    picture = corners(301, 451)
    out = read(encode(picture, "JPEG", quality=95), size, resize=resize, mode=mode)
    full = read(picture, size, resize=resize, mode=mode)
    np.testing.assert_allclose(out, full, atol=10)

    (_, (_, _, width, height)), factors = drafts[0], (301 / size[0], 451 / size[1])
    reduction = 301 / height
    assert 451 / width == reduction
    needed = max(factors) if resize == "pad" else min(factors)
    if resize == "pad":  # the side that is not filled has fewer pixels than the target
        assert reduction in (1, 2, 4, 8) and reduction <= needed * 1.05
    else:
        assert reduction == max(s for s in (1, 2, 4, 8) if s <= max(1, needed))


def test_reduced_decoding_is_not_for_nearest():
    picture = np.zeros((64, 64), np.uint8)
    picture[::2] = 255
    data = encode(picture, "JPEG", quality=100)
    assert set(np.unique(read(data, (8, 8), mode="L", resample="nearest"))) <= {0, 255}
    assert abs(read(data, (8, 8), mode="L").astype(int) - 128).max() < 20


# Geometry


def test_size_is_height_then_width():
    picture = np.zeros((10, 10, 3), np.uint8)
    assert ImageReader((2, 6)).transform([picture]).shape == (1, 2, 6, 3)
    assert ImageReader([2, 6], mode="L").transform([picture]).shape == (1, 2, 6)


def test_crop_takes_the_middle():
    row = np.arange(8, dtype=np.uint8) * 10
    wide = np.tile(row, (4, 1))
    middle = wide[:, 2:6]
    np.testing.assert_array_equal(read(wide, (4, 4), mode="L"), middle)
    np.testing.assert_array_equal(read(wide.T, (4, 4), mode="L"), middle.T)
    out = read(wide, (2, 2), mode="L", resample="box")
    assert out.tolist() == [[25, 45], [25, 45]]


def test_pad_keeps_the_whole_picture_on_black():
    wide = np.full((2, 8), 200, np.uint8)
    out = read(wide, (7, 8), mode="L", resize="pad")
    assert out[:, 0].tolist() == [0, 0, 200, 200, 0, 0, 0]
    assert (out == out[:, :1]).all()
    tall = read(wide.T, (8, 7), mode="L", resize="pad")
    np.testing.assert_array_equal(tall, out.T)
    assert read(wide, (5, 4), mode="L", resize="pad")[:, 0].tolist() == [
        0,
        0,
        200,
        0,
        0,
    ]


def test_stretch_scales_each_side_on_its_own():
    picture = corners(40, 30)
    wanted = Image.fromarray(picture).resize((25, 10), Image.Resampling.BICUBIC)
    out = read(picture, (10, 25), resize="stretch", resample="bicubic")
    np.testing.assert_array_equal(out, np.asarray(wanted))


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
def test_extreme_shapes(shape, resize):
    picture = np.full(shape, 90, np.uint8)
    out = read(picture, (5, 9), mode="L", resize=resize)
    assert out.max() == 90
    if resize != "pad":
        assert (out == 90).all()


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("resample", ["nearest", "box", "hamming", "lanczos"])
def test_at_its_size_a_picture_stays_as_it_is(rng, resize, resample):
    images = rng.integers(0, 256, (3, 5, 7, 3), dtype=np.uint8)
    reader = ImageReader((5, 7), resize=resize, resample=resample)
    out = reader.transform(images)
    np.testing.assert_array_equal(out, images)
    assert not np.shares_memory(out, images)
    np.testing.assert_array_equal(reader.transform(list(images)), images)
    np.testing.assert_array_equal(reader.transform(images[::-1]), images[::-1])
    files = [encode(image) for image in images]
    np.testing.assert_array_equal(reader.transform(files), images)


# What X may be


def test_every_kind_of_file(tmp_path):
    picture = corners(6, 8)
    path = tmp_path / "ünï cødé.png"
    path.write_bytes(encode(picture))
    data = path.read_bytes()
    sources = [path, str(path), np.str_(path), data, bytearray(data), memoryview(data)]
    with open(path, "rb") as file:
        out = ImageReader((6, 8)).transform([*sources, io.BytesIO(data), file, picture])
        assert not file.closed
    np.testing.assert_array_equal(out, np.broadcast_to(picture, (9, 6, 8, 3)))


def test_every_kind_of_list(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for i, path in enumerate(paths):
        path.write_bytes(encode(np.full((4, 4), i, np.uint8)))
    names = [str(path) for path in paths]
    for X in (
        paths,
        tuple(paths),
        np.array(names),
        np.array(paths, dtype=object),
        np.array(names)[:, np.newaxis],
        pd.Series(names, index=[7, 8, 9]),
        pd.Series(names, dtype="category"),
        pd.DataFrame({"path": names}),
        pd.DataFrame({"path": paths}),
    ):
        out = ImageReader((1, 1), mode="L").transform(X)
        assert out.ravel().tolist() == [0, 1, 2]


def test_open_files_are_read_from_their_start_each_time():
    file = io.BytesIO(encode(corners(6, 8)))
    file.seek(11)
    reader = ImageReader((6, 8), n_jobs=2)
    for _ in range(2):
        out = reader.transform([file] * 20)
        np.testing.assert_array_equal(out, np.broadcast_to(corners(6, 8), out.shape))
    assert not file.closed


def test_arrays_of_different_sizes():
    color = corners(4, 6)
    alpha = np.zeros((3, 5, 4), np.uint8)
    gray = np.full((9, 2), 7, np.uint8)
    out = ImageReader((4, 6)).transform([color, alpha, gray, gray[:, :, np.newaxis]])
    np.testing.assert_array_equal(out[0], color)
    assert (out[1] == 255).all() and (out[2:] == 7).all()


@pytest.mark.parametrize("shape", [(2, 6, 8), (2, 6, 8, 1), (2, 6, 8, 3), (2, 6, 8, 4)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_batch_is_read_like_its_pictures(rng, shape, mode):
    images = rng.integers(0, 256, shape, dtype=np.uint8)
    reader = ImageReader((3, 4), mode=mode)
    out = reader.transform(images)
    np.testing.assert_array_equal(out, reader.transform(list(images)))
    np.testing.assert_array_equal(
        out, reader.transform([encode_any(i) for i in images])
    )


def encode_any(picture):
    return encode(picture[:, :, 0] if picture.shape[2:] == (1,) else picture)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a.jpg", ValueError, r"one file, 'a.jpg': wrap it in a list"),
        (Path("a.jpg"), ValueError, "wrap it in a list"),
        (b"abc", ValueError, "one file, 3 bytes: wrap it in a list"),
        (io.BytesIO(b"abc"), ValueError, "wrap it in a list"),
        ([], ValueError, r"Found array with 0 sample\(s\) \(shape=\(0,\)\)"),
        (np.zeros((0, 4, 4), np.uint8), ValueError, r"0 sample\(s\)"),
        (None, TypeError, "X is a NoneType"),
        (iter(["a.jpg"]), TypeError, "list, array, Series or one-column"),
        ({"a.jpg"}, TypeError, "X is a set"),
        ([3], TypeError, r"X\[0\] is 3, of type int; a path"),
        (["a.jpg", 2.5], TypeError, r"X\[1\] is 2.5, of type float; a path"),
        ([io.StringIO("abc")], TypeError, "open binary file"),
        (
            np.zeros((2, 784)),
            ValueError,
            r"shape \(2, 784\).*HOG\(image_shape=\(H, W\)",
        ),
        (pd.DataFrame(np.eye(3)), ValueError, "table of numbers.*image_shape"),
        ([[1.0, 2.0], [3.0, 4.0]], ValueError, r"X\[0\] is a list.*image_shape"),
        ([np.zeros(784)], ValueError, r"X\[0\] is a row of 784 numbers.*image_shape"),
        (
            np.zeros((2, 4, 4)),
            TypeError,
            r"float64, but uint8.*\(X \* 255\)\.round\(\)",
        ),
        ([np.zeros((4, 4), "f4")], TypeError, r"X\[0\] has pixels of dtype float32"),
        (np.zeros((2, 4, 4), bool), TypeError, r"X.astype\(np.uint8\) \* 255"),
        (np.zeros((2, 4, 4), int), TypeError, "int64.*between 0 and 255"),
        (np.zeros((2, 3, 8, 8), np.uint8), ValueError, "channel-first"),
        (np.zeros((2, 4, 8, 2), np.uint8), ValueError, r"shape \(4, 8, 2\)"),
        ([np.zeros((0, 8), np.uint8)], ValueError, r"shape \(0, 8\)"),
        (np.zeros((1, 2, 4, 8, 3), np.uint8), ValueError, "shape"),
        (np.uint8(3), ValueError, "shape"),
        (
            pd.DataFrame({"path": ["a.jpg"], "label": ["ant"]}),
            ValueError,
            r"2 columns \('path', 'label'\), and one column",
        ),
        (np.array([["a", "b", "c"]]), ValueError, r"3 columns \(0, 1, 2\)"),
    ],
)
def test_what_x_may_not_be(X, error, message):
    with pytest.raises(error, match=message):
        ImageReader(on_error="warn").transform(X)


# Bad files


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
    monkeypatch.setattr("skvision._readers.image_reader.identify", fail)
    with pytest.raises(MemoryError):
        read(data, (4, 4), on_error="warn")
    monkeypatch.undo()
    monkeypatch.setattr("skvision._readers.image_reader.place", fail)
    with pytest.raises(TypeError):
        read(data, (4, 4), on_error="warn")


# As an estimator


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"size": 64}, "'size' parameter"),
        ({"size": (64,)}, "height, width"),
        ({"size": (64, 0)}, "height, width"),
        ({"size": (6.5, 4)}, "height, width"),
        ({"mode": "RGBA"}, "'mode' parameter"),
        ({"resize": "squash"}, "'resize' parameter"),
        ({"resample": 2}, "'resample' parameter"),
        ({"on_error": "ignore"}, "'on_error' parameter"),
        ({"max_pixels": 0}, "'max_pixels' parameter"),
        ({"n_jobs": 1.5}, "'n_jobs' parameter"),
    ],
)
def test_parameters_are_checked_with_and_without_fit(parameters, message):
    X = np.zeros((1, 4, 4), np.uint8)
    with pytest.raises(ValueError, match=message):
        ImageReader(**parameters).fit(X)
    with pytest.raises(ValueError, match=message):
        ImageReader(**parameters).transform(X)


def test_fit_opens_no_file():
    reader = ImageReader()
    assert reader.fit(["missing.jpg"]) is reader
    assert vars(reader) == vars(ImageReader())
    check_is_fitted(ImageReader())


def test_tags():
    tags = get_tags(ImageReader())
    assert not tags.requires_fit and tags.no_validation
    assert tags.input_tags.string and not tags.input_tags.two_d_array


@pytest.mark.filterwarnings("ignore:Can't test estimator")
def test_scikit_learn_has_nothing_against_it():
    check_estimator(ImageReader())


def test_clone_parameters_and_pickle():
    reader = ImageReader((8, 9), mode="L", resize="pad", n_jobs=2)
    X = [corners(20, 30)]
    out = reader.transform(X)
    for copy in (clone(reader), pickle.loads(pickle.dumps(reader))):
        assert copy.get_params() == reader.get_params()
        np.testing.assert_array_equal(copy.transform(X), out)
    assert reader.set_params(size=(3, 3)).transform(X).shape == (1, 3, 3)
    np.testing.assert_array_equal(reader.fit_transform(X), reader.transform(X))


def test_set_output_leaves_pictures_alone():
    X = [corners(8, 8)]
    reader = ImageReader((4, 4))
    assert reader.set_output(transform="pandas") is reader
    assert isinstance(reader.transform(X), np.ndarray)
    with config_context(transform_output="pandas"):
        assert isinstance(ImageReader((4, 4)).fit_transform(X), np.ndarray)


def test_pipeline_with_set_output():
    X = [encode(corners(8, 8)), encode(corners(8, 12)[:, ::-1].copy())]
    table = FunctionTransformer(lambda X: pd.DataFrame(flatten(X)).add_prefix("pixel"))
    pipeline = make_pipeline(ImageReader((2, 2)), table, StandardScaler())
    out = pipeline.set_output(transform="pandas").fit_transform(X)
    assert isinstance(out, pd.DataFrame) and out.shape == (2, 12)
    assert list(out.columns[:2]) == ["pixel0", "pixel1"]


def test_pipeline_needs_no_fit():
    try:
        out = make_pipeline(ImageReader((2, 2))).transform([corners(4, 4)])
    except NotFittedError:  # pragma: no cover
        pytest.fail("a stateless step asked for fit")
    assert out.shape == (1, 2, 2, 3)


def test_grid_search_over_its_size(rng):
    levels = np.r_[rng.integers(0, 90, 12), rng.integers(160, 256, 12)]
    X = [
        encode(np.full((9 + i % 3, 12), level, "u1")) for i, level in enumerate(levels)
    ]
    y = np.repeat(["dark", "bright"], 12)
    pipeline = make_pipeline(
        ImageReader(), FunctionTransformer(flatten), NearestCentroid()
    )
    sizes = [(2, 2), (4, 3)]
    grid = {"imagereader__size": sizes, "imagereader__mode": ["L", "RGB"]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(X, y)
    assert search.best_score_ == 1.0
    assert search.predict(X[:1]).tolist() == ["dark"]


def test_n_jobs_changes_nothing(rng):
    X = [rng.integers(0, 256, (30 + i, 40, 3), dtype=np.uint8) for i in range(30)]
    X = [encode(picture, "JPEG") if i % 2 else picture for i, picture in enumerate(X)]
    out = ImageReader((16, 16)).transform(X)
    for n_jobs in (1, 2, 3):
        again = ImageReader((16, 16), n_jobs=n_jobs).transform(X)
        np.testing.assert_array_equal(again, out)


# Real photos


@pytest.fixture(scope="module")
def photos(data_root):
    return sorted((data_root / "hymenoptera_photos" / "train").glob("*/*"))[::4]


@pytest.mark.realdata
@pytest.mark.parametrize("resize", ["crop", "stretch"])
def test_photos_match_a_full_decode(photos, resize):
    out = ImageReader(resize=resize, n_jobs=2).transform(photos).astype(int)
    pictures = []
    for path in photos:
        with Image.open(path) as image:
            pictures.append(np.asarray(ImageOps.exif_transpose(image).convert("RGB")))
    full = ImageReader(resize=resize).transform(pictures)
    differences = abs(out - full)
    assert differences.mean() < 2
    assert differences.mean(axis=(1, 2, 3)).max() < 6


@pytest.mark.realdata
def test_photos_do_not_depend_on_n_jobs_or_company(photos):
    out = ImageReader((24, 32), mode="L").transform(photos)
    again = ImageReader((24, 32), mode="L", n_jobs=2).transform(photos[::-1])
    np.testing.assert_array_equal(again[::-1], out)


# Memory


def make_mode(mode, width, height, rng):
    """Return noise in a mode of Pillow; "Pt" and "Lt" have a transparent color."""
    n_bytes = {"LA": 2, "PA": 2, "RGBA": 4, "CMYK": 4, "RGBX": 4, "YCbCr": 3}
    gray = rng.integers(0, 256, (height, width), dtype=np.uint8)
    if mode == "1":
        return Image.fromarray(gray).convert("1")
    if mode.startswith("I"):
        dtype = {"I": "i4", "I;16": "<u2", "I;16B": ">u2"}[mode]
        data = encode((gray * 257.0 + 3).clip(0, 65535).astype(dtype), "TIFF")
        image = Image.open(io.BytesIO(data))
        image.load()
        assert image.mode == mode
        return image
    if mode in ("P", "Pt", "Lt"):
        image = Image.fromarray(gray)
        if mode == "Lt":
            image.info["transparency"] = int(gray[0, 0])
            return image
        image.putpalette(rng.bytes(768))
        if mode == "Pt":
            image.info["transparency"] = rng.bytes(256)
        return image
    image = Image.frombytes(
        mode, (width, height), rng.bytes(n_bytes[mode] * width * height)
    )
    if mode == "PA":
        image.putpalette(rng.bytes(768))
    return image


@pytest.mark.parametrize(
    "mode",
    "1 P Pt Lt LA PA RGBA RGBX CMYK YCbCr I I;16 I;16B".split(),
)
def test_strips_make_the_same_pixels(mode, rng, monkeypatch):
    """As Pillow does with the whole image, for any size, box and filter."""
    for _ in range(30):
        width, height = map(int, rng.integers(20, 150, 2))
        size = tuple(map(int, rng.integers(1, 40, 2)))
        resample = Image.Resampling(int(rng.integers(6)))
        left, right = np.sort(rng.random(2)) * [width / 3, width / 3] + [0, width / 2]
        top, bottom = np.sort(rng.random(2)) * [height / 3, height / 3]
        box = (left, top, right, bottom + height / 2)
        image = make_mode(mode, width, height, rng)
        wanted = plain(image).resize(size, resample, box, reducing_gap=3.0)
        monkeypatch.setattr(plain_image, "STRIP_PIXELS", int(rng.integers(1, 2000)))
        out = plain_image.resize_plain(image, size, resample, box)
        assert out.mode == wanted.mode
        np.testing.assert_array_equal(np.asarray(out), np.asarray(wanted))


def test_alpha_over_white_stays_gray_where_it_was():
    """All pairs of a level and an alpha, as Pillow pastes them in RGB."""
    level, alpha = np.mgrid[:256, :256].astype(np.uint8)
    image = Image.merge("LA", [Image.fromarray(level), Image.fromarray(alpha)])
    colored, white = image.convert("RGBA"), Image.new("RGB", image.size, "white")
    white.paste(colored, mask=colored)
    out = plain(image)
    assert out.mode == "L"
    np.testing.assert_array_equal(np.asarray(out.convert("RGB")), np.asarray(white))
    np.testing.assert_array_equal(np.asarray(out), np.asarray(white.convert("L")))


PEAK = """
import sys
import numpy as np
from skvision._readers.image_reader import ImageReader

def status(key):
    line, = (line for line in open("/proc/self/status") if line.startswith(key))
    return int(line.split()[1]) * 1024

path, n_files, n_jobs, max_pixels = sys.argv[1], *map(int, sys.argv[2:])
reader = ImageReader(n_jobs=n_jobs, max_pixels=max_pixels)
small = np.zeros((600, 600, 4), np.uint8)
reader.transform([small] * 40)  # loads what is loaded at first use
before = status("VmRSS")
reader.transform([path] * n_files)
print(max(0, status("VmHWM") - before))
"""


def measure_peak(path, *, n_files, n_jobs, max_pixels):
    """Return how many bytes the reading of a file several times adds to a process."""
    result = subprocess.run(
        [sys.executable, "-c", PEAK, path, *map(str, (n_files, n_jobs, max_pixels))],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"MALLOC_ARENA_MAX": "1"},
    )
    return int(result.stdout)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no /proc here")
@pytest.mark.parametrize(("n_files", "n_jobs"), [(1, 1), (25, 4)])
def test_a_small_file_of_many_pixels_takes_little_memory(tmp_path, n_files, n_jobs):
    """4 bytes a pixel in Pillow, and strips; it was 12, times the threads."""
    path, side = tmp_path / "large.png", 2500
    rows = zlib.compress(bytes((2 * side + 1) * side), 1)
    path.write_bytes(png(side, side, 8, 4, (b"IDAT", rows)))
    assert path.stat().st_size < 200_000
    limits = {"n_files": n_files, "n_jobs": n_jobs, "max_pixels": side**2}
    peak = measure_peak(path, **limits)
    assert 3.5 * side**2 < peak < 6 * side**2


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "I;16", "CMYK"])
def test_images_of_pillow_are_left_as_they_are(mode):
    """Large images of files are closed on the way; the user's own must not be."""
    image = Image.new(mode, (900, 700))
    before = image.tobytes()
    images = ImageReader((8, 8)).transform([image])
    assert images.shape == (1, 8, 8, 3)
    assert image.tobytes() == before


def test_an_image_of_pillow_may_stand_twice(rng):
    """It is read once, by one thread, as samples with replacement want."""
    noise = [rng.integers(0, 256, (90, 80, 3), dtype=np.uint8) for _ in range(4)]
    files = [encode(Image.fromarray(image), "PNG") for image in noise]
    opened = [Image.open(io.BytesIO(file)) for file in files]
    drawn = rng.integers(0, 4, 40)
    images = ImageReader((8, 8), n_jobs=4).transform([opened[i] for i in drawn])
    expected = ImageReader((8, 8)).transform(noise)
    np.testing.assert_array_equal(images, expected[drawn])


@pytest.mark.parametrize("resize", ["crop", "pad"])
@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (Image.new("RGB", (8, 8)).crop((5, 2, 5, 6)), "it has no pixels"),
        (Image.new("La", (8, 8)), "its mode is 'La'"),
    ],
)
def test_images_of_pillow_that_cannot_be_used(image, reason, resize):
    with pytest.raises(ValueError, match=reason):
        ImageReader((4, 4), resize=resize).transform([image])


# What decoders say


def fax(rng, *damaged):
    """Return a TIFF that libtiff finds fault with, and decodes all the same."""
    bits = Image.fromarray(rng.integers(0, 256, (60, 80), dtype=np.uint8)).convert("1")
    data = bytearray(encode(bits, "TIFF", compression="group4"))
    for place in damaged:
        data[place] ^= 0x55
    return bytes(data)


EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\xff"


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_messages_of_decoders_name_the_file(tmp_path, rng, capfd, n_jobs):
    files = [tmp_path / f"good-{i}.tif" for i in range(30)]
    for file in files:
        file.write_bytes(fax(rng))
    odd = [tmp_path / "odd-0.tif", tmp_path / "odd-1.jpg", tmp_path / "odd-2.jpg"]
    odd[0].write_bytes(fax(rng, *range(60, 90)))
    for file in odd[1:]:
        file.write_bytes(encode(corners(16, 16), "JPEG", exif=EXIF))
    X = [*files[:9], odd[1], *files[9:20], odd[0], odd[2], *files[20:]]
    with pytest.warns(UserWarning) as caught:
        images = ImageReader((8, 8), n_jobs=n_jobs).transform(X)
    assert len(images) == len(X) and capfd.readouterr().err == ""
    told = [str(warning.message) for warning in caught]
    assert all(warning.filename == __file__ for warning in caught)
    of_exif = [text for text in told if text.startswith("Corrupt EXIF data.")]
    assert of_exif == [of_exif[0]]
    assert of_exif[0].endswith(f"(in {str(odd[1])!r}, {str(odd[2])!r})")
    others = [text for text in told if text not in of_exif]
    assert 0 < len(others) <= 3
    assert all(text.startswith("Fax4Decode: ") for text in others)
    assert all(text.endswith(f"(in {str(odd[0])!r})") for text in others)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_errors_of_libtiff_are_the_reason(tmp_path, rng, capfd, n_jobs):
    noise = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    data = bytearray(encode(noise, "TIFF", compression="tiff_adobe_deflate"))
    data[2000:2010] = bytes(10)
    bad, good = tmp_path / "bad.tif", encode(noise, "TIFF", compression="tiff_lzw")
    bad.write_bytes(data)
    with pytest.raises(ValueError, match=r"bad\.tif': ZIPDecode: Decoding error"):
        ImageReader((8, 8), n_jobs=n_jobs).transform([good] * 9 + [bad] + [good] * 9)
    assert capfd.readouterr().err == ""


def test_filters_decide_about_messages_of_decoders():
    data = encode(corners(16, 16), "JPEG", exif=EXIF)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="Corrupt EXIF data"):
            read(data, (8, 8))
        warnings.filterwarnings("ignore", "Corrupt EXIF")
        assert read(data, (8, 8)).any()
        warnings.warn("Corrupt EXIF that is ours", stacklevel=1)


def test_what_others_say_meanwhile_goes_its_way(rng, capfd, monkeypatch):
    """A progress bar writes while libtiff decodes, and another thread warns."""
    data = fax(rng)
    original = TiffImageFile.load

    def load_and_speak(image):
        os.write(2, b"\x1b[2K 3 of 5\rsome: thing\n")
        thread = threading.Thread(target=warnings.warn, args=("from elsewhere",))
        thread.start()
        thread.join()
        return original(image)

    monkeypatch.setattr(TiffImageFile, "load", load_and_speak)
    with pytest.warns(UserWarning, match="^from elsewhere$") as caught:
        read(data, (8, 8))
    written = capfd.readouterr().err
    assert written == "\x1b[2K 3 of 5\rsome: thing\n" * len(caught)
    assert {str(warning.message) for warning in caught} == {"from elsewhere"}


def test_nothing_of_the_process_is_changed_for_good(rng):
    before = warnings.showwarning, list(warnings.filters), os.fstat(2)
    handlers = list(logging.getLogger("PIL").handlers)
    read(fax(rng), (8, 8))
    with pytest.raises(ValueError):
        read(b"", (8, 8))
    after = warnings.showwarning, list(warnings.filters), os.fstat(2)
    assert before[:2] == after[:2] and os.path.samestat(before[2], after[2])
    assert handlers == list(logging.getLogger("PIL").handlers)
