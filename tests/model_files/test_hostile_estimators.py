"""Files whose estimators were changed to do harm: each is refused with one line."""

import io
import json
import zipfile
from collections import Counter

import numpy as np
import pytest
from hostile_files import entries, mutants, pack
from sklearn.decomposition import PCA
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from skvision import (
    HOG,
    ArcFaceEmbedder,
    ImageReader,
    KNNImageClassifier,
    MLPBackprop,
    NearestImages,
    Perceptron,
    PixelNormalizer,
    SoftmaxRegression,
    VerificationThreshold,
    load_model,
    save_model,
)
from skvision._networks.architecture import Architecture
from skvision._training.standard import Standard

pytestmark = pytest.mark.filterwarnings("ignore")  # of fits as short as these

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
LABELS = np.arange(12) % 3
NETWORK = MLPBackprop(4, batch_norm=True, max_iter=1, random_state=0)
EMBEDDER = ArcFaceEmbedder(2, batch_norm=False, max_iter=1, random_state=0)
SGD = SoftmaxRegression(solver="sgd", max_iter=1, random_state=0)
MODELS = {
    "knn": KNNImageClassifier(2),
    "nearest": NearestImages(2),
    "network": NETWORK,
    "embedder": EMBEDDER,
    "lock": VerificationThreshold(
        ArcFaceEmbedder(2, max_iter=1, learning_rate="constant", random_state=0),
        cv="prefit",
        far=0.5,
    ),
    "linear": SoftmaxRegression(),
    "sgd": SGD,
    "perceptron": Perceptron(average=True, max_iter=1, random_state=0),
    "whitening": PixelNormalizer(whitening_epsilon=0.1),
    "reader": ImageReader((8, 8), mode="L"),
    "scaled": make_pipeline(
        ImageReader((8, 8), mode="L"), HOG(), StandardScaler(), PCA(2, whiten=True),
        LogisticRegression(),
    ),
    "deep": make_pipeline(ImageReader((8, 8), mode="L"), NETWORK),
    "union": make_union(HOG(), HOG()),
    "ensemble": VotingClassifier(
        [("a", SoftmaxRegression()), ("b", make_pipeline(HOG(), SoftmaxRegression()))],
        voting="soft",
    ),
}  # fmt: skip


def make(name):
    model = MODELS[name]
    if name == "lock":
        model.estimator.fit(IMAGES, LABELS)
    if name in ("sgd", "perceptron"):
        return model.partial_fit(IMAGES, LABELS, classes=[0, 1, 2])
    return model.fit(IMAGES, LABELS)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return a function that gives the content of the file of a model."""
    folder, made = tmp_path_factory.mktemp("models"), {}

    def content(name):
        if name not in made:
            save_model(make(name), folder / name)
            made[name] = (folder / name).read_bytes()
        return made[name]

    return content


def change(data, path, change):
    """Write a file whose model was changed, in the format of skops and unchecked."""
    from skvision._model_files.model_archive import open_archive
    from skvision._model_files.model_decoder import Decoder
    from skvision._model_files.model_encoder import Encoder

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        model = Decoder(archive).decode(open_archive(data).schema)
    change(model)
    encoder = Encoder()
    contents = {**encoder.arrays, "schema.json": json.dumps(encoder.encode(model))}
    about = entries(data)["skvision.json"]
    path.write_bytes(pack({**contents, **encoder.arrays, "skvision.json": about}))


def put(attribute, value, *parts):
    """Return a change of an attribute of a model, or of a part of it."""

    def put_in(model):
        for part in parts:
            model = model[part] if isinstance(part, int) else getattr(model, part)
        vars(model)[attribute] = value

    return put_in


def scaled(attribute, factor, *parts):
    def scale(model):
        for part in parts:
            model = model[part] if isinstance(part, int) else getattr(model, part)
        vars(model)[attribute] = vars(model)[attribute] * factor

    return scale


def delete(attribute):
    return lambda model: vars(model).pop(attribute)


NAN = float("nan")
HUGE = np.full((12, 64), 10**6, np.float64)


@pytest.mark.parametrize(
    ("name", "how", "reason"),
    [
        # of all
        ("knn", put("predict", 3), "overwrites methods"),
        ("knn", put("__class__", "HOG"), "overwrites methods"),
        ("linear", put("alpha", HOG()), "'alpha' parameter"),
        ("linear", put("alpha", NAN), "'alpha' parameter"),
        ("linear", put("n_features_in_", 63), "is not that of its features"),
        ("linear", put("n_features_in_", 10**12), "n_features_in_ of"),
        ("linear", put("n_features_in_", "64"), "n_features_in_ of"),
        ("linear", put("image_shape_", (64, 1, -1)), "is not that of its features"),
        ("linear", put("image_shape_", None), None),
        ("linear", delete("n_features_in_"), "n_features_in_ of"),
        ("linear", delete("coef_"), "not fitted"),
        ("linear", put("classes_", np.array([0, 1, 1])), "not unique"),
        ("linear", put("classes_", np.array([0, 1])), "different number of classes"),
        ("linear", put("classes_", [0, 1, 2]), "classes_ must be an array"),
        ("linear", put("coef_", np.array([HOG()], object)), "number of classes"),
        ("linear", put("coef_", np.full((3, 64), NAN)), "not finite"),
        ("linear", put("coef_", np.zeros((3, 63))), r"the shape \(3, 64\)"),
        ("linear", put("coef_", np.zeros((3, 64), np.uint8)), "array of floats"),
        # neighbors
        ("knn", put("_rows", np.zeros((12, 63), np.uint8)), "do not have the shape"),
        ("knn", put("_rows", np.zeros((12, 64), np.int64)), "not bytes or floats"),
        ("knn", put("_rows", np.full((12, 64), NAN)), "not finite"),
        ("knn", put("_rows", np.zeros((0, 64), np.uint8)), "do not have the shape"),
        ("knn", put("_rows", None), "not bytes or floats"),
        ("knn", put("n_samples_fit_", -1), "do not have the shape"),
        ("knn", put("n_neighbors", -1), "'n_neighbors' parameter"),
        ("knn", put("n_neighbors", 10**9), "n_neighbors must be between"),
        ("knn", put("effective_metric_", "euclid"), "its metric is not"),
        ("knn", put("effective_metric_", ImageReader()), "its metric is not"),
        ("knn", put("_labels", np.full(12, 3)), "not those of its classes"),
        ("knn", put("_labels", np.full(12, -1)), "not those of its classes"),
        ("knn", put("_labels", np.zeros(12)), "its labels are not integers"),
        ("knn", put("_labels", np.zeros(11, int)), "another number of labels"),
        ("knn", put("class_weight", {0: -1.0}), "class_weight"),
        # networks
        ("network", put("parameters_", np.zeros(3, "f4")), "do not fit to its layers"),
        ("network", scaled("parameters_", np.float32(NAN)), "not finite"),
        ("network", scaled("parameters_", np.float64(1)), "floats of one kind"),
        ("network", put("_statistics", np.full(8, -1, "f4")), "negative variances"),
        ("network", put("_architecture", None), "its architecture is none"),
        ("network", put("_architecture", HOG()), "its architecture is none"),
        (
            "network",
            put("_architecture", Architecture(64, (10**9,), ("relu",), False, 3)),
            "do not fit to its layers",
        ),
        (
            "network",
            put("_architecture", Architecture(64, (-4,), ("relu",), True, 3)),
            "positive widths",
        ),
        (
            "network",
            put("_architecture", Architecture(64, (4,), ("system",), True, 3)),
            "activation functions",
        ),
        (
            "network",
            put("_architecture", Architecture(64, (4,), ("relu",), True, 2)),
            "do not fit to its features and classes",
        ),
        ("network", put("margin", NAN, "_architecture"), "scale and margin"),
        ("network", put("extra", 1, "_architecture"), "wrong attributes"),
        ("network", put("network", 1, "_architecture"), "wrong attributes"),
        ("network", put("_standard", 3.0), "deviation are none"),
        ("network", put("_standard", Standard(np.zeros(64), np.ones(1))), "do not fit"),
        (
            "network",
            put("_standard", Standard(np.full(64, NAN), np.ones(64))),
            "are not finite",
        ),
        ("network", put("_optimizer_state", {"mean": np.zeros(3)}), "optimizer"),
        ("network", put("_optimizer_state", [1]), "no attribute 'items'"),
        ("network", put("_rng", 3), "random number generator is none"),
        ("network", put("tta", "yes"), "'tta' parameter"),
        ("embedder", put("by_angle", "x", "_architecture"), None),
        ("embedder", put("scale", NAN, "_architecture"), "scale and margin"),
        ("deep", scaled("parameters_", np.float32(1e30), 1), "could be infinite"),
        ("lock", put("threshold_", NAN), "threshold is not a finite number"),
        ("lock", put("tar_", (1, 2)), "its tar_ is not"),
        ("lock", put("estimator_", SoftmaxRegression()), "has no transform"),
        ("lock", put("estimator_", "HOG"), "HOG|str"),
        # partial_fit
        ("sgd", put("_optimizer_state", {"velocity": np.zeros(2)}), "optimizer"),
        ("sgd", put("_center", np.zeros(3)), "_center of"),
        ("perceptron", put("params", np.zeros((3, 3)), "_state"), "params of Weights"),
        ("perceptron", put("n_steps", 1.5, "_state"), "number of steps"),
        ("perceptron", put("result", 1, "_state"), "overwrites methods"),
        # transformers
        ("whitening", put("_unwhitening", None), "contradict each other"),
        ("whitening", put("whitening_", np.eye(3)), "whitening_ of"),
        ("reader", put("size", (8, 10**6)), "is over 1024"),
        ("reader", put("size", (8, 0)), "size"),
        ("reader", put("size", -8), "size"),
        ("reader", delete("background"), "lacks a parameter of this version"),
        ("reader", put("size", HOG()), "'size' parameter"),
        ("reader", put("value_range", (0, float("inf"))), "not finite"),
        ("reader", put("value_range", ("0", 1)), "value_range"),
        ("reader", put("background", "no color"), "background"),
        ("reader", put("max_pixels", 10**12), "is over 100000000"),
        # scikit-learn's
        ("scaled", put("memory", "cache"), "memory=None"),
        ("scaled", put("steps", []), "steps|index"),
        ("scaled", put("steps", [("a", 3)]), "3 is not an estimator"),
        ("scaled", put("scale_", np.full(9, 1e-300), 2), "could be infinite"),
        ("scaled", put("mean_", np.zeros(2), 2), "mean_ of StandardScaler"),
        ("scaled", put("n_features_in_", 2, 2), "different numbers of features"),
        ("scaled", put("components_", np.zeros((3, 9)), 3), "explained_variance_"),
        ("scaled", put("explained_variance_", np.zeros(2), 3), "could be infinite"),
        ("scaled", put("image_shape_", (4, 16, 1), 1), "images of different shapes"),
        ("scaled", put("orientations", 10**8, 1), "features|multiply-adds"),
        ("union", put("transformer_weights", {"hog": 2.0}), "have weights"),
        ("union", put("transformer_list", []), "must have transformers"),
        ("union", put("transformer_list", [("a", "drop")]), "must have transformers"),
        ("ensemble", put("voting", "hard"), "voting='soft'"),
        ("ensemble", put("voting", []), "'voting' parameter"),
        ("ensemble", put("estimators_", []), "index|example|features"),
        ("ensemble", put("classes_", np.array([3, 4, 5])), "other classes"),
        ("ensemble", put("classes_", np.array([0, 1, 2]), "le_"), None),
        ("ensemble", put("classes_", np.array([0, 1]), "estimators_", 0), "classes"),
    ],
)  # fmt: skip
def test_changed_attributes_are_refused(files, tmp_path, name, how, reason):
    path = tmp_path / "a.skops"
    change(files(name), path, how)
    if reason is None:  # what makes no difference
        load_model(path)
        return
    with pytest.raises(ValueError, match=reason) as caught:
        load_model(path)
    assert "is not a skvision model: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["knn", "deep", "ensemble", "lock", "scaled"])
def test_mutants_are_refused_or_predict(files, tmp_path, name):
    path, verdicts = tmp_path / "a.skops", Counter()
    for data in mutants(files(name), 40, seed=1):
        path.write_bytes(data)
        try:
            model = load_model(path)
        except ValueError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            verdicts["refused"] += 1
            continue
        if name == "lock":
            model.verify(IMAGES, IMAGES)
        else:
            assert np.isfinite(model.predict_proba(IMAGES)).all()
    assert 10 < verdicts["refused"]


def schema_of(data):
    return json.loads(entries(data)["schema.json"])


def attributes(node):
    return node["content"]["content"]


def write(data, path, schema):
    path.write_bytes(pack({**entries(data), "schema.json": json.dumps(schema)}))


def swap_class(module, name):
    def swap(schema):
        schema.update(__module__=module, __class__=name)

    return swap


def nest(schema):
    """Put a model into itself, as far as JSON allows."""
    attributes(schema)["alpha"] = json.loads(json.dumps(schema))


def repeat_id(schema):
    attributes(schema)["alpha"] = {**attributes(schema)["tol"], "content": "2.0"}


def give_generator_another_kind(schema):
    state = attributes(schema)["_rng"]["content"]["bit_generator"]
    state["content"]["bit_generator"]["content"] = '"seed"'


def take_part_of_generator(schema):
    del attributes(schema)["_rng"]["content"]["seed_seq"]


def make_array_of_objects(schema):
    node = attributes(schema)["coef_"]
    del node["file"]
    shape = attributes(schema)["image_shape_"]
    node.update(type="json", content=[attributes(schema)["tol"]] * 64, shape=shape)


def give_array_a_wrong_shape(schema):
    make_array_of_objects(schema)
    attributes(schema)["coef_"]["content"].pop()


def pickle_array(schema):
    attributes(schema)["coef_"]["type"] = "pickle"


def give_index(schema):
    attributes(schema)["_index"].update(__id__=-1, content="3")


def give_sketches(schema):
    attributes(schema)["_sketched"].update(__id__=-1, content="[1]")


def nest_value(schema):
    attributes(schema)["tol"].update(__id__=-1, content="[[1]]")


@pytest.mark.parametrize(
    ("name", "how", "reason"),
    [
        ("linear", swap_class("skvision", "HOG"), "HOG lacks a parameter"),
        ("linear", swap_class("skvision.augmentation", "Compose"), "no estimator"),
        ("linear", swap_class("skvision", "load_model"), "it holds skvision.load"),
        ("linear", swap_class("skvision._linear", "softmax_regression"), "it holds"),
        ("linear", swap_class("sklearn.pipeline", "Pipeline"), "overwrites methods"),
        ("linear", swap_class("subprocess", "Popen"), r"it holds subprocess\.Popen"),
        ("linear", nest, "two different nodes|the same id|'alpha'"),
        ("linear", repeat_id, "two different nodes with the same id"),
        ("linear", make_array_of_objects, "number of classes|array of floats"),
        ("linear", give_array_a_wrong_shape, "reshape|number of classes"),
        ("linear", pickle_array, "it has no array"),
        ("linear", nest_value, "nested list or dict"),
        ("knn", give_index, "an index that does not come from"),
        ("nearest", give_sketches, "an index that does not come from"),
        ("network", give_generator_another_kind, "PCG64|state must be"),
        ("network", take_part_of_generator, "without its parts"),
    ],
)  # fmt: skip
def test_changed_trees_are_refused(files, tmp_path, name, how, reason):
    schema = schema_of(files(name))
    how(schema)
    write(files(name), tmp_path / "a.skops", schema)
    with pytest.raises(ValueError, match=reason) as caught:
        load_model(tmp_path / "a.skops")
    assert "\n" not in str(caught.value)


def test_a_method_is_not_hidden_in_a_part(files, tmp_path):
    schema = schema_of(files("perceptron"))
    state = attributes(schema)["_state"]["content"]
    state["content"]["result"] = dict(state["content"]["n_steps"])
    state["key_types"]["content"].append(state["key_types"]["content"][0])
    write(files("perceptron"), tmp_path / "a.skops", schema)
    with pytest.raises(ValueError, match="overwrites methods"):
        load_model(tmp_path / "a.skops")


def test_loading_imports_only_what_a_file_names(files, tmp_path):
    """Of a name that is not listed, not even the module is imported."""
    import sys

    (tmp_path / "unlisted_module.py").write_text("raise SystemExit")
    sys.path.insert(0, str(tmp_path))
    try:
        schema = schema_of(files("linear"))
        schema.update(__module__="unlisted_module", __class__="Model")
        write(files("linear"), tmp_path / "a.skops", schema)
        with pytest.raises(ValueError, match=r"it holds unlisted_module\.Model"):
            load_model(tmp_path / "a.skops")
    finally:
        sys.path.remove(str(tmp_path))
