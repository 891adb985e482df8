"""The loop over epochs, which all mini-batch solvers use."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skvision._training.epochs import Epoch, Epochs, FitResult, Vector, Verdict
from skvision._training.optimizers import State
from skvision._training.recipe import Recipe, Stopping
from skvision._training.schedules import NO_HISTORY, History

BatchObjective = Callable[[Vector, NDArray[np.integer]], tuple[float, Vector]]


class Start(NamedTuple):
    """The arrays with which a fit starts.

    Attributes
    ----------
    params : ndarray of shape (n_params,)
        The parameters.
    statistics : ndarray of shape (n_statistics,)
        The running statistics of the model, which may be empty.
    state : dict of ndarray
        The state of the optimizer.
    """

    params: Vector
    statistics: Vector
    state: State


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
    epochs: Epochs,
    judge: Callable[[Epoch, Vector], Verdict],
    stopping: Stopping,
    *,
    on_epoch: Callable[[Vector], bool] = lambda params: False,
    before: History = NO_HISTORY,
) -> FitResult:
    """Run epochs until they do not improve the result.

    It stops after ``max_iter`` epochs, or when ``n_iter_no_change`` epochs in a row
    have not improved the result. After a KeyboardInterrupt it returns the last
    completed epoch; if there is none, the interrupt is raised again. If the objective
    or a parameter becomes infinite or NaN, it also returns the last completed epoch, or
    the initial parameters if there is none.

    Parameters
    ----------
    epochs : Epochs
        The epochs, such as `MiniBatches`, which hold the initial parameters.
    judge : callable
        A function ``(epoch, params) -> Verdict``, such as `BestEpoch`.
    stopping : Stopping
        When the fit ends.
    on_epoch : callable
        Called with the parameters after each epoch; returns whether to stop.
    before : dict of str to sequence of float
        History of previous epochs, which is passed to the schedule. The epochs are
        counted from the end of it.

    Returns
    -------
    result : FitResult
        The fitted parameters and the history of the fit.
    """
    result = whole = FitResult.of(epochs)
    n_no_change, first = 0, len(before["loss"])
    try:
        for number in range(first, first + stopping.max_iter):
            epoch = epochs.run(number, result.after(before))
            if not (math.isfinite(epoch.loss) and np.isfinite(epochs.statistics).all()):
                result.diverged = True
                return result
            now = epochs.now
            verdict = judge(epoch, now)
            whole = replace(  # from here on, an interrupt keeps the complete epoch
                result,
                loss_curve=[*result.loss_curve, verdict.loss],
                validation_scores=[*result.validation_scores, *verdict.scores],
                learning_rates=[*result.learning_rates, epoch.learning_rate],
                update_ratios=[*result.update_ratios, epoch.update_ratios],
            )
            if verdict.is_best:
                result.save(now, epochs)
            result = whole
            n_no_change = 0 if verdict.improved else n_no_change + 1
            stalled = n_no_change >= stopping.n_iter_no_change
            if on_epoch(now) or stalled or verdict.is_last:
                result.converged = True
                break
    except KeyboardInterrupt:
        if not whole.loss_curve:
            raise
        if whole is not result and verdict.is_best:  # it may have been saved partially
            result.save(now, epochs)
        result = whole
        result.interrupted = True
    return result


class MiniBatches:
    """Steps of an optimizer over batches of rows, in a new order in each epoch.

    Parameters
    ----------
    objective : callable
        A function ``(params, index) -> (value, gradient)`` of the rows ``index``.
    start : Start
        The initial arrays, which are updated in place.
    rows : ndarray of shape (n,), int
        Indices of the training rows.
    recipe : Recipe
        The optimizer, the schedule, the size of the batches, and averaging.
    rng : RandomState, Generator or None
        Random number generator for shuffling the rows. None does not shuffle them.
    parts : sequence of slice
        The parts of the parameters for which update ratios are recorded.
    """

    def __init__(
        self,
        objective: BatchObjective,
        start: Start,
        rows: NDArray[np.integer],
        recipe: Recipe,
        rng: np.random.RandomState | np.random.Generator | None,
        parts: Sequence[slice] = (),
    ) -> None:
        self.objective, self.rows, self.recipe = objective, rows, recipe
        self.params, self.statistics, self.state = start
        self.rng, self.parts = rng, parts
        first = recipe.average_from
        self._average = None if first is None else _Average(self.params, first)

    @property
    def now(self) -> Vector:
        """The parameters, or their average as soon as there is one."""
        if self._average is None or not self._average.n_steps:
            return self.params
        return self._average.mean

    def batches(self) -> list[NDArray[np.integer]]:
        """Return the rows of the batches of an epoch, in a new order."""
        order = self.rows if self.rng is None else self.rng.permutation(self.rows)
        return batches(order, self.recipe.batch_size)

    def run(self, epoch: int, history: History) -> Epoch:
        """Update the parameters with each batch, as `Epochs` says."""
        parts = self.batches()
        total, rates = 0.0, list(history["learning_rate"])
        history = {**history, "learning_rate": rates}
        for step, batch in enumerate(parts):
            value, gradient = self.objective(self.params, batch)
            if not math.isfinite(value):
                return Epoch(math.nan)
            rate = float(self.recipe.schedule(epoch + step / len(parts), history))
            if step == 0:
                rates.append(rate)
            if step == len(parts) - 1:
                before = [self.params[part].copy() for part in self.parts]
            self.recipe.optimizer.update(self.params, gradient, self.state, rate)
            total += len(batch) * value
            if self._average is not None:
                self._average.add(self.params, len(batch))
        if not np.isfinite(self.params).all():
            return Epoch(math.nan)
        moved = zip(before, self.parts, strict=True)
        ratios = [_ratio(old, self.params[part]) for old, part in moved]
        averaged = self.now is not self.params
        return Epoch(total / len(self.rows), rates[-1], ratios, averaged)


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


def _ratio(before: Vector, after: Vector) -> float:
    """Return the norm of a step divided by the norm of the initial vector."""
    length, step = np.linalg.norm(before), np.linalg.norm(after - before)
    return float(step / length) if length else math.inf
