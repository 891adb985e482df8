"""How kernels are compiled."""

import importlib
import pkgutil

import numpy as np
import pytest
from numba import config
from numba.core.caching import CompileResultCacheImpl
from numba.core.dispatcher import Dispatcher

from skvision import _kernels
from skvision._kernels import jit

pytestmark = pytest.mark.skipif(
    bool(config.DISABLE_JIT), reason="nothing is compiled with NUMBA_DISABLE_JIT=1"
)


def test_without_a_folder_to_cache_in(monkeypatch):
    monkeypatch.setattr(CompileResultCacheImpl, "_locator_classes", [])

    def reciprocal(x):
        return np.float64(1) / x

    compiled = jit(reciprocal)
    assert compiled(0.0) == np.inf
    assert compiled(4.0) == 0.25
    assert compiled.stats.cache_path is None


def test_kernels_release_the_gil_and_start_no_threads():
    n_kernels = 0
    for _, name, _ in pkgutil.iter_modules(_kernels.__path__):
        module = importlib.import_module(f"skvision._kernels.{name}")
        for value in vars(module).values():
            if isinstance(value, Dispatcher):
                options = value.targetoptions
                assert options["nogil"]
                assert options["error_model"] == "numpy"
                assert not options.get("parallel", False)
                assert options.get("fastmath", False) is not True
                n_kernels += 1
    assert n_kernels > 50
