"""
==========================================================
Decision regions of nearest neighbors, and pixel distances
==========================================================

The first part of this example shows the decision regions of nearest neighbors in the
plane. More neighbors make the regions smoother, and the metric determines the shape of
their boundaries.

The second part shows three different changes of a photograph that have the same
distance from the original. This is why distances between raw pixels are often a poor
measure of similarity.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from sklearn.datasets import load_sample_image

from skvision import ImageReader, KNNImageClassifier

# %%
# Three classes in the plane
# --------------------------
# Each class consists of 40 points. The classes overlap, and some points lie within
# another class.

rng = np.random.default_rng(1)
centers = np.array([[-1.3, -0.8], [1.3, -0.8], [0.0, 1.3]])
y = np.repeat(np.arange(3), 40)
X = centers[y] + rng.normal(scale=0.8, size=(len(y), 2))

side = np.linspace(-3, 3, 201)
plane = np.stack(np.meshgrid(side, side), axis=-1)

# %%
# A point of the plane is undecided if several classes have the most votes. With
# ``tie_break="lowest"``, probabilities are counts of votes divided by k, so that tied
# classes have equal probabilities. With the default, ``tie_break="nearest"``, the
# winner of a tie receives an additional billionth of all votes, and its probability is
# larger.

UNDECIDED = 3


def regions(n_neighbors, metric):
    """Return the class of each point of the plane, or UNDECIDED."""
    model = KNNImageClassifier(
        n_neighbors, metric=metric, tie_break="lowest", n_jobs=-1
    )
    probabilities = model.fit(X, y).predict_proba(plane.reshape(-1, 2))
    largest = probabilities.max(axis=1, keepdims=True)
    is_tied = (probabilities == largest).sum(axis=1) > 1
    return np.where(is_tied, UNDECIDED, probabilities.argmax(axis=1)).reshape(
        plane.shape[:2]
    )


# %%
# With one neighbor, each outlier is surrounded by an island of its class. With three
# and five neighbors, outliers are outvoted, and islands shrink or vanish. Regions with
# tied votes are white. Boundaries consist of points with equal distances from two
# training points. Under L2 they are straight lines of any direction. Under L1 they
# consist of horizontal and vertical segments and of segments at 45 degrees.

PALE = ListedColormap(["#a6cee3", "#fdd0a2", "#c7e9c0", "white"])
DEEP = ["#08519c", "#a63603", "#006d2c"]
MARKERS = ["o", "s", "^"]

figure, grid = plt.subplots(
    2, 3, figsize=(11, 8.2), sharex=True, sharey=True, layout="compressed"
)
for row, metric in zip(grid, ["l2", "l1"], strict=True):
    for axes, n_neighbors in zip(row, [1, 3, 5], strict=True):
        shown = regions(n_neighbors, metric)
        undecided = (shown == UNDECIDED).mean()
        print(f"{metric}, k = {n_neighbors}: {undecided:.1%} of the plane undecided")
        axes.pcolormesh(side, side, shown, cmap=PALE, vmin=0, vmax=UNDECIDED)
        for label in range(3):
            axes.scatter(
                *X[y == label].T,
                s=24,
                color=DEEP[label],
                marker=MARKERS[label],
                edgecolor="white",
                linewidth=0.6,
            )
        axes.set(xticks=[], yticks=[], xlim=side[[0, -1]], ylim=side[[0, -1]])
        axes.set_aspect("equal")
        axes.set_title(f"{metric.upper()}, k = {n_neighbors}")
classes = [
    Line2D([], [], color=DEEP[label], marker=MARKERS[label], linestyle="none")
    for label in range(3)
]
white = Patch(facecolor="white", edgecolor="gray")
figure.legend(
    [*classes, white],
    ["first class", "second class", "third class", "undecided: votes are tied"],
    loc="outside lower center",
    ncols=4,
)
plt.show()

# %%
# Three changes at the same distance
# ----------------------------------
# A photograph of 96 x 96 pixels is shifted by four pixels to the right. Its L2 distance
# from the original is the target for two other changes.

photo = load_sample_image("china.jpg")
original = ImageReader(size=(96, 96)).transform([photo])[0]
model = KNNImageClassifier(1, metric="l2").fit(original[None], ["original"])


def shift(pixels):
    """Shift the image to the right, and repeat its left edge."""
    return np.pad(original, ((0, 0), (pixels, 0), (0, 0)), mode="edge")[:, :-pixels]


def box(size, gray):
    """Cover the center of the image by a dark square."""
    boxed, start = original.copy(), (len(original) - size) // 2
    boxed[start : start + size, start : start + size] = gray
    return boxed


def tint(strength):
    """Add a constant to red, and subtract it from blue."""
    tinted = original + strength * np.array([1, 0, -1])
    return tinted.round().clip(0, 255).astype(np.uint8)


def nearest_to(distance, candidates):
    """Return the candidate whose distance from the original is the closest."""
    distances, _ = model.kneighbors(candidates)
    return candidates[np.abs(distances[:, 0] - distance).argmin()]


# %%
# The size and the gray level of the square, and the strength of the tint, are selected
# such that the distance is closest to the target.

shifted = shift(4)
distance = model.kneighbors(shifted[None])[0].item()
boxes = [box(size, gray) for size in range(10, 40) for gray in range(0, 30, 3)]
tints = [tint(strength) for strength in np.arange(20, 100, 0.25)]
altered = {
    "original": original,
    "boxed": nearest_to(distance, boxes),
    "shifted": shifted,
    "tinted": nearest_to(distance, tints),
}
distances, _ = model.kneighbors(list(altered.values()))

# %%
# A hidden region, a shift and a change of light have the same sum of squared
# differences. The dashed line marks the tip of the tower in the original.

figure, row = plt.subplots(1, 4, figsize=(11, 3.4), layout="compressed")
for axes, name, distance in zip(row, altered, distances[:, 0], strict=True):
    print(f"{name}: L2 distance {distance:,.1f}")
    axes.imshow(altered[name])
    axes.axvline(22, color="black", linestyle="--", linewidth=1)
    axes.set_title(f"{name}\nL2 distance {distance:,.0f}")
    axes.axis("off")
plt.show()
