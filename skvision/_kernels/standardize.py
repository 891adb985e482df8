"""Moments of columns, and rows that are standardized by them, in one pass.

All arithmetic is in float64. Columns whose squares could overflow are multiplied by a
unit of their own, a power of two.
"""

import numpy as np

from skvision._kernels import jit_without_allocation as jit


@jit
def add_moments(X, index, shares, unit, center, sums, squares):
    """Add ``share * d`` and ``share * d^2``, where ``d = X[index] * unit - center``.

    The shapes are (n, d) for ``X``, (k,) for ``index`` and ``shares`` and (d,) for the
    others, which are float64.
    """
    for i in range(index.shape[0]):
        row, share = index[i], shares[i]
        for j in range(X.shape[1]):
            difference = np.float64(X[row, j]) * unit[j] - center[j]
            sums[j] += share * difference
            squares[j] += share * difference * difference


@jit
def standardize_rows(X, index, mean, inverse, out):
    """Do ``out = (X[index] - mean) * inverse`` in float64, for an ``out`` of float32.

    The shapes are (n, d) for ``X``, (k,) for ``index``, (k, d) for ``out`` and (d,) for
    ``mean`` and ``inverse``, float64. ``inverse`` is one over the deviation: a product
    is faster than a quotient, and is equal to it after rounding to float32.
    """
    dtype = out.dtype.type
    for i in range(index.shape[0]):
        row = index[i]
        for j in range(X.shape[1]):
            out[i, j] = dtype((np.float64(X[row, j]) - mean[j]) * inverse[j])


@jit
def standardize_in_units(X, index, unit, center, deviation, out):
    """Do ``out = (X[index] * unit - center) / deviation``, in float64."""
    for i in range(index.shape[0]):
        row = index[i]
        for j in range(X.shape[1]):
            difference = np.float64(X[row, j]) * unit[j] - center[j]
            out[i, j] = difference / deviation[j]
