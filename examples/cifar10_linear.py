"""
Linear classifiers on the pixels of CIFAR-10
============================================

The official split has 50,000 training images and 10,000 test images. ``alpha`` is
chosen on the last 5,000 training images, and the test set is used once. Pixels are
standardized by the mean and the standard deviation of the training images.

``python examples/cifar10_linear.py [FOLDER]``, where FOLDER contains
``cifar-10-batches-py``, takes a few minutes.
"""

import sys
import time

from sklearn.base import clone

from skvision import MulticlassSVM, PixelNormalizer, SoftmaxRegression
from skvision.datasets import load_cifar10


def main(folder):
    """Choose alpha, fit to all training images and test, for each classifier."""
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
