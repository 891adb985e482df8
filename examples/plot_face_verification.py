"""
=================
Face verification
=================

Verification decides whether two images show the same person, who need not occur in the
training set. It requires an embedding, in which images of the same person are close to
each other, and a threshold, which is the similarity above which two images are accepted
as the same person. :class:`skvision.ArcFaceEmbedder` learns the embedding, and
:class:`skvision.VerificationThreshold` learns the threshold from people that it holds
out in cross-validation, because an embedder separates its training people much better
than others.

The example uses the ORL faces in ``$SKVISION_DATA/orl_faces`` (40 people with ten
images each) if they exist, and handwritten digits otherwise. The ten classes of digits
are too few to learn an embedding for other classes, so that raw pixels are as good.
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
# Training people and unknown people
# ----------------------------------

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
print(f"{known.sum()} training images, {(~known).sum()} images to verify")

# %%
# An embedding and a threshold
# ----------------------------
# The features are small images and edges, and the embedding is a linear map of these.
# The threshold accepts at most the fraction ``far`` of the pairs of different people.

flatten = FunctionTransformer(lambda images: images.reshape(len(images), -1))
embedder = make_pipeline(
    make_union(
        make_pipeline(ImageReader(size, mode="L"), flatten),
        HOG(pixels_per_cell=cell),
    ),
    ArcFaceEmbedder(random_state=0),
)
verifier = VerificationThreshold(embedder, far=far).fit(images[known], who[known])
print(
    f"Pairs are accepted from a similarity of {verifier.threshold_:.2f} on: of "
    f"held-out people, {verifier.tar_.rate:.0%} of the pairs of the same person and "
    f"{verifier.far_:.1%} of the pairs of different people were accepted"
)

# %%
# Unknown people
# --------------
# All pairs of images of unknown people are verified, and compared with raw pixels.
# ``verifier.verify(first, second)`` embeds both images of each pair. With so many pairs
# of the same images, it is faster to embed each image once.

pairs, same = verification_pairs(who[~known])
first, second = images[~known][pairs.T]
embeddings = verifier.estimator_.transform(images[~known])
similarity = (embeddings @ embeddings.T)[tuple(pairs.T)]
np.testing.assert_allclose(
    similarity[:9], verifier.similarity(first[:9], second[:9]), atol=1e-6
)
accepted = similarity >= verifier.threshold_
print(
    f"Of unknown people, {accepted[same].mean():.0%} of the pairs of the same person "
    f"and {accepted[~same].mean():.1%} of the pairs of different people are accepted"
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
for kind, name, color in (
    (~same, "different people", GRAY),
    (same, "same person", ORANGE),
):
    right.hist(
        similarity[kind], bins, density=True, histtype="step", color=color, label=name
    )
right.axvline(verifier.threshold_, color=BLUE, linewidth=1)
right.set(xlabel="cosine of the embeddings", ylabel="density of pairs")
right.legend(frameon=False)
plt.show()

# %%
# The hardest pairs
# -----------------
# The upper row shows the pairs of different people with the largest similarities, and
# the lower row the pairs of the same person with the smallest similarities.

wrong = np.flatnonzero(~same)[np.argsort(-similarity[~same])[:4]]
missed = np.flatnonzero(same)[np.argsort(similarity[same])[:4]]
figure, panels = plt.subplots(2, 4, figsize=(9, 3.8), layout="constrained")
for axes, i in zip(panels.ravel(), [*wrong, *missed], strict=True):
    axes.imshow(np.hstack([first[i], second[i]]), cmap="gray", vmin=0, vmax=255)
    axes.set_title(f"{similarity[i]:.2f}", fontsize=10)
    axes.axis("off")
panels[0, 0].set_title(f"different people: {similarity[wrong[0]]:.2f}", fontsize=10)
panels[1, 0].set_title(f"same person: {similarity[missed[0]]:.2f}", fontsize=10)
plt.show()
