"""
============================================================
Features by edges: the histogram of oriented gradients (HOG)
============================================================

Histograms of oriented gradients (HOG) describe an image by the directions and
approximate positions of its edges. They ignore the colors on both sides of an edge and
the brightness of the light. :func:`skvision.inspection.draw_hog` draws these features
as a star of lines in each cell.

This example shows a single cell, a photo with cells of several sizes, the difference
between signed and unsigned gradients, and the purpose of blocks, for a shadow over half
of the photo.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from skvision import HOG
from skvision.inspection import draw_hog

photo = load_sample_image("china.jpg")[20:340, 60:380]
BLUE, ORANGE, GRAY = "#08519c", "#e6550d", "#57606a"


def show(axes, image, title):
    """Show an image without ticks, and in gray if it has one channel."""
    axes.imshow(image, cmap="gray")
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize="medium")


# %%
# One cell
# --------
# A cell is a small region of the image, here 32 x 32 pixels of a roof. The gradient at
# each pixel points from dark to bright, across the edge. Each pixel votes for the
# direction of its gradient, with the length of the gradient as weight.
#
# Angles increase clockwise, from the right towards the bottom, because the rows of an
# image are counted downwards. The default is unsigned gradients, with nine bins of 20
# degrees, where opposite directions belong to the same bin.

cell = photo[60:92, 150:182].mean(axis=2)
hog = HOG(pixels_per_cell=(32, 32), cells_per_block=(1, 1), block_norm="L1")
votes = hog.fit_transform(cell[None])[0]
width = 180 / hog.orientations
centers = (np.arange(hog.orientations) + 0.5) * width
print(f"one cell: {votes.max():.0%} of the votes go to the bin ", end="")
print(f"about {centers[votes.argmax()]:.0f} degrees")

# %%
# The drawing shows each bin as a line through the center of the cell. The line is
# parallel to the edge, perpendicular to the gradient, and bright if the bin has many
# votes.

figure, row = plt.subplots(1, 3, figsize=(11, 4.1), layout="compressed")
show(row[0], cell, "the cell, with its gradients")
gy, gx = np.gradient(cell)
y, x = np.mgrid[1:31:2, 1:31:2]
row[0].quiver(x, y, gx[y, x], gy[y, x], color=ORANGE, angles="xy", width=0.006)
row[1].bar(centers, 100 * votes, width=0.85 * width, color=BLUE)
row[1].set(xticks=centers, xlabel="direction of the gradient, degrees")
row[1].set_box_aspect(1)
row[1].set_title("votes, percent", fontsize="medium")
show(row[2], draw_hog(hog, votes, scale=10), "the votes as lines along the edges")
plt.show()

# %%
# Cells of several sizes
# ----------------------
# The position of an edge within a cell does not matter. Large cells give few features,
# which change little if the image is shifted, and small cells preserve the outline.
# Blocks of 2 x 2 cells overlap: except at the border, each cell belongs to four blocks,
# and is normalized four times with different neighbors. A line shows the mean over the
# blocks.

figure, grid = plt.subplots(2, 2, figsize=(10, 10.4), layout="constrained")
show(grid[0, 0], photo, f"photo: {photo.size:,} numbers")
for axes, size in zip(grid.flat[1:], [8, 16, 32], strict=True):
    hog = HOG(pixels_per_cell=(size, size))
    features = hog.fit_transform(photo[None])[0]
    print(f"cells of {size} x {size} pixels: {features.size:,} features")
    title = f"cells of {size} x {size} pixels: {features.size:,} numbers"
    show(axes, draw_hog(hog, features, scale=4), title)
plt.show()

# %%
# The sky looks uniform, but has many lines. Each block is normalized by its own
# gradients, so that weak gradients between shades of blue become visible if there are
# no others. Ornaments have edges in all directions and become gray stars. Tiles and
# pillars have one direction and become bright lines.

# %%
# Signed and unsigned
# -------------------
# A bright disc on a dark background has the same outline as a dark disc on a bright
# background. Unsigned gradients do not distinguish them, which is often useful: a
# pedestrian may wear a light or a dark coat. Signed gradients distinguish them, with 18
# bins of 20 degrees. They are drawn as half lines from the center of the cell, with the
# brighter side on their left.

y, x = np.mgrid[:48, :48] - 23.5
bright = 255 / (1 + np.exp((np.hypot(x, y) - 16) / 0.7))
discs = np.array([bright, 255 - bright]).astype(np.uint8)
kinds = {"unsigned, 9 bins": HOG(9), "signed, 18 bins": HOG(18, signed=True)}

figure, grid = plt.subplots(2, 3, figsize=(10, 7), layout="constrained")
for axes, disc, title in zip(grid[:, 0], discs, ["bright", "dark"], strict=True):
    show(axes, disc, f"{title} disc")
for column, (title, hog) in zip(grid.T[1:], kinds.items(), strict=True):
    features = hog.fit_transform(discs)
    cosine = features[0] @ features[1] / np.prod(np.linalg.norm(features, axis=1))
    print(f"{title}: cosine between the features of the two discs {cosine:.2f}")
    for axes, drawing in zip(column, draw_hog(hog, features, scale=8), strict=True):
        show(axes, drawing, title)
        axes.hlines(np.arange(64, 384, 64) - 0.5, -0.5, 383.5, color=GRAY, lw=0.5)
        axes.vlines(np.arange(64, 384, 64) - 0.5, -0.5, 383.5, color=GRAY, lw=0.5)
plt.show()

# %%
# A shadow over half of the photo
# -------------------------------
# The left half of the photo is darkened to a quarter. The lengths of its gradients, and
# the votes in its cells, are then also a quarter. Normalization removes this factor,
# because the cells of a block are darkened together. For comparison, a single block of
# the size of the photo normalizes both halves by the same factor and does not remove
# the shadow.

light = photo.astype(np.float32)
shadowed = light.copy()
shadowed[:, :160] *= 0.25
pair = np.array([light, shadowed])
blocks = {
    "one block of 20 x 20 cells": HOG(9, (16, 16), (20, 20)),
    "blocks of 2 x 2 cells": HOG(9, (16, 16), (2, 2)),
}


def change(before, after):
    """Return the norm of the difference relative to the norm before."""
    return np.linalg.norm(after - before) / np.linalg.norm(before)


changes = {"pixels": change(*pair)}
for title, hog in blocks.items():
    changes[title] = change(*hog.fit_transform(pair))
for title, value in changes.items():
    print(f"shadow, {title}: changed by {value:.0%}")

# %%
# The plot shows the photo and its features for both kinds of blocks, without the shadow
# in the upper row and with it in the lower row.

figure, grid = plt.subplots(2, 3, figsize=(11, 7.9), layout="constrained")
for axes, image in zip(grid[:, 0], pair, strict=True):
    show(axes, image / 255, "")
for column, hog in zip(grid.T[1:], blocks.values(), strict=True):
    drawings = draw_hog(hog, hog.transform(pair), scale=4)
    for axes, drawing in zip(column, drawings, strict=True):
        show(axes, drawing, "")
for (upper, lower), (title, value) in zip(grid.T, changes.items(), strict=True):
    upper.set_title(title, fontsize="medium")
    lower.set_title(f"changed by {value:.0%}", fontsize="medium")
plt.show()

# %%
# The features only change at the edge of the shadow, which is a new edge in the image.
# All other blocks are unchanged.
#
# This only holds without rounding. If a camera stores a quarter of the light as
# integers, weak gradients such as those of the sky are lost or change their direction,
# and normalization cannot restore them.

hog = blocks["blocks of 2 x 2 cells"]
columns = {}
for title, dark in {"not rounded": shadowed, "rounded": shadowed.round()}.items():
    before, after = hog.transform(np.array([light, dark])).reshape(2, 19, 19, -1)
    columns[title] = [change(before[:, i], after[:, i]) for i in range(19)]
    inside = 100 * np.mean(columns[title][:8])
    print(f"blocks inside the shadow, {title}: changed by {inside:.1f}%")

figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
middle = 16 * (np.arange(19) + 1)
axes.axvspan(0, 160, color="0.85", label="shadow")
axes.axhline(
    100 * changes["one block of 20 x 20 cells"],
    color="gray",
    linestyle="--",
    label="one block for the whole photo",
)
for (title, values), color in zip(columns.items(), [BLUE, ORANGE], strict=True):
    label = f"blocks of 2 x 2 cells, shadow {title}"
    axes.plot(middle, 100 * np.array(values), "o-", color=color, label=label)
axes.set(xlim=(0, 320), ylim=(-2, None))
axes.set(xlabel="column of the photo, pixels", ylabel="change of features, percent")
figure.legend(loc="outside lower center", ncols=2)
plt.show()
