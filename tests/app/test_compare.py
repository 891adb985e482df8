"""`skvision compare`: the same folds for all, nothing learned from test images."""

import re
import shutil
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier

from skvision import ImageClassifier, MLPBackprop, cli
from skvision._app import cross_validate as MODULE
from skvision._app.commands import learn
from skvision._app.comparison_table import print_comparison
from skvision._app.cross_validate import cross_validate
from skvision._app.dataset import Dataset
from skvision._app.intervals import accuracy_interval
from skvision._app.split import draw_folds
from skvision._contract.user_error import UserError
from skvision._recipes.candidates import CANDIDATES, Candidate, Training
from skvision._recipes.features import make_features
from skvision._recipes.training_images import merge_copies

ALONE = np.arange


def stripes(rng, labels, contrast=150, side=20):
    """Return noisy images with lines across or down."""
    pixels = rng.integers(0, 100, (len(labels), side, side, 3), dtype=np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        lines = image[:, ::4] if label == "down" else image[::4]
        lines += np.uint8(contrast)
    return pixels


def made_up(rng, n=24, contrast=150, **more):
    labels = np.array(["across", "down"] * (n // 2))
    images = stripes(rng, labels, contrast)
    names = [f"image {i}" for i in range(n)]
    return Dataset(list(images), names, labels, **more)


# Folds


def test_folds_part_neither_copies_nor_groups():
    labels = np.tile(["a", "b", "c"], 40)
    parts = np.repeat(ALONE(40), 3)
    folds = draw_folds(labels, parts, 4, seed=0)
    assert np.array_equal(np.sum(folds, axis=0), np.ones(120))
    for in_test in folds:
        assert not set(parts[in_test]) & set(parts[~in_test])


def test_folds_of_single_images_have_the_same_share_of_each_class(rng):
    labels = rng.permutation(np.repeat(["a", "b"], [50, 100]))
    for in_test in draw_folds(labels, ALONE(150), 5, seed=1):
        assert np.sum(labels[in_test] == "a") == 10
        assert np.sum(labels[in_test] == "b") == 20


def test_the_seed_fixes_the_folds():
    labels = np.repeat(["a", "b"], 20)
    first, again, other = (draw_folds(labels, ALONE(40), 4, s) for s in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_too_few_images_or_groups_for_the_folds():
    labels = np.repeat(["few", "many"], [3, 20])
    with pytest.raises(UserError, match=r"^5 folds .*'few' has 3 .* pass --folds 3$"):
        draw_folds(labels, ALONE(23), 5, seed=0)
    fewer = np.append(labels, ["other"] * 2)  # the message names the smallest class
    with pytest.raises(UserError, match=r"'other' has 2 .* pass --folds 2$"):
        draw_folds(fewer, ALONE(25), 5, seed=0)
    parts = np.maximum(ALONE(23), 2)  # the three are one group
    with pytest.raises(UserError, match=r"'few' has 1 .* add images to it$"):
        draw_folds(labels, parts, 2, seed=0)


def test_groups_too_large_for_the_folds():
    """Each class has two groups, but both of b are put into one fold."""
    labels, parts = np.array(list("cccbbaab")), np.array([3, 0, 3, 1, 1, 3, 2, 0])
    with pytest.raises(UserError, match="leave all of the class 'b' to one of 2 folds"):
        draw_folds(labels, parts, 2, seed=0)


# What is learned, and from what


class NearestImage(KNeighborsClassifier):
    def predict(self, rows):
        return super().predict(rows.reshape(len(rows), -1))


@pytest.fixture
def learned(monkeypatch):
    """Return what was learned from; few things learn, and words are cheap."""
    learned = {"words": [], "pixels": [], "all": []}

    class Words:
        def fit(self, images):
            learned["words"].append(images)

        def transform(self, images):
            return images.reshape(len(images), -1)[:, :3]

    def make(names, *arguments):
        return Words() if names == ("words",) else make_features(names, *arguments)

    def learner(name):
        def fit(training):
            learned[name].append(training)
            rows = training.rows.reshape(len(training.rows), -1)
            return NearestImage(1).fit(rows, training.labels), "k=1"

        return fit

    def guess(training):
        return DummyClassifier().fit(training.rows, training.labels), ""

    candidates = (
        Candidate((), "majority", guess),
        Candidate(("hog", "color", "words"), "softmax", learner("all")),
        Candidate(("pixels",), "nearest", learner("pixels")),
    )
    monkeypatch.setattr(MODULE, "make_features", make)
    monkeypatch.setattr(MODULE, "CANDIDATES", candidates)
    return learned


def rows_of(images):
    return {image.tobytes() for image in images}


def test_nothing_is_learned_from_test_images_and_all_have_the_same_folds(learned, rng):
    dataset = made_up(rng, groups=ALONE(24) // 2)
    cross_validate(dataset, 20, 4, seed=0)
    assert {len(calls) for calls in learned.values()} == {4}
    images = [rows_of(images) for images in learned["words"]]
    assert images == [rows_of(training.rows) for training in learned["pixels"]]
    for training, other in zip(learned["pixels"], learned["all"], strict=True):
        assert np.array_equal(training.parts, other.parts)
        assert np.array_equal(training.labels, other.labels)
    # Each image is left out of one of the four, with its group.
    left_out = [rows_of(dataset.sources) - of_fold for of_fold in images]
    assert sum(map(len, left_out)) == len(set.union(*left_out)) == 24
    for of_fold in left_out:
        is_out = np.array([image.tobytes() in of_fold for image in dataset.sources])
        assert np.array_equal(is_out[::2], is_out[1::2])


def test_the_table_counts_what_each_fold_got_right(learned, rng):
    """Against scikit-learn's predictions on the same folds."""
    dataset = made_up(rng, 40, contrast=10)
    table = cross_validate(dataset, 20, 5, seed=3).set_index("features")
    rows = np.array(dataset.sources).reshape(40, -1).astype(float)
    right = np.zeros(40, bool)
    for in_test in draw_folds(dataset.labels, ALONE(40), 5, seed=3):
        model = KNeighborsClassifier(1).fit(rows[~in_test], dataset.labels[~in_test])
        right[in_test] = model.predict(rows[in_test]) == dataset.labels[in_test]
    assert 0.5 < right.mean() < 1
    pixels = table.loc["pixels"]
    assert pixels["accuracy"] == right.mean()
    interval = accuracy_interval(right, ALONE(40))
    assert tuple(pixels[["accuracy_low", "accuracy_high"]]) == interval
    assert pixels["chosen"] == "k=1 k=1 k=1 k=1 k=1"
    assert table.loc["", "accuracy"] == 0.5
    assert list(table["accuracy"]) == sorted(table["accuracy"], reverse=True)
    assert (table["accuracy"] - table["difference"]).nunique() == 1
    assert (table["difference_low"] <= table["difference"]).all()
    assert (table[["fit_seconds", "predict_ms"]] >= 0).all(axis=None)


def test_copies_are_in_one_fold(learned, rng, capsys):
    dataset = made_up(rng)
    dataset.sources[2] = dataset.sources[0]
    cross_validate(dataset, 20, 4, seed=0)
    assert "Copies of other images: 1 (image 2 of image 0)." in (
        capsys.readouterr().out
    )
    copied = dataset.sources[0].tobytes()
    counts = [
        sum(image.tobytes() == copied for image in training.rows)
        for training in learned["pixels"]
    ]
    assert sorted(counts) == [0, 2, 2, 2]


def test_times_count_the_features():
    """Of which each image's take a second here, and learning them 100."""
    described = {"words": MODULE._Described(np.zeros((30, 2)), 100.0, 1.0)}

    def fit(training):
        return DummyClassifier().fit(training.rows, training.labels), ""

    candidate = Candidate(("words",), "majority", fit)
    labels, in_test = np.repeat(["a", "b"], 15), ALONE(30) % 3 == 0
    problem = MODULE._Problem(np.empty(0), labels, ALONE(30), 20, 0)
    trial = MODULE._try(candidate, described, problem, in_test)
    assert 120 <= trial.fit_seconds < 140  # 20 of training
    assert 1 <= trial.predict_seconds < 2


def test_softmax_does_what_train_does(rng, capsys):
    dataset = made_up(rng, 60, contrast=10)
    images = np.array(dataset.sources)
    # `train` learns from images in an order of its own; here they already are.
    learning = merge_copies(images[:40], dataset.labels[:40], np.ones(40), None)
    images[:40] = learning.images
    labels = np.append(learning.labels, dataset.labels[40:])
    dataset = replace(dataset, sources=list(images), labels=labels, n_training=40)
    name = "hog color words softmax"
    (candidate,) = [each for each in CANDIDATES if each.name == name]
    in_test = ALONE(60) >= 40
    described = MODULE._describe(images, 20)
    seed = np.random.RandomState(7).randint(2**31)  # what a classifier draws from 7
    words = make_features(("words",), 20, 40, seed)
    described["words"] = MODULE._timed(words, images, ~in_test)
    problem = MODULE._Problem(images, dataset.labels, ALONE(60), 20, seed)
    trial = MODULE._try(candidate, described, problem, in_test)
    features = ("hog", "color", "words")
    model = ImageClassifier(
        features, model="softmax", image_size=20, augmentation=None, random_state=7
    )
    trained = learn(dataset, model, test_size=0.2)
    predicted = trained.pipeline.predict(dataset.sources[40:])
    right = predicted == dataset.labels[40:]
    assert np.array_equal(trial.right, right)
    assert 0.5 < right.mean() < 1
    assert trial.chosen == f"alpha={trained.pipeline[-1].alpha:.3g}"


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.name)
@pytest.mark.parametrize("n", [2, 12])
def test_candidates_learn_from_few(rng, candidate, n):
    """Of a class with one image none can be set aside to choose by."""
    labels = np.array(["across", "down"] * (n // 2))
    rows = stripes(rng, labels, side=8)
    model, _ = candidate.fit(Training(rows, labels, ALONE(n), 0))
    assert set(model.predict(rows)) <= {"across", "down"}
    if n > 2 and candidate.model != "majority":
        assert np.mean(model.predict(rows) == labels) > 0.6


def test_an_interrupt_is_not_kept_as_a_result(monkeypatch, rng, ctrl_c):
    """A network that is interrupted keeps its last epoch; a comparison must end."""
    asked = []

    def interrupt(epoch, history):
        asked.append(epoch)
        if epoch == 2:
            ctrl_c()
        return 0.1

    def network(**options):
        return MLPBackprop(**options).set_params(learning_rate=interrupt)

    monkeypatch.setattr("skvision._recipes.candidates.MLPBackprop", network)
    rows = stripes(rng, ["across", "down"])
    training = Training(rows, np.array(["across", "down"]), ALONE(2), 0)
    with pytest.raises(KeyboardInterrupt):
        CANDIDATES[-1].fit(training)


# What is printed


def comparison(*rows):
    columns = ["features", "model", "accuracy", "difference", "difference_low"]
    columns += ["difference_high", "fit_seconds"]
    table = pd.DataFrame(rows, columns=columns)
    table["accuracy_low"] = table["accuracy"] - 0.05
    table["accuracy_high"] = table["accuracy"] + 0.05
    table["predict_ms"] = 12.345
    return table


BEST = ("hog color words", "softmax", 0.9, 0.0, 0.0, 0.0, 1234.5)


@pytest.fixture
def printed(capsys, monkeypatch):
    def printed(table, width="80"):
        monkeypatch.setenv("COLUMNS", width)
        print_comparison(table)
        return capsys.readouterr().out

    return printed


def test_an_interval_just_below_zero_is_learned_to_be(printed):
    out = printed(comparison(BEST, ("", "majority", 0.8, -0.1, -0.2, -0.0004, 1.0)))
    assert "-20.00 -0.04" in out


def test_the_table_fits_a_terminal(printed):
    worst = ("hog color words", "majority", 0.1, -0.8, -0.889, -0.789, 99_999.0)
    out = printed(comparison(BEST, worst))
    assert max(map(len, out.splitlines())) <= 80
    lines = {" ".join(line.split()) for line in out.splitlines()}
    assert "hog color words softmax 90.0 % 85.0 95.0 1234 12" in lines
    last = "hog color words majority 10.0 % 5.0 15.0 -80.0 -88.9 -78.9 99999 12"
    assert last in lines


def test_top_5_is_shown_where_there_are_many_classes(printed):
    table = comparison(BEST)
    assert "top-5" not in printed(table)
    table["top_5_accuracy"] = 0.985
    out = printed(table)
    assert "top-5" in out and "90.0 %  85.0 95.0  98.5 %" in out


def test_scores_that_are_no_probabilities_give_a_top_5(rng):
    labels = np.array([f"{i:02}" for i in range(20)] * 3)
    rows = np.repeat(np.eye(20), 3, axis=0).reshape(20, 3, 20).swapaxes(0, 1)
    rows = rows.reshape(60, 20).astype(np.float32)
    for candidate in CANDIDATES[:2] + CANDIDATES[4:5]:
        model, _ = candidate.fit(Training(rows, labels, ALONE(60), 0))
        found = MODULE._find_in_top_5(model, rows, labels)
        assert found.mean() == (0.25 if candidate.model == "majority" else 1)


def test_numbers_are_whole_on_a_narrow_terminal(printed):
    out = printed(comparison(BEST), width="30")
    (line,) = [line for line in out.splitlines() if "softmax  " in line]
    assert line.split()[-6:] == ["90.0", "%", "85.0", "95.0", "1234", "12"]


def test_what_the_table_means(printed):
    behind = ("hog", "kNN", 0.8, -0.1, -0.2, -0.01, 1.0)
    near = ("pixels", "MLP", 0.85, -0.05, -0.2, 0.01, 1.0)
    majority = ("", "majority", 0.7, -0.2, -0.5, 0.1, 0.0)
    out = flat(printed(comparison(BEST, behind)))
    assert "hog color words softmax is better than each of the others" in out
    assert (
        "skvision train begins with hog color words softmax, the best model here,"
        in out
    )
    out = flat(printed(comparison(BEST, near, behind)))
    assert "These models cannot be distinguished from hog color words softmax" in out
    assert "includes 0: pixels MLP. The others are worse" in out
    out = flat(printed(comparison(BEST, near, majority)))
    assert "No model is certainly better than majority" in out
    first = ("pixels", "MLP", 0.92, 0.0, 0.0, 0.0, 1.0)
    second = ("hog color words", "softmax", 0.9, -0.02, -0.05, 0.01, 1.0)
    out = flat(printed(comparison(first, second)))
    assert "softmax, which cannot be distinguished from the best model here," in out
    second = (*second[:5], -0.01, 1.0)
    assert "softmax, 2.0 percentage points below the best model here," in flat(
        printed(comparison(first, second))
    )


def flat(text):
    return " ".join(text.split())


# On the command line


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("compare") / "photos"
    for label in ("across", "down"):
        (folder / label).mkdir(parents=True)
        for i, image in enumerate(stripes(rng, [label] * 6)):
            Image.fromarray(image).save(folder / label / f"{i}.png")
    return folder


@pytest.fixture
def run(capsys):
    def run(*arguments):
        try:
            status = cli.main(["compare", *map(str, arguments)])
        except SystemExit as exit:
            status = exit.code
        return status, *capsys.readouterr()

    return run


def test_compare(run, folder, tmp_path):
    file, photos = tmp_path / "table.csv", tmp_path / "my photos"
    shutil.copytree(folder, photos)
    options = ("--size", 16, "--folds", 2, "--csv", file)
    status, out, err = run(photos, *options)
    assert (status, err) == (0, "")
    assert f"12 images of 2 classes in {photos}: across 6, down 6." in out
    assert "Comparing 8 models in 2 folds." in out
    assert f"The table is in {file}." in out
    assert out.endswith(f'Next: skvision train "{photos}" --model OUT\n')
    table = pd.read_csv(file, keep_default_na=False)
    assert set(table["features"] + " " + table["model"]) == {
        " ".join([" ".join(each.features), each.model]) for each in CANDIDATES
    }
    shown = re.findall(r"(\w+) +([\d.]+) % +[\d.]+ [\d.]+ ", out)
    assert [model for model, _ in shown] == table["model"].tolist()
    assert [float(percent) for _, percent in shown] == pytest.approx(
        (100 * table["accuracy"]).round(1).tolist()
    )


def test_the_size_follows_the_images(run, folder, learned):
    """They are brought from 20 pixels to the least of the sizes, for all features."""
    status, _, err = run(folder, "--folds", 2)
    assert (status, err) == (0, "")
    assert {images.shape[1:] for images in learned["words"]} == {(32, 32, 3)}


def test_progress_and_a_long_time_are_told(run, folder, learned, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(MODULE, "_LONG", 0)
    status, out, err = run(folder, "--size", 16, "--folds", 3)
    assert status == 0
    assert re.search(r"^The other folds will take about \d+\.\d minutes\.$", out, re.M)
    assert "pixels nearest" in err


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "required: FOLDER"),
        (["x", "--folds", "1"], "'1' is not a whole number from 2 to 20"),
        (["x", "--csv", "no/where"], "'no/where' cannot be saved: its folder"),
        (["x", "--csv", ""], "'' cannot be saved: it is a folder"),
        (
            ["x", "--groups", "g.csv", "--csv", "./g.csv"],
            "'./g.csv' cannot be both the csv and the groups",
        ),
        (["x", "--test", "y"], "unrecognized arguments"),
        (["missing"], "'missing' does not exist"),
    ],
)
def test_bad_arguments(run, arguments, message):
    status, _, err = run(*arguments)
    assert status == 2
    assert message in err
    assert len(err.splitlines()) == 1


def test_bad_folders(run, folder, tmp_path):
    photos = shutil.copytree(folder, tmp_path / "photos")
    (photos / "down" / "3.png").write_bytes(b"no image")
    status, _, err = run(photos)
    assert status == 2
    assert "1 of 12 files cannot be read: " in err
    for i in range(1, 6):
        (photos / "down" / f"{i}.png").unlink()
    status, _, err = run(photos)
    assert status == 2
    assert "the class 'down' has 1 (copies" in err
    shutil.rmtree(photos / "down")
    assert "only one class folder, 'across'" in run(photos)[2]


@pytest.mark.slow
@pytest.mark.realdata
def test_ants_and_bees(run, data_root, tmp_path):
    """Edges, colors and words tell them apart; guessing does not."""
    file = tmp_path / "table.csv"
    photos = data_root / "hymenoptera_photos" / "train"
    status, out, _ = run(photos, "--folds", 3, "--csv", file)
    assert status == 0
    table = pd.read_csv(file, keep_default_na=False).set_index(["features", "model"])
    guess, train = table.loc[("", "majority")], table.loc["hog color words", "softmax"]
    assert guess["accuracy"] == pytest.approx(0.5, abs=0.02)
    assert guess["difference_high"] < 0
    assert train["accuracy_low"] > 0.6
    assert (table["accuracy_low"] < table["accuracy"]).all()
    assert (table["accuracy"] < table["accuracy_high"]).all()
    assert table["difference"].iloc[0] == 0
    print(out)
