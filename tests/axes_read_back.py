"""Digits to draw, and what is read back from the axes."""

import numpy as np
from sklearn.datasets import load_digits

X, Y = load_digits(n_class=4, return_X_y=True)

IMAGES, NAMES = X.reshape(-1, 8, 8), np.array(["nil", "one", "two", "three"])[Y]


def drawn(axes):
    """Return the array of the only image in some axes."""
    (image,) = axes.images
    return np.asarray(image.get_array())


def in_shades(axes):
    """Return an image as it is seen, from 0, black, to 1."""
    (image,) = axes.images
    return np.asarray(image.norm(image.get_array()))


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]
