"""The public estimators, found automatically."""

import inspect

from sklearn.base import BaseEstimator

import skvision

ALL = [
    thing
    for name in skvision.__all__
    if inspect.isclass(thing := getattr(skvision, name))
    and issubclass(thing, BaseEstimator)
]

# ImageReader's input is no table: test_image_reader.py has its own list of checks.
TABULAR = [Estimator for Estimator in ALL if Estimator.__name__ != "ImageReader"]
