"""A toy converter: the scores of fitted networks, from specifications and arrays."""

import numpy as np
import pytest
from scipy.special import expit

from skvision import ArcFaceEmbedder, MLPBackprop


def units(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


FORMULAS = {  # type of the layer: (layer, params, buffers, x) -> y
    "Identity": lambda layer, p, b, x: x,
    "Dropout": lambda layer, p, b, x: x,
    "ReLU": lambda layer, p, b, x: x * (x > 0),
    "LeakyReLU": lambda layer, p, b, x: np.where(x > 0, x, x / 100),
    "ELU": lambda layer, p, b, x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
    "Tanh": lambda layer, p, b, x: np.tanh(x),
    "Sigmoid": lambda layer, p, b, x: expit(x),
    "Dense": lambda layer, p, b, x: x.reshape(len(x), -1) @ p[0] + sum(p[1:]),
    "BatchNorm": lambda layer, p, b, x: (
        p[0] * (x - b[0]) / np.sqrt(b[1] + layer.epsilon) + p[1]
    ),
    "CosineHead": lambda layer, p, b, x: layer.scale * units(x) @ units(p[0]).T,
}


def convert(layer, shape, arrays):
    """Return a layer in prediction as a function of rows, in plain NumPy."""
    name = type(layer).__name__
    if name != "Sequential":
        return lambda x: FORMULAS[name](layer, arrays.params, arrays.buffers, x)
    pairs = zip(layer.parts(shape), arrays.parts, strict=True)
    steps = [convert(*part, own) for part, own in pairs]

    def composed(x):
        for step in steps:
            x = step(x)
        return x

    return composed


def names_of(layer, shape):
    inner = [name for part in layer.parts(shape) for name in names_of(*part)]
    return [type(layer).__name__, *inner]


MODELS = [
    *(
        MLPBackprop((12, 7), activation=name, dropout=0.2, batch_norm=batch_norm)
        for name in ("relu", "leaky_relu", "elu", "tanh", "sigmoid", "identity")
        for batch_norm in (False, True)
    ),
    MLPBackprop(()),
    MLPBackprop((9, 6), activation=["tanh", "elu"], dropout=[0.1, 0.0, 0.3]),
    ArcFaceEmbedder(8, hidden_layer_sizes=12, dropout=0.2),
    ArcFaceEmbedder(8, loss="cosface", margin=0.2, batch_norm=False),
    ArcFaceEmbedder(8, loss="softmax"),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_a_converted_network_has_the_scores_of_its_estimator(model, rng):
    X, y = 3 + 2 * rng.normal(size=(90, 10)), np.arange(90) % 3
    model.set_params(max_iter=3, random_state=0, tol=0.0).fit(X + y[:, None], y)
    net = model._architecture.network(model._dropout_rates(model._architecture))
    arrays = net.arrays(model.parameters_, model._statistics)
    scores = convert(net.layer, net.input_shape, arrays)
    rows = (X - model._standard.mean) / model._standard.deviation
    expected = model.decision_function(X)
    np.testing.assert_allclose(scores(rows), expected, rtol=1e-10, atol=1e-10)
    names = set(names_of(net.layer, net.input_shape))
    assert ("BatchNorm" in names) == bool(net.n_statistics)
    assert ("Dropout" in names) == (np.ravel(model.dropout)[0] > 0)
