"""The base class of learning rate schedules."""

from typing import Any

from skvision._contract.sklearn_compat import Estimator, check_parameters


class Schedule(Estimator):
    """Base class of schedules. Subclasses implement ``_make(learning_rate_init)``."""

    def starting_at(self, learning_rate_init: float) -> Any:
        """Return the learning rate as a function of the epoch and the history.

        Parameters
        ----------
        learning_rate_init : float
            The initial learning rate, positive.

        Returns
        -------
        schedule : callable
            A function ``(epoch, history) -> learning rate``. Epochs are counted from 0.
            The history is a dict with the lists ``"loss"`` and ``"validation_score"``
            of the previous epochs. Without validation, the second list is empty.

        Raises
        ------
        ValueError
            If a parameter is out of its range.
        """
        check_parameters(self)
        return self._make(float(learning_rate_init))
