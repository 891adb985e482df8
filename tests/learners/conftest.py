"""Few rows and few images, on which all learners are fitted."""

import numpy as np
import pytest


@pytest.fixture
def rows(rng):
    """Return 60 rows of floats of three classes, which overlap."""
    y = np.arange(60) % 3
    return rng.normal(size=(60, 5)) + 0.7 * y[:, None], y


@pytest.fixture
def images(rng):
    """Return 40 images of bytes, of two classes of other brightness."""
    y = np.arange(40) % 2
    pixels = rng.integers(0, 200, (40, 4, 5, 3)) + 40 * y[:, None, None, None]
    return pixels.astype(np.uint8), y
