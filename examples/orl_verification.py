"""
Verification of unknown faces
=============================

The 40 people of the ORL faces are split ten times into 20 for training and 20 for
verification. Split k is ``numpy.random.default_rng(k).permutation(people)``. The
features of an image are 28 x 23 pixels and edges (HOG). Each kind is centered by the
mean of the training images and divided by one scale. Mirrored training images, and
images that are shifted by 4 pixels, are added to the training images. The parameters
are the defaults of ``ArcFaceEmbedder``, which were chosen on training people only.

``python examples/orl_verification.py FOLDER``, where FOLDER contains ``orl_faces``,
takes several minutes with two threads.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skvision import HOG, ArcFaceEmbedder, ImageReader
from skvision.metrics import (
    equal_error_rate,
    identification_rate,
    tar_at_far,
    verification_curve,
    verification_pairs,
)

N_SPLITS, SHIFT = 10, 4
SHIFTS = [(0, 0), (SHIFT, 0), (-SHIFT, 0), (0, SHIFT), (0, -SHIFT)]
EMBEDDERS = {
    "features without training": FunctionTransformer(),
    "PCA and LDA": make_pipeline(
        PCA(100, random_state=0), LinearDiscriminantAnalysis()
    ),
    "softmax": ArcFaceEmbedder(loss="softmax", random_state=0),
    "normalized softmax": ArcFaceEmbedder(loss="normalized_softmax", random_state=0),
    "CosFace, 0.35": ArcFaceEmbedder(loss="cosface", margin=0.35, random_state=0),
    "ArcFace": ArcFaceEmbedder(random_state=0),
}
MEASURES = ("AUC", "equal error", "TAR at FAR 0.01", "rank 1")


class Scaled(TransformerMixin, BaseEstimator):
    """Transformer that subtracts the mean of each feature and divides by one scale."""

    def fit(self, X, y=None):
        """Learn the mean of each column, and one scale."""
        self.mean_ = X.mean(axis=0)
        self.scale_ = (X - self.mean_).std()
        return self

    def transform(self, X):
        """Return the features, scaled."""
        return (X - self.mean_) / self.scale_


def shifted(images, down, right):
    """Return images shifted by some pixels, with repeated edges."""
    padded = np.pad(images, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)), mode="edge")
    height, width = images.shape[1:]
    top, left = SHIFT - down, SHIFT - right
    return padded[:, top : top + height, left : left + width]


def features_of(images):
    """Return the pixels of small images, and edges."""
    small = ImageReader((28, 23), mode="L").transform(images)
    pixels = small.reshape(len(images), -1).astype(np.float32)
    return pixels, HOG(pixels_per_cell=(16, 16)).fit_transform(images)


def measure(embeddings, labels):
    """Return the four measures for unknown people."""
    pairs, same = verification_pairs(labels)
    units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    similarity = (units @ units.T)[tuple(pairs.T)]
    far, tar, _ = verification_curve(same, similarity)
    rates = []
    for i in range(10):  # each image of a person is the gallery in turn
        known = np.array(
            [np.flatnonzero(labels == person)[i] for person in np.unique(labels)]
        )
        probes = np.setdiff1d(np.arange(len(labels)), known)
        rates.append(
            identification_rate(
                units[known], labels[known], units[probes], labels[probes]
            )
        )
    return (
        np.trapezoid(tar, far),
        equal_error_rate(same, similarity),
        tar_at_far(same, similarity, far=0.01).rate,
        np.mean(rates),
    )


def main(folder):
    """Evaluate all embedders on all splits, and print differences from ArcFace."""
    images = np.load(Path(folder) / "orl_faces" / "images.npy")
    labels = np.load(Path(folder) / "orl_faces" / "labels.npy")
    versions = [
        features_of(shifted(batch, *by))
        for batch in (images, images[:, :, ::-1])
        for by in SHIFTS
    ]
    results = {name: np.empty((N_SPLITS, 4)) for name in EMBEDDERS}
    seconds = dict.fromkeys(EMBEDDERS, 0.0)
    for k in range(N_SPLITS):
        people = np.random.default_rng(k).permutation(np.unique(labels))
        seen = np.isin(labels, people[:20])
        parts = []
        for kind in zip(*versions, strict=True):  # pixels, then edges
            scaled = Scaled().fit(kind[0][seen])
            train = np.concatenate([scaled.transform(rows[seen]) for rows in kind])
            parts.append((train, scaled.transform(kind[0][~seen])))
        X, X_new = map(np.hstack, zip(*parts, strict=True))
        y = np.tile(labels[seen], len(versions))
        for name, embedder in EMBEDDERS.items():
            start = time.perf_counter()
            embeddings = embedder.fit(X, y).transform(X_new)
            seconds[name] += time.perf_counter() - start
            results[name][k] = measure(embeddings, labels[~seen])
    print(f"{'':24}" + "".join(f"{measure:>20}" for measure in MEASURES))
    for name, values in results.items():
        print(
            f"{name:24}" + _with_errors(values) + f"{seconds[name] / N_SPLITS:8.1f} s"
        )
    print("\nArcFace less the others, on the same splits, with standard errors")
    for name, values in results.items():
        if name != "ArcFace":
            print(f"{name:24}" + _with_errors(results["ArcFace"] - values, "+"))


def _with_errors(values, sign=""):
    errors = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return "".join(
        f"{mean:{sign}.4f} ± {error:.4f}".rjust(20)
        for mean, error in zip(values.mean(axis=0), errors, strict=True)
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=sys.modules[__name__].__doc__)
    parser.add_argument("folder")
    main(parser.parse_args().folder)
