"""ImageReader: orientation, reduced decoding, and one size for all."""

import io

import numpy as np
import pytest
from image_files import corners, encode, read
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from skvision._readers.image_reader import ImageReader

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
