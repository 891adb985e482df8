"""Each file is opened once, whatever a command does, and each image is hashed once.

Only a size or a way to a square that is "auto" is told by the heads of a few files,
which are opened once more. `ImageClassifier` hashes the images that it learns from by
itself.
"""

import json
import subprocess
import sys

import numpy as np
import pytest
from striped_images import make_folder

# Runs commands in a process of its own, since Python never takes an audit hook back.
CODE = """
import hashlib, json, os, sys
from collections import Counter

opened, hashed = Counter(), Counter()

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        opened[os.path.abspath(os.fsdecode(arguments[0]))] += 1

def counted(make):
    def hash_and_count(data=b"", **options):
        hashed[bytes(data)] += 1
        return make(data, **options)
    return hash_and_count

sys.addaudithook(watch)
for name in ("sha256", "sha1", "md5", "blake2b", "blake2s", "sha512"):
    setattr(hashlib, name, counted(getattr(hashlib, name)))

from skvision import cli
from skvision._readers import extents
from skvision._recipes import choice, draws

extents._MOST = 5
draws._MANY = choice.N_STEPS = 0  # the whole choice would take most of the time
size = int(sys.argv[1])
results = []
for command in json.loads(sys.argv[2]):
    opened.clear(), hashed.clear()
    status = cli.main(command)
    of_images = [n for data, n in hashed.items() if len(data) == 3 * size**2]
    files = {file: n for file, n in opened.items() if file.endswith(".png")}
    results.append([status, files, of_images])
with open(sys.argv[3], "w") as file:
    json.dump(results, file)
"""
SIZE = 24
SQUARE = ("--size", f"{SIZE}", "--resize", "crop")
HOG = ("--features", "hog", *SQUARE)
COMMANDS = {
    "train": ["train", "TRAIN", *HOG, "--model", "MODEL"],
    "train --report": ["train", "TRAIN", *HOG, "--report", "PAGE"],
    "train --test --report": [
        *("train", "TRAIN", "--test", "TEST", *HOG, "--report", "PAGE"),
    ],
    "compare": ["compare", "TRAIN", *SQUARE, "--folds", "2"],
    "report": ["report", "MODEL", "TEST", "--out", "PAGE"],
    "train --resize auto": [
        *("train", "TRAIN", "--features", "hog", "--size", f"{SIZE}"),
    ],
    "a bad file": ["train", "BAD", *HOG, "--report", "PAGE"],
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return the status of each command, the openings, and the hashes of images."""
    root, rng = tmp_path_factory.mktemp("openings"), np.random.default_rng(0)
    make_folder(root / "train", rng, n=8)
    make_folder(root / "test", rng, n=4)
    make_folder(root / "bad", rng, n=4)
    (root / "bad" / "down" / "0.png").write_bytes(b"no image")
    places = {
        "TRAIN": root / "train",
        "TEST": root / "test",
        "BAD": root / "bad",
        "MODEL": root / "a.model",
        "PAGE": root / "page.html",
    }
    commands = [
        [str(places.get(argument, argument)) for argument in command]
        for command in COMMANDS.values()
    ]
    arguments = [str(SIZE), json.dumps(commands), str(root / "results.json")]
    subprocess.run(
        [sys.executable, "-c", CODE, *arguments], capture_output=True, check=True
    )
    found = json.loads((root / "results.json").read_text())
    return dict(zip(COMMANDS, found, strict=True)), root


@pytest.mark.parametrize(
    ("command", "folders", "n_learned"),
    [
        ("train", ["train"], 12),
        ("train --report", ["train"], 12),
        ("train --test --report", ["train", "test"], 16),
        ("compare", ["train"], 0),
        ("report", ["test"], 0),
    ],
)
def test_each_file_is_opened_once_and_each_image_is_hashed_once(
    results, command, folders, n_learned
):
    (status, opened, hashed), root = results[0][command], results[1]
    files = [str(file) for name in folders for file in (root / name).glob("*/*.png")]
    assert status == 0
    assert opened == dict.fromkeys(files, 1)
    assert sorted(hashed) == [1] * (len(files) - n_learned) + [2] * n_learned


def test_a_few_files_are_opened_for_their_size(results):
    status, opened, hashed = results[0]["train --resize auto"]
    assert status == 0
    assert sorted(opened.values()) == [1] * 11 + [2] * 5
    assert sorted(hashed) == [1] * 4 + [2] * 12


def test_a_bad_file_is_opened_once_too(results):
    (status, opened, hashed), root = results[0]["a bad file"], results[1]
    files = map(str, (root / "bad").glob("*/*.png"))
    assert status == 2
    assert opened == dict.fromkeys(files, 1)
    assert hashed == []
