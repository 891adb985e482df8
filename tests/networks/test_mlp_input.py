"""MLPBackprop: bad parameters and bad input."""

import numpy as np
import pytest
from network_training import first_arrays, nothing_fitted
from sklearn.exceptions import ConvergenceWarning

from skvision import MLPBackprop
from skvision.augmentation import RandomFlip


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden_layer_sizes": 0}, "'hidden_layer_sizes' parameter of MLPBackprop"),
        (
            {"hidden_layer_sizes": (5, 0)},
            r"hidden_layer_sizes must be positive .*\(5, 0\)",
        ),
        (
            {"hidden_layer_sizes": (5.0,)},
            "hidden_layer_sizes must be positive integers",
        ),
        ({"hidden_layer_sizes": "100"}, "'hidden_layer_sizes' parameter"),
        ({"activation": "swish"}, "'activation' parameter .*'relu'.*Got 'swish'"),
        ({"activation": ["relu", "tanh"]}, "for each of the 1 hidden layers"),
        ({"activation": ["swish"]}, "activation must be one of"),
        ({"loss": "log_loss"}, "'loss' parameter"),
        ({"out_activation": "tanh"}, "'out_activation' parameter"),
        ({"out_activation": "sigmoid"}, 'out_activation="sigmoid" needs loss="squar'),
        ({"weight_init": "ones"}, "'weight_init' parameter"),
        ({"weight_init": [np.zeros((5, 4))]}, "weight_init must be arrays of sh"),
        (
            {"weight_init": [np.zeros((4, 5)), np.zeros((4, 3))]},
            r"weight_init must be arrays of shapes \[\(5, 4\), \(4, 3\)\]",
        ),
        (
            {"weight_init": [np.full((5, 4), np.nan), np.zeros((4, 3))]},
            "weight_init has values that are infinite or NaN",
        ),
        ({"bias_init": "zeros"}, "'bias_init' parameter"),
        ({"bias_init": [np.zeros(4)]}, r"bias_init must be arrays of .*\[\(4,\), \(3"),
        ({"bias_init": [np.zeros(4), np.full(3, np.inf)]}, "bias_init has values"),
        ({"dropout": 1.0}, r"dropout must be one rate in \[0, 1\).*got 1.0"),
        ({"dropout": -0.1}, r"dropout must be one rate in \[0, 1\)"),
        ({"dropout": np.nan}, "dropout must be one rate"),
        ({"dropout": (0.5,)}, "dropout must be one rate .* or 2 rates"),
        ({"dropout": (0.5, 1.0)}, "dropout must be one rate"),
        ({"dropout": (0.1, 0.1, 0.1)}, "dropout must be one rate .* or 2 rates"),
        ({"dropout": "half"}, "'dropout' parameter"),
        ({"batch_norm": 3}, "'batch_norm' parameter"),
        (
            {"batch_norm": True, "batch_size": 1},
            "batch_norm requires a batch_size of at least 2",
        ),
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
            r'label_smoothing needs loss="cross_entropy"; got loss=.hinge',
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
            "early_stopping keeps the best epoch, and average_last keeps the mean",
        ),
        ({"class_weight": "even"}, "'class_weight' parameter"),
        ({"class_weight": {0: -1}}, "class_weight must not be negative"),
        ({"image_shape": (2, 2)}, "image_shape=.*requires 4"),
        ({"image_shape": 5}, "'image_shape' parameter"),
        ({"random_state": "x"}, "'random_state' parameter"),
        *(
            (
                {"solver": "lbfgs", **{name: value}},
                f'solver="lbfgs" .* does not support {name}.*another solver',
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


def test_lbfgs_does_not_support_augmentation(pictures):
    model = MLPBackprop(solver="lbfgs", augmentation=RandomFlip(), dropout=0.1)
    with pytest.raises(ValueError, match="not support dropout and augmentation"):
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
        ((X, 0 * y), "only one class"),
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


def test_lbfgs_does_not_support_an_l1_penalty(few):
    with pytest.raises(ValueError, match=r"smooth, .* l1_ratio"):
        MLPBackprop(5, solver="lbfgs", l1_ratio=0.5).fit(*few)
