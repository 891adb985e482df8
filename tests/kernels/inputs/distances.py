"""Inputs of distances."""

import numpy as np
from kernels.cases import DTYPES, Case, norms_of, read_only

from skvision._kernels import distances

METRICS = ["L1", "L2", "COSINE", "CHI2", "HELLINGER", "CHEBYSHEV"]
PAIRS = [*zip(DTYPES, DTYPES, strict=True), DTYPES[:2]]
# whole numbers and others, where each call is compiled for Python and not kept
FEW_PAIRS = [PAIRS[0], PAIRS[-1]]
TOLERANCE = {"rtol": 1e-12, "atol": 1e-14}


def _rows(rng, dtypes, n_features):
    A = rng.integers(0, 256, (4, n_features)).astype(dtypes[0])
    B = rng.integers(0, 256, (5, n_features)).astype(dtypes[1])
    A[0], B[0], B[1] = 255, 1, A[1]
    if n_features > 1:
        A[2, :9], B[2, 5:12] = 0, 0
    A[:, 0], B[:, 0] = np.maximum(A[:, 0], 1), np.maximum(B[:, 0], 1)
    return read_only(A), read_only(B), norms_of(A), norms_of(B)


def _pairs(rng, dtypes_of_rows=PAIRS):
    """Draw rows of all dtypes for all metrics that take them."""
    for dtypes in dtypes_of_rows:
        for n_features in (1, 50, 300):
            A, B, *norms = _rows(rng, dtypes, n_features)
            names = [*METRICS, "HAMMING"] if A.dtype == B.dtype == "u1" else METRICS
            for name in names:
                yield getattr(distances, name), A, B, norms


def distance(rng):
    for metric, A, B, norms in _pairs(rng, FEW_PAIRS):
        for i, j in [(0, 0), (1, 1), (2, 2), (3, 4)]:
            yield Case((metric, A, i, B, j, *norms), **TOLERANCE)


def distance_up_to(rng):
    for metric, A, B, norms in _pairs(rng, FEW_PAIRS):
        for i, j in [(0, 0), (1, 1), (3, 4)]:
            for limit in (0.0, 7.0, 90.0, np.inf):

                def up_to_limit(returned, arguments, limit=limit):
                    return min(returned, max(limit, 1e-9) * 1.000001)

                arguments = limit, metric, A, i, B, j, *norms
                yield Case(arguments, outputs=up_to_limit, **TOLERANCE)


def distances_to(rng):
    for metric, A, B, norms in _pairs(rng):
        candidates, out = rng.integers(0, 5, (4, 3)), np.empty((4, 3))
        yield Case((metric, A, B, candidates, *norms, out), **TOLERANCE)
    for dtype in DTYPES:
        A, B, *norms = _rows(rng, (dtype, dtype), 9)
        candidates, out = rng.integers(0, 5, (4, 2)), np.empty((4, 2))
        yield Case((distances.L1, A, B, candidates, *norms, out))
    for n_features in (33_025, 40_000):  # squares overflow an int32 from 33,026 on
        A = read_only(np.zeros((1, n_features), np.uint8))
        B = read_only(A + np.uint8(255))
        one, candidate = read_only(np.ones(1)), np.zeros((1, 1), int)
        for metric in (distances.L1, distances.L2):
            numbers = candidate, one, one, np.empty((1, 1))
            yield Case((metric, A, B, *numbers))
    A = read_only(np.array([[1e8, 1e8]]))  # expanding the square would lose digits
    B = read_only(A + [[1e-3, 0]])
    one, candidate = read_only(np.ones(1)), np.zeros((1, 1), int)
    numbers = candidate, one, one, np.empty((1, 1))
    yield Case((distances.L2, A, B, *numbers))


def inverse_norms(rng):
    for dtype in DTYPES:
        for shape in [(5, 7), (1, 1), (0, 3)]:
            rows = rng.uniform(1, 255, shape).astype(dtype)
            yield Case((read_only(rows), np.empty(shape[0])), rtol=1e-14)
    rows = np.array([[3.0, 4], [3e-200, 4e-200], [3e200, 4e200], [0, 0]])

    def finite(returned, arguments):
        out = arguments["out"]
        return np.where(np.isfinite(out), out, np.nan)

    yield Case((read_only(rows), np.empty(4)), rtol=1e-14, outputs=finite)
