"""Fixtures that every test may use."""

import os
import signal
import tracemalloc
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # a process on each core: a thread for each
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("no clock", deadline=None)
settings.load_profile("no clock")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def differences():
    """Return ``(function, x) -> derivatives``, the axis of x last, by differences."""

    def derivatives(function, x, step=1e-5):
        columns = []
        for i in range(len(x)):
            here, there = x.copy(), x.copy()
            here[i] -= step
            there[i] += step
            rise = np.asarray(function(there)) - np.asarray(function(here))
            columns.append(rise / (2 * step))
        return np.stack(columns, axis=-1)

    return derivatives


@pytest.fixture
def peak_of():
    """Return ``function -> bytes``: what a call allocates at most."""

    def peak(function):
        tracemalloc.start()
        try:
            function()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return peak


@pytest.fixture
def ctrl_c():
    """Interrupt as Ctrl-C does, also in processes that were started to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def data_root():
    """Return the folder of real data sets, or skip."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    root = Path(os.environ.get("SKVISION_DATA", beside))
    if not root.is_dir():
        pytest.skip(f"no real data: neither $SKVISION_DATA nor {beside} is a folder")
    return root
