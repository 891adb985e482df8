"""`ImageClassifier` takes files and images, and tells what it chose."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import Pipeline

from skvision import ImageClassifier, ImageReader, load_model, save_model

CHEAP = {"features": ["hog"], "model": "softmax", "augmentation": None}


@pytest.fixture(scope="module")
def files(stripes, tmp_path_factory):
    """The images as files of different sizes."""
    folder = tmp_path_factory.mktemp("stripes")
    paths = []
    for i, image in enumerate(stripes[0]):
        paths.append(str(folder / f"{i}.png"))
        Image.fromarray(image).resize((24 + i % 3, 24)).save(paths[-1])
    return paths


@pytest.fixture(scope="module")
def chosen(two_kinds):
    """A fit of everything that can be chosen."""
    images, labels = two_kinds
    return ImageClassifier(random_state=0).fit(images[:30], labels[:30])


def test_the_choice_is_a_table(chosen):
    table = pd.DataFrame(chosen.cv_results_)
    assert table["recipe"][0] == "hog color words softmax"
    assert table["reason"][0] == "the first recipe"
    assert table["recipe"].is_unique and len(table) >= 6
    best = table.loc[chosen.best_index_]
    assert best["mean_test_score"] == chosen.best_score_
    params = chosen.best_params_
    assert best["param_features"] == " ".join(params["features"])
    assert best["param_model"] == params["model"]
    assert best["param_copies"] == params["copies"]
    path = pd.DataFrame(chosen.alpha_path_).set_index("alpha")["mean_test_loss"]
    assert path.idxmin() == params["alpha"] and path.index.is_monotonic_increasing
    given_up = table["mean_test_loss"].isna()
    assert table.loc[given_up, "reason"].str.startswith("given up").all()
    assert (table.loc[~given_up, "rank_test_score"] >= 1).all()


def test_the_best_pipeline_can_be_taken_apart(chosen, two_kinds):
    images, labels = two_kinds
    pipeline = chosen.best_estimator_
    assert isinstance(pipeline, Pipeline)
    assert list(pipeline.named_steps) == [
        "reader",
        "features",
        "normalizer",
        "classifier",
    ]
    np.testing.assert_array_equal(pipeline.predict(images), chosen.predict(images))
    assert chosen.score(images[30:], labels[30:]) >= 0.8


def test_the_same_choice_comes_again(chosen, two_kinds):
    images, labels = two_kinds
    order = np.random.default_rng(1).permutation(30)
    again = clone(chosen).set_params(n_jobs=2).fit(images[order], labels[order])
    assert again.cv_results_["recipe"].tolist() == chosen.cv_results_["recipe"].tolist()
    np.testing.assert_array_equal(
        again.predict_proba(images), chosen.predict_proba(images)
    )


def test_a_weight_is_a_number_of_copies(stripes):
    images, labels = stripes
    weights = np.random.default_rng(0).integers(0, 3, 60)
    repeated = np.repeat(np.arange(60), weights)
    weighted = ImageClassifier(**CHEAP, class_weight="balanced", random_state=0)
    weighted.fit(images, labels, sample_weight=weights)
    copied = clone(weighted).fit(images[repeated], labels[repeated])
    np.testing.assert_array_equal(
        weighted.predict_proba(images), copied.predict_proba(images)
    )


@pytest.mark.parametrize(
    "make",
    [
        list,
        np.array,
        pd.Series,
        lambda paths: pd.DataFrame({"path": paths}),
        lambda paths: [Image.open(path) for path in paths],
        lambda paths: [np.asarray(Image.open(path)) for path in paths],
        lambda paths: [Path(path).read_bytes() for path in paths],
    ],
    ids=["list", "array", "Series", "DataFrame", "Pillow", "arrays", "bytes"],
)
def test_files_and_images_of_any_sizes(files, stripes, make):
    model = ImageClassifier(**CHEAP, random_state=0).fit(files, stripes[1])
    assert not hasattr(model, "n_features_in_") and model.image_size_ == 32
    np.testing.assert_array_equal(
        model.predict_proba(make(files)), model.predict_proba(files)
    )
    again = clone(model).fit(make(files), stripes[1])
    np.testing.assert_array_equal(
        again.predict_proba(files), model.predict_proba(files)
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X.astype(np.float32),
        lambda X: X / 255,
        lambda X: X.reshape(len(X), -1),
        lambda X: list(X),
    ],
    ids=["float32", "fractions", "rows", "list"],
)
def test_batches_in_all_layouts_give_the_same(stripes, change):
    images, labels = stripes[0].copy(), stripes[1]
    images[0, 0, :2] = [[0] * 3, [255] * 3]  # floats learn black and white from these
    model = ImageClassifier(**CHEAP, image_shape=(24, 24, 3), random_state=0)
    expected = model.fit(images, labels).predict_proba(images)
    X = change(images)
    np.testing.assert_array_equal(
        clone(model).fit(X, labels).predict_proba(X), expected
    )


def test_tiny_images_are_rows_of_numbers(rng):
    X, y = rng.normal(size=(60, 3, 5)), np.arange(60) % 2
    X[:, 1, 1] += 3 * y
    model = ImageClassifier(random_state=0).fit(X, y)
    assert list(model.best_estimator_.named_steps) == ["normalizer", "classifier"]
    assert model.image_shape_ == (3, 5, 1) and model.n_features_in_ == 15
    assert model.score(X, y) > 0.9
    with pytest.raises(ValueError, match="image"):
        model.predict(X[:, :2])


def test_groups_and_copies_are_validated_together(stripes, monkeypatch):
    images, labels = stripes
    groups = np.arange(60) // 6
    draws = []
    monkeypatch.setattr(
        "skvision._recipes.choice.draw_validation_images",
        lambda training, cv, seed: draws.append(training.parts) or [],
    )
    ImageClassifier(**CHEAP).fit(images, labels, groups=groups)
    assert len(np.unique(draws[0])) == 10


def test_groups_are_routed(stripes):
    images, labels = stripes
    groups = np.arange(60) // 3
    with config_context(enable_metadata_routing=True):
        model = ImageClassifier(**CHEAP, random_state=0).set_fit_request(groups=True)
        scores = cross_val_score(
            model, images, labels, cv=GroupKFold(2), params={"groups": groups}
        )
    assert scores.min() > 0.6


def test_a_search_over_it(files, stripes):
    search = GridSearchCV(
        ImageClassifier(**CHEAP, random_state=0), {"image_size": [16, 32]}, cv=2
    )
    search.fit(files, stripes[1])
    assert search.best_score_ > 0.6


@pytest.mark.parametrize("kept", ["pickle", "file"])
def test_a_model_is_kept_with_its_choice(chosen, two_kinds, kept, tmp_path):
    if kept == "pickle":
        again = pickle.loads(pickle.dumps(chosen))
    else:
        save_model(chosen, tmp_path / "model.skops")
        again = load_model(tmp_path / "model.skops")
    images = two_kinds[0]
    np.testing.assert_array_equal(
        again.predict_proba(images), chosen.predict_proba(images)
    )
    pd.testing.assert_frame_equal(
        pd.DataFrame(again.cv_results_), pd.DataFrame(chosen.cv_results_)
    )


def test_a_class_of_one_image_is_learned_without_a_choice(stripes):
    images, labels = stripes[0][:4], np.array(["a", "a", "a", "b"])
    model = ImageClassifier(random_state=0).fit(images, labels)
    assert "one image" in model.cv_results_["reason"][0]
    assert np.isnan(model.best_score_) and len(model.alpha_path_["alpha"]) == 0
    np.testing.assert_array_equal(model.predict(images), labels)


@pytest.mark.parametrize("n", [2, 30])
def test_a_network_that_is_asked_for_is_taken(two_kinds, n):
    """Whether it is better or not, in any time, and if nothing can be validated."""
    images, labels = two_kinds
    order = np.argsort(np.arange(len(labels)) % 20, kind="stable")
    some = np.unique(labels, return_index=True)[1] if n == 2 else order[:n]
    options = {"features": ["hog"], "augmentation": None, "random_state": 0}
    model = ImageClassifier(model="softmax+network", time_budget=1e-9, **options)
    model.fit(images[some], labels[some])
    assert model.best_params_["model"] == "softmax+network"
    members = model.best_estimator_[-1].named_estimators_
    assert list(members) == ["softmax", "network"]
    probabilities = [member.predict_proba for member in members.values()]
    rows = model.best_estimator_[:-1].transform(images)
    np.testing.assert_allclose(
        model.predict_proba(images), np.mean([p(rows) for p in probabilities], axis=0)
    )
    assert list(model.cv_results_["param_model"])[-1] == "softmax+network"


def test_a_time_budget_leaves_recipes_untried(two_kinds):
    images, labels = two_kinds
    model = ImageClassifier(
        ["hog", "color"], model="auto", time_budget=1e-6, random_state=0
    )
    model.fit(images, labels)
    assert set(model.cv_results_["reason"][1:]) == {"not tried: time budget"}
    assert model.best_params_["features"] == ["hog", "color"]


def test_the_subset_that_is_chosen_by(stripes, monkeypatch):
    monkeypatch.setattr("skvision._recipes.choice._MOST_IMAGES", 30)
    images, labels = stripes
    model = ImageClassifier(["hog", "color"], random_state=0).fit(images, labels)
    normalizer = model.best_estimator_["normalizer"]
    features = model.best_estimator_[:2].transform(images)
    if model.best_params_["copies"] == "none":
        np.testing.assert_allclose(normalizer.center_, features.mean(axis=0), atol=1e-6)
    assert model.score(images, labels) > 0.8


def test_many_images_are_learned_without_copies(stripes, monkeypatch):
    monkeypatch.setattr("skvision._recipes.choice._MOST_IMAGES", 30)
    monkeypatch.setattr("skvision._recipes.changed_copies._MOST", 40)
    monkeypatch.setattr("skvision._recipes.choice.is_clearly_less", lambda *_: True)
    model = ImageClassifier(["color"], model="softmax", random_state=0).fit(*stripes)
    assert set(model.cv_results_["param_copies"]) == {"none"}
    few = ImageClassifier(["color"], model="softmax", random_state=0)
    few.fit(stripes[0][:30], stripes[1][:30])
    assert few.best_params_["copies"] != "none"


def test_the_size_follows_the_originals(stripes):
    images, labels = stripes
    for side, expected in ((24, 32), (60, 64), (100, 128)):
        large = ImageReader(side).transform(list(images))
        model = ImageClassifier(**CHEAP, random_state=0).fit(large, labels)
        assert model.image_size_ == expected
    wide = ImageReader((24, 60)).transform(list(images))
    model = ImageClassifier(**CHEAP, random_state=0).fit(wide, labels)
    assert model.best_estimator_["reader"].resize == "stretch"


def test_names_of_features_follow_its_steps(chosen):
    names = chosen.best_estimator_["features"].get_feature_names_out()
    assert len(set(names)) == len(names)
    assert names[0].startswith(chosen.best_params_["features"][0])


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"features": ["edges"]}, "hog, hog-8x8"),
        ({"features": []}, "must be 'auto'"),
        ({"features": ["hog", "hog"]}, "different names"),
        ({"model": "forest"}, "model"),
        ({"image_size": 8}, "image_size"),
        ({"time_budget": 0}, "time_budget"),
        ({"augmentation": "flip"}, "augmentation"),
        ({"background": "no color"}, "background"),
        ({"value_range": (1, 0)}, "value_range"),
    ],
)
def test_bad_parameters(stripes, parameters, words):
    with pytest.raises(ValueError, match=words):
        ImageClassifier(**CHEAP | parameters).fit(*stripes)


def test_bad_input(stripes, files):
    images, labels = stripes
    model = ImageClassifier(**CHEAP, random_state=0)
    with pytest.raises(ValueError, match="groups has the shape"):
        model.fit(images, labels, groups=[1, 2])
    with pytest.raises(ValueError, match="inconsistent numbers"):
        model.fit(files, labels[:3])
    with pytest.raises(ValueError, match="only one class"):
        model.fit(files[:5], ["a"] * 5)
    with pytest.raises(ValueError, match="cannot be read"):
        model.fit([*files, "missing.png"], [*labels, "down"])
    with pytest.raises(ValueError, match="wrap it in a list"):
        model.fit(files[0], labels)
    assert not hasattr(model, "best_estimator_")
