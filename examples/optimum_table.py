"""
How close linear classifiers come to the optimum
================================================

Each classifier is fitted with its default tolerance to a table of datasets, losses and
penalties. For each case, the distance of its objective from the optimum is bounded from
below by the best of several fits with a tight tolerance, and of SciPy's L-BFGS in
float64 for the same objective in NumPy. The script prints a line for each case that is
not within 1 % or that warns, and a summary: ``python examples/optimum_table.py [FOLDER]
[--small]``, where FOLDER contains ``cifar-10-batches-py``. ``--small`` omits CIFAR-10.
"""

import sys
import time
import warnings
from itertools import product

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from skvision import MulticlassSVM, SoftmaxRegression
from skvision.datasets import load_cifar10

ALPHAS = (1e-6, 1e-4, 1e-2, 1.0, 100.0)
MAX_FEATURES = 1000  # with an L1 penalty; with more, each fit takes minutes
MODELS = {
    "softmax": SoftmaxRegression(),
    "squared hinge": MulticlassSVM(),
    "squared hinge, one-vs-rest": MulticlassSVM(multi_class="ovr"),
    "hinge": MulticlassSVM("hinge"),
    "hinge, one-vs-rest": MulticlassSVM("hinge", multi_class="ovr"),
}


def data_sets(folder=None):
    """Yield the names, samples and labels of datasets of different kinds."""
    digits, iris, cancer = load_digits(), load_iris(), load_breast_cancer()
    rng = np.random.default_rng(0)
    raw, y = digits.data[:300], digits.target[:300]
    scaled = StandardScaler().fit_transform(raw)
    yield "digits, raw", raw, y
    yield "digits, scaled", scaled, y
    noisy = np.where(rng.random(300) < 0.3, rng.integers(0, 10, 300), y)
    yield "digits, scaled, 30 % of labels random", scaled, noisy
    yield "iris", iris.data, iris.target
    yield "breast cancer, raw", cancer.data, cancer.target
    blobs = make_blobs(300, 5, centers=3, cluster_std=0.5, random_state=0)
    yield "blobs, separable", *blobs
    yield "random labels", rng.normal(size=(200, 10)), rng.integers(0, 2, 200)
    if folder is not None:
        cifar = load_cifar10(folder)
        X, y = cifar.images[:300].reshape(300, -1), cifar.labels[:300]
        yield "CIFAR-10, bytes", X, y
        X = StandardScaler().fit_transform(X.astype(np.float32))
        yield "CIFAR-10, scaled, float32", X, y


def objective(model, X, labels):
    """Return a function of W and b that computes the objective and its gradient."""
    n, d, k = *X.shape, len(np.unique(labels))
    k = 1 if k == 2 else k
    rows, ovr = np.arange(n), getattr(model, "multi_class", "") == "ovr" or k == 1
    sign = np.where(labels[:, None] == (np.arange(k) if k > 1 else [1]), 1, -1)

    def loss(scores):
        if isinstance(model, SoftmaxRegression):
            both = scores if k > 1 else np.hstack([np.zeros((n, 1)), scores])
            log_sums = logsumexp(both, axis=1)
            slopes = np.exp(both - log_sums[:, None])
            slopes[rows, labels] -= 1
            return log_sums - both[rows, labels], slopes[:, -k:]
        z = 1 - sign * scores if ovr else 1 + scores - scores[rows, labels][:, None]
        if not ovr:
            z[rows, labels] = 0
        z = np.maximum(z, 0)
        power = 1 if model.loss == "hinge" else 2
        slopes = power * z ** (power - 1) * (z > 0)
        if ovr:
            return (z**power).sum(axis=1), -sign * slopes
        slopes[rows, labels] = -slopes.sum(axis=1)
        return (z**power).sum(axis=1), slopes

    def value(params):
        W, b = params[: k * d].reshape(k, d), params[k * d :]
        losses, slopes = loss(X @ W.T + b)
        l1, l2 = model.alpha * model.l1_ratio, model.alpha * (1 - model.l1_ratio)
        d_W = slopes.T @ X / n + l2 * W
        penalty = l1 * np.abs(W).sum() + l2 / 2 * (W**2).sum()
        return losses.mean() + penalty, np.append(d_W, slopes.mean(axis=0))

    return value


def excess(model, X, y, reference_tol=1e-5):
    """Fit a model, and return its relative excess, its bound and whether it warned."""
    labels = np.unique(y, return_inverse=True)[1]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    value = objective(model, X.astype(np.float64), labels)

    def reached(model):
        return value(np.append(model.coef_, model.intercept_).astype(np.float64))[0]

    exact = X.astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tight = clone(model).set_params(tol=reference_tol).fit(exact, y)
    best = min(reached(model), reached(tight))
    if getattr(model, "loss", "") != "hinge" and model.l1_ratio == 0:
        start = np.append(tight.coef_, tight.intercept_)
        for first in (start, np.zeros_like(start)):
            found = minimize(value, first, jac=True, method="L-BFGS-B")
            best = min(best, found.fun)
    warned = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
    return reached(model) / best - 1, model.optimality_, bool(warned)


def main(folder):
    """Print the cases that are not within 1 % or that warn, and a summary."""
    n_cases, n_far, n_warned, largest, start = 0, 0, 0, 0.0, time.perf_counter()
    for name, X, y in data_sets(folder):
        penalties = product(ALPHAS, (0.0, 0.5, 1.0))
        for (what, model), (alpha, l1_ratio) in product(MODELS.items(), penalties):
            if l1_ratio > 0 and X.shape[1] > MAX_FEATURES:
                continue
            case = clone(model).set_params(alpha=alpha, l1_ratio=l1_ratio)
            distance, bound, warned = excess(case, X, y)
            n_cases += 1
            n_warned += warned
            if not distance <= 0.01:
                n_far += 1
            if not warned:
                largest = max(largest, distance)
            if warned or not distance <= 0.01:
                print(
                    f"{name}; {what}; alpha={alpha:g}, l1_ratio={l1_ratio:g}: "
                    f"{100 * distance:.2g} % above the best known, bound "
                    f"{100 * bound:.2g} %{', warns' if warned else ''}",
                    flush=True,
                )
    print(
        f"{n_cases} cases: {n_far} more than 1 % above the best known objective, "
        f"{n_warned} with a warning; without one at most {100 * largest:.2g} %. "
        f"{time.perf_counter() - start:.0f} s."
    )


if __name__ == "__main__":
    arguments = [one for one in sys.argv[1:] if one != "--small"]
    data = arguments[0] if arguments else "../shared/data"
    main(None if "--small" in sys.argv else data)
