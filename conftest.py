"""What doctests and tests share."""

import os
import sys

import pytest

# pytest would import a module that is named on its command line a second time
import skvision  # noqa: F401

os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture(autouse=True)
def close_figures():
    """Close the figures that a test or an example has left open."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
