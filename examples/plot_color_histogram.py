"""
=======================================
Features by colors: the color histogram
=======================================

A color histogram counts how many pixels have which color, and ignores their positions.
This example shows the colors of two photos of scikit-learn, first for each channel, and
then for combinations of channels. Finally it shows the benefit of ignoring positions: a
rotated image has the same histogram.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import hsv_to_rgb
from sklearn.datasets import load_sample_images
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skvision import HOG, ColorHistogram, KNNImageClassifier

# %%
# Hue, and which pixels have one
# ------------------------------
# Hue is an angle, from red over green and blue back to red. The hue of a nearly gray
# pixel is determined by noise. There are therefore two histograms of hue. In the first
# one, all pixels have the same weight. In the second one, ``"weighted_hue"``, pixels
# are weighted by their saturation, so that the pale sky over the temple has a small
# weight.

photos = np.array(load_sample_images().images)
names = ["temple", "flower"]
print(f"{len(photos)} photos of {photos.shape[1]} x {photos.shape[2]} pixels")

n_bins = 36
hues = (np.arange(n_bins) + 0.5) / n_bins
hue_colors = hsv_to_rgb(np.column_stack([hues, np.ones((n_bins, 2))]))
titles = ["hue: pixels", "hue: pixels weighted by saturation"]
fractions = (
    ColorHistogram(n_bins, channels=["hue", "weighted_hue"])
    .fit_transform(photos)
    .reshape(2, 2, n_bins)
)

figure, grid = plt.subplots(2, 3, figsize=(12, 6), layout="constrained")
for row, photo, name, histograms in zip(grid, photos, names, fractions, strict=True):
    row[0].imshow(photo)
    row[0].set(title=name, xticks=[], yticks=[])
    for axes, title, histogram in zip(row[1:], titles, histograms, strict=True):
        axes.bar(360 * hues, histogram, width=360 / n_bins, color=hue_colors)
        axes.set(
            title=title, xticks=range(0, 361, 60), ylim=(0, 1.05 * fractions.max())
        )
        axes.set(xlabel="hue (degrees)", ylabel="fraction")
figure.suptitle("The hues of two photos")
plt.show()

# %%
# Colors as combinations
# ----------------------
# If channels are counted separately, an image with a blue sky and a pale wall has the
# same features as one with a pale sky and a blue wall of the same brightness. With
# ``joint=True``, each bin is a combination of hue, saturation and value. The plots show
# the twelve most frequent of the 12 x 4 x 4 colors in each photo.

bins = (12, 4, 4)
joint = ColorHistogram(bins, joint=True).fit(photos)
features = joint.transform(photos)
feature_names = joint.get_feature_names_out()
centers = (np.array(list(np.ndindex(*bins))) + 0.5) / bins
for name, feature in zip(names, features, strict=True):
    best = feature.argmax()
    print(f"{name}: {feature[best]:.0%} of the pixels are in {feature_names[best]}")

figure, grid = plt.subplots(
    2, 2, figsize=(12, 6), layout="constrained", width_ratios=(1, 2)
)
for row, photo, name, feature in zip(grid, photos, names, features, strict=True):
    row[0].imshow(photo)
    row[0].set(title=name, xticks=[], yticks=[])
    top = feature.argsort()[::-1][:12]
    row[1].bar(range(12), feature[top], color=hsv_to_rgb(centers[top]), edgecolor="0.5")
    row[1].set(title=f"{feature[top].sum():.0%} of the pixels", ylabel="fraction")
    labels = [
        f"{360 * hue:.0f}°\n{100 * saturation:.0f}\n{100 * value:.0f}"
        for hue, saturation, value in centers[top]
    ]
    row[1].set_xticks(range(12), labels, fontsize="small")
grid[1, 1].set_xlabel("hue (degrees), saturation and value (%) at the center of a bin")
figure.suptitle("The most frequent of 192 colors")
plt.show()

# %%
# Positions do not matter
# -----------------------
# The photos are cut into squares, and every second square is rotated by 90 degrees. The
# task is to predict the photo that a square belongs to. Colors make this easy, and a
# histogram without cells is not changed by rotation, while pixels and the orientations
# of edges are. With square roots (``norm="sqrt"``), Euclidean distances are Hellinger
# distances up to a constant factor.

side = 53
squares = photos[:, : 8 * side, : 12 * side].reshape(2, 8, side, 12, side, 3)
squares = squares.transpose(0, 1, 3, 2, 4, 5).reshape(-1, side, side, 3).copy()
labels = np.repeat(names, len(squares) // 2)
squares[::2] = np.rot90(squares[::2], axes=(1, 2))

transformers = {
    "pixels": FunctionTransformer(),
    "HOG": HOG(),
    "hue, saturation,\nvalue": ColorHistogram(norm="sqrt"),
    "the three joint": ColorHistogram(bins, joint=True, norm="sqrt"),
    "joint, in\n2 x 2 cells": ColorHistogram(
        bins, joint=True, norm="sqrt", grid=(2, 2)
    ),
}
scores = {}
for name, transformer in transformers.items():
    model = make_pipeline(transformer, KNNImageClassifier(3, metric="l2"))
    scores[name] = cross_val_score(model, squares, labels, cv=5)
    print(f"{' '.join(name.split()):24}{scores[name].mean():.3f}")

# %%
# Each point is one of five folds, and each bar is their mean.

figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
means = [values.mean() for values in scores.values()]
axes.bar(range(len(scores)), means, color="tab:blue", alpha=0.6)
for i, mean in enumerate(means):
    axes.text(i, 0.03, f"{mean:.2f}", ha="center")
for i, values in enumerate(scores.values()):
    axes.scatter(np.full(5, i), values, color="0.2", s=16, zorder=3)
axes.hlines(0.5, -0.5, len(scores) - 0.45, color="0.4", linestyle="dashed")
axes.text(len(scores) - 0.4, 0.5, "chance", va="center", color="0.3")
axes.set_xticks(range(len(scores)), list(scores))
axes.set(ylabel="accuracy", xlim=(-0.6, len(scores) + 0.1), ylim=(0, 1.02))
axes.set_title("Accuracy of three nearest neighbors in predicting the photo")
plt.show()
