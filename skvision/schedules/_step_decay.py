"""A learning rate that falls every so many epochs."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from skvision._contract.public import public
from skvision._contract.schedule import Schedule
from skvision._contract.sklearn_compat import Interval
from skvision._training import schedules


@public("skvision.schedules")
class StepDecay(Schedule):
    r"""Multiply the learning rate by a factor every so many epochs.

    In epoch :math:`t`, counted from 0, the learning rate is

    .. math:: \eta_0 f^{\lfloor t / k \rfloor}

    with :math:`\eta_0` the ``learning_rate_init`` of the estimator.

    Parameters
    ----------
    every : int
        The :math:`k`: how many epochs have the same learning rate, at least 1. With 1
        the learning rate decays exponentially.

    factor : float, default=0.1
        The :math:`f`, between 0 and 1. 0.5 halves the learning rate.

    See Also
    --------
    OnPlateau : Lets the learning rate fall when epochs bring no more improvement.

    Notes
    -----
    ``torch.optim.lr_scheduler.StepLR`` gives the same rates, with ``step_size=every``
    and ``gamma=factor``.

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
