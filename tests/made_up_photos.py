"""A folder of made-up photos, for tests of what is written about such folders."""

import numpy as np
from PIL import Image


def make_photos(folder, n=15, seed=0):
    """Make ``n`` images of each of two classes: stripes down, and stripes across."""
    rng = np.random.default_rng(seed)
    for label in ("down", "across"):
        (folder / label).mkdir(parents=True)
        for i in range(n):
            pixels = rng.integers(0, 100, (120, 120, 3), dtype=np.uint8)
            pixels[::9] += 150
            pixels = pixels if label == "across" else pixels.transpose(1, 0, 2)
            Image.fromarray(pixels).save(folder / label / f"{i}.png")
