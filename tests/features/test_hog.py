"""HOG against scikit-image, OpenCV and its definition in NumPy."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.feature import hog as skimage_hog

from skvision import HOG, ImageShapeWarning
from skvision.datasets import load_cifar10

NORMS = ["L1", "L1-sqrt", "L2", "L2-Hys"]


def scikit_image(images, **parameters):
    parameters = {"pixels_per_cell": (8, 8), "cells_per_block": (2, 2)} | parameters
    channel_axis = -1 if images.ndim == 4 else None
    return np.array(
        [
            skimage_hog(image, channel_axis=channel_axis, **parameters)
            for image in images
        ]
    )


def gradients(image):
    """Return the longest gradient of (H, W, C) at each pixel, the first of equals."""
    image = image.astype(float)
    dx, dy = np.zeros_like(image), np.zeros_like(image)
    dx[:, 1:-1] = image[:, 2:] - image[:, :-2]
    dy[1:-1] = image[2:] - image[:-2]
    strongest = (dx**2 + dy**2).argmax(axis=2)[..., None]
    return (
        np.take_along_axis(dx, strongest, 2)[..., 0],
        np.take_along_axis(dy, strongest, 2)[..., 0],
    )


def definition(
    image, orientations, cell, block, norm, signed=False, sqrt=False, interpolate=False
):
    """Compute HOG as the textbook has it, a pixel at a time."""
    image = np.atleast_3d(image).astype(float)
    dx, dy = gradients(np.sqrt(image) if sqrt else image)
    turn = 360 if signed else 180
    position = np.degrees(np.arctan2(dy, dx)) % turn / turn * orientations
    position[position >= orientations] = 0
    height, width = dx.shape
    cell = min(cell[0], height), min(cell[1], width)
    n_y, n_x = height // cell[0], width // cell[1]
    cells = np.zeros((n_y + 3, n_x + 3, orientations))  # with a border on all sides
    for y in range(height):
        for x in range(width):
            length = np.hypot(dx[y, x], dy[y, x])
            if not interpolate:
                at = min(y // cell[0], n_y) + 1, min(x // cell[1], n_x) + 1
                cells[(*at, int(position[y, x]))] += length
                continue
            at_y, at_x = (y + 0.5) / cell[0] + 0.5, (x + 0.5) / cell[1] + 0.5
            at_o = position[y, x] - 0.5
            for i in range(2):
                for j in range(2):
                    for k in range(2):
                        cy, cx, o = (
                            int(at_y) + i,
                            int(at_x) + j,
                            int(np.floor(at_o)) + k,
                        )
                        shares = (1 - abs(at_y - cy)) * (1 - abs(at_x - cx))
                        if cy < len(cells) and cx < cells.shape[1]:
                            share = shares * (1 - abs(at_o - o))
                            cells[cy, cx, o % orientations] += share * length
    cells = cells[1 : n_y + 1, 1 : n_x + 1] / (cell[0] * cell[1])
    block = min(block[0], n_y), min(block[1], n_x)
    features = []
    for y in range(n_y - block[0] + 1):
        for x in range(n_x - block[1] + 1):
            v = cells[y : y + block[0], x : x + block[1]].ravel()
            if norm.startswith("L1"):
                v = v / (v.sum() + 1e-5)
                v = np.sqrt(v) if norm == "L1-sqrt" else v
            else:
                v = v / np.sqrt((v**2).sum() + 1e-10)
                if norm == "L2-Hys":
                    v = np.minimum(v, 0.2)
                    v = v / np.sqrt((v**2).sum() + 1e-10)
            features.append(v)
    return np.concatenate(features)


def hostile_images():
    rng = np.random.default_rng(0)
    bright = np.zeros((16, 24), np.uint8)
    bright[8, 11] = 255
    checkerboard = np.indices((32, 32)).sum(axis=0) % 2 * np.uint8(255)
    ramp = np.tile(np.arange(32, dtype=np.uint8) * 8, (32, 1))
    return {
        "black": np.zeros((16, 16), np.uint8),
        "white": np.full((16, 16, 3), 255, np.uint8),
        "one bright pixel": bright,
        "checkerboard": checkerboard,
        "squares": np.kron(checkerboard[:8, :8], np.ones((4, 4), np.uint8)),
        "ramp": ramp,
        "ramp up": np.ascontiguousarray(ramp.T[::-1]),
        "not a multiple of the cell": rng.integers(0, 256, (37, 29, 3), np.uint8),
        "0 and 255": rng.choice(np.uint8([0, 255]), (32, 32, 3)),
        "float64": rng.normal(size=(32, 40, 3)),
        "float32": rng.normal(size=(33, 40)).astype(np.float32),
        "tiny float": rng.random((16, 16)) * 1e-30,
        "tiny float32": rng.random((16, 16), np.float32) * np.float32(1e-30),
        "huge float": rng.random((16, 16, 3)) * 1e300,
        "huge float32": rng.random((16, 16)).astype(np.float32) * np.float32(1e37),
        "int": rng.integers(-1000, 1000, (32, 32)),
    }


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", hostile_images())
def test_hostile_images_equal_scikit_image(name, norm):
    image = hostile_images()[name]
    features = HOG(block_norm=norm).fit_transform(image[None])
    if name == "huge float":
        image = image / 1e280  # scikit-image's sums overflow
    expected = scikit_image(image[None], block_norm=norm)
    assert features.dtype == (np.float64 if image.dtype.itemsize == 8 else np.float32)
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("width", [8, 9, 31, 200])
def test_strips_equal_scikit_image(width):
    strips = np.random.default_rng(0).integers(0, 256, (5, 1, width), dtype=np.uint8)
    expected = scikit_image(strips, pixels_per_cell=(1, 8), cells_per_block=(1, 1))
    features = HOG(cells_per_block=(1, 1)).fit_transform(strips)
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-5)
    on_rows = HOG(cells_per_block=(1, 1), image_shape=(1, width))
    np.testing.assert_array_equal(
        on_rows.fit_transform(strips.reshape(5, width)), features
    )


@pytest.mark.parametrize("shape", [(32, 32), (32, 32, 3), (512, 512, 3), (45, 2100)])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"orientations": 1},
        {"orientations": 6, "pixels_per_cell": (7, 5), "cells_per_block": (1, 3)},
        {"orientations": 8, "transform_sqrt": True},
        {"orientations": 18, "pixels_per_cell": (16, 4), "cells_per_block": (2, 1)},
    ],
    ids=str,
)
def test_parameters_equal_scikit_image(shape, parameters):
    images = np.random.default_rng(0).random((2, *shape))
    features = HOG(**parameters).fit_transform(images)
    expected = scikit_image(images, **parameters)  # whose sums are single precision
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-6)


@pytest.mark.realdata
@pytest.mark.parametrize("norm", NORMS)
def test_real_images_equal_scikit_image(data_root, norm):
    images = load_cifar10(data_root, split="test").images[:1000]
    features = HOG(block_norm=norm).fit_transform(images)
    errors = np.abs(features - scikit_image(images, block_norm=norm)).max(axis=1)
    # Where two channels have gradients of exactly the same length, HOG takes the first;
    # scikit-image takes the one whose length was rounded up.
    tied = np.array([has_ties(image.astype(int)) for image in images])
    assert errors[~tied].max() < 1e-5
    assert (errors < 1e-5).mean() >= 0.995


def has_ties(image):
    """Tell whether the longest gradient is that of two channels, and not the same."""
    dx, dy = np.zeros_like(image), np.zeros_like(image)
    dx[:, 1:-1] = image[:, 2:] - image[:, :-2]
    dy[1:-1] = image[2:] - image[:-2]
    squares = dx**2 + dy**2
    longest = squares == squares.max(axis=2, keepdims=True)
    chosen = np.where(longest, np.abs(dx), -1)
    smallest = np.where(longest, np.abs(dx), 1000)
    return bool((chosen.max(axis=2) != smallest.min(axis=2)).any())


@pytest.mark.realdata
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_real_float_images_equal_scikit_image(data_root, dtype):
    images = load_cifar10(data_root, split="test").images[:300].astype(dtype) / dtype(
        255
    )
    errors = np.abs(HOG().fit_transform(images) - scikit_image(images)).max(axis=1)
    assert (errors < 1e-5).mean() >= 0.98  # rounding decides ties of channels
    assert np.median(errors) < 1e-6


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3])),
    orientations=st.integers(1, 19),
    cell=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    block=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    norm=st.sampled_from(NORMS),
    signed=st.booleans(),
    sqrt=st.booleans(),
    interpolate=st.booleans(),
)
def test_equals_its_definition(
    seed, shape, orientations, cell, block, norm, signed, sqrt, interpolate
):
    image = np.random.default_rng(seed).random(shape)
    features = HOG(
        orientations=orientations,
        pixels_per_cell=cell,
        cells_per_block=block,
        block_norm=norm,
        signed=signed,
        transform_sqrt=sqrt,
        interpolate=interpolate,
    ).fit_transform(image[None])
    expected = definition(
        image, orientations, cell, block, norm, signed, sqrt, interpolate
    )
    np.testing.assert_allclose(features[0], expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("signed", [False, True])
def test_interpolated_votes_equal_opencv(signed):
    """One block as large as the image, and a window that weighs all pixels alike."""
    images = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    images[10:] = np.kron(images[10:, :8, :8], np.ones((4, 4, 1), np.uint8))
    n_bins = 18 if signed else 9
    side = (32, 32)
    # size of window, block, stride, cell; bins; aperture; sigma; norm; clip; gamma;
    # levels; signed
    descriptor = cv2.HOGDescriptor(
        side, side, (8, 8), (8, 8), n_bins, 1, 1e6, 0, 0.2, False, 64, signed
    )
    expected = np.array([descriptor.compute(image).ravel() for image in images])
    expected = expected.reshape(20, 4, 4, n_bins).transpose(0, 2, 1, 3)  # columns first
    hog = HOG(
        orientations=n_bins, cells_per_block=(4, 4), interpolate=True, signed=signed
    )
    features = hog.fit_transform(images).reshape(expected.shape)
    np.testing.assert_allclose(features, expected, atol=2e-3)


def test_interpolated_features_change_less_when_the_image_shifts():
    rng = np.random.default_rng(0)
    big = np.kron(rng.integers(0, 256, (20, 12, 12), dtype=np.uint8), np.ones((4, 4)))

    def change(hog):
        here, there = (hog.fit_transform(big[:, y : y + 40, :40]) for y in (2, 3))
        return np.linalg.norm(here - there)

    assert change(HOG(interpolate=True)) < 0.8 * change(HOG())


def test_bins_of_every_gradient_of_bytes():
    """All 511 x 511 gradients that bytes can have, on and off the boundaries."""
    d = np.arange(-255, 256)
    dx, dy = (axis.ravel() for axis in np.meshgrid(d, d))
    images = np.zeros((len(dx), 3, 3), np.uint8)
    images[:, 1, 2], images[:, 1, 0] = np.maximum(dx, 0), np.maximum(-dx, 0)
    images[:, 2, 1], images[:, 0, 1] = np.maximum(dy, 0), np.maximum(-dy, 0)
    for orientations, signed in [
        (9, False),
        (8, False),
        (12, False),
        (18, True),
        (7, True),
    ]:
        hog = HOG(orientations, (3, 3), (1, 1), block_norm="L1", signed=signed)
        features = hog.fit_transform(images)
        # only the pixel in the middle has a gradient: (dx, dy)
        turn = 2 * np.pi if signed else np.pi
        angle = np.arctan2(dy, dx) % turn
        expected = np.floor(angle / turn * orientations + 1e-9) % orientations
        some = (dx != 0) | (dy != 0)
        assert ((features > 0).sum(axis=1) == some).all()
        np.testing.assert_array_equal(features.argmax(axis=1)[some], expected[some])


def test_opposite_gradients():
    up = np.tile(np.arange(0, 160, 10, dtype=np.uint8), (16, 1))
    pair = np.array([up, up[:, ::-1]])
    unsigned = HOG().fit_transform(pair)
    signed = HOG(orientations=18, signed=True).fit_transform(pair)
    np.testing.assert_array_equal(unsigned[0], unsigned[1])
    assert signed[0] @ signed[1] == 0


def test_feature_names_say_where_the_numbers_come_from():
    image = np.zeros((24, 32), np.uint8)
    image[4, 28:] = 100  # in the upper right cell, a horizontal edge
    hog = HOG(block_norm="L1").fit(image[None])
    names = hog.get_feature_names_out()
    features = hog.transform(image[None])[0]
    assert names[features.argmax()] == "hog_by0_bx2_cy0_cx1_o4"
    assert len(names) == len(features) == 2 * 3 * 4 * 9


def test_a_photo_of_320_by_240_has_10800_numbers(rng):
    photo = rng.integers(0, 256, (1, 240, 320, 3), dtype=np.uint8)
    features = HOG(9, (8, 8), cells_per_block=(1, 1)).fit_transform(photo)
    assert features.shape == (1, 10_800)


def test_blocks_and_cells_shrink_to_the_image():
    image = np.random.default_rng(0).integers(0, 256, (1, 5, 12), dtype=np.uint8)
    shrunk = HOG(pixels_per_cell=(8, 8), cells_per_block=(2, 2)).fit_transform(image)
    exact = HOG(pixels_per_cell=(5, 8), cells_per_block=(1, 1)).fit_transform(image)
    np.testing.assert_array_equal(shrunk, exact)


def test_image_shape_against_images():
    with pytest.raises(
        ValueError, match=r"shape \(8, 8, 1\), but image_shape=\(4, 16\)"
    ):
        HOG(image_shape=(4, 16)).fit(np.zeros((3, 8, 8)))


def test_negative_images_have_no_square_root():
    images = np.zeros((1, 8, 8)) - 1
    with pytest.raises(ValueError, match=r"down to -1.*transform_sqrt=False"):
        HOG(transform_sqrt=True).fit_transform(images)


@pytest.mark.parametrize(
    ("n_features", "shape"), [(64, (8, 8, 1)), (192, (8, 8, 3)), (65, (1, 65, 1))]
)
def test_guesses_are_announced(n_features, shape):
    hog = HOG()
    with pytest.warns(
        ImageShapeWarning, match=rf"{shape[0]} x {shape[1]}.*image_shape="
    ):
        hog.fit(np.zeros((2, n_features)))
    assert hog.image_shape_ == shape


@pytest.mark.parametrize("interpolate", [False, True])
def test_faint_pixels_count_in_large_cells(interpolate, rng):
    side = 1000
    faint = np.add.outer(np.arange(side) // 2 % 2, np.arange(side) // 3 % 2)
    image = (faint + (rng.random((side, side)) < 0.5)).astype(np.uint8)[None]
    hog = HOG(9, (side, side), (1, 1), "L2", interpolate=interpolate)
    expected = hog.fit_transform(image.astype(float))
    np.testing.assert_allclose(hog.fit_transform(image), expected, atol=1e-6)
