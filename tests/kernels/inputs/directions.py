"""Inputs of the kernels of directions."""

import numpy as np
from kernels.cases import FLOATS, Case, close, read_only

SIZES = [(0, 3), (1, 1), (1, 7), (5, 3), (9, 130)]


def _rows(rng, shape, dtype):
    return rng.normal(size=shape).astype(dtype)


def _units(rng, shape, dtype):
    x = rng.normal(size=shape)
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(dtype)


def unit_rows(rng):
    for dtype in FLOATS:
        for shape in SIZES:
            x = _rows(rng, shape, dtype)
            out = np.full_like(x, np.nan), np.full(len(x), np.nan, dtype)
            yield Case((read_only(x), *out), **close(dtype, 100))
        x = np.zeros((3, 2), dtype)  # rows without a direction
        x[1], x[2, 0] = np.finfo(dtype).smallest_subnormal, 2
        out = np.full_like(x, np.nan), np.full(3, np.nan, dtype)
        yield Case((read_only(x), *out))
    for size in (1e-30, 1e30):  # whose squares are beyond float32
        x = (size * rng.normal(size=(5, 3))).astype(np.float32)
        out = np.zeros_like(x), np.zeros(5, np.float32)
        yield Case((read_only(x), *out), rtol=1e-5)


def turning_part(rng):
    for dtype in FLOATS:
        for shape in SIZES:
            gradients, units = _rows(rng, shape, dtype), _units(rng, shape, dtype)
            inverse_norms = rng.random(len(units)).astype(dtype)
            yield Case((gradients, units, inverse_norms, 3.0), **close(dtype, 100))


def _own_centers(rng):
    for dtype in FLOATS:
        for shape in SIZES:
            units, centers = (
                _units(rng, shape, dtype),
                _units(rng, (4, shape[1]), dtype),
            )
            yield units, centers, np.arange(shape[0]) % 4


def angles_to_own(rng):
    for units, centers, labels in _own_centers(rng):
        cosines, sines = np.empty((2, len(units)), units.dtype)
        if units.shape[1] > 1:  # else the sine is a rounding error
            arguments = units, centers, labels, cosines, sines
            yield Case(arguments, **close(units.dtype, 100))
    units, centers = np.float32([[1, 0]]), np.float32([[1, 1e-6]])  # a tiny angle
    outputs = np.empty((2, 1), np.float32)
    yield Case((units, centers, np.zeros(1, int), *outputs), rtol=1e-6)


def turn_to_centers(rng):
    for units, centers, labels in _own_centers(rng):
        cosines, factors = rng.random((2, len(units))).astype(units.dtype)
        out = np.ones_like(units)
        arguments = units, centers, labels, cosines, factors, out
        yield Case(arguments, **close(units.dtype))


def turn_to_units(rng):
    for units, centers, labels in _own_centers(rng):
        cosines, factors = rng.random((2, len(units))).astype(units.dtype)
        out = np.ones_like(centers)
        arguments = units, centers, labels, cosines, factors, out
        yield Case(arguments, **close(units.dtype))
