"""Epochs of training: what they do, which one is better, and their result."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from skvision._training.optimizers import State
from skvision._training.schedules import History

Vector = NDArray[np.floating]


class Epoch(NamedTuple):
    """What an epoch did.

    Attributes
    ----------
    loss : float
        The mean of the objective over its batches. It is NaN if the objective or a
        parameter is not finite, which ends the fit.
    learning_rate : float
        The learning rate at its start.
    update_ratios : list of float
        The ratio of each part of the parameters, as in `FitResult`.
    averaged : bool
        Whether its result is an average of parameters.
    """

    loss: float
    learning_rate: float = math.nan
    update_ratios: list[float] = []
    averaged: bool = False


class Epochs(Protocol):
    """Epochs of training, each of which updates the parameters.

    The steps of an optimizer over `skvision._training.minimize.MiniBatches` are epochs,
    and so are the passes of the perceptron rule.
    """

    @property
    def now(self) -> Vector:
        """The parameters, or their average."""

    @property
    def statistics(self) -> Vector:
        """The running statistics of the model, which may be empty."""

    @property
    def state(self) -> State:
        """The state of the optimizer, which may be empty."""

    def run(self, epoch: int, history: History) -> Epoch:
        """Run an epoch. ``history`` is that of the previous epochs."""


class Verdict(NamedTuple):
    """What an epoch is worth.

    Attributes
    ----------
    loss : float
        The loss to record.
    scores : list of float
        The validation score to record; empty without validation.
    improved : bool
        Whether the epoch improves on all previous ones by more than the tolerance.
    is_best : bool
        Whether its parameters are the best so far.
    is_last : bool
        Whether the fit ends because there is nothing left to improve.
    """

    loss: float
    scores: list[float]
    improved: bool
    is_best: bool
    is_last: bool = False


class BestEpoch:
    """Compares epochs by their validation score or, without validation, by their loss.

    Parameters
    ----------
    tol : float
        Smallest improvement that counts.
    score : callable, default=None
        A function ``params -> validation score``; higher scores are better. Without it,
        the last epoch is the best.
    value_of : callable, default=None
        A function ``params -> objective`` of all rows. If given, the loss of an epoch
        is the objective of the average, as soon as there is one.
    """

    def __init__(
        self,
        tol: float,
        score: Callable[[Vector], float] | None = None,
        value_of: Callable[[Vector], float] | None = None,
    ) -> None:
        self.tol, self.score, self.value_of = tol, score, value_of
        self._best_loss, self._best_score = math.inf, -math.inf
        self._averaged = False  # whether the best loss is that of an average

    def __call__(self, epoch: Epoch, now: Vector) -> Verdict:
        """Return the verdict on the last epoch, whose result is ``now``."""
        loss = epoch.loss
        if epoch.averaged and self.value_of is not None:
            loss = self.value_of(now)
            if not self._averaged:  # the former losses were those of single batches
                self._best_loss = math.inf
        self._averaged = epoch.averaged
        improved = loss < self._best_loss - self.tol
        self._best_loss = min(self._best_loss, loss)
        if self.score is None:
            return Verdict(loss, [], improved, is_best=True)
        score, best = self.score(now), self._best_score
        self._best_score = max(best, score)
        return Verdict(loss, [score], score > best + self.tol, score > best)


@dataclass
class FitResult:
    """The result of a fit up to its last completed epoch.

    Attributes
    ----------
    params : ndarray of shape (n_params,)
        The fitted parameters. If averaging, they are the average. With validation, they
        are those of the epoch with the best score, otherwise those of the last epoch.
    statistics : ndarray of shape (n_statistics,)
        The running statistics of the same epoch.
    state : dict of ndarray
        The state of the optimizer at the end of the same epoch.
    loss_curve : list of float
        Mean of the objective over the batches of each epoch, or the objective of the
        averaged parameters after each epoch.
    validation_scores : list of float
        The validation score of each epoch. It is empty without validation.
    learning_rates : list of float
        The learning rate at the start of each epoch.
    update_ratios : list of list of float
        For each epoch and each part of the parameters, the norm of the last step
        divided by the norm of the parameters.
    converged : bool
        Whether the fit stopped because it did not improve or ``on_epoch`` requested it.
    interrupted : bool
        Whether the fit was stopped by a KeyboardInterrupt.
    diverged : bool
        Whether the fit stopped because the objective or a parameter was not finite.
    """

    params: Vector
    statistics: Vector
    state: State = field(default_factory=dict)
    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    update_ratios: list[list[float]] = field(default_factory=list)
    converged: bool = False
    interrupted: bool = False
    diverged: bool = False

    @classmethod
    def of(cls, epochs: "Epochs") -> "FitResult":
        """Return a result with copies of the initial arrays."""
        state = {name: array.copy() for name, array in epochs.state.items()}
        return cls(epochs.now.copy(), epochs.statistics.copy(), state)

    def save(self, params: Vector, epochs: "Epochs") -> None:
        """Copy the arrays of an epoch into the existing arrays."""
        np.copyto(self.params, params)
        np.copyto(self.statistics, epochs.statistics)
        for name, array in epochs.state.items():
            np.copyto(self.state[name], array)

    def after(self, before: History) -> History:
        """Return the history for schedules, including previous epochs."""
        return {
            "loss": [*before["loss"], *self.loss_curve],
            "validation_score": [*before["validation_score"], *self.validation_scores],
            "learning_rate": [*before["learning_rate"], *self.learning_rates],
        }
