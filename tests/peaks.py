"""A search whose best is known."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold

from skvision.model_selection import CoarseToFineSearchCV

X, y = load_iris(return_X_y=True)

SHUFFLED = StratifiedKFold(3, shuffle=True, random_state=0)


class Peak(ClassifierMixin, BaseEstimator):
    """Right for the more of the rows, the closer ``place`` is to the peak.

    Notes its fits, the rows that they had, and its parameters.
    """

    fits: list = []

    def __init__(self, place=0.5, kind="a", max_iter=9, peak=0.7):
        self.place = place
        self.kind = kind
        self.max_iter = max_iter
        self.peak = peak

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        self.sample_weight_ = sample_weight
        Peak.fits.append((len(X), self.max_iter, sorted(np.unique(y))))
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def score(self, X, y=None, sample_weight=None):
        return 1 - abs(self.place - self.peak) - 0.1 * (self.kind != "a")


def search_peak(distributions, **parameters):
    parameters = {"cv": SHUFFLED, "random_state": 0, "n_iter": 9} | parameters
    return CoarseToFineSearchCV(Peak(), distributions, **parameters).fit(X, y)
