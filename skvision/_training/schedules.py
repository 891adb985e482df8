"""Schedules: the learning rate of each epoch.

A schedule is ``(epoch, history) -> learning rate``. Epochs count from 0, with fractions
within an epoch. The history holds the ``"loss"`` and the ``"learning_rate"`` of each
epoch before, the ``"validation_score"`` if there is validation, and within an epoch
the first learning rate of that epoch too. A schedule remembers nothing, so that a fit
can be continued anywhere.
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
        The :math:`\eta`, positive.
    every : int
        The :math:`k`, how many epochs share a rate.
    factor : float, default=0.1
        The :math:`f`, positive.

    Returns
    -------
    schedule : callable
        Of the epoch :math:`t`.

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
        The :math:`\eta`, positive.
    factor : float
        The :math:`f`, positive.

    Returns
    -------
    schedule : callable
        Of the epoch :math:`t`.

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
        The :math:`\eta`, positive.
    n_epochs : int
        The :math:`T`, at and after which the rate is zero.

    Returns
    -------
    schedule : callable
        Of the epoch :math:`t`.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts",
    ICLR 2017; without its restarts.

    Examples
    --------
    >>> print(*(round(cosine(1.0, n_epochs=4)(epoch, {}), 4) for epoch in range(5)))
    1.0 0.8536 0.5 0.1464 0.0
    """

    def schedule(epoch: float, history: History) -> float:
        return rate / 2 * (1 + math.cos(math.pi * min(epoch / n_epochs, 1)))

    return schedule


def one_cycle(rate: float, n_epochs: int, rise: float = 0.3) -> Schedule:
    r"""Return the schedule that rises to a rate and falls to nothing, along cosines.

    From :math:`\eta / 25` to :math:`\eta` in the first part of all epochs, and down to
    :math:`\eta / 250000` in the rest.

    Parameters
    ----------
    rate : float
        The :math:`\eta`, positive, the largest rate.
    n_epochs : int
        At and after which the rate is the least.
    rise : float, default=0.3
        The part of the epochs in which the rate rises, between 0 and 1.

    Returns
    -------
    schedule : callable
        Of the epoch.

    References
    ----------
    L. N. Smith and N. Topin, "Super-convergence: very fast training of neural networks
    using large learning rates", 2017; with the constants of fast.ai.

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
        The :math:`\eta`, positive.
    power_t : float, default=0.5
        The :math:`p`. Above 1/2 and up to 1, the rates add up to infinity and their
        squares do not, as the reference asks.

    Returns
    -------
    schedule : callable
        Of the epoch :math:`t`.

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
    """Return a schedule that falls when epochs bring no more improvement.

    The rate is multiplied by ``factor`` each time that ``patience`` epochs in a row
    have not improved on the best epoch so far by more than ``tol``: in the validation
    score if there is one, which should rise, else in the loss, which should fall.
    ``learning_rate="adaptive"`` of scikit-learn's ``SGDClassifier`` does the same with
    the loss; that of its ``MLPClassifier`` waits one epoch longer.

    Parameters
    ----------
    rate : float
        The first rate, positive.
    patience : int
        How many epochs to wait, at least 1.
    factor : float, default=0.2
        Positive, less than 1.
    tol : float, default=1e-4
        In units of the loss or the score, not negative.

    Returns
    -------
    schedule : callable
        Of the history alone.

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
    """Return a schedule that asks a function of the user's before each epoch.

    Parameters
    ----------
    function : callable
        ``(epoch, history) -> learning rate``, from 0; the epoch is an int. The history
        is its own to keep.

    Returns
    -------
    schedule : callable
        Within an epoch it repeats the first rate of the epoch.

    Raises
    ------
    TypeError
        If the function does not take two arguments.
    TypeError, ValueError
        When asked, if the function returns no number, or one that is negative, infinite
        or NaN.

    Examples
    --------
    >>> schedule = called(lambda epoch, history: 0.1 / (1 + epoch))
    >>> [schedule(epoch, {"learning_rate": [0.1]}) for epoch in (0, 0.5, 1)]
    [0.1, 0.1, 0.05]
    """
    try:
        signature = inspect.signature(function)
    except ValueError:  # it is not written in Python, and does not say
        signature = inspect.signature(lambda *arguments: None)
    try:
        signature.bind(0, {})
    except TypeError as error:
        raise TypeError(
            f"learning_rate must take two arguments, (epoch, history), and "
            f"{function!r} does not: {error}."
        ) from None

    def schedule(epoch: float, history: History) -> float:
        if epoch != int(epoch):
            return history["learning_rate"][-1]
        copies = {name: list(values) for name, values in history.items()}
        return _checked(function(int(epoch), copies), int(epoch))

    return schedule


def _checked(rate: Any, epoch: int) -> float:
    """Return the rate that a function of the user's returned for an epoch."""
    where = f"learning_rate(epoch, history) returned {rate!r} for epoch {epoch}"
    if isinstance(rate, bool) or not isinstance(rate, Real):
        raise TypeError(f"{where}: return a number, such as a float.")
    number = float(rate)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{where}: return a finite number, 0 or larger.")
    return number
