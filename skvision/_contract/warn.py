"""Warnings that point to the line of user code that called the package."""

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
    """Issue a warning at the line of user code that called skvision.

    Frames of scikit-learn and joblib are skipped too, because a pipeline calls ``fit``
    on behalf of the user.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_code.co_filename.startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
