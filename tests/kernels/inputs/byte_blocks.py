"""Inputs of the largest differences and differing bits of bytes."""

import numpy as np
from kernels.cases import Case, read_only, some_bytes

SIZES = [1, 7, 8, 9, 15, 17, 63, 65, 255, 256, 257, 600]


def _rows(rng):
    """Draw rows whose largest difference is anywhere in them."""
    for size in SIZES:
        for at in sorted({0, size // 2, size - 1}):
            for a, b in [(0, 255), (255, 0), (130, 100), (100, 100)]:
                A, B = rng.integers(100, 120, (2, 3, size), dtype=np.uint8)
                A[1, at], B[2, at] = a, b
                yield read_only(A), read_only(B)


def largest_difference(rng):
    for A, B in _rows(rng):
        largest = np.abs(A[1].astype(int) - B[2]).max()
        for limit in (255.0, float(largest), largest - 1.0):

            def up_to_limit(returned, arguments, limit=limit):
                return min(returned, limit + 1)

            yield Case((A, 1, B, 2, limit), outputs=up_to_limit)


def count_differing_bits(rng):
    for A, B in _rows(rng):
        yield Case((A, 1, B, 2))


def count_differing_bits_of_words(rng):
    for n_rows, n_words, n_columns in [(4, 1, 5), (3, 7, 40), (0, 2, 3), (1, 2, 0)]:
        A, B = (
            some_bytes(rng, (n, 4 * m)).view(np.uint32)
            for n, m in ((n_rows, n_words), (n_words, n_columns))
        )
        yield Case((A, B, np.full((n_rows, n_columns), 9, np.float32)))
