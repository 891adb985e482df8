"""
Features and linear classifiers on CIFAR-10
===========================================

Pipelines are fitted to the 50,000 training images of the official split, and the 10,000
test images are predicted once. ``alpha`` was chosen on the last 5,000 training images,
with the pipeline fitted to the others. ``--choose`` repeats this choice and does not
use the test set.

``python examples/cifar10_features.py FOLDER NAME [--choose]``, where FOLDER contains
``cifar-10-batches-py`` and NAME is a pipeline below, uses two threads, and prints the
time and the peak memory of the process.
"""

import argparse
import resource
import sys
import time

from joblib import parallel_config
from sklearn.pipeline import make_pipeline, make_union
from threadpoolctl import threadpool_limits

from skvision import (
    HOG,
    BagOfVisualWords,
    ColorHistogram,
    MulticlassSVM,
    PixelNormalizer,
)
from skvision.datasets import load_cifar10


def linear(features, alpha):
    """Return a pipeline of features and a one-vs-rest squared hinge SVM."""
    return make_pipeline(
        features,
        PixelNormalizer(variance_floor=0.01),
        MulticlassSVM(multi_class="ovr", alpha=alpha),
    )


def hog_and_color():
    """Return histograms of gradients, signed and unsigned, and of colors."""
    return make_union(
        HOG(transform_sqrt=True, interpolate=True),
        HOG(orientations=18, signed=True, transform_sqrt=True, interpolate=True),
        ColorHistogram(
            bins=(12, 4, 4),
            channels=("weighted_hue", "saturation", "value"),
            grid=(4, 4),
            norm="sqrt",
        ),
        n_jobs=1,  # one at a time, because each uses both threads
    )


def words(n_words, **parameters):
    """Return visual words with a fixed seed."""
    return BagOfVisualWords(n_words=n_words, random_state=0, **parameters)


PIPELINES = {
    "hog-color": linear(hog_and_color(), alpha=0.01),
    "triangle-1600": linear(
        words(1600, codebook="kmeans", encoding="triangle"), alpha=0.003
    ),
    "words-1600": linear(words(1600), alpha=0.003),
    "words-3200": linear(words(3200), alpha=0.003),
    "words-4096": linear(words(4096), alpha=0.003),
    "words-3200-hog-color": linear(
        make_union(words(3200), hog_and_color(), n_jobs=1), alpha=0.003
    ),
}
ALPHAS = (0.03, 0.01, 0.003, 0.001)


def choose(pipeline, data):
    """Print the accuracy of each alpha on the last 5,000 training images."""
    features, classifier = pipeline[:-1], pipeline[-1]
    X = features.fit_transform(data.images[:45_000])
    X_held_out = features.transform(data.images[45_000:])
    for alpha in ALPHAS:
        classifier.set_params(alpha=alpha).fit(X, data.labels[:45_000])
        accuracy = classifier.score(X_held_out, data.labels[45_000:])
        print(f"alpha={alpha}: validation accuracy {accuracy:.4f}", flush=True)


def test(pipeline, data, held_out):
    """Fit to all training images, and predict the test set."""
    start = time.perf_counter()
    X = data.images
    for step in pipeline[:-1]:
        X = step.fit_transform(X)
        print(f"{type(step).__name__}: {time.perf_counter() - start:.0f} s", flush=True)
    pipeline[-1].fit(X, data.labels)
    fitted = time.perf_counter()
    print(f"fitted in {fitted - start:.0f} s, {pipeline[-1].n_iter_} iterations")
    del X
    accuracy = pipeline.score(held_out.images, held_out.labels)
    print(
        f"test accuracy {accuracy:.4f}, {time.perf_counter() - start:.0f} s in all, "
        f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=sys.modules[__name__].__doc__)
    parser.add_argument("folder")
    parser.add_argument("name", choices=PIPELINES)
    parser.add_argument("--choose", action="store_true")
    options = parser.parse_args()
    model, train = PIPELINES[options.name], load_cifar10(options.folder)
    with parallel_config("threading", n_jobs=2), threadpool_limits(2):
        if options.choose:
            choose(model, train)
        else:
            test(model, train, load_cifar10(options.folder, split="test"))
