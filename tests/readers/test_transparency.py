"""ImageReader: the color behind transparent images."""

import numpy as np
import pytest
from image_files import encode, read
from PIL import Image

from skvision._readers import strips
from skvision._readers.image_reader import ImageReader


def icon(color, alpha=255, side=6):
    """Return a square of a color in the middle of a transparent image."""
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[1:-1, 1:-1] = (*color, alpha)
    return pixels


@pytest.mark.parametrize(
    ("background", "wanted"),
    [
        ("white", [255, 255, 255]),
        ("black", [0, 0, 0]),
        ("#ffcc00", [255, 204, 0]),
        ((1, 2, 3), [1, 2, 3]),
        ([np.uint8(1), 2, 3], [1, 2, 3]),
        (None, [0, 0, 0]),  # what the file has there
    ],
)
@pytest.mark.parametrize("as_file", [False, True])
def test_backgrounds(background, wanted, as_file):
    picture = icon((200, 100, 0))
    source = encode(picture) if as_file else picture
    out = read(source, (6, 6), background=background)
    assert out[0, 0].tolist() == wanted
    assert out[3, 3].tolist() == [200, 100, 0]


@pytest.mark.parametrize(
    ("color", "alpha", "is_black"),
    [
        ((255, 255, 255), 255, True),
        ((255, 255, 255), 20, True),
        ((250, 250, 230), 255, True),
        ((225, 225, 225), 255, True),
        ((223, 223, 223), 255, False),
        ((255, 255, 0), 255, False),
        ((0, 0, 0), 255, False),
        ((128, 128, 128), 100, False),
    ],
)
@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_auto_shows_icons_that_are_nearly_white_on_black(color, alpha, is_black, mode):
    picture = Image.fromarray(icon(color, alpha))
    if mode == "P":
        picture = Image.fromarray(icon(color)[:, :, 3] // 255)
        picture.putpalette([0, 0, 0, *color])
    data = encode(
        picture, **({"transparency": bytes([0, alpha])} if mode == "P" else {})
    )
    out = read(data, (6, 6))
    expected = read(data, (6, 6), background="black" if is_black else "white")
    np.testing.assert_array_equal(out, expected)


def test_auto_for_gray_icons():
    white, dark = (
        encode(Image.fromarray(icon((level,) * 3)).convert("LA")) for level in (255, 50)
    )
    assert read(white, (6, 6), mode="L")[[0, 3], [0, 3]].tolist() == [0, 255]
    assert read(dark, (6, 6), mode="L")[[0, 3], [0, 3]].tolist() == [255, 50]


def test_auto_looks_at_visible_pixels_alone():
    hidden = icon((255, 255, 255))
    hidden[:, :, 3] = 0
    assert (read(hidden, (6, 6)) == 255).all()
    hidden[0, 0] = (0, 0, 0, 255)  # the one that is seen
    assert read(hidden, (6, 6))[3, 3].tolist() == [255, 255, 255]


def test_auto_does_not_depend_on_company_or_strips(rng, monkeypatch):
    pictures = rng.integers(200, 256, (12, 30, 20, 4), dtype=np.uint8)
    reader = ImageReader((8, 8))
    out = reader.transform(list(pictures))
    np.testing.assert_array_equal(out[::-1], reader.transform(pictures[::-1]))
    monkeypatch.setattr(strips, "STRIP_PIXELS", 70)
    np.testing.assert_array_equal(out, reader.transform(list(pictures)))


def test_opaque_images_do_not_depend_on_the_background(rng):
    pixels = rng.integers(0, 256, (9, 8, 4), dtype=np.uint8)
    pixels[:, :, 3] = 255
    for background in ("auto", "white", "black", "red", None):
        out = read(encode(pixels), (9, 8), background=background)
        np.testing.assert_array_equal(out, pixels[:, :, :3])


@pytest.mark.parametrize("size", [(6, 6), (2, 2)])
def test_a_transparent_gray_image_on_a_color_is_a_color_image(size):
    data = encode(Image.fromarray(icon((80, 80, 80))).convert("LA"))
    out = read(data, size, background="red", resample="box")
    assert out[0, 0, 0] > out[0, 0, 1] == out[0, 0, 2]
    gray = read(data, size, background="red", resample="box", mode="L")
    assert gray.shape == size


def test_none_ignores_a_transparent_color():
    palette = Image.fromarray(np.array([[0, 1]], np.uint8))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    out = read(encode(palette, transparency=1), (1, 2), background=None)
    assert out.tolist() == [[[10, 20, 30], [40, 50, 60]]]
    deep = encode(np.array([[0, 65535]], np.uint16), transparency=65535)
    assert read(deep, (1, 2), mode="L", background=None).tolist() == [[0, 255]]
    assert read(deep, (1, 2), mode="L", background="black").tolist() == [[0, 0]]


@pytest.mark.parametrize("extra", [0, None])
def test_a_fourth_band_that_is_not_alpha(extra):
    """Pillow drops bands that a TIFF calls unspecified, and takes others for alpha."""
    pixels = np.array([[[10, 20, 30, 0], [40, 50, 60, 7]]], np.uint8)
    data = bytearray(encode(pixels, "TIFF"))
    if extra is not None:
        data[data.index(bytes([0x52, 1, 3, 0])) + 8] = extra  # ExtraSamples, a short
    out = read(data, (1, 2), background="auto" if extra == 0 else None)
    np.testing.assert_array_equal(out, pixels[:, :, :3])
