"""Inputs of moments and of standardized rows."""

import numpy as np
from kernels.cases import DTYPES, Case, read_only

SHAPES = [(7, 5), (1, 5), (7, 1), (1, 1), (0, 5), (5, 0)]
INDICES = [[], [3], [6, 0, 6, 6], [-1, 2]]


def _rows(rng):
    for dtype in DTYPES:
        for shape in SHAPES:
            X = rng.uniform(0, 255, shape).astype(dtype)
            yield X, rng.permutation(len(X))
        for index in INDICES:
            yield rng.uniform(0, 255, (7, 5)).astype(dtype), np.array(index, int)
        yield np.arange(256).reshape(4, 64).astype(dtype), np.arange(4)
        for end in (0, 255):
            yield np.full((3, 2), end, dtype), np.arange(3)
        X = rng.uniform(0, 255, (9, 6)).astype(dtype)
        yield read_only(X), read_only(rng.permutation(9))


def _scales(rng, d):
    unit, center = 2.0 ** rng.integers(-9, 9, d), rng.uniform(0, 255, d)
    return unit, center, rng.uniform(0.01, 3, d)


def standardize_rows(rng):
    for X, index in _rows(rng):
        _, mean, deviation = map(read_only, _scales(rng, X.shape[1]))
        out = np.full((len(index), X.shape[1]), np.nan, np.float32)
        yield Case((X, index, mean, read_only(1 / deviation), out))
    mean, inverse = np.array([np.nan, 0, -np.inf]), np.array([1, np.nan, 1])
    out = np.zeros((2, 3), np.float32)  # NaN and infinity are not hidden
    yield Case((np.ones((2, 3)), np.arange(2), mean, inverse, out))


def standardize_in_units(rng):
    for X, index in _rows(rng):
        scales = map(read_only, _scales(rng, X.shape[1]))
        yield Case((X, index, *scales, np.full((len(index), X.shape[1]), np.nan)))
    center, deviation = np.array([np.nan, 0, -np.inf]), np.array([1, np.nan, 1])
    arguments = np.ones((2, 3)), np.arange(2), np.ones(3), center, deviation
    yield Case((*arguments, np.zeros((2, 3))))


def add_moments(rng):
    for X, index in _rows(rng):
        d = X.shape[1]
        unit, center, _ = _scales(rng, d)
        shares, (sums, squares) = rng.random(len(index)), rng.random((2, d))
        if X.dtype.kind == "f" and X.flags.writeable:
            used = X[index]
            X[:] = np.nan  # other rows are not read
            X[index] = used
        yield Case((X, index, shares, unit, center, sums, squares), rtol=1e-12)
