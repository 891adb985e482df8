"""MLPBackprop against loops written out, and against what is known."""

import numpy as np
import pytest
from network_training import ALL_EPOCHS, ONE_BATCH, XOR, first_arrays
from scipy.special import expit

from skvision import MLPBackprop
from skvision.inspection import first_loss_check, overfit_check

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
def test_learns_twenty_images_by_heart(parameters, rng):
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
def test_losses_of_three_images(loss, mean):
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
