"""Searches for the nearest rows of queries, or for all rows within a limit.

The nearest rows of a query are kept in a heap: arrays of distances and of indices whose
first element is the farthest row. Of equally distant rows, the one with the larger
index counts as farther.
"""

from typing import NamedTuple

import numpy as np

from skvision._kernels import jit_without_allocation as jit
from skvision._kernels.distances import distance, distance_up_to

ROWS_IN_CACHE = 256
ROWS_IN_NEAREST_CACHE = 8
BOUNDS_AT_ONCE = 32


class Pairs(NamedTuple):
    """All pairs of some queries and some rows.

    Attributes
    ----------
    metric : int
        One of those of `skvision._kernels.distances`.
    A : ndarray of shape (n_queries, n_features)
        The queries.
    B : ndarray of shape (n_rows, n_features)
        The rows.
    first : int
        The index of the first row.
    norms_a, norms_b : ndarray of shape (n_queries,) and (n_rows,), float64
        The inverse norms.
    """

    metric: int
    A: np.ndarray
    B: np.ndarray
    first: int
    norms_a: np.ndarray
    norms_b: np.ndarray


class Bounds(NamedTuple):
    """Numbers that exclude rows before their distances are computed.

    Row j cannot be nearer to query i than d where ``values[i, j]`` is above
    ``largest_bound(d, power, scale, slack[i], gap[i])``.

    Attributes
    ----------
    values : ndarray of shape (n_queries, n_rows), float32
    power : {1, 2}
        The power of a distance that values are bounds of.
    scale : float
        The unit of the values, as a factor of distances.
    slack : ndarray of shape (n_queries,), float64
        The largest error of a bound, as a distance.
    gap : ndarray of shape (n_queries,), float64
        The number that is added to a scaled power.
    """

    values: np.ndarray
    power: int
    scale: float
    slack: np.ndarray
    gap: np.ndarray


@jit(forceinline=True)
def _is_nearer(new_distance, new_index, distances, indices):
    """Tell whether a row is nearer than the farthest row of a heap."""
    return new_distance < distances[0] or (
        new_distance == distances[0] and new_index < indices[0]
    )


@jit
def _replace_farthest(distances, indices, new_distance, new_index):
    """Replace the farthest row of a heap by a nearer one."""
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
    """Sort each row, a heap, by distance, and equal distances by index."""
    for i in range(distances.shape[0]):
        row_distances, row_indices = distances[i], indices[i]
        for last in range(row_distances.size - 1, 0, -1):
            d, index = row_distances[last], row_indices[last]
            row_distances[last], row_indices[last] = row_distances[0], row_indices[0]
            _replace_farthest(row_distances[:last], row_indices[:last], d, index)


@jit
def scan(pairs, distances, indices):
    """Compute the distances of queries to all rows; keep the nearest.

    Calls must come in ascending order of ``pairs.first``: a row as far as the farthest
    kept row does not replace it.
    """
    metric, A, B, first, norms_a, norms_b = pairs
    for start in range(0, B.shape[0], ROWS_IN_NEAREST_CACHE):
        stop = min(start + ROWS_IN_NEAREST_CACHE, B.shape[0])
        for i in range(A.shape[0]):
            for j in range(start, stop):
                d = distance_up_to(
                    distances[i, 0], metric, A, i, B, j, norms_a, norms_b
                )
                if d < distances[i, 0]:
                    _replace_farthest(distances[i], indices[i], d, first + j)


@jit
def scan_within(pairs, limit, found, distances):
    """Find all rows whose distance is at most ``limit``, and return their number.

    Each pair that is found gets a row of ``found``, with the query and the index of the
    row, and an element of ``distances``. There must be room for all pairs. Their order
    is not specified.
    """
    metric, A, B, first, norms_a, norms_b = pairs
    n_found = 0
    for start in range(0, B.shape[0], ROWS_IN_NEAREST_CACHE):
        stop = min(start + ROWS_IN_NEAREST_CACHE, B.shape[0])
        for i in range(A.shape[0]):
            for j in range(start, stop):
                d = distance_up_to(limit, metric, A, i, B, j, norms_a, norms_b)
                if d <= limit:
                    found[n_found, 0], found[n_found, 1] = i, first + j
                    distances[n_found] = d
                    n_found += 1
    return n_found


@jit
def largest_bound(farthest, power, scale, slack, gap):
    """Return the largest bound that a row nearer than ``farthest`` can have.

    It is ``((farthest^(1 / power) + slack) scale)^power + gap``, where ``farthest`` is
    a reduced distance, already raised to ``power``. The result is rounded up by more
    than float32 and this formula can round down.
    """
    if power == 1:
        limit = (farthest + slack) * scale + gap
    else:
        radius = (np.sqrt(farthest) + slack) * scale
        limit = radius * radius * 1.000001 + gap
    return np.float32(limit + 1e-6 * abs(limit))


@jit
def _all_above(limit, bounds):
    """Tell whether all bounds are above a limit, at the width of the vector unit."""
    n = np.int32(0)
    for j in range(bounds.size):
        n = np.int32(n + np.int32(bounds[j] <= limit))
    return n == 0


@jit
def refine(pairs, bounds, distances, indices):
    """Fill heaps like `scan`, without computing distances that bounds exclude.

    The number of distances that were computed is returned.
    """
    metric, A, B, first, norms_a, norms_b = pairs
    values, power, scale, slack, gap = bounds
    n_computed = 0
    for start in range(0, B.shape[0], ROWS_IN_CACHE):
        stop = min(start + ROWS_IN_CACHE, B.shape[0])
        for i in range(A.shape[0]):
            limit = largest_bound(distances[i, 0], power, scale, slack[i], gap[i])
            j = start
            while j < stop:
                if (j - start) % BOUNDS_AT_ONCE == 0:
                    if _all_above(limit, values[i, j : min(j + BOUNDS_AT_ONCE, stop)]):
                        j += BOUNDS_AT_ONCE
                        continue
                if values[i, j] <= limit:
                    n_computed += 1
                    d = distance(metric, A, i, B, j, norms_a, norms_b)
                    if _is_nearer(d, first + j, distances[i], indices[i]):
                        _replace_farthest(distances[i], indices[i], d, first + j)
                        limit = largest_bound(
                            distances[i, 0], power, scale, slack[i], gap[i]
                        )
                j += 1
    return n_computed


@jit
def refine_within(pairs, bounds, limit, found, distances):
    """Find rows like `scan_within`, without computing distances that bounds exclude.

    The number of rows that were found and the number of distances that were computed
    are returned.
    """
    metric, A, B, first, norms_a, norms_b = pairs
    values, power, scale, slack, gap = bounds
    n_found = n_computed = 0
    for i in range(A.shape[0]):
        largest = largest_bound(limit, power, scale, slack[i], gap[i])
        for start in range(0, B.shape[0], BOUNDS_AT_ONCE):
            stop = min(start + BOUNDS_AT_ONCE, B.shape[0])
            if _all_above(largest, values[i, start:stop]):
                continue
            for j in range(start, stop):
                if values[i, j] <= largest:
                    n_computed += 1
                    d = distance(metric, A, i, B, j, norms_a, norms_b)
                    if d <= limit:
                        found[n_found, 0], found[n_found, 1] = i, first + j
                        distances[n_found] = d
                        n_found += 1
    return n_found, n_computed


@jit
def smallest_bounds(bounds, smallest, indices):
    """Keep the smallest bounds of each row, and their columns, in heaps."""
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
    """Keep the nearest of some candidates in heaps, and set their bounds to NaN.

    NaN is not below any limit, so that `refine` does not compute their distances again.
    A candidate below 0 is ignored.
    """
    for i in range(candidates.shape[0]):
        for c in range(candidates.shape[1]):
            j, d = candidates[i, c], their_distances[i, c]
            if j >= 0:
                bounds[i, j] = np.nan
                if _is_nearer(d, j, distances[i], indices[i]):
                    _replace_farthest(distances[i], indices[i], d, j)
