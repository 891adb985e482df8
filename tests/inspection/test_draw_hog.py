"""Drawings of HOG against straight edges, scikit-image and the names of features."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage.feature import hog as skimage_hog
from sklearn.datasets import load_sample_image
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from skvision import HOG
from skvision.inspection import draw_hog


def edge(degrees, side=24):
    """Return a soft straight edge through the middle; its gradient has this angle."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    angle = np.radians(degrees)
    across = x * np.cos(angle) + y * np.sin(angle)
    return 1 / (1 + np.exp(-across))


def turned(drawing):
    """Return the direction, in degrees from 0 to 180, in which brightness extends."""
    y, x = np.mgrid[: drawing.shape[0], : drawing.shape[1]] + 0.5
    y, x = y - drawing.shape[0] / 2, x - drawing.shape[1] / 2
    covariance = 2 * (drawing * x * y).sum(), (drawing * (x**2 - y**2)).sum()
    return np.degrees(np.arctan2(*covariance) / 2) % 180


def difference(a, b, turn=180):
    return abs((a - b + turn / 2) % turn - turn / 2)


@pytest.mark.parametrize("degrees", range(10, 180, 20))
def test_the_brightest_line_runs_along_the_edge(degrees):
    hog = HOG(pixels_per_cell=(24, 24)).fit(edge(degrees)[None])
    drawing = draw_hog(hog, hog.transform(edge(degrees)[None])[0], scale=2)
    along = degrees + 90
    assert difference(turned(drawing == 1), along) < 2
    # as far as the border of the cell, and nothing at right angles to it
    step = np.array([np.sin(np.radians(along)), np.cos(np.radians(along))])
    for outwards in (0, 10, 20, -20):
        assert drawing[tuple((24 + outwards * step).astype(int))] == 1
    assert drawing[tuple((24 + 20 * step[::-1] * [1, -1]).astype(int))] < 0.1


@pytest.mark.parametrize("degrees", [3, 33, 58, 95, 128, 171])
def test_lines_are_within_half_a_bin_of_edges_between(degrees):
    hog = HOG(12, (8, 8)).fit(edge(degrees)[None])
    drawing = draw_hog(hog, hog.transform(edge(degrees)[None])[0])
    middle = drawing[16:32, 16:32]
    assert difference(turned(middle == middle.max()), degrees + 90) < 7.5 + 2


@pytest.mark.parametrize("degrees", range(10, 360, 40))
def test_half_lines_have_the_bright_side_on_their_left(degrees):
    hog = HOG(18, (24, 24), signed=True).fit(edge(degrees)[None])
    drawing = draw_hog(hog, hog.transform(edge(degrees)[None])[0], scale=2)
    y, x = np.argwhere(drawing == 1).mean(axis=0) + 0.5 - 24
    assert np.hypot(x, y) > 8  # half of half the cell
    outwards = np.degrees(np.arctan2(y, x))
    # y grows downwards: who looks at `outwards` has his left hand 90 degrees less
    assert difference(outwards - 90, degrees, 360) < 4


@pytest.mark.parametrize(
    ("shape", "parameters"),
    [
        ((32, 40), {}),
        ((24, 24, 3), {"signed": True, "orientations": 8}),
        ((37, 29), {"pixels_per_cell": (7, 9), "cells_per_block": (3, 1)}),
        ((12, 5), {}),
        ((16, 16), {"cells_per_block": (1, 1), "interpolate": True}),
        ((1, 20), {"orientations": 3}),
    ],
    ids=str,
)
def test_lines_are_as_bright_as_features_of_these_names(rng, shape, parameters):
    images = rng.random((2, *shape))
    hog = HOG(**parameters).fit(images)
    features = hog.transform(images)
    values = {}  # of each line, in each block that holds its cell
    for name, column in zip(hog.get_feature_names_out(), features.T, strict=True):
        by, bx, cy, cx, k = map(int, re.findall(r"\d+", name))
        values.setdefault((by + cy, bx + cx, k), []).append(column)
    means = {line: np.mean(columns, axis=0) for line, columns in values.items()}
    peak = np.max(list(means.values()), axis=0)

    cell = np.minimum(hog.pixels_per_cell, shape[:2])
    scale = 128 // cell.min()  # lines do not touch at their ends
    drawings = draw_hog(hog, features, scale=scale)
    assert drawings.shape == (2, scale * shape[0], scale * shape[1])
    turn = 2 * np.pi if hog.signed else np.pi
    for (cy, cx, k), mean in means.items():
        angle = (k + 0.5) * turn / hog.orientations
        radius = 0.43 * scale * cell.min()
        middle = scale * cell * (np.array([cy, cx]) + 0.5)
        y, x = (middle + radius * np.array([np.cos(angle), -np.sin(angle)])).astype(int)
        np.testing.assert_allclose(drawings[:, y, x], mean / peak, rtol=1e-5)


@pytest.mark.parametrize("orientations", [6, 9])
@pytest.mark.parametrize("cell", [(16, 16), (16, 24)])
def test_photo_looks_as_in_scikit_image(orientations, cell):
    photo = load_sample_image("china.jpg")[:384, :384].mean(axis=2)
    n_cells = tuple(384 // size for size in cell)
    # scikit-image draws the cells before blocks are normalized: one block for all
    hog = HOG(orientations, cell, n_cells, block_norm="L1").fit(photo[None])
    features = hog.transform(photo[None])[0]
    _, expected = skimage_hog(
        photo, orientations, cell, n_cells, block_norm="L1", visualize=True
    )
    # its lines are one pixel wide, start half a pixel beside, and add up in the middle
    y, x = np.mgrid[:384, :384] % np.array(cell)[:, None, None]
    y, x = y + 0.5 - cell[0] / 2, x + 0.5 - cell[1] / 2
    outer = np.hypot(x, y) > min(cell) / 4

    def correlation(features):
        drawing = draw_hog(hog, features, scale=1)
        pair = [gaussian_filter(image, 1)[outer] for image in (drawing, expected)]
        return np.corrcoef(pair)[0, 1]

    assert correlation(features) > 0.94
    across = features.reshape(-1, orientations)[:, ::-1].ravel()  # lines mirrored
    assert correlation(across) < 0.5


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("cell", [(2, 7), (3, 3), (12, 12), (16, 24), (48, 48)])
def test_where_no_line_is_the_drawing_is_exactly_zero(cell, signed):
    """A pixel that a line only touches is not a rounding error bright."""
    for orientations in range(1, 19):
        hog = HOG(orientations, cell, (1, 1), signed=signed).fit(np.ones((1, *cell)))
        drawings = draw_hog(hog, np.eye(orientations), scale=1)
        assert drawings.max() == 1
        assert drawings[drawings > 0].min() > 1e-7


def test_cells_that_are_not_whole_are_not_drawn(rng):
    images = rng.random((3, 21, 30))
    hog = HOG().fit(images)
    drawings = draw_hog(hog, hog.transform(images), scale=3)
    assert drawings.shape == (3, 63, 90)
    assert drawings[:, 48:].max() == drawings[:, :, 72:].max() == 0
    assert drawings[:, 24:48, 48:72].max(axis=(1, 2)).min() > 0


@pytest.mark.parametrize(
    ("shape", "cell", "scale"),
    [((32, 32), (8, 8), 2), ((9, 9), (3, 5), 6), ((64, 64), (32, 16), 1)],
)
def test_small_cells_are_enlarged_to_sixteen_pixels(rng, shape, cell, scale):
    images = rng.random((1, *shape))
    hog = HOG(pixels_per_cell=cell).fit(images)
    drawings = draw_hog(hog, hog.transform(images))
    np.testing.assert_array_equal(
        drawings, draw_hog(hog, hog.transform(images), scale=scale)
    )
    assert drawings.shape == (1, scale * shape[0], scale * shape[1])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3])),
    orientations=st.integers(1, 19),
    cell=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    block=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    signed=st.booleans(),
    scale=st.sampled_from([None, 1, 2, 5]),
)
def test_the_strongest_line_of_each_drawing_is_one(
    seed, shape, orientations, cell, block, signed, scale
):
    images = np.random.default_rng(seed).random((3, *shape))
    images[1] = 0.5
    hog = HOG(orientations, cell, block, signed=signed).fit(images)
    features = hog.transform(images)
    drawings = draw_hog(hog, features, scale=scale)
    assert drawings.dtype == np.float32
    assert drawings.min() >= 0
    expected = (features.max(axis=1) > 0).astype(float)
    np.testing.assert_array_equal(drawings.max(axis=(1, 2)), expected)
    for row, drawing in zip(features, drawings, strict=True):  # whatever came with it
        np.testing.assert_array_equal(draw_hog(hog, row, scale=scale), drawing)


def test_length_of_the_features_does_not_matter(rng):
    images = rng.random((1, 24, 24))
    hog = HOG(cells_per_block=(1, 1)).fit(images)
    features = hog.transform(images)
    np.testing.assert_allclose(
        draw_hog(hog, features), draw_hog(hog, 100 * features), rtol=1e-5
    )


def test_takes_tables_and_lists(rng):
    images = rng.random((2, 16, 16))
    hog = HOG().fit(images)
    features = hog.transform(images)
    expected = draw_hog(hog, features)
    table = hog.set_output(transform="pandas").transform(images)
    assert isinstance(table, pd.DataFrame)
    np.testing.assert_array_equal(draw_hog(hog, table), expected)
    np.testing.assert_array_equal(draw_hog(hog, features.tolist()), expected)
    np.testing.assert_array_equal(draw_hog(hog, table.iloc[0]), expected[0])


def test_features_are_left_as_they_are(rng):
    images = rng.random((2, 16, 16)).astype(np.float32)
    hog = HOG().fit(images)
    features = hog.transform(images)
    copy = features.copy()
    features.setflags(write=False)
    draw_hog(hog, features)
    np.testing.assert_array_equal(features, copy)


@pytest.fixture
def fitted():
    return HOG().fit(np.zeros((1, 16, 16)))


def test_needs_a_fitted_hog(fitted):
    features = np.zeros((1, 36))
    with pytest.raises(NotFittedError, match="HOG instance is not fitted"):
        draw_hog(HOG(), features)
    with pytest.raises(TypeError, match=r"got Pipeline. If it is a step of a pipeline"):
        draw_hog(make_pipeline(fitted), features)
    with pytest.raises(
        ValueError, match="cells_per_block must be two positive integers"
    ):
        draw_hog(fitted.set_params(cells_per_block=(0, 1)), features)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((2, 35)), r"35 columns, but .* \(16, 16, 1\), has 36 features. Pass"),
        (np.zeros(9), "9 columns"),
        (np.full((1, 36), -0.5), r"got -0.5. .*np.maximum\(-features, 0\)"),
        (np.full((1, 36), np.nan), "features contains NaN"),
        (np.zeros((1, 4, 9)), "dim 3"),
        (np.zeros((0, 36)), r"0 sample\(s\)"),
    ],
)
def test_needs_features_of_this_hog(fitted, features, message):
    with pytest.raises(ValueError, match=message):
        draw_hog(fitted, features)


def test_needs_a_whole_scale(fitted):
    with pytest.raises(ValueError, match="scale == 0, must be >= 1"):
        draw_hog(fitted, np.zeros((1, 36)), scale=0)
    with pytest.raises(TypeError, match="scale must be an instance of int"):
        draw_hog(fitted, np.zeros((1, 36)), scale=1.5)
