"""Schedules: how the learning rate changes from epoch to epoch.

They are values of the parameter ``learning_rate`` of the networks and of the mini-batch
solvers of linear classifiers. They have scikit-learn's parameters, so that they can be
cloned, pickled, saved and searched over: ``learning_rate__factor`` is the ``factor`` of
the schedule.
"""

from skvision.schedules._on_plateau import OnPlateau
from skvision.schedules._step_decay import StepDecay

__all__ = ["OnPlateau", "StepDecay"]
