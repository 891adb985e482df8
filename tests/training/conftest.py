"""Fixtures of the engine's tests."""

import numpy as np
import pytest
from losses_and_torch import N_ROWS


@pytest.fixture(params=["equal", "some zero"])
def sample_weight(request, rng):
    some_zero = rng.random(N_ROWS) * (np.arange(N_ROWS) % 3)
    return None if request.param == "equal" else some_zero
