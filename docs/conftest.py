"""Each page's code runs in a folder of its own, beside made-up photos."""

import pytest
from made_up_photos import make_photos

collect_ignore = ["_build", "_ext", "api", "conf.py", "gallery"]


@pytest.fixture(autouse=True)
def beside_photos(tmp_path, monkeypatch):
    """Go to a folder with the images that pages speak of."""
    make_photos(tmp_path / "photos")
    make_photos(tmp_path / "new", n=1, seed=1)
    monkeypatch.chdir(tmp_path)
