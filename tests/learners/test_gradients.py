"""The gradient of each learner's objective, by central differences."""

import numpy as np
import pytest
from learner_table import LEARNERS, LOSSES, each

from skvision.inspection import gradient_check_estimator

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

WHAT_IT_DEPENDS_ON = ("loss", "multi_class", "margin", "l1_ratio", "batch_norm")
WHAT_IT_DEPENDS_ON += ("label_smoothing", "out_activation", "hidden_layer_sizes")


def objective(learner):
    parameters = learner.model.get_params()
    return type(learner.model), *(parameters.get(name) for name in WHAT_IT_DEPENDS_ON)


OBJECTIVES = {objective(learner): learner for learner in LOSSES + LEARNERS[::-1]}


@pytest.mark.parametrize("n_classes", [2, 4])
@each(of=OBJECTIVES.values())
def test_gradients(learner, n_classes, rows, rng):
    X, y = rows[0], np.arange(60) % n_classes
    weights = {"sample_weight": rng.random(60)} if learner.weighted else {}
    option = "batch_norm" if learner.has("batch_norm") else "fit_intercept"
    for value in (True, False):
        model = learner.make(**{option: value})
        if (
            value and not learner.epochs and not learner.exact
        ):  # which refuse batch_norm
            continue
        check = gradient_check_estimator(
            model.fit(X, y),
            X,
            y,
            **weights,
            n_coordinates=12,
            jitter=0.1,
            random_state=0,
        )
        assert check.passed, check
