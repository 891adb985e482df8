"""ColorHistogram against NumPy's histograms and scikit-image's colors."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2gray, rgb2hsv, rgb2lab

from skvision import ColorHistogram
from skvision._kernels import color

NAMES = {
    "rgb": ["red", "green", "blue"],
    "hsv": ["hue", "saturation", "value"],
    "lab": ["lightness", "a", "b"],
    "gray": ["gray"],
}
LIMITS = {
    "rgb": [None, None, None],
    "hsv": [(0, 1)] * 3,
    "lab": [(0, 100), (-87, 99), (-108, 95)],
    "gray": [None],
}
SCIKIT_IMAGE = {"hsv": rgb2hsv, "lab": rgb2lab, "gray": rgb2gray}
WEIGHTED = "weighted_hue"


def convert(images, space, value_range=(0, 255)):
    """Return images as they are counted, channels last, in float64."""
    low, high = map(float, value_range)
    space = space if images.ndim == 4 and images.shape[3] == 3 else "gray"
    images = images if images.ndim == 4 else images[..., None]
    planes = np.ascontiguousarray(np.moveaxis(images, 3, 0).astype(float))
    planes = planes.reshape(len(planes), -1)
    number = list(NAMES).index(space)
    for plane in planes:
        color.prepare(plane, low, high, number)
    fractions = np.ones((2, 3, planes.shape[1]))
    white = high - low if space == "hsv" else 1.0
    color.convert(planes, low, high, white, number, fractions[0], fractions[1])
    values = (fractions[0] / fractions[1])[: len(NAMES[space])]
    return values.T.reshape(*images.shape[:3], -1)


def cells(image, grid):
    """Yield the pixels of each cell as rows."""
    height, width, n_channels = image.shape
    n_y, n_x = min(grid[0], height), min(grid[1], width)
    for y in range(n_y):
        for x in range(n_x):
            rows = slice(y * height // n_y, (y + 1) * height // n_y)
            columns = slice(x * width // n_x, (x + 1) * width // n_x)
            yield image[rows, columns].reshape(-1, n_channels)


def definition(
    images,
    bins=16,
    color_space="hsv",
    channels="all",
    joint=False,
    value_range=(0, 255),
    grid=(1, 1),
):
    """Count with numpy.histogramdd."""
    values = convert(images, color_space, value_range)
    space = color_space if values.shape[3] == 3 else "gray"
    if channels == "all":
        channels = NAMES[space]
    channels = [channels] if isinstance(channels, str) else channels
    bins = [bins] * len(channels) if isinstance(bins, int) else bins
    planes = [NAMES[space].index(name.replace("weighted_", "")) for name in channels]
    limits = [LIMITS[space][plane] or value_range for plane in planes]
    features = []
    for image in values:
        of_image = []
        for pixels in cells(image, grid):
            if joint:
                counts, _ = np.histogramdd(pixels[:, planes], bins, limits)
                of_image.append(counts.ravel())
                continue
            for name, n, plane, limit in zip(
                channels, bins, planes, limits, strict=True
            ):
                weights = pixels[:, 1] if name == WEIGHTED else None
                counts, _ = np.histogramdd(
                    pixels[:, [plane]], [n], [limit], weights=weights
                )
                of_image.append(counts)
        features.append(np.concatenate(of_image))
    return np.array(features)


def assert_counts(images, **parameters):
    expected = definition(images, **parameters)
    counts = ColorHistogram(norm=None, **parameters).fit_transform(images)
    np.testing.assert_array_equal(counts, expected.astype(counts.dtype))


def hostile_images():
    rng = np.random.default_rng(0)
    primaries = np.array(list(np.ndindex(2, 2, 2)), np.uint8) * np.uint8(255)
    levels = np.arange(256, dtype=np.uint8)
    return {
        "black": np.zeros((1, 9, 7, 3), np.uint8),
        "white": np.full((1, 9, 7, 3), 255, np.uint8),
        "grays": np.repeat(levels.reshape(1, 16, 16, 1), 3, axis=3),
        "primaries": rng.choice(primaries, (2, 13, 11)),
        "noise": rng.integers(0, 256, (3, 21, 17, 3), dtype=np.uint8),
        "dark noise": rng.integers(0, 4, (2, 40, 30, 3), dtype=np.uint8),
        "few colors": rng.integers(0, 4, (2, 33, 31, 3), dtype=np.uint8) * np.uint8(85),
        "multiples of 51": rng.integers(0, 6, (1, 40, 40, 3), dtype=np.uint8)
        * np.uint8(51),
        "large": rng.integers(0, 256, (1, 200, 190, 3), dtype=np.uint8),
        "wide": rng.integers(0, 256, (1, 3, 3000, 3), dtype=np.uint8),
        "gray": rng.integers(0, 256, (2, 19, 23), dtype=np.uint8),
    }


@pytest.mark.parametrize("bins", [1, 7, 10, 12, 16, 300])
@pytest.mark.parametrize("space", NAMES)
@pytest.mark.parametrize("name", hostile_images())
def test_counts_equal_numpy(name, space, bins):
    images = hostile_images()[name]
    assert_counts(images, color_space=space, bins=bins)
    assert_counts(images, color_space=space, bins=bins, grid=(3, 5))
    if bins <= 16:
        assert_counts(images, color_space=space, bins=bins, joint=True)


@pytest.mark.parametrize("n_bins", range(1, 130))
def test_every_saturation_and_hue_of_bytes(n_bins):
    """All fractions that bytes make, on the edges of all numbers of bins."""
    maximum, chroma = (a.ravel() for a in np.meshgrid(np.arange(256), np.arange(256)))
    some = chroma <= maximum
    colors = np.zeros((some.sum(), 3), np.uint8)
    colors[:, 0] = maximum[some]
    colors[:, 1] = (maximum - chroma)[some]
    middle = np.random.default_rng(n_bins).random(len(colors)) * (chroma[some] + 1)
    colors[:, 2] = colors[:, 1] + middle.astype(np.uint8)
    images = np.random.default_rng(0).permuted(colors, axis=1)[None, None]
    assert_counts(images, bins=n_bins)
    assert_counts(images, bins=n_bins, color_space="rgb")


@pytest.mark.parametrize("n_bins", [10_966, 70_000])
def test_so_many_bins_that_single_precision_does_not_hold_them(n_bins):
    assert_counts(hostile_images()["large"], bins=n_bins)


SPACES_AND_CHANNELS = st.sampled_from(
    [
        (space, channels)
        for space, names in NAMES.items()
        for channels in (
            "all",
            names[0],
            [names[-1]],
            names[::-1],
            [names[-1], names[0]][: len(names)],
        )
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])),
    dtype=st.sampled_from([np.uint8, np.float32, np.float64]),
    space_and_channels=SPACES_AND_CHANNELS,
    bins=st.integers(1, 20),
    joint=st.booleans(),
    value_range=st.sampled_from([(0, 255), (0, 1), (-3.5, 200.25), (17, 90)]),
    grid=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    coarse=st.booleans(),
)
def test_counts_equal_numpy_whatever_is_asked_for(
    seed, shape, dtype, space_and_channels, bins, joint, value_range, grid, coarse
):
    rng = np.random.default_rng(seed)
    low, high = value_range
    images = rng.uniform(low, high, (2, *shape))
    if coarse:  # many values on edges of bins
        images = low + (high - low) * rng.integers(0, 5, images.shape) / 4
    images = images.clip(0).astype(dtype) if dtype == np.uint8 else images.astype(dtype)
    space, channels = space_and_channels
    channels = channels if shape[2] == 3 else "all"
    assert_counts(
        images,
        bins=bins,
        color_space=space,
        channels=channels,
        joint=joint,
        value_range=value_range,
        grid=grid,
    )


@pytest.mark.parametrize("space", SCIKIT_IMAGE)
def test_colors_equal_scikit_image(space, rng):
    images = hostile_images()
    of_bytes = [images[name] for name in images if images[name].ndim == 4]
    for picture in [*of_bytes, rng.random((1, 50, 40, 3)), np.zeros((1, 1, 1, 3))]:
        value_range = (0, 255) if picture.dtype == np.uint8 else (0, 1)
        ours = convert(picture, space, value_range)
        if space == "gray":
            ours = ours[..., 0] / value_range[1]
        theirs = SCIKIT_IMAGE[space](picture)
        if space == "hsv":  # red is at both ends of the circle
            difference = np.abs(ours - theirs)
            difference[..., 0] = np.minimum(difference[..., 0], 1 - difference[..., 0])
        else:
            difference = np.abs(ours - theirs)
        assert difference.max() < 1e-3


def test_lab_of_all_of_srgb_is_within_its_limits():
    axis = np.arange(0, 256, 5, dtype=np.uint8)
    images = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(1, -1, 52, 3)
    lab = convert(images, "lab").reshape(-1, 3)
    low, high = np.array(LIMITS["lab"]).T
    assert (lab.min(axis=0) >= low).all()
    assert (lab.max(axis=0) <= high).all()
    assert (lab.min(axis=0) - low < 1).all()
    assert (high - lab.max(axis=0) < 1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize("space", NAMES)
@pytest.mark.parametrize("joint", [False, True])
def test_bytes_equal_numbers_of_the_same_values(space, dtype, joint):
    for images in hostile_images().values():
        parameters = {"bins": 10, "color_space": space, "joint": joint}
        of_bytes = ColorHistogram(**parameters).fit_transform(images)
        histogram = ColorHistogram(value_range=(0, 255), **parameters)
        features = histogram.fit_transform(images.astype(dtype))
        assert features.dtype == (np.float32 if dtype == np.float32 else np.float64)
        np.testing.assert_array_equal(features.astype(np.float32), of_bytes)


def test_weighted_hue(rng):
    images = rng.integers(0, 256, (3, 30, 40, 3), dtype=np.uint8)
    images[0, :, :20] = 77  # gray: no hue
    parameters = {"channels": [WEIGHTED, "hue", "value"], "bins": (12, 5, 4)}
    for grid in [(1, 1), (3, 4)]:
        expected = definition(images, grid=grid, **parameters)
        histogram = ColorHistogram(norm=None, grid=grid, **parameters)
        np.testing.assert_allclose(histogram.fit_transform(images), expected, rtol=1e-6)
        of_floats = histogram.set_params(value_range=(0, 255)).fit_transform(
            images.astype(float)
        )
        np.testing.assert_array_equal(of_floats, expected)


@pytest.mark.parametrize("norm", ["l1", "l2", "sqrt", None])
def test_gray_images_have_no_weighted_hue(norm):
    images = np.full((2, 8, 8, 3), 100, np.uint8)
    images[1, :4] = [200, 0, 0]
    histogram = ColorHistogram(channels=WEIGHTED, norm=norm).fit(images)
    features = histogram.transform(images)
    assert not features[0].any()
    assert features[1, 0] == (32 if norm is None else 1)


def test_norms(rng):
    images = rng.integers(0, 256, (5, 20, 20, 3), dtype=np.uint8)
    for parameters in ({"grid": (2, 3)}, {"joint": True, "bins": 4}):
        length = 64 if "joint" in parameters else 16
        counts, l1, l2, root = (
            ColorHistogram(norm=norm, **parameters)
            .fit_transform(images.astype(float))
            .reshape(-1, length)
            for norm in (None, "l1", "l2", "sqrt")
        )
        np.testing.assert_allclose(l1, counts / counts.sum(axis=1, keepdims=True))
        lengths = np.linalg.norm(counts, axis=1, keepdims=True)
        np.testing.assert_allclose(l2, counts / lengths)
        np.testing.assert_allclose(root, np.sqrt(l1))


def test_all_pixels_are_in_a_cell(rng):
    images = rng.integers(0, 256, (2, 13, 11, 3), dtype=np.uint8)
    for grid in [(1, 1), (2, 3), (13, 11), (5, 1), (50, 60)]:
        counts = ColorHistogram(norm=None, grid=grid).fit_transform(images)
        np.testing.assert_array_equal(counts.sum(axis=1), 3 * 13 * 11)
    assert counts.shape[1] == 13 * 11 * 48  # the grid shrank to the image


def test_feature_names_say_where_the_numbers_come_from():
    image = np.zeros((1, 8, 8, 3), np.uint8)
    image[0, 4:, 4:] = [0, 255, 0]
    histogram = ColorHistogram(bins=12, grid=(2, 2)).fit(image)
    features = dict(
        zip(
            histogram.get_feature_names_out(),
            histogram.transform(image)[0],
            strict=True,
        )
    )
    assert len(features) == 2 * 2 * 3 * 12
    assert list(features)[:2] == ["hue_00_y0_x0", "hue_01_y0_x0"]
    assert features["hue_04_y1_x1"] == features["value_11_y1_x1"] == 1
    assert features["hue_00_y0_x1"] == features["saturation_00_y1_x0"] == 1
    assert sum(features.values()) == 12


def test_names_of_joint_bins(rng):
    image = np.full((1, 6, 6, 3), [0, 200, 0], np.uint8)
    histogram = ColorHistogram((11, 3, 4), joint=True, grid=(1, 12)).fit(image)
    names = histogram.get_feature_names_out()
    assert len(set(names)) == len(names) == 6 * 11 * 3 * 4
    features = histogram.transform(image)[0]
    assert list(names[features == 1]) == [
        f"hue_03_saturation_2_value_3_y0_x{x}" for x in range(6)
    ]


def test_names_of_gray_and_of_chosen_channels():
    gray = ColorHistogram(2).fit(np.zeros((1, 4, 4), np.uint8))
    assert list(gray.get_feature_names_out()) == ["gray_0_y0_x0", "gray_1_y0_x0"]
    chosen = ColorHistogram((1, 2), channels=("value", WEIGHTED))
    chosen.fit(np.zeros((1, 4, 4, 3), np.uint8))
    assert list(chosen.get_feature_names_out()) == [
        "value_0_y0_x0",
        "weighted_hue_0_y0_x0",
        "weighted_hue_1_y0_x0",
    ]


@pytest.mark.parametrize("space", NAMES)
def test_gray_images_are_one_channel_in_every_space(space):
    images = hostile_images()["gray"]
    expected = ColorHistogram(color_space="gray").fit_transform(images)
    for channels in ("all", "gray", ["gray"]):
        histogram = ColorHistogram(color_space=space, channels=channels)
        np.testing.assert_array_equal(histogram.fit_transform(images), expected)


def test_the_range_of_values():
    bytes_ = np.full((1, 4, 4), 7, np.uint8)
    assert ColorHistogram().fit(bytes_).value_range_ == (0, 255)
    floats = np.linspace(-1, 3, 16).reshape(1, 4, 4)
    histogram = ColorHistogram(4, norm=None).fit(floats)
    assert histogram.value_range_ == (-1, 3)
    np.testing.assert_array_equal(histogram.transform(floats), [[4, 4, 4, 4]])
    given = ColorHistogram(4, norm=None, value_range=(0, 2)).fit(floats)
    assert given.value_range_ == (0, 2)
    np.testing.assert_array_equal(given.transform(floats), [[6, 2, 2, 6]])


def test_values_outside_the_range_are_clipped(rng):
    X = rng.random((2, 9, 9, 3))
    beyond = 3 * rng.normal(size=(5, 9, 9, 3))
    for space in NAMES:
        histogram = ColorHistogram(color_space=space).fit(X)
        low, high = histogram.value_range_
        np.testing.assert_array_equal(
            histogram.transform(beyond), histogram.transform(beyond.clip(low, high))
        )
    huge = np.where(beyond > 0, 1e300, -1e300)
    assert np.isfinite(histogram.transform(huge)).all()


@pytest.mark.parametrize("value", [0, 0.3, -7, 1e17, -1e300, 1e-320])
@pytest.mark.parametrize("space", NAMES)
def test_constant_training_images(space, value):
    X = np.full((2, 5, 5, 3), float(value))
    histogram = ColorHistogram(color_space=space).fit(X)
    low, high = histogram.value_range_
    assert low < value < high
    n_histograms = len(NAMES[space])
    np.testing.assert_allclose(histogram.transform(X).sum(axis=1), n_histograms)
    if space == "rgb":
        assert (histogram.transform(X)[:, [8, 24, 40]] == 1).all()  # in the middle


@pytest.mark.parametrize("scale", [1e-310, 1e-300, 1e-30, 1e30, 1e299])
@pytest.mark.parametrize("space", NAMES)
def test_tiny_and_huge_floats(space, scale, rng):
    X = rng.integers(0, 256, (2, 8, 8, 3)) / 256
    X[0, 0, 0], X[0, 0, 1] = 0, 1
    expected = ColorHistogram(color_space=space).fit_transform(X)
    scaled = ColorHistogram(color_space=space).fit_transform(X * scale)
    np.testing.assert_allclose(scaled.sum(axis=1), expected.sum(axis=1))
    if scale > 1e-310:
        assert np.abs(scaled - expected).sum() < 0.2


def test_colors_of_gray_images():
    with pytest.raises(ValueError, match=r"images of one channel \(gray\); got 'hue'"):
        ColorHistogram(channels="hue").fit(np.zeros((1, 4, 4)))
    with pytest.raises(ValueError, match=r"each of the 1 channels \(gray\)"):
        ColorHistogram((4, 4, 4)).fit(np.zeros((1, 4, 4)))
    with pytest.raises(ValueError, match=r"hue, saturation, value, .*; got 'gray'"):
        ColorHistogram(channels="gray").fit(np.zeros((1, 4, 4, 3)))


@pytest.mark.parametrize("parameters", [{}, {"joint": True}, {"channels": WEIGHTED}])
def test_threads(parameters, rng):
    images = rng.integers(0, 256, (9, 300, 301, 3), dtype=np.uint8)
    for X in (images, images[:4] / 255):
        expected = ColorHistogram(**parameters).fit_transform(X)
        for n_jobs in (2, 3, -1):
            histogram = ColorHistogram(n_jobs=n_jobs, **parameters)
            np.testing.assert_array_equal(histogram.fit_transform(X), expected)


def test_images_are_not_copied_to_floats(rng):
    images = rng.integers(0, 256, (2, 1000, 1000, 3), dtype=np.uint8)
    for space in NAMES:
        histogram = ColorHistogram(color_space=space).fit(images)
        histogram.transform(images[:, :, :])
        tracemalloc.start()
        histogram.transform(images)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1e6


def test_hellinger_distance(rng):
    images = rng.integers(0, 256, (2, 20, 20), dtype=np.uint8)
    a, b = ColorHistogram(norm="l1").fit_transform(images).astype(float)
    roots = ColorHistogram(norm="sqrt").fit_transform(images)
    distance = math.sqrt(1 - np.sqrt(a * b).sum())
    assert np.linalg.norm(roots[0] - roots[1]) / math.sqrt(2) == pytest.approx(
        distance, abs=1e-6
    )


@pytest.mark.parametrize("value", [-1.2e308, 1.2e308])
def test_one_value_that_no_range_can_be_around(value):
    with pytest.raises(ValueError, match="too wide"):
        ColorHistogram().fit(np.full((2, 4, 4), value))
