"""
==================================================
Random search, gradient descent, and exact solvers
==================================================

Training a linear classifier minimizes its loss over the weights. The simplest method is
random search, which samples weights at random and keeps the best. It requires no
gradient, and shows the benefit of one: after a thousand samples, its loss is still far
above that of gradient descent after the first step.

The example uses scikit-learn's handwritten digits. If the environment variable
``SKVISION_DATA`` names a folder with the files of CIFAR-10, it also runs random search
on these.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from skvision import MulticlassSVM, PixelNormalizer
from skvision.datasets import load_cifar10

# %%
# The loss
# --------
# The loss is that of the multiclass support vector machine: the sum, over wrong
# classes, of the amounts by which their scores exceed the score of the true class less
# a margin of 1, plus a penalty on the weights. If all scores are equal, each of the
# nine wrong classes contributes 1.

ALPHA = 0.01


def svm_loss(W, X, labels):
    """Return the mean hinge loss plus the penalty, for one W or for each in a stack."""
    scores = np.tensordot(X, W, axes=(1, -1))
    true_scores = scores[np.arange(len(X)), ..., labels]
    excess = np.maximum(0, scores - true_scores[..., None] + 1).sum(axis=-1)
    hinge = excess - 1  # without the true class, which contributes 1
    return hinge.mean(axis=0) + ALPHA / 2 * (W**2).sum(axis=(-2, -1))


def accuracy(W, X, labels):
    """Return the fraction of the images whose class has the largest score."""
    return ((X @ W.T).argmax(axis=1) == labels).mean()


# %%
# Pixels are scaled to values from 0 to 1, and the mean training image is subtracted.

digits = load_digits()
pixels = digits.data / 16
normalizer = PixelNormalizer(scale=None).fit(pixels[:1_000])
X, y = normalizer.transform(pixels[:1_000]), digits.target[:1_000]
X_test, y_test = normalizer.transform(pixels[1_000:]), digits.target[1_000:]
print(f"weights 0: loss {svm_loss(np.zeros((10, 64)), X, y):.3f}")

# %%
# Random search
# -------------
# Weights are normal with standard deviation 0.0001 for pixels up to 255, which is
# 0.0255 for pixels up to 1. Fifty weights are evaluated together.


def random_search(X, labels, scale):
    """Return all weights that improved the loss, by the number of the sample."""
    rng = np.random.default_rng(0)
    smallest, best, number = np.inf, {}, 0
    for _ in range(20):
        tries = rng.normal(scale=scale, size=(50, 10, X.shape[1])).astype(X.dtype)
        for W, loss in zip(tries, svm_loss(tries, X, labels), strict=True):
            number += 1
            if loss < smallest:
                smallest, best[number] = loss, W
    return best


found = random_search(X, y, scale=255e-4)
for number, W in found.items():
    print(
        f"sample {number:3}: loss {svm_loss(W, X, y):.3f}, "
        f"test accuracy {accuracy(W, X_test, y_test):.3f}"
    )

# %%
# Such small weights give scores close to 0, so that the loss hardly changes. Weights
# that are ten times as large are better, and weights that are a hundred times as large
# are worse than zero weights.

for larger in [10, 100]:
    *_, W = random_search(X, y, scale=larger * 255e-4).values()
    print(
        f"weights {larger:3} times as large: loss {svm_loss(W, X, y):6.3f}, "
        f"test accuracy {accuracy(W, X_test, y_test):.3f}"
    )

# %%
# Gradient descent and exact solver
# ---------------------------------
# Plain gradient descent makes one step per pass over the images. With mini-batches of
# 200 images, it makes five steps per pass, here with momentum. Each call of
# ``partial_fit`` is one pass.
#
# The exact solver, ``solver="auto"``, approximates the hinge loss by smooth losses and
# minimizes these by L-BFGS, which estimates the curvature of the loss from its
# gradients. It is stopped after a given number of iterations, and its warning is
# ignored. Each iteration is one pass; several additional passes at the start and
# between the smooth losses are not counted.


def loss_and_accuracy(model):
    """Return the training loss and the test accuracy."""
    return model.loss_and_gradient(X, y)[0], model.score(X_test, y_test)


descents = {
    "gradient descent": MulticlassSVM(
        "hinge",
        alpha=ALPHA,
        solver="sgd",
        batch_size=len(X),
        learning_rate_init=0.3,
        momentum=0,
    ),
    "mini-batches": MulticlassSVM(
        "hinge",
        alpha=ALPHA,
        solver="sgd",
        batch_size=200,
        learning_rate_init=0.01,
        momentum=0.9,
        random_state=0,
    ),
}
PASSES = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100]
histories = {
    "random search": {
        number: (svm_loss(W, X, y), accuracy(W, X_test, y_test))
        for number, W in found.items()
    }
}
histories["random search"][1_000] = [*histories["random search"].values()][-1]
for name, model in descents.items():
    histories[name] = {}
    for number in range(1, PASSES[-1] + 1):
        model.partial_fit(X, y, classes=np.arange(10))
        if number in PASSES:
            histories[name][number] = loss_and_accuracy(model)

histories["exact solver"] = {}
for number in PASSES:
    model = MulticlassSVM("hinge", alpha=ALPHA, max_iter=number)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        model.fit(X, y)
    histories["exact solver"][model.n_iter_] = loss_and_accuracy(model)

for name, history in histories.items():
    number, (loss, right) = [*history.items()][-1]
    print(f"{name}, {number} passes: loss {loss:.4f}, test accuracy {right:.3f}")

# %%
# A sample of random search takes about half the time of a step of gradient descent,
# which computes the scores and the gradient. This is a small shift on a logarithmic
# axis.

STYLES = {
    "random search": {"color": "#57606a", "marker": "x", "drawstyle": "steps-post"},
    "gradient descent": {"color": "#08519c", "marker": "o"},
    "mini-batches": {"color": "#d55e00", "marker": "s"},
    "exact solver": {"color": "#006d2c", "marker": "^"},
}
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
for name, history in histories.items():
    losses, accuracies = zip(*history.values(), strict=True)
    left.plot([*history], losses, label=name, **STYLES[name])
    right.plot([*history], accuracies, **STYLES[name])
left.set(yscale="log", ylabel="loss on the training images (logarithmic)")
left.set_yticks([0.3, 1, 3, 9], ["0.3", "1", "3", "9"])
right.set(ylim=(0, 1), ylabel="accuracy on the test images")
for axes in (left, right):
    axes.set(xscale="log", xlabel="passes over the training images (logarithmic)")
    axes.grid(alpha=0.3)
figure.legend(loc="outside lower center", ncols=4)
figure.suptitle("Handwritten digits: training of a linear classifier")
plt.show()

# %%
# Photographs
# -----------
# On CIFAR-10, the best of 1,000 random weights on 5,000 images have a test accuracy of
# about 15 %: 13.6 to 17.2 % with ten seeds, and 15.0 % on average. Without centering,
# it is 10.4 to 15.6 %, and 12.5 % on average, because a large part of the scores comes
# from the mean image, which is the same for all images. With the seed of this example,
# the first of the ten, both are about equal. Chance is 10 %.

root = os.environ.get("SKVISION_DATA")
if root:
    train, test = load_cifar10(root, split="train"), load_cifar10(root, split="test")
    raw = train.images[:5_000].reshape(5_000, -1).astype(np.float32)
    raw_test = test.images.reshape(len(test.images), -1).astype(np.float32)
    labels = train.labels[:5_000]
    centering = PixelNormalizer(scale=None).fit(raw)
    for kind, X, X_test in [
        ("raw", raw, raw_test),
        ("centered", centering.transform(raw), centering.transform(raw_test)),
    ]:
        *_, W = random_search(X, labels, scale=1e-4).values()
        print(
            f"CIFAR-10, {kind} pixels, random search: loss "
            f"{svm_loss(W, X, labels):.3f}, test accuracy "
            f"{accuracy(W, X_test, test.labels):.3f}"
        )
    model = MulticlassSVM("hinge", alpha=1).fit(raw / 255, labels)
    right = model.score(raw_test / 255, test.labels)
    print(f"CIFAR-10, exact solver: test accuracy {right:.3f}")
