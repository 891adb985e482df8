"""The Python in the README runs, and prints what it should on easy photos."""

import re
from pathlib import Path

import pytest
from made_up_photos import make_photos

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(
    r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
)
PRINTED = ["[1. 1. 1.]\n", "[1. 1. 1. 1. 1.]\n"]


@pytest.fixture
def beside_photos(tmp_path, monkeypatch):
    """Go to a folder with made-up photos."""
    make_photos(tmp_path / "photos")
    # The whole choice takes long, and the start page of the documentation has it.
    monkeypatch.setattr("skvision._recipes.choice.N_STEPS", 0)
    monkeypatch.setattr("skvision._recipes.draws._MANY", 0)
    monkeypatch.chdir(tmp_path)


def test_there_is_code_to_run():
    assert len(BLOCKS) == len(PRINTED)


@pytest.mark.parametrize(("code", "printed"), list(zip(BLOCKS, PRINTED, strict=True)))
def test_readme_code_runs(code, printed, beside_photos, capsys):
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == printed
