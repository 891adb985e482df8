"""Fits that end too early or grow without bound say so, where they were called."""

import numpy as np
import pytest
from learner_table import each, learned
from sklearn.exceptions import ConvergenceWarning


@each(but=lambda learner: learner.epochs)
def test_too_few_iterations(learner, rows):
    model = learner.make(max_iter=1, tol=1e-9)
    with pytest.warns(ConvergenceWarning, match=r"after max_iter=1 .* tol=") as warned:
        model.fit(*rows)
    assert warned[0].filename == __file__
    assert model.n_iter_ == 1
    if learner.exact:
        assert model.optimality_ > model.tol


@each("epochs", but=lambda learner: learner.has("standardize"))
def test_too_few_epochs(learner, rows):
    """Networks do not warn of them, as they have no optimum to reach."""
    model = learner.make(tol=0)
    words = "keeps the result of 4 of max_iter=4 epochs"
    with pytest.warns(ConvergenceWarning, match=words) as warned:
        model.fit(*rows)
    assert warned[0].filename == __file__
    assert model.n_iter_ == 4


@each("epochs", but=lambda learner: not learner.has("standardize"))
def test_a_rate_that_is_too_large(learner, rows):
    wild = {"solver": "sgd", "batch_norm": False, "learning_rate_init": 1e300}
    model = learner.make(**wild)
    with pytest.warns(ConvergenceWarning, match="became infinite or NaN") as warned:
        model.fit(*rows)
    assert warned[0].filename == __file__
    assert np.isfinite(learned(model)).all()
    assert np.isfinite(model.loss_curve_).all()
    assert model.n_iter_ == len(model.loss_curve_) < 4
