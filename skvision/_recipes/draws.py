"""Draws of validation images from training images, which never part what is tied."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skvision._recipes.draw import draw_test_set
from skvision._recipes.training_images import TrainingImages

Draw = tuple[NDArray[Any], NDArray[Any]]

_MANY = 1000  # images: with fewer, the draw matters too much
_VALIDATION_SIZE = 0.25


def draw_validation_images(
    training: TrainingImages, cv: Any, seed: int
) -> Sequence[Draw]:
    """Return the indices to learn from and to validate, for each draw.

    Parameters
    ----------
    training : TrainingImages
        The images and what ties them.
    cv : int, splitter, iterable or None
        None draws a quarter of the images, four times if there are fewer than 1,000.
        An int is the number of folds. The splits of an iterable are taken as they are.
    seed : int
        The seed of the draws.

    Returns
    -------
    draws : sequence of (learning, validation)
        Empty if a class cannot be on both sides, and ``cv`` is None.

    Raises
    ------
    ValueError
        If ``cv`` has fewer than two folds, or parts images of a group or copies.
    """
    if cv is None:
        return _draw(training, seed)
    from sklearn.model_selection import StratifiedGroupKFold, check_cv  # load rich

    splitter = check_cv(cv, training.labels, classifier=True)
    if isinstance(cv, int | np.integer):
        splitter = StratifiedGroupKFold(cv)
    # Numbered at random, so that folds are drawn: shuffle=True forgets to stratify
    # before scikit-learn 1.8. Images that were passed and left out are groups, too.
    known = training.position_of >= 0
    order = np.random.default_rng(seed).permutation(int(training.parts.max()) + 1)
    groups = np.where(known, order[training.parts][training.position_of], len(order))
    labels = training.labels[training.position_of]
    draws = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The groups parameter is ignored")
        splits = list(splitter.split(np.zeros(len(labels)), labels, groups))
    for split in splits:
        positions = [np.unique(training.position_of[rows]) for rows in split]
        learning, validation = (rows[rows >= 0] for rows in positions)
        torn = np.intersect1d(training.parts[learning], training.parts[validation])
        if len(torn) and hasattr(cv, "split"):
            raise ValueError(
                f"cv={cv} puts images of {len(torn)} groups, or copies of an image, "
                f"on both sides of a split. Use a splitter that keeps groups together, "
                f"such as StratifiedGroupKFold, or an int."
            )
        if not len(learning) or not len(validation):
            raise ValueError(f"cv={cv} leaves one side of a split empty.")
        draws.append((learning, validation))
    return draws


def _draw(training: TrainingImages, seed: int) -> list[Draw]:
    n_draws = 1 if len(training) >= _MANY else 4
    try:
        drawn = [
            draw_test_set(training.labels, [training.parts], _VALIDATION_SIZE, seed + i)
            for i in range(n_draws)
        ]
    except ValueError:  # a class is one image, or one group
        return []
    return [(np.flatnonzero(~one), np.flatnonzero(one)) for one in drawn]
