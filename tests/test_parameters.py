"""Every estimator names parameters out of their range, and is not fitted then.

Most values are found in the constraints of the estimators; the table has those whose
meaning depends on the data or on other parameters.
"""

import re

import numpy as np
import pytest
from estimators import ALL
from learner_states import nothing_fitted
from sklearn.base import clone
from sklearn.utils._param_validation import Interval, StrOptions, make_constraint

from skvision import (
    HOG,
    ArcFaceEmbedder,
    BagOfVisualWords,
    ColorHistogram,
    KNNImageClassifier,
    MLPBackprop,
    PixelNormalizer,
)
from skvision.augmentation import RandomFlip

RNG = np.random.default_rng(0)
LABELS = np.arange(30) % 3
ROWS = RNG.normal(size=(30, 5))  # of five columns, as the table below has them
IMAGES = RNG.random((30, 8, 8, 3))
CONSTRAINTS = [
    (Estimator, name)
    for Estimator in ALL
    for name in Estimator._parameter_constraints
    if name in Estimator().get_params()
]
READS_PARAMETERS_AGAIN = (HOG, ColorHistogram)  # at each transform


def bad_values(constraints):
    """Return values that no constraint of a parameter allows."""
    tried = [None, "no such option", object(), -1, 1.5, 2, np.nan]
    for of in constraints:
        if isinstance(of, Interval):
            step = 1 if of.type.__name__ == "Integral" else 1e-6
            tried += [of.left, of.left - step] if of.left is not None else []
            tried += [of.right, of.right + step] if of.right is not None else []
    checks = [make_constraint(of) for of in constraints]
    return [
        value
        for value in tried
        if not any(check.is_satisfied_by(value) for check in checks)
    ]


@pytest.mark.parametrize(
    ("Estimator", "name"), CONSTRAINTS, ids=lambda of: getattr(of, "__name__", of)
)
def test_values_out_of_range(Estimator, name):
    constraints = Estimator._parameter_constraints[name]
    options = {
        option
        for of in constraints
        if isinstance(of, StrOptions)
        for option in of.options
    }
    values = bad_values(constraints)
    assert values
    message = f"'{name}' parameter of {Estimator.__name__} must be .* Got .* instead"
    for value in values:
        estimator = Estimator(**{name: value})
        with pytest.raises(ValueError, match=message) as caught:
            estimator.fit(IMAGES, LABELS)
        assert all(repr(option) in str(caught.value) for option in options)
        assert nothing_fitted(estimator)
        if Estimator in READS_PARAMETERS_AGAIN:
            fitted = Estimator().fit(IMAGES).set_params(**{name: value})
            with pytest.raises(ValueError, match=message):
                fitted.transform(IMAGES)


NETWORKS = [
    ({"hidden_layer_sizes": (5, 0)}, r"hidden_layer_sizes must be pos.*\(5, 0\)"),
    ({"hidden_layer_sizes": (5.0,)}, "hidden_layer_sizes must be positive integers"),
    ({"activation": ["swish"]}, "activation must be one of"),
    ({"activation": ["relu", "tanh"]}, "for each of the 1 hidden layers"),
    ({"dropout": 1.0}, r"dropout must be one rate in \[0, 1\).*got 1.0"),
    ({"dropout": -0.1}, r"dropout must be one rate in \[0, 1\)"),
    ({"dropout": np.nan}, "dropout must be one rate"),
    ({"dropout": (0.1, 0.1, 0.1)}, "dropout must be one rate .* or 2 rates"),
    ({"batch_norm": True, "batch_size": 1}, "batch_norm requires a batch_size of at"),
    ({"class_weight": {0: -1}}, "class_weight must not be negative"),
    ({"image_shape": (2, 2)}, "image_shape=.*requires 4"),
    ({"tta": True}, "tta requires images.*image_shape"),
    ({"augmentation": RandomFlip()}, "augmentation requires images.*image_shape"),
    *(
        (
            {"batch_norm": False, "alpha": 0, "solver": "lbfgs", name: value},
            f'solver="lbfgs" .* does not support {name}.*another solver',
        )
        for name, value in {"dropout": 0.5, "batch_norm": True}.items()
    ),
]
SPECIAL = {
    MLPBackprop(4): [
        *NETWORKS,
        ({"out_activation": "sigmoid"}, 'out_activation="sigmoid" needs loss="squar'),
        ({"weight_init": [np.zeros((5, 4))]}, "weight_init must be arrays of sh"),
        (
            {"weight_init": [np.zeros((4, 5)), np.zeros((4, 3))]},
            r"weight_init must be arrays of shapes \[\(5, 4\), \(4, 3\)\]",
        ),
        (
            {"weight_init": [np.full((5, 4), np.nan), np.zeros((4, 3))]},
            "weight_init has values that are infinite or NaN",
        ),
        ({"bias_init": [np.zeros(4)]}, r"bias_init must be arrays of .*\[\(4,\), \(3"),
        ({"bias_init": [np.zeros(4), np.full(3, np.inf)]}, "bias_init has values"),
        ({"dropout": (0.5,)}, "dropout must be one rate .* or 2 rates"),
        ({"dropout": (0.5, 1.0)}, "dropout must be one rate"),
        (
            {"label_smoothing": 0.1, "loss": "hinge"},
            r'label_smoothing needs loss="cross_entropy"; got loss=.hinge',
        ),
        (
            {"average_last": 2, "early_stopping": True},
            "early_stopping keeps the best epoch, and average_last keeps the mean",
        ),
        ({"solver": "lbfgs", "l1_ratio": 0.5}, r"smooth, .* l1_ratio"),
        *(
            (
                {"solver": "lbfgs", name: value},
                f'solver="lbfgs" .* does not support {name}.*another solver',
            )
            for name, value in {
                "early_stopping": True,
                "average_last": 2,
                "max_norm": 1.0,
                "max_gradient_norm": 1.0,
            }.items()
        ),
    ],
    ArcFaceEmbedder(hidden_layer_sizes=4): [
        *NETWORKS,
        ({"margin": 4}, r"less than 3.142 for loss='arcface'.*got 4.*degrees"),
        ({"margin": 28.6}, "degrees"),
        ({"margin": 2, "loss": "cosface"}, r"less than 2 for loss='cosface'"),
        ({"hidden_layer_sizes": (), "dropout": (0.1, 0.2)}, "1 rates"),
        ({"solver": "lbfgs", "batch_norm": False}, "Set alpha=0"),
    ],
    KNNImageClassifier(1): [
        ({"class_weight": {0: 0.0}}, "class_weight must contain finite numbers"),
        ({"class_weight": {0: np.nan}}, "class_weight must contain finite numbers"),
        ({"class_weight": {0: "a"}}, "class_weight must contain finite numbers"),
        ({"algorithm": "hnsw", "metric": np.dot}, "not a callable"),
    ],
    PixelNormalizer(): [
        ({"variance_floor": 0.1, "scale": "range"}, "requires scale='std'"),
        ({"whitening_epsilon": 0.1, "center": None}, "requires centered pixels"),
    ],
    HOG(): [
        ({"pixels_per_cell": (8, 0)}, "pixels_per_cell must be two positive integers"),
        ({"pixels_per_cell": (8,)}, "pixels_per_cell must be two positive integers"),
        ({"cells_per_block": (2, 1.5)}, "cells_per_block must be two positive int"),
        ({"cells_per_block": (0, 1)}, "cells_per_block must be two positive int"),
    ],
    BagOfVisualWords(4, n_words=4, random_state=0): [
        (
            {"codebook": "kmeans"},
            "encoding='threshold' cannot be combined.*Set codebook='omp'",
        ),
        (
            {"encoding": "hard"},
            "encoding='hard' cannot be combined.*Set codebook='kmeans'",
        ),
        ({"encoding": "triangle"}, "encoding='triangle'.*codebook='kmeans'"),
        ({"n_words": 7}, "n_words=7. .*even number, or set mirror=False"),
        ({"grid": (0, 1)}, "grid must be two positive integers"),
        ({"patch_size": (3, 0)}, "patch_size must be two positive integers"),
        ({"value_range": (1, 1)}, "low < high"),
        ({"value_range": (1, np.inf)}, "two finite numbers"),
    ],
    ColorHistogram(): [
        (
            {"bins": (4, 4)},
            r"one positive integer for each of the 3 channels \(hue, .*got \(4, 4\)",
        ),
        ({"bins": (4, 4, 0)}, "bins must be a positive integer"),
        ({"bins": (4, 4, 1.5)}, "bins must be a positive integer"),
        ({"bins": (4, 4, 4), "channels": "hue"}, "each of the 1 channels"),
        (
            {"channels": "red"},
            r"'hsv' \(hue, saturation, value, weighted_hue\); got 'red'",
        ),
        ({"channels": ["hue", "hue"]}, "distinct names"),
        ({"channels": []}, r"got \[\]"),
        ({"channels": ["hue", 3]}, "must be 'all' or distinct names"),
        (
            {"channels": "weighted_hue", "color_space": "lab"},
            r"'lab' \(lightness, a, b\)",
        ),
        ({"channels": ["weighted_hue"], "joint": True}, "Set joint=False"),
        ({"value_range": (1, 1)}, r"low < high; got \(1, 1\)"),
        ({"value_range": (0, np.inf)}, "two finite numbers"),
        ({"value_range": (0, np.nan)}, "two finite numbers"),
        ({"value_range": (0, 1, 2)}, "two finite numbers"),
        ({"value_range": ("0", "1")}, "two finite numbers"),
        ({"value_range": (-1e308, 1e308)}, "too wide.*value_range="),
        (
            {"value_range": (1, 1 + 1e-15), "color_space": "rgb"},
            "too narrow for bins=16. Reduce bins",
        ),
        ({"grid": (2, 0)}, r"grid must be two positive integers.*got \(2, 0\)"),
        ({"grid": (2,)}, "grid must be two positive integers"),
        ({"grid": (2, 1.5)}, "grid must be two positive integers"),
        ({"bins": 2000, "joint": True}, "8000000000 features.*Reduce bins"),
        ({"image_shape": (4, 5, 3)}, "but image_shape="),
    ],
}


def name_of(value):
    """Name a case; addresses of functions are left out, as processes differ in them."""
    if hasattr(value, "fit"):
        return type(value).__name__
    return re.sub(" at 0x[0-9a-f]+", "", str(value))[:60]


@pytest.mark.parametrize(
    ("estimator", "parameters", "message"),
    [(model, *case) for model, cases in SPECIAL.items() for case in cases],
    ids=name_of,
)
def test_parameters_without_meaning(estimator, parameters, message):
    of_features = isinstance(estimator, HOG | ColorHistogram | BagOfVisualWords)
    X = IMAGES if of_features else ROWS
    bad = clone(estimator).set_params(**parameters)
    with pytest.raises(ValueError, match=message):
        bad.fit(X, LABELS)
    assert nothing_fitted(bad)
    read_again = isinstance(estimator, READS_PARAMETERS_AGAIN)
    if read_again and not parameters.keys() & {"image_shape", "value_range"}:
        fitted = clone(estimator).fit(X).set_params(**parameters)
        with pytest.raises(ValueError, match=message):
            fitted.transform(X)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((4, 5), "64 features, but image_shape=.* requires 20"),
        ((8,), "An image must have the shape"),
        ((4, 8, 2), "2 channels"),
    ],
)
def test_shapes_that_flat_rows_do_not_have(shape, message):
    hog = HOG(image_shape=shape)
    with pytest.raises(ValueError, match=message):
        hog.fit(np.zeros((3, 64)))
    assert nothing_fitted(hog)
