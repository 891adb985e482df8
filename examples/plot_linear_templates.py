"""
============================================================
Linear classifiers: templates, boundaries and loss functions
============================================================

The score of a class of a linear classifier is the sum of all pixels times the weights
of the class, plus a bias. The weights of a class have the shape of an image. They can
be interpreted as a template that images are compared with, or as the direction in which
the score increases, so that boundaries between classes are straight lines.

This example shows both interpretations, three datasets that are not linearly separable
and features that separate them, and the values of the hinge loss and of the
cross-entropy for the same scores.

It uses scikit-learn's handwritten digits. If the environment variable ``SKVISION_DATA``
names a folder with the files of CIFAR-10, it also shows templates for these.
"""

import os

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skvision import MulticlassSVM, SoftmaxRegression
from skvision.datasets import load_cifar10
from skvision.inspection import TemplateDisplay

# %%
# Templates
# ---------
# Pixels are scaled to values from 0 to 1. The penalties are strong, because templates
# of weaker penalties look like noise, although they fit the training images better.

digits = load_digits()
images = digits.images / 16
data = {
    "Handwritten digits": (
        (images[:1_000], digits.target[:1_000]),
        (images[1_000:], digits.target[1_000:]),
        digits.target_names,
    )
}
root = os.environ.get("SKVISION_DATA")
if root:
    train, test = load_cifar10(root, split="train"), load_cifar10(root, split="test")
    data["CIFAR-10"] = (
        (train.images[:5_000] / np.float32(255), train.labels[:5_000]),
        (test.images[:2_000] / np.float32(255), test.labels[:2_000]),
        train.names,
    )

models = {
    "SVM": MulticlassSVM("hinge", alpha=1),
    "softmax": SoftmaxRegression(alpha=0.1),
}

# %%
# ``templates_`` contains the weights as images, and
# :class:`skvision.inspection.TemplateDisplay` plots them. For gray images, bright
# pixels are evidence for the class where the template is blue and against it where the
# template is red, and white weights are zero. For color images, gray weights are zero,
# and the colors of the template are evidence for the class.


def show_templates(title, training, testing, names):
    """Fit the models, print their accuracies and plot their templates."""
    figure, rows = plt.subplots(len(models), 1, figsize=(11, 3.1), layout="constrained")
    for axes, (name, model) in zip(rows, models.items(), strict=True):
        accuracy = model.fit(*training).score(*testing)
        print(f"{title}, {type(model).__name__}: test accuracy {accuracy:.1%}")
        display = TemplateDisplay(model.templates_, names).plot(axes)
        display.axes_[0].set_ylabel(f"{name}\n{accuracy:.1%} right")
    figure.suptitle(f"{title}: the template of each class")
    plt.show()


for title, parts in data.items():
    show_templates(title, *parts)

# %%
# Boundaries in the plane
# -----------------------
# A point of the plane is an image with two pixels. The three classes have the same
# shape, and the second one lies between the others. Two classes have equal scores on a
# straight line.
#
# Softmax regression and the joint support vector machine compare the scores of all
# classes. One-vs-rest trains a support vector machine for each class, whose score
# should be positive for its own points and negative for all others. Dashed lines show
# where its score is 0. The second class has others on both sides, so no line separates
# it.

rng = np.random.default_rng(0)
centers = np.array([[-2.0, -0.3], [0.0, 0.3], [2.0, -0.3]])
y = np.repeat(np.arange(3), 60)
X = centers[y] + rng.normal(scale=0.55, size=(len(y), 2))

PALE = ListedColormap(["#a6cee3", "#fdd0a2", "#c7e9c0"])
DEEP = ["#08519c", "#a63603", "#006d2c"]
MARKERS = ["o", "s", "^"]


def show_regions(axes, model, X, y, half):
    """Plot decision regions and points, and return the accuracy."""
    side = np.linspace(-half, half, 301)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    regions = model.predict(plane).reshape(len(side), len(side))
    axes.pcolormesh(side, side, regions, cmap=PALE, vmin=0, vmax=2)
    show_points(axes, X, y)
    axes.set(xticks=[], yticks=[], xlim=(-half, half), ylim=(-half, half))
    axes.set_aspect("equal")
    return model.score(X, y)


def show_points(axes, X, y):
    """Plot points with a color and a marker for each class."""
    for label in np.unique(y):
        axes.scatter(
            *X[y == label].T,
            s=22,
            color=DEEP[label],
            marker=MARKERS[label],
            edgecolor="white",
            linewidth=0.5,
        )


def show_line(axes, weights, bias, **style):
    """Plot the line on which a score is 0."""
    point = -bias * weights / (weights @ weights)
    axes.axline(point, point + [-weights[1], weights[0]], **style)


def show_classes(figure, names):
    """Add a legend below the figure."""
    marks = [
        Line2D([], [], color=DEEP[label], marker=MARKERS[label], linestyle="none")
        for label in range(len(names))
    ]
    figure.legend(marks, names, loc="outside lower center", ncols=len(names))


in_the_plane = {
    "softmax regression": SoftmaxRegression(),
    "support vector machine, joint": MulticlassSVM("hinge"),
    "support vector machine, one-vs-rest": MulticlassSVM("hinge", multi_class="ovr"),
}
figure, row = plt.subplots(1, 3, figsize=(11, 4.4), layout="compressed")
for axes, (name, model) in zip(row, in_the_plane.items(), strict=True):
    accuracy = show_regions(axes, model.fit(X, y), X, y, half=3.8)
    print(f"three classes, {name}: accuracy {accuracy:.1%}")
    axes.set_title(f"{name}\n{accuracy:.1%} right", fontsize="medium")
one_vs_rest = in_the_plane["support vector machine, one-vs-rest"]
for label in range(3):
    show_line(
        row[-1],
        one_vs_rest.coef_[label],
        one_vs_rest.intercept_[label],
        color=DEEP[label],
        linestyle="--",
    )
show_classes(figure, ["first class", "second class", "third class"])
plt.show()

# %%
# Classes that are not linearly separable
# ---------------------------------------
# In each of three datasets, two classes cover a square: one class lies in two opposite
# quadrants (the exclusive or of two signs), one forms a ring around the other, and one
# has three modes, such as cars seen from three sides. There is a gap between the
# classes.


def divide(points, distance):
    """Return 120 points from each side of a border, none near it, and their sides."""
    inside = np.flatnonzero(distance < -0.15)[:120]
    outside = np.flatnonzero(distance > 0.15)[:120]
    return points[np.concatenate([inside, outside])], np.repeat([0, 1], 120)


points = rng.uniform(-2, 2, size=(2_000, 2))
modes = np.array([[-1.1, -0.9], [1.2, -0.7], [0.0, 1.2]])
to_modes = np.linalg.norm(points[:, None] - modes, axis=2)
quadrants = divide(points, points[:, 0] * points[:, 1])
ring = divide(points, np.linalg.norm(points, axis=1) - 1.2)
several = divide(points, 0.6 - to_modes.min(axis=1))

# %%
# Each dataset becomes linearly separable if pixels are replaced by features: the
# product of both pixels instead of one of them, the squares of the pixels, or a bump
# for each mode, which is 1 at its center and decreases to 0. The classifier is still
# linear. It finds a line or a plane in the space of features, which is a curve in the
# plane of pixels.


def product(X):
    """Replace the second pixel by the product of both."""
    return np.column_stack([X[:, 0], X[:, 0] * X[:, 1]])


def bumps(X):
    """Return three features: the proximity to each mode."""
    squares = ((X[:, None] - modes) ** 2).sum(axis=2)
    return np.exp(-squares / (2 * 0.5**2))


cases = {
    "quadrants": (*quadrants, product, ["$x_1$", "$x_1 x_2$"]),
    "ring": (*ring, np.square, ["$x_1^2$", "$x_2^2$"]),
    "three modes": (*several, bumps, ["bump 1", "bump 2", "bump 3"]),
}

# %%
# The left column shows a line in the plane of pixels, the middle column the boundary in
# the space of features, and the right column the same boundary in the plane of pixels.
# The third dataset has three features, and its boundary is a plane, shown as a gray
# triangle. Each mode lies beyond it, on the axis of its bump.

figure = plt.figure(figsize=(10, 10.4), layout="constrained")
for i, (name, (X, y, transform, labels)) in enumerate(cases.items()):
    model = SoftmaxRegression(alpha=1e-4)
    by_line = clone(model).fit(X, y)
    by_features = make_pipeline(FunctionTransformer(transform), model).fit(X, y)

    axes = figure.add_subplot(3, 3, 3 * i + 1)
    before = show_regions(axes, by_line, X, y, half=2)
    axes.set_title(f"{name}: {before:.1%} right")
    axes.set(xlabel="$x_1$", ylabel="$x_2$")

    features = transform(X)
    axes = figure.add_subplot(
        3, 3, 3 * i + 2, projection="3d" if features.shape[1] == 3 else None
    )
    show_points(axes, features, y)
    weights, bias = model.coef_[0], model.intercept_[0]
    if features.shape[1] == 3:
        corners = -bias / weights * np.eye(3)
        axes.plot_trisurf(*corners.T, color="gray", alpha=0.4)
        axes.set(zlabel=labels[2], xticks=[0, 1], yticks=[0, 1], zticks=[0, 1])
        axes.view_init(elev=20, azim=30)
    else:
        axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())  # that of the points
        show_line(axes, weights, bias, color="black")
    axes.set(xlabel=labels[0], ylabel=labels[1], title="as features")

    axes = figure.add_subplot(3, 3, 3 * i + 3)
    after = show_regions(axes, by_features, X, y, half=2)
    axes.set_title(f"by features: {after:.1%} right")
    axes.set(xlabel="$x_1$", ylabel="$x_2$")
    print(f"{name}: accuracy {before:.1%} by a line, {after:.1%} by features")
show_classes(figure, ["first class", "second class"])
plt.show()

# %%
# Loss functions
# --------------
# This section computes the losses of three images, of a cat, a car and a frog, for
# given scores. The hinge loss is the sum, over wrong classes, of the amounts by which
# their scores exceed the score of the true class less a margin of 1. The cross-entropy
# converts scores to probabilities and only depends on the probability of the true
# class.

classes = np.array(["cat", "car", "frog"])
scores = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
truth = np.array([0, 1, 2])
rows = np.arange(3)

true_scores = scores[rows, truth]
excess = np.maximum(0, scores - true_scores[:, None] + 1)
excess[rows, truth] = 0  # the true class does not compete with itself
hinge = excess.sum(axis=1)

powers = np.exp(scores)
probabilities = powers / powers.sum(axis=1, keepdims=True)
cross_entropy = -np.log(probabilities[rows, truth])

print("image  hinge  cross-entropy")
for name, by_margin, by_chance in zip(classes, hinge, cross_entropy, strict=True):
    print(f"{name:7}  {by_margin:5.2f}  {by_chance:13.4f}")
print(f"mean     {hinge.mean():5.4f} {cross_entropy.mean():13.4f}")

# %%
# The upper row shows the scores as dots, and the score of the true class less the
# margin as a dashed line. The hinge loss is the sum of the amounts by which wrong
# classes exceed the line. The lower row shows the probabilities. The score of the car
# exceeds the others by more than the margin, so its hinge loss is 0. Its cross-entropy
# is positive, and decreases further if the difference of the scores increases.

BLUE, ORANGE = DEEP[:2]
figure, grid = plt.subplots(
    2, 3, figsize=(10, 6.4), sharex=True, sharey="row", layout="constrained"
)
for i, (upper, lower) in enumerate(grid.T):
    colors = np.where(rows == truth[i], BLUE, ORANGE)
    limit = true_scores[i] - 1
    upper.axhline(limit, color="gray", linestyle="--", zorder=0)
    for j in np.flatnonzero(excess[i]):
        upper.vlines(j, limit, scores[i, j], color="#fdae6b", linewidth=14, zorder=1)
        upper.text(j + 0.13, limit + excess[i, j] / 2, f" {excess[i, j]:.1f}")
    upper.scatter(classes, scores[i], s=50, c=colors, zorder=2)
    upper.set_title(f"image of a {classes[truth[i]]}\nhinge {hinge[i]:.1f}")
    bars = lower.bar(classes, probabilities[i], color=colors, width=0.5)
    lower.bar_label(bars, fmt="%.3f")
    lower.set_title(f"cross-entropy {cross_entropy[i]:.4f}", fontsize="large")
    lower.set_ylim(0, 1.1)
grid[0, 0].set_ylabel("score")
grid[1, 0].set_ylabel("probability")
kinds = [
    Line2D([], [], color=BLUE, marker="o", linestyle="none"),
    Line2D([], [], color=ORANGE, marker="o", linestyle="none"),
    Line2D([], [], color="gray", linestyle="--"),
    Line2D([], [], color="#fdae6b", linewidth=10),
]
figure.legend(
    kinds,
    ["true class", "wrong class", "score of the true class - 1", "hinge of the class"],
    loc="outside lower center",
    ncols=4,
)
plt.show()
