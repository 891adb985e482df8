"""The documentation: its commands run, its numbers are measured, no name is missing.

The Python on its pages runs as doctests, by docs/conftest.py. Building the pages is
left to .ci/run.
"""

import doctest
import importlib
import math
import pkgutil
import re
import shlex
import sys
from pathlib import Path

import pytest
from made_up_photos import make_photos

import skvision
from skvision import cli

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.rst"), *DOCS.glob("guide/*.rst")])


def read(path):
    return path.read_text(encoding="utf-8")


def names(path):
    return path.relative_to(DOCS).as_posix()


# The reference


@pytest.fixture
def extension(monkeypatch):
    """Return what imports a module of docs/_ext."""
    monkeypatch.syspath_prepend(DOCS / "_ext")
    imported = []

    def load(name):
        imported.append(name)
        return importlib.import_module(name)

    yield load
    for name in imported:
        sys.modules.pop(name, None)


def test_every_public_name_is_in_the_reference(extension):
    listed, module = set(), ""
    for line in extension("public_names").index_page().splitlines():
        if line.startswith(".. automodule:: "):
            module = line.removeprefix(".. automodule:: ")
        elif re.fullmatch(r"   \w+", line):
            listed.add(f"{module}.{line.strip()}")
    public = {
        f"{found.name}.{name}"
        for found in pkgutil.walk_packages(skvision.__path__, "skvision.")
        if "._" not in found.name
        for name in getattr(importlib.import_module(found.name), "__all__", ())
    }
    top = {f"skvision.{name}" for name in skvision.__all__}
    assert {f"skvision.{Estimator}" for Estimator in ("HOG", "MLPBackprop")} <= listed
    assert listed >= public
    assert listed - public == {name for name in top if name not in sys.modules}


# The gallery


def test_gallery_begins_with_a_folder_of_photos(extension):
    examples = sorted(path.name for path in (ROOT / "examples").glob("plot_*.py"))
    order = sorted(examples, key=extension("gallery_order").place)
    assert order[0] == "plot_folder_of_photos.py"
    assert set(extension("gallery_order").ORDER) == set(examples)


# Nothing from the network


@pytest.mark.parametrize(
    ("text", "suffix", "found"),
    [
        ('<script src="https://cdn.org/a.js"></script>', ".html", True),
        ('<link rel="stylesheet" href="//cdn.org/a.css">', ".html", True),
        ('<img src="http://cdn.org/a.png">', ".html", True),
        ('<script src="_static/a.js"></script><img src="a.png">', ".html", False),
        ('<a href="https://skops.readthedocs.io">skops</a>', ".html", False),
        ('<link rel="stylesheet" href="_static/a.css">', ".html", False),
        ('@import "https://cdn.org/a.css";', ".css", True),
        ("@font-face {src: url(https://cdn.org/a.woff2)}", ".css", True),
        (
            '@import "../basic.css"; a {b: url("data:image/png;base64,//8")}',
            ".css",
            False,
        ),
    ],
)
def test_what_pages_load_from_the_network_is_found(extension, text, suffix, found):
    assert bool(extension("offline").from_network(text, suffix)) == found


# Commands


def sessions(page):
    """Return commands and what they print, of each block of the terminal."""
    blocks = re.findall(
        r"^\.\. code-block:: console\n\n((?:   .*\n|\n)+)", read(page), re.MULTILINE
    )
    for block in blocks:
        parts = re.split(r"^   \$ (.*)\n", block, flags=re.MULTILINE)
        commands = list(zip(parts[1::2], parts[2::2], strict=True))
        if all(command.startswith("skvision ") for command, _ in commands):
            yield from commands


TERMINALS = [page for page in PAGES if any(sessions(page))]


def test_there_are_commands_to_run():
    assert {"index.rst", "guide/command_line.rst"} == set(map(names, TERMINALS))


@pytest.mark.parametrize("page", TERMINALS, ids=names)
def test_commands_print_what_the_page_says(page, tmp_path, monkeypatch, capsys):
    make_photos(tmp_path / "photos")
    make_photos(tmp_path / "new", n=1, seed=1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    # Pages show nothing that depends on how fast and how new the machine is.
    monkeypatch.setattr("skvision._app.progress._SECONDS", math.inf)
    monkeypatch.setattr("skvision._app.first_run._tell_start", lambda: None)
    monkeypatch.setattr("skvision._app.first_run._tell_end", lambda _: None)
    checker = doctest.OutputChecker()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for command, printed in sessions(page):
        cli.main(shlex.split(command)[1:])
        got = "".join(capsys.readouterr())
        assert checker.check_output(printed, got, flags), f"{command}\n{got}"


# Numbers


# What the pages get their numbers from: that of results, docstrings and examples.
RESULTS = DOCS / "results.rst"
SOURCES = "\n".join(
    read(path)
    for path in [
        RESULTS,
        *sorted((ROOT / "skvision").rglob("*.py")),
        *sorted((ROOT / "examples").glob("*.py")),
    ]
)


def test_numbers_of_the_readme_are_those_of_the_documentation():
    rows = re.findall(r"^\|.*\|$", read(ROOT / "README.md"), re.MULTILINE)
    numbers = set(re.findall(r"\b\d+(?:\.\d+)?\b", " ".join(rows)))
    measured = read(RESULTS) + read(DOCS / "peers.rst")
    assert len(numbers) > 10
    for number in numbers:
        assert re.search(rf"\b{re.escape(number)}\b", measured), number


def prose(page):
    """Return a page without its code, which is run, and what it prints."""
    text = re.sub(r"^ *(>>>|\.\.\.) .*\n(?:.+\n)*", "", read(page), flags=re.MULTILINE)
    text = re.sub(r"^\.\. code-block::.*\n\n(?:   .*\n|\n)+", "", text, flags=re.M)
    return re.sub(
        r":math:`[^`]*`|^\.\. math::.*\n(?:.+\n|\n(?= ))*", "", text, flags=re.M
    )


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_measured_numbers_are_those_of_the_project(page):
    """Numbers with three or more decimals are measured, or printed by code beside."""
    whole, text = read(page), prose(page)
    for number in set(re.findall(r"\b\d+\.\d{3,}\b", text)):
        of_code = whole.count(number) > text.count(number)
        assert of_code or re.search(rf"\b{re.escape(number)}\b", SOURCES), number
