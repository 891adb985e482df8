"""The schedule that decreases the learning rate on a plateau."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from skvision._contract.public import public
from skvision._contract.schedule import Schedule
from skvision._contract.sklearn_compat import Interval
from skvision._training import schedules


@public("skvision.schedules")
class OnPlateau(Schedule):
    """Multiply the learning rate by a factor when epochs no longer improve.

    An epoch is an improvement if its validation score exceeds the best previous score
    by more than ``tol`` or, without validation, if its loss is lower than the lowest
    previous loss by more than ``tol``. After ``patience`` epochs in a row without
    improvement, the learning rate is multiplied by ``factor``, and the count starts
    again.

    Parameters
    ----------
    patience : int, default=5
        Number of epochs in a row without improvement after which the learning rate
        decreases, at least 1. It should be smaller than ``n_iter_no_change``, after
        which the fit ends.

    factor : float, default=0.1
        Factor by which the learning rate is multiplied, between 0 and 1.

    tol : float, default=1e-4
        Minimum improvement, in units of the score or the loss, at least 0.

    See Also
    --------
    StepDecay : Decreases the learning rate after a fixed number of epochs.

    Notes
    -----
    The validation score is available with ``early_stopping``. It is computed from
    held-out samples or, for `MLPBackprop`, from ``X_val``.

    With ``tol=0``, ``torch.optim.lr_scheduler.ReduceLROnPlateau`` gives the same
    learning rates with ``threshold=0`` and a ``patience`` smaller by one, because torch
    decreases the learning rate one epoch later. With a larger ``tol``, torch compares
    each epoch with the last improvement, whereas this schedule compares it with the
    best epoch, as scikit-learn does.

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
