"""Linear classifiers against scikit-learn's: the same objective, the same threads.

Each of ours asserts how good its solution is, in the terms that the peer's are held to:
the objective itself, or accuracy on pictures that neither has seen.
"""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from skvision import MulticlassSVM, SoftmaxRegression

ALPHA, STRENGTH = 1e-3, 0.1


@pytest.fixture(scope="module")
def split(cifar):
    """Return 10,000 pictures to learn from and 5,000 others, standardized, float32."""
    X = cifar.images[:15_000].reshape(15_000, -1)
    mean, deviation = X[:10_000].mean(axis=0), X[:10_000].std(axis=0)
    X = ((X - mean) / deviation).astype(np.float32)
    y = cifar.labels[:15_000]
    return X[:10_000], y[:10_000], X[10_000:], y[10_000:]


def fit(benchmark, name, group, model, X, y, rounds=1):
    benchmark.group = group
    benchmark.extra_info["name"] = name
    with threadpool_limits(2):
        benchmark.pedantic(model.fit, (X, y), rounds=rounds, warmup_rounds=0)


def objective(model, X, y):
    log_proba = model.predict_log_proba(X).astype(np.float64)
    loss = -log_proba[np.arange(len(y)), y].mean()
    return loss + ALPHA / 2 * np.sum(model.coef_.astype(np.float64) ** 2)


SOFTMAX = "softmax regression, CIFAR-10, 10,000 x 3072, float32, alpha = 1e-3"


@pytest.fixture(scope="module")
def optimum(split):
    X, y, _, _ = split
    best = SoftmaxRegression(ALPHA, tol=1e-6).fit(X, y)
    return objective(best, X, y)


def test_softmax(benchmark, split, optimum):
    X, y, _, _ = split
    model = SoftmaxRegression(ALPHA)
    fit(benchmark, "skvision", SOFTMAX, model, X, y, rounds=3)
    reached = objective(model, X, y) / optimum - 1
    benchmark.extra_info["objective above the optimum"] = reached
    assert reached < 1e-4


def test_logistic_regression(benchmark, split, optimum):
    X, y, _, _ = split
    model = LogisticRegression(C=1 / (ALPHA * len(X)), max_iter=1000)
    fit(benchmark, "LogisticRegression", SOFTMAX, model, X, y)
    reached = objective(model, X, y) / optimum - 1
    benchmark.extra_info["objective above the optimum"] = reached
    assert reached < 1e-3


HINGE = "multiclass hinge, CIFAR-10, 10,000 x 3072, float32, to equal accuracy"


def test_hinge(benchmark, split):
    X, y, X_test, y_test = split
    model = MulticlassSVM("hinge", alpha=1.0)
    fit(benchmark, "skvision", HINGE, model, X, y)
    benchmark.extra_info["accuracy"] = model.score(X_test, y_test)
    benchmark.extra_info["duality gap"] = model.optimality_
    assert model.optimality_ <= model.tol
    assert model.score(X_test, y_test) > 0.365


@pytest.mark.filterwarnings("ignore:Liblinear failed to converge")
def test_crammer_singer(benchmark, split):
    """C = 1e-3 takes twice as long, is not at its end either, and is 0.362 right."""
    X, y, X_test, y_test = split
    model = LinearSVC(C=1e-4, multi_class="crammer_singer", random_state=0)
    fit(benchmark, "LinearSVC crammer_singer", HINGE, model, X, y)
    benchmark.extra_info["accuracy"] = model.score(X_test, y_test)
    assert model.score(X_test, y_test) > 0.35


SQUARED = "squared hinge, one-vs-rest, CIFAR-10, 10,000 x 3072, float32, alpha = 0.1"


def squared_hinge(model, X, y):
    sign = np.where(y[:, None] == np.arange(10), 1, -1)
    scores = X.astype(np.float64) @ model.coef_.T.astype(np.float64) + model.intercept_
    loss = np.sum(np.maximum(0, 1 - sign * scores) ** 2) / len(X)
    return loss + STRENGTH / 2 * np.sum(model.coef_.astype(np.float64) ** 2)


def test_squared_hinge(benchmark, split):
    X, y, X_test, y_test = split
    model = MulticlassSVM(multi_class="ovr", alpha=STRENGTH)
    fit(benchmark, "skvision", SQUARED, model, X, y, rounds=3)
    benchmark.extra_info["accuracy"] = model.score(X_test, y_test)
    benchmark.extra_info["objective"] = squared_hinge(model, X, y)
    assert model.optimality_ <= model.tol


def test_linear_svc(benchmark, split):
    X, y, X_test, y_test = split
    model = LinearSVC(C=1 / (STRENGTH * len(X)), random_state=0)
    fit(benchmark, "LinearSVC", SQUARED, model, X, y)
    benchmark.extra_info["accuracy"] = model.score(X_test, y_test)
    benchmark.extra_info["objective"] = squared_hinge(model, X, y)
    assert model.n_iter_ <= model.max_iter
