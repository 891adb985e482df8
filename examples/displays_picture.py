"""
Four displays for the user guide
================================

The image shows four displays for scikit-learn's handwritten digits, with the first
1,200 for training and the others for testing: ``python examples/displays_picture.py
OUT.png``.
"""

import sys

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from skvision import ArcFaceEmbedder, MLPBackprop, SoftmaxRegression
from skvision.augmentation import RandomCrop
from skvision.inspection import (
    EmbeddingDisplay,
    MistakesDisplay,
    SaliencyDisplay,
    TemplateDisplay,
)

digits = load_digits()
images, labels = (digits.images * 255 / 16).astype("uint8"), digits.target
training, testing = slice(0, 1200), slice(1200, None)

linear = SoftmaxRegression(alpha=0.1).fit(images[training] / 255, labels[training])
network = MLPBackprop(
    (128,), max_iter=40, augmentation=RandomCrop(1), random_state=0
).fit(images[training], labels[training])
circle = ArcFaceEmbedder(
    n_components=2,
    hidden_layer_sizes=(256, 128),
    batch_norm=False,
    max_iter=60,
    random_state=0,
).fit(images[training], labels[training])

figure = plt.figure(figsize=(11, 7.6), layout="constrained")
parts = figure.subfigures(2, 2, width_ratios=(1.15, 1), height_ratios=(1, 1.1))
titles = {
    "Weights of each class": parts[0, 0],
    "Regions that a network depends on": parts[0, 1],
    "Most confident mistakes": parts[1, 0],
    "Embedding with angular margins": parts[1, 1],
}
for title, part in titles.items():
    part.suptitle(title, fontsize="large", fontweight="bold")
axes = [part.subplots() for part in parts.flat]

TemplateDisplay.from_estimator(linear, ax=axes[0], n_cols=5)
shown = [next(i for i in range(1200, 1797) if labels[i] == k) for k in range(2, 8)]
SaliencyDisplay.from_estimator(
    network,
    images[shown],
    method="occlusion",
    response_method="decision_function",
    patch_size=3,
    n_cols=3,
    ax=axes[1],
)
MistakesDisplay.from_estimator(
    network, images[testing], labels[testing], n_pictures=10, ax=axes[2]
)
EmbeddingDisplay.from_estimator(circle, images[testing], labels[testing], ax=axes[3])
figure.savefig(sys.argv[1], dpi=110)
