"""SoftmaxRegression against LogisticRegression: the same optimum, the same threads."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skvision import SoftmaxRegression

ALPHA, TOL = 0.1, 1e-4


@pytest.fixture(params=["digits", "CIFAR-10 part"])
def problem(request):
    if request.param == "digits":
        X, y = load_digits(return_X_y=True)
    else:
        cifar = request.getfixturevalue("cifar")
        X = cifar.images[:2000, ::2, ::2].reshape(2000, -1)
        y = cifar.labels[:2000]
    X = StandardScaler().fit_transform(X.astype(np.float64))
    return f"softmax regression on {request.param}, {len(X)} x {X.shape[1]}", X, y


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("skvision", np.float64), ("skvision, float32", np.float32)],
)
def test_skvision(benchmark, problem, name, dtype):
    benchmark.group, X, y = problem
    benchmark.extra_info["name"] = name
    model = SoftmaxRegression(ALPHA, tol=TOL)
    with threadpool_limits(2):
        benchmark.pedantic(model.fit, (X.astype(dtype), y), rounds=5, warmup_rounds=1)
    assert 0 < model.n_iter_ < model.max_iter  # it reached the tolerance


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("scikit-learn", np.float64), ("scikit-learn, float32", np.float32)],
)
def test_scikit_learn(benchmark, problem, name, dtype):
    benchmark.group, X, y = problem
    benchmark.extra_info["name"] = name
    model = LogisticRegression(C=1 / (ALPHA * len(X)), tol=TOL, max_iter=1000)
    with threadpool_limits(2):
        benchmark.pedantic(model.fit, (X.astype(dtype), y), rounds=5, warmup_rounds=1)
    assert 0 < model.n_iter_[0] < model.max_iter
