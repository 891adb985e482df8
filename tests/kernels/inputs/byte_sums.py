"""Inputs of the sums over pairs of bytes."""

from kernels.cases import Case, read_only, some_bytes

SIZES = [0, 1, 7, 8, 9, 31, 63, 64, 65, 100, 129, 200]


def _rows(rng):
    for size in SIZES:
        A, B = some_bytes(rng, (2, 2, size + 3))
        A[0, 2 : size + 2 : 5], B[1, 2 : size + 2 : 5] = 0, 255
        yield Case((read_only(A), 0, read_only(B), 1, 2, 2 + size))


l1 = squared_l2 = dot = _rows


def l1_of_whole_vectors(rng):
    for size in (0, 64, 192):
        A, B = some_bytes(rng, (2, 2, size))
        yield Case((read_only(A), 0, read_only(B), 1, 0, size))
