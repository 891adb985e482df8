"""Model files that were made to do harm: one clean error, or finite predictions.

``python tests/model_files/test_hostile_models.py 20000`` tries so many `mutants` and
counts what became of them.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hostile_files import entries, mutants, pack
from sklearn.pipeline import make_pipeline, make_union

from skvision import (
    HOG,
    BagOfVisualWords,
    ColorHistogram,
    ImageReader,
    PixelNormalizer,
    SoftmaxRegression,
    load_model,
    save_model,
)
from skvision._model_files.model_archive import open_archive
from skvision._model_files.model_schema import check_schema
from skvision._model_files.model_types import TYPES

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
IMAGES[::2, :, ::4] = 255
PROBES = np.concatenate([IMAGES, 0 * IMAGES[:1], 0 * IMAGES[:1] + 255])


def make_model(folder):
    model = make_pipeline(
        ImageReader((16, 16)),
        make_union(
            HOG(),
            ColorHistogram(bins=4, grid=(2, 2)),
            BagOfVisualWords(4, n_words=8, random_state=0),
        ),
        PixelNormalizer(variance_floor=0.01),
        SoftmaxRegression(alpha=0.3),
    ).fit(IMAGES, np.arange(12) % 3)
    save_model(model, folder / "good")
    return folder / "good"


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("models"))


def repack(good, path, **changed):
    """Write a file with other entries; names have _json in the place of .json."""
    changed = {name.replace("_json", ".json"): changed[name] for name in changed}
    path.write_bytes(pack(entries(good.read_bytes()) | changed))
    return path


def judge(data, path):
    """Load a file; return why it is refused, or "finite" for its predictions."""
    path.write_bytes(data)
    try:
        pipeline = load_model(path)
    except ValueError as error:
        assert str(path) in str(error) and "\n" not in str(error)
        return str(error).replace(repr(str(path)), "").strip()
    probabilities = pipeline.predict_proba(PROBES)
    assert np.isfinite(probabilities).all()
    json.dumps(probabilities.tolist(), allow_nan=False)
    return "finite"


@pytest.mark.filterwarnings("default")
def test_mutants_are_refused_or_finite(good, tmp_path):
    verdicts = Counter(
        judge(data, tmp_path / "a") for data in mutants(good.read_bytes(), 250, seed=0)
    )
    assert 0 < verdicts["finite"] < 125
    assert len(verdicts) > 20


# The kinds that fuzzing has found


LIMITED = """
import resource, sys
from skvision import load_model
load_model(sys.argv[1])
limit = 2 << 30  # of address space; NumPy and its friends map most of one
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
for path in sys.argv[2:]:
    try:
        load_model(path)
    except ValueError as error:
        print(error)
"""


def load_limited(good, *paths):
    """Return what is said of files by a process with little memory and time."""
    result = subprocess.run(
        [sys.executable, "-c", LIMITED, good, *paths],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    lines = result.stdout.splitlines()
    assert len(lines) == len(paths)
    return lines


def nested(value, levels, times):
    """Return a value in lists or dicts, each holding the one before several times."""
    for _ in range(levels):
        value = [value] * times if isinstance(value, list) else {"a": value, "b": value}
    return value


def npy(kind, shape, values=b""):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + values


@pytest.mark.skipif(os.name == "nt", reason="no limits here")
def test_small_files_take_little_memory_and_time(good, tmp_path):
    whole = entries(good.read_bytes())
    array = next(name for name in whole if name.endswith(".npy"))
    schema = json.loads(whole["schema.json"])
    inside = schema["content"]["content"]["steps"]["content"]
    alike = dict(inside[0], content=inside[0]["content"][:1])
    for _ in range(12):  # equal nodes in equal nodes
        alike = dict(alike, content=[alike, alike], __id__=alike["__id__"] + 1)
    deep = dict(inside[0], content=[])
    for level in range(200):
        deep = dict(inside[0], content=[deep], __id__=10 + level)
    wide = [dict(inside[0], content=[], __id__=10 + i) for i in range(9_000)]
    name_only = {"__id__": 7}
    for _ in range(25):
        name_only = {"__id__": 7, "content": [name_only], "a": name_only}
        if len(json.dumps(name_only)) > 1 << 20:
            break

    def with_step(node):
        content = [*inside, node]
        steps = dict(schema["content"]["content"]["steps"], content=content)
        inner = {**schema["content"]["content"], "steps": steps}
        changed = {**schema, "content": {**schema["content"], "content": inner}}
        return json.dumps(changed)

    def file(name, **changed):
        return repack(good, tmp_path / name, **changed)

    lines = load_limited(
        good,
        file("name", schema_json=with_step(name_only)),
        file("alike", schema_json=with_step(alike)),
        file("deep", schema_json=with_step(deep)),
        *(
            file(f"zero{i}", **{array: npy(kind, "(6600000000,)")})
            for i, kind in enumerate(["|V0", "|S0", "<U0"])
        ),
        file("huge", **{array: npy("<f4", "(6600000000,)")}),
        file("empty", **{array: npy("<f4", "(0, 6600000000)")}),
        file("wide", schema_json=with_step(dict(inside[0], content=wide, __id__=1))),
    )
    reasons = [
        "it holds None.None",
        "two different nodes with the same id|over 10000 nodes",
        "over 40 nested levels",
        "is not an array of numbers or text",
        "is not an array of numbers or text",
        "is not an array of numbers or text",
        "does not have the size of its shape",
        "does not have the size of its shape",
        "is not a skvision model",
    ]
    for line, reason in zip(lines, reasons, strict=True):
        assert any(part in line for part in reason.split("|")), line


def change_model(good, path, change):
    """Save a model whose parts were changed as attributes, without any check."""
    import skops.io

    pipeline = load_model(good)
    change(*pipeline, *(step for _, step in pipeline[1].transformer_list))
    saved = entries(skops.io.dumps(pipeline))
    path.write_bytes(pack({**saved, "skvision.json": entries_about(good)}))
    return path


def entries_about(good):
    return entries(good.read_bytes())["skvision.json"]


def put(step, attribute, value):
    def change(*steps):
        setattr(steps[step], attribute, value)

    return change


READER, UNION, NORMALIZER, CLASSIFIER, HOGS, COLORS, WORDS = range(7)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put(NORMALIZER, "scale_", np.full(116, 1e-300)), "scores could be infinite"),
        (put(NORMALIZER, "center_", np.full(116, 1e300)), "scores could be infinite"),
        (
            put(NORMALIZER, "scale_", np.full(116, np.nan)),
            "PixelNormalizer has numbers",
        ),
        (put(NORMALIZER, "whitening_", np.eye(116)), "its inverse contradict"),
        (put(CLASSIFIER, "coef_", np.full((3, 116), 1e38)), "could be infinite"),
        (
            put(CLASSIFIER, "coef_", np.ones((3, 116), int)),
            "must be an array of floats",
        ),
        (put(CLASSIFIER, "intercept_", np.full(3, np.inf)), "SoftmaxRegression has"),
        (put(CLASSIFIER, "alpha", float("inf")), "'alpha' parameter"),
        (put(CLASSIFIER, "classes_", np.array([1, 1, 2])), "not unique"),
        (put(WORDS, "contrast_epsilon", float("inf")), "'contrast_epsilon' param"),
        (put(WORDS, "threshold", float("nan")), "'threshold' parameter"),
        (put(WORDS, "codebook_", np.full((8, 24), 1e37, "f4")), "could be infinite"),
        (put(WORDS, "value_range_", (0.0, float("nan"))), "value_range must be"),
        (put(HOGS, "n_jobs", 10**6), "HOG has n_jobs=1000000"),
        (put(READER, "n_jobs", -1), "ImageReader has n_jobs=-1"),
        (put(UNION, "n_jobs", 5), "FeatureUnion has n_jobs=5"),
        (put(READER, "max_pixels", 10**12), "max_pixels=1000000000000 is over"),
    ],
)
def test_what_would_make_no_numbers_or_much_work(good, tmp_path, change, reason):
    path = change_model(good, tmp_path / "a", change)
    with pytest.raises(ValueError, match=reason):
        load_model(path)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("name", ["skvision_json", "schema_json"])
def test_json_has_numbers_only(good, tmp_path, constant, name):
    content = entries(good.read_bytes())[name.replace("_json", ".json")].decode()
    content = content.replace("{", f'{{"a": {constant}, ', 1)
    path = repack(good, tmp_path / "a", **{name: content})
    with pytest.raises(ValueError, match=f"it holds {constant}, which is not a number"):
        load_model(path)


def test_the_limit_of_computing_is_told(tmp_path):
    """A file of 10 MB whose words would take a minute for each image."""
    images = IMAGES.repeat(16, axis=1).repeat(16, axis=2)
    words = BagOfVisualWords(16, n_words=2, n_patches=100, mirror=False, random_state=0)
    words.fit(images)
    words.codebook_ = np.zeros((5000, 384), np.float32)
    words.whitening_ = np.zeros((768, 384), np.float32)
    normalizer = PixelNormalizer().fit(np.eye(2, 4 * 2 * 5000))
    classifier = SoftmaxRegression().fit(np.eye(2, 4 * 2 * 5000), [0, 1])
    model = make_pipeline(
        ImageReader((256, 256)), make_union(words), normalizer, classifier
    )
    n_operations = 241**2 * ((768 + 5000) * 384 + 5000)
    with pytest.raises(ValueError, match="multiply-adds") as caught:
        save_model(model, tmp_path / "a")
    assert f"needs {n_operations:.1e} multiply-adds per image" in str(caught.value)
    assert "over 1.0e+11: train with a smaller size" in str(caught.value)


def test_overlapping_and_repeated_entries_are_refused(good, tmp_path):
    data = bytearray(good.read_bytes())
    start = data.index(b"PK\1\2")
    second = data.index(b"PK\1\2", start + 4)
    overlapping = data.copy()
    overlapping[second + 42 : second + 46] = data[start + 42 : start + 46]
    path = tmp_path / "a"
    path.write_bytes(overlapping)
    with pytest.raises(ValueError, match="its entries overlap"):
        load_model(path)
    name = next(iter(entries(bytes(data))))
    with pytest.warns(UserWarning, match="Duplicate name"):
        with zipfile.ZipFile(io.BytesIO(bytes(data)), "a") as archive:
            archive.writestr(name, b"again")
            file = archive.fp
            archive.close()
            path.write_bytes(file.getvalue())
    with pytest.raises(ValueError, match="two entries of the same name"):
        load_model(path)


def test_an_archive_without_its_end_or_with_a_long_directory(good, tmp_path):
    data = good.read_bytes()
    path = tmp_path / "a"
    for damaged, reason in (
        (data + b"\0", "does not end with an archive directory"),
        (data[:-10] + b"\xff\xff\xff\x7f" + data[-6:], "its directory has"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=reason):
            load_model(path)


def test_a_reason_is_short_and_one_line(good, tmp_path):
    schema = json.loads(entries(good.read_bytes())["schema.json"])
    schema["__module__"] = "a\n\x1b" * 100_000
    path = repack(good, tmp_path / "a", schema_json=json.dumps(schema))
    with pytest.raises(ValueError, match="it holds") as caught:
        load_model(path)
    assert len(str(caught.value)) < 2000 and str(caught.value).isprintable()


def test_the_grammar_takes_what_is_saved(good):
    archive = open_archive(good.read_bytes())
    check_schema(archive.schema, archive.shapes, TYPES)
    assert (3, 116) in archive.shapes.values()


if __name__ == "__main__":
    n = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        data = make_model(Path(folder)).read_bytes()
        seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
        reasons = Counter(
            judge(one, Path(folder, "a")) for one in mutants(data, n, seed)
        )
    for reason, times in reasons.most_common(40):
        print(f"{times:6} {reason[:150]}")
    print(f"{n} files, {reasons['finite']} of them models with finite predictions")
