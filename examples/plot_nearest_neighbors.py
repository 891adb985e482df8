"""
=============================================
Nearest neighbors, and how many should vote
=============================================

A classifier by nearest neighbors can always show its reasons: the training images
that voted. This example looks at them, for test images that come out right and for
some that do not, and then lets cross-validation choose the number of neighbors.

It runs on scikit-learn's handwritten digits. Where the environment variable
``SKVISION_DATA`` names a folder with the files of CIFAR-10, it runs on these.
"""

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skvision import KNNImageClassifier
from skvision.datasets import load_cifar10
from skvision.inspection import KSelectionDisplay, NeighborsDisplay
from skvision.model_selection import k_selection_curve

# %%
# The images
# ------------
# Images stay bytes, up to 255 or, for the digits, up to 16: nothing is scaled or made
# flat. Digits that stand together in their set are likely to be from one hand, so the
# set is divided where it stands and not shuffled.

root = os.environ.get("SKVISION_DATA")
if root:
    title = "CIFAR-10"
    train, test = load_cifar10(root, split="train"), load_cifar10(root, split="test")
    names = np.array(train.names)
    images, labels = train.images[:20_000], names[train.labels[:20_000]]
    test_images, test_labels = test.images[:1_000], names[test.labels[:1_000]]
else:
    title = "Handwritten digits"
    digits = load_digits()
    pictures = digits.images.astype(np.uint8)
    images, labels = pictures[:1_000], digits.target[:1_000]
    test_images, test_labels = pictures[1_000:], digits.target[1_000:]

print(f"{title}: {len(images):,} training and {len(test_images):,} test images")

# %%
# The neighbors that voted
# -------------------------
# ``predict`` gives the class with the most votes, ``kneighbors`` the training images
# that cast them, which :class:`skvision.inspection.NeighborsDisplay` draws.

n_neighbors = 7
model = KNNImageClassifier(n_neighbors, n_jobs=-1).fit(images, labels)
predicted = model.predict(test_images)
is_right = predicted == test_labels
print(f"accuracy with {n_neighbors} neighbors: {is_right.mean():.3f}")

# %%
# Four test images that came out right and four that came out wrong, drawn by lot.
# Each row has a test image and then its neighbors, the nearest first, with their
# distances. A green frame and a tick stand for the class of the test image, an orange
# frame and a cross for any other.

rng = np.random.default_rng(0)
right = rng.choice(np.flatnonzero(is_right), 4, replace=False)
wrong = rng.choice(np.flatnonzero(~is_right), 4, replace=False)
display = NeighborsDisplay.from_estimator(
    model, test_images[[*right, *wrong]], test_labels[[*right, *wrong]]
)
display.figure_.suptitle(f"{title}: test images and the training images that voted")
plt.show()

# %%
# How many should vote
# --------------------
# The test images must not choose the number of neighbors, or their accuracy would no
# longer be that of new images. Five folds of the training images choose it, or of
# the first 5,000 where there are more.
# :func:`skvision.model_selection.k_selection_curve` finds the neighbors of each fold
# once, for all numbers together.

curve = k_selection_curve(images[:5_000], labels[:5_000], cv=5, n_jobs=-1)
display = KSelectionDisplay(curve)
best = display.best
print(display.summary.round(4))
print(f"best number of neighbors: {best}")

# %%
# A point is one fold. The line goes through the means of the folds, and the bars are
# one standard error of the mean up and down. The square marks the largest number whose
# mean is within one standard error of the best: the smoothest classifier that is not
# shown to be worse.

display.plot()
display.ax_.set_ylabel(f"{title}: accuracy")
plt.show()

# %%
# Only now do the test images say how good the chosen number is, with all training
# images to look among.

model.set_params(n_neighbors=best)
print(f"test accuracy with k = {best}: {model.score(test_images, test_labels):.3f}")
