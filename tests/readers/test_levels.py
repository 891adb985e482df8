"""ImageReader: images with more than 8 bits, which may use a part of them."""

import io
import warnings

import numpy as np
import pytest
from image_files import encode, png_16, read
from PIL import Image

from skvision._readers import strips
from skvision._readers.image_reader import ImageReader

TAKEN = "taken for {} bits, with white at {}, because none is higher"


def gray(data, **parameters):
    """Return the levels of an image of one row."""
    with Image.open(io.BytesIO(data)) as image:
        size = image.height, image.width
    return read(data, size, mode="L", **parameters)[0].tolist()


@pytest.mark.parametrize("format", ["TIFF", "PNG"])
@pytest.mark.parametrize(
    ("high", "bits"),
    [(1, 8), (255, 8), (256, 10), (1023, 10), (1024, 12), (4095, 12), (16383, 14)],
)
def test_levels_that_use_some_bits_are_stretched(format, high, bits):
    white = 2**bits - 1
    levels = np.array([[0, high // 2, high]], np.uint16)
    with pytest.warns(UserWarning, match=TAKEN.format(bits, white)) as caught:
        out = gray(encode(levels, format))
    assert out == np.rint(levels[0] * (255 / white)).tolist()
    assert len(caught) == 1


@pytest.mark.parametrize("high", [16384, 65535])
@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i4"])
def test_levels_that_use_all_bits_stay(high, dtype):
    levels = np.array([[0, 257 * 7, high]], dtype)
    assert gray(encode(levels, "TIFF")) == [0, 7, round(high / 257)]


@pytest.mark.parametrize(("high", "bits"), [(65536, 17), (10**6, 20), (2**31 - 1, 31)])
def test_levels_of_32_bits(high, bits):
    levels = np.array([[0, high]], np.int32)
    with pytest.warns(UserWarning, match=TAKEN.format(bits, 2**bits - 1)):
        out = gray(encode(levels, "TIFF"))
    assert out == [0, round(high * 255 / (2**bits - 1))]


def test_black_stays_black_without_a_word():
    assert gray(encode(np.zeros((1, 3), np.uint16))) == [0, 0, 0]


def test_files_name_their_bits_and_do_not_depend_on_each_other(tmp_path):
    levels = {"dim": 900, "usual": 4000, "other": 3000, "full": 60000}
    for name, level in levels.items():
        data = encode(np.full((4, 4), level, np.uint16), "TIFF")
        (tmp_path / f"{name}.tif").write_bytes(data)
    paths = [tmp_path / f"{name}.tif" for name in levels]
    reader = ImageReader((1, 1), mode="L")
    with pytest.warns(UserWarning) as caught:
        out = reader.transform(paths)
    told = [str(warning.message) for warning in caught]
    assert [text.split(" bits")[0] for text in told] == [
        "Levels were taken for 10",
        "Levels were taken for 12",
    ]
    assert told[1].endswith(f"(in {str(paths[1])!r}, {str(paths[2])!r})")
    assert "pass value_range=(low, high)" in told[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = [reader.transform([path])[0] for path in paths]
    np.testing.assert_array_equal(out, alone)
    assert out.ravel().tolist() == [224, 249, 187, 233]


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i4", "<f4"])
def test_value_range_says_what_black_and_white_are(dtype):
    levels = np.array([[0, 99, 100, 600, 1100, 1101, 9999]], dtype)
    out = gray(encode(levels, "TIFF"), value_range=(100, 1100))
    assert out == [0, 0, 0, 128, 255, 255, 255]


def test_value_range_of_negative_levels_and_floats():
    signed = encode(np.array([[-1000, 0, 3000]], np.int32), "TIFF")
    assert gray(signed, value_range=[-1000, 3000]) == [0, 64, 255]
    unit = encode(np.array([[-np.inf, 0.25, 1, np.inf]], np.float32), "TIFF")
    assert gray(unit, value_range=(0, 1)) == [0, 64, 255, 255]
    pfm = b"Pf\n2 1\n-1.0\n" + np.array([0, 1], "<f4").tobytes()
    assert gray(pfm, value_range=(0, 1)) == [0, 255]
    nan = encode(np.array([[0, np.nan]], np.float32), "TIFF")
    with pytest.raises(ValueError, match="some of its levels are NaN"):
        gray(nan, value_range=(0, 1))


def test_value_range_leaves_8_bits_alone():
    picture = np.array([[0, 7, 255]], np.uint8)
    for data in (encode(picture), encode(picture, "BMP")):
        assert gray(data, value_range=(0, 4095)) == [0, 7, 255]


def test_files_that_say_which_level_is_white():
    pgm = b"P5\n2 1\n4095\n" + np.array([0, 400], ">u2").tobytes()
    assert gray(pgm) == [0, 25]
    assert gray(b"P2\n2 1\n1000\n0 100\n") == [0, 26]
    packed = bytes([0x00, 0x00, 0x64])  # 0 and 100, of 12 bits
    data = encode(np.zeros((1, 2), np.uint16), "TIFF")
    with Image.open(io.BytesIO(data)) as image:
        offset = image.tag_v2[273][0]
    data = bytearray(data)
    data[offset : offset + 3] = packed
    entry = data.index(bytes([2, 1, 3, 0]))  # BitsPerSample, a short
    data[entry + 8] = 12
    counts = data.index(bytes([0x17, 1]))  # StripByteCounts
    data[counts + 8] = 3
    assert gray(bytes(data)) == [0, 6]


def test_16_bit_colors_keep_their_high_bytes():
    """Pillow reads no more of them."""
    pixels = np.array([[[0, 256, 4095], [2048, 0, 15 * 256]]], np.uint16)
    with pytest.warns(UserWarning, match=r"12 bits.* only their 4 highest were kept"):
        out = read(png_16(pixels), (1, 2))
    assert out.tolist() == [[[0, 17, 255], [136, 0, 255]]]
    out = read(png_16(pixels), (1, 2), value_range=(0, 4095))
    assert out.tolist() == [[[0, 17, 255], [136, 0, 255]]]
    bright = pixels.copy()
    bright[0, 0, 0] = 65535
    assert read(png_16(bright), (1, 2))[0, 1].tolist() == [8, 0, 15]
    for data, parameters in [
        (png_16(pixels // 16), {}),
        (png_16(bright), {"value_range": (0, 255)}),
    ]:
        with pytest.raises(ValueError, match="only the high byte can be read"):
            read(data, (1, 2), **parameters)


def test_alpha_of_16_bits_is_not_stretched():
    pixels = np.array([[[4095, 0, 0, 65535], [0, 0, 4095, 0]]], np.uint16)
    with pytest.warns(UserWarning, match="12 bits"):
        out = read(png_16(pixels), (1, 2), background="black")
    assert out.tolist() == [[[255, 0, 0], [0, 0, 0]]]


def test_bmp_of_16_bits_a_pixel_has_5_bits_a_color():
    row = np.array([0x7FFF, 0x0001], "<u2").tobytes()
    header = b"BM" + (58).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    header += (40).to_bytes(4, "little") + (2).to_bytes(4, "little")
    header += (1).to_bytes(4, "little") + (1).to_bytes(2, "little")
    header += (16).to_bytes(2, "little") + bytes(24)
    assert read(header + row, (1, 2)).tolist() == [[[255, 255, 255], [0, 0, 8]]]


@pytest.mark.filterwarnings("ignore:Levels were taken")
@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i4"])
def test_the_highest_level_may_be_in_any_strip(dtype, monkeypatch):
    monkeypatch.setattr(strips, "STRIP_PIXELS", 50)
    for row in range(30):
        levels = np.full((30, 20), 100, dtype)
        levels[row, row // 2] = 4095
        out = read(encode(levels, "TIFF"), (3, 2), mode="L")
        assert out.max() < 20  # 100 of 4095, and one pixel of 100
