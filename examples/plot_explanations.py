"""
===================================================
Inspection of a classifier: mistakes and robustness
===================================================

The accuracy is the fraction of correct predictions on images like the test images. It
does not tell which pixels determine a prediction, which images are misclassified, or
how the classifier performs if the light is dim or the camera is tilted. This example
inspects a small network for handwritten digits: its most confident mistakes, the pixels
that its predictions depend on, its accuracy on changed images, and the loss around its
weights.

It uses scikit-learn's handwritten digits. If the environment variable ``SKVISION_DATA``
names a folder with the files of CIFAR-10, it also inspects a network for these.
"""

import copy
import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline

from skvision import HOG, MLPBackprop, PixelNormalizer, SoftmaxRegression
from skvision.augmentation import RandomCrop
from skvision.datasets import load_cifar10
from skvision.inspection import (
    LossLandscapeDisplay,
    MistakesDisplay,
    RobustnessDisplay,
    SaliencyDisplay,
)

digits = load_digits()
images = digits.images.astype(np.uint8)  # from 0 to 16
X, y = images[:1_000], digits.target[:1_000]
X_test, y_test = images[1_000:], digits.target[1_000:]

model = MLPBackprop((50,), learning_rate_init=0.01, random_state=0)
path = []
for _ in range(20):
    model.partial_fit(X, y, classes=np.unique(y))
    path.append(copy.deepcopy(model))
print(f"test accuracy {model.score(X_test, y_test):.1%}")

# %%
# The most confident mistakes
# ---------------------------
# The most confident mistakes are a good start. They show wrong labels, images that are
# also difficult for people, and systematic errors of the classifier.

display = MistakesDisplay.from_estimator(model, X_test, y_test, n_pictures=10)
plt.show()
ones = (display.y_true == 1) & (display.y_pred == 9)
print(f"{ones.sum()} of the {len(ones)} most confident take a one for a nine")

# %%
# Many of them are ones with a flag at the top, which look like nines with an open loop.
# They are a single systematic error, which more training images of such ones would
# correct.

# %%
# Important pixels
# ----------------
# The saliency is the gradient of the score of the predicted class. If blue pixels
# become brighter, the score increases, and if red pixels do, it decreases. The gradient
# is exact for the given image, but it is noisy.

SaliencyDisplay.from_estimator(model, X_test[:8])
plt.show()

# %%
# Occlusion covers a patch of the image by the mean gray level, and computes the
# decrease of the score of the class. It is coarser, but it shows more directly which
# regions determine the prediction. By default, it uses the probability. The probability
# of a network as confident as this one hardly decreases, because no single patch is
# necessary, so this example uses the score.

SaliencyDisplay.from_estimator(
    model,
    X_test[:8],
    method="occlusion",
    patch_size=3,
    response_method="decision_function",
)
plt.show()

# %%
# Occlusion requires no gradient and works with any pipeline. The next pipeline uses
# edges. The plot explains the four images with the least confident predictions: the
# predicted class in the first row, and the second most probable class in the second
# row. Red regions reduce the probability of the class.

edges = make_pipeline(
    HOG(pixels_per_cell=(4, 4)),
    PixelNormalizer(variance_floor=0.01),
    SoftmaxRegression(alpha=0.01),
)
edges.fit(X, y)
print(f"by edges: test accuracy {edges.score(X_test, y_test):.1%}")
probabilities = edges.predict_proba(X_test)
doubtful = np.argsort(probabilities.max(axis=1))[:4]
ranked = np.argsort(-probabilities[doubtful], axis=1)
SaliencyDisplay.from_estimator(
    edges,
    np.concatenate([X_test[doubtful]] * 2),
    method="occlusion",
    target=edges.classes_[ranked[:, :2].T.ravel()],
    patch_size=3,
)
plt.show()

# %%
# Robustness
# ----------
# The test images are changed in six ways, with increasing levels. The dashed line is
# the accuracy on the unchanged images, and chance is the accuracy of always predicting
# the most frequent class.

changes = ["brightness", "contrast", "shift", "rotation", "scale", "noise"]
display = RobustnessDisplay.from_estimator(
    model,
    X_test,
    y_test,
    changes=changes,
    value_range=(0, 16),
    random_state=0,
    n_cols=3,
)
plt.show()
print(display.results[display.results["change"] == "shift"].round(3).to_string())

# %%
# A shift by a single pixel is an eighth of the width of such an image. It reduces the
# accuracy to about half, as a rotation by 30 degrees does. A network of fully connected
# layers has no notion of neighboring pixels. It must learn invariance from examples,
# such as from random crops, which are shifts.

shifted = MLPBackprop(
    (50,),
    learning_rate_init=0.01,
    max_iter=40,
    n_iter_no_change=40,
    augmentation=RandomCrop(1),
    random_state=0,
)
shifted.fit(X, y)
display = RobustnessDisplay.from_estimator(
    shifted,
    X_test,
    y_test,
    changes=["shift", "rotation", "scale"],
    value_range=(0, 16),
    random_state=0,
    n_cols=3,
)
plt.show()
print(f"with random crops: test accuracy {display.unchanged:.1%}")
print(display.results[display.results["change"] == "shift"].round(3).to_string())

# %%
# Random crops make the network robust to shifts by one pixel, but hardly to other
# changes: its accuracy on rotated images does not improve.

# %%
# The loss landscape
# ------------------
# The space of almost four thousand weights cannot be plotted, but a plane in it can.
# The plane has the first two principal directions of the weights after each epoch,
# which were recorded above. The plot shows the loss on this plane.

LossLandscapeDisplay.from_estimator(model, X[:300], y[:300], path=path, n_points=13)
plt.show()

# %%
# The path first descends and then bends along a valley, with decreasing steps.
#
# The loss along a random direction shows the effect of a perturbation of the weights.
# The direction has the norms of the weights of each unit. Small perturbations do not
# matter. If the perturbation is as large as the weights, the loss is about that of
# chance, log 10.

LossLandscapeDisplay.from_estimator(
    model, X[:300], y[:300], n_directions=1, random_state=0
)
plt.show()

# %%
# Photographs
# -----------
# The same displays can be plotted for 5,000 images of CIFAR-10.

root = os.environ.get("SKVISION_DATA")
if root:
    train, test = load_cifar10(root, split="train"), load_cifar10(root, split="test")
    names = np.array(train.names)
    model = MLPBackprop((100,), alpha=0.1, max_iter=10, random_state=0)
    model.fit(train.images[:5_000], names[train.labels[:5_000]])
    images, labels = test.images[:1_000], names[test.labels[:1_000]]
    print(f"CIFAR-10: test accuracy {model.score(images, labels):.1%}")
    MistakesDisplay.from_estimator(model, images, labels, n_pictures=10)
    plt.show()
    SaliencyDisplay.from_estimator(model, images[:8])
    plt.show()
    RobustnessDisplay.from_estimator(model, images, labels, random_state=0)
    plt.show()
