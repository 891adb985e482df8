"""Sketches of rows: few numbers each, from which bounds of distances are cheap."""

import numpy as np

from skvision._kernels import byte_sums
from skvision._kernels import jit_without_allocation as jit
from skvision._kernels.distances import ANY_ORDER, COSINE


@jit
def byte_l1_block(A, B, out):
    """Compute the sums of absolute differences of all rows of two arrays of bytes.

    The length of a row must be a multiple of 64 bytes, at most 2^23.
    """
    for start in range(0, B.shape[0], 8):
        for i in range(A.shape[0]):
            for j in range(start, min(start + 8, B.shape[0])):
                out[i, j] = byte_sums.l1_of_whole_vectors(A, i, B, j, 0, A.shape[1])


@jit(fastmath=ANY_ORDER)
def embed(metric, rows, inverse_norms, center, scale, out, squared_norms):
    """Map rows to points whose squared Euclidean distance is a bound of the distance.

    The points are the rows themselves (L2), unit vectors (COSINE) or square roots (CHI2
    and HELLINGER), less ``center``, times ``scale``, rounded to float32. The squared
    norms are those of the points before they are rounded.
    """
    for i in range(rows.shape[0]):
        factor = inverse_norms[i] if metric == COSINE else 1.0
        total = 0.0
        for c in range(rows.shape[1]):
            value = np.float64(rows[i, c]) * factor
            if metric > COSINE:
                value = np.sqrt(value)
            value = (value - center[c]) * scale
            out[i, c] = np.float32(value)
            total += value * value
        squared_norms[i] = total


@jit
def pool_to_bytes(rows, groups, sums, low, unit, rounding, codes, errors):
    """Sum the features of each group and round the sums to bytes.

    The code of a group is the sum of ``rows - low`` over its features, divided by
    ``unit`` and rounded to a byte. ``groups`` is the group of each feature. ``errors``
    gets, for each row, the sum of the absolute differences between the sums and their
    codes times ``unit``, and ``rounding`` times the sum of all ``|rows - low|``.
    ``sums`` is scratch space for the sums of a row.
    """
    for i in range(rows.shape[0]):
        sums[:] = 0.0
        total = 0.0
        for c in range(rows.shape[1]):
            value = np.float64(rows[i, c]) - low
            sums[groups[c]] += value
            total += abs(value)
        error = rounding * total
        for g in range(sums.size):
            code = min(max(np.rint(sums[g] / unit), 0.0), 255.0)
            codes[i, g] = np.uint8(code)
            error += abs(sums[g] - code * unit)
        errors[i] = error
