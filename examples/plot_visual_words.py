"""
========================================
Features by patches: bag of visual words
========================================

A bag of visual words describes an image by its patches. The words are learned from the
training images without labels, and a linear classifier learns which words are evidence
for which class.

This example shows the words before and after whitening, their responses to an image,
and the words with the largest weights for each class.

It uses crops of two photos of scikit-learn. If the environment variable
``SKVISION_DATA`` names a folder with the files of CIFAR-10, it uses these instead.
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
# ------
# The images are random crops of 32 x 32 pixels from a photo of a temple and a photo of
# a flower. The left half of each photo is used for training, and the right half for
# testing.

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
print(f"test accuracy on {len(test)} images: {model.score(test, test_labels):.3f}")

# %%
# Words before and after whitening
# --------------------------------
# Neighboring pixels are nearly equal, so that patches mostly differ in slow gradients.
# Whitening divides each direction by the standard deviation of patches along it, and
# the words are learned in whitened coordinates. The left plot shows the words as
# patches. The right plot shows them as the filters that patches are compared with,
# which contain edges and opposite colors. The second half of the words are the mirror
# images of the first half. :class:`skvision.inspection.CodebookDisplay` arranges them
# in a grid, each scaled by its largest magnitude.

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
# The features of an image are the amounts by which the responses to each word exceed a
# threshold, averaged over the patches of each quarter. The plot shows the responses of
# several words, which are the products of the word and the whitened patches, at all
# positions of an image.

image = test[np.flatnonzero(test_labels == names[1])[1]]
windows = np.lib.stride_tricks.sliding_window_view(
    image.astype(np.float32), patches.shape[1:3], axis=(0, 1)
)
windows = np.moveaxis(windows, 2, -1).reshape(27 * 27, -1)
windows = windows - windows.mean(axis=1, keepdims=True)
windows /= np.sqrt(windows.var(axis=1, keepdims=True) + words.contrast_epsilon)
responses = (windows - words.patch_mean_) @ words.whitening_ @ words.codebook_.T
loudest = np.argsort(-responses.max(axis=0))[:5]
figure, axes = plt.subplots(2, 6, figsize=(11, 4), layout="constrained")
axes[0, 0].imshow(image)
axes[0, 0].set_title("image")
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
# The words of each class
# -----------------------
# The weights of the classifier show which words are evidence for a class. The plot
# shows the words with the largest weights for each class, summed over all quarters.
# Features with the negative sign are shown as the negative of the word.

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
    selected = patches[word] * np.where(sign == 1, -1, 1)[:, None, None, None]
    CodebookDisplay(selected).plot(axis)
    axis.set_title("")
    axis.set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()
