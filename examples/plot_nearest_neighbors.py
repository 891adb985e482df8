"""
====================================================
Nearest neighbors, and the selection of their number
====================================================

The predictions of a nearest-neighbors classifier are explained by the training images
that voted. This example shows these images for correct and wrong predictions, and
selects the number of neighbors by cross-validation.

It uses scikit-learn's handwritten digits. If the environment variable ``SKVISION_DATA``
names a folder with the files of CIFAR-10, it uses these instead.
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
# ----------
# Images are uint8 arrays with values up to 255 or, for the digits, up to 16. They need
# not be scaled or flattened. Consecutive digits are likely to be by the same writer, so
# the dataset is split without shuffling.

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
    digit_images = digits.images.astype(np.uint8)
    images, labels = digit_images[:1_000], digits.target[:1_000]
    test_images, test_labels = digit_images[1_000:], digits.target[1_000:]

print(f"{title}: {len(images):,} training and {len(test_images):,} test images")

# %%
# The neighbors that voted
# ------------------------
# ``predict`` returns the class with the most votes, and ``kneighbors`` returns the
# training images that vote, which :class:`skvision.inspection.NeighborsDisplay` shows.

n_neighbors = 7
model = KNNImageClassifier(n_neighbors, n_jobs=-1).fit(images, labels)
predicted = model.predict(test_images)
is_right = predicted == test_labels
print(f"accuracy with {n_neighbors} neighbors: {is_right.mean():.3f}")

# %%
# The plot shows four random test images with correct predictions and four with wrong
# ones. Each row contains a test image and its neighbors, sorted by distance. Neighbors
# of the true class have a green frame and a tick, and others an orange frame and a
# cross.

rng = np.random.default_rng(0)
right = rng.choice(np.flatnonzero(is_right), 4, replace=False)
wrong = rng.choice(np.flatnonzero(~is_right), 4, replace=False)
display = NeighborsDisplay.from_estimator(
    model, test_images[[*right, *wrong]], test_labels[[*right, *wrong]]
)
display.figure_.suptitle(f"{title}: test images and the training images that voted")
plt.show()

# %%
# The number of neighbors
# -----------------------
# The number of neighbors must not be selected on the test images, because their
# accuracy would then be a biased estimate for new images. It is selected by five-fold
# cross-validation on up to 5,000 training images.
# :func:`skvision.model_selection.k_selection_curve` searches the neighbors of each fold
# once for all numbers of neighbors.

curve = k_selection_curve(images[:5_000], labels[:5_000], cv=5, n_jobs=-1)
display = KSelectionDisplay(curve)
best = display.best
print(display.summary.round(4))
print(f"best number of neighbors: {best}")

# %%
# Each point is one fold. The line connects the means over folds, and the error bars are
# one standard error of the mean. The square marks the largest number of neighbors whose
# mean is within one standard error of the best, which gives the smoothest classifier
# that is not significantly worse.

display.plot()
display.ax_.set_ylabel(f"{title}: accuracy")
plt.show()

# %%
# Finally, the test images estimate the accuracy of the selected number of neighbors,
# with all training images.

model.set_params(n_neighbors=best)
print(f"test accuracy with k = {best}: {model.score(test_images, test_labels):.3f}")
