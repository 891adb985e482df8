"""ImageReader: HEIF, which Pillow reads by a plugin."""

import sys

import numpy as np
import pytest
from image_files import corners, encode, read
from PIL import Image

from skvision._readers.heif import has_plugin, is_heif

HEAD = b"\0\0\0\x1cftyp%s\0\0\0\0%s"


@pytest.mark.parametrize(
    ("brand", "others", "expected"),
    [
        (b"heic", b"mif1heic", True),
        (b"mif1", b"mif1heic", True),
        (b"mif1", b"mif1avif", False),
        (b"avif", b"mif1avif", False),
        (b"qt  ", b"qt  ", False),
    ],
)
def test_heif_is_known_by_its_brands(brand, others, expected):
    assert is_heif(HEAD % (brand, others)) == expected


def test_without_the_plugin_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    with pytest.raises(ValueError, match="install pillow-heif, the extra 'heif'"):
        read(HEAD % (b"heic", b"mif1heic"), (4, 4))


@pytest.fixture
def plugin():
    pytest.importorskip("pillow_heif")
    assert has_plugin()


def test_heif(plugin, tmp_path):
    picture = corners(40, 60)
    data = encode(picture, "HEIF", quality=95)
    np.testing.assert_allclose(read(data, (40, 60)), picture, atol=12)
    with pytest.raises(ValueError, match="its 60 x 40 pixels are more than"):
        read(data, (4, 4), max_pixels=2399)


def test_heif_is_turned_upright(plugin):
    picture = corners(40, 60)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.fromarray(np.ascontiguousarray(picture.swapaxes(0, 1)[::-1]))
    turned.info["exif"] = exif.tobytes()
    data = encode(turned, "HEIF", quality=95)
    np.testing.assert_allclose(read(data, (40, 60)), picture, atol=12)


def test_a_cut_heif_is_bad(plugin):
    data = encode(corners(40, 60), "HEIF")
    for n in range(20, len(data) - 20, 97):
        with pytest.raises(ValueError, match="1 of 1 files cannot be read"):
            read(data[:n], (4, 4))
