"""What ``skvision train`` chooses by itself: the recipe, the size and the square."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from striped_images import make_folder

from skvision._app.present import print_choice
from skvision._app.saved_classifier import load_classifier
from skvision._recipes.choice import _Search
from skvision._recipes.recipe import N_STEPS

TRIED, BUDGET = "better than hog softmax", "not tried: time budget"


def test_the_whole_choice(run, shared_folder, tmp_path, monkeypatch):
    """All options have their defaults."""
    monkeypatch.setattr("skvision._recipes.choice.N_STEPS", N_STEPS)
    monkeypatch.setattr("skvision._recipes.draws._MANY", 1000)
    path, tried = tmp_path / "a.skops", []
    attempt = _Search.attempt

    def count(search, recipe, **options):
        tried.append(recipe.name)
        attempt(search, recipe, **options)

    monkeypatch.setattr(_Search, "attempt", count)
    status, out, err = run("train", shared_folder, "--model", path)
    assert (status, err) == (0, "")
    assert len(tried) > N_STEPS
    assert len(set(tried)) == len(tried)
    (line,) = [line for line in out.splitlines() if line.startswith("Learned by ")]
    best = f", the best of {1 + len(tried)} recipes on validation images."
    assert line.endswith(best)
    chosen = line.removeprefix("Learned by ").removesuffix(best)
    assert chosen in {*tried, "hog color words softmax"}
    names = [name for name, _ in load_classifier(path).model[1].transformer_list]
    assert chosen.split()[: len(names)] == names
    files = [shared_folder / label / "0.png" for label in ("across", "down")]
    _, out, _ = run("predict", path, *files)
    assert [line.split("\t")[1] for line in out.splitlines()] == ["across", "down"]


@pytest.mark.parametrize(
    ("reasons", "best", "lines"),
    [
        (["the first recipe: a class is one image"], 0, ["Learned by recipe 0."]),
        (
            ["the first recipe", TRIED, f"not {TRIED}"],
            1,
            ["Learned by recipe 1, the best of 3 recipes on validation images."],
        ),
        (
            ["the first recipe", BUDGET],
            0,
            ["Learned by recipe 0.", "The time budget left 1 recipe untried."],
        ),
        (
            ["the first recipe", "given up after a draw: worse", BUDGET, BUDGET],
            0,
            [
                "Learned by recipe 0, the best of 2 recipes on validation images.",
                "The time budget left 2 recipes untried.",
            ],
        ),
    ],
)
def test_print_choice(capsys, reasons, best, lines):
    """A clock may be too coarse to see that a trial took time."""
    table = {
        "recipe": np.array([f"recipe {i}" for i in range(len(reasons))]),
        "seconds": np.zeros(len(reasons)),
        "reason": np.array(reasons),
    }
    print_choice(SimpleNamespace(cv_results_=table, best_index_=best))
    assert capsys.readouterr().out.splitlines() == lines


def test_a_time_budget_leaves_recipes_untried(run, shared_folder):
    options = ("train", shared_folder, "--features", "hog")
    status, out, err = run(*options, "--time-budget", "1e-6")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert "Learned by hog softmax." in lines
    assert "The time budget left 2 recipes untried." in lines
    _, out, _ = run(*options, "--time-budget", "1e6")
    assert "the best of 3 recipes on validation images." in out
    assert "untried" not in out


def test_a_class_of_one_training_image_leaves_no_choice(run, tmp_path):
    folder = make_folder(tmp_path / "photos", np.random.default_rng(0), n=2)
    status, out, _ = run("train", folder, "--features", "hog", "--test-size", 0.5)
    assert status == 0
    assert "Learned by hog softmax.\n" in out
    assert "untried" not in out


@pytest.mark.parametrize(
    ("extent", "given", "size", "resize"),
    [
        ((48, 60), (), 32, "crop"),
        ((96, 49), (), 64, "stretch"),
        ((97, 97), (), 128, "crop"),
        ((97, 97), ("--size", "auto", "--resize", "auto"), 128, "crop"),
        ((97, 97), ("--size", "20"), 20, "crop"),
        ((96, 49), ("--resize", "pad"), 64, "pad"),
    ],
)
def test_size_and_resize_follow_the_images(
    run, tmp_path, rng, extent, given, size, resize
):
    for label, level in (("dark", 0), ("light", 150)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for i in range(4):
            pixels = level + rng.integers(0, 90, (*extent[::-1], 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{i}.png")
    path = tmp_path / "a.skops"
    options = ("--features", "color", "--model", path, *given)
    status, _, err = run("train", tmp_path / "photos", *options)
    assert (status, err) == (0, "")
    pipeline, about = load_classifier(path)
    assert about["size"] == [size, size]
    assert pipeline[0].resize == resize
    # Large images are halved for all features but fine words.
    feature = pipeline[1].transformer_list[0][1]
    assert hasattr(feature, "named_steps") == (size == 128)
