"""Fixtures of the tests of displays."""

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def clean_pyplot():
    plt.close("all")
    plt.switch_backend("Agg")
    yield
    plt.close("all")
