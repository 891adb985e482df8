"""Searches for the nearest rows, or for those within a limit.

The nearest rows of a query stand in a heap: the first is the farthest of them. Of equal
distances that of the larger index counts as farther.
"""

import numpy as np

from skvision._kernels import jit_without_allocation as jit
from skvision._kernels.distances import distance, distance_up_to

ROWS_IN_CACHE = 256
BOUNDS_AT_ONCE = 32


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
