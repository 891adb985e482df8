"""Inputs of the kernels of sketches."""

import numpy as np
from kernels.cases import DTYPES, Case, norms_of, read_only, some_bytes

from skvision._kernels import distances


def byte_l1_block(rng):
    for n_queries, n_rows, n_bytes in [(20, 20, 128), (3, 9, 64), (1, 0, 64)]:
        A, B = some_bytes(rng, (n_queries, n_bytes)), some_bytes(rng, (n_rows, n_bytes))
        yield Case((A, read_only(B), np.zeros((n_queries, n_rows), np.float32)))


def embed(rng):
    for name in ("L2", "COSINE", "CHI2", "HELLINGER"):
        for dtype in DTYPES:
            for shape in [(8, 20), (1, 1), (0, 3)]:
                rows = rng.uniform(1, 255, shape).astype(dtype)
                data = map(read_only, (rows, norms_of(rows), rng.random(shape[1])))
                outputs = np.empty(shape, np.float32), np.empty(shape[0])
                arguments = getattr(distances, name), *data, 0.5, *outputs
                yield Case(arguments, rtol=1e-6)


def pool_to_bytes(rng):
    groups = read_only(np.uint32([0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 2, 2]))
    for dtype in DTYPES:
        for low, unit, rounding in [(0.0, 4.0, 0.0), (3.0, 2.5, 1e-3)]:
            rows = rng.integers(0, 256, (5, 12)).astype(dtype)
            rows[0], rows[1] = 0, 255
            codes, errors, sums = np.zeros((5, 64), np.uint8), np.empty(5), np.empty(3)
            numbers = groups, sums, low, unit, rounding, codes, errors
            yield Case((read_only(rows), *numbers), rtol=1e-12, scratch=("sums",))
