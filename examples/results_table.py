"""
skvision and its peers on one task
==================================

Each row compares skvision and its peers with equal parameters and two threads, on the
first 10,000 training images and the 10,000 test images of CIFAR-10: the accuracy, and
the time from images in memory to predictions. Functions that are compiled at their
first call are compiled before. The script prints a table in about 15 minutes: ``python
examples/results_table.py FOLDER``, where FOLDER contains ``cifar-10-batches-py``.
"""

import sys
import time

import cv2
import numpy as np
from joblib import Parallel, delayed, parallel_config
from skimage.feature import hog
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from skvision import (
    HOG,
    ColorHistogram,
    KNNImageClassifier,
    MLPBackprop,
    MulticlassSVM,
    PixelNormalizer,
    SoftmaxRegression,
)
from skvision.datasets import load_cifar10

N = 10_000
ALPHA = 0.01  # for the mean loss; C = 1 / (ALPHA * N) is the same penalty


def describe(image):
    """Return the HOG of scikit-image and HSV histograms of OpenCV."""
    edges = hog(image, channel_axis=2, feature_vector=True)
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL)
    counts = [cv2.calcHist([hsv], [c], None, [16], [0, 256]).ravel() for c in range(3)]
    return np.concatenate([edges, np.concatenate(counts) / image[..., 0].size])


def describe_all(images):
    """Return the features of all images, computed by two processes."""
    rows = Parallel(2, backend="loky", batch_size=500)(map(delayed(describe), images))
    return np.array(rows, np.float32)


def flat(images):
    """Return images as rows of floats."""
    return images.reshape(len(images), -1).astype(np.float32)


HISTOGRAMS = ColorHistogram(bins=16, channels=("hue", "saturation", "value"), norm="l1")
ROWS = {
    "softmax regression, pixels": (
        make_pipeline(PixelNormalizer(), SoftmaxRegression(alpha=ALPHA)),
        "scikit-learn",
        make_pipeline(
            FunctionTransformer(flat),
            StandardScaler(),
            LogisticRegression(C=1 / (ALPHA * N), max_iter=1000),
        ),
    ),
    "linear SVM, HOG and HSV histograms": (
        make_pipeline(
            make_union(HOG(), HISTOGRAMS, n_jobs=1),
            PixelNormalizer(),
            MulticlassSVM(multi_class="ovr", alpha=ALPHA),
        ),
        "scikit-image, OpenCV, scikit-learn",
        make_pipeline(
            FunctionTransformer(describe_all),
            StandardScaler(),
            LinearSVC(C=1 / (ALPHA * N), random_state=0, max_iter=10_000),
        ),
    ),
    "network 3072-512-10, pixels, 10 epochs of Adam": (
        MLPBackprop((512,), max_iter=10, batch_size=200, random_state=0),
        "scikit-learn",
        make_pipeline(
            FunctionTransformer(flat),
            StandardScaler(),
            MLPClassifier((512,), max_iter=10, batch_size=200, tol=0, random_state=0),
        ),
    ),
    "5 nearest neighbors, L1, bytes": (
        KNNImageClassifier(5, metric="l1"),
        "scikit-learn",
        make_pipeline(
            FunctionTransformer(lambda images: images.reshape(len(images), -1)),
            KNeighborsClassifier(5, metric="manhattan", algorithm="brute", n_jobs=2),
        ),
    ),
}


def run(model, train, test):
    """Return the accuracy, and the time of fit and prediction in seconds."""
    start = time.perf_counter()
    predicted = model.fit(train.images[:N], train.labels[:N]).predict(test.images)
    seconds = time.perf_counter() - start
    return np.mean(predicted == test.labels), seconds


def main(folder):
    """Print a line for each row of the table."""
    train, test = load_cifar10(folder), load_cifar10(folder, split="test")
    print("| what | accuracy | seconds | peer | accuracy | seconds | times as long |")
    print("|---|---|---|---|---|---|---|")
    for name, (ours, peers, theirs) in ROWS.items():
        ours.fit(train.images[:200], train.labels[:200]).predict(test.images[:200])
        accuracy, seconds = run(ours, train, test)
        accuracy_there, seconds_there = run(theirs, train, test)
        print(
            f"| {name} | {accuracy:.3f} | {seconds:.1f} | {peers} | "
            f"{accuracy_there:.3f} | {seconds_there:.1f} | "
            f"{seconds_there / seconds:.2g} |",
            flush=True,
        )


if __name__ == "__main__":
    with parallel_config("threading", n_jobs=2), threadpool_limits(2):
        main(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
