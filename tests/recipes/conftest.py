"""Small images of two or three classes, which take little time to learn."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def stripes():
    """Sixty images of 24 x 24 pixels: stripes in three directions, and noise."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:24, :24]
    images, labels = [], []
    for i in range(60):
        phase = [rows, columns, rows + columns][i % 3] + rng.integers(8)
        gray = 90 + 70 * (phase // 4 % 2) + rng.normal(0, 25, (24, 24))
        images.append(np.repeat(np.clip(gray, 0, 255)[..., None], 3, axis=2))
        labels.append(["across", "down", "slanted"][i % 3])
    return np.array(images, np.uint8), np.array(labels)


@pytest.fixture(scope="session")
def two_kinds(stripes):
    """The images of two of the classes."""
    images, labels = stripes
    kept = labels != "slanted"
    return images[kept], labels[kept]
