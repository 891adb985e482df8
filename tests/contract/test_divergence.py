"""What a fit that ends in infinity is blamed on."""

import re

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skvision import ArcFaceEmbedder, MLPBackprop, MulticlassSVM, SoftmaxRegression
from skvision._contract.divergence import advice_on_extremes

RATE = 0.01


@pytest.fixture
def rows(rng):
    y = np.arange(60) % 3
    return rng.normal(size=(60, 5)), y


def limit_of(momentum, nesterov):
    """Find the product of step and penalty above which weights grow, by trying."""
    low, high = 0.5, 5.0
    for _ in range(20):
        product = (low + high) / 2
        w, velocity = 1.0, 0.0
        for _ in range(3000):
            gradient = product * w
            velocity = momentum * velocity + gradient
            w -= gradient + momentum * velocity if nesterov else velocity
            if not 1e-9 < abs(w) < 1e9:
                break
        low, high = (low, product) if abs(w) > 1 else (product, high)
    return low


@pytest.mark.parametrize(
    ("momentum", "nesterov"), [(0.0, False), (0.5, True), (0.9, False), (0.9, True)]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_alpha_is_named_where_it_alone_diverges(momentum, nesterov, rows):
    X, y = rows
    limit = limit_of(momentum, nesterov)
    model = SoftmaxRegression(
        solver="sgd",
        momentum=momentum,
        nesterovs_momentum=nesterov,
        learning_rate_init=RATE,
        batch_size=60,
        max_iter=1500,
        n_iter_no_change=1500,
    )
    X = (X / 1000).astype(np.float32)
    model.set_params(alpha=0.9 * limit / RATE).fit(X, y)
    message = f"Above {limit:.3g}, the penalty alone makes the weights diverge"
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        model.set_params(alpha=1.1 * limit / RATE).fit(X, y)
    text = str(caught.value)
    assert f"alpha={1.1 * limit / RATE:g} times learning_rate_init=0.01" in text
    assert "scale" not in text


def test_alpha_is_named_by_partial_fit(rows):
    model = MulticlassSVM(solver="sgd", alpha=1e4, learning_rate_init=RATE)
    with pytest.raises(ValueError, match="alpha=10000 times learning_rate_init"):
        for _ in range(400):
            model.partial_fit(*rows, classes=[0, 1, 2])


def test_alpha_is_named_by_networks(rows):
    model = MLPBackprop(4, solver="sgd", alpha=200.0, learning_rate_init=0.1)
    with pytest.warns(
        ConvergenceWarning, match="rose from .* alpha=200 times learning_rate_init"
    ):
        model.set_params(random_state=0).fit(*rows)
    model.set_params(max_iter=1000, n_iter_no_change=1000)
    with pytest.warns(ConvergenceWarning, match="infinite or NaN .* alpha=200 times"):
        model.fit(*rows)
    embedder = ArcFaceEmbedder(4, alpha=1e5, max_iter=300, random_state=0)
    with pytest.warns(
        ConvergenceWarning, match="alpha=100000 times learning_rate_init"
    ):
        embedder.fit(*rows)


def test_decoupled_decay_is_named(rows):
    model = SoftmaxRegression(solver="adamw", alpha=2500.0, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"is 2.5\. Above 2, the penalty"):
        model.fit(*rows)


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_an_alpha_that_no_float_can_square(solver, rows):
    X, y = rows[0].astype(np.float32), rows[1]
    model = MLPBackprop(4, solver=solver, alpha=1e300, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"alpha=1e\+300") as caught:
        model.fit(X, y)
    assert all("X has values" not in str(warning.message) for warning in caught)


def test_the_step_alone_is_named_for_standard_features(rows):
    X, y = rows
    model = SoftmaxRegression(solver="sgd", learning_rate_init=1e200, alpha=0)
    with pytest.warns(
        ConvergenceWarning, match=r"Decrease learning_rate_init=1e\+200\.$"
    ):
        model.fit(X, y)
    with pytest.warns(ConvergenceWarning, match=r"or scale .*: X has values up to 3"):
        model.fit(X * 1e4, y)
    network = MLPBackprop(4, solver="sgd", alpha=0, learning_rate_init=1e200)
    with pytest.warns(ConvergenceWarning, match=r"max_gradient_norm\.$"):
        network.fit(X * 1e4, y)  # which it standardizes itself
    network.set_params(standardize=False)
    with pytest.warns(ConvergenceWarning, match="norm, or set standardize=True: X has"):
        network.fit(X * 1e4, y)


def test_features_are_named_where_they_are_extreme(rows):
    X, y = rows[0].astype(np.float32), rows[1]
    model = SoftmaxRegression(solver="sgd", learning_rate_init=1e30, alpha=0)
    words = "too {} for computations in float32: scale the"
    with pytest.raises(ValueError, match=words.format("large")):
        model.fit(X * np.float32(1e30), y)
    with pytest.warns(ConvergenceWarning, match=words.format("small")):
        model.fit(X * np.float32(1e-30), y)


def test_values_and_alpha_that_only_together_overflow():
    advice = advice_on_extremes({"alpha": 2.0}, 10.0, np.float64)
    assert "values of X up to 10 and alpha=2: use smaller initial weights" in advice


def test_a_first_batch_that_overflows_is_refused(rows):
    X, y = rows
    with pytest.raises(ValueError, match=r"X has values up to .*e\+20., .*too large"):
        SoftmaxRegression(solver="sgd").fit(X * 1e200, y)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_a_divergence_after_the_best_epoch_says_which_is_kept(rows):
    X, y = rows
    model = MLPBackprop(
        4,
        solver="sgd",
        learning_rate=lambda epoch, history: 0.01 if epoch < 3 else 1e300,
        standardize=False,
        early_stopping=True,
        n_iter_no_change=99,
        random_state=0,
    )
    with pytest.warns(ConvergenceWarning, match="keeps the weights of the best epoch"):
        model.fit(X, y, X_val=X, y_val=y)
    assert np.isfinite(model.parameters_).all()
