"""Sketches of rows: few numbers each, from which bounds of distances are cheap."""

import numpy as np

from skvision._kernels import byte_sums
from skvision._kernels import jit_without_allocation as jit
from skvision._kernels.distances import ANY_ORDER, COSINE


@jit
def byte_l1_block(A, B, out):
    """Compute the sums of absolute differences of all rows of two arrays of bytes.

    Rows are of a multiple of 64 bytes, at most 2^23.
    """
    for start in range(0, B.shape[0], 8):
        for i in range(A.shape[0]):
            for j in range(start, min(start + 8, B.shape[0])):
                out[i, j] = byte_sums.l1_of_whole_vectors(A, i, B, j, 0, A.shape[1])


@jit(fastmath=ANY_ORDER)
def embed(metric, rows, inverse_norms, center, scale, out, squared_norms):
    """Put rows where their squared Euclidean distance is at most the reduced distance.

    These are the rows themselves, unit vectors (COSINE) or square roots (CHI2 and
    HELLINGER), less ``center``, times ``scale``, rounded to float32. The squared norms
    are those of the rows not rounded.
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
def pool(rows, groups, sums, low, unit, rounding, codes, errors):
    """Round sums of groups of ``rows - low`` to bytes, in units of ``unit``.

    ``groups`` is the group of each feature and ``sums`` room for the sums; ``errors``
    gets the sum of what rounding took away or added, to bytes and, at most
    ``rounding`` times what is summed, in the sums.
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
