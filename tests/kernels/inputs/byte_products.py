"""Inputs of products of bytes."""

import numpy as np
from kernels.cases import Case, read_only, some_bytes

from skvision._kernels.byte_products import STEP


def _bounds_of(rng, queries, rows):
    n_rows, n_features = rows.shape
    whole = n_features // STEP * STEP
    signed = np.zeros((len(queries), -(-n_features // STEP) * STEP), np.int8)
    signed[:, :n_features] = queries.astype(int) - 128
    tails = np.zeros((n_rows, STEP), np.uint8)
    tails[:, : n_features - whole] = rows[:, whole:]
    shifts = rng.integers(0, 2**20, n_rows)
    offsets, factors_b = rng.random(n_rows), rng.random(n_rows)
    factors_a = rng.random(len(queries))
    out = np.zeros((len(queries), n_rows), np.float32)
    both = read_only(rows), read_only(tails)
    return Case((signed, factors_a, *both, offsets, shifts, factors_b, out))


def byte_bounds(rng):
    sizes = [(1, 1, 1), (7, 5, 70), (6, 4, 64), (13, 11, 200), (12, 9, 128)]
    sizes += [(2, 3, 33), (7, 303, 70), (0, 3, 70), (3, 0, 70)]
    sizes += [tuple(rng.integers(1, (15, 12, 201))) for _ in range(40)]
    for n_queries, n_rows, n_features in sizes:
        queries = some_bytes(rng, (n_queries, n_features))
        yield _bounds_of(rng, queries, some_bytes(rng, (n_rows, n_features)))
    for n_features in (65_536, 65_537, 70_000, 131_073):  # more than an int32 holds
        queries = np.zeros((7, n_features), np.uint8)
        queries[3:] = 255
        yield _bounds_of(rng, queries, np.full((1, n_features), 255, np.uint8))


def sums_and_squares(rng):
    for shape in [(3, 1), (3, 100), (3, 33_000), (3, 70_000), (0, 5)]:
        rows = some_bytes(rng, shape)
        rows[:1] = 255
        sums, squares = rng.integers(0, 9, (2, shape[0]))
        yield Case((read_only(rows), np.zeros((1, shape[1]), np.uint8), sums, squares))
