"""The mini-batch loop: the only one there is."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skvision._training.optimizers import Optimizer, State
from skvision._training.schedules import NO_HISTORY, History, Schedule

Vector = NDArray[np.floating]


@dataclass
class FitResult:
    """What happened in a fit, up to the last whole epoch.

    Attributes
    ----------
    params : ndarray of shape (n_params,)
        The parameters to use: the average where one was asked for, those of the best
        validation score where there is one, else the last.
    statistics : ndarray of shape (n_statistics,)
        The running statistics of the epoch that they are of.
    state : dict of ndarray
        What the optimizer remembered at the end of that epoch.
    loss_curve : list of float
        Mean of the objective over the batches of each epoch, while they moved; or the
        objective of the average after each epoch, where that is judged.
    validation_scores : list of float
        One for each epoch, empty without validation.
    learning_rates : list of float
        The first one of each epoch.
    update_ratios : list of list of float
        For each epoch, the length of its last step over that of what was moved, for
        each part of the parameters.
    converged : bool
        Whether it stopped for want of improvement, or was told to.
    interrupted : bool
        Whether it stopped at a KeyboardInterrupt.
    diverged : bool
        Whether it stopped where the objective or a parameter was no finite number.
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

    def save(self, params: Vector, statistics: Vector, state: State) -> None:
        """Copy what belongs to an epoch into the arrays that are here."""
        np.copyto(self.params, params)
        np.copyto(self.statistics, statistics)
        for name, array in state.items():
            np.copyto(self.state[name], array)

    def after(self, before: History) -> History:
        """Return what schedules are told: of the epochs before, and of these."""
        return {
            "loss": [*before["loss"], *self.loss_curve],
            "validation_score": [*before["validation_score"], *self.validation_scores],
            "learning_rate": [*before["learning_rate"], *self.learning_rates],
        }


def batches(order: NDArray[np.integer], batch_size: int) -> list[NDArray[np.integer]]:
    """Cut an order of rows into batches; a remainder of one row joins the last.

    Examples
    --------
    >>> import numpy as np
    >>> [len(batch) for batch in batches(np.arange(9), 4)]
    [4, 5]
    """
    starts = list(range(0, len(order), batch_size))
    if batch_size > 1 and len(starts) > 1 and len(order) - starts[-1] == 1:
        starts.pop()
    return [order[a:b] for a, b in zip(starts, [*starts[1:], len(order)], strict=True)]


def minimize(
    objective: Callable[[Vector, NDArray[np.integer]], tuple[float, Vector]],
    params: Vector,
    rows: NDArray[np.integer],
    *,
    optimizer: Optimizer,
    state: State,
    schedule: Schedule,
    batch_size: int,
    max_iter: int,
    tol: float,
    n_iter_no_change: int,
    rng: np.random.RandomState | np.random.Generator | None,
    average_from: int | None = None,
    value_of: Callable[[Vector], float] | None = None,
    score: Callable[[Vector], float] | None = None,
    on_epoch: Callable[[Vector], bool] = lambda params: False,
    before: History = NO_HISTORY,
    statistics: Vector | None = None,
    parts: Sequence[slice] = (),
) -> FitResult:
    """Minimize the mean of an objective over batches of rows.

    It stops after ``max_iter`` epochs, or when ``n_iter_no_change`` epochs in a row
    have not improved the best one by more than ``tol``, in the score if there is one,
    else in the loss. A KeyboardInterrupt ends it at the last whole epoch; if there is
    none, the interrupt is passed on. An objective or parameter that is infinite or NaN
    ends it too, with what the last whole epoch left, or the start.

    Parameters
    ----------
    objective : callable
        ``(params, index) -> (value, gradient)`` of the rows ``index``.
    params : ndarray of shape (n_params,)
        Where to start; changed in place.
    rows : ndarray of shape (n,), int
        The rows to learn from.
    optimizer, state
        One of `skvision._training.optimizers`, and its state, changed in place.
    schedule : callable
        One of `skvision._training.schedules`, asked before each step; half way through
        epoch 2 it is told 2.5.
    batch_size : int
        Rows in a batch.
    max_iter : int
        The most epochs.
    tol, n_iter_no_change
        When to stop.
    rng : RandomState, Generator or None
        Shuffles the rows before each epoch; None leaves them in their order.
    average_from : int or None
        How many rows are seen before the average of the parameters after each step
        begins, which is then the result; None for no average.
    value_of : callable or None
        ``params -> objective`` of all rows. With it, the loss of an epoch is that of
        the average, as soon as there is one: it is the result, and so it is judged.
    score : callable or None
        ``params -> validation score``, the higher the better.
    on_epoch : callable
        Told the parameters after each epoch; returns whether to stop.
    before : dict of str to sequence of float
        What the schedule is told of epochs made before, which also count as epochs.
    statistics : ndarray of shape (n_statistics,), default=None
        What ``objective`` changes in place besides; it is kept along with params.
    parts : sequence of slice
        The parts of the parameters that ``update_ratios`` are recorded of.

    Returns
    -------
    result : FitResult
        The parameters, and how they came about.
    """
    statistics = np.empty(0) if statistics is None else statistics
    of_start = {name: array.copy() for name, array in state.items()}
    result = FitResult(params.copy(), statistics.copy(), of_start)
    average = None if average_from is None else _Average(params, average_from)
    steps = _Steps(objective, optimizer, state, schedule, average, parts)
    whole = result
    n_no_change, best_loss, best_score, judged = 0, np.inf, -np.inf, params
    first = len(before["loss"])
    try:
        for epoch in range(first, first + max_iter):
            order = rows if rng is None else rng.permutation(rows)
            batches_of_epoch = batches(order, batch_size)
            history = result.after(before)
            loss, rate, ratios = steps.make(params, batches_of_epoch, epoch, history)
            if not (math.isfinite(loss) and np.isfinite(statistics).all()):
                result.diverged = True
                return result
            now = average.mean if average and average.n_steps else params
            if now is not params and value_of is not None:
                loss = value_of(now)
                best_loss = best_loss if judged is now else np.inf
            judged = now
            improved = loss < best_loss - tol
            best_loss = min(best_loss, loss)
            scores, is_best = result.validation_scores, True
            if score is not None:
                scores = [*scores, score(now)]
                improved = scores[-1] > best_score + tol
                is_best = scores[-1] > best_score
                best_score = max(best_score, scores[-1])
            whole = replace(  # from here on, an interrupt finds all of the epoch
                result,
                loss_curve=[*result.loss_curve, loss],
                validation_scores=scores,
                learning_rates=[*result.learning_rates, rate],
                update_ratios=[*result.update_ratios, ratios],
            )
            if is_best:
                result.save(now, statistics, state)
            result = whole
            n_no_change = 0 if improved else n_no_change + 1
            if n_no_change >= n_iter_no_change or on_epoch(now):
                result.converged = True
                break
    except KeyboardInterrupt:
        if not whole.loss_curve:
            raise
        if whole is not result and is_best:  # the arrays may be saved in part
            result.save(now, statistics, state)
        result = whole
        result.interrupted = True
    return result


class _Average:
    """The mean of the parameters after each step, from some row on."""

    def __init__(self, params: Vector, start: int) -> None:
        self.mean, self.n_steps = np.zeros_like(params), 0
        self._n_rows = -start

    def add(self, params: Vector, n_rows: int) -> None:
        from skvision._kernels.updates import add_to_average

        self._n_rows += n_rows
        if self._n_rows > 0:
            self.n_steps += 1
            add_to_average(self.mean, params, self.n_steps)


class _Steps(NamedTuple):
    """What moves the parameters in an epoch."""

    objective: Callable[[Vector, NDArray[np.integer]], tuple[float, Vector]]
    optimizer: Optimizer
    state: State
    schedule: Schedule
    average: _Average | None
    parts: Sequence[slice]

    def make(
        self,
        params: Vector,
        batches_of_epoch: Sequence[NDArray[np.integer]],
        epoch: int,
        history: History,
    ) -> tuple[float, float, list[float]]:
        """Move the parameters by each batch; return the loss, the rate and the ratios.

        The loss is NaN where the objective or a parameter is no finite number.
        """
        total, rates = 0.0, list(history["learning_rate"])
        history = {**history, "learning_rate": rates}
        for step, batch in enumerate(batches_of_epoch):
            value, gradient = self.objective(params, batch)
            if not math.isfinite(value):
                return math.nan, math.nan, []
            rate = float(self.schedule(epoch + step / len(batches_of_epoch), history))
            if step == 0:
                rates.append(rate)
            if step == len(batches_of_epoch) - 1:
                before = [params[part].copy() for part in self.parts]
            self.optimizer.update(params, gradient, self.state, rate)
            total += len(batch) * value
            if self.average is not None:
                self.average.add(params, len(batch))
        if not np.isfinite(params).all():
            return math.nan, math.nan, []
        moved = zip(before, self.parts, strict=True)
        ratios = [_ratio(old, params[part]) for old, part in moved]
        return total / sum(map(len, batches_of_epoch)), rates[-1], ratios


def _ratio(before: Vector, after: Vector) -> float:
    """Return the length of a step over that of what it started from."""
    length, step = np.linalg.norm(before), np.linalg.norm(after - before)
    return float(step / length) if length else math.inf
