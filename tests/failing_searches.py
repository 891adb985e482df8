"""A search whose fits fail as a test says."""

import numpy as np
import pytest
from scipy.stats import uniform
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedKFold

from skvision.model_selection import CoarseToFineSearchCV

X = np.random.default_rng(0).normal(size=(30, 4))

y = np.arange(30) % 3

FOLDS = StratifiedKFold(3)

no_score = pytest.mark.filterwarnings("ignore:One or more of the test scores are non")


class Peak(ClassifierMixin, BaseEstimator):
    """Right for the more of the rows, the closer ``place`` is to 0.7.

    Fits fail as ``fails`` says, a function of the estimator and of the number of fits.
    """

    n_fits = 0

    def __init__(self, place=0.5, max_iter=9, fails=None):
        self.place = place
        self.max_iter = max_iter
        self.fails = fails

    def fit(self, X, y, sample_weight=None):
        Peak.n_fits += 1
        if self.fails is not None and self.fails(self, Peak.n_fits):
            raise ValueError(f"no luck with {self.max_iter}")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def score(self, X, y=None):
        return 1 - abs(self.place - 0.7)


def search_of(fails, space=None, **parameters):
    space = {"place": uniform(0, 1)} if space is None else space
    parameters = {"cv": FOLDS, "random_state": 0, "n_iter": 9} | parameters
    return CoarseToFineSearchCV(Peak(fails=fails), space, **parameters)
