"""MLPBackprop against torch."""

import numpy as np
import pytest
import torch
from network_training import (
    ACTIVATIONS,
    ALL_EPOCHS,
    first_arrays,
    make_torch_optimizer,
    matrices,
    module_of,
    train_torch,
)
from scipy.special import expit
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional as F

from skvision import MLPBackprop


@pytest.mark.parametrize(
    ("solver", "rate", "batch_norm"),
    [
        ("adam", 0.003, False),
        ("adam", 0.003, True),
        ("adamw", 0.003, False),
        ("adamw", 0.003, True),
        ("sgd", 0.02, False),
        ("sgd", 0.02, True),
        ("nesterov", 0.02, False),
        ("rmsprop", 0.001, True),
        ("adagrad", 0.02, False),
    ],
)
def test_same_numbers_as_torch(solver, rate, batch_norm, digits, rng):
    X, y = digits
    nesterov, alpha = solver == "nesterov", 0.01
    solver = "sgd" if nesterov else solver
    weights, biases = first_arrays(rng, 64, 20, 15, 10)
    model = MLPBackprop(
        (20, 15),
        "relu",
        weight_init=weights,
        bias_init=biases,
        batch_norm=batch_norm,
        solver=solver,
        alpha=alpha,
        learning_rate_init=rate,
        nesterovs_momentum=nesterov,
        max_iter=20,
        **ALL_EPOCHS,
    ).fit(X, y)
    module = module_of(weights, biases, activation=nn.ReLU, batch_norm=batch_norm)
    scaled = StandardScaler().fit_transform(X)
    curve = train_torch(
        module,
        scaled,
        y,
        make_torch_optimizer(solver, module, rate, alpha, nesterov),
        batch_size=200,
        n_epochs=20,
        alpha=0.0 if solver == "adamw" else alpha,
        loss=F.cross_entropy,
    )
    np.testing.assert_allclose(model.loss_curve_, curve, rtol=1e-9)
    assert curve[-1] < curve[0] / 2
    scores = module(torch.from_numpy(scaled)).detach().numpy()
    np.testing.assert_allclose(model.decision_function(X), scores, atol=1e-7)
    np.testing.assert_array_equal(model.predict(X), scores.argmax(axis=1))
    for ours, theirs in zip(model.coefs_, matrices(module), strict=True):
        np.testing.assert_allclose(ours, theirs.detach().numpy().T, atol=1e-8)


def two_columns(scores):
    """Return scores as cross_entropy of torch takes them, also those of two classes."""
    return scores if scores.shape[1] > 1 else F.pad(scores, (1, 0))


def signs(scores, labels):
    return 2 * F.one_hot(labels, scores.shape[1]).double() - 1


TORCH_LOSSES = [
    ({}, lambda s, y: F.cross_entropy(two_columns(s), y)),
    (
        {"label_smoothing": 0.1},
        lambda s, y: F.cross_entropy(two_columns(s), y, label_smoothing=0.1),
    ),
    (
        {"loss": "hinge"},
        lambda s, y: (
            s.shape[1] * F.multi_margin_loss(s, y)
            if s.shape[1] > 1
            else F.relu(1 - (2 * y - 1) * s[:, 0]).mean()
        ),
    ),
    (
        {"loss": "squared_hinge"},
        lambda s, y: (
            s.shape[1] * (F.multi_margin_loss(s, y, p=2))
            if s.shape[1] > 1
            else F.relu(1 - (2 * y - 1) * s[:, 0]).square().mean()
        ),
    ),
    (
        {"loss": "squared_error"},
        lambda s, y: (
            (s - signs(s, y)).square().sum() / 2 / len(s)
            if s.shape[1] > 1
            else (s[:, 0] - (2 * y - 1)).square().mean() / 2
        ),
    ),
    (
        {"loss": "squared_error", "out_activation": "sigmoid"},
        lambda s, y: (
            (s.sigmoid() - F.one_hot(y, s.shape[1])).square().sum() / 2 / len(s)
            if s.shape[1] > 1
            else (s[:, 0].sigmoid() - y).square().mean() / 2
        ),
    ),
]


@pytest.mark.parametrize("n_classes", [2, 10])
@pytest.mark.parametrize(
    ("parameters", "loss"), TORCH_LOSSES, ids=range(len(TORCH_LOSSES))
)
def test_each_loss_as_torch(parameters, loss, n_classes, digits, rng):
    X, y = digits[0][:300], digits[1][:300] % n_classes
    weights, biases = first_arrays(rng, 64, 12, n_classes if n_classes > 2 else 1)
    model = MLPBackprop(
        12,
        "tanh",
        weight_init=weights,
        bias_init=biases,
        standardize=False,
        alpha=1e-3,
        l1_ratio=0.3,
        batch_size=50,
        max_iter=10,
        **ALL_EPOCHS,
        **parameters,
    ).fit(X / 16, y)
    module = module_of(weights, biases)
    optimizer = make_torch_optimizer("adam", module, 0.001, 0)
    curve = train_torch(
        module,
        X / 16,
        y,
        optimizer,
        batch_size=50,
        n_epochs=10,
        alpha=1e-3,
        l1_ratio=0.3,
        loss=loss,
    )
    np.testing.assert_allclose(model.loss_curve_, curve, rtol=1e-10)
    scores = module(torch.from_numpy(X / 16)).detach().numpy()
    ours = model.decision_function(X / 16).reshape(len(X), -1)
    np.testing.assert_allclose(ours, scores, atol=1e-9)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_activation_as_torch(activation, digits, rng):
    X, y = digits[0][:300] / 16, digits[1][:300]
    weights, biases = first_arrays(rng, 64, 12, 10)
    in_torch = {
        "relu": nn.ReLU,
        "leaky_relu": nn.LeakyReLU,
        "elu": nn.ELU,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "identity": nn.Identity,
    }
    module = module_of(weights, biases, activation=in_torch[activation])
    optimizer = make_torch_optimizer("sgd", module, 0.1, 0)
    curve = train_torch(
        module, X, y, optimizer, batch_size=50, n_epochs=10, loss=F.cross_entropy
    )
    model = MLPBackprop(
        12,
        activation,
        weight_init=weights,
        bias_init=biases,
        standardize=False,
        solver="sgd",
        nesterovs_momentum=False,
        alpha=0,
        learning_rate_init=0.1,
        batch_size=50,
        max_iter=10,
        **ALL_EPOCHS,
    ).fit(X, y)
    np.testing.assert_allclose(model.loss_curve_, curve, rtol=1e-10)


def test_an_activation_for_each_layer(digits, rng):
    X, y = digits[0][:300] / 16, digits[1][:300]
    weights, biases = first_arrays(rng, 64, 8, 6, 10)
    model = MLPBackprop(
        [8, 6],
        ["tanh", "sigmoid"],
        weight_init=weights,
        bias_init=biases,
        standardize=False,
        max_iter=3,
        **ALL_EPOCHS,
    ).fit(X, y)
    (W1, W2, W3), (b1, b2, b3) = model.coefs_, model.intercepts_
    hidden = expit(np.tanh(X @ W1 + b1) @ W2 + b2)
    np.testing.assert_allclose(model.transform(X), hidden, atol=1e-12)
    np.testing.assert_allclose(model.decision_function(X), hidden @ W3 + b3, atol=1e-12)


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
