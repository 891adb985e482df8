"""Distances of rows.

All distances are *reduced*: increasing functions of the distances of the public API
that are cheaper to compute. They are float64. Sums of absolute and of squared
differences of bytes are exact.
"""

import numpy as np
from numba import types
from numba.extending import overload

from skvision._kernels import byte_sums
from skvision._kernels import jit_without_allocation as jit
from skvision._kernels.byte_blocks import count_differing_bits, largest_difference

L1, L2, COSINE, CHI2, HELLINGER, CHEBYSHEV, HAMMING = range(7)
BYTES_PER_SUM = 32_768  # the sum of as many squared differences fits an int32
NEARLY_PARALLEL = 1e-3  # where products of unit vectors lose digits
MODERATE = 1e-120  # numbers whose products neither overflow nor underflow
PARALLEL = 1e-30  # a squared distance of unit vectors that rounding alone can make
DIFFERENCES_AT_ONCE = 64
ANY_ORDER = {"reassoc", "nsz", "contract"}  # sums of terms that are not negative


def distance(metric, A, i, B, j, inverse_norms_a, inverse_norms_b):
    """Return the reduced distance of row ``i`` of ``A`` and row ``j`` of ``B``.

    ========== ==========================================================
    L1         sum |a - b|
    L2         sum (a - b)^2
    COSINE     sum (a / ||a|| - b / ||b||)^2, twice one minus the cosine
    CHI2       sum (a - b)^2 / (a + b), 0 / 0 being 0
    HELLINGER  sum (sqrt a - sqrt b)^2
    CHEBYSHEV  max |a - b|
    HAMMING    the number of bits that differ, for bytes only
    ========== ==========================================================

    The inverse norms of all rows are used by COSINE only.
    """
    if metric == HAMMING:
        return float(count_differing_bits(A, i, B, j))
    return _float_distance(metric, A, i, B, j, inverse_norms_a, inverse_norms_b)


@overload(distance, jit_options={"forceinline": True})
def _compile_distance(metric, A, i, B, j, inverse_norms_a, inverse_norms_b):
    if A.dtype == B.dtype == types.uint8:
        return _byte_distance
    return _float_distance


def _byte_distance(metric, A, i, B, j, inverse_norms_a, inverse_norms_b):
    if metric == CHEBYSHEV:
        return float(largest_difference(A, i, B, j, 255))
    if metric == HAMMING:
        return float(count_differing_bits(A, i, B, j))
    if metric > COSINE:
        return _any_distance(metric, A, i, B, j, inverse_norms_a, inverse_norms_b)
    total = 0
    for first in range(0, A.shape[1], BYTES_PER_SUM):
        last = min(first + BYTES_PER_SUM, A.shape[1])
        if metric == L1:
            total += byte_sums.l1(A, i, B, j, first, last)
        elif metric == L2:
            total += byte_sums.squared_l2(A, i, B, j, first, last)
        else:
            total += byte_sums.dot(A, i, B, j, first, last)
    if metric == COSINE:
        cosine = total * inverse_norms_a[i] * inverse_norms_b[j]
        return _from_cosine(cosine, A, i, B, j, inverse_norms_a, inverse_norms_b)
    return float(total)


def _float_distance(metric, A, i, B, j, inverse_norms_a, inverse_norms_b):
    return _any_distance(metric, A, i, B, j, inverse_norms_a, inverse_norms_b)


@jit(fastmath=ANY_ORDER)
def _from_cosine(cosine, A, i, B, j, inverse_norms_a, inverse_norms_b):
    total = 2.0 - 2.0 * cosine
    p, q = inverse_norms_a[i], inverse_norms_b[j]
    products_are_sound = MODERATE < p < 1 / MODERATE and MODERATE < q < 1 / MODERATE
    if total > NEARLY_PARALLEL and products_are_sound:
        return total
    total = 0.0
    for c in range(A.shape[1]):
        difference = np.float64(A[i, c]) * p - np.float64(B[j, c]) * q
        total += difference * difference
    return total if total > PARALLEL else 0.0


@jit(forceinline=True, fastmath=False)  # in this order, small numbers are kept
def _chi2_term(a, b):
    share = (a - b) / (a + b + np.float64(a + b == 0))
    return share * (a - b)


@jit(forceinline=True, fastmath=False)  # (sqrt a - sqrt b)^2 without cancellation
def _hellinger_term(a, b):
    roots = np.sqrt(a) + np.sqrt(b)
    ratio = (a - b) / (roots + np.float64(roots == 0))
    return ratio * ratio


@jit(forceinline=True, fastmath=ANY_ORDER)
def _any_distance(metric, A, i, B, j, inverse_norms_a, inverse_norms_b):
    total = 0.0
    if metric == L1:
        for c in range(A.shape[1]):
            total += abs(np.float64(A[i, c]) - np.float64(B[j, c]))
    elif metric == L2:
        for c in range(A.shape[1]):
            difference = np.float64(A[i, c]) - np.float64(B[j, c])
            total += difference * difference
    elif metric == COSINE:
        for c in range(A.shape[1]):
            total += np.float64(A[i, c]) * np.float64(B[j, c])
        cosine = total * inverse_norms_a[i] * inverse_norms_b[j]
        return _from_cosine(cosine, A, i, B, j, inverse_norms_a, inverse_norms_b)
    elif metric == CHI2:
        for c in range(A.shape[1]):
            total += _chi2_term(np.float64(A[i, c]), np.float64(B[j, c]))
    elif metric == CHEBYSHEV:
        total = _largest_difference(A, i, B, j, np.inf)
    else:
        for c in range(A.shape[1]):
            total += _hellinger_term(np.float64(A[i, c]), np.float64(B[j, c]))
    return total


def distance_up_to(limit, metric, A, i, B, j, inverse_norms_a, inverse_norms_b):
    """Return the distance, or any number above ``limit`` if the distance is above it.

    CHEBYSHEV stops at the first difference that is too large.
    """
    return distance(metric, A, i, B, j, inverse_norms_a, inverse_norms_b)


@overload(distance_up_to, jit_options={"forceinline": True})
def _compile_distance_up_to(
    limit, metric, A, i, B, j, inverse_norms_a, inverse_norms_b
):
    of_bytes = A.dtype == B.dtype == types.uint8
    largest = largest_difference if of_bytes else _largest_difference

    def distance_up_to(limit, metric, A, i, B, j, inverse_norms_a, inverse_norms_b):
        if metric == CHEBYSHEV:
            return float(largest(A, i, B, j, limit))
        return distance(metric, A, i, B, j, inverse_norms_a, inverse_norms_b)

    return distance_up_to


@jit(forceinline=True)
def _largest_difference(A, i, B, j, limit):
    """Do the same as `largest_difference` for all dtypes."""
    for first in range(0, A.shape[1], DIFFERENCES_AT_ONCE):
        n_above = np.int32(0)
        for c in range(first, min(first + DIFFERENCES_AT_ONCE, A.shape[1])):
            difference = abs(np.float64(A[i, c]) - np.float64(B[j, c]))
            n_above = np.int32(n_above + np.int32(difference > limit))
        if n_above > 0:
            return np.inf
    largest = 0.0
    for c in range(A.shape[1]):
        largest = max(largest, abs(np.float64(A[i, c]) - np.float64(B[j, c])))
    return largest


@jit
def distances_to(metric, A, B, candidates, inverse_norms_a, inverse_norms_b, distances):
    """Compute the distances of each row of ``A`` to its own candidates in ``B``."""
    for i in range(A.shape[0]):
        for c in range(candidates.shape[1]):
            j = candidates[i, c]
            distances[i, c] = distance(
                metric, A, i, B, j, inverse_norms_a, inverse_norms_b
            )


@jit(fastmath=ANY_ORDER)
def inverse_norms(rows, out):
    """Compute one over the length of each row, which is not finite for zeros."""
    for i in range(rows.shape[0]):
        largest = 0.0
        for c in range(rows.shape[1]):
            largest = max(largest, abs(np.float64(rows[i, c])))
        total = 0.0
        for c in range(rows.shape[1]):
            share = np.float64(rows[i, c]) / largest  # its square cannot overflow
            total += share * share
        out[i] = 1.0 / (largest * np.sqrt(total))
