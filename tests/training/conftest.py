"""Fixtures of the engine's tests."""

import tracemalloc

import numpy as np
import pytest
from losses_and_torch import N_ROWS


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


@pytest.fixture(params=["equal", "some zero"])
def sample_weight(request, rng):
    some_zero = rng.random(N_ROWS) * (np.arange(N_ROWS) % 3)
    return None if request.param == "equal" else some_zero
