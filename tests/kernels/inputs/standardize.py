"""Inputs of moments and of standardized rows."""

import numpy as np
from kernels.cases import DTYPES, Case, read_only

SHAPES = [(7, 5), (1, 5), (7, 1), (1, 1), (0, 5), (5, 0)]
INDICES = [[], [3], [6, 0, 6, 6], [-1, 2]]


def _rows(rng):
    for dtype in DTYPES:
        for shape in SHAPES:
            X = rng.uniform(0, 255, shape).astype(dtype)
            yield read_only(X), rng.permutation(len(X))
        for index in INDICES:
            X = rng.uniform(0, 255, (7, 5)).astype(dtype)
            yield read_only(X), np.array(index, int)
        X = np.arange(256).reshape(4, 64).astype(dtype)
        yield read_only(X), np.arange(4)
        for end in (0, 255):
            yield read_only(np.full((3, 2), end, dtype)), np.arange(3)


def _scales(rng, d):
    unit, center = 2.0 ** rng.integers(-9, 9, d), rng.uniform(0, 255, d)
    return unit, center, rng.uniform(0.01, 3, d)


def standardize_rows(rng):
    for X, index in _rows(rng):
        _, mean, deviation = _scales(rng, X.shape[1])
        out = np.full((len(index), X.shape[1]), np.nan, np.float32)
        yield Case((X, index, mean, 1 / deviation, out))
    X, index = read_only(np.ones((2, 3))), np.arange(2)
    mean, inverse = np.array([np.nan, 0, -np.inf]), np.array([1, np.nan, 1])
    out = np.zeros((2, 3), np.float32)  # NaN and infinity are not hidden
    yield Case((X, index, mean, inverse, out))


def standardize_in_units(rng):
    for X, index in _rows(rng):
        scales = _scales(rng, X.shape[1])
        yield Case((X, index, *scales, np.full((len(index), X.shape[1]), np.nan)))
    center, deviation = np.array([np.nan, 0, -np.inf]), np.array([1, np.nan, 1])
    X, index = read_only(np.ones((2, 3))), np.arange(2)
    yield Case((X, index, np.ones(3), center, deviation, np.zeros((2, 3))))


def add_moments(rng):
    for X, index in _rows(rng):
        d = X.shape[1]
        unit, center, _ = _scales(rng, d)
        shares, (sums, squares) = rng.random(len(index)), rng.random((2, d))
        if X.dtype.kind == "f":
            used, X = X[index], np.full_like(X, np.nan)  # other rows are not read
            X[index] = used
        data = read_only(X), index, read_only(shares)
        yield Case((*data, unit, center, sums, squares), rtol=1e-12)
