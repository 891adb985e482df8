"""
=============================================
Nearest neighbours, and how many should vote
=============================================

A classifier by nearest neighbours can always show its reasons: the training pictures
that voted. This example looks at them, for test pictures that come out right and for
some that do not, and then lets cross-validation choose the number of neighbours.

It runs on scikit-learn's handwritten digits. Where the environment variable
``SKVISION_DATA`` names a folder with the files of CIFAR-10, it runs on these.
"""

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skvision import KNNImageClassifier
from skvision.datasets import load_cifar10
from skvision.model_selection import k_selection_curve

# %%
# The pictures
# ------------
# Pictures stay bytes, up to 255 or, for the digits, up to 16: nothing is scaled or made
# flat. Digits that stand together in their set are likely to be from one hand, so the
# set is divided where it stands and not shuffled.

root = os.environ.get("SKVISION_DATA")
if root:
    title = "CIFAR-10"
    train, test = load_cifar10(root, split="train"), load_cifar10(root, split="test")
    names = np.array(train.names)
    images, labels = train.images[:20_000], train.labels[:20_000]
    test_images, test_labels = test.images[:1_000], test.labels[:1_000]
else:
    title = "Handwritten digits"
    digits = load_digits()
    names = np.array([str(name) for name in digits.target_names])
    pictures = digits.images.astype(np.uint8)
    images, labels = pictures[:1_000], digits.target[:1_000]
    test_images, test_labels = pictures[1_000:], digits.target[1_000:]

print(f"{title}: {len(images):,} training and {len(test_images):,} test pictures")

# %%
# The neighbours that voted
# -------------------------
# ``predict`` gives the class with the most votes, ``kneighbors`` the training pictures
# that cast them.

n_neighbors = 7
model = KNNImageClassifier(n_neighbors, n_jobs=-1).fit(images, labels)
predicted = model.predict(test_images)
distances, neighbors = model.kneighbors(test_images)
is_right = predicted == test_labels
print(f"accuracy with {n_neighbors} neighbours: {is_right.mean():.3f}")

# %%
# Four test pictures that came out right and four that came out wrong, drawn by lot.
# Each row has a test picture and then its neighbours, the nearest first. A green frame
# and a tick stand for the class of the test picture, a red frame and a cross for any
# other.

rng = np.random.default_rng(0)
right = rng.choice(np.flatnonzero(is_right), 4, replace=False)
wrong = rng.choice(np.flatnonzero(~is_right), 4, replace=False)
GREY = "#57606a"
COLORS = {True: "#1a7f37", False: "#cf222e"}
MARKS = {True: "✓", False: "✗"}


def show_picture(axes, image, color):
    """Show a picture in a frame of a colour."""
    axes.imshow(image, cmap="gray_r")  # the map is for pictures without colour
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(color=color, linewidth=3)


figure, grid = plt.subplots(8, 1 + n_neighbors, figsize=(10, 10), layout="constrained")
for row, i in zip(grid, [*right, *wrong], strict=True):
    outcome = bool(is_right[i])
    text = f"true: {names[test_labels[i]]}\npredicted: {names[predicted[i]]}"
    show_picture(row[0], test_images[i], GREY)
    row[0].set_ylabel(
        f"{text} {MARKS[outcome]}",
        color=COLORS[outcome],
        rotation="horizontal",
        horizontalalignment="right",
        verticalalignment="center",
    )
    for axes, j in zip(row[1:], neighbors[i], strict=True):
        agrees = bool(labels[j] == test_labels[i])
        show_picture(axes, images[j], COLORS[agrees])
        text = f"{names[labels[j]]} {MARKS[agrees]}"
        axes.set_xlabel(text, color=COLORS[agrees], fontsize="small", labelpad=3)
grid[0, 0].set_title("test picture", fontsize="medium")
grid[0, 1].set_title("nearest", fontsize="medium")
grid[0, -1].set_title(f"{n_neighbors}th nearest", fontsize="medium")
figure.suptitle(f"{title}: test pictures and the training pictures that voted")
plt.show()

# %%
# How many should vote
# --------------------
# The test pictures must not choose the number of neighbours, or their accuracy would no
# longer be that of new pictures. Five folds of the training pictures choose it, or of
# the first 5,000 where there are more.
# :func:`skvision.model_selection.k_selection_curve` finds the neighbours of each fold
# once, for all numbers together.

curve = k_selection_curve(images[:5_000], labels[:5_000], cv=5, n_jobs=-1)
summary = curve.groupby("k")["accuracy"].agg(["mean", "std"])
best = summary["mean"].idxmax()
print(summary.round(4))
print(f"best number of neighbours: {best}")

# %%
# A point is one fold. The line goes through the means of the folds, and the bars are
# one standard deviation up and down.

figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
axes.errorbar(
    summary.index,
    summary["mean"],
    yerr=summary["std"],
    color="tab:blue",
    capsize=4,
    label="mean and standard deviation",
)
axes.scatter(
    curve["k"],
    curve["accuracy"],
    s=26,
    color="tab:gray",
    edgecolor="white",
    zorder=3,
    label="one fold",
)
axes.scatter(
    best,
    summary["mean"][best],
    s=180,
    facecolor="none",
    edgecolor="tab:orange",
    linewidth=2,
    zorder=4,
    label=f"best mean: k = {best}",
)
axes.set_xscale("log")
axes.set_xticks(summary.index, summary.index)
axes.minorticks_off()
axes.set(xlabel="number of neighbours k (logarithmic)", ylabel="accuracy")
axes.set_title(f"{title}: accuracy in 5-fold cross-validation")
axes.grid(alpha=0.3)
figure.legend(loc="outside lower center", ncols=3)
plt.show()

# %%
# Only now do the test pictures say how good the chosen number is, with all training
# pictures to look among.

model.set_params(n_neighbors=best)
print(f"test accuracy with k = {best}: {model.score(test_images, test_labels):.3f}")
