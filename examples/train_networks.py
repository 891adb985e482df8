"""
Networks on CIFAR-10 and Fashion-MNIST
======================================

The datasets have their official splits. The parameters were chosen on the last tenth of
the training images. ``--choose`` evaluates a network on these and does not use the test
set. Without it, a network is trained on all training images, and the test images are
predicted once.

``python examples/train_networks.py NAME FOLDER [--choose]``. NAME is ``pixels`` or
``features``, and FOLDER contains ``cifar-10-batches-py``; or NAME is ``fashion``, and
FOLDER contains the idx files of Fashion-MNIST. The script uses two threads.
"""

import argparse
import sys
import time

import numpy as np
from joblib import parallel_config
from sklearn.pipeline import make_pipeline, make_union
from threadpoolctl import threadpool_limits

from skvision import HOG, ColorHistogram, MLPBackprop
from skvision.augmentation import Compose, RandomCrop, RandomFlip
from skvision.datasets import load_cifar10, load_mnist

NETWORKS = {
    "pixels": MLPBackprop(
        (512, 512),
        dropout=(0.1, 0.2, 0.2),
        batch_norm=True,
        augmentation=Compose([RandomFlip(), RandomCrop(padding=2)]),
        tta=True,
        solver="adamw",
        alpha=0.05,
        learning_rate="one_cycle",
        learning_rate_init=2e-3,
        batch_size=256,
        max_iter=36,
        label_smoothing=0.1,
        random_state=0,
    ),
    "features": make_pipeline(
        make_union(
            HOG(transform_sqrt=True, interpolate=True),
            HOG(orientations=18, signed=True, transform_sqrt=True, interpolate=True),
            ColorHistogram(
                bins=(12, 4, 4),
                channels=("weighted_hue", "saturation", "value"),
                grid=(4, 4),
                norm="sqrt",
            ),
            n_jobs=1,  # one at a time, because each uses both threads
        ),
        MLPBackprop(
            (1024,),
            dropout=(0.1, 0.5),
            batch_norm=True,
            solver="adamw",
            alpha=0.05,
            learning_rate="one_cycle",
            learning_rate_init=2e-3,
            batch_size=256,
            max_iter=25,
            label_smoothing=0.1,
            random_state=0,
        ),
    ),
    "fashion": MLPBackprop(
        (512, 256),
        dropout=(0.0, 0.25, 0.25),
        batch_norm=True,
        augmentation=RandomFlip(),
        tta=True,
        solver="adamw",
        alpha=0.05,
        learning_rate="one_cycle",
        learning_rate_init=2e-3,
        batch_size=128,
        max_iter=25,
        average_last=5,
        random_state=0,
    ),
}


def load(name, folder):
    """Return training and test images and labels."""
    read = load_mnist if name == "fashion" else load_cifar10
    train, test = read(folder), read(folder, split="test")
    return train.images, train.labels, test.images, test.labels


def main(name, folder, choose):
    """Train a network, and print its accuracy."""
    X, y, X_test, y_test = load(name, folder)
    if choose:
        n = len(X) * 9 // 10
        X, X_test, y, y_test = X[:n], X[n:], y[:n], y[n:]
    model = NETWORKS[name]
    start = time.perf_counter()
    model.fit(X, y)
    fitted = time.perf_counter()
    right = np.mean(model.predict(X_test) == y_test)
    network = model if name != "features" else model[-1]
    print(
        f"{name}: {'validation' if choose else 'test'} accuracy {right:.4f}; trained "
        f"in {fitted - start:.0f} s, {network.n_iter_} epochs, {network.n_parameters_} "
        f"parameters; predicted in {time.perf_counter() - fitted:.1f} s"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=sys.modules[__name__].__doc__)
    parser.add_argument("name", choices=NETWORKS)
    parser.add_argument("folder")
    parser.add_argument("--choose", action="store_true")
    options = parser.parse_args()
    with parallel_config("threading", n_jobs=2), threadpool_limits(2):
        main(options.name, options.folder, options.choose)
