"""Every estimator comes back from a file as it was, and goes on learning."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
import skops.io
from estimators import ALL
from learner_table import LEARNERS, LOSSES
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

import skvision
from skvision import (
    HOG,
    ArcFaceEmbedder,
    ColorHistogram,
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
from skvision._model_files import model_types
from skvision.augmentation import ColorJitter, Compose, RandomErasing, RandomFlip
from skvision.model_selection import CoarseToFineSearchCV
from skvision.schedules import OnPlateau, StepDecay

pytestmark = pytest.mark.filterwarnings("ignore")  # of fits as short as these

IMAGES = np.random.default_rng(0).integers(0, 256, (24, 10, 10, 3), dtype=np.uint8)
IMAGES[::4, :, :5] = 255
LABELS = np.array(list("abcd"))[np.arange(24) % 4]
METHODS = ("predict", "predict_proba", "decision_function", "transform", "kneighbors")

EMBEDDER = ArcFaceEmbedder(2, max_iter=2, random_state=0)
NETWORK = MLPBackprop(4, batch_norm=True, max_iter=2, random_state=0)
FEATURES = make_union(HOG(), ColorHistogram(bins=4))
MEMBERS = [
    ("a", make_pipeline(HOG(), StandardScaler(), PCA(3, whiten=True), EMBEDDER)),
    ("b", make_pipeline(FEATURES, PixelNormalizer(), NETWORK)),
]
MODELS = {
    **{E.__name__: E() for E in ALL},
    **{learner.name: learner.model for learner in [*LEARNERS, *LOSSES]},
    "VerificationThreshold": VerificationThreshold(EMBEDDER, far=0.5, cv=2),
    "whitening": PixelNormalizer(whitening_epsilon=0.1),
    "distances": KNNImageClassifier(3, metric="chi2", class_weight={"a": 2.0, "c": 3}),
    "augmented": MLPBackprop(
        3,
        augmentation=Compose([RandomFlip(), ColorJitter(0.2), RandomErasing()]),
        learning_rate=StepDecay(2),
        solver="sgd",
        max_iter=2,
        random_state=0,
    ),
    "schedule": SoftmaxRegression(
        solver="sgd", learning_rate=OnPlateau(), max_iter=3, random_state=0
    ),
    "whole": make_pipeline(
        ImageReader((10, 10)), FEATURES, PixelNormalizer(), SoftmaxRegression()
    ),
    "reader": ImageReader(
        10, mode="L", background=(255, 0, 0), value_range=(0, 4095), resize="pad"
    ),
    "scikit-learn": make_pipeline(
        HOG(), StandardScaler(with_mean=False), PCA(4), LogisticRegression()
    ),
    "neighbors": make_pipeline("passthrough", HOG(), KNNImageClassifier(2)),
    "ensemble": VotingClassifier(
        [("a", MEMBERS[1][1]), ("b", make_pipeline(HOG(), LogisticRegression()))],
        voting="soft",
        weights=[2, 1],
    ),
    "within": make_pipeline(
        ImageReader((10, 10)), VotingClassifier(MEMBERS[1:], voting="soft")
    ),
    "table": make_union(HOG(), PixelNormalizer()).set_output(transform="pandas"),
}
MODELS["table"].set_params(hog__image_shape=(10, 10, 3))


def fitted(name):
    X = IMAGES.reshape(24, -1) if name == "table" else IMAGES
    return clone(MODELS[name]).fit(X, LABELS), X


def saved(model, path):
    save_model(model, path)
    return load_model(path)


def assert_same(one, other):
    """Compare values, also within lists, dicts and objects."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray | np.generic):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(
            np.ma.getmaskarray(one), np.ma.getmaskarray(other)
        )
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for mine, yours in zip(one, other, strict=True):
            assert_same(mine, yours)
    elif isinstance(one, np.random.Generator):
        assert_same(one.bit_generator.state, other.bit_generator.state)
    elif hasattr(one, "__dict__"):
        made_again = {"_sketched": vars(other).get("_sketched")}
        left_out = made_again if "_sketched" in vars(one) else {}
        assert_same(vars(one) | left_out, vars(other))
    else:
        assert one == other or one != one  # NaN


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_as_it_was(name, tmp_path):
    model, X = fitted(name)
    again = saved(model, tmp_path / "a.skops")
    assert_same(model, again)
    for method in METHODS:
        if hasattr(model, method):
            ours, theirs = getattr(model, method)(X), getattr(again, method)(X)
            np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    save_model(model, tmp_path / "a.skops")
    save_model(again, tmp_path / "b.skops")
    assert (tmp_path / "a.skops").read_bytes() == (tmp_path / "b.skops").read_bytes()


def test_all_public_classes_are_listed():
    public = {f"skvision.{E.__name__}" for E in ALL}
    for module in (skvision.augmentation, skvision.schedules):
        public |= {f"{module.__name__}.{name}" for name in module.__all__}
    assert public <= model_types.ESTIMATORS | model_types.PARTS


@pytest.mark.parametrize("name", sorted(model_types.ESTIMATORS | model_types.PARTS))
def test_types_have_the_names_of_the_list(name):
    kind = model_types.find_type(name)
    assert model_types.name_of(kind) == name
    assert model_types.is_listed(kind, "ObjectNode")


@pytest.mark.parametrize("name", ["voting", "mlp", "perceptron_rows_average", "whole"])
def test_skops_reads_it_too(name, tmp_path):
    model, _ = fitted("ensemble" if name == "voting" else name)
    save_model(model, tmp_path / "a.skops")
    types = skops.io.get_untrusted_types(file=tmp_path / "a.skops")
    again = skops.io.load(tmp_path / "a.skops", trusted=types)
    np.testing.assert_array_equal(again.predict(IMAGES), model.predict(IMAGES))


@pytest.mark.parametrize(
    "model",
    [
        SoftmaxRegression(solver="adam", max_iter=2, random_state=0),
        Perceptron(batch_size=1, average=True, random_state=0),
        MLPBackprop(4, dropout=0.2, batch_norm=True, max_iter=2, random_state=0),
        ArcFaceEmbedder(2, learning_rate="constant", random_state=0),
        KNNImageClassifier(2),
    ],
    ids=lambda model: type(model).__name__,
)
def test_learning_goes_on(model, tmp_path):
    model = clone(model)
    for _ in range(2):
        model.partial_fit(IMAGES, LABELS, classes=list("abcd"))
    again = saved(model, tmp_path / "a.skops")
    for each in (model, again):
        each.partial_fit(IMAGES, LABELS)
    assert_same(model, again)


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(24) % 3,
        np.arange(24, dtype=np.uint8) % 3,
        np.arange(24) % 2 == 0,
        np.array(["wasp", "bee", "ä\n"])[np.arange(24) % 3],
        np.array(["wasp", "bee"], object)[np.arange(24) % 2],
        np.arange(24) % 2 + 1.0,
    ],
    ids=lambda labels: str(labels.dtype),
)
@pytest.mark.parametrize("kind", [SoftmaxRegression, KNNImageClassifier])
def test_labels_keep_their_type(kind, labels, tmp_path):
    model = kind().fit(IMAGES, labels)
    again = saved(model, tmp_path / "a.skops")
    assert_same(model.classes_, again.classes_)
    assert_same(model.predict(IMAGES), again.predict(IMAGES))


def test_names_of_columns_come_back(tmp_path):
    table = pd.DataFrame(IMAGES[:, 0, :, 0]).add_prefix("column_")
    model = make_pipeline(StandardScaler(), SoftmaxRegression()).fit(table, LABELS)
    again = saved(model, tmp_path / "a.skops")
    assert_same(model[0].feature_names_in_, again[0].feature_names_in_)
    np.testing.assert_array_equal(model.predict(table), again.predict(table))
    with pytest.raises(ValueError, match="feature names"):
        again.predict(table.add_prefix("other_"))


def test_objects_that_are_shared_stay_shared(tmp_path):
    model, _ = fitted("ensemble")
    again = saved(model, tmp_path / "a.skops")
    assert again.named_estimators_["a"] is again.estimators_[0]


def test_settings_of_the_computer_and_of_fits_are_left_out(tmp_path):
    model = make_pipeline(HOG(n_jobs=2), KNNImageClassifier(n_jobs=-1))
    model = model.fit(IMAGES, LABELS)
    again = saved(model, tmp_path / "a.skops")
    assert (again[0].n_jobs, again[1].n_jobs) == (None, None)
    assert (model[0].n_jobs, model[1].n_jobs) == (2, -1)


def test_sketches_are_made_again(tmp_path, rng):
    """They are large, and follow from the images."""
    images = rng.integers(0, 256, (8200, 1, 8), dtype=np.uint8).repeat(64, axis=1)
    model = NearestImages(2).fit(images)
    assert vars(model)["_sketched"]
    again = saved(model, tmp_path / "a.skops")
    assert_same(model.kneighbors(images[:3]), again.kneighbors(images[:3]))
    with zipfile.ZipFile(tmp_path / "a.skops") as archive:
        arrays = [name for name in archive.namelist() if name.endswith(".npy")]
    assert len(arrays) == 1


# What cannot be saved


def unchanged(images, rng):
    return images


def rate(epoch, history):
    return 0.1


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (
            SoftmaxRegression(solver="sgd", learning_rate=rate),
            "learning_rate of SoftmaxRegression is a function",
        ),
        (
            MLPBackprop(3, max_iter=1, augmentation=unchanged),
            "augmentation of MLPBackprop is a .*, which a model file cannot hold",
        ),
        (
            KNNImageClassifier(2, metric=lambda a, b: abs(a - b).sum()),
            "metric of KNNImageClassifier is a function",
        ),
        (
            make_pipeline(HOG(), Perceptron(random_state=np.random.RandomState(0))),
            "random_state of Perceptron is a RandomState",
        ),
        (
            CoarseToFineSearchCV(
                SoftmaxRegression(), {"alpha": [1, 2]}, n_iter=3, cv=2
            ),
            "a CoarseToFineSearchCV is not .*: save its best_estimator_",
        ),
        (
            VotingClassifier([("a", SoftmaxRegression())]),
            "an ensemble must have voting='soft'",
        ),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given).__name__,
)
def test_what_cannot_be_saved_is_named(model, reason, tmp_path):
    model = clone(model).fit(IMAGES, LABELS)
    path = tmp_path / "a.skops"
    path.write_text("what was there")
    with pytest.raises(ValueError, match=f"The model cannot be saved: .*{reason}"):
        save_model(model, path)
    assert path.read_text() == "what was there"


LOOP: list[object] = [np.zeros(1)]
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (LOOP, "results_ of HOG contains itself"),
        ({1.5: 2}, "keys that are neither text nor integers"),
        ({1: 2, "1": 3}, "keys that are equal as text"),
        (np.array(["2026"], "M8[D]"), "is an array of datetime64"),
        (np.zeros(3, np.float16), "is an array of float16"),
        (1 + 2j, "is a complex, which a model file cannot hold"),
        ([slice(3)], "is a slice, which a model file cannot hold"),
        (pd.Series([1]), "is a Series, which a model file cannot hold"),
        (LogisticRegression, "is a type, which a model file cannot hold"),
        (np.random.Generator(np.random.MT19937(0)), "is not a generator of"),
        (10**40, "an integer of more than 128 bits"),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given).__name__,
)
def test_what_is_no_plain_data_is_named(value, reason, tmp_path):
    model = HOG().fit(IMAGES)
    model.results_ = value
    with pytest.raises(ValueError, match=f"The model cannot be saved: .*{reason}"):
        save_model(model, tmp_path / "a.skops")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_could_not_be_loaded_is_not_saved(tmp_path, monkeypatch):
    monkeypatch.setattr("skvision._model_files.model_archive.LARGEST_FILE", 1000)
    with pytest.raises(
        ValueError, match=r"cannot be saved: it has \d+ bytes, over 1000"
    ):
        save_model(ImageReader(), tmp_path / "a.skops")


@pytest.mark.parametrize("kind", [KNNImageClassifier, NearestImages])
def test_a_graph_is_not_saved(kind, tmp_path):
    pytest.importorskip("faiss")
    model = kind(2, algorithm="hnsw").fit(IMAGES, LABELS)
    with pytest.raises(ValueError, match="set algorithm='brute' and fit again"):
        save_model(model, tmp_path / "a.skops")


@pytest.mark.parametrize("E", ALL, ids=lambda E: E.__name__)
def test_a_model_that_is_not_fitted_is_not_saved(E, tmp_path):
    if E is ImageReader:  # which has nothing to fit
        return
    with pytest.raises(ValueError, match=f"This {E.__name__} .* is not fitted yet"):
        save_model(E(), tmp_path / "a.skops")


@pytest.mark.parametrize(
    "suffix", [".pkl", ".PICKLE", ".joblib", ".onnx", ".pt", ".h5"]
)
def test_suffixes_of_other_formats_are_warned_about(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    with pytest.warns(UserWarning, match=r"another format.*use the suffix \.skops"):
        save_model(ImageReader(), path)
    assert type(load_model(path)) is ImageReader


# Attributes of estimators to come: results of a search are arrays of many kinds


def test_arrays_of_all_kinds_come_back(tmp_path):
    model = HOG().fit(IMAGES)
    masked = np.ma.array([1, "a", None], mask=[False, True, False], dtype=object)
    model.results_ = {
        "params": np.array([{"a": 1}, {"b": (2, "c")}], object),
        "masked": masked,
        "numbers": np.ma.array([1.0, np.nan], mask=[True, False]),
        "empty": np.empty((0, 3)),
        "reasons": np.array(["", "slow"], object),
        7: np.array([[True, False]]),
        "scalars": [np.float32(1), np.str_("text"), np.bool_(True), None, [1, [2]]],
    }
    again = saved(model, tmp_path / "a.skops")
    assert_same(model.results_, again.results_)


def test_the_file_is_not_larger_than_its_arrays(tmp_path):
    model, _ = fitted("mlp")
    model.loss_curve_ = np.linspace(0, 1, 50_000).tolist()
    save_model(model, tmp_path / "a.skops")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "a.skops").read_bytes())) as archive:
        assert archive.getinfo("schema.json").file_size < 2_000_000
