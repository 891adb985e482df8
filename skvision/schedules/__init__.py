"""Schedules of the learning rate.

A schedule is a value of the parameter ``learning_rate`` of networks and of linear
classifiers with a mini-batch solver. It follows scikit-learn's parameter interface, so
it can be cloned, pickled, saved and searched over: ``learning_rate__factor`` is the
``factor`` of the schedule.
"""

from skvision.schedules._on_plateau import OnPlateau
from skvision.schedules._step_decay import StepDecay

__all__ = ["OnPlateau", "StepDecay"]
