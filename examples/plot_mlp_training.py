"""
=================================
Training a network: what to watch
=================================

A network that is trained badly seldom says so. It predicts a little worse than it
could, or as well as chance, and the reason may be the learning rate, the first weights,
or too many weights for too few images. A few curves tell these apart.

This example draws the curves of :class:`skvision.MLPBackprop`: loss and accuracy at
several learning rates, how long its steps are, what its first layer looks like, what
the first weights do to a deep network, and what batch norm and dropout change.

It runs on scikit-learn's handwritten digits. Where the environment variable
``SKVISION_DATA`` names a folder with the files of CIFAR-10, it draws first layers of
these as well.
"""

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits

from skvision import MLPBackprop
from skvision.datasets import load_cifar10

digits = load_digits()
images = digits.images.astype(np.uint8)
X, y = images[:1_000], digits.target[:1_000]
X_val, y_val = images[1_000:], digits.target[1_000:]

BLUE, GREEN, ORANGE, GRAY = "#08519c", "#006d2c", "#d55e00", "#57606a"

# %%
# Learning rates
# --------------
# One hidden layer of 50 units, trained by ``"sgd"`` with its momentum, in batches of 50
# images. To be watched, a network is given images to validate on: then
# ``early_stopping=True`` records their accuracy after each epoch and keeps the weights
# of the best one, and ``n_iter_no_change`` as large as ``max_iter`` has it never stop.

EPOCHS = 20
COLORS = {0.0001: GRAY, 0.003: GREEN, 0.1: BLUE, 1.0: ORANGE}

models = {}
for rate in COLORS:
    models[rate] = MLPBackprop(
        (50,),
        solver="sgd",
        learning_rate_init=rate,
        batch_size=50,
        max_iter=EPOCHS,
        early_stopping=True,
        n_iter_no_change=EPOCHS,
        random_state=0,
    ).fit(X, y, X_val=X_val, y_val=y_val)
    history = models[rate].history_
    print(
        f"rate {rate:g}: loss {history['loss'][0]:.3f} in the first epoch, "
        f"{history['loss'][-1]:.3f} in the last, validation accuracy "
        f"{history['validation_score'][-1]:.1%}"
    )

epochs = np.arange(1, EPOCHS + 1)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
for rate, color in COLORS.items():
    history = models[rate].history_
    left.plot(epochs, history["loss"], color=color, label=f"rate {rate:g}")
    right.plot(epochs, history["validation_score"], color=color)
left.axhline(np.log(10), color="gray", linestyle="--", label="chance")
right.axhline(0.1, color="gray", linestyle="--")
left.set(yscale="log", ylabel="training loss (logarithmic)", xlabel="epoch")
right.set(ylim=(0, 1), ylabel="validation accuracy", xlabel="epoch")
for axes in (left, right):
    axes.set_xticks(range(0, EPOCHS + 1, 5))
    axes.grid(alpha=0.3)
figure.legend(loc="outside lower center", ncols=5)
plt.show()

# %%
# The loss is the mean cross-entropy, plus the penalty. With the lowest rate it falls,
# and would need many more epochs; the next one is slow, too. A rate of 0.1 is the best
# of these four. With a rate of 1 the accuracy is that of chance from the second epoch
# on. The loss still falls a little, which looks like learning and is none, as will be
# seen.

# %%
# How long the steps are
# ----------------------
# ``history_["update_ratio"]`` has, for each layer, the length of the last step of each
# epoch over the length of the weights. A rule of thumb has it about 1e-3.

figure, row = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained", sharey=True)
for layer, axes in enumerate(row):
    for rate, color in COLORS.items():
        ratios = models[rate].history_["update_ratio"][:, layer]
        axes.plot(epochs, ratios, color=color, label=f"rate {rate:g}")
        print(
            f"rate {rate:g}, layer {layer + 1}: update ratio {ratios[0]:.1e} at first, "
            f"{ratios[-1]:.1e} at last"
        )
    axes.axhline(1e-3, color="gray", linestyle="--", label="rule of thumb")
    axes.set(yscale="log", xlabel="epoch", title=f"layer {layer + 1}")
    axes.set_xticks(range(0, EPOCHS + 1, 5))
    axes.grid(alpha=0.3)
row[0].set_ylabel("step / weights (logarithmic)")
handles, labels = row[0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=5)
plt.show()

# %%
# With the lowest rate, weights hardly move. The two networks that learn begin above the
# rule of thumb, and come down to it or below when there is little left to learn.
#
# The largest rate ends right on the rule, and is not healthy at all. To look at its
# end, it is trained once more without ``early_stopping``, which takes the same steps
# and keeps the last weights instead of the best. Almost no unit responds to any image
# any more. The first steps were so long that the others are cut off for good: a
# rectifier that is cut off passes no gradient. What still moves the weights, and lowers
# the loss, is the penalty. It shrinks them at each step by rate times alpha, and a
# momentum of 0.9 makes that ten times as much: 1e-3, by accident. A ratio says little
# without the accuracy.

dead = clone(models[1.0]).set_params(early_stopping=False).fit(X, y)
for rate, model in {**models, 1.0: dead}.items():
    responding = (model.transform(X) > 0).any(axis=0)
    print(f"rate {rate:g}: {responding.sum()} of {responding.size} units respond")

# %%
# First-layer weights
# -------------------
# The weights into a unit of the first layer have the shape of an image: ink where it
# is blue speaks for the unit, ink where it is red against it. Drawn are the first
# twelve units of some of these networks, and of one with a stronger penalty.


def show_weights(axes, model, shape, label):
    """Draw the weights into the first twelve units, each in a frame of white."""
    pictures = model.coefs_[0].T[:12].reshape(12, *shape)
    if len(shape) == 3:
        largest = np.abs(pictures).max(axis=(1, 2, 3), keepdims=True)
        pictures = 0.5 + pictures / (2 * largest)
    frame = [(1, 1), (1, 1), (0, 0)][: len(shape)]
    empty = 1 if len(shape) == 3 else np.nan
    framed = [np.pad(picture, frame, constant_values=empty) for picture in pictures]
    largest = np.abs(pictures).max()
    axes.imshow(np.hstack(framed), cmap="RdBu", vmin=-largest, vmax=largest)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title(label, fontsize="medium")


penalized = clone(models[0.1]).set_params(alpha=0.03)
penalized.fit(X, y, X_val=X_val, y_val=y_val)
for alpha, model in {"0.0001": models[0.1], "0.03": penalized}.items():
    print(
        f"rate 0.1, alpha {alpha}: accuracy {model.best_validation_score_:.1%} at best"
    )

shown = {
    "rate 0.0001": models[0.0001],
    "rate 0.1": models[0.1],
    "rate 0.1, alpha 0.03 instead of 0.0001": penalized,
    "rate 1, after the last epoch": dead,
}
figure, column = plt.subplots(4, 1, figsize=(9, 4.2), layout="constrained")
for axes, (label, model) in zip(column, shown.items(), strict=True):
    show_weights(axes, model, (8, 8), label)
plt.show()

# %%
# With the lowest rate the weights are still about what was drawn at first, noise. At a
# rate of 0.1 some units have a stroke or two, and noise still: nothing takes away what
# does no harm. The stronger penalty does. It costs little accuracy here, leaves parts
# of digits, and has some units at almost nothing. Those of the largest rate are red
# where digits have their ink, and so stay cut off.

# %%
# Photographs
# -----------
# The same with two penalties on 5,000 images of CIFAR-10, after ten epochs of
# ``"adam"``. Gray is a weight of 0, and each unit has a scale of its own. With the weak
# penalty there is little to see but noise, and with the strong one there are blobs of a
# color, some against another.

root = os.environ.get("SKVISION_DATA")
if root:
    train, test = load_cifar10(root, split="train"), load_cifar10(root, split="test")
    figure, column = plt.subplots(2, 1, figsize=(9, 2.4), layout="constrained")
    for axes, alpha in zip(column, [1e-4, 0.1], strict=True):
        model = MLPBackprop((50,), alpha=alpha, max_iter=10, random_state=0)
        model.fit(train.images[:5_000], train.labels[:5_000])
        score = model.score(test.images[:2_000], test.labels[:2_000])
        print(f"CIFAR-10, alpha {alpha:g}: test accuracy {score:.1%}")
        show_weights(axes, model, (32, 32, 3), f"CIFAR-10, alpha {alpha:g}")
    plt.show()

# %%
# First weights
# -------------
# Now five hidden layers of 50 units. Before any training, images are sent through
# weights drawn in the four ways of ``weight_init``, and the standard deviation of what
# comes out of each layer is taken.

DEPTH, WIDTH = 5, 50
deviations = {
    "zeros": lambda n_in, n_out: 0,
    "normal": lambda n_in, n_out: 0.01,
    "xavier": lambda n_in, n_out: np.sqrt(2 / (n_in + n_out)),
    "he": lambda n_in, n_out: np.sqrt(2 / n_in),
}
functions = {"tanh": np.tanh, "relu": lambda x: np.maximum(0, x)}
standardized = (X.reshape(len(X), -1) - X.mean()) / X.std()


def spreads(activation, weight_init):
    """Return the standard deviation of the input and of each layer's outputs."""
    rng = np.random.default_rng(0)
    outputs = standardized
    found = [outputs.std()]
    for _ in range(DEPTH):
        n_in = outputs.shape[1]
        deviation = deviations[weight_init](n_in, WIDTH)
        W = deviation * rng.standard_normal((n_in, WIDTH))
        outputs = functions[activation](outputs @ W)
        found.append(outputs.std())
    return found


spread = {(f, name): spreads(f, name) for f in functions for name in deviations}
for (activation, name), found in spread.items():
    print(
        f"{activation}, {name:6}: standard deviation {found[1]:.1e} after the first "
        f"hidden layer, {found[-1]:.1e} after the last"
    )

# %%
# Then each of these networks is trained for a few epochs, and that with ``"normal"``
# once more with batch norm.


def deep_losses(activation, weight_init, batch_norm=False):
    """Return the training loss of a deep network in each epoch."""
    model = MLPBackprop(
        (WIDTH,) * DEPTH,
        activation,
        weight_init=weight_init,
        batch_norm=batch_norm,
        solver="sgd",
        learning_rate_init=0.03,
        batch_size=100,
        max_iter=12,
        n_iter_no_change=12,
        random_state=0,
    )
    return model.fit(X, y).loss_curve_


STYLES = {
    "normal": {"color": ORANGE, "marker": "s"},
    "zeros": {"color": "black", "marker": "x", "linestyle": "none"},
    "xavier": {"color": GREEN, "marker": "^"},
    "he": {"color": BLUE, "marker": "o"},
}
figure, grid = plt.subplots(
    2, 2, figsize=(11, 8), layout="constrained", sharex="row", sharey="row"
)
for (upper, lower), activation in zip(grid.T, functions, strict=True):
    for name, style in STYLES.items():
        if name != "zeros":
            upper.plot(spread[activation, name], **style)
        losses = deep_losses(activation, name)
        lower.plot(np.arange(1, 13), losses, label=name, **style)
        print(f"{activation}, {name}: loss {losses[0]:.2f} to {losses[-1]:.2f}")
    losses = deep_losses(activation, "normal", batch_norm=True)
    label = "normal, with batch norm"
    lower.plot(np.arange(1, 13), losses, "--", color=ORANGE, label=label)
    print(f"{activation}, {label}: loss {losses[0]:.2f} to {losses[-1]:.2f}")
    upper.set(title=activation, yscale="log", xlabel="hidden layer (0: the input)")
    lower.set(xlabel="epoch", ylim=(0, 2.5))
    upper.grid(alpha=0.3)
    lower.grid(alpha=0.3)
grid[0, 0].set_ylabel("standard deviation (logarithmic)")
grid[1, 0].set_ylabel("training loss")
handles, labels = grid[1, 0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=5)
plt.show()

# %%
# ``"normal"``, with a standard deviation of 0.01, makes each layer more than ten times
# fainter than the one before, and gradients pass the same weights on their way back.
# Its loss stays where it is at chance, and so does that of ``"zeros"``, which is not in
# the upper images: a logarithmic axis has no 0. A loss of log 10 that does not move
# is the sign of both.
#
# ``"he"`` is made for rectifiers, and keeps the level. ``"xavier"`` loses some of it
# there, by about the square root of 2 in each layer, and starts more slowly; after a
# dozen epochs the loss is as low. With tanh there is little between the two. That is
# one seed, and of such differences it says nothing certain.
#
# Batch norm brings each layer to a level of its own, whatever the scale of the weights.
# With it, the weights of ``"normal"`` train as well as the others.

# %%
# Dropout and batch norm
# ----------------------
# The same network, of rectifiers, on 300 images only: it has them all right soon,
# and is to predict others. Each is trained from three seeds, one line each. To have the
# training accuracy after each epoch as well, it is trained again from the same seed and
# "validated" on what it is trained on.

SEEDS, EPOCHS = range(3), 30
few = slice(300)
settings = {
    "neither": {},
    "dropout 0.1": {"dropout": 0.1},
    "dropout 0.5": {"dropout": 0.5},
    "batch norm": {"batch_norm": True},
}


def watch(pictures, labels, parameters):
    """Train on few images; return the accuracy on some after each epoch, by seed."""
    model = MLPBackprop(
        (WIDTH,) * DEPTH,
        solver="sgd",
        learning_rate_init=0.05,
        batch_size=100,
        max_iter=EPOCHS,
        early_stopping=True,
        n_iter_no_change=EPOCHS,
        **parameters,
    )
    courses = []
    for seed in SEEDS:
        model.set_params(random_state=seed)
        model.fit(X[few], y[few], X_val=pictures, y_val=labels)
        courses.append(model.validation_scores_)
    return np.array(courses)


figure, row = plt.subplots(
    1, 4, figsize=(11, 4), layout="constrained", sharex=True, sharey=True
)
epochs = np.arange(1, EPOCHS + 1)
for axes, (name, parameters) in zip(row, settings.items(), strict=True):
    seen, new = watch(X[few], y[few], parameters), watch(X_val, y_val, parameters)
    lines = axes.plot(epochs, seen.T, color=ORANGE, linestyle="--", linewidth=1)
    lines += axes.plot(epochs, new.T, color=BLUE, linewidth=1)
    axes.set(title=name, xlabel="epoch", ylim=(0, 1.03))
    axes.grid(alpha=0.3)
    last = new[:, -1]
    print(
        f"{name}: training accuracy {seen[:, -1].mean():.1%}, validation accuracy "
        f"{last.mean():.1%}, from {last.min():.1%} to {last.max():.1%}"
    )
row[0].set_ylabel("accuracy")
names = ["the 300 training images", "the validation images"]
figure.legend([lines[0], lines[-1]], names, loc="outside lower center", ncols=2)
plt.show()

# %%
# Without either, all training images are soon right, and about four fifths of the
# others: the gap is what is called overfitting. A little dropout makes it smaller, and
# so does batch norm, by less; their lines end above all three without. Neither
# closes it.
#
# To drop one half after each of five narrow layers is too much: the network does not
# even learn its training images in that time. Training accuracy, which tells this
# from overfitting, is measured without dropout, as predictions are.
#
# Three seeds show how much is chance in this one case. With other widths, rates and
# numbers of images the best setting may be another.
