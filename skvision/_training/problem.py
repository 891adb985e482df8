"""The optimization problem of a linear classifier."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skvision._training.losses import Array, Curvature, Loss
from skvision._training.objective import (
    Pass,
    linear_pass,
    linear_scores,
    split_linear,
)
from skvision._training.penalties import soft_threshold
from skvision._training.sources import Centered

Vector = NDArray[np.float64]


class Point(NamedTuple):
    """Parameters with the scores, the loss and its gradient.

    Attributes
    ----------
    params : ndarray of shape (n_params,)
        W in C order, followed by b if the rows have a center.
    scores : ndarray of shape (n, k)
        The scores of all rows.
    loss : float
        The mean loss.
    slope : ndarray of shape (n_params,)
        The gradient of the mean loss.
    value : float
        The mean loss plus the penalty.
    """

    params: Vector
    scores: Array
    loss: float
    slope: Vector
    value: float


@dataclass(frozen=True)
class Problem:
    r"""A mean loss of scores :math:`s_i = W (x_i - c) + b`, plus penalties.

    .. math:: \sum_i w_i \ell(s_i, t_i) + \lambda_1 \|W\|_1
        + \frac{\lambda_2}{2} \|W\|^2

    Attributes
    ----------
    rows : Centered
        The rows, which also define the dtype of matrix products.
    targets : ndarray of shape (n,), int, or any object
        The targets of the loss. For a slice of rows, it is called with
        ``targets[rows]``.
    sample_weight : ndarray of shape (n,)
        Weights of the rows, which sum to one.
    loss, curvature : callable
        A smooth loss of `skvision._training.losses` and its second derivatives.
    l1, l2 : float
        Strengths of the L1 and L2 penalties.
    n_outputs : int
        Number of scores per row.
    joint : bool
        Whether the loss depends only on differences of scores. Otherwise it is a sum
        over the scores.
    """

    rows: Centered
    targets: Any
    sample_weight: Array
    loss: Loss
    curvature: Curvature
    l1: float
    l2: float
    n_outputs: int
    joint: bool

    @property
    def n_weights(self) -> int:
        return self.n_outputs * self.rows.n_features

    @property
    def has_bias(self) -> bool:
        return self.rows.center is not None

    @property
    def rounding(self) -> float:
        """The relative accuracy of a sum over the rows."""
        return float(np.finfo(self.rows.dtype).eps)

    @cached_property
    def through(self) -> Pass:
        return linear_pass(self.rows)

    def split(self, params: Array) -> tuple[Array, Array]:
        return split_linear(params, self.rows.n_features, self.has_bias)

    def penalty(self, params: Vector) -> float:
        W = params[: self.n_weights]
        return float(self.l1 * np.abs(W).sum() + self.l2 / 2 * (W @ W))

    def at(self, params: Vector) -> Point:
        """Compute the loss and its gradient at given parameters."""
        all_scores = np.empty((len(self.rows), self.n_outputs))
        losses = np.zeros(
            len(self.rows)
        )  # of each block, at the index of its first row

        def respond(block: slice, scores: Array) -> Array:
            all_scores[block] = scores
            value, d_scores = self.loss(
                scores, self.targets[block], self.sample_weight[block]
            )
            losses[block.start] = value
            return d_scores

        slope = self.through(params, respond)
        loss = float(losses.sum())
        return Point(params, all_scores, loss, slope, loss + self.penalty(params))

    def scores_of(self, params: Vector) -> Array:
        """Return the scores of all rows, (n, k)."""
        if not params.any():
            return np.zeros((len(self.rows), self.n_outputs))
        return linear_scores(self.rows, params)

    def value_of(self, params: Vector, scores: Array) -> float:
        """Return the objective, given the scores."""
        loss, _ = self.loss(scores, self.targets[:], self.sample_weight)
        return loss + self.penalty(params)

    def hessian_product(self, here: Point, change: Vector) -> tuple[Vector, Array]:
        """Return the Hessian-vector product, and the change of the scores."""
        all_scores = np.empty_like(here.scores)

        def respond(block: slice, scores: Array) -> Array:
            all_scores[block] = scores
            product = self.curvature(
                here.scores[block], self.targets[block], self.sample_weight[block]
            )
            return product(scores)

        result = self.through(change, respond)
        result[: self.n_weights] += self.l2 * change[: self.n_weights]
        return result, all_scores

    def residual(self, here: Point) -> Vector:
        """Return the subgradient of smallest norm, which is zero at the optimum."""
        W = here.params[: self.n_weights]
        residual = here.slope.copy()
        smooth = residual[: self.n_weights] + self.l2 * W
        if self.l1:
            at_zero = soft_threshold(smooth, self.l1)
            smooth = np.where(W == 0, at_zero, smooth + self.l1 * np.sign(W))
        residual[: self.n_weights] = smooth
        return residual
