"""Inputs of searches."""

import numpy as np
from kernels.cases import Case, norms_of, read_only

from skvision._kernels import distances
from skvision._kernels.nearest import Bounds, Pairs

METRICS = ["L1", "L2", "CHEBYSHEV"]


def _sorted(returned, arguments):
    """Return heaps sorted, since their order is not specified."""
    values = arguments.get("distances", arguments.get("smallest"))
    indices = arguments["indices"]
    order = np.lexsort((indices, values))
    return (
        np.take_along_axis(values, order, axis=1),
        np.take_along_axis(indices, order, axis=1),
        arguments.get("bounds") if "candidates" in arguments else None,
    )


def _found(returned, arguments):
    """Return the pairs that were found, sorted, and the counts."""
    n_found = returned[0] if isinstance(returned, tuple) else returned
    found = arguments["found"][:n_found]
    order = np.lexsort((found[:, 1], found[:, 0]))
    return returned, found[order], arguments["distances"][:n_found][order]


def _heaps(n, n_neighbors):
    return np.full((n, n_neighbors), np.inf), np.full((n, n_neighbors), -1)


def _kept(rng, n, n_neighbors):
    """Return heaps of rows that were kept before, with ties."""
    values = rng.integers(0, 6, (n, n_neighbors)).astype(float)
    indices = rng.permuted(np.tile(np.arange(80), (n, 1)), axis=1)[:, :n_neighbors]
    order = np.lexsort((indices, values))[:, ::-1]  # from the farthest on: a heap
    return np.take_along_axis(values, order, 1), np.take_along_axis(indices, order, 1)


def _pairs(rng, dtype=np.uint8, name="L1", n_rows=60, first=7):
    """Draw rows of few values, so that there are many ties."""
    A = rng.integers(1, 4, (9, 3)).astype(dtype)
    B = rng.integers(1, 4, (n_rows, 3)).astype(dtype)
    rows, norms = (read_only(A), read_only(B)), (norms_of(A), norms_of(B))
    return Pairs(getattr(distances, name), *rows, first, *norms)


def _exact(pairs):
    difference = pairs.A.astype(float)[:, np.newaxis] - pairs.B
    if pairs.metric == distances.L2:
        return np.square(difference).sum(axis=2)
    if pairs.metric == distances.CHEBYSHEV:
        return abs(difference).max(axis=2)
    return abs(difference).sum(axis=2)


def _bounds(pairs, share=0.9):
    values = (share * _exact(pairs)).astype(np.float32)
    none = np.zeros(len(values))
    return Bounds(values, 2 if pairs.metric == distances.L2 else 1, 1.0, none, none)


def sort_heaps(rng):
    for n, k in [(5, 7), (1, 1), (0, 3)]:
        yield Case(_kept(rng, n, k))


def scan(rng):
    for dtype in (np.uint8, np.float64):
        for n_neighbors in (1, 2, 5, 30, 31, 60):
            for name in METRICS:
                pairs = _pairs(rng, dtype, name)
                yield Case((pairs, *_heaps(9, n_neighbors)), outputs=_sorted)
    pairs = _pairs(rng)
    heaps = np.full((9, 3), 2.0), np.tile([6, 4, 1], (9, 1))  # of earlier rows
    yield Case((pairs, *heaps), outputs=_sorted)
    yield Case((_pairs(rng, n_rows=0), *_heaps(9, 2)), outputs=_sorted)


def _within(rng):
    for name in METRICS:
        for limit in (0.0, 1.0, 3.0, 1000.0):
            pairs = _pairs(rng, name=name)
            found, values = np.zeros((9 * 60, 2), int), np.zeros(9 * 60)
            yield pairs, (limit, found, values)


def scan_within(rng):
    for pairs, rest in _within(rng):
        yield Case((pairs, *rest), outputs=_found)


def largest_bound(rng):
    numbers = [(np.inf, 2, 1.0, 0.0, -1.0), (100.0, 1, 0.5, 2.0, 3.0)]
    numbers += [(100.0, 2, 0.5, 2.0, -10.0), (0.0, 2, 1.0, 0.0, -4.0)]
    for arguments in numbers:
        yield Case(arguments, rtol=3e-6)


def refine(rng):
    for dtype, name in [("u1", "L1"), ("u1", "L2"), ("f8", "L2")]:
        for share in (0.0, 0.6, 1.0):
            for n_rows in (60, 300):
                pairs = _pairs(rng, dtype, name, n_rows)
                arguments = pairs, _bounds(pairs, share), *_heaps(9, 4)
                yield Case(arguments, outputs=_sorted)
    for n_neighbors in (1, 3, 8):
        pairs = _pairs(rng, first=rng.integers(0, 80))
        arguments = pairs, _bounds(pairs), *_kept(rng, 9, n_neighbors)
        yield Case(arguments, outputs=_sorted)


def refine_within(rng):
    for pairs, rest in _within(rng):
        yield Case((pairs, _bounds(pairs), *rest), outputs=_found)


def smallest_bounds(rng):
    for n, n_rows, k in [(4, 70, 5), (1, 1, 1), (3, 40, 40), (2, 0, 3)]:
        bounds = rng.integers(0, 9, (n, n_rows)).astype(np.float32)
        yield Case((bounds, *_heaps(n, k)), outputs=_sorted)


def keep_candidates(rng):
    for n, n_candidates, k in [(4, 8, 3), (1, 1, 1), (3, 5, 5), (2, 0, 3)]:
        candidates = rng.permuted(np.tile(np.arange(20), (n, 1)), axis=1)
        candidates = candidates[:, :n_candidates] - 2  # some are below 0
        values = rng.integers(0, 4, candidates.shape).astype(float)
        candidates = np.maximum(candidates, -1)
        bounds = rng.random((n, 20)).astype(np.float32)
        for heaps in (_heaps(n, k), _kept(rng, n, k)):
            arguments = candidates, values, bounds.copy(), *heaps
            yield Case(arguments, outputs=_sorted)
