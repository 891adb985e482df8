"""Loss functions, their gradients and second derivatives.

A loss is ``(scores, labels, sample_weight) -> (mean loss, d_scores)``: the weighted sum
of the losses of all rows and its gradient with respect to the scores. If the weights
sum to one, it is the mean loss; None gives each of n rows the weight 1 / n. Losses of
blocks of rows can be added.

Hinge losses combine a function of the violations of margins with the cost of a
violation: ``squared_hinge(weston_watkins(1.0))``.

A curvature is ``(scores, labels, sample_weight) -> product``. The product with the
second derivatives of a loss maps changes of the scores, (n, k), to changes of the
gradient, (n, k).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.floating]
Labels = NDArray[np.integer]


class Violated(NamedTuple):
    """The violations of margins, which are an affine function of the scores.

    Attributes
    ----------
    z : ndarray of shape (n, k)
        The violations. They are minus infinity for classes without a margin.
    forward, backward : callable
        Linear maps: ``forward`` maps a change of the scores to the change of ``z``,
        which is zero where ``z`` is minus infinity. ``backward``, its transpose, maps a
        gradient with respect to ``z`` to the gradient with respect to the scores.
    """

    z: Array
    forward: Callable[[Array], Array]
    backward: Callable[[Array], Array]


class Hinge(NamedTuple):
    """What a hinge loss is made of.

    Attributes
    ----------
    violations : callable
        The violations of margins, `weston_watkins` or `one_vs_rest`.
    margin : float
        The margin.
    squared : bool
        Whether the loss is the squared hinge.
    """

    violations: "Violations"
    margin: float
    squared: bool


Loss = Callable[[Array, Labels, Array | None], tuple[float, Array]]
Linear = Callable[[Array], Array]
Violations = Callable[[Array, Labels], Violated]
Curvature = Callable[[Array, Any, Array], Linear]


def softmax_cross_entropy(
    scores: Array, labels: Labels, sample_weight: Array | None = None
) -> tuple[float, Array]:
    r"""Return the mean cross-entropy of the softmax of scores.

    .. math:: \sum_i w_i \, (\log \sum_j e^{s_{ij}} - s_{i y_i})

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes)
        Scores, which must be finite.
    labels : ndarray of shape (n,), int
        True classes, from 0 to n_classes - 1.
    sample_weight : ndarray of shape (n,), default=None
        Non-negative weights of the rows. None is 1 / n for each row.

    Returns
    -------
    loss : float
        The mean loss, not negative. It is log(n_classes) if all scores are equal.
    d_scores : ndarray of shape (n, n_classes)
        Gradient of the loss with respect to the scores.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.array([[3.2, 5.1, -1.7]])
    >>> loss, d_scores = softmax_cross_entropy(scores, np.array([0]))
    >>> print(f"{loss:.4f}", d_scores.round(4))
    2.0404 [[-0.87   0.869  0.001]]
    """
    rows = np.arange(len(scores))
    shifted = scores - scores.max(axis=1, keepdims=True)
    d_scores = np.exp(shifted)
    totals = d_scores.sum(axis=1)
    weight = 1 / len(scores) if sample_weight is None else sample_weight
    loss = float(np.sum(weight * (np.log(totals) - shifted[rows, labels])))
    d_scores *= (weight / totals)[:, None]
    d_scores[rows, labels] -= weight
    return loss, d_scores


def sigmoid_cross_entropy(
    scores: Array, labels: Labels, sample_weight: Array | None = None
) -> tuple[float, Array]:
    r"""Return the mean cross-entropy of the sigmoid of scores, for two classes.

    .. math:: \sum_i w_i \, (\log(1 + e^{s_i}) - y_i s_i)

    which is `softmax_cross_entropy` of the scores (0, s).

    Parameters
    ----------
    scores : ndarray of shape (n, 1)
        Scores, which must be finite.
    labels : ndarray of shape (n,), int
        True classes, 0 or 1.
    sample_weight : ndarray of shape (n,), default=None
        Non-negative weights of the rows. None is 1 / n for each row.

    Returns
    -------
    loss : float
        The mean loss, not negative. It is log(2) if all scores are zero.
    d_scores : ndarray of shape (n, 1)
        Gradient of the loss with respect to the scores.

    Examples
    --------
    >>> import numpy as np
    >>> loss, d_scores = sigmoid_cross_entropy(np.array([[3.5]]), np.array([0]))
    >>> print(f"{loss:.4f}", d_scores.round(4))
    3.5298 [[0.9707]]
    """
    s, labels = scores[:, 0], labels.astype(scores.dtype)
    weight = 1 / len(scores) if sample_weight is None else sample_weight
    loss = float(np.sum(weight * (np.logaddexp(0, s) - labels * s)))
    return loss, (weight * (expit(s) - labels))[:, None]


def smoothed(loss: Loss, smoothing: float) -> Loss:
    r"""Return a cross-entropy with label smoothing.

    .. math:: \sum_i w_i \sum_j q_{ij} (-\log p_{ij}), \qquad
        q_{ij} = (1 - \epsilon) \, [j = y_i] + \epsilon / C

    Parameters
    ----------
    loss : callable
        `softmax_cross_entropy` or `sigmoid_cross_entropy`.
    smoothing : float
        The smoothing :math:`\epsilon`, in [0, 1).

    Returns
    -------
    loss : callable
        ``(scores, labels, sample_weight) -> (mean loss, d_scores)``.

    References
    ----------
    C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens and Z. Wojna, "Rethinking the
    Inception architecture for computer vision", CVPR 2016.

    Examples
    --------
    >>> import numpy as np
    >>> loss = smoothed(softmax_cross_entropy, 0.3)
    >>> value, d_scores = loss(np.zeros((1, 3)), np.array([0]))
    >>> print(f"{value:.4f}", d_scores.round(4))
    1.0986 [[-0.4667  0.2333  0.2333]]
    """

    def smooth(
        scores: Array, labels: Labels, sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        weight = (
            np.full(len(scores), 1 / len(scores))
            if sample_weight is None
            else sample_weight
        )
        value, d_scores = loss(scores, labels, sample_weight)
        moved = (smoothing * weight).astype(
            scores.dtype
        )  # weight moved from the true class to all classes
        if scores.shape[1] == 1:
            excess = (labels - 0.5).astype(scores.dtype)
            d_scores[:, 0] += moved * excess
            return value + float(moved @ (excess * scores[:, 0])), d_scores
        rows = np.arange(len(scores))
        excess = scores[rows, labels] - scores.mean(axis=1)
        d_scores -= (moved / scores.shape[1])[:, None]
        d_scores[rows, labels] += moved
        return value + float(moved @ excess), d_scores

    return smooth


def squared_error(
    scores: Array, labels: Labels, sample_weight: Array | None = None
) -> tuple[float, Array]:
    r"""Return the mean squared error of scores with targets 1 and -1.

    .. math:: \frac12 \sum_i w_i \sum_j (s_{ij} - t_{ij})^2

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes) or (n, 1)
        Scores, which must be finite. A single column is the score of the second class.
    labels : ndarray of shape (n,), int
        True classes, from 0 to n_classes - 1.
    sample_weight : ndarray of shape (n,), default=None
        Non-negative weights of the rows. None is 1 / n for each row.

    Returns
    -------
    loss : float
        The mean loss, not negative.
    d_scores : ndarray of shape (n, n_classes) or (n, 1)
        Gradient of the loss with respect to the scores.

    Examples
    --------
    >>> import numpy as np
    >>> loss, d_scores = squared_error(np.array([[2.0, -1.0]]), np.array([0]))
    >>> print(loss, d_scores)
    0.5 [[1. 0.]]
    """
    error = scores - 2 * _true_classes(scores, labels) + 1
    weight = 1 / len(scores) if sample_weight is None else sample_weight[:, None]
    d_scores = weight * error
    return float(np.sum(d_scores * error) / 2), d_scores


def sigmoid_squared_error(
    scores: Array, labels: Labels, sample_weight: Array | None = None
) -> tuple[float, Array]:
    r"""Return the mean squared error of sigmoids of scores with targets 1 and 0.

    .. math:: \frac12 \sum_i w_i \sum_j (\sigma(s_{ij}) - t_{ij})^2

    Parameters
    ----------
    scores, labels, sample_weight
        As in `squared_error`.

    Returns
    -------
    loss : float
        The mean loss, from 0 to half the number of columns.
    d_scores : ndarray of shape (n, n_classes) or (n, 1)
        Gradient of the loss with respect to the scores.

    Examples
    --------
    >>> import numpy as np
    >>> loss, d_scores = sigmoid_squared_error(np.array([[0.0]]), np.array([1]))
    >>> print(loss, d_scores)
    0.125 [[-0.125]]
    """
    out = expit(scores)
    error = out - _true_classes(scores, labels)
    weight = 1 / len(scores) if sample_weight is None else sample_weight[:, None]
    value = float(np.sum(weight * error**2) / 2)
    return value, weight * error * out * (1 - out)


def _true_classes(scores: Array, labels: Labels) -> Array:
    """Return the one-hot encoding of labels, in the shape of scores."""
    if scores.shape[1] == 1:
        return labels[:, None].astype(scores.dtype)
    true = np.zeros_like(scores)
    true[np.arange(len(scores)), labels] = 1
    return true


def weston_watkins(margin: float) -> Violations:
    r"""Return the violations for each pair of the true class and another class.

    .. math:: z_{ij} = m + s_{ij} - s_{i y_i} \quad (j \ne y_i)

    Parameters
    ----------
    margin : float
        The margin :math:`m` between the true class and the others.

    Returns
    -------
    violations : callable
        ``(scores, labels) -> Violated`` with ``z`` of shape (n, n_classes), minus
        infinity for the true class. The argument of ``backward`` must be zero for the
        true class.

    References
    ----------
    J. Weston and C. Watkins, "Support vector machines for multi-class pattern
    recognition", European Symposium on Artificial Neural Networks, 1999.

    Examples
    --------
    >>> import numpy as np
    >>> violated = weston_watkins(1.0)(np.array([[3.2, 5.1, -1.7]]), np.array([0]))
    >>> print(violated.z.round(1), violated.backward(np.array([[0.0, 1.0, 1.0]])))
    [[-inf  2.9 -3.9]] [[-2.  1.  1.]]
    """

    def violations(scores: Array, labels: Labels) -> Violated:
        rows = np.arange(len(scores))
        z = scores + (margin - scores[rows, labels])[:, None]
        z[rows, labels] = -np.inf

        def forward(change: Array) -> Array:
            along: Array = change - change[rows, labels][:, None]
            return along

        def backward(d_z: Array) -> Array:
            d_scores = d_z.copy()
            d_scores[rows, labels] = -d_z.sum(axis=1)
            return d_scores

        return Violated(z, forward, backward)

    return violations


def one_vs_rest(margin: float) -> Violations:
    r"""Return the violations of each score separately (one-vs-rest).

    .. math:: z_{ij} = m - \sigma_{ij} s_{ij}

    where :math:`\sigma_{ij}` is 1 for the true class and -1 for the others. A single
    column of scores is that of the second class.

    Parameters
    ----------
    margin : float
        The margin :math:`m` of the scores from 0.

    Returns
    -------
    violations : callable
        ``(scores, labels) -> Violated`` with ``z`` of shape (n, n_classes) or (n, 1).

    Examples
    --------
    >>> import numpy as np
    >>> violated = one_vs_rest(1.0)(np.array([[3.2, 5.1, -1.7]]), np.array([0]))
    >>> print(violated.z.round(1), violated.backward(np.array([[0.0, 1.0, 0.0]])))
    [[-2.2  6.1 -0.7]] [[-0.  1.  0.]]
    """

    def violations(scores: Array, labels: Labels) -> Violated:
        if scores.shape[1] == 1:
            sign = np.where(labels == 1, 1, -1).astype(scores.dtype)[:, None]
        else:
            sign = np.full_like(scores, -1)
            sign[np.arange(len(scores)), labels] = 1
        return Violated(
            margin - sign * scores,
            lambda change: -sign * change,
            lambda d_z: -sign * d_z,
        )

    return violations


def hinge(violations: Violations) -> Loss:
    r"""Return the loss :math:`\sum_i w_i \sum_j \max(0, z_{ij})`.

    Parameters
    ----------
    violations : callable
        Violations of a margin, from `weston_watkins` or `one_vs_rest`.

    Returns
    -------
    loss : callable
        ``(scores, labels, sample_weight) -> (mean loss, d_scores)``. A violation of
        exactly 0 does not contribute to the subgradient.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.array([[3.2, 5.1, -1.7]])
    >>> loss, d_scores = hinge(weston_watkins(1.0))(scores, np.array([0]))
    >>> print(f"{loss:.1f}", d_scores)
    2.9 [[-1.  1.  0.]]
    """

    def loss(
        scores: Array, labels: Labels, sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        weight = 1 / len(scores) if sample_weight is None else sample_weight[:, None]
        z, _, backward = violations(scores, labels)
        value = float(np.sum(weight * np.maximum(z, 0)))
        return value, backward(weight * (z > 0))

    return loss


def squared_hinge(violations: Violations) -> Loss:
    r"""Return the loss :math:`\sum_i w_i \sum_j \max(0, z_{ij})^2`.

    Parameters
    ----------
    violations : callable
        Violations of a margin, from `weston_watkins` or `one_vs_rest`.

    Returns
    -------
    loss : callable
        ``(scores, labels, sample_weight) -> (mean loss, d_scores)``.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.array([[3.2, 5.1, -1.7]])
    >>> loss, d_scores = squared_hinge(weston_watkins(1.0))(scores, np.array([0]))
    >>> print(f"{loss:.2f}", d_scores)
    8.41 [[-5.8  5.8  0. ]]
    """

    def loss(
        scores: Array, labels: Labels, sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        weight = 1 / len(scores) if sample_weight is None else sample_weight[:, None]
        z, _, backward = violations(scores, labels)
        z = np.maximum(z, 0)
        slope = weight * z
        value = float(np.sum(slope * z))
        return value, backward(2 * slope)

    return loss


def perceptron(
    scores: Array, labels: Labels, sample_weight: Array | None = None
) -> tuple[float, Array]:
    r"""Return by how much the largest score exceeds that of the true class.

    .. math:: \sum_i w_i \, (\max_j s_{ij} - s_{i y_i})

    Among equal scores, the first class wins. A single column of scores is that of the
    second class, which wins if it is above 0.

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes) or (n, 1)
        Scores, which must be finite.
    labels : ndarray of shape (n,), int
        True classes, from 0 to n_classes - 1.
    sample_weight : ndarray of shape (n,), default=None
        Non-negative weights of the rows. None is 1 / n for each row.

    Returns
    -------
    loss : float
        The mean loss, not negative. It is 0 if all predictions are correct.
    d_scores : ndarray of shape (n, n_classes) or (n, 1)
        The update of the perceptron rule. A misclassified row has its weight at the
        predicted class and minus its weight at the true class.

    References
    ----------
    F. Rosenblatt, "The perceptron: a probabilistic model for information storage and
    organization in the brain", Psychological Review 65, 1958.

    Examples
    --------
    >>> import numpy as np
    >>> loss, d_scores = perceptron(np.array([[3.2, 5.1, -1.7]]), np.array([0]))
    >>> print(f"{loss:.1f}", d_scores)
    1.9 [[-1.  1.  0.]]
    """
    rows = np.arange(len(scores))
    weight = (
        np.full(len(scores), 1 / len(scores))
        if sample_weight is None
        else sample_weight
    )
    if scores.shape[1] == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
        loss, d_scores = perceptron(scores, labels, weight)
        return loss, d_scores[:, 1:]
    winners = scores.argmax(axis=1)
    d_scores = np.zeros_like(scores)
    rounded = weight.astype(scores.dtype)  # so that equal terms cancel exactly
    d_scores[rows, winners] += rounded
    d_scores[rows, labels] -= rounded
    return float(weight @ (scores[rows, winners] - scores[rows, labels])), d_scores


def softmax_curvature(scores: Array, labels: Labels, sample_weight: Array) -> Linear:
    """Return the product with the second derivatives of `softmax_cross_entropy`.

    Examples
    --------
    >>> import numpy as np
    >>> product = softmax_curvature(np.zeros((1, 2)), np.array([0]), np.ones(1))
    >>> print(product(np.array([[1.0, 0.0]])))
    [[ 0.25 -0.25]]
    """
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)

    def product(change: Array) -> Array:
        weighted: Array = p * change
        weighted -= p * weighted.sum(axis=1, keepdims=True)
        weighted *= sample_weight[:, None]
        return weighted

    return product


def sigmoid_curvature(scores: Array, labels: Labels, sample_weight: Array) -> Linear:
    """Return the product with the second derivatives of `sigmoid_cross_entropy`."""
    p = expit(scores)
    second_derivatives = sample_weight[:, None] * p * expit(-scores)

    def product(change: Array) -> Array:
        times: Array = second_derivatives * change
        return times

    return product


def squared_hinge_curvature(violations: Violations) -> Curvature:
    """Return the second derivatives of `squared_hinge`, which are 0 at its kinks."""

    def curvature(scores: Array, labels: Labels, sample_weight: Array) -> Linear:
        z, forward, backward = violations(scores, labels)
        second_derivatives = 2 * sample_weight[:, None] * (z > 0)
        return lambda change: backward(second_derivatives * forward(change))

    return curvature
