"""Moments of columns, and rows of bytes or floats standardized by them, in one pass.

Columns are computed with in float64. Where that could overflow, they are in a unit of
each column's own, a power of two.
"""

import numpy as np

from skvision._kernels import jit_without_allocation as jit


@jit
def add_moments(X, shares, unit, center, sums, squares):
    """Add ``share * d`` and ``share * d^2`` to the columns, d = ``X * unit - center``.

    ``X`` is (n, d), ``shares`` (n,); the others are (d,), float64. Rows of share zero
    are not read.
    """
    for i in range(X.shape[0]):
        share = shares[i]
        if share > 0:
            for j in range(X.shape[1]):
                difference = np.float64(X[i, j]) * unit[j] - center[j]
                sums[j] += share * difference
                squares[j] += share * difference * difference


@jit
def standardize_rows(X, index, mean, inverse, out):
    """Do ``out = (X[index] - mean) * inverse`` in float64, for an ``out`` of float32.

    ``X`` is (n, d), ``index`` (k,), ``out`` (k, d), ``mean`` and ``inverse``, that of
    the deviation, (d,) and float64. A product is faster than a quotient, and the same
    once it is rounded to float32.
    """
    dtype = out.dtype.type
    for i in range(index.shape[0]):
        row = index[i]
        for j in range(X.shape[1]):
            out[i, j] = dtype((np.float64(X[row, j]) - mean[j]) * inverse[j])


@jit
def standardize_in_units(X, index, unit, center, deviation, out):
    """Do ``out = (X[index] * unit - center) / deviation``, all float64 but ``X``."""
    for i in range(index.shape[0]):
        row = index[i]
        for j in range(X.shape[1]):
            difference = np.float64(X[row, j]) * unit[j] - center[j]
            out[i, j] = difference / deviation[j]
