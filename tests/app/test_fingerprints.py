"""A model knows the images that it has learned from."""

import numpy as np

from skvision._app.fingerprints import find_known, join_fingerprints
from skvision._recipes.copies import digest


def test_fingerprints(rng):
    images = rng.integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    digests = [digest(image) for image in images]
    about = {"training": {"fingerprints": join_fingerprints(digests[:3])}}
    assert find_known(digests, about).tolist() == [True] * 3 + [False] * 2
    for odd in ({}, {"training": 1}, {"training": {"fingerprints": 3}}):
        assert not find_known(digests, odd).any()
    for odd in ("é", "AAA", None, ""):
        assert not find_known(digests, {"training": {"fingerprints": odd}}).any()
