"""
Faces of people never seen
==========================

The 40 people of the ORL faces, 20 to learn from and 20 to verify, ten times over: split
k is ``numpy.random.default_rng(k).permutation(people)``. Images are described by 28 x
23 pixels and by edges (HOG), each centered on the mean of the training images and
divided by one scale; training images also come mirrored and shifted by 4 pixels.
Settings are the defaults of ``ArcFaceEmbedder``, chosen on parts of the training people
alone.

``python examples/orl_verification.py FOLDER``, where FOLDER holds ``orl_faces``; some
minutes on two threads.
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
    "features as they are": FunctionTransformer(),
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
    """Features less their mean, divided by one scale."""

    def fit(self, X, y=None):
        """Learn the mean of each column, and one scale."""
        self.mean_ = X.mean(axis=0)
        self.scale_ = (X - self.mean_).std()
        return self

    def transform(self, X):
        """Return the features, scaled."""
        return (X - self.mean_) / self.scale_


def shifted(images, down, right):
    """Return images moved by some pixels, their edges repeated."""
    padded = np.pad(images, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)), mode="edge")
    height, width = images.shape[1:]
    top, left = SHIFT - down, SHIFT - right
    return padded[:, top : top + height, left : left + width]


def features_of(images):
    """Return pixels of small images, and edges."""
    small = ImageReader((28, 23), mode="L").transform(images)
    pixels = small.reshape(len(images), -1).astype(np.float32)
    return pixels, HOG(pixels_per_cell=(16, 16)).fit_transform(images)


def measure(embeddings, who):
    """Return the four measures of people never seen."""
    pairs, same = verification_pairs(who)
    units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    similarity = (units @ units.T)[tuple(pairs.T)]
    far, tar, _ = verification_curve(same, similarity)
    rates = []
    for i in range(10):  # each image of a person in turn is the gallery
        known = np.array(
            [np.flatnonzero(who == person)[i] for person in np.unique(who)]
        )
        probes = np.setdiff1d(np.arange(len(who)), known)
        rates.append(
            identification_rate(units[known], who[known], units[probes], who[probes])
        )
    return (
        np.trapezoid(tar, far),
        equal_error_rate(same, similarity),
        tar_at_far(same, similarity, far=0.01).rate,
        np.mean(rates),
    )


def main(folder):
    """Measure all embedders on all splits, and say how they differ from ArcFace."""
    images = np.load(Path(folder) / "orl_faces" / "images.npy")
    who = np.load(Path(folder) / "orl_faces" / "labels.npy")
    versions = [
        features_of(shifted(pictures, *by))
        for pictures in (images, images[:, :, ::-1])
        for by in SHIFTS
    ]
    results = {name: np.empty((N_SPLITS, 4)) for name in EMBEDDERS}
    seconds = dict.fromkeys(EMBEDDERS, 0.0)
    for k in range(N_SPLITS):
        people = np.random.default_rng(k).permutation(np.unique(who))
        seen = np.isin(who, people[:20])
        parts = []
        for kind in zip(*versions, strict=True):  # pixels, then edges
            scaled = Scaled().fit(kind[0][seen])
            train = np.concatenate([scaled.transform(rows[seen]) for rows in kind])
            parts.append((train, scaled.transform(kind[0][~seen])))
        X, X_new = map(np.hstack, zip(*parts, strict=True))
        y = np.tile(who[seen], len(versions))
        for name, embedder in EMBEDDERS.items():
            start = time.perf_counter()
            embeddings = embedder.fit(X, y).transform(X_new)
            seconds[name] += time.perf_counter() - start
            results[name][k] = measure(embeddings, who[~seen])
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
