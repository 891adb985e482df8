"""
================================================
What linear classifiers see: templates and lines
================================================

A linear classifier gives each class one score, the sum of all pixels times the weights
of the class, plus a bias. The weights of a class have the shape of an image, and there
are two ways to look at them: as a template that images are compared with, or as the
direction in which the score of the class grows, so that classes meet on straight lines.

This example draws both, then three cases that no line can do and what makes them easy,
and last what the two usual losses make of the same scores.

It runs on scikit-learn's handwritten digits. Where the environment variable
``SKVISION_DATA`` names a folder with the files of CIFAR-10, it draws templates of these
as well.
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
# Pixels go from 0 to 1. Penalties are strong ones: weaker ones fit the training
# images better, and leave templates that look like noise.

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
# ``templates_`` has the weights as images, and
# :class:`skvision.inspection.TemplateDisplay` draws them. Gray templates are in two
# colors: ink where it is blue speaks for the class, ink where it is red against it,
# and white does not matter. In templates of color images, gray is what does not
# matter, and a color says what the class would like to see there.


def show_templates(title, training, testing, names):
    """Fit the models, print how often they are right, draw their templates."""
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
# Lines in the plane
# ------------------
# A point is an image of two pixels. Three classes are clouds of the same shape, and
# the second lies between the others. Where two classes have the same score is a
# straight line.
#
# Softmax regression and the joint support vector machine ask which score is the
# largest, and scores of classes compete. One-vs-rest has a machine for each class,
# which is to score above 0 for its own points and below 0 for all others: dashed lines
# are where it scores 0. The second class has others on both sides, and no good line.

rng = np.random.default_rng(0)
centers = np.array([[-2.0, -0.3], [0.0, 0.3], [2.0, -0.3]])
y = np.repeat(np.arange(3), 60)
X = centers[y] + rng.normal(scale=0.55, size=(len(y), 2))

PALE = ListedColormap(["#a6cee3", "#fdd0a2", "#c7e9c0"])
DEEP = ["#08519c", "#a63603", "#006d2c"]
MARKERS = ["o", "s", "^"]


def show_regions(axes, model, X, y, half):
    """Draw points on the ground that goes to each class; return the accuracy."""
    side = np.linspace(-half, half, 301)
    ground = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    regions = model.predict(ground).reshape(len(side), len(side))
    axes.pcolormesh(side, side, regions, cmap=PALE, vmin=0, vmax=2)
    show_points(axes, X, y)
    axes.set(xticks=[], yticks=[], xlim=(-half, half), ylim=(-half, half))
    axes.set_aspect("equal")
    return model.score(X, y)


def show_points(axes, X, y):
    """Draw points, each class with a color and a marker."""
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
    """Draw the line on which a score is 0."""
    point = -bias * weights / (weights @ weights)
    axes.axline(point, point + [-weights[1], weights[0]], **style)


def show_classes(figure, names):
    """Draw a legend below the figure."""
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
# What no line can do
# -------------------
# Two classes have points all over a square: one in two opposite quadrants, as in the
# exclusive or of two signs; one in a ring around the other; and one that comes in three
# forms, as cars seen from three sides would. A gap is left between the classes.


def divide(points, distance):
    """Return 120 points from each side of a border, but none near it, and sides."""
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
# Each case becomes separable when pixels are replaced by features: the product of the
# two in place of one of them; their squares; and for each form a bump, 1 at the middle
# of the form and falling to 0 around it. The classifier stays a linear one. It finds a
# line, or a plane, in the space of features, and in the plane of pixels that is a
# curve.


def product(X):
    """Replace the second pixel by the product of both."""
    return np.column_stack([X[:, 0], X[:, 0] * X[:, 1]])


def bumps(X):
    """Return three features: how near to each form."""
    squares = ((X[:, None] - modes) ** 2).sum(axis=2)
    return np.exp(-squares / (2 * 0.5**2))


cases = {
    "quadrants": (*quadrants, product, ["$x_1$", "$x_1 x_2$"]),
    "ring": (*ring, np.square, ["$x_1^2$", "$x_2^2$"]),
    "three forms": (*several, bumps, ["bump 1", "bump 2", "bump 3"]),
}

# %%
# On the left a line in the plane of pixels, in the middle one in the space of features,
# and on the right the same seen from the plane of pixels. The third case has three
# features, and its line is a plane, the gray triangle; each form lies beyond it, on the
# axis of its own bump.

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
# What the losses look at
# -----------------------
# Three images, of a cat, a car and a frog, and their scores under some weights. How
# bad are these scores? The hinge adds up by how much wrong classes come closer to the
# true one than a margin of 1, or pass it. Cross-entropy turns scores into
# probabilities, and looks at that of the true class alone.

classes = np.array(["cat", "car", "frog"])
scores = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
truth = np.array([0, 1, 2])
picture = np.arange(3)

true_scores = scores[picture, truth]
excess = np.maximum(0, scores - true_scores[:, None] + 1)
excess[picture, truth] = 0  # the true class does not compete with itself
hinge = excess.sum(axis=1)

powers = np.exp(scores)
probabilities = powers / powers.sum(axis=1, keepdims=True)
cross_entropy = -np.log(probabilities[picture, truth])

print("image  hinge  cross-entropy")
for name, by_margin, by_chance in zip(classes, hinge, cross_entropy, strict=True):
    print(f"{name:7}  {by_margin:5.2f}  {by_chance:13.4f}")
print(f"mean     {hinge.mean():5.4f} {cross_entropy.mean():13.4f}")

# %%
# Above, dots are scores, and the dashed line is the score of the true class less the
# margin: what of a wrong class is above the line is what the hinge adds up. Below are
# the probabilities. The car is right by more than the margin, and the hinge is content:
# it would be 0 for all scores like that. Cross-entropy never is: more certainty always
# pays a little.

BLUE, ORANGE = DEEP[:2]
figure, grid = plt.subplots(
    2, 3, figsize=(10, 6.4), sharex=True, sharey="row", layout="constrained"
)
for i, (upper, lower) in enumerate(grid.T):
    colors = np.where(picture == truth[i], BLUE, ORANGE)
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
