"""ColorHistogram against OpenCV and scikit-image with NumPy: the same work, a thread.

Counts are of 16 bins of hue, saturation and value, each or joint. OpenCV's colors are
bytes, rounded: its counts differ by a little.
"""

import cv2
import numpy as np
import pytest
from skimage.color import rgb2hsv
from threadpoolctl import threadpool_limits

from skvision import ColorHistogram

SIDES = [32, 512]
JOINT = pytest.mark.parametrize("joint", [False, True], ids=["channels", "joint"])


@pytest.fixture(autouse=True)
def one_thread():
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        yield


def opencv(images, joint):
    features = []
    for image in images:
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL)
        if joint:
            counts = cv2.calcHist([hsv], [0, 1, 2], None, [16] * 3, [0, 256] * 3)
        else:
            counts = [
                cv2.calcHist([hsv], [c], None, [16], [0, 256]).ravel() for c in range(3)
            ]
        features.append(np.ravel(counts))
    return np.array(features)


def scikit_image(images, joint):
    features = []
    for image in images:
        hsv = rgb2hsv(image).reshape(-1, 3)
        if joint:
            counts = np.histogramdd(hsv, 16, [(0, 1)] * 3)[0]
        else:
            counts = [np.histogram(hsv[:, c], 16, (0, 1))[0] for c in range(3)]
        features.append(np.ravel(counts))
    return np.array(features)


def run(benchmark, name, pictures, side, joint, function, n, rounds):
    images = pictures[side][:n]
    kind = "joint" if joint else "by channel"
    benchmark.group = f"HSV histograms, {kind}, of {side} x {side} bytes, per image"
    benchmark.extra_info.update(name=name, n=len(images))
    return benchmark.pedantic(function, (images,), rounds=rounds, warmup_rounds=1)


@JOINT
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("name", "n_jobs"), [("skvision", 1), ("skvision, 2 threads", 2)]
)
def test_skvision(benchmark, pictures, side, joint, name, n_jobs):
    histogram = ColorHistogram(joint=joint, norm=None, n_jobs=n_jobs)
    histogram.fit(pictures[side])
    features = run(benchmark, name, pictures, side, joint, histogram.transform, 500, 15)
    # scikit-image divides bytes by 255 first, which moves some that are on an edge
    moved = np.abs(features[:2] - scikit_image(pictures[side][:2], joint)).sum()
    assert moved < 0.03 * features[:2].sum()


@JOINT
@pytest.mark.parametrize("side", SIDES)
def test_opencv(benchmark, pictures, side, joint):
    counts = run(
        benchmark,
        "OpenCV cvtColor, calcHist",
        pictures,
        side,
        joint,
        lambda images: opencv(images, joint),
        500,
        15,
    )
    assert (counts.sum(axis=1) == side * side * (1 if joint else 3)).all()


@JOINT
@pytest.mark.parametrize("side", SIDES)
def test_scikit_image(benchmark, pictures, side, joint):
    counts = run(
        benchmark,
        "scikit-image, NumPy",
        pictures,
        side,
        joint,
        lambda images: scikit_image(images, joint),
        50 if side == 32 else 2,
        5,
    )
    assert (counts.sum(axis=1) == side * side * (1 if joint else 3)).all()
