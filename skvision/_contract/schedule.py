"""What schedules share: their parameters, and how the engine uses them."""

from typing import Any

from skvision._contract.sklearn_compat import Estimator, check_parameters


class Schedule(Estimator):
    """Parameters of a schedule; ``_make`` makes the schedule of the engine."""

    def starting_at(self, learning_rate_init: float) -> Any:
        """Return the learning rate as a function of the epoch and the history.

        Parameters
        ----------
        learning_rate_init : float
            The first learning rate, positive.

        Returns
        -------
        schedule : callable
            ``(epoch, history) -> learning rate``. Epochs count from 0. The history is a
            dict with the lists ``"loss"`` and ``"validation_score"`` of the epochs
            before; the second one is empty without validation.

        Raises
        ------
        ValueError
            If a parameter is out of its range.
        """
        check_parameters(self)
        return self._make(float(learning_rate_init))
