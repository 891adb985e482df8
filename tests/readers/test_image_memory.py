"""ImageReader: images read in strips, its memory, and images of Pillow."""

import io
import os
import subprocess
import sys
import zlib

import numpy as np
import pytest
from image_files import encode, png
from PIL import Image

from skvision._readers import plain_image, strips
from skvision._readers.image_reader import ImageReader
from skvision._readers.levels import Coding
from skvision._readers.plain_image import Conversion, find_conversion, plain


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
        conversion = find_conversion(image, Coding(16), None, "auto")
        wanted = plain(image, conversion).resize(size, resample, box, reducing_gap=3.0)
        monkeypatch.setattr(strips, "STRIP_PIXELS", int(rng.integers(1, 2000)))
        assert find_conversion(image, Coding(16), None, "auto") == conversion
        out = plain_image.resize_plain(image, size, resample, box, conversion)
        assert out.mode == wanted.mode
        np.testing.assert_array_equal(np.asarray(out), np.asarray(wanted))


def test_alpha_over_white_stays_gray_where_it_was():
    """All pairs of a level and an alpha, as Pillow pastes them in RGB."""
    level, alpha = np.mgrid[:256, :256].astype(np.uint8)
    image = Image.merge("LA", [Image.fromarray(level), Image.fromarray(alpha)])
    colored, white = image.convert("RGBA"), Image.new("RGB", image.size, "white")
    white.paste(colored, mask=colored)
    out = plain(image, Conversion())
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
