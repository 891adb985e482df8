"""ImageReader: what decoders say of a file names the file."""

import logging
import os
import threading
import warnings

import numpy as np
import pytest
from image_files import corners, encode, read
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from skvision._readers.image_reader import ImageReader


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
