"""The score on changed images: the changes, the numbers, and what is drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter1d
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline

from skvision import HOG, KNNImageClassifier, PixelNormalizer, SoftmaxRegression
from skvision.inspection import RobustnessDisplay
from skvision.inspection import _changes as changes_module
from skvision.inspection._changes import CHANGES, change_images, default_levels

NEUTRAL = {name: neutral for name, (_, neutral, _) in CHANGES.items()}


@pytest.fixture(autouse=True)
def headless():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (6, 9, 12, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def fitted():
    digits = load_digits()
    model = SoftmaxRegression(alpha=0.1)
    model.fit(digits.images[:300], digits.target[:300])
    return model, digits.images[300:500], digits.target[300:500]


# the changes


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_nothing_gives_the_very_images(images, name):
    assert change_images(images, name, NEUTRAL[name], (0, 255), 0) is images
    assert NEUTRAL[name] in default_levels(name, (32, 32))
    near = NEUTRAL[name] + 1e-9 * (name != "shift")
    np.testing.assert_array_equal(
        change_images(images, name, near, (0, 255), 0), images
    )


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_changes_keep_dtype_range_and_what_they_are_given(images, name, dtype):
    given = images.astype(dtype)
    given.setflags(write=False)
    for level in default_levels(name, (9, 12)):
        out = change_images(given, name, level, (0, 255), 0)
        assert (out.dtype, out.shape) == (dtype, images.shape)
        assert out.min() >= 0
        assert out.max() <= 255
        floats = change_images(given.astype(np.float64), name, level, (0, 255), 0)
        if name != "noise":  # whose normal numbers are drawn in the dtype
            np.testing.assert_allclose(out, floats, atol=0.501)


@pytest.mark.parametrize("name", sorted(set(CHANGES) - {"noise"}))
def test_floats_change_as_bytes_do(images, name):
    level = default_levels(name, (9, 12))[-1]
    bytes_as_floats = change_images(images.astype(float), name, level, (0, 255), 0)
    unit = change_images(images / 255, name, level, (0, 1), 0)
    np.testing.assert_allclose(255 * unit, bytes_as_floats, atol=1e-9)
    shifted = change_images(images / 255 - 3, name, level, (-3, -2), 0)
    np.testing.assert_allclose(shifted, unit - 3, atol=1e-9)


def test_brightness_and_contrast(images):
    x = images.astype(float)
    found = change_images(images, "brightness", -70, (0, 255), 0)
    np.testing.assert_array_equal(found, np.clip(x - 70, 0, 255))
    mean = x.mean(axis=(1, 2, 3), keepdims=True)
    found = change_images(x, "contrast", 0.5, (0, 255), 0)
    np.testing.assert_allclose(found, mean + (x - mean) / 2)
    found = change_images(images, "contrast", 3, (0, 255), 0)
    np.testing.assert_array_equal(
        found, np.rint(np.clip(mean.astype("f4") + 3 * (x - mean).astype("f4"), 0, 255))
    )


def test_shift_moves_by_pixels_and_repeats_the_border(rng):
    images = rng.random((40, 5, 7, 1))
    out = change_images(images, "shift", 2, (0, 1), 0)
    directions = set()
    for x, moved in zip(images[..., 0], out[..., 0], strict=True):
        for dy, dx in [(2, 0), (-2, 0), (0, 2), (0, -2)]:
            rows = np.clip(np.arange(5) - dy, 0, 4)
            columns = np.clip(np.arange(7) - dx, 0, 6)
            if np.array_equal(moved, x[np.ix_(rows, columns)]):
                directions.add((dy, dx))
                break
        else:
            raise AssertionError("not a shift")
    assert len(directions) == 4


def test_a_shift_out_of_the_image_leaves_the_border(images):
    out = change_images(images, "shift", 10**6, (0, 255), 0)
    borders = [images[:, [0]], images[:, [-1]], images[:, :, [0]], images[:, :, [-1]]]
    same = [(out == border).all(axis=(1, 2, 3)) for border in borders]
    np.testing.assert_array_equal(np.sum(same, axis=0), 1)


def test_bytes_do_not_wrap_round_where_white_lies_beyond(images):
    for level in (-300, 300):
        found = change_images(images, "brightness", level, (-100, 400), 0)
        moved = images + level * 500 / 255
        np.testing.assert_array_equal(found, np.rint(np.clip(moved, 0, 255)))


def test_rotation_is_counter_clockwise(rng):
    images = rng.random((2, 8, 8, 3))
    found = change_images(images, "rotation", 90, (0, 1), 0)
    np.testing.assert_allclose(found, np.rot90(images, axes=(1, 2)), atol=1e-12)


def test_scale_is_around_the_middle():
    y, x = np.mgrid[:9, :13]
    plane = (0.5 + (y - 4) / 100 + (x - 6) / 50)[None, :, :, None]
    found = change_images(plane, "scale", 2, (0, 1), 0)
    np.testing.assert_allclose(found, (plane + 0.5) / 2)
    inner = (slice(None), slice(3, 6), slice(4, 9))
    found = change_images(plane, "scale", 0.5, (0, 1), 0)[inner]
    np.testing.assert_allclose(found, (2 * plane - 0.5)[inner])
    border = change_images(plane, "scale", 0.5, (0, 1), 0)[0, 0, 0, 0]
    assert border == pytest.approx(plane[0, 0, 0, 0])


def test_occlusion_covers_a_rectangle_by_the_mean(images):
    x = images.astype(float)
    out = change_images(x, "occlusion", 1 / 3, (0, 255), 0)
    places = set()
    for before, after in zip(x, out, strict=True):
        rows, columns = np.nonzero((before != after).any(axis=2))
        covered = slice(rows.min(), rows.max() + 1)
        across = slice(columns.min(), columns.max() + 1)
        assert after[covered, across].shape == (3, 4, 3)
        mean = np.broadcast_to(before.mean(axis=(0, 1)), (3, 4, 3))
        np.testing.assert_allclose(after[covered, across], mean)
        assert (before != after).any(axis=2).sum() == 12
        places.add((covered.start, across.start))
    assert len(places) > 1


def test_blur_is_a_gaussian(images):
    x = images.astype(float)
    expected = gaussian_filter1d(x, 1.5, axis=1, mode="nearest")
    expected = gaussian_filter1d(expected, 1.5, axis=2, mode="nearest")
    np.testing.assert_allclose(change_images(x, "blur", 1.5, (0, 255), 0), expected)


def test_noise_is_normal_and_the_same_at_all_levels():
    gray = np.full((20, 16, 16, 1), 0.5)
    added = change_images(gray, "noise", 10, (0, 1), 0) - gray
    assert 255 * added.std() == pytest.approx(10, rel=0.03)
    assert abs(255 * added.mean()) < 0.5
    more = change_images(gray, "noise", 20, (0, 1), 0) - gray
    np.testing.assert_allclose(more, 2 * added, atol=1e-12)
    other = change_images(gray, "noise", 10, (0, 1), 1) - gray
    assert abs(np.corrcoef(added.ravel(), other.ravel())[0, 1]) < 0.1


@pytest.mark.parametrize("name", ["brightness", "rotation", "scale", "blur"])
def test_changes_do_not_depend_on_blocks(images, name, monkeypatch):
    level = default_levels(name, (9, 12))[-2]
    whole = change_images(images, name, level, (0, 255), 0)
    monkeypatch.setattr(changes_module, "VALUES_PER_BLOCK", 700)
    np.testing.assert_array_equal(
        change_images(images, name, level, (0, 255), 0), whole
    )


# the numbers


def test_results_are_scores_of_changed_images(fitted):
    model, X, y = fitted
    display = RobustnessDisplay.from_estimator(
        model, X, y, changes={"brightness": [-80, 0], "rotation": [90]}, random_state=0
    )
    results = display.results
    assert results.columns.tolist() == ["change", "level", "score", "standard_error"]
    assert results["change"].tolist() == ["brightness"] * 2 + ["rotation"]
    pictures = [np.clip(X - 80 * 16 / 255, 0, 16), X, np.rot90(X, axes=(1, 2))]
    expected = np.array([model.score(Z, y) for Z in pictures])
    np.testing.assert_allclose(results["score"], expected)
    errors = np.sqrt(expected * (1 - expected) / len(y))
    np.testing.assert_allclose(results["standard_error"], errors)
    assert display.unchanged == model.score(X, y)
    assert display.chance == np.bincount(y).max() / len(y)
    again = RobustnessDisplay.from_estimator(
        model, X, y, changes=["noise", "shift", "occlusion"], random_state=1
    )
    same = RobustnessDisplay.from_estimator(
        model, X, y, changes=["noise", "shift", "occlusion"], random_state=1
    )
    pd.testing.assert_frame_equal(again.results, same.results)


def test_any_scoring(fitted):
    model, X, y = fitted
    display = RobustnessDisplay.from_estimator(
        model, X, y, changes={"rotation": [90]}, scoring="balanced_accuracy"
    )
    expected = balanced_accuracy_score(y, model.predict(np.rot90(X, axes=(1, 2))))
    assert display.results["score"].tolist() == [expected]
    assert display.results["standard_error"].isna().all()
    assert display.chance is None
    assert display.score_name == "balanced accuracy"
    log_loss = RobustnessDisplay.from_estimator(
        model, X, y, changes={"noise": [0, 50]}, scoring="neg_log_loss"
    )
    low, high = log_loss.axes_[0].get_ylim()
    assert low <= log_loss.results["score"].min()
    assert high >= log_loss.results["score"].max()


def test_classes_of_another_kind_are_no_zeros(fitted):
    model, X, y = fitted
    with pytest.raises(ValueError, match=r"begin with \[0, 1, 2\]; y begins with \['"):
        RobustnessDisplay.from_estimator(model, X, y.astype(str), changes=["blur"])


def test_pipelines_names_and_flat_rows(fitted):
    _, X, y = fitted
    names = np.array(["even", "odd"])[y % 2]
    bytes_ = X.astype(np.uint8)
    model = make_pipeline(HOG(), PixelNormalizer(), KNNImageClassifier())
    display = RobustnessDisplay.from_estimator(
        model.fit(bytes_, names), bytes_, names, changes=["blur"], value_range=(0, 16)
    )
    assert display.chance == (names == "even").mean() or display.chance > 0.5
    assert display.unchanged == model.score(bytes_, names)
    flat = SoftmaxRegression(alpha=0.1).fit(X.reshape(len(X), -1), y)
    changes = {"scale": [0.5, 2]}
    display = RobustnessDisplay.from_estimator(
        flat, X.reshape(len(X), -1), y, changes=changes, image_shape=(8, 8)
    )
    pictures = SoftmaxRegression(alpha=0.1).fit(X, y)
    expected = RobustnessDisplay.from_estimator(pictures, X, y, changes=changes)
    pd.testing.assert_frame_equal(display.results, expected.results)
    table = pd.DataFrame(X.reshape(len(X), -1), columns=[f"p{i}" for i in range(64)])
    named = RobustnessDisplay.from_estimator(
        SoftmaxRegression(alpha=0.1).fit(table, y),
        table,
        y,
        changes=changes,
        image_shape=(8, 8),
    )
    pd.testing.assert_frame_equal(named.results, expected.results)


# the figure


def test_panels_show_the_numbers(fitted):
    model, X, y = fitted
    display = RobustnessDisplay.from_estimator(
        model, X, y, changes=["contrast", "shift"], random_state=0
    )
    assert [axes.get_title() for axes in display.axes_] == ["contrast", "shift"]
    assert [axes.get_xlabel() for axes in display.axes_] == ["factor", "pixels"]
    for axes, (_, part) in zip(
        display.axes_, display.results.groupby("change"), strict=True
    ):
        lines = {line.get_label(): line for line in axes.get_lines()}
        np.testing.assert_array_equal(
            lines["changed images"].get_xydata(), part[["level", "score"]]
        )
        assert set(lines["unchanged"].get_ydata()) == {display.unchanged}
        assert set(lines["chance"].get_ydata()) == {display.chance}
        (band,) = axes.collections
        heights = band.get_paths()[0].vertices[:, 1]
        upper = part["score"] + part["standard_error"]
        assert heights.max() == pytest.approx(upper.max())
    assert display.axes_[0].get_ylabel() == "accuracy"
    figure, (_, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
    assert display.plot(right, n_cols=1) is display
    assert display.figure_ is figure
    assert display.axes_[0].get_legend() is not None
    display.figure_.canvas.draw()  # warns of overfull layouts


def test_results_of_ones_own_can_be_drawn():
    columns = {"change": "fog", "level": [1, 2], "score": [7.0, 5], "standard_error": 1}
    display = RobustnessDisplay(pd.DataFrame(columns), unchanged=9).plot()
    (axes,) = display.axes_
    assert (axes.get_title(), axes.get_xlabel()) == ("fog", "level")
    assert axes.get_ylim()[1] > 9


def test_all_changes_in_eight_panels(fitted):
    model, X, y = fitted
    display = RobustnessDisplay.from_estimator(model, X[:40], y[:40], random_state=0)
    assert len(display.axes_) == 8
    counts = display.results.groupby("change")["score"].count()
    assert set(counts.index) == set(CHANGES)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["blur", "fog"], r"names among brightness, .*fog'\], where 'fog' is unknown"),
        ("blur", "changes must be a list of names .* got 'blur'\\.$"),
        ([], "changes must be a list of names"),
        (
            {"blur": [-1]},
            r"levels of blur must be a list of finite numbers of at least 0;",
        ),
        ({"blur": 2}, "levels of blur must be a list .*; got 2"),
        ({"scale": [0]}, "levels of scale must be a list of finite numbers above 0"),
        ({"occlusion": [1.5]}, "between 0 and 1"),
        ({"brightness": [np.inf]}, r"must be a list of finite numbers; got \[inf\]"),
        ({"shift": [0.5]}, "whole pixels"),
        ({"noise": []}, "levels of noise"),
    ],
)
def test_says_what_is_wrong_with_changes(fitted, changes, message):
    with pytest.raises(ValueError, match=message):
        RobustnessDisplay.from_estimator(*fitted, changes=changes)


def test_says_what_is_wrong(fitted):
    model, X, y = fitted
    with pytest.raises(TypeError, match="must be a classifier; got HOG"):
        RobustnessDisplay.from_estimator(HOG(), X, y)
    with pytest.raises(NotFittedError):
        RobustnessDisplay.from_estimator(SoftmaxRegression(), X, y)
    with pytest.raises(ValueError, match="got 200 images and 7 labels"):
        RobustnessDisplay.from_estimator(model, X, y[:7])
    for value_range in (255, (1, 0)):
        with pytest.raises(ValueError, match="value_range must be"):
            RobustnessDisplay.from_estimator(model, X, y, value_range=value_range)
