"""The Python in the README runs."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(
    r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
)


@pytest.mark.parametrize("code", BLOCKS, ids=range(len(BLOCKS)))
def test_readme_code_runs(code, tmp_path, monkeypatch, photos):
    monkeypatch.chdir(photos.parent)
    exec(compile(code, "README.md", "exec"), {})


@pytest.fixture
def photos(tmp_path):
    """Return a folder of made-up photos: stripes down and stripes across."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for label in ("down", "across"):
        folder = tmp_path / "photos" / label
        folder.mkdir(parents=True)
        for i in range(15):
            pixels = rng.integers(0, 100, (90, 120, 3), dtype=np.uint8)
            pixels[slice(None, None, 9) if label == "across" else slice(None)][
                :, :: 1 if label == "across" else 9
            ] += 150
            Image.fromarray(pixels).save(folder / f"{i}.png")
    return tmp_path / "photos"
