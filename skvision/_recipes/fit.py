"""Fit: features and labels become a classifier."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skvision._features.pixel_normalizer import PixelNormalizer
from skvision._linear.softmax_regression import SoftmaxRegression
from skvision._recipes.describe import make_normalizer


@dataclass(frozen=True)
class Fitted:
    """A classifier, and what it was fitted to.

    Attributes
    ----------
    normalizer : PixelNormalizer
        The transformer that features pass before the classifier.
    classifier : SoftmaxRegression
        The fitted classifier.
    rows : ndarray of shape (n_training, n_features)
        The normalized features of the training images.
    """

    normalizer: PixelNormalizer
    classifier: SoftmaxRegression
    rows: NDArray[np.floating[Any]]


def fit_softmax(
    features: NDArray[np.floating[Any]], labels: NDArray[np.str_], alpha: float
) -> Fitted:
    """Normalize the features of training images, and fit a softmax regression."""
    normalizer = make_normalizer()
    rows = normalizer.fit_transform(features)
    classifier = SoftmaxRegression(alpha=alpha).fit(rows, labels)
    return Fitted(normalizer, classifier, rows)
