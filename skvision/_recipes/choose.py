"""Choose: the strength of the penalty that predicts validation images best."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from skvision._linear.softmax_regression import SoftmaxRegression
from skvision._recipes.describe import make_normalizer
from skvision._recipes.draw import draw_test_set

_ALPHAS = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)  # each fit starts from the one before
_MIDDLE_ALPHA = 0.1  # for when they cannot be compared
_ENOUGH_TO_VALIDATE = 1000  # images: with fewer, the draw matters too much
_DRAWS = 5  # if there are fewer
_VALIDATION_SIZE = 0.2


def draw_validation(
    labels: NDArray[np.str_], ties: Sequence[NDArray[Any]], seed: int
) -> list[NDArray[np.bool_]]:
    """Draw validation images from training images, once or a few times.

    Returns
    -------
    draws : list of ndarray of shape (n,), bool
        The validation images of each draw. The list is empty if a class is one image,
        or one group.
    """
    n_draws = 1 if len(labels) >= _ENOUGH_TO_VALIDATE else _DRAWS
    try:
        return [
            draw_test_set(labels, ties, _VALIDATION_SIZE, seed + i)
            for i in range(n_draws)
        ]
    except ValueError:
        return []


def validate_alphas(
    features: NDArray[np.floating[Any]],
    labels: NDArray[np.str_],
    ties: Sequence[NDArray[Any]],
    seed: int,
) -> dict[float, float]:
    """Return the cross-entropy on validation images for each strength of the penalty.

    The features are normalized by the images that are not in the validation set. The
    result is empty if there can be no validation set.
    """
    draws = draw_validation(labels, ties, seed)
    if not draws:
        return {}
    losses = np.zeros(len(_ALPHAS))
    for held_out in draws:
        normalizer = make_normalizer().fit(features[~held_out])
        learning, validation = map(
            normalizer.transform, (features[~held_out], features[held_out])
        )
        model = SoftmaxRegression(warm_start=True, tol=1e-3)
        for i, alpha in enumerate(_ALPHAS):
            model.set_params(alpha=alpha).fit(learning, labels[~held_out])
            losses[i] += log_loss(
                labels[held_out],
                model.predict_proba(validation),
                labels=model.classes_,
            )
    return dict(zip(_ALPHAS, (losses / len(draws)).tolist(), strict=True))


def best_alpha(losses: dict[float, float]) -> float:
    """Return the strength with the smallest loss after `validate_alphas`."""
    return min(losses, key=losses.__getitem__, default=_MIDDLE_ALPHA)
