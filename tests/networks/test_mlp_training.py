"""MLPBackprop: solvers and learning rates."""

import numpy as np
import pytest
from network_training import ACTIVATIONS, LOSSES

from skvision import MLPBackprop

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


def test_adaptive_rate_decreases_on_a_plateau(few):
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


# Callbacks
