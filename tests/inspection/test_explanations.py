"""Saliency, occlusion, mistakes and the loss landscape, and their figures."""

import copy

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC

from skvision import (
    HOG,
    ArcFaceEmbedder,
    KNNImageClassifier,
    MLPBackprop,
    MulticlassSVM,
    Perceptron,
    PixelNormalizer,
    SoftmaxRegression,
)
from skvision.inspection import (
    LossLandscapeDisplay,
    MistakesDisplay,
    SaliencyDisplay,
    numerical_gradient,
    occlusion,
    saliency,
)
from skvision.inspection import _occlusion as occlusion_module
from skvision.inspection._weight_directions import random_direction, with_weights


@pytest.fixture(autouse=True)
def headless():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.images[:300], data.target[:300]


@pytest.fixture(scope="module")
def colors():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 6, 5, 3)).astype(np.uint8)
    y = np.array(["ant", "bee", "fly"])[np.arange(60) % 3]
    images[y == "ant", :3, :, 0] = 250
    images[y == "bee", 3:, :, 1] = 250
    return images, y


# saliency


def central_differences(scores_of, x, step=1e-4):
    """Return the derivatives of all scores by all pixels, (*x.shape, n_scores)."""
    steps = step * np.eye(x.size).reshape(-1, *x.shape)
    scores = scores_of(np.concatenate([x - steps, x + steps]))
    slopes = (scores[x.size :] - scores[: x.size]) / (2 * step)
    return slopes.reshape(*x.shape, *scores.shape[1:])


TANH = {"activation": "tanh", "max_iter": 3, "random_state": 0}


@pytest.mark.parametrize(
    "model",
    [
        SoftmaxRegression(),
        MulticlassSVM(),
        Perceptron(),
        MLPBackprop((12,), **TANH),
        MLPBackprop((12, 8), batch_norm=True, dropout=0.5, tta=True, **TANH),
        MLPBackprop((12,), standardize=False, **TANH),
        ArcFaceEmbedder(4, max_iter=2, random_state=0),
        ArcFaceEmbedder(4, hidden_layer_sizes=(6,), tta=True, **TANH),
        ArcFaceEmbedder(4, loss="softmax", max_iter=2, random_state=0),
        make_pipeline(PixelNormalizer(), MLPBackprop((12,), **TANH)),
        make_pipeline(PixelNormalizer(whitening_epsilon=0.1), SoftmaxRegression()),
        make_pipeline(PixelNormalizer("channel", "range"), "passthrough", Perceptron()),
    ],
    ids=lambda model: "".join(str(model).split()),
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_saliency_is_the_derivative_of_the_score(digits, model, n_classes):
    X, y = (part[digits[1] < n_classes] for part in digits)
    model.fit(X, y)
    for target in (None, 0, 1):
        gradients = saliency(model, X[:2], target=target)
        assert gradients.dtype == np.float64
        meant = model.predict(X[:2]) if target is None else [target] * 2
        for x, label, gradient in zip(X[:2], meant, gradients, strict=True):
            slopes = central_differences(model.decision_function, x)
            if n_classes == 2:
                slopes = slopes if label == 1 else -slopes
            else:
                slopes = slopes[..., label]
            error = np.abs(gradient - slopes).max()
            assert error <= 1e-8 * max(1, np.abs(slopes).max())


@pytest.mark.parametrize(
    "step",
    [
        StandardScaler(),
        StandardScaler(with_std=False),
        MinMaxScaler((-1, 2)),
        MaxAbsScaler(),
        PCA(9),
        PCA(9, whiten=True),
    ],
    ids=str,
)
def test_saliency_goes_through_linear_steps_of_scikit_learn(digits, step):
    X, y = digits[0].reshape(300, -1), digits[1]
    model = make_pipeline(step, MLPBackprop((12,), **TANH)).fit(X, y)
    gradient = saliency(model, X[:1], target=3)
    assert gradient.shape == (1, 64)
    expected = numerical_gradient(
        lambda x: model.decision_function(x[None])[0, 3], X[0], coordinates=range(9, 15)
    )
    np.testing.assert_allclose(gradient[0, 9:15], expected, atol=1e-8)


def test_saliency_goes_through_whitening_of_columns_that_never_vary(digits):
    X = np.where(np.arange(64) < 2, digits[0].reshape(300, -1), 0)
    model = make_pipeline(PCA(whiten=True), SoftmaxRegression()).fit(X, digits[1])
    assert model[0].explained_variance_.min() < np.finfo(float).eps ** 2
    jacobian = model[0].transform(np.eye(64)) - model[0].transform(np.zeros((1, 64)))
    expected = jacobian @ model[1].coef_[3]
    found = saliency(model, X[:1], target=3)[0]
    np.testing.assert_allclose(found, expected, atol=1e-9 * np.abs(expected).max())


def test_saliency_is_that_of_torch(digits):
    X, y = digits
    model = MLPBackprop((15, 9), batch_norm=True, max_iter=4, random_state=0).fit(X, y)
    layers = []
    W = [torch.from_numpy(weights) for weights in model.coefs_]
    hidden = (
        model._architecture.network()
        .arrays(model.parameters_, model._statistics)
        .parts[0]
    )
    for i, (_, norm, _) in enumerate((hidden.parts[:3], hidden.parts[3:])):
        (gain, shift), (mean, variance) = norm.params, norm.buffers
        layers.append((W[i], *map(torch.from_numpy, (gain, shift, mean, variance))))
    x = torch.from_numpy(X[:20]).requires_grad_()
    hidden = x.reshape(20, -1) - torch.from_numpy(model._standard.mean)
    hidden = hidden / torch.from_numpy(model._standard.deviation)
    for weights, gain, shift, mean, variance in layers:
        hidden = torch.nn.functional.batch_norm(
            hidden @ weights, mean, variance, gain, shift, eps=1e-5
        ).relu()
    scores = hidden @ W[2] + torch.from_numpy(model.intercepts_[-1])
    np.testing.assert_allclose(
        scores.detach(), model.decision_function(X[:20]), atol=1e-10
    )
    scores[np.arange(20), y[:20]].sum().backward()
    found = saliency(model, X[:20], target=y[:20])
    np.testing.assert_allclose(found, x.grad, atol=1e-8)


def test_saliency_of_colors_bytes_and_names(colors):
    X, y = colors
    model = SoftmaxRegression().fit(X, y)
    gradients = saliency(model, X[:4], target="bee")
    assert gradients.dtype == np.float32
    np.testing.assert_array_equal(gradients, np.tile(model.templates_[1], (4, 1, 1, 1)))
    gradients = saliency(model, X[:4])
    index = np.searchsorted(model.classes_, model.predict(X[:4]))
    np.testing.assert_array_equal(gradients, model.templates_[index])
    flat = saliency(model, X[:4].reshape(4, -1))
    np.testing.assert_array_equal(flat.reshape(gradients.shape), gradients)


def test_saliency_says_what_it_cannot_do(digits):
    X, y = digits
    with pytest.raises(TypeError, match=r"KNNImageClassifier. Use occlusion"):
        saliency(KNNImageClassifier().fit(X, y), X)
    model = make_pipeline(HOG(), SoftmaxRegression()).fit(X, y)
    with pytest.raises(TypeError, match=r"step 'hog' is HOG. Use occlusion"):
        saliency(model, X)
    with pytest.raises(TypeError, match="MinMaxScaler"):
        saliency(make_pipeline(MinMaxScaler(clip=True), SoftmaxRegression()), X)
    clipping = MaxAbsScaler()
    clipping.clip = True  # a parameter from some version on
    with pytest.raises(TypeError, match="MaxAbsScaler"):
        saliency(make_pipeline(clipping, SoftmaxRegression()), X)
    with pytest.raises(NotFittedError):
        saliency(SoftmaxRegression(), X)
    model = SoftmaxRegression().fit(X, y)
    with pytest.raises(ValueError, match=r"target contains 'three', .* \[0, 1, 2"):
        saliency(model, X, target="three")
    with pytest.raises(
        ValueError, match=r"each of the 5 images; got an array of shape \(2,"
    ):
        saliency(model, X[:5], target=[0, 1])
    with pytest.raises(ValueError, match="resize them"):
        saliency(model, X[:, :4])


# occlusion


@pytest.mark.parametrize("as_bytes", [False, True])
@pytest.mark.parametrize(
    ("patch_size", "stride", "fill"), [((3, 2), 2, (9, 8, 7)), (4, 3, None), (99, 1, 0)]
)
def test_occlusion_is_that_of_a_loop(colors, as_bytes, patch_size, stride, fill):
    X, y = colors
    X = X if as_bytes else X / 255
    model = KNNImageClassifier(9).fit(X, y)
    maps = occlusion(model, X[:5], patch_size=patch_size, stride=stride, fill=fill)
    assert maps.dtype == (np.float32 if as_bytes else np.float64)
    rows, columns = np.broadcast_to(patch_size, 2)
    rows, columns = min(rows, 6), min(columns, 5)
    starts = [
        (a, b)
        for a in range(6 - rows + 1)
        for b in range(5 - columns + 1)
        if (a % stride == 0 or a == 6 - rows) and (b % stride == 0 or b == 5 - columns)
    ]
    for x, found in zip(X[:5], maps, strict=True):
        whole = model.predict_proba(x[None])[0]
        expected, counts = np.zeros((6, 5)), np.zeros((6, 5))
        color = x.mean(axis=(0, 1)) if fill is None else fill
        for a, b in starts:
            covered = x.copy()
            covered[a : a + rows, b : b + columns] = (
                np.rint(color) if as_bytes else color
            )
            left = model.predict_proba(covered[None])[0]
            fall = whole[whole.argmax()] - left[whole.argmax()]
            expected[a : a + rows, b : b + columns] += fall
            counts[a : a + rows, b : b + columns] += 1
        np.testing.assert_allclose(found, expected / counts, atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_occlusion_of_a_linear_score_is_a_sum_over_the_patch(digits, n_classes):
    X, y = (part[digits[1] < n_classes] for part in digits)
    model = MulticlassSVM().fit(X, y)
    maps = occlusion(model, X[:6], patch_size=2, stride=2, fill=5, target=1)
    parts = (X[:6] - 5) * model.templates_[min(1, n_classes - 2)]
    sums = parts.reshape(6, 4, 2, 4, 2).sum(axis=(2, 4))
    np.testing.assert_allclose(maps, sums.repeat(2, 1).repeat(2, 2), atol=1e-10)
    if n_classes == 2:
        opposite = occlusion(model, X[:6], patch_size=2, stride=2, fill=5, target=0)
        np.testing.assert_allclose(opposite, -maps, atol=1e-10)


def test_occlusion_does_not_depend_on_blocks_or_layout(colors, monkeypatch):
    X, y = colors
    model = SoftmaxRegression(alpha=1).fit(X, y)
    maps = occlusion(model, X[:5])
    assert maps.shape == (5, 6, 5)
    flat = X[:5].reshape(5, -1)
    np.testing.assert_array_equal(occlusion(model, flat, image_shape=X.shape[1:]), maps)
    monkeypatch.setattr(occlusion_module, "VALUES_PER_BLOCK", 200)
    np.testing.assert_allclose(occlusion(model, X[:5]), maps, atol=1e-6)


def test_what_covers_bytes_is_rounded(colors):
    X, y = colors
    model = SoftmaxRegression(alpha=1).fit(X, y)
    maps = [occlusion(model, X[:2], fill=fill) for fill in (8.6, 9)]
    np.testing.assert_array_equal(*maps)


def test_occlusion_of_other_classifiers(digits):
    X, y = digits[0].reshape(300, -1), digits[1]
    logistic = LogisticRegression(max_iter=500, C=1e-3).fit(X, y)
    maps = occlusion(logistic, X[:3], image_shape=(8, 8))
    table = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(64)])
    named = LogisticRegression(max_iter=500, C=1e-3).fit(table, y)
    of_table = occlusion(named, table[:3], image_shape=(8, 8))
    np.testing.assert_allclose(of_table, maps, atol=1e-12)
    scores = occlusion(
        logistic, X[:3], image_shape=(8, 8), response_method="decision_function"
    )
    assert np.abs(maps).max() <= 1 < np.abs(scores).max()
    machine = LinearSVC(C=1e-4).fit(X, y)
    assert occlusion(machine, X[:3], image_shape=(8, 8)).shape == (3, 8, 8)
    with pytest.raises(ValueError, match=r"LinearSVC has no predict_proba\. Set resp"):
        occlusion(machine, X, image_shape=(8, 8), response_method="predict_proba")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"patch_size": 0}, r"patch_size must be two positive integers"),
        ({"patch_size": 2, "stride": 3}, r"at most the patch size, 2 x 2 .*; got 3"),
        ({"fill": (1, 2)}, r"each of the 1 channels; got \(1, 2\)"),
        ({"fill": np.nan}, r"fill must be"),
        ({"response_method": "predict"}, r'response_method must be "auto", '),
        ({"target": 11}, "target contains 11"),
    ],
)
def test_occlusion_says_what_is_wrong(digits, parameters, message):
    X, y = digits
    model = SoftmaxRegression(alpha=1).fit(X, y)
    with pytest.raises(ValueError, match=message):
        occlusion(model, X[:2], **parameters)
    with pytest.raises(ValueError, match="fill must be between 0 and 255"):
        occlusion(model, X[:2].astype(np.uint8), fill=256)
    with pytest.raises(TypeError, match=r"must be a classifier; got HOG"):
        occlusion(HOG().fit(X), X)


# the display of both


def test_saliency_display_shows_images_and_maps(digits):
    X, y = digits
    model = SoftmaxRegression(alpha=1).fit(X, y)
    display = SaliencyDisplay.from_estimator(model, X[:5], n_cols=2)
    assert display.axes_.shape == (5, 2)
    maps = saliency(model, X[:5])
    for i, (left, right) in enumerate(display.axes_):
        shown = left.images[0].get_array()
        np.testing.assert_allclose(shown, X[i] / X[:5].max(), atol=1e-6)
        np.testing.assert_array_equal(right.images[0].get_array(), maps[i])
        assert right.images[0].get_clim() == (-np.abs(maps).max(), np.abs(maps).max())
        assert right.get_title() == f"for {model.predict(X[:5])[i]}"
    assert "score" in display.figure_.axes[-1].get_ylabel()
    before = display.figure_
    assert display.plot(n_cols=5) is display
    assert display.figure_ is not before


@pytest.mark.parametrize("method", ["saliency", "occlusion"])
def test_saliency_display_of_colors(colors, method):
    X, y = colors
    model = MulticlassSVM().fit(X, y)
    figure, (_, right) = plt.subplots(1, 2, layout="constrained")
    display = SaliencyDisplay.from_estimator(
        model, X[:1], method=method, target="fly", ax=right
    )
    assert display.figure_ is figure
    shown = display.axes_[0, 1].images[0].get_array()
    if method == "saliency":
        template = model.templates_[2]
        assert np.isin(shown, template).all()
        np.testing.assert_array_equal(np.abs(shown), np.abs(template).max(axis=2))
    else:
        np.testing.assert_array_equal(shown, occlusion(model, X[:1], target="fly")[0])
    label = figure.axes[-1].get_ylabel().replace("\n", " ")
    start = "change" if method == "saliency" else "decrease"
    assert label.startswith(f"{start} of the score")
    display.figure_.canvas.draw()  # warns of overfull layouts


def test_saliency_display_of_flat_rows(digits):
    X, y = digits[0].reshape(300, -1), digits[1]
    model = SoftmaxRegression(alpha=1).fit(X, y)
    display = SaliencyDisplay.from_estimator(
        model, X[:2], method="occlusion", image_shape=(8, 8), patch_size=2
    )
    assert display.maps.shape == (2, 8, 8)
    assert "probability" in display.label
    with pytest.raises(ValueError, match='"saliency" or "occlusion"; got \'lime\''):
        SaliencyDisplay.from_estimator(model, X, method="lime", image_shape=(8, 8))


# mistakes


def test_mistakes_are_the_most_confident(digits):
    X, y = digits
    model = SoftmaxRegression(alpha=1).fit(X[:150], y[:150])
    display = MistakesDisplay.from_estimator(model, X[150:], y[150:], n_pictures=4)
    probabilities, predicted = model.predict_proba(X[150:]), model.predict(X[150:])
    wrong = np.flatnonzero(predicted != y[150:])
    ranked = sorted(wrong, key=lambda i: -probabilities[i].max())[:4]
    assert len(display.axes_) == 4
    for axes, i in zip(display.axes_, ranked, strict=True):
        largest = X[150:][ranked].max()
        shown = axes.images[0].get_array()
        np.testing.assert_allclose(shown, X[150 + i] / largest, atol=1e-6)
        assert axes.get_title() == f"{predicted[i]}  {probabilities[i].max():.2f}"
        assert axes.get_xlabel() == f"true: {y[150 + i]}"
    assert f"{len(wrong)} of 150 wrong" in display.figure_.get_suptitle()
    assert "probability" in display.figure_.get_suptitle()


@pytest.mark.parametrize("n_classes", [2, 5])
def test_mistakes_without_probabilities_have_margins(digits, n_classes):
    X, y = (part[digits[1] < n_classes] for part in digits)
    y = y.copy()
    y[:3] = (y[:3] + 1) % n_classes  # wrong labels
    model = MulticlassSVM().fit(X[3:], y[3:])
    display = MistakesDisplay.from_estimator(model, X, y)
    scores = model.decision_function(X)
    ranked = np.sort(scores, axis=-1)
    margins = ranked[:, -1] - ranked[:, -2] if n_classes > 2 else np.abs(scores)
    wrong = model.predict(X) != y
    assert wrong[:3].all()
    np.testing.assert_allclose(display.confidence, np.sort(margins[wrong])[::-1])
    assert display.confidence_name == "margin"


def test_mistakes_from_predictions_in_color(colors):
    X, y = colors
    predicted = y.copy()
    predicted[[5, 9]] = ["bee", "fly"]
    display = MistakesDisplay.from_predictions(X, y, predicted)
    np.testing.assert_array_equal(display.images, X[[5, 9]])
    shown = display.axes_[1].images[0].get_array()
    np.testing.assert_allclose(shown, X[9] / 255, atol=1e-6)
    assert [axes.get_title() for axes in display.axes_] == ["bee", "fly"]
    assert "first" not in display.figure_.get_suptitle()
    display.figure_.canvas.draw()  # warns of overfull layouts
    figure, (_, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    again = display.plot(right, n_cols=1)
    assert again is display
    assert display.figure_ is figure
    assert right.get_title() == ""  # that is for who gives the axes


def test_no_mistakes(digits):
    X, y = digits
    display = MistakesDisplay.from_predictions(X, y, y, confidence=y / 10)
    (axes,) = display.axes_
    assert axes.texts[0].get_text().startswith("None of 300 wrong")
    assert (display.n_wrong, display.n_predictions, len(display.images)) == (0, 300, 0)


def test_mistakes_of_features_take_images(digits):
    X, y = digits
    features = HOG().fit_transform(X)
    model = SoftmaxRegression().fit(features[:150], y[:150])
    display = MistakesDisplay.from_estimator(model, features, y, images=X, n_pictures=3)
    assert display.images.shape == (3, 8, 8, 1)
    with pytest.raises(ValueError, match=r"Pass the images to draw as images="):
        MistakesDisplay.from_predictions(np.array(["a.jpg"] * 300), y, y)
    with pytest.raises(ValueError, match=r"must be equal; got .*300 in y_true"):
        MistakesDisplay.from_predictions(X[:7], y, y)
    with pytest.raises(TypeError, match="must be a classifier; got HOG"):
        MistakesDisplay.from_estimator(HOG(), X, y)


# the loss landscape


def recorded(model, X, y, n_epochs=6):
    path = []
    for _ in range(n_epochs):
        model.partial_fit(X, y, classes=np.unique(y))
        path.append(copy.deepcopy(model))
    return path


def test_landscape_has_the_loss_at_the_points_of_the_plane(digits):
    X, y = digits
    model = MLPBackprop((7,), batch_norm=True, random_state=0)
    path = recorded(model, X, y)
    display = LossLandscapeDisplay.from_estimator(model, X, y, path=path, n_points=5)
    assert display.losses.shape == (5, 5)
    vectors = np.array([step.parameters_ for step in path]) - model.parameters_
    values, vectors_of = np.linalg.eigh(vectors.T @ vectors)
    directions = vectors_of[:, :-3:-1].T
    directions *= -np.sign(directions @ vectors[0])[:, None]
    share = values[:-3:-1] / values.sum()
    np.testing.assert_allclose(display.explained_variance_ratio, share, rtol=1e-8)
    np.testing.assert_allclose(display.path, vectors @ directions.T, atol=1e-8)
    assert (display.path[0] < 0).all()
    np.testing.assert_allclose(display.path[-1], 0, atol=1e-12)
    other = copy.deepcopy(model)
    for i, j in [(0, 3), (4, 1)]:
        a, b = display.coordinates[0][j], display.coordinates[1][i]
        other.parameters_ = model.parameters_ + a * directions[0] + b * directions[1]
        expected = other.loss_and_gradient(X, y)[0]
        np.testing.assert_allclose(display.losses[i, j], expected, rtol=1e-8)
    expected = model.loss_and_gradient(X, y)[0]
    np.testing.assert_allclose(display.path_losses[-1], expected)
    lines = display.ax_.get_lines()
    drawn = [line for line in lines if line.get_label() == "path of the optimizer"]
    np.testing.assert_array_equal(drawn[0].get_xydata(), display.path)
    display.figure_.canvas.draw()  # warns of overfull layouts
    assert f"{100 * share[0]:.0f} %" in display.ax_.get_xlabel()


def test_landscape_of_a_linear_model_is_convex_on_a_line(digits):
    X, y = digits
    model = make_pipeline(PixelNormalizer(), SoftmaxRegression(alpha=0.1)).fit(X, y)
    display = LossLandscapeDisplay.from_estimator(
        model, X, y, n_directions=1, n_points=9, random_state=0
    )
    (axis,) = display.coordinates
    np.testing.assert_allclose(axis, np.linspace(-1, 1, 9))
    assert np.diff(display.losses, 2).min() > 0
    assert display.losses.argmin() == 4
    Z = model[0].transform(X)
    assert display.losses[4] == pytest.approx(model[1].loss_and_gradient(Z, y)[0])
    line = display.ax_.get_lines()[0]
    np.testing.assert_array_equal(line.get_ydata(), display.losses)


@pytest.mark.parametrize(
    "model",
    [
        MulticlassSVM(),
        Perceptron(),
        MLPBackprop((5, 4), max_iter=2, random_state=0),
        ArcFaceEmbedder(4, max_iter=2, random_state=0),
    ],
    ids=str,
)
def test_random_directions_have_the_lengths_of_filters(digits, model):
    X, y = digits
    model.fit(X, y)
    names = list(model.loss_and_gradient(X, y)[1])
    drawn = random_direction(model, names, np.random.RandomState(0))
    other = with_weights(model, names, drawn)
    if hasattr(model, "coef_"):
        pairs = [(model.coef_.T, other.coef_.T)]
        assert not other.intercept_.any()
    else:
        pairs = list(zip(model.coefs_, other.coefs_, strict=True))
        n_weights = sum(weights.size for weights in model.coefs_)
        assert not drawn[n_weights:].any()
    if isinstance(model, ArcFaceEmbedder):
        pairs[-1] = tuple(part.T for part in pairs[-1])
    for weights, direction in pairs:
        lengths = [np.linalg.norm(part, axis=0) for part in (weights, direction)]
        np.testing.assert_allclose(*lengths, rtol=1e-6)
    display = LossLandscapeDisplay.from_estimator(
        model, X, y, n_points=3, random_state=0
    )
    assert display.losses[1, 1] == pytest.approx(model.loss_and_gradient(X, y)[0])


def test_landscape_of_the_best_estimator_of_a_search(digits):
    X, y = digits
    model = make_pipeline(PixelNormalizer(), SoftmaxRegression(alpha=0.1))
    search = GridSearchCV(model, {}, cv=2).fit(X, y)
    displays = [
        LossLandscapeDisplay.from_estimator(
            fitted, X, y, n_directions=1, n_points=3, random_state=0
        )
        for fitted in (search, search.best_estimator_)
    ]
    np.testing.assert_array_equal(displays[0].losses, displays[1].losses)


def test_landscape_without_any_slope():
    display = LossLandscapeDisplay(np.zeros((3, 3)), [np.arange(3)] * 2).plot()
    assert display.ax_.get_xlabel().startswith("random direction 1")


def test_landscape_of_one_direction_with_a_path(digits):
    X, y = digits
    model = SoftmaxRegression(solver="sgd", learning_rate_init=1e-3)
    path = recorded(model, X, y, 4)
    _, ax = plt.subplots()
    display = LossLandscapeDisplay.from_estimator(
        model, X, y, path=path, n_directions=1, n_points=4, ax=ax
    )
    assert display.ax_ is ax
    losses = [step.loss_and_gradient(X, y)[0] for step in path]
    drawn = ax.get_lines()[1]
    np.testing.assert_allclose(drawn.get_ydata(), losses)
    np.testing.assert_array_equal(drawn.get_xdata(), display.path[:, 0])


def test_landscape_says_what_is_wrong(digits):
    X, y = digits
    model = SoftmaxRegression(solver="sgd", learning_rate_init=1e-3)
    path = recorded(model, X, y, 3)
    draw = LossLandscapeDisplay.from_estimator
    with pytest.raises(TypeError, match="got KNNImageClassifier"):
        draw(KNNImageClassifier().fit(X, y), X, y)
    with pytest.raises(NotFittedError):
        draw(SoftmaxRegression(), X, y)
    with pytest.raises(ValueError, match="at least 3 steps for 2 directions; got 2"):
        draw(model, X, y, path=path[1:])
    with pytest.raises(ValueError, match=r"All steps of path are equal\. Append cop"):
        draw(model, X, y, path=[model] * 3)
    with pytest.raises(TypeError, match=r"got ndarray\. Append copy\.deepcopy"):
        draw(model, X, y, path=[step.coef_ for step in path])
    others = recorded(MLPBackprop((3,)), X, y, 3)
    with pytest.raises(ValueError, match="models whose shapes differ"):
        draw(model, X, y, path=others)
    with pytest.raises(ValueError, match="n_directions == 3"):
        draw(model, X, y, n_directions=3)
