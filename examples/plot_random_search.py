"""
==================================================
Random search, gradient descent, and exact solvers
==================================================

A linear classifier has the weights at which its loss is least. The simplest way to look
for them is to try weights at random and to keep the best. It needs no gradient, and
shows what one is worth: after a thousand tries, random search is still far from where
gradient descent is after its first step.

It runs on scikit-learn's handwritten digits. Where the environment variable
``SKVISION_DATA`` names a folder with the files of CIFAR-10, random search is tried on
these as well.
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
# It is that of the multiclass support vector machine: the sum, over wrong classes, of
# how much they come closer to the true one than a margin of 1, and a penalty on large
# weights. When all scores are equal, each of nine wrong classes costs 1.

ALPHA = 0.01


def svm_loss(W, X, labels):
    """Return the mean hinge loss plus the penalty, of one W or of each in a stack."""
    scores = np.tensordot(X, W, axes=(1, -1))
    true_scores = scores[np.arange(len(X)), ..., labels]
    excess = np.maximum(0, scores - true_scores[..., None] + 1).sum(axis=-1)
    hinge = excess - 1  # without the true class, which comes as close as it can
    return hinge.mean(axis=0) + ALPHA / 2 * (W**2).sum(axis=(-2, -1))


def accuracy(W, X, labels):
    """Return the share of the images whose class has the largest score."""
    return ((X @ W.T).argmax(axis=1) == labels).mean()


# %%
# Pixels go from 0 to 1, less the mean image of the training part.

digits = load_digits()
pixels = digits.data / 16
normalizer = PixelNormalizer(scale=None).fit(pixels[:1_000])
X, y = normalizer.transform(pixels[:1_000]), digits.target[:1_000]
X_test, y_test = normalizer.transform(pixels[1_000:]), digits.target[1_000:]
print(f"weights 0: loss {svm_loss(np.zeros((10, 64)), X, y):.3f}")

# %%
# A thousand tries
# ----------------
# Weights are normal with standard deviation 0.0001 for pixels up to 255, which is
# 0.0255 for pixels up to 1. Tries are made fifty at a time.


def random_search(X, labels, scale):
    """Return the best weights of each time that there were better ones, by number."""
    rng = np.random.default_rng(0)
    least, best, number = np.inf, {}, 0
    for _ in range(20):
        tries = rng.normal(scale=scale, size=(50, 10, X.shape[1])).astype(X.dtype)
        for W, loss in zip(tries, svm_loss(tries, X, labels), strict=True):
            number += 1
            if loss < least:
                least, best[number] = loss, W
    return best


found = random_search(X, y, scale=255e-4)
for number, W in found.items():
    print(
        f"try {number:3}: loss {svm_loss(W, X, y):.3f}, "
        f"test accuracy {accuracy(W, X_test, y_test):.3f}"
    )

# %%
# Weights so small give scores so close to 0 that the loss hardly moves. Ten times as
# large ones do better, and a hundred times as large ones are worse than none.

for larger in [10, 100]:
    *_, W = random_search(X, y, scale=larger * 255e-4).values()
    print(
        f"weights {larger:3} times as large: loss {svm_loss(W, X, y):6.3f}, "
        f"test accuracy {accuracy(W, X_test, y_test):.3f}"
    )

# %%
# The same loss with its gradient
# -------------------------------
# Plain gradient descent looks at all images, then makes one step. In mini-batches of
# 200 it makes five steps while it looks at all once, here with momentum. Each call of
# ``partial_fit`` is one pass over the images.
#
# The exact solver, ``solver="auto"``, approaches the hinge by smooth losses, and each
# of these by L-BFGS, which learns from the gradients that it has seen how the loss is
# curved. It is stopped after so many iterations, and told not to warn of it. Each is
# one pass; a few more passes to begin with and in between are not counted.


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
courses = {
    "random search": {
        number: (svm_loss(W, X, y), accuracy(W, X_test, y_test))
        for number, W in found.items()
    }
}
courses["random search"][1_000] = [*courses["random search"].values()][-1]
for name, model in descents.items():
    courses[name] = {}
    for number in range(1, PASSES[-1] + 1):
        model.partial_fit(X, y, classes=np.arange(10))
        if number in PASSES:
            courses[name][number] = loss_and_accuracy(model)

courses["exact solver"] = {}
for number in PASSES:
    model = MulticlassSVM("hinge", alpha=ALPHA, max_iter=number)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        model.fit(X, y)
    courses["exact solver"][model.n_iter_] = loss_and_accuracy(model)

for name, course in courses.items():
    number, (loss, right) = [*course.items()][-1]
    print(f"{name}, {number} passes: loss {loss:.4f}, test accuracy {right:.3f}")

# %%
# A try costs about half of what a step of gradient descent does, which needs scores and
# then the gradient; on a logarithmic axis that is a small shift.

STYLES = {
    "random search": {"color": "#57606a", "marker": "x", "drawstyle": "steps-post"},
    "gradient descent": {"color": "#08519c", "marker": "o"},
    "mini-batches": {"color": "#d55e00", "marker": "s"},
    "exact solver": {"color": "#006d2c", "marker": "^"},
}
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
for name, course in courses.items():
    losses, shares = zip(*course.values(), strict=True)
    left.plot([*course], losses, label=name, **STYLES[name])
    right.plot([*course], shares, **STYLES[name])
left.set(yscale="log", ylabel="loss on the training images (logarithmic)")
left.set_yticks([0.3, 1, 3, 9], ["0.3", "1", "3", "9"])
right.set(ylim=(0, 1), ylabel="accuracy on the test images")
for axes in (left, right):
    axes.set(xscale="log", xlabel="passes over the training images (logarithmic)")
    axes.grid(alpha=0.3)
figure.legend(loc="outside lower center", ncols=4)
figure.suptitle("Handwritten digits: ways to the weights of a linear classifier")
plt.show()

# %%
# Photographs
# -----------
# On CIFAR-10, the best of 1,000 random weights on 5,000 images have about 15 % of the
# test images right: 13.6 to 17.2 % with ten seeds, 15.0 % in the mean. Without
# centering it is 10.4 to 15.6 %, and 12.5 % in the mean: much of what a class scores
# then comes from the mean image, and is the same for all. With the seed of this page,
# the first of the ten, the two are as good as equal. Chance is 10 %.

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
