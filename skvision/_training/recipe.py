"""The recipe of a mini-batch fit, which an estimator builds from its parameters."""

from dataclasses import dataclass
from typing import NamedTuple

from skvision._training.losses import Loss
from skvision._training.optimizers import Optimizer
from skvision._training.penalties import Penalty
from skvision._training.schedules import Schedule


class Stopping(NamedTuple):
    """When a fit ends.

    Attributes
    ----------
    max_iter : int
        Maximum number of epochs.
    n_iter_no_change : float
        Number of epochs in a row without improvement after which the fit ends; infinity
        for a fit that always makes ``max_iter`` epochs.
    """

    max_iter: int
    n_iter_no_change: float


@dataclass(frozen=True)
class Recipe:
    """How a model is trained on mini-batches.

    Attributes
    ----------
    loss : callable
        One of `skvision._training.losses`.
    penalty : callable
        One of `skvision._training.penalties`, applied to the weights.
    optimizer : Optimizer
        One of `skvision._training.optimizers`.
    schedule : callable
        One of `skvision._training.schedules`. It is called before each step with a
        fractional epoch, such as 2.5 halfway through epoch 2.
    stopping : Stopping
        When the fit ends.
    batch_size : int
        Number of rows in a batch.
    average_from : int or None
        Number of rows after which averaging of the parameters begins. The average is
        then the result. None does not average.
    """

    loss: Loss
    penalty: Penalty
    optimizer: Optimizer
    schedule: Schedule
    stopping: Stopping
    batch_size: int
    average_from: int | None = None
