"""Suffixes of the files that are images."""

from pathlib import Path

import pytest
from PIL import Image

from skvision._readers import image_files, suffixes
from skvision._readers.suffixes import IMAGE_SUFFIXES, is_image_name, missing_plugin


def test_suffixes_are_those_of_the_formats_that_are_read():
    Image.init()
    formats = {*image_files.FORMATS, "MPO"}
    of_pillow = {suffix for suffix, name in Image.EXTENSION.items() if name in formats}
    assert of_pillow <= IMAGE_SUFFIXES
    assert all(suffix == suffix.lower() for suffix in IMAGE_SUFFIXES)


@pytest.mark.parametrize("name", ["a.jpg", "b.JPE", Path("c/d.Jp2"), "e.tar.AVIF"])
def test_images_by_name(name):
    assert is_image_name(name)


@pytest.mark.parametrize("name", ["a.txt", "jpg", ".jpg", "a.jpg.zip", "a.jpg/b", ""])
def test_other_names(name):
    assert not is_image_name(name)


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(Image, "OPEN", {})
    monkeypatch.setattr(suffixes, "find_spec", lambda name: None)
    assert missing_plugin(".HEIC") == "heif" and not is_image_name("a.heic")
    assert missing_plugin(".jpg") is None
    monkeypatch.setattr(suffixes, "find_spec", lambda name: name == "pillow_heif")
    assert missing_plugin(".heic") is None and is_image_name("a.HEIC")
