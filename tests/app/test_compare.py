"""`skvision compare`: the same folds for all, nothing learned from test images."""

import re
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier

from skvision import MLPBackprop, cli
from skvision._app import compare as COMPARE
from skvision._app.candidates import CANDIDATES, Candidate, Training
from skvision._app.compare import compare, draw_folds
from skvision._app.comparison_table import print_comparison
from skvision._app.intervals import accuracy_interval, difference_interval
from skvision._app.train_and_score import Pictures, make_features, train_and_score
from skvision._contract.user_error import UserError

ALONE = np.arange


@pytest.fixture(autouse=True)
def validate_once(monkeypatch):
    """Choose settings by one draw: five would take most of the time of these tests."""
    monkeypatch.setattr("skvision._app.train_and_score._DRAWS", 1)


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
    return Pictures(list(images), names, labels, **more)


# Intervals


def test_difference_interval_is_that_of_bonett_and_price(rng):
    right, other = rng.random((2, 80)) < [[0.8], [0.6]]
    p10 = (np.sum(right & ~other) + 1) / 82
    p01 = (np.sum(other & ~right) + 1) / 82
    width = 1.959964 * np.sqrt((p10 + p01 - (p10 - p01) ** 2) / 82)
    low, high = difference_interval(right, other, ALONE(80))
    assert (low, high) == pytest.approx((p10 - p01 - width, p10 - p01 + width))
    back = difference_interval(other, right, ALONE(80))
    assert back == pytest.approx((-high, -low))


def test_accuracy_interval_is_that_of_agresti_and_coull():
    share = 9 / 14  # 7 of 10, and 2 of 4
    width = 1.959964 * np.sqrt(share * (1 - share) / 14)
    low, high = accuracy_interval(ALONE(10) < 7, ALONE(10))
    assert (low, high) == pytest.approx((share - width, share + width))
    assert accuracy_interval(np.ones(10, bool), ALONE(10))[1] == 1
    assert accuracy_interval(np.zeros(10, bool), ALONE(10))[0] == 0


@pytest.mark.parametrize("times", [2, 7])
def test_copies_within_a_part_add_nothing_to_what_is_known(rng, times):
    right, other = rng.random((2, 50)) < [[0.8], [0.6]]
    parts = rng.permutation(50)
    one = difference_interval(right, other, parts)
    many = (np.repeat(values, times) for values in (right, other, parts))
    assert difference_interval(*many) == pytest.approx(one)
    many = (np.repeat(values, times) for values in (right, parts))
    assert accuracy_interval(*many) == pytest.approx(accuracy_interval(right, parts))


@pytest.mark.parametrize(
    "n_parts, size, likeness", [(50, 1, 0), (400, 1, 0), (40, 5, 0.5), (60, 4, 1)]
)
@pytest.mark.parametrize("p10, p01", [(0.25, 0.15), (0.1, 0.1)])
def test_intervals_hold_the_truth(rng, n_parts, size, likeness, p10, p01):
    """In 95 of 100 cases, or some more; images of a part are alike or not."""
    n_draws, shape = 500, (n_parts, size)
    parts = np.repeat(ALONE(n_parts), size)
    n_held = n_held_difference = 0
    for _ in range(n_draws):
        shared = np.broadcast_to(rng.random((n_parts, 1)), shape)
        where = rng.random((n_parts, 1)) < likeness
        draw = np.where(where, shared, rng.random(shape)).ravel()
        right, other = draw < p10 + 0.5, (draw >= p10) & (draw < p10 + 0.5 + p01)
        low, high = difference_interval(right, other, parts)
        n_held_difference += low <= p10 - p01 <= high
        low, high = accuracy_interval(right, parts)
        n_held += low <= p10 + 0.5 <= high
    for held in (n_held, n_held_difference):
        assert held / n_draws > 0.92  # three standard errors below 0.95


# Folds


def test_folds_part_neither_copies_nor_groups():
    labels = np.tile(["a", "b", "c"], 40)
    parts = np.repeat(ALONE(40), 3)
    folds = draw_folds(labels, parts, 4, seed=0)
    assert np.array_equal(np.sum(folds, axis=0), np.ones(120))
    for in_test in folds:
        assert not set(parts[in_test]) & set(parts[~in_test])


def test_folds_of_single_pictures_have_the_same_share_of_each_class(rng):
    labels = rng.permutation(np.repeat(["a", "b"], [50, 100]))
    for in_test in draw_folds(labels, ALONE(150), 5, seed=1):
        assert np.sum(labels[in_test] == "a") == 10
        assert np.sum(labels[in_test] == "b") == 20


def test_the_seed_fixes_the_folds():
    labels = np.repeat(["a", "b"], 20)
    first, again, other = (draw_folds(labels, ALONE(40), 4, s) for s in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_too_few_pictures_or_groups_for_the_folds():
    labels = np.repeat(["few", "many"], [3, 20])
    with pytest.raises(UserError, match=r"'few' has 3 .* need 5: .* pass --folds 3$"):
        draw_folds(labels, ALONE(23), 5, seed=0)
    fewer = np.append(labels, ["other"] * 2)  # the first to be told is the smallest
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


class NearestPicture(KNeighborsClassifier):
    def predict(self, rows):
        return super().predict(rows.reshape(len(rows), -1))


@pytest.fixture
def seen(monkeypatch):
    """Return what was learned from; few things learn, and words are cheap."""
    seen = {"words": [], "pixels": [], "all": []}

    class Words:
        def fit(self, images):
            seen["words"].append(images)

        def transform(self, images):
            return images.reshape(len(images), -1)[:, :3]

    def make(names, *arguments):
        return Words() if names == ("words",) else make_features(names, *arguments)

    def learner(name):
        def fit(training):
            seen[name].append(training)
            rows = training.rows.reshape(len(training.rows), -1)
            return NearestPicture(1).fit(rows, training.labels), "k=1"

        return fit

    def guess(training):
        return DummyClassifier().fit(training.rows, training.labels), ""

    ways = (
        Candidate((), "majority", guess),
        Candidate(("hog", "color", "words"), "softmax", learner("all")),
        Candidate(("pixels",), "nearest", learner("pixels")),
    )
    monkeypatch.setattr(COMPARE, "make_features", make)
    monkeypatch.setattr(COMPARE, "CANDIDATES", ways)
    return seen


def rows_of(images):
    return {image.tobytes() for image in images}


def test_nothing_is_learned_from_test_pictures_and_all_have_the_same_folds(seen, rng):
    pictures = made_up(rng, groups=ALONE(24) // 2)
    compare(pictures, 20, 4, seed=0)
    assert {len(calls) for calls in seen.values()} == {4}
    images = [rows_of(images) for images in seen["words"]]
    assert images == [rows_of(training.rows) for training in seen["pixels"]]
    for training, other in zip(seen["pixels"], seen["all"], strict=True):
        assert np.array_equal(training.parts, other.parts)
        assert np.array_equal(training.labels, other.labels)
    # Each image is left out of one of the four, with its group.
    left_out = [rows_of(pictures.sources) - of_fold for of_fold in images]
    assert sum(map(len, left_out)) == len(set.union(*left_out)) == 24
    for of_fold in left_out:
        is_out = np.array([image.tobytes() in of_fold for image in pictures.sources])
        assert np.array_equal(is_out[::2], is_out[1::2])


def test_the_table_counts_what_each_fold_got_right(seen, rng):
    """Against scikit-learn's predictions on the same folds."""
    pictures = made_up(rng, 40, contrast=10)
    table = compare(pictures, 20, 5, seed=3).set_index("features")
    rows = np.array(pictures.sources).reshape(40, -1).astype(float)
    right = np.zeros(40, bool)
    for in_test in draw_folds(pictures.labels, ALONE(40), 5, seed=3):
        model = KNeighborsClassifier(1).fit(rows[~in_test], pictures.labels[~in_test])
        right[in_test] = model.predict(rows[in_test]) == pictures.labels[in_test]
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


def test_copies_are_in_one_fold(seen, rng, capsys):
    pictures = made_up(rng)
    pictures.sources[2] = pictures.sources[0]
    compare(pictures, 20, 4, seed=0)
    assert "1 images are copies of others: image 2 of image 0." in (
        capsys.readouterr().out
    )
    copied = pictures.sources[0].tobytes()
    counts = [
        sum(image.tobytes() == copied for image in training.rows)
        for training in seen["pixels"]
    ]
    assert sorted(counts) == [0, 2, 2, 2]


def test_times_count_the_features():
    """Of which each image's take a second here, and learning them 100."""
    described = {"words": COMPARE._Described(np.zeros((30, 2)), 100.0, 1.0)}

    def fit(training):
        return DummyClassifier().fit(training.rows, training.labels), ""

    way = Candidate(("words",), "majority", fit)
    labels, in_test = np.repeat(["a", "b"], 15), ALONE(30) % 3 == 0
    trial = COMPARE._try(way, described, labels, ALONE(30), in_test, 0)
    assert 120 <= trial.fit_seconds < 140  # 20 of training
    assert 1 <= trial.predict_seconds < 2


def test_softmax_does_what_train_does(rng, capsys):
    pictures = made_up(rng, 60, contrast=10)
    images = np.array(pictures.sources)
    (way,) = [way for way in CANDIDATES if way.name == "hog color words softmax"]
    in_test = ALONE(60) >= 40
    described = COMPARE._describe(images, 20)
    words = make_features(("words",), 20, 40, 7)
    described["words"] = COMPARE._timed(words, images, ~in_test)
    trial = COMPARE._try(way, described, pictures.labels, ALONE(60), in_test, 7)
    pictures.n_training = 40
    trained = train_and_score(pictures, 20, 0.2, 7, ("hog", "color", "words"))
    predicted = trained.pipeline.predict(pictures.sources[40:])
    right = predicted == pictures.labels[40:]
    assert np.array_equal(trial.right, right)
    assert 0.5 < right.mean() < 1
    assert trial.chosen == f"alpha={trained.pipeline[-1].alpha:g}"


@pytest.mark.parametrize("way", CANDIDATES, ids=lambda way: way.name)
@pytest.mark.parametrize("n", [2, 12])
def test_candidates_learn_from_few(rng, way, n):
    """Of a class with one image none can be set aside to choose by."""
    labels = np.array(["across", "down"] * (n // 2))
    rows = stripes(rng, labels, side=8)
    model, _ = way.fit(Training(rows, labels, ALONE(n), 0))
    assert set(model.predict(rows)) <= {"across", "down"}
    if n > 2 and way.model != "majority":
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

    monkeypatch.setattr("skvision._app.candidates.MLPBackprop", network)
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


def test_an_interval_just_below_zero_is_seen_to_be(printed):
    out = printed(comparison(BEST, ("", "majority", 0.8, -0.1, -0.2, -0.0004, 1.0)))
    assert "-20.00 -0.04" in out


def test_the_table_fits_a_terminal(printed):
    worst = ("hog color words", "majority", 0.1, -0.8, -0.889, -0.789, 99_999.0)
    out = printed(comparison(BEST, worst))
    assert max(map(len, out.splitlines())) <= 80
    lines = {" ".join(line.split()) for line in out.splitlines()}
    assert "hog color words softmax 90.0 85.0 95.0 1234 12" in lines
    assert "hog color words majority 10.0 5.0 15.0 -80.0 -88.9 -78.9 99999 12" in lines


def test_numbers_are_whole_on_a_narrow_terminal(printed):
    out = printed(comparison(BEST), width="30")
    (line,) = [line for line in out.splitlines() if "softmax  " in line]
    assert line.split()[-5:] == ["90.0", "85.0", "95.0", "1234", "12"]


def test_what_the_table_means(printed):
    behind = ("hog", "kNN", 0.8, -0.1, -0.2, -0.01, 1.0)
    near = ("pixels", "MLP", 0.85, -0.05, -0.2, 0.01, 1.0)
    majority = ("", "majority", 0.7, -0.2, -0.5, 0.1, 0.0)
    out = flat(printed(comparison(BEST, behind)))
    assert "hog color words softmax is better than each of the others" in out
    assert "skvision train fits hog color words softmax, the best here." in out
    out = flat(printed(comparison(BEST, near, behind)))
    assert "Not told apart from hog color words softmax, since" in out
    assert "includes 0: pixels MLP. The others are behind" in out
    out = flat(printed(comparison(BEST, near, majority)))
    assert "None is surely better than majority" in out
    first = ("pixels", "MLP", 0.92, 0.0, 0.0, 0.0, 1.0)
    second = ("hog color words", "softmax", 0.9, -0.02, -0.05, 0.01, 1.0)
    out = flat(printed(comparison(first, second)))
    assert "softmax, not told apart from the best here." in out
    second = (*second[:5], -0.01, 1.0)
    assert "softmax, 2.0 % of images behind the best here." in flat(
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
    assert "Comparing 8 ways to classify in 2 folds." in out
    assert f"The table is in {file}." in out
    assert out.endswith(f'Next: skvision train "{photos}" --model OUT\n')
    table = pd.read_csv(file, keep_default_na=False)
    assert set(table["features"] + " " + table["model"]) == {
        " ".join([" ".join(way.features), way.model]) for way in CANDIDATES
    }
    shown = re.findall(r"(\w+) +([\d.]+) +[\d.]+ [\d.]+ ", out)
    assert [model for model, _ in shown] == table["model"].tolist()
    assert [float(percent) for _, percent in shown] == pytest.approx(
        (100 * table["accuracy"]).round(1).tolist()
    )


def test_progress_and_a_long_time_are_told(run, folder, seen, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(COMPARE, "_LONG", 0)
    status, out, err = run(folder, "--size", 16, "--folds", 3)
    assert status == 0
    assert re.search(r"^About \d+\.\d minutes more", out, re.M)
    assert "pixels nearest" in err


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "required: FOLDER"),
        (["x", "--folds", "1"], "'1' is not a whole number from 2 to 20"),
        (["x", "--csv", "no/where"], "'no/where' cannot be saved: there is no such"),
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
    assert "the class 'down' has 1 images or groups" in err
    shutil.rmtree(photos / "down")
    assert "only one class folder, 'across'" in run(photos)[2]


@pytest.mark.slow
@pytest.mark.realdata
def test_ants_and_bees(run, data_root, tmp_path):
    """Edges, colors and words tell them apart; guessing does not."""
    file = tmp_path / "table.csv"
    photos = data_root / "hymenoptera_photos" / "train"
    status, out, _ = run(photos, "--csv", file)
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
