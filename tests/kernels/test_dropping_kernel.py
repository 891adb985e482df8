"""Dropping against NumPy; also run without compilation."""

import numpy as np
import pytest

from skvision._kernels.dropping import drop


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 1, 37])
@pytest.mark.parametrize("threshold", [0, 1, 30_000, 65_535])
def test_drop(n, threshold, dtype, rng):
    x = rng.normal(size=n).astype(dtype)
    drawn = rng.integers(0, 2**16, n, dtype=np.uint16)
    drawn[:1] = threshold
    x.flags.writeable = drawn.flags.writeable = False
    out = np.full_like(x, np.nan)
    drop(x, drawn, threshold, 1.25, out)
    np.testing.assert_array_equal(out, np.where(drawn >= threshold, x * dtype(1.25), 0))
