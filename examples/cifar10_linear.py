"""
Linear classifiers on the pixels of CIFAR-10
============================================

Official split, 50,000 images to learn from and 10,000 to test on; ``alpha`` is chosen
on the last 5,000 of the former, and the test set is touched once. Pixels are
standardized with the mean and deviation of the training images.

Takes a few minutes: ``python examples/cifar10_linear.py [FOLDER]``, where FOLDER holds
``cifar-10-batches-py``.
"""

import sys
import time

from sklearn.base import clone

from skvision import MulticlassSVM, PixelNormalizer, SoftmaxRegression
from skvision.datasets import load_cifar10


def main(folder):
    """Choose alpha, fit on all training images and test, for each classifier."""
    train, test = load_cifar10(folder), load_cifar10(folder, split="test")
    scaler = PixelNormalizer().fit(train.images)
    X = scaler.transform(train.images).reshape(50_000, -1)
    X_test = scaler.transform(test.images).reshape(10_000, -1)
    y, y_test = train.labels, test.labels
    for model in (
        SoftmaxRegression(),
        MulticlassSVM(),
        MulticlassSVM(multi_class="ovr"),
        MulticlassSVM("hinge"),
    ):
        scores = {}
        for alpha in (0.01, 0.1, 1.0):
            part = clone(model).set_params(alpha=alpha).fit(X[:45_000], y[:45_000])
            scores[alpha] = part.score(X[45_000:], y[45_000:])
        best = max(scores, key=scores.get)
        start = time.perf_counter()
        model.set_params(alpha=best).fit(X, y)
        seconds = time.perf_counter() - start
        print(
            f"{model}: validation {scores[best]:.4f}, test "
            f"{model.score(X_test, y_test):.4f}, fitted in {seconds:.1f} s, "
            f"{model.n_iter_} iterations, optimality {model.optimality_:.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
