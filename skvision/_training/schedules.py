"""Schedules: the learning rate of each epoch.

A schedule is ``(epoch, losses) -> learning rate``. Epochs count from 0, with fractions
within an epoch, and ``losses`` are those of the epochs before, which only `on_plateau`
looks at. A schedule remembers nothing, so that a fit can be taken up again anywhere.
"""

import math
from collections.abc import Callable, Sequence

Schedule = Callable[[float, Sequence[float]], float]


def constant(rate: float) -> Schedule:
    r"""Return the schedule :math:`\eta`.

    Examples
    --------
    >>> constant(0.1)(7, [])
    0.1
    """
    return lambda epoch, losses: rate


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
    >>> [step(1.0, every=2, factor=0.5)(epoch, []) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    return lambda epoch, losses: rate * factor ** (epoch // every)


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
    >>> [exponential(1.0, factor=0.5)(epoch, []) for epoch in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """
    return lambda epoch, losses: rate * factor ** int(epoch)


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
    >>> print(*(round(cosine(1.0, n_epochs=4)(epoch, []), 4) for epoch in range(5)))
    1.0 0.8536 0.5 0.1464 0.0
    """

    def schedule(epoch: float, losses: Sequence[float]) -> float:
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
    >>> print(*(round(schedule(epoch, []), 4) for epoch in (0, 1.5, 3, 6.5, 10)))
    0.04 0.52 1.0 0.5 0.0
    """

    def schedule(epoch: float, losses: Sequence[float]) -> float:
        part = min(epoch / n_epochs, 1)
        if part < rise:
            start, end, way = rate / 25, rate, part / rise
        else:
            start, end, way = rate, rate / 250_000, (part - rise) / (1 - rise)
        return end + (start - end) / 2 * (1 + math.cos(math.pi * way))

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
    >>> [inverse_scaling(0.8)(epoch, []) for epoch in (0, 3, 15)]
    [0.8, 0.4, 0.2]
    """
    return lambda epoch, losses: rate / (int(epoch) + 1) ** power_t


def on_plateau(
    rate: float, patience: int, factor: float = 0.2, tol: float = 1e-4
) -> Schedule:
    """Return a schedule that falls where the loss no longer does.

    The rate is multiplied by ``factor`` each time that ``patience`` epochs in a row
    have not brought the loss below the least so far by more than ``tol``. So does
    ``learning_rate="adaptive"`` of scikit-learn's ``SGDClassifier``; its
    ``MLPClassifier`` waits one epoch longer.

    Parameters
    ----------
    rate : float
        The first rate, positive.
    patience : int
        How many epochs to wait, at least 1.
    factor : float, default=0.2
        Positive, less than 1.
    tol : float, default=1e-4
        In units of the loss, not negative.

    Returns
    -------
    schedule : callable
        Of the losses alone.

    Examples
    --------
    >>> losses = [1.0, 0.9, 0.9, 0.9, 0.8, 0.9, 0.9]
    >>> schedule = on_plateau(1.0, patience=2, factor=0.5, tol=0.01)
    >>> [schedule(epoch, losses[:epoch]) for epoch in range(8)]
    [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]
    """

    def schedule(epoch: float, losses: Sequence[float]) -> float:
        least, n_waited, n_falls = math.inf, 0, 0
        for loss in losses:
            n_waited = 0 if loss < least - tol else n_waited + 1
            least = min(least, loss)
            if n_waited == patience:
                n_waited, n_falls = 0, n_falls + 1
        return rate * factor**n_falls

    return schedule
