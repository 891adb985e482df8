"""ImageReader: PNGs whose texts or profiles are too large or damaged."""

import struct
import zlib

import numpy as np
import pytest
from image_files import corners, encode, read
from PIL import Image

from skvision._readers.image_reader import ImageReader

PICTURE = corners(9, 7)


def chunk(name, data, checksum=None):
    crc = zlib.crc32(name + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)


def insert(data, *chunks, after=b"IHDR"):
    """Return a PNG with chunks after its first chunk of a name."""
    place = data.index(after) - 4
    place += 12 + int.from_bytes(data[place : place + 4])
    return b"".join([data[:place], *chunks, data[place:]])


HUGE = zlib.compress(bytes(3_000_000))
DAMAGED = {
    "text": chunk(b"zTXt", b"Comment\0\0" + HUGE),
    "international text": chunk(b"iTXt", b"Comment\0\1\0\0\0" + HUGE),
    "profile": chunk(b"iCCP", b"name\0\0" + HUGE),
    "checksum": chunk(b"tEXt", b"Comment\0hello", checksum=7),
    "time": chunk(b"tIME", bytes(7), checksum=7),
}


@pytest.mark.parametrize(
    ("name", "after"),
    [
        *((name, b"IHDR") for name in DAMAGED),
        ("text", b"IDAT"),
        ("international text", b"IDAT"),
    ],
)
def test_damaged_notes_are_left_out(tmp_path, name, after):
    path = tmp_path / "noted.png"
    path.write_bytes(insert(encode(PICTURE), DAMAGED[name], after=after))
    with pytest.warns(UserWarning, match=r"The PNG was read without \w+: ") as caught:
        out = ImageReader((9, 7)).transform([path])[0]
    np.testing.assert_array_equal(out, PICTURE)
    assert len(caught) == 1
    assert str(caught[0].message).endswith(f"(in {str(path)!r})")


def test_transparency_and_orientation_are_kept():
    exif = Image.Exif()
    exif[0x0112] = 6
    palette = Image.fromarray(np.array([[0, 1, 1]], np.uint8))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    whole = encode(palette, exif=exif, transparency=0)
    expected = read(whole, (3, 1))
    assert expected[:, 0].tolist() == [[255] * 3, [40, 50, 60], [40, 50, 60]]
    with pytest.warns(UserWarning, match="without tEXt:"):
        out = read(insert(whole, DAMAGED["checksum"]), (3, 1))
    np.testing.assert_array_equal(out, expected)


def test_several_are_named_in_one_warning():
    noted = insert(encode(PICTURE), DAMAGED["time"], DAMAGED["profile"])
    with pytest.warns(UserWarning, match="without iCCP, tIME: ") as caught:
        read(noted, (9, 7))
    assert len(caught) == 1


def test_many_chunks_are_not_looked_at():
    parts = b"".join(chunk(b"IDAT", b"") + chunk(b"tEXt", b"a\0") for _ in range(200))
    noted = insert(encode(PICTURE), parts, after=b"IDAT")
    names = [chunk(b"a%03d" % i, b"") for i in range(200)]
    bad = DAMAGED["checksum"]
    for data in (insert(noted, bad), insert(encode(PICTURE), bad, *names)):
        with pytest.raises(ValueError, match="1 of 1 files cannot be read"):
            read(data, (9, 7))


@pytest.mark.parametrize("name", [b"IHDR", b"IDAT"])
def test_damaged_images_stay_an_error(name):
    noted = bytearray(insert(encode(PICTURE), DAMAGED["checksum"]))
    noted[noted.index(name) + 9] ^= 1
    with pytest.raises(ValueError, match="1 of 1 files cannot be read"):
        read(bytes(noted), (9, 7))


@pytest.mark.filterwarnings("ignore:The PNG was read without tEXt")
def test_cut_anywhere_it_is_bad_or_whole():
    noted = insert(encode(PICTURE), DAMAGED["checksum"])
    with pytest.warns(UserWarning, match="cannot be read"):
        out = ImageReader((9, 7), on_error="warn").transform(
            [noted[:n] for n in range(len(noted))]
        )
    n_whole = (out == PICTURE).all(axis=(1, 2, 3)).sum()
    n_bad = (out == 0).all(axis=(1, 2, 3)).sum()
    assert n_whole + n_bad == len(noted) and n_whole < 24
