"""Bags of visual words against a direct derivation in NumPy."""

import tracemalloc

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.base import clone
from sklearn.cluster import MiniBatchKMeans

from skvision import BagOfVisualWords, ImageShapeWarning
from skvision._features.visual_words.codebook import (
    learn_whitening,
    learn_words,
    with_mirror_images,
)
from skvision._features.visual_words.patch_encoder import lay_out_cells
from skvision._features.visual_words.patches import sample_patches

ENCODINGS = [("omp", "threshold"), ("kmeans", "triangle"), ("kmeans", "hard")]


def pictures(shape, n=12, seed=0):
    """Return smooth random images, uint8."""
    noise = np.random.default_rng(seed).normal(size=(n, *shape))
    for axis in (1, 2):
        noise = noise + np.roll(noise, 1, axis) + np.roll(noise, 2, axis)
    return np.clip(128 + 20 * noise, 0, 255).astype(np.uint8)


def patches_of(image, shape, epsilon):
    """Return all patches (rows, columns, pixels), normalized, in float64."""
    windows = sliding_window_view(image.astype(float), shape[:2], axis=(0, 1))
    patches = np.moveaxis(windows, 2, -1).reshape(*windows.shape[:2], -1)
    patches = patches - patches.mean(axis=-1, keepdims=True)
    contrast = np.sqrt(patches.var(axis=-1, keepdims=True) + epsilon)
    return patches / np.where(contrast == 0, 1, contrast)


def codes_of(x, words, encoding, threshold):
    """Return the codes of one whitened patch, (n_signs, n_words)."""
    if encoding == "threshold":
        v = words @ x
        return np.maximum(0, [v - threshold, -v - threshold])
    distances = np.sqrt(((words - x) ** 2).sum(axis=1))
    if encoding == "triangle":
        return np.maximum(0, distances.mean() - distances)[None]
    return (np.arange(len(words)) == distances.argmin()).astype(float)[None]


def derived_features(fitted, image):
    """Return the features of an image (H, W, C), by the definition."""
    shape, stride = fitted.patch_shape_, fitted.stride
    patches = patches_of(image, shape, fitted.contrast_epsilon)
    tops, lefts = (
        range((size - patch) % stride // 2, size - patch + 1, stride)
        for size, patch in zip(image.shape[:2], shape[:2], strict=True)
    )
    words = fitted.codebook_.astype(float)
    whitened = (patches - fitted.patch_mean_) @ fitted.whitening_.astype(float)
    codes = np.array(
        [
            [
                codes_of(whitened[y, x], words, fitted.encoding, fitted.threshold)
                for x in lefts
            ]
            for y in tops
        ]
    )
    grid = [min(g, n) for g, n in zip(fitted.grid, codes.shape[:2], strict=True)]
    features = []
    for i in range(grid[0]):
        top, bottom = cell(i, grid[0], len(tops))
        for j in range(grid[1]):
            left, right = cell(j, grid[1], len(lefts))
            inside = codes[top:bottom, left:right]
            features.append(inside.sum(axis=(0, 1)))
            if fitted.encoding != "hard":
                features[-1] /= inside.shape[0] * inside.shape[1]
    return np.array(features)


def cell(i, n_cells, n_patches):
    return int(np.floor(i * n_patches / n_cells)), int(
        np.ceil((i + 1) * n_patches / n_cells)
    )


def expected_features(fitted, image):
    """Return the same with mirror images, where they count: of image and mirror."""
    features = derived_features(fitted, image)
    if not fitted.mirror:
        return features.ravel()
    n_pairs = len(fitted.codebook_) // 2
    both = features + derived_features(fitted, image[:, ::-1])
    both = both if fitted.encoding == "hard" else both / 2
    return both[..., :n_pairs].ravel()


@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize(("codebook", "encoding"), ENCODINGS)
@pytest.mark.parametrize(
    ("shape", "patch", "stride", "grid"),
    [
        ((12, 13, 3), 4, 1, (2, 2)),  # odd, even
        ((11, 12, 1), 3, 1, (3, 2)),
        ((14, 11, 3), (3, 5), 2, (2, 3)),
        ((13, 14, 1), (4, 2), 2, (1, 1)),
        ((12, 10, 3), 5, 3, (4, 5)),  # finer than the patches
        ((6, 6, 3), 6, 1, (2, 2)),  # one patch
        ((5, 4, 1), 6, 1, (2, 2)),  # a patch larger than the image
        ((9, 12, 3), 5, 1, (1, 3)),
    ],
)
def test_against_the_definition(shape, patch, stride, grid, codebook, encoding, mirror):
    images = pictures(shape)
    words = BagOfVisualWords(
        patch,
        stride,
        n_words=6,
        codebook=codebook,
        encoding=encoding,
        threshold=0.1,
        mirror=mirror,
        grid=grid,
        random_state=0,
    )
    if mirror:  # where the stride leaves one pixel over, no place is its own mirror
        size = min(patch if np.isscalar(patch) else patch[1], shape[1])
        if (shape[1] - size) % stride % 2:
            images = images[:, :, :-1]
    got = words.fit_transform(images)
    expected = np.array([expected_features(words, image) for image in images])
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_many_words_and_wide_images():
    """Rows of patches that are cut in the middle."""
    images = pictures((9, 150, 1), n=3)
    words = BagOfVisualWords(3, n_words=1000, grid=(2, 3), random_state=0).fit(images)
    got = words.transform(images[:2])
    expected = [expected_features(words, image) for image in images[:2]]
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_a_image_and_its_mirror_image_have_the_same_features():
    images = pictures((13, 15, 3))
    words = BagOfVisualWords(4, n_words=20, random_state=0).fit(images)
    got = words.transform(images[:, :, ::-1])
    np.testing.assert_allclose(got, words.transform(images), atol=1e-5)


def test_mirror_images_of_words():
    images = pictures((16, 16, 3), n=30)
    for codebook, encoding in ENCODINGS[:2]:
        words = BagOfVisualWords(
            4, n_words=40, codebook=codebook, encoding=encoding, random_state=0
        ).fit(images)
        patches = words.inverse_codebook()
        assert patches.shape == (40, 4, 4, 3)
        assert patches.dtype == np.float32
        np.testing.assert_allclose(patches[20:], patches[:20, :, ::-1], atol=1e-4)


def test_inverse_codebook_undoes_whitening():
    images = pictures((16, 16, 3), n=30)
    words = BagOfVisualWords(
        4,
        n_words=10,
        n_components=1.0,
        codebook="kmeans",
        encoding="hard",
        random_state=0,
    ).fit(images)
    rows = words.inverse_codebook().reshape(10, -1)
    whitened = (rows - words.patch_mean_) @ words.whitening_
    np.testing.assert_allclose(whitened, words.codebook_, atol=1e-3)


@pytest.mark.parametrize("mirror", [True, False])
def test_whitening(mirror):
    images = pictures((16, 16, 3), n=60)
    words = BagOfVisualWords(
        4, n_words=2, n_components=20, whitening_epsilon=0.0, mirror=mirror
    )
    words.set_params(random_state=0).fit(images)
    both = np.concatenate([images, images[:, :, ::-1]]) if mirror else images
    patches = np.concatenate([patches_of(image, (4, 4, 3), 10.0) for image in both])
    whitened = (patches.reshape(-1, 48) - words.patch_mean_) @ words.whitening_
    np.testing.assert_allclose(whitened.mean(axis=0), 0, atol=1e-2)
    np.testing.assert_allclose(np.cov(whitened.T), np.eye(20), atol=2e-2)
    covariance = np.cov(patches.reshape(-1, 48).T)
    leading = np.sort(np.linalg.eigvalsh(covariance))[-20:]
    kept = 1 / (words.whitening_**2).sum(axis=0)
    np.testing.assert_allclose(np.sort(kept), leading, rtol=1e-2)


def test_whitening_of_images_that_are_lit_from_the_left():
    """The mean of patches and mirror images is symmetric, whatever that of patches."""
    rng = np.random.default_rng(0)
    patches = rng.normal(size=(5000, 8)).astype(np.float32)
    patches += np.float32([3, 1, -1, -3] * 2)
    mirrored = patches.reshape(-1, 2, 4, 1)[:, :, ::-1].reshape(-1, 8)
    both = np.concatenate([patches, mirrored])
    whitening = learn_whitening(
        patches, n_components=8, epsilon=0.0, mirrored_shape=(2, 4, 1)
    )
    whitened = (both - whitening.mean) @ whitening.matrix
    np.testing.assert_allclose(np.cov(whitened.T), np.eye(8), atol=1e-2)


def test_words_of_gain_shape_k_means_are_unit_vectors_along_their_patches():
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(5, 5)))[0][:3].astype(np.float32)
    gains = rng.normal(size=(600, 1)) * 3
    patches = gains * directions[rng.integers(0, 3, 600)]
    patches = (patches + 0.01 * rng.normal(size=(600, 5))).astype(np.float32)
    words = learn_words(
        patches, 3, None, unit=True, random_state=np.random.RandomState(3), n_jobs=1
    )
    np.testing.assert_allclose(np.linalg.norm(words, axis=1), 1, rtol=1e-5)
    likeness = np.abs(words @ directions.T)
    np.testing.assert_allclose(np.sort(likeness.max(axis=0)), 1, atol=1e-3)


def test_words_of_k_means_are_as_good_as_scikit_learns():
    rng = np.random.default_rng(0)
    patches = rng.normal(size=(5000, 12)).astype(np.float32)
    words = learn_words(
        patches, 50, None, unit=False, random_state=np.random.RandomState(0), n_jobs=1
    )
    peer = MiniBatchKMeans(50, random_state=0, n_init=1).fit(patches).cluster_centers_

    def inertia(centers):
        squares = (centers**2).sum(axis=1) - 2 * patches @ centers.T
        return float(squares.min(axis=1).mean() + (patches**2).sum(axis=1).mean())

    assert inertia(words) < 1.01 * inertia(peer)


def test_words_and_mirror_images_share_patches():
    """The two kinds of patches are one kind and its mirror image: one word has both."""
    rng = np.random.default_rng(0)
    patches = rng.normal(0, 0.1, (400, 4)).astype(np.float32)
    patches[:, 0] += 3
    patches[:, 3] += np.where(np.arange(400) % 2, 2, -2)
    words = learn_words(
        patches, 1, 3, unit=False, random_state=np.random.RandomState(0), n_jobs=1
    )
    both = with_mirror_images(words, 3)
    np.testing.assert_allclose(np.abs(both), [[3, 0, 0, 2]] * 2, atol=0.05)


def test_codes_do_not_depend_on_the_dtype_or_on_the_range():
    images = pictures((12, 12, 3))
    words = BagOfVisualWords(4, n_words=10, random_state=0)
    expected = words.fit_transform(images)
    ranged = clone(words).set_params(value_range=(0, 255))
    for dtype in (np.float32, np.float64):
        got = ranged.fit_transform(images.astype(dtype))
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, expected)
    ranged.set_params(value_range=(0, 1))
    got = ranged.fit_transform(images / 255)
    np.testing.assert_allclose(got, expected, atol=1e-3)


def test_floats_beyond_the_learned_range_are_cut_off():
    images = pictures((12, 12, 3)) / 255
    words = BagOfVisualWords(4, n_words=10, random_state=0).fit(images)
    assert words.value_range_ == (images.min(), images.max())
    far = images.copy()
    far[:, :6] = 1e300
    near = images.copy()
    near[:, :6] = images.max()
    np.testing.assert_array_equal(words.transform(far), words.transform(near))


@pytest.mark.parametrize(("codebook", "encoding"), ENCODINGS)
@pytest.mark.parametrize("value", [0, 255])
def test_flat_images(codebook, encoding, value):
    flat = np.full((5, 8, 8, 3), value, np.uint8)
    words = BagOfVisualWords(
        4,
        n_words=8,
        codebook=codebook,
        encoding=encoding,
        contrast_epsilon=0.0,
        whitening_epsilon=0.0,
        random_state=0,
    )
    assert np.isfinite(words.fit_transform(flat)).all()
    assert np.isfinite(words.inverse_codebook()).all()
    assert np.isfinite(words.fit_transform(flat / 255)).all()


def test_rounding_is_no_contrast():
    images = np.full((3, 25, 25, 3), 41.4553)
    images[:, 24] = 0
    patches = sample_patches(
        images, 10**6, (23, 23, 3), (0.0, 255.0), 0.0, np.random.RandomState(0)
    )
    flat = patches[np.abs(patches).max(axis=1) <= 1.001]
    assert (flat == 0).all()
    assert len(flat) >= 6


def test_more_words_than_patches():
    images = pictures((6, 7, 1), n=3)
    words = BagOfVisualWords(5, n_words=100, random_state=0)
    with pytest.warns(UserWarning, match="18, .*n_words=100, so that 36 words"):
        words.fit(images)
    assert words.codebook_.shape == (36, 12)
    assert words.transform(images).shape == (3, len(words.get_feature_names_out()))


def test_names():
    images = pictures((8, 8, 3))
    words = BagOfVisualWords(4, n_words=24, grid=(1, 2), random_state=0).fit(images)
    names = words.get_feature_names_out()
    assert names[0] == "word_00_y0_x0_pos"
    assert names[12] == "word_00_y0_x0_neg"
    assert names[-1] == "word_11_y0_x1_neg"
    assert len(set(names)) == len(names) == 48
    counts = clone(words).set_params(codebook="kmeans", encoding="hard", mirror=False)
    names = counts.fit(images).get_feature_names_out()
    assert names[-1] == "word_23_y0_x1"
    table = counts.set_output(transform="pandas").transform(images)
    assert table["word_23_y0_x1"].sum() <= 12 * 15
    assert table.to_numpy().sum() == 12 * (5 * 3 + 5 * 3)


def test_names_after_a_parameter_without_meaning():
    words = BagOfVisualWords(4, n_words=4, random_state=0).fit(pictures((8, 8, 3)))
    with pytest.raises(ValueError, match="'stride' parameter"):
        words.set_params(stride=0).get_feature_names_out()


def test_gray_images_where_color_was_fitted():
    words = BagOfVisualWords(4, n_words=4, random_state=0).fit(pictures((8, 8, 3)))
    with pytest.raises(ValueError, match=r"\(8, 8, 1\).*fitted to.*\(8, 8, 3\)"):
        words.transform(pictures((8, 8)))


def test_a_strip_of_one_row_of_pixels():
    rows = pictures((1, 50, 1)).reshape(12, 50)
    words = BagOfVisualWords(n_words=4, random_state=0)
    with pytest.warns(ImageShapeWarning):
        words.fit(rows)
    assert words.patch_shape_ == (1, 6, 1)


def test_the_same_seed_gives_the_same_words_on_any_number_of_threads():
    images = pictures((16, 16, 3), n=40)
    words = BagOfVisualWords(4, n_words=100, n_patches=3000, random_state=5)
    expected = words.fit_transform(images)
    for n_jobs in (2, -1):
        words.set_params(n_jobs=n_jobs)
        np.testing.assert_array_equal(words.fit_transform(images), expected)
    words.set_params(random_state=6)
    assert not np.array_equal(words.fit_transform(images), expected)


def test_patches_are_drawn_once_each():
    images = np.arange(4 * 6 * 6, dtype=np.float64).reshape(4, 6, 6, 1) ** 1.5
    arguments = (2, 2, 1), (0.0, images.max()), 0.1
    everything = sample_patches(images, 1000, *arguments, np.random.RandomState(0))
    assert everything.shape == (4 * 25, 4)
    some = sample_patches(images, 40, *arguments, np.random.RandomState(0))
    assert some.shape == (40, 4)
    assert len(np.unique(some, axis=0)) == 40
    assert set(map(tuple, some)) <= set(map(tuple, everything))


@pytest.mark.parametrize(("n", "g"), [(27, 2), (26, 2), (10, 3), (11, 4), (1, 5)])
def test_cells_cover_all_patches_and_are_their_own_mirror_image(n, g):
    cells = lay_out_cells((n, n, 1), (1, 1, 1), 1, (g, g))
    columns = cells.columns
    np.testing.assert_array_equal(n - columns[::-1, ::-1], columns)
    assert columns[0, 0] == 0
    assert (columns[1:, 0] <= columns[:-1, 1]).all()
    assert np.diff(columns).max() - np.diff(columns).min() <= 1 + (g > 2)


def test_constant_directions_are_not_blown_up():
    patches = np.zeros((50, 6), np.float32)
    patches[:, 2] = np.linspace(-1, 1, 50)
    whitening = learn_whitening(
        patches, n_components=6, epsilon=0.0, mirrored_shape=(1, 2, 3)
    )
    assert np.isfinite(whitening.matrix).all()
    assert whitening.n_symmetric == 3


def test_memory_beyond_the_features():
    images = np.random.default_rng(0).integers(0, 256, (600, 32, 32, 3), np.uint8)
    words = BagOfVisualWords(n_words=400, random_state=0)
    words.fit(images[:20])
    tracemalloc.start()
    try:
        words.fit(images)
        fit_peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        features = words.transform(images)
        peak = tracemalloc.get_traced_memory()[1] - features.nbytes
    finally:
        tracemalloc.stop()
    assert fit_peak < 150 * 2**20
    assert peak < 30 * 2**20


def test_whitening_divides_nothing_by_rounding():
    """Patches have a mean of zero, so that one direction has no variance."""
    patches = np.random.default_rng(2).normal(size=(500, 12)).astype(np.float32)
    patches -= patches.mean(axis=1, keepdims=True)
    whitening = learn_whitening(
        patches, n_components=12, epsilon=0.0, mirrored_shape=None
    )
    lengths = np.linalg.norm(whitening.matrix, axis=0)
    assert lengths.max() < 2  # was 8000: the eigenvalue was 1.6e-8
    whitened = (patches - whitening.mean) @ whitening.matrix
    np.testing.assert_allclose(np.sort(whitened.std(axis=0))[1:], 1, rtol=1e-3)
