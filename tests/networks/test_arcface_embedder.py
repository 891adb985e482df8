"""ArcFaceEmbedder: the same numbers as torch, angles, sets closed and open, errors."""

import math
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch.nn import functional as F

from skvision import ArcFaceEmbedder, KNNImageClassifier
from skvision.metrics import angle_statistics, verification_auc

DIGITS = load_digits()
BYTES = (DIGITS.images * 15).astype(np.uint8)
LABELS = DIGITS.target
LOSSES = ["arcface", "cosface", "normalized_softmax", "softmax"]


def embedder(**parameters):
    return ArcFaceEmbedder(**{"max_iter": 10, "random_state": 0} | parameters)


@pytest.fixture(scope="module")
def fitted():
    return embedder().fit(BYTES[:1000], LABELS[:1000])


def blobs(n_classes=4, n=60, d=6, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    return 4 * rng.normal(size=(n_classes, d))[y] + rng.normal(size=(n, d)), y


# -- the same numbers as torch


def scores_in_torch(z, centers, labels, loss, margin, scale):
    cosines = F.normalize(z) @ F.normalize(centers).T
    own = cosines[torch.arange(len(z)), labels]
    if loss == "arcface":
        theta = torch.acos(own.clamp(-1 + 1e-15, 1 - 1e-15))
        beyond = theta + margin > math.pi
        own = torch.where(beyond, own - 1 + math.cos(margin), torch.cos(theta + margin))
    elif loss == "cosface":
        own = own - margin
    hot = F.one_hot(labels, cosines.shape[1]).bool()
    return scale * torch.where(hot, own[:, None], cosines)


def loss_curve_of_torch(start, X, y, hidden, loss, margin, scale, n_epochs):
    """Train the network of a fit from where it started; the mean loss of each epoch."""
    X, y = torch.tensor(X), torch.tensor(y)
    layers = []
    for weights in start.coefs_[:-1]:
        layer = torch.nn.Linear(*weights.shape, bias=False)
        norm = torch.nn.BatchNorm1d(weights.shape[1])
        layer.weight.data = torch.tensor(weights.T.copy())
        layers += [layer, norm, torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1]).double()
    centers = torch.nn.Parameter(torch.tensor(start.coefs_[-1].copy()))
    bias = torch.nn.Parameter(torch.zeros(len(centers.T), dtype=torch.float64))
    decayed = [centers, *(layer.weight for layer in net[::3])]
    kept = [p for norm in net[1::3] for p in norm.parameters()]
    optimizer = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": 0.05},
            {"params": [*kept, bias], "weight_decay": 0.0},
        ],
        lr=2e-3,
    )
    curve = []
    for _ in range(n_epochs):
        total = 0.0
        for index in torch.arange(len(X)).split(50):
            z = net(X[index])
            if loss == "softmax":
                scores = z @ centers + bias
            else:
                scores = scores_in_torch(z, centers, y[index], loss, margin, scale)
            value = F.cross_entropy(scores, y[index])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            total += len(index) * value.item()
        curve.append(total / len(X))
    return np.array(curve)


@pytest.mark.parametrize(
    ("hidden", "loss"), [((), "arcface"), *(((24,), loss) for loss in LOSSES)]
)
def test_the_same_loss_curve_as_torch(loss, hidden):
    X, y = DIGITS.data[:300] / 16, LABELS[:300]
    model = embedder(
        n_components=16,
        hidden_layer_sizes=hidden,
        loss=loss,
        margin=0.4,
        scale=10,
        alpha=0.05,
        learning_rate="constant",
        learning_rate_init=2e-3,
        batch_size=50,
        max_iter=20,
        n_iter_no_change=100,
        shuffle=False,
        standardize=False,
    )
    start = clone(model).set_params(max_iter=1, learning_rate_init=1e-300).fit(X, y)
    expected = loss_curve_of_torch(start, X, y, hidden, loss, 0.4, 10, 20)
    got = np.array(model.fit(X, y).loss_curve_)
    assert model.n_iter_ == 20
    assert got[0] > got[-1] > 0
    np.testing.assert_allclose(got, expected, rtol=1e-8)


# -- embeddings


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("loss", LOSSES)
def test_embeddings_are_float32_and_of_length_one(loss, dtype):
    X = BYTES[:200].astype(dtype)
    model = embedder(loss=loss, n_components=20).fit(X, LABELS[:200])
    for rows in (model.transform(X), model.class_centers_):
        assert rows.dtype == np.float32
        assert rows.shape[1] == 20
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert len(model.class_centers_) == 10


def test_fit_transform_is_fit_and_then_transform():
    X, y = blobs()
    at_once = embedder().fit_transform(X, y)
    np.testing.assert_array_equal(at_once, embedder().fit(X, y).transform(X))


def test_predictions_are_of_the_nearest_center(fitted):
    embeddings = fitted.transform(BYTES[1000:])
    cosines = embeddings @ fitted.class_centers_.T
    scores = fitted.decision_function(BYTES[1000:])
    np.testing.assert_allclose(scores, fitted.scale * cosines, atol=1e-4)
    nearest = fitted.classes_[cosines.argmax(axis=1)]
    np.testing.assert_array_equal(fitted.predict(BYTES[1000:]), nearest)
    assert fitted.score(BYTES[1000:], LABELS[1000:]) > 0.9
    probabilities = fitted.predict_proba(BYTES[1000:])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(
        np.log(probabilities),
        fitted.predict_log_proba(BYTES[1000:]),
        rtol=1e-4,
        atol=1e-6,
    )


def test_two_classes():
    X, y = blobs(2)
    model = embedder(max_iter=60).fit(X, np.array(["cat", "dog"])[y])
    scores = model.decision_function(X)
    cosines = model.transform(X) @ model.class_centers_.T
    np.testing.assert_allclose(scores, 16 * (cosines[:, 1] - cosines[:, 0]), atol=1e-4)
    np.testing.assert_array_equal(model.predict(X) == "dog", scores > 0)
    assert model.predict_proba(X).shape == (60, 2)
    assert model.score(X, np.array(["cat", "dog"])[y]) == 1


def test_a_margin_brings_a_class_closer_together():
    X, y = BYTES[:800], LABELS[:800]
    medians = []
    for loss, margin in (("arcface", 0), ("arcface", 0.5), ("cosface", 0.5)):
        model = embedder(loss=loss, margin=margin, max_iter=20).fit(X, y)
        medians.append(np.median(angle_statistics(model.transform(X), y).within))
    assert max(medians[1:]) < 0.95 * medians[0]


def test_without_a_margin_it_is_normalised_softmax():
    X, y = blobs()
    plain = embedder(loss="normalized_softmax").fit(X, y).parameters_
    for loss in ("arcface", "cosface"):
        none = embedder(loss=loss, margin=0).fit(X, y).parameters_
        np.testing.assert_allclose(none, plain, rtol=1e-10, atol=1e-12)


def test_eight_digits_on_a_circle():
    """The figure of the paper: closer to their centers than softmax has them."""
    few = LABELS < 8
    X, y = BYTES[few], LABELS[few]
    circle = {"n_components": 2, "hidden_layer_sizes": (256, 128), "max_iter": 30}
    medians, scores = {}, {}
    for loss in ("softmax", "arcface"):
        model = embedder(loss=loss, **circle).fit(X, y)
        angles = angle_statistics(model.transform(X), y, centers=model.class_centers_)
        medians[loss], scores[loss] = np.median(angles.within), model.score(X, y)
    assert medians["arcface"] < 0.6 * medians["softmax"]
    assert scores["arcface"] > scores["softmax"] - 0.01


@pytest.mark.realdata
def test_new_people_are_verified_better_than_by_pixels(data_root):
    images = np.load(data_root / "orl_faces" / "images.npy")
    who = np.load(data_root / "orl_faces" / "labels.npy")
    people = np.random.default_rng(0).permutation(np.unique(who))
    seen = np.isin(who, people[:20])
    X = images[:, ::4, ::4]
    model = embedder(max_iter=60).fit(X[seen], who[seen])
    auc = verification_auc(model, X[~seen], who[~seen])
    rows = X.reshape(len(X), -1) - X[seen].reshape(200, -1).mean(axis=0)
    pixels = FunctionTransformer().fit(rows)
    assert auc > verification_auc(pixels, rows[~seen], who[~seen])
    assert auc > 0.96


# -- parameters


def test_one_image_of_a_class_will_do():
    X, y = blobs(5)
    X, y = np.concatenate([X[y < 4], X[y == 4][:1]]), np.append(y[y < 4], 4)
    model = embedder(max_iter=60, learning_rate_init=0.01).fit(X, y)
    assert model.predict(X[-1:]) == [4]
    np.testing.assert_array_equal(model.predict(X), y)


@pytest.mark.parametrize("n", [2, 3, 33])
def test_few_images(n):
    X, y = blobs(2, n)
    assert np.isfinite(embedder().fit(X, y).transform(X)).all()


@pytest.mark.parametrize("options", [{}, {"batch_norm": False}, {"standardize": False}])
def test_images_that_are_all_zero_have_an_embedding(options):
    X, y = blobs()
    X[:20] = 0
    model = embedder(**options).fit(X, y)
    embeddings = model.transform(np.zeros((3, 6)))
    norms = np.linalg.norm(embeddings, axis=1)
    assert ((np.abs(norms - 1) < 1e-6) | (norms == 0)).all()
    nothing = embedder(**options).fit(np.zeros((60, 6)), y)
    assert np.isfinite(nothing.transform(X)).all()
    assert np.isfinite(nothing.predict_proba(X)).all()


def test_class_weights():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 2)), np.repeat([0, 1], [270, 30])
    X[y == 1] += 1
    plain, balanced, by_hand = (
        embedder(class_weight=weight, max_iter=40).fit(X, y)
        for weight in (None, "balanced", {0: 300 / 540, 1: 5.0})
    )
    share = [np.mean(model.predict(X) == 1) for model in (plain, balanced)]
    assert share[1] > share[0] + 0.1
    np.testing.assert_allclose(by_hand.parameters_, balanced.parameters_, rtol=1e-6)


def test_a_warm_start_may_raise_the_margin():
    X, y = BYTES[:300], LABELS[:300]
    model = embedder(margin=0.0, warm_start=True).fit(X, y)
    before = model.loss_curve_[-1]
    model.set_params(margin=0.5, scale=20).fit(X, y)
    assert model.n_iter_ == 20
    assert model.loss_curve_[10] > before
    np.testing.assert_allclose(
        model.decision_function(X),
        20 * model.transform(X) @ model.class_centers_.T,
        atol=1e-4,
    )
    with pytest.raises(ValueError, match=r"needs the classes of the previous fit"):
        model.fit(X, y + 1)
    with pytest.raises(ValueError, match=r"hidden was .* and is now"):
        model.set_params(n_components=7).fit(X, y)


def test_epochs_one_by_one():
    X, y = BYTES[:300], LABELS[:300]
    steady = {"learning_rate": "constant", "n_iter_no_change": 100}
    whole = embedder(max_iter=4, **steady).fit(X, y)
    parts = embedder(**steady)
    for _ in range(4):
        parts.partial_fit(X, y, classes=np.arange(10))
    np.testing.assert_array_equal(parts.parameters_, whole.parameters_)
    planned = embedder()
    assert not hasattr(planned, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit") as raised:
        planned.partial_fit(X, y)
    assert 'learning_rate="constant"' in str(raised.value.__cause__)


def test_all_rows_at_once():
    X, y = blobs()
    model = embedder(solver="lbfgs", batch_norm=False, max_iter=200, alpha=0)
    model.fit(X, y)
    _, gradient = model.loss_and_gradient(X, y)
    assert np.abs(gradient["parameters_"]).max() <= 1e-4
    assert model.score(X, y) == 1
    with pytest.raises(ValueError, match="does not support batch_norm"):
        embedder(solver="lbfgs", alpha=0).fit(X, y)
    with pytest.raises(ValueError, match="Set alpha=0"):
        embedder(solver="lbfgs", batch_norm=False).fit(X, y)


def test_mirror_images_count_as_much():
    model = embedder(tta=True).fit(BYTES[:300], LABELS[:300])
    mirrored = BYTES[:50, :, ::-1]
    np.testing.assert_allclose(
        model.transform(BYTES[:50]), model.transform(mirrored), atol=1e-6
    )
    both = sum(
        clone_with(model, tta=False).transform(X) for X in (BYTES[:50], mirrored)
    )
    expected = both / np.linalg.norm(both, axis=1, keepdims=True)
    np.testing.assert_allclose(model.transform(BYTES[:50]), expected, atol=1e-6)
    nearest = (expected @ model.class_centers_.T).argmax(axis=1)
    np.testing.assert_array_equal(model.predict(BYTES[:50]), nearest)


def clone_with(model, **parameters):
    return pickle.loads(pickle.dumps(model)).set_params(**parameters)


def test_a_rate_that_is_too_large_keeps_finite_weights():
    X, y = blobs()
    wild = embedder(solver="sgd", batch_norm=False, learning_rate_init=1e300)
    with pytest.warns(ConvergenceWarning, match="infinite or NaN"):
        wild.fit(X, y)
    assert np.isfinite(wild.transform(X)).all()


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_outputs_whose_squares_are_beyond_float32(size):
    X, y = blobs()
    plain = {"standardize": False, "batch_norm": False, "max_iter": 60}
    model = embedder(**plain).fit((size * X).astype(np.float32), y)
    assert model.score((size * X).astype(np.float32), y) > 0.9


# -- at home in scikit-learn


def test_before_nearest_neighbors():
    pipeline = make_pipeline(embedder(), KNNImageClassifier(3, metric="cosine"))
    pipeline.fit(BYTES[:1000], LABELS[:1000])
    assert pipeline.score(BYTES[1000:], LABELS[1000:]) > 0.9


def test_searched_and_cross_validated_on_classes_never_seen():
    X, y = BYTES[:400], LABELS[:400]
    scores = cross_val_score(
        embedder(), X, y, groups=y, cv=GroupKFold(5), scoring=verification_auc
    )
    assert scores.min() > 0.6
    search = GridSearchCV(
        embedder(max_iter=3),
        {"margin": [0.2, 0.5], "loss": ["arcface", "cosface"]},
        cv=GroupKFold(3),
        scoring=verification_auc,
    )
    search.fit(X, y, groups=y)
    assert search.best_score_ > 0.6


def test_names_of_features():
    X, y = blobs()
    names = embedder(n_components=3).fit(X, y).get_feature_names_out()
    assert names.tolist() == [f"arcfaceembedder{i}" for i in range(3)]


# -- bad input


@pytest.mark.parametrize("margin", [3.1, 0])
def test_margins_at_the_ends_of_their_range(margin):
    X, y = blobs()
    assert np.isfinite(embedder(margin=margin).fit(X, y).transform(X)).all()


def test_scores_of_classes_never_seen():
    X, y = blobs()
    model = embedder().fit(X, y)
    with pytest.raises(
        ValueError, match=r"2 classes .* 4 training classes \(7, 8\).*_auc"
    ):
        model.score(X, np.where(y == 0, 7, 8))
    with pytest.raises(ValueError, match="NaN"):
        embedder().fit(np.full((60, 6), np.nan), y)
