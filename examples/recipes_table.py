"""
A chosen recipe beside a fixed one
==================================

Each row compares `ImageClassifier` with the fixed recipe of edges, colors and visual
words that it begins with, at 64 pixels: the accuracy on test images, and the processor
seconds from files or images to a fitted model. Neither the recipes nor their parameters
were chosen on the test images. ``python examples/recipes_table.py FOLDER [FASHION]``
takes about 15 minutes, where FOLDER contains the datasets named below and FASHION those
of Fashion-MNIST.

- Ants and bees, photos: the published 244 and 153, five seeds
- Digits of scikit-learn: 1,000 and 797
- ORL, faces of 40 people: five images each to learn, five to test
- CIFAR-10: 2,000 training images and 2,000 test images
- Fashion-MNIST: 5,000 training images and 5,000 test images
- Blood cells of BCCD, cut out by their boxes: those of 60 images to learn, 100 to test
- Characters of Omniglot, the Korean alphabet: ten drawers to learn, ten to test
"""

import gzip
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
from joblib import parallel_config
from PIL import Image
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.pipeline import make_union
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from skvision import (
    HOG,
    BagOfVisualWords,
    ColorHistogram,
    ImageClassifier,
    ImageReader,
    PixelNormalizer,
    SoftmaxRegression,
)
from skvision.datasets import load_cifar10, load_image_folder


class FixedRecipe(ClassifierMixin, BaseEstimator):
    """Edges in 5 x 5 cells, colors and mirrored words, with a chosen penalty."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y, groups):
        """Describe images and choose the penalty on validation images."""
        reader = ImageReader(64, n_jobs=-1)
        union = make_union(
            HOG(12, (12, 12), (3, 3), transform_sqrt=True, interpolate=True),
            ColorHistogram(
                bins=(12, 4, 4),
                channels=("weighted_hue", "saturation", "value"),
                grid=(4, 4),
                norm="sqrt",
            ),
            BagOfVisualWords(
                n_words=2 * min(max(len(X) // 5, 200), 800),
                random_state=self.random_state,
            ),
        )
        features = union.fit_transform(reader.transform(X))
        rng = np.random.default_rng(self.random_state)
        alphas = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
        losses = np.zeros(len(alphas))
        n_draws, parts = (1 if len(X) >= 1000 else 5), np.unique(groups)
        for _ in range(n_draws):
            held_out = np.isin(groups, rng.permutation(parts)[: len(parts) // 5])
            normalizer = PixelNormalizer(variance_floor=0.01).fit(features[~held_out])
            x = normalizer.transform(features[~held_out])
            unseen = normalizer.transform(features[held_out])
            model = SoftmaxRegression(warm_start=True, tol=1e-3)
            for i, alpha in enumerate(alphas):
                model.set_params(alpha=alpha).fit(x, y[~held_out])
                known = np.isin(y[held_out], model.classes_)
                losses[i] += log_loss(
                    y[held_out][known],
                    normalize(model.predict_proba(unseen[known]).astype(float), "l1"),
                    labels=model.classes_,
                )
        self.normalizer_ = PixelNormalizer(variance_floor=0.01).fit(features)
        self.model_ = SoftmaxRegression(alpha=alphas[losses.argmin()])
        self.model_.fit(self.normalizer_.transform(features), y)
        self.steps_ = reader, union
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        """Return the classes of images."""
        reader, union = self.steps_
        rows = self.normalizer_.transform(union.transform(reader.transform(X)))
        return self.model_.predict(rows)


def split(images, labels, groups, n_groups, seed=0):
    """Return training and test images: ``n_groups`` drawn groups, and the others."""
    drawn = np.random.default_rng(seed).permutation(np.unique(groups))
    is_training = np.isin(groups, drawn[:n_groups])
    training, test = np.flatnonzero(is_training), np.flatnonzero(~is_training)
    return (
        ([images[i] for i in training], labels[training], groups[training]),
        ([images[i] for i in test], labels[test]),
    )


def ants_and_bees(folder):
    """Return the photos of both published parts."""
    parts = [
        load_image_folder(folder / "hymenoptera_photos" / part, return_X_y=True)
        for part in ("train", "test")
    ]
    (X, y), test = parts
    return (list(X), y, np.arange(len(y))), (list(test[0]), test[1])


def digits(folder):
    """Return the digits of scikit-learn as bytes."""
    data = load_digits()
    images = list((data.images * 255 / 16).astype(np.uint8))
    return split(images, data.target.astype(str), np.arange(len(images)), 1000)


def faces(folder):
    """Return five drawn faces of each person, and five others."""
    images = np.load(folder / "orl_faces" / "images.npy")
    labels = np.load(folder / "orl_faces" / "labels.npy")
    rng, training = np.random.default_rng(0), np.zeros(len(labels), bool)
    for person in np.unique(labels):
        training[rng.permutation(np.flatnonzero(labels == person))[:5]] = True
    names, groups = labels.astype(str), np.arange(training.sum())
    return (
        (list(images[training]), names[training], groups),
        (list(images[~training]), names[~training]),
    )


def cifar10(folder):
    """Return the first images of both official parts."""
    train, test = load_cifar10(folder), load_cifar10(folder, split="test")
    return (
        (list(train.images[:2000]), train.labels[:2000].astype(str), np.arange(2000)),
        (list(test.images[:2000]), test.labels[:2000].astype(str)),
    )


def fashion(folder):
    """Return the first 5,000 images of both official parts."""

    def read(name, start):
        (path,) = folder.glob(f"{name}*")
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        return np.frombuffer(data, np.uint8, offset=start)

    parts = []
    for name in ("train", "t10k"):
        images = read(f"{name}-images", 16).reshape(-1, 28, 28)[:5000]
        parts.append((list(images), read(f"{name}-labels", 8)[:5000].astype(str)))
    return (*parts[0], np.arange(5000)), parts[1]


def blood_cells(folder):
    """Return the cells of BCCD, cut out of 160 drawn images."""
    cells, labels, groups = [], [], []
    files = sorted((folder / "bccd" / "Annotations").glob("*.xml"))
    for i in np.random.default_rng(0).permutation(len(files))[:160]:
        photo = folder / "bccd" / "JPEGImages" / f"{files[i].stem}.jpg"
        image = np.asarray(Image.open(photo).convert("RGB"))
        for each in ET.parse(files[i]).iter("object"):
            box = each.find("bndbox")
            left, top, right, bottom = (
                int(box.find(name).text) for name in ("xmin", "ymin", "xmax", "ymax")
            )
            cell = image[max(0, top - 1) : bottom, max(0, left - 1) : right]
            if min(cell.shape[:2]) > 1:  # two boxes have no area
                cells.append(np.ascontiguousarray(cell))
                labels.append(each.find("name").text)
                groups.append(i)
    return split(cells, np.array(labels), np.array(groups), 60)


def characters(folder):
    """Return the Korean characters of ten drawn drawers, and of the others."""
    data = np.load(folder / "omniglot" / "omniglot28.npz")
    alphabet = [str(name) for name in data["alphabet_names"]].index("Korean")
    chosen = data["alphabet"] == alphabet
    images, labels = data["images"][chosen], data["character"][chosen].astype(str)
    return split(list(images), labels, data["drawer"][chosen], 10)


def measure(model, training, test):
    """Return which test images are right, and the processor seconds of the fit."""
    X, y, groups = training
    started = time.process_time()
    model.fit(X, y, groups=groups)
    seconds = time.process_time() - started
    return model.predict(test[0]) == test[1], seconds


def main(folder, fashion_folder):
    """Print a row for each dataset."""
    sources = {
        ants_and_bees: folder,
        digits: folder,
        faces: folder,
        cifar10: folder,
        fashion: fashion_folder,
        blood_cells: folder,
        characters: folder,
    }
    for load, place in sources.items():
        if place is None:
            continue
        training, test = load(place)
        for seed in range(5 if load is ants_and_bees else 1):
            before, seconds_before = measure(FixedRecipe(seed), training, test)
            model = ImageClassifier(random_state=seed, n_jobs=-1)
            now, seconds = measure(model, training, test)
            error = (now.astype(float) - before).std() / np.sqrt(len(now))
            chosen = model.cv_results_["recipe"][model.best_index_]
            print(
                f"{load.__name__} seed {seed}: fixed {before.mean():.4f} in "
                f"{seconds_before:.1f} s, chosen {now.mean():.4f} in {seconds:.1f} s "
                f"({seconds / seconds_before:.1f} times), standard error of the "
                f"difference {error:.4f}: {chosen}",
                flush=True,
            )


if __name__ == "__main__":
    with parallel_config("threading", n_jobs=-1), threadpool_limits(1):
        main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
