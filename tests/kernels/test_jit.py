"""Compilation where no folder is writable."""

import numpy as np
import pytest
from numba import config
from numba.core.caching import CompileResultCacheImpl

from skvision._kernels import jit


def test_without_a_folder_to_cache_in(monkeypatch):
    if config.DISABLE_JIT:
        pytest.skip("nothing is compiled with NUMBA_DISABLE_JIT=1")
    monkeypatch.setattr(CompileResultCacheImpl, "_locator_classes", [])

    def reciprocal(x):
        return np.float64(1) / x

    compiled = jit(reciprocal)
    assert compiled(0.0) == np.inf
    assert compiled(4.0) == 0.25
    assert compiled.stats.cache_path is None
