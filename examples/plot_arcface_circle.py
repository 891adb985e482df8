"""
===================
ArcFace on a circle
===================

An embedding with two components can be plotted. This example trains a network with two
outputs on eight handwritten digits, with two losses. One is the cross-entropy of a
linear layer (softmax). The other is that of :class:`skvision.ArcFaceEmbedder`, which
requires the angle between an image and the center of its class to be smaller by a
margin than the angles to other centers. Both separate the digits. The margin makes each
class compact, so that the angles between images of different classes are large, even
for classes that did not occur in training.

After Figure 3 of J. Deng and others, "ArcFace: additive angular margin loss for deep
face recognition", CVPR 2019.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skvision import ArcFaceEmbedder
from skvision.inspection import EmbeddingDisplay
from skvision.metrics import angle_statistics

# %%
# Two losses, the same network
# ----------------------------
# The network has 64 inputs, two hidden layers and two outputs. It has no batch norm,
# because this leaves more space on the circle. The plots show test images.

digits = load_digits(n_class=8)
images, labels = digits.images, digits.target
X_train, X_test, y_train, y_test = train_test_split(
    images, labels, test_size=0.3, stratify=labels, random_state=0
)
models = {
    name: ArcFaceEmbedder(
        n_components=2,
        hidden_layer_sizes=(256, 128),
        loss=loss,
        batch_norm=False,
        max_iter=80,
        random_state=0,
    ).fit(X_train, y_train)
    for name, loss in (("Softmax", "softmax"), ("ArcFace, margin 0.5", "arcface"))
}

# %%
# The circle
# ----------
# Each image is a point on the circle, shifted outwards at random to reduce overlap.
# Lines are the directions of the classes in the network. Angles within a class are
# measured to the mean direction of its images.


def draw(axes, model, title):
    """Plot the embeddings of test images, and return their angles."""
    embeddings = model.transform(X_test)
    angles = angle_statistics(embeddings, y_test)
    EmbeddingDisplay.from_estimator(model, X_test, y_test, ax=axes)
    axes.set(title=title, xlim=(-1.5, 1.5), ylim=(-2.1, 1.5))
    within, between = np.degrees([np.median(angles.within), np.min(angles.between)])
    axes.text(
        0,
        -1.5,
        f"median angle to the mean of a class {within:.1f}°\n"
        f"classes at least {between:.1f}° apart\n"
        f"accuracy {model.score(X_test, y_test):.3f}",
        ha="center",
        va="top",
    )
    return within, between


figure, panels = plt.subplots(1, 2, figsize=(8, 5.4), layout="constrained")
for axes, (name, model) in zip(panels, models.items(), strict=True):
    within, between = draw(axes, model, name)
    print(
        f"{name}: {within:.1f} degrees within classes (median), {between:.1f} between, "
        f"accuracy {model.score(X_test, y_test):.3f}"
    )
plt.show()

# %%
# How far a class spreads
# -----------------------
# The histogram shows the angles of all images to the mean of their class. Images far to
# the right lie in another class and are misclassified.

figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
bins = np.geomspace(0.1, 180, 40)
for (name, model), color in zip(models.items(), ("#57606a", "#d55e00"), strict=True):
    angles = angle_statistics(model.transform(X_test), y_test)
    axes.hist(
        np.degrees(angles.within).clip(0.1),
        bins,
        histtype="step",
        linewidth=1.5,
        color=color,
        label=name,
    )
axes.set(
    xscale="log", xlabel="angle to the mean of the class (degrees)", ylabel="images"
)
axes.legend(frameon=False)
plt.show()
