"""The mini-batch loop: the only one there is."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skvision._training.optimizers import Optimizer, State
from skvision._training.schedules import Schedule

Vector = NDArray[np.floating]


@dataclass
class Course:
    """What happened in a fit, up to the last whole epoch.

    Attributes
    ----------
    params : ndarray of shape (n_params,)
        The parameters to use: the average where one was asked for, those of the best
        validation score where there is one, else the last.
    statistics : ndarray of shape (n_statistics,)
        The running statistics of the epoch that they are of.
    loss_curve : list of float
        Mean of the objective over the batches of each epoch, while they moved.
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
    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    update_ratios: list[list[float]] = field(default_factory=list)
    converged: bool = False
    interrupted: bool = False
    diverged: bool = False


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
    score: Callable[[Vector], float] | None = None,
    on_epoch: Callable[[Vector], bool] = lambda params: False,
    first_epoch: int = 0,
    statistics: Vector | None = None,
    parts: Sequence[slice] = (),
) -> Course:
    """Minimise the mean of an objective over batches of rows.

    It stops after ``max_iter`` epochs, or where ``n_iter_no_change`` epochs in a row
    did not better the best one by more than ``tol``, in the score where there is one,
    else in the loss. A KeyboardInterrupt ends it at the last whole epoch, and is passed
    on where there is none. An objective or parameter that is infinite or NaN ends it
    too, with what the last whole epoch left, or the start.

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
    score : callable or None
        ``params -> validation score``, the higher the better.
    on_epoch : callable
        Told the parameters after each epoch; returns whether to stop.
    first_epoch : int
        The number of epochs made before, for the schedule.
    statistics : ndarray of shape (n_statistics,), default=None
        What ``objective`` changes in place besides; it is kept along with params.
    parts : sequence of slice
        The parts of the parameters that ``update_ratios`` are recorded of.

    Returns
    -------
    course : Course
        The parameters, and how they came about.
    """
    from skvision._kernels.updates import add_to_average

    if statistics is None:
        statistics = np.empty(0)
    course = Course(params.copy(), statistics.copy())
    average = None if average_from is None else np.zeros_like(params)
    n_seen = n_averaged = n_still = 0
    best_loss, best_score = np.inf, -np.inf
    try:
        for epoch in range(first_epoch, first_epoch + max_iter):
            order = rows if rng is None else rng.permutation(rows)
            parted = batches(order, batch_size)
            total = 0.0
            for step, batch in enumerate(parted):
                value, gradient = objective(params, batch)
                if not math.isfinite(value):
                    course.diverged = True
                    return course
                rate = float(schedule(epoch + step / len(parted), course.loss_curve))
                if step == 0:
                    first_rate = rate
                if step == len(parted) - 1:
                    before = [params[part].copy() for part in parts]
                optimizer.update(params, gradient, state, rate)
                total += len(batch) * value
                n_seen += len(batch)
                if average is not None and n_seen > (average_from or 0):
                    n_averaged += 1
                    add_to_average(average, params, n_averaged)
            if not (np.isfinite(params).all() and np.isfinite(statistics).all()):
                course.diverged = True
                return course
            now = average if average is not None and n_averaged else params
            loss = total / len(rows)
            improved = loss < best_loss - tol
            best_loss = min(best_loss, loss)
            if score is not None:
                scored = score(now)
                improved = scored > best_score + tol
                course.validation_scores.append(scored)
            moved = zip(before, parts, strict=True)
            ratios = [_ratio(old, params[at]) for old, at in moved]
            course.loss_curve.append(loss)
            course.learning_rates.append(first_rate)
            course.update_ratios.append(ratios)
            if score is None or scored > best_score:
                course.params, course.statistics = now.copy(), statistics.copy()
            if score is not None:
                best_score = max(best_score, scored)
            n_still = 0 if improved else n_still + 1
            if n_still >= n_iter_no_change or on_epoch(now):
                course.converged = True
                break
    except KeyboardInterrupt:
        if not course.loss_curve:
            raise
        course.interrupted = True
    return course


def _ratio(before: Vector, after: Vector) -> float:
    """Return the length of a step over that of what it started from."""
    length, step = np.linalg.norm(before), np.linalg.norm(after - before)
    return float(step / length) if length else math.inf
