"""Warnings that point to the line of the user who called the package."""

import os
import sys
import warnings

import joblib
import sklearn

import skvision

_INSIDE = tuple(
    os.path.dirname(file) + os.sep
    for file in (skvision.__file__, sklearn.__file__, joblib.__file__)
)


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called skvision, whatever lies in between.

    The frames of scikit-learn and joblib count as ours: a pipeline calls ``fit`` for
    the user.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_code.co_filename.startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
