"""The code of each page runs in its own folder, beside generated photos."""

import pytest
from made_up_photos import make_photos

collect_ignore = ["_build", "_ext", "api", "conf.py", "gallery"]


@pytest.fixture(autouse=True)
def beside_photos(tmp_path, monkeypatch):
    """Change to a folder with the photos that the pages use."""
    make_photos(tmp_path / "photos")
    make_photos(tmp_path / "new", n=1, seed=1)
    monkeypatch.chdir(tmp_path)
