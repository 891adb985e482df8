"""A model comes back as it was saved, and nothing else comes in."""

import io
import json
import os
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

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
from skvision._app.saved_classifier import load_classifier
from skvision._model_files.model_file import read_model_file, write_model_file
from skvision._readers.image_reader import LARGEST_SIZE


def make_model(size=16, alpha=0.3):
    return make_pipeline(
        ImageReader((size, size)),
        make_union(
            HOG(),
            ColorHistogram(bins=4, grid=(2, 2)),
            BagOfVisualWords(4, n_words=8, random_state=0),
        ),
        PixelNormalizer(variance_floor=0.01),
        SoftmaxRegression(alpha=alpha),
    )


@pytest.fixture(scope="module")
def images():
    images = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    images[::2, :, ::4] = 255
    return images


@pytest.fixture(scope="module", params=[2, 3])
def model(request, images):
    labels = np.array(["ants", "bees", "wasps"])[np.arange(20) % request.param]
    return make_model().fit(images, labels)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.model"


@pytest.fixture
def saved(path, model):
    write_model_file(path, model, {"classes": model.classes_.tolist(), "a": {"b": 20}})
    return path


def rewrite(path, change=None, compression=zipfile.ZIP_STORED, **entries):
    """Write a model file anew, with ``change`` made to its schema."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    if change:
        schema = json.loads(contents["schema.json"])
        change(schema)
        contents["schema.json"] = json.dumps(schema)
    contents |= {name.replace("_json", ".json"): entries[name] for name in entries}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in contents.items():
            if content is not None:
                archive.writestr(name, content)


def find(node, name):
    """Return the state of an attribute, wherever it is in a schema."""
    items = node.values() if isinstance(node, dict) else node
    if isinstance(node, dict) and name in node:
        return node[name]
    nested = (find(item, name) for item in items if isinstance(item, dict | list))
    return next((found for found in nested if found is not None), None)


def set_json(name, value):
    def change(schema):
        find(schema, name).clear()
        find(schema, name).update(json_node(value))

    return change


def json_node(value):
    return {
        "__class__": "str",
        "__module__": "builtins",
        "__loader__": "JsonNode",
        "content": json.dumps(value),
        "is_json": True,
    }


def test_a_model_comes_back(saved, model, images):
    loaded, about = read_model_file(saved)
    assert np.array_equal(loaded.predict_proba(images), model.predict_proba(images))
    assert about["classes"] == model.classes_.tolist()
    assert about["a"] == {"b": 20}
    assert set(about["versions"]) == {"skvision", "scikit-learn", "numpy"}


def test_parameters_and_labels_may_be_numbers_of_numpy(path, images):
    model = make_model(alpha=np.float64(0.5)).fit(images, np.arange(20) % 3)
    save_model(model, path)
    loaded = load_model(path)
    assert loaded[-1].alpha == 0.5
    assert loaded.classes_.tolist() == [0, 1, 2]


def test_skops_alone_can_load_it(saved, images, model):
    trusted = skops.io.get_untrusted_types(file=saved)
    assert all(name.startswith("skvision.") for name in trusted)
    pipeline = skops.io.load(saved, trusted=trusted)
    assert np.array_equal(pipeline.predict(images), model.predict(images))


@pytest.mark.parametrize(
    "pipeline, message",
    [
        (LinearSVC(), "a LinearSVC is not among the estimators"),
        (make_pipeline(HOG(), LinearSVC()), "steps of Pipeline is a LinearSVC"),
        (make_model(), "not fitted"),
    ],
)
def test_another_pipeline_is_not_saved(path, pipeline, message):
    with pytest.raises(ValueError, match=f"cannot be saved: .*{message}"):
        save_model(pipeline, path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("patch_shape_", (40, 4, 3)),
        ("patch_shape_", (4, 0, 3)),
        ("patch_shape_", (4, 4, 1)),
        ("patch_shape_", (4, 4)),
        ("patch_mean_", np.zeros(3, np.float32)),
        ("whitening_", np.zeros((48, 3), np.float32)),
        ("codebook_", np.zeros((7, 24), np.float32)),
        ("_n_symmetric", 100),
        ("_n_symmetric", None),
        ("value_range_", (0.0,)),
    ],
)
def test_visual_words_that_do_not_fit_together(images, path, attribute, value):
    model = make_model().fit(images, np.arange(20) % 2)
    words = model[1].transformer_list[2][1]
    setattr(words, attribute, value)
    with pytest.raises(ValueError, match="cannot be saved: "):
        save_model(model, path)


@pytest.mark.parametrize("ends", [(np.nan, np.nan), (-np.inf, 255.0), (0.0, 1e308)])
def test_a_range_that_is_none(images, path, ends):
    model = make_model().fit(images, np.arange(20) % 2)
    model[1].transformer_list[1][1].value_range_ = ends
    with pytest.raises(ValueError, match="cannot be saved: "):
        save_model(model, path)


@pytest.mark.parametrize(
    ("step", "attribute", "value"),
    [
        (1, "transform", str),
        (1, "transform", "text"),
        (2, "center_", np.zeros((2000, 1))),
        (2, "scale_", np.ones(3)),
        (3, "coef_", np.zeros((0, 300))),
        (3, "intercept_", np.zeros(7)),
    ],
)
def test_parts_that_do_not_fit_together(images, path, step, attribute, value):
    model = make_model().fit(images, np.arange(20) % 2)
    setattr(model[step], attribute, value)
    with pytest.raises(ValueError, match="cannot be saved: "):
        save_model(model, path)
    assert not path.exists()


def test_other_features_are_not_saved(images, path):
    model = make_model().fit(images, np.arange(20) % 2)
    model[1].transformer_list.append(("more", FunctionTransformer()))
    message = "transformer_list of FeatureUnion is a FunctionTransformer"
    with pytest.raises(ValueError, match=message):
        save_model(model, path)


# Versions


def save_version(path, package, version):
    about = json.loads(zipfile.ZipFile(path).read("skvision.json"))
    about["versions"][package] = version
    rewrite(path, skvision_json=json.dumps(about))


@pytest.mark.parametrize("package", ["skvision", "scikit-learn"])
@pytest.mark.parametrize("version", ["0.0.9", "99.1", None])
def test_other_versions_are_an_error(saved, package, version):
    save_version(saved, package, version)
    with pytest.raises(ValueError, match=f"was saved with {package} .* is installed"):
        load_model(saved)


def test_other_versions_are_reported_before_unknown_types(saved):
    def rename(schema):
        schema["__module__"] = "skvision.pipelines"

    rewrite(saved, rename)
    save_version(saved, "skvision", "7.0")
    with pytest.raises(ValueError, match=r"was saved with skvision 7\.0"):
        load_model(saved)


def test_a_release_that_only_mends_faults_is_no_error(saved):
    def set_release(schema):
        version = find(schema, "_sklearn_version")
        first_two = json.loads(version["content"]).split(".")[:2]
        version["content"] = json.dumps(".".join([*first_two, "99"]))
        version["__id__"] = -1  # all steps shared the one text

    rewrite(saved, set_release)
    save_version(saved, "numpy", "1.0")
    model, about = read_model_file(saved)
    assert about["versions"]["numpy"] == "1.0"
    assert model.classes_.tolist() == about["classes"]


def test_the_former_format_is_refused_with_the_version_that_wrote_it(saved):
    def name_files(node):
        if isinstance(node, dict) and node.get("__module__") == "skvision":
            node["__module__"] = f"skvision._{node['__class__'].lower()}"
        for child in node.values() if isinstance(node, dict) else node:
            if isinstance(child, dict | list):
                name_files(child)

    about = json.loads(zipfile.ZipFile(saved).read("skvision.json"))
    about["format"], about["versions"]["skvision"] = 1, "0.1.0.dev0"
    rewrite(saved, name_files, skvision_json=json.dumps(about))
    with pytest.raises(ValueError, match=r"with skvision 0\.1\.0\.dev0 in format 1"):
        load_model(saved)


def test_classes_are_named_by_their_public_path(saved):
    types = skops.io.get_untrusted_types(file=saved)
    assert "skvision.HOG" in types and not any("._" in name for name in types)


def test_a_later_format_is_an_error(saved):
    rewrite(saved, skvision_json='{"format": 3}')
    with pytest.raises(ValueError, match=r"a format that skvision .* does not support"):
        load_model(saved)


# Types


class Unknown:
    pass


@pytest.mark.parametrize(
    "thing, name",
    [
        (os.system, f"{os.name}.system"),
        (os.path.join, "path.join"),
        (np.add, "numpy.*add"),
        (Unknown(), "Unknown"),
        (FunctionTransformer(np.log), "sklearn.*FunctionTransformer"),
        (LinearSVC(), "sklearn.*LinearSVC"),
        (np.random.RandomState(0), "numpy.random.*RandomState"),
        (slice(3), "builtins.slice"),
        ({1.5: 2}, "builtins.float"),
        (b"bytes", "builtins.bytes"),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given).__name__,
)
@pytest.mark.parametrize("where", ["alone", "inside"])
def test_other_types_are_refused_by_name(saved, thing, name, where):
    dump = skops.io.dumps(thing)
    if where == "alone":
        saved.write_bytes(dump)
    else:

        def put_inside(schema):
            foreign = json.loads(zipfile.ZipFile(io.BytesIO(dump)).read("schema.json"))
            find(schema, "pixels_per_cell").update(foreign)

        rewrite(saved, put_inside)
    with pytest.raises(ValueError, match=f"is not a skvision model: it holds .*{name}"):
        load_model(saved)


def test_nothing_is_run(saved, tmp_path):
    """A call that skops itself would make, once the type is trusted."""
    target = tmp_path / "made"

    def call(schema):
        find(schema, "pixels_per_cell").update(
            __class__="mkdir",
            __module__="os",
            __loader__="ConstructorFromReduceNode",
            content=json.loads(
                zipfile.ZipFile(io.BytesIO(skops.io.dumps((str(target),)))).read(
                    "schema.json"
                )
            ),
        )

    rewrite(saved, call)
    with pytest.raises(ValueError, match=r"it holds os\.mkdir"):
        load_model(saved)
    assert not target.exists()


def test_known_types_by_other_loaders_are_refused(saved):
    def change(schema):
        schema["__loader__"] = "MethodNode"

    rewrite(saved, change)
    with pytest.raises(ValueError, match=r"it holds sklearn\.pipeline\.Pipeline"):
        load_model(saved)


# Damaged and hostile files


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.9999])
def test_truncated(saved, share):
    data = saved.read_bytes()
    saved.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ValueError, match="is not a skvision model: "):
        load_model(saved)


def test_any_byte_changed_is_refused_or_makes_no_difference(saved, rng):
    data = saved.read_bytes()
    for position in rng.integers(0, len(data), 60):
        damaged = bytearray(data)
        damaged[position] ^= 1 << rng.integers(8)
        saved.write_bytes(damaged)
        try:
            load_model(saved)
        except ValueError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("data", [b"", b"PK", b"\x80\x04K\x01.", b"PK\3\4" * 100])
def test_no_zip(path, data):
    path.write_bytes(data)
    with pytest.raises(ValueError, match="is not a skvision model: "):
        load_model(path)


@pytest.mark.parametrize(
    "entries, message",
    [
        ({"schema_json": None}, r"it has no schema\.json"),
        ({"skvision_json": None}, "it was not saved by skvision"),
        ({"skvision_json": "{}"}, "it was not saved by skvision"),
        ({"skvision_json": "[1]"}, r"its skvision\.json is not an object"),
        ({"schema_json": "[1]"}, r"its schema\.json is not an object"),
        ({"schema_json": "{"}, "is not a skvision model"),
        ({"schema_json": b"\xff"}, "is not a skvision model"),
        ({"schema_json": "{}"}, "is not a skvision model"),
        ({"schema_json": '{"a":' * 10**5}, "RecursionError"),
        ({"schema_json": "[" * (1 << 22) + "]"}, r"its schema\.json has 4194305 bytes"),
    ],
)
def test_bad_entries(saved, entries, message):
    rewrite(saved, **entries)
    with pytest.raises(ValueError, match=message):
        load_model(saved)


def test_a_zip_bomb_is_not_unpacked(saved):
    bomb = bytes(1 << 28)
    rewrite(saved, compression=zipfile.ZIP_DEFLATED, bomb=bomb)
    assert saved.stat().st_size < 1 << 20
    with pytest.raises(ValueError, match="it is compressed"):
        load_model(saved)


def test_entries_that_claim_to_be_larger_are_refused(saved):
    data = saved.read_bytes()
    start = data.index(b"PK\1\2")
    claimed = data[: start + 24] + b"\0\0\0\x40" + data[start + 28 :]
    saved.write_bytes(claimed)
    with pytest.raises(ValueError, match="its entries are larger than the file"):
        load_model(saved)


def test_one_name_for_two_things_is_refused(saved):
    """skops takes the first of them twice; nested, that takes exponential time."""

    def rename(schema):
        inner = find(schema, "cells_per_block")
        inner["__id__"] = find(schema, "pixels_per_cell")["__id__"]
        inner["content"] = inner["content"][:1]

    rewrite(saved, rename)
    with pytest.raises(ValueError, match="two different nodes with the same id"):
        load_model(saved)


def test_an_array_is_unpacked_once(saved):
    def repeat(schema):
        content = find(schema, "coef_")
        copies = [dict(content, __id__=-i) for i in range(1, 1000)]
        find(schema, "steps")["content"] += copies

    rewrite(saved, repeat)
    with pytest.raises(ValueError, match="it uses an array twice"):
        load_model(saved)


def npy(shape, descr="<f4"):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


@pytest.mark.parametrize(
    "content", [npy("(1 << 40,)"), npy((10**13,)), npy((3,)), b"PK\3\4", b""]
)
def test_arrays_that_are_none(saved, content):
    names = zipfile.ZipFile(saved).namelist()
    rewrite(saved, **{name: content for name in names if name.endswith("npy")})
    with pytest.raises(ValueError, match="is not a skvision model: "):
        load_model(saved)


@pytest.mark.parametrize(
    "name, value",
    [
        ("size", (16,)),
        ("size", (32, 32)),
        ("size", (LARGEST_SIZE + 1, 16)),
        ("size", (10**9, 10**9)),
        ("size", "16"),
        ("mode", "CMYK"),
        ("orientations", 10**9),
        ("orientations", 2.5),
        ("pixels_per_cell", (0, 0)),
        ("pixels_per_cell", (1, 1)),
        ("cells_per_block", (-1, 1)),
        ("image_shape_", (8, 8, 3)),
        ("image_shape_", (10**6, 10**6, 3)),
        ("classes_", ["ants"]),
        ("coef_", [[1.0]]),
        ("coef_", None),
        ("intercept_", float("nan")),
        ("center_", "text"),
        ("steps", []),
        ("predict_proba", 3),
    ],
    ids=str,
)
def test_what_would_fail_later_is_refused(saved, name, value):
    if name == "predict_proba":

        def change(schema):  # an attribute in the place of a method
            schema["content"]["content"][name] = json_node(value)
            schema["content"]["key_types"]["content"].append(
                schema["content"]["key_types"]["content"][0]
            )
    elif isinstance(value, tuple):

        def change(schema):
            dump = io.BytesIO(skops.io.dumps(value))
            state = json.loads(zipfile.ZipFile(dump).read("schema.json"))
            find(schema, name).update(content=state["content"])
    else:
        change = set_json(name, value)
    rewrite(saved, change)
    with pytest.raises(ValueError, match="is not a skvision model: "):
        load_model(saved)


def test_other_classes_than_described(saved):
    about = json.loads(zipfile.ZipFile(saved).read("skvision.json"))
    about["classes"] = ["cats", "dogs"]
    rewrite(saved, skvision_json=json.dumps(about))
    with pytest.raises(ValueError, match="its classes differ from those"):
        load_classifier(str(saved))


def test_missing_files_are_errors_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        load_model(tmp_path)
