"""Fixtures of the tests of searches."""

import failing_searches
import peaks
import pytest


@pytest.fixture(autouse=True)
def no_fits_yet():
    failing_searches.Peak.n_fits = 0
    peaks.Peak.fits = []
