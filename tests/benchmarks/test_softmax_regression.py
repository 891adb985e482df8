"""SoftmaxRegression against LogisticRegression: equal objective, the same threads.

The tolerance of the peer is the loosest power of ten at which its objective is no more
than a thousandth above ours.
"""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skvision import SoftmaxRegression

ALPHA, TOL_THERE = 0.1, 1e-3


@pytest.fixture(scope="module", params=["digits", "CIFAR-10 part"])
def problem(request):
    if request.param == "digits":
        X, y = load_digits(return_X_y=True)
    else:
        cifar = request.getfixturevalue("cifar")
        X = cifar.images[:2000, ::2, ::2].reshape(2000, -1)
        y = cifar.labels[:2000]
    X = StandardScaler().fit_transform(X.astype(np.float64))
    optimum = objective(SoftmaxRegression(ALPHA, tol=1e-10).fit(X, y), X, y)
    name = f"softmax regression on {request.param}, {len(X)} x {X.shape[1]}"
    return name, X, y, optimum


def objective(model, X, y):
    W = model.coef_.astype(np.float64)
    scores = X @ W.T + model.intercept_
    scores -= scores.max(axis=1, keepdims=True)
    loss = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(y)), y]
    return loss.mean() + ALPHA / 2 * np.sum(W**2)


MODELS = {
    "skvision": lambda n: SoftmaxRegression(ALPHA),
    "scikit-learn": lambda n: LogisticRegression(C=1 / (ALPHA * n), tol=TOL_THERE),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", MODELS)
def test_fit(benchmark, problem, name, dtype):
    benchmark.group, X, y, optimum = problem
    suffix = ", float32" if dtype == np.float32 else ""
    benchmark.extra_info["name"] = name + suffix
    model = MODELS[name](len(X))
    with threadpool_limits(2):
        benchmark.pedantic(model.fit, (X.astype(dtype), y), rounds=5, warmup_rounds=1)
    assert objective(model, X, y) / optimum - 1 < 1e-3
