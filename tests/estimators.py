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
CHECKED = [Estimator for Estimator in ALL if Estimator.__name__ != "ImageReader"]

# VerificationThreshold takes embeddings, or what the embedder in it takes.
TABULAR = [E for E in CHECKED if E.__name__ != "VerificationThreshold"]
