"""MLPBackprop: weights of rows and of classes."""

import numpy as np
import pytest
from network_training import (
    ALL_EPOCHS,
    LOSSES,
    ONE_BATCH,
    first_arrays,
    make_torch_optimizer,
    module_of,
    train_torch,
)
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from torch.nn import functional as F

from skvision import MLPBackprop


def fitted_copy(model, *data):
    """Return a copy that is fitted; two paths of L-BFGS part after many iterations."""
    model = clone(model)
    if model.solver != "lbfgs":
        return model.fit(*data)
    with pytest.warns(ConvergenceWarning, match="max_iter=8 iterations"):
        return model.set_params(tol=0.0, max_iter=8).fit(*data)


@pytest.mark.parametrize("parameters", LOSSES)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_weights_are_repetitions_in_one_batch(solver, parameters, few, rng):
    X, y = few
    weights = rng.integers(0, 4, 60)
    model = MLPBackprop(
        6, "tanh", solver=solver, alpha=0.01, max_iter=20, **ONE_BATCH, **parameters
    )
    a = fitted_copy(model, X, y, weights)
    b = fitted_copy(model, X.repeat(weights, axis=0), y.repeat(weights))
    np.testing.assert_allclose(a.parameters_, b.parameters_, atol=1e-9)
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, rtol=1e-10)


@pytest.mark.parametrize("batch_size", [7, 10_000])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_rows_of_no_weight_are_not_there(batch_size, batch_norm, few):
    X, y = few[0].copy(), few[1]
    weights = (np.arange(60) % 5 > 0).astype(float)
    X[weights == 0] = 1e6  # would spoil what inputs are standardized by
    model = MLPBackprop(
        6, batch_norm=batch_norm, batch_size=batch_size, max_iter=5, random_state=0
    )
    a = clone(model).fit(X, y, weights)
    b = clone(model).fit(X[weights > 0], y[weights > 0])
    np.testing.assert_allclose(a.parameters_, b.parameters_, atol=1e-10)
    np.testing.assert_allclose(a.decision_function(X), b.decision_function(X))


def test_only_the_ratios_of_weights_count(few, rng):
    weights = rng.random(60)
    model = MLPBackprop(6, batch_size=16, max_iter=5, random_state=0)
    a, b = (clone(model).fit(*few, w) for w in (weights, 1000 * weights))
    np.testing.assert_allclose(a.parameters_, b.parameters_, atol=1e-10)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 3.0, 2: 0.5}])
def test_class_weights(class_weight, solver, rng):
    X, y = rng.normal(size=(64, 4)), np.repeat([0, 1, 2], [32, 16, 16])
    of_classes = [0.5, 1, 1] if class_weight == "balanced" else [1, 3, 0.5]
    model = MLPBackprop(
        6, "tanh", solver=solver, batch_size=10, max_iter=10, random_state=0
    )
    b = fitted_copy(model, X, y, np.array(of_classes)[y])
    a = fitted_copy(model.set_params(class_weight=class_weight), X, y)
    np.testing.assert_allclose(a.parameters_, b.parameters_, atol=1e-10)


def test_weights_in_batches_as_torch(few, rng):
    """Each batch counts by its rows, and each row of it by its weight."""
    X, y = few
    weights, biases = first_arrays(rng, 5, 4, 3)
    counts = rng.random(60)
    counts /= counts.mean()
    model = MLPBackprop(
        4,
        "tanh",
        weight_init=weights,
        bias_init=biases,
        standardize=False,
        alpha=0,
        batch_size=16,
        max_iter=10,
        **ALL_EPOCHS,
    ).fit(X, y, counts)
    module = module_of(weights, biases)
    optimizer = make_torch_optimizer("adam", module, 0.001, 0)
    both = np.c_[y, counts]

    def loss(scores, rows):
        each = F.cross_entropy(scores, rows[:, 0].long(), reduction="none")
        return (rows[:, 1] * each).mean()

    curve = train_torch(
        module, X, both, optimizer, batch_size=16, n_epochs=10, loss=loss
    )
    np.testing.assert_allclose(model.loss_curve_, curve, rtol=1e-10)
