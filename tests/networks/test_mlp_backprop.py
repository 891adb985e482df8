"""MLPBackprop against torch, against loops written out, and against what is known."""

import copy
import pickle
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional as F

from skvision import MLPBackprop, PixelNormalizer, SoftmaxRegression
from skvision.augmentation import RandomFlip
from skvision.inspection import (
    first_loss_check,
    gradient_check_estimator,
    overfit_check,
)

XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])

# All epochs, in the order of the rows
ALL_EPOCHS = {"n_iter_no_change": 10_000, "shuffle": False, "random_state": 0}

# One batch an epoch besides
ONE_BATCH = {**ALL_EPOCHS, "batch_size": 10_000}

# As the perceptron of textbooks is trained
TEXTBOOK = {
    **ALL_EPOCHS,
    "activation": "sigmoid",
    "loss": "squared_error",
    "out_activation": "sigmoid",
    "solver": "sgd",
    "momentum": 0.0,
    "batch_size": 1,
    "standardize": False,
    "alpha": 0.0,
}

LOSSES = [
    {"loss": "cross_entropy"},
    {"loss": "cross_entropy", "label_smoothing": 0.2},
    {"loss": "hinge"},
    {"loss": "squared_hinge"},
    {"loss": "squared_error"},
    {"loss": "squared_error", "out_activation": "sigmoid"},
]

ACTIVATIONS = ["relu", "leaky_relu", "elu", "tanh", "sigmoid", "identity"]


@pytest.fixture(scope="module", autouse=True)
def one_thread_for_torch():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


@pytest.fixture
def few(rng):
    """Return 60 rows of floats of three classes, which overlap."""
    y = np.arange(60) % 3
    return rng.normal(size=(60, 5)) + 0.7 * y[:, None], y


@pytest.fixture
def pictures(rng):
    """Return 40 images of bytes, of two classes of other brightness."""
    y = np.arange(40) % 2
    images = rng.integers(0, 200, (40, 4, 5, 3)) + 40 * y[:, None, None, None]
    return images.astype(np.uint8), y


def first_arrays(rng, *sizes):
    """Return first weights and biases of layers of these sizes."""
    weights = [rng.normal(size=pair) / np.sqrt(pair[0]) for pair in pairwise(sizes)]
    return weights, [0.1 * rng.normal(size=size) for size in sizes[1:]]


def nothing_fitted(model):
    return vars(model).keys() == model.get_params(deep=False).keys()


# Against torch


def module_of(weights, biases, *, activation=nn.Tanh, batch_norm=False):
    """Return the network in torch."""
    layers = []
    for i, (W, b) in enumerate(zip(weights, biases, strict=True)):
        hidden = i < len(weights) - 1
        normed = hidden and batch_norm
        layers.append(nn.Linear(*W.shape, bias=not normed, dtype=torch.float64))
        layers += [nn.BatchNorm1d(len(b), dtype=torch.float64)] if normed else []
        with torch.no_grad():
            layers[-1 - normed].weight.copy_(torch.from_numpy(W.T))
            layers[-1].bias.copy_(torch.from_numpy(b))
        layers += [activation()] if hidden else []
    return nn.Sequential(*layers)


def matrices(module):
    return [layer.weight for layer in module if isinstance(layer, nn.Linear)]


def make_torch_optimizer(solver, module, rate, alpha, nesterov=False):
    weights = matrices(module)
    others = [p for p in module.parameters() if all(p is not W for W in weights)]
    decays = [{"params": weights, "weight_decay": alpha}, {"params": others}]
    make = {
        "adam": lambda: torch.optim.Adam([*weights, *others], rate),
        "adamw": lambda: torch.optim.AdamW(decays, rate, weight_decay=0),
        "sgd": lambda: torch.optim.SGD(
            [*weights, *others], rate, momentum=0.9, nesterov=nesterov
        ),
        "rmsprop": lambda: torch.optim.RMSprop([*weights, *others], rate),
        "adagrad": lambda: torch.optim.Adagrad([*weights, *others], rate),
    }
    return make[solver]()


def train_torch(
    module, X, y, optimizer, *, batch_size, n_epochs, alpha=0.0, l1_ratio=0.0, loss
):
    """Train in the order of the rows, and return the mean objective of each epoch."""
    X, y, curve = torch.from_numpy(X), torch.from_numpy(y), []
    for _ in range(n_epochs):
        total = 0.0
        for x, labels in zip(X.split(batch_size), y.split(batch_size), strict=True):
            value = loss(module(x), labels)
            for W in matrices(module):
                value = value + alpha * (1 - l1_ratio) / 2 * W.square().sum()
                value = value + alpha * l1_ratio * W.abs().sum()
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            total += len(x) * value.item()
        curve.append(total / len(X))
    module.eval()
    return curve


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


# As textbooks have it


def train_by_hand(X, targets, W1, b1, W2, b2, *, rate, n_epochs):
    """Train a two-layer sigmoid perceptron, row by row."""
    W1, b1, W2, b2 = (array.copy() for array in (W1, b1, W2, b2))
    curve = np.zeros(n_epochs)
    for epoch in range(n_epochs):
        for x, target in zip(X, targets, strict=True):
            hidden = expit(x @ W1 + b1)
            out = expit(hidden @ W2 + b2)
            curve[epoch] += np.sum((out - target) ** 2) / 2 / len(X)
            d_out = (out - target) * out * (1 - out)
            d_hidden = W2 @ d_out * hidden * (1 - hidden)
            W2 -= rate * np.outer(hidden, d_out)
            b2 -= rate * d_out
            W1 -= rate * np.outer(x, d_hidden)
            b1 -= rate * d_hidden
    return curve, (W1, W2), (b1, b2)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_textbook_perceptron_written_out(n_classes, few, rng):
    X, y = few[0], few[1] % n_classes
    n_outputs = n_classes if n_classes > 2 else 1
    weights, biases = first_arrays(rng, 5, 4, n_outputs)
    targets = np.eye(n_classes)[y][:, -n_outputs:]
    curve, by_hand, biases_by_hand = train_by_hand(
        X, targets, weights[0], biases[0], weights[1], biases[1], rate=0.5, n_epochs=15
    )
    model = MLPBackprop(
        4,
        weight_init=weights,
        bias_init=biases,
        learning_rate_init=0.5,
        max_iter=15,
        **TEXTBOOK,
    ).fit(X, y)
    np.testing.assert_allclose(model.loss_curve_, curve, rtol=1e-11)
    for ours, theirs in zip(model.coefs_, by_hand, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-11)
    for ours, theirs in zip(model.intercepts_, biases_by_hand, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-11)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_zero_weights_stay_identical_for_ever(activation, digits):
    parameters = {**TEXTBOOK, "activation": activation, "learning_rate_init": 1.0}
    model = MLPBackprop(4, weight_init="zeros", max_iter=300, **parameters).fit(*XOR)
    assert model.score(*XOR) < 1
    on_digits = MLPBackprop(
        4, activation, weight_init="zeros", max_iter=10, random_state=0
    ).fit(*digits)
    for fitted in (model, on_digits):
        into, out = fitted.coefs_
        np.testing.assert_allclose(into, into[:, :1].repeat(4, axis=1), atol=1e-12)
        np.testing.assert_allclose(out, out[:1].repeat(4, axis=0), atol=1e-12)


@pytest.mark.parametrize("seed", range(2))
def test_four_sigmoid_units_learn_xor(seed):
    parameters = {**TEXTBOOK, "random_state": seed, "weight_init": "xavier"}
    by_rows = MLPBackprop(4, learning_rate_init=3.0, max_iter=600, **parameters)
    assert by_rows.fit(*XOR).score(*XOR) == 1
    parameters |= {"solver": "lbfgs", "batch_size": "auto", "tol": 1e-6}
    assert MLPBackprop(4, max_iter=1000, **parameters).fit(*XOR).score(*XOR) == 1


def test_two_spirals():
    r = np.linspace(0.05, 1, 100)
    arms = [1.5 * np.pi * r, 1.5 * np.pi * r + np.pi]
    X = np.vstack([np.column_stack([r * np.cos(a), r * np.sin(a)]) for a in arms])
    y = np.repeat([0, 1], 100)
    model = MLPBackprop(
        learning_rate_init=0.01, max_iter=500, n_iter_no_change=500, random_state=0
    )
    assert model.fit(X, y).score(X, y) >= 0.98
    linear = MLPBackprop((), learning_rate_init=0.01, random_state=0)
    assert linear.fit(X, y).score(X, y) < 0.8


@pytest.mark.parametrize("parameters", [{}, {"batch_norm": True}, {"loss": "hinge"}])
def test_learns_twenty_pictures_by_heart(parameters, rng):
    images = rng.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    model = MLPBackprop(max_iter=30, random_state=0, **parameters)
    check = overfit_check(model, images, np.arange(40) % 10, random_state=0)
    assert check, check


def test_first_loss_is_that_of_chance(digits):
    X, y = digits[0][:200], digits[1][:200]
    small = {"weight_init": "normal", "random_state": 0}
    check = first_loss_check(MLPBackprop(**small), X, y, loss="log_loss")
    assert check, check
    assert check.first_loss == pytest.approx(np.log(10), abs=0.01)
    for loss in ("hinge", "squared_hinge"):
        check = first_loss_check(MLPBackprop(loss=loss, **small), X, y)
        assert check, check
        assert check.first_loss == pytest.approx(9, abs=0.1)
    # weights as large as these give opinions
    check = first_loss_check(MLPBackprop(random_state=0), X, y, loss="log_loss")
    assert check.first_loss > np.log(10) + 0.2


def test_first_loss_check_knows_the_loss(digits):
    check = first_loss_check(MLPBackprop(weight_init="normal", random_state=0), *digits)
    assert check.chance == pytest.approx(np.log(10))


@pytest.mark.parametrize(
    ("loss", "mean"),
    [
        ("cross_entropy", 2.7587),
        ("hinge", (2.9 + 12.9) / 3),
        ("squared_hinge", (8.41 + 83.25) / 3),
    ],
)
def test_losses_of_three_pictures(loss, mean):
    scores = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    model = MLPBackprop(
        (),
        loss=loss,
        weight_init=[np.eye(3)],
        standardize=False,
        alpha=0,
        max_iter=1,
        **ONE_BATCH,
    )
    model.fit(scores, ["car", "frog", "horse"])
    assert np.isfinite(model.loss_curve_[0])
    model.fit(scores, [0, 1, 2])  # cat, car and frog
    assert model.loss_curve_[0] == pytest.approx(mean, abs=1e-4)


# The objective


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


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("parameters", LOSSES)
def test_gradients_of_each_loss(parameters, n_classes, batch_norm, few, rng):
    X, y = few[0], few[1] % n_classes
    model = MLPBackprop(
        (6, 4), batch_norm=batch_norm, max_iter=3, random_state=0, **parameters
    ).fit(X, y)
    check = gradient_check_estimator(
        model,
        X,
        y,
        sample_weight=rng.random(60),
        n_coordinates=12,
        jitter=0.1,
        random_state=0,
    )
    assert check.passed, check


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


# What can be chosen


@pytest.mark.parametrize(
    "parameters",
    [
        *({"activation": name} for name in ACTIVATIONS),
        *LOSSES,
        {"weight_init": "xavier"},
        {"weight_init": "normal"},
        {"hidden_layer_sizes": (), "weight_init": "zeros"},
        {"hidden_layer_sizes": (60, 40), "activation": ["tanh", "relu"]},
        {"solver": "adamw", "alpha": 0.1},
        {"solver": "sgd", "learning_rate_init": 0.05},
        {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.3},
        {"solver": "rmsprop", "learning_rate_init": 0.003},
        {"solver": "adagrad", "learning_rate_init": 0.05},
        {"solver": "lbfgs", "alpha": 0.01, "tol": 0.01, "max_iter": 100},
        {"dropout": 0.2},
        {"dropout": (0.1, 0.3)},
        {"batch_norm": True},
        {"batch_norm": True, "dropout": 0.2, "average_last": 5},
        {"max_norm": 3.0},
        {"max_gradient_norm": 1.0},
        {"l1_ratio": 0.5},
        {"average_last": 5},
        {"learning_rate": "one_cycle", "learning_rate_init": 0.02},
    ],
    ids=str,
)
def test_all_of_them_learn_digits(parameters, digits):
    X, y = digits
    parameters = {"learning_rate_init": 0.01, "max_iter": 15} | parameters
    model = MLPBackprop(random_state=0, **parameters).fit(X[:1000], y[:1000])
    assert model.score(X[1000:], y[1000:]) > 0.87


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        ("constant", [1, 1, 1, 1, 1, 1]),
        ("step", [1, 1, 0.1, 0.1, 0.01, 0.01]),
        ("exponential", 0.01 ** (np.arange(6) / 6)),
        ("cosine", (1 + np.cos(np.pi * np.arange(6) / 6)) / 2),
        ("invscaling", 1 / np.sqrt(np.arange(1, 7))),
        ("one_cycle", None),
    ],
)
def test_learning_rates(name, rates, few):
    model = MLPBackprop(
        2, learning_rate=name, learning_rate_init=0.01, max_iter=6, random_state=0
    ).fit(*few)
    found = model.history_["learning_rate"] / 0.01
    if name == "one_cycle":
        assert found[0] == pytest.approx(1 / 25)
        assert found.argmax() == 2
        assert (np.diff(found)[:2] > 0).all()
        assert (np.diff(found)[2:] < 0).all()
    else:
        np.testing.assert_allclose(found, rates)


def test_adaptive_rate_falls_where_the_loss_stands(few):
    model = MLPBackprop(
        learning_rate="adaptive",
        learning_rate_init=0.1,
        tol=0.5,
        n_iter_no_change=6,
        random_state=0,
    ).fit(*few)
    rates = model.history_["learning_rate"]
    assert model.n_iter_ < 50
    assert rates[0] == 0.1
    assert np.unique(rates.round(12)).tolist() == pytest.approx([0.004, 0.02, 0.1])


@pytest.mark.parametrize("name", ["cosine", "one_cycle"])
def test_planned_rates_run_to_the_end(name, few):
    parameters = {"tol": 10.0, "n_iter_no_change": 1, "max_iter": 9}
    model = MLPBackprop(4, learning_rate=name, **parameters).fit(*few)
    assert model.n_iter_ == 9
    assert MLPBackprop(4, **parameters).fit(*few).n_iter_ < 9


def test_stops_where_the_loss_falls_no_more(few):
    model = MLPBackprop(
        5, learning_rate_init=0.05, tol=0.01, n_iter_no_change=4, random_state=0
    ).fit(*few)
    losses = model.loss_curve_
    assert 5 < model.n_iter_ == len(losses) < 200
    falls = np.minimum.accumulate(losses)[:-1] - losses[1:]
    assert falls[-4:].max() <= 0.01 < falls[-5]


def test_weights_are_drawn_as_they_are_named(rng):
    X, y = rng.normal(size=(10, 400)), np.arange(10) % 5

    def first(name):
        model = MLPBackprop(
            300, weight_init=name, learning_rate_init=1e-300, alpha=0, max_iter=1
        )
        model.fit(X, y)
        assert abs(np.concatenate(model.intercepts_)).max() < 1e-200
        return [W.std() for W in model.coefs_]

    assert first("he") == pytest.approx([(2 / 400) ** 0.5, (2 / 300) ** 0.5], rel=0.1)
    xavier = [(2 / 700) ** 0.5, (2 / 305) ** 0.5]
    assert first("xavier") == pytest.approx(xavier, rel=0.1)
    assert first("normal") == pytest.approx([0.01, 0.01], rel=0.1)
    assert first("zeros") == pytest.approx([0, 0], abs=1e-200)


# Predictions


def test_predictions_of_three_classes(few):
    X, y = few[0], np.array(["a", "b", "c"])[few[1]]
    model = MLPBackprop(6, max_iter=20, random_state=0).fit(X, y)
    assert model.classes_.tolist() == ["a", "b", "c"]
    scores, proba = model.decision_function(X), model.predict_proba(X)
    assert scores.shape == proba.shape == (60, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(proba), rtol=1e-9)
    np.testing.assert_array_equal(model.predict(X), model.classes_[proba.argmax(1)])
    assert model.score(X, y) == np.mean(model.predict(X) == y)


@pytest.mark.parametrize("loss", ["cross_entropy", "hinge", "squared_error"])
def test_two_classes_are_one_column(loss, few):
    X, y = few[0], np.array(["no", "yes"])[few[1] % 2]
    model = MLPBackprop(6, loss=loss, max_iter=20, random_state=0).fit(X, y)
    assert model.coefs_[-1].shape == (6, 1)
    scores = model.decision_function(X)
    assert scores.shape == (60,)
    np.testing.assert_array_equal(model.predict(X) == "yes", scores > 0)
    if loss == "cross_entropy":
        proba = model.predict_proba(X)
        np.testing.assert_allclose(proba, np.c_[expit(-scores), expit(scores)])
        np.testing.assert_allclose(model.predict_log_proba(X), np.log(proba))


def test_two_classes_as_torch_has_two_columns(few, rng):
    """One output is as good as two whose difference it is."""
    X, y = few[0], few[1] % 2
    model = MLPBackprop(6, max_iter=5, random_state=0).fit(X, y)
    value = F.cross_entropy(
        torch.from_numpy(np.c_[np.zeros(60), model.decision_function(X)]),
        torch.from_numpy(y),
    )
    model.set_params(alpha=0)
    assert model.loss_and_gradient(X, y)[0] == pytest.approx(value.item(), rel=1e-12)


def test_log_probabilities_where_probabilities_round_to_zero():
    for n_classes in (2, 3):
        model = MLPBackprop((), standardize=False, max_iter=50, random_state=0)
        X = np.arange(3.0 * n_classes)[:, None]
        model.fit(X, np.arange(len(X)) // 3)
        log_proba = model.predict_log_proba([[1e6]])
        assert np.isfinite(log_proba).all()
        assert log_proba.min() < -1e3
        assert log_proba.max() == 0


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge", "squared_error"])
def test_other_losses_have_no_probabilities(loss, few):
    model = MLPBackprop(4, loss=loss, max_iter=2).fit(*few)
    for method in ("predict_proba", "predict_log_proba"):
        assert not hasattr(model, method)
        with pytest.raises(AttributeError) as error:
            getattr(model, method)
        assert f"loss='{loss}'" in str(error.value.__cause__)
    assert hasattr(MLPBackprop(), "predict_proba")


def test_predictions_come_by_blocks(monkeypatch, few, rng):
    import skvision._training.inputs as inputs_module

    X = rng.normal(size=(1000, 5))
    model = MLPBackprop(6, max_iter=2, random_state=0).fit(*few)
    scores, features = model.decision_function(X), model.transform(X)
    monkeypatch.setattr(inputs_module, "BLOCK_BYTES", 2000)
    np.testing.assert_allclose(model.decision_function(X), scores, rtol=1e-12)
    np.testing.assert_allclose(model.transform(X), features, atol=1e-12)


def test_not_fitted(few):
    model = MLPBackprop()
    for method in ("predict", "decision_function", "predict_proba", "transform"):
        with pytest.raises(NotFittedError):
            getattr(model, method)(few[0])
    with pytest.raises(NotFittedError):
        model.loss_and_gradient(*few)
    assert not hasattr(model, "n_parameters_")


# Weights


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


# Dropout and batch norm


def test_dropout_is_for_training_only(digits):
    X, y = digits[0][:200], digits[1][:200]
    model = MLPBackprop(20, dropout=(0.1, 0.5), max_iter=5, **ALL_EPOCHS).fit(X, y)
    plain = clone(model).set_params(dropout=0.0).fit(X, y)
    assert abs(model.parameters_ - plain.parameters_).max() > 1e-3
    scores = model.decision_function(X)
    np.testing.assert_array_equal(scores, model.decision_function(X))
    (W1, W2), (b1, b2) = model.coefs_, model.intercepts_
    scaled = StandardScaler().fit_transform(X)
    by_hand = np.maximum(scaled @ W1 + b1, 0) @ W2 + b2  # nothing is scaled down
    np.testing.assert_allclose(scores, by_hand, atol=1e-10)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (0.0, (0.0, 0.0, 0.0), True),
        (0.3, (0.0, 0.3, 0.3), True),
        (0.3, [0.1, 0.3, 0.3], False),
        (0.3, [0.0, 0.3, 0.0], False),
    ],
)
def test_rates_of_each_layer(one, other, same, few):
    model = MLPBackprop((8, 6), max_iter=3, random_state=0)
    a = clone(model).set_params(dropout=one).fit(*few)
    b = clone(model).set_params(dropout=other).fit(*few)
    assert np.array_equal(a.parameters_, b.parameters_) == same


@pytest.mark.parametrize("dropout", [(0.5, 0.0), (0.0, 0.5)])
def test_each_epoch_drops_others(dropout, few):
    """Steps too short to change the gradient differ where other units are dropped."""
    model = MLPBackprop(
        20, dropout=dropout, solver="sgd", momentum=0.0, alpha=0, **ONE_BATCH
    ).set_params(learning_rate_init=1e-7)
    places = []
    for _ in range(4):
        places.append(model.partial_fit(*few, classes=[0, 1, 2]).parameters_.copy())
    steps = np.diff(places, axis=0) / 1e-7
    for first, second in pairwise(steps):
        assert np.linalg.norm(first - second) > 0.1 * np.linalg.norm(first)


def test_predictions_with_batch_norm_do_not_depend_on_company(few):
    X, y = few
    model = MLPBackprop((8, 6), batch_norm=True, max_iter=10, random_state=0).fit(X, y)
    scores = model.decision_function(X)
    alone = np.vstack([model.decision_function(x[None]) for x in X])
    np.testing.assert_allclose(alone, scores, atol=1e-12)
    np.testing.assert_allclose(model.transform(X[:1]), model.transform(X)[:1])


def test_a_batch_of_one_row_joins_the_last(few):
    X, y = few[0][:33], few[1][:33]
    model = MLPBackprop(4, batch_norm=True, batch_size=16, max_iter=3).fit(X, y)
    assert np.isfinite(model.decision_function(X)).all()


# Standardization


def standardized(X, y, **parameters):
    """Return what goes into the network, and the model."""
    model = MLPBackprop((), max_iter=1, random_state=0, **parameters).fit(X, y)
    return model.transform(X), model


def test_rows_are_standardised_by_column(few):
    X, y = few[0] * [1, 10, 100, 1e3, 1e4] + 50, few[1]
    X[:, 2] = 7
    rows, _ = standardized(X, y)
    np.testing.assert_allclose(rows, StandardScaler().fit_transform(X), atol=1e-11)
    raw, _ = standardized(X, y, standardize=False)
    np.testing.assert_array_equal(raw, X)


@pytest.mark.parametrize("flat", [False, True])
def test_pictures_are_standardised_by_channel(flat, pictures):
    images, y = pictures
    images[..., 1] = 9
    expected = images - images.mean(axis=(0, 1, 2))
    expected[..., [0, 2]] /= images[..., [0, 2]].std(axis=(0, 1, 2))
    given = images.reshape(40, -1) if flat else images
    shape = (4, 5, 3) if flat else None
    rows, model = standardized(given, y, image_shape=shape)
    assert model.image_shape_ == (4, 5, 3)
    np.testing.assert_allclose(rows, expected.reshape(40, -1), atol=1e-5)


def test_gray_pictures_are_one_channel(pictures):
    images, y = pictures[0][..., 0], pictures[1]
    rows, model = standardized(images, y)
    expected = (images - images.mean()) / images.std()
    np.testing.assert_allclose(rows, expected.reshape(40, -1), atol=1e-5)
    assert model.image_shape_ == (4, 5, 1)


def test_standardised_by_weighted_rows(few, rng):
    weights = rng.random(60)
    model = MLPBackprop((), max_iter=1).fit(*few, weights)
    mean = np.average(few[0], axis=0, weights=weights)
    variance = np.average((few[0] - mean) ** 2, axis=0, weights=weights)
    np.testing.assert_allclose(
        model.transform(few[0]), (few[0] - mean) / np.sqrt(variance), atol=1e-12
    )


def test_bytes_are_as_floats(pictures):
    images, y = pictures
    model = MLPBackprop(8, max_iter=5, random_state=0)
    a = clone(model).fit(images, y)
    b = clone(model).fit(images.astype(np.float32), y)
    np.testing.assert_array_equal(a.parameters_, b.parameters_)
    np.testing.assert_array_equal(
        a.decision_function(images), b.decision_function(images.astype(np.float32))
    )


def rows_held_out(y, **parameters):
    """Return the rows that early stopping holds out: columns that never vary."""
    X = np.eye(len(y))
    model = MLPBackprop(
        (), early_stopping=True, max_iter=1, random_state=0, **parameters
    ).fit(X, y)
    return np.flatnonzero(model.transform(np.zeros_like(X))[0] == 0)


def test_standardised_by_rows_learned_from():
    y = np.arange(60) % 3
    held_out = rows_held_out(y, validation_fraction=0.2)
    assert np.bincount(y[held_out]).tolist() == [4, 4, 4]
    X = np.random.default_rng(0).normal(size=(60, 4))
    X[held_out] += 100
    learned = np.setdiff1d(np.arange(60), held_out)
    rows, _ = standardized(X, y, early_stopping=True, validation_fraction=0.2)
    expected = StandardScaler().fit(X[learned]).transform(X)
    np.testing.assert_allclose(rows, expected, atol=1e-10)


def test_standardised_without_pictures_to_validate_on(few):
    X, y = few
    model = MLPBackprop((), early_stopping=True, max_iter=1)
    model.fit(X, y, X_val=X + 100, y_val=y)
    expected = StandardScaler().fit_transform(X)
    np.testing.assert_allclose(model.transform(X), expected, atol=1e-12)


# Augmentation and averaged predictions


class Recorder:
    """An augmentation that changes nothing and remembers what it was asked."""

    def __init__(self, interrupt_at=None, error=KeyboardInterrupt):
        self.seen, self.interrupt_at, self.error = [], interrupt_at, error

    def __call__(self, images, rng):
        if len(self.seen) == self.interrupt_at:
            raise self.error
        self.seen.append((images.dtype, images.shape, type(rng)))
        return images


@pytest.mark.parametrize("layout", ["color", "gray", "rows"])
def test_augmentation_sees_batches_of_bytes(layout, pictures):
    images, y = pictures
    shape = (4, 5, 3)
    if layout == "gray":
        images, shape = images[..., 0], (4, 5, 1)
    asked = {"image_shape": shape} if layout == "rows" else {}
    X = images.reshape(40, -1) if layout == "rows" else images
    recorder = Recorder()
    model = MLPBackprop(
        8, augmentation=recorder, batch_size=16, max_iter=2, random_state=0, **asked
    ).fit(X, y)
    sizes = [shape[0] for _, shape, _ in recorder.seen]
    assert sizes == [16, 16, 8] * 2
    assert {s[1:] for _, s, _ in recorder.seen} == {shape}
    assert {dtype for dtype, _, _ in recorder.seen} == {np.dtype(np.uint8)}
    assert {kind for _, _, kind in recorder.seen} == {np.random.Generator}
    model.predict(X)
    model.predict_proba(X)
    model.transform(X)
    model.loss_and_gradient(X, y)
    assert len(recorder.seen) == 6  # never at prediction
    plain = MLPBackprop(8, batch_size=16, max_iter=2, random_state=0, **asked)
    np.testing.assert_array_equal(model.parameters_, plain.fit(X, y).parameters_)


def test_pictures_to_validate_on_are_not_augmented(pictures):
    recorder = Recorder()
    MLPBackprop(
        8, augmentation=recorder, early_stopping=True, max_iter=2, n_iter_no_change=9
    ).fit(*pictures, X_val=pictures[0], y_val=pictures[1])
    assert [shape[0] for _, shape, _ in recorder.seen] == [40, 40]


def test_augmentation_changes_what_is_learned_from(pictures):
    images, y = pictures
    before = images.copy()
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    model = MLPBackprop(8, max_iter=5, **ALL_EPOCHS)
    always = clone(model).set_params(augmentation=lambda images, rng: mirror(images))
    a = always.fit(images, y)
    b = clone(model).fit(mirrored, y)
    np.testing.assert_allclose(a.parameters_, b.parameters_, atol=1e-4)
    c = clone(model).fit(images, y)
    assert abs(a.parameters_ - c.parameters_).max() > 0.01
    np.testing.assert_array_equal(images, before)


def mirror(images):
    return images[:, :, ::-1]


def blacken(images, rng):
    images[...] = 0
    return images


def test_augmentation_may_work_in_place(pictures):
    before = pictures[0].copy()
    MLPBackprop(8, augmentation=blacken, max_iter=1).fit(*pictures)
    MLPBackprop(8, augmentation=blacken, max_iter=1, batch_size=40, shuffle=False).fit(
        *pictures
    )
    np.testing.assert_array_equal(pictures[0], before)


def test_flat_rows_are_augmented_as_pictures(pictures):
    images, y = pictures
    model = MLPBackprop(8, augmentation=RandomFlip(), max_iter=5, random_state=0)
    a = clone(model).fit(images, y)
    b = clone(model).set_params(image_shape=(4, 5, 3)).fit(images.reshape(40, -1), y)
    np.testing.assert_array_equal(a.parameters_, b.parameters_)
    c = clone(model).set_params(augmentation=None).fit(images, y)
    assert (a.parameters_ != c.parameters_).any()


def test_augmentation_draws_anew_each_epoch(pictures):
    drawn = []

    def draw(images, rng):
        drawn.append(rng.random())
        return images

    model = MLPBackprop(8, augmentation=draw, max_iter=3, random_state=0)
    model.fit(*pictures)
    model.partial_fit(*pictures)
    assert len(set(drawn)) == 4
    clone(model).fit(*pictures)
    assert drawn[4:] == drawn[:3]


@pytest.mark.parametrize("parameter", ["augmentation", "tta"])
def test_flat_rows_are_no_pictures(parameter, pictures):
    value = RandomFlip() if parameter == "augmentation" else True
    model = MLPBackprop(8, **{parameter: value})
    with pytest.raises(ValueError, match=f"{parameter} needs images.*image_shape"):
        model.fit(pictures[0].reshape(40, -1), pictures[1])
    assert nothing_fitted(model)


def test_floats_are_not_augmented_as_bytes(pictures):
    model = MLPBackprop(8, augmentation=RandomFlip())
    with pytest.raises(TypeError, match=r"RandomFlip needs images of bytes.*float64"):
        model.fit(pictures[0] / 255, pictures[1])
    assert nothing_fitted(model)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda images, rng: images[:, :2],
        lambda images, rng: images[:5],
        lambda images, rng: None,
    ],
)
def test_augmentation_of_another_shape(spoil, pictures):
    model = MLPBackprop(8, augmentation=spoil)
    with pytest.raises((ValueError, TypeError), match="augmentation"):
        model.fit(*pictures)
    assert nothing_fitted(model)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_tta_averages_scores_with_mirrored_pictures(n_classes, pictures):
    images, y = pictures[0], np.arange(40) % n_classes
    model = MLPBackprop(8, tta=True, max_iter=5, random_state=0).fit(images, y)
    plain = copy.deepcopy(model).set_params(tta=False)
    both = plain.decision_function(images), plain.decision_function(mirror(images))
    assert abs(both[0] - both[1]).max() > 0.1
    scores = model.decision_function(images)
    np.testing.assert_allclose(scores, np.mean(both, axis=0), rtol=1e-5)
    again = model.decision_function(mirror(images))
    np.testing.assert_allclose(again, scores, rtol=1e-5, atol=1e-6)
    winners = scores.argmax(axis=1) if n_classes > 2 else scores > 0
    np.testing.assert_array_equal(model.predict(images), winners)
    np.testing.assert_array_equal(model.predict_proba(images).argmax(axis=1), winners)
    rows = images.reshape(40, -1)
    np.testing.assert_array_equal(model.decision_function(rows), scores)
    fitted_plain = clone(model).set_params(tta=False).fit(images, y)
    np.testing.assert_array_equal(model.parameters_, fitted_plain.parameters_)


def test_tta_switched_on_for_flat_rows(few):
    model = MLPBackprop(4, max_iter=1).fit(*few).set_params(tta=True)
    with pytest.raises(ValueError, match="tta needs images"):
        model.predict(few[0])


# Early stopping


def test_early_stopping_keeps_the_best(digits):
    X, y = digits[0][:500], digits[1][:500]
    model = MLPBackprop(
        20,
        batch_norm=True,
        learning_rate_init=0.01,
        early_stopping=True,
        n_iter_no_change=4,
        random_state=0,
    ).fit(X, y)
    scores = np.array(model.validation_scores_)
    assert len(scores) == model.n_iter_ == len(model.loss_curve_) < 200
    assert scores[-4:].max() <= scores[:-4].max() + 1e-4
    best = scores.argmax()
    assert best < model.n_iter_ - 1
    assert model.best_validation_score_ == scores.max() > 0.8
    held_out = rows_held_out(y)
    assert len(held_out) == 50
    assert model.score(X[held_out], y[held_out]) == model.best_validation_score_
    np.testing.assert_array_equal(model.history_["validation_score"], scores)
    again = clone(model).set_params(max_iter=best + 1, n_iter_no_change=200).fit(X, y)
    np.testing.assert_array_equal(again.parameters_, model.parameters_)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_pictures_given_to_validate_on(digits, rng):
    X, y = digits
    weights = rng.random(500)
    model = MLPBackprop(
        20, early_stopping=True, learning_rate_init=0.01, max_iter=8, **ALL_EPOCHS
    )
    model.fit(
        X[:500],
        y[:500],
        X_val=X[500:1000],
        y_val=y[500:1000],
        sample_weight_val=weights,
    )
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_validation_score_ == pytest.approx(
        model.score(X[500:1000], y[500:1000], sample_weight=weights)
    )
    watched = clone(model).set_params(early_stopping=False).fit(X[:500], y[:500])
    assert watched.loss_curve_ == model.loss_curve_  # all of X is learned from
    assert watched.validation_scores_ == []
    assert watched.best_validation_score_ is None
    assert np.isnan(watched.history_["validation_score"]).all()


@pytest.mark.parametrize("kind", ["bytes", "floats"])
def test_pipeline_transforms_pictures_to_validate_on(kind, pictures):
    images, y = pictures
    step = PixelNormalizer() if kind == "bytes" else StandardScaler()
    X = images if kind == "bytes" else images.reshape(40, -1).astype(float)
    model = MLPBackprop(8, early_stopping=True, max_iter=5, **ALL_EPOCHS)
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(X_val=True, y_val=True, sample_weight=False)
        pipe = make_pipeline(step, model, transform_input=["X_val"])
        pipe.fit(X[:30], y[:30], X_val=X[30:], y_val=y[30:])
    best = pipe[-1].best_validation_score_
    assert best == max(pipe[-1].validation_scores_) == pipe.score(X[30:], y[30:])


def test_rows_of_no_weight_are_not_held_out():
    X, y = np.random.default_rng(0).normal(size=(60, 4)), np.arange(60) % 3
    weights = (np.arange(60) % 2).astype(float)
    model = MLPBackprop(8, early_stopping=True, max_iter=5, random_state=0)
    a, b = clone(model).fit(X, y, weights), clone(model).fit(X[1::2], y[1::2])
    np.testing.assert_allclose(a.parameters_, b.parameters_, atol=1e-12)
    assert a.validation_scores_ == b.validation_scores_


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (lambda X, y: {"X_val": X}, "y_val is missing"),
        (lambda X, y: {"y_val": y}, "X_val is missing"),
        (lambda X, y: {"X_val": X[:, :3], "y_val": y}, r"validation set.*3 features"),
        (lambda X, y: {"X_val": X, "y_val": y[:9]}, "validation set.*inconsistent"),
        (lambda X, y: {"X_val": X * np.nan, "y_val": y}, "validation set.*NaN"),
        (lambda X, y: {"X_val": X, "y_val": y + 1}, r"y_val has the classes \[3\]"),
        (
            lambda X, y: {"X_val": X, "y_val": y, "sample_weight_val": -y},
            "validation set.*Negative values",
        ),
        (
            lambda X, y: {"X_val": X, "y_val": y, "sample_weight_val": 0 * y},
            "validation set.*non-zero",
        ),
    ],
)
def test_bad_pictures_to_validate_on(arguments, message, few):
    model = MLPBackprop(4, early_stopping=True, max_iter=2)
    with pytest.raises(ValueError, match=message):
        model.fit(*few, **arguments(*few))
    assert nothing_fitted(model)


def test_pictures_to_validate_on_need_early_stopping(few):
    model = MLPBackprop(4)
    with pytest.raises(ValueError, match="early_stopping=False would not use them"):
        model.fit(*few, X_val=few[0], y_val=few[1])
    assert nothing_fitted(model)


def test_history_says_which_epochs_were_validated(few):
    model = MLPBackprop(4, early_stopping=True, warm_start=True, max_iter=2)
    model.fit(*few).set_params(early_stopping=False).fit(*few)
    missing = np.isnan(model.history_["validation_score"])
    assert missing.tolist() == [False, False, True, True]


# Averages of weights


def test_average_of_the_last_epochs(few):
    model = MLPBackprop(6, max_iter=8, average_last=3, **ONE_BATCH).fit(*few)
    by_epochs, places = clone(model).set_params(average_last=None), []
    for _ in range(8):
        by_epochs.partial_fit(*few, classes=[0, 1, 2])
        places.append(by_epochs.parameters_)
    np.testing.assert_allclose(
        model.parameters_, np.mean(places[-3:], axis=0), atol=1e-14
    )
    assert model.loss_curve_ == by_epochs.loss_curve_
    assert model.n_iter_ == 8


@pytest.mark.parametrize("average_last", [2, 100])
def test_average_after_each_step(average_last, few):
    X, y = few
    model = MLPBackprop(
        6,
        standardize=False,
        batch_size=16,
        max_iter=4,
        average_last=average_last,
        **ALL_EPOCHS,
    ).fit(X, y)
    by_batches, places = clone(model).set_params(average_last=None), []
    for start in [0, 16, 32, 48] * 4:
        rows = slice(start, start + 16)
        by_batches.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        places.append(by_batches.parameters_)
    expected = np.mean(places[-4 * average_last :], axis=0)
    np.testing.assert_allclose(model.parameters_, expected, atol=1e-14)


def test_average_runs_to_the_end(few):
    model = MLPBackprop(
        4, average_last=2, max_iter=12, tol=10.0, n_iter_no_change=1
    ).fit(*few)
    assert model.n_iter_ == 12


def test_batch_norm_of_the_average(few):
    X, y = few
    model = MLPBackprop(
        6,
        "tanh",
        batch_norm=True,
        standardize=False,
        batch_size=16,
        learning_rate_init=0.05,
        max_iter=6,
        average_last=3,
        **ALL_EPOCHS,
    ).fit(X, y)
    (W1, W2), (shift, b2) = model.coefs_, model.intercepts_
    gain = model.parameters_[W1.size + W2.size :][:6]
    assert abs(gain - 1).min() > 0
    parts = [X[start : start + 16] @ W1 for start in (0, 16, 32, 48)]
    mean = np.mean([part.mean(axis=0) for part in parts], axis=0)
    variance = np.mean([part.var(axis=0, ddof=1) for part in parts], axis=0)
    normal = (X @ W1 - mean) / np.sqrt(variance + 1e-5)
    scores = np.tanh(gain * normal + shift) @ W2 + b2
    np.testing.assert_allclose(model.decision_function(X), scores, atol=1e-12)


# Going on


GOING_ON = [
    {},
    {"solver": "sgd", "learning_rate_init": 0.05},
    {"solver": "rmsprop", "batch_norm": True},
    {"solver": "adagrad", "dropout": (0.1, 0.2), "batch_size": 16, "shuffle": True},
    {"solver": "adamw", "alpha": 0.1, "batch_norm": True, "batch_size": 16},
]


@pytest.mark.parametrize("parameters", GOING_ON)
def test_two_warm_fits_are_one_of_twice_the_epochs(parameters, few):
    whole = MLPBackprop(6, max_iter=10, **ONE_BATCH | parameters).fit(*few)
    warm = clone(whole).set_params(warm_start=True, max_iter=5)
    warm.fit(*few)
    assert warm.n_iter_ == 5
    warm.fit(*few)
    assert warm.n_iter_ == 10
    np.testing.assert_array_equal(warm.parameters_, whole.parameters_)
    np.testing.assert_array_equal(
        warm.decision_function(few[0]), whole.decision_function(few[0])
    )
    assert warm.loss_curve_ == whole.loss_curve_
    for key, values in whole.history_.items():
        np.testing.assert_array_equal(warm.history_[key], values)


@pytest.mark.parametrize("parameters", GOING_ON)
def test_partial_fits_are_epochs(parameters, few):
    whole = MLPBackprop(6, max_iter=10, **ONE_BATCH | parameters).fit(*few)
    by_epochs = clone(whole)
    for _ in range(10):
        by_epochs.partial_fit(*few, classes=[0, 1, 2])
    np.testing.assert_array_equal(by_epochs.parameters_, whole.parameters_)
    np.testing.assert_array_equal(
        by_epochs.decision_function(few[0]), whole.decision_function(few[0])
    )
    assert by_epochs.loss_curve_ == whole.loss_curve_
    assert by_epochs.n_iter_ == 10


def test_partial_fit_follows_the_learning_rate(few):
    whole = MLPBackprop(6, learning_rate="cosine", max_iter=6, **ONE_BATCH).fit(*few)
    by_epochs = clone(whole)
    for _ in range(6):
        by_epochs.partial_fit(*few, classes=[0, 1, 2])
    np.testing.assert_array_equal(by_epochs.parameters_, whole.parameters_)


def test_partial_fit_keeps_the_first_standardization(few):
    X, y = few
    model = MLPBackprop(()).partial_fit(X, y, classes=[0, 1, 2])
    before = model.transform(X)
    model.partial_fit(100 + X, y)
    np.testing.assert_array_equal(model.transform(X), before)


def test_warm_lbfgs_starts_where_it_stopped(few):
    model = MLPBackprop(
        5, "tanh", solver="lbfgs", alpha=0.1, max_iter=1000, warm_start=True
    ).fit(*few)
    first = model.n_iter_
    model.fit(*few)
    assert model.n_iter_ <= first + 1
    assert len(model.history_["loss"]) == model.n_iter_


def test_warm_fit_by_another_solver(few):
    model = MLPBackprop(6, max_iter=5, warm_start=True, random_state=0).fit(*few)
    loss = model.loss_and_gradient(*few)[0]
    model.set_params(solver="sgd", learning_rate_init=1e-3).fit(*few)
    assert model.n_iter_ == 10
    assert model.loss_and_gradient(*few)[0] < loss


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_momentum_switched_on(method, few):
    model = MLPBackprop(
        6, solver="sgd", momentum=0.0, warm_start=True, max_iter=2, random_state=0
    ).fit(*few)
    getattr(model.set_params(momentum=0.9), method)(*few)
    assert np.isfinite(model.parameters_).all()


def test_warm_fit_of_another_precision(few):
    X, y = few
    model = MLPBackprop(6, warm_start=True, max_iter=3, random_state=0).fit(X, y)
    loss = model.loss_and_gradient(X, y)[0]
    model.fit(X.astype(np.float32), y)
    assert model.parameters_.dtype == np.float32
    assert model.loss_and_gradient(X, y)[0] < loss


def test_changed_layers_do_not_go_on(few):
    model = MLPBackprop(6, warm_start=True, max_iter=2, random_state=0).fit(*few)
    for change in ({"hidden_layer_sizes": 7}, {"activation": "tanh"}):
        other = copy.deepcopy(model).set_params(**change)
        for method in (other.fit, other.partial_fit):
            with pytest.raises(
                ValueError,
                match=r"goes on from a fit of another network: \w+ was .* and is now",
            ):
                method(*few)
    with pytest.raises(ValueError, match=r"of the classes .* got the classes"):
        model.fit(few[0], few[1] % 2)
    with pytest.raises(ValueError, match=r"3 features.*expecting 5 features"):
        model.fit(few[0][:, :3], few[1])
    with pytest.raises(ValueError, match="batch_norm"):
        model.set_params(batch_norm=True).fit(*few)


def test_partial_fit_errors(few):
    X, y = few
    with pytest.raises(ValueError, match="first call of partial_fit must name all"):
        MLPBackprop().partial_fit(X, y)
    with pytest.raises(ValueError, match="two at least"):
        MLPBackprop().partial_fit(X, y, classes=[0])
    with pytest.raises(ValueError, match="not among those announced"):
        MLPBackprop().partial_fit(X, y, classes=[0, 1])
    model = MLPBackprop(4).partial_fit(X[:1], y[:1], classes=[0, 1, 2])
    assert model.decision_function(X).shape == (60, 3)
    with pytest.raises(ValueError, match="not among those announced"):
        model.partial_fit(X, y + 1)
    with pytest.raises(ValueError, match="not the same as on the last call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"3 features.*expecting 5 features"):
        model.partial_fit(X[:, :3], y)
    for parameters, message in (
        ({"class_weight": "balanced"}, "needs all labels"),
        ({"early_stopping": True}, "does not go with early_stopping"),
        ({"average_last": 2}, "does not go with early_stopping or average_last"),
    ):
        model = MLPBackprop(**parameters)
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X, y, classes=[0, 1, 2])
        assert nothing_fitted(model)
    assert not hasattr(MLPBackprop(solver="lbfgs"), "partial_fit")
    assert hasattr(MLPBackprop(), "partial_fit")


def frozen(model):
    return pickle.dumps({key: vars(model)[key] for key in sorted(vars(model))})


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_failing_fit_leaves_the_fit_before(method, warm_start, pictures):
    images, y = pictures
    parameters = {"batch_norm": True, "dropout": 0.2, "batch_size": 16}
    model = MLPBackprop(
        8, max_iter=2, warm_start=warm_start, random_state=0, **parameters
    ).fit(images, y)
    scores = model.decision_function(images)
    before = frozen(model)
    model.set_params(augmentation=Recorder(1, error=RuntimeError))
    with pytest.raises(RuntimeError):
        getattr(model, method)(images, y)
    model.set_params(augmentation=None)
    for X, labels in ((images * np.nan, y), (images, y + 0.5), (images[:, :2], y[:9])):
        with pytest.raises(ValueError):
            getattr(model, method)(X, labels)
    assert frozen(model) == before
    np.testing.assert_array_equal(model.decision_function(images), scores)


# Fits that end early


def test_interrupted_fit_keeps_the_last_epoch(pictures):
    model = MLPBackprop(
        8, augmentation=Recorder(5), batch_size=20, batch_norm=True, random_state=0
    )
    with pytest.raises(KeyboardInterrupt, match="keeps the result of 2 of max_iter="):
        model.fit(*pictures)
    assert model.interrupted_
    two = clone(model).set_params(augmentation=Recorder(), max_iter=2).fit(*pictures)
    np.testing.assert_array_equal(model.parameters_, two.parameters_)
    np.testing.assert_array_equal(
        model.decision_function(pictures[0]), two.decision_function(pictures[0])
    )
    assert model.loss_curve_ == two.loss_curve_
    assert model.n_iter_ == len(model.history_["epoch"]) == 2


def test_interrupted_early_stopping_keeps_the_best(pictures):
    images, y = pictures
    noise = 1 - y  # the score falls as the loss does
    model = MLPBackprop(
        8, augmentation=Recorder(6), early_stopping=True, n_iter_no_change=99
    ).set_params(random_state=0, learning_rate_init=0.01)
    with pytest.raises(KeyboardInterrupt, match="keeps the result of 6 of"):
        model.fit(images, y, X_val=images, y_val=noise)
    assert len(model.validation_scores_) == 6
    assert model.best_validation_score_ == model.score(images, noise)
    assert model.best_validation_score_ > model.validation_scores_[-1]


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_interrupted_in_the_first_epoch(method, pictures):
    model = MLPBackprop(8, augmentation=Recorder(1), batch_size=20)
    with pytest.raises(KeyboardInterrupt):
        getattr(model, method)(
            *pictures, **({"classes": [0, 1]} if method == "partial_fit" else {})
        )
    assert nothing_fitted(model)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_warnings_point_at_the_call(solver, pictures):
    images, y = pictures
    model = MLPBackprop(8, solver=solver, max_iter=2, random_state=0)
    if solver == "adam":
        model.set_params(learning_rate_init=1e300)
    with pytest.warns(ConvergenceWarning) as warned:
        model.fit(images, y)
    assert warned[0].filename == __file__


WILD = {"solver": "sgd", "standardize": False, "batch_size": 20, "random_state": 0}


def test_diverging_fit_keeps_the_last_good_epoch(digits):
    X, y = digits[0][:300] * 1e3, digits[1][:300]
    model = MLPBackprop(learning_rate_init=1e6, **WILD)
    with pytest.warns(ConvergenceWarning, match=r"NaN in epoch 2.*epoch 1.*_init=1e"):
        model.fit(X, y)
    assert np.isfinite(model.parameters_).all()
    assert model.n_iter_ == len(model.loss_curve_) == 1
    assert np.isfinite(model.loss_curve_).all()


@pytest.mark.parametrize("batch_size", [20, 300])
def test_diverging_first_epoch_keeps_the_first_weights(batch_size, digits):
    X, y = digits[0][:300].astype(np.float32) * 1e10, digits[1][:300]
    parameters = {**WILD, "batch_size": batch_size, "learning_rate_init": 1e38}
    weights, biases = first_arrays(np.random.default_rng(0), 64, 4, 10)
    model = MLPBackprop(4, weight_init=weights, bias_init=biases, **parameters)
    with pytest.warns(ConvergenceWarning, match="in epoch 1; .* those at the start"):
        model.fit(X, y)
    assert model.n_iter_ == 0
    np.testing.assert_allclose(model.coefs_[0], weights[0], rtol=1e-6)
    assert model.history_["update_ratio"].shape == (0, 2)
    assert model.history_["loss"].shape == (0,)


def test_clipping_cures_divergence(digits):
    X, y = digits[0][:300], digits[1][:300]
    parameters = {**WILD, "batch_size": 100, "learning_rate_init": 0.003}
    model = MLPBackprop(20, "leaky_relu", loss="squared_hinge", **parameters)
    with pytest.warns(ConvergenceWarning, match="max_gradient_norm"):
        clone(model).fit(X, y)
    model.set_params(max_gradient_norm=2.0, max_iter=60).fit(X, y)
    assert model.score(X, y) > 0.95


def test_clipped_steps_are_of_the_length_of_the_limit(few):
    model = MLPBackprop(
        6, solver="sgd", momentum=0, max_gradient_norm=0.01, **ONE_BATCH
    ).set_params(learning_rate_init=1.0, max_iter=1)
    before = model.fit(*few).parameters_.copy()
    gradient = model.loss_and_gradient(*few)[1]["parameters_"]
    step = model.partial_fit(*few).parameters_ - before
    assert np.linalg.norm(step) == pytest.approx(0.01)
    np.testing.assert_allclose(
        step, -0.01 * gradient / np.linalg.norm(gradient), atol=1e-14
    )


def test_clipping_counts_the_penalty_with_any_solver(few):
    """A share of L1 too small to matter changes how the penalty is computed."""
    model = MLPBackprop(
        6, alpha=1.0, max_gradient_norm=0.1, max_iter=5, learning_rate_init=0.1
    ).set_params(**ONE_BATCH)
    a = clone(model).fit(*few)
    b = clone(model).set_params(l1_ratio=1e-13).fit(*few)
    np.testing.assert_allclose(a.parameters_, b.parameters_, atol=1e-6)


@pytest.mark.parametrize("average_last", [None, 3])
def test_no_unit_has_longer_weights_than_max_norm(average_last, digits):
    X, y = digits[0][:300], digits[1][:300]
    model = MLPBackprop(
        (20, 10), learning_rate_init=0.05, max_iter=10, average_last=average_last
    ).set_params(random_state=0)
    free = clone(model).fit(X, y)
    model.set_params(max_norm=0.8).fit(X, y)
    for W, unbound in zip(model.coefs_, free.coefs_, strict=True):
        assert np.linalg.norm(W, axis=0).max() <= 0.8 * (1 + 1e-12)
        assert np.linalg.norm(unbound, axis=0).max() > 0.8
    if average_last is None:
        assert np.linalg.norm(model.coefs_[0], axis=0).max() > 0.8 * (1 - 1e-12)


# Attributes


@pytest.mark.parametrize(
    ("n_features", "hidden", "n_classes", "batch_norm", "n_parameters"),
    [
        (3072, 100, 10, False, 308_310),
        (3072, (100,), 10, True, 308_410),
        (3, (4, 4), 2, False, 41),
        (7, (), 3, False, 24),
        (7, (), 2, False, 8),
    ],
)
def test_number_of_parameters(
    n_features, hidden, n_classes, batch_norm, n_parameters, rng
):
    X = rng.integers(0, 256, (20, n_features), dtype=np.uint8)
    model = MLPBackprop(hidden, batch_norm=batch_norm, max_iter=1)
    model.fit(X, np.arange(20) % n_classes)
    assert model.n_parameters_ == len(model.parameters_) == n_parameters
    assert all(np.shares_memory(W, model.parameters_) for W in model.coefs_)
    assert all(np.shares_memory(b, model.parameters_) for b in model.intercepts_)
    sizes = [n_features, *np.atleast_1d(hidden).astype(int)]
    sizes.append(n_classes if n_classes > 2 else 1)
    assert [W.shape for W in model.coefs_] == list(pairwise(sizes))
    assert [len(b) for b in model.intercepts_] == sizes[1:]
    assert model.n_features_in_ == n_features


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_history(solver, digits):
    X, y = digits
    model = MLPBackprop((20, 10), solver=solver, max_iter=6, tol=0.0, **ALL_EPOCHS)
    if solver == "lbfgs":
        with pytest.warns(ConvergenceWarning, match="max_iter=6 iterations"):
            model.fit(X, y)
    else:
        model.fit(X, y)
    history = model.history_
    assert set(history) == {
        "epoch",
        "loss",
        "validation_score",
        "learning_rate",
        "update_ratio",
    }
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert history["loss"].tolist() == model.loss_curve_
    assert np.isnan(history["validation_score"]).all()
    assert history["update_ratio"].shape == (6, 3)
    if solver == "adam":
        assert (history["learning_rate"] == 0.001).all()
        assert (history["update_ratio"] > 1e-4).all()
        assert (history["update_ratio"] < 1e-1).all()
    else:
        assert np.isnan(history["update_ratio"]).all()
        assert np.isnan(history["learning_rate"]).all()
        assert model.loss_curve_[-1] == pytest.approx(
            model.loss_and_gradient(X, y)[0], rel=1e-9
        )


def test_transform_and_names(few):
    X, y = few
    model = MLPBackprop((7, 4), max_iter=5, random_state=0).fit(X, y)
    features = model.transform(X)
    (W1, W2, W3), (b1, b2, b3) = model.coefs_, model.intercepts_
    hidden = np.maximum(StandardScaler().fit_transform(X) @ W1 + b1, 0)
    expected = np.maximum(hidden @ W2 + b2, 0)
    np.testing.assert_allclose(features, expected, atol=1e-12)
    np.testing.assert_allclose(model.decision_function(X), features @ W3 + b3)
    names = [f"mlpbackprop{i}" for i in range(4)]
    assert model.get_feature_names_out().tolist() == names
    table = model.set_output(transform="pandas").transform(X)
    assert list(table.columns) == names
    np.testing.assert_array_equal(table.to_numpy(), features)
    again = clone(model).fit_transform(X, y)
    np.testing.assert_array_equal(again.to_numpy(), features)


def test_transform_of_pictures(pictures):
    model = MLPBackprop(6, max_iter=2).set_output(transform="pandas").fit(*pictures)
    features = model.transform(pictures[0])
    assert list(features.columns) == [f"mlpbackprop{i}" for i in range(6)]
    assert features.shape == (40, 6)
    assert model.image_shape_ == (4, 5, 3)


@pytest.mark.parametrize("n_classes", [2, 10])
@pytest.mark.parametrize("alpha", [0.01, 0.1])
def test_no_hidden_layer_is_softmax_regression(n_classes, alpha, digits):
    X, y = StandardScaler().fit_transform(digits[0]), digits[1] % n_classes
    model = MLPBackprop(
        (), solver="lbfgs", alpha=alpha, standardize=False, tol=1e-8, max_iter=3000
    ).fit(X, y)
    linear = SoftmaxRegression(alpha, tol=1e-12).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0].T, linear.coef_, atol=1e-5)
    np.testing.assert_allclose(
        model.predict_proba(X), linear.predict_proba(X), atol=1e-6
    )
    assert model.loss_curve_[-1] == pytest.approx(linear.loss_curve_[-1], rel=1e-10)


@pytest.mark.parametrize("hidden", [7, (7,), [7], np.array([7]), np.int64(7)])
def test_ways_to_say_hidden_layers(hidden, few):
    model = MLPBackprop(hidden, max_iter=2, random_state=0).fit(*few)
    expected = MLPBackprop((7,), max_iter=2, random_state=0).fit(*few)
    np.testing.assert_array_equal(model.parameters_, expected.parameters_)


def test_lbfgs_where_nothing_is_to_be_done():
    """From weights of zero, the gradient of XOR is zero."""
    model = MLPBackprop(4, solver="lbfgs", weight_init="zeros").fit(*XOR)
    assert model.n_iter_ == 0
    assert not model.parameters_.any()
    assert model.history_["update_ratio"].shape == (0, 2)


# Callbacks


@pytest.mark.parametrize("parameters", [{}, {"batch_norm": True}, {"solver": "lbfgs"}])
def test_callbacks_see_each_epoch_and_stop(parameters, digits):
    callback = pytest.importorskip("sklearn.callback")
    images, y = digits[0].reshape(-1, 8, 8).astype(np.uint8), digits[1]
    seen = []

    class Stopper(callback.FitCallback):
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            if context.task_name == "iteration" and fitted_estimator is not None:
                seen.append(fitted_estimator.score(images, y))
                return len(seen) == 4

    model = MLPBackprop(20, random_state=0, **parameters).set_callbacks(Stopper())
    model.fit(images, y)
    assert len(seen) == model.n_iter_ == 4
    assert model.score(images, y) == seen[-1] > 0.3
    assert seen[-1] > seen[0]


def test_scores_are_monitored(few):
    callback = pytest.importorskip("sklearn.callback")
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = MLPBackprop(6, max_iter=5, **ONE_BATCH).set_callbacks(monitor).fit(*few)
    log = monitor.get_logs().data
    found = [entry["accuracy"] for entry in log if entry["task_name"] == "iteration"]
    by_epochs, expected = clone(model), []
    for _ in range(5):
        by_epochs.partial_fit(*few, classes=[0, 1, 2])
        expected.append(by_epochs.score(*few))
    assert found == expected


def test_progress_bar(few, capsys):
    callback = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    model = MLPBackprop(6, max_iter=3, random_state=0)
    plain = clone(model).fit(*few)
    model.set_callbacks(callback.ProgressBar()).fit(*few)
    np.testing.assert_array_equal(model.parameters_, plain.parameters_)
    assert "MLPBackprop" in capsys.readouterr().out


# Bad input


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden_layer_sizes": 0}, "'hidden_layer_sizes' parameter of MLPBackprop"),
        (
            {"hidden_layer_sizes": (5, 0)},
            r"hidden_layer_sizes must be whole .*\(5, 0\)",
        ),
        ({"hidden_layer_sizes": (5.0,)}, "hidden_layer_sizes must be whole numbers"),
        ({"hidden_layer_sizes": "100"}, "'hidden_layer_sizes' parameter"),
        ({"activation": "swish"}, "'activation' parameter .*'relu'.*Got 'swish'"),
        ({"activation": ["relu", "tanh"]}, "for each of the 1 hidden layers"),
        ({"activation": ["swish"]}, "activation must be one of"),
        ({"loss": "log_loss"}, "'loss' parameter"),
        ({"out_activation": "tanh"}, "'out_activation' parameter"),
        ({"out_activation": "sigmoid"}, 'out_activation="sigmoid" is for loss="squar'),
        ({"weight_init": "ones"}, "'weight_init' parameter"),
        ({"weight_init": [np.zeros((5, 4))]}, "weight_init must be arrays of the sh"),
        (
            {"weight_init": [np.zeros((4, 5)), np.zeros((4, 3))]},
            r"weight_init must be arrays of the shapes \[\(5, 4\), \(4, 3\)\]",
        ),
        (
            {"weight_init": [np.full((5, 4), np.nan), np.zeros((4, 3))]},
            "weight_init has values that are infinite or NaN",
        ),
        ({"bias_init": "zeros"}, "'bias_init' parameter"),
        ({"bias_init": [np.zeros(4)]}, r"bias_init must be arrays of .*\[\(4,\), \(3"),
        ({"bias_init": [np.zeros(4), np.full(3, np.inf)]}, "bias_init has values"),
        ({"dropout": 1.0}, "dropout must be a rate from 0 to less than 1.*got 1.0"),
        ({"dropout": -0.1}, "dropout must be a rate from 0 to less than 1"),
        ({"dropout": np.nan}, "dropout must be a rate"),
        ({"dropout": (0.5,)}, "dropout must be a rate .* or 2 of them"),
        ({"dropout": (0.5, 1.0)}, "dropout must be a rate"),
        ({"dropout": (0.1, 0.1, 0.1)}, "dropout must be a rate .* or 2 of them"),
        ({"dropout": "half"}, "'dropout' parameter"),
        ({"batch_norm": 3}, "'batch_norm' parameter"),
        ({"batch_norm": True, "batch_size": 1}, "batch_norm needs batch_size=2"),
        ({"standardize": "yes"}, "'standardize' parameter"),
        ({"augmentation": "flip"}, "'augmentation' parameter"),
        ({"tta": None}, "'tta' parameter"),
        ({"solver": "newton"}, "'solver' parameter"),
        ({"alpha": -1}, "'alpha' parameter"),
        ({"l1_ratio": 1.1}, "'l1_ratio' parameter"),
        ({"max_norm": 0}, "'max_norm' parameter"),
        ({"max_gradient_norm": 0}, "'max_gradient_norm' parameter"),
        ({"label_smoothing": 1.0}, "'label_smoothing' parameter"),
        (
            {"label_smoothing": 0.1, "loss": "hinge"},
            r'label_smoothing is for loss="cross_entropy"; got loss=.hinge',
        ),
        ({"learning_rate": "linear"}, "'learning_rate' parameter"),
        ({"learning_rate_init": 0}, "'learning_rate_init' parameter"),
        ({"momentum": 1.0}, "'momentum' parameter"),
        ({"nesterovs_momentum": 2}, "'nesterovs_momentum' parameter"),
        ({"batch_size": 0}, "'batch_size' parameter"),
        ({"batch_size": "all"}, "'batch_size' parameter"),
        ({"max_iter": 0}, "'max_iter' parameter"),
        ({"tol": -1}, "'tol' parameter"),
        ({"n_iter_no_change": 0}, "'n_iter_no_change' parameter"),
        ({"validation_fraction": 1.0}, "'validation_fraction' parameter"),
        ({"average_last": 0}, "'average_last' parameter"),
        (
            {"average_last": 2, "early_stopping": True},
            "early_stopping keeps the best epoch and average_last the mean",
        ),
        ({"class_weight": "even"}, "'class_weight' parameter"),
        ({"class_weight": {0: -1}}, "class_weight must not be negative"),
        ({"image_shape": (2, 2)}, "image_shape=.*needs 4"),
        ({"image_shape": 5}, "'image_shape' parameter"),
        ({"random_state": "x"}, "'random_state' parameter"),
        *(
            (
                {"solver": "lbfgs", **{name: value}},
                f'solver="lbfgs" .* does not go with {name}.*another solver',
            )
            for name, value in {
                "dropout": 0.5,
                "batch_norm": True,
                "early_stopping": True,
                "average_last": 2,
                "max_norm": 1.0,
                "max_gradient_norm": 1.0,
            }.items()
        ),
    ],
    ids=str,
)
def test_bad_parameters(parameters, message, few):
    model = MLPBackprop(**{"hidden_layer_sizes": 4} | parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(*few)
    assert nothing_fitted(model)


def test_lbfgs_does_not_go_with_augmentation(pictures):
    model = MLPBackprop(solver="lbfgs", augmentation=RandomFlip(), dropout=0.1)
    with pytest.raises(ValueError, match="not go with dropout and augmentation"):
        model.fit(*pictures)
    assert nothing_fitted(model)


def test_bad_rows_labels_and_weights(few):
    X, y = few
    spoiled = {value: X.copy() for value in (np.nan, np.inf)}
    for value, rows in spoiled.items():
        rows[3, 2] = value
    n = len(X)
    for arguments, message in (
        ((spoiled[np.nan], y), "Input X contains NaN"),
        ((spoiled[np.inf], y), "Input X contains infinity"),
        ((X, y[:-1]), "inconsistent numbers of samples"),
        ((X, 0 * y), "one class only"),
        ((X, y + 0.5), "Unknown label type"),
        ((X, y, -np.ones(n)), "Negative values in data passed to"),
        ((X, y, np.zeros(n)), "must contain at least one non-zero"),
        ((X, y, np.full(n, np.nan)), "contains NaN"),
    ):
        model = MLPBackprop(4)
        with pytest.raises(ValueError, match=message):
            model.fit(*arguments)
        assert nothing_fitted(model)


def test_predictions_of_other_rows(few, pictures):
    model = MLPBackprop(4, max_iter=1).fit(*few)
    with pytest.raises(ValueError, match=r"3 features.*expecting 5 features"):
        model.predict(few[0][:, :3])
    model.fit(*pictures)
    with pytest.raises(ValueError, match=r"images of shape \(5, 4, 3\)"):
        model.predict(pictures[0].transpose(0, 2, 1, 3))


@pytest.mark.parametrize(("scale", "dtype"), [(1e36, "f4"), (1e200, "f8")])
def test_large_numbers_are_standardized_like_others(scale, dtype, few):
    model = MLPBackprop(4, max_iter=3, random_state=0)
    X = few[0].astype(dtype)
    expected = model.fit(X, few[1]).parameters_
    scaled = model.fit(X * X.dtype.type(scale), few[1]).parameters_
    np.testing.assert_allclose(scaled, expected, rtol=1e-3, atol=1e-4)


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


# Reproducible, and small


@pytest.mark.parametrize(
    "parameters",
    [
        {"dropout": 0.2, "batch_size": 16},
        {"early_stopping": True},
        {"augmentation": RandomFlip(), "image_shape": (4, 5, 3)},
        {"solver": "lbfgs", "tol": 0.03},
    ],
)
def test_random_state(parameters, pictures):
    X, y = pictures[0].reshape(40, -1), pictures[1]

    def fit(seed):
        model = MLPBackprop(8, max_iter=30, random_state=seed, **parameters)
        return model.fit(X, y).parameters_

    np.testing.assert_array_equal(fit(0), fit(0))
    np.testing.assert_array_equal(fit(np.random.RandomState(3)), fit(3))
    assert (fit(0) != fit(1)).any()


def test_pickle_and_clone(few):
    model = MLPBackprop(
        6, batch_norm=True, dropout=0.2, batch_size=16, max_iter=3, random_state=0
    ).fit(*few)
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(
        other.predict_proba(few[0]), model.predict_proba(few[0])
    )
    other.partial_fit(*few)  # the order of rows and what is dropped go on as well
    assert (other.parameters_ != model.parameters_).any()
    np.testing.assert_array_equal(
        other.parameters_, model.partial_fit(*few).parameters_
    )
    assert nothing_fitted(clone(model))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize(
    ("dtype", "computed"),
    [("u1", "f4"), ("f4", "f4"), ("f8", "f8"), ("i4", "f8"), ("f2", "f8")],
)
def test_dtypes(dtype, computed, solver, few):
    X = (20 * few[0] + 100).round().clip(0, 255).astype(dtype)
    model = MLPBackprop(6, solver=solver, tol=0.5, max_iter=20, random_state=0)
    model.fit(X, few[1])
    for array in (
        model.parameters_,
        *model.coefs_,
        *model.intercepts_,
        model.transform(X),
        model.decision_function(X),
        model.predict_proba(X),
    ):
        assert array.dtype == computed


def test_layouts_of_memory_do_not_matter(pictures, tmp_path):
    images, y = pictures
    model = MLPBackprop(8, batch_size=16, max_iter=3, random_state=0)
    expected = clone(model).fit(images, y)
    stored = np.memmap(tmp_path / "X", np.uint8, "w+", shape=images.shape)
    stored[:] = images
    stored.flags.writeable = False
    for X in (np.asfortranarray(images), np.repeat(images, 2, axis=0)[::2], stored):
        fitted = clone(model).fit(X, y)
        np.testing.assert_array_equal(fitted.parameters_, expected.parameters_)
        np.testing.assert_array_equal(fitted.predict(X), expected.predict(images))


@pytest.fixture(scope="module")
def many():
    """Return 61 MB of bytes."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (16_000, 3840), dtype=np.uint8), np.arange(16_000) % 3


@pytest.mark.parametrize("layout", ["C", "Fortran", "memmap", "pictures"])
def test_bytes_are_never_copied_whole(layout, many, tmp_path):
    X, y = many
    n_bytes = X.nbytes
    if layout == "memmap":
        stored = np.memmap(tmp_path / "X", np.uint8, "w+", shape=X.shape)
        stored[:] = X
        X = stored
    elif layout == "Fortran":
        X = np.asfortranarray(X)
    elif layout == "pictures":
        X = X.reshape(-1, 40, 32, 3)
    augmentation = RandomFlip() if layout == "pictures" else None
    early_stopping = layout == "C"
    model = MLPBackprop(
        4, augmentation=augmentation, early_stopping=early_stopping, max_iter=1
    )
    tracemalloc.start()
    try:
        model.fit(X, y)
        if layout != "Fortran":  # which is slow
            model.predict(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < n_bytes / 3


# what a reading of the whole found


def test_statistics_of_an_average_do_not_come_from_rows_in_order_of_class(digits):
    X, y = digits[0][:600], digits[1][:600]
    by_class = np.argsort(y, kind="stable")
    model = MLPBackprop(
        (32,),
        batch_norm=True,
        average_last=2,
        max_iter=4,
        batch_size=60,
        random_state=0,
    ).fit(X[by_class], y[by_class])
    hidden = model._architecture.network()
    variances = hidden.statistics(model._statistics)[1]
    inputs = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
    np.testing.assert_allclose(
        variances, (inputs @ model.coefs_[0]).var(axis=0), rtol=0.1
    )


def test_a_fit_that_went_astray_leaves_the_optimizer_nothing_to_remember(few):
    wild = {"solver": "sgd", "learning_rate_init": 1e200, "loss": "squared_error"}
    model = MLPBackprop(5, warm_start=True, **wild, **ALL_EPOCHS, max_iter=3)
    with pytest.warns(ConvergenceWarning, match="infinite or NaN in epoch"):
        model.fit(*few)
    assert model._optimizer_state is None


def test_batch_norm_of_one_row(few):
    model = MLPBackprop(5, batch_norm=True, random_state=0)
    model.partial_fit(*few, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="batch_norm needs two rows"):
        model.partial_fit(few[0][:1], few[1][:1])


def test_best_score_is_that_of_the_last_fit(digits):
    X, y = digits[0][:500], digits[1][:500]
    model = MLPBackprop(
        16, early_stopping=True, warm_start=True, max_iter=15, random_state=0
    ).fit(X, y)
    model.set_params(learning_rate_init=0.5, max_iter=2).fit(X, y)
    assert model.best_validation_score_ == max(model.validation_scores_[-2:])


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_partial_fit_after_the_end_of_a_plan(schedule, few):
    model = MLPBackprop(5, learning_rate=schedule, max_iter=3, random_state=0)
    model.fit(*few)
    with pytest.raises(ValueError, match="falls to nothing in max_iter=3 epochs"):
        model.partial_fit(*few)


def test_lbfgs_does_not_take_a_penalty_with_kinks(few):
    with pytest.raises(ValueError, match=r"smooth function .* l1_ratio"):
        MLPBackprop(5, solver="lbfgs", l1_ratio=0.5).fit(*few)


def test_classes_too_small_to_hold_out(few):
    with pytest.raises(ValueError, match=r"validation_fraction=0\.1 of 6 rows"):
        MLPBackprop(5, early_stopping=True).fit(few[0][:6], few[1][:6])


def test_optimizer_state_follows_the_dtype(few):
    X, y = few
    model = MLPBackprop(5, random_state=0)
    model.partial_fit(X.astype(np.float32), y, classes=[0, 1, 2]).partial_fit(X, y)
    assert model.parameters_.dtype == np.float64
    assert model._optimizer_state["mean"].dtype == np.float64
