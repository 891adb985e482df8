"""A learning rate that falls when epochs bring no more improvement."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from skvision._contract.public import public
from skvision._contract.schedule import Schedule
from skvision._contract.sklearn_compat import Interval
from skvision._training import schedules


@public("skvision.schedules")
class OnPlateau(Schedule):
    """Multiply the learning rate by a factor when epochs bring no more improvement.

    An epoch improves if its validation score is higher than the best one before, by
    more than ``tol``. Without validation, its loss has to be lower than the lowest one
    before, by more than ``tol``. After ``patience`` epochs in a row that did not
    improve, the learning rate is multiplied by ``factor``, and the waiting begins anew.

    Parameters
    ----------
    patience : int, default=5
        How many epochs in a row may pass without improvement, at least 1. The fit ends
        after ``n_iter_no_change`` such epochs: let that be larger.

    factor : float, default=0.1
        What the learning rate is multiplied by, between 0 and 1. 0.5 halves it.

    tol : float, default=1e-4
        What counts as an improvement, in units of the score or the loss, from 0.

    See Also
    --------
    StepDecay : Lets the learning rate fall every so many epochs.

    Notes
    -----
    There is a validation score with ``early_stopping``, from rows that are held out or,
    for `MLPBackprop`, from ``X_val``.

    ``torch.optim.lr_scheduler.ReduceLROnPlateau`` gives the same rates at ``tol=0``,
    with ``threshold=0`` and a ``patience`` one less: it counts the epochs that it lets
    pass before the one that makes the rate fall. Above 0, torch compares an epoch with
    the last one that improved, and this with the best one, as scikit-learn does.

    Examples
    --------
    >>> from skvision.schedules import OnPlateau
    >>> rate = OnPlateau(patience=2, factor=0.5).starting_at(0.1)
    >>> scores = [0.8, 0.9, 0.9, 0.85, 0.95, 0.95, 0.94]
    >>> [rate(n, {"loss": [], "validation_score": scores[:n]}) for n in range(8)]
    [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025]
    """

    _parameter_constraints = {
        "patience": [Interval(Integral, 1, None, closed="left")],
        "factor": [Interval(Real, 0, 1, closed="neither")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self, patience: int = 5, factor: float = 0.1, tol: float = 1e-4
    ) -> None:
        self.patience = patience
        self.factor = factor
        self.tol = tol

    def _make(self, rate: float) -> Callable[..., Any]:
        patience, factor = int(self.patience), float(self.factor)
        return schedules.on_plateau(rate, patience, factor, float(self.tol))
