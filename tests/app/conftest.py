"""Fixtures for tests of the command line: folders, models, and how to run it."""

import math
import shutil

import numpy as np
import pytest
from report_pages import make_images, train
from striped_images import make_folder

from skvision import cli


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    rng = np.random.default_rng(0)
    return make_folder(tmp_path_factory.mktemp("images") / "train", rng)


@pytest.fixture(scope="session")
def model(shared_folder):
    path = shared_folder.parent / "stripes.skops"
    options = ["--features", "hog", "--size", "32", "--model", str(path)]
    assert cli.main(["train", str(shared_folder), *options]) == 0
    return path


@pytest.fixture(autouse=True)
def few_recipes(monkeypatch):
    """Choose among few recipes, by one draw: the whole choice has a test of its own."""
    monkeypatch.setattr("skvision._recipes.choice.N_STEPS", 0)
    monkeypatch.setattr("skvision._recipes.draws._MANY", 0)


@pytest.fixture(autouse=True)
def nothing_of_the_clock(monkeypatch):
    """Say nothing that depends on how fast and how new the machine is."""
    monkeypatch.setattr("skvision._app.progress._SECONDS", math.inf)
    monkeypatch.setattr("skvision._app.first_run._tell_start", lambda: None)
    monkeypatch.setattr("skvision._app.first_run._tell_end", lambda _: None)


@pytest.fixture
def folder(shared_folder, tmp_path):
    """Return a folder of images to damage."""
    return shutil.copytree(shared_folder, tmp_path / "photos")


@pytest.fixture
def run(capsys):
    def run(*arguments):
        try:
            status = cli.main([str(argument) for argument in arguments])
        except SystemExit as exit:
            status = exit.code
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def fail(run):
    """Return a function that runs the command and returns the line it fails with."""

    def fail(*arguments):
        status, _, err = run(*arguments)
        assert status == 2
        assert err.startswith("skvision: error: ")
        assert err.endswith("\n")
        assert len(err.splitlines()) == 1
        return err

    return fail


@pytest.fixture(scope="session")
def trained():
    """Return what was learned from images with awkward names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skvision._recipes.draws._MANY", 0)
        return train(make_images())
