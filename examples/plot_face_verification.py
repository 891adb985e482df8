"""
===========================
Is it the same person?
===========================

To verify is to say whether two images show the same person, be it one whom the model
has never seen. It takes two things: an embedding, in which images of a person are
close together, and a threshold, from which two images are held to be of one person.
:class:`skvision.ArcFaceEmbedder` learns the one, and
:class:`skvision.VerificationThreshold` the other, from people whom it holds out in
turn: those that an embedder was trained on are told apart far better than others will
be.

With the ORL faces in ``$SKVISION_DATA/orl_faces`` (40 people, ten images each) these
are what is verified; without, handwritten digits are. Of these there are but ten kinds,
too few to learn what sets others apart: there the mere pixels do as well.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer

from skvision import HOG, ArcFaceEmbedder, ImageReader, VerificationThreshold
from skvision.metrics import (
    equal_error_rate,
    tar_at_far,
    verification_curve,
    verification_pairs,
)

GRAY, BLUE, ORANGE = "#57606a", "#08519c", "#d55e00"

# %%
# People to learn from, and people never seen
# -------------------------------------------

folder = os.environ.get("SKVISION_DATA")
if folder and (Path(folder) / "orl_faces").is_dir():
    images = np.load(Path(folder) / "orl_faces" / "images.npy")
    who = np.load(Path(folder) / "orl_faces" / "labels.npy")
    n_known, size, cell, far = 20, (28, 23), (16, 16), 0.01
else:
    digits = load_digits()
    images, who = (digits.images * 15).astype(np.uint8)[:900], digits.target[:900]
    n_known, size, cell, far = 8, (8, 8), (4, 4), 0.05

people = np.random.default_rng(1).permutation(np.unique(who))
known = np.isin(who, people[:n_known])
print(f"{known.sum()} images to learn from, {(~known).sum()} of others to verify")

# %%
# An embedding and a threshold
# ----------------------------
# Images are described by small versions of them and by their edges, and the embedding
# is a linear map of these. The threshold is to accept not more than a share ``far`` of
# the pairs of two people.

flatten = FunctionTransformer(lambda images: images.reshape(len(images), -1))
embedder = make_pipeline(
    make_union(
        make_pipeline(ImageReader(size, mode="L"), flatten),
        HOG(pixels_per_cell=cell),
    ),
    ArcFaceEmbedder(random_state=0),
)
lock = VerificationThreshold(embedder, far=far).fit(images[known], who[known])
print(
    f"Pairs are held to be of one person from a similarity of {lock.threshold_:.2f}: "
    f"of people held out, {lock.tar_.rate:.0%} of pairs of one and {lock.far_:.1%} of "
    f"pairs of two were accepted"
)

# %%
# People never seen
# -----------------
# All pairs of their images, accepted or not, beside what the mere pixels would do.
# ``lock.verify(first, second)`` embeds both images of each pair; for so many pairs of
# the same images each of them is better embedded once.

pairs, same = verification_pairs(who[~known])
first, second = images[~known][pairs.T]
embeddings = lock.estimator_.transform(images[~known])
similarity = (embeddings @ embeddings.T)[tuple(pairs.T)]
np.testing.assert_allclose(
    similarity[:9], lock.similarity(first[:9], second[:9]), atol=1e-6
)
accepted = similarity >= lock.threshold_
print(
    f"Of people never seen, {accepted[same].mean():.0%} of pairs of one and "
    f"{accepted[~same].mean():.1%} of pairs of two"
)

rows = (images - images[known].mean(axis=0)).reshape(len(images), -1)[~known]
rows /= np.linalg.norm(rows, axis=1, keepdims=True)
by_pixels = (rows @ rows.T)[tuple(pairs.T)]

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for values, name, color in (
    (by_pixels, "pixels", GRAY),
    (similarity, "ArcFaceEmbedder", ORANGE),
):
    rates, tars, _ = verification_curve(same, values)
    error, tar = equal_error_rate(same, values), tar_at_far(same, values, far=far)
    print(
        f"{name}: equal error rate {error:.3f}, {tar.rate:.2f} accepted at a false "
        f"accept rate of {far:g}"
    )
    left.plot(rates, tars, color=color, label=f"{name}, EER {error:.1%}")
left.plot(accepted[~same].mean(), accepted[same].mean(), "o", color=BLUE)
left.annotate(
    "the threshold",
    (accepted[~same].mean(), accepted[same].mean()),
    (8, -14),
    textcoords="offset points",
    color=BLUE,
)
left.set(
    xscale="log",
    xlim=(1e-3, 1),
    ylim=(0, 1.02),
    xlabel="false accept rate",
    ylabel="true accept rate",
)
left.legend(frameon=False, loc="lower right")

bins = np.linspace(similarity.min(), 1, 50)
for of, name, color in ((~same, "two people", GRAY), (same, "one person", ORANGE)):
    right.hist(
        similarity[of], bins, density=True, histtype="step", color=color, label=name
    )
right.axvline(lock.threshold_, color=BLUE, linewidth=1)
right.set(xlabel="cosine of the embeddings", ylabel="density of pairs")
right.legend(frameon=False)
plt.show()

# %%
# The hardest pairs
# -----------------
# Above, pairs of two people that are most alike; below, pairs of one that are least.

wrong = np.flatnonzero(~same)[np.argsort(-similarity[~same])[:4]]
missed = np.flatnonzero(same)[np.argsort(similarity[same])[:4]]
figure, panels = plt.subplots(2, 4, figsize=(9, 3.8), layout="constrained")
for axes, i in zip(panels.ravel(), [*wrong, *missed], strict=True):
    axes.imshow(np.hstack([first[i], second[i]]), cmap="gray", vmin=0, vmax=255)
    axes.set_title(f"{similarity[i]:.2f}", fontsize=10)
    axes.axis("off")
panels[0, 0].set_title(f"two people: {similarity[wrong[0]]:.2f}", fontsize=10)
panels[1, 0].set_title(f"one person: {similarity[missed[0]]:.2f}", fontsize=10)
plt.show()
