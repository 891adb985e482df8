"""MLPBackprop: bad parameters and bad input."""

import numpy as np
import pytest
from network_training import first_arrays, nothing_fitted
from sklearn.exceptions import ConvergenceWarning

from skvision import MLPBackprop
from skvision.augmentation import RandomFlip


def test_lbfgs_does_not_support_augmentation(pictures):
    model = MLPBackprop(solver="lbfgs", augmentation=RandomFlip(), dropout=0.1)
    with pytest.raises(ValueError, match="not support dropout and augmentation"):
        model.fit(*pictures)
    assert nothing_fitted(model)


def test_numbers_too_large_to_train_on(few):
    X = (few[0] * 1e37).astype(np.float32)
    weights, biases = first_arrays(np.random.default_rng(0), 5, 4, 3)
    weights[0] *= 100
    parameters = {"weight_init": weights, "bias_init": biases, "standardize": False}
    with pytest.warns(
        ConvergenceWarning, match=r"X has .* too large .* set standardize=True"
    ):
        model = MLPBackprop(4, **parameters).fit(X, few[1])
    assert np.isfinite(model.parameters_).all()
    model = MLPBackprop(4, solver="lbfgs", **parameters)
    with pytest.raises(ValueError, match=r"infinite or NaN. X has .*standardize=True"):
        model.fit(X, few[1])
    assert nothing_fitted(model)
