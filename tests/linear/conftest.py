"""Data that the tests of linear classifiers share."""

import numpy as np
import pytest
from sklearn.datasets import load_digits


@pytest.fixture(scope="module")
def digits():
    images, y = load_digits(return_X_y=True)
    return images / 16, y


@pytest.fixture(params=[2, 4])
def whole_numbers(request, rng):
    """Return rows of which sums are exact in any order, and labels that overlap."""
    X = rng.integers(0, 4, (40, 6)).astype(float)
    return X, rng.permutation(np.arange(40) % request.param)
