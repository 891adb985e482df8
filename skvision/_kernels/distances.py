"""Distances of pictures, and the nearest of many.

All distances are *reduced*: increasing in the distance that a user sees, and cheaper.
They are float64; of bytes, sums of absolute and of squared differences are exact.
"""

import numpy as np
from numba import types
from numba.extending import overload

from skvision._kernels import byte_sums
from skvision._kernels import jit_without_allocation as jit
from skvision._kernels.byte_blocks import count_differing_bits, largest_difference

L1, L2, COSINE, CHI2, HELLINGER, CHEBYSHEV, HAMMING = range(7)
BYTES_PER_SUM = 32_768  # squares of so many differences of bytes fit an int32
NEARLY_PARALLEL = 1e-3  # where products of unit vectors lose digits
MODERATE = 1e-120  # numbers whose products neither overflow nor underflow
PARALLEL = 1e-30  # a squared distance of unit vectors that rounding alone can make
ROWS_IN_CACHE = 256
BOUNDS_AT_ONCE = 32
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
    HAMMING    the number of bits that differ; of bytes only
    ========== ==========================================================

    The inverse norms of all rows are used by COSINE alone.
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


@jit(forceinline=True, fastmath=False)  # in this order, which keeps small numbers
def _chi2_term(a, b):
    share = (a - b) / (a + b + np.float64(a + b == 0))
    return share * (a - b)


@jit(forceinline=True, fastmath=False)  # (sqrt a - sqrt b)^2 without its cancellation
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
    """Return the distance or, where it is above ``limit``, any number above that.

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
    """Do for all dtypes what `largest_difference` does for bytes."""
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
def _replace_farthest(distances, indices, new_distance, new_index):
    """Put a row in the place of the first of a heap, the farthest, and mend the heap.

    Of equal distances that of the larger index counts as farther.
    """
    n, at = distances.size, 0
    while True:
        child = 2 * at + 1
        if child >= n:
            break
        other = child + 1
        if other < n and (
            distances[other] > distances[child]
            or (
                distances[other] == distances[child] and indices[other] > indices[child]
            )
        ):
            child = other
        if distances[child] < new_distance or (
            distances[child] == new_distance and indices[child] < new_index
        ):
            break
        distances[at], indices[at] = distances[child], indices[child]
        at = child
    distances[at], indices[at] = new_distance, new_index


@jit
def sort_heaps(distances, indices):
    """Sort each row, a heap, by distance and, where that is the same, by index."""
    for i in range(distances.shape[0]):
        row_distances, row_indices = distances[i], indices[i]
        for last in range(row_distances.size - 1, 0, -1):
            d, index = row_distances[last], row_indices[last]
            row_distances[last], row_indices[last] = row_distances[0], row_indices[0]
            _replace_farthest(row_distances[:last], row_indices[:last], d, index)


@jit
def scan(metric, A, B, first, inverse_norms_a, inverse_norms_b, distances, indices):
    """Compute all distances; keep the nearest rows of ``B`` in heaps.

    ``first`` is the index of the first row of ``B``; indices must come in ascending
    order, so that a row as far as the farthest kept does not replace it.
    """
    for start in range(0, B.shape[0], 8):  # rows that stay in the nearest cache
        for i in range(A.shape[0]):
            for j in range(start, min(start + 8, B.shape[0])):
                d = distance_up_to(
                    distances[i, 0],
                    metric,
                    A,
                    i,
                    B,
                    j,
                    inverse_norms_a,
                    inverse_norms_b,
                )
                if d < distances[i, 0]:
                    _replace_farthest(distances[i], indices[i], d, first + j)


@jit(forceinline=True)
def _is_nearer(d, index, distances, indices):
    """Whether a row is nearer than the first of a heap; of ties the lower index is."""
    return d < distances[0] or (d == distances[0] and index < indices[0])


@jit
def scan_within(
    metric, A, B, first, inverse_norms_a, inverse_norms_b, limit, found, distances
):
    """Find the rows of ``B`` whose distance is at most ``limit``.

    ``first`` is the index of the first row of ``B``. Rows of ``found`` get the row of
    ``A`` and the index, ``distances`` the distance; there must be room for all pairs.
    Returns how many were found.
    """
    n_found = 0
    for start in range(0, B.shape[0], 8):  # rows that stay in the nearest cache
        for i in range(A.shape[0]):
            for j in range(start, min(start + 8, B.shape[0])):
                d = distance_up_to(
                    limit, metric, A, i, B, j, inverse_norms_a, inverse_norms_b
                )
                if d <= limit:
                    found[n_found, 0], found[n_found, 1] = i, first + j
                    distances[n_found] = d
                    n_found += 1
    return n_found


@jit
def _limit(farthest, power, scale, slack, gap):
    """Return the largest bound that a row nearer than ``farthest`` can have.

    It is larger by more than float32 and this formula can round away.
    """
    if power == 1:
        limit = (farthest + slack) * scale + gap
    else:
        radius = (np.sqrt(farthest) + slack) * scale
        limit = radius * radius * 1.000001 + gap
    return np.float32(limit + 1e-6 * abs(limit))


@jit
def _all_above(limit, bounds):
    n = np.int32(0)
    for j in range(bounds.size):  # all of them, at the width of the vector unit
        n = np.int32(n + np.int32(bounds[j] <= limit))
    return n == 0


@jit
def refine(
    metric,
    A,
    B,
    first,
    inverse_norms_a,
    inverse_norms_b,
    bounds,
    power,
    scale,
    slack,
    gap,
    distances,
    indices,
):
    """Do as `scan`, but compute only distances that their bounds do not rule out.

    Returns how many were computed.
    """
    n_computed = 0
    for start in range(0, B.shape[0], ROWS_IN_CACHE):
        stop = min(start + ROWS_IN_CACHE, B.shape[0])
        for i in range(A.shape[0]):
            limit = _limit(distances[i, 0], power, scale, slack[i], gap[i])
            j = start
            while j < stop:
                if (j - start) % BOUNDS_AT_ONCE == 0:
                    if _all_above(limit, bounds[i, j : min(j + BOUNDS_AT_ONCE, stop)]):
                        j += BOUNDS_AT_ONCE
                        continue
                if bounds[i, j] <= limit:
                    n_computed += 1
                    d = distance(metric, A, i, B, j, inverse_norms_a, inverse_norms_b)
                    if _is_nearer(d, first + j, distances[i], indices[i]):
                        _replace_farthest(distances[i], indices[i], d, first + j)
                        limit = _limit(distances[i, 0], power, scale, slack[i], gap[i])
                j += 1
    return n_computed


@jit
def refine_within(
    metric,
    A,
    B,
    first,
    inverse_norms_a,
    inverse_norms_b,
    bounds,
    power,
    scale,
    slack,
    gap,
    limit,
    found,
    distances,
):
    """Do as `scan_within`, but compute only distances that bounds do not rule out.

    Returns how many were found, and how many were computed.
    """
    n_found = n_computed = 0
    for i in range(A.shape[0]):
        largest_bound = _limit(limit, power, scale, slack[i], gap[i])
        for start in range(0, B.shape[0], BOUNDS_AT_ONCE):
            stop = min(start + BOUNDS_AT_ONCE, B.shape[0])
            if _all_above(largest_bound, bounds[i, start:stop]):
                continue
            for j in range(start, stop):
                if bounds[i, j] <= largest_bound:
                    n_computed += 1
                    d = distance(metric, A, i, B, j, inverse_norms_a, inverse_norms_b)
                    if d <= limit:
                        found[n_found, 0], found[n_found, 1] = i, first + j
                        distances[n_found] = d
                        n_found += 1
    return n_found, n_computed


@jit
def distances_to(metric, A, B, candidates, inverse_norms_a, inverse_norms_b, distances):
    """Compute the distances of each row of ``A`` to its own candidates in ``B``."""
    for i in range(A.shape[0]):
        for c in range(candidates.shape[1]):
            j = candidates[i, c]
            distances[i, c] = distance(
                metric, A, i, B, j, inverse_norms_a, inverse_norms_b
            )


@jit
def smallest_bounds(bounds, smallest, indices):
    """Keep the smallest of each row of bounds in heaps."""
    for i in range(bounds.shape[0]):
        for start in range(0, bounds.shape[1], BOUNDS_AT_ONCE):
            stop = min(start + BOUNDS_AT_ONCE, bounds.shape[1])
            if _all_above(smallest[i, 0], bounds[i, start:stop]):
                continue
            for j in range(start, stop):
                if bounds[i, j] < smallest[i, 0]:
                    _replace_farthest(smallest[i], indices[i], bounds[i, j], j)


@jit
def keep_candidates(candidates, their_distances, bounds, distances, indices):
    """Put the nearest of some candidates in heaps; their bounds become NaN.

    Candidates below 0 are none.
    """
    for i in range(candidates.shape[0]):
        for c in range(candidates.shape[1]):
            j, d = candidates[i, c], their_distances[i, c]
            if j >= 0:
                bounds[i, j] = np.nan  # which no limit is above
                if _is_nearer(d, j, distances[i], indices[i]):
                    _replace_farthest(distances[i], indices[i], d, j)


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
def inverse_norms(rows, out):
    """Compute one over the length of each row; not finite where that is zero."""
    for i in range(rows.shape[0]):
        largest = 0.0
        for c in range(rows.shape[1]):
            largest = max(largest, abs(np.float64(rows[i, c])))
        total = 0.0
        for c in range(rows.shape[1]):
            share = np.float64(rows[i, c]) / largest  # its square cannot overflow
            total += share * share
        out[i] = 1.0 / (largest * np.sqrt(total))


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
