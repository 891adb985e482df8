"""Folders of images with stripes, for tests of the command line."""

import numpy as np
from PIL import Image


def stripes(rng, label, size=40):
    pixels = rng.integers(0, 100, (size, size, 3), dtype=np.uint8)
    lines = pixels[:, ::6] if label == "down" else pixels[::6]
    lines += 150
    return Image.fromarray(pixels)


def make_folder(folder, rng, n=10, labels=("across", "down")):
    for label in labels:
        (folder / label).mkdir(parents=True)
        for i in range(n):
            stripes(rng, label).save(folder / label / f"{i}.png")
    return folder


def groups_of(matrix):
    return {tuple(line.split()) for line in matrix.splitlines()}
