"""
===================================
Training a network: what to monitor
===================================

Errors in the training of a network are rarely obvious. The network predicts slightly
worse than it could, or as well as chance. The reason may be the learning rate, the
initial weights, or too many weights for too few images, and training curves help to
find it.

This example shows the training curves of :class:`skvision.MLPBackprop`: loss and
accuracy for several learning rates, the sizes of its updates, the weights of the first
layer, the effect of initial weights on a deep network, and the effects of batch norm
and dropout.

It uses scikit-learn's handwritten digits. If the environment variable ``SKVISION_DATA``
names a folder with the files of CIFAR-10, it also shows first layers for these.
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
# The network has one hidden layer of 50 units, and is trained by ``"sgd"`` with
# momentum in batches of 50 images. With a validation set, ``early_stopping=True``
# records the validation accuracy after each epoch and keeps the weights of the best
# epoch. With ``n_iter_no_change`` equal to ``max_iter``, training does not stop early.

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
# The loss is the mean cross-entropy plus the penalty. With the lowest rate, it
# decreases but would need many more epochs, and the second rate is also slow. The rate
# 0.1 is the best of these four. With a rate of 1, the accuracy is that of chance from
# the second epoch on. The loss still decreases slightly, but the network does not
# learn, as shown below.

# %%
# Sizes of updates
# ----------------
# ``history_["update_ratio"]`` contains, for each layer, the ratio of the norms of the
# last update of each epoch and of the weights. As a rule of thumb, it should be about
# 1e-3.

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
# With the lowest rate, weights hardly change. The ratios of the two networks that learn
# begin above the rule of thumb, and decrease to it or below towards the end of
# training.
#
# The ratio of the largest rate ends at the rule of thumb, although this network has
# failed. To inspect its last weights, it is trained again without ``early_stopping``,
# which makes the same updates but keeps the last weights instead of the best. Almost no
# unit responds to any image. The first updates were so large that the other units are
# permanently inactive, because an inactive rectifier passes no gradient. Only the
# penalty still changes the weights and decreases the loss. It shrinks the weights at
# each step by the rate times alpha, and a momentum of 0.9 increases this by a factor of
# ten to 1e-3, which agrees with the rule of thumb by coincidence. The ratio is only
# meaningful together with the accuracy.

dead = clone(models[1.0]).set_params(early_stopping=False).fit(X, y)
for rate, model in {**models, 1.0: dead}.items():
    responding = (model.transform(X) > 0).any(axis=0)
    print(f"rate {rate:g}: {responding.sum()} of {responding.size} units respond")

# %%
# First-layer weights
# -------------------
# The weights of a unit of the first layer have the shape of an image. Bright pixels
# increase the output of the unit where its weights are blue, and decrease it where they
# are red. The plot shows the first twelve units of some of these networks, and of a
# network with a stronger penalty.


def show_weights(axes, model, shape, label):
    """Plot the weights of the first twelve units, each in a white frame."""
    images = model.coefs_[0].T[:12].reshape(12, *shape)
    if len(shape) == 3:
        largest = np.abs(images).max(axis=(1, 2, 3), keepdims=True)
        images = 0.5 + images / (2 * largest)
    frame = [(1, 1), (1, 1), (0, 0)][: len(shape)]
    empty = 1 if len(shape) == 3 else np.nan
    framed = [np.pad(image, frame, constant_values=empty) for image in images]
    largest = np.abs(images).max()
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
# With the lowest rate, the weights are still close to their initial values, which are
# noise. With a rate of 0.1, some units show strokes, but noise remains because it does
# not increase the loss. The stronger penalty removes it. It hardly changes the accuracy
# here, leaves parts of digits, and makes the weights of some units almost zero. With
# the largest rate, the weights are negative where digits are bright, so that the units
# remain inactive.

# %%
# Photographs
# -----------
# The last plot of first layers shows networks with two penalties for 5,000 images of
# CIFAR-10, after ten epochs of ``"adam"``. Weights of 0 are gray, and each unit is
# scaled separately. With the weak penalty, the weights are mostly noise, and with the
# strong one, they are blobs of one color, some beside an opposite color.

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
# Initial weights
# ---------------
# The next networks have five hidden layers of 50 units. Before training, the standard
# deviation of the output of each layer is computed for four initializers of
# ``weight_init``.

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
    """Return the standard deviations of the input and of the output of each layer."""
    rng = np.random.default_rng(0)
    outputs = standardized
    measured = [outputs.std()]
    for _ in range(DEPTH):
        n_in = outputs.shape[1]
        deviation = deviations[weight_init](n_in, WIDTH)
        W = deviation * rng.standard_normal((n_in, WIDTH))
        outputs = functions[activation](outputs @ W)
        measured.append(outputs.std())
    return measured


spread = {(f, name): spreads(f, name) for f in functions for name in deviations}
for (activation, name), measured in spread.items():
    print(
        f"{activation}, {name:6}: standard deviation {measured[1]:.1e} after the first "
        f"hidden layer, {measured[-1]:.1e} after the last"
    )

# %%
# Each of these networks is trained for several epochs, and the one with ``"normal"``
# also with batch norm.


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
# With ``"normal"`` and a standard deviation of 0.01, the output of each layer is more
# than ten times smaller than that of the previous layer, and so are the gradients in
# the backward pass. The loss remains that of chance, and so does that of ``"zeros"``,
# which is not shown in the upper plots because a logarithmic axis has no 0. A constant
# loss of log 10 indicates such initial weights.
#
# ``"he"`` is designed for rectifiers and preserves the standard deviation. With
# ``"xavier"``, it decreases by about the square root of 2 in each layer of rectifiers,
# and training starts more slowly; after twelve epochs, the loss is as low. With tanh,
# both are similar. A single seed is not sufficient to establish such small differences.
#
# Batch norm normalizes the output of each layer, independently of the scale of the
# weights. With it, ``"normal"`` trains as well as the others.

# %%
# Dropout and batch norm
# ----------------------
# The same network of rectifiers is trained on 300 images only, which it soon classifies
# correctly, and evaluated on the validation set. Each setting is trained with three
# seeds, with a line for each. To record the training accuracy after each epoch, it is
# trained again with the same seed and the training images as validation set.

SEEDS, EPOCHS = range(3), 30
few = slice(300)
settings = {
    "neither": {},
    "dropout 0.1": {"dropout": 0.1},
    "dropout 0.5": {"dropout": 0.5},
    "batch norm": {"batch_norm": True},
}


def train_and_record(images, labels, parameters):
    """Train on few images, and return the accuracy after each epoch for each seed."""
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
    curves = []
    for seed in SEEDS:
        model.set_params(random_state=seed)
        model.fit(X[few], y[few], X_val=images, y_val=labels)
        curves.append(model.validation_scores_)
    return np.array(curves)


figure, row = plt.subplots(
    1, 4, figsize=(11, 4), layout="constrained", sharex=True, sharey=True
)
epochs = np.arange(1, EPOCHS + 1)
for axes, (name, parameters) in zip(row, settings.items(), strict=True):
    training, validation = (
        train_and_record(X[few], y[few], parameters),
        train_and_record(X_val, y_val, parameters),
    )
    lines = axes.plot(epochs, training.T, color=ORANGE, linestyle="--", linewidth=1)
    lines += axes.plot(epochs, validation.T, color=BLUE, linewidth=1)
    axes.set(title=name, xlabel="epoch", ylim=(0, 1.03))
    axes.grid(alpha=0.3)
    last = validation[:, -1]
    print(
        f"{name}: training accuracy {training[:, -1].mean():.1%}, validation accuracy "
        f"{last.mean():.1%}, from {last.min():.1%} to {last.max():.1%}"
    )
row[0].set_ylabel("accuracy")
names = ["the 300 training images", "the validation images"]
figure.legend([lines[0], lines[-1]], names, loc="outside lower center", ncols=2)
plt.show()

# %%
# Without both, all training images are soon classified correctly, but only about four
# fifths of the validation images. This gap is overfitting. A small dropout rate reduces
# the gap, and batch norm reduces it less; their lines end above all three without them.
# Neither closes the gap.
#
# A dropout rate of one half after each of five narrow layers is too large: the network
# does not learn its training images in 30 epochs. The training accuracy distinguishes
# this from overfitting. It is measured without dropout, as predictions are.
#
# The three seeds show the variation in this case. The best setting may differ for other
# widths, learning rates and numbers of images.
