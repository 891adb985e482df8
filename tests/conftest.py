"""Fixtures that every test may use."""

import os
import signal
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
