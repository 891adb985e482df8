"""How commands read files: bad ones left out or listed, and what images become."""

import argparse
import warnings

import numpy as np
import pytest
from PIL import Image

from skvision._app.dataset import Dataset
from skvision._app.load import load_dataset
from skvision._app.loading import LOADING, Loading
from skvision._contract.user_error import UserError
from skvision._model_files.model_file import load_model
from skvision.cli import _parser


@pytest.fixture
def dataset(tmp_path):
    """Return six images of two classes, of which the second and the last are bad."""
    names = [f"{label} {i}.png" for label in ("ant", "bee") for i in range(3)]
    for level, name in enumerate(names):
        Image.new("L", (4, 4), level).save(tmp_path / name)
    (tmp_path / names[1]).write_bytes(b"")
    (tmp_path / names[5]).unlink()
    paths = [str(tmp_path / name) for name in names]
    labels = np.repeat(["ant", "bee"], 3)
    return Dataset(paths, paths, labels, groups=np.array(list("abcdef")))


def load(dataset, **parameters):
    loading = Loading(**parameters)
    return load_dataset(dataset, loading.reader(16, dataset.sources), loading)


def test_bad_files_are_left_out(dataset, capsys):
    kept, images = load(dataset, skip_bad=True)
    assert images.pixels[:, 0, 0, 0].tolist() == [0, 2, 3, 4]
    assert len(images.digests) == len(images.extents) == 4
    assert kept.names == kept.sources == [dataset.names[i] for i in (0, 2, 3, 4)]
    assert kept.labels.tolist() == ["ant", "ant", "bee", "bee"]
    assert kept.groups.tolist() == list("acde")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("skvision: warning: left out: 2 of 6 files cannot be read: ")
    assert "ant 1.png': it is empty; " in line and "bee 2.png': No such file" in line


def test_without_the_option_they_are_an_error(dataset):
    with pytest.raises(UserError, match=r"2 of 6 files .* --skip-bad$"):
        load(dataset)


@pytest.mark.parametrize("resize", ["auto", "crop", "pad"])
def test_a_crop_that_cuts_away_much_is_told(tmp_path, capsys, resize):
    paths = [str(tmp_path / f"{i}.png") for i in range(5)]
    for i, path in enumerate(paths):
        Image.new("L", (20, 12 if i < 3 else 16), i).save(path)
    wide = Dataset(paths, paths, np.array(list("aabbb")))
    load(wide, resize=resize)
    told = "crop cuts away more than a third of most images" in capsys.readouterr().err
    assert told == (resize == "crop")
    square = Dataset(paths[3:], paths[3:], np.array(list("ab")))
    load(square, resize=resize)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("skip_bad", [False, True])
def test_bad_files_are_listed(dataset, tmp_path, skip_bad):
    file = tmp_path / "bad.txt"
    try:
        load(dataset, skip_bad=skip_bad, bad_list=str(file))
    except UserError:
        assert not skip_bad
    assert file.read_text().splitlines() == [
        f"{dataset.names[1]}\tit is empty",
        f"{dataset.names[5]}\tNo such file or directory",
    ]
    load(dataset.keep(np.array([1, 0, 1, 1, 1, 0], bool)), bad_list=str(file))
    assert file.read_text() == ""


def test_a_line_is_a_file_whatever_its_name(dataset, tmp_path):
    dataset.names[1] = "odd\tname\n"
    file = tmp_path / "bad.txt"
    load(dataset, skip_bad=True, bad_list=str(file))
    assert (
        file.read_text().splitlines()[0] == "odd\\tname\\n\tNo such file or directory"
    )


@pytest.mark.parametrize("n_training", [None, 3, 5])
def test_a_class_without_images_is_an_error(dataset, n_training):
    ants = [path.replace("ant", "missing") for path in dataset.sources[:3]]
    lost = Dataset(
        ants + dataset.sources[3:], dataset.names, dataset.labels, n_training
    )
    with pytest.raises(UserError, match="the class 'ant' has no image left: 4 of 6"):
        load(lost, skip_bad=True)


def test_each_part_needs_images_of_each_class(dataset, capsys):
    labels = np.array(["ant", "bee", "bee", "ant", "bee", "ant"])
    parts = Dataset(dataset.sources, dataset.names, labels, n_training=3)
    kept, _ = load(parts, skip_bad=True)
    assert kept.n_training == 2 and kept.labels[2:].tolist() == ["ant", "bee"]
    swapped = Dataset(dataset.sources, dataset.names, labels[::-1], n_training=3)
    with pytest.raises(UserError, match="the class 'bee' has no image left"):
        load(swapped, skip_bad=True)


def test_a_message_is_told_once_for_all_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("skvision._app.load._FILES_AT_A_TIME", 2)
    paths = [str(tmp_path / f"{i}.png") for i in range(5)]
    for path in paths:
        Image.fromarray(np.full((4, 4), 4095, np.uint16)).save(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _, images = load(Dataset(paths, paths, np.array(list("aabbb"))))
    assert (images.pixels == 255).all()
    (warning,) = caught
    assert "12 bits" in str(warning.message)
    assert str(warning.message).endswith("and 2 more)")
    assert "pass --value-range LOW HIGH" in str(warning.message)


def test_a_command_that_fails_says_one_thing(fail, folder):
    Image.fromarray(np.full((4, 4), 4095, np.uint16)).save(folder / "down" / "0.png")
    (folder / "down" / "1.png").write_bytes(b"")
    assert "1 of 20 files cannot be read" in fail("train", folder)


@pytest.mark.parametrize("command", ["train", "compare", "report"])
def test_arguments(command):
    files = ["m", "x", "--out", "p"] if command == "report" else ["x"]
    options = _parser().parse_args([command, *files])
    assert Loading.of(options) == LOADING
    given = [*files, "--skip-bad", "--bad-list", "b", "--max-pixels", "9"]
    if command != "report":
        given += ["--resize", "pad", "--background", "none", "--value-range", "-1", "5"]
    loading = Loading.of(_parser().parse_args([command, *given]))
    assert (loading.skip_bad, loading.bad_list, loading.max_pixels) == (True, "b", 9)
    if command == "report":
        return
    parameters = loading.reader(32, []).get_params()
    assert parameters["size"] == (32, 32)
    assert parameters["resize"] == "pad"
    assert parameters["background"] is None
    assert parameters["value_range"] == (-1, 5)
    assert parameters["max_pixels"] == LOADING.max_pixels  # a model keeps no limit


def test_a_model_does_not_name_more_parameters_than_the_options():
    reader = Loading.of(argparse.Namespace(size=3, folder="x")).reader(20, [])
    assert reader.get_params() == LOADING.reader(20, []).get_params()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--value-range", "5", "5"], "--value-range needs LOW < HIGH, not 5 5"),
        (["--value-range", "0", "nan"], "'nan' is not a finite number"),
        (["--background", "reed"], "--background 'reed' is not a color, such as white"),
        (["--max-pixels", "0"], "'0' is not a whole number from 1"),
        (["--resize", "squash"], "invalid choice: 'squash'"),
        (["--bad-list", "no/where"], "'no/where' cannot be saved: its folder"),
        (["--bad-list", "m", "--model", "m"], "both the bad list and the model"),
        (["--max-pixels", "99"], "pixels are more than --max-pixels 99"),
    ],
)
def test_mistakes(fail, shared_folder, arguments, message):
    assert message in fail("train", shared_folder, *arguments)


def test_train_and_report_without_bad_files(run, folder, tmp_path):
    (folder / "down" / "3.png").write_bytes(b"no image")
    listed, model = tmp_path / "bad.txt", tmp_path / "m.skops"
    options = ("--skip-bad", "--bad-list", listed)
    look = ("--background", "#ffcc00", "--value-range", "0", "4095", "--resize", "pad")
    status, _, err = run(
        *("train", folder, "--features", "hog", "--size", "16", "--model", model),
        *options,
        *look,
    )
    assert status == 0
    assert err.count("skvision: warning: left out: 1 of 20 files cannot be read") == 1
    assert "3.png\tit is none of JPEG" in listed.read_text()
    reader = load_model(model)[0]
    assert (reader.background, reader.value_range) == ("#ffcc00", (0, 4095))
    listed.unlink()
    page = tmp_path / "page.html"
    status, _, err = run("report", model, folder, "--out", page, *options)
    assert status == 0 and "left out: 1 of 20 files" in err
    assert page.exists() and "3.png\tit is none" in listed.read_text()
    assert run("report", model, folder, "--out", page)[0] == 2
