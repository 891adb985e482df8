"""MLPBackprop: its predictions and attributes."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from network_training import ALL_EPOCHS, XOR
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F

from skvision import MLPBackprop, SoftmaxRegression

# Predictions


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


def test_transform_of_images(pictures):
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
def test_equivalent_hidden_layer_sizes(hidden, few):
    model = MLPBackprop(hidden, max_iter=2, random_state=0).fit(*few)
    expected = MLPBackprop((7,), max_iter=2, random_state=0).fit(*few)
    np.testing.assert_array_equal(model.parameters_, expected.parameters_)


def test_lbfgs_where_nothing_is_to_be_done():
    """From weights of zero, the gradient of XOR is zero."""
    model = MLPBackprop(4, solver="lbfgs", weight_init="zeros").fit(*XOR)
    assert model.n_iter_ == 0
    assert not model.parameters_.any()
    assert model.history_["update_ratio"].shape == (0, 2)


class Small(MLPBackprop):
    """A network with few parameters, which sets the others."""

    def __init__(self, max_iter=2):
        super().__init__((4,), max_iter=max_iter, learning_rate_init=1e30)


def test_subclass_with_fewer_parameters_warns_and_refuses(few):
    with pytest.warns(ConvergenceWarning, match="Decrease learning_rate_init=1e"):
        Small(5).fit(*few)
    model = Small()
    model.batch_norm, model.batch_size = True, 1
    with pytest.raises(ValueError, match="batch_norm requires a batch_size"):
        model.fit(*few)


def test_prediction_copies_no_parameters(few, peak_of):
    model = MLPBackprop((2000, 500), max_iter=1, random_state=0).fit(*few)
    x = few[0][:1]
    model.predict(x)
    assert peak_of(lambda: model.predict(x)) < model.parameters_.nbytes / 2
