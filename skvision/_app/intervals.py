"""Confidence intervals of accuracies, and of differences between them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

NORMAL_QUANTILE = 1.959963984540054  # of 0.975


def wilson_interval(n_correct: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a proportion.

    Unlike the textbook interval it stays within 0 and 1, and it is not a single point
    if all or none are correct.

    References
    ----------
    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
    Inference", 1927.

    Examples
    --------
    >>> from skvision._app.intervals import wilson_interval
    >>> print("{:.3f} {:.3f}".format(*wilson_interval(9, 10)))
    0.596 0.982
    """
    fraction, ratio = n_correct / n, NORMAL_QUANTILE**2 / n
    center = (fraction + ratio / 2) / (1 + ratio)
    width = math.sqrt(fraction * (1 - fraction) * ratio + ratio**2 / 4) / (1 + ratio)
    return max(0.0, center - width), min(1.0, center + width)


def accuracy_interval(
    right: NDArray[np.bool_], parts: NDArray[np.intp]
) -> tuple[float, float]:
    r"""Return the 95 % interval of an accuracy.

    The interval adds two right and two wrong predictions. Then the textbook formula is
    accurate even for few images and for accuracies near 0 and 1 (Agresti and Coull
    1998). With :math:`\tilde n = n + 4` and the accuracy :math:`\tilde p` on all of
    these, the interval is :math:`\tilde p \pm 1.96 \sqrt{\tilde p (1 - \tilde p) /
    \tilde n}`. The images of a part count as one observation, not as several: the
    variance is that of a ratio of sums over parts (Cochran 1977, chapter 9A), and each
    added prediction is a part of average size.

    Parameters
    ----------
    right : ndarray of shape (n,), bool
        Which predictions are right.
    parts : ndarray of shape (n,), int from 0
        The part of each image. A part is, for example, all images of one animal.

    Returns
    -------
    low, high : float
        The ends of the interval, from 0 to 1.

    References
    ----------
    A. Agresti and B. A. Coull, "Approximate Is Better than 'Exact' for Interval
    Estimation of Binomial Proportions", The American Statistician 52, 1998.

    W. G. Cochran, "Sampling Techniques", 3rd edition, 1977.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision._app.intervals import accuracy_interval
    >>> right = np.arange(100) < 80
    >>> print("{:.3f} {:.3f}".format(*accuracy_interval(right, np.arange(100))))
    0.710 0.867
    """
    low, high = _interval(right.astype(float), parts, (0, 0, 1, 1))
    return max(low, 0.0), min(high, 1.0)


def difference_interval(
    right: NDArray[np.bool_], other: NDArray[np.bool_], parts: NDArray[np.intp]
) -> tuple[float, float]:
    r"""Return the 95 % interval of the difference between two accuracies.

    Both models predict the same images. Only those images count that one model gets
    right and the other wrong, :math:`n_{10}` and :math:`n_{01}` of :math:`n`. The
    interval adds one image to each number (Bonett and Price 2012), so that it is not a
    single point if the models always agree. With :math:`p_{10} = (n_{10} + 1) / (n +
    2)` and :math:`p_{01} = (n_{01} + 1) / (n + 2)` it is :math:`p_{10} - p_{01} \pm
    1.96 \sqrt{(p_{10} + p_{01} - (p_{10} - p_{01})^2) / (n + 2)}`. Parts count as in
    `accuracy_interval`.

    The predictions may come from cross-validation, each from a model that has not
    learned from the image. Then the interval is for the mean accuracy of the models of
    the folds on infinitely many images. It is valid if a fit depends little on each
    single image (Bayle and others 2020). It does not include the effect of another
    training set. The corrected t test of Nadeau and Bengio (2003) does, but it uses
    only one number for each fold. In simulations with five folds (nearest centroids and
    nearest neighbors, 100 and 400 rows, 400 draws each) its intervals were twice as
    wide and contained the expected difference in 97.5 to 99.5 % of draws; these
    intervals contained it in 93 to 98 %.

    Parameters
    ----------
    right, other : ndarray of shape (n,), bool
        Which predictions of each model are right.
    parts : ndarray of shape (n,), int from 0
        The part of each image.

    Returns
    -------
    low, high : float
        The ends of the interval, from -1 to 1.

    References
    ----------
    D. G. Bonett and R. M. Price, "Adjusted Wald Confidence Interval for a Difference of
    Binomial Proportions Based on Paired Data", Journal of Educational and Behavioral
    Statistics 37, 2012.

    P. Bayle, A. Bayle, L. Janson and L. Mackey, "Cross-validation Confidence Intervals
    for Test Error", 2020.

    C. Nadeau and Y. Bengio, "Inference for the Generalization Error", Machine Learning
    52, 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision._app.intervals import difference_interval
    >>> right, other = np.arange(100) < 90, np.arange(100) >= 15
    >>> low, high = difference_interval(right, other, np.arange(100))
    >>> print(f"{low:.3f} {high:.3f}")
    -0.050 0.148
    """
    low, high = _interval(right.astype(float) - other, parts, (-1, 1))
    return max(low, -1.0), min(high, 1.0)


def _interval(
    values: NDArray[np.float64], parts: NDArray[np.intp], added: Sequence[Any]
) -> tuple[float, float]:
    sizes, sums = np.bincount(parts), np.bincount(parts, values)
    size = sizes.mean()
    sizes = np.append(sizes, np.full(len(added), size))
    sums = np.append(sums, size * np.array(added))
    mean = sums.sum() / sizes.sum()
    error = np.linalg.norm(sums - mean * sizes) / sizes.sum()
    width = NORMAL_QUANTILE * error
    return float(mean - width), float(mean + width)
