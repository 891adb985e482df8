"""Inputs of patches, codes and their sums over cells."""

import numpy as np
from kernels.cases import DTYPES, Case, close, read_only, some_bytes

from skvision._kernels.encoding import HARD, THRESHOLD, TRIANGLE, Cells, Coding

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
SIZES = [(9, 5), (1, 1), (0, 4), (6, 33)]


def _draw(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def scale_pixels(rng):
    for dtype in DTYPES:
        for low, factor in [(0.0, 1.0), (10.0, 1.5)]:
            image = read_only(some_bytes(rng, 40).astype(dtype))
            yield Case((image, low, factor, np.empty(40, np.float32)))
    outside = read_only(np.array([-1e9, -1, 0, 255, 256, 1e9]))
    yield Case((outside, 0.0, 1.0, np.empty(6, np.float32)))
    yield Case((read_only(np.empty(0)), 0.0, 1.0, np.empty(0, np.float32)))


def normalize_patches(rng):
    for n, height, width in [(5, 3, 6), (3, 1, 1), (0, 2, 3)]:
        for epsilon in (np.float32(0), np.float32(10)):
            scaled = some_bytes(rng, (8, 12)).astype(np.float32)
            scaled[:4] = 77.1  # patches without contrast
            tops, lefts = rng.integers(0, (6, 7), (n, 2)).T.copy()
            tops[:1] = 0
            patches = np.full((n, height * width), np.nan, np.float32)
            yield Case((scaled, tops, lefts, width, epsilon, patches), **CLOSE)


def unfold(rng):
    for n, n_words in SIZES:
        products = _draw(rng, 2, n, n_words)
        yield Case((products, np.empty((n, 2 * n_words), np.float32)))


def _words(rng, n, n_words, d=4):
    """Draw patches and words, of which two are patches or nearly so; and responses."""
    patches, words = _draw(rng, n, d), _draw(rng, n_words, d)
    if n:
        words[0], words[-1] = patches[0] * np.float32(1.001), patches[-1]
    return patches, words, np.square(words).sum(axis=1), patches @ words.T


def triangle(rng):
    for n, n_words in SIZES:
        patches, words, squares, responses = _words(rng, n, n_words)
        yield Case((responses, patches, read_only(words), squares), **CLOSE)


def one_hot(rng):
    for n, n_words in SIZES:
        _, _, squares, responses = _words(rng, n, n_words)
        yield Case((responses, squares))
    yield Case((np.ones((3, 4), np.float32), np.ones(4, np.float32)))  # the first


def _cells():
    """Return cells of patches in 11 columns, of which the last two overlap."""
    rows, columns = np.array([[0, 2], [1, 4]]), np.array([[0, 5], [5, 6], [2, 11]])
    return Cells(11, rows, columns)


def pool_codes(rng):
    for first, n in [(0, 44), (3, 21), (7, 1), (4, 0), (30, 8)]:
        for threshold in (-1, 0, 0.25):
            codes = _draw(rng, n, 7)
            n_signs = 1 if threshold < 0 else 2
            sums, pooled = (np.ones((*shape, n_signs, 7)) for shape in ((3,), (2, 3)))
            sums, pooled = sums.astype(np.float32), pooled.astype(np.float32)
            arguments = codes, first, _cells(), np.float32(threshold), sums, pooled
            yield Case(arguments, scratch=("sums",), **close(np.float32, 32))


def encode_and_pool(rng):
    for encoding in (THRESHOLD, TRIANGLE, HARD):
        for mirrored in (False, True):
            n, half = 19, 3
            products = _draw(rng, 2, n if mirrored else 0, half)
            patches, words, squares, responses = _words(rng, n, 2 * half)
            if mirrored:
                words, halves = words[:half], np.array([1, 1, -1, -1], np.float32)
                words = np.vstack([words, words * halves])
                squares = np.square(words).sum(axis=1)
                products[0] = patches[:, :2] @ words[:half, :2].T
                products[1] = patches[:, 2:] @ words[:half, 2:].T
            options = mirrored, encoding, np.float32(0.25)
            coding = Coding(read_only(words), squares, *options)
            n_signs = 1 + (encoding == THRESHOLD)
            sums = np.zeros((3, n_signs, 2 * half), np.float32)
            pooled = np.zeros((2, 3, n_signs, 2 * half), np.float32)
            arguments = products, responses, patches, 4, coding, _cells(), sums, pooled
            yield Case(arguments, scratch=("responses", "sums"), **CLOSE)
