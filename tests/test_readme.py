"""The Python in the README runs."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(
    r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
)


@pytest.fixture
def beside_photos(tmp_path, monkeypatch, rng):
    """Go to a folder with made-up photos: stripes down and stripes across."""
    for label in ("down", "across"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for i in range(15):
            pixels = rng.integers(0, 100, (120, 120, 3), dtype=np.uint8)
            pixels[::9] += 150
            pixels = pixels if label == "across" else pixels.transpose(1, 0, 2)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{i}.png")
    monkeypatch.chdir(tmp_path)


def test_there_is_code_to_run():
    assert BLOCKS


@pytest.mark.parametrize("code", BLOCKS, ids=range(len(BLOCKS)))
def test_readme_code_runs(code, beside_photos, capsys):
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == "[1. 1. 1. 1. 1.]\n"
