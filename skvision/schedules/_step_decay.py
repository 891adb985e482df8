"""The schedule that decreases the learning rate in steps."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from skvision._contract.public import public
from skvision._contract.schedule import Schedule
from skvision._contract.sklearn_compat import Interval
from skvision._training import schedules


@public("skvision.schedules")
class StepDecay(Schedule):
    r"""Multiply the learning rate by a factor after a fixed number of epochs.

    In epoch :math:`t`, counted from 0, the learning rate is

    .. math:: \eta_0 f^{\lfloor t / k \rfloor}

    where :math:`\eta_0` is the ``learning_rate_init`` of the estimator.

    Parameters
    ----------
    every : int
        Number :math:`k` of epochs with the same learning rate, at least 1. With 1 the
        learning rate decays exponentially.

    factor : float, default=0.1
        Factor :math:`f` by which the learning rate is multiplied, between 0 and 1.

    See Also
    --------
    OnPlateau : Decreases the learning rate when epochs no longer improve.

    Notes
    -----
    ``torch.optim.lr_scheduler.StepLR`` gives the same learning rates with
    ``step_size=every`` and ``gamma=factor``.

    Examples
    --------
    >>> from skvision.schedules import StepDecay
    >>> halved = StepDecay(every=2, factor=0.5)
    >>> rate = halved.starting_at(0.1)
    >>> [rate(epoch, {}) for epoch in range(5)]
    [0.1, 0.1, 0.05, 0.05, 0.025]

    >>> from sklearn.datasets import load_digits
    >>> from skvision import MLPBackprop
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MLPBackprop(learning_rate=halved, max_iter=5, random_state=0).fit(X, y)
    >>> model.history_["learning_rate"]
    array([0.001  , 0.001  , 0.0005 , 0.0005 , 0.00025])
    """

    _parameter_constraints = {
        "every": [Interval(Integral, 1, None, closed="left")],
        "factor": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(self, every: int, factor: float = 0.1) -> None:
        self.every = every
        self.factor = factor

    def _make(self, rate: float) -> Callable[..., Any]:
        return schedules.step(rate, int(self.every), float(self.factor))
