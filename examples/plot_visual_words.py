"""
=====================================================
Visual words: what small patches say about an image
=====================================================

A bag of visual words describes an image by the patches that it is made of. Which
patches are worth a word is learned from the images themselves, without labels; a
linear classifier then says which words speak for which class.

This example looks at the words before and after whitening, at how strongly they respond
to an image, and at the most telling words of each class.

It cuts its images from two photos that come with scikit-learn. Where the environment
variable ``SKVISION_DATA`` names a folder with the files of CIFAR-10, it takes these
instead.
"""

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_images
from sklearn.pipeline import make_pipeline

from skvision import BagOfVisualWords, PixelNormalizer, SoftmaxRegression
from skvision.datasets import load_cifar10
from skvision.inspection import CodebookDisplay

# %%
# Images
# --------
# 32 x 32 pixels, cut at random places from a photo of a temple and one of a flower. The
# left half of each photo is for training, the right half for testing.

rng = np.random.default_rng(0)


def cut(photo, n):
    """Return random crops of a photo."""
    tops = rng.integers(0, photo.shape[0] - 31, n)
    lefts = rng.integers(0, photo.shape[1] - 31, n)
    return np.stack(
        [photo[y : y + 32, x : x + 32] for y, x in zip(tops, lefts, strict=True)]
    )


root = os.environ.get("SKVISION_DATA")
if root:
    data, held_out = load_cifar10(root), load_cifar10(root, split="test")
    names = np.array(data.names)
    train, train_labels = data.images[:3000], names[data.labels[:3000]]
    test, test_labels = held_out.images[:1000], names[held_out.labels[:1000]]
else:
    photos = [photo[::2, ::2] for photo in load_sample_images().images]
    names = np.array(["temple", "flower"])
    train = np.concatenate([cut(photo[:, :160], 300) for photo in photos])
    test = np.concatenate([cut(photo[:, 160:], 100) for photo in photos])
    train_labels, test_labels = names.repeat(300), names.repeat(100)

words = BagOfVisualWords(n_words=128, n_patches=20_000, random_state=0)
model = make_pipeline(
    words, PixelNormalizer(variance_floor=0.01), SoftmaxRegression(alpha=0.1)
)
model.fit(train, train_labels)
print(f"{model.score(test, test_labels):.3f} of {len(test)} images are right")

# %%
# Words before and after whitening
# --------------------------------
# Neighboring pixels are nearly the same, so that patches as they are differ in little
# but slow shades. Whitening divides each direction by how much patches vary along it.
# Words are learned there: on the right they stand as the filters that patches are
# compared with, full of edges and of opposite colors; on the left as the patches that
# they stand for. The second half of the words are the mirror images of the first.
# :class:`skvision.inspection.CodebookDisplay` lays them out side by side, each scaled
# to its own largest value.

patches = words.inverse_codebook()
filters = (words.codebook_ @ words.whitening_.T).reshape(patches.shape)
figure, axes = plt.subplots(1, 2, figsize=(11, 3.2), layout="constrained")
for axis, tiles, title in zip(
    axes, (patches, filters), ("as patches", "as filters, after whitening"), strict=True
):
    CodebookDisplay(tiles).plot(axis)
    axis.set_title(title)
plt.show()

# %%
# How words respond
# -----------------
# The features of an image are how far the response to each word exceeds a threshold,
# averaged over the patches of each quarter. Here are a few words on one image, at
# every place: whitened patches times the word.

picture = test[np.flatnonzero(test_labels == names[1])[1]]
windows = np.lib.stride_tricks.sliding_window_view(
    picture.astype(np.float32), patches.shape[1:3], axis=(0, 1)
)
windows = np.moveaxis(windows, 2, -1).reshape(27 * 27, -1)
windows = windows - windows.mean(axis=1, keepdims=True)
windows /= np.sqrt(windows.var(axis=1, keepdims=True) + words.contrast_epsilon)
responses = (windows - words.patch_mean_) @ words.whitening_ @ words.codebook_.T
loudest = np.argsort(-responses.max(axis=0))[:5]
figure, axes = plt.subplots(2, 6, figsize=(11, 4), layout="constrained")
axes[0, 0].imshow(picture)
axes[0, 0].set_title("picture")
axes[1, 0].remove()
for axis, word in zip(axes[:, 1:].T, loudest, strict=True):
    CodebookDisplay(patches[[word]]).plot(axis[0])
    axis[0].set_title(f"word {word}")
    response = responses[:, word].reshape(27, 27)
    axis[1].imshow(response, cmap="RdBu_r", vmin=-6, vmax=6)
for axis in figure.axes:
    axis.set(xticks=[], yticks=[])
plt.show()

# %%
# The most telling words of each class
# ------------------------------------
# A word counts for a class by its weight there. Below, for each class, the words of the
# largest weights, over all quarters: the positive sign for the word itself, the
# negative sign for its negative, shown as such.

classifier = model[-1]
weights = classifier.coef_
if len(weights) == 1:  # two classes have one row, for the second
    weights = np.concatenate([-weights, weights])
by_word = weights.reshape(len(weights), -1, 2, len(patches) // 2).sum(axis=1)
figure, axes = plt.subplots(
    len(weights), 1, figsize=(8, 0.3 + 0.8 * len(weights)), layout="constrained"
)
for axis, name, weight in zip(axes, classifier.classes_, by_word, strict=True):
    best = np.argsort(-weight.ravel())[:12]
    sign, word = np.divmod(best, len(patches) // 2)
    telling = patches[word] * np.where(sign == 1, -1, 1)[:, None, None, None]
    CodebookDisplay(telling).plot(axis)
    axis.set_title("")
    axis.set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()
