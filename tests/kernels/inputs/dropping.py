"""Inputs of dropout."""

import numpy as np
from kernels.cases import FLOATS, Case


def drop(rng):
    for dtype in FLOATS:
        for n in (0, 1, 37):
            for threshold in (0, 1, 30_000, 65_535):
                x = rng.normal(size=n).astype(dtype)
                drawn = rng.integers(0, 2**16, n, dtype=np.uint16)
                drawn[:1] = threshold
                out = np.full_like(x, np.nan)
                yield Case((x, drawn, threshold, 1.25, out))
