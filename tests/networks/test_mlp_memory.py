"""MLPBackprop: in little memory, whatever the layout."""

import tracemalloc

import numpy as np
import pytest

from skvision import MLPBackprop
from skvision.augmentation import RandomFlip


@pytest.fixture(scope="module")
def many():
    """Return 61 MB of bytes."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (16_000, 3840), dtype=np.uint8), np.arange(16_000) % 3


@pytest.mark.parametrize("layout", ["C", "Fortran", "memmap", "pictures"])
def test_bytes_are_never_copied_whole(layout, many, tmp_path):
    X, y = many
    n_bytes = X.nbytes
    if layout == "memmap":
        stored = np.memmap(tmp_path / "X", np.uint8, "w+", shape=X.shape)
        stored[:] = X
        X = stored
    elif layout == "Fortran":
        X = np.asfortranarray(X)
    elif layout == "pictures":
        X = X.reshape(-1, 40, 32, 3)
    augmentation = RandomFlip() if layout == "pictures" else None
    early_stopping = layout == "C"
    model = MLPBackprop(
        4, augmentation=augmentation, early_stopping=early_stopping, max_iter=1
    )
    tracemalloc.start()
    try:
        model.fit(X, y)
        if layout != "Fortran":  # which is slow
            model.predict(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < n_bytes / 3
