"""Split: which images a model learns from, and which it is measured on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from skvision._app.dataset import Dataset
from skvision._contract.user_error import UserError, user_errors
from skvision._recipes.draw import draw_test_set


@dataclass(frozen=True)
class Split:
    """Two parts of the images; copies may be in neither.

    Attributes
    ----------
    in_training, in_test : ndarray of shape (n,), bool
        Which images are in each part.
    """

    in_training: NDArray[np.bool_]
    in_test: NDArray[np.bool_]


def hold_out(
    dataset: Dataset, copies: NDArray[np.intp], test_size: float, seed: int
) -> Split:
    """Hold out the test images of a dataset, or draw some if it has none.

    Parameters
    ----------
    dataset : Dataset
        The images and their classes.
    copies : ndarray of shape (n,)
        For each image the first one with the same pixels. They are not separated by a
        draw, and copies of training images are left out of the test.
    test_size : float
        The fraction to draw.
    seed : int
        The seed of the draw.

    Raises
    ------
    UserError
        If a class cannot be in both parts.
    """
    if dataset.n_training is None:
        with user_errors():
            in_test = draw_test_set(
                dataset.labels, ties(dataset, copies), test_size, seed
            )
        return Split(~in_test, in_test)
    in_training = np.arange(len(copies)) < dataset.n_training
    in_test = copies >= dataset.n_training
    for name in np.unique(dataset.labels):
        if name not in dataset.labels[in_test]:
            raise UserError(
                f"all test images of the class {str(name)!r} are copies of training "
                f"images: add others"
            )
    return Split(in_training, in_test)


def hold_out_all(dataset: Dataset) -> Split:
    """Hold out all images: a model has learned from others."""
    everywhere = np.ones(len(dataset.sources), bool)
    return Split(~everywhere, everywhere)


def ties(dataset: Dataset, copies: NDArray[np.intp]) -> list[NDArray[Any]]:
    """Return arrays in which images that must not be separated have the same value."""
    return [copies] if dataset.groups is None else [copies, dataset.groups]


def draw_folds(
    labels: NDArray[np.str_], parts: NDArray[np.intp], n_folds: int, seed: int
) -> list[NDArray[np.bool_]]:
    """Return which images are in each fold.

    Folds have the same fraction of each class, and no part is in two of them.

    Raises
    ------
    UserError
        If a class has fewer parts than there are folds, or all of it is in one fold.
    """
    _check_parts(labels, parts, n_folds)
    # Shuffled here: shuffle=True forgets to stratify before scikit-learn 1.8.
    shuffled = np.random.default_rng(seed).permutation(len(labels))[parts]
    folds = []
    for _, test in StratifiedGroupKFold(n_folds).split(labels, labels, shuffled):
        in_test = np.isin(np.arange(len(labels)), test)
        missing = set(labels) - set(labels[~in_test])
        if missing or not in_test.any():
            what = f"all of the class {str(min(missing))!r}" if missing else "nothing"
            raise UserError(
                f"groups that large leave {what} to one of {n_folds} folds: pass "
                f"another number to --folds, or make smaller groups"
            )
        folds.append(in_test)
    return folds


def _check_parts(
    labels: NDArray[np.str_], parts: NDArray[np.intp], n_folds: int
) -> None:
    """Refuse a class that has fewer parts than there are folds."""
    n_parts = {
        name: len(np.unique(parts[labels == name])) for name in np.unique(labels)
    }
    name = min(n_parts, key=n_parts.__getitem__)
    n = n_parts[name]
    if n < n_folds:
        fewer = f", or pass --folds {n}" if n > 1 else ""
        raise UserError(
            f"{n_folds} folds need {n_folds} images or groups of each class, and the "
            f"class {str(name)!r} has {n} (copies of one image count as one): add "
            f"images to it{fewer}"
        )
