"""MLPBackprop: its objective written out, and its gradients."""

import numpy as np
import pytest
from network_training import ACTIVATIONS, LOSSES, ONE_BATCH
from scipy.special import expit, log_softmax

from skvision import MLPBackprop
from skvision.inspection import gradient_check_estimator


def objective_written_out(model, X, y, weights):
    """Return what is minimized, from scores and weights."""
    scores = model.decision_function(X)
    labels = np.searchsorted(model.classes_, y)
    if scores.ndim == 1:
        sign = 2 * labels - 1
        values = {
            "cross_entropy": np.log1p(np.exp(-sign * scores)),
            "hinge": np.maximum(0, 1 - sign * scores),
            "squared_hinge": np.maximum(0, 1 - sign * scores) ** 2,
            "squared_error": (scores - sign) ** 2 / 2,
            "sigmoid": (expit(scores) - labels) ** 2 / 2,
        }
    else:
        true = labels[:, None] == np.arange(scores.shape[1])
        margins = np.maximum(0, 1 + scores - scores[true][:, None]) * ~true
        values = {
            "cross_entropy": -log_softmax(scores, axis=1)[true],
            "hinge": margins.sum(axis=1),
            "squared_hinge": (margins**2).sum(axis=1),
            "squared_error": ((scores - 2 * true + 1) ** 2).sum(axis=1) / 2,
            "sigmoid": ((expit(scores) - true) ** 2).sum(axis=1) / 2,
        }
    name = "sigmoid" if model.out_activation == "sigmoid" else model.loss
    W = np.concatenate([W.ravel() for W in model.coefs_])
    l1, l2 = model.l1_ratio * np.abs(W).sum(), (1 - model.l1_ratio) / 2 * W @ W
    return np.average(values[name], weights=weights) + model.alpha * (l1 + l2)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("parameters", [p for p in LOSSES if len(p) == 1 or "out" in p])
def test_objective_written_out(parameters, n_classes, few, rng):
    X, y, weights = few[0], few[1] % n_classes, rng.random(60)
    model = MLPBackprop(
        7, alpha=0.1, l1_ratio=0.3, max_iter=3, **ONE_BATCH, **parameters
    ).fit(X, y, weights)
    value, gradient = model.loss_and_gradient(X, y, weights)
    expected = objective_written_out(model, X, y, weights)
    assert value == pytest.approx(expected, rel=1e-12)
    assert gradient["parameters_"].shape == model.parameters_.shape
    assert model.partial_fit(X, y, sample_weight=weights).loss_curve_[-1] == (
        pytest.approx(value, rel=1e-12)
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("penalty", [{}, {"alpha": 0.1, "l1_ratio": 0.4}])
def test_gradients_of_each_activation(activation, penalty, few):
    model = MLPBackprop((6, 4), activation, max_iter=3, random_state=0, **penalty)
    model.fit(*few)
    check = gradient_check_estimator(
        model, *few, n_coordinates=12, jitter=0.1, random_state=0
    )
    assert check.passed, check


def test_gradient_is_that_of_the_step(few):
    """The first step of plain gradient descent in one batch."""
    model = MLPBackprop(
        6, solver="sgd", momentum=0, learning_rate_init=0.1, max_iter=2, **ONE_BATCH
    ).fit(*few)
    before = model.parameters_.copy()
    gradient = model.loss_and_gradient(*few)[1]["parameters_"]
    model.partial_fit(*few)
    np.testing.assert_allclose(model.parameters_, before - 0.1 * gradient, atol=1e-14)
    sizes = [W.size for W in model.coefs_]
    parts = [slice(0, sizes[0]), slice(sizes[0], sum(sizes))]
    ratios = [
        0.1 * np.linalg.norm(gradient[p]) / np.linalg.norm(before[p]) for p in parts
    ]
    np.testing.assert_allclose(model.history_["update_ratio"][-1], ratios, rtol=1e-9)
