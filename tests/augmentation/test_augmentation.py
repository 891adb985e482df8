"""Augmentation: the contract of all, and what each does to images."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import GridSearchCV

from skvision.augmentation import (
    ColorJitter,
    Compose,
    RandomCrop,
    RandomErasing,
    RandomFlip,
)

ALL = [
    RandomFlip(vertical=0.5),
    RandomCrop(),
    RandomCrop(padding=9, fill=200),
    RandomCrop(scale=(0.5, 1.5)),
    RandomCrop(scale=[0.5, 1.0], fill=0),
    ColorJitter(1.0, 1.0, 1.0),
    RandomErasing(),
    RandomErasing(fill=0, area=[0.5, 1.0]),
    Compose([RandomFlip(), RandomCrop(padding=1), ColorJitter()]),
    Compose([]),
]
EACH = pytest.mark.parametrize("augmentation", ALL, ids=str)


def draw(shape, rng):
    return rng.integers(0, 256, shape, dtype=np.uint8)


@EACH
@pytest.mark.parametrize("shape", [(9, 7, 5, 3), (9, 7, 5, 1), (9, 7, 5), (5, 1, 1)])
def test_returns_new_bytes_of_the_same_shape(augmentation, shape, rng):
    images = draw(shape, rng)
    before = images.copy()
    images.flags.writeable = False
    changed = augmentation(images, np.random.default_rng(1))
    assert changed.shape == shape and changed.dtype == np.uint8
    assert type(changed) is np.ndarray and changed.flags.writeable
    assert not np.may_share_memory(changed, images)
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(changed, augmentation(before, 1))
    np.testing.assert_array_equal(changed, augmentation(list(before), 1))
    whole = np.zeros((2 * len(images), *shape[1:]), np.uint8)
    whole[::-2] = images
    np.testing.assert_array_equal(changed, augmentation(whole[::-2], 1))
    turned = np.asfortranarray(images)
    np.testing.assert_array_equal(changed, augmentation(turned, 1))
    if len(shape) == 3:
        with_channel = augmentation(images[..., np.newaxis], 1)
        np.testing.assert_array_equal(changed, with_channel[..., 0])


@EACH
@pytest.mark.parametrize("shape", [(0, 7, 5, 3), (0, 7, 5)])
def test_of_no_images(augmentation, shape):
    changed = augmentation(np.empty(shape, np.uint8), 0)
    assert changed.shape == shape and changed.dtype == np.uint8


@EACH
def test_each_image_has_its_own_draws(augmentation, rng):
    """As many for each, whatever its size, so that others do not change an image."""
    images = draw((40, 6, 5, 3), rng)
    changed = augmentation(images, 3)
    np.testing.assert_array_equal(augmentation(images, 3), changed)
    if augmentation.get_params() == {"steps": []}:
        return
    assert (augmentation(images, 4) != changed).any()
    same = augmentation(np.repeat(images[:1], 40, axis=0), 3)
    assert len(np.unique(same, axis=0)) > 3
    if not isinstance(augmentation, Compose):
        np.testing.assert_array_equal(augmentation(images[:17], 3), changed[:17])
    first, second = np.random.default_rng(3), np.random.default_rng(3)
    augmentation(images, first)
    augmentation(images[:, :1, :1], second)
    assert first.bit_generator.state == second.bit_generator.state
    assert (augmentation(images, first) != changed).any()


@EACH
def test_none_draws_anew(augmentation, rng):
    images = draw((40, 6, 5, 3), rng)
    same = (augmentation(images) == augmentation(images)).all()
    assert same == (augmentation.get_params() == {"steps": []})


@EACH
def test_is_an_estimator_in_its_parameters(augmentation, rng):
    images = draw((4, 6, 5, 3), rng)
    changed = augmentation(images, 0)
    for copy in (clone(augmentation), pickle.loads(pickle.dumps(augmentation))):
        assert repr(copy) == repr(augmentation)
        np.testing.assert_array_equal(copy(images, 0), changed)
    assert type(augmentation).__name__ in augmentation._repr_html_()
    augmentation.set_params(**augmentation.get_params(deep=False))
    np.testing.assert_array_equal(augmentation(images, 0), changed)


@EACH
def test_refuses_what_are_no_bytes(augmentation, rng):
    images = draw((4, 6, 5, 3), rng)
    for dtype in (np.float64, np.int64, bool, np.int8):
        with pytest.raises(TypeError, match=f"uint8.*got {np.dtype(dtype)}.*before"):
            augmentation(images.astype(dtype), 0)


@EACH
def test_refuses_what_are_no_images(augmentation, rng):
    images = draw((4, 6, 5, 3), rng)
    with pytest.raises(ValueError, match=r"flat rows of shape \(4, 90\).*image_shape="):
        augmentation(images.reshape(4, -1), 0)
    with pytest.raises(ValueError, match=r"an array of shape \(1, 4, 6, 5, 3\)"):
        augmentation(images[np.newaxis], 0)
    with pytest.raises(ValueError, match="at least one pixel"):
        augmentation(images[:, :0], 0)
    with pytest.raises(ValueError, match="different shapes"):
        augmentation([images[0], images[1, :3]], 0)


@EACH
@pytest.mark.parametrize("wrong", [np.random.RandomState(0), np.random, "0", 0.5])
def test_refuses_what_is_no_generator(augmentation, wrong):
    with pytest.raises(TypeError, match=r"Generator.*got .*default_rng\(seed\)"):
        augmentation(np.zeros((1, 2, 2), np.uint8), wrong)


@pytest.mark.parametrize(
    "augmentation",
    [
        RandomFlip(horizontal=1.1),
        RandomFlip(horizontal="0.5"),
        RandomFlip(vertical=-0.1),
        RandomFlip(vertical=float("nan")),
        RandomCrop(padding=-1),
        RandomCrop(padding=1.5),
        RandomCrop(padding=10**30),
        RandomCrop(scale=0.5),
        RandomCrop(scale=(0.5,)),
        RandomCrop(scale=(0.0, 1.0)),
        RandomCrop(scale=(0.9, 0.8)),
        RandomCrop(scale=(0.9, 2.1)),
        RandomCrop(scale=(0.9, float("nan"))),
        RandomCrop(scale=("0.9", 1.0)),
        RandomCrop(fill=256),
        RandomCrop(fill="edge"),
        ColorJitter(brightness=-0.1),
        ColorJitter(contrast=101),
        ColorJitter(saturation=(0.5, 1.5)),
        RandomErasing(probability=2),
        RandomErasing(area=(0.1, 1.1)),
        RandomErasing(area=None),
        RandomErasing(fill=-1),
        Compose(RandomFlip()),
    ],
    ids=str,
)
def test_refuses_a_parameter_by_name(augmentation):
    default = Compose([]) if isinstance(augmentation, Compose) else type(augmentation)()
    defaults = default.get_params(deep=False)
    given = augmentation.get_params(deep=False)
    (name,) = (name for name in given if given[name] != defaults[name])
    with pytest.raises(ValueError, match=rf"^{name} must be .*; got"):
        augmentation(np.zeros((1, 2, 2), np.uint8), 0)


def test_flip_with_certainty(rng):
    images = draw((20, 6, 5, 3), rng)
    np.testing.assert_array_equal(RandomFlip(0.0)(images, rng), images)
    np.testing.assert_array_equal(RandomFlip(1.0)(images, rng), images[:, :, ::-1])
    np.testing.assert_array_equal(RandomFlip(0, 1)(images, rng), images[:, ::-1])
    np.testing.assert_array_equal(RandomFlip(1, 1)(images, rng), images[:, ::-1, ::-1])


def test_flip_with_probability():
    images = np.repeat(np.uint8([[[0, 1], [2, 3]]]), 4000, axis=0)
    flipped = RandomFlip(horizontal=0.3, vertical=0.1)(images, 0)
    horizontal, vertical = flipped[:, 0, 0] % 2 == 1, flipped[:, 0, 0] > 1
    # 3.5 standard deviations
    assert abs(horizontal.mean() - 0.3) < 0.026
    assert abs(vertical.mean() - 0.1) < 0.017
    assert abs((horizontal & vertical).mean() - 0.03) < 0.01


@pytest.mark.parametrize("fill", ["reflect", 0, 255])
@pytest.mark.parametrize("shape", [(60, 7, 5, 3), (60, 1, 1, 3), (60, 2, 9, 1)])
def test_crop_is_pad_and_crop(shape, fill, rng):
    n, height, width, _ = shape
    images = draw(shape, rng)
    for padding in (0, 2, 12):
        changed = RandomCrop(padding=padding, fill=fill)(images, 5)
        draws = np.random.default_rng(5).random((n, 3))
        starts = np.floor(draws[:, 1:] * (2 * padding + 1)).astype(int)
        around = ((0, 0), (padding, padding), (padding, padding), (0, 0))
        if fill == "reflect":
            padded = np.pad(images, around, mode="reflect")
        else:
            padded = np.pad(images, around, constant_values=fill)
        for picture, (top, left), got in zip(padded, starts, changed, strict=True):
            window = picture[top : top + height, left : left + width]
            np.testing.assert_array_equal(got, window)


def test_crop_shifts_by_all_of_the_padding_and_no_more():
    side, padding = 9, 2
    images = np.zeros((5000, side, side), np.uint8)
    images[:, 4, 4] = 255
    shifted = RandomCrop(padding=padding, fill=0)(images, 0)
    _, y, x = np.nonzero(shifted)
    assert len(y) == 5000
    counts = np.histogram2d(y, x, bins=np.arange(side + 1))[0]
    assert (counts[2:7, 2:7] > 140).all()  # 200 and four standard deviations of 14
    assert counts[2:7, 2:7].sum() == 5000


def test_crop_of_a_vast_padding(rng):
    images = draw((50, 5, 6, 3), rng)
    padding = 2**31 - 1
    assert (RandomCrop(padding=padding, fill=7)(images, 0) == 7).all()
    reflected = RandomCrop(padding=padding)(images, 0)
    values = [set(image.ravel()) for image in images]
    assert all(set(r.ravel()) <= v for r, v in zip(reflected, values, strict=True))
    zoomed = RandomCrop(padding=padding, fill=7, scale=(0.5, 1.0))(images, 0)
    assert (zoomed == 7).all()
    assert RandomCrop(padding=np.int8(100), fill=np.uint8(7))(images, 0).shape


def sample(image, rows, columns, fill):
    """Return values between pixels, as SciPy does."""
    mode = {"mode": "mirror"}
    if fill != "reflect":
        around = ((1, 1), (1, 1), (0, 0))
        image = np.pad(image.astype(float), around, constant_values=fill)
        rows, columns = rows + 1, columns + 1
        mode = {"mode": "constant", "cval": float(fill)}
    at = np.meshgrid(rows, columns, indexing="ij")
    channels = np.moveaxis(image.astype(float), 2, 0)
    return np.stack([map_coordinates(c, at, order=1, **mode) for c in channels], axis=2)


@pytest.mark.parametrize("fill", ["reflect", 0, 90])
@pytest.mark.parametrize("scale", [(0.4, 0.9), (1.0, 1.0 + 1e-9), (1.2, 2.0)])
@pytest.mark.parametrize("padding", [0, 3])
def test_crop_and_resize(padding, scale, fill, rng):
    n, height, width = 30, 8, 6
    images = draw((n, height, width, 3), rng)
    changed = RandomCrop(padding=padding, scale=scale, fill=fill)(images, 5)
    draws = np.random.default_rng(5).random((n, 3))
    for image, (share, *place), got in zip(images, draws, changed, strict=True):
        share = scale[0] + share * (scale[1] - scale[0])
        at = []
        for size, where in zip((height, width), place, strict=True):
            side = share * size
            ends = sorted([-padding, size + padding - side])
            start = ends[0] + where * (ends[1] - ends[0])
            centers = (np.arange(size) + 0.5) * share - 0.5
            at.append(start + np.clip(centers, 0, side - 1))
        # weights are rounded to 2 ** -11: 0.12 of a byte, along each axis
        assert np.abs(got - sample(image, *at, fill)).max() < 0.76


def test_windows_within_a_image_do_not_show_what_is_outside(rng):
    images = np.full((300, 7, 9, 3), 255, np.uint8)
    crop = RandomCrop(padding=0, scale=(0.05, 1.0), fill=0)
    assert (crop(images, rng) == 255).all()
    images[:, 0, 0] = 0  # a corner, where the most outlying windows are
    assert (crop(images, rng) < 30).any()
    ramp = np.tile(np.arange(0, 252, 28, dtype=np.uint8), (300, 7, 1))
    zoomed = crop(ramp, rng).astype(int)
    assert (np.diff(zoomed, axis=2) >= 0).all() and (zoomed == zoomed[:, :1]).all()
    assert (zoomed[:, 0, -1] - zoomed[:, 0, 0]).min() < 20


def test_a_window_of_the_whole_image_is_the_image(rng):
    images = draw((9, 7, 5, 3), rng)
    np.testing.assert_array_equal(RandomCrop(padding=0)(images, rng), images)
    zoom = RandomCrop(padding=0, scale=(1.0, np.nextafter(1.0, 2.0)))
    np.testing.assert_array_equal(zoom(images, rng), images)


def jittered(images, strengths, draws):
    """Return what torchvision's formulas give, but for rounding."""
    images = images.astype(float)
    low = np.maximum(0, 1 - np.array(strengths))
    factors = low + draws * (1 + np.array(strengths) - low)
    factors = np.rint(factors * 2**14) / 2**14

    def luma(images):
        weights = [0.299, 0.587, 0.114] if images.shape[3] == 3 else [1.0]
        return (images @ weights)[..., None]

    others = [
        lambda x: 0,
        lambda x: luma(x).mean(axis=(1, 2, 3), keepdims=True),
        lambda x: np.rint(luma(x)),
    ]
    for factor, other in zip(factors.T[..., None, None, None], others, strict=True):
        images = factor * images + (1 - factor) * other(images)
        images = np.clip(np.floor(images + 0.5), 0, 255)
    return images


@given(
    strengths=st.tuples(*[st.sampled_from([0.0, 0.2, 0.5, 1.0])] * 3),
    n_channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 99),
)
def test_jitter_is_torchvisions(strengths, n_channels, seed):
    images = draw((6, 5, 4, n_channels), np.random.default_rng(seed))
    images[0], images[1] = 0, 255
    draws = np.random.default_rng(seed).random((6, 3))
    expected = jittered(images, strengths, draws)
    got = ColorJitter(*strengths)(images, seed)
    assert np.abs(got - expected).max() <= 1
    assert (got == expected).mean() > 0.98


def test_jitter_of_no_strength_and_of_gray_images(rng):
    images = draw((9, 7, 5, 3), rng)
    np.testing.assert_array_equal(ColorJitter(0, 0, 0)(images, rng), images)
    gray = images[..., :1]
    np.testing.assert_array_equal(ColorJitter(0, 0, 1)(gray, rng), gray)
    same = np.repeat(gray, 3, axis=3)
    np.testing.assert_array_equal(ColorJitter(0, 0, 1)(same, rng), same)
    np.testing.assert_array_equal(
        ColorJitter(1, 1, 1)(same, 2), ColorJitter(1, 1, 1)(gray, 2).repeat(3, axis=3)
    )


def test_jitter_spans_its_range():
    images = np.full((2000, 1, 1), 100, np.uint8)
    changed = ColorJitter(0.25, 0, 0)(images, 0)
    assert changed.min() == 75 and changed.max() == 125
    assert abs(changed.mean() - 100) < 1.2
    assert ColorJitter(2, 0, 0)(images, 0).min() == 0  # not below


@pytest.mark.parametrize(
    ("shape", "hint"), [((2, 5, 5, 4), ""), ((2, 3, 5, 5), "0, 2")]
)
def test_jitter_refuses_other_channels(shape, hint):
    with pytest.raises(ValueError, match=rf"one channel.*got shape \(2, .*{hint}"):
        ColorJitter()(np.zeros(shape, np.uint8), 0)


def test_erased_rectangles():
    images = np.full((3000, 40, 50), 200, np.uint8)
    erased = RandomErasing(probability=0.4, area=(0.1, 0.2), fill=0)(images, 0) == 0
    some = erased.any(axis=(1, 2))
    assert abs(some.mean() - 0.4) < 0.032  # 3.5 standard deviations
    rows, columns = erased[some].any(axis=2), erased[some].any(axis=1)
    height, width = rows.sum(axis=1), columns.sum(axis=1)
    # one rectangle in each
    np.testing.assert_array_equal(erased[some].sum(axis=(1, 2)), height * width)
    share, ratio = height * width / 2000, height / width
    assert 0.09 < share.min() < 0.105 and 0.19 < share.max() < 0.21
    assert abs(share.mean() - 0.15) < 0.004
    assert ratio.min() < 0.35 and ratio.max() > 2.9
    assert (np.maximum(ratio, 1 / ratio) < 3.3 * 1.1).all()
    assert abs((height > width).mean() - (height < width).mean()) < 0.1
    assert rows.any(axis=0).all() and columns.any(axis=0).all()


def test_erasing_with_certainty(rng):
    images = draw((30, 6, 5, 3), rng)
    np.testing.assert_array_equal(RandomErasing(probability=0)(images, rng), images)
    everything = RandomErasing(probability=1, area=(1, 1))(images, rng)
    # a rectangle longer than the image is cut off, but for those of its own aspect
    assert (everything != images).any(axis=(1, 2, 3)).all()
    pixels = RandomErasing(probability=1, area=(1e-9, 1e-9), fill=0)
    ones = np.full((30, 6, 5), 1, np.uint8)
    assert (pixels(ones, rng).sum(axis=(1, 2)) == 29).all()
    assert (pixels(ones[:, :1, :1], rng) == 0).all()


def test_erasing_with_the_mean_color(rng):
    images = draw((30, 6, 5, 3), rng)
    changed = RandomErasing(probability=1, area=(0.3, 0.5))(images, rng)
    for before, after in zip(images, changed, strict=True):
        erased = (before != after).any(axis=2)
        color = np.floor(before.mean(axis=(0, 1)) + 0.5)
        assert erased.any() and not erased.all()
        np.testing.assert_array_equal(after[erased], np.tile(color, (erased.sum(), 1)))


def test_compose_takes_steps_in_turn_from_one_generator(rng):
    images = draw((20, 6, 5, 3), rng)
    steps = [RandomFlip(), RandomCrop(padding=2), RandomErasing()]
    expected, generator = images, np.random.default_rng(4)
    for step in steps:
        expected = step(expected, generator)
    np.testing.assert_array_equal(Compose(steps)(images, 4), expected)
    np.testing.assert_array_equal(Compose(tuple(steps))(images, 4), expected)
    nested = Compose([steps[0], Compose(steps[1:])])
    np.testing.assert_array_equal(nested(images, 4), expected)


def test_compose_reaches_parameters_by_name():
    compose = Compose([RandomCrop(1), RandomFlip(), RandomCrop(2), Compose([])])
    names = ["randomcrop-1", "randomflip", "randomcrop-2", "compose"]
    params = compose.get_params()
    assert [params[name] for name in names] == compose.steps
    assert params["randomcrop-1__padding"] == 1
    assert params["randomcrop-2__padding"] == 2
    assert params["compose__steps"] == []
    assert compose.get_params(deep=False) == {"steps": compose.steps}
    copy = clone(compose)
    assert copy.steps is not compose.steps and copy.steps[0] is not compose.steps[0]
    copied = copy.get_params()
    assert list(copied) == list(params)
    assert all(repr(copied[name]) == repr(params[name]) for name in params)
    given = compose.steps
    flip = RandomFlip()
    compose.set_params(
        **{"randomcrop-2__padding": 5, "randomflip": flip, "randomflip__vertical": 1.0}
    )
    assert compose.steps[2].padding == 5
    assert compose.steps[1] is flip and flip.vertical == 1.0
    assert given[1] is not flip  # a list that others may hold stays as it is
    assert copy.steps[2].padding == 2
    compose.set_params(steps=[RandomCrop()], randomcrop__padding=7)
    assert repr(compose) == "Compose(steps=[RandomCrop(padding=7)])"
    for name in ("padding", "randomflip__vertical", "randomcrop__no"):
        with pytest.raises(ValueError, match="Invalid parameter"):
            compose.set_params(**{name: 1})
    assert compose.set_params() is compose
    assert Compose(None).get_params() == {"steps": None}


class OneClass(ClassifierMixin, BaseEstimator):
    """A classifier that is right for a share of the padding of its augmentation."""

    def __init__(self, augmentation=None):
        self.augmentation = augmentation

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.X_ = self.augmentation(X, 0)
        return self

    def score(self, X, y):
        return self.augmentation.steps[1].padding


def test_compose_in_a_search(rng):
    images, y = draw((12, 6, 5, 3), rng), np.arange(12) % 2
    model = OneClass(Compose([RandomFlip(), RandomCrop()]))
    grid = {
        "augmentation__randomcrop__padding": [1, 3],
        "augmentation__randomflip": [RandomFlip(0.0), RandomFlip(1.0)],
    }
    search = GridSearchCV(model, grid, cv=2).fit(images, y)
    assert search.best_params_["augmentation__randomcrop__padding"] == 3
    assert model.augmentation.steps[1].padding == 4
    assert search.best_estimator_.X_.shape == images.shape


def test_compose_of_functions(rng):
    images = draw((4, 6, 5), rng)
    seen = []

    def invert(images, rng):
        seen.append((images.shape, images.flags.writeable, type(rng)))
        return 255 - images

    compose = Compose([invert, RandomFlip(horizontal=1)])
    np.testing.assert_array_equal(compose(images, 0), 255 - images[:, :, ::-1])
    assert seen == [((4, 6, 5, 1), False, np.random.Generator)]
    assert compose.get_params()["function"] is invert
    same = Compose([lambda images, rng: images[:]])(images, 0)
    np.testing.assert_array_equal(same, images)
    assert not np.may_share_memory(same, images)


@pytest.mark.parametrize("wrong", [None, "RandomFlip", RandomFlip, ("f", RandomFlip())])
def test_compose_refuses_what_is_no_step(wrong):
    compose = Compose([wrong])
    with pytest.raises(TypeError, match=r"steps must contain augmentations.*got"):
        compose(np.zeros((1, 2, 2), np.uint8), 0)
    repr(compose), compose.get_params()


@pytest.mark.parametrize("change", [lambda x: x[1:], lambda x: x / 2, lambda x: None])
def test_compose_refuses_what_a_step_makes_of_images(change):
    compose = Compose([lambda images, rng: change(images)])
    with pytest.raises(ValueError, match=r"step function must return uint8.*\(3, 2, 2"):
        compose(np.zeros((3, 2, 2), np.uint8), 0)


def test_import_does_not_load_numba():
    code = "import sys, skvision.augmentation as a; a.RandomFlip(); print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert {"numba", "llvmlite"}.isdisjoint(result.stdout.split())
