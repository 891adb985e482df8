"""
===================================================
What a classifier looks at, and where it goes wrong
===================================================

An accuracy says how often a classifier is right on images like those of the test. It
does not say what it goes by, which images fool it, or what becomes of it when the
light is dim or the camera is tilted. This example asks a small network for handwritten
digits: its most confident mistakes, the pixels that it goes by, its accuracy on changed
images, and last the loss that it was trained on.

It runs on scikit-learn's handwritten digits. Where the environment variable
``SKVISION_DATA`` names a folder with the files of CIFAR-10, it asks a network for these
as well.
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
# These are worth a look before anything else. They show labels that are wrong, images
# that people would get wrong, too, and what the classifier should know better.

display = MistakesDisplay.from_estimator(model, X_test, y_test, n_pictures=10)
plt.show()
ones = (display.y_true == 1) & (display.y_pred == 9)
print(f"{ones.sum()} of the {len(ones)} most confident take a one for a nine")

# %%
# Many are ones with a flag at the top, which look like nines with an open loop: this is
# one way to write a one, and one fault, not many. More images of such ones would mend
# it.

# %%
# What it goes by
# ---------------
# The saliency is the gradient of the score of the predicted class: blue pixels would
# raise the score if they were brighter, red ones would lower it. It says what the
# network is sensitive to at this very image, and is noisy.

SaliencyDisplay.from_estimator(model, X_test[:8])
plt.show()

# %%
# Occlusion covers a patch of the image by its mean gray, and looks how far the score
# of the class falls. It is coarser, and nearer to the question of what the class was
# recognized by. By default it is the probability that is watched; of a network as sure
# as this one, it would fall hardly anywhere, since no single patch is needed.

SaliencyDisplay.from_estimator(
    model,
    X_test[:8],
    method="occlusion",
    patch_size=3,
    response_method="decision_function",
)
plt.show()

# %%
# It needs no gradient, and so works with any pipeline. Here it is one of edges, asked
# about the four images that it is least sure of: in the first row about the class
# that it predicts, in the second about the next one. Red is where a class would be more
# probable if that part of the image were not there.

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
# Where it fails
# --------------
# The test images are changed more and more, in eight ways. The curves start from the
# accuracy on the images as they are, and chance is that of always naming the most
# frequent class.

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
# A single pixel to the side is an eighth of such an image, and costs about half of the
# accuracy, as much as a turn by 30 degrees. A network of fully connected layers knows
# nothing of neighbors: what it should not mind, it has to be shown. Random crops,
# which are shifts, show it.

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
# That mends what was shown, a shift by one pixel, and hardly anything else: it is as
# helpless as before when images are turned.

# %%
# The loss landscape
# ------------------
# Almost four thousand weights cannot be drawn, but a plane through them can. Of the
# weights after each epoch, which were recorded above, the first two principal
# directions are taken, and the loss is computed all over that plane.

LossLandscapeDisplay.from_estimator(model, X[:300], y[:300], path=path, n_points=13)
plt.show()

# %%
# The path starts downhill and then bends along the valley, with smaller and smaller
# steps.
#
# A random direction, the part of each unit as long as its weights, tells how much the
# weights may be disturbed. A little does no harm; where the disturbance is as long as
# the weights themselves, the loss is about that of chance, log 10.

LossLandscapeDisplay.from_estimator(
    model, X[:300], y[:300], n_directions=1, random_state=0
)
plt.show()

# %%
# Photographs
# -----------
# The same questions for 5,000 images of CIFAR-10.

root = os.environ.get("SKVISION_DATA")
if root:
    train, test = load_cifar10(root, split="train"), load_cifar10(root, split="test")
    names = np.array(train.names)
    model = MLPBackprop((100,), alpha=0.1, max_iter=10, random_state=0)
    model.fit(train.images[:5_000], names[train.labels[:5_000]])
    pictures, labels = test.images[:1_000], names[test.labels[:1_000]]
    print(f"CIFAR-10: test accuracy {model.score(pictures, labels):.1%}")
    MistakesDisplay.from_estimator(model, pictures, labels, n_pictures=10)
    plt.show()
    SaliencyDisplay.from_estimator(model, pictures[:8])
    plt.show()
    RobustnessDisplay.from_estimator(model, pictures, labels, random_state=0)
    plt.show()
