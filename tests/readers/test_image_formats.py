"""ImageReader: modes and formats of files."""

import struct
import zlib

import numpy as np
import pytest
from image_files import corners, encode, png, read
from PIL import Image


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
        (
            np.array([[-1, 5]], np.int32),
            r"go from -1 to 5, .* value_range=\(low, high\)",
        ),
        (np.array([[0.5]], np.float32), r"floats, .* value_range=\(low, high\)"),
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
    out = read(data, (1, 2), mode="L", value_range=(0, 65535))
    assert out.tolist() == [wanted]


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
