"""
=====================================================
What nearest neighbors see: regions, and raw pixels
=====================================================

Two images of what a distance does. In the plane, the ground around the training
points goes to the class that has the most votes among the nearest of them: more
neighbors smooth it, and the metric decides what its edges look like.

Among photographs, three alterations that nobody would confuse are equally far from the
original, which is why raw pixels are a poor space to measure in.
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
# Each class is a cloud of 40 points. The clouds overlap, and some points lie in the
# middle of another class.

rng = np.random.default_rng(1)
centers = np.array([[-1.3, -0.8], [1.3, -0.8], [0.0, 1.3]])
y = np.repeat(np.arange(3), 40)
X = centers[y] + rng.normal(scale=0.8, size=(len(y), 2))

side = np.linspace(-3, 3, 201)
ground = np.stack(np.meshgrid(side, side), axis=-1)

# %%
# Ground is undecided where several classes have the most votes. The shares of the votes
# tell, with ``tie_break="lowest"``: they are then plain counts divided by k, and equal
# where the votes are. With ``tie_break="nearest"``, the default, the winner of a tie
# gets a billionth of all votes on top, and its share is above the others.

UNDECIDED = 3


def regions(n_neighbors, metric):
    """Return the class of each point of the ground, or UNDECIDED."""
    model = KNNImageClassifier(
        n_neighbors, metric=metric, tie_break="lowest", n_jobs=-1
    )
    shares = model.fit(X, y).predict_proba(ground.reshape(-1, 2))
    most = shares.max(axis=1, keepdims=True)
    is_tied = (shares == most).sum(axis=1) > 1
    return np.where(is_tied, UNDECIDED, shares.argmax(axis=1)).reshape(ground.shape[:2])


# %%
# With one neighbor every outlier has an island of its own class around it. With three
# and with five neighbors the others outvote it, and islands shrink or are gone; what
# several classes claim with equally many votes is white. Edges lie where two training
# points are equally far: under L2 on straight lines of any direction, under L1 on lines
# whose pieces are horizontal, vertical or at 45 degrees.

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
        print(f"{metric}, k = {n_neighbors}: {undecided:.1%} of the ground undecided")
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
# Three alterations at one distance
# ---------------------------------
# A photograph of 96 x 96 pixels is moved by four pixels to the right. The L2 distance
# from the original is then the mark for two other alterations.

photo = load_sample_image("china.jpg")
original = ImageReader(size=(96, 96)).transform([photo])[0]
model = KNNImageClassifier(1, metric="l2").fit(original[None], ["original"])


def shift(pixels):
    """Move the image to the right; its edge fills what becomes free."""
    return np.pad(original, ((0, 0), (pixels, 0), (0, 0)), mode="edge")[:, :-pixels]


def box(size, gray):
    """Lay a dark square over the middle of the image."""
    boxed, start = original.copy(), (len(original) - size) // 2
    boxed[start : start + size, start : start + size] = gray
    return boxed


def tint(strength):
    """Add to red what is taken from blue."""
    tinted = original + strength * np.array([1, 0, -1])
    return tinted.round().clip(0, 255).astype(np.uint8)


def nearest_to(distance, candidates):
    """Return the candidate whose distance from the original is nearest to a given."""
    distances, _ = model.kneighbors(candidates)
    return candidates[np.abs(distances[:, 0] - distance).argmin()]


# %%
# The size and the gray of the box and the strength of the tint are searched for: of all
# boxed and of all tinted images the one whose distance comes nearest.

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
# Something is hidden, something has moved, the light has changed: to the sum of squared
# differences it is all the same. The dashed line stands where the tip of the tower is
# in the original.

figure, row = plt.subplots(1, 4, figsize=(11, 3.4), layout="compressed")
for axes, name, distance in zip(row, altered, distances[:, 0], strict=True):
    print(f"{name}: L2 distance {distance:,.1f}")
    axes.imshow(altered[name])
    axes.axvline(22, color="black", linestyle="--", linewidth=1)
    axes.set_title(f"{name}\nL2 distance {distance:,.0f}")
    axes.axis("off")
plt.show()
