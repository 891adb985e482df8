"""Schedules of the learning rate.

A schedule is a function ``(epoch, history) -> learning rate``. Epochs are counted from
0 and are fractional within an epoch. The history holds the ``"loss"`` and the
``"learning_rate"`` of each previous epoch and, with validation, the
``"validation_score"``. Within an epoch, it also holds the first learning rate of that
epoch. A schedule has no state, so that a fit can be continued at any epoch.
"""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

History = Mapping[str, Sequence[float]]
Schedule = Callable[[float, History], float]

NO_HISTORY: History = {"loss": (), "validation_score": (), "learning_rate": ()}


def constant(rate: float) -> Schedule:
    r"""Return the schedule :math:`\eta`.

    Examples
    --------
    >>> constant(0.1)(7, {})
    0.1
    """
    return lambda epoch, history: rate


def step(rate: float, every: int, factor: float = 0.1) -> Schedule:
    r"""Return the schedule :math:`\eta f^{\lfloor t / k \rfloor}`.

    Parameters
    ----------
    rate : float
        The learning rate :math:`\eta`, positive.
    every : int
        The number :math:`k` of epochs with the same rate.
    factor : float, default=0.1
        The factor :math:`f`, positive.

    Returns
    -------
    schedule : callable
        A function of the epoch :math:`t`.

    Examples
    --------
    >>> [step(1.0, every=2, factor=0.5)(epoch, {}) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    return lambda epoch, history: rate * factor ** (epoch // every)


def exponential(rate: float, factor: float) -> Schedule:
    r"""Return the schedule :math:`\eta f^{\lfloor t \rfloor}`.

    Parameters
    ----------
    rate : float
        The learning rate :math:`\eta`, positive.
    factor : float
        The factor :math:`f`, positive.

    Returns
    -------
    schedule : callable
        A function of the epoch :math:`t`.

    Examples
    --------
    >>> [exponential(1.0, factor=0.5)(epoch, {}) for epoch in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """
    return lambda epoch, history: rate * factor ** int(epoch)


def cosine(rate: float, n_epochs: int) -> Schedule:
    r"""Return the schedule :math:`\frac{\eta}{2} (1 + \cos \frac{\pi t}{T})`.

    Parameters
    ----------
    rate : float
        The learning rate :math:`\eta`, positive.
    n_epochs : int
        The number :math:`T` of epochs, after which the rate is zero.

    Returns
    -------
    schedule : callable
        A function of the epoch :math:`t`.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts",
    ICLR 2017 (without the restarts).

    Examples
    --------
    >>> print(*(round(cosine(1.0, n_epochs=4)(epoch, {}), 4) for epoch in range(5)))
    1.0 0.8536 0.5 0.1464 0.0
    """

    def schedule(epoch: float, history: History) -> float:
        return rate / 2 * (1 + math.cos(math.pi * min(epoch / n_epochs, 1)))

    return schedule


def one_cycle(rate: float, n_epochs: int, rise: float = 0.3) -> Schedule:
    r"""Return the schedule that increases to a rate and decreases again along cosines.

    The rate increases from :math:`\eta / 25` to :math:`\eta` in the first part of the
    epochs and decreases to :math:`\eta / 250000` in the rest.

    Parameters
    ----------
    rate : float
        The largest learning rate :math:`\eta`, positive.
    n_epochs : int
        Number of epochs, after which the rate stays at its minimum.
    rise : float, default=0.3
        Fraction of the epochs in which the rate increases, between 0 and 1.

    Returns
    -------
    schedule : callable
        A function of the epoch.

    References
    ----------
    L. N. Smith and N. Topin, "Super-convergence: very fast training of neural networks
    using large learning rates", 2017 (with the constants of fast.ai).

    Examples
    --------
    >>> schedule = one_cycle(1.0, n_epochs=10)
    >>> print(*(round(schedule(epoch, {}), 4) for epoch in (0, 1.5, 3, 6.5, 10)))
    0.04 0.52 1.0 0.5 0.0
    """

    def schedule(epoch: float, history: History) -> float:
        part = min(epoch / n_epochs, 1)
        if part < rise:
            start, end, progress = rate / 25, rate, part / rise
        else:
            start, end, progress = rate, rate / 250_000, (part - rise) / (1 - rise)
        return end + (start - end) / 2 * (1 + math.cos(math.pi * progress))

    return schedule


def inverse_scaling(rate: float, power_t: float = 0.5) -> Schedule:
    r"""Return the schedule :math:`\eta / (\lfloor t \rfloor + 1)^p`.

    Parameters
    ----------
    rate : float
        The learning rate :math:`\eta`, positive.
    power_t : float, default=0.5
        The exponent :math:`p`. For values in (1/2, 1], the sum of the rates is infinite
        and the sum of their squares is finite, as the reference requires.

    Returns
    -------
    schedule : callable
        A function of the epoch :math:`t`.

    References
    ----------
    H. Robbins and S. Monro, "A stochastic approximation method", Annals of
    Mathematical Statistics 22, 1951.

    Examples
    --------
    >>> [inverse_scaling(0.8)(epoch, {}) for epoch in (0, 3, 15)]
    [0.8, 0.4, 0.2]
    """
    return lambda epoch, history: rate / (int(epoch) + 1) ** power_t


def on_plateau(
    rate: float, patience: int, factor: float = 0.2, tol: float = 1e-4
) -> Schedule:
    """Return a schedule that decreases when epochs no longer improve.

    The rate is multiplied by ``factor`` each time that ``patience`` epochs in a row
    have not improved the best epoch so far by more than ``tol``. An improvement is a
    higher validation score or, without validation, a lower loss.
    ``learning_rate="adaptive"`` of scikit-learn's ``SGDClassifier`` does the same with
    the loss. That of its ``MLPClassifier`` waits one epoch longer.

    Parameters
    ----------
    rate : float
        The initial rate, positive.
    patience : int
        Number of epochs to wait, at least 1.
    factor : float, default=0.2
        Factor, positive and less than 1.
    tol : float, default=1e-4
        Minimum improvement in units of the loss or the score, not negative.

    Returns
    -------
    schedule : callable
        A function of the history only.

    Examples
    --------
    >>> losses = [1.0, 0.9, 0.9, 0.9, 0.8, 0.9, 0.9]
    >>> schedule = on_plateau(1.0, patience=2, factor=0.5, tol=0.01)
    >>> history = {"validation_score": []}
    >>> [schedule(n, history | {"loss": losses[:n]}) for n in range(8)]
    [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]
    """

    def schedule(epoch: float, history: History) -> float:
        scores = history["validation_score"]
        costs = -np.array(scores) if len(scores) else np.array(history["loss"])
        if not len(costs):
            return rate
        least = np.minimum.accumulate(costs)
        improved = np.append(True, costs[1:] < least[:-1] - tol)
        epochs = np.append(np.flatnonzero(improved), len(costs))
        n_waited = np.diff(epochs) - 1
        return rate * factor ** int((n_waited // patience).sum())

    return schedule


def called(function: Callable[[int, dict[str, list[float]]], Any]) -> Schedule:
    """Return a schedule that calls a function of the user before each epoch.

    Parameters
    ----------
    function : callable
        A function ``(epoch, history) -> learning rate``. The epoch is an int, counted
        from 0. The history is a copy that the function may modify.

    Returns
    -------
    schedule : callable
        The schedule. It is constant within each epoch.

    Raises
    ------
    TypeError
        If the function does not take two arguments.
    TypeError, ValueError
        When the schedule is called, if the function does not return a number, or
        returns a number that is negative, infinite or NaN.

    Examples
    --------
    >>> schedule = called(lambda epoch, history: 0.1 / (1 + epoch))
    >>> [schedule(epoch, {"learning_rate": [0.1]}) for epoch in (0, 0.5, 1)]
    [0.1, 0.1, 0.05]
    """
    try:
        signature = inspect.signature(function)
    except ValueError:  # not written in Python and without a signature
        signature = inspect.signature(lambda *arguments: None)
    try:
        signature.bind(0, {})
    except TypeError as error:
        raise TypeError(
            f"learning_rate must be a function of two arguments (epoch, history); "
            f"got {function!r}: {error}."
        ) from None

    def schedule(epoch: float, history: History) -> float:
        if epoch != int(epoch):
            return history["learning_rate"][-1]
        copies = {name: list(values) for name, values in history.items()}
        return _checked(function(int(epoch), copies), int(epoch))

    return schedule


def _checked(rate: Any, epoch: int) -> float:
    """Validate the learning rate that the function of the user returned."""
    where = f"learning_rate(epoch, history) returned {rate!r} for epoch {epoch}"
    if isinstance(rate, bool) or not isinstance(rate, Real):
        raise TypeError(f"{where}: return a number, such as a float.")
    number = float(rate)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{where}: return a finite number, 0 or larger.")
    return number
