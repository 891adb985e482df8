"""The mini-batch loop, which all mini-batch solvers use."""

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

    def save(self, params: Vector, statistics: Vector, state: State) -> None:
        """Copy the arrays of an epoch into the existing arrays."""
        np.copyto(self.params, params)
        np.copyto(self.statistics, statistics)
        for name, array in state.items():
            np.copyto(self.state[name], array)

    def after(self, before: History) -> History:
        """Return the history for schedules, including previous epochs."""
        return {
            "loss": [*before["loss"], *self.loss_curve],
            "validation_score": [*before["validation_score"], *self.validation_scores],
            "learning_rate": [*before["learning_rate"], *self.learning_rates],
        }


def batches(order: NDArray[np.integer], batch_size: int) -> list[NDArray[np.integer]]:
    """Split rows into batches; a single remaining row is added to the last batch.

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
    have not improved the best score, or the best loss if there is no score, by more
    than ``tol``. After a KeyboardInterrupt it returns the last completed epoch; if
    there is none, the interrupt is raised again. If the objective or a parameter
    becomes infinite or NaN, it also returns the last completed epoch, or the initial
    parameters if there is none.

    Parameters
    ----------
    objective : callable
        A function ``(params, index) -> (value, gradient)`` of the rows ``index``.
    params : ndarray of shape (n_params,)
        The initial parameters, updated in place.
    rows : ndarray of shape (n,), int
        Indices of the training rows.
    optimizer, state
        One of `skvision._training.optimizers` and its state, which is updated in place.
    schedule : callable
        One of `skvision._training.schedules`. It is called before each step with a
        fractional epoch, such as 2.5 halfway through epoch 2.
    batch_size : int
        Number of rows in a batch.
    max_iter : int
        Maximum number of epochs.
    tol, n_iter_no_change
        Stopping criterion.
    rng : RandomState, Generator or None
        Random number generator for shuffling the rows. None does not shuffle them.
    average_from : int or None
        Number of rows after which averaging of the parameters begins. The average is
        then the result. None does not average.
    value_of : callable or None
        A function ``params -> objective`` of all rows. If given, the loss of an epoch
        is the objective of the average, as soon as there is one.
    score : callable or None
        A function ``params -> validation score``; higher scores are better.
    on_epoch : callable
        Called with the parameters after each epoch; returns whether to stop.
    before : dict of str to sequence of float
        History of previous epochs, which is passed to the schedule. The epochs are
        counted from the end of it.
    statistics : ndarray of shape (n_statistics,), default=None
        Running statistics that ``objective`` updates in place. They are stored together
        with the parameters.
    parts : sequence of slice
        The parts of the parameters for which ``update_ratios`` are recorded.

    Returns
    -------
    result : FitResult
        The fitted parameters and the history of the fit.
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
            whole = replace(  # from here on, an interrupt keeps the complete epoch
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
        if whole is not result and is_best:  # the arrays may have been saved partially
            result.save(now, statistics, state)
        result = whole
        result.interrupted = True
    return result


class _Average:
    """The mean of the parameters after each step, starting after some rows."""

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
    """The steps of an epoch, which update the parameters."""

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
        """Update the parameters with each batch; return loss, rate and ratios.

        The loss is NaN if the objective or a parameter is not finite.
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
    """Return the norm of a step divided by the norm of the initial vector."""
    length, step = np.linalg.norm(before), np.linalg.norm(after - before)
    return float(step / length) if length else math.inf
