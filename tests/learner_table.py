"""The learners, each with what it supports, for the tests that all of them share.

A new classifier takes part in ``tests/learners`` once it has an entry in this table.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from skvision import (
    ArcFaceEmbedder,
    MLPBackprop,
    MulticlassSVM,
    Perceptron,
    SoftmaxRegression,
)


@dataclass(frozen=True)
class Learner:
    """A classifier with its parameters, and what fits with them support."""

    name: str
    model: Any
    epochs: bool = True  # whether fits make passes over rows, as partial_fit makes one
    exact: bool = False  # whether fits end at an optimum, wherever they start
    weighted: bool = True  # whether fits take sample_weight
    any_scale: bool = True  # whether only the ratios of weights count
    validates: bool = True  # whether it has early_stopping
    random: bool = True  # whether fits depend on random_state
    goes_on: bool = False  # whether a warm start continues as a longer fit would
    in_parts: bool = True  # whether calls of partial_fit make the epochs of fit
    same: float = 0.0  # relative difference of fits that are the same but for rounding

    def make(self, **parameters):
        return clone(self.model).set_params(**parameters)

    @property
    def averages_last(self):
        return self.has("average_last") and self.model.average_last is not None

    @property
    def has_partial_fit(self):
        return hasattr(self.model, "partial_fit") and not self.averages_last

    def has(self, parameter):
        return parameter in self.model.get_params()

    def in_one_batch(self, **parameters):
        """Return it with all rows in each step, which only their weights tell apart."""
        plain = {"dropout": 0.0, "batch_norm": False} if self.has("dropout") else {}
        return self.make(**ONE_BATCH | plain | parameters)


# Few epochs, which no criterion ends before, and few rows in each step
FEW = {"max_iter": 4, "random_state": 0}
BATCHES = {**FEW, "batch_size": 16}

# All rows in each step, in their order
ONE_BATCH = {"batch_size": 10_000, "shuffle": False}

OPTIMUM = Learner("", None, epochs=False, exact=True, validates=False, random=False)
OPTIMUM = replace(OPTIMUM, in_parts=False, same=1e-6)
STEPS = Learner("", None, same=1e-9)
RULE = Learner("", None, any_scale=False, same=1e-12)
NETWORK = Learner("", None, goes_on=True, same=1e-9)
EMBEDDER = replace(NETWORK, weighted=False, validates=False)
AT_ONCE = {"epochs": False, "validates": False, "goes_on": False, "in_parts": False}


def _of(kind, **models):
    return [replace(kind, name=name, model=model) for name, model in models.items()]


LEARNERS = [
    *_of(
        OPTIMUM,
        softmax=SoftmaxRegression(0.1, tol=1e-9),
        softmax_l1=SoftmaxRegression(0.1, l1_ratio=0.3, tol=1e-9),
        svm=MulticlassSVM(alpha=0.1, tol=1e-9),
        svm_ovr=MulticlassSVM(alpha=0.1, multi_class="ovr", margin=2.0, tol=1e-9),
        hinge=MulticlassSVM("hinge", alpha=0.1, tol=1e-9),
        hinge_ovr=MulticlassSVM("hinge", alpha=0.1, multi_class="ovr", tol=1e-9),
    ),
    *_of(
        STEPS,
        softmax_sgd=SoftmaxRegression(solver="sgd", **BATCHES),
        softmax_adagrad=SoftmaxRegression(solver="adagrad", **BATCHES),
        softmax_adam=SoftmaxRegression(solver="adam", **BATCHES),
        svm_rmsprop=MulticlassSVM(solver="rmsprop", **BATCHES),
        svm_adamw=MulticlassSVM(solver="adamw", **BATCHES),
    ),
    *_of(
        replace(STEPS, in_parts=False),
        softmax_average=SoftmaxRegression(solver="sgd", average=True, **BATCHES),
        svm_average=MulticlassSVM(solver="adam", average=20, **BATCHES),
    ),
    *_of(
        replace(RULE, random=False),
        perceptron=Perceptron(**FEW),
        perceptron_average=Perceptron(average=True, **FEW),
    ),
    *_of(
        RULE,
        perceptron_rows=Perceptron(batch_size=1, **FEW),
        perceptron_rows_average=Perceptron(batch_size=1, average=True, **FEW),
        perceptron_batches=Perceptron(batch_size=8, **FEW),
        perceptron_batches_average=Perceptron(batch_size=8, average=True, **FEW),
    ),
    *_of(
        NETWORK,
        mlp=MLPBackprop(6, **FEW),
        mlp_sgd=MLPBackprop(6, solver="sgd", learning_rate_init=0.05, **FEW),
        mlp_rmsprop=MLPBackprop((6, 4), solver="rmsprop", batch_norm=True, **BATCHES),
        mlp_adagrad=MLPBackprop(6, solver="adagrad", dropout=(0.1, 0.2), **BATCHES),
        mlp_adamw=MLPBackprop(6, solver="adamw", alpha=0.1, batch_norm=True, **BATCHES),
    ),
    *_of(
        replace(NETWORK, in_parts=False, validates=False, goes_on=False),
        mlp_average=MLPBackprop(6, average_last=2, batch_norm=True, **BATCHES),
    ),
    *_of(
        EMBEDDER,
        arcface=ArcFaceEmbedder(4, learning_rate="constant", **FEW),
        arcface_dropout=ArcFaceEmbedder(
            4, hidden_layer_sizes=6, dropout=0.2, learning_rate="constant", **FEW
        ),
    ),
    *_of(
        replace(NETWORK, **AT_ONCE),
        mlp_lbfgs=MLPBackprop(6, "tanh", solver="lbfgs", tol=0.0, random_state=0),
    ),
    *_of(
        replace(EMBEDDER, **AT_ONCE),
        arcface_lbfgs=ArcFaceEmbedder(
            4, solver="lbfgs", batch_norm=False, alpha=0, tol=0.0, random_state=0
        ),
    ),
]
for learner in LEARNERS[-2:]:  # whose paths part after many iterations
    learner.model.set_params(max_iter=8)

# Networks with other losses, where the loss is what matters
LOSSES = [
    *_of(
        NETWORK,
        mlp_smoothed=MLPBackprop(6, "tanh", label_smoothing=0.2, **FEW),
        mlp_hinge=MLPBackprop(6, "tanh", loss="hinge", **FEW),
        mlp_squared_hinge=MLPBackprop(6, "tanh", loss="squared_hinge", **FEW),
        mlp_squared_error=MLPBackprop(6, "tanh", loss="squared_error", **FEW),
        mlp_sigmoid=MLPBackprop(
            6, "tanh", loss="squared_error", out_activation="sigmoid", **FEW
        ),
    ),
    *_of(
        EMBEDDER,
        cosface=ArcFaceEmbedder(5, hidden_layer_sizes=7, loss="cosface", **FEW),
        normalized=ArcFaceEmbedder(5, loss="normalized_softmax", **FEW),
        plain_softmax=ArcFaceEmbedder(5, hidden_layer_sizes=7, loss="softmax", **FEW),
    ),
]


def each(*conditions, of=LEARNERS, but=lambda learner: False):
    """Parametrize a test over the learners for which the named fields are true."""
    chosen = [
        learner
        for learner in of
        if all(getattr(learner, field) for field in conditions) and not but(learner)
    ]
    return pytest.mark.parametrize("learner", chosen, ids=lambda learner: learner.name)


def learned(model):
    """Return the parameters that a fit has learned, as one array."""
    names = ("coef_", "intercept_", "parameters_")
    return np.concatenate(
        [np.ravel(getattr(model, name)) for name in names if hasattr(model, name)]
    )
