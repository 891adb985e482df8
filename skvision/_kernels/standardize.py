"""Moments of columns, and rows of bytes or floats standardized by them, in one pass.

Columns are computed with in float64, in a unit of each column's own, a power of two,
so that no finite value overflows or vanishes on the way.
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
def standardize_rows(X, index, unit, center, deviation, out):
    """Do ``out = (X[index] * unit - center) / deviation``.

    ``X`` is (n, d), ``index`` (k,), ``out`` (k, d); the others are (d,), ``unit`` and
    ``center`` float64 and ``deviation`` of the dtype of ``out``. The difference is
    taken in float64, and divided in the dtype of ``out``.
    """
    dtype = out.dtype.type
    for i in range(index.shape[0]):
        row = index[i]
        for j in range(X.shape[1]):
            difference = np.float64(X[row, j]) * unit[j] - center[j]
            out[i, j] = dtype(difference) / deviation[j]
