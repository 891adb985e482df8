"""Fixtures of the tests of networks."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits


@pytest.fixture(scope="module", autouse=True)
def one_thread_for_torch():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


@pytest.fixture
def few(rng):
    """Return 60 rows of floats of three classes, which overlap."""
    y = np.arange(60) % 3
    return rng.normal(size=(60, 5)) + 0.7 * y[:, None], y


@pytest.fixture
def pictures(rng):
    """Return 40 images of bytes, of two classes of other brightness."""
    y = np.arange(40) % 2
    images = rng.integers(0, 200, (40, 4, 5, 3)) + 40 * y[:, None, None, None]
    return images.astype(np.uint8), y
