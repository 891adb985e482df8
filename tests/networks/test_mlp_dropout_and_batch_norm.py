"""MLPBackprop: dropout and batch norm."""

from itertools import pairwise

import numpy as np
import pytest
from network_training import ALL_EPOCHS, ONE_BATCH
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from skvision import MLPBackprop


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


def test_a_batch_of_one_row_joins_the_last(few):
    X, y = few[0][:33], few[1][:33]
    model = MLPBackprop(4, batch_norm=True, batch_size=16, max_iter=3).fit(X, y)
    assert np.isfinite(model.decision_function(X)).all()


def test_batch_norm_of_one_row(few):
    model = MLPBackprop(5, batch_norm=True, random_state=0)
    model.partial_fit(*few, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="batch_norm requires at least two"):
        model.partial_fit(few[0][:1], few[1][:1])
